//! Calling out: the clients that reach providers, and the offline provider inside this program.
//!
//! [`ClientFactory`] turns a model's name into a client. [`UnifiedClient`] is the one for every provider that
//! has a file; [`LlmFlag`] puts a provider on its legacy client instead; [`DemoClient`] needs nobody.

mod answer;
mod auth;
mod connect;
pub mod demo;
pub mod discovery;
mod dropped;
pub mod embed;
pub mod environment;
pub mod factory;
mod failure;
pub mod flag;
#[cfg(feature = "legacy")]
mod flagged;
mod lane;
#[cfg(feature = "legacy")]
pub mod legacy;
mod local;
mod opened;
mod passing;
mod plain;
pub mod prepared;
mod replicate;
mod reply;
pub mod timeouts;
pub mod transport;
pub mod unified;
mod waits;

pub use connect::tls_config;
pub use demo::DemoClient;
pub use demo::DemoPace;
pub use discovery::Discovered;
pub use discovery::DiscoveredModel;
pub use discovery::Discovery;
pub use dropped::DroppedParams;
pub use embed::UnifiedEmbedder;
pub use environment::Environment;
pub use factory::ClientFactory;
pub use factory::FactoryParts;
pub use flag::FlagState;
pub use flag::LlmFlag;
pub use local::LocalConfig;
pub use local::OllamaConfig;
pub use local::OllamaError;
pub use local::OllamaModelConfig;
pub use local::OllamaServer;
pub use local::PullLine;
pub use local::PullProgress;
pub use local::pull_remedy;
pub use prepared::Preview;
pub use timeouts::CallTimeouts;
pub use timeouts::GeneralTimeouts;
pub use transport::Transport;
pub use unified::UnifiedClient;
pub use unified::UnifiedParts;
