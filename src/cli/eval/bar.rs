//! How far an evaluation is: a bar on a terminal, nothing elsewhere.

use std::io::IsTerminal;

use indicatif::ProgressBar;
use indicatif::ProgressStyle;

use crate::debate::eval::Progress;

/// The bar; hidden where standard error is no terminal.
pub(super) struct Bar(Option<ProgressBar>);

impl Bar {
    /// A bar that shows nothing yet.
    pub(super) fn new() -> Self {
        let is_terminal = std::io::stderr().is_terminal();
        Self(is_terminal.then(|| {
            let bar = ProgressBar::new(0);
            let style = "{bar:30.cyan/dim} {pos}/{len}  {eta} left  {msg}";
            let style = ProgressStyle::with_template(style);
            bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
            bar
        }))
    }

    /// Shows how far it is.
    pub(super) fn show(&self, progress: &Progress) {
        let Some(bar) = &self.0 else { return };
        bar.set_length(progress.of as u64);
        bar.set_position(progress.done as u64);
        bar.set_message(format!("{}  {}", progress.money, progress.last));
    }

    /// Takes the bar away.
    pub(super) fn clear(&self) {
        if let Some(bar) = &self.0 {
            bar.finish_and_clear();
        }
    }
}
