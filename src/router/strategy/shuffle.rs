//! By lot: weights count, else calls a minute, else tokens a minute, else all are alike.

use crate::router::group::Group;
use crate::router::plan::View;

/// Picks by lot. Weights are the first of weight, calls a minute and tokens a minute that any of them has; then those
/// that have none are not picked at all, as `LiteLLM` has it.
pub(super) fn choose(view: &View<'_>, askable: &[usize]) -> usize {
    let weights = weights(view.group, askable);
    let Some(weights) = weights else {
        return askable[view.throw.below(askable.len())];
    };
    let sum: f64 = weights.iter().sum();
    let mut left = view.throw.share() * sum;
    for (member, weight) in askable.iter().zip(&weights) {
        if left < *weight {
            return *member;
        }
        left -= weight;
    }
    // Only rounding leads here.
    let last = askable.iter().zip(&weights).rev();
    last.into_iter()
        .find(|(_, weight)| **weight > 0.0)
        .map_or(askable[0], |(member, _)| *member)
}

/// The weights of some members, at least one of them above 0; `None` when all are alike.
pub(super) fn weights(group: &Group, askable: &[usize]) -> Option<Vec<f64>> {
    let of = |measure: fn(&crate::types::Deployment) -> Option<f64>| {
        let weight = |member: &usize| {
            let deployment = group.members[*member].entry.deployment.as_deref();
            let given = deployment.and_then(measure).unwrap_or(0.0);
            if given.is_finite() {
                given.max(0.0)
            } else {
                0.0
            }
        };
        let weights: Vec<f64> = askable.iter().map(weight).collect();
        weights
            .iter()
            .any(|weight| *weight > 0.0)
            .then_some(weights)
    };
    of(|it| it.weight)
        .or_else(|| of(|it| it.rpm.map(|rpm| rpm as f64)))
        .or_else(|| of(|it| it.tpm.map(|tpm| tpm as f64)))
}
