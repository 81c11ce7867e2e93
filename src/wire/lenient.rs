//! Reading JSON that providers write in more ways than one.

use serde_json::Value;

use super::WireError;
use crate::client::LlmErrorKind;
use crate::types::FinishReason;
use crate::types::TokenLogprob;
use crate::types::quirks::Quirks;

/// A count at a path, however the number is written; 0 when it is not there.
///
/// What is beyond all sense is cut, so that sums of counts cannot overflow.
pub(super) fn count(value: &Value, path: &[&str]) -> u64 {
    let found = path.iter().try_fold(value, |value, key| value.get(key));
    let float = |value: &Value| {
        value
            .as_f64()
            .filter(|number| *number >= 0.0)
            .map(|number| number as u64)
    };
    found
        .and_then(|value| value.as_u64().or_else(|| float(value)))
        .map_or(0, sane)
}

/// The most that one answer counts of anything: far more tokens than all models write in a year.
const MOST_COUNTED: u64 = 1 << 40;

/// A count as one answer can have it.
pub(super) fn sane(count: u64) -> u64 {
    count.min(MOST_COUNTED)
}

/// A parameter as people wrote it: 0.7, not 0.699999988079071.
pub(super) fn decimal(number: f32) -> Value {
    number
        .to_string()
        .parse::<f64>()
        .map_or(Value::Null, Value::from)
}

/// A text member that says something.
pub(super) fn text(value: &Value, key: &str) -> Option<String> {
    value
        .get(key)
        .and_then(Value::as_str)
        .filter(|text| !text.is_empty())
        .map(str::to_owned)
}

/// Arguments of a tool call: a JSON text, or an object that has to become one.
pub(super) fn arguments(value: Option<&Value>) -> String {
    match value {
        None | Some(Value::Null) => String::new(),
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
    }
}

/// Log probabilities in the form that OpenAI, Ollama and others share.
pub(super) fn logprobs(list: Option<&Vec<Value>>) -> Vec<TokenLogprob> {
    let one = |entry: &Value| Some((text(entry, "token")?, entry.get("logprob")?.as_f64()?));
    let entries = list.into_iter().flatten().filter_map(|entry| {
        let (token, logprob) = one(entry)?;
        let top = entry.get("top_logprobs").and_then(Value::as_array);
        let top = top.into_iter().flatten().filter_map(one).collect();
        Some(TokenLogprob {
            token,
            logprob,
            top,
        })
    });
    entries.collect()
}

/// A body without the white space around it and the mark of its encoding: keep-alive bytes come before some answers,
/// and some proxies write the mark.
pub(super) fn bare(body: &[u8]) -> &[u8] {
    let body = body.trim_ascii();
    body.strip_prefix(BYTE_ORDER_MARK)
        .map_or(body, <[u8]>::trim_ascii)
}

/// What some servers of Microsoft's begin a text in UTF-8 with.
pub(super) const BYTE_ORDER_MARK: &[u8] = b"\xEF\xBB\xBF";

/// Parses JSON, whatever stands around it.
pub(super) fn parse(body: &[u8]) -> Result<Value, WireError> {
    serde_json::from_slice(bare(body)).map_err(|error| {
        let shown: String = String::from_utf8_lossy(&body[..body.len().min(120)]).into_owned();
        WireError::Malformed(format!("{error} in {shown:?}"))
    })
}

/// What a finish reason means; `None` for an empty one.
pub(super) fn finish_reason(
    word: &str,
    quirks: &Quirks,
) -> Result<Option<FinishReason>, WireError> {
    if let Some(mapped) = quirks.finish_reason_map.get(word) {
        return Ok(Some(*mapped));
    }
    // Routers pass on the words of whoever answered, Google's and Cohere's in capitals.
    Ok(Some(match word.to_ascii_lowercase().as_str() {
        "" => return Ok(None),
        "length"
        | "max_tokens"
        | "max_output_tokens"
        | "model_length"
        | "model_context_window_exceeded" => FinishReason::Length,
        "tool_calls" | "tool_call" | "function_call" | "tool_use" => FinishReason::ToolCalls,
        "content_filter"
        | "content_filtered"
        | "sensitive"
        | "safety"
        | "recitation"
        | "blocklist"
        | "prohibited_content"
        | "spii"
        | "refusal"
        | "guardrail_intervened" => FinishReason::ContentFilter,
        "error" | "abort" | "insufficient_system_resource" | "network_error" => {
            let message = format!("the provider ended the answer with \"{word}\"");
            return Err(WireError::Upstream(
                LlmErrorKind::Overloaded { retry_after: None },
                message,
            ));
        }
        // stop, eos, end_turn, COMPLETE, stop_sequence, pause_turn …
        _ => FinishReason::Stop,
    }))
}
