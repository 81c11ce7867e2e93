//! Writes usage rows: batches, off the request path, and what is too old goes.

use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinHandle;
use tokio::time::Instant;

use super::UsageConfig;
use super::stop::Stop;
use super::stop::Stopper;
use super::stop::stop;
use crate::events::CallArrivals;
use crate::events::CallQueue;
use crate::events::CallRecord;
use crate::events::Place;
use crate::events::call_queue;
use crate::metrics::ExportFigures;
use crate::store::StoreError;
use crate::store::UsageRows;
use crate::types::Clock;

/// Rows of one transaction, at most.
const BATCH: usize = 400;
/// How long rows are gathered once there is one.
const GATHER: Duration = Duration::from_millis(200);
/// The first rest after a failure; each further one is twice as long.
const REST: Duration = Duration::from_millis(100);
const MAX_REST: Duration = Duration::from_secs(5);
/// Rows that are deleted at once, and the time between two deletions while there is more.
const FORGET_BATCH: usize = 500;
const FORGET_PAUSE: Duration = Duration::from_millis(250);
const FORGET_EVERY: Duration = Duration::from_secs(60 * 60);
/// How long the last rows have when the process ends.
const LAST_WORDS: Duration = Duration::from_secs(3);
const DAY_MS: u64 = 24 * 60 * 60 * 1000;

/// Takes places for rows and writes what is put into them.
///
/// A place is taken before the call. When all are taken calls wait at the door for up to 50 ms, since the writer is
/// merely behind; when the store cannot be written they do not wait, and their rows are counted as lost. No call
/// ever fails of it.
#[derive(Debug)]
pub struct UsageRecorder {
    queue: CallQueue,
    stop: Stopper,
    task: JoinHandle<()>,
}

impl UsageRecorder {
    /// Starts writing.
    pub fn start(
        rows: Arc<dyn UsageRows>,
        config: &UsageConfig,
        clock: Clock,
        figures: Arc<ExportFigures>,
    ) -> Self {
        let (queue, arrivals) = call_queue(config.queue_rows.max(1));
        let (stop, stopped) = stop();
        let writer = Writer {
            rows,
            arrivals,
            figures,
            clock,
            keep_ms: u64::from(config.keep_days) * DAY_MS,
            stop: stopped,
        };
        Self {
            queue,
            stop,
            task: tokio::spawn(writer.run()),
        }
    }

    /// Where calls take their places.
    pub fn queue(&self) -> &CallQueue {
        &self.queue
    }

    /// Takes a place for the row of a call that is about to begin.
    pub async fn reserve(&self) -> Place {
        self.queue.reserve().await
    }

    /// Writes what there is, and ends. Calls that are still under way have three seconds.
    pub async fn close(mut self) {
        self.stop.stop();
        if tokio::time::timeout(LAST_WORDS, &mut self.task)
            .await
            .is_err()
        {
            self.task.abort();
            tracing::warn!(target: "agon::observe", "the last rows of calls could not be written in time");
        }
    }
}

struct Writer {
    rows: Arc<dyn UsageRows>,
    arrivals: CallArrivals,
    figures: Arc<ExportFigures>,
    clock: Clock,
    /// 0 keeps all.
    keep_ms: u64,
    stop: Stop,
}

impl Writer {
    async fn run(mut self) {
        let mut batch = Vec::with_capacity(BATCH);
        let mut forget_at = Instant::now() + FORGET_PAUSE;
        loop {
            let is_stopping = self.stop.is_set();
            if is_stopping {
                self.arrivals.close();
            }
            let count = tokio::select! {
                count = self.arrivals.take(&mut batch, BATCH) => count,
                () = self.stop.set(), if !is_stopping => continue,
                () = tokio::time::sleep_until(forget_at), if self.keep_ms > 0 && !is_stopping => {
                    forget_at = Instant::now() + self.forget().await;
                    continue;
                }
            };
            if count == 0 {
                return;
            }
            if count < BATCH && !is_stopping {
                // Nobody is woken by what comes meanwhile, which is most of the price of a row at many calls a second.
                tokio::select! {
                    () = tokio::time::sleep(GATHER) => {}
                    () = self.stop.set() => {}
                }
                self.arrivals.take_now(&mut batch, BATCH);
            }
            self.write(&batch).await;
            batch.clear();
        }
    }

    /// Writes a batch, however long that takes.
    async fn write(&mut self, batch: &[Arc<CallRecord>]) {
        let mut rest = REST;
        let mut is_stuck = false;
        loop {
            match self.rows.record(batch).await {
                Ok(()) => break,
                Err(StoreError::Corrupt(why)) => {
                    tracing::warn!(target: "agon::observe", "{} rows of calls cannot be written: {why}", batch.len());
                    self.figures.lost(batch.len());
                    return;
                }
                Err(error) => {
                    self.figures.failed();
                    if !std::mem::replace(&mut is_stuck, true) {
                        self.arrivals.set_stuck(true);
                        tracing::warn!(
                            target: "agon::observe",
                            "rows of calls cannot be written, which is tried again while calls go on: {error}"
                        );
                    }
                }
            }
            tokio::select! {
                () = tokio::time::sleep(rest) => {}
                // The last words have a limit of their own.
                () = self.stop.set(), if !self.stop.is_set() => {}
            }
            rest = (rest * 2).min(MAX_REST);
        }
        self.figures.sent(batch.len());
        if is_stuck {
            self.arrivals.set_stuck(false);
            tracing::info!(target: "agon::observe", "rows of calls are written again");
        }
    }

    /// Deletes a few old rows. Returns when there may be more.
    async fn forget(&self) -> Duration {
        let before_ms = self.clock.now_ms().saturating_sub(self.keep_ms);
        match self.rows.forget(before_ms, FORGET_BATCH).await {
            Ok(deleted) if deleted == FORGET_BATCH as u64 => FORGET_PAUSE,
            Ok(_) => FORGET_EVERY,
            Err(error) => {
                tracing::debug!(target: "agon::observe", "old rows of calls cannot be deleted: {error}");
                FORGET_EVERY
            }
        }
    }
}

#[cfg(test)]
mod tests;
