//! Telling a client what failed.

use serde_json::Value;
use serde_json::json;

use crate::client::LlmError;
use crate::client::LlmErrorKind;

/// The members of an error: its class, its code and its words.
pub(super) fn error(error: &LlmError) -> Value {
    let (class, code) = match error.lacks_credential() {
        true => ("server_error", "server_error"),
        false => words(&error.kind),
    };
    json!({"type": class, "code": code, "message": error.message, "param": null})
}

/// The code within an answer that failed: the API knows few there, and the SDKs take no other (seen 2026-11-24).
pub(super) fn answer_code(kind: &LlmErrorKind) -> &'static str {
    match kind {
        LlmErrorKind::RateLimited { .. }
        | LlmErrorKind::QuotaExhausted
        | LlmErrorKind::BudgetExceeded => "rate_limit_exceeded",
        LlmErrorKind::InvalidRequest
        | LlmErrorKind::ContextLengthExceeded
        | LlmErrorKind::ContentFiltered => "invalid_prompt",
        LlmErrorKind::Authentication
        | LlmErrorKind::PermissionDenied
        | LlmErrorKind::ModelNotFound
        | LlmErrorKind::Overloaded { .. }
        | LlmErrorKind::NoDeployment { .. }
        | LlmErrorKind::Timeout { .. }
        | LlmErrorKind::ConnectionFailed
        | LlmErrorKind::StreamInterrupted { .. }
        | LlmErrorKind::MalformedResponse
        | LlmErrorKind::Cancelled => "server_error",
    }
}

/// OpenAI's words for a class of failure (its API document 2.3.0, read 2026-11-20).
fn words(kind: &LlmErrorKind) -> (&'static str, &'static str) {
    match kind {
        LlmErrorKind::Authentication => ("invalid_request_error", "invalid_api_key"),
        LlmErrorKind::PermissionDenied => ("invalid_request_error", "permission_denied"),
        LlmErrorKind::ModelNotFound => ("invalid_request_error", "model_not_found"),
        LlmErrorKind::InvalidRequest => ("invalid_request_error", "invalid_request"),
        LlmErrorKind::ContextLengthExceeded => ("invalid_request_error", "context_length_exceeded"),
        LlmErrorKind::ContentFiltered => ("invalid_request_error", "content_filter"),
        LlmErrorKind::RateLimited { .. } => ("rate_limit_error", "rate_limit_exceeded"),
        LlmErrorKind::QuotaExhausted | LlmErrorKind::BudgetExceeded => {
            ("insufficient_quota", "insufficient_quota")
        }
        LlmErrorKind::Overloaded { .. } | LlmErrorKind::NoDeployment { .. } => {
            ("server_error", "server_is_overloaded")
        }
        LlmErrorKind::Timeout { .. } => ("server_error", "timeout"),
        LlmErrorKind::ConnectionFailed
        | LlmErrorKind::StreamInterrupted { .. }
        | LlmErrorKind::MalformedResponse
        | LlmErrorKind::Cancelled => ("server_error", "server_error"),
    }
}
