//! The waits of one call: each has a limit, and all are added up for the call's trace.

use std::future::Future;
use std::sync::Arc;

use tokio::time::Instant;

use super::failure::Failure;
use super::timeouts::CallTimeouts;
use crate::client::CallContext;
use crate::client::CallTrace;
use crate::client::TimeoutPhase;

/// When one call's waits end.
#[derive(Debug, Clone)]
pub(super) struct Waits {
    timeouts: CallTimeouts,
    started: Instant,
    total_at: Instant,
    trace: Arc<CallTrace>,
}

impl Waits {
    /// Starts the call's clock. The caller's own deadline counts as the end of the whole, when it is earlier.
    pub(super) fn start(timeouts: CallTimeouts, call: &CallContext) -> Self {
        let started = Instant::now();
        let ours = started + timeouts.total;
        let total_at = call.deadline.map_or(ours, |theirs| theirs.min(ours));
        Self {
            timeouts,
            started,
            total_at,
            trace: Arc::clone(&call.trace),
        }
    }

    pub(super) fn timeouts(&self) -> CallTimeouts {
        self.timeouts
    }

    /// When the first token is due.
    pub(super) fn first_token_at(&self) -> Instant {
        self.started + self.timeouts.first_token
    }

    /// When the next piece is due, if the last one came now.
    pub(super) fn idle_at(&self) -> Instant {
        Instant::now() + self.timeouts.idle
    }

    /// When the whole answer is due.
    pub(super) fn total_at(&self) -> Instant {
        self.total_at
    }

    /// Waits for `coming` until `due` or the end of the whole, and notes the time spent.
    pub(super) async fn until<T>(
        &self,
        due: Instant,
        phase: TimeoutPhase,
        coming: impl Future<Output = T>,
    ) -> Result<T, Failure> {
        let (due, phase) = if self.total_at < due {
            (self.total_at, TimeoutPhase::Total)
        } else {
            (due, phase)
        };
        let asked = Instant::now();
        let came = tokio::time::timeout_at(due, coming).await;
        self.trace.add_upstream_wait(asked.elapsed());
        came.map_err(|_| Failure::TimedOut(phase))
    }
}
