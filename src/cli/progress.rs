//! A download's progress: a bar that moves on a terminal, a line now and then elsewhere.

use std::io::IsTerminal;
use std::time::Duration;

use tokio::time::Instant;

use super::output::Output;
use crate::provider::PullProgress;

/// Cells of the bar.
const BAR: u64 = 30;
/// Between two pictures of the bar.
const REDRAWN: Duration = Duration::from_millis(100);
/// Percent between two lines where there is no terminal.
const STEP: u64 = 10;

/// What has been shown of a download.
pub(super) struct Progress {
    terminal: Option<Output>,
    drawn: Option<Instant>,
    began: Option<(Instant, u64)>,
    said: (String, u64),
}

impl Progress {
    /// Nothing is shown yet.
    pub(super) fn new() -> Self {
        let is_terminal = std::io::stderr().is_terminal();
        Self {
            terminal: is_terminal.then(Output::stderr),
            drawn: None,
            began: None,
            said: (String::new(), 0),
        }
    }

    /// Shows how far the download is; without a terminal only what is new, as lines of `out`.
    pub(super) fn show(&mut self, state: &PullProgress, out: &mut Output) {
        let now = Instant::now();
        let (completed, total) = (state.completed_bytes(), state.total_bytes());
        if total > 0 {
            self.began.get_or_insert((now, completed));
        }
        match &mut self.terminal {
            Some(terminal) => {
                if self.drawn.is_some_and(|at| now - at < REDRAWN) && completed < total {
                    return;
                }
                self.drawn = Some(now);
                let rate = self
                    .began
                    .map(|(at, from)| (now - at, completed.saturating_sub(from)));
                terminal.text(&format!("\r\x1b[K{}", picture(state, rate)));
            }
            None => {
                let is_file = state.status().starts_with("pulling ") && total > 0;
                let percent = (completed * 100).checked_div(total).unwrap_or(0);
                let said = match is_file {
                    true => ("pulling".to_owned(), percent / STEP * STEP),
                    false => (state.status().to_owned(), 0),
                };
                if self.said == said {
                    return;
                }
                self.said = said;
                out.line(&match is_file {
                    true => format!("{percent:>3} %  {} of {}", bytes(completed), bytes(total)),
                    false => state.status().to_owned(),
                });
            }
        }
    }

    /// Takes the bar away.
    pub(super) fn clear(&mut self) {
        if let (Some(terminal), Some(_)) = (&mut self.terminal, self.drawn.take()) {
            terminal.text("\r\x1b[K");
        }
    }
}

/// The line with the bar; `rate` is the time since the first byte and the bytes since.
fn picture(state: &PullProgress, rate: Option<(Duration, u64)>) -> String {
    let (completed, total) = (state.completed_bytes(), state.total_bytes());
    if total == 0 || !state.status().starts_with("pulling ") {
        return state.status().to_owned();
    }
    let filled = (completed * BAR / total).min(BAR) as usize;
    let bar = format!(
        "{}{}",
        "█".repeat(filled),
        "░".repeat(BAR as usize - filled)
    );
    let mut line = format!(
        "{bar} {:>3} %  {} of {}",
        completed * 100 / total,
        bytes(completed),
        bytes(total)
    );
    if let Some((span, got)) = rate.filter(|(span, got)| span.as_secs() > 0 && *got > 0) {
        let per_second = got as f64 / span.as_secs_f64();
        let left = (total - completed.min(total)) as f64 / per_second;
        line.push_str(&format!(
            "  {}/s  {}:{:02} left",
            bytes(per_second as u64),
            left as u64 / 60,
            left as u64 % 60
        ));
    }
    line
}

/// A number of bytes for people, in powers of ten as disks are sold.
pub(super) fn bytes(count: u64) -> String {
    match count {
        0..1_000 => format!("{count} B"),
        1_000..1_000_000 => format!("{:.0} kB", count as f64 / 1e3),
        1_000_000..1_000_000_000 => format!("{:.1} MB", count as f64 / 1e6),
        _ => format!("{:.1} GB", count as f64 / 1e9),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bar_says_how_far_how_fast_and_how_long() {
        let mut state = PullProgress::default();
        let line =
            r#"{"status":"pulling a","digest":"a","total":2000000000,"completed":500000000}"#;
        state.take(&serde_json::from_str(line).unwrap());
        let line = picture(&state, Some((Duration::from_secs(5), 100_000_000)));
        assert!(line.starts_with("███████░"), "{line}");
        assert!(
            line.ends_with(" 25 %  500.0 MB of 2.0 GB  20.0 MB/s  1:15 left"),
            "{line}"
        );
    }
}
