//! A debate's events: by page, by waiting for more, or as server-sent events.

use std::time::Duration;

use axum::Json;
use axum::extract::Path;
use axum::extract::Query;
use axum::extract::State;
use axum::extract::rejection::QueryRejection;
use axum::http::HeaderMap;
use axum::http::header;
use axum::response::IntoResponse;
use axum::response::Response;
use serde::Deserialize;
use serde::Serialize;
use serde_json::Value;
use tokio::time::Instant;
use utoipa::IntoParams;
use utoipa::ToSchema;

use crate::events::Envelope;
use crate::events::LiveEvent;
use crate::http::HttpState;
use crate::http::error::ApiError;
use crate::http::error::Problem;
use crate::http::error::check_after;
use crate::http::feed;
use crate::http::pass::WantedPass;
use crate::types::DebateId;

/// Longest wait for more.
const MAX_WAIT: Duration = Duration::from_secs(60);
/// How often the log of a debate that another process runs is looked at.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// Which events.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(in crate::http) struct Wanted {
    /// The last event that the client has; 0 for all.
    #[serde(default)]
    after: u64,
    /// Seconds to wait when there is none yet, at most 60.
    #[serde(default)]
    wait: f64,
    /// How many, at most 1000.
    limit: Option<usize>,
    /// As whom: `owner` (the default), `viewer`, `audience`, `human` or `judge`; for backends that pass events on.
    role: Option<String>,
    /// The agent whose seat a `human` or `judge` holds.
    seat: Option<String>,
    /// Who it is, where the role needs it.
    identity: Option<String>,
}

/// A page of events.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::http) struct Events {
    /// In order, without gaps.
    #[schema(value_type = Vec<Object>)]
    events: Vec<Value>,
    /// What to send as `after` for the next page.
    next: u64,
}

/// Gives events behind `after`. With `Accept: text/event-stream` the same path streams them.
#[utoipa::path(get, path = "/api/v1/debates/{id}/events", tag = "debates", params(("id" = String, Path), Wanted),
    responses((status = 200, body = Events), (status = 400, body = Problem), (status = 404, body = Problem)))]
pub(in crate::http) async fn list(
    State(state): State<HttpState>,
    Path(id): Path<String>,
    wanted: Result<Query<Wanted>, QueryRejection>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let Query(wanted) =
        wanted.map_err(|error| ApiError::bad_request("bad_query", error.body_text()))?;
    let id = DebateId::new(id);
    let pass = WantedPass {
        role: wanted.role,
        seat: wanted.seat,
        identity: wanted.identity,
    };
    let role = pass.read(None)?.role;
    let accept = headers
        .get(header::ACCEPT)
        .and_then(|accept| accept.to_str().ok())
        .unwrap_or_default();
    if accept.contains("text/event-stream") {
        let last = headers
            .get("last-event-id")
            .and_then(|id| id.to_str().ok()?.parse().ok());
        let after = last.unwrap_or(wanted.after);
        check_after(after, state.debates.summary(&id).await?.head_seq)?;
        return Ok(feed::sse(state, id, after, role).await?);
    }
    let limit = wanted.limit.unwrap_or(1000);
    if !(1..=1000).contains(&limit) || !wanted.wait.is_finite() || wanted.wait < 0.0 {
        return Err(ApiError::bad_request(
            "bad_query",
            "limit is 1 to 1000, and wait is a number of seconds",
        ));
    }
    check_after(wanted.after, state.debates.summary(&id).await?.head_seq)?;
    let until = Instant::now() + Duration::from_secs_f64(wanted.wait.min(60.0)).min(MAX_WAIT);
    let events = wait_for(&state, &id, wanted.after, limit, until).await?;
    let next = events.last().map_or(wanted.after, |event| event.seq);
    let events = feed::page(&state, &id, &role, events).await?;
    Ok(Json(Events { events, next }).into_response())
}

async fn wait_for(
    state: &HttpState,
    id: &DebateId,
    after: u64,
    limit: usize,
    until: Instant,
) -> Result<Vec<Envelope>, ApiError> {
    // Subscribed before the log is read, so that nothing falls between the two.
    let mut live = state.live.subscribe(id).receiver;
    loop {
        let events = state.log.read(id, after, limit).await?;
        let over = || async {
            Ok::<_, ApiError>(state.debates.summary(id).await?.progress.status.is_over())
        };
        if !events.is_empty() || Instant::now() >= until || over().await? {
            return Ok(events);
        }
        let look_at = until.min(Instant::now() + LOOK_EVERY);
        // Whatever wakes it, the log is read again.
        let _ = tokio::time::timeout_at(look_at, next_stored(&mut live)).await;
    }
}

async fn next_stored(live: &mut tokio::sync::broadcast::Receiver<LiveEvent>) {
    loop {
        match live.recv().await {
            Ok(LiveEvent::Delta { .. } | LiveEvent::Quote(_)) => {}
            Ok(LiveEvent::Stored(_)) | Err(_) => return,
        }
    }
}
