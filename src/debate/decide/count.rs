//! Counting ballots.

use super::super::contract;
use super::super::plan;
use super::super::state::State;
use crate::types::debate::Ballot;
use crate::types::debate::Tie;

/// Ballots, counted by what they say.
#[derive(Debug)]
pub(super) struct Count {
    /// Each choice in canonical form, as first spelled, with its ballots; the most first.
    groups: Vec<(String, String, u32)>,
    /// Ballots that say something.
    pub(super) counted: u32,
    /// The choice that leads, ties broken as the format says; `None` for a tie.
    pub(super) leader: Option<String>,
}

impl Count {
    /// Counts ballots.
    pub(super) fn of(state: &State, ballots: &[Ballot], tie: Tie) -> Self {
        let mut groups: Vec<(String, String, u32)> = Vec::new();
        for spelled in ballots.iter().filter_map(|ballot| ballot.choice.as_ref()) {
            let choice = canonical(spelled);
            match groups.iter_mut().find(|(known, _, _)| *known == choice) {
                Some((_, _, votes)) => *votes += 1,
                None => groups.push((choice, spelled.clone(), 1)),
            }
        }
        groups.sort_by_key(|(_, _, votes)| std::cmp::Reverse(*votes));
        let most = groups.first().map_or(0, |(_, _, votes)| *votes);
        let leading: Vec<&String> = groups
            .iter()
            .filter(|(_, _, votes)| *votes == most)
            .map(|(it, _, _)| it)
            .collect();
        let leader = match leading.as_slice() {
            [] => None,
            [only] => Some((*only).clone()),
            several => break_tie(state, several, tie),
        };
        let counted = groups.iter().map(|(_, _, votes)| votes).sum();
        Self {
            leader,
            counted,
            groups,
        }
    }

    /// `true` when the leader has more than half of what counts.
    pub(super) fn is_majority(&self) -> bool {
        self.leader
            .as_ref()
            .is_some_and(|leader| self.votes(leader) * 2 > self.counted)
    }

    /// The share by which the first leads the second; `None` for a single ballot.
    pub(super) fn margin(&self) -> Option<f64> {
        if self.counted < 2 {
            return None;
        }
        let votes = |place: usize| self.groups.get(place).map_or(0, |(_, _, votes)| *votes);
        Some(f64::from(votes(0) - votes(1)) / f64::from(self.counted))
    }

    /// A choice as it was first spelled.
    pub(super) fn spelling(&self, choice: &str) -> String {
        let group = self.groups.iter().find(|(known, _, _)| known == choice);
        group.map_or_else(|| choice.to_owned(), |(_, spelled, _)| spelled.clone())
    }

    /// The tally in words.
    pub(super) fn describe(&self) -> String {
        if self.groups.is_empty() {
            return "no ballot could be counted".to_owned();
        }
        let groups = self.groups.iter().map(|(_, spelled, votes)| {
            let shown: String = spelled.chars().take(80).collect();
            format!("{votes} of {} for \"{shown}\"", self.counted)
        });
        groups.collect::<Vec<_>>().join(", ")
    }

    fn votes(&self, choice: &str) -> u32 {
        self.groups
            .iter()
            .find(|(known, _, _)| known == choice)
            .map_or(0, |(_, _, votes)| *votes)
    }
}

/// `true` when a ballot says this, however it is spelled.
pub(super) fn same(ballot: &Ballot, choice: &str) -> bool {
    ballot
        .choice
        .as_deref()
        .is_some_and(|own| canonical(own) == canonical(choice))
}

/// The answer that most hold, and how many; no answer for a tie.
pub(super) fn plurality(answers: &[String]) -> (Option<String>, u32) {
    let votes = |answer: &String| answers.iter().filter(|other| *other == answer).count() as u32;
    let most = answers.iter().map(votes).max().unwrap_or(0);
    let mut leading: Vec<&String> = answers
        .iter()
        .filter(|answer| votes(answer) == most)
        .collect();
    leading.dedup();
    let first = leading.first().copied();
    let tied = leading.iter().any(|answer| Some(*answer) != first);
    (first.filter(|_| !tied).cloned(), most)
}

fn canonical(spelled: &str) -> String {
    contract::canonical(&serde_json::Value::String(spelled.to_owned()))
}

fn break_tie(state: &State, several: &[&String], tie: Tie) -> Option<String> {
    match tie {
        Tie::Split => None,
        Tie::Seeded => {
            let mut names: Vec<&String> = several.to_vec();
            names.sort();
            let at = plan::draw(state.spec().seed, &["tie"]) % names.len() as u64;
            Some(names[at as usize].clone())
        }
        Tie::EarliestRound => earliest(state, several),
        Tie::Judge => todo!("base"),
    }
}

/// The one of several choices that had more support than the others in the earliest round that tells them apart.
fn earliest(state: &State, several: &[&String]) -> Option<String> {
    let mut blocks: Vec<(&str, u32)> = Vec::new();
    for turn in state.turns() {
        let block = (turn.phase.as_str(), turn.round);
        if !blocks.contains(&block) {
            blocks.push(block);
        }
    }
    for block in blocks {
        let of_block = state
            .turns()
            .iter()
            .filter(|turn| (turn.phase.as_str(), turn.round) == block);
        let held: Vec<String> = of_block
            .filter_map(|turn| super::held_answer(state, turn))
            .collect();
        let support = |choice: &String| held.iter().filter(|answer| *answer == choice).count();
        let most = several
            .iter()
            .map(|choice| support(choice))
            .max()
            .unwrap_or(0);
        let mut leading = several.iter().filter(|choice| support(choice) == most);
        if let (Some(only), None) = (leading.next(), leading.next()) {
            return Some((*only).clone());
        }
    }
    None
}
