//! Reading a stream.

use serde_json::Value;

use super::response::decode_response;
use super::response::first_choice;
use super::response::usage_of;
use super::response::words;
use crate::types::ChatChunk;
use crate::types::Delta;
use crate::types::ToolCallDelta;
use crate::types::quirks::Quirks;
use crate::wire::WireError;
use crate::wire::failure;
use crate::wire::framing::Event;
use crate::wire::lenient;
use crate::wire::stream::Dialect;

/// What a stream has told so far.
#[derive(Debug)]
pub(in crate::wire) struct Stream {
    quirks: Quirks,
    finished: bool,
    /// Ids of the tool calls begun so far, by index: some providers leave the index out.
    calls: Vec<String>,
}

impl Stream {
    pub(in crate::wire) fn new(quirks: Quirks) -> Self {
        Self {
            quirks,
            finished: false,
            calls: Vec::new(),
        }
    }
}

impl Dialect for Stream {
    /// A stream is complete with its finish reason: one server ends a stream that it gives up with a plain
    /// `[DONE]` (llama-cpp-python 0.3), and others never send one.
    fn is_complete(&self) -> bool {
        self.finished
    }

    fn whole(&mut self, body: &[u8], chunks: &mut Vec<ChatChunk>) -> Result<(), WireError> {
        chunks.extend(decode_response(body, &self.quirks)?.into_chunks());
        Ok(())
    }

    fn event(&mut self, event: &Event, chunks: &mut Vec<ChatChunk>) -> Result<(), WireError> {
        let data = event.data.trim();
        if data.is_empty() || data == "[DONE]" {
            return Ok(());
        }
        let value = lenient::parse(data.as_bytes())?;
        let failed = value.get("error").is_some_and(|error| !error.is_null());
        if failed || event.name.as_deref() == Some("error") {
            return Err(failure::in_success(&value));
        }
        if !value.is_object() {
            return Err(WireError::Malformed(format!(
                "an event that is no object: {data:.80}"
            )));
        }
        chunks.push(self.chunk(&value)?);
        Ok(())
    }
}

impl Stream {
    fn chunk(&mut self, value: &Value) -> Result<ChatChunk, WireError> {
        let mut chunk = ChatChunk {
            usage: usage_of(value, &self.quirks),
            ..ChatChunk::default()
        };
        // Azure's first chunk has no choices and an empty id and model.
        chunk.id = lenient::text(value, "id");
        chunk.model = lenient::text(value, "model");
        let Some(choice) = first_choice(value) else {
            return Ok(chunk);
        };
        let null = Value::Null;
        let piece = choice
            .get("delta")
            .filter(|delta| delta.is_object())
            .unwrap_or(&null);
        let (text, reasoning) = words(piece);
        chunk.delta = Delta {
            text,
            refusal: lenient::text(piece, "refusal").unwrap_or_default(),
            reasoning,
            tool_calls: self.tool_pieces(piece),
            ..Delta::default()
        };
        let finish = choice
            .get("finish_reason")
            .and_then(Value::as_str)
            .unwrap_or_default();
        chunk.finish = lenient::finish_reason(finish, &self.quirks)?;
        self.finished |= chunk.finish.is_some();
        Ok(chunk)
    }

    fn tool_pieces(&mut self, piece: &Value) -> Vec<ToolCallDelta> {
        let calls = piece.get("tool_calls").and_then(Value::as_array);
        calls
            .into_iter()
            .flatten()
            .map(|call| self.tool_piece(call))
            .collect()
    }

    fn tool_piece(&mut self, call: &Value) -> ToolCallDelta {
        let id = lenient::text(call, "id");
        let told = call
            .get("index")
            .and_then(Value::as_u64)
            .map(|index| index as usize);
        let index = told.unwrap_or_else(|| match &id {
            Some(id) => self
                .calls
                .iter()
                .position(|known| known == id)
                .unwrap_or(self.calls.len()),
            None => self.calls.len().saturating_sub(1),
        });
        if index == self.calls.len() {
            self.calls.push(id.clone().unwrap_or_default());
        }
        let null = Value::Null;
        let function = call.get("function").unwrap_or(&null);
        ToolCallDelta {
            index,
            id,
            name: lenient::text(function, "name"),
            arguments: lenient::arguments(function.get("arguments")),
            signature: None,
        }
    }
}
