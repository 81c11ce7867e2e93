//! Google's account of why it did not answer.

use std::time::Duration;

use serde::Deserialize;

use crate::client::LlmErrorKind;
use crate::client::TimeoutPhase;

/// The body of an error: an object, or a list of one where a stream was asked for without `alt=sse`.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Body {
    One { error: Report },
    Listed(Vec<Listed>),
}

#[derive(Debug, Deserialize)]
struct Listed {
    error: Report,
}

/// Google's error object.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Report {
    pub(super) message: String,
    status: String,
    details: Vec<Detail>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Detail {
    reason: String,
    retry_delay: String,
    violations: Vec<Violation>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Violation {
    quota_id: String,
}

impl Report {
    /// Reads an error's body; one that says nothing readable is an empty report.
    pub(super) fn of_body(body: &[u8]) -> Self {
        match serde_json::from_slice(body) {
            Ok(Body::One { error }) => error,
            Ok(Body::Listed(list)) => list
                .into_iter()
                .next()
                .map(|it| it.error)
                .unwrap_or_default(),
            Err(_) => Self::default(),
        }
    }

    /// How long to wait: Google says so in the details, and in no header (seen 2026-08).
    pub(super) fn wait(&self) -> Option<Duration> {
        let delay = |detail: &Detail| detail.retry_delay.strip_suffix('s')?.parse::<f64>().ok();
        let seconds = self.details.iter().find_map(delay)?;
        Duration::try_from_secs_f64(seconds).ok()
    }

    /// The class that status word and reasons give; `None` where they give none.
    pub(super) fn class(&self, retry_after: Option<Duration>) -> Option<LlmErrorKind> {
        // A refused key is an invalid argument like any other, but for its reason.
        let refused_key = self.details.iter().any(|it| it.reason == "API_KEY_INVALID");
        if refused_key || self.message.contains("unregistered callers") {
            return Some(LlmErrorKind::Authentication);
        }
        Some(match self.status.as_str() {
            "UNAUTHENTICATED" => LlmErrorKind::Authentication,
            "PERMISSION_DENIED" => LlmErrorKind::PermissionDenied,
            "NOT_FOUND" => LlmErrorKind::ModelNotFound,
            "RESOURCE_EXHAUSTED" if self.is_spent_for_today() => LlmErrorKind::QuotaExhausted,
            "RESOURCE_EXHAUSTED" => LlmErrorKind::RateLimited { retry_after },
            "INTERNAL" | "UNAVAILABLE" => LlmErrorKind::Overloaded { retry_after },
            "DEADLINE_EXCEEDED" => LlmErrorKind::Timeout {
                phase: TimeoutPhase::FirstToken,
            },
            // There is no other sign of a prompt that is too long (seen 2026-08).
            "INVALID_ARGUMENT"
                if self
                    .message
                    .contains("exceeds the maximum number of tokens") =>
            {
                LlmErrorKind::ContextLengthExceeded
            }
            "INVALID_ARGUMENT" | "FAILED_PRECONDITION" => LlmErrorKind::InvalidRequest,
            _ => return None,
        })
    }

    /// The wait that Google tells beside a spent daily quota is too short to help.
    fn is_spent_for_today(&self) -> bool {
        let mut violations = self.details.iter().flat_map(|detail| &detail.violations);
        violations.any(|violation| violation.quota_id.contains("PerDay"))
    }
}
