//! Gemini's answers, whole and streamed, to Agon's form. A piece of a stream has the form of an answer.

use serde::Deserialize;
use serde_json::Value;

use super::super::dialect::EventReader;
use super::super::dialect::Fault;
use super::super::dialect::Step;
use super::super::refusal::Refusal;
use super::refusal::Report;
use crate::client::LlmErrorKind;
use crate::types::ChatChunk;
use crate::types::ChatResponse;
use crate::types::FinishReason;
use crate::types::ResponseBuilder;
use crate::types::Seal;
use crate::types::ToolCallDelta;
use crate::types::Usage;

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Answer {
    candidates: Vec<Candidate>,
    prompt_feedback: Option<Feedback>,
    usage_metadata: Option<Tokens>,
    model_version: Option<String>,
    response_id: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Feedback {
    block_reason: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Candidate {
    content: Content,
    finish_reason: Option<String>,
    finish_message: Option<String>,
}

/// Empty for an answer that was held back.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Content {
    parts: Vec<Part>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Part {
    text: String,
    thought: bool,
    thought_signature: Option<String>,
    function_call: Option<Call>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Call {
    id: Option<String>,
    name: String,
    args: Value,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Tokens {
    prompt_token_count: u64,
    cached_content_token_count: u64,
    candidates_token_count: u64,
    thoughts_token_count: u64,
    tool_use_prompt_token_count: u64,
    prompt_tokens_details: Vec<OfModality>,
    cache_tokens_details: Vec<OfModality>,
    candidates_tokens_details: Vec<OfModality>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct OfModality {
    modality: String,
    token_count: u64,
}

/// Reads a whole answer.
pub(super) fn whole(body: &[u8]) -> Result<ChatResponse, Fault> {
    let answer: Answer =
        serde_json::from_slice(body).map_err(|error| Fault::not_json("the answer", &error))?;
    if answer.candidates.is_empty() && answer.prompt_feedback.is_none() {
        return Err(Fault::Malformed("the answer has no candidate".to_owned()));
    }
    let mut builder = ResponseBuilder::default();
    builder.push(&StreamReader::default().chunk(answer)?);
    Ok(builder.finish())
}

/// Reads a streamed answer.
#[derive(Debug, Default)]
pub(in super::super) struct StreamReader {
    calls: usize,
    id: String,
    finish: Option<FinishReason>,
    /// A thought is under way.
    thinking: bool,
}

impl EventReader for StreamReader {
    fn read(&mut self, payload: &str) -> Result<Step, Fault> {
        let value: Value = serde_json::from_str(payload)
            .map_err(|error| Fault::not_json("a piece of the stream", &error))?;
        if value.is_array() || value.get("error").is_some() {
            let report = Report::of_body(payload.as_bytes());
            let overloaded = LlmErrorKind::Overloaded { retry_after: None };
            let kind = report.class(report.wait()).unwrap_or(overloaded);
            let message = report.message;
            return Err(Fault::Refused(Refusal { kind, message }));
        }
        let answer = Answer::deserialize(value)
            .map_err(|error| Fault::not_json("a piece of the stream", &error))?;
        let chunk = self.chunk(answer)?;
        Ok(match chunk == ChatChunk::default() {
            true => Step::Nothing,
            false => Step::Chunk(Box::new(chunk)),
        })
    }

    fn is_finished(&self) -> bool {
        self.finish.is_some()
    }
}

impl StreamReader {
    fn chunk(&mut self, answer: Answer) -> Result<ChatChunk, Fault> {
        let mut chunk = ChatChunk {
            id: answer.response_id,
            model: answer.model_version,
            usage: answer.usage_metadata.map(|tokens| tokens.disjoint()),
            ..ChatChunk::default()
        };
        if let Some(id) = &chunk.id {
            self.id.clone_from(id);
        }
        // Only one candidate is ever asked for.
        let candidate = answer.candidates.into_iter().next().unwrap_or_default();
        for part in candidate.content.parts {
            self.add(part, &mut chunk);
        }
        let blocked = answer
            .prompt_feedback
            .and_then(|feedback| feedback.block_reason);
        let finish = match (blocked, candidate.finish_reason) {
            (Some(word), _) => Some((FinishReason::ContentFilter, word)),
            (None, Some(word)) => {
                let finish = self.finish_of(&word, candidate.finish_message)?;
                Some((finish, word))
            }
            (None, None) => None,
        };
        // Old models say STOP in each piece; what they say beside it counts.
        if let Some((finish, word)) = finish
            && matches!(self.finish, None | Some(FinishReason::Stop))
        {
            self.finish = Some(finish);
            chunk.finish = self.finish;
            chunk.native_finish = Some(word);
        }
        Ok(chunk)
    }

    fn add(&mut self, part: Part, chunk: &mut ChatChunk) {
        let delta = &mut chunk.delta;
        if let Some(call) = part.function_call {
            delta
                .tool_calls
                .push(self.call(call, part.thought_signature));
            return;
        }
        let signature = part.thought_signature.filter(|it| !it.is_empty());
        // What is said ends the thought, so that a signature behind it is not taken for the thought's.
        let ends_thought = !part.thought && std::mem::take(&mut self.thinking);
        if part.thought {
            self.thinking |= !part.text.is_empty();
            delta.reasoning.push_str(&part.text);
        } else {
            delta.text.push_str(&part.text);
        }
        if signature.is_some() || ends_thought {
            self.thinking = false;
            delta.seal = Some(Seal {
                signature,
                ..Seal::default()
            });
        }
    }

    fn call(&mut self, call: Call, signature: Option<String>) -> ToolCallDelta {
        let index = self.calls;
        self.calls += 1;
        // Older models give their calls no id; the answer's keeps them apart from those of other answers.
        let invented = || match self.id.is_empty() {
            true => format!("call_{index}"),
            false => format!("call_{}_{index}", self.id),
        };
        ToolCallDelta {
            index,
            id: Some(call.id.unwrap_or_else(invented)),
            name: Some(call.name),
            arguments: match call.args {
                Value::Null => "{}".to_owned(),
                args => args.to_string(),
            },
            signature,
        }
    }

    fn finish_of(&self, word: &str, message: Option<String>) -> Result<FinishReason, Fault> {
        Ok(match word {
            "MAX_TOKENS" => FinishReason::Length,
            "SAFETY"
            | "RECITATION"
            | "LANGUAGE"
            | "BLOCKLIST"
            | "PROHIBITED_CONTENT"
            | "SPII"
            | "MODEL_ARMOR"
            | "IMAGE_SAFETY"
            | "IMAGE_PROHIBITED_CONTENT"
            | "IMAGE_RECITATION" => FinishReason::ContentFilter,
            "UNEXPECTED_TOOL_CALL" if self.calls > 0 => FinishReason::ToolCalls,
            "MALFORMED_FUNCTION_CALL"
            | "UNEXPECTED_TOOL_CALL"
            | "TOO_MANY_TOOL_CALLS"
            | "MISSING_THOUGHT_SIGNATURE"
            | "MALFORMED_RESPONSE" => {
                let message = message.unwrap_or_else(|| format!("the answer ended with {word}"));
                return Err(Fault::Malformed(message));
            }
            // A call has no word of its own here.
            _ if self.calls > 0 => FinishReason::ToolCalls,
            _ => FinishReason::Stop,
        })
    }
}

impl Tokens {
    /// The prompt's figure includes what the cache read; the answer's leaves the thoughts out; what Google's own
    /// tools read is in neither.
    fn disjoint(&self) -> Usage {
        let audio = |list: &[OfModality]| {
            let of_audio = list.iter().filter(|it| it.modality == "AUDIO");
            of_audio.map(|it| it.token_count).sum::<u64>()
        };
        let cache_read = self.cached_content_token_count;
        let heard = audio(&self.prompt_tokens_details);
        let audio_in = heard.saturating_sub(audio(&self.cache_tokens_details));
        let audio_out = audio(&self.candidates_tokens_details);
        let input = self
            .prompt_token_count
            .saturating_sub(cache_read + audio_in);
        Usage {
            input: input + self.tool_use_prompt_token_count,
            cache_read,
            output: self.candidates_token_count.saturating_sub(audio_out),
            reasoning: self.thoughts_token_count,
            audio_in,
            audio_out,
            ..Usage::default()
        }
    }
}
