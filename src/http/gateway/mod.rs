//! The gateway: the addresses that clients of OpenAI, Anthropic, Google, Ollama and `LiteLLM` know.
//!
//! No middleware stands before these routes, since each costs a request microseconds: they look at the key
//! themselves, and say what is wrong in the dialect of their path.

mod answer;
mod completions;
mod count;
mod described;
mod embeddings;
mod endpoint;
mod exchange;
mod explain;
mod failure;
mod health;
mod model_info;
mod models;
mod names;
mod ollama;
mod plans;
mod renamed;
mod request_headers;
mod routes;
mod settings;
mod several;
mod stream;
mod told_headers;
mod upstream_headers;

pub(in crate::http) use described::describe;
pub(in crate::http) use endpoint::serve;
pub(in crate::http) use request_headers::RequestHeaders;
pub(in crate::http) use routes::behind_base;
pub(in crate::http) use routes::is_at_home;
pub(in crate::http) use routes::no_such_path;
pub(in crate::http) use routes::report;
pub(in crate::http) use routes::routes;
pub(in crate::http) use routes::usual;
pub use settings::GatewaySettings;
