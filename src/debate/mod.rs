//! The debate engine: formats, the pure step, the driver, who sees what, decisions.
//!
//! `state` decides and knows nothing outside; `driver` performs what it decides; `engine` owns the drivers.

mod call;
pub mod contract;
mod decide;
mod driver;
mod engine;
pub mod evidence;
mod fold;
pub mod format;
mod order;
mod plan;
mod predicate;
pub mod state;
mod view;
mod wall;

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
pub use engine::OrderOutcome;
pub use order::AgentOrder;
pub use order::DebateOrder;
pub use order::OrderError;
pub use order::OrderProblem;
pub use order::Roster;
pub use plan::CallPlan;
pub use plan::Reservation;
