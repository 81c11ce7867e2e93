//! How the members of a group fare when a call looks at them, and how long it waits for them.

use std::time::Duration;

use tokio::time::Instant;

use crate::router::config::Strategy;
use crate::router::errand::Facts;
use crate::router::group::Group;
use crate::router::group::Member;
use crate::router::minute::Minute;
use crate::router::plan::Patience;
use crate::router::plan::Standing;
use crate::router::snapshot::Snapshot;

/// How the members of a group fare; the most usual group has one.
pub(super) enum Standings {
    One(Standing),
    Many(Vec<Standing>),
}

impl Standings {
    pub(super) fn of(snapshot: &Snapshot, group: &Group, in_pieces: bool, now: Instant) -> Self {
        let minute = snapshot.common.minutes.at(now);
        let of = |member| standing(snapshot, member, in_pieces, (minute, now));
        match group.members.as_slice() {
            [only] => Self::One(of(only)),
            members => Self::Many(members.iter().map(of).collect()),
        }
    }

    pub(super) fn as_slice(&self) -> &[Standing] {
        match self {
            Self::One(one) => std::slice::from_ref(one),
            Self::Many(many) => many,
        }
    }
}

/// How a deployment fares now.
pub(in crate::router) fn standing(
    snapshot: &Snapshot,
    member: &Member,
    in_pieces: bool,
    (minute, now): (Minute, Instant),
) -> Standing {
    let state = &member.entry.state;
    let latency = &snapshot.config.latency;
    let ttl = Duration::from_secs(latency.ttl_s.into());
    Standing {
        health: state.health(),
        in_flight: state.in_flight(),
        calls: state.calls.get(minute),
        tokens: state.tokens.get(minute),
        seconds: match snapshot.config.strategy {
            Strategy::LatencyBasedRouting => state.mean_seconds(in_pieces, ttl, now),
            Strategy::SimpleShuffle
            | Strategy::LeastBusy
            | Strategy::UsageBasedRouting
            | Strategy::CostBasedRouting
            | Strategy::Ordered => None,
        },
    }
}

/// How long a call waits. Callers of a group are told at once that all of it cools down, so that they can decide for
/// themselves; a debate has nobody who would come back later.
pub(super) fn patience(
    snapshot: &Snapshot,
    group: &Group,
    facts: &Facts<'_>,
    started: Instant,
) -> Patience {
    let waits_until = started + snapshot.config.wait_for_cooldown();
    let deadline = facts.call.deadline;
    let for_place = deadline.map_or(waits_until, |deadline| waits_until.min(deadline));
    let waits = !group.is_listed || facts.call.debate.is_some();
    Patience {
        for_cooldown: if waits { for_place } else { started },
        for_place,
        deadline,
    }
}
