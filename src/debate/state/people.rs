//! People in seats of the cast: asking them, taking their words, and who stands in.

use std::time::Duration;

use super::Action;
use super::CommandRefused;
use super::State;
use super::Step;
use super::TurnStanding;
use super::turn::Answer;
use super::turn::Void;
use crate::debate::contract;
use crate::debate::contract::Reading;
use crate::debate::plan;
use crate::debate::view;
use crate::events::EventBody;
use crate::events::HumanRequested;
use crate::events::TimerId;
use crate::events::TurnAction;
use crate::types::FinishReason;
use crate::types::Message;
use crate::types::ModelName;
use crate::types::TurnId;

/// Longest speech of a person, in characters.
const MAX_SPEECH_CHARS: usize = 40_000;

impl State {
    /// Asks the person in a turn's seat, for the full time.
    pub(super) fn request_words(&mut self, index: usize, step: &mut Step) {
        let plan = plan::call(self, index);
        let Some(seat) = self.member(&self.turns[index]).human.clone() else {
            return;
        };
        let texts: Vec<String> = (plan.chat.messages.iter())
            .map(Message::joined_text)
            .collect();
        let body = EventBody::HumanRequested(HumanRequested {
            agent: Some(self.member(&self.turns[index]).name.clone()),
            identity: seat.identity,
            prompt: texts.join("\n\n"),
            deadline_s: seat.deadline_s,
        });
        step.emit(self.draft_of(index, body));
        step.actions.push(Action::Timer {
            id: TimerId::Turn(self.turns[index].id.clone()),
            after: Duration::from_secs(u64::from(seat.deadline_s)),
        });
    }

    /// Whether a person may say this in this turn, and how it is read.
    pub(super) fn check_speech(
        &self,
        turn: &TurnId,
        text: &str,
        by: Option<&str>,
    ) -> Result<(usize, Reading), CommandRefused> {
        let index = self.index_of(turn)?;
        let record = &self.turns[index];
        let Some(seat) = &self.member(record).human else {
            return Err(CommandRefused::NotAPersonsTurn(turn.clone()));
        };
        if !matches!(record.standing, TurnStanding::Open | TurnStanding::Held) {
            return Err(CommandRefused::TurnOver(turn.clone()));
        }
        if record.stand_in {
            return Err(CommandRefused::TooLate(turn.clone()));
        }
        if let Some(owner) = &seat.identity
            && by != Some(owner.as_str())
        {
            return Err(CommandRefused::NotYourSeat(
                self.member(record).name.clone(),
            ));
        }
        if text.trim().is_empty() || text.chars().count() > MAX_SPEECH_CHARS {
            return Err(CommandRefused::BadSpeech(MAX_SPEECH_CHARS));
        }
        let reading = contract::read(
            &self.contract_of(record),
            &view::choices(self, record),
            text,
        );
        match reading.problem {
            Some(problem) => Err(CommandRefused::Unreadable(problem)),
            None => Ok((index, reading)),
        }
    }

    /// Takes a person's words, which were checked, as what the turn says.
    pub(super) fn speak(&mut self, index: usize, text: String, reading: Reading, step: &mut Step) {
        self.turns[index].answer = Some(Answer {
            text,
            finish: FinishReason::Stop,
            ttft_ms: 0,
            total_ms: 0,
        });
        self.complete_turn(index, reading, step);
        self.advance(step);
    }

    /// A person did not come in time: the seat's model stands in. A timer that is late says nothing.
    pub(super) fn miss_deadline(&mut self, turn: &TurnId, step: &mut Step) {
        let is_it = |index: &usize| self.turns[*index].id == *turn && self.turns[*index].human;
        let Some(index) = self.open_turns().into_iter().find(is_it) else {
            return;
        };
        let timer = TimerId::Turn(turn.clone());
        step.emit(self.draft_of(index, EventBody::TimerFired { timer }));
        self.stand_in_for_person(index, step);
        self.advance(step);
    }

    fn stand_in_for_person(&mut self, index: usize, step: &mut Step) {
        let name = self.member(&self.turns[index]).name.clone();
        let model = self.voices[self.turns[index].member].model.clone();
        let void = Void {
            action: TurnAction::Substitute,
            reason: "deadline",
            message: "nobody spoke in time",
        };
        self.emit_reset(index, void, step);
        self.degrade(format!("{name}: {model} stood in for a person (deadline)"));
        self.begin_anew(index, model);
        self.turns[index].attempt += 1;
        self.start_turn(index, person(&name), step);
    }

    /// The turn of this id.
    pub(super) fn index_of(&self, turn: &TurnId) -> Result<usize, CommandRefused> {
        let found = self.turns.iter().position(|other| other.id == *turn);
        found.ok_or_else(|| CommandRefused::NoSuchTurn(turn.clone()))
    }
}

/// How a person who was stood in for is named where a model's name is expected.
fn person(name: &str) -> Option<ModelName> {
    let plain = |c: char| {
        if c.is_whitespace() || c.is_control() {
            '-'
        } else {
            c
        }
    };
    let name: String = name.chars().map(plain).collect();
    format!("human/{name}")
        .parse()
        .or_else(|_| "human/seat".parse())
        .ok()
}
