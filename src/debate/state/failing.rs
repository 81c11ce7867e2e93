//! What a failure does to its turn: again, a stand-in, no statement, a side that loses, or the end.

use super::State;
use super::Step;
use super::TurnStanding;
use super::turn::Void;
use crate::events::Purpose;
use crate::events::TurnAction;
use crate::types::ModelName;
use crate::types::debate::OnFailThen;
use crate::types::debate::Status;

impl State {
    /// A cut stream is asked for again; any other failure has the router behind it, so it is final for this model.
    pub(super) fn take_failure(
        &mut self,
        index: usize,
        code: &str,
        message: &str,
        step: &mut Step,
    ) {
        if self.turns[index].purpose == Purpose::Extract {
            // Nobody else can read it, so it stays unread.
            let problem = self.turns[index].unreadable.take();
            let problem = problem.map_or_else(|| message.to_owned(), |(_, problem)| problem);
            return self.leave_unread(index, &problem, step);
        }
        let again = matches!(code, "stream_interrupted" | "empty_answer");
        if again && self.turns[index].retries_left > 0 && self.reserve_again(index) {
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
    pub(super) fn give_up(&mut self, index: usize, code: &str, message: &str, step: &mut Step) {
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
        let Some(stand_in) = self.member(&self.turns[index]).substitute.clone() else {
            return;
        };
        let failed = self.turns[index].model.clone();
        let note = format!(
            "{}: {stand_in} stood in for {failed} ({code})",
            self.member(&self.turns[index]).name
        );
        self.begin_anew(index, stand_in);
        if !self.reserve_again(index) {
            self.turns[index].model = failed;
            return self.fail_turn(index, Void::skipped(code, message), step);
        }
        let void = Void {
            action: TurnAction::Substitute,
            reason: code,
            message,
        };
        self.emit_reset(index, void, step);
        self.degrade(note);
        self.turns[index].attempt += 1;
        self.start_turn(index, Some(failed), step);
    }

    /// Makes a stand-in the speaker of a turn, with all its tries.
    pub(super) fn begin_anew(&mut self, index: usize, stand_in: ModelName) {
        let retry = self.phase(&self.turns[index].phase).on_fail.retry;
        let repair = self.contract_of(&self.turns[index]).repair;
        let turn = &mut self.turns[index];
        turn.model = stand_in;
        turn.human = false;
        turn.stand_in = true;
        turn.retries_left = retry;
        turn.repairs_left = repair;
        turn.purpose = Purpose::Turn;
        turn.unreadable = None;
        turn.answer = None;
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
