//! What the events of a turn hold.

use serde::Deserialize;
use serde::Serialize;
use serde_json::Value;

use crate::types::FinishReason;
use crate::types::ModelName;
use crate::types::NanoUsd;
use crate::types::Usage;
use crate::types::debate::ParsePath;

/// A speaker is asked.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TurnStarted {
    /// Who.
    pub agent: String,
    /// In which role.
    pub role: String,
    /// For which side.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub side: Option<String>,
    /// Which model.
    pub model: ModelName,
    /// Which call of the turn, counted from 0.
    pub attempt: u32,
    /// Hash of the rendered request.
    pub prompt_hash: String,
    /// The model that could not speak, when a stand-in does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub substitute_for: Option<ModelName>,
    /// `true` when what it sees is in the reverse order, to find out whether the order decides.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub swapped: bool,
}

/// A person's words are wanted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HumanRequested {
    /// The seat; `None` asks the audience.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent: Option<String>,
    /// Who may answer; anybody who may command the debate when `None`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub identity: Option<String>,
    /// What is asked, as the seat's model would be asked.
    pub prompt: String,
    /// Seconds to answer in, counted from this event.
    pub deadline_s: u32,
}

/// A quote that was looked for in its sources, by normalised match: letters and digits only, case and spaces squashed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct QuoteCheck {
    /// The quote, without its tags.
    pub text: String,
    /// Whether it stands in a source.
    pub verified: bool,
    /// The title of the source.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
}

/// A speaker has spoken.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TurnCompleted {
    /// Who.
    pub agent: String,
    /// In which role.
    pub role: String,
    /// For which side.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub side: Option<String>,
    /// Which model.
    pub model: ModelName,
    /// The whole text.
    pub text: String,
    /// What was read out of it, when its contract has fields.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parsed: Option<Value>,
    /// How it was read.
    pub parse: ParsePath,
    /// Tokens of all calls of the turn.
    pub usage: Usage,
    /// Money of all calls of the turn; `None` when a price is not known.
    pub cost_nanousd: Option<NanoUsd>,
    /// Milliseconds until the first token of the answer that counts.
    pub ttft_ms: u64,
    /// Milliseconds of the answer that counts.
    pub total_ms: u64,
    /// Why it ended.
    pub finish: FinishReason,
    /// Its quotes, in order, where its contract has them checked.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub quotes: Vec<QuoteCheck>,
    /// `true` when a person spoke.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub human: bool,
    /// What was left out of the request to fit the model's window, one line each.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub left_out: Vec<String>,
}

/// A turn is void, for now or for good.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TurnReset {
    /// Who.
    pub agent: String,
    /// Which call of the turn failed, counted from 0.
    pub attempt: u32,
    /// The class of the failure; `contract` for an answer that could not be read, `restart` for a process that
    /// died, `pause` for a pause at once, `stop` for a stop.
    pub reason: String,
    /// What happened.
    pub message: String,
    /// What follows.
    pub action: TurnAction,
}

/// What follows a failed call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TurnAction {
    /// The same model is asked again.
    Retry,
    /// It is asked to mend its answer.
    Repair,
    /// The stand-in is asked.
    Substitute,
    /// There is no statement.
    Skip,
    /// The side loses.
    Forfeit,
    /// The debate ends.
    Abort,
    /// It is asked again after the pause.
    Hold,
}
