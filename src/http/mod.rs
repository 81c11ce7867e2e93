//! Serving: REST, WebSocket, health, metrics, admin. All routes stand in [`router`].

mod admin;
mod api;
mod auth;
mod body;
mod error;
mod feed;
mod gateway;
mod health;
mod idle;
mod openapi;
mod pass;
mod presence;
mod server;
mod ws;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use axum::Router as Routes;
use axum::extract::Request;
use axum::http::StatusCode;
use axum::middleware;
use axum::response::IntoResponse;
use axum::response::Response;
use axum::routing::get;
use axum::routing::post;
use tower_http::catch_panic::CatchPanicLayer;
use utoipa_swagger_ui::SwaggerUi;

pub use admin::ConfigReload;
pub use admin::FlagSwitch;
pub use admin::Reloaded;
pub use api::lists::Availability;
pub use auth::Caller;
pub use auth::Door;
pub use auth::MasterDoor;
pub use auth::Refusal;
pub use auth::Tickets;
pub use gateway::GatewaySettings;
pub use presence::Presence;
pub use server::Listeners;
pub use server::Site;
pub use server::Workers;

use error::ApiError;

use serde::Deserialize;

use crate::catalog::Catalog;
use crate::client::ClientSource;
use crate::client::EmbedderSource;
use crate::debate::DebateModels;
use crate::debate::Engine;
use crate::debate::format::FormatLibrary;
use crate::events::LiveLane;
use crate::metrics::Metrics;
use crate::observe::Tracer;
use crate::router::Router;
use crate::store::Debates;
use crate::store::EventLog;
use crate::types::AllowedModels;
use crate::types::Clock;

/// Settings of the server.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct HttpConfig {
    /// Bytes of a request's body, at most.
    pub max_body_bytes: usize,
    /// The same for requests to models, which may hold pictures and files.
    pub max_gateway_body_bytes: usize,
    /// Origins of pages that may open a WebSocket and read the gateway's answers, beside the server's own.
    pub allowed_origins: Vec<String>,
    /// Bytes of one WebSocket message from a client, at most.
    pub max_ws_message_bytes: usize,
    /// Seconds without an answer and without a request in work after which a connection is closed; 75 by default, as
    /// with nginx. Counted in steps of five.
    pub keep_alive_s: u32,
    /// A watcher who lacks more events than this gets the whole state at once, and then only what follows.
    pub snapshot_gap: u64,
}

impl Default for HttpConfig {
    fn default() -> Self {
        Self {
            max_body_bytes: 1 << 20,
            max_gateway_body_bytes: 64 << 20,
            allowed_origins: Vec::new(),
            max_ws_message_bytes: 256 << 10,
            keep_alive_s: 75,
            snapshot_gap: 5_000,
        }
    }
}

/// Settings of the gateway's paths, which a reload may change.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct GatewayConfig {
    /// A path that all others may stand behind, `/litellm`; empty for none.
    pub base_path: String,
    /// A header that carries the key instead of the usual ones.
    pub key_header: Option<String>,
    /// `true` answers `/metrics` without a key.
    pub open_metrics: bool,
    /// Who may ask for which models; `None` lets everybody ask for all.
    pub plans: Option<Plans>,
}

/// Which models each plan may ask for.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Plans {
    /// Names of models by the plan's name; `*` as a model stands for all.
    pub models: BTreeMap<String, AllowedModels>,
    /// The names for callers whose plan is not known.
    pub baseline: AllowedModels,
    /// `true` lists the models of other plans too, as locked.
    pub shows_locked: bool,
}

/// What the handlers work with.
pub struct HttpParts {
    /// Runs debates.
    pub engine: Engine,
    /// The log.
    pub log: Arc<dyn EventLog>,
    /// The list of debates.
    pub debates: Arc<dyn Debates>,
    /// Words as they come.
    pub live: Arc<dyn LiveLane>,
    /// Providers and models.
    pub catalog: Arc<Catalog>,
    /// Debate formats.
    pub formats: Arc<FormatLibrary>,
    /// Figures.
    pub metrics: Arc<Metrics>,
    /// Gives calls their places in traces.
    pub tracer: Tracer,
    /// What is available on this machine.
    pub availability: Arc<dyn Availability>,
    /// Which path model calls take.
    pub switch: Arc<dyn FlagSwitch>,
    /// Reads the settings anew.
    pub reload: Arc<dyn ConfigReload>,
    /// Tickets for sockets.
    pub tickets: Tickets,
    /// Who watches.
    pub presence: Presence,
    /// Answers for models.
    pub router: Arc<Router>,
    /// Debates that answer as models.
    pub debate_models: DebateModels,
    /// Who can be asked for one model alone, past the router, to see whether it answers.
    pub callers: Arc<dyn ClientSource>,
    /// The same for vectors.
    pub embedders: Arc<dyn EmbedderSource>,
    /// Settings of the gateway, which a reload may change.
    pub gateway: Arc<GatewaySettings>,
    /// Who may come in; everything but health asks it.
    pub door: Arc<dyn Door>,
    /// Time.
    pub clock: Clock,
    /// Settings of the server.
    pub config: HttpConfig,
}

impl fmt::Debug for HttpParts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpParts")
            .field("config", &self.config)
            .finish_non_exhaustive()
    }
}

/// [`HttpParts`], shared by all handlers.
#[derive(Clone)]
pub struct HttpState(Arc<HttpParts>);

impl HttpState {
    /// Shares the parts.
    pub fn new(parts: HttpParts) -> Self {
        Self(Arc::new(parts))
    }
}

impl std::ops::Deref for HttpState {
    type Target = HttpParts;

    fn deref(&self) -> &HttpParts {
        &self.0
    }
}

impl fmt::Debug for HttpState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the parts of the server")
    }
}

/// Everything that the server answers.
pub fn router(state: HttpState) -> Routes {
    let routes = routes(&state);
    let behind = routes.clone().fallback(nothing_here);
    // A base path costs only who uses it: paths without one are found before this is asked.
    routes.fallback(|request: Request| gateway::behind_base(state, behind, request))
}

/// What is said of a path that does not exist, when the body has been heard.
async fn nothing_here(request: Request) -> Response {
    let (parts, body) = request.into_parts();
    body::hear_out(body).await;
    let path = parts.uri.path();
    match gateway::is_at_home(path) {
        true => gateway::no_such_path(path),
        false => {
            let help = "there is nothing here: /docs lists what there is";
            ApiError::new(StatusCode::NOT_FOUND, "no_such_path", help).into_response()
        }
    }
}

fn routes(state: &HttpState) -> Routes {
    use api::commands;
    use api::debates;
    use api::events;
    use api::export;
    use api::fork;
    use api::lists;
    use api::models;
    use api::tickets;
    let guarded = Routes::new()
        .route("/api/v1/debates", post(debates::create).get(debates::list))
        .route("/api/v1/debates/estimate", post(debates::estimate))
        .route(
            "/api/v1/debates/{id}",
            get(debates::get).delete(debates::delete),
        )
        .route("/api/v1/debates/{id}/events", get(events::list))
        .route("/api/v1/debates/{id}/commands", post(commands::tell))
        .route("/api/v1/debates/{id}/fork", post(fork::fork))
        .route("/api/v1/debates/{id}/compare/{other}", get(fork::compare))
        .route("/api/v1/debates/{id}/{export}", get(export::export))
        .route("/api/v1/formats", get(lists::formats))
        .route("/api/v1/models", get(models::models))
        .route("/api/v1/providers", get(lists::providers))
        .route("/api/v1/ws-tickets", post(tickets::issue))
        .route(
            "/api/v1/admin/llm-flag",
            get(admin::get).put(admin::put).delete(admin::delete),
        )
        .route("/api/v1/admin/reload", post(admin::reload))
        .route_layer(middleware::from_fn_with_state(
            state.clone(),
            auth::require_key,
        ));
    Routes::new()
        .merge(guarded)
        // A browser's socket comes with a ticket, so the socket looks at the key itself.
        .route("/ws/debates/{id}", get(ws::upgrade))
        .route("/metrics", get(health::metrics))
        .route("/health", get(health::health))
        .route("/health/liveliness", get(health::liveliness))
        .route("/health/liveness", get(health::liveliness))
        .route("/health/readiness", get(health::readiness))
        .merge(SwaggerUi::new("/docs").url("/openapi.json", openapi::document()))
        .method_not_allowed_fallback(|| async {
            let help = "this path does not take that method: /docs lists what it takes";
            ApiError::new(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", help)
        })
        .layer(CatchPanicLayer::custom(
            |_: Box<dyn std::any::Any + Send>| after_panic(),
        ))
        .merge(gateway::routes())
        .with_state(state.clone())
}

/// What a client sees of a mistake in Agon itself; the log has the rest.
fn after_panic() -> Response {
    let help = "the server made a mistake: please report it with the server's log";
    ApiError::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", help).into_response()
}
