//! A debate as a watcher gets it: every durable event once and in order, the text so far of turns in flight,
//! and then words as they come. WebSocket and SSE send the same feed.

mod coalesce;
mod frame;
mod sight;
mod snapshot;
mod sse;

use std::collections::HashMap;
use std::collections::HashSet;
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use serde_json::json;
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::broadcast::error::TryRecvError;
use tokio::time::Instant;

use coalesce::Coalescer;
use frame::Transient;
use frame::Whole;
use sight::Sight;

pub(super) use frame::Frame;
pub(super) use snapshot::page;
pub(super) use sse::sse;

use super::HttpState;
use super::pass::Role;
use crate::events::Envelope;
use crate::events::EventBody;
use crate::events::LiveEvent;
use crate::events::Words;
use crate::events::rfc3339;
use crate::store::StoreError;
use crate::types::DebateId;
use crate::types::TurnId;

/// Events read at once from the log.
const PAGE: usize = 500;
/// A debate that another process runs sends no live events here, so its log is looked at this often.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// The same of a debate that this process runs: its events are told here, unless another process has taken it over.
const LOOK_AFTER_OWN_EVERY: Duration = Duration::from_secs(15);
/// How often a watcher hears that the server is alive.
pub(super) const HEARTBEAT: Duration = Duration::from_secs(15);

/// What one watcher still has to get. `next` may be given up at any point: nothing is lost.
pub(super) struct Feed {
    state: HttpState,
    debate: DebateId,
    /// The last durable event that was handed out.
    sent: u64,
    ready: VecDeque<Frame>,
    live: Receiver<LiveEvent>,
    words: Coalescer,
    wants_deltas: bool,
    /// Durable events may have been missed: the log has to be read.
    behind: bool,
    looked_at: Instant,
    /// The live lane tells of the debate's events.
    is_told_here: bool,
    /// Turns whose words were ended by an event that was read from the log before the live lane told of it:
    /// words that the lane still holds from before it are old.
    stale: HashMap<TurnId, u64>,
    /// The last event that the live lane told of.
    told: u64,
    /// Turns that began, or whose words were sent, on this feed.
    heard: HashSet<TurnId>,
    heartbeat_at: Instant,
    ended: bool,
    closed: bool,
    /// What the watcher may see.
    sight: Sight,
    /// Events that were held back and may be seen now.
    to_reveal: VecDeque<u64>,
}

impl Feed {
    /// Follows a debate from behind event `after` on, as far as a role may see it.
    pub(super) async fn open(
        state: HttpState,
        debate: DebateId,
        after: u64,
        role: Role,
    ) -> Result<Self, StoreError> {
        // Subscribed before the log is read, so that nothing falls between the two.
        let subscription = state.live.subscribe(&debate);
        let now = Instant::now();
        let mut feed = Self {
            sent: after,
            ready: VecDeque::new(),
            live: subscription.receiver,
            words: Coalescer::new(Arc::clone(&state.metrics)),
            wants_deltas: true,
            behind: true,
            looked_at: now,
            is_told_here: subscription.runs_here,
            stale: HashMap::new(),
            told: subscription.stored_seq,
            heard: HashSet::new(),
            heartbeat_at: now + HEARTBEAT,
            ended: false,
            closed: false,
            sight: Sight::of(role),
            to_reveal: VecDeque::new(),
            debate,
            state,
        };
        feed.begin(after).await?;
        feed.catch_up(false).await?;
        for text in subscription.in_flight {
            if !feed.stale.contains_key(&text.turn) && feed.sight.hears(&text.turn) {
                let words = Words {
                    turn: &text.turn,
                    channel: text.channel,
                    text: &text.text,
                    arrived: now,
                };
                feed.words.push(words, 0);
                feed.heard.insert(text.turn.clone());
            }
        }
        if let Some(data) = feed.words.take(now) {
            feed.ready.push_back(feed.transient("turn.delta", data));
        }
        Ok(feed)
    }

    /// Whether words are wanted beside durable events.
    pub(super) fn want_deltas(&mut self, wanted: bool) {
        self.wants_deltas = wanted;
    }

    /// Whose turn this is, while it is under way.
    pub(super) fn speaker(&self, turn: &TurnId) -> Option<&str> {
        self.sight.speaker(turn)
    }

    /// The number of the last durable event that was handed out.
    pub(super) fn sent(&self) -> u64 {
        self.sent
    }

    /// The next message; waits for it.
    ///
    /// # Errors
    /// When the log cannot be read.
    pub(super) async fn next(&mut self) -> Result<Frame, StoreError> {
        loop {
            if let Some(frame) = self.ready.pop_front() {
                if let Frame::Durable(event, _) = &frame {
                    self.sent = event.seq;
                }
                return Ok(frame);
            }
            if let Some(seq) = self.to_reveal.front().copied() {
                let found = self.state.log.read(&self.debate, seq - 1, 1).await?;
                self.to_reveal.pop_front();
                if let Some(event) = found.first() {
                    let data = json!({"seq": seq, "event": event});
                    let frame = self.transient("event.revealed", data);
                    self.ready.push_back(frame);
                }
                continue;
            }
            if self.ended && !std::mem::replace(&mut self.closed, true) {
                return Ok(Frame::End);
            }
            if self.behind {
                self.catch_up(true).await?;
                continue;
            }
            self.wait().await;
        }
    }

    async fn wait(&mut self) {
        let flush_at = self.words.due();
        let look_at = if self.ended {
            None
        } else {
            Some(self.looked_at + self.look_every())
        };
        tokio::select! {
            live = self.live.recv() => self.take(live),
            () = sleep_until(flush_at) => self.flush(),
            () = sleep_until(look_at) => self.behind = true,
            () = tokio::time::sleep_until(self.heartbeat_at) => {
                self.heartbeat_at = Instant::now() + HEARTBEAT;
                let beat = self.transient("heartbeat", json!({"head_seq": self.sent}));
                self.ready.push_back(beat);
            }
        }
    }

    fn look_every(&self) -> Duration {
        match self.is_told_here {
            true => LOOK_AFTER_OWN_EVERY,
            false => LOOK_EVERY,
        }
    }

    fn take(&mut self, live: Result<LiveEvent, RecvError>) {
        self.looked_at = Instant::now();
        match live {
            Ok(LiveEvent::Delta {
                turn,
                channel,
                off,
                text,
                arrived,
            }) => {
                if self.wants_deltas && !self.stale.contains_key(&turn) && self.sight.hears(&turn) {
                    if !self.heard.contains(&turn) {
                        self.heard.insert(turn.clone());
                    }
                    let words = Words {
                        turn: &turn,
                        channel,
                        text: &text,
                        arrived,
                    };
                    self.words.push(words, off);
                }
            }
            Ok(LiveEvent::Quote(quote)) => {
                let is_seen =
                    !self.stale.contains_key(&quote.turn) && self.sight.hears(&quote.turn);
                if self.wants_deltas && is_seen {
                    // Behind the words that it is about.
                    self.flush();
                    let data = serde_json::to_value(quote).unwrap_or_default();
                    let frame = self.transient("claim.live", data);
                    self.ready.push_back(frame);
                }
            }
            Ok(LiveEvent::Stored(events)) => {
                self.flush();
                self.is_told_here = true;
                self.told = events.last().map_or(self.told, |event| event.seq);
                for event in events.iter() {
                    let same_turn = |(turn, until): (&TurnId, &u64)| {
                        event.turn.as_ref() == Some(turn) && event.seq >= *until
                    };
                    if self.stale.iter().any(same_turn) {
                        self.stale
                            .retain(|turn, _| event.turn.as_ref() != Some(turn));
                    }
                    self.take_durable(event.clone());
                }
            }
            // Too slow: the words are gone, durable events are in the log, and what the lane told of is not known.
            Err(RecvError::Lagged(_) | RecvError::Closed) => {
                self.behind = true;
                self.told = u64::MAX;
            }
        }
    }

    /// Hands a durable event on, if it is the next one; a gap is filled from the log.
    fn take_durable(&mut self, event: Envelope) {
        let last = self.last_queued();
        if event.seq == last + 1 {
            let seen = self.sight.see(&event);
            let event = seen.instead.map_or(event, |instead| *instead);
            if !seen.is_withheld {
                self.complete_words(&event);
            }
            self.to_reveal.extend(seen.revealed);
            self.ended |= event.body.ends_debate();
            if let Some(turn) = event.turn.as_ref().filter(|_| event.body.ends_text()) {
                self.words.forget(turn);
            }
            let whole = match seen.is_withheld {
                true => Whole::NotYet,
                false => Whole::Yes,
            };
            self.ready.push_back(Frame::Durable(Arc::new(event), whole));
        } else if event.seq > last {
            self.behind = true;
        }
    }

    /// A watcher that comes back may have the beginning of a turn that ended meanwhile: it gets the rest of the
    /// words as those of a turn in flight, and then the event.
    fn complete_words(&mut self, event: &Envelope) {
        let Some(turn) = &event.turn else { return };
        match &event.body {
            EventBody::TurnStarted(_) => drop(self.heard.insert(turn.clone())),
            EventBody::TurnCompleted(completed)
                if self.wants_deltas && !self.heard.contains(turn) =>
            {
                let whole =
                    json!({"turn": turn, "off": 0, "text": completed.text, "channel": "speech"});
                let frame = self.transient("turn.delta", json!({"deltas": [whole]}));
                self.ready.push_back(frame);
            }
            _ => {}
        }
    }

    fn last_queued(&self) -> u64 {
        let queued = self.ready.iter().rev().find_map(|frame| match frame {
            Frame::Durable(event, _) => Some(event.seq),
            Frame::Transient(_) | Frame::End => None,
        });
        queued.unwrap_or(self.sent)
    }

    /// Reads from the log what was not handed on yet. What lies behind the last event that the live lane told of
    /// will be told again.
    ///
    /// Words that came before an event of the log was stored are in the live lane by now, so they are heard first.
    async fn catch_up(&mut self, hears: bool) -> Result<(), StoreError> {
        loop {
            let page = self
                .state
                .log
                .read(&self.debate, self.last_queued(), PAGE)
                .await?;
            let last = page.len() < PAGE;
            let told = if hears { self.hear_all() } else { Vec::new() };
            for event in page {
                if let Some(turn) = event
                    .turn
                    .as_ref()
                    .filter(|_| event.body.ends_text() && event.seq > self.told)
                {
                    self.stale.insert(turn.clone(), event.seq);
                }
                self.take_durable(event);
            }
            told.into_iter().for_each(|event| self.take_durable(event));
            if last {
                self.behind = false;
                self.looked_at = Instant::now();
                return Ok(());
            }
        }
    }

    /// Takes what the live lane holds at this moment, without waiting; gives the durable events that it tells of.
    fn hear_all(&mut self) -> Vec<Envelope> {
        let mut told = Vec::new();
        loop {
            match self.live.try_recv() {
                Ok(LiveEvent::Stored(events)) => {
                    self.told = events.last().map_or(self.told, |event| event.seq);
                    told.extend(events.iter().cloned());
                }
                Ok(said @ (LiveEvent::Delta { .. } | LiveEvent::Quote(_))) => self.take(Ok(said)),
                Err(TryRecvError::Lagged(_)) => self.told = u64::MAX,
                Err(TryRecvError::Empty | TryRecvError::Closed) => break,
            }
        }
        self.flush();
        told
    }

    fn flush(&mut self) {
        if let Some(data) = self.words.take(Instant::now()) {
            let frame = self.transient("turn.delta", data);
            self.ready.push_back(frame);
        }
    }

    /// A message without a number of its own.
    pub(super) fn transient(&self, kind: &'static str, data: Value) -> Frame {
        Frame::Transient(Transient {
            v: 1,
            kind,
            debate: self.debate.clone(),
            after: self.last_queued(),
            ts: rfc3339(self.state.clock.now_ms()),
            data,
        })
    }
}

async fn sleep_until(at: Option<Instant>) {
    match at {
        Some(at) => tokio::time::sleep_until(at).await,
        None => std::future::pending().await,
    }
}
