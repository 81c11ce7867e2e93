//! What is logged, and where: standard error, without credentials.

use std::collections::BTreeMap;
use std::io;
use std::io::IsTerminal;
use std::io::Write;

use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::MakeWriter;

use super::output;
use crate::config::LogConfig;
use crate::config::LogFormat;
use crate::observe::Scrubber;

/// Starts logging. A filter that cannot be read gives way to the usual one. Of the variables, those that hold
/// credentials appear in no line.
pub(super) fn start(config: &LogConfig, usual: &str, variables: &BTreeMap<String, String>) {
    let wanted = config.filter.as_deref().unwrap_or(usual);
    let filter = EnvFilter::try_new(wanted).unwrap_or_else(|_| EnvFilter::new(usual));
    let lines = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(Scrubbed(Scrubber::of(variables)));
    // An error means that logging was started before, which only a test does.
    let _ = match config.format {
        LogFormat::Json => lines.json().flatten_event(true).try_init(),
        LogFormat::Text => lines.with_ansi(io::stderr().is_terminal()).try_init(),
    };
}

/// Standard error without credentials.
struct Scrubbed(Scrubber);

/// One line of it: the subscriber writes each in one piece.
struct Line<'a>(&'a Scrubber);

impl<'a> MakeWriter<'a> for Scrubbed {
    type Writer = Line<'a>;

    fn make_writer(&'a self) -> Self::Writer {
        Line(&self.0)
    }
}

impl Write for Line<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let text = String::from_utf8_lossy(bytes);
        let clean = self.0.scrub(&text);
        output::log_line(clean.as_bytes())?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        io::stderr().flush()
    }
}
