//! Counters and histograms, fed by events only: Agon's own series, and `LiteLLM`'s names beside them.
//!
//! A finished call costs a look-up and a handful of atomic adds: its figures are found once for each deployment and
//! path, and both families of series are written from them when somebody reads.

mod deployments;
mod exposition;
mod figures;
mod histogram;
mod litellm;
mod outcome;
mod own;
mod registry;

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::AtomicI64;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;
use std::time::Duration;

pub use exposition::Exposition;
pub use own::ExportFigures;

use self::deployments::FallbackCounts;
use self::exposition::Page;
use self::histogram::Histogram;
use self::histogram::RELAY_NS;
use self::outcome::Outcomes;
use self::own::Exports;
use self::registry::Registry;
use crate::events::CallRecord;
use crate::events::Observer;
use crate::events::QueueState;
use crate::types::Deployment;
use crate::types::debate::Outcome;

/// All figures of this process, in the form that Prometheus reads.
#[derive(Default)]
pub struct Metrics {
    calls: Registry,
    fallbacks: FallbackCounts,
    in_flight: Arc<AtomicI64>,
    debates_finished: [AtomicU64; Outcome::ALL.len()],
    debates_running: Arc<AtomicI64>,
    ws_connections: Arc<AtomicI64>,
    relay_delay: Histogram<{ RELAY_NS.len() }>,
    exports: Exports,
}

impl Metrics {
    /// The media type of [`Self::render`]'s text.
    pub const CONTENT_TYPE: &str = Exposition::OpenMetrics.content_type();

    /// Starts all figures at zero.
    pub fn new() -> Self {
        Self::default()
    }

    /// Returns all figures in the text form of `OpenMetrics`.
    pub fn render(&self) -> String {
        self.render_as(Exposition::OpenMetrics)
    }

    /// Returns all figures in a text form.
    pub fn render_as(&self, form: Exposition) -> String {
        let mut page = Page::new(form);
        own::write(self, &mut page);
        litellm::write(self, &mut page);
        page.finish()
    }

    /// Counts a request of a client as open until the returned guard is dropped.
    pub fn in_flight(&self) -> Counted {
        Counted::one_more(&self.in_flight)
    }

    /// Counts a WebSocket connection as open until the returned guard is dropped.
    pub fn ws_connected(&self) -> Counted {
        Counted::one_more(&self.ws_connections)
    }

    /// Notes the time from the arrival of an upstream's chunk to the frame that carries it to a watcher.
    pub fn relay_delay(&self, delay: Duration) {
        self.relay_delay.observe(&RELAY_NS, delay);
    }

    /// The figures of what is sent to somebody else, `otlp` or the like, or stored: the same ones for the same name.
    pub fn export(&self, to: &'static str) -> Arc<ExportFigures> {
        self.exports.of(to)
    }

    /// Shows what is known of the queue of usage rows.
    pub fn show_usage_queue(&self, queue: Arc<QueueState>) {
        self.exports.show_queue(queue);
    }
}

impl Observer for Metrics {
    fn debate_began(&self) {
        self.debates_running.fetch_add(1, Ordering::Relaxed);
    }

    fn debate_left(&self, outcome: Option<Outcome>) {
        self.debates_running.fetch_sub(1, Ordering::Relaxed);
        let of = |outcome| Outcome::ALL.iter().position(|known| *known == outcome);
        if let Some(at) = outcome.and_then(of) {
            self.debates_finished[at].fetch_add(1, Ordering::Relaxed);
        }
    }

    fn call_finished(&self, record: &Arc<CallRecord>) {
        self.calls.figures(record).count(record);
        for attempt in &record.tried {
            let end = outcome::index_of(Some(attempt.error), attempt.status);
            self.calls.deployment(attempt).failed(end);
        }
        if record.fallbacks > 0 {
            self.fallbacks.count(record);
        }
    }

    fn deployment_cooled(&self, deployment: &Deployment, error: &'static str) {
        self.calls.known_deployment(deployment).cooled(error);
    }

    fn deployment_recovered(&self, deployment: &Deployment) {
        self.calls.known_deployment(deployment).recovered();
    }
}

impl fmt::Debug for Metrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Metrics").finish_non_exhaustive()
    }
}

/// Something that is counted while it lasts.
#[derive(Debug)]
#[must_use = "it is counted only until this is dropped"]
pub struct Counted(Arc<AtomicI64>);

impl Counted {
    fn one_more(gauge: &Arc<AtomicI64>) -> Self {
        gauge.fetch_add(1, Ordering::Relaxed);
        Self(Arc::clone(gauge))
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// What a counter stands at.
fn read(counter: &AtomicU64) -> u64 {
    counter.load(Ordering::Relaxed)
}

/// Counts on.
fn add(counter: &AtomicU64, by: u64) {
    if by > 0 {
        counter.fetch_add(by, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests;
