//! The deployment of a session: its home, with nothing remembered, or where it had to move a while ago.
//!
//! Rendezvous hashing (Thaler and Ravishankar 1998): each deployment draws a number from the session's, and the
//! highest wins. When one cannot be asked only its own sessions move.

use super::shuffle;
use crate::router::dice::Throw;
use crate::router::dice::mix;
use crate::router::group::Group;
use crate::router::plan::View;
use crate::router::sessions::Session;

/// Picks where a session stays, else its home among those that can be asked.
pub(super) fn choose(view: &View<'_>, askable: &[usize], session: Session) -> usize {
    let is_there =
        |member: &&usize| Some(view.group.members[**member].entry.number) == session.away_at;
    match askable.iter().find(is_there) {
        Some(there) => *there,
        None => home(view.group, askable, session.number),
    }
}

/// The home of a session among some members, at least one; weights count.
pub(super) fn home(group: &Group, members: &[usize], session: u64) -> usize {
    let weights = shuffle::weights(group, members);
    let score = |place: usize, member: usize| {
        let own = group.members[member].entry.number;
        let drawn = Throw(mix(session ^ mix(own)))
            .share()
            .max(f64::MIN_POSITIVE);
        let weight = weights.as_ref().map_or(1.0, |weights| weights[place]);
        // The share of sessions is in proportion to the weight (Schindelhauer and Schomaker 2005).
        -weight / drawn.ln()
    };
    let scores = members
        .iter()
        .enumerate()
        .map(|(place, member)| (score(place, *member), *member));
    scores
        .max_by(|(one, _), (other, _)| one.total_cmp(other))
        .map_or(members[0], |(_, member)| member)
}
