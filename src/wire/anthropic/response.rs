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
use crate::wire::lenient;

/// Reads the body of a success.
pub(super) fn decode_response(body: &[u8]) -> Result<ChatResponse, WireError> {
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
        usage: value.get("usage").map(usage).unwrap_or_default(),
        ..ChatResponse::default()
    };
    for block in blocks {
        match block.get("type").and_then(Value::as_str) {
            Some("text") => response.text.extend(lenient::text(block, "text")),
            // A block with a signature and no text must be kept too.
            Some("thinking") => response.reasoning.push(Reasoning {
                text: lenient::text(block, "thinking").unwrap_or_default(),
                seal: Seal {
                    signature: lenient::text(block, "signature"),
                    ..Seal::default()
                },
            }),
            Some("tool_use") => response.tool_calls.push(ToolCall {
                id: lenient::text(block, "id").unwrap_or_default(),
                name: lenient::text(block, "name").unwrap_or_default(),
                arguments: block
                    .get("input")
                    .map_or_else(|| "{}".to_owned(), Value::to_string),
                signature: None,
            }),
            // Server tools and their results are not Agon's to run.
            Some(_) | None => {}
        }
    }
    Ok(response)
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
