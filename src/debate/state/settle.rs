//! What the end of a call does to its turn: reading, mending, having it read, and taking it as spoken.

use super::super::plan::Reservation;
use super::State;
use super::Step;
use super::Summary;
use super::TurnStanding;
use super::turn::Answer;
use super::turn::Void;
use crate::debate::contract;
use crate::debate::contract::Reading;
use crate::debate::decide;
use crate::debate::evidence;
use crate::debate::view;
use crate::events::CallFinished;
use crate::events::CallOutcome;
use crate::events::EventBody;
use crate::events::Purpose;
use crate::events::QuoteCheck;
use crate::events::TurnAction;
use crate::events::TurnCompleted;
use crate::types::FinishReason;
use crate::types::NanoUsd;
use crate::types::Usage;
use crate::types::debate::Extract;
use crate::types::debate::ParsePath;
use crate::types::debate::PhaseKind;
use crate::types::debate::RoleKind;

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
                let why = "the provider held the answer back";
                if self.turns[index].purpose == Purpose::Extract {
                    self.take_failure(index, "content_filtered", why, step);
                } else {
                    self.give_up(index, "content_filtered", why, step);
                }
            }
            (
                CallOutcome::Answered {
                    text,
                    finish,
                    ttft_ms,
                    total_ms,
                    ..
                },
                Some(reading),
            ) => {
                let answer = Answer {
                    text: text.clone(),
                    finish: *finish,
                    ttft_ms: *ttft_ms,
                    total_ms: *total_ms,
                };
                self.take_answer(index, answer, reading, step);
            }
            (CallOutcome::Failed { code, message, .. }, _) => {
                self.take_failure(index, code, message, step);
            }
            (CallOutcome::Answered { .. }, None) => {}
        }
        self.advance(step);
    }

    fn book(&mut self, index: usize, usage: Usage, cost: Option<NanoUsd>) {
        let turn = &mut self.turns[index];
        turn.usage += usage;
        turn.cost = turn.cost.zip(cost).map(|(sum, more)| sum + more);
        turn.reserved = turn.reserved.beyond(&Reservation {
            calls: 1,
            tokens: usage.total_tokens(),
            cost_nanousd: cost.unwrap_or_default().0,
        });
        self.totals.calls += 1;
        self.totals.usage += usage;
        self.totals.cost_nanousd += cost.unwrap_or_default();
        self.totals.cost_known &= cost.is_some();
    }

    /// Reads what a call gave: the speaker's own words, or what the cheap model read out of them.
    fn read(&self, index: usize, text: &str) -> Reading {
        let turn = &self.turns[index];
        let (contract, choices) = (self.contract_of(turn), view::choices(self, turn));
        match (&turn.purpose, &turn.unreadable) {
            (Purpose::Extract, Some((answer, _))) => {
                contract::read_extracted(&contract, &choices, answer, text)
            }
            (Purpose::Extract | Purpose::Turn | Purpose::Repair, _) => {
                contract::read(&contract, &choices, text)
            }
        }
    }

    fn take_answer(&mut self, index: usize, answer: Answer, reading: Reading, step: &mut Step) {
        let is_empty = answer.text.trim().is_empty();
        if self.turns[index].purpose == Purpose::Extract {
            return match reading.problem {
                None => self.complete_turn(index, reading, step),
                Some(problem) => self.leave_unread(index, &problem, step),
            };
        }
        let Some(problem) = reading.problem.clone() else {
            self.turns[index].answer = Some(answer);
            return self.complete_turn(index, reading, step);
        };
        if is_empty {
            return self.take_failure(
                index,
                "empty_answer",
                "the model answered with no text",
                step,
            );
        }
        let turn = &mut self.turns[index];
        turn.unreadable = Some((answer.text.clone(), problem.clone()));
        turn.answer = Some(answer);
        if turn.repairs_left > 0 {
            turn.repairs_left -= 1;
            let void = Void {
                action: TurnAction::Repair,
                reason: "contract",
                message: &problem,
            };
            self.emit_reset(index, void, step);
            self.turns[index].purpose = Purpose::Repair;
            return self.call_again(index, step);
        }
        let asks = self
            .contract_of(&self.turns[index])
            .extract
            .contains(&Extract::Ask);
        if asks && self.spec.extractor.is_some() {
            self.turns[index].purpose = Purpose::Extract;
            return self.call_again(index, step);
        }
        self.leave_unread(index, &problem, step);
    }

    /// Takes an answer as it is, unread: an outcome of its own.
    pub(super) fn leave_unread(&mut self, index: usize, problem: &str, step: &mut Step) {
        let name = self.member(&self.turns[index]).name.clone();
        let phase = &self.turns[index].phase;
        let note = format!("{name}: the answer in {phase} could not be read ({problem})");
        self.degrade(note);
        let unread = Reading {
            parsed: None,
            path: ParsePath::Unparsed,
            problem: None,
        };
        self.complete_turn(index, unread, step);
    }

    /// Takes the turn's answer as what it says.
    pub(super) fn complete_turn(&mut self, index: usize, reading: Reading, step: &mut Step) {
        let Some(answer) = self.turns[index].answer.take() else {
            return;
        };
        let before = self.position_of(self.turns[index].member);
        let quotes = self.checked_quotes(index, &answer.text);
        let turn = &mut self.turns[index];
        turn.standing = TurnStanding::Done;
        turn.text.clone_from(&answer.text);
        turn.parsed.clone_from(&reading.parsed);
        turn.parse = Some(reading.path);
        turn.unreadable = None;
        turn.reserved = Reservation::default();
        turn.quotes.clone_from(&quotes);
        let (turn, member) = (&self.turns[index], self.member(&self.turns[index]));
        let completed = TurnCompleted {
            agent: member.name.clone(),
            role: member.role.clone(),
            side: member.side.clone(),
            model: turn.model.clone(),
            text: answer.text,
            parsed: reading.parsed,
            parse: reading.path,
            usage: turn.usage,
            cost_nanousd: turn.cost,
            ttft_ms: answer.ttft_ms,
            total_ms: answer.total_ms,
            finish: answer.finish,
            quotes: quotes.clone(),
            human: turn.human,
            left_out: turn.left_out.clone(),
        };
        step.emit(self.draft_of(index, EventBody::TurnCompleted(Box::new(completed))));
        for quote in quotes {
            step.emit(self.draft_of(index, EventBody::ClaimChecked(quote)));
        }
        self.note_summary(index, step);
        let after = self.position_of(self.turns[index].member);
        if let (Some(from), Some(to)) = (before, after)
            && from != to
        {
            let agent = self.member(&self.turns[index]).name.clone();
            step.emit(self.draft_of(index, EventBody::PositionChanged { agent, from, to }));
        }
        self.look_at_stop_early(step);
    }

    fn checked_quotes(&self, index: usize, text: &str) -> Vec<QuoteCheck> {
        let turn = &self.turns[index];
        match &self.contract_of(turn).quotes {
            Some(rule) => evidence::check(&self.spec, turn.member, rule, text),
            None => Vec::new(),
        }
    }

    /// A summary covers all statements before it.
    fn note_summary(&mut self, index: usize, step: &mut Step) {
        let turn = &self.turns[index];
        if self.phase(&turn.phase).kind != PhaseKind::Summarise {
            return;
        }
        let is_covered = |earlier: &usize| {
            let earlier = &self.turns[*earlier];
            let speaks = self.phase(&earlier.phase).kind == PhaseKind::Speak;
            speaks && earlier.standing == TurnStanding::Done
        };
        let summary = Summary {
            text: turn.text.clone(),
            turn: index,
            covers: (0..index).filter(is_covered).collect(),
        };
        let id = |covered: &usize| self.turns[*covered].id.clone();
        let body = EventBody::SummaryReady {
            text: summary.text.clone(),
            covers: summary.covers.iter().map(id).collect(),
        };
        step.emit(self.draft_of(index, body));
        self.summaries.push(summary);
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
}
