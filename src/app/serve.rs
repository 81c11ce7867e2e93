//! `agon serve`.

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

use super::App;
use super::AppError;
use super::reload::Reloader;
use super::sample;
use crate::catalog::ProviderSpec;
use crate::config::Config;
use crate::config::ConfigSource;
use crate::config::Loaded;
use crate::http;
use crate::http::Availability;
use crate::http::HttpParts;
use crate::http::HttpState;
use crate::http::Listeners;
use crate::provider::Discovery;
use crate::provider::Environment;

/// How long open requests may take to end once the server was told to stop.
const GRACE: Duration = Duration::from_secs(3);

/// Serves until it is told to stop. `say` gets lines for people: where it listens, and the sample's address.
///
/// # Errors
/// [`AppError`]: a taken port, a database that cannot be used, files that are wrong.
pub async fn serve(
    loaded: &Loaded,
    source: ConfigSource,
    with_sample: bool,
    mut say: impl FnMut(&str),
) -> Result<(), AppError> {
    let (config, variables) = (&loaded.config, &loaded.variables);
    for warning in &loaded.report.warnings {
        tracing::warn!("{warning}");
    }
    let listeners = listen(config).await?;
    let address = listeners.address();
    let app = App::build(config, variables).await?;
    let base = format!("http://{address}");
    say(&format!("listening on {base}"));
    let recovered = app.engine.recover().await?;
    if recovered > 0 {
        say(&format!(
            "going on with {recovered} debates that an earlier run left behind"
        ));
    }
    app.discovery.latest();
    let reloader = Arc::new(Reloader::new(&app, loaded, source));
    let reloads = tokio::spawn(Arc::clone(&reloader).run());
    let orphans = tokio::spawn({
        let engine = app.engine.clone();
        async move { engine.look_after_orphans().await }
    });
    if with_sample {
        start_sample(&app, &base, &mut say).await;
    }
    let keep_alive = Duration::from_secs(config.http.keep_alive_s.into());
    let mut workers = listeners
        .keeping_alive(keep_alive)
        .serve(&http::Site::new(state(config, &app, reloader)))
        .map_err(|error| AppError::Failed(format!("the server cannot start: {error}")))?;
    told_to_stop().await;
    workers.drain(GRACE).await;
    say("stopping: debates rest and go on with the next start");
    // Before the workers end: some debates run on their threads.
    app.shutdown().await;
    orphans.abort();
    reloads.abort();
    workers.end().await;
    Ok(())
}

async fn listen(config: &Config) -> Result<Listeners, AppError> {
    let (host, port) = (config.server.host.as_str(), config.server.port);
    let host = host.trim_start_matches('[').trim_end_matches(']');
    let cores = std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN);
    let workers = config.server.workers.unwrap_or(cores);
    Listeners::bind(host, port, workers).await.map_err(|error| {
        AppError::Failed(match error.kind() {
            std::io::ErrorKind::AddrInUse => {
                format!("port {port} on {host} is taken: choose another with --port, or stop what listens there")
            }
            std::io::ErrorKind::PermissionDenied => {
                format!("port {port} on {host} is not allowed: choose one above 1023 with --port")
            }
            _ => format!("cannot listen on {host}:{port}: {error}"),
        })
    })
}

async fn start_sample(app: &App, base: &str, say: &mut impl FnMut(&str)) {
    let order = sample::order(app).await;
    match app.engine.create(&order, None).await {
        Ok(outcome) => {
            let id = outcome.id;
            let models: Vec<&str> = order
                .agents
                .iter()
                .map(|agent| agent.model.as_str())
                .collect();
            say(&format!(
                "a sample debate is running on {}: {base}/api/v1/debates/{id}",
                models.join(" and ")
            ));
            say(&format!("watch it: agon watch {id} --server {base}"));
        }
        Err(error) => say(&format!("the sample debate could not be started: {error}")),
    }
}

/// What the server's handlers work with.
pub fn state(config: &Config, app: &App, reload: Arc<dyn http::ConfigReload>) -> HttpState {
    let availability = FoundModels {
        discovery: Arc::clone(&app.discovery),
        environment: app.environment.clone(),
    };
    let key = config.server.master_key.as_ref();
    let key = key.map(crate::config::KeySource::secret);
    HttpState::new(HttpParts {
        engine: app.engine.clone(),
        log: Arc::clone(&app.store) as _,
        debates: Arc::clone(&app.store) as _,
        live: Arc::clone(&app.live) as _,
        catalog: Arc::clone(&app.catalog),
        formats: Arc::clone(&app.formats),
        metrics: Arc::clone(&app.metrics),
        tracer: app.tracer,
        availability: Arc::new(availability),
        switch: Arc::clone(&app.switch) as _,
        reload,
        tickets: http::Tickets::default(),
        presence: http::Presence::default(),
        router: Arc::clone(&app.router),
        debate_models: app.debate_models.clone(),
        callers: Arc::clone(&app.factory) as _,
        embedders: Arc::clone(&app.factory) as _,
        gateway: Arc::clone(&app.gateway),
        door: Arc::new(http::MasterDoor::new(key.as_ref())),
        clock: app.clock,
        config: config.http.clone(),
    })
}

/// What is available on this machine, for lists.
struct FoundModels {
    discovery: Arc<Discovery>,
    environment: Environment,
}

impl Availability for FoundModels {
    fn is_set(&self, names: &[String]) -> bool {
        self.environment.first_of(names).is_some()
    }

    fn base_url(&self, spec: &ProviderSpec) -> String {
        spec.base_url_from(|name| self.environment.get(name).map(str::to_owned))
    }

    fn installed(&self) -> Arc<[crate::provider::Discovered]> {
        self.discovery.latest()
    }
}

/// Ctrl-C, or the service manager's SIGTERM.
async fn told_to_stop() {
    let interrupt = async {
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    };
    #[cfg(unix)]
    let terminate = async {
        match tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()) {
            Ok(mut signal) => drop(signal.recv().await),
            Err(_) => std::future::pending().await,
        }
    };
    #[cfg(not(unix))]
    let terminate = std::future::pending::<()>();
    tokio::select! {
        () = interrupt => {}
        () = terminate => {}
    }
}
