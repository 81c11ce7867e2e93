//! What a watcher is given at once: the state so far instead of very many events, or a page of events, as far as its
//! role may see them.

use std::collections::BTreeSet;

use serde_json::Value;
use serde_json::json;

use super::Feed;
use super::Frame;
use super::frame::Whole;
use super::sight::Sight;
use crate::events::Envelope;
use crate::http::HttpState;
use crate::http::api::debates::Detail;
use crate::http::api::transcript::Transcript;
use crate::http::pass::Role;
use crate::store::StoreError;
use crate::types::DebateId;

/// Events read at once.
const PAGE: usize = 1_000;

impl Feed {
    /// Learns what the watcher may see behind `after`, and gives the state instead of the events when it lacks too many.
    pub(super) async fn begin(&mut self, after: u64) -> Result<(), StoreError> {
        let summary = self.state.debates.summary(&self.debate).await?;
        let head = summary.head_seq;
        let lacks = head.saturating_sub(after);
        if lacks > self.state.config.snapshot_gap {
            let role = self.sight.role().clone();
            let transcript = transcript(&self.state, &self.debate, head, &role).await?;
            let detail = Detail::new(summary, transcript);
            let mut data = serde_json::to_value(detail).unwrap_or_default();
            data["seq"] = json!(head);
            self.sight = learn(&self.state, &self.debate, head, role).await?;
            self.sent = head;
            let frame = self.transient("snapshot", data);
            self.ready.push_back(frame);
        } else if after > 0 && !self.sight.is_whole() {
            let role = self.sight.role().clone();
            self.sight = learn(&self.state, &self.debate, after, role).await?;
        }
        Ok(())
    }
}

/// What a role may see behind an event.
async fn learn(
    state: &HttpState,
    debate: &DebateId,
    until: u64,
    role: Role,
) -> Result<Sight, StoreError> {
    let mut sight = Sight::of(role);
    let mut after = 0;
    while after < until {
        let page = state.log.read(debate, after, PAGE).await?;
        let Some(last) = page.last() else { break };
        after = last.seq;
        for event in page.iter().filter(|event| event.seq <= until) {
            sight.see(event);
        }
    }
    Ok(sight)
}

/// Everything up to an event, as far as a role may see it there.
async fn transcript(
    state: &HttpState,
    debate: &DebateId,
    until: u64,
    role: &Role,
) -> Result<Transcript, StoreError> {
    let withheld = match role {
        Role::Owner => BTreeSet::new(),
        Role::Viewer | Role::Audience | Role::Seat { .. } => {
            learn(state, debate, until, role.clone()).await?.withheld()
        }
    };
    let (mut transcript, mut sight) = (Transcript::default(), Sight::of(role.clone()));
    let mut after = 0;
    while after < until {
        let page = state.log.read(debate, after, PAGE).await?;
        let Some(last) = page.last() else { break };
        after = last.seq;
        for event in page.into_iter().filter(|event| event.seq <= until) {
            transcript.take(shown(&mut sight, event, &withheld).0);
        }
    }
    Ok(transcript)
}

/// An event as it is shown when what is held back at the end of it all is known.
fn shown(sight: &mut Sight, event: Envelope, withheld: &BTreeSet<u64>) -> (Envelope, Whole) {
    let seen = sight.see(&event);
    let is_open = seen.is_withheld && !withheld.contains(&event.seq);
    let whole = match seen.is_withheld && !is_open {
        true => Whole::NotYet,
        false => Whole::Yes,
    };
    match seen.instead {
        Some(instead) if !is_open => (*instead, whole),
        Some(_) | None => (event, whole),
    }
}

/// A page of events as a role may see them now.
pub(in crate::http) async fn page(
    state: &HttpState,
    debate: &DebateId,
    role: &Role,
    events: Vec<Envelope>,
) -> Result<Vec<Value>, StoreError> {
    let (Some(first), false) = (events.first(), *role == Role::Owner) else {
        let json = events
            .iter()
            .map(|event| serde_json::to_value(event).unwrap_or_default());
        return Ok(json.collect());
    };
    let (before, head) = (first.seq - 1, state.debates.summary(debate).await?.head_seq);
    let withheld = learn(state, debate, head, role.clone()).await?.withheld();
    let mut sight = learn(state, debate, before, role.clone()).await?;
    let show = |event| {
        let (event, whole) = shown(&mut sight, event, &withheld);
        let frame = Frame::Durable(event.into(), whole);
        serde_json::from_str(&frame.json()).unwrap_or_default()
    };
    Ok(events.into_iter().map(show).collect())
}
