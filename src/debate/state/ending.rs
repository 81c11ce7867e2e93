//! How a debate ends.

use super::State;
use super::Step;
use super::TurnStanding;
use crate::debate::decide;
use crate::events::Ending;
use crate::events::EventBody;
use crate::types::debate::Outcome;
use crate::types::debate::Status;
use crate::types::debate::VerdictStatus;

impl State {
    /// Decides on what there is.
    pub(super) fn decide(&mut self, step: &mut Step) {
        self.leave_block(step);
        self.reveal_polls(step);
        step.emit_debate(EventBody::VerdictStarted {});
        let verdict = decide::verdict(self);
        step.emit_debate(EventBody::VerdictFinal(Box::new(verdict.clone())));
        self.verdict = Some(verdict);
    }

    /// Ends the debate with what there is.
    pub(super) fn conclude(&mut self, status: Status, step: &mut Step) {
        self.leave_block(step);
        self.reveal_polls(step);
        let spoken = self
            .turns
            .iter()
            .any(|turn| turn.standing == TurnStanding::Done);
        let undecided = self
            .verdict
            .as_ref()
            .is_none_or(|verdict| verdict.status == VerdictStatus::Undecided);
        let forfeit = self
            .verdict
            .as_ref()
            .is_some_and(|verdict| verdict.status == VerdictStatus::Forfeit);
        let outcome = if forfeit {
            Outcome::Degraded
        } else if !spoken || status == Status::Failed {
            Outcome::Failed
        } else if undecided || self.winding_down.is_some() || status == Status::Cancelled {
            Outcome::Partial
        } else if !self.degraded.is_empty() {
            Outcome::Degraded
        } else {
            Outcome::Complete
        };
        let status = if outcome == Outcome::Failed && status == Status::Finished {
            Status::Failed
        } else {
            status
        };
        self.status = status;
        self.outcome = Some(outcome);
        let ending = Box::new(Ending {
            outcome,
            degraded: self.degraded.clone(),
            reason: self.winding_down.clone(),
            totals: self.totals,
        });
        step.emit_debate(match status {
            Status::Cancelled => EventBody::Cancelled(ending),
            Status::Failed => EventBody::Failed(ending),
            Status::Queued
            | Status::Running
            | Status::Paused
            | Status::Waiting
            | Status::Stopping
            | Status::Finished => EventBody::Finished(ending),
        });
    }
}
