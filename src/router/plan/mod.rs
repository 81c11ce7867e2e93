//! What a call does next: ask, wait or give up. Pure; its tests say why a deployment was picked.

mod end;
#[cfg(test)]
mod tests;
mod turn;
mod why;

use tokio::time::Instant;

use super::config::RouterConfig;
use super::dice::Throw;
use super::group::Group;
use super::health::Health;
use super::minute::Minute;
use super::retry;
use super::retry::Again;
use super::sessions::Session;
use super::strategy;
use crate::client::LlmError;
use crate::client::Wishes;
pub(super) use end::give_up;
pub(super) use turn::Tagged;
use turn::Turn;
pub(super) use why::Exclusion;
pub(super) use why::Why;

/// Everything that a choice goes by.
#[derive(Clone, Copy)]
pub(super) struct View<'a> {
    pub(super) group: &'a Group,
    /// How the group's members fare, in their order.
    pub(super) standings: &'a [Standing],
    /// Attempts of this call that failed in this group.
    pub(super) failures: &'a [Failure],
    pub(super) config: &'a RouterConfig,
    pub(super) wanted: Wanted<'a>,
    pub(super) patience: Patience,
    pub(super) minute: Minute,
    pub(super) now: Instant,
    pub(super) throw: Throw,
}

/// How a deployment fares.
#[derive(Debug, Clone)]
pub(super) struct Standing {
    pub(super) health: Health,
    pub(super) in_flight: u32,
    /// Calls of this minute.
    pub(super) calls: u64,
    /// Tokens of this minute.
    pub(super) tokens: u64,
    /// How fast it answered last, where the strategy goes by it.
    pub(super) seconds: Option<f64>,
}

/// What a call needs and wants.
#[derive(Debug, Clone, Copy)]
pub(super) struct Wanted<'a> {
    /// An estimate of the prompt's tokens.
    pub(super) tokens: u64,
    pub(super) tags: &'a [String],
    pub(super) wishes: &'a Wishes,
    /// Its session, where sessions stay with a deployment.
    pub(super) session: Option<Session>,
    /// Another group may be asked after this one.
    pub(super) has_fallbacks: bool,
    /// Another group is asked for what the last attempt failed with, and for nothing else.
    pub(super) has_own_fallbacks: bool,
}

/// An attempt of this call that failed.
#[derive(Debug, Clone)]
pub(super) struct Failure {
    /// Its place in the group.
    pub(super) member: usize,
    pub(super) error: LlmError,
    /// When this call may ask the deployment again; `None` when it may not, or only later than a call waits.
    pub(super) again_at: Option<Instant>,
}

/// How long a call waits.
#[derive(Debug, Clone, Copy)]
pub(super) struct Patience {
    /// Until when it waits for a cooldown that it did not cause.
    pub(super) for_cooldown: Instant,
    /// Until when it waits for a place among the calls that a deployment takes at once.
    pub(super) for_place: Instant,
    /// Until when the answer is of use.
    pub(super) deadline: Option<Instant>,
}

/// What a call does next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    /// Asks this one of the group.
    Ask(usize),
    /// Waits until then.
    Wait {
        until: Instant,
        /// Or until something can be asked again: another call's probe has ended, a place is free.
        or_change: bool,
    },
    /// Gives up.
    GiveUp,
}

/// What a call does next, and who is not asked now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Decision {
    pub(super) step: Step,
    /// Empty when everybody can be asked; that takes no room.
    pub(super) excluded: Vec<Exclusion>,
}

/// Returns what a call does next, given its group's standings and its own failures so far.
///
/// Of those that can be asked now the strategy picks one; otherwise the call waits for the one that can be asked
/// soonest.
pub(super) fn next(view: &View<'_>) -> Decision {
    if !may_go_on(view) {
        return Decision {
            step: Step::GiveUp,
            excluded: Vec::new(),
        };
    }
    // The most usual group: one that is well.
    if let [_] = view.standings
        && let Turn::Now = turn::turn(view, Tagged::of(view), 0)
    {
        return Decision {
            step: Step::Ask(0),
            excluded: Vec::new(),
        };
    }
    let (askable, waits, excluded) = look(view);
    let step = if !askable.is_empty() {
        Step::Ask(strategy::choose(view, &askable))
    } else {
        wait(view, waits)
    };
    Decision { step, excluded }
}

/// Who can be asked now, and why the others cannot.
pub(super) fn askable(view: &View<'_>) -> (Vec<usize>, Vec<Exclusion>) {
    let (askable, _, excluded) = look(view);
    (askable, excluded)
}

/// What may be waited for.
#[derive(Debug, Clone, Copy, Default)]
struct Waits {
    /// Somebody can be asked then.
    soonest: Option<Instant>,
    /// Somebody may become askable by another call's doing, and is waited for until then.
    change: Option<Instant>,
}

fn look(view: &View<'_>) -> (Vec<usize>, Waits, Vec<Exclusion>) {
    let tagged = Tagged::of(view);
    let (mut askable, mut excluded) = (Vec::new(), Vec::new());
    let mut waits = Waits::default();
    for member in 0..view.group.members.len() {
        let why = match turn::turn(view, tagged, member) {
            Turn::Now => {
                askable.push(member);
                continue;
            }
            Turn::At(at, why) => {
                waits.soonest = Some(waits.soonest.map_or(at, |soonest| soonest.min(at)));
                why
            }
            Turn::AfterChange(until, why) => {
                waits.change = Some(waits.change.map_or(until, |latest| latest.max(until)));
                why
            }
            Turn::Out(why) => why,
        };
        excluded.push(Exclusion { member, why });
    }
    turn::keep_roomy(view, &mut askable, &mut excluded);
    turn::keep_lowest_order(view, &mut askable, &mut excluded);
    (askable, waits, excluded)
}

fn wait(view: &View<'_>, waits: Waits) -> Step {
    let of_use = |at: &Instant| view.patience.deadline.is_none_or(|deadline| *at < deadline);
    // Another group answers sooner.
    let longest = view
        .wanted
        .has_fallbacks
        .then(|| view.now + view.config.max_delay());
    let is_short = |at: &Instant| longest.is_none_or(|longest| *at <= longest);
    let soonest = waits.soonest.filter(of_use).filter(is_short);
    match (soonest, waits.change) {
        (Some(until), change) => Step::Wait {
            until,
            or_change: change.is_some(),
        },
        (None, Some(until)) => Step::Wait {
            until,
            or_change: true,
        },
        (None, None) => Step::GiveUp,
    }
}

/// Whether the last failure, and the number of them, leave room for another attempt.
fn may_go_on(view: &View<'_>) -> bool {
    let Some(last) = view.failures.last() else {
        return true;
    };
    let kind = &last.error.kind;
    if view.wanted.has_own_fallbacks
        || view
            .patience
            .deadline
            .is_some_and(|deadline| deadline <= view.now)
    {
        return false;
    }
    let policy = view.config.policy_for(&view.group.written, kind);
    let same = |failure: &&Failure| failure.error.kind.code() == kind.code();
    let allowed = match retry::again(kind, view.group.is_listed) {
        _ if policy.is_some() => true,
        Again::Always | Again::Elsewhere => true,
        Again::Once => view.failures.iter().filter(same).count() <= 1,
        Again::Never => false,
    };
    allowed && view.failures.len() <= usize::from(retries(view, policy))
}

/// Further attempts after the first: the caller's number, the deployment's, the policy's, the router's.
fn retries(view: &View<'_>, policy: Option<u8>) -> u8 {
    let begun_at = view.failures.first().map(|failure| failure.member);
    let own = begun_at
        .and_then(|member| view.group.members[member].entry.deployment.as_ref())
        .and_then(|deployment| deployment.num_retries);
    view.wanted
        .wishes
        .num_retries
        .or(own)
        .or(policy)
        .unwrap_or(view.config.num_retries)
}
