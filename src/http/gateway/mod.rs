//! The gateway: the addresses that clients of OpenAI, Anthropic, Google, Ollama and `LiteLLM` know.
//!
//! No middleware stands before these routes, since each costs a request microseconds: they look at the key
//! themselves, and say what is wrong in the dialect of their path.

mod answer;
mod chat;
mod exchange;
mod failure;
mod plans;
mod request_headers;
mod settings;
mod stream;
mod told_headers;
mod upstream_headers;

use axum::Router;
use axum::extract::Request;
use axum::response::Response;
use axum::routing::MethodRouter;
use axum::routing::post;
use tower_service::Service;

pub(in crate::http) use request_headers::RequestHeaders;
pub use settings::GatewaySettings;

use super::HttpState;
use crate::types::Wire;
use failure::Failure;

/// All routes of the gateway.
pub(super) fn routes() -> Router<HttpState> {
    let both = |path: &str, method: fn() -> MethodRouter<HttpState>| {
        Router::new()
            .route(path, method())
            .route(&format!("/v1{path}"), method())
    };
    Router::new()
        .merge(both("/chat/completions", || post(chat::chat)))
        .method_not_allowed_fallback(wrong_method)
}

/// Answers a path behind a base path as if it stood alone.
pub(super) async fn behind_base(
    state: HttpState,
    mut routes: Router,
    mut request: Request,
) -> Response {
    let path = request.uri().path();
    let settings = state.gateway.now();
    let Some(rest) = settings.behind_base(path) else {
        return super::nothing_here(path);
    };
    let rest = match request.uri().query() {
        Some(query) => format!("{rest}?{query}").parse(),
        None => rest.parse(),
    };
    drop(settings);
    match rest {
        Ok(rest) => *request.uri_mut() = rest,
        Err(_) => return super::nothing_here(request.uri().path()),
    }
    match routes.call(request).await {
        Ok(response) => response,
        Err(never) => match never {},
    }
}

/// `true` for paths whose clients know the gateway, and not problem JSON.
pub(super) fn is_at_home(path: &str) -> bool {
    let ours = [
        "/v1/",
        "/v1beta/",
        "/openai/",
        "/engines/",
        "/chat/",
        "/model",
    ];
    let ollama = path.starts_with("/api/") && !path.starts_with("/api/v1/");
    ollama || ours.iter().any(|begin| path.starts_with(begin))
}

/// The dialect in which a path's clients read errors.
fn dialect_of(path: &str) -> Wire {
    if path.contains("/v1beta/") {
        Wire::Gemini
    } else if path.starts_with("/api/") {
        Wire::Ollama
    } else if path.ends_with("/messages") || path.contains("/messages/") {
        Wire::Anthropic
    } else {
        Wire::OpenaiChat
    }
}

async fn wrong_method(request: Request) -> Response {
    let path = request.uri().path();
    Failure::wrong_method(request.method().as_str(), path).response(dialect_of(path))
}

/// Says that a path of the gateway does not exist.
pub(super) fn no_such_path(path: &str) -> Response {
    Failure::no_such_path(path).response(dialect_of(path))
}
