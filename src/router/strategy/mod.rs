//! Which of those that can be asked is asked. Pure: chance is a throw that is handed in.

mod latency;
mod shuffle;
mod sticky;
#[cfg(test)]
mod tests;

use super::config::Strategy;
use super::group::Group;
use super::plan::View;

/// The deployment of a group to which a session belongs.
pub(super) fn home(group: &Group, session: u64) -> usize {
    let all: Vec<usize> = (0..group.members.len()).collect();
    sticky::home(group, &all, session)
}

/// Picks one of `askable`, which has at least one.
pub(super) fn choose(view: &View<'_>, askable: &[usize]) -> usize {
    let first = askable.first().copied().unwrap_or(0);
    if askable.len() < 2 {
        return first;
    }
    if let Some(session) = view.wanted.session {
        return sticky::choose(view, askable, session);
    }
    let members = || askable.iter().copied();
    let picked = match view.config.strategy {
        Strategy::SimpleShuffle => Some(shuffle::choose(view, askable)),
        Strategy::LeastBusy => members().min_by_key(|it| view.standings[*it].in_flight),
        Strategy::UsageBasedRouting => members().min_by_key(|it| {
            let standing = &view.standings[*it];
            (standing.tokens, standing.calls)
        }),
        Strategy::LatencyBasedRouting => Some(latency::choose(view, askable)),
        // Whose price nobody knows counts as the dearest, as LiteLLM has it.
        Strategy::CostBasedRouting => {
            members().min_by_key(|it| view.group.members[*it].cost.unwrap_or(u64::MAX))
        }
        Strategy::Ordered => Some(first),
    };
    picked.unwrap_or(first)
}
