//! One decoder for the streams of all dialects.

use super::WireError;
use super::anthropic;
use super::decode_response;
use super::framing::MAX_EVENT_BYTES;
use super::framing::NdjsonDecoder;
use super::framing::SseDecoder;
use super::framing::SseEvent;
use super::ollama;
use super::openai_chat;
use crate::types::ChatChunk;
use crate::types::ChatResponse;
use crate::types::Delta;
use crate::types::ToolCallDelta;
use crate::types::Wire;
use crate::types::quirks::Quirks;

/// Turns the bytes of a streamed answer into chunks; any split of the bytes gives the same chunks.
#[derive(Debug)]
pub struct StreamDecoder {
    wire: Wire,
    quirks: Quirks,
    form: Form,
    dialect: Dialect,
}

/// How the answer is framed, which its first byte tells.
#[derive(Debug)]
enum Form {
    Unknown,
    Sse(SseDecoder),
    Lines(NdjsonDecoder),
    /// The provider ignored `stream` and answers with one JSON value, or an error without framing.
    Whole(Vec<u8>),
}

#[derive(Debug)]
enum Dialect {
    OpenaiChat(openai_chat::Stream),
    Anthropic(anthropic::Stream),
    Ollama(ollama::Stream),
}

impl StreamDecoder {
    /// A decoder for one answer.
    pub fn new(wire: Wire, quirks: &Quirks) -> Self {
        let dialect = match wire {
            Wire::OpenaiChat | Wire::Demo => {
                Dialect::OpenaiChat(openai_chat::Stream::new(quirks.clone()))
            }
            Wire::Anthropic => Dialect::Anthropic(anthropic::Stream::default()),
            Wire::Ollama => Dialect::Ollama(ollama::Stream::default()),
        };
        Self {
            wire,
            quirks: quirks.clone(),
            form: Form::Unknown,
            dialect,
        }
    }

    /// Takes the next bytes and gives the chunks that they complete.
    ///
    /// # Errors
    /// `Upstream` for an error within the stream, `Malformed`, `TooLong`. The stream is then over.
    pub fn push(&mut self, bytes: &[u8]) -> Result<Vec<ChatChunk>, WireError> {
        if matches!(self.form, Form::Unknown) {
            match bytes.iter().find(|byte| !byte.is_ascii_whitespace()) {
                None => return Ok(Vec::new()),
                Some(first) => self.form = Form::of(self.wire, *first),
            }
        }
        let mut chunks = Vec::new();
        match &mut self.form {
            Form::Unknown => {}
            Form::Sse(decoder) => {
                for event in decoder.push(bytes)? {
                    self.dialect.event(&event, &mut chunks)?;
                }
            }
            Form::Lines(decoder) => {
                for line in decoder.push(bytes)? {
                    self.dialect.line(&line, &mut chunks)?;
                }
            }
            Form::Whole(body) => {
                body.extend_from_slice(bytes);
                if body.len() > MAX_EVENT_BYTES {
                    return Err(WireError::TooLong("a body"));
                }
            }
        }
        Ok(chunks)
    }

    /// Ends the answer.
    ///
    /// # Errors
    /// `Truncated` when the stream did not end as its wire says.
    pub fn finish(&mut self) -> Result<Vec<ChatChunk>, WireError> {
        let mut chunks = Vec::new();
        match &mut self.form {
            Form::Unknown => return Err(WireError::Truncated),
            Form::Sse(decoder) => {
                if let Some(event) = decoder.finish() {
                    // What the cut left of an event is no JSON; that the stream was cut is said below.
                    match self.dialect.event(&event, &mut chunks) {
                        Err(WireError::Malformed(_)) if !self.dialect.is_complete() => {
                            return Err(WireError::Truncated);
                        }
                        done => done?,
                    }
                }
            }
            Form::Lines(decoder) => {
                if let Some(line) = decoder.finish() {
                    match self.dialect.line(&line, &mut chunks) {
                        Err(WireError::Malformed(_)) if !self.dialect.is_complete() => {
                            return Err(WireError::Truncated);
                        }
                        done => done?,
                    }
                }
            }
            Form::Whole(body) => {
                return Ok(vec![one_chunk(decode_response(
                    self.wire,
                    body,
                    &self.quirks,
                )?)]);
            }
        }
        if !self.dialect.is_complete() {
            return Err(WireError::Truncated);
        }
        Ok(chunks)
    }
}

impl Form {
    fn of(wire: Wire, first: u8) -> Self {
        match (wire, first) {
            // Ollama's hosted service labels its lines as plain JSON, so only the wire tells.
            (Wire::Ollama, _) => Self::Lines(NdjsonDecoder::default()),
            (_, b'{' | b'[' | b'<') => Self::Whole(Vec::new()),
            _ => Self::Sse(SseDecoder::default()),
        }
    }
}

impl Dialect {
    fn event(&mut self, event: &SseEvent, chunks: &mut Vec<ChatChunk>) -> Result<(), WireError> {
        match self {
            Self::OpenaiChat(stream) => stream.event(event, chunks),
            Self::Anthropic(stream) => stream.event(event, chunks),
            Self::Ollama(stream) => stream.line(event.data.as_bytes(), chunks),
        }
    }

    fn line(&mut self, line: &[u8], chunks: &mut Vec<ChatChunk>) -> Result<(), WireError> {
        match self {
            Self::Ollama(stream) => stream.line(line, chunks),
            Self::OpenaiChat(_) | Self::Anthropic(_) => {
                Err(WireError::Malformed("lines instead of events".to_owned()))
            }
        }
    }

    fn is_complete(&self) -> bool {
        match self {
            Self::OpenaiChat(stream) => stream.is_complete(),
            Self::Anthropic(stream) => stream.is_complete(),
            Self::Ollama(stream) => stream.is_complete(),
        }
    }
}

/// A whole answer as the only chunk of a stream.
fn one_chunk(response: ChatResponse) -> ChatChunk {
    let calls = response.tool_calls.into_iter().enumerate();
    ChatChunk {
        id: (!response.id.is_empty()).then_some(response.id),
        model: (!response.model.is_empty()).then_some(response.model),
        delta: Delta {
            text: response.text,
            reasoning: response.reasoning,
            reasoning_signature: response.reasoning_signature.unwrap_or_default(),
            tool_calls: calls
                .map(|(index, call)| ToolCallDelta {
                    index,
                    id: Some(call.id),
                    name: Some(call.name),
                    arguments: call.arguments,
                })
                .collect(),
        },
        finish: Some(response.finish),
        usage: Some(response.usage),
        frame: None,
    }
}
