//! Anthropic's Messages, spoken directly.

mod answer;
mod family;
mod request;

use std::time::Duration;

use serde::Deserialize;

use super::dialect::Dialect;
use super::dialect::Fault;
use super::refusal::Refusal;
use super::refusal::class_of_status;
use crate::client::LlmErrorKind;
use crate::types::Chat;
use crate::types::ChatResponse;
use crate::types::Secret;

/// The dialect of `api.anthropic.com`.
pub(super) struct Anthropic;

impl Dialect for Anthropic {
    const NAME: &'static str = "anthropic";
    const KEY_VARIABLE: &'static str = "ANTHROPIC_API_KEY";
    type Reader = answer::StreamReader;

    /// People write this base URL with and without its version.
    fn url(base_url: &str, _model: &str, _stream: bool) -> String {
        let base_url = base_url.trim_end_matches('/');
        let base_url = base_url.strip_suffix("/v1").unwrap_or(base_url);
        format!("{base_url}/v1/messages")
    }

    fn headers(key: &Secret) -> Vec<(&'static str, String)> {
        vec![
            ("x-api-key", key.expose().to_owned()),
            ("anthropic-version", "2023-06-01".to_owned()),
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
        let kind = report.class(retry_after);
        Refusal {
            kind: kind.unwrap_or_else(|| class_of_status(status, retry_after)),
            message: report.message,
        }
    }
}

#[derive(Debug, Deserialize)]
struct ErrorBody {
    error: Report,
}

/// Anthropic's error object.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Report {
    #[serde(rename = "type")]
    kind: String,
    message: String,
}

impl Report {
    /// The class that the type gives; `None` for a type that Anthropic does not document.
    fn class(&self, retry_after: Option<Duration>) -> Option<LlmErrorKind> {
        Some(match self.kind.as_str() {
            "authentication_error" => LlmErrorKind::Authentication,
            "billing_error" => LlmErrorKind::QuotaExhausted,
            "permission_error" => LlmErrorKind::PermissionDenied,
            "not_found_error" => LlmErrorKind::ModelNotFound,
            "rate_limit_error" => LlmErrorKind::RateLimited { retry_after },
            "api_error" | "timeout_error" | "overloaded_error" | "conflict_error" => {
                LlmErrorKind::Overloaded { retry_after }
            }
            "request_too_large" => LlmErrorKind::InvalidRequest,
            "invalid_request_error" => self.class_of_invalid_request(),
            _ => return None,
        })
    }

    /// Anthropic has one type for three troubles (its error page, 2026-08), so within that type its words
    /// must decide.
    fn class_of_invalid_request(&self) -> LlmErrorKind {
        let says = |phrase: &str| self.message.contains(phrase);
        if says("prompt is too long") || says("exceed context limit") {
            LlmErrorKind::ContextLengthExceeded
        } else if says("credit balance is too low") {
            LlmErrorKind::QuotaExhausted
        } else {
            LlmErrorKind::InvalidRequest
        }
    }
}
