//! Messages answers, whole and streamed, to Agon's form.

use serde::Deserialize;
use serde_json::Value;

use super::super::dialect::EventReader;
use super::super::dialect::Fault;
use super::super::dialect::Step;
use super::super::refusal::Refusal;
use super::Report;
use crate::client::LlmErrorKind;
use crate::types::ChatChunk;
use crate::types::ChatResponse;
use crate::types::Delta;
use crate::types::FinishReason;
use crate::types::ResponseBuilder;
use crate::types::Seal;
use crate::types::ToolCallDelta;
use crate::types::Usage;

#[derive(Debug, Deserialize)]
struct Answer {
    id: String,
    model: String,
    #[serde(default)]
    content: Vec<Block>,
    stop_reason: Option<String>,
    #[serde(default)]
    usage: Tokens,
}

/// A block of a whole answer, or the start of one in a stream.
#[derive(Debug, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Block {
    Text {
        text: String,
    },
    Thinking {
        thinking: String,
        #[serde(default)]
        signature: String,
    },
    ToolUse {
        id: String,
        name: String,
        #[serde(default)]
        input: Value,
    },
    /// Redacted thinking, results of the provider's own tools and what is yet to come.
    #[serde(other)]
    Unread,
}

#[derive(Debug, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Event {
    MessageStart {
        message: Answer,
    },
    ContentBlockStart {
        index: usize,
        content_block: Block,
    },
    ContentBlockDelta {
        index: usize,
        delta: Piece,
    },
    MessageDelta {
        delta: Ending,
        #[serde(default)]
        usage: Tokens,
    },
    MessageStop,
    Error {
        error: Report,
    },
    /// `ping`, `content_block_stop` and what is yet to come.
    #[serde(other)]
    Unread,
}

#[derive(Debug, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Piece {
    TextDelta {
        text: String,
    },
    ThinkingDelta {
        thinking: String,
    },
    SignatureDelta {
        signature: String,
    },
    InputJsonDelta {
        partial_json: String,
    },
    #[serde(other)]
    Unread,
}

#[derive(Debug, Deserialize)]
struct Ending {
    stop_reason: Option<String>,
}

/// A count that is absent keeps what was told before.
#[derive(Debug, Default, Clone, Copy, Deserialize)]
#[serde(default)]
struct Tokens {
    input_tokens: Option<u64>,
    cache_creation_input_tokens: Option<u64>,
    cache_read_input_tokens: Option<u64>,
    output_tokens: Option<u64>,
    output_tokens_details: Option<OutputTokens>,
}

#[derive(Debug, Default, Clone, Copy, Deserialize)]
struct OutputTokens {
    thinking_tokens: Option<u64>,
}

/// Reads a whole answer.
pub(super) fn whole(body: &[u8]) -> Result<ChatResponse, Fault> {
    let answer: Answer =
        serde_json::from_slice(body).map_err(|error| Fault::not_json("the answer", &error))?;
    let mut builder = ResponseBuilder::default();
    let mut calls = Calls::default();
    let Answer { id, model, .. } = answer;
    builder.push(&ChatChunk {
        id: Some(id),
        model: Some(model),
        finish: answer.stop_reason.as_deref().map(finish),
        usage: Some(answer.usage.disjoint()),
        ..ChatChunk::default()
    });
    for (index, block) in answer.content.into_iter().enumerate() {
        builder.push(&said(calls.start(index, block)));
    }
    Ok(builder.finish())
}

/// Reads a streamed answer.
#[derive(Debug, Default)]
pub(in super::super) struct StreamReader {
    calls: Calls,
    tokens: Tokens,
    finished: bool,
}

impl EventReader for StreamReader {
    fn read(&mut self, payload: &str) -> Result<Step, Fault> {
        let event: Event = serde_json::from_str(payload)
            .map_err(|error| Fault::not_json("an event of the stream", &error))?;
        let chunk = match event {
            Event::MessageStart { message } => self.start(message),
            Event::ContentBlockStart {
                index,
                content_block,
            } => said(self.calls.start(index, content_block)),
            Event::ContentBlockDelta { index, delta } => said(self.calls.piece(index, delta)),
            Event::MessageDelta { delta, usage } => self.end(&delta, usage),
            Event::MessageStop => return Ok(Step::Done),
            Event::Error { error } => {
                let overloaded = LlmErrorKind::Overloaded { retry_after: None };
                let kind = error.class(None).unwrap_or(overloaded);
                let message = error.message;
                return Err(Fault::Refused(Refusal { kind, message }));
            }
            Event::Unread => return Ok(Step::Nothing),
        };
        Ok(match chunk == ChatChunk::default() {
            true => Step::Nothing,
            false => Step::Chunk(Box::new(chunk)),
        })
    }

    fn is_finished(&self) -> bool {
        self.finished
    }
}

impl StreamReader {
    fn start(&mut self, message: Answer) -> ChatChunk {
        self.tokens.update(message.usage);
        ChatChunk {
            id: Some(message.id),
            model: Some(message.model),
            usage: Some(self.tokens.disjoint()),
            ..ChatChunk::default()
        }
    }

    fn end(&mut self, ending: &Ending, usage: Tokens) -> ChatChunk {
        self.tokens.update(usage);
        self.finished |= ending.stop_reason.is_some();
        ChatChunk {
            finish: ending.stop_reason.as_deref().map(finish),
            usage: Some(self.tokens.disjoint()),
            ..ChatChunk::default()
        }
    }
}

/// Numbers the tool calls: Anthropic counts blocks of all kinds, Agon counts calls.
#[derive(Debug, Default)]
struct Calls {
    /// The block of each call, in order.
    blocks: Vec<usize>,
}

/// The signature of a block of thinking, once it has come.
fn seal(signature: String) -> Option<Seal> {
    (!signature.is_empty()).then(|| Seal {
        signature: Some(signature),
        ..Seal::default()
    })
}

impl Calls {
    fn start(&mut self, index: usize, block: Block) -> Delta {
        match block {
            Block::Text { text } => Delta {
                text,
                ..Delta::default()
            },
            Block::Thinking {
                thinking,
                signature,
            } => Delta {
                reasoning: thinking,
                seal: seal(signature),
                ..Delta::default()
            },
            Block::ToolUse { id, name, input } => {
                self.blocks.push(index);
                // In a stream the input starts as `{}` and comes in pieces; whole, it is here.
                let arguments = match &input {
                    Value::Object(fields) if !fields.is_empty() => input.to_string(),
                    _ => String::new(),
                };
                call(ToolCallDelta {
                    index: self.blocks.len() - 1,
                    id: Some(id),
                    name: Some(name),
                    arguments,
                    signature: None,
                })
            }
            Block::Unread => Delta::default(),
        }
    }

    fn piece(&self, index: usize, piece: Piece) -> Delta {
        let mut delta = Delta::default();
        match piece {
            Piece::TextDelta { text } => delta.text = text,
            Piece::ThinkingDelta { thinking } => delta.reasoning = thinking,
            Piece::SignatureDelta { signature } => delta.seal = seal(signature),
            Piece::InputJsonDelta { partial_json } => {
                let position = self.blocks.iter().position(|block| *block == index);
                // Input of a block that is no call of ours belongs to one of the provider's own tools.
                if let Some(index) = position.filter(|_| !partial_json.is_empty()) {
                    return call(ToolCallDelta {
                        index,
                        arguments: partial_json,
                        ..ToolCallDelta::default()
                    });
                }
            }
            Piece::Unread => {}
        }
        delta
    }
}

fn call(piece: ToolCallDelta) -> Delta {
    Delta {
        tool_calls: vec![piece],
        ..Delta::default()
    }
}

fn said(delta: Delta) -> ChatChunk {
    ChatChunk {
        delta,
        ..ChatChunk::default()
    }
}

fn finish(reason: &str) -> FinishReason {
    match reason {
        "max_tokens" | "model_context_window_exceeded" => FinishReason::Length,
        "tool_use" => FinishReason::ToolCalls,
        "refusal" => FinishReason::ContentFilter,
        // `end_turn`, `stop_sequence`, `pause_turn`, `compaction` and what is yet to come.
        _ => FinishReason::Stop,
    }
}

impl Tokens {
    /// Takes over later counts: they are totals, not additions.
    fn update(&mut self, later: Self) {
        self.input_tokens = later.input_tokens.or(self.input_tokens);
        self.cache_creation_input_tokens = later
            .cache_creation_input_tokens
            .or(self.cache_creation_input_tokens);
        self.cache_read_input_tokens = later
            .cache_read_input_tokens
            .or(self.cache_read_input_tokens);
        self.output_tokens = later.output_tokens.or(self.output_tokens);
        self.output_tokens_details = later.output_tokens_details.or(self.output_tokens_details);
    }

    /// Input excludes what the cache read and wrote; output includes the thinking.
    fn disjoint(&self) -> Usage {
        let thinking = self.output_tokens_details.unwrap_or_default();
        let reasoning = thinking.thinking_tokens.unwrap_or(0);
        Usage {
            input: self.input_tokens.unwrap_or(0),
            cache_read: self.cache_read_input_tokens.unwrap_or(0),
            cache_write: self.cache_creation_input_tokens.unwrap_or(0),
            output: self.output_tokens.unwrap_or(0).saturating_sub(reasoning),
            reasoning,
            ..Usage::default()
        }
    }
}
