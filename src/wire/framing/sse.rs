//! Server-sent events. Source: WHATWG HTML, "Parsing an event stream", read 2026-11-20.

use super::Event;
use super::MAX_EVENT_BYTES;
use crate::wire::WireError;

/// Longest part of a line that is shown where events were awaited.
const SHOWN_CHARS: usize = 80;

/// Cuts bytes into events; any split of the bytes gives the same events.
#[derive(Debug, Default)]
pub struct SseDecoder {
    line: Vec<u8>,
    /// The last byte was a carriage return, which ended a line; a line feed right after it belongs to it.
    after_cr: bool,
    event: Event,
    has_data: bool,
    started: bool,
    /// An event came.
    spoke: bool,
    /// The first line that is none of an event stream.
    strange: Option<String>,
}

impl SseDecoder {
    /// Takes the next bytes and gives the events that they complete.
    ///
    /// # Errors
    /// `TooLong` for an event over [`MAX_EVENT_BYTES`].
    pub fn push(&mut self, bytes: &[u8]) -> Result<Vec<Event>, WireError> {
        let mut events = Vec::new();
        let mut rest = bytes;
        if self.after_cr && !rest.is_empty() {
            self.after_cr = false;
            rest = rest.strip_prefix(b"\n").unwrap_or(rest);
        }
        while let Some(end) = rest.iter().position(|byte| matches!(byte, b'\n' | b'\r')) {
            self.line.extend_from_slice(&rest[..end]);
            events.extend(self.end_line());
            let cr = rest[end] == b'\r';
            rest = &rest[end + 1..];
            if cr {
                self.after_cr = rest.is_empty();
                rest = rest.strip_prefix(b"\n").unwrap_or(rest);
            }
        }
        self.line.extend_from_slice(rest);
        match self.line.len() + self.event.data.len() > MAX_EVENT_BYTES {
            true => Err(WireError::TooLong("an event")),
            false => Ok(events),
        }
    }

    /// Gives the event that the stream ends with, when its last blank line is missing.
    pub fn finish(&mut self) -> Option<Event> {
        let ended = if self.line.is_empty() {
            None
        } else {
            self.end_line()
        };
        ended.or_else(|| self.dispatch())
    }

    fn end_line(&mut self) -> Option<Event> {
        let line = std::mem::take(&mut self.line);
        let mut line = String::from_utf8_lossy(&line).into_owned();
        if !std::mem::replace(&mut self.started, true) {
            line = line.trim_start_matches('\u{feff}').to_owned();
        }
        if line.is_empty() {
            return self.dispatch();
        }
        let (field, value) = line.split_once(':').unwrap_or((&line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match field {
            "data" => {
                if std::mem::replace(&mut self.has_data, true) {
                    self.event.data.push('\n');
                }
                self.event.data.push_str(value);
            }
            "event" => self.event.name = Some(value.to_owned()),
            // Old llama.cpp servers end a stream with `error: {…}` (wire/openai-compatible facts, 2026-08).
            "error" => {
                self.event.name = Some("error".to_owned());
                self.has_data = true;
                value.clone_into(&mut self.event.data);
            }
            // A comment has an empty field; `id` and `retry` mean nothing here.
            _ if ["data", "event", "retry", "id"]
                .iter()
                .any(|known| known.starts_with(field)) => {}
            _ if self.strange.is_none() => {
                self.strange = Some(line.chars().take(SHOWN_CHARS).collect());
            }
            _ => {}
        }
        None
    }

    /// The beginning of what came instead of events: the word of a proxy, or bytes of another kind.
    pub(in crate::wire) fn only_said(&self) -> Option<&str> {
        self.strange.as_deref().filter(|_| !self.spoke)
    }

    /// An event without data is none, whatever its name.
    fn dispatch(&mut self) -> Option<Event> {
        let event = std::mem::take(&mut self.event);
        let has_data = std::mem::take(&mut self.has_data);
        self.spoke |= has_data;
        has_data.then_some(event)
    }
}
