//! Reading a whole answer, and the pieces that it shares with a stream.

use serde_json::Value;

use crate::types::ChatResponse;
use crate::types::FinishReason;
use crate::types::Reasoning;
use crate::types::Seal;
use crate::types::TokenLogprob;
use crate::types::ToolCall;
use crate::types::Usage;
use crate::types::quirks::Quirks;
use crate::wire::WireError;
use crate::wire::failure;
use crate::wire::lenient;
use crate::wire::members;

/// Reads the body of a success.
pub(super) fn decode_response(body: &[u8], quirks: &Quirks) -> Result<ChatResponse, WireError> {
    let value = lenient::parse(body)?;
    if let Some(error) = value.get("error").filter(|error| !error.is_null()) {
        return Err(failure::in_success(error));
    }
    let Some(output) = value.get("output").and_then(Value::as_array) else {
        return Err(WireError::Malformed("it has no output".to_owned()));
    };
    let ended = ended(&value)?;
    let mut response = ChatResponse {
        id: lenient::text(&value, "id").unwrap_or_default(),
        model: lenient::text(&value, "model").unwrap_or_default(),
        finish: ended.finish,
        native_finish: ended.word,
        usage: usage(&value, quirks).unwrap_or_default(),
        ..ChatResponse::default()
    };
    for item in output {
        match item.get("type").and_then(Value::as_str) {
            Some("message") => parts(item).for_each(|part| add_part(part, &mut response)),
            Some("reasoning") => response.reasoning.extend(reasoning(item)),
            Some("function_call") => response.tool_calls.push(call(item)),
            // Tools that the provider runs itself.
            Some(other) => members::note(&mut response.unknown, other),
            None => return Err(WireError::Malformed("an item without a type".to_owned())),
        }
    }
    if response.finish == FinishReason::Stop && !response.tool_calls.is_empty() {
        response.finish = FinishReason::ToolCalls;
    }
    Ok(response)
}

/// How an answer ended.
pub(super) struct Ended {
    /// Calls aside, which the wire does not tell apart.
    pub(super) finish: FinishReason,
    /// The status, or the reason of an incomplete answer.
    pub(super) word: String,
}

/// Reads how an answer ended.
///
/// # Errors
/// `Upstream` when it failed, `Malformed` when it has not ended.
pub(super) fn ended(response: &Value) -> Result<Ended, WireError> {
    let status = lenient::text(response, "status").unwrap_or_default();
    let reason = response
        .get("incomplete_details")
        .and_then(|details| lenient::text(details, "reason"));
    match (status.as_str(), reason) {
        ("failed" | "cancelled", _) => Err(failed(response, &status)),
        ("in_progress" | "queued", _) => Err(WireError::Malformed(format!(
            "the answer is still {status}"
        ))),
        (_, Some(word)) => Ok(Ended {
            finish: match word.as_str() {
                "content_filter" => FinishReason::ContentFilter,
                // max_output_tokens, and what clones call it
                _ => FinishReason::Length,
            },
            word,
        }),
        ("incomplete", None) => Ok(Ended {
            finish: FinishReason::Length,
            word: status,
        }),
        (_, None) => Ok(Ended {
            finish: FinishReason::Stop,
            word: status,
        }),
    }
}

/// The error of an answer that failed.
pub(super) fn failed(response: &Value, status: &str) -> WireError {
    match response.get("error").filter(|error| !error.is_null()) {
        Some(error) => failure::in_success(error),
        None => failure::of_code(
            "server_error",
            &format!("the provider's answer is {status}, without a word"),
        ),
    }
}

/// The parts of a message.
pub(super) fn parts(item: &Value) -> impl Iterator<Item = &Value> {
    item.get("content")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
}

fn add_part(part: &Value, response: &mut ChatResponse) {
    match part.get("type").and_then(Value::as_str) {
        Some("output_text") => {
            response.text.extend(lenient::text(part, "text"));
            response.logprobs.extend(logprobs(part));
            let cited = part.get("annotations").and_then(Value::as_array);
            if cited.is_some_and(|cited| !cited.is_empty()) {
                members::note(&mut response.unknown, "annotations");
            }
        }
        Some("refusal") => response.refusal.extend(lenient::text(part, "refusal")),
        Some(other) => members::note(&mut response.unknown, other),
        None => {}
    }
}

/// The log probabilities that a part or delta has.
pub(super) fn logprobs(holder: &Value) -> Vec<TokenLogprob> {
    let told = holder.get("logprobs").and_then(Value::as_array);
    let number = |value: &Value| {
        value
            .get("logprob")
            .and_then(Value::as_f64)
            .unwrap_or_default()
    };
    let token = |value: &Value| lenient::text(value, "token").unwrap_or_default();
    let one = |value: &Value| TokenLogprob {
        token: token(value),
        logprob: number(value),
        top: value
            .get("top_logprobs")
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
            .map(|other| (token(other), number(other)))
            .collect(),
    };
    told.into_iter().flatten().map(one).collect()
}

/// The words of a reasoning item: open models give the reasoning itself, others a summary of it.
pub(super) fn reasoning_text(item: &Value) -> String {
    let texts = |key: &str| -> Vec<String> {
        let pieces = item.get(key).and_then(Value::as_array);
        pieces
            .into_iter()
            .flatten()
            .filter_map(|piece| lenient::text(piece, "text"))
            .collect()
    };
    let content = texts("content");
    if content.is_empty() {
        texts("summary").join("\n\n")
    } else {
        content.join("")
    }
}

/// What a reasoning item wants back. Nothing is stored at the provider, so an id alone is worth nothing.
pub(super) fn seal(item: &Value) -> Seal {
    match lenient::text(item, "encrypted_content") {
        Some(sealed) => Seal {
            encrypted: Some(sealed),
            id: lenient::text(item, "id"),
            signature: None,
        },
        None => Seal::default(),
    }
}

fn reasoning(item: &Value) -> Option<Reasoning> {
    let block = Reasoning {
        text: reasoning_text(item),
        seal: seal(item),
    };
    (!block.text.is_empty() || !block.seal.is_empty()).then_some(block)
}

fn call(item: &Value) -> ToolCall {
    let arguments = lenient::arguments(item.get("arguments"));
    ToolCall {
        id: call_id(item).unwrap_or_default(),
        name: lenient::text(item, "name").unwrap_or_default(),
        arguments: if arguments.trim().is_empty() {
            "{}".to_owned()
        } else {
            arguments
        },
        signature: None,
    }
}

/// The id that a call's result has to name; the item's own id is another.
pub(super) fn call_id(item: &Value) -> Option<String> {
    lenient::text(item, "call_id").or_else(|| lenient::text(item, "id"))
}

/// The tokens, where they are told; what was cached is among the input, what was thought among the output.
pub(super) fn usage(response: &Value, quirks: &Quirks) -> Option<Usage> {
    let usage = response.get("usage").filter(|usage| usage.is_object())?;
    let count = |path: &[&str]| lenient::count(usage, path);
    let cache_read = count(&["input_tokens_details", "cached_tokens"]);
    let cache_write = count(&["input_tokens_details", "cache_write_tokens"]);
    let reasoning = count(&["output_tokens_details", "reasoning_tokens"]);
    let inside = if quirks.reasoning_outside_completion {
        0
    } else {
        reasoning
    };
    Some(Usage {
        input: count(&["input_tokens"]).saturating_sub(cache_read + cache_write),
        cache_read,
        cache_write,
        output: count(&["output_tokens"]).saturating_sub(inside),
        reasoning,
        ..Usage::default()
    })
}
