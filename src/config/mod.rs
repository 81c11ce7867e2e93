//! One file and the environment, typed; every mistake at once.

mod env_file;
mod load;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::fmt;
use std::num::NonZeroUsize;
use std::path::PathBuf;

use serde::Deserialize;

pub use env_file::environment;
pub use load::Overrides;
pub use load::load;

use crate::debate::DebateConfig;
use crate::http::HttpConfig;
use crate::observe::ObserveConfig;
use crate::observe::UsageConfig;
use crate::provider::LocalConfig;
use crate::provider::OllamaConfig;
use crate::router::RouterConfig;
use crate::types::ContentLevel;
use crate::types::Secret;

/// Everything that can be set.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
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
    /// Retries and cooldowns.
    pub router: RouterConfig,
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

/// Where to listen.
#[derive(Debug, Clone, Deserialize)]
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
#[derive(Clone, Deserialize)]
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
#[derive(Debug, Clone, Deserialize)]
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
