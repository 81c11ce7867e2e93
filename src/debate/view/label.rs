//! What a reader calls those who wrote what it reads.

use super::Reader;
use crate::debate::plan;
use crate::debate::state::TurnRecord;
use crate::types::debate::Choices;
use crate::types::debate::Sight;

/// Words for speakers whose names are withheld: neutral, and without an order of their own.
const NEUTRAL: [&str; 24] = [
    "Cedar", "Harbor", "Lantern", "Meadow", "Pebble", "Quill", "Ridge", "Saffron", "Timber",
    "Umber", "Velvet", "Willow", "Anchor", "Basil", "Copper", "Dune", "Fennel", "Glacier",
    "Indigo", "Juniper", "Kettle", "Marble", "Nutmeg", "Orchid",
];

impl Reader<'_> {
    /// Who wrote a turn and where, as this reader may know it.
    pub(super) fn label(&self, turn: &TurnRecord, sight: &Sight) -> String {
        format!(
            "from {}, {}, round {}",
            self.writer(turn, sight),
            turn.phase,
            turn.round + 1
        )
    }

    /// Who wrote a turn, as this reader may know it: itself, a side, a neutral word, or the name.
    ///
    /// What a ballot is over is anonymous for its writer as well: who knows its own text among the others votes
    /// for it.
    pub(super) fn writer(&self, turn: &TurnRecord, sight: &Sight) -> String {
        let member = &self.spec.cast[turn.member];
        let own =
            turn.member == self.turn.member && !(sight.anon && self.is_ballot_over(&turn.phase));
        match &member.side {
            _ if own => "you".to_owned(),
            Some(side) if sight.anon => self.anonymous_of_side(turn.member, side),
            None if sight.anon => self.neutral_word(turn.member),
            Some(side) => format!("{} ({side})", member.name),
            None => member.name.clone(),
        }
    }

    pub(super) fn is_ballot_over(&self, phase: &str) -> bool {
        let choices = self.contract.choices.as_ref();
        matches!(choices, Some(Choices::Phase(id)) if id == phase)
    }

    /// A side is one speaker, or several that have to be told apart.
    fn anonymous_of_side(&self, member: usize, side: &str) -> String {
        let same_side =
            |other: &&crate::types::debate::CastMember| other.side.as_deref() == Some(side);
        if self.spec.cast.iter().filter(same_side).count() == 1 {
            return side.to_owned();
        }
        format!("{} ({side})", self.neutral_word(member))
    }

    /// Each reader has words of its own, so that two readers cannot put theirs together; one reader has the same
    /// words in all its turns, so that it can follow who says what.
    pub(super) fn neutral_word(&self, member: usize) -> String {
        let is_name = |word: &&str| {
            let mut cast = self.spec.cast.iter();
            cast.any(|member| member.name.eq_ignore_ascii_case(word))
        };
        let mut words: Vec<&str> = NEUTRAL.into_iter().filter(|word| !is_name(word)).collect();
        let purpose = format!("labels {}", self.member.name);
        plan::shuffle(self.spec.seed, &purpose, &mut words);
        if words.is_empty() {
            return format!("Speaker {}", member + 1);
        }
        match member / words.len() {
            0 => words[member].to_owned(),
            again => format!("{} {}", words[member % words.len()], again + 1),
        }
    }
}
