//! Reading a whole answer.

use serde_json::Value;

use crate::types::ChatResponse;
use crate::types::FinishReason;
use crate::types::Reasoning;
use crate::types::Seal;
use crate::types::ToolCall;
use crate::types::Usage;
use crate::wire::WireError;
use crate::wire::failure;
use crate::wire::json_answer::ANSWER_TOOL;
use crate::wire::lenient;
use crate::wire::members;

/// Reads the body of a success. Where answers in JSON come as the call of a function, that call is the text.
pub(super) fn decode_response(
    body: &[u8],
    answer_is_call: bool,
) -> Result<ChatResponse, WireError> {
    let value = lenient::parse(body)?;
    if value.get("error").is_some_and(|error| !error.is_null()) {
        return Err(failure::in_success(&value));
    }
    let Some(blocks) = value.get("content").and_then(Value::as_array) else {
        return Err(WireError::Malformed("it has no content".to_owned()));
    };
    let mut response = ChatResponse {
        id: lenient::text(&value, "id").unwrap_or_default(),
        model: lenient::text(&value, "model").unwrap_or_default(),
        finish: finish(&value).unwrap_or_default(),
        native_finish: lenient::text(&value, "stop_reason").unwrap_or_default(),
        usage: value.get("usage").map(usage).unwrap_or_default(),
        ..ChatResponse::default()
    };
    let mut answer = None;
    for block in blocks {
        let is_answer =
            answer_is_call && block.get("name").and_then(Value::as_str) == Some(ANSWER_TOOL);
        match block.get("type").and_then(Value::as_str) {
            Some("tool_use") if is_answer => answer = Some(arguments(block.get("input"))),
            Some(kind) => add(kind, block, &mut response),
            None => return Err(WireError::Malformed("a block without a type".to_owned())),
        }
    }
    if let Some(answer) = answer {
        // What the model says before the call would spoil the JSON.
        response.text = answer;
        if response.tool_calls.is_empty() && response.finish == FinishReason::ToolCalls {
            response.finish = FinishReason::Stop;
        }
    }
    Ok(response)
}

fn add(kind: &str, block: &Value, response: &mut ChatResponse) {
    match kind {
        "text" => {
            response.text.extend(lenient::text(block, "text"));
            let cited = block.get("citations").and_then(Value::as_array);
            if cited.is_some_and(|cited| !cited.is_empty()) {
                members::note(&mut response.unknown, "citations");
            }
        }
        "thinking" => {
            let text = lenient::text(block, "thinking").unwrap_or_default();
            let seal = Seal {
                signature: lenient::text(block, "signature"),
                ..Seal::default()
            };
            // A block with a signature and no text must be kept too.
            if !text.is_empty() || !seal.is_empty() {
                response.reasoning.push(Reasoning { text, seal });
            }
        }
        "redacted_thinking" => {
            let seal = redacted(block);
            response.reasoning.extend(seal.map(|seal| Reasoning {
                text: String::new(),
                seal,
            }));
        }
        "tool_use" => response.tool_calls.push(ToolCall {
            id: lenient::text(block, "id").unwrap_or_default(),
            name: lenient::text(block, "name").unwrap_or_default(),
            arguments: arguments(block.get("input")),
            signature: None,
        }),
        // Server tools and their results are not Agon's to run.
        other => members::note(&mut response.unknown, other),
    }
}

/// The seal of thinking that is not shown.
pub(super) fn redacted(block: &Value) -> Option<Seal> {
    lenient::text(block, "data").map(|sealed| Seal {
        encrypted: Some(sealed),
        ..Seal::default()
    })
}

/// A call's arguments, which are an object here.
pub(super) fn arguments(input: Option<&Value>) -> String {
    match lenient::arguments(input) {
        empty if empty.trim().is_empty() => "{}".to_owned(),
        some => some,
    }
}

/// Why the answer ended, if it says so.
pub(super) fn finish(holder: &Value) -> Option<FinishReason> {
    Some(match holder.get("stop_reason")?.as_str()? {
        "max_tokens" | "model_context_window_exceeded" => FinishReason::Length,
        "tool_use" => FinishReason::ToolCalls,
        "refusal" => FinishReason::ContentFilter,
        // end_turn, stop_sequence, pause_turn, compaction
        _ => FinishReason::Stop,
    })
}

/// Input here leaves cached tokens out, so the buckets are disjoint as they come; output includes thinking.
pub(super) fn usage(usage: &Value) -> Usage {
    let count = |path: &[&str]| lenient::count(usage, path);
    let reasoning = count(&["output_tokens_details", "thinking_tokens"]);
    Usage {
        input: count(&["input_tokens"]),
        cache_read: count(&["cache_read_input_tokens"]),
        cache_write: count(&["cache_creation_input_tokens"]),
        output: count(&["output_tokens"]).saturating_sub(reasoning),
        reasoning,
        ..Usage::default()
    }
}
