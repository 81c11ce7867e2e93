//! Settings that change while Agon runs: by SIGHUP, by a change of their files, or by an administrator's call.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use tokio::sync::Mutex;

use super::App;
use super::switch::StoredSwitch;
use super::watch::Watch;
use crate::catalog::Catalog;
use crate::config::Config;
use crate::config::ConfigSource;
use crate::config::Loaded;
use crate::http::ConfigReload;
use crate::http::GatewaySettings;
use crate::http::Reloaded;
use crate::llm::CatalogNames;
use crate::provider::ClientFactory;
use crate::provider::FlagState;
use crate::provider::OllamaConfig;
use crate::router::Router;
use crate::router::RouterConfig;
use crate::types::Diagnostic;

/// Reads the settings anew and puts them in force, all at once or not at all.
pub(super) struct Reloader {
    source: ConfigSource,
    catalog: Arc<Catalog>,
    router: Arc<Router>,
    gateway: Arc<GatewaySettings>,
    factory: Arc<ClientFactory>,
    switch: Arc<StoredSwitch>,
    /// What holds, and what it started with; one reload at a time.
    held: Mutex<Held>,
    watch: Arc<Watch>,
}

struct Held {
    config: Config,
    router: RouterConfig,
    /// As it was at the start: what needs a restart is told until there is one.
    started: Config,
    started_variables: BTreeMap<String, String>,
}

impl fmt::Debug for Reloader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reloader")
            .field("source", &self.source.file)
            .finish_non_exhaustive()
    }
}

impl Reloader {
    /// For a running server.
    pub(super) fn new(app: &App, loaded: &Loaded, source: ConfigSource) -> Self {
        let (router, _) = loaded.config.routed(&CatalogNames(&app.catalog));
        Self {
            source,
            catalog: Arc::clone(&app.catalog),
            router: Arc::clone(&app.router),
            gateway: Arc::clone(&app.gateway),
            factory: Arc::clone(&app.factory),
            switch: Arc::clone(&app.switch),
            held: Mutex::new(Held {
                config: loaded.config.clone(),
                router,
                started: loaded.config.clone(),
                started_variables: loaded.variables.clone(),
            }),
            watch: Arc::new(Watch::new(&loaded.files)),
        }
    }

    /// Reloads whenever somebody asks for it, until the task is ended.
    pub(super) async fn run(self: Arc<Self>) {
        let mut hangups = Hangups::new();
        loop {
            let why = tokio::select! {
                () = hangups.next() => "SIGHUP",
                () = self.watch.changed() => "a settings file changed",
            };
            tracing::info!("{why}: the settings are read anew");
            // Told where it is done.
            let _ = ConfigReload::reload(&*self).await;
        }
    }

    fn apply(&self, held: &mut Held, loaded: Loaded) -> Reloaded {
        let (router, warnings) = loaded.config.routed(&CatalogNames(&self.catalog));
        let config = &loaded.config;
        let mut changed = Vec::new();
        if router != held.router {
            changed.extend(differing(&router, &held.router));
            self.router.reload(router.clone());
        }
        if config.gateway != held.config.gateway {
            changed.push("gateway".to_owned());
            self.gateway.set(&config.gateway);
        }
        if config.llm.strict != held.config.llm.strict {
            changed.push("llm.strict".to_owned());
            self.factory.set_strict(config.llm.strict);
        }
        if super::local(config) != super::local(&held.config) {
            changed.push("llm.local_parallel and llm.ollama".to_owned());
            self.factory.set_local(super::local(config));
        }
        let flag = |config: &Config| FlagState {
            use_unified: config.llm.use_unified,
            legacy_providers: config.llm.legacy_providers.iter().cloned().collect(),
        };
        if flag(config) != flag(&held.config) {
            changed.push("llm.use_unified and llm.legacy_providers".to_owned());
            self.switch.reconfigure(flag(config));
        }
        let needs_restart = needs_restart(config, &held.started, {
            loaded.variables != held.started_variables
        });
        let warnings = loaded.report.warnings.iter().chain(&warnings);
        let reloaded = Reloaded {
            changed,
            needs_restart,
            warnings: warnings.map(ToString::to_string).collect(),
        };
        held.config = loaded.config;
        held.router = router;
        reloaded
    }
}

#[async_trait::async_trait]
impl ConfigReload for Reloader {
    async fn reload(&self) -> Result<Reloaded, Vec<Diagnostic>> {
        let mut held = self.held.lock().await;
        let source = self.source.clone();
        let read = tokio::task::spawn_blocking(move || source.load()).await;
        let read = read.unwrap_or_else(|error| {
            Err(vec![Diagnostic::new("settings", None, error.to_string())])
        });
        let loaded = match read {
            Ok(loaded) => loaded,
            Err(mistakes) => {
                for mistake in &mistakes {
                    tracing::error!("{mistake}");
                }
                tracing::error!("the settings are refused whole: those from before hold");
                return Err(mistakes);
            }
        };
        self.watch.look_after(&loaded.files);
        let reloaded = self.apply(&mut held, loaded);
        for warning in &reloaded.warnings {
            tracing::warn!("{warning}");
        }
        if !reloaded.needs_restart.is_empty() {
            let parts = reloaded.needs_restart.join(", ");
            tracing::warn!("changed, and in force only after a restart: {parts}");
        }
        let changed = match reloaded.changed.is_empty() {
            true => "nothing".to_owned(),
            false => reloaded.changed.join(", "),
        };
        tracing::info!("the settings were read anew; changed: {changed}");
        Ok(reloaded)
    }
}

/// Which halves of the router's settings differ.
fn differing(now: &RouterConfig, before: &RouterConfig) -> Vec<String> {
    let without_list = |config: &RouterConfig| RouterConfig {
        deployments: Vec::new(),
        ..config.clone()
    };
    let mut changed = Vec::new();
    if now.deployments != before.deployments {
        changed.push("model list".to_owned());
    }
    if without_list(now) != without_list(before) {
        changed.push("router".to_owned());
    }
    changed
}

/// What differs from the start and cannot be swapped.
fn needs_restart(now: &Config, started: &Config, variables_differ: bool) -> Vec<String> {
    let llm = |config: &Config| crate::config::LlmConfig {
        strict: false,
        use_unified: true,
        legacy_providers: Vec::new(),
        local_parallel: BTreeMap::new(),
        ollama: OllamaConfig::default(),
        ..config.llm.clone()
    };
    let parts = [
        ("server", now.server != started.server),
        ("database_url", now.database_url != started.database_url),
        ("log", now.log != started.log),
        ("http", now.http != started.http),
        ("llm", llm(now) != llm(started)),
        ("debate", now.debate != started.debate),
        ("formats_dir", now.formats_dir != started.formats_dir),
        ("demo_pace", now.demo_pace != started.demo_pace),
        ("callbacks", now.callbacks != started.callbacks),
        ("observe", now.observe != started.observe),
        ("usage", now.usage != started.usage),
        ("api_keys of direct calls", now.api_keys != started.api_keys),
        ("variables of direct calls", variables_differ),
    ];
    let differing = parts.into_iter().filter(|(_, differs)| *differs);
    differing.map(|(part, _)| part.to_owned()).collect()
}

/// SIGHUP, where there is one.
struct Hangups {
    #[cfg(unix)]
    signal: Option<tokio::signal::unix::Signal>,
}

impl Hangups {
    #[cfg(unix)]
    fn new() -> Self {
        let kind = tokio::signal::unix::SignalKind::hangup();
        Self {
            signal: tokio::signal::unix::signal(kind).ok(),
        }
    }

    #[cfg(unix)]
    async fn next(&mut self) {
        let told = match &mut self.signal {
            Some(signal) => signal.recv().await,
            None => None,
        };
        if told.is_none() {
            std::future::pending().await
        }
    }

    #[cfg(not(unix))]
    fn new() -> Self {
        Self {}
    }

    #[cfg(not(unix))]
    async fn next(&mut self) {
        std::future::pending().await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(text: &str) -> Config {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), text).unwrap();
        let loaded = crate::config::load(
            Some(file.path()),
            &BTreeMap::new(),
            crate::config::Overrides::default(),
        );
        loaded.unwrap().config
    }

    #[test]
    fn what_cannot_be_swapped_is_named_and_what_can_is_not() {
        let before = config("server: {port: 1}\n");
        let now = config(
            "server: {port: 2}\ndatabase_url: sqlite:x.db\nllm: {strict: true, overhead_warn_ms: 1}\n\
             router: {num_retries: 7}\ngateway: {base_path: /x}\nobserve: {success: [otel]}\nusage: {queue_rows: 9}\n",
        );
        assert_eq!(
            needs_restart(&now, &before, false),
            ["server", "database_url", "llm", "observe", "usage"]
        );
        let local = config(
            "server: {port: 1}\nllm: {local_parallel: {ollama: 3}}\n\
             model_list:\n- {model_name: a, litellm_params: {model: ollama/m, num_ctx: 9000, keep_alive: 1h}}\n",
        );
        assert_eq!(needs_restart(&local, &before, false), [""; 0]);
        assert_ne!(crate::app::local(&local), crate::app::local(&before));
        assert_eq!(needs_restart(&before, &before, false), [""; 0]);
        let variables = needs_restart(&before, &before, true);
        assert_eq!(variables, ["variables of direct calls"]);
    }

    #[test]
    fn the_list_and_the_rest_of_the_router_are_told_apart() {
        let catalog = Catalog::embedded();
        let routed = |text: &str| config(text).routed(&CatalogNames(&catalog)).0;
        let list = "model_list:\n- {model_name: a, litellm_params: {model: openai/gpt-4o}}\n";
        let (one, two) = (routed(list), routed("router: {num_retries: 7}\n"));
        assert_eq!(differing(&one, &two), ["model list", "router"]);
        assert_eq!(differing(&one, &one), [""; 0]);
    }
}
