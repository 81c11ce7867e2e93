//! The efforts of reasoning that a model knows.

use std::collections::BTreeSet;

use crate::types::ReasoningEffort;

/// Returns the effort of these that is nearest to the wanted one, the lower of two that are as near; the wanted one
/// itself where nothing is listed. Reasoning that is wanted does not become none, unless there is nothing else.
pub(super) fn nearest(
    wanted: ReasoningEffort,
    known: &BTreeSet<ReasoningEffort>,
) -> ReasoningEffort {
    let cost = |effort: &ReasoningEffort| {
        let silenced = *effort == ReasoningEffort::None && wanted != ReasoningEffort::None;
        (silenced, (*effort as i32 - wanted as i32).abs())
    };
    known.iter().copied().min_by_key(cost).unwrap_or(wanted)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_effort_is_taken_and_never_none_for_some() {
        use ReasoningEffort::*;
        assert_eq!(nearest(Minimal, &[None, Low, High].into()), Low);
        assert_eq!(nearest(Medium, &[Low, High].into()), Low);
        assert_eq!(nearest(Max, &[Low, Xhigh].into()), Xhigh);
        assert_eq!(nearest(None, &[Low, Medium].into()), Low);
        assert_eq!(nearest(High, &[].into()), High);
    }
}
