//! What can go wrong below HTTP's status codes, and the class that each becomes.

use crate::client::LlmError;
use crate::client::LlmErrorKind;
use crate::client::TimeoutPhase;
use crate::wire::WireError;

/// A call that failed without the provider saying anything.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Failure {
    /// A wait came to its end.
    TimedOut(TimeoutPhase),
    /// The address is one that a caller may not have called.
    Forbidden,
    /// No connection stands, for this reason.
    NotConnected(String),
    /// The connection broke, for this reason.
    Broken(String),
    /// The reply is longer than any answer can be.
    TooLong {
        /// The limit that it passed.
        limit_bytes: u64,
    },
}

/// Who was called, as errors name it.
#[derive(Debug, Clone)]
pub(super) struct Callee {
    /// The provider's id.
    pub(super) provider: String,
    /// Host and port.
    pub(super) host: String,
    /// What to do when nobody is there; empty when there is nothing to say.
    pub(super) remedy: String,
}

impl Callee {
    /// The error of a call that failed before its answer began.
    pub(super) fn before_answer(&self, failure: Failure) -> LlmError {
        let host = &self.host;
        let (kind, message) = match failure {
            Failure::TimedOut(phase) => (
                LlmErrorKind::Timeout { phase },
                format!(
                    "{host} took too long: the limit for {} was reached",
                    phase.as_str()
                ),
            ),
            Failure::Forbidden => (
                LlmErrorKind::InvalidRequest,
                format!(
                    "{host} is a link-local or metadata address, which is never called for a caller"
                ),
            ),
            Failure::NotConnected(why) => (
                LlmErrorKind::ConnectionFailed,
                format!("cannot connect to {host}: {why}{}", self.remedy),
            ),
            Failure::Broken(why) => (
                LlmErrorKind::ConnectionFailed,
                format!("{host} closed the connection before an answer began: {why}"),
            ),
            Failure::TooLong { limit_bytes } => (
                LlmErrorKind::MalformedResponse,
                format!("the reply of {host} is longer than {limit_bytes} bytes"),
            ),
        };
        self.error(kind, message)
    }

    /// The error of an answer that had begun; `bytes` of it had arrived.
    pub(super) fn within_answer(&self, failure: Failure, bytes: u64) -> LlmError {
        match failure {
            Failure::NotConnected(why) | Failure::Broken(why) => self.error(
                LlmErrorKind::StreamInterrupted { bytes },
                format!("{} broke off its answer: {why}", self.host),
            ),
            Failure::TimedOut(_) | Failure::Forbidden | Failure::TooLong { .. } => {
                self.before_answer(failure)
            }
        }
    }

    /// The error of an answer that its wire cannot read, or that holds an error.
    pub(super) fn undecodable(&self, error: WireError) -> LlmError {
        match error {
            WireError::Upstream(kind, message) => self.error(kind, message),
            other => self.error(
                LlmErrorKind::MalformedResponse,
                format!("{} sends what is no answer: {other}", self.host),
            ),
        }
    }

    /// An error of this provider.
    pub(super) fn error(&self, kind: LlmErrorKind, message: impl Into<String>) -> LlmError {
        LlmError::new(kind, self.provider.as_str(), message)
    }
}

/// The text of the innermost cause, which is the one that says what happened.
pub(super) fn innermost(error: &(dyn std::error::Error + 'static)) -> String {
    let mut cause = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    cause.to_string()
}
