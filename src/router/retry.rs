//! Whether a failed attempt may be made again, and after how long. Pure.

use std::time::Duration;

use super::config::RouterConfig;
use super::dice::Throw;
use crate::client::LlmErrorKind;
use crate::client::TimeoutPhase;

/// How often a class of failure may be tried again within one call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Again {
    /// As often as the call has attempts.
    Always,
    /// Once: a second answer of the same kind is no accident.
    Once,
    /// As often as the call has attempts, but never at the same deployment: its key or its account is at fault.
    Elsewhere,
    /// Not at all: it would end the same way.
    Never,
}

/// Returns how often this class may be tried again before the first chunk. In a group of a model list
/// (`is_listed`) other deployments may be there to ask.
pub(super) fn again(kind: &LlmErrorKind, is_listed: bool) -> Again {
    match kind {
        LlmErrorKind::RateLimited { .. }
        | LlmErrorKind::Overloaded { .. }
        // The caller has seen nothing of an answer that broke off here.
        | LlmErrorKind::StreamInterrupted { .. }
        | LlmErrorKind::Timeout {
            phase: TimeoutPhase::Connect | TimeoutPhase::FirstToken | TimeoutPhase::Idle,
        }
        | LlmErrorKind::ConnectionFailed => Again::Always,
        LlmErrorKind::MalformedResponse => Again::Once,
        // The list's own time for an answer, as it is a time for each attempt there.
        LlmErrorKind::Timeout {
            phase: TimeoutPhase::Total,
        } if is_listed => Again::Always,
        LlmErrorKind::Authentication
        | LlmErrorKind::PermissionDenied
        | LlmErrorKind::QuotaExhausted
            if is_listed =>
        {
            Again::Elsewhere
        }
        LlmErrorKind::Authentication
        | LlmErrorKind::PermissionDenied
        | LlmErrorKind::QuotaExhausted
        | LlmErrorKind::ModelNotFound
        | LlmErrorKind::InvalidRequest
        | LlmErrorKind::ContextLengthExceeded
        | LlmErrorKind::ContentFiltered
        | LlmErrorKind::Timeout {
            phase: TimeoutPhase::Total,
        }
        | LlmErrorKind::Cancelled
        | LlmErrorKind::BudgetExceeded
        | LlmErrorKind::NoDeployment { .. } => Again::Never,
    }
}

/// Returns how long to rest after failure `n` (0-based) of a call: in `[base, max]`, jitter included.
///
/// A provider's `retry_after` wins when longer, and so does the operator's. `None` means that the provider asks for
/// more than a call sits out.
pub(super) fn delay(
    config: &RouterConfig,
    n: u32,
    retry_after: Option<Duration>,
    throw: Throw,
) -> Option<Duration> {
    let asked = retry_after.unwrap_or_default();
    if asked > config.max_retry_after() {
        return None;
    }
    let (base, max) = (config.base_delay(), config.max_delay());
    // The upper half of a window that doubles: callers that failed together come back apart.
    let window = base
        .saturating_mul(2_u32.saturating_pow(n.saturating_add(1)))
        .min(max);
    let least = base.max(window / 2);
    let own = least + (window.max(base) - least).mul_f64(throw.share());
    Some(own.max(asked).max(config.retry_after()))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::router::dice::Dice;

    proptest! {
        #[test]
        fn a_rest_is_within_base_and_max(
            n in 0_u32..200, seed: u64, base in 0_u32..5_000, max in 0_u32..20_000,
        ) {
            let config = RouterConfig { base_delay_ms: base, max_delay_ms: max, ..RouterConfig::default() };
            let rest = delay(&config, n, None, Dice::new(seed).throw()).unwrap();
            prop_assert!(config.base_delay() <= rest && rest <= config.max_delay(), "{rest:?}");
        }

        #[test]
        fn rests_grow_until_they_reach_the_longest(seed: u64) {
            let config = RouterConfig::default();
            let dice = Dice::new(seed);
            let rests: Vec<_> = (0..4).map(|n| delay(&config, n, None, dice.throw()).unwrap()).collect();
            prop_assert!(rests.is_sorted(), "{rests:?}");
            prop_assert!(rests[3] >= config.max_delay() / 2);
        }
    }

    #[test]
    fn retry_after_wins_when_longer_and_ends_the_call_when_too_long() {
        let config = RouterConfig::default();
        let rest = |seconds| {
            let asked = Some(Duration::from_secs(seconds));
            delay(&config, 0, asked, Dice::new(1).throw())
        };
        assert_eq!(rest(20), Some(Duration::from_secs(20)));
        assert!(rest(0).unwrap() >= config.base_delay());
        assert_eq!(rest(60), Some(Duration::from_secs(60)));
        assert_eq!(rest(61), None);
        let config = RouterConfig {
            retry_after_s: 30,
            ..config
        };
        let rest = delay(&config, 0, None, Dice::new(1).throw());
        assert_eq!(rest, Some(Duration::from_secs(30)), "the operator's floor");
    }

    #[test]
    fn a_refused_key_sends_a_group_elsewhere_and_ends_the_call_to_a_model() {
        for (kind, listed, alone) in [
            (LlmErrorKind::Authentication, Again::Elsewhere, Again::Never),
            (
                LlmErrorKind::PermissionDenied,
                Again::Elsewhere,
                Again::Never,
            ),
            (LlmErrorKind::QuotaExhausted, Again::Elsewhere, Again::Never),
            (LlmErrorKind::ModelNotFound, Again::Never, Again::Never),
            (LlmErrorKind::InvalidRequest, Again::Never, Again::Never),
            (LlmErrorKind::ConnectionFailed, Again::Always, Again::Always),
            (LlmErrorKind::MalformedResponse, Again::Once, Again::Once),
            (
                LlmErrorKind::StreamInterrupted { bytes: 3 },
                Again::Always,
                Again::Always,
            ),
        ] {
            assert_eq!(
                (again(&kind, true), again(&kind, false)),
                (listed, alone),
                "{kind}"
            );
        }
    }
}
