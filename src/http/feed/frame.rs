//! One message to a watcher.

use std::sync::Arc;

use serde::Serialize;
use serde_json::Value;

use crate::events::Envelope;
use crate::types::DebateId;

/// One message to a watcher.
#[derive(Debug, Clone)]
pub(in crate::http) enum Frame {
    /// A durable event, as far as its watcher may see it.
    Durable(Arc<Envelope>, Whole),
    /// Words, or a heartbeat: no number of its own.
    Transient(Transient),
    /// The debate is over, and everything has been sent.
    End,
}

/// Whether a watcher sees all of an event that it will ever see.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::http) enum Whole {
    /// It does.
    Yes,
    /// The rest follows as `event.revealed` once it may be seen.
    NotYet,
}

/// A durable event as it is sent.
#[derive(Serialize)]
struct Sent<'a> {
    #[serde(flatten)]
    event: &'a Envelope,
    withheld: bool,
}

/// A message without a number of its own.
#[derive(Debug, Clone, Serialize)]
pub(in crate::http) struct Transient {
    pub(super) v: u8,
    #[serde(rename = "type")]
    pub(super) kind: &'static str,
    pub(super) debate: DebateId,
    /// The last durable event that was sent before it.
    pub(super) after: u64,
    pub(super) ts: String,
    pub(super) data: Value,
}

impl Transient {
    /// The same message, sent right after another durable event.
    pub(in crate::http) fn after(self, after: u64) -> Self {
        Self { after, ..self }
    }
}

impl Frame {
    /// The message's JSON.
    pub(in crate::http) fn json(&self) -> String {
        let json = match self {
            Self::Durable(event, Whole::Yes) => serde_json::to_string(event),
            Self::Durable(event, Whole::NotYet) => serde_json::to_string(&Sent {
                event,
                withheld: true,
            }),
            Self::Transient(message) => serde_json::to_string(message),
            Self::End => Ok(String::new()),
        };
        json.unwrap_or_else(|error| {
            tracing::error!(%error, "an event cannot be written");
            String::new()
        })
    }
}
