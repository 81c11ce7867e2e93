//! From a model's name to an answer: plan, attempts, health. Itself a source of clients.
//!
//! The only place that tries a call again, and only before its first chunk. `plan` and `retry` decide,
//! `health` remembers, `run` does, `meter` reports.

mod book;
mod call_log;
mod config;
mod health;
mod meter;
mod plan;
mod retry;
mod routes;
mod run;

pub use call_log::CallLog;
pub use config::Alias;
pub use config::FailureClass;
pub use config::LatencyConfig;
pub use config::RouterConfig;
pub use config::Strategy;
pub use routes::ListedGroup;
pub use routes::Route;
pub use run::PriceList;
pub use run::Router;
pub use run::RouterParts;

#[cfg(test)]
mod tests;
