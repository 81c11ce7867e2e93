//! Where in its format a debate is, and what comes next.

use super::State;
use super::Step;
use super::TurnStanding;
use crate::debate::decide;
use crate::debate::plan;
use crate::debate::plan::Reservation;
use crate::debate::predicate;
use crate::events::Draft;
use crate::events::EventBody;
use crate::types::debate::Order;
use crate::types::debate::Phase;
use crate::types::debate::Quorum;
use crate::types::debate::Status;

/// Where in the format.
#[derive(Debug, Clone, Default)]
pub(super) struct Flow {
    /// Which phase of the main line, counted from 0.
    top: usize,
    /// How many repetitions of it have run.
    repetition: u32,
    /// Which of its interleaved phases is running; `None` for itself.
    interleaved: Option<usize>,
    /// The repetition under way.
    block: Option<Block>,
}

/// One repetition of one phase.
#[derive(Debug, Clone)]
struct Block {
    phase: String,
    round: u32,
    speakers: Vec<usize>,
    /// Turns of this block, in order: indices into the state's turns.
    turns: Vec<usize>,
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
            if self.status != Status::Running {
                return;
            }
            if self.winding_down.is_some() {
                self.flow.block = None;
                self.decide(step);
                return self.conclude(Status::Finished, step);
            }
            self.advance_once(step);
        }
    }

    fn hold(&mut self, step: &mut Step) {
        if self.status == Status::Running {
            self.status = Status::Paused;
            step.emit_debate(EventBody::Paused {});
        }
    }

    fn advance_once(&mut self, step: &mut Step) {
        match self.flow.block.take() {
            Some(block) if block.turns.len() < block.speakers.len() => self.ask_next(block, step),
            Some(block) => self.end_block(&block, step),
            None => match self.next() {
                Next::Begin(phase) => self.begin_block(&phase, step),
                Next::Skip => self.leave_phase(),
                Next::Decide => {
                    self.decide(step);
                    self.conclude(Status::Finished, step);
                }
            },
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

    fn next(&self) -> Next {
        let line = self.main_line();
        let Some(top) = line.get(self.flow.top).copied() else {
            return Next::Decide;
        };
        if let Some(which) = self.flow.interleaved {
            return Next::Begin(Box::new(self.phase(&top.interleave[which]).clone()));
        }
        let done = self.flow.repetition;
        let most = self
            .spec
            .limits
            .rounds
            .map_or(top.repeat.max, |cap| top.repeat.max.min(cap));
        let unwanted = done == 0
            && top
                .when
                .as_ref()
                .is_some_and(|when| !predicate::holds(when, self, done));
        let enough = || {
            top.repeat
                .until
                .as_ref()
                .is_some_and(|until| predicate::holds(until, self, done))
        };
        if unwanted || done >= most || (done >= top.repeat.min && enough()) {
            return Next::Skip;
        }
        Next::Begin(Box::new(top.clone()))
    }

    fn leave_phase(&mut self) {
        self.flow.top += 1;
        self.flow.repetition = 0;
        self.flow.interleaved = None;
    }

    fn begin_block(&mut self, phase: &Phase, step: &mut Step) {
        let speakers = self.speakers(phase);
        let round = self.flow.repetition;
        let names = speakers
            .iter()
            .map(|&member| self.spec.cast[member].name.clone())
            .collect();
        let body = EventBody::PhaseStarted {
            kind: phase.kind,
            order: phase.order.clone(),
            speakers: names,
            repetition: round,
        };
        step.emit(Draft {
            phase: Some(phase.id.clone()),
            round: Some(round),
            turn: None,
            body,
        });
        self.flow.block = Some(Block {
            phase: phase.id.clone(),
            round,
            speakers,
            turns: Vec::new(),
        });
    }

    /// Asks the next speaker, or all of them at once. Their maxima are reserved before the first is asked.
    fn ask_next(&mut self, mut block: Block, step: &mut Step) {
        let asked = block.turns.len();
        let wanted = match &self.phase(&block.phase).order {
            Order::Sequential => asked..asked + 1,
            Order::Simultaneous => asked..block.speakers.len(),
            Order::Alternate | Order::Rotate | Order::PairQa | Order::Pick(_) => todo!("base"),
        };
        let before = self.turns.len();
        for speaker in wanted {
            let index = self.open_turn(block.speakers[speaker], &block.phase, block.round);
            block.turns.push(index);
        }
        let opened: Vec<usize> = (before..self.turns.len()).collect();
        let needed = opened
            .iter()
            .map(|&index| plan::call(self, index).reservation);
        let needed = needed.fold(Reservation::default(), |sum, more| sum + more);
        if self.reserve(&needed, step) {
            for index in opened {
                self.start_turn(index, None, step);
            }
        } else {
            self.turns.truncate(before);
            block.turns.truncate(asked);
        }
        self.flow.block = Some(block);
    }

    fn end_block(&mut self, block: &Block, step: &mut Step) {
        let spoken = block
            .turns
            .iter()
            .filter(|&&turn| self.turns[turn].standing == TurnStanding::Done)
            .count();
        let phase = self.phase(&block.phase);
        let met = match phase.quorum {
            Quorum::None => true,
            Quorum::Majority => spoken * 2 > block.speakers.len(),
            Quorum::All => spoken == block.speakers.len(),
            Quorum::AtLeast(least) => spoken >= least as usize,
        };
        let interleave = phase.interleave.len();
        let stop_reason = if met { "done" } else { "quorum_not_met" };
        let body = EventBody::PhaseFinished {
            repetition: block.round,
            stop_reason: stop_reason.to_owned(),
        };
        step.emit(Draft {
            phase: Some(block.phase.clone()),
            round: Some(block.round),
            turn: None,
            body,
        });
        if !met {
            self.degrade(format!(
                "too few spoke in {}: {spoken} of {}",
                block.phase,
                block.speakers.len()
            ));
            self.winding_down = Some(format!("quorum not met in {}", block.phase));
            return;
        }
        let line_interleave = self.main_line()[self.flow.top].interleave.len();
        match self.flow.interleaved {
            None if interleave > 0 => self.flow.interleaved = Some(0),
            Some(which) if which + 1 < line_interleave => self.flow.interleaved = Some(which + 1),
            None | Some(_) => {
                self.flow.interleaved = None;
                self.flow.repetition += 1;
            }
        }
    }

    /// Where the debate is, for events that belong to no turn.
    pub(super) fn place(&self) -> (Option<String>, Option<u32>) {
        self.flow.block.as_ref().map_or((None, None), |block| {
            (Some(block.phase.clone()), Some(block.round))
        })
    }

    /// Decides on what there is.
    pub(super) fn decide(&mut self, step: &mut Step) {
        step.emit_debate(EventBody::VerdictStarted {});
        let verdict = decide::verdict(self);
        step.emit_debate(EventBody::VerdictFinal(Box::new(verdict.clone())));
        self.verdict = Some(verdict);
    }
}
