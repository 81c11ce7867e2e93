//! Lines for people and programs. A reader that has gone away ends nothing with a panic.

use std::io::IsTerminal;
use std::io::Write;
use std::sync::Mutex;
use std::sync::OnceLock;
use std::sync::PoisonError;

/// `true` while the last line on standard output is not ended; held while something is written there, so that no log
/// line comes in between.
static MID_LINE: Mutex<bool> = Mutex::new(false);

/// Writes a log line to standard error: on a line of its own where a text on standard output goes to the same place.
pub(super) fn log_line(line: &[u8]) -> std::io::Result<()> {
    let mut mid_line = MID_LINE.lock().unwrap_or_else(PoisonError::into_inner);
    let mut stderr = std::io::stderr().lock();
    if std::mem::take(&mut *mid_line) {
        stderr.write_all(b"\n")?;
    }
    stderr.write_all(line)
}

/// `true` when standard output and standard error go to the same terminal, file or pipe.
fn is_shared() -> bool {
    static SHARED: OnceLock<bool> = OnceLock::new();
    *SHARED.get_or_init(|| {
        let terminals = std::io::stdout().is_terminal() && std::io::stderr().is_terminal();
        terminals || same_place()
    })
}

#[cfg(unix)]
fn same_place() -> bool {
    use std::os::unix::fs::MetadataExt;
    let place = |path: &str| {
        let of = std::fs::metadata(path).ok()?;
        Some((of.dev(), of.ino()))
    };
    let stdout = place("/dev/fd/1");
    stdout.is_some() && stdout == place("/dev/fd/2")
}

#[cfg(not(unix))]
fn same_place() -> bool {
    false
}

/// Standard output or standard error.
pub(super) struct Output {
    writer: Box<dyn Write + Send>,
    coloured: bool,
    closed: bool,
    /// `true` when log lines may come between its own.
    shared: bool,
}

impl Output {
    /// For results.
    pub(super) fn stdout() -> Self {
        Self {
            shared: is_shared(),
            ..Self::new(Box::new(std::io::stdout()), std::io::stdout().is_terminal())
        }
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
            shared: false,
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
        let mut mid_line = self
            .shared
            .then(|| MID_LINE.lock().unwrap_or_else(PoisonError::into_inner));
        let written = self
            .writer
            .write_all(text.as_bytes())
            .and_then(|()| self.writer.flush());
        self.closed |= written.is_err();
        if let (Some(mid_line), Some(last)) = (&mut mid_line, text.chars().next_back()) {
            **mid_line = last != '\n';
        }
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
