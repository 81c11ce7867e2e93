//! The debate as a pure state machine: `step(input)` changes the state and says what to store and what to do.
//!
//! Nothing here knows time, chance, models or storage. Every input is in the log, so the state is a fold of
//! the log: the same inputs give the same events, whoever replays them.

mod audience;
mod block;
mod budget;
mod command;
mod contract_of;
mod edges;
mod ending;
mod failing;
mod flow;
mod people;
mod record;
mod refused;
mod replay;
mod reserve;
mod seats;
mod settle;
mod steer;
#[cfg(test)]
mod tests;
mod turn;
mod voice;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

pub use record::PollBallot;
pub use record::PollRecord;
pub use record::Summary;
pub use refused::CommandRefused;
pub use replay::Divergence;
pub use replay::ReplayError;
pub(in crate::debate) use replay::Requests;
pub use replay::Resumed;
pub(in crate::debate) use replay::input_of;
pub use turn::TurnRecord;
pub use turn::TurnStanding;
pub use voice::Voice;

use flow::Flow;

use super::plan::CallPlan;
use crate::events::CallFinished;
use crate::events::Command;
use crate::events::Created;
use crate::events::Draft;
use crate::events::EventBody;
use crate::events::TimerId;
use crate::events::WaitingFor;
use crate::store::Progress;
use crate::types::TurnId;
use crate::types::debate::CastMember;
use crate::types::debate::Limits;
use crate::types::debate::Outcome;
use crate::types::debate::Phase;
use crate::types::debate::Spec;
use crate::types::debate::Status;
use crate::types::debate::Totals;
use crate::types::debate::Verdict;
use crate::types::debate::VerdictStatus;

/// What the engine is told.
#[derive(Debug, Clone)]
pub enum Input {
    /// Its driver begins.
    Started,
    /// Another process goes on with it.
    Recovered {
        /// The lease's number.
        epoch: u64,
    },
    /// Somebody tells it something.
    Command {
        /// The sender's id of the command.
        id: String,
        /// Who sent it, where the sender is known.
        by: Option<String>,
        /// What.
        command: Command,
    },
    /// A turn waits for something other than the model's words.
    Waiting {
        /// The turn.
        turn: TurnId,
        /// For what.
        cause: WaitingFor,
    },
    /// A model call ended.
    CallFinished(Box<CallFinished>),
    /// A timer ran out.
    Timer(TimerId),
}

/// What to do outside.
#[derive(Debug, Clone, PartialEq)]
pub enum Action {
    /// Ask a model.
    Call(Box<CallPlan>),
    /// Give up the call of this turn and close its upstream.
    Cancel(TurnId),
    /// Say when this much time has gone by; one that is armed already under this name is armed anew.
    Timer {
        /// Which.
        id: TimerId,
        /// How long from now.
        after: Duration,
    },
}

/// What a step leads to: the events to store, and then the actions to perform.
#[derive(Debug, Default)]
pub struct Step {
    /// To be stored in one transaction, the input's own event first. Empty when the input changes nothing.
    pub events: Vec<Draft>,
    /// To be performed once the events are stored.
    pub actions: Vec<Action>,
    /// The answer to a command.
    pub refused: Option<CommandRefused>,
}

impl Step {
    fn emit(&mut self, draft: Draft) {
        self.events.push(draft);
    }

    fn emit_debate(&mut self, body: EventBody) {
        self.events.push(Draft::of_debate(body));
    }
}

/// How far a debate is.
#[derive(Debug, Clone)]
pub struct State {
    spec: Arc<Spec>,
    status: Status,
    outcome: Option<Outcome>,
    flow: Flow,
    turns: Vec<TurnRecord>,
    notes_by_people: Vec<Interjection>,
    totals: Totals,
    degraded: Vec<String>,
    /// Senders, and their ids of commands that were taken.
    commands_seen: BTreeSet<(Option<String>, String)>,
    caps_warned: BTreeSet<&'static str>,
    pause_wanted: bool,
    /// Why no further turn is started; the debate is decided on what there is.
    winding_down: Option<String>,
    verdict: Option<Verdict>,
    /// Present caps: the spec's, until a command raises them.
    limits: Limits,
    /// Who speaks through which model, by place in the cast.
    voices: Vec<Voice>,
    polls: Vec<PollRecord>,
    summaries: Vec<Summary>,
    /// A person asked for the end of the phase under way.
    phase_ending: bool,
}

/// What a person said into the debate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Interjection {
    /// The words.
    pub text: String,
    /// For whom; everybody when `None`.
    pub to: Option<String>,
}

impl State {
    /// Orders a debate: the state before anything happened, and the event that the log begins with.
    pub fn create(created: Created) -> (Self, Draft) {
        let state = Self {
            limits: created.spec.limits,
            voices: created.spec.cast.iter().map(Voice::of).collect(),
            polls: Vec::new(),
            summaries: Vec::new(),
            phase_ending: false,
            spec: Arc::new(created.spec.clone()),
            status: Status::Queued,
            outcome: None,
            flow: Flow::default(),
            turns: Vec::new(),
            notes_by_people: Vec::new(),
            totals: Totals {
                cost_known: true,
                ..Totals::default()
            },
            degraded: Vec::new(),
            commands_seen: BTreeSet::new(),
            caps_warned: BTreeSet::new(),
            pause_wanted: false,
            winding_down: None,
            verdict: None,
        };
        (
            state,
            Draft::of_debate(EventBody::Created(Box::new(created))),
        )
    }

    /// Takes an input in. Pure: the result depends on nothing but the state and the input.
    pub fn step(&mut self, input: Input) -> Step {
        let mut step = Step::default();
        if self.status.is_over() {
            if let Input::Command { .. } = input {
                step.refused = Some(CommandRefused::Over(self.status));
            }
            return step;
        }
        match input {
            Input::Started => {
                step.emit_debate(EventBody::Started {});
                self.status = Status::Running;
                self.advance(&mut step);
            }
            Input::Recovered { epoch } => self.recover(epoch, &mut step),
            Input::Command { id, by, command } => self.take_command(id, by, command, &mut step),
            Input::Waiting { turn, cause } => self.note_waiting(&turn, cause, &mut step),
            Input::CallFinished(finished) => self.take_call(*finished, &mut step),
            Input::Timer(TimerId::Wall) => self.run_out_of_time(&mut step),
            Input::Timer(TimerId::Turn(turn)) => self.miss_deadline(&turn, &mut step),
            Input::Timer(TimerId::Phase(phase, round)) => {
                self.end_audience_time(&phase, round, &mut step);
            }
        }
        self.settle_status();
        step
    }

    /// Says whether nothing but people's answers is waited for.
    fn settle_status(&mut self) {
        if self.is_going() {
            let open = self.open_turns();
            let people = open.iter().all(|&index| self.turns[index].human);
            let waits = people && (!open.is_empty() || self.audience_is_asked());
            self.status = if waits {
                Status::Waiting
            } else {
                Status::Running
            };
        }
    }

    /// `true` while turns are had, or people are waited for.
    fn is_going(&self) -> bool {
        matches!(self.status, Status::Running | Status::Waiting)
    }

    /// Everything that the debate starts from.
    pub fn spec(&self) -> &Spec {
        &self.spec
    }

    /// Where the debate is in its life.
    pub fn status(&self) -> Status {
        self.status
    }

    /// All turns that were started, in that order.
    pub fn turns(&self) -> &[TurnRecord] {
        &self.turns
    }

    /// What people said into the debate, oldest first.
    pub fn interjections(&self) -> &[Interjection] {
        &self.notes_by_people
    }

    /// The verdict, once there is one.
    pub fn verdict(&self) -> Option<&Verdict> {
        self.verdict.as_ref()
    }

    /// Present caps: the spec's, until a command raises them.
    pub fn limits(&self) -> &Limits {
        &self.limits
    }

    /// The model through which a member of the cast speaks at the moment.
    pub fn voice(&self, member: usize) -> &Voice {
        &self.voices[member]
    }

    /// Polls of the audience, oldest first.
    pub fn polls(&self) -> &[PollRecord] {
        &self.polls
    }

    /// Summaries, oldest first.
    pub fn summaries(&self) -> &[Summary] {
        &self.summaries
    }

    /// `true` when a person asked for the end of the phase under way.
    pub fn phase_is_ending(&self) -> bool {
        self.phase_ending
    }

    /// What it has used so far.
    pub fn totals(&self) -> &Totals {
        &self.totals
    }

    /// The summary that is stored beside the events.
    pub fn progress(&self) -> Progress {
        let verdict = self.verdict.as_ref().map(|verdict| match verdict.status {
            VerdictStatus::Tie => "tie".to_owned(),
            VerdictStatus::Undecided => "undecided".to_owned(),
            VerdictStatus::TooClose => "too close to call".to_owned(),
            VerdictStatus::Decided | VerdictStatus::Forfeit => {
                let answer = verdict.winner.clone().or_else(|| verdict.answer.clone());
                answer.unwrap_or_default().chars().take(200).collect()
            }
        });
        Progress {
            status: self.status,
            outcome: self.outcome,
            verdict,
            totals: self.totals,
        }
    }

    /// Asks again for what was open when another process died.
    fn recover(&mut self, epoch: u64, step: &mut Step) {
        step.emit_debate(EventBody::Recovered { epoch });
        for index in self.open_turns() {
            self.ask_again(index, "restart", "the process that asked has died", step);
        }
        if self.is_going() && self.audience_is_asked() {
            self.ask_audience(step);
        }
        self.advance(step);
    }

    fn note_waiting(&self, turn: &TurnId, cause: WaitingFor, step: &mut Step) {
        let open = |index: &usize| self.turns[*index].id == *turn;
        if let Some(index) = self.open_turns().into_iter().find(open) {
            step.emit(self.draft_of(index, EventBody::TurnWaiting(cause)));
        }
    }

    fn member(&self, turn: &TurnRecord) -> &CastMember {
        &self.spec.cast[turn.member]
    }

    fn phase(&self, id: &str) -> &Phase {
        self.spec
            .format
            .phase(id)
            .expect("the loader resolved every phase")
    }

    fn open_turns(&self) -> Vec<usize> {
        (0..self.turns.len())
            .filter(|&index| self.turns[index].standing == TurnStanding::Open)
            .collect()
    }

    fn degrade(&mut self, note: String) {
        if !self.degraded.contains(&note) {
            self.degraded.push(note);
        }
    }
}
