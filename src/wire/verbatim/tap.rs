//! Reading a copy of an answer that is passed on as it comes: its usage, its end, and its errors.

use bytes::Bytes;
use memchr::memmem;

use crate::types::ChatChunk;
use crate::types::Wire;
use crate::types::quirks::Quirks;
use crate::wire::WireError;
use crate::wire::dialect;
use crate::wire::framing::Event;
use crate::wire::framing::MAX_EVENT_BYTES;
use crate::wire::stream::Dialect;

/// Reads along a stream that is passed on.
#[derive(Debug)]
pub struct Tap {
    wire: Wire,
    dialect: Box<dyn Dialect>,
    /// What the last piece left of a line, or of an event where events are passed on whole.
    rest: Vec<u8>,
    /// The caller did not ask for usage: the event that tells it is not passed on.
    hides_usage: bool,
    events: u64,
}

/// What came of one piece of a stream.
#[derive(Debug, Default)]
pub struct Passed {
    /// What is to be passed on; empty when nothing is yet.
    pub frame: Bytes,
    /// What was read on the way: usage, the reason of the end, ids. Its text is left out.
    pub told: ChatChunk,
    /// An error that takes the place of what came.
    pub failed: Option<WireError>,
}

impl Tap {
    /// Reads along one answer.
    pub fn new(wire: Wire, quirks: &Quirks, hides_usage: bool) -> Self {
        Self {
            wire,
            dialect: dialect(wire, quirks),
            rest: Vec::new(),
            hides_usage: hides_usage && wire == Wire::OpenaiChat,
            events: 0,
        }
    }

    /// Events of data so far: where a provider tells no usage, about the tokens of its answer.
    pub fn events(&self) -> u64 {
        self.events
    }

    /// `true` once the stream has said that it is over.
    pub fn is_complete(&self) -> bool {
        self.dialect.is_complete()
    }

    /// Takes the next piece of the stream.
    pub fn push(&mut self, piece: Bytes) -> Passed {
        match self.hides_usage {
            true => self.pass_events(piece),
            false => self.pass_piece(piece),
        }
    }

    /// Passes everything on at once and reads the lines that it completes.
    fn pass_piece(&mut self, piece: Bytes) -> Passed {
        let mut passed = Passed::default();
        let mut at = 0;
        while let Some(end) = memchr::memchr(b'\n', &piece[at..]) {
            let line = &piece[at..at + end];
            let read = match self.rest.is_empty() {
                true => self.line(line, &mut passed.told),
                false => {
                    let mut whole = std::mem::take(&mut self.rest);
                    whole.extend_from_slice(line);
                    self.line(&whole, &mut passed.told)
                }
            };
            if let Err(error) = read {
                passed.frame = piece.slice(..at);
                passed.failed = Some(error);
                return passed;
            }
            at += end + 1;
        }
        self.rest.extend_from_slice(&piece[at..]);
        passed.failed = self.too_long();
        passed.frame = piece;
        passed
    }

    /// Passes whole events on, but for the one that only tells usage.
    fn pass_events(&mut self, piece: Bytes) -> Passed {
        let mut passed = Passed::default();
        let piece = match self.rest.is_empty() {
            true => piece,
            false => {
                // An event of megabytes (a picture) comes in hundreds of pieces: only what is new is looked at.
                let new = self.rest.len().saturating_sub(LONGEST_END - 1);
                self.rest.extend_from_slice(&piece);
                if end_of_event(&self.rest[new..]).is_none() {
                    passed.failed = self.too_long();
                    return passed;
                }
                std::mem::take(&mut self.rest).into()
            }
        };
        let (mut at, mut hidden) = (0, None);
        while let Some(end) = end_of_event(&piece[at..]) {
            let event = &piece[at..at + end];
            for line in event.split(|byte| *byte == b'\n') {
                if let Err(error) = self.line(line, &mut passed.told) {
                    passed.failed = Some(error);
                }
            }
            if passed.failed.is_some() {
                break;
            }
            if tells_only_usage(event) {
                hidden = Some(at..at + end);
            }
            at += end;
        }
        passed.frame = match hidden {
            Some(hidden) => [&piece[..hidden.start], &piece[hidden.end..at]]
                .concat()
                .into(),
            None => piece.slice(..at),
        };
        if passed.failed.is_none() {
            self.rest.extend_from_slice(&piece[at..]);
            passed.failed = self.too_long();
        }
        passed
    }

    fn too_long(&self) -> Option<WireError> {
        (self.rest.len() > MAX_EVENT_BYTES).then_some(WireError::TooLong("an event"))
    }

    /// Takes what is left when the body ends.
    pub fn finish(&mut self) -> Passed {
        let rest = std::mem::take(&mut self.rest);
        let mut passed = Passed::default();
        for line in rest.split(|byte| *byte == b'\n') {
            if let Err(error) = self.line(line, &mut passed.told) {
                passed.failed = Some(error);
                return passed;
            }
        }
        if self.hides_usage && !tells_only_usage(&rest) {
            passed.frame = rest.into();
        }
        if !self.dialect.is_complete() {
            passed.failed = Some(WireError::Truncated);
        }
        passed
    }

    fn line(&mut self, line: &[u8], told: &mut ChatChunk) -> Result<(), WireError> {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        let data = match self.wire {
            Wire::Ollama => line,
            _ => match line.strip_prefix(b"data:") {
                Some(data) => data.trim_ascii(),
                None if line.starts_with(b"error:") => line[6..].trim_ascii(),
                None => return Ok(()),
            },
        };
        if data.is_empty() {
            return Ok(());
        }
        self.events += 1;
        if !is_telling(self.wire, data) {
            return Ok(());
        }
        // Clients stop reading here: passed on, it would hide that the answer has no end.
        if self.wire == Wire::OpenaiChat && data == b"[DONE]" && !self.dialect.is_complete() {
            return Err(WireError::Truncated);
        }
        let event = Event {
            name: line.starts_with(b"error:").then(|| "error".to_owned()),
            data: String::from_utf8_lossy(data).into_owned(),
        };
        let mut chunks = Vec::new();
        let read = self.dialect.event(&event, &mut chunks);
        for chunk in chunks {
            told.usage = chunk.usage.or(told.usage);
            told.finish = chunk.finish.or(told.finish);
            told.native_finish = chunk.native_finish.or(told.native_finish.take());
            told.id = told.id.take().or(chunk.id);
            told.model = told.model.take().or(chunk.model);
        }
        read
    }
}

/// Bytes of the longest blank line that ends an event.
const LONGEST_END: usize = 4;

/// Where the first event of these bytes ends, its blank line included.
fn end_of_event(bytes: &[u8]) -> Option<usize> {
    let unix = memmem::find(bytes, b"\n\n").map(|at| at + 2);
    let windows = memmem::find(bytes, b"\r\n\r\n").map(|at| at + 4);
    match (unix, windows) {
        (Some(unix), Some(windows)) => Some(unix.min(windows)),
        (found, None) | (None, found) => found,
    }
}

/// The event that ends a stream of OpenAI's with nothing but the usage.
fn tells_only_usage(event: &[u8]) -> bool {
    let Some(at) = memmem::find(event, b"\"choices\"") else {
        return false;
    };
    let list = event[at + 9..].trim_ascii_start();
    let list = list.strip_prefix(b":").unwrap_or(list).trim_ascii_start();
    let is_empty = list
        .strip_prefix(b"[")
        .is_some_and(|inner| inner.trim_ascii_start().starts_with(b"]"));
    is_empty && member_begins(event, b"\"usage\"", b"{")
}

/// `true` when an event has to be read: it may tell usage, an end, or an error. Pieces of text are not read.
fn is_telling(wire: Wire, data: &[u8]) -> bool {
    match wire {
        Wire::OpenaiChat => {
            !data.starts_with(b"{")
                || member_begins(data, b"\"usage\"", b"{")
                || member_begins(data, b"\"finish_reason\"", b"\"")
                || memmem::find(data, b"\"error\"").is_some()
        }
        Wire::Anthropic => {
            let kind = &data[..data.len().min(40)];
            memmem::find(kind, b"content_block").is_none()
        }
        Wire::OpenaiResponses => {
            let kind = &data[..data.len().min(80)];
            memmem::find(kind, b".delta\"").is_none()
        }
        Wire::Ollama => {
            memmem::find(data, b"\"done\":true").is_some()
                || memmem::find(data, b"\"error\"").is_some()
        }
        Wire::Gemini | Wire::Cohere | Wire::Bedrock | Wire::Replicate | Wire::Demo => true,
    }
}

/// `true` when the first member of this name that has a value of its own begins with these bytes.
fn member_begins(data: &[u8], name: &[u8], with: &[u8]) -> bool {
    memmem::find_iter(data, name).any(|at| {
        let behind = data[at + name.len()..].trim_ascii_start();
        behind
            .strip_prefix(b":")
            .is_some_and(|value| value.trim_ascii_start().starts_with(with))
    })
}

#[cfg(test)]
mod tests;
