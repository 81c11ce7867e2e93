//! What can be said of shares and of paired answers: intervals, exact tests, and their correction. Pure.

/// The standard normal's quantile for 95 %.
const Z95: f64 = 1.959_963_984_540_054;
/// The standard normal's quantile for 80 % power.
const Z_POWER80: f64 = 0.841_621_233_572_914;

/// An interval, both ends included.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize)]
pub struct Interval {
    /// Its lower end.
    pub low: f64,
    /// Its upper end.
    pub high: f64,
}

/// Returns Wilson's 95 % interval of a share: `hits` of `of`. With nothing counted it is all of 0 to 1.
///
/// Wilson (1927), without continuity correction. Unlike the textbook's p ± 1.96·s it covers near 0 and 1 as well,
/// where small sets of questions end up.
pub fn wilson(hits: u64, of: u64) -> Interval {
    if of == 0 {
        return Interval {
            low: 0.0,
            high: 1.0,
        };
    }
    let (n, z2) = (of as f64, Z95 * Z95);
    let share = hits as f64 / n;
    let centre = (share + z2 / (2.0 * n)) / (1.0 + z2 / n);
    let half = Z95 / (1.0 + z2 / n) * (share * (1.0 - share) / n + z2 / (4.0 * n * n)).sqrt();
    Interval {
        low: (centre - half).max(0.0),
        high: (centre + half).min(1.0),
    }
}

/// Returns the two-sided p of McNemar's exact test: `only_a` questions that A alone has right, `only_b` those that B
/// alone has. Questions on which both agree say nothing about a difference and do not count.
///
/// Under the null each of the discordant questions is a fair coin, so p is twice the smaller binomial tail, at most 1.
pub fn mcnemar_exact(only_a: u64, only_b: u64) -> f64 {
    let (fewer, all) = (only_a.min(only_b), only_a + only_b);
    // ln of C(all, k) / 2^all, from k = 0 on: the terms themselves are too small to hold beyond a thousand questions.
    let mut ln_term = -(all as f64) * std::f64::consts::LN_2;
    let mut tail = ln_term.exp();
    for k in 1..=fewer {
        ln_term += ((all - k + 1) as f64).ln() - (k as f64).ln();
        tail += ln_term.exp();
    }
    (2.0 * tail).min(1.0)
}

/// Returns Holm's adjusted p values, in the order of `ps`: each may be compared with the level as it stands, and the
/// chance of even one false finding stays below it.
pub fn holm(ps: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..ps.len()).collect();
    order.sort_by(|a, b| ps[*a].total_cmp(&ps[*b]));
    let mut adjusted = vec![1.0; ps.len()];
    let mut least = 0.0_f64;
    for (rank, at) in order.into_iter().enumerate() {
        let scaled = (ps[at] * (ps.len() - rank) as f64).min(1.0);
        least = least.max(scaled);
        adjusted[at] = least;
    }
    adjusted
}

/// Returns the 95 % interval of the difference of two paired shares, A's minus B's, over `of` questions.
///
/// Agresti and Min (2005): half a question is added to each of the four cells, which keeps the interval honest when few
/// questions are discordant.
pub fn paired_difference(only_a: u64, only_b: u64, of: u64) -> Interval {
    let n = of as f64 + 2.0;
    let (a, b) = (only_a as f64 + 0.5, only_b as f64 + 0.5);
    let difference = (a - b) / n;
    let half = Z95 * ((a + b) - (a - b).powi(2) / n).max(0.0).sqrt() / n;
    Interval {
        low: (difference - half).max(-1.0),
        high: (difference + half).min(1.0),
    }
}

/// Returns the smallest true difference that a set of this size finds four times in five, at level 0.05 for one pair,
/// when so many of its questions are discordant. `None` when none are: then nothing can be said.
pub(super) fn detectable_difference(discordant: u64, of: u64) -> Option<f64> {
    (discordant > 0 && of > 0).then(|| {
        let share = discordant as f64 / of as f64;
        ((Z95 + Z_POWER80) * (share / of as f64).sqrt()).min(1.0)
    })
}

#[cfg(test)]
mod tests;
