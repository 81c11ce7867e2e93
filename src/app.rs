//! Assembly: the only place that says `new` on big things.

mod provider_check;
mod roster;
mod sample;
mod serve;
mod switch;
mod telling;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

pub(crate) use provider_check::CheckState;
pub(crate) use provider_check::Checked;
pub(crate) use provider_check::ProviderChecks;
pub use serve::serve;

use roster::CatalogRoster;
use switch::StoredSwitch;
use telling::Telling;

use crate::catalog::Catalog;
use crate::catalog::DataDirs;
use crate::config::Config;
use crate::debate::Engine;
use crate::debate::EngineParts;
use crate::debate::format::FormatLibrary;
use crate::events::LiveBus;
use crate::http::GatewayConfig;
use crate::http::GatewaySettings;
use crate::metrics::Metrics;
use crate::observe::Tracer;
use crate::provider::ClientFactory;
use crate::provider::DemoPace;
use crate::provider::Discovery;
use crate::provider::Environment;
use crate::provider::FactoryParts;
use crate::provider::FlagState;
use crate::provider::GeneralTimeouts;
use crate::provider::LlmFlag;
use crate::provider::LocalConfig;
use crate::provider::Transport;
use crate::router::Router;
use crate::router::RouterParts;
use crate::store::OwnerId;
use crate::store::SqliteStore;
use crate::store::StoreError;
use crate::types::Clock;
use crate::types::Diagnostic;

/// Why Agon does not start.
#[derive(Debug, thiserror::Error)]
pub enum AppError {
    /// Files or settings are wrong.
    #[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))]
    Mistakes(Vec<Diagnostic>),
    /// The database cannot be used.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Something outside does not work.
    #[error("{0}")]
    Failed(String),
}

/// Everything, put together.
pub struct App {
    /// Runs debates.
    pub engine: Engine,
    /// Keeps them.
    pub store: Arc<SqliteStore>,
    /// Their words as they come.
    pub live: Arc<LiveBus>,
    /// Providers and models.
    pub catalog: Arc<Catalog>,
    /// Debate formats.
    pub formats: Arc<FormatLibrary>,
    /// Local servers that answer.
    pub discovery: Arc<Discovery>,
    /// Figures.
    pub metrics: Arc<Metrics>,
    /// The variables that keys are looked up in.
    pub environment: Environment,
    /// Time.
    pub clock: Clock,
    /// Answers for models.
    pub router: Arc<Router>,
    /// Settings of the gateway's paths.
    pub gateway: Arc<GatewaySettings>,
    /// Gives calls their places in traces.
    pub tracer: Tracer,
    /// Which path each provider takes.
    pub(crate) switch: Arc<StoredSwitch>,
    /// Whoever is told of calls.
    telling: Telling,
}

impl fmt::Debug for App {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("App")
            .field("engine", &self.engine)
            .finish_non_exhaustive()
    }
}

/// The data that Agon runs on, without a database or a connection.
#[derive(Debug)]
pub struct Data {
    /// Providers and models.
    pub catalog: Arc<Catalog>,
    /// Debate formats.
    pub formats: Arc<FormatLibrary>,
}

impl Data {
    /// Loads the data files, those built in and those of the operator.
    ///
    /// # Errors
    /// All mistakes in them.
    pub fn load(config: &Config) -> Result<Self, AppError> {
        let dirs = DataDirs {
            providers: config.llm.providers_dir.clone(),
            catalog: config.llm.catalog_dir.clone(),
        };
        let catalog = Catalog::load(&dirs);
        let formats = FormatLibrary::load(config.formats_dir.as_deref());
        match (catalog, formats) {
            (Ok(catalog), Ok(formats)) => Ok(Self {
                catalog: Arc::new(catalog),
                formats: Arc::new(formats),
            }),
            (catalog, formats) => {
                let mistakes = catalog
                    .err()
                    .into_iter()
                    .chain(formats.err())
                    .flatten()
                    .collect();
                Err(AppError::Mistakes(mistakes))
            }
        }
    }
}

impl App {
    /// Puts everything together. Nothing runs yet.
    ///
    /// # Errors
    /// [`AppError`], as one line for each thing to mend.
    pub async fn build(
        config: &Config,
        variables: &BTreeMap<String, String>,
    ) -> Result<Self, AppError> {
        let Data { catalog, formats } = Data::load(config)?;
        let environment: Environment = variables.clone().into_iter().collect();
        let (clock, owner) = (Clock::system(), OwnerId::fresh());
        let store = Arc::new(SqliteStore::open(&config.database_url.0, &owner).await?);
        let flag = flag(config, &catalog)?;
        let switch = Arc::new(StoredSwitch::new(Arc::clone(&flag), Arc::clone(&store)));
        switch.load().await?;
        let metrics = Arc::new(Metrics::new());
        let factory = Arc::new(factory(config, &catalog, &environment, flag, clock)?);
        let discovery = discovery(&catalog, &environment)?;
        let (prices, cards) = (Arc::clone(&catalog), Arc::clone(&catalog));
        let (observers, telling) = Telling::start(config, variables, &metrics, (&store, clock))?;
        let router = Arc::new(Router::new(RouterParts {
            source: Arc::clone(&factory) as _,
            embedders: Arc::clone(&factory) as _,
            config: config.router.clone(),
            observers: observers.clone(),
            prices: Arc::new(move |model| prices.prices(model)),
            prompt_limits: Arc::new(move |model| cards.card(model)?.context_tokens),
            clock,
            seed: rand::random(),
        }));
        let live = Arc::new(LiveBus::default());
        let roster = CatalogRoster::new(
            config,
            Arc::clone(&catalog),
            environment.clone(),
            Arc::clone(&discovery),
        );
        let engine = Engine::new(EngineParts {
            log: Arc::clone(&store) as _,
            debates: Arc::clone(&store) as _,
            clients: Arc::clone(&router) as _,
            live: Arc::clone(&live) as _,
            catalog: Arc::clone(&catalog),
            formats: Arc::clone(&formats),
            roster: Arc::new(roster),
            clock,
            owner,
            observers,
            config: config.debate.clone(),
        });
        Ok(Self {
            engine,
            store,
            live,
            catalog,
            formats,
            discovery,
            metrics,
            environment,
            clock,
            switch,
            router,
            gateway: Arc::new(GatewaySettings::new(&GatewayConfig::default())),
            tracer: telling.tracer(),
            telling,
        })
    }

    /// Ends all debates of this process in order, so that the next one goes on with them at once.
    pub async fn shutdown(&self) {
        self.engine.shutdown().await;
        self.telling.close().await;
        self.store.close().await;
    }
}

fn flag(config: &Config, catalog: &Catalog) -> Result<Arc<LlmFlag>, AppError> {
    let known: Vec<String> = catalog.providers().map(|spec| spec.id.clone()).collect();
    if let Some(unknown) = config
        .llm
        .legacy_providers
        .iter()
        .find(|id| !known.contains(id))
    {
        let help = format!(
            "llm.legacy_providers: there is no provider \"{unknown}\": known are {}",
            known.join(", ")
        );
        return Err(AppError::Failed(help));
    }
    let state = FlagState {
        use_unified: config.llm.use_unified,
        legacy_providers: config.llm.legacy_providers.iter().cloned().collect(),
    };
    Ok(Arc::new(LlmFlag::new(state, known)))
}

fn factory(
    config: &Config,
    catalog: &Arc<Catalog>,
    environment: &Environment,
    flag: Arc<LlmFlag>,
    clock: Clock,
) -> Result<ClientFactory, AppError> {
    let pace = config
        .demo_pace
        .as_deref()
        .map(str::parse::<DemoPace>)
        .transpose();
    let demo_pace = pace
        .map_err(|error| AppError::Failed(format!("AGON_DEMO_PACE: {error}")))?
        .unwrap_or_default();
    let parts = FactoryParts {
        catalog: Arc::clone(catalog),
        environment: environment.clone(),
        flag,
        timeouts: GeneralTimeouts::default(),
        demo_pace,
        clock,
    };
    let local = LocalConfig {
        parallel: config.llm.local_parallel.clone(),
        ollama: config.llm.ollama.clone(),
    };
    let factory = ClientFactory::with_local(parts, local)
        .map_err(|error| AppError::Failed(format!("TLS cannot be set up: {error}")))?;
    factory.set_strict(config.llm.strict);
    Ok(factory)
}

/// Finds the local servers that answer.
///
/// # Errors
/// When TLS or the HTTP client cannot be set up.
pub(crate) fn discovery(
    catalog: &Catalog,
    environment: &Environment,
) -> Result<Arc<Discovery>, AppError> {
    let transport = Transport::new()
        .map_err(|error| AppError::Failed(format!("TLS cannot be set up: {error}")))?;
    let discovery = Discovery::new(catalog, environment, &transport);
    discovery
        .map(Arc::new)
        .map_err(|error| AppError::Failed(format!("the HTTP client cannot be made: {error}")))
}
