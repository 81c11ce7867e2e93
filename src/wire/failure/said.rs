//! What an error body says, whoever wrote it.

use std::time::Duration;

use serde_json::Value;

use super::texts;
use crate::wire::lenient;

/// The parts of an error body that mean something.
#[derive(Debug, Default)]
pub(super) struct Said {
    /// Typed codes, the most telling first.
    pub(super) codes: Vec<String>,
    /// The words.
    pub(super) message: String,
    /// A status within the body.
    pub(super) status: Option<u16>,
    /// How long to wait, where the body tells.
    pub(super) wait: Option<Duration>,
}

/// Longest beginning of a body without structure that is kept: its use is to tell what answered.
const SHOWN_BYTES: usize = 200;

impl Said {
    pub(super) fn read(body: &[u8]) -> Self {
        match serde_json::from_slice::<Value>(lenient::bare(body)) {
            Ok(value) => Self::of(&value),
            // An HTML page of some proxy, most likely.
            Err(_) => Self {
                message: String::from_utf8_lossy(&body[..body.len().min(SHOWN_BYTES)]).into_owned(),
                ..Self::default()
            },
        }
    }

    /// `{"error": {…}}`, `{"error": "text"}`, `{"message": …}`, `{"detail": …}`, `{"errors": [{…}]}`, any of them
    /// in a list of one, or the inner object itself.
    pub(super) fn of(value: &Value) -> Self {
        let value = match value {
            Value::Array(items) => items.first().unwrap_or(value),
            Value::Object(_)
            | Value::String(_)
            | Value::Number(_)
            | Value::Bool(_)
            | Value::Null => value,
        };
        let inner = inner(value);
        // Ollama passes on what its runner answered, JSON and all, as the text of its own error.
        if let Some(nested) = value.get("error").and_then(Value::as_str)
            && let Ok(nested @ Value::Object(_)) = serde_json::from_str::<Value>(nested)
        {
            return Self::of(&nested);
        }
        let message = [
            word(inner, "message"),
            word(inner, "Message"),
            word(value, "error"),
            word(value, "detail"),
            word(inner, "detail"),
            word(inner, "error"),
            value.as_str().unwrap_or_default().to_owned(),
        ];
        let message = message.into_iter().find(|text| !text.is_empty());
        let mut said = Self {
            codes: codes(value, inner),
            message: message.unwrap_or_default(),
            status: ["status_code", "code", "status", "raw_status_code"]
                .into_iter()
                .filter_map(|key| inner.get(key).or_else(|| value.get(key)))
                .find_map(|number| u16::try_from(number.as_u64()?).ok()),
            wait: None,
        };
        said.wait = google_wait(inner).or_else(|| texts::wait(&said.message));
        said
    }

    /// The status that a body without one stands for.
    pub(super) fn implied_status(&self) -> u16 {
        let says = |word: &str| self.codes.iter().any(|code| code == word);
        match () {
            () if says("invalid_request_error") || says("validationException") => 400,
            () if says("rate_limit_exceeded") || says("rate_limit_error") => 429,
            () => 500,
        }
    }
}

fn inner(value: &Value) -> &Value {
    let error = value.get("error").filter(|error| error.is_object());
    let listed = || value.get("errors")?.as_array()?.first();
    // The Responses wire puts the error of a failed answer into the answer.
    let answered = || {
        value
            .get("response")?
            .get("error")
            .filter(|error| error.is_object())
    };
    error
        .or_else(answered)
        .or_else(|| listed().filter(|error| error.is_object()))
        .unwrap_or(value)
}

fn word(object: &Value, key: &str) -> String {
    match object.get(key) {
        Some(Value::String(text)) => text.clone(),
        Some(Value::Number(number)) => number.to_string(),
        Some(held @ (Value::Object(_) | Value::Array(_))) => held.to_string(),
        Some(Value::Null | Value::Bool(_)) | None => String::new(),
    }
}

fn codes(value: &Value, inner: &Value) -> Vec<String> {
    let details = inner.get("details").and_then(Value::as_array);
    let reasons = details
        .into_iter()
        .flatten()
        .map(|detail| word(detail, "reason"));
    let named = ["code", "type", "status", "__type", "error_type"].map(|key| word(inner, key));
    let outer = ["error_type", "error_code", "type", "__type"].map(|key| word(value, key));
    let nested = inner.get("innererror").map(|error| word(error, "code"));
    // OpenRouter's moderation has no code of its own, only what it objects to.
    let flagged = inner
        .get("metadata")
        .and_then(|metadata| metadata.get("flagged_input"))
        .map(|_| "content_policy_violation".to_owned());
    let all = (reasons.chain(nested).chain(flagged))
        .chain(named)
        .chain(outer);
    // `__type` may have the name of a schema before the type.
    all.filter(|code| !code.is_empty())
        .map(|code| code.rsplit('#').next().unwrap_or_default().to_owned())
        .collect()
}

/// Google tells the wait among the details only: `{"@type": "…RetryInfo", "retryDelay": "36s"}`.
fn google_wait(inner: &Value) -> Option<Duration> {
    let details = inner.get("details")?.as_array()?;
    details
        .iter()
        .find_map(|detail| texts::go_duration(detail.get("retryDelay")?.as_str()?))
}

/// The moment, in milliseconds since the Unix epoch, at which `OpenRouter` says that its limit begins anew.
pub(in crate::wire) fn reset_ms(body: &[u8]) -> Option<u64> {
    let value: Value = serde_json::from_slice(body.trim_ascii()).ok()?;
    let headers = value.get("error")?.get("metadata")?.get("headers")?;
    headers.get("X-RateLimit-Reset")?.as_str()?.parse().ok()
}
