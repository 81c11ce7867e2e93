//! A streamed answer in pieces, and the pieces put together.

use bytes::Bytes;
use serde::Deserialize;
use serde::Serialize;

use super::chat::ChatResponse;
use super::chat::Reasoning;
use super::chat::Seal;
use super::chat::ToolCall;
use super::usage::Usage;

/// One event of a streamed answer.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ChatChunk {
    /// The provider's id of the answer, where this event tells it.
    pub id: Option<String>,
    /// The model that answers, where this event tells it.
    pub model: Option<String>,
    /// What is new.
    pub delta: Delta,
    /// Why the answer ended; the last one told wins.
    pub finish: Option<FinishReason>,
    /// The provider's own word for that.
    pub native_finish: Option<String>,
    /// The usage so far, cumulative: a later one replaces an earlier one.
    pub usage: Option<Usage>,
    /// Kinds of content and events that were not understood, by the provider's names for them.
    pub unknown: Vec<String>,
    /// The bytes as received, when they may be passed on untouched.
    pub frame: Option<Bytes>,
}

/// What one event adds.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Delta {
    /// New text.
    pub text: String,
    /// New words of a refusal.
    pub refusal: String,
    /// New reasoning.
    pub reasoning: String,
    /// Ends the block of reasoning that is open, or is a whole block when none is; a later text opens another.
    pub seal: Option<Seal>,
    /// New pieces of tool calls.
    pub tool_calls: Vec<ToolCallDelta>,
    /// Log probabilities of the new text's tokens.
    pub logprobs: Vec<TokenLogprob>,
}

impl Delta {
    /// `true` when the event adds nothing that a reader sees.
    pub fn is_empty(&self) -> bool {
        self.text.is_empty()
            && self.refusal.is_empty()
            && self.reasoning.is_empty()
            && self.seal.is_none()
            && self.tool_calls.is_empty()
    }
}

/// The log probability of one token, and of those that could have stood in its place.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct TokenLogprob {
    /// The token's text.
    pub token: String,
    /// The natural logarithm of its probability.
    pub logprob: f64,
    /// The likeliest tokens at this place, the likeliest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub top: Vec<(String, f64)>,
}

/// A piece of one tool call.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ToolCallDelta {
    /// Which call of the answer, counted from 0.
    pub index: usize,
    /// The call's id; only in its first piece, `None` otherwise.
    pub id: Option<String>,
    /// The function; only in its first piece, `None` otherwise.
    pub name: Option<String>,
    /// A further piece of the arguments' JSON text.
    pub arguments: String,
    /// The provider's signature over the thought behind the call; in one piece only.
    pub signature: Option<String>,
}

/// Why an answer ended.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FinishReason {
    /// The model was done, or met a stop text.
    #[default]
    Stop,
    /// The token limit was reached.
    Length,
    /// The model waits for tool results.
    ToolCalls,
    /// The provider held the answer back.
    ContentFilter,
}

/// Puts the chunks of a stream together.
#[derive(Debug, Default)]
pub struct ResponseBuilder {
    response: ChatResponse,
    finish: Option<FinishReason>,
    /// The last block of reasoning has its seal: further reasoning is another block.
    sealed: bool,
}

impl ResponseBuilder {
    /// Adds the next chunk.
    pub fn push(&mut self, chunk: &ChatChunk) {
        let response = &mut self.response;
        // The first id and model that say something stay: one provider changes the id with every chunk.
        if let Some(id) = chunk.id.as_ref().filter(|_| response.id.is_empty()) {
            response.id.clone_from(id);
        }
        if let Some(model) = chunk.model.as_ref().filter(|_| response.model.is_empty()) {
            response.model.clone_from(model);
        }
        response.text.push_str(&chunk.delta.text);
        response.refusal.push_str(&chunk.delta.refusal);
        for piece in &chunk.delta.tool_calls {
            add_tool_piece(&mut response.tool_calls, piece);
        }
        response.logprobs.extend_from_slice(&chunk.delta.logprobs);
        if let Some(usage) = chunk.usage {
            response.usage = usage;
        }
        if let Some(word) = &chunk.native_finish {
            response.native_finish.clone_from(word);
        }
        for kind in &chunk.unknown {
            if !response.unknown.contains(kind) && response.unknown.len() < MAX_UNKNOWN {
                response.unknown.push(kind.clone());
            }
        }
        self.finish = chunk.finish.or(self.finish);
        self.add_reasoning(&chunk.delta);
    }

    fn add_reasoning(&mut self, delta: &Delta) {
        let blocks = &mut self.response.reasoning;
        if !delta.reasoning.is_empty() {
            match blocks.last_mut() {
                Some(open) if !self.sealed => open.text.push_str(&delta.reasoning),
                Some(_) | None => blocks.push(Reasoning {
                    text: delta.reasoning.clone(),
                    seal: Seal::default(),
                }),
            }
            self.sealed = false;
        }
        if let Some(seal) = &delta.seal {
            match blocks.last_mut() {
                Some(open) if !self.sealed => open.seal = seal.clone(),
                Some(_) | None => blocks.push(Reasoning {
                    text: String::new(),
                    seal: seal.clone(),
                }),
            }
            self.sealed = true;
        }
    }

    /// The text so far.
    pub fn text(&self) -> &str {
        &self.response.text
    }

    /// Ends the answer. An answer with tool calls finishes as `ToolCalls`, whatever the provider said;
    /// a call without arguments has `{}`.
    pub fn finish(mut self) -> ChatResponse {
        // A place that an index skipped holds no call.
        let calls = &mut self.response.tool_calls;
        calls.retain(|call| *call != ToolCall::default());
        for call in calls {
            if call.arguments.trim().is_empty() {
                call.arguments = "{}".to_owned();
            }
        }
        self.response.finish = match self.finish.unwrap_or_default() {
            FinishReason::Stop if !self.response.tool_calls.is_empty() => FinishReason::ToolCalls,
            other => other,
        };
        self.response
    }
}

/// Most tool calls of one answer that are kept: an index is the provider's, so it needs a bound.
const MAX_TOOL_CALLS: usize = 256;

/// Most kinds of unknown content that are remembered.
const MAX_UNKNOWN: usize = 64;

fn add_tool_piece(calls: &mut Vec<ToolCall>, piece: &ToolCallDelta) {
    if piece.index >= MAX_TOOL_CALLS {
        return;
    }
    while calls.len() <= piece.index {
        calls.push(ToolCall::default());
    }
    let call = &mut calls[piece.index];
    if let Some(id) = piece.id.as_ref().filter(|id| !id.is_empty()) {
        call.id.clone_from(id);
    }
    if let Some(name) = piece.name.as_ref().filter(|name| !name.is_empty()) {
        call.name.clone_from(name);
    }
    call.arguments.push_str(&piece.arguments);
    if piece.signature.is_some() {
        call.signature.clone_from(&piece.signature);
    }
}

impl ChatResponse {
    /// The whole answer as the chunks of a stream: one for each block of reasoning, one for everything else.
    pub fn into_chunks(self) -> Vec<ChatChunk> {
        let mut chunks: Vec<ChatChunk> = self.reasoning.into_iter().map(reasoning_chunk).collect();
        let calls = self.tool_calls.into_iter().enumerate();
        chunks.push(ChatChunk {
            delta: Delta {
                text: self.text,
                refusal: self.refusal,
                tool_calls: calls.map(whole_call).collect(),
                logprobs: self.logprobs,
                ..Delta::default()
            },
            finish: Some(self.finish),
            native_finish: Some(self.native_finish).filter(|word| !word.is_empty()),
            usage: (self.usage != Usage::default()).then_some(self.usage),
            unknown: self.unknown,
            ..ChatChunk::default()
        });
        chunks[0].id = Some(self.id).filter(|id| !id.is_empty());
        chunks[0].model = Some(self.model).filter(|model| !model.is_empty());
        chunks
    }
}

fn reasoning_chunk(block: Reasoning) -> ChatChunk {
    ChatChunk {
        delta: Delta {
            reasoning: block.text,
            seal: Some(block.seal),
            ..Delta::default()
        },
        ..ChatChunk::default()
    }
}

fn whole_call((index, call): (usize, ToolCall)) -> ToolCallDelta {
    ToolCallDelta {
        index,
        id: Some(call.id),
        name: Some(call.name),
        arguments: call.arguments,
        signature: call.signature,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn piece(index: usize, id: &str, arguments: &str) -> ChatChunk {
        let delta = ToolCallDelta {
            index,
            id: Some(id.to_owned()),
            arguments: arguments.to_owned(),
            ..ToolCallDelta::default()
        };
        ChatChunk {
            delta: Delta {
                tool_calls: vec![delta],
                ..Delta::default()
            },
            ..ChatChunk::default()
        }
    }

    #[test]
    fn an_empty_id_in_a_later_piece_does_not_overwrite_the_real_one() {
        let mut builder = ResponseBuilder::default();
        builder.push(&piece(0, "call_1", "{\"a\""));
        builder.push(&piece(0, "", ":1}"));
        let response = builder.finish();
        assert_eq!(response.tool_calls[0].id, "call_1");
        assert_eq!(response.tool_calls[0].arguments, "{\"a\":1}");
        assert_eq!(response.finish, FinishReason::ToolCalls);
    }

    #[test]
    fn later_usage_replaces_earlier_usage() {
        let mut builder = ResponseBuilder::default();
        for output in [3, 8] {
            let usage = Some(Usage {
                output,
                ..Usage::default()
            });
            builder.push(&ChatChunk {
                usage,
                ..ChatChunk::default()
            });
        }
        assert_eq!(builder.finish().usage.output, 8);
    }
}
