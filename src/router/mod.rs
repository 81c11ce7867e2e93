//! From a name to an answer: groups, choice, attempts, health, limits, fallbacks. Itself a source of clients.
//!
//! The only place that tries a call again, and only before its first chunk. What decides is pure: `plan` (who can be
//! asked, and when), `strategy` (who is), `retry`, `fallback` and `health`. `calling` does, `ticket` and `meter` note
//! and report, `explain` tells. A `snapshot` holds one configuration, compiled; a call ends under the one that it began
//! with.

mod call_log;
mod calling;
mod config;
mod dice;
mod embed;
mod errand;
mod explain;
mod fallback;
mod group;
mod health;
mod kept;
mod meter;
mod minute;
mod named;
mod pattern;
mod plan;
mod retry;
mod routes;
mod run;
mod sessions;
mod snapshot;
mod state;
mod strategy;
mod targets;
mod ticket;

pub use call_log::CallLog;
pub use config::Alias;
pub use config::FailureClass;
pub use config::LatencyConfig;
pub use config::RouterConfig;
pub use config::Strategy;
pub use explain::CostRange;
pub use explain::ExplainedAttempt;
pub use explain::ExplainedCall;
pub use explain::ExplainedDeployment;
pub use explain::ExplainedExclusion;
pub use explain::ExplainedReason;
pub use explain::Explanation;
pub use explain::LimitsLeft;
pub use explain::Verdict;
pub use routes::ListedGroup;
pub use routes::Route;
pub use run::BareNames;
pub use run::PriceList;
pub use run::PromptLimits;
pub use run::Router;
pub use run::RouterParts;

#[cfg(test)]
mod tests;
