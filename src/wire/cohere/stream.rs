//! Reading a stream.

use std::collections::BTreeSet;

use serde_json::Value;

use super::response;
use super::version1;
use crate::types::ChatChunk;
use crate::types::Delta;
use crate::types::Seal;
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
    ended: bool,
    /// The wire's numbers of the calls, in order: a call's index is its place here.
    calls: Vec<u64>,
    /// The wire's numbers of the open blocks of thinking.
    thinking: BTreeSet<u64>,
}

impl Dialect for Stream {
    fn is_complete(&self) -> bool {
        self.ended
    }

    fn whole(&mut self, body: &[u8], chunks: &mut Vec<ChatChunk>) -> Result<(), WireError> {
        // A stream of version 1 that holds no more than one line.
        if let Ok(value) = lenient::parse(body)
            && value.get("event_type").is_some()
        {
            self.version1(&value, chunks)?;
            return match self.ended {
                true => Ok(()),
                false => Err(WireError::Truncated),
            };
        }
        chunks.extend(response::decode_response(body, &self.quirks)?.into_chunks());
        Ok(())
    }

    fn event(&mut self, event: &Event, chunks: &mut Vec<ChatChunk>) -> Result<(), WireError> {
        let data = event.data.trim();
        if data.is_empty() || data == "[DONE]" {
            return Ok(());
        }
        let value = lenient::parse(data.as_bytes())?;
        if value.get("event_type").is_some() {
            return self.version1(&value, chunks);
        }
        let Some(kind) = value.get("type").and_then(Value::as_str) else {
            return Err(failure::in_success(&value));
        };
        let block = lenient::count(&value, &["index"]);
        let delta = value.get("delta").unwrap_or(&Value::Null);
        let message = delta.get("message").unwrap_or(&Value::Null);
        match kind {
            "message-start" => chunks.push(ChatChunk {
                id: lenient::text(&value, "id"),
                ..ChatChunk::default()
            }),
            "content-start" | "content-delta" => {
                let content = message.get("content").unwrap_or(&Value::Null);
                chunks.push(self.content(block, content, &value));
            }
            "content-end" if self.thinking.remove(&block) => chunks.push(of(Delta {
                seal: Some(Seal::default()),
                ..Delta::default()
            })),
            "tool-plan-delta" => chunks.push(of(Delta {
                reasoning: lenient::text(message, "tool_plan").unwrap_or_default(),
                ..Delta::default()
            })),
            "tool-call-start" | "tool-call-delta" => chunks.extend(self.call(block, message)),
            "message-end" => chunks.push(self.end(delta)?),
            "citation-start" => chunks.push(unknown(response::CITATIONS)),
            "content-end" | "tool-call-end" | "citation-end" | "debug" => {}
            "error" => return Err(failure::in_success(&value)),
            other => chunks.push(unknown(other)),
        }
        Ok(())
    }
}

impl Stream {
    /// A reader of one answer.
    pub(in crate::wire) fn new(quirks: Quirks) -> Self {
        Self {
            quirks,
            ended: false,
            calls: Vec::new(),
            thinking: BTreeSet::new(),
        }
    }

    fn content(&mut self, block: u64, content: &Value, event: &Value) -> ChatChunk {
        let reasoning = lenient::text(content, "thinking");
        let thinks = content.get("type").and_then(Value::as_str) == Some("thinking");
        if thinks || reasoning.is_some() {
            self.thinking.insert(block);
        }
        of(Delta {
            text: lenient::text(content, "text").unwrap_or_default(),
            reasoning: reasoning.unwrap_or_default(),
            logprobs: response::logprobs(event.get("logprobs")),
            ..Delta::default()
        })
    }

    /// In a stream the calls are one object, in a whole answer a list.
    fn call(&mut self, number: u64, message: &Value) -> Option<ChatChunk> {
        let call = message.get("tool_calls")?;
        let call = call.get(0).unwrap_or(call);
        let function = call.get("function")?;
        let id = lenient::text(call, "id");
        let known = self.calls.iter().position(|known| *known == number);
        let index = match known {
            Some(index) => index,
            None => {
                self.calls.push(number);
                self.calls.len() - 1
            }
        };
        Some(of(Delta {
            tool_calls: vec![ToolCallDelta {
                index,
                id,
                name: lenient::text(function, "name"),
                arguments: response::arguments(function),
                signature: None,
            }],
            ..Delta::default()
        }))
    }

    fn end(&mut self, delta: &Value) -> Result<ChatChunk, WireError> {
        let word = lenient::text(delta, "finish_reason").unwrap_or_default();
        let error = lenient::text(delta, "error");
        let finish = response::finish(&word, error.as_deref(), &self.quirks)?;
        self.ended = true;
        Ok(ChatChunk {
            finish,
            native_finish: Some(word),
            usage: delta.get("usage").and_then(response::usage),
            ..ChatChunk::default()
        })
    }

    fn version1(&mut self, value: &Value, chunks: &mut Vec<ChatChunk>) -> Result<(), WireError> {
        let chunk = version1::event(value, &self.quirks)?;
        self.ended |= chunk.finish.is_some();
        chunks.push(chunk);
        Ok(())
    }
}

fn of(delta: Delta) -> ChatChunk {
    ChatChunk {
        delta,
        ..ChatChunk::default()
    }
}

fn unknown(kind: &str) -> ChatChunk {
    ChatChunk {
        unknown: vec![kind.to_owned()],
        ..ChatChunk::default()
    }
}
