//! OpenAI's Chat Completions, spoken directly.

mod answer;
mod request;

use std::time::Duration;

use serde::Deserialize;
use serde::Deserializer;
use serde_json::Value;

use super::dialect::Dialect;
use super::dialect::Fault;
use super::refusal::Refusal;
use super::refusal::class_of_status;
use crate::client::LlmErrorKind;
use crate::types::Chat;
use crate::types::ChatResponse;
use crate::types::Secret;

/// The dialect of `api.openai.com`.
pub(super) struct OpenAi;

impl Dialect for OpenAi {
    const NAME: &'static str = "openai";
    const KEY_VARIABLE: &'static str = "OPENAI_API_KEY";
    type Reader = answer::StreamReader;

    fn url(base_url: &str, _model: &str, _stream: bool) -> String {
        format!("{}/chat/completions", base_url.trim_end_matches('/'))
    }

    fn headers(key: &Secret) -> Vec<(&'static str, String)> {
        vec![
            ("authorization", format!("Bearer {}", key.expose())),
            ("content-type", "application/json".to_owned()),
        ]
    }

    fn request(chat: &Chat, model: &str, stream: bool) -> Result<Vec<u8>, String> {
        request::encode(chat, model, stream)
    }

    fn answer(body: &[u8]) -> Result<ChatResponse, Fault> {
        answer::whole(body)
    }

    fn refusal(status: u16, retry_after: Option<Duration>, body: &[u8]) -> Refusal {
        let report = serde_json::from_slice::<ErrorBody>(body)
            .map(|body| body.error)
            .unwrap_or_default();
        let kind = report
            .class()
            .unwrap_or_else(|| class_of_status(status, retry_after));
        let message = report.message;
        Refusal { kind, message }
    }
}

#[derive(Debug, Deserialize)]
struct ErrorBody {
    error: Report,
}

/// OpenAI's error object. Servers that imitate it send numbers and nulls as well.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Report {
    #[serde(deserialize_with = "text_or_empty")]
    message: String,
    #[serde(rename = "type", deserialize_with = "text_or_empty")]
    kind: String,
    #[serde(deserialize_with = "text_or_empty")]
    code: String,
}

impl Report {
    /// The class that type and code give, where they are more exact than the status.
    fn class(&self) -> Option<LlmErrorKind> {
        let has = |name: &str| self.code == name || self.kind == name;
        if has("insufficient_quota") || has("credit_balance_exhausted") {
            // Sent with status 429 like a rate limit, yet waiting never helps (OpenAI's error guide, 2026-08).
            return Some(LlmErrorKind::QuotaExhausted);
        }
        if has("context_length_exceeded") || self.says_the_context_is_too_long() {
            return Some(LlmErrorKind::ContextLengthExceeded);
        }
        if has("content_policy_violation") || has("content_filter") {
            return Some(LlmErrorKind::ContentFiltered);
        }
        match self.code.as_str() {
            "model_not_found" => Some(LlmErrorKind::ModelNotFound),
            "invalid_api_key" => Some(LlmErrorKind::Authentication),
            _ => None,
        }
    }

    /// Some models report a long prompt without a code of its own (seen 2026-08), so the class needs the
    /// words too; a code that names another cause keeps them from deciding.
    fn says_the_context_is_too_long(&self) -> bool {
        let phrases = [
            "maximum context length is",
            "exceeds the context window",
            "Input tokens exceed the configured limit",
        ];
        self.kind == "invalid_request_error"
            && self.code != "string_above_max_length"
            && phrases.iter().any(|phrase| self.message.contains(phrase))
    }

    /// The class of an error that arrives inside a stream, where the status has been spent on 200.
    fn class_without_status(&self) -> LlmErrorKind {
        let limited = ["rate_limit_exceeded", "slow_down"].contains(&self.code.as_str())
            || ["rate_limit_error", "requests", "tokens"].contains(&self.kind.as_str());
        match (self.class(), limited, self.kind.as_str()) {
            (Some(class), _, _) => class,
            (None, true, _) => LlmErrorKind::RateLimited { retry_after: None },
            (None, false, "invalid_request_error") => LlmErrorKind::InvalidRequest,
            (None, false, _) => LlmErrorKind::Overloaded { retry_after: None },
        }
    }
}

fn text_or_empty<'de, D: Deserializer<'de>>(input: D) -> Result<String, D::Error> {
    Ok(match Value::deserialize(input)? {
        Value::String(text) => text,
        Value::Number(number) => number.to_string(),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => String::new(),
    })
}
