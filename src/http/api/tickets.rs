//! Tickets for a browser's socket.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::Deserialize;
use serde::Serialize;
use utoipa::ToSchema;

use crate::http::HttpState;
use crate::http::auth::TICKET_LIFE;
use crate::http::body::OptionalBody;
use crate::http::error::ApiError;
use crate::http::error::Problem;
use crate::http::pass::WantedPass;
use crate::types::DebateId;

/// For whom a ticket is. Without a body it is an owner's, for any debate.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
#[schema(example = json!({"debate": "d_1", "role": "human", "seat": "Ada", "identity": "user-7"}))]
pub(in crate::http) struct NewTicket {
    /// The only debate that it opens.
    debate: Option<String>,
    /// `owner` (the default) sees and may do everything; `viewer` watches; `audience` votes and puts remarks; `human`
    /// and `judge` hold a seat.
    role: Option<String>,
    /// The agent whose seat a `human` or `judge` holds.
    seat: Option<String>,
    /// Who it is: polls count one ballot for each identity, and a seat may be one identity's.
    identity: Option<String>,
}

/// A ticket.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::http) struct Ticket {
    /// For one use.
    ticket: String,
    /// Seconds until it is worth nothing.
    expires_in_s: u64,
    /// What to offer beside `agon.v1` when the socket is opened.
    subprotocol: String,
    /// What its holder is to the debate.
    role: &'static str,
}

/// Gives a ticket that opens one socket: browsers cannot send the key there.
#[utoipa::path(post, path = "/api/v1/ws-tickets", tag = "debates", request_body(content = NewTicket),
    responses((status = 201, body = Ticket), (status = 400, body = Problem), (status = 422, body = Problem)))]
pub(in crate::http) async fn issue(
    State(state): State<HttpState>,
    body: OptionalBody<NewTicket>,
) -> Result<(StatusCode, Json<Ticket>), ApiError> {
    let NewTicket {
        debate,
        role,
        seat,
        identity,
    } = body.0;
    let wanted = WantedPass {
        role,
        seat,
        identity,
    };
    let pass = wanted.read(debate.map(DebateId::new))?;
    let role = pass.role.as_str();
    let ticket = state.tickets.issue(pass);
    let subprotocol = format!("agon.ticket.{ticket}");
    let told = Ticket {
        ticket,
        expires_in_s: TICKET_LIFE.as_secs(),
        subprotocol,
        role,
    };
    Ok((StatusCode::CREATED, Json(told)))
}
