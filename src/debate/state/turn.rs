//! One turn, from being asked to having spoken.

use serde_json::Value;

use super::super::plan::Reservation;
use super::Action;
use super::State;
use super::Step;
use super::seats::Seat;
use crate::debate::plan;
use crate::events::Draft;
use crate::events::EventBody;
use crate::events::Purpose;
use crate::events::QuoteCheck;
use crate::events::TurnAction;
use crate::events::TurnReset;
use crate::events::TurnStarted;
use crate::types::FinishReason;
use crate::types::ModelName;
use crate::types::NanoUsd;
use crate::types::TurnId;
use crate::types::Usage;
use crate::types::debate::ParsePath;

/// How a turn stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TurnStanding {
    /// A model is being asked.
    Open,
    /// Its call was given up by a pause; it is asked for again on resuming.
    Held,
    /// It has spoken.
    Done,
    /// There is no statement.
    Skipped,
    /// Its side lost by it.
    Forfeited,
}

/// One turn.
#[derive(Debug, Clone)]
pub struct TurnRecord {
    /// Its id.
    pub id: TurnId,
    /// Who speaks: an index into the cast.
    pub member: usize,
    /// In which phase.
    pub phase: String,
    /// In which repetition of it, counted from 0.
    pub round: u32,
    /// How it stands.
    pub standing: TurnStanding,
    /// Which call of the turn is under way, counted from 0.
    pub attempt: u32,
    /// What that call is for.
    pub purpose: Purpose,
    /// The model that is asked.
    pub model: ModelName,
    /// What it said; empty before it has.
    pub text: String,
    /// What was read out of that.
    pub parsed: Option<Value>,
    /// How it was read.
    pub parse: Option<ParsePath>,
    /// How many interjections there were when it began: later ones are for later turns.
    pub heard: usize,
    /// The answer that could not be read, and why, for the repair call.
    pub unreadable: Option<(String, String)>,
    /// `true` for the second turn of a phase with `swap`: what it sees is in the reverse order.
    pub swapped: bool,
    /// In `pair_qa`, `true` for who asks and `false` for who answers.
    pub asks: bool,
    /// `true` for the turn that names who speaks next, under the order `pick`.
    pub picks: bool,
    /// `true` while a person is asked, and when a person has spoken.
    pub human: bool,
    /// `true` when a stand-in speaks: for a model that failed, or for a person who did not come in time.
    pub stand_in: bool,
    /// Its quotes, checked, once it has spoken.
    pub quotes: Vec<QuoteCheck>,
    /// What was left out of its request to fit the model's window, one line each.
    pub left_out: Vec<String>,
    /// The answer under way to being read.
    pub(super) answer: Option<Answer>,
    /// The line of the ending that tells why it was skipped.
    pub(super) skip_note: Option<String>,
    pub(super) retries_left: u32,
    pub(super) repairs_left: u32,
    pub(super) reserved: Reservation,
    /// Tokens of all its calls so far.
    pub usage: Usage,
    /// Money of all its calls so far; `None` when a price is not known.
    pub cost: Option<NanoUsd>,
}

/// What a speaker said last, and how it came.
#[derive(Debug, Clone)]
pub(super) struct Answer {
    pub(super) text: String,
    pub(super) finish: FinishReason,
    pub(super) ttft_ms: u64,
    pub(super) total_ms: u64,
}

/// Why a call of a turn is void, and what follows.
#[derive(Debug, Clone, Copy)]
pub(super) struct Void<'a> {
    pub(super) action: TurnAction,
    /// The class of the failure.
    pub(super) reason: &'a str,
    /// What happened.
    pub(super) message: &'a str,
}

impl<'a> Void<'a> {
    /// The turn is given up, for a reason outside of it.
    pub(super) fn skipped(reason: &'a str, message: &'a str) -> Self {
        Self {
            action: TurnAction::Skip,
            reason,
            message,
        }
    }
}

impl TurnRecord {
    /// `true` when a stand-in speaks.
    pub fn substituted(&self, own: &ModelName) -> bool {
        self.model != *own
    }
}

impl State {
    /// Makes the record of a turn that is about to be asked for.
    pub(super) fn open_turn(
        &mut self,
        seat: Seat,
        member: usize,
        phase: &str,
        round: u32,
    ) -> usize {
        let turn = self.new_turn(seat, member, phase, round);
        self.turns.push(turn);
        self.turns.len() - 1
    }

    /// The record of the turn that would be the next.
    pub(super) fn new_turn(
        &self,
        seat: Seat,
        member: usize,
        phase: &str,
        round: u32,
    ) -> TurnRecord {
        let mut turn = TurnRecord {
            id: TurnId::new(format!("t_{}", self.turns.len() + 1)),
            member,
            phase: phase.to_owned(),
            round,
            standing: TurnStanding::Open,
            attempt: 0,
            purpose: Purpose::Turn,
            model: self.voices[member].model.clone(),
            text: String::new(),
            parsed: None,
            parse: None,
            heard: self.notes_by_people.len(),
            unreadable: None,
            swapped: seat.swapped,
            asks: seat.asks,
            picks: seat.picks,
            human: self.spec.cast[member].human.is_some(),
            stand_in: false,
            quotes: Vec::new(),
            left_out: Vec::new(),
            answer: None,
            skip_note: None,
            retries_left: self.phase(phase).on_fail.retry,
            repairs_left: 0,
            reserved: Reservation::default(),
            usage: Usage::default(),
            cost: Some(NanoUsd(0)),
        };
        turn.repairs_left = self.contract_of(&turn).repair;
        turn
    }

    /// Says that a turn begins, and asks its model or its person. The budget was checked before.
    pub(super) fn start_turn(
        &mut self,
        index: usize,
        substitute_for: Option<ModelName>,
        step: &mut Step,
    ) {
        let plan = plan::call(self, index);
        let (turn, member) = (&self.turns[index], self.member(&self.turns[index]));
        let started = TurnStarted {
            agent: member.name.clone(),
            role: member.role.clone(),
            side: member.side.clone(),
            model: turn.model.clone(),
            attempt: turn.attempt,
            prompt_hash: plan.request_hash.clone(),
            substitute_for,
            swapped: turn.swapped,
        };
        let event = self.draft_of(index, EventBody::TurnStarted(Box::new(started)));
        step.emit(event);
        if self.turns[index].human {
            return self.request_words(index, step);
        }
        self.make_call(index, plan, step);
    }

    /// Asks the model of an open turn again, under a new number. The budget was checked before.
    pub(super) fn call_again(&mut self, index: usize, step: &mut Step) {
        let turn = &mut self.turns[index];
        turn.attempt += 1;
        if turn.purpose == Purpose::Turn && !turn.stand_in {
            turn.model = self.voices[turn.member].model.clone();
        }
        if self.turns[index].human {
            return self.request_words(index, step);
        }
        let plan = plan::call(self, index);
        self.make_call(index, plan, step);
    }

    /// A request that does not fit its model's window is not made.
    fn make_call(&mut self, index: usize, plan: plan::CallPlan, step: &mut Step) {
        if let Some(why) = &plan.overflow {
            return self.give_up(index, "context_overflow", why, step);
        }
        self.turns[index].left_out.clone_from(&plan.left_out);
        step.actions.push(Action::Call(Box::new(plan)));
    }

    /// Asks again for a turn that is open: what was streamed of it is void, because of something outside it.
    pub(super) fn ask_again(&mut self, index: usize, reason: &str, message: &str, step: &mut Step) {
        let void = Void {
            action: TurnAction::Retry,
            reason,
            message,
        };
        self.emit_reset(index, void, step);
        self.call_again(index, step);
    }

    /// Says that the last call of a turn is void, and what follows.
    pub(super) fn emit_reset(&self, index: usize, void: Void<'_>, step: &mut Step) {
        let body = EventBody::TurnReset(self.turn_reset(index, void));
        step.emit(self.draft_of(index, body));
    }

    /// Gives a turn up.
    pub(super) fn fail_turn(&mut self, index: usize, void: Void<'_>, step: &mut Step) {
        let body = EventBody::TurnFailed(self.turn_reset(index, void));
        step.emit(self.draft_of(index, body));
        let turn = &mut self.turns[index];
        turn.reserved = Reservation::default();
        turn.standing = match void.action {
            TurnAction::Forfeit => TurnStanding::Forfeited,
            TurnAction::Retry
            | TurnAction::Repair
            | TurnAction::Substitute
            | TurnAction::Skip
            | TurnAction::Abort
            | TurnAction::Hold => TurnStanding::Skipped,
        };
        if void.reason == "stop_early" {
            return;
        }
        let note = format!(
            "{}: no statement in {} ({})",
            self.member(&self.turns[index]).name,
            self.turns[index].phase,
            void.reason
        );
        self.turns[index].skip_note = Some(note.clone());
        self.degrade(note);
    }

    fn turn_reset(&self, index: usize, void: Void<'_>) -> TurnReset {
        let turn = &self.turns[index];
        TurnReset {
            agent: self.member(turn).name.clone(),
            attempt: turn.attempt,
            reason: void.reason.to_owned(),
            message: void.message.to_owned(),
            action: void.action,
        }
    }

    /// An event in a turn's place.
    pub(super) fn draft_of(&self, index: usize, body: EventBody) -> Draft {
        let turn = &self.turns[index];
        Draft {
            phase: Some(turn.phase.clone()),
            round: Some(turn.round),
            turn: Some(turn.id.clone()),
            body,
        }
    }
}
