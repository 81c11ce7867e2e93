//! What an operator can set about retries and cooldowns.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use serde::Deserialize;
use serde::Serialize;

use crate::client::LlmErrorKind;
use crate::types::Deployment;

/// Retries and cooldowns. The defaults are those that teams know from `LiteLLM`.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RouterConfig {
    /// Further attempts after the first, at most 255; 2 by default.
    pub num_retries: u8,
    /// Shortest rest between two attempts; 500 by default.
    pub base_delay_ms: u32,
    /// Longest rest that Agon chooses by itself; 8000 by default, and never less than `base_delay_ms`.
    pub max_delay_ms: u32,
    /// Longest `Retry-After` that a call sits out; 60 by default. A longer one ends the call at once.
    pub max_retry_after_s: u32,
    /// Failures in a row after which a deployment cools down; 3 by default, and never less than 1. Where a group has
    /// several, each failed attempt counts, otherwise each call that failed.
    pub allowed_fails: u32,
    /// How long it cools down, unless the provider names a time; 5 by default.
    pub cooldown_s: u32,
    /// Longest time that a new call waits for a model that cools down because it was rate limited, or for a place
    /// among the calls that a deployment takes at once; 30 by default, 0 to fail at once. Callers of a group are
    /// told at once that all of it cools down; debates wait.
    pub wait_for_cooldown_s: u32,
    /// Shortest rest before the same deployment is asked again, in seconds; 0 by default.
    pub retry_after_s: u32,
    /// `true` lets nothing cool down.
    pub disable_cooldowns: bool,
    /// Further attempts by class of failure; a class that is not named has the general number.
    pub retry_policy: BTreeMap<FailureClass, u8>,
    /// The same for the groups that are named.
    pub group_retry_policy: BTreeMap<String, BTreeMap<FailureClass, u8>>,
    /// The same as `allowed_fails`, by class of failure.
    pub allowed_fails_policy: BTreeMap<FailureClass, u32>,
    /// Which deployment of a group is asked.
    pub strategy: Strategy,
    /// What the latency strategy goes by.
    pub latency: LatencyConfig,
    /// Groups to ask instead, by the group that failed; `*` stands for every group.
    pub fallbacks: BTreeMap<String, Vec<String>>,
    /// The same, when the prompt does not fit.
    pub context_window_fallbacks: BTreeMap<String, Vec<String>>,
    /// The same, when the answer was held back.
    pub content_policy_fallbacks: BTreeMap<String, Vec<String>>,
    /// Groups to ask instead of any group that has none of its own.
    pub default_fallbacks: Vec<String>,
    /// Most other groups that one call asks; 5 by default.
    pub max_fallbacks: u8,
    /// Other names of groups.
    pub aliases: BTreeMap<String, Alias>,
    /// `true` leaves out deployments whose model cannot take the prompt, by Agon's estimate; `false` only prefers
    /// those that can.
    pub pre_call_checks: bool,
    /// `true` asks only deployments that have the call's tags, else those tagged `default`.
    pub tag_filtering: bool,
    /// `true` is content with one of the call's tags; `false` wants all. `true` by default.
    pub tag_match_any: bool,
    /// `true` sends calls of one session, or with one long beginning, to one deployment, whose cache has it, as long
    /// as that one can be asked.
    pub sticky: bool,
    /// For how long a session that had to move stays where it was answered last, in seconds since then, before it
    /// goes back to its own deployment; 3600 by default, 0 lets it go back at once.
    pub sticky_ttl_s: u32,
    /// Milliseconds without a first token after which another deployment is asked too, and the first to answer
    /// wins; `None` never does.
    pub hedge_after_ms: Option<u32>,
    /// Calls at the same time to each deployment that names no number of its own.
    pub default_max_parallel: Option<u32>,
    /// For how long a whole answer is waited for, in seconds.
    pub timeout_s: Option<f64>,
    /// For how long a piece of a streamed answer is waited for, in seconds.
    pub stream_timeout_s: Option<f64>,
    /// The model list.
    #[serde(skip)]
    pub deployments: Vec<Arc<Deployment>>,
}

/// Which deployment of a group is asked.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Strategy {
    /// By lot; weights count, else calls a minute, else tokens a minute.
    #[default]
    SimpleShuffle,
    /// The one with the fewest calls under way.
    LeastBusy,
    /// The one that used the fewest tokens of its minute.
    #[serde(alias = "usage-based-routing-v2")]
    UsageBasedRouting,
    /// One of the fastest.
    LatencyBasedRouting,
    /// The cheapest.
    CostBasedRouting,
    /// The first of the list.
    Ordered,
}

/// What the latency strategy goes by.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LatencyConfig {
    /// For how long a measured time counts; 3600 by default.
    pub ttl_s: u32,
    /// How much slower than the fastest one may be to be asked as well, as a share; 0 by default.
    pub buffer: f64,
    /// Times that are kept for each deployment; 10 by default.
    pub kept: usize,
}

impl Default for LatencyConfig {
    fn default() -> Self {
        Self {
            ttl_s: 3600,
            buffer: 0.0,
            kept: 10,
        }
    }
}

/// Another name of a group.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Alias {
    /// The group.
    pub group: String,
    /// `true` leaves the name out of lists.
    #[serde(default)]
    pub hidden: bool,
}

/// Classes of failure that a policy tells apart, by the names that `LiteLLM` users write.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Deserialize)]
pub enum FailureClass {
    /// The request is wrong.
    #[serde(rename = "BadRequestError")]
    BadRequest,
    /// The key is refused.
    #[serde(rename = "AuthenticationError")]
    Authentication,
    /// It took too long.
    #[serde(rename = "TimeoutError", alias = "Timeout")]
    Timeout,
    /// Too fast.
    #[serde(rename = "RateLimitError")]
    RateLimit,
    /// The answer was held back.
    #[serde(rename = "ContentPolicyViolationError")]
    ContentPolicy,
    /// The provider failed.
    #[serde(
        rename = "InternalServerError",
        alias = "ServiceUnavailableError",
        alias = "BadGatewayError"
    )]
    Server,
    /// There is no such model.
    #[serde(rename = "NotFoundError")]
    NotFound,
}

impl FailureClass {
    /// The class of a failure; `None` for what no policy speaks of.
    pub(super) fn of(kind: &LlmErrorKind) -> Option<Self> {
        match kind {
            LlmErrorKind::Authentication => Some(Self::Authentication),
            LlmErrorKind::ModelNotFound => Some(Self::NotFound),
            LlmErrorKind::InvalidRequest | LlmErrorKind::ContextLengthExceeded => {
                Some(Self::BadRequest)
            }
            LlmErrorKind::ContentFiltered => Some(Self::ContentPolicy),
            LlmErrorKind::RateLimited { .. } | LlmErrorKind::QuotaExhausted => {
                Some(Self::RateLimit)
            }
            LlmErrorKind::Overloaded { .. }
            | LlmErrorKind::ConnectionFailed
            | LlmErrorKind::StreamInterrupted { .. }
            | LlmErrorKind::MalformedResponse => Some(Self::Server),
            LlmErrorKind::Timeout { .. } => Some(Self::Timeout),
            LlmErrorKind::PermissionDenied
            | LlmErrorKind::Cancelled
            | LlmErrorKind::BudgetExceeded
            | LlmErrorKind::NoDeployment { .. } => None,
        }
    }
}

impl Default for RouterConfig {
    fn default() -> Self {
        Self {
            num_retries: 2,
            base_delay_ms: 500,
            max_delay_ms: 8_000,
            max_retry_after_s: 60,
            allowed_fails: 3,
            cooldown_s: 5,
            wait_for_cooldown_s: 30,
            retry_after_s: 0,
            disable_cooldowns: false,
            retry_policy: BTreeMap::new(),
            group_retry_policy: BTreeMap::new(),
            allowed_fails_policy: BTreeMap::new(),
            strategy: Strategy::default(),
            latency: LatencyConfig::default(),
            fallbacks: BTreeMap::new(),
            context_window_fallbacks: BTreeMap::new(),
            content_policy_fallbacks: BTreeMap::new(),
            default_fallbacks: Vec::new(),
            max_fallbacks: 5,
            aliases: BTreeMap::new(),
            pre_call_checks: false,
            tag_filtering: false,
            tag_match_any: true,
            sticky: false,
            sticky_ttl_s: 3600,
            hedge_after_ms: None,
            default_max_parallel: None,
            timeout_s: None,
            stream_timeout_s: None,
            deployments: Vec::new(),
        }
    }
}

impl RouterConfig {
    pub(super) fn base_delay(&self) -> Duration {
        Duration::from_millis(self.base_delay_ms.into())
    }

    pub(super) fn max_delay(&self) -> Duration {
        Duration::from_millis(self.max_delay_ms.max(self.base_delay_ms).into())
    }

    pub(super) fn max_retry_after(&self) -> Duration {
        Duration::from_secs(self.max_retry_after_s.into())
    }

    pub(super) fn cooldown(&self) -> Duration {
        Duration::from_secs(self.cooldown_s.into())
    }

    pub(super) fn wait_for_cooldown(&self) -> Duration {
        Duration::from_secs(self.wait_for_cooldown_s.into())
    }

    /// For how long a session that had to move stays there.
    pub(super) fn sticky_ttl(&self) -> Duration {
        Duration::from_secs(self.sticky_ttl_s.into())
    }

    /// Shortest rest before the same deployment is asked again.
    pub(super) fn retry_after(&self) -> Duration {
        Duration::from_secs(self.retry_after_s.into())
    }

    pub(super) fn hedge_after(&self) -> Option<Duration> {
        self.hedge_after_ms
            .map(|ms| Duration::from_millis(ms.into()))
    }

    /// Failures of this kind in a row after which a deployment cools down.
    pub(super) fn fails_allowed_for(&self, kind: &LlmErrorKind) -> u32 {
        FailureClass::of(kind)
            .and_then(|class| self.allowed_fails_policy.get(&class))
            .copied()
            .unwrap_or(self.allowed_fails)
            .max(1)
    }

    /// Further attempts of a call to this group that failed like this, where a policy names the class.
    pub(super) fn policy_for(&self, group: &str, kind: &LlmErrorKind) -> Option<u8> {
        let class = FailureClass::of(kind)?;
        let own = self.group_retry_policy.get(group);
        own.and_then(|policy| policy.get(&class))
            .or_else(|| self.retry_policy.get(&class))
            .copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_set_has_its_default_and_what_is_not_known_is_refused() {
        let config: RouterConfig = serde_json::from_str(r#"{"num_retries": 0}"#).unwrap();
        assert_eq!((config.num_retries, config.cooldown_s), (0, 5));
        let error = serde_json::from_str::<RouterConfig>(r#"{"num_retires": 1}"#).unwrap_err();
        assert!(error.to_string().contains("num_retires"), "{error}");
    }
}
