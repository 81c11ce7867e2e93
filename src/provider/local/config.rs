//! Settings of local servers.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::types::KeepAlive;

/// Most tokens of context that Agon asks for by itself, unless a setting says otherwise.
///
/// A model of 8 billion parameters needs about 4 GB for 32k tokens; far more surprises a small machine.
const MAX_NUM_CTX: u64 = 32_768;

/// How local servers are called.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LocalConfig {
    /// Calls at once to one server of a provider; 0, or a provider that is not named, takes any number.
    pub parallel: BTreeMap<String, usize>,
    /// What is asked of Ollama.
    pub ollama: OllamaConfig,
}

impl Default for LocalConfig {
    /// Ollama answers one call after the other unless `OLLAMA_NUM_PARALLEL` says otherwise, and a call that waits
    /// inside it would run into its first-token limit.
    fn default() -> Self {
        Self {
            parallel: BTreeMap::from([("ollama".to_owned(), 1)]),
            ollama: OllamaConfig::default(),
        }
    }
}

impl LocalConfig {
    /// How many calls a server of this provider takes at once; `None` for any number.
    pub(super) fn parallel(&self, provider: &str) -> Option<usize> {
        self.parallel.get(provider).copied().filter(|n| *n > 0)
    }
}

/// What is asked of Ollama beside the chat itself.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct OllamaConfig {
    /// How long a model stays in memory after a call; the server's own rule when not set.
    pub keep_alive: Option<KeepAlive>,
    /// The context of every model, in tokens; chosen for each call when not set.
    pub num_ctx: Option<u64>,
    /// Most tokens of context that are chosen; 32768 by default.
    pub max_num_ctx: u64,
    /// Settings of single models, by their name at the server, which go before the general ones.
    pub models: BTreeMap<String, OllamaModelConfig>,
}

impl Default for OllamaConfig {
    fn default() -> Self {
        Self {
            keep_alive: None,
            num_ctx: None,
            max_num_ctx: MAX_NUM_CTX,
            models: BTreeMap::new(),
        }
    }
}

/// Settings of one model.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct OllamaModelConfig {
    /// How long it stays in memory after a call.
    pub keep_alive: Option<KeepAlive>,
    /// Its context, in tokens.
    pub num_ctx: Option<u64>,
}

impl OllamaConfig {
    /// How long this model stays in memory.
    pub(super) fn keep_alive_of(&self, model: &str) -> Option<&KeepAlive> {
        let own = self.of(model).and_then(|own| own.keep_alive.as_ref());
        own.or(self.keep_alive.as_ref())
    }

    /// The context that is set for this model.
    pub(super) fn num_ctx_of(&self, model: &str) -> Option<u64> {
        self.of(model).and_then(|own| own.num_ctx).or(self.num_ctx)
    }

    /// `llama3.2` and `llama3.2:latest` are one model.
    fn of(&self, model: &str) -> Option<&OllamaModelConfig> {
        let plain = |name: &str| name.strip_suffix(":latest").unwrap_or(name).to_owned();
        let wanted = plain(model);
        let mut models = self.models.iter();
        models
            .find(|(name, _)| plain(name) == wanted)
            .map(|(_, own)| own)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_models_own_setting_goes_before_the_general_one() {
        let config: OllamaConfig = serde_json::from_str(
            r#"{"keep_alive": "10m", "models": {"llama3.2": {"num_ctx": 8192}, "big": {"keep_alive": 0}}}"#,
        )
        .unwrap();
        assert_eq!(config.num_ctx_of("llama3.2:latest"), Some(8192));
        assert_eq!(config.num_ctx_of("other"), None);
        let text = |model| config.keep_alive_of(model).map(ToString::to_string);
        assert_eq!(text("llama3.2").as_deref(), Some("10m"));
        assert_eq!(text("big").as_deref(), Some("0"));
        assert_eq!(config.max_num_ctx, 32_768);
    }

    #[test]
    fn ollama_takes_one_call_at_a_time_and_the_others_any_number() {
        let config = LocalConfig::default();
        assert_eq!(config.parallel("ollama"), Some(1));
        assert_eq!(config.parallel("vllm"), None);
    }
}
