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
    /// Another, cheap model read it out of the answer.
    Extracted,
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
    /// There is a leader, by less than the format's least margin, or one that changes with the order of reading.
    TooClose,
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
    /// How alike the counted ballots are: the mean over their pairs, 0 to 1; `None` for fewer than two.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agreement: Option<f64>,
    /// Fleiss' kappa of the counted ballots, where they rate several things: agreement beyond chance, 1 for all alike.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kappa: Option<f64>,
    /// Points of each choice under the rule, in its order: the most first, under `mean_rank` the fewest.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tally: Vec<Tally>,
    /// Further decisions of the format, apart from this one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub also: Vec<SideVerdict>,
    /// Whether debating helped.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub card: Option<Card>,
    /// What a reader should know, for example that the judge shares a debater's model.
    pub notes: Vec<String>,
}

/// One ballot.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Ballot {
    /// Who gave it.
    pub agent: String,
    /// What it says, labels turned back into names; `None` when it could not be had or read.
    pub choice: Option<String>,
    /// The whole ruling.
    pub parsed: Option<Value>,
    /// How it was read.
    pub parse: ParsePath,
    /// How much it weighs; 1 when every ballot weighs the same.
    #[serde(default = "Ballot::one")]
    pub weight: f64,
    /// What the same reader said when the order was reversed; `None` when it was not asked or could not be read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub swapped: Option<String>,
    /// Whether it was counted.
    #[serde(default = "Ballot::counted")]
    pub counts: bool,
}

impl Ballot {
    fn one() -> f64 {
        1.0
    }

    fn counted() -> bool {
        true
    }
}

/// Points of a choice.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Tally {
    /// The choice.
    pub choice: String,
    /// Its votes, weights or points.
    pub points: f64,
}

/// A decision beside the verdict.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SideVerdict {
    /// The rule that decided it.
    pub rule: String,
    /// Whether it was decided.
    pub status: VerdictStatus,
    /// The winner or answer.
    pub winner: Option<String>,
    /// Points of each choice, the most first.
    pub tally: Vec<Tally>,
    /// Why, as a count.
    pub reason: String,
}

/// Whether debating helped: what would have come out without it, what came out, and what each cost.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Card {
    /// The answer of the agent that was the surest before anybody saw another's; where answers are texts, the one that
    /// the readers ranked first.
    pub best_single: Option<Baseline>,
    /// What most held before anybody saw another's answer.
    pub round0_majority: Option<Baseline>,
    /// What came out.
    pub outcome: Baseline,
    /// Agents that came from another answer to the one that came out.
    pub helped: u32,
    /// Agents that gave up the answer that came out for one that more others held, and did not come back to it.
    pub bullied: u32,
    /// One sentence for people.
    pub summary: String,
}

/// A result without debating.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Baseline {
    /// Which: `round0_majority`, `single_best`, `outcome`.
    pub id: String,
    /// Whose answer it is, when it is one agent's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent: Option<String>,
    /// Its answer; `None` when there was none or a tie.
    pub answer: Option<String>,
    /// How many held it.
    pub support: u32,
    /// Of how many.
    pub of: u32,
    /// Tokens that it took.
    #[serde(default)]
    pub tokens: u64,
    /// Money that it took; `None` when a price is not known.
    #[serde(default)]
    pub cost_nanousd: Option<NanoUsd>,
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
    /// How many others held the old answer when it changed.
    #[serde(default)]
    pub from_support: u32,
    /// How many others held the new one.
    #[serde(default)]
    pub to_support: u32,
    /// What kind of change it was.
    #[serde(default)]
    pub kind: FlipKind,
}

/// What kind of change of position.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FlipKind {
    /// To the answer that came out.
    Helped,
    /// Away from the answer that came out, to that of more others.
    Bullied,
    /// Neither.
    #[default]
    Other,
}
