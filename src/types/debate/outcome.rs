//! How a debate stands and how it ended.

use serde::Deserialize;
use serde::Serialize;
use serde_json::Value;

use crate::types::NanoUsd;
use crate::types::Usage;

/// Where a debate is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Created, not started.
    Queued,
    /// Turns are being had.
    Running,
    /// Held until it is resumed.
    Paused,
    /// For a person to answer.
    Waiting,
    /// Told to stop; upstreams are being closed.
    Stopping,
    /// Over, with its verdict or the reason for none.
    Finished,
    /// Stopped by command.
    Cancelled,
    /// It could not go on.
    Failed,
}

impl Status {
    /// `true` when nothing will happen any more.
    pub fn is_over(self) -> bool {
        match self {
            Self::Finished | Self::Cancelled | Self::Failed => true,
            Self::Queued | Self::Running | Self::Paused | Self::Waiting | Self::Stopping => false,
        }
    }

    /// The word of the protocol.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Running => "running",
            Self::Paused => "paused",
            Self::Waiting => "waiting",
            Self::Stopping => "stopping",
            Self::Finished => "finished",
            Self::Cancelled => "cancelled",
            Self::Failed => "failed",
        }
    }
}

/// How good the result is, apart from whether the debate ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// Everybody spoke, everything was read.
    Complete,
    /// There is a result, but something was substituted, skipped, forfeited or not read.
    Degraded,
    /// It ended before its end; what there is, is shown.
    Partial,
    /// There is no result.
    Failed,
}

impl Outcome {
    /// All of them, best first.
    pub const ALL: [Self; 4] = [Self::Complete, Self::Degraded, Self::Partial, Self::Failed];

    /// The word of the protocol.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Complete => "complete",
            Self::Degraded => "degraded",
            Self::Partial => "partial",
            Self::Failed => "failed",
        }
    }
}

/// What a debate has used.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Totals {
    /// Model calls, failed ones included.
    pub calls: u64,
    /// Tokens.
    pub usage: Usage,
    /// Money, as far as prices are known.
    pub cost_nanousd: NanoUsd,
    /// `false` when a call's price is not known, so that the cost is a lower bound.
    pub cost_known: bool,
}

/// How an answer was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ParsePath {
    /// Nothing had to be read out of it.
    Text,
    /// The whole text was the JSON.
    Strict,
    /// A fenced block or the outermost braces.
    Fence,
    /// A pattern.
    Regex,
    /// It could not be read: an outcome of its own, never a guess.
    Unparsed,
}

/// Whether and how it was decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum VerdictStatus {
    /// There is a winner or an answer.
    Decided,
    /// Equal, and the format breaks no ties.
    Tie,
    /// A side could not speak.
    Forfeit,
    /// Nobody decided: the ballots could not be had or read.
    Undecided,
}

/// The result of a debate.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Verdict {
    /// Whether it was decided.
    pub status: VerdictStatus,
    /// The rule that decided.
    pub rule: String,
    /// The winning side, in two-sided formats.
    pub winner: Option<String>,
    /// The answer, in answer-seeking formats and where a judge gives one.
    pub answer: Option<String>,
    /// Why, in the judge's words or as a count.
    pub reason: String,
    /// Share of the ballots by which it won, 0 to 1; `None` when there was one ballot.
    pub margin: Option<f64>,
    /// All ballots, those that could not be read included.
    pub panel: Vec<Ballot>,
    /// What would have come out without debating.
    pub baselines: Vec<Baseline>,
    /// Who changed position.
    pub flips: Vec<Flip>,
    /// What the losers held.
    pub dissent: Vec<String>,
    /// Whether swapping the order of presentation gives the same verdict; `None` when it was not tried.
    pub swap_consistent: Option<bool>,
    /// What a reader should know, for example that the judge shares a debater's model.
    pub notes: Vec<String>,
}

/// One ballot.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Ballot {
    /// Who gave it.
    pub agent: String,
    /// What it says; `None` when it could not be had or read.
    pub choice: Option<String>,
    /// The whole ruling.
    pub parsed: Option<Value>,
    /// How it was read.
    pub parse: ParsePath,
}

/// A result without debating.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Baseline {
    /// Which: `round0_majority`.
    pub id: String,
    /// Its answer; `None` when there was none or a tie.
    pub answer: Option<String>,
    /// How many held it.
    pub support: u32,
    /// Of how many.
    pub of: u32,
}

/// A change of position.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Flip {
    /// Who.
    pub agent: String,
    /// From what.
    pub from: String,
    /// To what.
    pub to: String,
    /// In which round, counted from 0.
    pub round: u32,
}
