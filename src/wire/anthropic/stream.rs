//! Reading a stream.

use std::collections::BTreeMap;

use serde_json::Map;
use serde_json::Value;

use super::response;
use super::response::decode_response;
use super::response::finish;
use super::response::usage;
use crate::types::ChatChunk;
use crate::types::Delta;
use crate::types::FinishReason;
use crate::types::Seal;
use crate::types::ToolCallDelta;
use crate::types::Usage;
use crate::types::quirks::JsonSupport;
use crate::types::quirks::Quirks;
use crate::wire::WireError;
use crate::wire::failure;
use crate::wire::framing::Event;
use crate::wire::json_answer::ANSWER_TOOL;
use crate::wire::lenient;
use crate::wire::stream::Dialect;

/// What a stream has told so far.
#[derive(Debug, Default)]
pub(in crate::wire) struct Stream {
    /// Answers in JSON come as the call of a function, which is the text.
    answer_is_call: bool,
    answered: bool,
    stopped: bool,
    usage: Map<String, Value>,
    /// The blocks that are open, by their numbers.
    open: BTreeMap<u64, Block>,
    /// How many tools are called so far.
    calls: usize,
}

/// A block that is open.
#[derive(Debug)]
enum Block {
    Thinking(Thought),
    Call(Call),
}

/// What a block of thinking has so far; it is sealed when the block ends.
#[derive(Debug, Default)]
struct Thought {
    signature: String,
    said: bool,
}

/// A call whose arguments come.
#[derive(Debug)]
struct Call {
    /// Which one of the answer; `None` for the call that is the answer itself.
    index: Option<usize>,
    /// What the block began with, which counts when no pieces follow.
    input: Option<Value>,
}

impl Dialect for Stream {
    fn is_complete(&self) -> bool {
        self.stopped
    }

    fn whole(&mut self, body: &[u8], chunks: &mut Vec<ChatChunk>) -> Result<(), WireError> {
        chunks.extend(decode_response(body, self.answer_is_call)?.into_chunks());
        Ok(())
    }

    fn event(&mut self, event: &Event, chunks: &mut Vec<ChatChunk>) -> Result<(), WireError> {
        let data = event.data.trim();
        if data.is_empty() || data == "[DONE]" {
            return Ok(());
        }
        let value = lenient::parse(data.as_bytes())?;
        match value.get("type").and_then(Value::as_str) {
            Some("message_start") => chunks.push(self.start(&value)),
            Some("content_block_start") => self.block_start(&value, chunks),
            Some("content_block_delta") => self.block_delta(&value, chunks),
            Some("content_block_stop") => {
                self.block_stop(lenient::count(&value, &["index"]), chunks)
            }
            Some("message_delta") => self.message_delta(&value, chunks),
            Some("message_stop") => self.stopped = true,
            Some("ping") => {}
            Some("error") => return Err(failure::in_success(&value)),
            _ if value.get("error").is_some_and(|error| !error.is_null()) => {
                return Err(failure::in_success(&value));
            }
            Some(other) => chunks.push(unknown(other)),
            None => return Err(WireError::Malformed("an event without a type".to_owned())),
        }
        Ok(())
    }
}

impl Stream {
    pub(in crate::wire) fn new(quirks: &Quirks) -> Self {
        Self {
            answer_is_call: quirks.json == JsonSupport::Tool,
            ..Self::default()
        }
    }

    fn start(&mut self, value: &Value) -> ChatChunk {
        let null = Value::Null;
        let message = value.get("message").unwrap_or(&null);
        ChatChunk {
            id: lenient::text(message, "id"),
            model: lenient::text(message, "model"),
            usage: self.take_usage(message),
            ..ChatChunk::default()
        }
    }

    /// Usage is cumulative, and `message_delta` overrides what `message_start` said, member by member.
    fn take_usage(&mut self, holder: &Value) -> Option<Usage> {
        let told = holder.get("usage")?.as_object()?;
        for (key, value) in told.iter().filter(|(_, value)| !value.is_null()) {
            self.usage.insert(key.clone(), value.clone());
        }
        Some(usage(&Value::Object(self.usage.clone())))
    }

    fn block_start(&mut self, value: &Value, chunks: &mut Vec<ChatChunk>) {
        let null = Value::Null;
        let (block, number) = (
            value.get("content_block").unwrap_or(&null),
            lenient::count(value, &["index"]),
        );
        match block.get("type").and_then(Value::as_str) {
            Some("tool_use") => chunks.extend(self.call_start(block, number)),
            Some("text") => chunks.extend(text(block, "text")),
            Some("thinking") => self.think(block, number, chunks),
            // It comes whole.
            Some("redacted_thinking") => chunks.extend(response::redacted(block).map(sealed)),
            Some(other) => chunks.push(unknown(other)),
            None => {}
        }
    }

    fn call_start(&mut self, block: &Value, number: u64) -> Option<ChatChunk> {
        let (id, name) = (lenient::text(block, "id"), lenient::text(block, "name"));
        let input = block.get("input").cloned();
        if self.answer_is_call && name.as_deref() == Some(ANSWER_TOOL) {
            self.answered = true;
            self.open
                .insert(number, Block::Call(Call { index: None, input }));
            return None;
        }
        let index = self.calls;
        self.calls += 1;
        let call = Call {
            index: Some(index),
            input,
        };
        self.open.insert(number, Block::Call(call));
        Some(call_piece(ToolCallDelta {
            index,
            id,
            name,
            ..ToolCallDelta::default()
        }))
    }

    fn think(&mut self, piece: &Value, number: u64, chunks: &mut Vec<ChatChunk>) {
        let block = self
            .open
            .entry(number)
            .or_insert_with(|| Block::Thinking(Thought::default()));
        let Block::Thinking(thought) = block else {
            return;
        };
        thought.signature.extend(lenient::text(piece, "signature"));
        let said = lenient::text(piece, "thinking").map(|reasoning| ChatChunk {
            delta: Delta {
                reasoning,
                ..Delta::default()
            },
            ..ChatChunk::default()
        });
        thought.said |= said.is_some();
        chunks.extend(said);
    }

    fn block_delta(&mut self, value: &Value, chunks: &mut Vec<ChatChunk>) {
        let null = Value::Null;
        let (piece, number) = (
            value.get("delta").unwrap_or(&null),
            lenient::count(value, &["index"]),
        );
        match piece.get("type").and_then(Value::as_str) {
            Some("text_delta") => chunks.extend(text(piece, "text")),
            Some("thinking_delta" | "signature_delta") => self.think(piece, number, chunks),
            Some("input_json_delta") => chunks.extend(self.call_delta(piece, number)),
            Some(other) => chunks.push(unknown(other)),
            None => {}
        }
    }

    /// Pieces of a server tool's input belong to no call of ours.
    fn call_delta(&mut self, piece: &Value, number: u64) -> Option<ChatChunk> {
        let arguments = lenient::text(piece, "partial_json")?;
        match self.open.get_mut(&number)? {
            Block::Thinking(_) => None,
            Block::Call(call) => {
                call.input = None;
                Some(call.piece(arguments))
            }
        }
    }

    fn block_stop(&mut self, number: u64, chunks: &mut Vec<ChatChunk>) {
        match self.open.remove(&number) {
            Some(Block::Thinking(thought)) => chunks.extend(thought.sealed()),
            Some(Block::Call(mut call)) => {
                let given = call
                    .input
                    .take()
                    .map(|input| response::arguments(Some(&input)));
                // A call without arguments is known to the reader as such; an answer has to be written.
                let given = given.filter(|given| call.index.is_none() || given != "{}");
                chunks.extend(given.map(|given| call.piece(given)));
            }
            None => {}
        }
    }

    fn message_delta(&mut self, value: &Value, chunks: &mut Vec<ChatChunk>) {
        // Not everybody who speaks this wire ends the blocks.
        while let Some((number, _)) = self.open.first_key_value() {
            self.block_stop(*number, chunks);
        }
        let null = Value::Null;
        let delta = value.get("delta").unwrap_or(&null);
        let finish = finish(delta).map(|finish| match finish {
            FinishReason::ToolCalls if self.answered && self.calls == 0 => FinishReason::Stop,
            other => other,
        });
        chunks.push(ChatChunk {
            finish,
            native_finish: lenient::text(delta, "stop_reason"),
            usage: self.take_usage(value),
            ..ChatChunk::default()
        });
    }
}

impl Thought {
    fn sealed(self) -> Option<ChatChunk> {
        let seal = Seal {
            signature: Some(self.signature).filter(|signature| !signature.is_empty()),
            ..Seal::default()
        };
        (self.said || !seal.is_empty()).then(|| sealed(seal))
    }
}

impl Call {
    fn piece(&self, arguments: String) -> ChatChunk {
        match self.index {
            Some(index) => call_piece(ToolCallDelta {
                index,
                arguments,
                ..ToolCallDelta::default()
            }),
            None => text_chunk(arguments),
        }
    }
}

fn text(holder: &Value, key: &str) -> Option<ChatChunk> {
    lenient::text(holder, key).map(text_chunk)
}

fn text_chunk(text: String) -> ChatChunk {
    ChatChunk {
        delta: Delta {
            text,
            ..Delta::default()
        },
        ..ChatChunk::default()
    }
}

fn call_piece(piece: ToolCallDelta) -> ChatChunk {
    ChatChunk {
        delta: Delta {
            tool_calls: vec![piece],
            ..Delta::default()
        },
        ..ChatChunk::default()
    }
}

fn sealed(seal: Seal) -> ChatChunk {
    ChatChunk {
        delta: Delta {
            seal: Some(seal),
            ..Delta::default()
        },
        ..ChatChunk::default()
    }
}

fn unknown(kind: &str) -> ChatChunk {
    ChatChunk {
        unknown: vec![kind.to_owned()],
        ..ChatChunk::default()
    }
}
