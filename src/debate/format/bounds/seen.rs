//! How much a turn reads.

use super::Lengths;
use super::seats::Turn;
use crate::types::debate::Atom;
use crate::types::debate::Document;
use crate::types::debate::Edges;
use crate::types::debate::Order;
use crate::types::debate::Phase;
use crate::types::debate::PhaseKind;
use crate::types::debate::RoleKind;
use crate::types::debate::Sight;
use crate::types::debate::Spec;

/// A statement, as long as it is when somebody reads it.
pub(super) struct Said<'a> {
    pub(super) member: usize,
    pub(super) phase: &'a Phase,
    pub(super) round: u32,
    pub(super) tokens: u64,
    /// `false` while others speak at the same time.
    pub(super) heard: bool,
}

/// A turn that reads.
pub(super) struct Reader<'a> {
    pub(super) spec: &'a Spec,
    pub(super) lengths: Lengths,
    pub(super) said: &'a [Said<'a>],
    pub(super) phase: &'a Phase,
    pub(super) turn: &'a Turn,
}

impl<'a> Reader<'a> {
    /// Tokens of all that it sees.
    pub(super) fn tokens(&self) -> u64 {
        let sees = self.phase.sees.iter();
        let seen = sees
            .map(|sight| self.sight(sight))
            .fold(0, u64::saturating_add);
        // Who answers reads the question once more, and who picks reads the names.
        let asked = match (&self.phase.order, self.turn.asks) {
            (Order::PairQa, false) => {
                let last = self.heard().last();
                last.map_or(0, |said| said.tokens)
            }
            (Order::Pick(_), _) if self.turn.picks => {
                let names = self.spec.cast.iter();
                names
                    .map(|member| self.lengths.text(&member.name) + 2)
                    .sum()
            }
            (
                Order::PairQa
                | Order::Pick(_)
                | Order::Sequential
                | Order::Simultaneous
                | Order::Alternate
                | Order::Rotate,
                _,
            ) => 0,
        };
        seen.saturating_add(asked)
    }

    fn sight(&self, sight: &Sight) -> u64 {
        let tokens = match &sight.atom {
            Atom::Topic => self.lengths.text(&self.spec.topic),
            Atom::Side => {
                let side = self.spec.cast[self.turn.member].side.as_deref();
                side.map_or(0, |side| self.lengths.text(side))
            }
            Atom::Options => {
                let options = self.spec.options.iter();
                options.map(|option| self.lengths.text(option) + 1).sum()
            }
            Atom::Facts => self.documents(self.spec.facts.iter()),
            Atom::Secret(name) => self.documents(self.spec.secrets.get(name).into_iter()),
            Atom::Own => sum(self.own()),
            Atom::OwnLast => self.own().last().map_or(0, |said| said.tokens),
            Atom::Others => sum(self.others()),
            Atom::OthersLast => sum(self.last_of_others().into_iter()),
            Atom::OthersRound(back) => self.repetition_before(*back),
            Atom::Phase(id) => {
                let of_phase = |said: &&Said<'_>| said.phase.id == *id && self.reaches(said);
                let not_own = |said: &&Said<'_>| !sight.noself || said.member != self.turn.member;
                sum(self.heard().filter(of_phase).filter(not_own))
            }
            Atom::Summary => self.summarised(),
            Atom::Votes => {
                let votes = |said: &&Said<'_>| said.phase.kind == PhaseKind::Vote;
                let keys = self.spec.cast.len() as u64 * self.lengths.around_label();
                sum(self.heard().filter(votes)) + keys * self.heard().filter(votes).count() as u64
            }
            Atom::Polls => {
                let polls = self.spec.format.phases.iter();
                let polls = polls.filter(|phase| phase.kind == PhaseKind::Poll).count();
                self.lengths.poll(self.spec) * polls as u64
            }
            // What people say cannot be foreseen.
            Atom::Human => return 0,
        };
        let tokens = self.lengths.marked(tokens, sight);
        match tokens {
            0 if self.lengths == Lengths::Likely => 0,
            tokens => tokens.saturating_add(self.lengths.heading()),
        }
    }

    fn documents(&self, documents: impl Iterator<Item = &'a Document>) -> u64 {
        let one = |document: &Document| {
            let texts = self.lengths.text(&document.title) + self.lengths.text(&document.text);
            texts.saturating_add(self.lengths.around_label())
        };
        documents.map(one).fold(0, u64::saturating_add)
    }

    /// What has been said and can be known of.
    fn heard(&self) -> impl DoubleEndedIterator<Item = &'a Said<'a>> {
        self.said.iter().filter(|said| said.heard)
    }

    fn own(&self) -> impl DoubleEndedIterator<Item = &'a Said<'a>> {
        let member = self.turn.member;
        self.heard().filter(move |said| said.member == member)
    }

    /// What other debaters said: rulings, summaries and ballots are not statements.
    fn others(&self) -> impl DoubleEndedIterator<Item = &'a Said<'a>> {
        let debates = move |said: &&Said<'_>| {
            let role = &self.spec.cast[said.member].role;
            let kind = self.spec.format.role(role).map(|role| role.kind);
            kind == Some(RoleKind::Debater) || self.lengths == Lengths::Most
        };
        let other = move |said: &&Said<'_>| said.member != self.turn.member;
        self.heard()
            .filter(other)
            .filter(debates)
            .filter(|said| self.reaches(said))
    }

    fn last_of_others(&self) -> Vec<&'a Said<'a>> {
        let mut last: Vec<&Said<'_>> = Vec::new();
        for said in self.others() {
            // At most, whatever each said was the longest of all.
            match last.iter_mut().find(|other| other.member == said.member) {
                Some(known) if self.lengths == Lengths::Most => {
                    if said.tokens > known.tokens {
                        *known = said;
                    }
                }
                Some(known) => *known = said,
                None => last.push(said),
            }
        }
        last
    }

    fn repetition_before(&self, back: u32) -> u64 {
        let mut blocks: Vec<(&str, u32)> = Vec::new();
        for said in self.others() {
            let block = (said.phase.id.as_str(), said.round);
            let present = (self.phase.id.as_str(), self.turn.round);
            if block != present && !blocks.contains(&block) {
                blocks.push(block);
            }
        }
        let Some(at) = blocks.len().checked_sub(back as usize) else {
            return 0;
        };
        let block = blocks[at];
        sum(self
            .others()
            .filter(|said| (said.phase.id.as_str(), said.round) == block))
    }

    /// The latest summary, and what came after it.
    fn summarised(&self) -> u64 {
        let sums_up = |said: &&Said<'_>| said.phase.kind == PhaseKind::Summarise;
        if self.lengths == Lengths::Most {
            return sum(self.heard());
        }
        let last = self.heard().rev().find(sums_up);
        let after = self.heard().rev().take_while(|said| !sums_up(said));
        let shown = |atom: &Atom| self.phase.sees.iter().any(|sight| sight.atom == *atom);
        let own_shown = shown(&Atom::Own) || shown(&Atom::OwnLast);
        let after = after.filter(|said| !own_shown || said.member != self.turn.member);
        last.map_or(0, |said| said.tokens) + sum(after)
    }

    /// Whether the phase lets these words through; at most it always does.
    fn reaches(&self, said: &Said<'_>) -> bool {
        if self.lengths == Lengths::Most {
            return true;
        }
        let speakers = &self.turn.speakers;
        let place = |member: usize| speakers.iter().position(|speaker| *speaker == member);
        let (Some(here), Some(there)) = (place(self.turn.member), place(said.member)) else {
            return true;
        };
        let count = speakers.len();
        let before = (here + count - 1) % count;
        match &self.phase.edges {
            Edges::All => true,
            Edges::Ring => here == there || there == before || there == (here + 1) % count,
            Edges::Star => here == there || here == 0 || there == 0,
            Edges::Prev => here == there || there == before,
            Edges::To(role) => {
                let role_of = |member: usize| self.spec.cast[member].role == *role;
                here == there || role_of(self.turn.member) || role_of(said.member)
            }
        }
    }
}

fn sum<'a>(said: impl Iterator<Item = &'a Said<'a>>) -> u64 {
    said.map(|said| said.tokens).fold(0, u64::saturating_add)
}
