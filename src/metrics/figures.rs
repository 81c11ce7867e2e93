//! The figures of one deployment and path.

use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use super::Outcomes;
use super::add;
use super::deployments::DeploymentFigures;
use super::histogram::Histogram;
use super::histogram::LATENCY_NS;
use super::histogram::OVERHEAD_NS;
use super::outcome::CANCELLED;
use super::outcome::index_of;
use crate::events::CallRecord;

/// Whose figures they are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Key {
    /// The model as people write it, or `other/other`.
    pub(super) model: String,
    /// The name that was asked for.
    pub(super) group: String,
    /// The deployment; empty for a model that is called by its own name.
    pub(super) deployment: String,
    /// Which implementation called.
    pub(super) path: &'static str,
}

impl Key {
    pub(super) fn provider(&self) -> &str {
        self.model
            .split_once('/')
            .map_or("", |(provider, _)| provider)
    }

    pub(super) fn model_name(&self) -> &str {
        self.model.split_once('/').map_or("", |(_, model)| model)
    }
}

/// What is counted of calls. All of it with plain atomic adds.
#[derive(Debug)]
pub(super) struct CallFigures {
    pub(super) key: Key,
    pub(super) deployment: Arc<DeploymentFigures>,
    pub(super) outcomes: Outcomes,
    pub(super) prompt_tokens: AtomicU64,
    pub(super) answer_tokens: AtomicU64,
    pub(super) cached_tokens: AtomicU64,
    pub(super) reasoning_tokens: AtomicU64,
    pub(super) cost_nanousd: AtomicU64,
    pub(super) priced: AtomicU64,
    pub(super) retries: AtomicU64,
    pub(super) lossy: AtomicU64,
    pub(super) duration: Histogram<{ LATENCY_NS.len() }>,
    pub(super) upstream: Histogram<{ LATENCY_NS.len() }>,
    pub(super) ttft: Histogram<{ LATENCY_NS.len() }>,
    pub(super) overhead: Histogram<{ OVERHEAD_NS.len() }>,
}

impl CallFigures {
    pub(super) fn new(key: Key, deployment: Arc<DeploymentFigures>) -> Self {
        Self {
            key,
            deployment,
            outcomes: Outcomes::default(),
            prompt_tokens: AtomicU64::new(0),
            answer_tokens: AtomicU64::new(0),
            cached_tokens: AtomicU64::new(0),
            reasoning_tokens: AtomicU64::new(0),
            cost_nanousd: AtomicU64::new(0),
            priced: AtomicU64::new(0),
            retries: AtomicU64::new(0),
            lossy: AtomicU64::new(0),
            duration: Histogram::default(),
            upstream: Histogram::default(),
            ttft: Histogram::default(),
            overhead: Histogram::default(),
        }
    }

    /// Counts a call that has ended.
    pub(super) fn count(&self, record: &CallRecord) {
        let end = index_of(record.error, record.status);
        self.outcomes.count(end);
        let usage = &record.usage;
        add(&self.prompt_tokens, usage.prompt_tokens());
        add(&self.answer_tokens, usage.completion_tokens());
        add(&self.cached_tokens, usage.cache_read);
        add(&self.reasoning_tokens, usage.reasoning);
        if let Some(cost) = record.cost {
            add(&self.cost_nanousd, cost.0);
            add(&self.priced, 1);
        }
        add(&self.retries, u64::from(record.attempts.saturating_sub(1)));
        add(&self.lossy, u64::from(!record.dropped.is_empty()));
        self.duration.observe(&LATENCY_NS, record.total);
        self.overhead.observe(&OVERHEAD_NS, record.overhead());
        if let Some(ttft) = record.ttft {
            self.ttft.observe(&LATENCY_NS, ttft);
        }
        if record.attempts > 0 {
            self.upstream.observe(&LATENCY_NS, record.upstream_wait);
        }
        self.deployment.says(record.remaining);
        let failed_before = u32::try_from(record.tried.len()).unwrap_or(u32::MAX);
        match record.error {
            None => self.deployment.answered(),
            // Of an attempt that failed before its answer, the list of those tells.
            Some(_) if record.attempts > failed_before && end != CANCELLED => {
                self.deployment.failed(end);
            }
            Some(_) => {}
        }
    }
}
