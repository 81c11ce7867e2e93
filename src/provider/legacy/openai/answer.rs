//! Chat Completions answers, whole and streamed, to Agon's form.

use serde::Deserialize;

use super::super::dialect::EventReader;
use super::super::dialect::Fault;
use super::super::dialect::Step;
use super::super::refusal::Refusal;
use super::ErrorBody;
use crate::types::ChatChunk;
use crate::types::ChatResponse;
use crate::types::Delta;
use crate::types::FinishReason;
use crate::types::ResponseBuilder;
use crate::types::ToolCallDelta;
use crate::types::Usage;

/// An answer or a piece of one: they differ in one name only, `message` or `delta`.
#[derive(Debug, Deserialize)]
struct Body {
    id: Option<String>,
    model: Option<String>,
    choices: Vec<Choice>,
    usage: Option<Tokens>,
}

#[derive(Debug, Deserialize)]
struct Choice {
    #[serde(alias = "delta")]
    message: Said,
    finish_reason: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Said {
    content: Option<String>,
    refusal: Option<String>,
    tool_calls: Option<Vec<Call>>,
}

#[derive(Debug, Deserialize)]
struct Call {
    index: Option<usize>,
    id: Option<String>,
    function: Option<Function>,
}

#[derive(Debug, Default, Deserialize)]
struct Function {
    name: Option<String>,
    arguments: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Tokens {
    prompt_tokens: u64,
    completion_tokens: u64,
    prompt_tokens_details: Option<PromptTokens>,
    completion_tokens_details: Option<CompletionTokens>,
}

#[derive(Debug, Default, Deserialize)]
struct PromptTokens {
    cached_tokens: Option<u64>,
    cache_write_tokens: Option<u64>,
    audio_tokens: Option<u64>,
}

#[derive(Debug, Default, Deserialize)]
struct CompletionTokens {
    reasoning_tokens: Option<u64>,
    audio_tokens: Option<u64>,
}

/// Reads a whole answer.
pub(super) fn whole(body: &[u8]) -> Result<ChatResponse, Fault> {
    let body: Body =
        serde_json::from_slice(body).map_err(|error| Fault::not_json("the answer", &error))?;
    if body.choices.is_empty() {
        return Err(Fault::Malformed("the answer has no choice".to_owned()));
    }
    let mut builder = ResponseBuilder::default();
    builder.push(&StreamReader::default().chunk(body));
    Ok(builder.finish())
}

/// Reads a streamed answer.
#[derive(Debug, Default)]
pub(in super::super) struct StreamReader {
    finished: bool,
    called: bool,
}

impl EventReader for StreamReader {
    fn read(&mut self, payload: &str) -> Result<Step, Fault> {
        if payload.trim() == "[DONE]" {
            return Ok(Step::Done);
        }
        if let Ok(ErrorBody { error }) = serde_json::from_str(payload) {
            let kind = error.class_without_status();
            let message = error.message;
            return Err(Fault::Refused(Refusal { kind, message }));
        }
        let body = serde_json::from_str(payload)
            .map_err(|error| Fault::not_json("a piece of the stream", &error))?;
        Ok(Step::Chunk(Box::new(self.chunk(body))))
    }

    fn is_finished(&self) -> bool {
        self.finished
    }
}

impl StreamReader {
    /// Turns a piece into a chunk. The last piece, which tells the usage, has no choice.
    fn chunk(&mut self, body: Body) -> ChatChunk {
        let mut chunk = ChatChunk {
            id: body.id.filter(|id| !id.is_empty()),
            model: body.model.filter(|model| !model.is_empty()),
            usage: body.usage.map(usage),
            ..ChatChunk::default()
        };
        if let Some(choice) = body.choices.into_iter().next() {
            chunk.delta = delta(choice.message);
            self.called |= !chunk.delta.tool_calls.is_empty();
            chunk.finish = choice.finish_reason.map(|reason| self.finish(&reason));
            self.finished |= chunk.finish.is_some();
        }
        chunk
    }

    /// A forced call ends as `stop` (seen 2026-08); what was said decides.
    fn finish(&self, reason: &str) -> FinishReason {
        match reason {
            "length" => FinishReason::Length,
            "tool_calls" | "function_call" => FinishReason::ToolCalls,
            "content_filter" => FinishReason::ContentFilter,
            _ if self.called => FinishReason::ToolCalls,
            _ => FinishReason::Stop,
        }
    }
}

fn delta(said: Said) -> Delta {
    let calls = said.tool_calls.unwrap_or_default();
    Delta {
        text: said.content.unwrap_or_default(),
        refusal: said.refusal.unwrap_or_default(),
        tool_calls: calls.into_iter().enumerate().map(piece).collect(),
        ..Delta::default()
    }
}

fn piece((position, call): (usize, Call)) -> ToolCallDelta {
    let function = call.function.unwrap_or_default();
    ToolCallDelta {
        // Only pieces of a stream are numbered; a whole answer lists its calls in order.
        index: call.index.unwrap_or(position),
        id: call.id,
        name: function.name,
        arguments: function.arguments.unwrap_or_default(),
        signature: None,
    }
}

/// OpenAI's figures contain each other: cached and audio tokens are prompt tokens too, and so on.
fn usage(tokens: Tokens) -> Usage {
    let prompt = tokens.prompt_tokens_details.unwrap_or_default();
    let completion = tokens.completion_tokens_details.unwrap_or_default();
    let cache_read = prompt.cached_tokens.unwrap_or(0);
    let cache_write = prompt.cache_write_tokens.unwrap_or(0);
    let audio_in = prompt.audio_tokens.unwrap_or(0);
    let reasoning = completion.reasoning_tokens.unwrap_or(0);
    let audio_out = completion.audio_tokens.unwrap_or(0);
    let input = tokens.prompt_tokens;
    let output = tokens.completion_tokens;
    Usage {
        input: input.saturating_sub(cache_read + cache_write + audio_in),
        cache_read,
        cache_write,
        output: output.saturating_sub(reasoning + audio_out),
        reasoning,
        audio_in,
        audio_out,
        billed: None,
        estimated: false,
    }
}
