//! Why a call failed, in classes that say what the caller can do.

use std::fmt;
use std::time::Duration;

use serde::Deserialize;
use serde::Serialize;

/// A failed call. Its text never holds a credential.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{provider}: {message}")]
pub struct LlmError {
    /// What the caller can do.
    pub kind: LlmErrorKind,
    /// Who failed.
    pub provider: String,
    /// What happened, for a log reader; at most a few hundred characters of the provider's own words.
    pub message: String,
    /// The upstream's HTTP status, when there was one.
    pub status: Option<u16>,
}

/// The classes of failure.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LlmErrorKind {
    /// The credential is missing or refused: mend it.
    Authentication,
    /// The credential is known and may not do this.
    PermissionDenied,
    /// No such model here.
    ModelNotFound,
    /// Every deployment would refuse this request: mend it.
    InvalidRequest,
    /// The prompt does not fit the model's context: shorten it.
    ContextLengthExceeded,
    /// The provider held the answer back.
    ContentFiltered,
    /// Too fast: wait.
    RateLimited {
        /// How long the provider asks to wait.
        retry_after: Option<Duration>,
    },
    /// The account has no money or quota left: waiting does not help.
    QuotaExhausted,
    /// The provider is down or too busy: try another, or later.
    Overloaded {
        /// How long the provider asks to wait.
        retry_after: Option<Duration>,
    },
    /// It took too long.
    Timeout {
        /// Which wait ended.
        phase: TimeoutPhase,
    },
    /// No connection could be made, or it broke before an answer began.
    ConnectionFailed,
    /// The answer broke off after it had begun.
    StreamInterrupted {
        /// Bytes of the body that had arrived.
        bytes: u64,
    },
    /// The answer is not what the wire says it must be.
    MalformedResponse,
    /// The caller gave up.
    Cancelled,
    /// A limit on money or tokens refuses the call.
    BudgetExceeded,
    /// Nobody is left to ask.
    NoDeployment {
        /// Who was asked, in order, and how that ended; and who could not be asked, and why.
        tried: Vec<Attempt>,
        /// When the first of them can be asked again; `None` when nobody knows.
        retry_after: Option<Duration>,
    },
}

/// Which wait ended a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TimeoutPhase {
    /// For the connection.
    Connect,
    /// For the first token.
    FirstToken,
    /// Between two pieces.
    Idle,
    /// For the whole answer.
    Total,
}

/// One call to one deployment, as reported when nobody is left to ask.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attempt {
    /// Who was asked.
    pub deployment: String,
    /// The class of the failure, as [`LlmErrorKind::code`] names it.
    pub code: String,
    /// What happened.
    pub message: String,
}

impl LlmErrorKind {
    /// A stable name for logs, metrics and the protocol.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Authentication => "authentication",
            Self::PermissionDenied => "permission_denied",
            Self::ModelNotFound => "model_not_found",
            Self::InvalidRequest => "invalid_request",
            Self::ContextLengthExceeded => "context_length_exceeded",
            Self::ContentFiltered => "content_filtered",
            Self::RateLimited { .. } => "rate_limited",
            Self::QuotaExhausted => "quota_exhausted",
            Self::Overloaded { .. } => "overloaded",
            Self::Timeout { .. } => "timeout",
            Self::ConnectionFailed => "connection_failed",
            Self::StreamInterrupted { .. } => "stream_interrupted",
            Self::MalformedResponse => "malformed_response",
            Self::Cancelled => "cancelled",
            Self::BudgetExceeded => "budget_exceeded",
            Self::NoDeployment { .. } => "no_deployment",
        }
    }

    /// How long to wait before the next attempt, where that is known.
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::RateLimited { retry_after }
            | Self::Overloaded { retry_after }
            | Self::NoDeployment { retry_after, .. } => *retry_after,
            Self::Authentication
            | Self::PermissionDenied
            | Self::ModelNotFound
            | Self::InvalidRequest
            | Self::ContextLengthExceeded
            | Self::ContentFiltered
            | Self::QuotaExhausted
            | Self::Timeout { .. }
            | Self::ConnectionFailed
            | Self::StreamInterrupted { .. }
            | Self::MalformedResponse
            | Self::Cancelled
            | Self::BudgetExceeded => None,
        }
    }
}

impl LlmError {
    /// Builds an error; the message is cut to a readable length.
    pub fn new(
        kind: LlmErrorKind,
        provider: impl Into<String>,
        message: impl Into<String>,
    ) -> Self {
        Self {
            kind,
            provider: provider.into(),
            message: shortened(message.into()),
            status: None,
        }
    }

    /// `true` when it is the operator who has no credential, or none that is taken: nobody has answered 401, so that
    /// the caller's own key is as good as any.
    pub fn lacks_credential(&self) -> bool {
        self.kind == LlmErrorKind::Authentication && self.status.is_none()
    }

    /// `true` when there is nobody of this name to ask, which no upstream has said.
    pub fn names_nobody(&self) -> bool {
        self.kind == LlmErrorKind::ModelNotFound && self.status.is_none()
    }

    /// The same error with the upstream's status.
    #[must_use]
    pub fn with_status(mut self, status: u16) -> Self {
        self.status = Some(status);
        self
    }
}

/// Longest message that is kept of what an upstream says.
const MAX_MESSAGE_CHARS: usize = 400;

fn shortened(message: String) -> String {
    match message.char_indices().nth(MAX_MESSAGE_CHARS) {
        Some((cut, _)) => format!("{}…", &message[..cut]),
        None => message,
    }
}

impl fmt::Display for LlmErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

impl TimeoutPhase {
    /// The phase in words.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Connect => "connect",
            Self::FirstToken => "first token",
            Self::Idle => "idle",
            Self::Total => "total",
        }
    }
}
