//! Typed codes of errors, and what they mean. Sources: the providers' wire facts, read 2026-11-20.

use std::time::Duration;

use crate::client::LlmErrorKind;
use crate::client::TimeoutPhase;

/// A class of error without what goes with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Class {
    Authentication,
    PermissionDenied,
    ModelNotFound,
    InvalidRequest,
    ContextLengthExceeded,
    ContentFiltered,
    RateLimited,
    QuotaExhausted,
    Overloaded,
    Timeout,
    ConnectionFailed,
}

impl Class {
    /// The class as the caller gets it.
    pub(super) fn with(self, retry_after: Option<Duration>) -> LlmErrorKind {
        match self {
            Self::Authentication => LlmErrorKind::Authentication,
            Self::PermissionDenied => LlmErrorKind::PermissionDenied,
            Self::ModelNotFound => LlmErrorKind::ModelNotFound,
            Self::InvalidRequest => LlmErrorKind::InvalidRequest,
            Self::ContextLengthExceeded => LlmErrorKind::ContextLengthExceeded,
            Self::ContentFiltered => LlmErrorKind::ContentFiltered,
            Self::RateLimited => LlmErrorKind::RateLimited { retry_after },
            Self::QuotaExhausted => LlmErrorKind::QuotaExhausted,
            Self::Overloaded => LlmErrorKind::Overloaded { retry_after },
            Self::Timeout => LlmErrorKind::Timeout {
                phase: TimeoutPhase::FirstToken,
            },
            Self::ConnectionFailed => LlmErrorKind::ConnectionFailed,
        }
    }

    /// `true` for what a provider says about many mistakes, so that its words may say more.
    pub(super) fn is_general(self) -> bool {
        matches!(
            self,
            Self::InvalidRequest | Self::PermissionDenied | Self::RateLimited
        )
    }
}

/// What a typed code means; `None` for a code that is not known.
pub(super) fn class(code: &str) -> Option<Class> {
    let found = CODES.iter().find(|(_, codes)| codes.contains(&code));
    found.map(|(class, _)| *class)
}

const CODES: &[(Class, &[&str])] = &[
    (
        Class::ContextLengthExceeded,
        &[
            "context_length_exceeded",
            "exceed_context_size_error", // llama.cpp
            "too_many_prompt_tokens",    // Perplexity
            "1261",                      // Z.ai
        ],
    ),
    (
        Class::QuotaExhausted,
        &[
            "insufficient_quota",
            "credit_balance_exhausted",
            "billing_hard_limit_reached",
            "billing_error",                // Anthropic
            "exceeded_current_quota_error", // Moonshot
            "1113",                         // Z.ai
            "Arrearage",                    // DashScope
            "ServiceQuotaExceededException",
        ],
    ),
    (
        Class::Authentication,
        &[
            "invalid_api_key",
            "authentication_error",
            "invalid_authentication_error", // Moonshot
            "UNAUTHENTICATED",
            "API_KEY_INVALID",
            "ExpiredTokenException",
            "UnrecognizedClientException",
            "InvalidSignatureException",
            "IncompleteSignature",
            "MissingAuthenticationTokenException",
            "InvalidApiKey", // DashScope
            "1000",          // Z.ai, and the four that follow
            "1001",
            "1002",
            "1003",
            "1004",
        ],
    ),
    (
        Class::PermissionDenied,
        &[
            "permission_error",
            "PERMISSION_DENIED",
            "AccessDeniedException",
            "unsupported_country_region_territory",
        ],
    ),
    (
        Class::ModelNotFound,
        &[
            "model_not_found",
            "model_not_found_error",
            "not_found_error",
            "invalid_model", // Mistral, Perplexity
            "NotFoundError", // vLLM
            "NOT_FOUND",
            "ResourceNotFoundException",
            "DeploymentNotFound", // Azure
            "ENDPOINT_NOT_FOUND", // Databricks
            "resource_not_found_error",
            "1211", // Z.ai
            "5007", // Cloudflare
        ],
    ),
    (
        Class::ContentFiltered,
        &[
            "content_policy_violation",
            "content_filter",
            "ResponsibleAIPolicyViolation",
            "data_inspection_failed", // DashScope
            "1301",                   // Z.ai
        ],
    ),
    (
        Class::Overloaded,
        &[
            "overloaded_error",
            "api_error",
            "server_error",
            "server_is_overloaded",
            "service_unavailable_error",
            "unavailable_error", // llama.cpp
            "capacity_exceeded", // Groq
            "engine_overloaded_error",
            "overloaded", // text-generation-inference
            "generation",
            "incomplete_generation",
            "UNAVAILABLE",
            "INTERNAL",
            "ModelErrorException",
            "ModelStreamErrorException",
            "modelStreamErrorException",
            "ModelNotReadyException",
            "InternalServerException",
            "internalServerException",
            "ServiceUnavailableException",
            "serviceUnavailableException",
            "3040", // Cloudflare
        ],
    ),
    (
        Class::Timeout,
        &[
            "timeout_error",
            "DEADLINE_EXCEEDED",
            "ModelTimeoutException",
            "modelTimeoutException",
        ],
    ),
    (
        Class::RateLimited,
        &[
            "rate_limit_error",
            "rate_limit_exceeded",
            "rate_limited",
            "rate_limit_reached_error",
            "slow_down",
            "RESOURCE_EXHAUSTED",
            "RateLimitReached",
            "ThrottlingException",
            "throttlingException",
            "Throttling",
            "Throttling.RateQuota",
            "Throttling.AllocationQuota",
            "REQUEST_LIMIT_EXCEEDED",
            "queue_exceeded",
            "too_many_requests_error",
            "1302", // Z.ai, and the two that follow
            "1303",
            "1305",
        ],
    ),
    (
        Class::InvalidRequest,
        &[
            "ValidationException",
            "validationException",
            "INVALID_ARGUMENT",
            "FAILED_PRECONDITION",
            "tool_use_failed", // Groq
            "validation",      // text-generation-inference
        ],
    ),
];
