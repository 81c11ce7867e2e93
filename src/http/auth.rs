//! Who may come in: the master key as a bearer, or, for a browser's socket, a ticket that was bought with it.

use std::collections::HashMap;
use std::fmt;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::time::Duration;

use axum::extract::Request;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::http::header;
use axum::middleware::Next;
use axum::response::Response;
use subtle::ConstantTimeEq;
use tokio::time::Instant;

use super::HttpState;
use super::error::ApiError;

/// How long a ticket is good.
pub(super) const TICKET_LIFE: Duration = Duration::from_secs(30);
/// Tickets at the same time; the oldest gives way.
const MAX_TICKETS: usize = 10_000;

/// Lets a request through that carries the key.
pub(super) async fn require_key(
    State(state): State<HttpState>,
    request: Request,
    next: Next,
) -> Result<Response, ApiError> {
    authorise(&state, request.headers())?;
    Ok(next.run(request).await)
}

/// Checks the bearer against the master key, in the same time whatever it is.
pub(super) fn authorise(state: &HttpState, headers: &HeaderMap) -> Result<(), ApiError> {
    let Some(key) = &state.master_key else {
        return Ok(());
    };
    let given = headers
        .get(header::AUTHORIZATION)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    let Some(given) = given
        .strip_prefix("Bearer ")
        .or_else(|| given.strip_prefix("bearer "))
    else {
        return Err(ApiError::unauthorised(
            "send the master key as: Authorization: Bearer KEY",
        ));
    };
    // Hashes have one length, so that not even the key's length can be measured.
    let (given, key) = (
        blake3::hash(given.trim().as_bytes()),
        blake3::hash(key.expose().as_bytes()),
    );
    match bool::from(given.as_bytes().ct_eq(key.as_bytes())) {
        true => Ok(()),
        false => Err(ApiError::unauthorised("the key is wrong")),
    }
}

/// Tickets that were given out and not yet used; only their hashes are kept.
#[derive(Default)]
pub struct Tickets(Mutex<HashMap<[u8; 32], Instant>>);

impl fmt::Debug for Tickets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("tickets")
    }
}

impl Tickets {
    /// Makes a ticket for one use.
    pub(super) fn issue(&self) -> String {
        let ticket = blake3::Hash::from_bytes(rand::random())
            .to_hex()
            .to_string();
        let mut tickets = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        tickets.retain(|_, issued| issued.elapsed() < TICKET_LIFE);
        if tickets.len() >= MAX_TICKETS {
            let oldest = tickets
                .iter()
                .min_by_key(|(_, issued)| **issued)
                .map(|(hash, _)| *hash);
            oldest.and_then(|oldest| tickets.remove(&oldest));
        }
        tickets.insert(*blake3::hash(ticket.as_bytes()).as_bytes(), Instant::now());
        ticket
    }

    /// Uses a ticket up. `false` when it is unknown, used, or over.
    pub(super) fn redeem(&self, ticket: &str) -> bool {
        let hash = *blake3::hash(ticket.as_bytes()).as_bytes();
        let issued = self
            .0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(&hash);
        issued.is_some_and(|issued| issued.elapsed() < TICKET_LIFE)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_ticket_is_good_once_and_for_thirty_seconds() {
        let tickets = Tickets::default();
        let (first, second) = (tickets.issue(), tickets.issue());
        assert!(tickets.redeem(&first));
        assert!(!tickets.redeem(&first), "used");
        tokio::time::advance(TICKET_LIFE).await;
        assert!(!tickets.redeem(&second), "over");
        assert!(!tickets.redeem("made up"));
    }
}
