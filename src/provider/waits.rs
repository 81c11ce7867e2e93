//! The waits of one call: each has a limit, and all are added up for the call's trace.

use std::future::Future;
use std::future::poll_fn;
use std::pin::Pin;
use std::pin::pin;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::task::Context;
use std::task::Poll;

use tokio::time::Instant;
use tokio::time::Sleep;

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
    alarm: Alarm,
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
            alarm: Alarm::default(),
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
        let mut coming = pin!(coming);
        let came = poll_fn(|cx| match coming.as_mut().poll(cx) {
            Poll::Ready(came) => Poll::Ready(Some(came)),
            Poll::Pending => self.alarm.poll(due, cx).map(|()| None),
        })
        .await;
        self.trace.add_upstream_wait(asked.elapsed());
        came.ok_or(Failure::TimedOut(phase))
    }
}

/// One timer for all the waits of a call: moving a timer costs more than letting it ring early once.
#[derive(Debug, Default)]
struct Alarm(Mutex<Option<Pin<Box<Sleep>>>>);

impl Alarm {
    /// Ready when it is `due`.
    fn poll(&self, due: Instant, cx: &mut Context<'_>) -> Poll<()> {
        let mut set = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let sleep = set.get_or_insert_with(|| Box::pin(tokio::time::sleep_until(due)));
        if sleep.deadline() > due {
            sleep.as_mut().reset(due);
        }
        while sleep.as_mut().poll(cx).is_ready() {
            if Instant::now() >= due {
                return Poll::Ready(());
            }
            sleep.as_mut().reset(due);
        }
        Poll::Pending
    }
}

impl Clone for Alarm {
    /// A timer rings for one waiter.
    fn clone(&self) -> Self {
        Self::default()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn waits(total: u64) -> Waits {
        let timeouts = CallTimeouts {
            total: Duration::from_secs(total),
            ..CallTimeouts::CLOUD
        };
        Waits::start(timeouts, &CallContext::default())
    }

    #[tokio::test(start_paused = true)]
    async fn each_wait_of_a_call_ends_when_it_is_due_though_they_share_a_timer() {
        let waits = waits(100);
        let began = Instant::now();
        let never = || std::future::pending::<()>();
        let after = |seconds| began + Duration::from_secs(seconds);
        let came = waits
            .until(after(10), TimeoutPhase::Idle, async { 1 })
            .await;
        assert_eq!(came, Ok(1));
        let pause = tokio::time::sleep(Duration::from_secs(5));
        let came = waits.until(after(10), TimeoutPhase::Idle, pause).await;
        assert_eq!(came, Ok(()));
        let late = waits.until(after(30), TimeoutPhase::Idle, never()).await;
        assert_eq!(late, Err(Failure::TimedOut(TimeoutPhase::Idle)));
        assert_eq!(began.elapsed().as_secs(), 30);
        let early = waits
            .until(after(31), TimeoutPhase::FirstToken, never())
            .await;
        assert_eq!(early, Err(Failure::TimedOut(TimeoutPhase::FirstToken)));
        assert_eq!(began.elapsed().as_secs(), 31);
        let end = waits.until(after(300), TimeoutPhase::Idle, never()).await;
        assert_eq!(end, Err(Failure::TimedOut(TimeoutPhase::Total)));
        assert_eq!(began.elapsed().as_secs(), 100);
    }
}
