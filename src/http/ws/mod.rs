//! The WebSocket of a debate: `GET /ws/debates/{id}?after=SEQ`, subprotocol `agon.v1`.

mod command;
mod session;

use axum::extract::Path;
use axum::extract::Query;
use axum::extract::State;
use axum::extract::ws::WebSocketUpgrade;
use axum::extract::ws::rejection::WebSocketUpgradeRejection;
use axum::http::HeaderMap;
use axum::http::header;
use axum::response::Response;
use serde::Deserialize;

use session::Guest;
use session::Session;

use super::HttpState;
use super::auth;
use super::error::ApiError;
use super::error::check_after;
use super::feed::Feed;
use super::pass::Pass;
use super::pass::WantedPass;
use crate::types::DebateId;

/// The protocol that this server speaks.
const PROTOCOL: &str = "agon.v1";
/// A subprotocol that carries a ticket begins so.
const TICKET: &str = "agon.ticket.";

/// A message up to this length is heard to its end, so that one over the limit can be refused in words: a
/// connection that is closed with bytes still unread is reset, and the close code with it.
const HEARD_BYTES: usize = 8 << 20;

/// Room for what a client says, of each socket: commands are short, and the usual 128 KiB for each of very many sockets
/// that say nothing is most of what they take.
const READ_BYTES: usize = 4 << 10;

/// From where to follow.
#[derive(Debug, Deserialize)]
pub(super) struct From {
    /// The last event that the client has; 0 for all.
    #[serde(default)]
    after: u64,
    /// As whom, where the key and not a ticket opens the socket: as in `POST /api/v1/ws-tickets`.
    role: Option<String>,
    seat: Option<String>,
    identity: Option<String>,
}

/// Checks who asks, and opens the socket.
pub(super) async fn upgrade(
    State(state): State<HttpState>,
    Path(debate): Path<String>,
    from: Result<Query<From>, axum::extract::rejection::QueryRejection>,
    headers: HeaderMap,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Result<Response, ApiError> {
    check_origin(&state, &headers)?;
    let ticket = ticket(&state, &headers)?;
    let Query(from) = from.map_err(|_| {
        ApiError::bad_request("bad_after", "after is the number of an event, 0 or more")
    })?;
    let debate = DebateId::new(debate);
    let wanted = WantedPass {
        role: from.role,
        seat: from.seat,
        identity: from.identity,
    };
    let (pass, after) = match ticket {
        Some(pass) => (pass, from.after),
        None => (wanted.read(None)?, from.after),
    };
    if pass.debate.as_ref().is_some_and(|only| *only != debate) {
        let help = "the ticket is for another debate";
        return Err(ApiError::forbidden("other_debate", help));
    }
    let head_seq = state.debates.summary(&debate).await?.head_seq;
    check_after(after, head_seq)?;
    let upgrade = upgrade.map_err(|error| {
        ApiError::bad_request(
            "not_a_websocket",
            format!("open this path as a WebSocket: {error}"),
        )
    })?;
    let role = pass.role.clone();
    let feed = Feed::open(state.clone(), debate.clone(), after, role).await?;
    let guest = Guest {
        pass,
        head_seq,
        present: state.presence.join(&debate),
    };
    let upgrade = upgrade
        .protocols([PROTOCOL])
        .max_message_size(HEARD_BYTES)
        .max_frame_size(HEARD_BYTES)
        .read_buffer_size(READ_BYTES);
    Ok(upgrade.on_upgrade(move |socket| Session::new(state, debate, feed, guest).run(socket)))
}

/// A page may open the socket only from the server's own origin, or one that the operator named. Programs send
/// no origin.
fn check_origin(state: &HttpState, headers: &HeaderMap) -> Result<(), ApiError> {
    let Some(origin) = headers.get(header::ORIGIN) else {
        return Ok(());
    };
    let origin = origin.to_str().unwrap_or_default();
    let host = headers
        .get(header::HOST)
        .and_then(|host| host.to_str().ok())
        .unwrap_or_default();
    let of_origin = origin.split_once("://").map_or("", |(_, host)| host);
    let own = !host.is_empty() && of_origin.eq_ignore_ascii_case(host);
    // A page that is developed on this machine, at another port, when the server is reached on this machine too.
    let local = is_loopback(of_origin) && is_loopback(host);
    if own
        || local
        || state
            .config
            .allowed_origins
            .iter()
            .any(|allowed| allowed == origin)
    {
        return Ok(());
    }
    let help = "pages of this origin may not open a socket here: add it to http.allowed_origins";
    Err(ApiError::forbidden("origin_not_allowed", help))
}

fn is_loopback(host_and_port: &str) -> bool {
    let host = match host_and_port.rsplit_once(':') {
        Some((host, port)) if port.chars().all(|c| c.is_ascii_digit()) => host,
        Some(_) | None => host_and_port,
    };
    matches!(host, "localhost" | "127.0.0.1" | "[::1]")
}

/// The key as a bearer, or a ticket as a subprotocol: browsers cannot set headers on a socket, and a key does not
/// belong in a URL. Gives what the ticket lets in as; `None` for the key, whose holder may choose.
fn ticket(state: &HttpState, headers: &HeaderMap) -> Result<Option<Pass>, ApiError> {
    let offered = headers
        .get_all(header::SEC_WEBSOCKET_PROTOCOL)
        .iter()
        .filter_map(|value| value.to_str().ok());
    let mut offered = offered.flat_map(|value| value.split(',')).map(str::trim);
    match offered.find_map(|protocol| protocol.strip_prefix(TICKET)) {
        Some(ticket) => match state.tickets.redeem(ticket) {
            Some(pass) => Ok(Some(pass)),
            None => Err(ApiError::unauthorised(
                "the ticket is unknown, used or over: get another from POST /api/v1/ws-tickets",
            )),
        },
        None => auth::authorise(state, headers).map(|()| None),
    }
}
