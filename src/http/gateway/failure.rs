//! An error on its way to a client, in the client's dialect.

use axum::body::Body;
use axum::http::HeaderValue;
use axum::http::StatusCode;
use axum::http::header;
use axum::response::Response;

use crate::client::LlmError;
use crate::client::LlmErrorKind;
use crate::http::body;
use crate::types::Wire;
use crate::wire::WireError;
use crate::wire::head::BadHead;
use crate::wire::serve;
use crate::wire::serve::ErrorTold;

/// Who fails when no upstream does.
const OURSELVES: &str = "agon";

/// Why a request is not answered.
#[derive(Debug)]
pub(in crate::http) struct Failure {
    error: Box<LlmError>,
    told: ErrorTold,
}

impl Failure {
    /// An error of Agon's own.
    pub(super) fn own(
        kind: LlmErrorKind,
        status: u16,
        class: &'static str,
        message: impl Into<String>,
    ) -> Self {
        Self {
            error: Box::new(LlmError::new(kind, OURSELVES, message)),
            told: ErrorTold {
                status,
                class,
                param: None,
            },
        }
    }

    /// The request is wrong.
    pub(super) fn invalid(message: impl Into<String>) -> Self {
        let kind = LlmErrorKind::InvalidRequest;
        Self::own(kind, 400, "invalid_request_error", message)
    }

    /// A member of the request is missing, or is wrong.
    pub(super) fn member(member: &'static str, message: impl Into<String>) -> Self {
        let mut failure = Self::invalid(message);
        failure.told.param = Some(member);
        failure
    }

    /// The key is missing, or is wrong.
    pub(super) fn unauthorised(message: &str) -> Self {
        let mut failure = Self::own(LlmErrorKind::Authentication, 401, "auth_error", message);
        failure.error.status = Some(401);
        failure
    }

    /// The caller's plan does not have the model.
    pub(super) fn model_denied(model: &str) -> Self {
        let message = format!("the plan of this call does not have the model \"{model}\"");
        let kind = LlmErrorKind::PermissionDenied;
        Self::own(kind, 403, "key_model_access_denied", message)
    }

    /// Nobody answers for a name. Every dialect's own clients have an error of their own for a 404; `LiteLLM`, whose
    /// words these are, says 400.
    pub(super) fn unknown_model(model: &str, error: &LlmError) -> Self {
        let message = format!(
            "Invalid model name passed in model={model}. Call `/v1/models` to view available models. ({})",
            error.message
        );
        let mut failure = Self::own(LlmErrorKind::ModelNotFound, 404, "model_not_found", message);
        failure.told.param = Some("model");
        failure
    }

    /// The body is longer than is taken.
    pub(super) fn too_large(most: usize) -> Self {
        let message = format!("the body is too large: {} MiB is the most", most >> 20);
        let kind = LlmErrorKind::InvalidRequest;
        Self::own(kind, 413, "request_too_large", message)
    }

    /// The rest of the body does not come.
    pub(super) fn too_slow() -> Self {
        let message = format!(
            "the rest of the body did not come within {} s",
            body::MOST_QUIET.as_secs()
        );
        Self::own(
            LlmErrorKind::InvalidRequest,
            408,
            "request_timeout",
            message,
        )
    }

    /// There is nothing at this path.
    pub(super) fn no_such_path(path: &str) -> Self {
        let message = format!("there is nothing at {path}: GET /routes lists what there is");
        Self::own(LlmErrorKind::ModelNotFound, 404, "no_such_path", message)
    }

    /// The path does not take this method.
    pub(super) fn wrong_method(method: &str, path: &str) -> Self {
        let message = format!("{path} does not take {method}: GET /routes lists what it takes");
        let kind = LlmErrorKind::InvalidRequest;
        Self::own(kind, 405, "method_not_allowed", message)
    }

    /// A mistake in Agon itself.
    pub(super) fn panicked() -> Self {
        let message = "the server made a mistake: please report it with the server's log";
        let kind = LlmErrorKind::MalformedResponse;
        Self::own(kind, 500, "internal_error", message)
    }

    /// The answer to a client of a wire.
    pub(in crate::http) fn response(&self, wire: Wire) -> Response {
        // Clients of Anthropic's API know its own status for this.
        let status = match (wire, self.told.class) {
            (Wire::Anthropic, "overloaded_error") => 529,
            _ => self.told.status,
        };
        let body = serve::encode_error(wire, &self.error, &self.told);
        let mut response = Response::new(Body::from(body));
        *response.status_mut() =
            StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let headers = response.headers_mut();
        headers.insert(
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/json"),
        );
        headers.insert(
            "x-agon-error",
            HeaderValue::from_static(self.error.kind.code()),
        );
        if status == 401 {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        if let Some(wait) = self.error.kind.retry_after() {
            let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }
}

impl From<LlmError> for Failure {
    fn from(error: LlmError) -> Self {
        Self {
            told: ErrorTold::of(&error),
            error: Box::new(error),
        }
    }
}

impl From<BadHead> for Failure {
    fn from(bad: BadHead) -> Self {
        match bad.member {
            Some(member) => Self::member(member, bad.message),
            None => Self::invalid(bad.message),
        }
    }
}

impl From<WireError> for Failure {
    fn from(error: WireError) -> Self {
        match error {
            WireError::Malformed(message) | WireError::Unsupported(message) => {
                Self::invalid(message)
            }
            WireError::Upstream(kind, message) => LlmError::new(kind, OURSELVES, message).into(),
            WireError::Truncated | WireError::TooLong(_) => Self::invalid(error.to_string()),
        }
    }
}
