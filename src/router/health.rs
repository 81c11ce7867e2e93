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
mod tests;
