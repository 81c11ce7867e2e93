//! How a deployment fares: one state machine, pure.
//!
//! ```text
//!           failures in a row, a refused key, an empty account, a named rest
//!   Ready ─────────────────────────────────────────────────────────────▶ Cooling{until, cause}
//!     ▲                                                                     │  ▲
//!     │ it answers                            asked after `until`: one call │  │ the probe fails,
//!     └────────────────────────────── Probing{cause} ◀──────────────────────┘  │ or is given up
//!                                          └───────────────────────────────────┘
//! ```
//!
//! What begins a rest depends on the deployment's [`Place`]. A model that is called by its own name, and a deployment
//! that is alone in its group, count failed *calls*; where others can be asked instead, every failed *attempt* counts,
//! and a rate limit, a refused key and an unknown model begin a rest at once. A deployment that is alone, without
//! another group to fall back to, rests after a thousand failures in a row only: a rest would turn every call away.

use std::time::Duration;

use tokio::time::Instant;

use super::config::RouterConfig;
use crate::client::LlmErrorKind;
use crate::client::TimeoutPhase;

/// Longest cooldown, whatever a provider asks: a wrong clock upstream must not switch a model off for good.
const LONGEST_COOLDOWN: Duration = Duration::from_secs(3600);

/// Failed calls in a row after which any deployment rests, as `LiteLLM` has it.
const ENOUGH_FOR_ANY: u32 = 1000;

/// The state of a deployment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Health {
    /// Calls go through.
    Ready {
        /// Failures in a row.
        failures: u32,
    },
    /// It rests; from `until` on, one call may try it.
    Cooling {
        /// The end of the rest.
        until: Instant,
        /// The failure that began it.
        cause: LlmErrorKind,
    },
    /// One call tries it; nobody else may.
    Probing {
        /// The failure that began the rest before.
        cause: LlmErrorKind,
    },
}

/// What was learned about a deployment.
#[derive(Debug, Clone, Copy)]
pub(super) enum Sign<'a> {
    /// The first chunk is here.
    Answering,
    /// The answer is complete.
    Succeeded,
    /// An attempt failed; the call may go on.
    AttemptFailed(&'a LlmErrorKind),
    /// A call failed for good with this.
    CallFailed(&'a LlmErrorKind),
    /// The caller left before anything could be learned.
    Nothing,
}

/// Where a deployment stands, by which its failures are judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// A model that is called by its own name.
    Named,
    /// The only one of its group.
    Alone {
        /// Another group is asked while it rests.
        has_fallbacks: bool,
    },
    /// One of several of its group.
    Among {
        /// More than half of this minute's calls failed, and they were not few.
        mostly_failing: bool,
        /// It answers for many models, so that one it does not know says nothing.
        fills_in: bool,
    },
}

/// By what a sign is judged.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rules<'a> {
    pub(super) config: &'a RouterConfig,
    pub(super) place: Place,
    /// The deployment's own time of rest.
    pub(super) cooldown: Option<Duration>,
}

/// What a failure says about the deployment, apart from the request.
enum Blame {
    /// It must rest at once, for this long.
    Rest(Duration),
    /// It may be failing.
    Deployment,
    /// It works: the request was at fault.
    Request,
    /// Nothing.
    Nobody,
}

impl Health {
    /// A deployment that nothing is held against.
    pub(super) const GOOD: Self = Self::Ready { failures: 0 };

    /// The state of a deployment that is asked now and whether the caller is its probe; `None` when it may not be asked.
    pub(super) fn asked(self, now: Instant) -> Option<(Self, bool)> {
        match self {
            Self::Ready { .. } => Some((self, false)),
            Self::Cooling { until, cause } if until <= now => Some((Self::Probing { cause }, true)),
            Self::Cooling { .. } | Self::Probing { .. } => None,
        }
    }

    /// The state after a sign that came from the probe, or from an ordinary call.
    #[must_use]
    pub(super) fn after(
        self,
        sign: Sign<'_>,
        is_probe: bool,
        rules: &Rules<'_>,
        now: Instant,
    ) -> Self {
        if rules.config.disable_cooldowns {
            return Self::GOOD;
        }
        match (&self, sign) {
            (Self::Probing { .. }, Sign::AttemptFailed(kind) | Sign::CallFailed(kind))
                if is_probe =>
            {
                self.after_probe_failed(kind, rules, now)
            }
            (Self::Probing { .. }, Sign::Answering | Sign::Succeeded) if is_probe => Self::GOOD,
            (Self::Probing { cause }, Sign::Nothing) if is_probe => Self::Cooling {
                until: now,
                cause: cause.clone(),
            },
            (Self::Ready { .. }, Sign::Succeeded) => Self::GOOD,
            (Self::Ready { failures }, Sign::CallFailed(kind)) => {
                let failures = *failures;
                self.after_failure(failures, kind, rules, now)
            }
            (Self::Ready { failures }, Sign::AttemptFailed(kind)) => {
                match (rules.blame(kind), rules.place) {
                    (Blame::Request, _) => Self::GOOD,
                    (Blame::Rest(_) | Blame::Deployment, Place::Among { .. }) => {
                        let failures = *failures;
                        self.after_failure(failures, kind, rules, now)
                    }
                    (Blame::Rest(rest), Place::Named) => cooling(kind, rest, now),
                    (Blame::Rest(_) | Blame::Deployment | Blame::Nobody, _) => self,
                }
            }
            // A call that began before the rest may learn that it must be longer.
            (Self::Cooling { until, .. }, Sign::AttemptFailed(kind)) => match rules.blame(kind) {
                Blame::Rest(rest) if now + rest > *until => cooling(kind, rest, now),
                Blame::Rest(_) | Blame::Deployment | Blame::Request | Blame::Nobody => self,
            },
            (Self::Ready { .. }, Sign::Answering | Sign::Nothing)
            | (
                Self::Cooling { .. },
                Sign::Answering | Sign::Succeeded | Sign::CallFailed(_) | Sign::Nothing,
            )
            | (Self::Probing { .. }, _) => self,
        }
    }

    /// One failure more than there were.
    fn after_failure(
        self,
        failures: u32,
        kind: &LlmErrorKind,
        rules: &Rules<'_>,
        now: Instant,
    ) -> Self {
        let failures = failures.saturating_add(1);
        let too_many = failures >= rules.config.fails_allowed_for(kind);
        let rests = match rules.place {
            Place::Named => too_many,
            Place::Alone { has_fallbacks } => {
                (too_many && has_fallbacks) || failures >= ENOUGH_FOR_ANY
            }
            Place::Among { mostly_failing, .. } => too_many || mostly_failing,
        };
        match (rules.blame(kind), rules.place) {
            (Blame::Rest(rest), Place::Named | Place::Among { .. }) => cooling(kind, rest, now),
            (Blame::Rest(rest), Place::Alone { .. }) if rests => cooling(kind, rest, now),
            (Blame::Deployment, _) if rests => cooling(kind, rules.cooldown(), now),
            (Blame::Rest(_) | Blame::Deployment, _) => Self::Ready { failures },
            (Blame::Request | Blame::Nobody, _) => self,
        }
    }

    fn after_probe_failed(self, kind: &LlmErrorKind, rules: &Rules<'_>, now: Instant) -> Self {
        match rules.blame(kind) {
            Blame::Rest(rest) => cooling(kind, rest, now),
            Blame::Deployment => cooling(kind, rules.cooldown(), now),
            Blame::Request => Self::GOOD,
            Blame::Nobody => self.after(Sign::Nothing, true, rules, now),
        }
    }
}

fn cooling(cause: &LlmErrorKind, rest: Duration, now: Instant) -> Health {
    Health::Cooling {
        until: now + rest,
        cause: cause.clone(),
    }
}

impl Rules<'_> {
    /// How long the deployment rests when nobody names another time.
    fn cooldown(&self) -> Duration {
        self.cooldown.unwrap_or(self.config.cooldown())
    }

    /// The deployment's own time goes before the provider's, as `LiteLLM` has it; a model has none of its own.
    fn named_rest(&self, asked: Duration) -> Duration {
        self.cooldown.unwrap_or(asked).min(LONGEST_COOLDOWN)
    }

    fn blame(&self, kind: &LlmErrorKind) -> Blame {
        let is_named = self.place == Place::Named;
        let is_among = matches!(self.place, Place::Among { .. });
        match kind {
            LlmErrorKind::Authentication | LlmErrorKind::QuotaExhausted => {
                Blame::Rest(self.cooldown())
            }
            LlmErrorKind::RateLimited {
                retry_after: Some(rest),
            } => Blame::Rest(self.named_rest(*rest)),
            LlmErrorKind::RateLimited { retry_after: None } if is_among => {
                Blame::Rest(self.cooldown())
            }
            LlmErrorKind::Overloaded {
                retry_after: Some(rest),
            } if *rest > self.config.max_retry_after() => Blame::Rest(self.named_rest(*rest)),
            LlmErrorKind::RateLimited { retry_after: None }
            | LlmErrorKind::Overloaded { .. }
            | LlmErrorKind::Timeout {
                phase: TimeoutPhase::Connect | TimeoutPhase::FirstToken | TimeoutPhase::Idle,
            }
            | LlmErrorKind::ConnectionFailed
            | LlmErrorKind::StreamInterrupted { .. }
            | LlmErrorKind::MalformedResponse => Blame::Deployment,
            LlmErrorKind::ModelNotFound => match self.place {
                Place::Among {
                    fills_in: false, ..
                } => Blame::Rest(self.cooldown()),
                Place::Among { fills_in: true, .. } | Place::Named | Place::Alone { .. } => {
                    Blame::Request
                }
            },
            LlmErrorKind::PermissionDenied
            | LlmErrorKind::InvalidRequest
            | LlmErrorKind::ContextLengthExceeded
            | LlmErrorKind::ContentFiltered => Blame::Request,
            // The end of a caller's own time is not told here; a model's may be the caller's all the same.
            LlmErrorKind::Timeout {
                phase: TimeoutPhase::Total,
            } => match is_named {
                true => Blame::Nobody,
                false => Blame::Deployment,
            },
            LlmErrorKind::Cancelled
            | LlmErrorKind::BudgetExceeded
            | LlmErrorKind::NoDeployment { .. } => Blame::Nobody,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OVERLOADED: LlmErrorKind = LlmErrorKind::Overloaded { retry_after: None };

    fn rules(config: &RouterConfig, place: Place) -> Rules<'_> {
        Rules {
            config,
            place,
            cooldown: None,
        }
    }

    fn named(config: &RouterConfig) -> Rules<'_> {
        rules(config, Place::Named)
    }

    fn after(health: Health, sign: Sign<'_>) -> Health {
        health.after(
            sign,
            false,
            &named(&RouterConfig::default()),
            Instant::now(),
        )
    }

    fn rest_of(health: &Health) -> Duration {
        let Health::Cooling { until, .. } = health else {
            panic!("{health:?} is not cooling")
        };
        *until - Instant::now()
    }

    #[tokio::test(start_paused = true)]
    async fn three_failures_in_a_row_begin_a_cooldown_and_two_do_not() {
        let mut health = Health::GOOD;
        for _ in 0..2 {
            health = after(health, Sign::CallFailed(&OVERLOADED));
        }
        assert_eq!(health, Health::Ready { failures: 2 });
        assert_eq!(after(health.clone(), Sign::Succeeded), Health::GOOD);
        let health = after(health, Sign::CallFailed(&OVERLOADED));
        assert_eq!(rest_of(&health), Duration::from_secs(5));
    }

    #[tokio::test(start_paused = true)]
    async fn failed_attempts_of_one_call_do_not_count_as_calls() {
        let mut health = Health::GOOD;
        for _ in 0..9 {
            health = after(health, Sign::AttemptFailed(&OVERLOADED));
        }
        assert_eq!(health, Health::GOOD);
    }

    #[tokio::test(start_paused = true)]
    async fn a_refused_key_cools_at_once_and_a_bad_request_never() {
        let health = after(
            Health::GOOD,
            Sign::AttemptFailed(&LlmErrorKind::Authentication),
        );
        assert_eq!(rest_of(&health), Duration::from_secs(5));
        let health = after(
            Health::Ready { failures: 2 },
            Sign::AttemptFailed(&LlmErrorKind::InvalidRequest),
        );
        assert_eq!(health, Health::GOOD, "it answered, so it lives");
    }

    #[tokio::test(start_paused = true)]
    async fn a_longer_rest_asked_for_by_an_earlier_call_is_honoured_and_no_rest_is_endless() {
        let limited = |seconds| LlmErrorKind::RateLimited {
            retry_after: Some(Duration::from_secs(seconds)),
        };
        let health = after(Health::GOOD, Sign::AttemptFailed(&limited(10)));
        let health = after(health, Sign::AttemptFailed(&limited(20)));
        assert_eq!(rest_of(&health), Duration::from_secs(20));
        let health = after(health, Sign::AttemptFailed(&limited(10)));
        assert_eq!(rest_of(&health), Duration::from_secs(20));
        let health = after(health, Sign::AttemptFailed(&limited(u64::MAX)));
        assert_eq!(rest_of(&health), LONGEST_COOLDOWN);
    }

    #[tokio::test(start_paused = true)]
    async fn only_one_call_probes_and_only_its_word_counts() {
        let config = RouterConfig::default();
        let now = Instant::now();
        let cooled = Health::Cooling {
            until: now,
            cause: OVERLOADED,
        };
        let (probing, is_probe) = cooled.asked(now).unwrap();
        assert!(is_probe);
        assert_eq!(probing.clone().asked(now), None);
        assert_eq!(after(probing.clone(), Sign::Succeeded), probing);
        let mine = |sign| probing.clone().after(sign, true, &named(&config), now);
        assert_eq!(mine(Sign::Answering), Health::GOOD);
        assert_eq!(
            rest_of(&mine(Sign::AttemptFailed(&OVERLOADED))),
            config.cooldown()
        );
        assert_eq!(rest_of(&mine(Sign::Nothing)), Duration::ZERO);
    }

    const AMONG: Place = Place::Among {
        mostly_failing: false,
        fills_in: false,
    };

    #[tokio::test(start_paused = true)]
    async fn what_a_failed_attempt_begins_depends_on_the_place() {
        let limited = |seconds: Option<u64>| LlmErrorKind::RateLimited {
            retry_after: seconds.map(Duration::from_secs),
        };
        let alone = |has_fallbacks| Place::Alone { has_fallbacks };
        let fills_in = Place::Among {
            mostly_failing: false,
            fills_in: true,
        };
        let failing = Place::Among {
            mostly_failing: true,
            fills_in: false,
        };
        let total = LlmErrorKind::Timeout {
            phase: TimeoutPhase::Total,
        };
        // The rest in seconds; `None` for none.
        for (place, kind, rest) in [
            (AMONG, limited(None), Some(5)),
            (AMONG, limited(Some(30)), Some(30)),
            (AMONG, limited(Some(0)), Some(0)),
            (AMONG, LlmErrorKind::Authentication, Some(5)),
            (AMONG, LlmErrorKind::QuotaExhausted, Some(5)),
            (AMONG, LlmErrorKind::ModelNotFound, Some(5)),
            (fills_in, LlmErrorKind::ModelNotFound, None),
            (AMONG, LlmErrorKind::PermissionDenied, None),
            (AMONG, LlmErrorKind::InvalidRequest, None),
            (AMONG, OVERLOADED, None),
            (failing, OVERLOADED, Some(5)),
            (failing, total, Some(5)),
            (alone(false), limited(Some(30)), None),
            (alone(true), limited(Some(30)), None),
            (alone(false), LlmErrorKind::Authentication, None),
            (alone(true), OVERLOADED, None),
            (Place::Named, limited(Some(30)), Some(30)),
            (Place::Named, limited(None), None),
            (Place::Named, LlmErrorKind::ModelNotFound, None),
        ] {
            let config = RouterConfig::default();
            let rules = rules(&config, place);
            let now = Instant::now();
            let health = Health::GOOD.after(Sign::AttemptFailed(&kind), false, &rules, now);
            let rests = match health {
                Health::Cooling { until, .. } => Some((until - now).as_secs()),
                Health::Ready { .. } | Health::Probing { .. } => None,
            };
            assert_eq!(rests, rest, "{kind} of {place:?}");
        }
    }

    /// Failures of a kind until a rest begins, at most 1,001.
    fn failures_until_a_rest(config: &RouterConfig, place: Place, kind: &LlmErrorKind) -> u32 {
        let sign = match place {
            Place::Among { .. } => Sign::AttemptFailed(kind),
            Place::Named | Place::Alone { .. } => Sign::CallFailed(kind),
        };
        let mut health = Health::GOOD;
        for n in 1..=1_001 {
            health = health.after(sign, false, &rules(config, place), Instant::now());
            if matches!(health, Health::Cooling { .. }) {
                return n;
            }
        }
        u32::MAX
    }

    #[tokio::test(start_paused = true)]
    async fn policies_and_places_say_how_many_failures_are_too_many() {
        let config = RouterConfig {
            allowed_fails: 4,
            allowed_fails_policy: [(crate::router::FailureClass::Timeout, 2)].into(),
            ..RouterConfig::default()
        };
        let slow = LlmErrorKind::Timeout {
            phase: TimeoutPhase::FirstToken,
        };
        let alone = |has_fallbacks| Place::Alone { has_fallbacks };
        let until = |place, kind| failures_until_a_rest(&config, place, kind);
        assert_eq!((until(AMONG, &OVERLOADED), until(AMONG, &slow)), (4, 2));
        assert_eq!(until(Place::Named, &OVERLOADED), 4);
        assert_eq!(until(alone(true), &OVERLOADED), 4);
        assert_eq!(until(alone(false), &OVERLOADED), 1000);
        let never = RouterConfig {
            disable_cooldowns: true,
            ..config.clone()
        };
        assert_eq!(failures_until_a_rest(&never, AMONG, &OVERLOADED), u32::MAX);
    }

    #[tokio::test(start_paused = true)]
    async fn a_deployments_own_rest_goes_before_the_providers() {
        let config = RouterConfig::default();
        let own = Rules {
            cooldown: Some(Duration::from_secs(7)),
            ..rules(&config, AMONG)
        };
        let limited = LlmErrorKind::RateLimited {
            retry_after: Some(Duration::from_secs(40)),
        };
        let sign = Sign::AttemptFailed(&limited);
        let health = Health::GOOD.after(sign, false, &own, Instant::now());
        assert_eq!(rest_of(&health), Duration::from_secs(7));
    }
}
