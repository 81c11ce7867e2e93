//! Adding up what calls and debates used. Pure.

use crate::types::NanoUsd;
use crate::types::debate::Totals;

/// Nothing used.
pub(super) fn nothing() -> Totals {
    Totals {
        cost_known: true,
        ..Totals::default()
    }
}

/// A call that failed before it was billed, as far as anybody knows.
pub(super) fn failed() -> Totals {
    Totals {
        calls: 1,
        ..nothing()
    }
}

/// Both together; the cost is known when both are.
pub(super) fn sum(a: Totals, b: Totals) -> Totals {
    Totals {
        calls: a.calls + b.calls,
        usage: a.usage + b.usage,
        cost_nanousd: NanoUsd(a.cost_nanousd.0.saturating_add(b.cost_nanousd.0)),
        cost_known: a.cost_known && b.cost_known,
    }
}

/// All of them together.
pub(super) fn total(all: impl IntoIterator<Item = Totals>) -> Totals {
    all.into_iter().fold(nothing(), sum)
}
