//! Forks of debates, and two debates side by side.

use axum::Json;
use axum::extract::Path;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::http::StatusCode;
use axum::response::IntoResponse;
use axum::response::Response;
use serde::Deserialize;
use serde::Serialize;
use utoipa::ToSchema;

use super::debates;
use super::debates::Summary;
use super::told;
use super::told::Change;
use crate::debate;
use crate::debate::Comparison;
use crate::debate::ForkOrder;
use crate::events::Envelope;
use crate::http::HttpState;
use crate::http::body::Body;
use crate::http::error::ApiError;
use crate::http::error::FieldProblem;
use crate::http::error::Problem;
use crate::store::EventLog;
use crate::store::StoreError;
use crate::types::DebateId;

/// Events read at once.
const PAGE: usize = 1_000;

/// A fork.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"from_seq": 12, "changes": [{"cmd": "swap_model", "data": {"agent": "Curie", "model": "demo/analyst"}}]}))]
pub(in crate::http) struct NewFork {
    /// The last event that both debates shall share; the fork is made behind the last whole step up to it.
    from_seq: u64,
    /// Commands that the new debate is told before it goes on: `swap_model`, `interject`, `raise_limit`, `extend` …
    #[serde(default)]
    changes: Vec<Change>,
    /// A short name; the parent's when not given.
    title: Option<String>,
}

/// A fork that was made.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::http) struct Forked {
    #[serde(flatten)]
    summary: Summary,
    /// The debate that it was forked from.
    parent: String,
    /// The last event that both share.
    shared_seq: u64,
    /// Where its events are.
    events_url: String,
    /// Where its socket is.
    ws_url: String,
}

/// Starts a debate that begins as this one did and goes on with the changes.
#[utoipa::path(post, path = "/api/v1/debates/{id}/fork", tag = "debates", request_body = NewFork,
    params(("id" = String, Path), ("Idempotency-Key" = Option<String>, Header, description = "The same key and body make one fork, for 24 h")),
    responses((status = 201, body = Forked), (status = 200, body = Forked, description = "Made before with the same key"),
        (status = 404, body = Problem), (status = 409, body = Problem), (status = 422, body = Problem), (status = 503, body = Problem)))]
pub(in crate::http) async fn fork(
    State(state): State<HttpState>,
    Path(parent): Path<String>,
    headers: HeaderMap,
    body: Body<NewFork>,
) -> Result<Response, ApiError> {
    let idempotency = debates::idempotency(&headers, &body.bytes)?;
    let NewFork {
        from_seq,
        changes,
        title,
    } = body.value;
    let mut problems = Vec::new();
    let mut commands = Vec::new();
    for (at, change) in changes.into_iter().enumerate() {
        match told::read(&change.cmd, change.data) {
            Ok(command) => commands.push(command),
            Err(bad) => problems.push(FieldProblem {
                field: format!("changes[{at}]"),
                code: bad.code.to_owned(),
                message: bad.help,
            }),
        }
    }
    if !problems.is_empty() {
        return Err(ApiError::problems(problems));
    }
    let order = ForkOrder {
        from_seq,
        changes: commands,
        title,
    };
    let parent = DebateId::new(parent);
    let outcome = state.engine.fork(&parent, order, idempotency).await?;
    let summary = state.debates.summary(&outcome.id).await?.into();
    let status = match outcome.created {
        true => StatusCode::CREATED,
        false => StatusCode::OK,
    };
    let forked = Forked {
        summary,
        parent: parent.to_string(),
        shared_seq: outcome.shared_seq,
        events_url: format!("/api/v1/debates/{}/events", outcome.id),
        ws_url: format!("/ws/debates/{}", outcome.id),
    };
    Ok((status, Json(forked)).into_response())
}

/// Shows two debates side by side: what they share, the first turn that differs, verdicts and cost.
#[utoipa::path(get, path = "/api/v1/debates/{id}/compare/{other}", tag = "debates",
    params(("id" = String, Path), ("other" = String, Path)),
    responses((status = 200, body = Object), (status = 404, body = Problem)))]
pub(in crate::http) async fn compare(
    State(state): State<HttpState>,
    Path((id, other)): Path<(String, String)>,
) -> Result<Json<Comparison>, ApiError> {
    let a = whole(state.log.as_ref(), &DebateId::new(id)).await?;
    let b = whole(state.log.as_ref(), &DebateId::new(other)).await?;
    Ok(Json(debate::compare(&a, &b)))
}

async fn whole(log: &dyn EventLog, debate: &DebateId) -> Result<Vec<Envelope>, StoreError> {
    let mut events: Vec<Envelope> = Vec::new();
    loop {
        let after = events.last().map_or(0, |event| event.seq);
        let page = log.read(debate, after, PAGE).await?;
        let is_last = page.len() < PAGE;
        events.extend(page);
        if is_last {
            return Ok(events);
        }
    }
}
