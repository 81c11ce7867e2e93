//! How a deployment fares: one state machine, pure.
//!
//! ```text
//!           failed calls in a row, a refused key, an empty account, a named rest
//!   Ready ─────────────────────────────────────────────────────────────▶ Cooling{until, cause}
//!     ▲                                                                     │  ▲
//!     │ it answers                            asked after `until`: one call │  │ the probe fails,
//!     └────────────────────────────── Probing{cause} ◀──────────────────────┘  │ or is given up
//!                                          └───────────────────────────────────┘
//! ```

use std::fmt;
use std::time::Duration;

use tokio::time::Instant;

use super::config::RouterConfig;
use crate::client::LlmErrorKind;
use crate::client::TimeoutPhase;
use crate::types::Endpoint;
use crate::types::ModelName;

/// Longest cooldown, whatever a provider asks: a wrong clock upstream must not switch a model off for good.
const LONGEST_COOLDOWN: Duration = Duration::from_secs(3600);

/// One callable place: a model behind an address and a credential.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct DeploymentId {
    /// The model.
    pub(super) model: ModelName,
    /// Another address or credential than the provider's own.
    pub(super) endpoint: Option<Endpoint>,
}

impl fmt::Display for DeploymentId {
    // Without the address: a base URL may hold a credential.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let suffix = if self.endpoint.is_some() {
            " at an address of its own"
        } else {
            ""
        };
        write!(f, "{}{suffix}", self.model)
    }
}

/// The state of a deployment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Health {
    /// Calls go through.
    Ready {
        /// Calls in a row that failed.
        failed_calls: u32,
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
    pub(super) const GOOD: Self = Self::Ready { failed_calls: 0 };

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
        config: &RouterConfig,
        now: Instant,
    ) -> Self {
        match (&self, sign) {
            (Self::Probing { .. }, Sign::AttemptFailed(kind) | Sign::CallFailed(kind))
                if is_probe =>
            {
                self.after_probe_failed(kind, config, now)
            }
            (Self::Probing { .. }, Sign::Answering | Sign::Succeeded) if is_probe => Self::GOOD,
            (Self::Probing { cause }, Sign::Nothing) if is_probe => Self::Cooling {
                until: now,
                cause: cause.clone(),
            },
            (Self::Ready { .. }, Sign::Succeeded) => Self::GOOD,
            (Self::Ready { failed_calls }, Sign::CallFailed(kind)) => match blame(kind, config) {
                Blame::Deployment if failed_calls + 1 >= config.allowed_fails => {
                    cooling(kind, config.cooldown(), now)
                }
                Blame::Deployment => Self::Ready {
                    failed_calls: failed_calls + 1,
                },
                // An answer that broke off with a refusal; before its first chunk the attempt has said so already.
                Blame::Rest(rest) => cooling(kind, rest, now),
                Blame::Request | Blame::Nobody => self,
            },
            (Self::Ready { .. }, Sign::AttemptFailed(kind)) => match blame(kind, config) {
                Blame::Rest(rest) => cooling(kind, rest, now),
                Blame::Request => Self::GOOD,
                Blame::Deployment | Blame::Nobody => self,
            },
            // A call that began before the rest may learn that it must be longer.
            (Self::Cooling { until, .. }, Sign::AttemptFailed(kind)) => match blame(kind, config) {
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

    fn after_probe_failed(self, kind: &LlmErrorKind, config: &RouterConfig, now: Instant) -> Self {
        match blame(kind, config) {
            Blame::Rest(rest) => cooling(kind, rest, now),
            Blame::Deployment => cooling(kind, config.cooldown(), now),
            Blame::Request => Self::GOOD,
            Blame::Nobody => self.after(Sign::Nothing, true, config, now),
        }
    }
}

fn cooling(cause: &LlmErrorKind, rest: Duration, now: Instant) -> Health {
    Health::Cooling {
        until: now + rest,
        cause: cause.clone(),
    }
}

fn blame(kind: &LlmErrorKind, config: &RouterConfig) -> Blame {
    match kind {
        LlmErrorKind::Authentication | LlmErrorKind::QuotaExhausted => {
            Blame::Rest(config.cooldown())
        }
        LlmErrorKind::RateLimited {
            retry_after: Some(rest),
        } => Blame::Rest((*rest).min(LONGEST_COOLDOWN)),
        LlmErrorKind::Overloaded {
            retry_after: Some(rest),
        } if *rest > config.max_retry_after() => Blame::Rest((*rest).min(LONGEST_COOLDOWN)),
        LlmErrorKind::RateLimited { retry_after: None }
        | LlmErrorKind::Overloaded { .. }
        | LlmErrorKind::Timeout {
            phase: TimeoutPhase::Connect | TimeoutPhase::FirstToken | TimeoutPhase::Idle,
        }
        | LlmErrorKind::ConnectionFailed
        | LlmErrorKind::StreamInterrupted { .. }
        | LlmErrorKind::MalformedResponse => Blame::Deployment,
        LlmErrorKind::PermissionDenied
        | LlmErrorKind::ModelNotFound
        | LlmErrorKind::InvalidRequest
        | LlmErrorKind::ContextLengthExceeded
        | LlmErrorKind::ContentFiltered => Blame::Request,
        // A total timeout may be the caller's own deadline.
        LlmErrorKind::Timeout {
            phase: TimeoutPhase::Total,
        }
        | LlmErrorKind::Cancelled
        | LlmErrorKind::BudgetExceeded
        | LlmErrorKind::NoDeployment { .. } => Blame::Nobody,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OVERLOADED: LlmErrorKind = LlmErrorKind::Overloaded { retry_after: None };

    fn after(health: Health, sign: Sign<'_>) -> Health {
        health.after(sign, false, &RouterConfig::default(), Instant::now())
    }

    fn rest_of(health: &Health) -> Duration {
        let Health::Cooling { until, .. } = health else {
            panic!("{health:?} is not cooling")
        };
        *until - Instant::now()
    }

    #[tokio::test(start_paused = true)]
    async fn three_failed_calls_in_a_row_begin_a_cooldown_and_two_do_not() {
        let mut health = Health::GOOD;
        for _ in 0..2 {
            health = after(health, Sign::CallFailed(&OVERLOADED));
        }
        assert_eq!(health, Health::Ready { failed_calls: 2 });
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
            Health::Ready { failed_calls: 2 },
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
        let mine = |sign| probing.clone().after(sign, true, &config, now);
        assert_eq!(mine(Sign::Answering), Health::GOOD);
        assert_eq!(
            rest_of(&mine(Sign::AttemptFailed(&OVERLOADED))),
            config.cooldown()
        );
        assert_eq!(rest_of(&mine(Sign::Nothing)), Duration::ZERO);
    }
}
