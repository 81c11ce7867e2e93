//! The deployment of a session: the same as long as it can be asked, with nothing remembered.
//!
//! Rendezvous hashing (Thaler and Ravishankar 1998): each deployment draws a number from the session's, and the
//! highest wins. When one cannot be asked only its own sessions move, and they come back with it.

use super::shuffle;
use crate::router::dice::Throw;
use crate::router::dice::mix;
use crate::router::plan::View;

/// Picks the deployment of a session; weights count.
pub(super) fn choose(view: &View<'_>, askable: &[usize], session: u64) -> usize {
    let weights = shuffle::weights(view, askable);
    let score = |place: usize, member: usize| {
        let own = view.group.members[member].entry.number;
        let drawn = Throw(mix(session ^ mix(own)))
            .share()
            .max(f64::MIN_POSITIVE);
        let weight = weights.as_ref().map_or(1.0, |weights| weights[place]);
        // The share of sessions is in proportion to the weight (Schindelhauer and Schomaker 2005).
        -weight / drawn.ln()
    };
    let scores = askable
        .iter()
        .enumerate()
        .map(|(place, member)| (score(place, *member), *member));
    scores
        .max_by(|(one, _), (other, _)| one.total_cmp(other))
        .map_or(askable[0], |(_, member)| member)
}
