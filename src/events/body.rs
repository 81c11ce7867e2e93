//! The durable events of a debate. Those marked *input* are what the engine is fed on replay;
//! all others derive from them.

use serde::Deserialize;
use serde::Serialize;

use super::command::Command;
use super::turn::HumanRequested;
use super::turn::QuoteCheck;
use super::turn::TurnCompleted;
use super::turn::TurnReset;
use super::turn::TurnStarted;
use crate::types::FinishReason;
use crate::types::ModelName;
use crate::types::NanoUsd;
use crate::types::TurnId;
use crate::types::Usage;
use crate::types::debate::Estimate;
use crate::types::debate::Limits;
use crate::types::debate::Order;
use crate::types::debate::Outcome;
use crate::types::debate::ParsePath;
use crate::types::debate::PhaseKind;
use crate::types::debate::Spec;
use crate::types::debate::Tally;
use crate::types::debate::Totals;
use crate::types::debate::Verdict;

/// A durable event: `type` and `data` of its envelope.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", content = "data")]
pub enum EventBody {
    /// The debate was ordered. *Input.*
    #[serde(rename = "debate.created")]
    Created(Box<Created>),
    /// Its driver began. *Input.*
    #[serde(rename = "debate.started")]
    Started {},
    /// Another process took it over after the first one died. *Input.*
    #[serde(rename = "debate.recovered")]
    Recovered {
        /// The lease's number under which it goes on.
        epoch: u64,
    },
    /// It is held.
    #[serde(rename = "debate.paused")]
    Paused {},
    /// It goes on.
    #[serde(rename = "debate.resumed")]
    Resumed {},
    /// Somebody told it something. *Input.*
    #[serde(rename = "command.accepted")]
    CommandAccepted {
        /// The sender's id of the command; a second one of the same id changes nothing.
        id: String,
        /// Who sent it, where the sender is known.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        by: Option<String>,
        /// What.
        #[serde(flatten)]
        command: Command,
    },
    /// A model call ended, well or badly. *Input.*
    #[serde(rename = "call.finished")]
    CallFinished(Box<CallFinished>),
    /// A timer ran out. *Input.*
    #[serde(rename = "timer.fired")]
    TimerFired {
        /// Which.
        timer: TimerId,
    },
    /// A phase, or one repetition of it, begins.
    #[serde(rename = "phase.started")]
    PhaseStarted {
        /// What its turns are.
        kind: PhaseKind,
        /// In which order.
        order: Order,
        /// Who speaks.
        speakers: Vec<String>,
        /// Which repetition, counted from 0.
        repetition: u32,
    },
    /// A phase, or one repetition of it, ended.
    #[serde(rename = "phase.finished")]
    PhaseFinished {
        /// Which repetition, counted from 0.
        repetition: u32,
        /// Why: `done`, `agreed`, `quorum_not_met`, `budget`, `stopped`.
        stop_reason: String,
    },
    /// A speaker is asked.
    #[serde(rename = "turn.started")]
    TurnStarted(Box<TurnStarted>),
    /// A turn waits for something other than the model's words. *Input.*
    #[serde(rename = "turn.waiting")]
    TurnWaiting(WaitingFor),
    /// A speaker has spoken.
    #[serde(rename = "turn.completed")]
    TurnCompleted(Box<TurnCompleted>),
    /// What was streamed of a turn is void; it is asked for again.
    #[serde(rename = "turn.reset")]
    TurnReset(TurnReset),
    /// A turn cannot be had.
    #[serde(rename = "turn.failed")]
    TurnFailed(TurnReset),
    /// An agent changed its mind.
    #[serde(rename = "position.changed")]
    PositionChanged {
        /// Who.
        agent: String,
        /// From what.
        from: String,
        /// To what.
        to: String,
    },
    /// A person's words were taken in.
    #[serde(rename = "human.accepted")]
    HumanAccepted {
        /// The words.
        text: String,
        /// For whom; everybody when `None`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        to: Option<String>,
    },
    /// A person's words are wanted: a turn of a seat, or remarks of the audience.
    #[serde(rename = "human.requested")]
    HumanRequested(HumanRequested),
    /// The audience is asked.
    #[serde(rename = "poll.opened")]
    PollOpened {
        /// What can be chosen.
        choices: Vec<String>,
        /// Seconds until it closes, counted from this event; `None` stays open until a command ends the phase.
        timeout_s: Option<u32>,
        /// `true` when the tally is kept back until the debate ends.
        hidden: bool,
    },
    /// Somebody voted in a poll; what, is told when the poll's tally is.
    #[serde(rename = "vote.cast")]
    VoteCast {
        /// The phase that is the poll.
        poll: String,
        /// Ballots so far; a second ballot of the same identity replaces its first.
        ballots: u32,
    },
    /// A poll is over.
    #[serde(rename = "poll.closed")]
    PollClosed {
        /// Ballots.
        ballots: u32,
        /// Votes of each choice; `None` while they are kept back.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        tally: Option<Vec<Tally>>,
    },
    /// A quote in a turn was looked for in its sources.
    #[serde(rename = "claim.checked")]
    ClaimChecked(QuoteCheck),
    /// A round was summed up.
    #[serde(rename = "summary.ready")]
    SummaryReady {
        /// The summary.
        text: String,
        /// The turns that it covers.
        covers: Vec<TurnId>,
    },
    /// An agent speaks through another model from now on.
    #[serde(rename = "model.swapped")]
    ModelSwapped {
        /// Who.
        agent: String,
        /// Through which model until now.
        from: ModelName,
        /// Through which from now on.
        to: ModelName,
    },
    /// Caps were raised.
    #[serde(rename = "limits.raised")]
    LimitsRaised(Limits),
    /// Most of a cap is used.
    #[serde(rename = "budget.warning")]
    BudgetWarning {
        /// Which cap: `calls`, `tokens`, `cost_usd`.
        cap: String,
        /// Used and reserved.
        used: f64,
        /// The cap.
        limit: f64,
    },
    /// A cap would be broken, so the next call is not made.
    #[serde(rename = "budget.exceeded")]
    BudgetExceeded {
        /// Which cap: `calls`, `tokens`, `cost_usd`, `wall_s`.
        cap: String,
        /// Used, and what the next step would reserve.
        used: f64,
        /// The cap.
        limit: f64,
    },
    /// The ballots are in; the decision follows.
    #[serde(rename = "verdict.started")]
    VerdictStarted {},
    /// The decision.
    #[serde(rename = "verdict.final")]
    VerdictFinal(Box<Verdict>),
    /// The debate is over.
    #[serde(rename = "debate.finished")]
    Finished(Box<Ending>),
    /// It was stopped.
    #[serde(rename = "debate.cancelled")]
    Cancelled(Box<Ending>),
    /// It could not go on.
    #[serde(rename = "debate.failed")]
    Failed(Box<Ending>),
}

impl EventBody {
    /// `true` for what the engine is fed on replay.
    pub fn is_input(&self) -> bool {
        match self {
            Self::Created(_)
            | Self::Started {}
            | Self::Recovered { .. }
            | Self::CommandAccepted { .. }
            | Self::CallFinished(_)
            | Self::TurnWaiting(_)
            | Self::TimerFired { .. } => true,
            Self::Paused {}
            | Self::Resumed {}
            | Self::PhaseStarted { .. }
            | Self::PhaseFinished { .. }
            | Self::TurnStarted(_)
            | Self::TurnCompleted(_)
            | Self::TurnReset(_)
            | Self::TurnFailed(_)
            | Self::PositionChanged { .. }
            | Self::HumanAccepted { .. }
            | Self::HumanRequested(_)
            | Self::PollOpened { .. }
            | Self::VoteCast { .. }
            | Self::PollClosed { .. }
            | Self::ClaimChecked(_)
            | Self::SummaryReady { .. }
            | Self::ModelSwapped { .. }
            | Self::LimitsRaised(_)
            | Self::BudgetWarning { .. }
            | Self::BudgetExceeded { .. }
            | Self::VerdictStarted {}
            | Self::VerdictFinal(_)
            | Self::Finished(_)
            | Self::Cancelled(_)
            | Self::Failed(_) => false,
        }
    }
}

impl EventBody {
    /// `true` when the words streamed of the event's turn so far are final or void.
    pub fn ends_text(&self) -> bool {
        matches!(
            self,
            Self::TurnCompleted(_) | Self::TurnReset(_) | Self::TurnFailed(_)
        )
    }

    /// `true` for the last event of a debate.
    pub fn ends_debate(&self) -> bool {
        matches!(
            self,
            Self::Finished(_) | Self::Cancelled(_) | Self::Failed(_)
        )
    }
}

/// What a debate was ordered as.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Created {
    /// Everything it starts from.
    pub spec: Spec,
    /// What it can use at most.
    pub estimate: Estimate,
    /// What the one who ordered it should know.
    pub warnings: Vec<String>,
}

/// What a turn waits for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "cause", rename_all = "snake_case")]
pub enum WaitingFor {
    /// Other calls to the same local server.
    Queued {
        /// How many have to end first; 0 in events that an older release wrote.
        #[serde(default)]
        behind: u64,
    },
    /// The provider's limit of calls or tokens.
    RateLimited {
        /// Milliseconds that the call will wait at least, as far as known.
        wait_ms: u64,
    },
    /// A local model that is being loaded.
    ModelLoading {
        /// Which; `None` in events that an older release wrote.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        model: Option<ModelName>,
        /// Milliseconds that the call has waited for it when this was told.
        #[serde(default)]
        waited_ms: u64,
    },
}

/// What a call was for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Purpose {
    /// The turn itself.
    Turn,
    /// Mending an answer that could not be read.
    Repair,
    /// Having another, cheap model read an answer that could not be read.
    Extract,
}

/// How a model call ended.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CallFinished {
    /// The turn that it writes.
    pub turn: TurnId,
    /// Which call of the turn, counted from 0.
    pub attempt: u32,
    /// What it was for.
    pub purpose: Purpose,
    /// Hash of the rendered request.
    pub request_hash: String,
    /// Who was asked.
    pub model: ModelName,
    /// What came of it.
    pub outcome: CallOutcome,
    /// How the answer was read; the engine fills it in when it takes the call.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parse: Option<ParsePath>,
}

/// What came of a call.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CallOutcome {
    /// An answer.
    Answered {
        /// The text.
        text: String,
        /// Why it ended.
        finish: FinishReason,
        /// Tokens.
        usage: Usage,
        /// Money; `None` when the price is not known.
        cost_nanousd: Option<NanoUsd>,
        /// Milliseconds until the first token.
        ttft_ms: u64,
        /// Milliseconds in all.
        total_ms: u64,
        /// Which implementation called: `unified`, `legacy` or `demo`.
        path: String,
    },
    /// No answer.
    Failed {
        /// The class of the failure.
        code: String,
        /// What happened.
        message: String,
        /// Tokens that are billed all the same, as far as known.
        usage: Usage,
        /// Money that is billed all the same; `None` when the price is not known.
        cost_nanousd: Option<NanoUsd>,
    },
}

impl CallOutcome {
    /// Tokens and money; the money is `None` when the price is not known.
    pub fn used(&self) -> (Usage, Option<NanoUsd>) {
        match self {
            Self::Answered {
                usage,
                cost_nanousd,
                ..
            }
            | Self::Failed {
                usage,
                cost_nanousd,
                ..
            } => (*usage, *cost_nanousd),
        }
    }
}

/// A timer of the engine.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TimerId {
    /// The debate's cap on wall time.
    Wall,
    /// A person's time to speak in a turn.
    Turn(TurnId),
    /// The time of a poll or of the audience's remarks: a phase and its repetition, counted from 0.
    Phase(String, u32),
}

/// How a debate ended.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Ending {
    /// How good the result is.
    pub outcome: Outcome,
    /// What was not as it should be, one line each; empty when complete.
    pub degraded: Vec<String>,
    /// Why it ended, when not by coming to its end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// What it used.
    pub totals: Totals,
}
