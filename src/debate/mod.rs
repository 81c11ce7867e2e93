//! The debate engine: formats, the pure step, the driver, who sees what, decisions.
//!
//! `state` decides and knows nothing outside; `driver` performs what it decides; `engine` owns the drivers.

mod as_model;
mod call;
mod compare;
pub mod contract;
mod decide;
mod driver;
mod engine;
pub mod eval;
pub mod evidence;
mod fold;
pub mod format;
mod order;
mod plan;
mod predicate;
mod prefix;
mod replay;
mod schedule;
pub mod state;
#[cfg(test)]
mod table;
mod view;
mod wall;

pub use as_model::Candidates;
pub use as_model::Casting;
pub use as_model::ChatReader;
pub use as_model::DebateModelParts;
pub use as_model::DebateModels;
pub use as_model::PresetAgentConfig;
pub use as_model::PresetConfig;
pub use as_model::WithDebates;
pub use call::Origin;
pub use compare::Comparison;
pub use compare::Said;
pub use compare::Side;
pub use compare::compare;
pub use decide::Moves;
pub use decide::choose_judges;
pub use decide::family;
pub use decide::flip_kind;
pub use decide::moves;
pub use engine::CommandError;
pub use engine::CreateError;
pub use engine::DebateConfig;
pub use engine::Engine;
pub use engine::EngineParts;
pub use engine::ForkError;
pub use engine::ForkOrder;
pub use engine::ForkOutcome;
pub use engine::OrderOutcome;
pub use order::AgentOrder;
pub use order::DebateOrder;
pub use order::OrderError;
pub use order::OrderProblem;
pub use order::Roster;
pub use plan::CallPlan;
pub use plan::Reservation;
pub use replay::Divergence;
pub use replay::Replayed;
pub use replay::replay;
