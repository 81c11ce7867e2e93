//! Whether the server lives, and its figures. No upstream is asked.

use std::time::Duration;

use axum::Json;
use axum::extract::Request;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::http::StatusCode;
use axum::http::header;
use axum::response::IntoResponse;
use axum::response::Response;
use serde::Serialize;
use utoipa::ToSchema;

use super::HttpState;
use super::auth;
use super::error::ApiError;
use super::gateway;
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
    /// `connected` where the database was asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    db: Option<&'static str>,
}

/// Says that the server lives; with the key, whether the models of its list answer.
#[utoipa::path(get, path = "/health", tag = "health", responses((status = 200, body = Health)))]
pub(super) async fn health(State(state): State<HttpState>, request: Request) -> Response {
    // Who has the key may ask more; without one, nobody is asked unless a model is named.
    let is_asked_for = match state.door.admit(None) {
        Ok(_) => request
            .uri()
            .query()
            .is_some_and(|query| query.contains("model=")),
        Err(_) => auth::authorise(&state, request.headers()).is_ok(),
    };
    match is_asked_for {
        true => gateway::report(state, request).await,
        false => Json(alive(&state)).into_response(),
    }
}

fn alive(state: &HttpState) -> Health {
    let (version, debates_running) = (env!("CARGO_PKG_VERSION"), state.engine.running());
    Health {
        status: "ok",
        version,
        debates_running,
        db: None,
    }
}

/// Says that the process answers.
#[utoipa::path(get, path = "/health/liveliness", tag = "health", responses((status = 200, body = String)))]
pub(super) async fn liveliness() -> Json<&'static str> {
    Json("I'm alive!")
}

/// Says whether the database answers, and takes what is to be stored.
#[utoipa::path(get, path = "/health/readiness", tag = "health", responses((status = 200, body = Health), (status = 503, body = super::error::Problem)))]
pub(super) async fn readiness(State(state): State<HttpState>) -> Result<Json<Health>, ApiError> {
    let filter = DebateFilter {
        limit: 1,
        ..DebateFilter::default()
    };
    let asked = async {
        state.debates.list(&filter).await?;
        state.debates.check_writable().await
    };
    match tokio::time::timeout(STORE_LIMIT, asked).await {
        Ok(Ok(())) => Ok(Json(Health {
            db: Some("connected"),
            ..alive(&state)
        })),
        Ok(Err(error)) => {
            tracing::error!(%error, "the database cannot be used");
            let help = "the database cannot be read or written: the server's log says why";
            Err(ApiError::new(
                StatusCode::SERVICE_UNAVAILABLE,
                "store_unavailable",
                help,
            ))
        }
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
