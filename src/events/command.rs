//! What a debate can be told while it runs.

use serde::Deserialize;
use serde::Serialize;

use crate::types::ModelName;
use crate::types::Prices;
use crate::types::TurnId;
use crate::types::debate::Limits;

/// What a debate can be told.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "cmd", content = "data", rename_all = "snake_case")]
pub enum Command {
    /// Hold.
    Pause {
        /// When.
        #[serde(default)]
        at: PauseAt,
    },
    /// Go on.
    Resume {},
    /// End; upstreams are closed at once.
    Stop {
        /// Decide on what there is, instead of ending without a verdict.
        #[serde(default)]
        decide: bool,
    },
    /// Speak in a turn that a person's seat was asked for.
    Speak {
        /// The turn.
        turn: TurnId,
        /// The words; JSON where the turn's contract has fields.
        text: String,
    },
    /// Vote in a poll. One ballot for each identity; a later one replaces it.
    Vote {
        /// The phase that is the poll.
        poll: String,
        /// One of its choices.
        choice: String,
        /// How sure, 1 to 10.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        conviction: Option<u8>,
    },
    /// End the phase under way after its turns in flight.
    EndPhase {},
    /// Let the phase under way repeat so many times more.
    Extend {
        /// Repetitions.
        rounds: u32,
    },
    /// Ask for a turn again that is under way, or that was skipped in the repetition under way.
    RetryTurn {
        /// The turn.
        turn: TurnId,
    },
    /// Go on without a turn that is under way.
    SkipTurn {
        /// The turn.
        turn: TurnId,
    },
    /// Let an agent speak through another model from its next call on.
    SwapModel {
        /// Who.
        agent: String,
        /// Through which.
        model: ModelName,
        /// What it charges. The engine fills it in before the command is stored, so that replay needs no catalog.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        prices: Option<Box<Prices>>,
        /// Tokens that it takes in and gives out together; filled in by the engine, too.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        window_tokens: Option<u64>,
    },
    /// Raise caps; one that is left out stays as it is.
    RaiseLimit {
        /// The new caps.
        limits: Limits,
    },
    /// Say something into the debate.
    Interject {
        /// The words.
        text: String,
        /// For which agent; everybody when `None`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        to: Option<String>,
        /// `true` when who says it only watches: it is taken in phases that take remarks. Set by the server, from the
        /// sender's role.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        watches: bool,
    },
}

/// When a pause takes effect.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PauseAt {
    /// After the turns in flight.
    #[default]
    Turn,
    /// At once: turns in flight are void and asked for again afterwards.
    Now,
}
