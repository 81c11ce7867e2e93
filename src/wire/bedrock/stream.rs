//! Reading a stream.

use std::collections::BTreeMap;

use serde_json::Value;

use super::invoke::Invoked;
use super::response;
use crate::types::ChatChunk;
use crate::types::Delta;
use crate::types::Seal;
use crate::types::ToolCallDelta;
use crate::types::quirks::Quirks;
use crate::wire::WireError;
use crate::wire::failure;
use crate::wire::framing::Event;
use crate::wire::json_answer::ANSWER_TOOL;
use crate::wire::lenient;
use crate::wire::stream::Dialect;

/// What a stream has told so far.
#[derive(Debug)]
pub(in crate::wire) struct Stream {
    quirks: Quirks,
    stopped: bool,
    /// The open blocks; text needs none.
    blocks: BTreeMap<u64, Block>,
    calls: usize,
    answered: bool,
    /// The model's own stream, where there is one in this.
    invoked: Option<Invoked>,
}

#[derive(Debug)]
enum Block {
    /// A call, by its place among the calls.
    Call(usize),
    /// The answer, had as a call.
    Answer,
    /// A call of a tool that the provider runs, or its result.
    Servers,
    /// Reasoning, and what goes back with it.
    Reasoning(Seal),
}

impl Dialect for Stream {
    fn is_complete(&self) -> bool {
        self.stopped || self.invoked.as_ref().is_some_and(Invoked::is_complete)
    }

    fn whole(&mut self, body: &[u8], chunks: &mut Vec<ChatChunk>) -> Result<(), WireError> {
        let value = lenient::parse(body)?;
        if let Some(answer) = response::converse(&value, &self.quirks) {
            chunks.extend(answer?.into_chunks());
            return Ok(());
        }
        Invoked::new(&self.quirks).whole(&value, body, chunks)
    }

    fn event(&mut self, event: &Event, chunks: &mut Vec<ChatChunk>) -> Result<(), WireError> {
        let name = event.name.as_deref().unwrap_or_default();
        if let Some(code) = name
            .strip_prefix("exception:")
            .or_else(|| name.strip_prefix("error:"))
        {
            return Err(failed(code, &event.data));
        }
        let value = lenient::parse(event.data.as_bytes())?;
        match name {
            // Without its frame, an event is the model's own, or wrapped in its name.
            "" => self.unnamed(&value, chunks),
            "chunk" => self.unnamed(&Invoked::unwrap(&value)?, chunks),
            name => self.told(name, &value, chunks),
        }
    }
}

/// The events of a Converse stream.
const EVENTS: [&str; 6] = [
    "messageStart",
    "contentBlockStart",
    "contentBlockDelta",
    "contentBlockStop",
    "messageStop",
    "metadata",
];

impl Stream {
    /// A reader of one answer.
    pub(in crate::wire) fn new(quirks: Quirks) -> Self {
        Self {
            quirks,
            stopped: false,
            blocks: BTreeMap::new(),
            calls: 0,
            answered: false,
            invoked: None,
        }
    }

    /// Nova's own stream is that of Converse, each event wrapped in its name.
    fn unnamed(&mut self, value: &Value, chunks: &mut Vec<ChatChunk>) -> Result<(), WireError> {
        match value.as_object().and_then(|inner| inner.iter().next()) {
            Some((name, told)) if EVENTS.contains(&name.as_str()) => self.told(name, told, chunks),
            Some(_) | None => self
                .invoked
                .get_or_insert_with(|| Invoked::new(&self.quirks))
                .event(value, chunks),
        }
    }

    fn told(
        &mut self,
        name: &str,
        value: &Value,
        chunks: &mut Vec<ChatChunk>,
    ) -> Result<(), WireError> {
        let block = lenient::count(value, &["contentBlockIndex"]);
        match name {
            "messageStart" => {}
            "contentBlockStart" => chunks.extend(self.block_start(block, value)),
            "contentBlockDelta" => chunks.extend(self.block_delta(block, value)),
            "contentBlockStop" => chunks.extend(self.block_stop(block)),
            "messageStop" => {
                let open: Vec<u64> = self.blocks.keys().copied().collect();
                chunks.extend(open.into_iter().filter_map(|block| self.block_stop(block)));
                let word = lenient::text(value, "stopReason").unwrap_or_default();
                let calls = self.calls > 0;
                chunks.push(ChatChunk {
                    finish: Some(response::finish(&word, self.answered, calls, &self.quirks)?),
                    native_finish: Some(word),
                    ..ChatChunk::default()
                });
                self.stopped = true;
            }
            // It comes behind the end.
            "metadata" => chunks.extend(value.get("usage").map(|told| ChatChunk {
                usage: Some(response::usage(told)),
                ..ChatChunk::default()
            })),
            other => chunks.push(unknown(other)),
        }
        Ok(())
    }

    /// Only calls, results of the provider's tools and the like have a start; text and reasoning have none.
    fn block_start(&mut self, block: u64, value: &Value) -> Option<ChatChunk> {
        let (kind, start) = value.get("start")?.as_object()?.iter().next()?;
        match kind.as_str() {
            "toolUse" => {
                let name = lenient::text(start, "name");
                if response::is_servers(start) {
                    self.blocks.insert(block, Block::Servers);
                    return Some(unknown(&name.unwrap_or_default()));
                }
                if name.as_deref() == Some(ANSWER_TOOL) {
                    self.answered = true;
                    self.blocks.insert(block, Block::Answer);
                    return None;
                }
                let index = self.calls;
                self.calls += 1;
                self.blocks.insert(block, Block::Call(index));
                Some(call_piece(ToolCallDelta {
                    index,
                    id: lenient::text(start, "toolUseId"),
                    name,
                    ..ToolCallDelta::default()
                }))
            }
            "toolResult" => {
                self.blocks.insert(block, Block::Servers);
                None
            }
            other => Some(unknown(other)),
        }
    }

    fn block_delta(&mut self, block: u64, value: &Value) -> Option<ChatChunk> {
        let (kind, piece) = value.get("delta")?.as_object()?.iter().next()?;
        match kind.as_str() {
            "text" => text_piece(piece.as_str()?),
            "reasoningContent" => self.reasoning_piece(block, piece),
            "toolUse" => {
                let arguments = lenient::arguments(piece.get("input"));
                match self.blocks.get(&block)? {
                    Block::Call(index) => Some(call_piece(ToolCallDelta {
                        index: *index,
                        arguments,
                        ..ToolCallDelta::default()
                    })),
                    Block::Answer => text_piece(&arguments),
                    Block::Servers | Block::Reasoning(_) => None,
                }
            }
            // The result of a server's tool, whose call is noted.
            "toolResult" => None,
            other => Some(unknown(other)),
        }
    }

    /// The seal comes in pieces, behind the text or without any.
    fn reasoning_piece(&mut self, block: u64, piece: &Value) -> Option<ChatChunk> {
        let open = self
            .blocks
            .entry(block)
            .or_insert_with(|| Block::Reasoning(Seal::default()));
        if let Block::Reasoning(seal) = open {
            add_to(&mut seal.signature, lenient::text(piece, "signature"));
            add_to(&mut seal.encrypted, lenient::text(piece, "redactedContent"));
        }
        let reasoning = lenient::text(piece, "text")?;
        Some(ChatChunk {
            delta: Delta {
                reasoning,
                ..Delta::default()
            },
            ..ChatChunk::default()
        })
    }

    fn block_stop(&mut self, block: u64) -> Option<ChatChunk> {
        match self.blocks.remove(&block)? {
            Block::Reasoning(seal) => Some(ChatChunk {
                delta: Delta {
                    seal: Some(seal),
                    ..Delta::default()
                },
                ..ChatChunk::default()
            }),
            Block::Call(_) | Block::Answer | Block::Servers => None,
        }
    }
}

fn add_to(whole: &mut Option<String>, piece: Option<String>) {
    if let Some(piece) = piece {
        whole.get_or_insert_default().push_str(&piece);
    }
}

fn text_piece(text: &str) -> Option<ChatChunk> {
    (!text.is_empty()).then(|| ChatChunk {
        delta: Delta {
            text: text.to_owned(),
            ..Delta::default()
        },
        ..ChatChunk::default()
    })
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

fn unknown(kind: &str) -> ChatChunk {
    ChatChunk {
        unknown: vec![kind.to_owned()],
        ..ChatChunk::default()
    }
}

/// An exception within the stream; its type is the only code that it has.
fn failed(code: &str, body: &str) -> WireError {
    let said = lenient::parse(body.as_bytes()).unwrap_or_default();
    let message = ["message", "Message", "originalMessage"]
        .into_iter()
        .find_map(|key| lenient::text(&said, key))
        .unwrap_or_else(|| format!("the stream ended with {code:?}"));
    failure::of_code(code, &message)
}
