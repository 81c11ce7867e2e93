//! The rollback switch as operations see it: set at run time, kept over a restart, cleared back to the settings.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;

use serde::Deserialize;
use serde::Serialize;

use crate::provider::FlagState;
use crate::provider::LlmFlag;
use crate::store::Settings;
use crate::store::SqliteStore;
use crate::store::StoreError;

/// The setting's name in the store.
const NAME: &str = "llm.flag";

/// The flag, its configured state, and where a run-time switch is kept.
#[derive(Debug)]
pub(crate) struct StoredSwitch {
    flag: Arc<LlmFlag>,
    configured: Mutex<FlagState>,
    store: Arc<SqliteStore>,
}

#[derive(Serialize, Deserialize)]
struct Stored {
    use_unified: bool,
    legacy_providers: BTreeSet<String>,
}

impl StoredSwitch {
    pub(super) fn new(flag: Arc<LlmFlag>, store: Arc<SqliteStore>) -> Self {
        let configured = FlagState::clone(&flag.state());
        Self {
            flag,
            configured: Mutex::new(configured),
            store,
        }
    }

    /// Takes other settings over. A switch at run time stays.
    pub(super) fn reconfigure(&self, state: FlagState) {
        let mut configured = self.configured();
        let is_switched = *self.flag.state() != *configured;
        configured.clone_from(&state);
        if !is_switched {
            self.flag.set(state);
        }
    }

    fn configured(&self) -> MutexGuard<'_, FlagState> {
        let held = self.configured.lock();
        held.unwrap_or_else(PoisonError::into_inner)
    }

    /// Sets the flag as it was switched before the last restart.
    pub(super) async fn load(&self) -> Result<(), StoreError> {
        let Some(value) = self.store.setting(NAME).await? else {
            return Ok(());
        };
        let Stored {
            use_unified,
            legacy_providers,
        } = serde_json::from_value(value)
            .map_err(|error| StoreError::Corrupt(format!("{NAME}: {error}")))?;
        tracing::info!(
            use_unified,
            ?legacy_providers,
            "the switch of an earlier run holds: clear it to return to the settings"
        );
        self.flag.set(FlagState {
            use_unified,
            legacy_providers,
        });
        Ok(())
    }
}

#[async_trait::async_trait]
impl crate::http::FlagSwitch for StoredSwitch {
    fn state(&self) -> (bool, BTreeSet<String>) {
        let state = self.flag.state();
        (state.use_unified, state.legacy_providers.clone())
    }

    fn is_switched(&self) -> bool {
        *self.flag.state() != *self.configured()
    }

    fn wants_legacy(&self, provider: &str) -> bool {
        self.flag.wants_legacy(provider)
    }

    async fn switch(
        &self,
        use_unified: bool,
        legacy_providers: BTreeSet<String>,
    ) -> Result<(), StoreError> {
        let stored = Stored {
            use_unified,
            legacy_providers,
        };
        let value = serde_json::to_value(&stored)
            .map_err(|error| StoreError::Corrupt(error.to_string()))?;
        // Stored first: a switch that is forgotten by a restart would be worse than one that fails.
        self.store.set_setting(NAME, Some(&value)).await?;
        let Stored {
            use_unified,
            legacy_providers,
        } = stored;
        self.flag.set(FlagState {
            use_unified,
            legacy_providers,
        });
        Ok(())
    }

    async fn clear(&self) -> Result<(), StoreError> {
        self.store.set_setting(NAME, None).await?;
        let configured = self.configured().clone();
        self.flag.set(configured);
        Ok(())
    }
}
