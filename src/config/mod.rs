//! One file and the environment, typed; every mistake at once.
//!
//! The file is a superset of `LiteLLM`'s. `source` and `yaml` make a tree of it in which every value knows its line,
//! `expand` follows what stands elsewhere, `typed` reads our sections strictly, `litellm` and `models` those of
//! `LiteLLM`'s. What became of each setting is in the [`Report`].

mod env_file;
mod expand;
mod fields;
mod gateway;
mod litellm;
mod load;
mod models;
mod named;
mod place;
mod report;
mod single;
mod source;
#[cfg(test)]
mod tests;
mod tree;
mod typed;
mod upstream;
mod variables;
mod yaml;

use std::collections::BTreeMap;
use std::fmt;
use std::num::NonZeroUsize;
use std::path::PathBuf;

use serde::Deserialize;

pub use env_file::environment;
pub use litellm::CallbacksConfig;
pub use load::ConfigSource;
pub use load::Loaded;
pub use load::Overrides;
pub use load::load;
pub use load::read;
pub use models::ListedModel;
pub use models::Names;
pub use models::Provider;
pub(crate) use models::shown_address;
pub use place::Place;
pub use report::Report;
pub use report::Told;
pub use single::SingleModel;

use load::database;
use named::Mention;
use named::NamedModel;

use crate::debate::DebateConfig;
use crate::http::GatewayConfig;
use crate::http::HttpConfig;
use crate::observe::ObserveConfig;
use crate::observe::UsageConfig;
use crate::provider::LocalConfig;
use crate::provider::OllamaConfig;
use crate::router::RouterConfig;
use crate::types::ContentLevel;
use crate::types::Diagnostic;
use crate::types::Secret;

/// Everything that can be set.
#[derive(Debug, Clone, Default)]
pub struct Config {
    /// Where to listen, and who may come in.
    pub server: ServerConfig,
    /// Where debates are kept.
    pub database_url: DatabaseUrl,
    /// What is logged.
    pub log: LogConfig,
    /// Limits of requests.
    pub http: HttpConfig,
    /// How models are called.
    pub llm: LlmConfig,
    /// Retries, cooldowns and fallbacks; [`Config::routed`] adds the model list.
    pub router: RouterConfig,
    /// The gateway's paths, and who may ask for which models.
    pub gateway: GatewayConfig,
    /// The model list, and names beside it.
    pub models: ModelList,
    /// Keys by provider, for deployments that have none of their own and for direct calls.
    pub api_keys: BTreeMap<String, Secret>,
    /// Who is told of calls.
    pub callbacks: CallbacksConfig,
    /// The debate engine.
    pub debate: DebateConfig,
    /// Who is told of calls, beside the log and `/metrics`.
    pub observe: ObserveConfig,
    /// How long rows of calls are kept.
    pub usage: UsageConfig,
    /// A folder of formats that adds to those built in, or replaces them by id.
    pub formats_dir: Option<PathBuf>,
    /// How fast the demo models speak: `realistic`, `fast`, or milliseconds for each word.
    pub demo_pace: Option<String>,
}

/// The model list, and names beside it.
#[derive(Debug, Clone, Default)]
pub struct ModelList {
    /// The entries, their models' names as they were written.
    pub entries: Vec<ListedModel>,
    /// Names beside the model list.
    named: Vec<NamedModel>,
    /// Groups that settings name.
    mentioned: Vec<Mention>,
    /// `true` when Agon is a client of another gateway.
    through_gateway: bool,
}

impl Config {
    /// The router's settings with the model list in them, its models by the names that `names` gives, and what the
    /// operator should know of it: entries that are left out, groups that nobody answers for.
    pub fn routed(&self, names: &dyn Names) -> (RouterConfig, Vec<Diagnostic>) {
        models::settle(self, names)
    }
}

/// Where to listen.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ServerConfig {
    /// An address of this machine; anything but loopback needs a master key.
    pub host: String,
    /// 0 takes any free one.
    pub port: u16,
    /// Threads that serve; one for each core when not set.
    pub workers: Option<NonZeroUsize>,
    /// The key that everything but health asks for: `os.environ/NAME`, `${NAME}` or `file:/path`.
    pub master_key: Option<KeySource>,
}

impl Default for ServerConfig {
    fn default() -> Self {
        Self {
            host: "127.0.0.1".to_owned(),
            port: 4000,
            workers: None,
            master_key: None,
        }
    }
}

/// A key, or where to find it. Never printed.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct KeySource(String);

impl fmt::Debug for KeySource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

impl KeySource {
    /// The key itself, once it has been looked up.
    pub fn secret(&self) -> Secret {
        Secret::new(self.0.clone())
    }
}

/// A database: `sqlite:./agon.db`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct DatabaseUrl(pub String);

impl Default for DatabaseUrl {
    fn default() -> Self {
        Self("sqlite:./agon.db".to_owned())
    }
}

/// What is logged.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LogConfig {
    /// How.
    pub format: LogFormat,
    /// What, as `info` or `agon=debug,warn`.
    pub filter: Option<String>,
    /// How much of what is asked and answered, at `DEBUG` and to whom calls are told.
    pub content: ContentLevel,
}

/// How a log line looks.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "snake_case")]
pub enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// One object a line.
    Json,
}

/// How models are called.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LlmConfig {
    /// `false` sends every provider that has a legacy client through it.
    pub use_unified: bool,
    /// Providers that go through their legacy client all the same.
    pub legacy_providers: Vec<String>,
    /// `true` refuses a request rather than sending it without a parameter that its provider does not take.
    pub strict: bool,
    /// Milliseconds that Agon may add to a call before it warns.
    pub overhead_warn_ms: u64,
    /// A folder of provider files that adds to those built in, or replaces them by id.
    pub providers_dir: Option<PathBuf>,
    /// A folder of model files, likewise.
    pub catalog_dir: Option<PathBuf>,
    /// Hosts that a caller's `api_base` may name, as `https://host[:port]`.
    pub allowed_api_bases: Vec<String>,
    /// Calls at once to one local server, by provider; 0, or a provider that is not named, takes any number.
    pub local_parallel: BTreeMap<String, usize>,
    /// What is asked of Ollama beside the chat.
    pub ollama: OllamaConfig,
}

impl Default for LlmConfig {
    fn default() -> Self {
        Self {
            use_unified: true,
            legacy_providers: Vec::new(),
            strict: false,
            overhead_warn_ms: 200,
            providers_dir: None,
            catalog_dir: None,
            allowed_api_bases: Vec::new(),
            local_parallel: LocalConfig::default().parallel,
            ollama: OllamaConfig::default(),
        }
    }
}

impl ServerConfig {
    /// `true` when only this machine can reach the address.
    pub fn is_loopback(&self) -> bool {
        let host = self.host.trim_start_matches('[').trim_end_matches(']');
        host == "localhost"
            || host
                .parse::<std::net::IpAddr>()
                .is_ok_and(|ip| ip.is_loopback())
    }
}
