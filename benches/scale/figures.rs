//! Delays summed up, and lines written.

use std::io::Write;

/// Delays beyond the window, in milliseconds.
pub(super) struct Figures {
    pub(super) p50: f64,
    pub(super) p99: f64,
    pub(super) max: f64,
}

impl Figures {
    /// Of delays in microseconds.
    pub(super) fn of(mut delays: Vec<u64>) -> Self {
        delays.sort_unstable();
        let at = |share: f64| {
            let last = delays.len().saturating_sub(1) as f64;
            delays
                .get((last * share) as usize)
                .map_or(f64::NAN, |it| *it as f64 / 1000.0)
        };
        Self {
            p50: at(0.5),
            p99: at(0.99),
            max: at(1.0),
        }
    }
}

/// Writes a line at once.
pub(super) fn say(line: &str) {
    let mut out = std::io::stdout();
    writeln!(out, "{line}").expect("somebody reads the result");
    out.flush().expect("somebody reads the result");
}
