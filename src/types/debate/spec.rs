//! One debate as it was ordered: its question, its cast and its caps, frozen at creation.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde::Serialize;

use super::format::Format;
use crate::types::DebateId;
use crate::types::Endpoint;
use crate::types::ModelName;
use crate::types::NanoUsd;
use crate::types::Prices;

/// All that a debate starts from. Nothing outside it decides what happens, but the models' answers,
/// the commands and the clock.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Spec {
    /// The question.
    pub topic: String,
    /// A short name; the topic's beginning when none was given.
    pub title: String,
    /// The format, whole: a later change of its file does not touch this debate.
    pub format: Format,
    /// Who takes part, debaters first, in speaking order.
    pub cast: Vec<CastMember>,
    /// Caps: the stricter of the format's and the order's.
    pub limits: Limits,
    /// Every shuffle, label and tie-break derives from it.
    pub seed: u64,
    /// Answers to choose from, where the order names them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub options: Vec<String>,
    /// Texts that every agent may see and quote.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub facts: Vec<Document>,
    /// Texts that only the roles see which name them, by the name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub secrets: BTreeMap<String, Document>,
    /// `true` when people watch who answer polls and put remarks; otherwise phases that wait for them are left out.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub audience: bool,
    /// Who reads answers that their contract could not be read out of, where the contract says `ask`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub extractor: Option<Extractor>,
    /// Where it was forked from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent: Option<Parent>,
}

/// The cheap model that reads answers which could not be read.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Extractor {
    /// Which.
    pub model: ModelName,
    /// What it charges; `None` when the catalog does not know.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prices: Option<Prices>,
}

/// A text that agents argue from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Document {
    /// What it is called.
    pub title: String,
    /// Its text, plain or Markdown.
    pub text: String,
}

/// The debate that another one was forked from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Parent {
    /// Which.
    pub debate: DebateId,
    /// Its last event that both share.
    pub seq: u64,
    /// What was changed, one line each.
    pub changes: Vec<String>,
}

/// An agent in its role.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CastMember {
    /// Unique in the debate.
    pub name: String,
    /// A role of the format.
    pub role: String,
    /// The role's side.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub side: Option<String>,
    /// Who speaks; for a person's seat, who stands in after the deadline.
    pub model: ModelName,
    /// Set when a person holds the seat.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub human: Option<HumanSeat>,
    /// Who speaks when that one cannot.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub substitute: Option<ModelName>,
    /// Instructions of the agent's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub persona: Option<String>,
    /// 0.0 to 2.0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub temperature: Option<f32>,
    /// Tokens of each answer, at most; the phase's figure when `None`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_tokens: Option<u32>,
    /// Another address or credential.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub endpoint: Option<Endpoint>,
    /// What its model charges; `None` when the catalog does not know.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prices: Option<Prices>,
    /// Tokens that its model takes in and gives out together; `None` when the catalog does not know.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub window_tokens: Option<u64>,
    /// How much its ballots weigh under `weights = "rating"`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rating: Option<f64>,
    /// `true` when nobody named this agent and Agon filled the seat.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub defaulted: bool,
}

/// A person in a seat of the cast.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HumanSeat {
    /// Who may speak for it; anybody who may command the debate when `None`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub identity: Option<String>,
    /// Seconds to answer in; then the seat's model stands in, and the transcript says so.
    pub deadline_s: u32,
}

/// Caps; `None` is no cap.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// Repetitions of any phase.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rounds: Option<u32>,
    /// Model calls.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub calls: Option<u64>,
    /// Tokens, prompts and answers together.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tokens: Option<u64>,
    /// US dollars.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cost_usd: Option<f64>,
    /// Seconds from start to verdict; time spent paused does not count.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub wall_s: Option<u64>,
}

impl Limits {
    /// These caps, and `others` where there is none.
    #[must_use]
    pub fn or(self, others: Self) -> Self {
        Self {
            rounds: self.rounds.or(others.rounds),
            calls: self.calls.or(others.calls),
            tokens: self.tokens.or(others.tokens),
            cost_usd: self.cost_usd.or(others.cost_usd),
            wall_s: self.wall_s.or(others.wall_s),
        }
    }

    /// The stricter of two sets, cap by cap.
    #[must_use]
    pub fn stricter(self, other: Self) -> Self {
        fn least<T: PartialOrd>(a: Option<T>, b: Option<T>) -> Option<T> {
            match (a, b) {
                (Some(a), Some(b)) => Some(if b < a { b } else { a }),
                (a, b) => a.or(b),
            }
        }
        Self {
            rounds: least(self.rounds, other.rounds),
            calls: least(self.calls, other.calls),
            tokens: least(self.tokens, other.tokens),
            cost_usd: least(self.cost_usd, other.cost_usd),
            wall_s: least(self.wall_s, other.wall_s),
        }
    }
}

/// What a debate can use at most, and what it is expected to use, before it starts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Estimate {
    /// Model calls at most, repairs included.
    pub max_calls: u64,
    /// Model calls when nothing has to be mended.
    pub expected_calls: u64,
    /// Prompt tokens at most.
    pub max_input_tokens: u64,
    /// Answer tokens at most.
    pub max_output_tokens: u64,
    /// Money at most; `None` when a price is unknown.
    pub max_cost_nanousd: Option<NanoUsd>,
    /// Prompt tokens when answers are as long as they are asked to be and nothing has to be mended.
    #[serde(default)]
    pub expected_input_tokens: u64,
    /// Answer tokens then.
    #[serde(default)]
    pub expected_output_tokens: u64,
    /// Money then; `None` when a price is unknown.
    #[serde(default)]
    pub expected_cost_nanousd: Option<NanoUsd>,
}
