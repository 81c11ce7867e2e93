//! What a finished call does to its turn.

use super::super::plan::Reservation;
use super::State;
use super::Step;
use super::TurnStanding;
use super::turn::Void;
use crate::debate::contract;
use crate::debate::contract::Reading;
use crate::debate::decide;
use crate::debate::view;
use crate::events::CallFinished;
use crate::events::CallOutcome;
use crate::events::EventBody;
use crate::events::Purpose;
use crate::events::TurnAction;
use crate::events::TurnCompleted;
use crate::types::FinishReason;
use crate::types::NanoUsd;
use crate::types::Usage;
use crate::types::debate::OnFailThen;
use crate::types::debate::ParsePath;
use crate::types::debate::RoleKind;
use crate::types::debate::Status;

impl State {
    /// Takes the end of a call in. A call that is no longer wanted changes nothing and is not logged.
    pub(super) fn take_call(&mut self, mut finished: CallFinished, step: &mut Step) {
        let wanted = |turn: &&super::TurnRecord| {
            turn.id == finished.turn
                && turn.attempt == finished.attempt
                && turn.standing == TurnStanding::Open
        };
        let Some(index) = self.turns.iter().position(|turn| wanted(&turn)) else {
            return;
        };
        let (usage, cost) = match &finished.outcome {
            CallOutcome::Answered {
                usage,
                cost_nanousd,
                ..
            }
            | CallOutcome::Failed {
                usage,
                cost_nanousd,
                ..
            } => (*usage, *cost_nanousd),
        };
        self.book(index, usage, cost);
        let reading = match &finished.outcome {
            CallOutcome::Answered { text, .. } => Some(self.read(index, text)),
            CallOutcome::Failed { .. } => None,
        };
        finished.parse = reading.as_ref().map(|reading| reading.path);
        step.emit(self.draft_of(index, EventBody::CallFinished(Box::new(finished.clone()))));
        match (&finished.outcome, reading) {
            (
                CallOutcome::Answered {
                    finish: FinishReason::ContentFilter,
                    ..
                },
                _,
            ) => {
                self.give_up(
                    index,
                    "content_filtered",
                    "the provider held the answer back",
                    step,
                );
            }
            (CallOutcome::Answered { .. }, Some(reading)) => {
                self.take_answer(index, &finished, reading, step)
            }
            (CallOutcome::Failed { code, message, .. }, _) => {
                self.take_failure(index, code, message, step)
            }
            (CallOutcome::Answered { .. }, None) => {}
        }
        self.advance(step);
    }

    fn book(&mut self, index: usize, usage: Usage, cost: Option<NanoUsd>) {
        let turn = &mut self.turns[index];
        turn.usage += usage;
        turn.cost = turn.cost.zip(cost).map(|(sum, more)| sum + more);
        turn.reserved = Reservation::default();
        self.totals.calls += 1;
        self.totals.usage += usage;
        self.totals.cost_nanousd += cost.unwrap_or_default();
        self.totals.cost_known &= cost.is_some();
    }

    fn read(&self, index: usize, text: &str) -> Reading {
        let turn = &self.turns[index];
        contract::read(&self.contract_of(turn), &view::choices(self, turn), text)
    }

    fn take_answer(
        &mut self,
        index: usize,
        finished: &CallFinished,
        reading: Reading,
        step: &mut Step,
    ) {
        let CallOutcome::Answered { text, .. } = &finished.outcome else {
            return;
        };
        let Some(problem) = reading.problem.clone() else {
            return self.complete_turn(index, finished, reading, step);
        };
        if self.turns[index].repairs_left > 0 && !text.trim().is_empty() {
            self.emit_reset(
                index,
                Void {
                    action: TurnAction::Repair,
                    reason: "contract",
                    message: &problem,
                },
                step,
            );
            let turn = &mut self.turns[index];
            turn.repairs_left -= 1;
            turn.purpose = Purpose::Repair;
            turn.unreadable = Some((text.clone(), problem));
            return self.call_again(index, step);
        }
        if text.trim().is_empty() {
            return self.take_failure(
                index,
                "empty_answer",
                "the model answered with no text",
                step,
            );
        }
        let name = self.member(&self.turns[index]).name.clone();
        let note = format!(
            "{name}: the answer in {} could not be read ({problem})",
            self.turns[index].phase
        );
        self.degrade(note);
        self.complete_turn(
            index,
            finished,
            Reading {
                parsed: None,
                path: ParsePath::Unparsed,
                problem: None,
            },
            step,
        );
    }

    fn complete_turn(
        &mut self,
        index: usize,
        finished: &CallFinished,
        reading: Reading,
        step: &mut Step,
    ) {
        let Reading {
            parsed,
            path: parse,
            ..
        } = reading;
        let CallOutcome::Answered {
            text,
            finish,
            ttft_ms,
            total_ms,
            ..
        } = &finished.outcome
        else {
            return;
        };
        let before = self.position_of(self.turns[index].member);
        let turn = &mut self.turns[index];
        turn.standing = TurnStanding::Done;
        turn.text.clone_from(text);
        turn.parsed.clone_from(&parsed);
        turn.parse = Some(parse);
        turn.unreadable = None;
        let (turn, member) = (&self.turns[index], self.member(&self.turns[index]));
        let completed = TurnCompleted {
            agent: member.name.clone(),
            role: member.role.clone(),
            side: member.side.clone(),
            model: turn.model.clone(),
            text: text.clone(),
            parsed,
            parse,
            usage: turn.usage,
            cost_nanousd: turn.cost,
            ttft_ms: *ttft_ms,
            total_ms: *total_ms,
            finish: *finish,
            quotes: Vec::new(),
            human: false,
            left_out: Vec::new(),
        };
        step.emit(self.draft_of(index, EventBody::TurnCompleted(Box::new(completed))));
        let after = self.position_of(self.turns[index].member);
        if let (Some(from), Some(to)) = (before, after)
            && from != to
        {
            let agent = self.member(&self.turns[index]).name.clone();
            step.emit(self.draft_of(index, EventBody::PositionChanged { agent, from, to }));
        }
    }

    /// The answer that a debater holds at the moment, in answer-seeking formats.
    fn position_of(&self, member: usize) -> Option<String> {
        let role = self.spec.format.role(&self.spec.cast[member].role)?;
        if role.kind != RoleKind::Debater {
            return None;
        }
        let turns = self.turns.iter().rev().filter(|turn| turn.member == member);
        turns
            .filter_map(|turn| decide::held_answer(self, turn))
            .next()
    }

    /// A cut stream is asked for again; any other failure has the router behind it, so it is final for this model.
    fn take_failure(&mut self, index: usize, code: &str, message: &str, step: &mut Step) {
        let again = matches!(code, "stream_interrupted" | "empty_answer");
        if again && self.turns[index].retries_left > 0 {
            self.turns[index].retries_left -= 1;
            self.emit_reset(
                index,
                Void {
                    action: TurnAction::Retry,
                    reason: code,
                    message,
                },
                step,
            );
            return self.call_again(index, step);
        }
        self.give_up(index, code, message, step);
    }

    /// Substitute, skip, forfeit or abort, as the phase says; what cannot be done falls to skipping.
    fn give_up(&mut self, index: usize, code: &str, message: &str, step: &mut Step) {
        let then = self.phase(&self.turns[index].phase).on_fail.then;
        let member = self.member(&self.turns[index]);
        match then {
            OnFailThen::Substitute if self.can_substitute(index) => {
                self.substitute(index, code, message, step)
            }
            OnFailThen::Forfeit if member.side.is_some() => {
                let side = member.side.clone().unwrap_or_default();
                self.fail_turn(
                    index,
                    Void {
                        action: TurnAction::Forfeit,
                        reason: code,
                        message,
                    },
                    step,
                );
                self.wind_down(format!("{side} forfeits: {code}"), step);
            }
            OnFailThen::Abort => {
                let reason = format!("{}: {message}", member.name);
                self.fail_turn(
                    index,
                    Void {
                        action: TurnAction::Abort,
                        reason: code,
                        message,
                    },
                    step,
                );
                self.wind_down(reason, step);
                self.conclude(Status::Failed, step);
            }
            OnFailThen::Substitute | OnFailThen::Skip | OnFailThen::Forfeit => {
                self.fail_turn(
                    index,
                    Void {
                        action: TurnAction::Skip,
                        reason: code,
                        message,
                    },
                    step,
                );
            }
        }
    }

    fn can_substitute(&self, index: usize) -> bool {
        let (turn, member) = (&self.turns[index], self.member(&self.turns[index]));
        member
            .substitute
            .as_ref()
            .is_some_and(|stand_in| *stand_in != turn.model)
    }

    fn substitute(&mut self, index: usize, code: &str, message: &str, step: &mut Step) {
        let member = self.member(&self.turns[index]);
        let (Some(stand_in), name) = (member.substitute.clone(), member.name.clone()) else {
            return;
        };
        self.emit_reset(
            index,
            Void {
                action: TurnAction::Substitute,
                reason: code,
                message,
            },
            step,
        );
        self.degrade(format!(
            "{name}: {stand_in} stood in for {} ({code})",
            self.turns[index].model
        ));
        let phase = self.phase(&self.turns[index].phase);
        let (retry, repair) = (
            phase.on_fail.retry,
            self.spec.format.contracts[&phase.contract].repair,
        );
        let turn = &mut self.turns[index];
        let failed = std::mem::replace(&mut turn.model, stand_in);
        turn.retries_left = retry;
        turn.repairs_left = repair;
        turn.purpose = Purpose::Turn;
        turn.unreadable = None;
        turn.attempt += 1;
        let reservation = super::super::plan::call(self, index).reservation;
        if self.reserve(&reservation, step) {
            self.start_turn(index, Some(failed), step);
        } else {
            self.fail_turn(
                index,
                Void {
                    action: TurnAction::Skip,
                    reason: "budget",
                    message: "a cap would be broken",
                },
                step,
            );
        }
    }

    /// Gives up every call under way.
    pub(super) fn cancel_open_turns(&mut self, reason: &str, message: &str, step: &mut Step) {
        let waiting = [TurnStanding::Open, TurnStanding::Held];
        for index in 0..self.turns.len() {
            if waiting.contains(&self.turns[index].standing) {
                step.actions
                    .push(super::Action::Cancel(self.turns[index].id.clone()));
                self.fail_turn(
                    index,
                    Void {
                        action: TurnAction::Skip,
                        reason,
                        message,
                    },
                    step,
                );
            }
        }
    }
}
