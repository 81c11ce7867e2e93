//! Whether the server lives, and its figures. No upstream is asked.

use std::time::Duration;

use axum::Json;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::http::StatusCode;
use axum::http::header;
use axum::response::IntoResponse;
use serde::Serialize;
use utoipa::ToSchema;

use super::HttpState;
use super::auth;
use super::error::ApiError;
use crate::metrics::Exposition;
use crate::store::DebateFilter;

/// How long the store may take to answer before the server counts as not ready.
const STORE_LIMIT: Duration = Duration::from_secs(1);

/// The server lives.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Health {
    /// `ok`.
    status: &'static str,
    /// The version of Agon.
    version: &'static str,
    /// Debates that this process runs.
    debates_running: usize,
}

/// Says that the server lives.
#[utoipa::path(get, path = "/health", tag = "health", responses((status = 200, body = Health)))]
pub(super) async fn health(State(state): State<HttpState>) -> Json<Health> {
    let (version, debates_running) = (env!("CARGO_PKG_VERSION"), state.engine.running());
    Json(Health {
        status: "ok",
        version,
        debates_running,
    })
}

/// Says that the process answers.
#[utoipa::path(get, path = "/health/liveliness", tag = "health", responses((status = 200, body = String)))]
pub(super) async fn liveliness() -> &'static str {
    "I'm alive!"
}

/// Says whether the database answers.
#[utoipa::path(get, path = "/health/readiness", tag = "health", responses((status = 200, body = Health), (status = 503, body = super::error::Problem)))]
pub(super) async fn readiness(state: State<HttpState>) -> Result<Json<Health>, ApiError> {
    let filter = DebateFilter {
        limit: 1,
        ..DebateFilter::default()
    };
    match tokio::time::timeout(STORE_LIMIT, state.debates.list(&filter)).await {
        Ok(Ok(_)) => Ok(health(state).await),
        Ok(Err(error)) => Err(error.into()),
        Err(_) => {
            let help = "the database does not answer";
            Err(ApiError::new(
                StatusCode::SERVICE_UNAVAILABLE,
                "store_unavailable",
                help,
            ))
        }
    }
}

/// Gives the figures in Prometheus' text format, or as `OpenMetrics`, as the scraper accepts.
#[utoipa::path(get, path = "/metrics", tag = "health", responses((status = 200, body = String)))]
pub(super) async fn metrics(
    State(state): State<HttpState>,
    headers: HeaderMap,
) -> Result<impl IntoResponse, ApiError> {
    if !state.gateway.now().open_metrics {
        auth::authorise(&state, &headers)?;
    }
    let accept = headers.get(header::ACCEPT);
    let form = Exposition::wanted(accept.and_then(|accept| accept.to_str().ok()));
    let kind = [(header::CONTENT_TYPE, form.content_type())];
    Ok((kind, state.metrics.render_as(form)))
}
