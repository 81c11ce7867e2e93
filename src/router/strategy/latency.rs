//! One of the fastest.

use crate::router::plan::View;

/// Picks by lot among those that are at most the buffer slower than the fastest. Who has not been measured counts as
/// the fastest, so that it is.
pub(super) fn choose(view: &View<'_>, askable: &[usize]) -> usize {
    let seconds = |member: usize| view.standings[member].seconds.unwrap_or(0.0);
    let fastest = askable
        .iter()
        .map(|member| seconds(*member))
        .fold(f64::INFINITY, f64::min);
    let limit = fastest + fastest * view.config.latency.buffer.max(0.0);
    let near: Vec<usize> = askable
        .iter()
        .copied()
        .filter(|member| seconds(*member) <= limit)
        .collect();
    match near.as_slice() {
        [] => askable[0],
        near => near[view.throw.below(near.len())],
    }
}
