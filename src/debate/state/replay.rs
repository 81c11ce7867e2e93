//! The state as a fold of the log.

use super::Input;
use super::State;
use crate::events::CallFinished;
use crate::events::Envelope;
use crate::events::EventBody;

/// Why a log cannot be replayed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReplayError {
    /// It does not begin as a log begins.
    #[error("the log does not begin with debate.created")]
    NoBeginning,
    /// An event stands where the inputs lead to another one: the log was written by another version, or changed.
    #[error("event {seq} is not what the inputs before it lead to")]
    Diverged {
        /// The event's number.
        seq: u64,
    },
}

impl State {
    /// Feeds the inputs of a log, and checks that they lead to exactly its other events.
    ///
    /// # Errors
    /// [`ReplayError`]; the log is then not one that this version of the engine wrote.
    pub fn replay(log: &[Envelope]) -> Result<Self, ReplayError> {
        let Some((first, rest)) = log.split_first() else {
            return Err(ReplayError::NoBeginning);
        };
        let EventBody::Created(created) = &first.body else {
            return Err(ReplayError::NoBeginning);
        };
        let (mut state, _) = Self::create((**created).clone());
        let mut expected = Vec::new().into_iter();
        for envelope in rest {
            let diverged = ReplayError::Diverged { seq: envelope.seq };
            let mut next = expected.next();
            if next.is_none() {
                let input = input_of(envelope).ok_or(diverged.clone())?;
                expected = state.step(input).events.into_iter();
                next = expected.next();
            }
            let same = next.is_some_and(|draft| {
                draft.body == envelope.body
                    && draft.turn == envelope.turn
                    && draft.phase == envelope.phase
            });
            if !same {
                return Err(diverged);
            }
        }
        match expected.next() {
            Some(_) => Err(ReplayError::Diverged {
                seq: log.len() as u64 + 1,
            }),
            None => Ok(state),
        }
    }
}

/// The input that an event records; `None` for what derives from inputs.
pub(in crate::debate) fn input_of(envelope: &Envelope) -> Option<Input> {
    match &envelope.body {
        EventBody::Started {} => Some(Input::Started),
        EventBody::Recovered { epoch } => Some(Input::Recovered { epoch: *epoch }),
        EventBody::CommandAccepted { id, by, command } => Some(Input::Command {
            id: id.clone(),
            by: by.clone(),
            command: command.clone(),
        }),
        EventBody::CallFinished(finished) => {
            // How an answer is read is the engine's own finding, so it is found again.
            Some(Input::CallFinished(Box::new(CallFinished {
                parse: None,
                ..(**finished).clone()
            })))
        }
        EventBody::TurnWaiting(cause) => envelope.turn.clone().map(|turn| Input::Waiting {
            turn,
            cause: cause.clone(),
        }),
        EventBody::TimerFired { timer } => Some(Input::Timer(timer.clone())),
        EventBody::Created(_)
        | EventBody::Paused {}
        | EventBody::Resumed {}
        | EventBody::PhaseStarted { .. }
        | EventBody::PhaseFinished { .. }
        | EventBody::TurnStarted(_)
        | EventBody::TurnCompleted(_)
        | EventBody::TurnReset(_)
        | EventBody::TurnFailed(_)
        | EventBody::PositionChanged { .. }
        | EventBody::HumanAccepted { .. }
        | EventBody::HumanRequested(_)
        | EventBody::PollOpened { .. }
        | EventBody::VoteCast { .. }
        | EventBody::PollClosed { .. }
        | EventBody::ClaimChecked(_)
        | EventBody::SummaryReady { .. }
        | EventBody::ModelSwapped { .. }
        | EventBody::LimitsRaised(_)
        | EventBody::BudgetWarning { .. }
        | EventBody::BudgetExceeded { .. }
        | EventBody::VerdictStarted {}
        | EventBody::VerdictFinal(_)
        | EventBody::Finished(_)
        | EventBody::Cancelled(_)
        | EventBody::Failed(_) => None,
    }
}
