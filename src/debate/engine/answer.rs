//! Settings of the engine, and what it answers.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::debate::as_model::PresetConfig;
use crate::debate::order::OrderError;
use crate::debate::state::CommandRefused;
use crate::store::StoreError;
use crate::types::DebateId;
use crate::types::debate::Limits;

/// Settings of the debate engine.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct DebateConfig {
    /// Debates that run at the same time; one more is refused.
    pub max_running: usize,
    /// The model that judges when an order names no judge; the first debater's when not set.
    pub judge_model: Option<crate::types::ModelName>,
    /// Debates that answer as `debate/<name>`, beside the formats.
    pub presets: BTreeMap<String, PresetConfig>,
    /// Caps of debates that are asked for as models. A preset's own go before them; one that is left out is the usual one.
    pub model_limits: Limits,
    /// The model that reads answers which could not be read, in formats that ask for it; the cheapest of the
    /// cast when not set.
    pub extract_model: Option<crate::types::ModelName>,
}

impl Default for DebateConfig {
    fn default() -> Self {
        Self {
            max_running: 200,
            judge_model: None,
            presets: BTreeMap::new(),
            model_limits: Limits::default(),
            extract_model: None,
        }
    }
}

/// What became of an order.
#[derive(Debug, Clone)]
pub struct OrderOutcome {
    /// The debate.
    pub id: DebateId,
    /// `false` when the same idempotency key made it before.
    pub created: bool,
    /// What the one who ordered it should know.
    pub warnings: Vec<String>,
}

/// Why an order was not carried out.
#[derive(Debug, thiserror::Error)]
pub enum CreateError {
    /// The order is wrong.
    #[error(transparent)]
    Order(#[from] OrderError),
    /// Too many debates run.
    #[error(
        "{0} debates are running, which is the most: wait for one to end, or raise debate.max_running"
    )]
    Busy(usize),
    /// It could not be stored.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Why a command was not taken.
#[derive(Debug, thiserror::Error)]
pub enum CommandError {
    /// The debate does not take it.
    #[error(transparent)]
    Refused(#[from] CommandRefused),
    /// Another process runs the debate.
    #[error("another process runs this debate: tell it there")]
    Elsewhere,
    /// The process is stopping, or cannot store.
    #[error("the debate could not take the command now: try again")]
    Unavailable,
    /// The debate is not known or cannot be read.
    #[error(transparent)]
    Store(#[from] StoreError),
}
