//! Putting a handle together.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use super::Llm;
use super::names::CatalogNames;
use crate::catalog::Catalog;
use crate::catalog::DataDirs;
use crate::client::ClientSource;
use crate::client::LlmError;
use crate::client::LlmErrorKind;
use crate::config;
use crate::config::Config;
use crate::provider::ClientFactory;
use crate::provider::DemoPace;
use crate::provider::Environment;
use crate::provider::FactoryParts;
use crate::provider::FlagState;
use crate::provider::GeneralTimeouts;
use crate::provider::LlmFlag;
use crate::router::Router;
use crate::router::RouterConfig;
use crate::router::RouterParts;
use crate::types::Clock;

/// Puts an [`Llm`] together. What is not set is the default: the catalog inside the program, no environment, the
/// router's usual retries, demo models that speak at once.
#[derive(Clone)]
pub struct LlmBuilder {
    catalog: Option<Arc<Catalog>>,
    environment: Environment,
    timeouts: GeneralTimeouts,
    router: RouterConfig,
    flag: FlagState,
    demo_pace: DemoPace,
    source: Option<Arc<dyn ClientSource>>,
}

impl Default for LlmBuilder {
    fn default() -> Self {
        Self {
            catalog: None,
            environment: Environment::default(),
            timeouts: GeneralTimeouts::default(),
            router: RouterConfig::default(),
            flag: FlagState::default(),
            demo_pace: DemoPace::Fast,
            source: None,
        }
    }
}

impl LlmBuilder {
    /// Who can be called, and what each model costs.
    #[must_use]
    pub fn catalog(mut self, catalog: impl Into<Arc<Catalog>>) -> Self {
        self.catalog = Some(catalog.into());
        self
    }

    /// Where keys and addresses are looked up, for example `std::env::vars().collect()`.
    #[must_use]
    pub fn environment(mut self, environment: Environment) -> Self {
        self.environment = environment;
        self
    }

    /// How long calls may wait, where a provider's file does not say.
    #[must_use]
    pub fn timeouts(mut self, timeouts: GeneralTimeouts) -> Self {
        self.timeouts = timeouts;
        self
    }

    /// Retries and cooldowns.
    #[must_use]
    pub fn router(mut self, router: RouterConfig) -> Self {
        self.router = router;
        self
    }

    /// Which providers use their legacy client.
    #[must_use]
    pub fn flag(mut self, flag: FlagState) -> Self {
        self.flag = flag;
        self
    }

    /// How fast the demo models speak.
    #[must_use]
    pub fn demo_pace(mut self, pace: DemoPace) -> Self {
        self.demo_pace = pace;
        self
    }

    /// Who answers chats instead of the providers: a script, for tests.
    #[must_use]
    pub fn source(mut self, source: Arc<dyn ClientSource>) -> Self {
        self.source = Some(source);
        self
    }

    /// The parts of the program's settings that say how models are called.
    ///
    /// # Errors
    /// `InvalidRequest` with every mistake in the folders of providers and models, and in the demo's pace.
    pub fn settings(mut self, config: &Config) -> Result<Self, LlmError> {
        let dirs = DataDirs {
            providers: config.llm.providers_dir.clone(),
            catalog: config.llm.catalog_dir.clone(),
        };
        let catalog = Catalog::load(&dirs).map_err(|mistakes| unusable(&mistakes))?;
        if let Some(pace) = &config.demo_pace {
            self.demo_pace = pace.parse().map_err(|error| unusable(&[error]))?;
        }
        self.flag = FlagState {
            use_unified: config.llm.use_unified,
            legacy_providers: config.llm.legacy_providers.iter().cloned().collect(),
        };
        let (router, warnings) = config.routed(&CatalogNames(&catalog));
        for warning in warnings {
            tracing::warn!("{warning}");
        }
        self.router = router;
        self.catalog = Some(Arc::new(catalog));
        Ok(self)
    }

    /// Puts it together. Nothing is called yet.
    ///
    /// # Errors
    /// `InvalidRequest` when TLS cannot be set up at all.
    pub fn build(self) -> Result<Llm, LlmError> {
        let catalog = self
            .catalog
            .unwrap_or_else(|| Arc::new(Catalog::embedded()));
        let ids = catalog.providers().map(|spec| spec.id.clone());
        let factory = ClientFactory::new(FactoryParts {
            flag: Arc::new(LlmFlag::new(self.flag, ids)),
            catalog: Arc::clone(&catalog),
            environment: self.environment,
            timeouts: self.timeouts,
            demo_pace: self.demo_pace,
            clock: Clock::system(),
        });
        let factory = factory.map(Arc::new).map_err(|error| unusable(&[error]))?;
        let (prices, cards) = (Arc::clone(&catalog), Arc::clone(&catalog));
        let names = Arc::clone(&catalog);
        let router = Router::new(RouterParts {
            source: self.source.unwrap_or_else(|| Arc::clone(&factory) as _),
            embedders: Arc::clone(&factory) as _,
            config: self.router,
            // Nobody is told of the calls: each answer says what it took.
            observers: Default::default(),
            prices: Arc::new(move |model| prices.prices(model)),
            prompt_limits: Arc::new(move |model| cards.card(model)?.context_tokens),
            bare_names: Arc::new(move |name| names.named(name).ok()),
            clock: Clock::system(),
            seed: rand::random(),
        });
        Ok(Llm {
            catalog,
            router,
            factory,
        })
    }
}

impl fmt::Debug for LlmBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LlmBuilder")
            .field("environment", &self.environment)
            .field("timeouts", &self.timeouts)
            .field("router", &self.router)
            .field("flag", &self.flag)
            .finish_non_exhaustive()
    }
}

/// Makes a handle from the process's environment; a variable that is not text is passed over.
pub(super) fn from_env() -> Result<Llm, LlmError> {
    let variables: BTreeMap<String, String> = std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .collect();
    let settings = config::load(None, &variables, config::Overrides::default());
    let settings = settings.map_err(|mistakes| unusable(&mistakes))?;
    Llm::builder()
        .settings(&settings.config)?
        .environment(settings.variables.into_iter().collect())
        .build()
}

fn unusable<M: fmt::Display>(mistakes: &[M]) -> LlmError {
    let told: Vec<String> = mistakes.iter().map(ToString::to_string).collect();
    LlmError::new(LlmErrorKind::InvalidRequest, "agon", told.join("\n"))
}
