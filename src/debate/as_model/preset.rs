//! A debate that the operator has prepared under a name.

use serde::Deserialize;

use crate::debate::order::AgentOrder;
use crate::types::ModelName;
use crate::types::debate::Limits;

/// A debate that is held whenever `debate/<its name>` is asked.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PresetConfig {
    /// A format's id.
    pub format: String,
    /// Who debates; the default cast when nobody is named.
    #[serde(default)]
    pub agents: Vec<PresetAgentConfig>,
    /// Who judges or moderates.
    #[serde(default)]
    pub judges: Vec<PresetAgentConfig>,
    /// Caps; those of `debate.model_limits` hold where it has none.
    #[serde(default)]
    pub limits: Limits,
    /// Answers to choose from.
    #[serde(default)]
    pub options: Vec<String>,
    /// For every shuffle and tie-break; the caller's, or drawn, when not given.
    #[serde(default)]
    pub seed: Option<u64>,
}

/// An agent of a preset.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PresetAgentConfig {
    /// Its name; made from its role when not given.
    #[serde(default)]
    pub name: Option<String>,
    /// Its role; the next free seat when not given.
    #[serde(default)]
    pub role: Option<String>,
    /// Who speaks: `provider/model`.
    pub model: ModelName,
    /// Who speaks when that one cannot.
    #[serde(default)]
    pub substitute: Option<ModelName>,
    /// Instructions of its own.
    #[serde(default)]
    pub persona: Option<String>,
    /// 0.0 to 2.0.
    #[serde(default)]
    pub temperature: Option<f32>,
    /// Tokens of each answer, at most.
    #[serde(default)]
    pub max_tokens: Option<u32>,
}

impl PresetAgentConfig {
    /// The agent as an order names it.
    pub(super) fn order(&self) -> AgentOrder {
        AgentOrder {
            name: self.name.clone(),
            role: self.role.clone(),
            substitute: self.substitute.clone(),
            persona: self.persona.clone(),
            temperature: self.temperature,
            max_tokens: self.max_tokens,
            ..AgentOrder::of(self.model.clone())
        }
    }
}

/// Caps of a debate that is asked for as a model, unless the operator sets others: a chat client does not see what it
/// starts, so that it must not be able to start something endless.
pub(super) fn default_limits() -> Limits {
    Limits {
        rounds: None,
        calls: Some(80),
        tokens: Some(400_000),
        cost_usd: Some(1.0),
        wall_s: Some(900),
    }
}
