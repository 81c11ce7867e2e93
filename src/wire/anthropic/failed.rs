//! Telling a client what failed.

use serde_json::Value;
use serde_json::json;

use crate::client::LlmError;
use crate::client::LlmErrorKind;

/// The body of an error.
pub(in crate::wire) fn error_body(error: &LlmError) -> Value {
    let class = match error.lacks_credential() {
        true => "api_error",
        false => class(error),
    };
    json!({"type": "error", "error": {"type": class, "message": message(error)}, "request_id": null})
}

/// Programs on this wire know a prompt that is too long by these words only, and shorten it then.
fn message(error: &LlmError) -> String {
    let known = ["prompt is too long", "exceed context limit"];
    let told = known.iter().any(|words| error.message.contains(words));
    if error.kind == LlmErrorKind::ContextLengthExceeded && !told {
        return format!("prompt is too long: {}", error.message);
    }
    error.message.clone()
}

/// Anthropic's word for a class of failure (its documentation of errors, read 2026-11-20).
fn class(error: &LlmError) -> &'static str {
    match &error.kind {
        // A mistake of its own, which is not a lack of room.
        LlmErrorKind::Overloaded { .. } if error.status == Some(500) => "api_error",
        LlmErrorKind::Authentication => "authentication_error",
        LlmErrorKind::PermissionDenied => "permission_error",
        LlmErrorKind::ModelNotFound => "not_found_error",
        LlmErrorKind::InvalidRequest
        | LlmErrorKind::ContextLengthExceeded
        | LlmErrorKind::ContentFiltered => "invalid_request_error",
        LlmErrorKind::RateLimited { .. } => "rate_limit_error",
        LlmErrorKind::QuotaExhausted | LlmErrorKind::BudgetExceeded => "billing_error",
        LlmErrorKind::Overloaded { .. } | LlmErrorKind::NoDeployment { .. } => "overloaded_error",
        LlmErrorKind::Timeout { .. } => "timeout_error",
        LlmErrorKind::ConnectionFailed
        | LlmErrorKind::StreamInterrupted { .. }
        | LlmErrorKind::MalformedResponse
        | LlmErrorKind::Cancelled => "api_error",
    }
}
