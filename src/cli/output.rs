//! Lines for people and programs. A reader that has gone away ends nothing with a panic.

use std::io::IsTerminal;
use std::io::Write;

/// Standard output or standard error.
pub(super) struct Output {
    writer: Box<dyn Write + Send>,
    coloured: bool,
    closed: bool,
}

impl Output {
    /// For results.
    pub(super) fn stdout() -> Self {
        Self::new(Box::new(std::io::stdout()), std::io::stdout().is_terminal())
    }

    /// For everything else.
    pub(super) fn stderr() -> Self {
        Self::new(Box::new(std::io::stderr()), std::io::stderr().is_terminal())
    }

    fn new(writer: Box<dyn Write + Send>, terminal: bool) -> Self {
        let coloured = terminal && std::env::var_os("NO_COLOR").is_none();
        Self {
            writer,
            coloured,
            closed: false,
        }
    }

    /// Whether colours may be used.
    pub(super) fn is_coloured(&self) -> bool {
        self.coloured
    }

    /// `true` once the reader has gone away.
    pub(super) fn is_closed(&self) -> bool {
        self.closed
    }

    /// Writes a text as it is.
    pub(super) fn text(&mut self, text: &str) {
        let written = self
            .writer
            .write_all(text.as_bytes())
            .and_then(|()| self.writer.flush());
        self.closed |= written.is_err();
    }

    /// Writes a line.
    pub(super) fn line(&mut self, line: &str) {
        self.text(&format!("{line}\n"));
    }

    /// Writes several lines, each with a word before it.
    pub(super) fn lines(&mut self, before: &str, lines: &str) {
        for line in lines.lines() {
            self.line(&format!("{before}{line}"));
        }
    }
}
