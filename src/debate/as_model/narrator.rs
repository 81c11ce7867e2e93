//! A debate told as one text: events and words in, paragraphs out. Pure.
//!
//! Speakers who speak at once are told one after the other: the words of one are passed on as they come, those of the
//! others wait until it has ended.

use crate::events::Envelope;
use crate::events::EventBody;
use crate::events::SpeechChannel;
use crate::events::TurnAction;
use crate::events::TurnReset;
use crate::events::TurnStarted;
use crate::types::TurnId;

/// What has been told of a debate so far.
#[derive(Debug, Default)]
pub(super) struct Narrator {
    /// Turns that are not told to their end, in the order in which they began.
    turns: Vec<Turn>,
    has_told: bool,
    /// What is told before the first words: by itself it is no answer.
    notes: String,
}

#[derive(Debug)]
struct Turn {
    id: TurnId,
    heading: String,
    text: String,
    /// Characters of the text that were told.
    told: usize,
    /// The heading was told.
    is_begun: bool,
    is_over: bool,
}

impl Narrator {
    /// Takes new words of a turn, which begin at a character of its text, and gives what to tell.
    pub(super) fn words(
        &mut self,
        turn: &TurnId,
        channel: SpeechChannel,
        off: u64,
        text: &str,
    ) -> String {
        let of_turn = self
            .turns
            .iter_mut()
            .find(|it| it.id == *turn && !it.is_over);
        let Some(of_turn) = of_turn.filter(|_| channel == SpeechChannel::Speech) else {
            return String::new();
        };
        let known = of_turn.text.chars().count() as u64;
        // Where words were lost, the whole text comes with the end of the turn.
        if off <= known {
            let new = text.chars().skip((known - off) as usize);
            of_turn.text.extend(new);
        }
        self.tell()
    }

    /// Takes a durable event, and gives what to tell.
    pub(super) fn event(&mut self, event: &Envelope) -> String {
        let Some(id) = &event.turn else {
            return String::new();
        };
        match &event.body {
            EventBody::TurnStarted(started) => {
                self.begin(id, started, event);
                String::new()
            }
            EventBody::TurnCompleted(completed) => {
                let mut notes = String::new();
                if let Some(turn) = self.turn(id) {
                    let told: String = turn.text.chars().take(turn.told).collect();
                    if completed.text.starts_with(&told) {
                        turn.text.clone_from(&completed.text);
                    } else {
                        // Another attempt's words; the ones that count are told whole.
                        turn.text.clone_from(&completed.text);
                        turn.told = 0;
                        notes.push_str("\n\n");
                    }
                    turn.is_over = true;
                }
                notes + &self.tell()
            }
            EventBody::TurnReset(reset) => self.void(id, reset),
            EventBody::TurnFailed(failed) => {
                let told = self.void(id, failed);
                if let Some(turn) = self.turn(id) {
                    turn.is_over = true;
                }
                told + &self.tell()
            }
            _ => String::new(),
        }
    }

    fn begin(&mut self, id: &TurnId, started: &TurnStarted, event: &Envelope) {
        let side = started.side.as_deref().unwrap_or(&started.role);
        let phase = event.phase.as_deref().unwrap_or_default();
        let phase = phase.replace(['-', '_'], " ");
        let round = match event.round {
            None | Some(0) => String::new(),
            Some(round) => format!(" {}", round + 1),
        };
        let heading = format!(
            "**{} ({side}, {}): {phase}{round}**",
            started.agent, started.model
        );
        match self.turn(id) {
            Some(turn) => {
                turn.heading = heading;
                turn.is_over = false;
            }
            None => self.turns.push(Turn {
                id: id.clone(),
                heading,
                text: String::new(),
                told: 0,
                is_begun: false,
                is_over: false,
            }),
        }
    }

    /// What was said of a turn so far does not count.
    fn void(&mut self, id: &TurnId, reset: &TurnReset) -> String {
        let Some(turn) = self.turn(id) else {
            return String::new();
        };
        let what = match reset.action {
            TurnAction::Retry => "is asked again",
            TurnAction::Repair => "is asked to mend the answer",
            TurnAction::Substitute => "is spoken for by a stand-in",
            TurnAction::Skip => "gives no statement",
            TurnAction::Forfeit => "forfeits",
            TurnAction::Abort => "cannot speak, and the debate ends",
            TurnAction::Hold => "is asked again after the pause",
        };
        let was_told = turn.is_begun;
        turn.text.clear();
        turn.told = 0;
        turn.is_begun = false;
        if !was_told && reset.action == TurnAction::Repair {
            return String::new();
        }
        let note = format!("({} {what}: {})", reset.agent, reset.message);
        if self.has_told {
            return self.paragraph(&note);
        }
        self.notes.push_str(&note);
        self.notes.push_str("\n\n");
        String::new()
    }

    /// Tells what is new of the turn whose words are told now, and of those after it when it is over.
    fn tell(&mut self) -> String {
        let mut out = String::new();
        loop {
            // Whose words are being told is told to the end; else the first that has said something.
            let speaking = self.turns.iter().position(|turn| turn.is_begun);
            let speaking =
                speaking.or_else(|| self.turns.iter().position(|turn| !turn.text.is_empty()));
            let Some(at) = speaking else { break };
            if !self.turns[at].is_begun {
                let heading = format!("{}\n\n", self.turns[at].heading);
                out.push_str(&self.paragraph(&heading));
            }
            let turn = &mut self.turns[at];
            turn.is_begun = true;
            out.extend(turn.text.chars().skip(turn.told));
            turn.told = turn.text.chars().count();
            if !turn.is_over {
                break;
            }
            self.turns.remove(at);
        }
        self.turns
            .retain(|turn| !(turn.is_over && turn.text.is_empty()));
        out
    }

    /// The text as a paragraph of its own.
    fn paragraph(&mut self, text: &str) -> String {
        match std::mem::replace(&mut self.has_told, true) {
            true => format!("\n\n{text}"),
            false => std::mem::take(&mut self.notes) + text,
        }
    }

    fn turn(&mut self, id: &TurnId) -> Option<&mut Turn> {
        self.turns.iter_mut().find(|turn| turn.id == *id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::events::Draft;
    use crate::events::TurnCompleted;
    use crate::types::DebateId;
    use crate::types::FinishReason;
    use crate::types::ModelName;
    use crate::types::Usage;
    use crate::types::debate::ParsePath;

    fn model() -> ModelName {
        "demo/optimist".parse().unwrap()
    }

    fn event(turn: &str, body: EventBody) -> Envelope {
        let draft = Draft {
            phase: Some("first_answers".to_owned()),
            round: Some(0),
            turn: Some(TurnId::new(turn)),
            body,
        };
        draft.into_envelope(DebateId::new("d"), 1, 0)
    }

    fn started(turn: &str, agent: &str) -> Envelope {
        let started = TurnStarted {
            agent: agent.to_owned(),
            role: "solver".to_owned(),
            side: None,
            model: model(),
            attempt: 0,
            prompt_hash: String::new(),
            substitute_for: None,
            swapped: false,
        };
        event(turn, EventBody::TurnStarted(Box::new(started)))
    }

    fn completed(turn: &str, text: &str) -> Envelope {
        let completed = TurnCompleted {
            agent: String::new(),
            role: String::new(),
            side: None,
            model: model(),
            text: text.to_owned(),
            parsed: None,
            parse: ParsePath::Text,
            usage: Usage::default(),
            cost_nanousd: None,
            ttft_ms: 0,
            total_ms: 0,
            finish: FinishReason::Stop,
            quotes: Vec::new(),
            human: false,
            left_out: Vec::new(),
        };
        event(turn, EventBody::TurnCompleted(Box::new(completed)))
    }

    fn failed(turn: &str, action: TurnAction) -> Envelope {
        let reset = TurnReset {
            agent: "b".to_owned(),
            attempt: 0,
            reason: "overloaded".to_owned(),
            message: "too busy".to_owned(),
            action,
        };
        event(
            turn,
            match action {
                TurnAction::Skip => EventBody::TurnFailed(reset),
                _ => EventBody::TurnReset(reset),
            },
        )
    }

    fn speech(narrator: &mut Narrator, turn: &str, off: u64, text: &str) -> String {
        narrator.words(&TurnId::new(turn), SpeechChannel::Speech, off, text)
    }

    #[test]
    fn speakers_at_once_are_told_one_after_the_other_and_completely() {
        let mut narrator = Narrator::default();
        let mut told = String::new();
        narrator.event(&started("t1", "a"));
        narrator.event(&started("t2", "b"));
        told += &speech(&mut narrator, "t2", 0, "two");
        told += &speech(&mut narrator, "t1", 0, "one ");
        told += &speech(&mut narrator, "t2", 3, " more");
        told += &narrator.event(&completed("t1", "one whole"));
        told += &narrator.event(&completed("t2", "two more words"));
        let b = "**b (solver, demo/optimist): first answers**\n\ntwo more words";
        let a = "**a (solver, demo/optimist): first answers**\n\none whole";
        assert_eq!(told, format!("{b}\n\n{a}"));
        assert!(narrator.turns.is_empty());
    }

    #[test]
    fn words_that_break_off_are_said_to_be_void() {
        let mut narrator = Narrator::default();
        narrator.event(&started("t1", "b"));
        let mut told = speech(&mut narrator, "t1", 0, "half");
        told += &narrator.event(&failed("t1", TurnAction::Retry));
        narrator.event(&started("t1", "b"));
        told += &speech(&mut narrator, "t1", 0, "whole");
        told += &narrator.event(&completed("t1", "whole"));
        let heading = "**b (solver, demo/optimist): first answers**\n\n";
        assert_eq!(
            told,
            format!("{heading}half\n\n(b is asked again: too busy)\n\n{heading}whole")
        );
    }

    #[test]
    fn a_turn_that_cannot_be_had_holds_nobody_up() {
        let mut narrator = Narrator::default();
        narrator.event(&started("t1", "b"));
        narrator.event(&started("t2", "c"));
        speech(&mut narrator, "t1", 0, "half");
        assert_eq!(speech(&mut narrator, "t2", 0, "here"), "");
        let told = narrator.event(&failed("t1", TurnAction::Skip));
        assert!(told.contains("(b gives no statement: too busy)"), "{told}");
        assert!(told.ends_with("first answers**\n\nhere"), "{told}");
    }

    #[test]
    fn lost_words_come_with_the_whole_text_and_reasoning_is_left_out() {
        let mut narrator = Narrator::default();
        narrator.event(&started("t1", "a"));
        let mut told = narrator.words(&TurnId::new("t1"), SpeechChannel::Reasoning, 0, "hm");
        told += &speech(&mut narrator, "t1", 0, "ä");
        told += &speech(&mut narrator, "t1", 5, "lost");
        told += &narrator.event(&completed("t1", "äbcdelost"));
        assert!(told.ends_with("\n\näbcdelost"), "{told}");
    }
}
