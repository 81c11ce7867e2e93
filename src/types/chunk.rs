//! A streamed answer in pieces, and the pieces put together.

use bytes::Bytes;
use serde::Deserialize;
use serde::Serialize;

use super::chat::ChatResponse;
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
    /// The usage so far, cumulative: a later one replaces an earlier one.
    pub usage: Option<Usage>,
    /// The bytes as received, when they may be passed on untouched.
    pub frame: Option<Bytes>,
}

/// What one event adds.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Delta {
    /// New text.
    pub text: String,
    /// New reasoning.
    pub reasoning: String,
    /// The provider's signature over the reasoning, or a further piece of it.
    pub reasoning_signature: String,
    /// New pieces of tool calls.
    pub tool_calls: Vec<ToolCallDelta>,
}

impl Delta {
    /// `true` when the event adds nothing that a reader sees.
    pub fn is_empty(&self) -> bool {
        self.text.is_empty()
            && self.reasoning.is_empty()
            && self.reasoning_signature.is_empty()
            && self.tool_calls.is_empty()
    }
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
}

impl ResponseBuilder {
    /// Adds the next chunk.
    pub fn push(&mut self, chunk: &ChatChunk) {
        let response = &mut self.response;
        if let Some(id) = &chunk.id {
            response.id.clone_from(id);
        }
        if let Some(model) = &chunk.model {
            response.model.clone_from(model);
        }
        response.text.push_str(&chunk.delta.text);
        response.reasoning.push_str(&chunk.delta.reasoning);
        if !chunk.delta.reasoning_signature.is_empty() {
            response
                .reasoning_signature
                .get_or_insert_default()
                .push_str(&chunk.delta.reasoning_signature);
        }
        for piece in &chunk.delta.tool_calls {
            add_tool_piece(&mut response.tool_calls, piece);
        }
        if let Some(usage) = chunk.usage {
            response.usage = usage;
        }
        self.finish = chunk.finish.or(self.finish);
    }

    /// The text so far.
    pub fn text(&self) -> &str {
        &self.response.text
    }

    /// Ends the answer. An answer with tool calls finishes as `ToolCalls`, whatever the provider said;
    /// a call without arguments has `{}`.
    pub fn finish(mut self) -> ChatResponse {
        for call in &mut self.response.tool_calls {
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

fn add_tool_piece(calls: &mut Vec<ToolCall>, piece: &ToolCallDelta) {
    if piece.index >= MAX_TOOL_CALLS {
        return;
    }
    while calls.len() <= piece.index {
        calls.push(ToolCall {
            id: String::new(),
            name: String::new(),
            arguments: String::new(),
        });
    }
    let call = &mut calls[piece.index];
    if let Some(id) = piece.id.as_ref().filter(|id| !id.is_empty()) {
        call.id.clone_from(id);
    }
    if let Some(name) = piece.name.as_ref().filter(|name| !name.is_empty()) {
        call.name.clone_from(name);
    }
    call.arguments.push_str(&piece.arguments);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn piece(index: usize, id: &str, arguments: &str) -> ChatChunk {
        let delta = ToolCallDelta {
            index,
            id: Some(id.to_owned()),
            name: None,
            arguments: arguments.to_owned(),
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
