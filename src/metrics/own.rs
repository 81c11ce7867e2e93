//! Agon's own series.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;

use super::Metrics;
use super::add;
use super::exposition::Kind;
use super::exposition::Page;
use super::exposition::labels;
use super::figures::CallFigures;
use super::histogram::DURATION;
use super::histogram::Histogram;
use super::histogram::LATENCY_NS;
use super::histogram::OVERHEAD;
use super::histogram::OVERHEAD_NS;
use super::histogram::RELAY;
use super::histogram::RELAY_NS;
use super::histogram::TTFT;
use super::histogram::Totals;
use super::read;
use crate::events::QueueState;
use crate::types::debate::Outcome;

/// What became of records that were to be sent to somebody else, or stored.
#[derive(Debug, Default)]
pub struct ExportFigures {
    sent: AtomicU64,
    lost: AtomicU64,
    failures: AtomicU64,
}

impl ExportFigures {
    /// So many arrived.
    pub fn sent(&self, records: usize) {
        add(&self.sent, records as u64);
    }

    /// So many never will: there was no room, or they were refused.
    pub fn lost(&self, records: usize) {
        add(&self.lost, records as u64);
    }

    /// An attempt failed; what it carried may still arrive.
    pub fn failed(&self) {
        add(&self.failures, 1);
    }

    /// How many arrived, how many never will, and how many attempts failed.
    pub fn counts(&self) -> [u64; 3] {
        [&self.sent, &self.lost, &self.failures].map(read)
    }
}

/// The figures of all that is sent or stored.
#[derive(Debug, Default)]
pub(super) struct Exports {
    by_name: Mutex<BTreeMap<&'static str, Arc<ExportFigures>>>,
    queue: Mutex<Option<Arc<QueueState>>>,
}

impl Exports {
    pub(super) fn of(&self, to: &'static str) -> Arc<ExportFigures> {
        let mut by_name = self.by_name.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(by_name.entry(to).or_default())
    }

    pub(super) fn show_queue(&self, queue: Arc<QueueState>) {
        *self.queue.lock().unwrap_or_else(PoisonError::into_inner) = Some(queue);
    }

    fn write(&self, page: &mut Page) {
        let by_name = self.by_name.lock().unwrap_or_else(PoisonError::into_inner);
        let queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner);
        let lost_at_the_door = queue.as_ref().map_or(0, |queue| queue.lost());
        page.family(
            "agon_records",
            Kind::Counter,
            "Records of calls by where they go and what became of them",
        );
        for (to, figures) in by_name.iter() {
            let [sent, mut lost, _] = figures.counts();
            if *to == USAGE {
                lost += lost_at_the_door;
            }
            page.counter(
                "agon_records",
                &labels(&[("to", to), ("result", "sent")]),
                sent,
            );
            page.counter(
                "agon_records",
                &labels(&[("to", to), ("result", "lost")]),
                lost,
            );
        }
        page.family(
            "agon_record_failures",
            Kind::Counter,
            "Attempts to send or store records that failed, and are tried again",
        );
        for (to, figures) in by_name.iter() {
            let [_, _, failures] = figures.counts();
            page.counter("agon_record_failures", &labels(&[("to", to)]), failures);
        }
        if let Some(queue) = queue.as_ref() {
            page.family(
                "agon_usage_waits",
                Kind::Counter,
                "Calls that waited for a place in the queue of usage rows",
            );
            page.counter("agon_usage_waits", "", queue.waited());
        }
    }
}

/// The name under which usage rows are counted.
const USAGE: &str = "usage";

/// Writes all of Agon's series.
pub(super) fn write(metrics: &Metrics, page: &mut Page) {
    let (figures, _) = metrics.calls.all();
    calls(&figures, page);
    histograms(&figures, page);
    metrics.exports.write(page);
    process(metrics, page);
}

fn model_labels(figures: &CallFigures) -> [(&'static str, &str); 2] {
    let key = &figures.key;
    [("provider", key.provider()), ("model", key.model_name())]
}

/// Sums by labels: several figures may share them.
type Sums = BTreeMap<String, u64>;

fn counters(page: &mut Page, name: &str, help: &str, sums: &Sums) {
    page.family(name, Kind::Counter, help);
    for (labels, sum) in sums {
        page.counter(name, labels, sum);
    }
}

fn calls(figures: &[Arc<CallFigures>], page: &mut Page) {
    let mut sums: [Sums; 5] = Default::default();
    let [calls, tokens, cost, retries, lossy] = &mut sums;
    for figures in figures {
        let [provider, model] = model_labels(figures);
        for (end, count) in figures.outcomes.seen() {
            let path = ("path", figures.key.path);
            let labels = labels(&[provider, model, path, ("outcome", end.code)]);
            *calls.entry(labels).or_default() += count;
        }
        for (direction, count) in [
            ("input", read(&figures.prompt_tokens)),
            ("output", read(&figures.answer_tokens)),
        ] {
            let labels = labels(&[provider, model, ("direction", direction)]);
            *tokens.entry(labels).or_default() += count;
        }
        let of_model = labels(&[provider, model]);
        if read(&figures.priced) > 0 {
            *cost.entry(of_model.clone()).or_default() += read(&figures.cost_nanousd);
        }
        *retries.entry(of_model.clone()).or_default() += read(&figures.retries);
        *lossy.entry(of_model).or_default() += read(&figures.lossy);
    }
    let help = [
        (
            "agon_llm_calls",
            "Model calls that ended, retries within one call not counted",
        ),
        ("agon_llm_tokens", "Tokens that models read and wrote"),
        (
            "agon_llm_cost_nanousd",
            "Cost of model calls with a known price, in billionths of a US dollar",
        ),
        ("agon_llm_retries", "Attempts after the first of a call"),
        (
            "agon_llm_lossy_calls",
            "Calls that lost a parameter on their way, because the model's wire cannot carry it",
        ),
    ];
    for ((name, help), sums) in help.iter().zip(&sums) {
        counters(page, name, help, sums);
    }
}

fn histograms(figures: &[Arc<CallFigures>], page: &mut Page) {
    let mut overhead: BTreeMap<String, Totals<{ OVERHEAD_NS.len() }>> = BTreeMap::new();
    let mut ttft: BTreeMap<String, Totals<{ LATENCY_NS.len() }>> = BTreeMap::new();
    let mut duration = ttft.clone();
    for figures in figures {
        let path = labels(&[("path", figures.key.path)]);
        figures.overhead.add_to(overhead.entry(path).or_default());
        let model = labels(&model_labels(figures));
        figures.ttft.add_to(ttft.entry(model.clone()).or_default());
        figures.duration.add_to(duration.entry(model).or_default());
    }
    let name = "agon_llm_overhead_seconds";
    let help = "Time of a call that was not spent waiting for the upstream, a retry or the reader";
    page.family(name, Kind::Histogram, help);
    for (labels, totals) in &overhead {
        page.histogram(name, labels, &OVERHEAD, (totals, &OVERHEAD_NS));
    }
    let name = "agon_llm_ttft_seconds";
    let help = "Time from the call to the first token of its answer";
    page.family(name, Kind::Histogram, help);
    for (labels, totals) in ttft.iter().filter(|(_, totals)| totals.count() > 0) {
        page.histogram(name, labels, &TTFT, (totals, &LATENCY_NS));
    }
    let name = "agon_llm_duration_seconds";
    let help = "Time from the call to the end of its answer";
    page.family(name, Kind::Histogram, help);
    for (labels, totals) in &duration {
        page.histogram(name, labels, &DURATION, (totals, &LATENCY_NS));
    }
}

fn process(metrics: &Metrics, page: &mut Page) {
    let name = "agon_debates_finished";
    page.family(
        name,
        Kind::Counter,
        "Debates that ended, by how good the result is",
    );
    for (outcome, counter) in Outcome::ALL.iter().zip(&metrics.debates_finished) {
        if read(counter) > 0 {
            page.counter(
                name,
                &labels(&[("outcome", outcome.as_str())]),
                read(counter),
            );
        }
    }
    for (name, help, gauge) in [
        (
            "agon_requests_in_flight",
            "Requests of clients that are being answered",
            &metrics.in_flight,
        ),
        (
            "agon_debates_running",
            "Debates that this process drives",
            &metrics.debates_running,
        ),
        (
            "agon_ws_connections",
            "Open WebSocket connections",
            &metrics.ws_connections,
        ),
    ] {
        page.family(name, Kind::Gauge, help);
        page.gauge(name, "", gauge.load(Ordering::Relaxed));
    }
    relay(&metrics.relay_delay, page);
}

fn relay(delay: &Histogram<{ RELAY_NS.len() }>, page: &mut Page) {
    let name = "agon_relay_delay_seconds";
    let help = "Time from the upstream's chunk to the frame that carries it to a watcher";
    page.family(name, Kind::Histogram, help);
    let mut totals = Totals::default();
    delay.add_to(&mut totals);
    page.histogram(name, "", &RELAY, (&totals, &RELAY_NS));
}
