//! Reading a whole answer, and the pieces that it shares with a stream.

use serde_json::Value;

use super::version1;
use crate::client::LlmErrorKind;
use crate::types::Billed;
use crate::types::ChatResponse;
use crate::types::FinishReason;
use crate::types::Reasoning;
use crate::types::TokenLogprob;
use crate::types::ToolCall;
use crate::types::Usage;
use crate::types::quirks::Quirks;
use crate::wire::WireError;
use crate::wire::failure;
use crate::wire::lenient;

/// Reads the body of a success.
pub(super) fn decode_response(body: &[u8], quirks: &Quirks) -> Result<ChatResponse, WireError> {
    let value = lenient::parse(body)?;
    if let Some(message) = value.get("message").filter(|message| message.is_object()) {
        return version2(&value, message, quirks);
    }
    if value.get("text").is_some_and(Value::is_string) {
        return version1::response(&value, quirks);
    }
    let is_error = ["message", "error", "detail"]
        .iter()
        .any(|key| value.get(key).is_some_and(|told| !told.is_null()));
    match is_error {
        true => Err(failure::in_success(&value)),
        false => Err(WireError::Malformed("it has no message".to_owned())),
    }
}

fn version2(value: &Value, message: &Value, quirks: &Quirks) -> Result<ChatResponse, WireError> {
    let word = lenient::text(value, "finish_reason").unwrap_or_default();
    let mut response = ChatResponse {
        id: lenient::text(value, "id").unwrap_or_default(),
        finish: finish(&word, None, quirks)?.unwrap_or_default(),
        native_finish: word,
        usage: value.get("usage").and_then(usage).unwrap_or_default(),
        logprobs: logprobs(value.get("logprobs")),
        ..ChatResponse::default()
    };
    match message.get("content") {
        Some(Value::String(text)) => response.text.push_str(text),
        Some(Value::Array(blocks)) => {
            for block in blocks {
                add(block, &mut response);
            }
        }
        Some(Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_)) | None => {}
    }
    if let Some(plan) = lenient::text(message, "tool_plan") {
        response.reasoning.push(Reasoning {
            text: plan,
            ..Reasoning::default()
        });
    }
    let list = |key| message.get(key).and_then(Value::as_array);
    let calls = list("tool_calls").into_iter().flatten();
    response.tool_calls = calls.map(call).collect();
    if list("citations").is_some_and(|citations| !citations.is_empty()) {
        response.unknown.push(CITATIONS.to_owned());
    }
    Ok(response)
}

/// What is reported for the sources that an answer names.
pub(super) const CITATIONS: &str = "citations";

fn add(block: &Value, response: &mut ChatResponse) {
    match block.get("type").and_then(Value::as_str) {
        Some("text") => response.text.extend(lenient::text(block, "text")),
        Some("thinking") => response.reasoning.push(Reasoning {
            text: lenient::text(block, "thinking").unwrap_or_default(),
            ..Reasoning::default()
        }),
        Some(other) => response.unknown.push(other.to_owned()),
        None => {}
    }
}

fn call(call: &Value) -> ToolCall {
    let function = call.get("function").unwrap_or(&Value::Null);
    let arguments = arguments(function);
    ToolCall {
        id: lenient::text(call, "id").unwrap_or_default(),
        name: lenient::text(function, "name").unwrap_or_default(),
        arguments: if arguments.is_empty() {
            "{}".to_owned()
        } else {
            arguments
        },
        signature: None,
    }
}

/// The arguments of a call without any are written as nothing or as `null`.
pub(super) fn arguments(function: &Value) -> String {
    let arguments = lenient::arguments(function.get("arguments"));
    match arguments.trim() {
        "null" => String::new(),
        _ => arguments,
    }
}

/// Why the answer ended; `None` for an empty word.
pub(super) fn finish(
    word: &str,
    error: Option<&str>,
    quirks: &Quirks,
) -> Result<Option<FinishReason>, WireError> {
    if quirks.finish_reason_map.contains_key(word) {
        return lenient::finish_reason(word, quirks);
    }
    Ok(Some(match word {
        "" => return Ok(None),
        "MAX_TOKENS" | "ERROR_LIMIT" => FinishReason::Length,
        "TOOL_CALL" => FinishReason::ToolCalls,
        "ERROR_TOXIC" => FinishReason::ContentFilter,
        "ERROR" | "TIMEOUT" => {
            let told = || format!("the provider ended the answer with \"{word}\"");
            return Err(WireError::Upstream(
                LlmErrorKind::Overloaded { retry_after: None },
                error.map_or_else(told, str::to_owned),
            ));
        }
        // COMPLETE, STOP_SEQUENCE, USER_CANCEL
        _ => FinishReason::Stop,
    }))
}

/// What was counted, and what is billed: Cohere's own template is counted and not billed.
pub(super) fn usage(usage: &Value) -> Option<Usage> {
    let pair = |key: &str| {
        let counts = usage.get(key).filter(|counts| counts.is_object())?;
        let count = |key: &str| lenient::count(counts, &[key]);
        Some((count("input_tokens"), count("output_tokens")))
    };
    let billed = pair("billed_units");
    let (input, output) = pair("tokens").or(billed)?;
    let cached = lenient::count(usage, &["cached_tokens"]).min(input);
    Some(Usage {
        input: input - cached,
        cache_read: cached,
        output,
        billed: billed.map(|(input, output)| Billed { input, output }),
        ..Usage::default()
    })
}

/// Groups of tokens with their probabilities; that of a group is the sum.
pub(super) fn logprobs(told: Option<&Value>) -> Vec<TokenLogprob> {
    let group = |group: &Value| {
        let numbers = group.get("logprobs")?.as_array()?;
        Some(TokenLogprob {
            token: lenient::text(group, "text")?,
            logprob: numbers.iter().filter_map(Value::as_f64).sum(),
            top: Vec::new(),
        })
    };
    match told {
        Some(Value::Array(groups)) => groups.iter().filter_map(group).collect(),
        Some(one) => group(one).into_iter().collect(),
        None => Vec::new(),
    }
}
