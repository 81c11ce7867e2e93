//! What an error answer means, from its status and typed code; its text decides only where a provider gives
//! nothing else, and each such text is listed.

use std::sync::LazyLock;
use std::time::Duration;

use regex_lite::Regex;
use serde_json::Value;

use super::retry_after;
use crate::client::LlmError;
use crate::client::LlmErrorKind;
use crate::client::TimeoutPhase;
use crate::types::Wire;

/// An error answer as it came.
pub struct ErrorParts<'a> {
    /// The HTTP status.
    pub status: u16,
    /// A header by its lower-case name.
    pub header: &'a dyn Fn(&str) -> Option<String>,
    /// The body, or its beginning.
    pub body: &'a [u8],
    /// Wall time, for waits that are given as a date.
    pub now_ms: u64,
}

/// Reads an error answer.
pub fn decode_error(wire: Wire, provider: &str, parts: &ErrorParts<'_>) -> LlmError {
    let said = Said::read(parts.body);
    let wait = retry_after::read(parts.header, parts.now_ms);
    let kind = kind(parts.status, &said, wait);
    let mut message = match said.message.trim() {
        "" => format!("HTTP {} without a word", parts.status),
        words => redact(words),
    };
    if wire == Wire::Ollama && kind == LlmErrorKind::ModelNotFound {
        message.push_str("; install it with: ollama pull MODEL");
    }
    LlmError::new(kind, provider, message).with_status(parts.status)
}

/// Reads an error object that stands where a success was promised.
pub(super) fn in_success(error: &Value) -> super::WireError {
    let said = Said::of(error);
    let status = said
        .status
        .filter(|status| (400..600).contains(status))
        .unwrap_or(500);
    super::WireError::Upstream(kind(status, &said, None), redact(&said.message))
}

/// What an error body says, whoever wrote it.
#[derive(Debug, Default)]
struct Said {
    code: String,
    class: String,
    message: String,
    /// A status within the body.
    status: Option<u16>,
}

impl Said {
    fn read(body: &[u8]) -> Self {
        match serde_json::from_slice::<Value>(body.trim_ascii()) {
            Ok(value) => Self::of(&value),
            // An HTML page of some proxy, most likely; its beginning helps whoever reads the log.
            Err(_) => Self {
                message: String::from_utf8_lossy(&body[..body.len().min(200)]).into_owned(),
                ..Self::default()
            },
        }
    }

    /// `{"error": {…}}`, `{"error": "text"}`, `{"message": …}`, `{"detail": …}`, or the inner object itself.
    fn of(value: &Value) -> Self {
        let word = |object: &Value, key: &str| match object.get(key) {
            Some(Value::String(text)) => text.clone(),
            Some(Value::Number(number)) => number.to_string(),
            Some(Value::Object(_) | Value::Array(_)) => object[key].to_string(),
            Some(Value::Null | Value::Bool(_)) | None => String::new(),
        };
        let inner = value
            .get("error")
            .filter(|error| error.is_object())
            .unwrap_or(value);
        let texts = [
            word(inner, "message"),
            word(value, "error"),
            word(value, "detail"),
            word(inner, "error"),
        ];
        let message = texts
            .into_iter()
            .find(|text| !text.is_empty())
            .unwrap_or_default();
        let number = |key: &str| {
            inner
                .get(key)
                .or_else(|| value.get(key))
                .and_then(Value::as_u64)
        };
        let status = number("code")
            .or_else(|| number("status"))
            .and_then(|status| u16::try_from(status).ok());
        let code = word(inner, "code");
        let class = word(inner, "type");
        let message = if message.is_empty() {
            value.as_str().unwrap_or_default().to_owned()
        } else {
            message
        };
        Self {
            code,
            class,
            message,
            status,
        }
    }
}

fn kind(status: u16, said: &Said, retry_after: Option<Duration>) -> LlmErrorKind {
    by_code(&said.code, retry_after)
        .or_else(|| by_code(&said.class, retry_after))
        .or_else(|| by_text(status, &said.message))
        .unwrap_or_else(|| by_status(status, retry_after))
}

/// Typed codes of OpenAI, Anthropic, llama.cpp, Groq, `DashScope` and Z.ai.
fn by_code(code: &str, retry_after: Option<Duration>) -> Option<LlmErrorKind> {
    Some(match code {
        "context_length_exceeded" | "exceed_context_size_error" => {
            LlmErrorKind::ContextLengthExceeded
        }
        "insufficient_quota"
        | "credit_balance_exhausted"
        | "billing_error"
        | "1113"
        | "exceeded_current_quota_error" => LlmErrorKind::QuotaExhausted,
        "invalid_api_key" | "authentication_error" => LlmErrorKind::Authentication,
        "permission_error" | "unsupported_country_region_territory" => {
            LlmErrorKind::PermissionDenied
        }
        "model_not_found" | "not_found_error" | "1211" => LlmErrorKind::ModelNotFound,
        "content_policy_violation" | "content_filter" | "data_inspection_failed" | "1301" => {
            LlmErrorKind::ContentFiltered
        }
        "overloaded_error"
        | "server_is_overloaded"
        | "unavailable_error"
        | "capacity_exceeded"
        | "timeout_error" => LlmErrorKind::Overloaded { retry_after },
        "rate_limit_error" | "slow_down" => LlmErrorKind::RateLimited { retry_after },
        _ => return None,
    })
}

/// Texts that are the only sign of what happened. Sources: the providers' wire facts, read 2026-11-20.
fn by_text(status: u16, message: &str) -> Option<LlmErrorKind> {
    let says = |words: &[&str]| words.iter().any(|words| message.contains(words));
    let too_long = [
        "maximum context length",
        "exceeds the context window",
        "Input tokens exceed the configured limit",
        "prompt is too long",
        "exceed context limit",
        "available context size",
        "exceeds the context length",
        "exceeded model token limit",
        "Range of input length",
    ];
    match status {
        400 | 413 | 422 if says(&too_long) => Some(LlmErrorKind::ContextLengthExceeded),
        400 | 403 if says(&["credit balance is too low"]) => Some(LlmErrorKind::QuotaExhausted),
        400 if says(&["Incorrect API key", "API key not valid"]) => {
            Some(LlmErrorKind::Authentication)
        }
        400 | 403 if says(&["violates usage guidelines", "usage policy", "safety system"]) => {
            Some(LlmErrorKind::ContentFiltered)
        }
        // A single request over the per-minute limit never succeeds by waiting.
        413 | 429 if says(&["Request too large"]) => Some(LlmErrorKind::InvalidRequest),
        _ => None,
    }
}

fn by_status(status: u16, retry_after: Option<Duration>) -> LlmErrorKind {
    match status {
        401 => LlmErrorKind::Authentication,
        402 => LlmErrorKind::QuotaExhausted,
        403 => LlmErrorKind::PermissionDenied,
        404 => LlmErrorKind::ModelNotFound,
        408 => LlmErrorKind::Timeout {
            phase: TimeoutPhase::FirstToken,
        },
        429 => LlmErrorKind::RateLimited { retry_after },
        409 | 498 | 500.. => LlmErrorKind::Overloaded { retry_after },
        300..=399 => LlmErrorKind::ConnectionFailed,
        _ => LlmErrorKind::InvalidRequest,
    }
}

/// Keys that providers echo.
static KEYS: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r"(?i)(bearer\s+\S+|\b(sk|gsk|xai|pplx|nvapi|hf|key|tgp)[-_][A-Za-z0-9*_\-]{4,})")
        .ok()
});

fn redact(text: &str) -> String {
    KEYS.as_ref().map_or_else(String::new, |keys| {
        keys.replace_all(text, "***").into_owned()
    })
}

impl std::fmt::Debug for ErrorParts<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "an error answer of status {} and {} bytes",
            self.status,
            self.body.len()
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(status: u16, retry_after: &str, body: &str) -> LlmError {
        let header = |name: &str| {
            (name == "retry-after" && !retry_after.is_empty()).then(|| retry_after.to_owned())
        };
        let parts = ErrorParts {
            status,
            header: &header,
            body: body.as_bytes(),
            now_ms: 0,
        };
        decode_error(Wire::OpenaiChat, "openai", &parts)
    }

    #[test]
    fn the_class_comes_from_status_and_typed_code() {
        let wait = Some(Duration::from_secs(3));
        let cases = [
            (
                401,
                r#"{"error":{"message":"no","type":"invalid_request_error","code":"invalid_api_key"}}"#,
                LlmErrorKind::Authentication,
            ),
            (
                429,
                r#"{"error":{"message":"slow","type":"requests","code":"rate_limit_exceeded"}}"#,
                LlmErrorKind::RateLimited { retry_after: wait },
            ),
            (
                429,
                r#"{"error":{"message":"pay","code":"insufficient_quota"}}"#,
                LlmErrorKind::QuotaExhausted,
            ),
            (
                404,
                r#"{"error":{"message":"x","code":"model_not_found"}}"#,
                LlmErrorKind::ModelNotFound,
            ),
            (
                400,
                r#"{"error":{"code":"context_length_exceeded"}}"#,
                LlmErrorKind::ContextLengthExceeded,
            ),
            (
                400,
                r#"{"error":{"message":"nope","code":400,"type":"BadRequestError"}}"#,
                LlmErrorKind::InvalidRequest,
            ),
            (
                529,
                r#"{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}"#,
                LlmErrorKind::Overloaded { retry_after: wait },
            ),
            (
                400,
                r#"{"code":"x","error":"Incorrect API key provided"}"#,
                LlmErrorKind::Authentication,
            ),
            (
                503,
                "<html>bad gateway</html>",
                LlmErrorKind::Overloaded { retry_after: wait },
            ),
            (402, "", LlmErrorKind::QuotaExhausted),
            (
                404,
                r#"{"error":"model 'x' not found"}"#,
                LlmErrorKind::ModelNotFound,
            ),
        ];
        for (status, body, kind) in cases {
            assert_eq!(read(status, "3", body).kind, kind, "{status} {body}");
        }
    }

    #[test]
    fn a_key_that_the_provider_echoes_is_not_repeated() {
        let error = read(
            401,
            "",
            r#"{"error":{"message":"Incorrect API key provided: sk-proj-abcd1234. Bearer abc"}}"#,
        );
        assert!(
            !error.message.contains("abcd1234") && !error.message.contains("abc"),
            "{}",
            error.message
        );
    }

    #[test]
    fn a_model_that_ollama_lacks_comes_with_the_command_that_installs_it() {
        let parts = ErrorParts {
            status: 404,
            header: &|_| None,
            body: br#"{"error":"model 'x' not found"}"#,
            now_ms: 0,
        };
        let error = decode_error(Wire::Ollama, "ollama", &parts);
        assert!(error.message.contains("ollama pull"), "{}", error.message);
    }
}
