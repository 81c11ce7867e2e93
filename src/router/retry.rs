//! Whether a failed attempt may be made again, and after how long. Pure.

use std::time::Duration;

use rand::Rng;
use rand::RngExt;

use super::config::RouterConfig;
use crate::client::LlmErrorKind;
use crate::client::TimeoutPhase;

/// How often a class of failure may be tried again within one call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Again {
    /// As often as the call has attempts.
    Always,
    /// Once: a second answer of the same kind is no accident.
    Once,
    /// Not at all: it would end the same way, or a part of the answer is already out.
    Never,
}

/// Returns how often this class may be tried again.
pub(super) fn again(kind: &LlmErrorKind) -> Again {
    match kind {
        LlmErrorKind::RateLimited { .. }
        | LlmErrorKind::Overloaded { .. }
        | LlmErrorKind::Timeout {
            phase: TimeoutPhase::Connect | TimeoutPhase::FirstToken,
        }
        | LlmErrorKind::ConnectionFailed => Again::Always,
        LlmErrorKind::MalformedResponse => Again::Once,
        LlmErrorKind::Authentication
        | LlmErrorKind::PermissionDenied
        | LlmErrorKind::ModelNotFound
        | LlmErrorKind::InvalidRequest
        | LlmErrorKind::ContextLengthExceeded
        | LlmErrorKind::ContentFiltered
        | LlmErrorKind::QuotaExhausted
        | LlmErrorKind::Timeout {
            phase: TimeoutPhase::Idle | TimeoutPhase::Total,
        }
        | LlmErrorKind::StreamInterrupted { .. }
        | LlmErrorKind::Cancelled
        | LlmErrorKind::BudgetExceeded
        | LlmErrorKind::NoDeployment { .. } => Again::Never,
    }
}

/// Returns how long to rest after failure `n` (0-based) of a call: in `[base, max]`, jitter included.
///
/// A provider's `retry_after` wins when longer. `None` means that it is longer than a call sits out.
pub(super) fn delay(
    config: &RouterConfig,
    n: u32,
    retry_after: Option<Duration>,
    rng: &mut impl Rng,
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
    let own = rng.random_range(base.max(window / 2)..=window.max(base));
    Some(own.max(asked))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rand::SeedableRng;
    use rand_chacha::ChaCha8Rng;

    use super::*;

    proptest! {
        #[test]
        fn a_rest_is_within_base_and_max(
            n in 0_u32..200, seed: u64, base in 0_u32..5_000, max in 0_u32..20_000,
        ) {
            let config = RouterConfig { base_delay_ms: base, max_delay_ms: max, ..RouterConfig::default() };
            let rest = delay(&config, n, None, &mut ChaCha8Rng::seed_from_u64(seed)).unwrap();
            prop_assert!(config.base_delay() <= rest && rest <= config.max_delay(), "{rest:?}");
        }

        #[test]
        fn rests_grow_until_they_reach_the_longest(seed: u64) {
            let config = RouterConfig::default();
            let rng = &mut ChaCha8Rng::seed_from_u64(seed);
            let rests: Vec<_> = (0..4).map(|n| delay(&config, n, None, rng).unwrap()).collect();
            prop_assert!(rests.is_sorted(), "{rests:?}");
            prop_assert!(rests[3] >= config.max_delay() / 2);
        }
    }

    #[test]
    fn retry_after_wins_when_longer_and_ends_the_call_when_too_long() {
        let config = RouterConfig::default();
        let rest = |seconds| {
            let asked = Some(Duration::from_secs(seconds));
            delay(&config, 0, asked, &mut ChaCha8Rng::seed_from_u64(1))
        };
        assert_eq!(rest(20), Some(Duration::from_secs(20)));
        assert!(rest(0).unwrap() >= config.base_delay());
        assert_eq!(rest(60), Some(Duration::from_secs(60)));
        assert_eq!(rest(61), None);
    }
}
