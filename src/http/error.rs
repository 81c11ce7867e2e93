//! Every error as problem JSON (RFC 9457) with a stable `code` and what to do.

use axum::Json;
use axum::http::HeaderValue;
use axum::http::StatusCode;
use axum::http::header;
use axum::response::IntoResponse;
use axum::response::Response;
use serde::Serialize;
use utoipa::ToSchema;

use crate::debate::CommandError;
use crate::debate::CreateError;
use crate::debate::ForkError;
use crate::debate::OrderError;
use crate::debate::state::CommandRefused;
use crate::store::StoreError;

/// An error on its way out.
#[derive(Debug)]
pub(super) struct ApiError {
    status: StatusCode,
    problem: Box<Problem>,
    retry_after_s: Option<u32>,
}

/// The body of an error.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Problem {
    /// `urn:agon:problem:` and the code.
    #[serde(rename = "type")]
    kind: String,
    /// The status in words.
    title: String,
    /// The HTTP status.
    status: u16,
    /// What is wrong and what to do.
    detail: String,
    /// A stable name for programs.
    code: String,
    /// Every mistake of the request, where there can be several.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    problems: Vec<FieldProblem>,
}

/// One mistake in a request.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct FieldProblem {
    /// Where, as a path into the body: `agents[1].model`.
    pub(super) field: String,
    /// A stable name for programs.
    pub(super) code: String,
    /// What is wrong and what to do.
    pub(super) message: String,
}

impl ApiError {
    /// An error of a status.
    pub(super) fn new(status: StatusCode, code: &str, detail: impl Into<String>) -> Self {
        let problem = Problem {
            kind: format!("urn:agon:problem:{code}"),
            title: status.canonical_reason().unwrap_or("error").to_owned(),
            status: status.as_u16(),
            detail: detail.into(),
            code: code.to_owned(),
            problems: Vec::new(),
        };
        Self {
            status,
            problem: Box::new(problem),
            retry_after_s: None,
        }
    }

    /// The request cannot be read.
    pub(super) fn bad_request(code: &str, detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, code, detail)
    }

    /// Nobody may do this from there.
    pub(super) fn forbidden(code: &str, detail: impl Into<String>) -> Self {
        Self::new(StatusCode::FORBIDDEN, code, detail)
    }

    /// The key is missing or wrong.
    pub(super) fn unauthorised(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "unauthorized", detail)
    }

    /// The request can be read and is wrong.
    pub(super) fn unprocessable(code: &str, detail: impl Into<String>) -> Self {
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, code, detail)
    }

    /// The request is wrong in several places.
    pub(super) fn problems(problems: Vec<FieldProblem>) -> Self {
        let said: Vec<String> = problems
            .iter()
            .map(|it| format!("{}: {}", it.field, it.message))
            .collect();
        let code = match problems.split_first() {
            Some((first, others)) if others.iter().all(|other| other.code == first.code) => {
                first.code.clone()
            }
            Some(_) | None => "invalid_request".to_owned(),
        };
        let mut error = Self::unprocessable(&code, said.join("; "));
        error.problem.problems = problems;
        error
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let mut response = (self.status, Json(self.problem)).into_response();
        let headers = response.headers_mut();
        headers.insert(
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/problem+json"),
        );
        if self.status == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        if let Some(seconds) = self.retry_after_s {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }
}

impl From<OrderError> for ApiError {
    fn from(OrderError(problems): OrderError) -> Self {
        let problem = |it: crate::debate::OrderProblem| FieldProblem {
            field: it.field,
            code: it.code.to_owned(),
            message: it.message,
        };
        Self::problems(problems.into_iter().map(problem).collect())
    }
}

impl From<CreateError> for ApiError {
    fn from(error: CreateError) -> Self {
        match error {
            CreateError::Order(order) => order.into(),
            CreateError::Busy(_) => Self {
                retry_after_s: Some(10),
                ..Self::new(
                    StatusCode::SERVICE_UNAVAILABLE,
                    "too_many_debates",
                    error.to_string(),
                )
            },
            CreateError::Store(store) => store.into(),
        }
    }
}

impl From<CommandError> for ApiError {
    fn from(error: CommandError) -> Self {
        let detail = error.to_string();
        match error {
            CommandError::Refused(refused) => {
                Self::new(status_of(&refused), refused.code(), detail)
            }
            CommandError::Elsewhere => Self::new(StatusCode::CONFLICT, "runs_elsewhere", detail),
            CommandError::Unavailable => Self {
                retry_after_s: Some(1),
                ..Self::new(StatusCode::SERVICE_UNAVAILABLE, "unavailable", detail)
            },
            CommandError::Store(store) => store.into(),
        }
    }
}

/// What a client can do about a refusal: mend the command (422), be somebody else (403), or nothing, as the debate
/// stands (409).
fn status_of(refused: &CommandRefused) -> StatusCode {
    match refused {
        CommandRefused::NotYourSeat(_) => StatusCode::FORBIDDEN,
        CommandRefused::NoSuchAgent(_)
        | CommandRefused::BadText(_)
        | CommandRefused::NoSuchTurn(_)
        | CommandRefused::NotAPersonsTurn(_)
        | CommandRefused::BadSpeech(_)
        | CommandRefused::Unreadable(_)
        | CommandRefused::NoSuchPoll(_)
        | CommandRefused::BadChoice(_)
        | CommandRefused::BadConviction
        | CommandRefused::BadRounds(_)
        | CommandRefused::BadModel(_)
        | CommandRefused::NoIdentity
        | CommandRefused::NoLimit => StatusCode::UNPROCESSABLE_ENTITY,
        CommandRefused::Over(_)
        | CommandRefused::Ending(_)
        | CommandRefused::TooManyCommands(_)
        | CommandRefused::AlreadyPaused
        | CommandRefused::NotPaused
        | CommandRefused::TurnOver(_)
        | CommandRefused::TooLate(_)
        | CommandRefused::PollIsClosed(_)
        | CommandRefused::PollIsFull
        | CommandRefused::NoPhase
        | CommandRefused::NoRemarks(_)
        | CommandRefused::PhaseIsEnding
        | CommandRefused::RoundsCapped(_)
        | CommandRefused::SameModel(_)
        | CommandRefused::NotRaised { .. }
        | CommandRefused::NoRoom => StatusCode::CONFLICT,
    }
}

impl From<ForkError> for ApiError {
    fn from(error: ForkError) -> Self {
        let detail = error.to_string();
        match error {
            ForkError::NoSuchEvent { .. } => Self::unprocessable("no_such_event", detail),
            ForkError::Bad(_) => Self::unprocessable("invalid_request", detail),
            ForkError::Over(_) => Self::new(StatusCode::CONFLICT, "debate_over", detail),
            ForkError::Refused { refused, .. } => {
                Self::new(status_of(&refused), refused.code(), detail)
            }
            ForkError::Unreadable(_) => Self::new(StatusCode::CONFLICT, "log_diverged", detail),
            ForkError::Busy(_) => Self {
                retry_after_s: Some(10),
                ..Self::new(StatusCode::SERVICE_UNAVAILABLE, "too_many_debates", detail)
            },
            ForkError::Store(store) => store.into(),
        }
    }
}

/// Nobody can have an event that there is not: who says so has mixed up two debates, or follows a database that was
/// put back, and would wait for events that have come under other numbers already.
pub(super) fn check_after(after: u64, head_seq: u64) -> Result<(), ApiError> {
    if after <= head_seq {
        return Ok(());
    }
    let help = format!(
        "after is {after}, and the last event of this debate is {head_seq}: begin again with after=0"
    );
    Err(ApiError::bad_request("bad_after", help))
}

impl From<StoreError> for ApiError {
    fn from(error: StoreError) -> Self {
        let detail = error.to_string();
        match error {
            StoreError::NotFound(_) => Self::new(StatusCode::NOT_FOUND, "debate_not_found", detail),
            StoreError::StillRunning(_) => Self::new(StatusCode::CONFLICT, "still_running", detail),
            StoreError::KeyReused => {
                Self::new(StatusCode::CONFLICT, "idempotency_key_reused", detail)
            }
            StoreError::Fenced(_)
            | StoreError::NewerDatabase(_)
            | StoreError::Unavailable(_)
            | StoreError::Corrupt(_) => {
                tracing::error!(%error, "a request failed in the store");
                let help = "the database cannot be used at the moment: try again; the server's log says why";
                Self {
                    retry_after_s: Some(5),
                    ..Self::new(StatusCode::SERVICE_UNAVAILABLE, "store_unavailable", help)
                }
            }
        }
    }
}
