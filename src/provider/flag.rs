//! The switch between the unified and the legacy clients, changed while the program runs.

use std::collections::BTreeSet;
use std::sync::Arc;

use arc_swap::ArcSwap;

/// Which path the providers take.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FlagState {
    /// `false`: every provider that has a legacy client uses it.
    pub use_unified: bool,
    /// Providers that use their legacy client although the others are unified.
    pub legacy_providers: BTreeSet<String>,
}

impl Default for FlagState {
    fn default() -> Self {
        Self {
            use_unified: true,
            legacy_providers: BTreeSet::new(),
        }
    }
}

/// One snapshot of the switch, read once for each attempt: a call in flight ends as it began.
#[derive(Debug)]
pub struct LlmFlag {
    state: ArcSwap<FlagState>,
    /// Everyone who could be told to use a legacy client.
    providers: BTreeSet<String>,
}

impl LlmFlag {
    /// Sets the switch; `providers` are the ids that the catalog knows, for the warning.
    pub fn new(state: FlagState, providers: impl IntoIterator<Item = String>) -> Self {
        let flag = Self {
            state: ArcSwap::from_pointee(FlagState::default()),
            providers: providers.into_iter().collect(),
        };
        flag.set(state);
        flag
    }

    /// Changes the switch for every attempt from now on.
    pub fn set(&self, state: FlagState) {
        let staying = staying_unified(&state, &self.providers);
        if !staying.is_empty() {
            tracing::warn!(
                target: "agon::llm",
                providers = staying.join(","),
                "no legacy client, so these stay unified: {}",
                staying.join(", ")
            );
        }
        self.state.store(Arc::new(state));
    }

    /// The switch as it stands.
    pub fn state(&self) -> Arc<FlagState> {
        self.state.load_full()
    }

    /// `true` when this provider's next attempt shall use its legacy client, if it has one.
    pub fn wants_legacy(&self, provider: &str) -> bool {
        let state = self.state.load();
        !state.use_unified || state.legacy_providers.contains(provider)
    }
}

/// The providers that are told to use a legacy client and have none.
fn staying_unified(state: &FlagState, providers: &BTreeSet<String>) -> Vec<String> {
    let told: BTreeSet<&String> = match state.use_unified {
        true => state.legacy_providers.iter().collect(),
        false => state.legacy_providers.iter().chain(providers).collect(),
    };
    told.into_iter()
        .filter(|id| !with_legacy_client().contains(&id.as_str()))
        .cloned()
        .collect()
}

#[cfg(feature = "legacy")]
fn with_legacy_client() -> &'static [&'static str] {
    &super::legacy::PROVIDERS
}

#[cfg(not(feature = "legacy"))]
fn with_legacy_client() -> &'static [&'static str] {
    &[]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn state(use_unified: bool, legacy: &[&str]) -> FlagState {
        FlagState {
            use_unified,
            legacy_providers: legacy.iter().map(|id| (*id).to_owned()).collect(),
        }
    }

    fn known() -> BTreeSet<String> {
        ["openai", "ollama", "demo"].map(str::to_owned).into()
    }

    #[test]
    fn the_switch_turns_one_provider_or_all_and_back() {
        let flag = LlmFlag::new(FlagState::default(), known());
        assert!(!flag.wants_legacy("openai"));
        flag.set(state(true, &["openai"]));
        assert!(flag.wants_legacy("openai") && !flag.wants_legacy("anthropic"));
        flag.set(state(false, &[]));
        assert!(flag.wants_legacy("anthropic"));
        flag.set(FlagState::default());
        assert!(!flag.wants_legacy("anthropic"));
    }

    #[cfg(feature = "legacy")]
    #[test]
    fn who_has_no_legacy_client_is_named_at_once() {
        assert_eq!(
            staying_unified(&state(false, &[]), &known()),
            ["demo", "ollama"]
        );
        assert_eq!(
            staying_unified(&state(true, &["openai"]), &known()),
            [""; 0]
        );
        assert_eq!(
            staying_unified(&state(true, &["ollama"]), &known()),
            ["ollama"]
        );
    }
}
