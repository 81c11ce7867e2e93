//! Reading a whole answer, and the pieces that it shares with a stream.

use serde_json::Value;

use crate::types::ChatResponse;
use crate::types::FinishReason;
use crate::types::Reasoning;
use crate::types::ToolCall;
use crate::types::Usage;
use crate::types::quirks::Quirks;
use crate::wire::WireError;
use crate::wire::failure;
use crate::wire::lenient;

/// Reads the body of a success.
pub(super) fn decode_response(body: &[u8], quirks: &Quirks) -> Result<ChatResponse, WireError> {
    let value = lenient::parse(body)?;
    if value.get("error").is_some_and(|error| !error.is_null()) {
        return Err(failure::in_success(&value));
    }
    let choice =
        first_choice(&value).ok_or_else(|| WireError::Malformed("it has no choices".to_owned()))?;
    let message = choice.get("message").unwrap_or(&Value::Null);
    let (text, reasoning) = words(message);
    let finish = choice
        .get("finish_reason")
        .and_then(Value::as_str)
        .unwrap_or_default();
    let finish = lenient::finish_reason(finish, quirks)?.unwrap_or_default();
    let tool_calls: Vec<ToolCall> = message
        .get("tool_calls")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .map(tool_call)
        .collect();
    Ok(ChatResponse {
        id: lenient::text(&value, "id").unwrap_or_default(),
        model: lenient::text(&value, "model").unwrap_or_default(),
        finish: match finish {
            // A forced function ends with "stop" (OpenAI, long known): the calls decide.
            FinishReason::Stop if !tool_calls.is_empty() => FinishReason::ToolCalls,
            other => other,
        },
        text,
        refusal: lenient::text(message, "refusal").unwrap_or_default(),
        reasoning: (!reasoning.is_empty())
            .then(|| Reasoning {
                text: reasoning,
                ..Reasoning::default()
            })
            .into_iter()
            .collect(),
        tool_calls,
        usage: usage_of(&value, quirks).unwrap_or_default(),
        ..ChatResponse::default()
    })
}

/// The choice of index 0; a choice without an index is the only one.
pub(super) fn first_choice(value: &Value) -> Option<&Value> {
    let choices = value.get("choices")?.as_array()?;
    choices
        .iter()
        .find(|choice| choice.get("index").and_then(Value::as_u64).unwrap_or(0) == 0)
}

/// The text and the reasoning of a message or delta, wherever a provider puts them.
pub(super) fn words(piece: &Value) -> (String, String) {
    let mut text = String::new();
    let mut reasoning = ["reasoning_content", "reasoning"]
        .into_iter()
        .find_map(|key| lenient::text(piece, key))
        .unwrap_or_default();
    if reasoning.is_empty() {
        // OpenRouter and Snowflake.
        let details = piece.get("reasoning_details").and_then(Value::as_array);
        for detail in details.into_iter().flatten() {
            reasoning
                .extend(lenient::text(detail, "text").or_else(|| lenient::text(detail, "summary")));
        }
    }
    match piece.get("content") {
        Some(Value::String(content)) => text.push_str(content),
        // Mistral and Databricks mix plain strings with lists of parts, in messages and in deltas.
        Some(Value::Array(parts)) => {
            for part in parts {
                match part.get("type").and_then(Value::as_str) {
                    Some("thinking" | "reasoning") => {
                        for key in ["thinking", "summary"] {
                            let inner = part.get(key).and_then(Value::as_array);
                            reasoning.extend(
                                inner
                                    .into_iter()
                                    .flatten()
                                    .filter_map(|it| lenient::text(it, "text")),
                            );
                        }
                    }
                    _ => text.extend(lenient::text(part, "text")),
                }
            }
        }
        Some(Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_)) | None => {}
    }
    (text, reasoning)
}

fn tool_call(call: &Value) -> ToolCall {
    let function = call.get("function").unwrap_or(&Value::Null);
    let arguments = lenient::arguments(function.get("arguments"));
    ToolCall {
        id: lenient::text(call, "id").unwrap_or_default(),
        name: lenient::text(function, "name").unwrap_or_default(),
        arguments: if arguments.trim().is_empty() {
            "{}".to_owned()
        } else {
            arguments
        },
        signature: None,
    }
}

/// The usage of a body or chunk, wherever a provider puts it; `None` when it says nothing.
pub(super) fn usage_of(value: &Value, quirks: &Quirks) -> Option<Usage> {
    let places = [
        value.get("usage"),
        // Groq compound, and old Moonshot streams.
        value.get("x_groq").and_then(|groq| groq.get("usage")),
        first_choice(value).and_then(|choice| choice.get("usage")),
    ];
    let usage = places
        .into_iter()
        .flatten()
        .find(|usage| usage.is_object())?;
    let count = |path: &[&str]| lenient::count(usage, path);
    let cache_read =
        count(&["prompt_tokens_details", "cached_tokens"]).max(count(&["prompt_cache_hit_tokens"]));
    let cache_write = count(&["prompt_tokens_details", "cache_write_tokens"]);
    let audio_in = count(&["prompt_tokens_details", "audio_tokens"]);
    let reasoning = count(&["completion_tokens_details", "reasoning_tokens"]);
    let audio_out = count(&["completion_tokens_details", "audio_tokens"]);
    let completion = count(&["completion_tokens"]);
    let inside = if quirks.reasoning_outside_completion {
        0
    } else {
        reasoning
    };
    Some(Usage {
        input: count(&["prompt_tokens"]).saturating_sub(cache_read + cache_write + audio_in),
        cache_read,
        cache_write,
        output: completion.saturating_sub(inside + audio_out),
        reasoning,
        audio_in,
        audio_out,
        billed: None,
        estimated: false,
    })
}
