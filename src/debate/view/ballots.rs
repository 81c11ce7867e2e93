//! Ballots and tallies, as a reader sees them.

use super::Reader;
use super::fit::Item;
use super::fit::Keep;
use super::fit::Section;
use super::labels;
use crate::debate::state::TurnRecord;
use crate::debate::state::TurnStanding;
use crate::types::debate::Atom;
use crate::types::debate::PhaseKind;
use crate::types::debate::Sight;

impl Reader<'_> {
    /// The ballots of vote phases so far. Each voter had words of its own for those it voted on, so what each word
    /// means for this reader stands behind the ballot.
    pub(super) fn votes(&self, sight: &Sight) -> Option<Section> {
        let ballots = self
            .visible()
            .filter(|(_, turn)| self.kind(turn) == Some(PhaseKind::Vote))
            .filter(|(_, turn)| turn.standing == TurnStanding::Done);
        let ballots = self.shown(ballots.collect(), sight);
        let items = ballots.into_iter().map(|(place, turn)| Item {
            text: self.quoted(turn, sight) + &self.key_to(turn, sight),
            keep: Keep::Others(place),
        });
        Section::filled("The ballots", items.collect())
    }

    fn key_to(&self, ballot: &TurnRecord, sight: &Sight) -> String {
        let meanings: Vec<String> = labels(self.state, ballot)
            .into_iter()
            .map(|(word, place)| {
                let turn = &self.state.turns()[place];
                let writer = self.writer(turn, self.sight_of(turn).unwrap_or(sight));
                format!("{word} is {writer}")
            })
            .collect();
        if meanings.is_empty() {
            return String::new();
        }
        format!(
            "\n(In this ballot {}.)",
            self.fence.text(&meanings.join("; "))
        )
    }

    /// The sight under which this reader sees a turn's phase itself.
    pub(super) fn sight_of(&self, turn: &TurnRecord) -> Option<&Sight> {
        let mut sees = self.phase.sees.iter();
        sees.find(|sight| matches!(&sight.atom, Atom::Phase(id) if *id == turn.phase))
    }

    /// Tallies of polls that are closed and not kept back.
    pub(super) fn polls(&self) -> Option<Section> {
        let known = self
            .state
            .polls()
            .iter()
            .filter(|poll| !poll.open && !poll.hidden);
        let items = known.map(|poll| {
            let lines = poll
                .tally()
                .into_iter()
                .map(|tally| format!("- {}: {}", tally.choice, tally.points));
            let title = format!("{}, round {}", poll.phase, poll.round + 1);
            let lines: Vec<String> = lines.collect();
            Item::always(self.fence.text(&format!("{title}\n{}", lines.join("\n"))))
        });
        Section::filled("How the audience voted", items.collect())
    }
}
