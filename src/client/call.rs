//! On whose behalf a call is made, and what is noted while it runs.

use std::sync::Arc;
use std::sync::Mutex;
use std::sync::OnceLock;
use std::sync::PoisonError;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;
use std::time::Duration;

use http::HeaderMap;
use http::HeaderName;
use http::HeaderValue;
use serde::Deserialize;
use serde::Serialize;
use tokio::sync::watch;
use tokio::time::Instant;

use crate::types::DebateId;
use crate::types::Deployment;
use crate::types::Endpoint;
use crate::types::ModelName;
use crate::types::NanoUsd;
use crate::types::Span;
use crate::types::Target;
use crate::types::TurnId;

/// On whose behalf a call is made.
#[derive(Debug, Clone, Default)]
pub struct CallContext {
    /// The caller's id of the call, as its answer's headers tell it.
    pub call_id: Option<Arc<str>>,
    /// Who asked, when the caller is known.
    pub principal: Option<String>,
    /// The debate that the call belongs to.
    pub debate: Option<DebateId>,
    /// The turn that the call writes.
    pub turn: Option<TurnId>,
    /// The moment past which the answer is of no use.
    pub deadline: Option<Instant>,
    /// How many debates stand above this call; a debate's own calls have 1.
    pub depth: u8,
    /// Another address or credential than the provider's own; already checked against the operator's rules.
    pub endpoint: Option<Endpoint>,
    /// Where the router sends this attempt, when it is an entry of the operator's model list.
    pub target: Option<Arc<Target>>,
    /// `true` when a request that would lose a parameter on its way is refused instead.
    pub strict: bool,
    /// The caller's own headers for an upstream that speaks Anthropic's wire: the names of beta features.
    pub passed_headers: Vec<(HeaderName, HeaderValue)>,
    /// Its place in a trace, when somebody asked for one.
    pub span: Option<Span>,
    /// Where the layers below note what the layers above report.
    pub trace: Arc<CallTrace>,
}

/// Which implementation made a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CallPath {
    /// The client that is driven by the provider's file.
    Unified,
    /// The direct client behind the flag.
    Legacy,
    /// The offline provider inside this program.
    Demo,
}

impl CallPath {
    /// The word of logs and events.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Unified => "unified",
            Self::Legacy => "legacy",
            Self::Demo => "demo",
        }
    }
}

/// What a call waits for before its model says anything.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CallWait {
    /// Its turn at a server that takes a few calls at a time.
    Queued {
        /// Calls that have to end first.
        behind: usize,
    },
    /// The end of the rest that a provider asked for, because its limit of calls or tokens is reached.
    RateLimited {
        /// How long the call waits at least before it is made again.
        wait: Duration,
    },
    /// A local server that loads the model.
    ModelLoading {
        /// Which.
        model: ModelName,
        /// For how long the call has waited for it.
        waited: Duration,
    },
}

/// What the layers of one call note for its report. Shared by all attempts of the call.
#[derive(Debug, Default)]
pub struct CallTrace {
    upstream_wait_us: AtomicU64,
    retry_wait_us: AtomicU64,
    queue_wait_us: AtomicU64,
    waiting: OnceLock<watch::Sender<Option<CallWait>>>,
    path: OnceLock<CallPath>,
    dropped: Mutex<Vec<String>>,
    routed: Mutex<Routed>,
    reply_headers: Mutex<HeaderMap>,
    cost: Mutex<Option<NanoUsd>>,
    remaining: Mutex<(Option<u64>, Option<u64>)>,
    debate: OnceLock<DebateId>,
}

/// How a call was routed so far.
#[derive(Debug, Clone, Default)]
pub struct Routed {
    /// The group that was asked last; empty before any was.
    pub group: Arc<str>,
    /// The entry of the model list that was asked last; `None` for a model that is called by its own name.
    pub deployment: Option<Arc<Deployment>>,
    /// The model that was asked last.
    pub model: Option<ModelName>,
    /// Attempts so far, the first included.
    pub attempts: u32,
    /// Further attempts that were allowed.
    pub max_retries: u32,
    /// Other groups that were asked instead.
    pub fallbacks: u32,
}

impl CallTrace {
    /// Adds time spent waiting for the upstream: connecting, sending, and waiting for bytes.
    pub fn add_upstream_wait(&self, waited: Duration) {
        self.upstream_wait_us
            .fetch_add(micros(waited), Ordering::Relaxed);
    }

    /// Adds time spent resting between attempts.
    pub fn add_retry_wait(&self, waited: Duration) {
        self.retry_wait_us
            .fetch_add(micros(waited), Ordering::Relaxed);
    }

    /// Time spent waiting for the upstream so far.
    pub fn upstream_wait(&self) -> Duration {
        Duration::from_micros(self.upstream_wait_us.load(Ordering::Relaxed))
    }

    /// Time spent resting between attempts so far.
    pub fn retry_wait(&self) -> Duration {
        Duration::from_micros(self.retry_wait_us.load(Ordering::Relaxed))
    }

    /// Adds time spent in line before a local server.
    pub fn add_queue_wait(&self, waited: Duration) {
        self.queue_wait_us
            .fetch_add(micros(waited), Ordering::Relaxed);
    }

    /// Time spent in line before a local server so far.
    pub fn queue_wait(&self) -> Duration {
        Duration::from_micros(self.queue_wait_us.load(Ordering::Relaxed))
    }

    /// Tells from now on what the call waits for; `None` while it waits for nothing but its answer.
    pub fn watch_waits(&self) -> watch::Receiver<Option<CallWait>> {
        self.waiting
            .get_or_init(|| watch::Sender::new(None))
            .subscribe()
    }

    /// `true` when somebody wants to know what the call waits for, so that finding out is worth it.
    pub fn is_watched(&self) -> bool {
        self.waiting
            .get()
            .is_some_and(|waiting| waiting.receiver_count() > 0)
    }

    /// Notes what the call waits for.
    pub fn note_wait(&self, what: Option<CallWait>) {
        if let Some(waiting) = self.waiting.get() {
            waiting.send_if_modified(|now| {
                let is_new = *now != what;
                *now = what;
                is_new
            });
        }
    }

    /// Notes which implementation makes the call; the first attempt's stays.
    pub fn note_path(&self, path: CallPath) {
        self.path.get_or_init(|| path);
    }

    /// Notes the debate that answers the call.
    pub fn note_debate(&self, debate: DebateId) {
        self.debate.get_or_init(|| debate);
    }

    /// The debate that answers the call, where a debate does.
    pub fn debate(&self) -> Option<&DebateId> {
        self.debate.get()
    }

    /// Notes what the last attempt's request could not carry; it takes the place of what was noted before.
    pub fn note_dropped(&self, dropped: &[String]) {
        let mut noted = self.dropped.lock().unwrap_or_else(PoisonError::into_inner);
        noted.clear();
        noted.extend_from_slice(dropped);
    }

    /// Parameters that the last attempt's request could not carry: the call's loss report.
    pub fn dropped(&self) -> Vec<String> {
        let noted = self.dropped.lock().unwrap_or_else(PoisonError::into_inner);
        noted.clone()
    }

    /// Notes how the call is routed; it takes the place of what was noted before.
    pub fn note_routed(&self, routed: Routed) {
        *self.routed.lock().unwrap_or_else(PoisonError::into_inner) = routed;
    }

    /// How the call was routed so far.
    pub fn routed(&self) -> Routed {
        let routed = self.routed.lock().unwrap_or_else(PoisonError::into_inner);
        routed.clone()
    }

    /// Adds what a call has cost, where its price is known; several may be made for one request.
    pub fn add_cost(&self, cost: Option<NanoUsd>) {
        let mut sum = self.cost.lock().unwrap_or_else(PoisonError::into_inner);
        *sum = match (*sum, cost) {
            (Some(before), Some(more)) => Some(NanoUsd(before.0.saturating_add(more.0))),
            (known, None) | (None, known) => known,
        };
    }

    /// What the call has cost; `None` before its end, and where its price is not known.
    pub fn cost(&self) -> Option<NanoUsd> {
        *self.cost.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Keeps the headers of the upstream's reply, of the last attempt that had one.
    pub fn note_reply_headers(&self, headers: HeaderMap) {
        *self
            .remaining
            .lock()
            .unwrap_or_else(PoisonError::into_inner) = remaining(&headers);
        let kept = self.reply_headers.lock();
        *kept.unwrap_or_else(PoisonError::into_inner) = headers;
    }

    /// Takes the headers of the upstream's reply.
    pub fn take_reply_headers(&self) -> HeaderMap {
        let mut kept = self
            .reply_headers
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        std::mem::take(&mut kept)
    }

    /// What the upstream said is left of its limits: calls, and tokens.
    pub fn remaining(&self) -> (Option<u64>, Option<u64>) {
        *self
            .remaining
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// Which implementation made the call; `None` before any did.
    pub fn path(&self) -> Option<CallPath> {
        self.path.get().copied()
    }
}

/// Calls and tokens that are left, as `OpenAI` and those like it tell, and Anthropic (read 2026-11-24).
fn remaining(headers: &HeaderMap) -> (Option<u64>, Option<u64>) {
    let number = |name: &str| headers.get(name)?.to_str().ok()?.trim().parse().ok();
    for (requests, tokens) in [
        (
            "x-ratelimit-remaining-requests",
            "x-ratelimit-remaining-tokens",
        ),
        (
            "anthropic-ratelimit-requests-remaining",
            "anthropic-ratelimit-tokens-remaining",
        ),
    ] {
        if headers.contains_key(requests) {
            return (number(requests), number(tokens));
        }
    }
    (None, None)
}

fn micros(span: Duration) -> u64 {
    u64::try_from(span.as_micros()).unwrap_or(u64::MAX)
}
