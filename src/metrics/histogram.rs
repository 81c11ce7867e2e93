//! Histograms that cost two atomic adds: one for the bucket, one for the sum.

use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;
use std::time::Duration;

use super::read;

/// Converts bounds once, at compile time.
const fn to_ns<const N: usize>(seconds: [f64; N]) -> [u64; N] {
    let mut ns = [0; N];
    let mut at = 0;
    while at < N {
        ns[at] = (seconds[at] * 1e9 + 0.5) as u64;
        at += 1;
    }
    ns
}

/// The bounds of Agon's own share of a call, 10 µs to 1 s: far below what a person notices.
pub(super) const OVERHEAD: [f64; 13] = [
    0.000_01, 0.000_025, 0.000_05, 0.000_1, 0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.05,
    0.2, 1.0,
];

/// 50 ms to a minute: a hosted model answers in half a second, a local one may have to be loaded first.
pub(super) const TTFT: [f64; 10] = [0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0];

/// 100 ms to ten minutes.
pub(super) const DURATION: [f64; 11] = [
    0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 180.0, 600.0,
];

/// 1 ms to 5 s, around the 33 ms in which deltas are gathered.
pub(super) const RELAY: [f64; 10] = [0.001, 0.005, 0.01, 0.02, 0.033, 0.05, 0.1, 0.25, 1.0, 5.0];

/// The bounds that `LiteLLM`'s series have, since alerts name them.
pub(super) const LITELLM: [f64; 35] = [
    0.005, 0.006_25, 0.012_5, 0.025, 0.05, 0.1, 0.5, 1.0, 1.5, 2.0, 2.5, 3.0, 3.5, 4.0, 4.5, 5.0,
    5.5, 6.0, 6.5, 7.0, 7.5, 8.0, 8.5, 9.0, 9.5, 10.0, 15.0, 20.0, 25.0, 30.0, 60.0, 120.0, 180.0,
    240.0, 300.0,
];

/// All bounds of [`TTFT`], [`DURATION`] and [`LITELLM`]: counted once, shown with either's.
pub(super) const LATENCY_NS: [u64; 37] = to_ns([
    0.005, 0.006_25, 0.012_5, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 1.5, 2.0, 2.5, 3.0, 3.5, 4.0, 4.5,
    5.0, 5.5, 6.0, 6.5, 7.0, 7.5, 8.0, 8.5, 9.0, 9.5, 10.0, 15.0, 20.0, 25.0, 30.0, 60.0, 120.0,
    180.0, 240.0, 300.0, 600.0,
]);

/// All bounds of [`OVERHEAD`], and those of [`LITELLM`] up to a second.
pub(super) const OVERHEAD_NS: [u64; 18] = to_ns([
    0.000_01, 0.000_025, 0.000_05, 0.000_1, 0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.006_25,
    0.01, 0.012_5, 0.025, 0.05, 0.1, 0.2, 0.5, 1.0,
]);

/// The bounds of `LiteLLM`'s series of its own share; above a second it shows only that it was more.
pub(super) const LITELLM_OVERHEAD: [f64; 8] =
    [0.005, 0.006_25, 0.012_5, 0.025, 0.05, 0.1, 0.5, 1.0];

/// [`RELAY`] in nanoseconds.
pub(super) const RELAY_NS: [u64; 10] = to_ns(RELAY);

/// Spans of time by size. The bounds are the user's constant, not stored.
#[derive(Debug)]
pub(super) struct Histogram<const N: usize> {
    counts: [AtomicU64; N],
    above: AtomicU64,
    sum_ns: AtomicU64,
}

impl<const N: usize> Default for Histogram<N> {
    fn default() -> Self {
        Self {
            counts: std::array::from_fn(|_| AtomicU64::new(0)),
            above: AtomicU64::new(0),
            sum_ns: AtomicU64::new(0),
        }
    }
}

impl<const N: usize> Histogram<N> {
    pub(super) fn observe(&self, bounds_ns: &[u64; N], span: Duration) {
        // 584 years fit.
        let ns = span.as_nanos() as u64;
        let at = bounds_ns.partition_point(|bound| *bound < ns);
        let counter = self.counts.get(at).unwrap_or(&self.above);
        counter.fetch_add(1, Ordering::Relaxed);
        self.sum_ns.fetch_add(ns, Ordering::Relaxed);
    }

    /// Adds what it holds to a total.
    pub(super) fn add_to(&self, total: &mut Totals<N>) {
        for (sum, counter) in total.counts.iter_mut().zip(&self.counts) {
            *sum += read(counter);
        }
        total.above += read(&self.above);
        total.sum_ns += read(&self.sum_ns);
    }
}

/// What several histograms hold together.
#[derive(Debug, Clone)]
pub(super) struct Totals<const N: usize> {
    counts: [u64; N],
    above: u64,
    sum_ns: u64,
}

impl<const N: usize> Default for Totals<N> {
    fn default() -> Self {
        Self {
            counts: [0; N],
            above: 0,
            sum_ns: 0,
        }
    }
}

impl<const N: usize> Totals<N> {
    /// How many spans are in it.
    pub(super) fn count(&self) -> u64 {
        self.counts.iter().sum::<u64>() + self.above
    }

    /// Their sum.
    pub(super) fn sum_seconds(&self) -> f64 {
        self.sum_ns as f64 / 1e9
    }

    /// How many are at most this long. Exact where it is one of the bounds.
    pub(super) fn up_to(&self, bounds_ns: &[u64; N], seconds: f64) -> u64 {
        let limit = (seconds * 1e9 + 0.5) as u64;
        let within = bounds_ns.iter().zip(&self.counts);
        within
            .filter(|(bound, _)| **bound <= limit)
            .map(|(_, count)| count)
            .sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_bound_that_is_shown_is_one_that_is_counted() {
        let counted = |bounds: &[u64], shown: &[f64]| {
            for seconds in shown {
                let ns = (seconds * 1e9 + 0.5) as u64;
                assert!(bounds.contains(&ns), "{seconds}");
            }
            assert!(bounds.is_sorted());
        };
        counted(&LATENCY_NS, &TTFT);
        counted(&LATENCY_NS, &DURATION);
        counted(&LATENCY_NS, &LITELLM);
        counted(&OVERHEAD_NS, &OVERHEAD);
        counted(&OVERHEAD_NS, &LITELLM_OVERHEAD);
    }

    #[test]
    fn a_span_counts_in_its_bucket_and_all_above() {
        let histogram = Histogram::default();
        for ms in [1, 5, 6, 700_000] {
            histogram.observe(&LATENCY_NS, Duration::from_millis(ms));
        }
        let mut totals = Totals::default();
        histogram.add_to(&mut totals);
        assert_eq!(totals.up_to(&LATENCY_NS, 0.005), 2, "a bound is inclusive");
        assert_eq!(totals.up_to(&LATENCY_NS, 0.006_25), 3);
        assert_eq!(totals.up_to(&LATENCY_NS, 600.0), 3);
        assert_eq!(totals.count(), 4);
        assert!((totals.sum_seconds() - 700.012).abs() < 1e-9);
    }
}
