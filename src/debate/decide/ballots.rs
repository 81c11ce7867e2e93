//! Which ballots there are, what each says to the rules, and whether it counts.

use serde_json::Value;

use super::super::state::State;
use super::super::state::TurnRecord;
use super::super::view;
use super::paper::Choice;
use super::paper::Paper;
use super::paper::Says;
use super::weights;
use crate::types::debate::Ballot;
use crate::types::debate::Choices;
use crate::types::debate::Contract;
use crate::types::debate::FieldKind;
use crate::types::debate::FieldRef;
use crate::types::debate::ParsePath;
use crate::types::debate::Weights;

/// A ballot with where it comes from.
#[derive(Debug, Clone)]
pub(super) struct Given {
    /// As it is published.
    pub(super) ballot: Ballot,
    /// As it is counted, whether or not it counts.
    pub(super) paper: Paper,
    /// Who gave it: an index into the cast.
    pub(super) member: usize,
    /// In which phase.
    pub(super) phase: String,
    /// The turn: an index into the state's turns.
    pub(super) turn: usize,
    /// The same reader's turn with the order reversed.
    pub(super) reversed: Option<(usize, Says)>,
}

impl Given {
    /// `true` when it says one thing in one order and something else in the other.
    pub(super) fn turns_with_the_order(&self) -> bool {
        self.reversed.is_some() && self.paper.says != Says::Nothing && !self.ballot.counts
    }
}

/// The field that decides: of the last of these phases that ran.
pub(super) fn deciding<'a>(state: &State, of: &'a [FieldRef]) -> Option<&'a FieldRef> {
    let last = |field: &FieldRef| {
        let turns = state.turns();
        turns.iter().rposition(|turn| turn.phase == field.phase)
    };
    of.iter()
        .filter_map(|field| Some((last(field)?, field)))
        .max_by_key(|(place, _)| *place)
        .map(|(_, field)| field)
}

/// The ballots of a phase, each voter's last, in the order of the cast.
pub(super) fn gather(state: &State, field: &FieldRef, weights: Weights) -> Vec<Given> {
    let turns = state.turns();
    let of_phase = |swapped: bool| {
        turns
            .iter()
            .enumerate()
            .filter(move |(_, turn)| turn.phase == field.phase && turn.swapped == swapped)
    };
    let mut last: Vec<(usize, &TurnRecord)> = Vec::new();
    for (index, turn) in of_phase(false) {
        last.retain(|(_, earlier)| earlier.member != turn.member);
        last.push((index, turn));
    }
    last.sort_by_key(|(_, turn)| turn.member);
    let weigh = weights::Scale::new(state, weights);
    let given = |(index, turn): (usize, &TurnRecord)| {
        let reversed = of_phase(true)
            .rfind(|(_, other)| other.member == turn.member && other.round == turn.round)
            .map(|(index, other)| (index, says(state, other, &field.field)));
        let says = says(state, turn, &field.field);
        let weight = weigh.of(turn);
        let steady = reversed
            .as_ref()
            .is_none_or(|(_, second)| alike(&says, second));
        Given {
            ballot: Ballot {
                agent: state.spec().cast[turn.member].name.clone(),
                choice: says.words(),
                parsed: turn.parsed.clone(),
                parse: turn.parse.unwrap_or(ParsePath::Unparsed),
                weight,
                swapped: reversed.as_ref().and_then(|(_, second)| second.words()),
                counts: says != Says::Nothing && steady,
            },
            paper: Paper { says, weight },
            member: turn.member,
            phase: turn.phase.clone(),
            turn: index,
            reversed,
        }
    };
    last.into_iter().map(given).collect()
}

/// Those that count, for the rules.
pub(super) fn counting(given: &[Given]) -> Vec<Paper> {
    given
        .iter()
        .filter(|given| given.ballot.counts)
        .map(|given| given.paper.clone())
        .collect()
}

/// `true` when two readings of one reader rule alike: the same first place, or the same approvals.
fn alike(first: &Says, second: &Says) -> bool {
    let keys = |choices: &[Choice]| {
        let mut keys: Vec<String> = choices.iter().map(|choice| choice.key.clone()).collect();
        keys.sort();
        keys
    };
    if *first == Says::Nothing || *second == Says::Nothing {
        return false;
    }
    if let (Says::Several(a), Says::Several(b)) = (first, second) {
        return keys(a) == keys(b);
    }
    first.first().map(|choice| &choice.key) == second.first().map(|choice| &choice.key)
}

/// What a turn's field says, with the labels that its reader saw turned back into who wrote what.
///
/// Nobody votes for their own text: it is taken out.
pub(super) fn says(state: &State, turn: &TurnRecord, field: &str) -> Says {
    let Some(value) = turn.parsed.as_ref().and_then(|parsed| parsed.get(field)) else {
        return Says::Nothing;
    };
    let Some(contract) = contract_of(state, turn) else {
        return Says::Nothing;
    };
    let ranked = contract
        .fields
        .iter()
        .any(|known| known.name == field && known.kind == FieldKind::Ranking);
    match &contract.choices {
        Some(Choices::Phase(_)) => {
            let labels = view::labels(state, turn);
            let known = |word: &str| {
                let (_, index) = labels
                    .iter()
                    .find(|(label, _)| label.trim().eq_ignore_ascii_case(word.trim()))?;
                Some(written(state, *index))
            };
            let own = |choice: &Choice| {
                choice
                    .turn
                    .is_some_and(|index| state.turns()[index].member == turn.member)
            };
            of_value(value, ranked, known).without(own)
        }
        Some(Choices::Fixed(_) | Choices::Options) | None => {
            of_value(value, ranked, |word| Some(Choice::spelled(word)))
        }
    }
}

/// The contract of a turn.
pub(super) fn contract_of<'a>(state: &'a State, turn: &TurnRecord) -> Option<&'a Contract> {
    let format = &state.spec().format;
    format.contracts.get(&format.phase(&turn.phase)?.contract)
}

fn of_value(value: &Value, ranked: bool, known: impl Fn(&str) -> Option<Choice>) -> Says {
    match value {
        Value::Null => Says::Nothing,
        Value::String(word) => known(word).map_or(Says::Nothing, Says::One),
        Value::Bool(_) | Value::Number(_) => {
            known(&value.to_string()).map_or(Says::Nothing, Says::One)
        }
        Value::Array(words) => {
            let mut choices: Vec<Choice> = Vec::new();
            for choice in words.iter().filter_map(|word| known(word.as_str()?)) {
                if choices.iter().all(|earlier| earlier.key != choice.key) {
                    choices.push(choice);
                }
            }
            if ranked {
                Says::Ranking(choices)
            } else {
                Says::Several(choices)
            }
        }
        Value::Object(points) => {
            let each = points
                .iter()
                .filter_map(|(word, points)| Some((known(word)?, points.as_f64()?)));
            Says::Points(each.collect())
        }
    }
}

/// What was said in a turn, as a choice: by its author's name, with the round when the author spoke more than once in
/// the phase.
pub(super) fn written(state: &State, index: usize) -> Choice {
    let turn = &state.turns()[index];
    let name = &state.spec().cast[turn.member].name;
    let again = |other: &TurnRecord| {
        other.phase == turn.phase && other.member == turn.member && other.round != turn.round
    };
    let name = if state.turns().iter().any(again) {
        format!("{name}, round {}", turn.round + 1)
    } else {
        name.clone()
    };
    Choice {
        key: name.clone(),
        shown: name,
        turn: Some(index),
    }
}
