//! Which turns a reader may know of, and in which order it reads them.

use super::Reader;
use crate::debate::contract;
use crate::debate::plan;
use crate::debate::state::TurnRecord;
use crate::debate::state::TurnStanding;
use crate::types::debate::Format;
use crate::types::debate::HiddenUntil;
use crate::types::debate::Order;
use crate::types::debate::PhaseKind;
use crate::types::debate::Sight;

impl<'a> Reader<'a> {
    /// Turns that are over and that this reader may know of, with their places, oldest first.
    ///
    /// In a simultaneous phase nobody sees another of the same repetition. A turn that was asked in the reverse
    /// order is a check and no statement, so nobody sees it, and it does not see the one that it checks. What
    /// a phase hides or its edges keep apart is not seen either.
    pub(super) fn visible(&self) -> impl Iterator<Item = (usize, &'a TurnRecord)> {
        let own_place = self.place();
        self.state
            .turns()
            .iter()
            .enumerate()
            .take_while(move |(place, _)| *place < own_place)
            .filter(|(_, other)| {
                let over = !matches!(other.standing, TurnStanding::Open | TurnStanding::Held);
                let reaches = self.state.hears(self.phase, self.turn.member, other.member);
                over && reaches
                    && !other.swapped
                    && !other.picks
                    && !self.is_blind_to(other)
                    && !self.is_hidden(other)
            })
    }

    fn place(&self) -> usize {
        let mut turns = self.state.turns().iter();
        turns
            .position(|other| other.id == self.turn.id)
            .unwrap_or(usize::MAX)
    }

    fn is_blind_to(&self, other: &TurnRecord) -> bool {
        let same_block = other.phase == self.turn.phase && other.round == self.turn.round;
        let checks_it = self.turn.swapped && other.member == self.turn.member;
        same_block && (self.phase.order == Order::Simultaneous || checks_it)
    }

    fn is_hidden(&self, other: &TurnRecord) -> bool {
        let format = &self.spec.format;
        let Some(phase) = format.phase(&other.phase) else {
            return true;
        };
        let speaks_there = phase.who.contains(&self.member.role);
        match phase.hidden_until {
            None => false,
            Some(_) if speaks_there => false,
            Some(HiddenUntil::End) => true,
            // Both have a place in the main line; what is interleaved has that of the phase it runs in.
            Some(HiddenUntil::Phase) => {
                line_of(format, &self.phase.id) <= line_of(format, &phase.id)
            }
        }
    }

    /// Statements: what was said in phases of speech, and what the reader wrote itself.
    pub(super) fn statements(&self) -> Vec<(usize, &'a TurnRecord)> {
        self.visible()
            .filter(|(place, _)| Some(*place) != self.asked)
            .filter(|(_, turn)| self.kind(turn) == Some(PhaseKind::Speak))
            .collect()
    }

    /// All that the reader wrote, ballots and rulings included.
    pub(super) fn own(&self) -> Vec<(usize, &'a TurnRecord)> {
        self.visible()
            .filter(|(_, turn)| turn.member == self.turn.member)
            .collect()
    }

    /// Statements of others.
    pub(super) fn others(&self) -> Vec<(usize, &'a TurnRecord)> {
        let mut statements = self.statements();
        statements.retain(|(_, turn)| turn.member != self.turn.member);
        statements
    }

    /// The last statement of each other speaker.
    pub(super) fn last_of_others(&self) -> Vec<(usize, &'a TurnRecord)> {
        let mut last: Vec<(usize, &TurnRecord)> = Vec::new();
        for (place, turn) in self.others() {
            last.retain(|(_, earlier)| earlier.member != turn.member);
            last.push((place, turn));
        }
        last
    }

    /// What others said so many repetitions ago: 1 is the one before the present. Before the first repetition of the
    /// present phase come those of the phases before it.
    pub(super) fn others_ago(&self, ago: u32) -> Vec<(usize, &'a TurnRecord)> {
        let block = |turn: &TurnRecord| (turn.phase.clone(), turn.round);
        let mut blocks: Vec<(String, u32)> = Vec::new();
        for (_, turn) in self.statements() {
            let is_present = turn.phase == self.turn.phase && turn.round == self.turn.round;
            if !is_present && !blocks.contains(&block(turn)) {
                blocks.push(block(turn));
            }
        }
        let wanted = (blocks.len() as u32)
            .checked_sub(ago)
            .and_then(|place| blocks.get(place as usize));
        let mut others = self.others();
        others.retain(|(_, turn)| Some(&block(turn)) == wanted);
        others
    }

    /// Everything said in a phase.
    pub(super) fn of_phase(&self, id: &str) -> Vec<(usize, &'a TurnRecord)> {
        self.visible()
            .filter(|(place, turn)| turn.phase == id && Some(*place) != self.asked)
            .collect()
    }

    /// What came after the latest summary; all statements as long as there is none.
    pub(super) fn after_summary(&self) -> Vec<(usize, &'a TurnRecord)> {
        let mut statements = self.statements();
        if let Some(summary) = self.summary() {
            let last = summary.covers.iter().max().copied().unwrap_or(summary.turn);
            statements.retain(|(place, _)| *place > last && !summary.covers.contains(place));
        }
        statements
    }

    /// The latest summary that the reader may know of.
    pub(super) fn summary(&self) -> Option<&'a crate::debate::state::Summary> {
        let known: Vec<usize> = self.visible().map(|(place, _)| place).collect();
        let mut summaries = self.state.summaries().iter().rev();
        summaries.find(|summary| known.contains(&summary.turn))
    }

    pub(super) fn kind(&self, turn: &TurnRecord) -> Option<PhaseKind> {
        self.spec.format.phase(&turn.phase).map(|phase| phase.kind)
    }

    /// The turns in the order in which this reader sees them.
    ///
    /// Asked in the reverse order, a reader sees an order drawn for it exactly reversed. The order of events is
    /// not turned around: a rebuttal before what it rebuts would make no debate. There it is the speakers of each
    /// repetition that change places, and an answer stays behind its question.
    pub(super) fn shown(
        &self,
        mut turns: Vec<(usize, &'a TurnRecord)>,
        sight: &Sight,
    ) -> Vec<(usize, &'a TurnRecord)> {
        if sight.noself {
            turns.retain(|(_, turn)| turn.member != self.turn.member);
        }
        if sight.shuffle {
            let (turn, name) = (self.turn, &self.member.name);
            let purpose = format!(
                "shuffle {name} {} {} {:?}",
                turn.phase, turn.round, sight.atom
            );
            plan::shuffle(self.spec.seed, &purpose, &mut turns);
        }
        if self.turn.swapped {
            turns = if sight.shuffle {
                turns.into_iter().rev().collect()
            } else {
                reversed(turns)
            };
        }
        if sight.grouped {
            turns = self.by_answer(turns);
        }
        turns
    }

    /// Equal answers together, the most first; who gave none comes last.
    fn by_answer(&self, turns: Vec<(usize, &'a TurnRecord)>) -> Vec<(usize, &'a TurnRecord)> {
        let mut groups: Vec<(Option<String>, Vec<Placed<'a>>)> = Vec::new();
        for (place, turn) in turns {
            let answer = self.answer(turn);
            match groups.iter_mut().find(|(known, _)| *known == answer) {
                Some((_, group)) => group.push((place, turn)),
                None => groups.push((answer, vec![(place, turn)])),
            }
        }
        groups.sort_by_key(|(answer, group)| (answer.is_none(), std::cmp::Reverse(group.len())));
        groups.into_iter().flat_map(|(_, group)| group).collect()
    }

    /// The answer that a turn gives, in the form in which answers are compared.
    pub(super) fn answer(&self, turn: &TurnRecord) -> Option<String> {
        let value = turn.parsed.as_ref()?.get(self.answer_field(turn))?;
        Some(contract::canonical(value))
    }

    /// The field that holds a turn's answer: the one that is decided over, else `answer`.
    pub(super) fn answer_field(&self, turn: &TurnRecord) -> &'a str {
        let decided = self.spec.format.decision.of.iter();
        decided
            .clone()
            .find(|field| field.phase == turn.phase)
            .map_or("answer", |field| field.field.as_str())
    }
}

/// A turn, and its place among all turns.
type Placed<'a> = (usize, &'a TurnRecord);

/// The speakers of each repetition in the reverse order, exchanges of question and answer whole.
fn reversed(turns: Vec<Placed<'_>>) -> Vec<Placed<'_>> {
    let mut blocks: Vec<Vec<Vec<Placed<'_>>>> = Vec::new();
    let mut last: Option<&TurnRecord> = None;
    for (place, turn) in turns {
        let goes_on = last.is_some_and(|last| last.phase == turn.phase && last.round == turn.round);
        if !goes_on {
            blocks.push(Vec::new());
        }
        let answers = goes_on && last.is_some_and(|last| last.asks && !turn.asks);
        if let Some(block) = blocks.last_mut() {
            match block.last_mut() {
                Some(exchange) if answers => exchange.push((place, turn)),
                Some(_) | None => block.push(vec![(place, turn)]),
            }
        }
        last = Some(turn);
    }
    let backwards = blocks.into_iter().flat_map(|block| block.into_iter().rev());
    backwards.flatten().collect()
}

/// Where in the main line a phase runs.
fn line_of(format: &Format, id: &str) -> usize {
    let runs_there = |phase: &crate::types::debate::Phase| {
        phase.id == id || phase.interleave.iter().any(|other| other == id)
    };
    let parent = format
        .phases
        .iter()
        .position(|phase| phase.interleave.iter().any(|other| other == id));
    parent
        .or_else(|| format.phases.iter().position(runs_there))
        .unwrap_or(usize::MAX)
}
