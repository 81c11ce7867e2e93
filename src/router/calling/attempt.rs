//! One attempt, and the rests between attempts.

use std::pin::pin;
use std::time::Duration;

use tokio::time::Instant;

use crate::client::CallTrace;
use crate::client::CallWait;
use crate::client::LlmError;
use crate::client::LlmErrorKind;
use crate::router::errand::Errand;
use crate::router::errand::Whereto;
use crate::router::meter::past_deadline;
use crate::router::snapshot::Snapshot;
use crate::router::ticket::Ticket;

/// Makes one attempt, no longer than the caller waits.
pub(super) async fn attempt<E: Errand>(
    snapshot: &Snapshot,
    ticket: &Ticket,
    errand: &E,
) -> Result<E::Answer, LlmError> {
    let facts = errand.facts();
    let member = ticket.member();
    let Some(model) = member.model.clone() else {
        let message = "what the model list calls its model is not written provider/model";
        return Err(LlmError::new(LlmErrorKind::ModelNotFound, "agon", message));
    };
    let whereto = Whereto {
        model,
        target: member.entry.targets.of(facts.in_pieces, facts.wishes),
    };
    // Pinned where it is made: it is large.
    let answer = pin!(errand.ask(&snapshot.common, &whereto));
    match facts.call.deadline {
        Some(deadline) => tokio::time::timeout_at(deadline, answer)
            .await
            .unwrap_or_else(|_| Err(past_deadline(&whereto.model))),
        None => answer.await,
    }
}

/// Adds a rest to the call's trace, also when the caller leaves during it.
pub(super) struct Resting<'a> {
    trace: &'a CallTrace,
    since: Instant,
    is_limited: bool,
}

impl<'a> Resting<'a> {
    /// Begins a rest; `limited` tells whoever watches the call how long a provider's limit keeps it.
    pub(super) fn start(trace: &'a CallTrace, limited: Option<Duration>) -> Self {
        if let Some(wait) = limited {
            trace.note_wait(Some(CallWait::RateLimited { wait }));
        }
        Self {
            trace,
            since: Instant::now(),
            is_limited: limited.is_some(),
        }
    }
}

impl Drop for Resting<'_> {
    fn drop(&mut self) {
        self.trace.add_retry_wait(self.since.elapsed());
        if self.is_limited {
            self.trace.note_wait(None);
        }
    }
}
