//! What is known about one deployment while it is used: health, this minute's use, calls under way, speed.
//!
//! It outlives a new configuration. A call to a deployment that is well touches atomic numbers only.

use std::collections::VecDeque;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::AtomicU32;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::time::Instant;

use super::health::Health;
use super::health::Rules;
use super::health::Sign;
use super::minute::Minute;
use super::minute::MinuteCount;

/// Fewer calls in a minute say nothing about the share that fails, as `LiteLLM` has it.
const FEW_CALLS: u64 = 5;

/// What is known about a deployment.
#[derive(Debug, Default)]
pub(super) struct DeploymentState {
    /// `false` as long as nothing is held against it, so that a look at its health is one load.
    is_troubled: AtomicBool,
    // A std mutex: it is held for a look or a note, never across an await.
    health: Mutex<Health>,
    /// Calls of this minute.
    pub(super) calls: MinuteCount,
    /// Those that failed.
    failures: MinuteCount,
    /// Tokens of this minute: estimates of calls under way, and what the others used.
    pub(super) tokens: MinuteCount,
    in_flight: AtomicU32,
    speed: Mutex<Speed>,
}

/// How fast it answered last: seconds to the first token of streams, seconds a token of whole answers.
#[derive(Debug, Default)]
struct Speed {
    streamed: VecDeque<(Instant, f64)>,
    whole: VecDeque<(Instant, f64)>,
}

impl Default for Health {
    fn default() -> Self {
        Self::GOOD
    }
}

impl DeploymentState {
    /// How it fares.
    pub(super) fn health(&self) -> Health {
        match self.is_troubled.load(Ordering::Acquire) {
            true => self.lock_health().clone(),
            false => Health::GOOD,
        }
    }

    /// `true` when nothing is held against it.
    pub(super) fn is_well(&self) -> bool {
        !self.is_troubled.load(Ordering::Acquire)
    }

    /// Lets a call ask it, and says whether that call is its probe; `None` when it may not be asked now.
    pub(super) fn admit(&self, now: Instant) -> Option<bool> {
        if self.is_well() {
            return Some(false);
        }
        let mut health = self.lock_health();
        let (next, is_probe) = health.clone().asked(now)?;
        self.keep(&mut health, next);
        Some(is_probe)
    }

    /// Notes what was learned; the new state, when it is another.
    pub(super) fn note(
        &self,
        sign: Sign<'_>,
        is_probe: bool,
        rules: &Rules<'_>,
        now: Instant,
    ) -> Option<Health> {
        let says_nothing_new = match sign {
            Sign::Answering | Sign::Succeeded | Sign::Nothing => true,
            Sign::AttemptFailed(_) | Sign::CallFailed(_) => false,
        };
        if says_nothing_new && self.is_well() {
            return None;
        }
        let mut health = self.lock_health();
        let after = health.clone().after(sign, is_probe, rules, now);
        let is_other = *health != after;
        self.keep(&mut health, after.clone());
        is_other.then_some(after)
    }

    /// Counts a failure, and says whether most of this minute's calls failed.
    pub(super) fn mostly_fails(&self, minute: Minute) -> bool {
        self.failures.take(minute, 1, None);
        let (calls, failures) = (self.calls.get(minute), self.failures.get(minute));
        calls >= FEW_CALLS && failures * 2 > calls
    }

    /// Takes a place among the calls under way; `false` when all are taken.
    pub(super) fn enter(&self, places: Option<u32>) -> bool {
        let Some(places) = places else {
            self.in_flight.fetch_add(1, Ordering::Relaxed);
            return true;
        };
        let taken = self
            .in_flight
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |busy| {
                (busy < places).then(|| busy + 1)
            });
        taken.is_ok()
    }

    /// Gives the place back.
    pub(super) fn leave(&self) {
        self.in_flight.fetch_sub(1, Ordering::Relaxed);
    }

    /// Calls under way.
    pub(super) fn in_flight(&self) -> u32 {
        self.in_flight.load(Ordering::Relaxed)
    }

    /// Notes how fast it was, and keeps the last few.
    pub(super) fn note_speed(&self, in_pieces: bool, seconds: f64, kept: usize) {
        let mut speed = self.lock_speed();
        let times = speed.of(in_pieces);
        times.push_back((Instant::now(), seconds));
        while times.len() > kept.max(1) {
            times.pop_front();
        }
    }

    /// The mean of its times that are not older than `ttl`; `None` when there are none.
    pub(super) fn mean_seconds(&self, in_pieces: bool, ttl: Duration, now: Instant) -> Option<f64> {
        let mut speed = self.lock_speed();
        let times = speed.of(in_pieces);
        times.retain(|(at, _)| now.saturating_duration_since(*at) <= ttl);
        let sum: f64 = times.iter().map(|(_, seconds)| seconds).sum();
        (!times.is_empty()).then(|| sum / times.len() as f64)
    }

    fn keep(&self, health: &mut MutexGuard<'_, Health>, next: Health) {
        self.is_troubled
            .store(next != Health::GOOD, Ordering::Release);
        **health = next;
    }

    fn lock_health(&self) -> MutexGuard<'_, Health> {
        self.health.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn lock_speed(&self) -> MutexGuard<'_, Speed> {
        self.speed.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Speed {
    fn of(&mut self, in_pieces: bool) -> &mut VecDeque<(Instant, f64)> {
        match in_pieces {
            true => &mut self.streamed,
            false => &mut self.whole,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::client::LlmErrorKind;
    use crate::router::RouterConfig;
    use crate::router::health::Place;

    #[test]
    fn places_are_never_oversold() {
        let state = Arc::new(DeploymentState::default());
        let most = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..4)
                .map(|_| {
                    let state = Arc::clone(&state);
                    scope.spawn(move || {
                        let mut most = 0;
                        for _ in 0..2_000 {
                            if state.enter(Some(3)) {
                                most = most.max(state.in_flight());
                                state.leave();
                            }
                        }
                        most
                    })
                })
                .collect();
            threads.into_iter().map(|it| it.join().unwrap()).max()
        });
        assert!(most <= Some(3), "{most:?}");
        assert_eq!(state.in_flight(), 0);
    }

    #[tokio::test(start_paused = true)]
    async fn a_probe_that_is_given_up_leaves_its_place_to_the_next_call() {
        let state = DeploymentState::default();
        let config = RouterConfig::default();
        let rules = Rules {
            config: &config,
            place: Place::Named,
            cooldown: None,
        };
        let broke = LlmErrorKind::QuotaExhausted;
        let note = |sign, is_probe| state.note(sign, is_probe, &rules, Instant::now());
        note(Sign::AttemptFailed(&broke), false);
        assert!(!state.is_well());
        tokio::time::advance(Duration::from_secs(5)).await;
        assert_eq!(state.admit(Instant::now()), Some(true));
        assert_eq!(state.admit(Instant::now()), None);
        note(Sign::Nothing, true);
        assert_eq!(state.admit(Instant::now()), Some(true));
        note(Sign::Answering, true);
        assert!(state.is_well());
        assert_eq!(state.admit(Instant::now()), Some(false));
    }

    #[tokio::test(start_paused = true)]
    async fn old_times_count_no_longer_and_only_the_last_are_kept() {
        let state = DeploymentState::default();
        let ttl = Duration::from_secs(60);
        let mean = |in_pieces| state.mean_seconds(in_pieces, ttl, Instant::now());
        assert_eq!(mean(true), None);
        for seconds in [9.0, 2.0, 4.0] {
            state.note_speed(true, seconds, 2);
        }
        assert_eq!((mean(true), mean(false)), (Some(3.0), None));
        tokio::time::advance(Duration::from_secs(61)).await;
        assert_eq!(mean(true), None);
    }
}
