//! Tickets for a browser's socket.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::Serialize;
use utoipa::ToSchema;

use crate::http::HttpState;
use crate::http::auth::TICKET_LIFE;

/// A ticket.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::http) struct Ticket {
    /// For one use.
    ticket: String,
    /// Seconds until it is worth nothing.
    expires_in_s: u64,
    /// What to offer beside `agon.v1` when the socket is opened.
    subprotocol: String,
}

/// Gives a ticket that opens one socket: browsers cannot send the key there.
#[utoipa::path(post, path = "/api/v1/ws-tickets", tag = "debates", responses((status = 201, body = Ticket)))]
pub(in crate::http) async fn issue(State(state): State<HttpState>) -> (StatusCode, Json<Ticket>) {
    let ticket = state.tickets.issue();
    let subprotocol = format!("agon.ticket.{ticket}");
    (
        StatusCode::CREATED,
        Json(Ticket {
            ticket,
            expires_in_s: TICKET_LIFE.as_secs(),
            subprotocol,
        }),
    )
}
