//! Counters and histograms, fed by events only.

mod labels;

use std::fmt;
use std::time::Duration;

use prometheus_client::encoding::text;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;

use self::labels::CallLabels;
use self::labels::KnownModels;
use self::labels::ModelLabels;
use self::labels::OutcomeLabels;
use self::labels::PathLabels;
use self::labels::TokenLabels;
use crate::events::CallRecord;
use crate::events::Observer;
use crate::types::debate::Outcome;

/// 10 µs to 1 s: Agon's own share of a call, far below what a person notices.
const OVERHEAD_BUCKETS: [f64; 13] = [
    0.000_01, 0.000_025, 0.000_05, 0.000_1, 0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.05,
    0.2, 1.0,
];

/// 50 ms to a minute: a hosted model answers in half a second, a local one may have to be loaded first.
const TTFT_BUCKETS: [f64; 10] = [0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0];

/// 100 ms to ten minutes.
const DURATION_BUCKETS: [f64; 11] = [
    0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 180.0, 600.0,
];

/// 1 ms to 5 s, around the 33 ms in which deltas are gathered.
const RELAY_BUCKETS: [f64; 10] = [0.001, 0.005, 0.01, 0.02, 0.033, 0.05, 0.1, 0.25, 1.0, 5.0];

type HistogramFamily<L> = Family<L, Histogram, fn() -> Histogram>;

/// All figures of this process, in the form that Prometheus reads.
pub struct Metrics {
    registry: Registry,
    models: KnownModels,
    calls: Family<CallLabels, Counter>,
    tokens: Family<TokenLabels, Counter>,
    cost_nanousd: Family<ModelLabels, Counter>,
    overhead: HistogramFamily<PathLabels>,
    ttft: HistogramFamily<ModelLabels>,
    duration: HistogramFamily<ModelLabels>,
    debates_finished: Family<OutcomeLabels, Counter>,
    debates_running: Gauge,
    ws_connections: Gauge,
    relay_delay: Histogram,
}

impl Metrics {
    /// The media type of [`Self::render`]'s text.
    pub const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

    /// Starts all figures at zero.
    pub fn new() -> Self {
        let mut metrics = Self {
            registry: Registry::default(),
            models: KnownModels::default(),
            calls: Family::default(),
            tokens: Family::default(),
            cost_nanousd: Family::default(),
            overhead: Family::new_with_constructor(|| Histogram::new(OVERHEAD_BUCKETS)),
            ttft: Family::new_with_constructor(|| Histogram::new(TTFT_BUCKETS)),
            duration: Family::new_with_constructor(|| Histogram::new(DURATION_BUCKETS)),
            debates_finished: Family::default(),
            debates_running: Gauge::default(),
            ws_connections: Gauge::default(),
            relay_delay: Histogram::new(RELAY_BUCKETS),
        };
        metrics.register();
        metrics
    }

    /// Returns all figures in the text form of `OpenMetrics`.
    pub fn render(&self) -> String {
        let mut text = String::new();
        // Writing to a string fails only when a figure's own encoder does; half a report would mislead.
        match text::encode(&mut text, &self.registry) {
            Ok(()) => text,
            Err(fmt::Error) => String::new(),
        }
    }

    /// Counts a debate that ended.
    fn debate_finished(&self, outcome: Outcome) {
        let labels = OutcomeLabels {
            outcome: outcome.as_str(),
        };
        self.debates_finished.get_or_create(&labels).inc();
    }

    /// Counts a WebSocket connection as open until the returned guard is dropped.
    pub fn ws_connected(&self) -> Counted {
        Counted::one_more(&self.ws_connections)
    }

    /// Notes the time from the arrival of an upstream's chunk to the frame that carries it to a watcher.
    pub fn relay_delay(&self, delay: Duration) {
        self.relay_delay.observe(delay.as_secs_f64());
    }

    // The encoder appends `_total` to the names of counters.
    fn register(&mut self) {
        let registry = &mut self.registry;
        registry.register(
            "agon_llm_calls",
            "Model calls that ended, retries within one call not counted",
            self.calls.clone(),
        );
        registry.register(
            "agon_llm_tokens",
            "Tokens that models read and wrote",
            self.tokens.clone(),
        );
        registry.register(
            "agon_llm_cost_nanousd",
            "Cost of model calls with a known price, in billionths of a US dollar",
            self.cost_nanousd.clone(),
        );
        registry.register(
            "agon_llm_overhead_seconds",
            "Time of a call that was not spent waiting for the upstream, a retry or the reader",
            self.overhead.clone(),
        );
        registry.register(
            "agon_llm_ttft_seconds",
            "Time from the call to the first token of its answer",
            self.ttft.clone(),
        );
        registry.register(
            "agon_llm_duration_seconds",
            "Time from the call to the end of its answer",
            self.duration.clone(),
        );
        registry.register(
            "agon_debates_finished",
            "Debates that ended, by how good the result is",
            self.debates_finished.clone(),
        );
        registry.register(
            "agon_debates_running",
            "Debates that this process drives",
            self.debates_running.clone(),
        );
        registry.register(
            "agon_ws_connections",
            "Open WebSocket connections",
            self.ws_connections.clone(),
        );
        registry.register(
            "agon_relay_delay_seconds",
            "Time from the upstream's chunk to the frame that carries it to a watcher",
            self.relay_delay.clone(),
        );
    }
}

impl Observer for Metrics {
    fn debate_began(&self) {
        self.debates_running.inc();
    }

    fn debate_left(&self, outcome: Option<Outcome>) {
        self.debates_running.dec();
        if let Some(outcome) = outcome {
            self.debate_finished(outcome);
        }
    }

    fn call_finished(&self, record: &CallRecord) {
        let model = self.models.labels(record);
        let path = PathLabels { path: record.path };
        let outcome = record.error.unwrap_or("ok");
        self.calls
            .get_or_create(&CallLabels::new(&model, &path, outcome))
            .inc();
        for (direction, tokens) in [
            ("input", record.usage.prompt_tokens()),
            ("output", record.usage.completion_tokens()),
        ] {
            self.tokens
                .get_or_create(&TokenLabels::new(&model, direction))
                .inc_by(tokens);
        }
        if let Some(cost) = record.cost {
            self.cost_nanousd.get_or_create(&model).inc_by(cost.0);
        }
        if let Some(ttft) = record.ttft {
            self.ttft.get_or_create(&model).observe(ttft.as_secs_f64());
        }
        self.duration
            .get_or_create(&model)
            .observe(record.total.as_secs_f64());
        self.overhead
            .get_or_create(&path)
            .observe(record.overhead().as_secs_f64());
    }
}

impl Default for Metrics {
    fn default() -> Self {
        Self::new()
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
pub struct Counted(Gauge);

impl Counted {
    fn one_more(gauge: &Gauge) -> Self {
        gauge.inc();
        Self(gauge.clone())
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.dec();
    }
}

#[cfg(test)]
mod tests;
