//! What local servers need that companies do not: a place in line, a context that is large enough, and somebody who
//! says that a model is still being loaded.

mod admin;
pub(super) mod ask;
mod config;
mod context;
mod facts;
mod line;
mod loading;
mod pull;
mod servers;

pub use admin::OllamaError;
pub use admin::OllamaServer;
pub use config::LocalConfig;
pub use config::OllamaConfig;
pub use config::OllamaModelConfig;
pub use pull::PullLine;
pub use pull::PullProgress;
pub use pull::pull_remedy;

pub(super) use facts::ModelFacts;
pub(super) use line::Permit;
pub(super) use line::held;
pub(super) use servers::LocalCall;
pub(super) use servers::LocalServers;
