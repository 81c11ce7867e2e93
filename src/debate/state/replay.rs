//! The state as a fold of the log.

use std::collections::BTreeMap;

use super::Action;
use super::Input;
use super::State;
use super::Step;
use crate::debate::plan::CallPlan;
use crate::events::CallFinished;
use crate::events::Draft;
use crate::events::Envelope;
use crate::events::EventBody;
use crate::types::TurnId;

/// Why a log cannot be replayed.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum ReplayError {
    /// It does not begin as a log begins.
    #[error("the log does not begin with debate.created")]
    NoBeginning,
    /// An event stands where the inputs lead to another one: the log was written by another version, or changed.
    #[error("event {} is not what the inputs before it lead to: {}", .0.seq, .0.in_words())]
    Diverged(Box<Divergence>),
}

/// The first place where a log is not what its inputs lead to.
#[derive(Debug, Clone, PartialEq)]
pub struct Divergence {
    /// The number of the event; one past the last when the log ends too early.
    pub seq: u64,
    /// What the inputs lead to; `None` when they lead to nothing more, so that an input was due.
    pub expected: Option<Draft>,
    /// What the log holds; `None` when it ends.
    pub found: Option<Envelope>,
}

impl Divergence {
    fn in_words(&self) -> String {
        let expected = self.expected.as_ref().map(|draft| name_of(&draft.body));
        let found = self.found.as_ref().map(|event| name_of(&event.body));
        match (expected, found) {
            (Some(expected), Some(found)) if expected == found => {
                format!("this {found} holds something else")
            }
            (Some(expected), Some(found)) => format!("{expected} was due, and {found} is there"),
            (Some(expected), None) => format!("{expected} was due, and the log ends"),
            (None, Some(found)) => format!("nothing was due, and {found} is there"),
            (None, None) => "nothing is there".to_owned(),
        }
    }
}

/// The type of an event, as the protocol names it.
fn name_of(body: &EventBody) -> String {
    let json = serde_json::to_value(body).unwrap_or_default();
    json["type"].as_str().unwrap_or_default().to_owned()
}

/// A debate as its log leaves it, whole steps or not.
#[derive(Debug)]
pub struct Resumed {
    /// The state after the log's last step.
    pub state: State,
    /// What is missing of that step: to be stored before anything else. Empty for a log that ends with a step.
    pub missing: Vec<Draft>,
}

impl State {
    /// Feeds the inputs of a log, and checks that they lead to exactly its other events.
    ///
    /// # Errors
    /// [`ReplayError`]; the log is then not one that this version of the engine wrote, or ends in the middle of a
    /// step.
    pub fn replay(log: &[Envelope]) -> Result<Self, ReplayError> {
        let Resumed { state, missing } = fold(log, Strictness::Exact)?;
        match missing.into_iter().next() {
            Some(expected) => Err(ReplayError::Diverged(Box::new(Divergence {
                seq: log.len() as u64 + 1,
                expected: Some(expected),
                found: None,
            }))),
            None => Ok(state),
        }
    }

    /// Goes on where a log ends, be it in the middle of a step.
    ///
    /// The hash of a request may differ from what this version would ask: another release worded it otherwise, and
    /// nothing that follows depends on it.
    ///
    /// # Errors
    /// [`ReplayError`]; the log is then not one that this version of the engine can continue.
    pub fn resume(log: &[Envelope]) -> Result<Resumed, ReplayError> {
        fold(log, Strictness::Continues)
    }
}

/// How closely the events of a log have to be what its inputs lead to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Strictness {
    Exact,
    Continues,
}

fn fold(log: &[Envelope], strictness: Strictness) -> Result<Resumed, ReplayError> {
    let Some((first, rest)) = log.split_first() else {
        return Err(ReplayError::NoBeginning);
    };
    let EventBody::Created(created) = &first.body else {
        return Err(ReplayError::NoBeginning);
    };
    let (mut state, _) = State::create((**created).clone());
    let mut requests = Requests::default();
    let mut expected = Vec::new().into_iter();
    for envelope in rest {
        let mut next = expected.next();
        if next.is_none()
            && let Some(input) = input_of(envelope)
        {
            let step = match strictness {
                Strictness::Exact => requests.step(&mut state, input),
                Strictness::Continues => state.step(input),
            };
            expected = step.events.into_iter();
            next = expected.next();
        }
        let same = |draft: &Draft| is_same(draft, envelope, strictness);
        if !next.as_ref().is_some_and(same) {
            return Err(ReplayError::Diverged(Box::new(Divergence {
                seq: envelope.seq,
                expected: next,
                found: Some(envelope.clone()),
            })));
        }
    }
    Ok(Resumed {
        state,
        missing: expected.collect(),
    })
}

/// What a debate that is replayed asks, until the end of each call.
///
/// What was asked follows from the log before it; so the hash of a repair's request shows whether the answer that
/// was to be mended is the one that the log holds, though that answer is told nowhere else.
#[derive(Debug, Default)]
pub(in crate::debate) struct Requests(BTreeMap<TurnId, CallPlan>);

impl Requests {
    /// Feeds an input. The end of a call is fed as the end of what this replay asked, so that its event differs from
    /// the stored one where another request, or another model, was asked.
    pub(in crate::debate) fn step(&mut self, state: &mut State, mut input: Input) -> Step {
        if let Input::CallFinished(finished) = &mut input
            && let Some(plan) = self.0.remove(&finished.turn)
        {
            finished.attempt = plan.attempt;
            finished.purpose = plan.purpose;
            finished.request_hash = plan.request_hash;
            finished.model = plan.model;
        }
        let step = state.step(input);
        for action in &step.actions {
            match action {
                Action::Call(plan) => {
                    self.0.insert(plan.turn.clone(), (**plan).clone());
                }
                Action::Cancel(turn) => {
                    self.0.remove(turn);
                }
                Action::Timer { .. } => {}
            }
        }
        step
    }
}

fn is_same(draft: &Draft, envelope: &Envelope, strictness: Strictness) -> bool {
    let in_place = draft.turn == envelope.turn
        && draft.phase == envelope.phase
        && draft.round == envelope.round;
    let same_words = match (&draft.body, &envelope.body) {
        (EventBody::TurnStarted(due), EventBody::TurnStarted(found))
            if strictness == Strictness::Continues =>
        {
            let mut due = (**due).clone();
            due.prompt_hash.clone_from(&found.prompt_hash);
            due == **found
        }
        (due, found) => due == found,
    };
    in_place && same_words
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
