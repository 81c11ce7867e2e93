//! How a debate is decided, and what is reported beside the verdict.

use serde::Deserialize;
use serde::Serialize;

/// How a debate is decided.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Decision {
    /// By which rule.
    pub rule: Rule,
    /// Over which answers: the last of these phases that ran counts.
    pub of: Vec<FieldRef>,
    /// Taken away from the field before: `swing` compares two polls.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub minus: Option<FieldRef>,
    /// What breaks a tie.
    pub tie: Tie,
    /// How much each ballot weighs.
    #[serde(default)]
    pub weights: Weights,
    /// Share of those asked whose ballots must count, 0 to 1; 0 is any.
    #[serde(default)]
    pub quorum: f64,
    /// Share of the ballots that a consensus needs, above 0.5 to 1; other rules do not look at it.
    #[serde(default = "Decision::unanimity")]
    pub threshold: f64,
    /// A ballot counts only if both orders of presentation agree.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub swap: bool,
    /// Least margin that wins: mean points of the judges' `margin` field where they give one; a smaller one is
    /// too close to call.
    #[serde(default)]
    pub min_margin: f64,
    /// Further decisions, reported beside this one and never mixed into it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub also: Vec<Self>,
}

impl Decision {
    fn unanimity() -> f64 {
        1.0
    }
}

/// How much each ballot weighs.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Weights {
    /// The same.
    #[default]
    Equal,
    /// Its field `confidence`, 0 to 1.
    Confidence,
    /// The steps of `ReConcile` for that confidence: 1 for 1, 0.8 from 0.9, 0.5 from 0.8, 0.3 from above 0.6, else 0.1; equal
    /// answers fall to the one whose first holder sits first (Chen et al. 2023, arXiv 2309.13007).
    ReconcileSteps,
    /// The rating that the caller gave each agent.
    Rating,
}

/// `PHASE.field`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FieldRef {
    /// The phase.
    pub phase: String,
    /// The field of its contract.
    pub field: String,
}

/// A rule of decision.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Rule {
    /// The answer of more than half of those who answered; less is a plurality, and says so.
    Majority,
    /// The answer of most.
    Plurality,
    /// What the judge says.
    Judge,
    /// What most judges say.
    Panel,
    /// The answer of the greatest weight.
    Weighted,
    /// The answer that most approve of; each ballot approves several.
    Approval,
    /// The answer with the most points from rankings.
    Borda,
    /// The answer with the lowest mean place in rankings.
    MeanRank,
    /// The answer with the most points; each ballot gives out the same sum.
    Cumulative,
    /// Instant run-off over rankings.
    Irv,
    /// The answer of a share of all, or none.
    Consensus,
    /// The answer that gained most between two polls.
    Swing,
    /// The text of a summary.
    Synthesis,
    /// The answer with the best course over all rounds: kept and adopted answers gain, abandoned ones lose
    /// (Free-MAD, arXiv 2509.11035).
    Trajectory,
}

/// What breaks a tie.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Tie {
    /// Nothing: it is reported as a tie.
    Split,
    /// The answer that was given in the earliest round.
    EarliestRound,
    /// A draw from the debate's seed.
    Seeded,
    /// The ruling of the first judge that gave one.
    Judge,
}

/// What is reported beside the verdict.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    /// The majority of the first, blind round.
    pub round0_majority: bool,
    /// The best single agent's answer before anybody saw another's.
    #[serde(default)]
    pub single_best: bool,
    /// The rule by which ballots are also counted and shown, beside a synthesis.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub aggregate: Option<Rule>,
    /// Who changed position, from what to what.
    pub flips: bool,
    /// What the losers held.
    pub dissent: bool,
}
