//! What an operator can set about retries and cooldowns.

use std::time::Duration;

use serde::Deserialize;

/// Retries and cooldowns. The defaults are those that teams know from `LiteLLM`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
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
    /// Failed calls in a row after which a deployment cools down; 3 by default, and never less than 1.
    pub allowed_fails: u32,
    /// How long it cools down, unless the provider names a time; 5 by default.
    pub cooldown_s: u32,
    /// Longest time that a new call waits for a deployment that cools down because it was rate limited;
    /// 30 by default, 0 to fail at once.
    pub wait_for_cooldown_s: u32,
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
