//! Chats, on every wire that clients speak.

use std::panic::AssertUnwindSafe;

use axum::extract::Request;
use axum::extract::State;
use axum::response::Response;
use futures::FutureExt;

use super::answer;
use super::answer::Path;
use super::exchange::Exchange;
use super::failure::Failure;
use super::request_headers::RequestHeaders;
use crate::http::HttpState;
use crate::types::Wire;

/// OpenAI's Chat Completions.
pub(super) async fn chat(State(state): State<HttpState>, request: Request) -> Response {
    let path = Path {
        needs: Some("messages"),
        ..Path::default()
    };
    ask(&state, Wire::OpenaiChat, path, request).await
}

/// Answers a request on a wire. A mistake of ours is told as one and ends nothing but this request.
async fn ask(state: &HttpState, wire: Wire, path: Path, request: Request) -> Response {
    let asking = AssertUnwindSafe(try_ask(state, wire, path, request)).catch_unwind();
    asking
        .await
        .unwrap_or_else(|_| Failure::panicked().response(wire))
}

async fn try_ask(state: &HttpState, wire: Wire, path: Path, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let headers = {
        let settings = state.gateway.now();
        RequestHeaders::read(&parts.headers, settings.key_header.as_ref())
    };
    let exchange = match Exchange::begin(state, wire, &headers) {
        Ok(exchange) => exchange,
        Err(failure) => return failure.response(wire),
    };
    match answer::answer(&exchange, &headers, path, (&parts, body)).await {
        Ok(response) => response,
        Err(failure) => {
            let mut response = failure.response(wire);
            exchange.sign(response.headers_mut());
            response
        }
    }
}
