//! Assembly: the only place that says `new` on big things.

mod casting;
mod provider_check;
mod reload;
mod roster;
mod sample;
mod serve;
mod switch;
mod telling;
mod watch;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::sync::PoisonError;
use std::sync::RwLock;

pub(crate) use provider_check::CheckState;
pub(crate) use provider_check::Checked;
pub(crate) use provider_check::ProviderChecks;
pub use serve::serve;
pub use serve::state;

use casting::FoundCast;
use roster::CatalogRoster;
use switch::StoredSwitch;
use telling::Telling;

use crate::catalog::Catalog;
use crate::catalog::DataDirs;
use crate::client::LlmError;
use crate::client::LlmErrorKind;
use crate::config::Config;
use crate::debate::DebateModelParts;
use crate::debate::DebateModels;
use crate::debate::Engine;
use crate::debate::EngineParts;
use crate::debate::format::FormatLibrary;
use crate::events::LiveBus;
use crate::http::GatewaySettings;
use crate::llm::CatalogNames;
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
use crate::router::PriceList;
use crate::router::Router;
use crate::router::RouterConfig;
use crate::router::RouterParts;
use crate::store::OwnerId;
use crate::store::SqliteStore;
use crate::store::StoreError;
use crate::types::Clock;
use crate::types::Diagnostic;
use crate::types::FastMap;
use crate::types::ModelName;
use crate::types::Prices;
use crate::wire;

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
    /// Debates that answer as models, for the outside world only.
    pub debate_models: DebateModels,
    /// Gives the client of one model alone.
    pub(crate) factory: Arc<ClientFactory>,
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

    /// The router's settings with the model list, and what the operator should know of it.
    pub fn router(&self, config: &Config) -> (RouterConfig, Vec<Diagnostic>) {
        config.routed(&CatalogNames(&self.catalog))
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
        let data = Data::load(config)?;
        for mistake in data.formats.mistakes() {
            tracing::warn!("this format is left out: {mistake}");
        }
        let (router_config, warnings) = data.router(config);
        for warning in warnings {
            tracing::warn!("{warning}");
        }
        let Data { catalog, formats } = data;
        let environment = with_keys(config, &catalog, variables);
        let (clock, owner) = (Clock::system(), OwnerId::fresh());
        let store = Arc::new(SqliteStore::open(&config.database_url.0, &owner).await?);
        let flag = flag(config, &catalog)?;
        let switch = Arc::new(StoredSwitch::new(Arc::clone(&flag), Arc::clone(&store)));
        switch.load().await?;
        let metrics = Arc::new(Metrics::new());
        let factory = Arc::new(factory(config, &catalog, &environment, flag, clock)?);
        let discovery = discovery(&catalog, &environment)?;
        let (prices, cards) = (Arc::clone(&catalog), Arc::clone(&catalog));
        let names = Arc::clone(&catalog);
        let (observers, telling) = Telling::start(config, variables, &metrics, (&store, clock))?;
        let router = Arc::new(Router::new(RouterParts {
            source: Arc::clone(&factory) as _,
            embedders: Arc::clone(&factory) as _,
            config: router_config,
            observers: observers.clone(),
            prices: remembered_prices(prices),
            prompt_limits: Arc::new(move |model| cards.card(model)?.context_tokens),
            bare_names: Arc::new(move |name| names.named(name).ok()),
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
        let casting = FoundCast {
            catalog: Arc::clone(&catalog),
            environment: environment.clone(),
            discovery: Arc::clone(&discovery),
            judge: config.debate.judge_model.clone(),
        };
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
        let debate_models = DebateModels::new(DebateModelParts {
            engine: engine.clone(),
            log: Arc::clone(&store) as _,
            live: Arc::clone(&live) as _,
            formats: Arc::clone(&formats),
            presets: config.debate.presets.clone(),
            limits: config.debate.model_limits,
            casting: Arc::new(casting),
            reader: Arc::new(|request| {
                let chat = wire::typed(request).map_err(|error| {
                    LlmError::new(LlmErrorKind::InvalidRequest, "debate", error.to_string())
                })?;
                Ok(chat.into_owned())
            }),
        });
        for complaint in debate_models.complaints().await {
            tracing::warn!("{complaint}");
        }
        Ok(Self {
            engine,
            debate_models,
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
            factory,
            gateway: Arc::new(GatewaySettings::new(&config.gateway)),
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

/// The variables, with the keys that the settings have for providers: they go before the process's own.
fn with_keys(
    config: &Config,
    catalog: &Catalog,
    variables: &BTreeMap<String, String>,
) -> Environment {
    let environment: Environment = variables.clone().into_iter().collect();
    let mut own = Vec::new();
    for (name, key) in &config.api_keys {
        let lower = name.to_ascii_lowercase();
        let Some(spec) = catalog.provider(name).or_else(|| catalog.provider(&lower)) else {
            tracing::warn!(
                "general_settings.api_keys: there is no provider \"{name}\", so its key is not used"
            );
            continue;
        };
        let names = &spec.auth.key_env;
        own.extend(names.iter().map(|name| (name.clone(), String::new())));
        let first = names.iter().take(1);
        own.extend(first.map(|name| (name.clone(), key.expose().to_owned())));
    }
    environment.with(own)
}

/// The catalog's prices. They are looked up at the end of every call, and a name may have to be resolved for it.
fn remembered_prices(catalog: Arc<Catalog>) -> PriceList {
    let known: RwLock<FastMap<ModelName, Option<Prices>>> = RwLock::default();
    Arc::new(move |model| {
        if let Some(prices) = known
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .get(model)
        {
            return *prices;
        }
        let prices = catalog.prices(model);
        let mut known = known.write().unwrap_or_else(PoisonError::into_inner);
        // A caller chooses names, so they need a bound.
        if known.len() >= 4096 {
            known.clear();
        }
        known.insert(model.clone(), prices);
        prices
    })
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
    let factory = ClientFactory::with_local(parts, local(config))
        .map_err(|error| AppError::Failed(format!("TLS cannot be set up: {error}")))?;
    factory.set_strict(config.llm.strict);
    Ok(factory)
}

/// How local servers are called.
fn local(config: &Config) -> LocalConfig {
    LocalConfig {
        parallel: config.llm.local_parallel.clone(),
        ollama: config.llm.ollama.clone(),
    }
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
