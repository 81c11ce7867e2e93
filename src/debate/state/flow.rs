//! Where in its format a debate is, and what comes next.

use super::State;
use super::Step;
use super::block::Block;
use crate::debate::predicate;
use crate::events::EventBody;
use crate::types::debate::Phase;
use crate::types::debate::PhaseKind;
use crate::types::debate::Status;

/// Where in the format.
#[derive(Debug, Clone, Default)]
pub(super) struct Flow {
    /// Which phase of the main line, counted from 0.
    top: usize,
    /// How many repetitions of it have run.
    pub(super) repetition: u32,
    /// Which of its interleaved phases is running or comes next; `None` for itself.
    interleaved: Option<usize>,
    /// Repetitions that a command added to it.
    pub(super) extra: u32,
    /// The repetition under way.
    pub(super) block: Option<Block>,
}

/// What the main line does next.
enum Next {
    Begin(Box<Phase>),
    Skip,
    Decide,
}

impl State {
    /// Goes on as far as nothing has to be waited for.
    pub(super) fn advance(&mut self, step: &mut Step) {
        while !self.status.is_over() && self.open_turns().is_empty() {
            if self.pause_wanted {
                return self.hold(step);
            }
            if !self.is_going() {
                return;
            }
            if self.winding_down.is_some() {
                self.decide(step);
                return self.conclude(Status::Finished, step);
            }
            if self.audience_is_asked() {
                return;
            }
            self.advance_once(step);
        }
    }

    fn hold(&mut self, step: &mut Step) {
        if self.is_going() {
            self.status = Status::Paused;
            step.emit_debate(EventBody::Paused {});
        }
    }

    fn advance_once(&mut self, step: &mut Step) {
        if self.flow.block.is_some() {
            if !self.ask_next(step) {
                self.end_block(step);
            }
            return;
        }
        match self.next() {
            Next::Begin(phase) => self.begin_block(&phase, step),
            Next::Skip => self.leave_phase(),
            Next::Decide => {
                self.decide(step);
                self.conclude(Status::Finished, step);
            }
        }
    }

    /// The phases that are not interleaved into another.
    fn main_line(&self) -> Vec<&Phase> {
        let phases = &self.spec.format.phases;
        let interleaved = |id: &String| phases.iter().any(|other| other.interleave.contains(id));
        phases
            .iter()
            .filter(|phase| !interleaved(&phase.id))
            .collect()
    }

    fn next(&mut self) -> Next {
        let line = self.main_line();
        let Some(top) = line.get(self.flow.top).map(|phase| (*phase).clone()) else {
            return Next::Decide;
        };
        if let Some(from) = self.flow.interleaved {
            for (which, id) in top.interleave.iter().enumerate().skip(from) {
                let guest = self.phase(id).clone();
                if self.is_wanted(&guest) {
                    self.flow.interleaved = Some(which);
                    return Next::Begin(Box::new(guest));
                }
            }
            self.end_repetition();
        }
        if self.flow.repetition == 0 && !self.is_wanted(&top) {
            return Next::Skip;
        }
        if self.is_enough(&top) {
            return Next::Skip;
        }
        Next::Begin(Box::new(top))
    }

    /// A phase whose condition does not hold is left out, and so is one that asks an audience which is not there.
    fn is_wanted(&self, phase: &Phase) -> bool {
        let asks_people = matches!(phase.kind, PhaseKind::Poll | PhaseKind::AskHuman);
        let done = self.flow.repetition;
        let holds = |when| predicate::holds(when, self, done);
        (self.spec.audience || !asks_people) && phase.when.as_ref().is_none_or(holds)
    }

    /// Whether a phase of the main line has run often enough. A repetition that a command added is used up here.
    fn is_enough(&mut self, phase: &Phase) -> bool {
        let done = self.flow.repetition;
        if self.phase_ending && done > 0 {
            return true;
        }
        let most = phase.repeat.max;
        let most = self.limits.rounds.map_or(most, |cap| most.min(cap));
        let until = phase.repeat.until.as_ref();
        let agreed = || until.is_some_and(|until| predicate::holds(until, self, done));
        let enough = done >= most || (done >= phase.repeat.min && agreed());
        if enough && done > 0 && self.flow.extra > 0 {
            self.flow.extra -= 1;
            return false;
        }
        enough
    }

    fn leave_phase(&mut self) {
        self.flow.top += 1;
        self.flow.repetition = 0;
        self.flow.interleaved = None;
        self.flow.extra = 0;
        self.phase_ending = false;
    }

    /// What comes behind a repetition of a phase: the phases interleaved into it, each once.
    pub(super) fn after_block(&mut self) {
        match self.flow.interleaved {
            None => self.flow.interleaved = Some(0),
            Some(which) => self.flow.interleaved = Some(which + 1),
        }
    }

    fn end_repetition(&mut self) {
        self.flow.interleaved = None;
        self.flow.repetition += 1;
    }

    /// Where the debate is, for events that belong to no turn.
    pub(super) fn place(&self) -> (Option<String>, Option<u32>) {
        self.flow.block.as_ref().map_or((None, None), |block| {
            (Some(block.phase.clone()), Some(block.round))
        })
    }

    /// `true` while nobody but its speakers may see what is said in a phase, and its tallies.
    pub fn hides(&self, phase: &str) -> bool {
        use crate::types::debate::HiddenUntil;
        let hidden = self.spec.format.phase(phase);
        match hidden.and_then(|phase| phase.hidden_until.as_ref()) {
            None => false,
            Some(HiddenUntil::End) => !self.status.is_over(),
            Some(HiddenUntil::Phase) => {
                let line = self.main_line();
                let place = line.iter().position(|other| other.id == phase);
                let is_guest = place.is_none();
                let under_way = |block: &Block| block.phase == phase;
                let runs = self.flow.block.as_ref().is_some_and(under_way);
                let not_left = place.is_some_and(|place| place >= self.flow.top);
                !self.status.is_over() && ((is_guest && runs) || not_left)
            }
        }
    }
}
