//! The right to ask a deployment once, and what is noted about it afterwards.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::config::Strategy;
use super::errand::Facts;
use super::fallback;
use super::fallback::Asks;
use super::fallback::Failed;
use super::group::Entry;
use super::group::Group;
use super::group::Member;
use super::health::Health;
use super::health::Place;
use super::health::Rules;
use super::health::Sign;
use super::minute::Minute;
use super::snapshot::Snapshot;
use crate::client::LlmErrorKind;
use crate::client::Wishes;
use crate::events::Observers;

/// What a deployment that let a call wait in vain counts as, in seconds, as `LiteLLM` has it.
const TIMED_OUT_SECONDS: f64 = 1000.0;

/// The right to ask a deployment once. Dropped without a word, it says that nothing was learned.
pub(super) struct Ticket {
    snapshot: Arc<Snapshot>,
    group: Arc<Group>,
    member: usize,
    is_probe: bool,
    in_pieces: bool,
    minute: Minute,
    /// Tokens that are counted for this call so far.
    tokens: u64,
    taken_at: Instant,
}

impl Ticket {
    /// Takes the right to ask; `None` when somebody else was faster and it cannot be asked now.
    pub(super) fn take(
        snapshot: &Arc<Snapshot>,
        (group, member): (&Arc<Group>, usize),
        facts: &Facts<'_>,
        now: Instant,
    ) -> Option<Self> {
        let entry = &group.members[member].entry;
        let state = &entry.state;
        let minute = snapshot.common.minutes.at(now);
        if !state.enter(entry.places) {
            return None;
        }
        if !state.calls.take(minute, 1, entry.rpm()) {
            state.leave();
            return None;
        }
        let tokens = facts.tokens;
        if !state.tokens.take(minute, tokens, entry.tpm()) {
            state.calls.correct(minute, 1, 0);
            state.leave();
            return None;
        }
        let Some(is_probe) = state.admit(now) else {
            state.tokens.correct(minute, tokens, 0);
            state.calls.correct(minute, 1, 0);
            state.leave();
            return None;
        };
        Some(Self {
            snapshot: Arc::clone(snapshot),
            group: Arc::clone(group),
            member,
            is_probe,
            in_pieces: facts.in_pieces,
            minute,
            tokens,
            taken_at: now,
        })
    }

    pub(super) fn group(&self) -> &Arc<Group> {
        &self.group
    }

    /// Its place in the group.
    pub(super) fn place(&self) -> usize {
        self.member
    }

    pub(super) fn member(&self) -> &Member {
        &self.group.members[self.member]
    }

    fn entry(&self) -> &Entry {
        &self.member().entry
    }

    /// The first chunk is here: a probe has done its work.
    pub(super) fn answering(&mut self) {
        self.note_speed(1);
        if self.is_probe {
            self.note(Sign::Answering);
        }
    }

    /// Puts the tokens that were used in the place of those that were estimated.
    pub(super) fn used(&mut self, tokens: u64) {
        if tokens > 0 {
            let state = &self.entry().state;
            state.tokens.correct(self.minute, self.tokens, tokens);
            self.tokens = tokens;
        }
    }

    /// A whole answer of so many tokens is here.
    pub(super) fn answered(&mut self, answer_tokens: u64) {
        self.note_speed(answer_tokens.max(1));
    }

    /// The answer is complete.
    pub(super) fn succeeded(mut self) {
        self.note(Sign::Succeeded);
    }

    /// The attempt failed before its first chunk.
    pub(super) fn attempt_failed(mut self, kind: &LlmErrorKind) {
        if matches!(kind, LlmErrorKind::Timeout { .. }) && self.goes_by_speed() {
            let kept = self.snapshot.config.latency.kept;
            let state = &self.entry().state;
            state.note_speed(self.in_pieces, TIMED_OUT_SECONDS, kept);
        }
        self.note(Sign::AttemptFailed(kind));
    }

    /// The answer broke off after its first chunk.
    pub(super) fn cut(mut self, kind: &LlmErrorKind) {
        self.note(Sign::CallFailed(kind));
    }

    fn goes_by_speed(&self) -> bool {
        self.snapshot.config.strategy == Strategy::LatencyBasedRouting
    }

    fn note_speed(&self, tokens: u64) {
        if self.goes_by_speed() {
            let seconds = self.taken_at.elapsed().as_secs_f64() / tokens as f64;
            let kept = self.snapshot.config.latency.kept;
            self.entry().state.note_speed(self.in_pieces, seconds, kept);
        }
    }

    fn note(&mut self, sign: Sign<'_>) {
        let at = (&self.group, self.member);
        note(&self.snapshot, at, sign, self.is_probe);
        self.is_probe = false;
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        if self.is_probe {
            self.note(Sign::Nothing);
        }
        let entry = self.entry();
        entry.state.leave();
        if entry.places.is_some() {
            self.snapshot.common.changes.tell();
        }
    }
}

/// Notes that a call to a group of one is given up; `kind` is how its last attempt failed. Where others could be asked
/// instead, each attempt has been noted already.
pub(super) fn call_failed(
    snapshot: &Snapshot,
    (group, member): (&Arc<Group>, usize),
    kind: &LlmErrorKind,
) {
    if group.members.len() == 1 {
        note(snapshot, (group, member), Sign::CallFailed(kind), false);
    }
}

fn note(
    snapshot: &Snapshot,
    (group, member): (&Arc<Group>, usize),
    sign: Sign<'_>,
    is_probe: bool,
) {
    let entry = &group.members[member].entry;
    let failed = match sign {
        Sign::AttemptFailed(_) | Sign::CallFailed(_) => true,
        Sign::Answering | Sign::Succeeded | Sign::Nothing => false,
    };
    if !failed && entry.state.is_well() {
        return;
    }
    let now = Instant::now();
    let rules = Rules {
        config: &snapshot.config,
        place: place(snapshot, group, entry, failed.then_some(now)),
        cooldown: entry.deployment.as_ref().and_then(|it| it.cooldown),
    };
    if let Some(changed) = entry.state.note(sign, is_probe, &rules, now) {
        announce(&group.members[member], &changed, now);
        tell(&snapshot.common.observers, entry, &changed, now);
        snapshot.common.changes.tell();
    }
}

fn place(snapshot: &Snapshot, group: &Group, entry: &Entry, failed: Option<Instant>) -> Place {
    if !group.is_listed {
        return Place::Named;
    }
    if group.members.len() == 1 {
        let failed = Failed {
            asked: &group.name,
            group,
        };
        let asks = Asks {
            wishes: &Wishes::default(),
            allowed: None,
        };
        return Place::Alone {
            has_fallbacks: fallback::any(failed, &snapshot.config, asks),
        };
    }
    let mostly_fails = |now| entry.state.mostly_fails(snapshot.common.minutes.at(now));
    Place::Among {
        mostly_failing: failed.is_some_and(mostly_fails),
        fills_in: group.fills_in(),
    }
}

fn announce(member: &Member, health: &Health, now: Instant) {
    match health {
        Health::Cooling { until, cause } if *until > now => tracing::warn!(
            target: "agon::llm",
            deployment = member.id(),
            cause = cause.code(),
            cooldown_ms = millis(*until - now),
            "{member} rests for {:.1} s after {cause}",
            (*until - now).as_secs_f64(),
        ),
        Health::Ready { .. } | Health::Cooling { .. } | Health::Probing { .. } => {}
    }
}

/// Tells whoever counts it that a deployment rests, or may be asked again.
fn tell(observers: &Observers, entry: &Entry, health: &Health, now: Instant) {
    let Some(deployment) = &entry.deployment else {
        return;
    };
    match health {
        Health::Cooling { until, cause } if *until > now => {
            observers.deployment_cooled(deployment, cause.code());
        }
        Health::Ready { failures: 0 } => observers.deployment_recovered(deployment),
        Health::Ready { .. } | Health::Cooling { .. } | Health::Probing { .. } => {}
    }
}

fn millis(span: Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}
