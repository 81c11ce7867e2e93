//! One decoder for the answers of all dialects, streamed or whole.

use std::fmt;

use super::Quirks;
use super::WireError;
use super::framing::Event;
use super::framing::EventStreamDecoder;
use super::framing::MAX_EVENT_BYTES;
use super::framing::NdjsonDecoder;
use super::framing::SseDecoder;
use super::lenient::BYTE_ORDER_MARK;
use super::think_tags::ThinkTags;
use crate::types::ChatChunk;
use crate::types::Wire;

/// Reads the events of one wire, and its whole answers.
pub(super) trait Dialect: fmt::Debug + Send {
    /// Takes one event of a stream. What it says before it fails is pushed all the same.
    fn event(&mut self, event: &Event, chunks: &mut Vec<ChatChunk>) -> Result<(), WireError>;

    /// Takes the body of an answer that does not come as a stream.
    fn whole(&mut self, body: &[u8], chunks: &mut Vec<ChatChunk>) -> Result<(), WireError>;

    /// `true` once the stream has said that it is over.
    fn is_complete(&self) -> bool;
}

/// Turns the bytes of an answer into chunks; any split of the bytes gives the same answer.
#[derive(Debug)]
pub struct StreamDecoder {
    wire: Wire,
    form: Form,
    dialect: Box<dyn Dialect>,
    think_tags: Option<ThinkTags>,
}

/// How the answer is framed, which its first byte tells.
#[derive(Debug)]
enum Form {
    /// Nothing but white space, a byte order mark, or the brace that leaves it open has come.
    Unknown(Vec<u8>),
    Sse(SseDecoder),
    Lines(NdjsonDecoder),
    Frames(EventStreamDecoder),
    /// The provider ignored `stream` and answers with one JSON value, or an error without framing.
    Whole(Vec<u8>),
}

impl StreamDecoder {
    /// A decoder for one answer.
    pub fn new(wire: Wire, quirks: &Quirks) -> Self {
        let tagged = matches!(wire, Wire::OpenaiChat | Wire::Ollama | Wire::Replicate);
        Self {
            wire,
            form: Form::Unknown(Vec::new()),
            dialect: super::dialect(wire, quirks),
            think_tags: (tagged && !quirks.think_tags_are_text).then(ThinkTags::default),
        }
    }

    /// Takes the next bytes and adds the chunks that they complete.
    ///
    /// # Errors
    /// `Upstream` for an error within the stream, `Malformed`, `TooLong`. The stream is then over; what it said
    /// before is among the chunks.
    pub fn push(&mut self, bytes: &[u8], chunks: &mut Vec<ChatChunk>) -> Result<(), WireError> {
        let before = chunks.len();
        let head;
        let bytes = match &mut self.form {
            Form::Unknown(held) => {
                held.extend_from_slice(bytes);
                head = begin(held).to_vec();
                match Form::of(self.wire, &head) {
                    Some(form) => self.form = form,
                    None => {
                        *held = head;
                        return Ok(());
                    }
                }
                &head[..]
            }
            Form::Sse(_) | Form::Lines(_) | Form::Frames(_) | Form::Whole(_) => bytes,
        };
        let read = self.read(bytes, chunks);
        self.split_thinking(&mut chunks[before..]);
        read
    }

    fn read(&mut self, bytes: &[u8], chunks: &mut Vec<ChatChunk>) -> Result<(), WireError> {
        match &mut self.form {
            Form::Unknown(_) => {}
            Form::Sse(decoder) => {
                for event in decoder.push(bytes)? {
                    self.dialect.event(&event, chunks)?;
                }
            }
            Form::Lines(decoder) => {
                for line in decoder.push(bytes)? {
                    self.dialect.event(&Event::line(line), chunks)?;
                }
            }
            Form::Frames(decoder) => {
                let mut events = Vec::new();
                let read = decoder.push(bytes, &mut events);
                for event in &events {
                    self.dialect.event(event, chunks)?;
                }
                read?;
            }
            Form::Whole(body) => {
                body.extend_from_slice(bytes);
                if body.len() > MAX_EVENT_BYTES {
                    return Err(WireError::TooLong("a body"));
                }
            }
        }
        Ok(())
    }

    /// Ends the answer.
    ///
    /// # Errors
    /// `Truncated` when the stream did not end as its wire says.
    pub fn finish(&mut self, chunks: &mut Vec<ChatChunk>) -> Result<(), WireError> {
        let before = chunks.len();
        let ended = self.end(chunks);
        self.split_thinking(&mut chunks[before..]);
        let held = self.think_tags.as_mut().and_then(ThinkTags::finish);
        chunks.extend(held);
        ended
    }

    fn end(&mut self, chunks: &mut Vec<ChatChunk>) -> Result<(), WireError> {
        let last = match &mut self.form {
            Form::Unknown(_) => return Err(WireError::Truncated),
            Form::Sse(decoder) => {
                let last = decoder.finish();
                if let Some(line) = decoder.only_said() {
                    let message = format!("it holds no event, but {line:?}");
                    return Err(WireError::Malformed(message));
                }
                last
            }
            Form::Lines(decoder) => decoder.finish().map(Event::line),
            Form::Frames(_) => None,
            Form::Whole(body) => {
                let body = std::mem::take(body);
                return match lines_of_json(&body) {
                    Some(events) => self.events(events, chunks),
                    None => self.dialect.whole(&body, chunks),
                };
            }
        };
        if let Some(event) = last {
            // What the cut left of an event is no JSON; that the stream was cut is said below.
            match self.dialect.event(&event, chunks) {
                Err(WireError::Malformed(_)) if !self.dialect.is_complete() => {
                    return Err(WireError::Truncated);
                }
                done => done?,
            }
        }
        match self.dialect.is_complete() {
            true => Ok(()),
            false => Err(WireError::Truncated),
        }
    }

    /// Takes the events of a stream that came without its framing.
    fn events(&mut self, events: Vec<Event>, chunks: &mut Vec<ChatChunk>) -> Result<(), WireError> {
        for event in events {
            self.dialect.event(&event, chunks)?;
        }
        match self.dialect.is_complete() {
            true => Ok(()),
            false => Err(WireError::Truncated),
        }
    }

    fn split_thinking(&mut self, chunks: &mut [ChatChunk]) {
        if let Some(tags) = &mut self.think_tags {
            chunks.iter_mut().for_each(|chunk| tags.split(chunk));
        }
    }
}

impl Form {
    /// `None` while the head leaves it open.
    fn of(wire: Wire, head: &[u8]) -> Option<Self> {
        let first = head.first()?;
        if BYTE_ORDER_MARK.starts_with(head) {
            return None;
        }
        Some(match (wire, first) {
            // A whole answer in many lines, as tools and recorders write JSON.
            (Wire::Ollama, b'{') if matches!(head.get(1)?, b'\n' | b'\r') => {
                Self::Whole(Vec::new())
            }
            // Ollama's hosted service labels its lines as plain JSON, so only the wire tells.
            (Wire::Ollama, _) => Self::Lines(NdjsonDecoder::default()),
            (_, b'{' | b'[' | b'<') => Self::Whole(Vec::new()),
            (Wire::Bedrock, _) => Self::Frames(EventStreamDecoder::default()),
            _ => Self::Sse(SseDecoder::default()),
        })
    }
}

/// The bytes from the first that says something; what may still become a byte order mark does.
fn begin(head: &[u8]) -> &[u8] {
    let head = head.trim_ascii_start();
    head.strip_prefix(BYTE_ORDER_MARK)
        .map_or(head, <[u8]>::trim_ascii_start)
}

/// The events of a body that holds one JSON object a line, as some proxies and logs write a stream.
fn lines_of_json(body: &[u8]) -> Option<Vec<Event>> {
    let lines = || {
        let lines = body.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii);
        lines.filter(|line| !line.is_empty())
    };
    let is_object = |line: &[u8]| line.starts_with(b"{") && line.ends_with(b"}");
    if lines().count() < 2 || !lines().all(is_object) {
        return None;
    }
    let parses = |line| serde_json::from_slice::<&serde_json::value::RawValue>(line).is_ok();
    lines()
        .all(parses)
        .then(|| lines().map(|line| Event::line(line.to_vec())).collect())
}

impl Event {
    /// A line of a stream of lines.
    fn line(line: Vec<u8>) -> Self {
        Self {
            name: None,
            data: String::from_utf8(line)
                .unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned()),
        }
    }
}
