//! The report of one model call, for logs and metrics.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::types::DebateId;
use crate::types::Deployment;
use crate::types::ModelName;
use crate::types::NanoUsd;
use crate::types::TurnId;
use crate::types::Usage;
use crate::types::debate::Outcome;

/// What one call took and used, retries included.
#[derive(Debug, Clone)]
pub struct CallRecord {
    /// Who was asked.
    pub model: ModelName,
    /// Which implementation called: `unified`, `legacy` or `demo`.
    pub path: &'static str,
    /// The debate that it belongs to.
    pub debate: Option<DebateId>,
    /// The turn that it writes.
    pub turn: Option<TurnId>,
    /// The name that was asked for, where it is a group of the model list.
    pub group: Option<Arc<str>>,
    /// The entry of the model list that answered, or was asked last.
    pub deployment: Option<Arc<Deployment>>,
    /// The caller's id of the call, as its answer's headers tell it.
    pub call_id: Option<Arc<str>>,
    /// Who asked, when the caller is known.
    pub principal: Option<String>,
    /// The labels of the call.
    pub tags: Vec<String>,
    /// `true` when the answer was wanted in pieces.
    pub stream: bool,
    /// Other groups that were asked instead.
    pub fallbacks: u32,
    /// Calls made upstream.
    pub attempts: u32,
    /// Time until the first token; `None` when there was none.
    pub ttft: Option<Duration>,
    /// Time in all.
    pub total: Duration,
    /// Time spent waiting for the upstream.
    pub upstream_wait: Duration,
    /// Time spent resting between attempts.
    pub retry_wait: Duration,
    /// Time spent in line before a local server.
    pub queue_wait: Duration,
    /// Time in which the reader of the stream did not ask for more.
    pub reader_wait: Duration,
    /// Parameters of the request that the last attempt could not carry.
    pub dropped: Vec<String>,
    /// Tokens.
    pub usage: Usage,
    /// Money; `None` when the price is not known.
    pub cost: Option<NanoUsd>,
    /// The class of the failure; `None` when it went well.
    pub error: Option<&'static str>,
    /// What happened, when it did not go well.
    pub error_message: Option<String>,
}

impl CallRecord {
    /// What Agon itself added: the total without all waiting.
    pub fn overhead(&self) -> Duration {
        self.total
            .saturating_sub(self.upstream_wait)
            .saturating_sub(self.retry_wait)
            .saturating_sub(self.queue_wait)
            .saturating_sub(self.reader_wait)
    }
}

/// Is told of calls and debates. Must return at once.
pub trait Observer: Send + Sync {
    /// A call has ended.
    fn call_finished(&self, record: &CallRecord);

    /// A debate runs in this process from now on.
    fn debate_began(&self) {}

    /// A debate no longer runs in this process: it is over, with this outcome, or another one goes on with it.
    fn debate_left(&self, _outcome: Option<Outcome>) {}
}

/// Everybody who is told of calls.
#[derive(Clone, Default)]
pub struct Observers(Vec<Arc<dyn Observer>>);

impl Observers {
    /// Tells these.
    pub fn new(observers: Vec<Arc<dyn Observer>>) -> Self {
        Self(observers)
    }

    /// Tells all of them.
    pub fn call_finished(&self, record: &CallRecord) {
        for observer in &self.0 {
            observer.call_finished(record);
        }
    }
}

impl Observers {
    /// Tells all of them that a debate runs here.
    pub fn debate_began(&self) {
        for observer in &self.0 {
            observer.debate_began();
        }
    }

    /// Tells all of them that a debate no longer runs here.
    pub fn debate_left(&self, outcome: Option<Outcome>) {
        for observer in &self.0 {
            observer.debate_left(outcome);
        }
    }
}

impl fmt::Debug for Observers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} observers", self.0.len())
    }
}
