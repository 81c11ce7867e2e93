//! Does debating help? Keyed questions through single models, votes and debates, compared at the same budget.
//!
//! `question`, `number`, `contestant`, `budget`, `stats` and `report` compute; `ask`, `judge` and `bout` call models and
//! run debates; `journal` keeps what was paid for; `campaign` does it all in order.

mod ask;
mod bout;
mod budget;
mod campaign;
mod contestant;
mod journal;
mod judge;
mod number;
mod question;
mod report;
mod spent;
mod stats;
#[cfg(test)]
mod tests;

use std::fmt::Display;
use std::path::Path;

pub use ask::Sampled;
pub use budget::Budget;
pub use budget::Matched;
pub use budget::Standing;
pub use campaign::Ended;
pub use campaign::Eval;
pub use campaign::EvalParts;
pub use campaign::EvalPlan;
pub use campaign::Progress;
pub use contestant::Contestant;
pub use contestant::InvalidContestant;
pub use contestant::VoteSize;
pub use journal::Asked;
pub use journal::CallLine;
pub use journal::Debated;
pub use journal::Failure;
pub use journal::Flips;
pub use journal::Grade;
pub use journal::Journal;
pub use journal::Manifest;
pub use journal::Record;
pub use journal::Round0;
pub use number::Number;
pub use question::Key;
pub use question::Kind;
pub use question::Question;
pub use question::read;
pub use report::Debating;
pub use report::Pair;
pub use report::Report;
pub use report::Row;
pub use report::Share;
pub use stats::Interval;
pub use stats::holm;
pub use stats::mcnemar_exact;
pub use stats::paired_difference;
pub use stats::wilson;

use crate::debate::CreateError;
use crate::store::StoreError;

/// Why an evaluation cannot begin or go on.
#[derive(Debug, thiserror::Error)]
pub enum EvalError {
    /// What was asked for cannot be done; the message says what to do instead.
    #[error("{0}")]
    Refused(String),
    /// A file cannot be read or written.
    #[error("{0}")]
    File(String),
    /// A call failed for a reason for which every other would.
    #[error("every further call would fail: {0}")]
    Fatal(String),
    /// A debate could not be created.
    #[error("{contestant}: {error}")]
    Create {
        /// For whom.
        contestant: String,
        /// Why.
        error: CreateError,
    },
    /// The debates' store does not work.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl EvalError {
    fn file(path: &Path, error: &dyn Display) -> Self {
        Self::File(format!("{}: {error}", path.display()))
    }
}

/// Classes of failure for which asking anybody anything else is no use.
fn is_fatal(code: &str) -> bool {
    matches!(
        code,
        "authentication" | "permission_denied" | "model_not_found" | "quota_exhausted"
    )
}
