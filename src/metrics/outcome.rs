//! How calls end, as an index: counting an end must not compare texts where all goes well.

use std::sync::atomic::AtomicU64;

use super::add;
use super::read;

/// How a call can end: its word in Agon's series, and the status and class that `LiteLLM` gives it. Source of the
/// latter: its table of exceptions, version 1.109.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct End {
    pub(super) code: &'static str,
    pub(super) status: &'static str,
    pub(super) class: &'static str,
}

const fn end(code: &'static str, status: &'static str, class: &'static str) -> End {
    End {
        code,
        status,
        class,
    }
}

/// All ends. The first is success, the last whatever is not named.
pub(super) const ENDS: [End; 20] = [
    end("ok", "200", ""),
    end("authentication", "401", "AuthenticationError"),
    end("permission_denied", "403", "PermissionDeniedError"),
    end("model_not_found", "404", "NotFoundError"),
    end("invalid_request", "400", "BadRequestError"),
    end(
        "context_length_exceeded",
        "400",
        "ContextWindowExceededError",
    ),
    end("content_filtered", "400", "ContentPolicyViolationError"),
    end("rate_limited", "429", "RateLimitError"),
    end("quota_exhausted", "429", "RateLimitError"),
    end("overloaded", "503", "ServiceUnavailableError"),
    end("timeout", "408", "Timeout"),
    end("connection_failed", "500", "APIConnectionError"),
    end("stream_interrupted", "500", "APIConnectionError"),
    end("malformed_response", "500", "APIError"),
    end("cancelled", "499", "Cancelled"),
    end("budget_exceeded", "422", "BudgetExceededError"),
    end("no_deployment", "429", "RouterRateLimitError"),
    end("overloaded", "500", "InternalServerError"),
    end("overloaded", "502", "BadGatewayError"),
    end("other", "500", "APIError"),
];

/// The index of the end of a call that its caller gave up.
pub(super) const CANCELLED: usize = 14;

/// The index of the end of an upstream that broke with 500, or with Anthropic's 529.
const INTERNAL: usize = 17;

/// The index of the end of an upstream that broke with 502.
const BAD_GATEWAY: usize = 18;

/// The index of an end by its code and the upstream's status, where it told one; `None` as code is success.
pub(super) fn index_of(error: Option<&str>, status: Option<u16>) -> usize {
    let Some(code) = error else { return 0 };
    match (code, status) {
        ("overloaded", Some(500 | 529)) => return INTERNAL,
        ("overloaded", Some(502)) => return BAD_GATEWAY,
        _ => {}
    }
    let known = ENDS.iter().position(|end| end.code == code);
    known.unwrap_or(ENDS.len() - 1)
}

/// How often each end came.
#[derive(Debug, Default)]
pub(super) struct Outcomes([AtomicU64; ENDS.len()]);

impl Outcomes {
    pub(super) fn count(&self, index: usize) {
        if let Some(counter) = self.0.get(index) {
            add(counter, 1);
        }
    }

    /// The ends that came, and how often.
    pub(super) fn seen(&self) -> impl Iterator<Item = (&'static End, u64)> {
        let counted = ENDS.iter().zip(self.0.iter().map(read));
        counted.filter(|(_, count)| *count > 0)
    }

    /// How often all went well.
    pub(super) fn successes(&self) -> u64 {
        read(&self.0[0])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_end_is_found_by_its_code() {
        assert_eq!(ENDS[index_of(None, None)].code, "ok");
        assert_eq!(ENDS[index_of(Some("timeout"), None)].status, "408");
        assert_eq!(ENDS[index_of(Some("news"), None)].code, "other");
        assert_eq!(ENDS[CANCELLED].code, "cancelled");
    }

    #[test]
    fn an_upstream_that_broke_is_told_by_its_status() {
        for (status, told, class) in [
            (None, "503", "ServiceUnavailableError"),
            (Some(503), "503", "ServiceUnavailableError"),
            (Some(500), "500", "InternalServerError"),
            (Some(529), "500", "InternalServerError"),
            (Some(502), "502", "BadGatewayError"),
        ] {
            let end = ENDS[index_of(Some("overloaded"), status)];
            assert_eq!(
                (end.code, end.status, end.class),
                ("overloaded", told, class)
            );
        }
    }
}
