//! Who may come in: the master key as a bearer, or, for a browser's socket, a ticket that was bought with it.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::time::Duration;

use axum::extract::Request;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::middleware::Next;
use axum::response::Response;
use subtle::ConstantTimeEq;
use tokio::time::Instant;

use super::HttpState;
use super::body;
use super::error::ApiError;
use super::gateway::RequestHeaders;
use super::pass::Pass;
use crate::types::Secret;

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
    if let Err(refused) = authorise(&state, request.headers()) {
        body::hear_out(request.into_body()).await;
        return Err(refused);
    }
    Ok(next.run(request).await)
}

/// Checks the key of a request, in the same time whatever it is.
pub(super) fn authorise(state: &HttpState, headers: &HeaderMap) -> Result<(), ApiError> {
    let settings = state.gateway.now();
    let read = RequestHeaders::read(headers, settings.key_header.as_ref());
    match state.door.admit(read.key) {
        Ok(_) => Ok(()),
        Err(refusal) => Err(ApiError::unauthorised(refusal.help())),
    }
}

/// Lets callers in, or not. The master key has one; the keys of single callers can have another.
pub trait Door: Send + Sync {
    /// Says who carries a key; `None` is a request without one.
    ///
    /// # Errors
    /// When the key is missing or nobody's.
    fn admit(&self, key: Option<&[u8]>) -> Result<Caller, Refusal>;
}

/// Who asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    /// What calls are counted under; `None` where nobody needs a key.
    pub principal: Option<Arc<str>>,
    /// `true` for who may see and do everything.
    pub is_admin: bool,
}

/// Why somebody is not let in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// There is no key.
    Missing,
    /// The key is nobody's.
    Wrong,
}

impl Refusal {
    /// What is wrong and what to do.
    pub fn help(self) -> &'static str {
        match self {
            Self::Missing => "send the master key as: Authorization: Bearer KEY",
            Self::Wrong => "the key is wrong",
        }
    }
}

/// The door of the master key: who has it may do everything. Without one, everybody may.
#[derive(Clone)]
pub struct MasterDoor(Option<(blake3::Hash, Arc<str>)>);

impl MasterDoor {
    /// Keeps the key's hash.
    pub fn new(key: Option<&Secret>) -> Self {
        Self(key.map(|key| (blake3::hash(key.expose().as_bytes()), "master".into())))
    }
}

impl fmt::Debug for MasterDoor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the door of the master key")
    }
}

impl Door for MasterDoor {
    fn admit(&self, key: Option<&[u8]>) -> Result<Caller, Refusal> {
        let Some((master, name)) = &self.0 else {
            return Ok(Caller {
                principal: None,
                is_admin: true,
            });
        };
        let key = key.ok_or(Refusal::Missing)?;
        // Hashes have one length, so that not even the key's length can be measured.
        match bool::from(blake3::hash(key).as_bytes().ct_eq(master.as_bytes())) {
            true => Ok(Caller {
                principal: Some(Arc::clone(name)),
                is_admin: true,
            }),
            false => Err(Refusal::Wrong),
        }
    }
}

/// What an identity is.
pub(super) const IDENTITY_RULE: &str = "an identity has 1 to 128 printable characters";

/// `true` for a text that can be an identity.
pub(super) fn is_identity(text: &str) -> bool {
    let length = text.chars().count();
    (1..=128).contains(&length) && !text.trim().is_empty() && !text.chars().any(char::is_control)
}

/// Tickets that were given out and not yet used; only their hashes are kept.
#[derive(Default)]
pub struct Tickets(Mutex<HashMap<[u8; 32], (Instant, Pass)>>);

impl fmt::Debug for Tickets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("tickets")
    }
}

impl Tickets {
    /// Makes a ticket for one use, which lets in as this.
    pub(super) fn issue(&self, pass: Pass) -> String {
        let ticket = blake3::Hash::from_bytes(rand::random())
            .to_hex()
            .to_string();
        let mut tickets = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        tickets.retain(|_, (issued, _)| issued.elapsed() < TICKET_LIFE);
        if tickets.len() >= MAX_TICKETS {
            let oldest = tickets
                .iter()
                .min_by_key(|(_, (issued, _))| *issued)
                .map(|(hash, _)| *hash);
            oldest.and_then(|oldest| tickets.remove(&oldest));
        }
        tickets.insert(
            *blake3::hash(ticket.as_bytes()).as_bytes(),
            (Instant::now(), pass),
        );
        ticket
    }

    /// Uses a ticket up, and says as what it lets in. `None` when it is unknown, used, or over.
    pub(super) fn redeem(&self, ticket: &str) -> Option<Pass> {
        let hash = *blake3::hash(ticket.as_bytes()).as_bytes();
        let (issued, pass) = self
            .0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(&hash)?;
        (issued.elapsed() < TICKET_LIFE).then_some(pass)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::pass::Role;

    #[tokio::test(start_paused = true)]
    async fn a_ticket_is_good_once_and_for_thirty_seconds() {
        let tickets = Tickets::default();
        let pass = Pass {
            role: Role::Viewer,
            ..Pass::default()
        };
        let (first, second) = (tickets.issue(pass.clone()), tickets.issue(pass.clone()));
        assert_eq!(tickets.redeem(&first), Some(pass));
        assert_eq!(tickets.redeem(&first), None, "used");
        tokio::time::advance(TICKET_LIFE).await;
        assert_eq!(tickets.redeem(&second), None, "over");
        assert_eq!(tickets.redeem("made up"), None);
    }
}
