//! The near end of an export: an observer that puts records into a bounded queue and never waits.

use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use super::callbacks::Sees;
use super::courier::Courier;
use super::courier::Outlet;
use super::stop::Stopper;
use super::stop::stop;
use super::tracer::draws;
use crate::events::CallRecord;
use crate::events::Observer;
use crate::metrics::ExportFigures;

/// Records that wait for one receiver, at most.
const QUEUE: usize = 2048;
/// Bytes of questions and answers among them, at most.
const MAX_HELD_BYTES: usize = 32 << 20;

/// Bytes of content that wait for one receiver.
#[derive(Debug, Clone, Default)]
pub(super) struct Held(Arc<AtomicUsize>);

impl Held {
    fn take(&self, bytes: usize) -> bool {
        let before = self.0.fetch_add(bytes, Ordering::Relaxed);
        let fits = before + bytes <= MAX_HELD_BYTES;
        if !fits {
            self.give_back(bytes);
        }
        fits
    }

    pub(super) fn give_back(&self, bytes: usize) {
        self.0.fetch_sub(bytes, Ordering::Relaxed);
    }
}

/// Puts records into the queue of one receiver.
#[derive(Debug)]
pub(super) struct Exporter {
    sender: mpsc::Sender<Arc<CallRecord>>,
    sees: Sees,
    ratio: f64,
    held: Held,
    figures: Arc<ExportFigures>,
}

/// The task that empties it.
#[derive(Debug)]
pub(super) struct Running {
    stop: Stopper,
    task: JoinHandle<()>,
}

impl Exporter {
    /// Starts telling a receiver of the calls that it sees, or of a share of them.
    pub(super) fn start(
        outlet: Outlet,
        (sees, ratio): (Sees, f64),
        figures: Arc<ExportFigures>,
    ) -> (Self, Running) {
        let (sender, receiver) = mpsc::channel(QUEUE);
        let (stop, stopped) = stop();
        let held = Held::default();
        let courier = Courier::new(outlet, receiver, held.clone(), Arc::clone(&figures));
        let task = tokio::spawn(courier.run(stopped));
        let exporter = Self {
            sender,
            sees,
            ratio,
            held,
            figures,
        };
        (exporter, Running { stop, task })
    }

    fn is_wanted(&self, record: &CallRecord) -> bool {
        let sees = match record.error {
            None => self.sees.successes,
            Some(_) => self.sees.failures,
        };
        sees && match record.span {
            Some(span) => span.sampled,
            None => draws(self.ratio),
        }
    }
}

impl Observer for Exporter {
    fn call_finished(&self, record: &Arc<CallRecord>) {
        if !self.is_wanted(record) {
            return;
        }
        let bytes = held_bytes(record);
        if !self.held.take(bytes) {
            self.figures.lost(1);
        } else if self.sender.try_send(Arc::clone(record)).is_err() {
            self.held.give_back(bytes);
            self.figures.lost(1);
        }
    }
}

/// What a record's content holds in memory.
pub(super) fn held_bytes(record: &CallRecord) -> usize {
    record
        .content
        .as_ref()
        .map_or(0, |content| content.held_bytes())
}

impl Running {
    /// Tells it to send what it has, and gives up after a while.
    pub(super) async fn close(mut self, patience: Duration) {
        self.stop.stop();
        if tokio::time::timeout(patience, &mut self.task)
            .await
            .is_err()
        {
            self.task.abort();
        }
    }
}
