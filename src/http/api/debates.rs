//! Ordering, listing, reading and deleting debates.

use axum::Json;
use axum::extract::Path;
use axum::extract::Query;
use axum::extract::State;
use axum::extract::rejection::QueryRejection;
use axum::http::HeaderMap;
use axum::http::HeaderValue;
use axum::http::StatusCode;
use axum::http::header;
use axum::response::IntoResponse;
use axum::response::Response;
use serde::Deserialize;
use serde::Serialize;
use utoipa::IntoParams;
use utoipa::ToSchema;

use super::order::NewDebate;
use super::transcript;
use super::transcript::Transcript;
use crate::events::rfc3339;
use crate::http::HttpState;
use crate::http::body::Body;
use crate::http::error::ApiError;
use crate::http::error::Problem;
use crate::store::DebateFilter;
use crate::store::DebateSummary;
use crate::types::DebateId;
use crate::types::debate::Status;

/// A debate in a list.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::http) struct Summary {
    id: String,
    title: String,
    topic: String,
    format: String,
    /// Names and models: `Ada (demo/optimist)`.
    cast: Vec<String>,
    /// queued, running, paused, waiting, stopping, finished, cancelled or failed.
    status: &'static str,
    /// complete, degraded, partial or failed, once it is over.
    outcome: Option<&'static str>,
    /// The winner or answer in a few words, once there is one.
    verdict: Option<String>,
    calls: u64,
    tokens: u64,
    cost_usd: f64,
    /// RFC 3339.
    created_at: String,
    /// RFC 3339.
    updated_at: String,
    /// The number of its last event.
    head_seq: u64,
}

impl From<DebateSummary> for Summary {
    fn from(debate: DebateSummary) -> Self {
        let progress = debate.progress;
        Self {
            id: debate.id.to_string(),
            title: debate.title,
            topic: debate.topic,
            format: debate.format,
            cast: debate.cast,
            status: progress.status.as_str(),
            outcome: progress.outcome.map(|outcome| outcome.as_str()),
            verdict: progress.verdict,
            calls: progress.totals.calls,
            tokens: progress.totals.usage.total_tokens(),
            cost_usd: progress.totals.cost_nanousd.as_usd(),
            created_at: rfc3339(debate.created_at_ms),
            updated_at: rfc3339(debate.updated_at_ms),
            head_seq: debate.head_seq,
        }
    }
}

/// A debate that was created.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::http) struct Created {
    #[serde(flatten)]
    summary: Summary,
    /// What the one who ordered it should know.
    warnings: Vec<String>,
    /// Where its events are.
    events_url: String,
    /// Where its socket is.
    ws_url: String,
}

/// Creates a debate and starts it.
#[utoipa::path(post, path = "/api/v1/debates", tag = "debates", request_body = NewDebate,
    params(("Idempotency-Key" = Option<String>, Header, description = "The same key and body make one debate, for 24 h")),
    responses((status = 201, body = Created), (status = 200, body = Created, description = "Made before with the same key"),
        (status = 400, body = Problem), (status = 409, body = Problem), (status = 413, body = Problem), (status = 422, body = Problem), (status = 503, body = Problem)))]
pub(in crate::http) async fn create(
    State(state): State<HttpState>,
    headers: HeaderMap,
    body: Body<NewDebate>,
) -> Result<Response, ApiError> {
    let idempotency = idempotency(&headers, &body.bytes)?;
    let outcome = state
        .engine
        .create(&body.value.order(&state.catalog)?, idempotency)
        .await?;
    let summary = state.debates.summary(&outcome.id).await?;
    let path = format!("/api/v1/debates/{}", outcome.id);
    let created = Created {
        summary: summary.into(),
        warnings: outcome.warnings,
        events_url: format!("{path}/events"),
        ws_url: format!("/ws/debates/{}", outcome.id),
    };
    let status = if outcome.created {
        StatusCode::CREATED
    } else {
        StatusCode::OK
    };
    let mut response = (status, Json(created)).into_response();
    if let Ok(location) = HeaderValue::from_str(&path) {
        response.headers_mut().insert(header::LOCATION, location);
    }
    Ok(response)
}

pub(super) fn idempotency(
    headers: &HeaderMap,
    body: &[u8],
) -> Result<Option<(String, String)>, ApiError> {
    let Some(key) = headers.get("idempotency-key") else {
        return Ok(None);
    };
    match key.to_str() {
        Ok(key) if (1..=255).contains(&key.len()) => Ok(Some((
            key.to_owned(),
            blake3::hash(body).to_hex().to_string(),
        ))),
        _ => Err(ApiError::bad_request(
            "bad_idempotency_key",
            "Idempotency-Key has 1 to 255 printable characters",
        )),
    }
}

/// What a debate could use at most.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::http) struct Estimated {
    /// Model calls at most, repairs and retries included.
    max_calls: u64,
    /// Model calls when nothing has to be mended.
    expected_calls: u64,
    max_input_tokens: u64,
    max_output_tokens: u64,
    /// `null` when a price is not known.
    max_cost_usd: Option<f64>,
    /// What the one who orders it should know.
    warnings: Vec<String>,
}

/// Checks an order and says what it could use at most. Nothing is created.
#[utoipa::path(post, path = "/api/v1/debates/estimate", tag = "debates", request_body = NewDebate,
    responses((status = 200, body = Estimated), (status = 422, body = Problem)))]
pub(in crate::http) async fn estimate(
    State(state): State<HttpState>,
    body: Body<NewDebate>,
) -> Result<Json<Estimated>, ApiError> {
    let order = body.value.order(&state.catalog)?;
    let (estimate, warnings) = state.engine.estimate(&order)?;
    Ok(Json(Estimated {
        max_calls: estimate.max_calls,
        expected_calls: estimate.expected_calls,
        max_input_tokens: estimate.max_input_tokens,
        max_output_tokens: estimate.max_output_tokens,
        max_cost_usd: estimate.max_cost_nanousd.map(crate::types::NanoUsd::as_usd),
        warnings,
    }))
}

/// Which debates.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(in crate::http) struct Filter {
    /// Only those of this status.
    status: Option<String>,
    /// Only those of this format.
    format: Option<String>,
    /// How many, 1 to 200; 50 when not given.
    limit: Option<usize>,
    /// Where the next page begins: `next_cursor` of the last one.
    cursor: Option<String>,
}

/// A page of debates.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::http) struct Page {
    /// Newest first.
    data: Vec<Summary>,
    /// For the next page; `null` on the last one.
    next_cursor: Option<String>,
}

/// Lists debates, newest first.
#[utoipa::path(get, path = "/api/v1/debates", tag = "debates", params(Filter), responses((status = 200, body = Page), (status = 400, body = Problem)))]
pub(in crate::http) async fn list(
    State(state): State<HttpState>,
    filter: Result<Query<Filter>, QueryRejection>,
) -> Result<Json<Page>, ApiError> {
    let Query(filter) =
        filter.map_err(|error| ApiError::bad_request("bad_query", error.body_text()))?;
    let status = filter.status.map(|word| status_of(&word)).transpose()?;
    let limit = filter.limit.unwrap_or(50);
    if !(1..=200).contains(&limit) {
        return Err(ApiError::bad_request("bad_limit", "limit is 1 to 200"));
    }
    let before = filter.cursor.map(DebateId::new);
    let wanted = DebateFilter {
        status,
        format: filter.format,
        before,
        limit: limit + 1,
    };
    let mut found = state.debates.list(&wanted).await?;
    let more = found.len() > limit;
    found.truncate(limit);
    let next_cursor = found
        .last()
        .filter(|_| more)
        .map(|last| last.id.to_string());
    Ok(Json(Page {
        data: found.into_iter().map(Summary::from).collect(),
        next_cursor,
    }))
}

fn status_of(word: &str) -> Result<Status, ApiError> {
    serde_json::from_value(serde_json::Value::String(word.to_owned())).map_err(|_| {
        let known = "queued, running, paused, waiting, stopping, finished, cancelled or failed";
        ApiError::bad_request("bad_status", format!("status is {known}"))
    })
}

/// A debate with everything that was said.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::http) struct Detail {
    #[serde(flatten)]
    summary: Summary,
    #[serde(flatten)]
    #[schema(value_type = Object)]
    transcript: Transcript,
}

impl Detail {
    /// A debate whole.
    pub(in crate::http) fn new(summary: DebateSummary, transcript: Transcript) -> Self {
        Self {
            summary: summary.into(),
            transcript,
        }
    }
}

/// Gives a debate with its cast, turns and verdict.
#[utoipa::path(get, path = "/api/v1/debates/{id}", tag = "debates", params(("id" = String, Path)), responses((status = 200, body = Detail), (status = 404, body = Problem)))]
pub(in crate::http) async fn get(
    State(state): State<HttpState>,
    Path(id): Path<String>,
) -> Result<Json<Detail>, ApiError> {
    let id = DebateId::new(id);
    let summary = state.debates.summary(&id).await?;
    let transcript = transcript::of(state.log.as_ref(), &id).await?;
    Ok(Json(Detail::new(summary, transcript)))
}

/// Deletes a debate that is over.
#[utoipa::path(delete, path = "/api/v1/debates/{id}", tag = "debates", params(("id" = String, Path)), responses((status = 204), (status = 404, body = Problem), (status = 409, body = Problem)))]
pub(in crate::http) async fn delete(
    State(state): State<HttpState>,
    Path(id): Path<String>,
) -> Result<StatusCode, ApiError> {
    state.debates.delete(&DebateId::new(id)).await?;
    Ok(StatusCode::NO_CONTENT)
}
