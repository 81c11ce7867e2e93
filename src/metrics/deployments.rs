//! What is known of each deployment, and how often another group had to help.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::AtomicU8;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;

use super::Outcomes;
use super::exposition::labels;
use super::outcome::ENDS;
use super::outcome::End;
use super::outcome::index_of;
use crate::events::CallRecord;
use crate::events::Remaining;

/// Stands for a number that nobody has told.
const UNKNOWN: u64 = u64::MAX;

/// Pairs of groups that are told apart.
const MAX_FALLBACKS: usize = 500;

/// How a deployment stands, as `LiteLLM` numbers it.
#[derive(Debug, Clone, Copy)]
enum State {
    Healthy = 0,
    PartialOutage = 1,
    CompleteOutage = 2,
}

/// What is known of one deployment.
#[derive(Debug)]
pub(super) struct DeploymentFigures {
    /// Its group; for the series that name it.
    pub(super) group: String,
    /// The labels that name it in `LiteLLM`'s series.
    pub(super) labels: String,
    pub(super) successes: AtomicU64,
    pub(super) failures: Outcomes,
    pub(super) cooldowns: Outcomes,
    state: AtomicU8,
    remaining_requests: AtomicU64,
    remaining_tokens: AtomicU64,
}

impl DeploymentFigures {
    /// Of the deployment `id` of a group, which calls `model` at a base URL.
    pub(super) fn new(group: &str, id: &str, model: &str, api_base: &str) -> Self {
        let provider = model.split_once('/').map_or("", |(provider, _)| provider);
        Self {
            group: group.to_owned(),
            labels: labels(&[
                ("litellm_model_name", model),
                ("model_id", id),
                ("api_base", api_base),
                ("api_provider", provider),
            ]),
            successes: AtomicU64::new(0),
            failures: Outcomes::default(),
            cooldowns: Outcomes::default(),
            state: AtomicU8::new(State::Healthy as u8),
            remaining_requests: AtomicU64::new(UNKNOWN),
            remaining_tokens: AtomicU64::new(UNKNOWN),
        }
    }

    pub(super) fn answered(&self) {
        self.successes.fetch_add(1, Ordering::Relaxed);
        self.becomes(State::Healthy);
    }

    /// Counts an attempt that ended in this way, an index of [`ENDS`].
    pub(super) fn failed(&self, end: usize) {
        self.failures.count(end);
        // One that rests stays what it is until it answers or is asked again.
        if self.state.load(Ordering::Relaxed) == State::Healthy as u8 {
            self.becomes(State::PartialOutage);
        }
    }

    /// Counts a rest; its cause is kept as a class, without the upstream's status.
    pub(super) fn cooled(&self, code: &str) {
        self.cooldowns.count(index_of(Some(code), None));
        self.becomes(State::CompleteOutage);
    }

    pub(super) fn recovered(&self) {
        self.becomes(State::Healthy);
    }

    /// Keeps what its provider said is left.
    pub(super) fn says(&self, remaining: Remaining) {
        if let Some(requests) = remaining.requests {
            self.remaining_requests.store(requests, Ordering::Relaxed);
        }
        if let Some(tokens) = remaining.tokens {
            self.remaining_tokens.store(tokens, Ordering::Relaxed);
        }
    }

    /// 0 healthy, 1 partial outage, 2 complete outage.
    pub(super) fn state(&self) -> u8 {
        self.state.load(Ordering::Relaxed)
    }

    /// Calls that its provider said are left.
    pub(super) fn remaining_requests(&self) -> Option<u64> {
        Some(self.remaining_requests.load(Ordering::Relaxed)).filter(|number| *number != UNKNOWN)
    }

    /// Tokens that its provider said are left.
    pub(super) fn remaining_tokens(&self) -> Option<u64> {
        Some(self.remaining_tokens.load(Ordering::Relaxed)).filter(|number| *number != UNKNOWN)
    }

    fn becomes(&self, state: State) {
        // Mostly it is already, and reading costs less where several threads count.
        if self.state.load(Ordering::Relaxed) != state as u8 {
            self.state.store(state as u8, Ordering::Relaxed);
        }
    }
}

/// How often another group was asked, by the group that was asked first, the one asked last, and why. Rare enough
/// for a lock.
#[derive(Debug, Default)]
pub(super) struct FallbackCounts(Mutex<BTreeMap<(String, String, usize), [u64; 2]>>);

/// One line of [`FallbackCounts`].
pub(super) struct Fallbacks {
    pub(super) requested: String,
    pub(super) answered: String,
    pub(super) because: &'static End,
    pub(super) successful: u64,
    pub(super) failed: u64,
}

impl FallbackCounts {
    pub(super) fn count(&self, record: &CallRecord) {
        let first = record.tried.first();
        let requested = match first {
            Some(attempt) => attempt.group.as_deref().unwrap_or(attempt.model.as_str()),
            None => "",
        };
        let because = index_of(
            first.map(|attempt| attempt.error),
            first.and_then(|attempt| attempt.status),
        );
        let key = (requested.to_owned(), record.asked_for().to_owned(), because);
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if counts.len() >= MAX_FALLBACKS && !counts.contains_key(&key) {
            return;
        }
        counts.entry(key).or_default()[usize::from(record.error.is_some())] += 1;
    }

    pub(super) fn all(&self) -> Vec<Fallbacks> {
        let counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let lines =
            counts.iter().map(
                |((requested, answered, because), [successful, failed])| Fallbacks {
                    requested: requested.clone(),
                    answered: answered.clone(),
                    because: &ENDS[*because],
                    successful: *successful,
                    failed: *failed,
                },
            );
        lines.collect()
    }
}
