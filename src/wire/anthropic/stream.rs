//! Reading a stream.

use serde_json::Value;

use super::response::decode_response;
use super::response::finish;
use super::response::usage;
use crate::types::ChatChunk;
use crate::types::Delta;
use crate::types::Seal;
use crate::types::ToolCallDelta;
use crate::types::Usage;
use crate::wire::WireError;
use crate::wire::failure;
use crate::wire::framing::Event;
use crate::wire::lenient;
use crate::wire::stream::Dialect;

/// What a stream has told so far.
#[derive(Debug, Default)]
pub(in crate::wire) struct Stream {
    stopped: bool,
    usage: Value,
    /// Block numbers of the tool calls, in order: a call's index is its place here.
    tools: Vec<u64>,
}

impl Dialect for Stream {
    fn is_complete(&self) -> bool {
        self.stopped
    }

    fn whole(&mut self, body: &[u8], chunks: &mut Vec<ChatChunk>) -> Result<(), WireError> {
        chunks.extend(decode_response(body)?.into_chunks());
        Ok(())
    }

    fn event(&mut self, event: &Event, chunks: &mut Vec<ChatChunk>) -> Result<(), WireError> {
        if event.data.trim().is_empty() {
            return Ok(());
        }
        let value = lenient::parse(event.data.as_bytes())?;
        match value.get("type").and_then(Value::as_str) {
            Some("message_start") => chunks.push(self.start(&value)),
            Some("content_block_start") => chunks.extend(self.block_start(&value)),
            Some("content_block_delta") => chunks.extend(self.block_delta(&value)),
            Some("message_delta") => chunks.push(self.message_delta(&value)),
            Some("message_stop") => self.stopped = true,
            Some("error") => return Err(failure::in_success(&value)),
            // ping, content_block_stop, and whatever comes to be added.
            Some(_) => {}
            None => return Err(WireError::Malformed("an event without a type".to_owned())),
        }
        Ok(())
    }
}

impl Stream {
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
        if !self.usage.is_object() {
            self.usage = Value::Object(serde_json::Map::new());
        }
        for (key, value) in told.iter().filter(|(_, value)| !value.is_null()) {
            self.usage[key] = value.clone();
        }
        Some(usage(&self.usage))
    }

    fn block_start(&mut self, value: &Value) -> Option<ChatChunk> {
        let block = value.get("content_block")?;
        let delta = match block.get("type").and_then(Value::as_str)? {
            "tool_use" => {
                self.tools.push(lenient::count(value, &["index"]));
                let index = self.tools.len() - 1;
                let (id, name) = (lenient::text(block, "id"), lenient::text(block, "name"));
                let call = ToolCallDelta {
                    index,
                    id,
                    name,
                    arguments: String::new(),
                    signature: None,
                };
                Delta {
                    tool_calls: vec![call],
                    ..Delta::default()
                }
            }
            "text" => Delta {
                text: lenient::text(block, "text")?,
                ..Delta::default()
            },
            "thinking" => Delta {
                reasoning: lenient::text(block, "thinking").unwrap_or_default(),
                seal: seal(block),
                ..Delta::default()
            },
            _ => return None,
        };
        Some(ChatChunk {
            delta,
            ..ChatChunk::default()
        })
    }

    fn block_delta(&self, value: &Value) -> Option<ChatChunk> {
        let piece = value.get("delta")?;
        let delta = match piece.get("type").and_then(Value::as_str)? {
            "text_delta" => Delta {
                text: lenient::text(piece, "text")?,
                ..Delta::default()
            },
            "thinking_delta" => Delta {
                reasoning: lenient::text(piece, "thinking")?,
                ..Delta::default()
            },
            "signature_delta" => Delta {
                seal: seal(piece),
                ..Delta::default()
            },
            "input_json_delta" => {
                let block = lenient::count(value, &["index"]);
                let index = self.tools.iter().position(|known| *known == block)?;
                let arguments = lenient::text(piece, "partial_json")?;
                let call = ToolCallDelta {
                    index,
                    id: None,
                    name: None,
                    arguments,
                    signature: None,
                };
                Delta {
                    tool_calls: vec![call],
                    ..Delta::default()
                }
            }
            _ => return None,
        };
        Some(ChatChunk {
            delta,
            ..ChatChunk::default()
        })
    }

    fn message_delta(&mut self, value: &Value) -> ChatChunk {
        let finish = value.get("delta").and_then(finish);
        ChatChunk {
            finish,
            usage: self.take_usage(value),
            ..ChatChunk::default()
        }
    }
}

fn seal(block: &Value) -> Option<Seal> {
    lenient::text(block, "signature").map(|signature| Seal {
        signature: Some(signature),
        ..Seal::default()
    })
}
