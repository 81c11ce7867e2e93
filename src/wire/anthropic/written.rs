//! Writing a whole answer for a client.

use bytes::Bytes;
use serde_json::Value;
use serde_json::json;

use crate::types::ChatResponse;
use crate::types::FinishReason;
use crate::types::Reasoning;
use crate::types::ToolCall;
use crate::types::Usage;
use crate::wire::serve::AnswerHead;

/// Writes the body of a success.
pub(in crate::wire) fn encode_response(response: &ChatResponse, head: &AnswerHead) -> Bytes {
    let mut content: Vec<Value> = response.reasoning.iter().flat_map(thinking).collect();
    // A refusal is said in the text here.
    let texts = [&response.text, &response.refusal];
    let texts = texts.into_iter().filter(|text| !text.is_empty());
    content.extend(texts.map(|text| json!({"type": "text", "text": text})));
    content.extend(response.tool_calls.iter().map(call));
    let message = json!({
        "id": head.id,
        "type": "message",
        "role": "assistant",
        "model": head.model,
        "content": content,
        "stop_reason": stop_reason(response.finish, &response.native_finish),
        "stop_sequence": null,
        "usage": usage(&response.usage),
    });
    crate::wire::json_bytes(&message)
}

/// A block of reasoning as blocks of this wire, which shows either words or what is sealed.
fn thinking(block: &Reasoning) -> Vec<Value> {
    let signature = block.seal.signature.as_deref();
    let mut blocks = Vec::new();
    if !block.text.is_empty() || signature.is_some() {
        let signature = signature.unwrap_or_default();
        blocks.push(json!({"type": "thinking", "thinking": block.text, "signature": signature}));
    }
    if let Some(sealed) = &block.seal.encrypted {
        blocks.push(redacted(sealed));
    }
    blocks
}

/// Thinking that is not shown.
pub(super) fn redacted(sealed: &str) -> Value {
    json!({"type": "redacted_thinking", "data": sealed})
}

fn call(call: &ToolCall) -> Value {
    // The wire has an object here; a text that is none is the model's mistake, and must not be lost.
    let input = match serde_json::from_str(&call.arguments) {
        Ok(Value::Object(input)) => Value::Object(input),
        Ok(_) | Err(_) => json!({"invalid_arguments": call.arguments}),
    };
    json!({"type": "tool_use", "id": call.id, "name": call.name, "input": input})
}

/// This wire's word for why an answer ended; the provider's own where it is one of this wire's and means the same.
pub(super) fn stop_reason(finish: FinishReason, native: &str) -> &'static str {
    match (finish, native) {
        (FinishReason::Stop, "stop_sequence") => "stop_sequence",
        (FinishReason::Stop, "pause_turn") => "pause_turn",
        (FinishReason::Stop, _) => "end_turn",
        (FinishReason::Length, "model_context_window_exceeded") => "model_context_window_exceeded",
        (FinishReason::Length, _) => "max_tokens",
        (FinishReason::ToolCalls, _) => "tool_use",
        (FinishReason::ContentFilter, _) => "refusal",
    }
}

/// The tokens: what was cached is not among the input, what was thought is among the output.
pub(super) fn usage(usage: &Usage) -> Value {
    let mut written = json!({
        "input_tokens": usage.input + usage.audio_in,
        "cache_creation_input_tokens": usage.cache_write,
        "cache_read_input_tokens": usage.cache_read,
        "output_tokens": usage.completion_tokens(),
    });
    if usage.reasoning > 0 {
        written["output_tokens_details"] = json!({"thinking_tokens": usage.reasoning});
    }
    written
}
