//! Whether a condition of a format holds.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use serde_json::Value;

use super::contract;
use super::decide;
use super::state::State;
use super::state::TurnRecord;
use super::state::TurnStanding;
use crate::types::debate::Predicate;

/// Evaluates a predicate; `repetitions` is how often the present phase has run.
pub(super) fn holds(predicate: &Predicate, state: &State, repetitions: u32) -> bool {
    match predicate {
        Predicate::AllAgree(field) => {
            let answers = last_answers(state, field);
            answers.len() >= 2 && groups(&answers).len() == 1 && nobody_is_silent(state, field)
        }
        Predicate::Agree { field, at_least } => {
            let answers = last_answers(state, field);
            let largest = groups(&answers).values().copied().max().unwrap_or(0);
            !answers.is_empty() && f64::from(largest) / answers.len() as f64 >= *at_least
        }
        Predicate::Flag { role, field } => flag(state, role, field),
        Predicate::Rounds(least) => repetitions >= *least,
        Predicate::Similarity(least) => similarity(state).is_some_and(|share| share >= *least),
        Predicate::BudgetBelow(share) => state.budget_left() < *share,
        Predicate::LeadUnassailable => decide::lead_unassailable(state),
        Predicate::Stable { .. } | Predicate::HumanStop => todo!("base"),
        Predicate::And(all) => all.iter().all(|one| holds(one, state, repetitions)),
        Predicate::Or(any) => any.iter().any(|one| holds(one, state, repetitions)),
        Predicate::Not(one) => !holds(one, state, repetitions),
    }
}

/// The last answer of every agent whose answers have this field, in a form that can be compared.
fn last_answers(state: &State, field: &str) -> BTreeMap<usize, String> {
    let mut answers = BTreeMap::new();
    for turn in state
        .turns()
        .iter()
        .filter(|turn| turn.standing == TurnStanding::Done)
    {
        if let Some(value) = turn.parsed.as_ref().and_then(|parsed| parsed.get(field)) {
            answers.insert(turn.member, contract::canonical(value));
        }
    }
    answers
}

/// An agent whose last turn gave no answer agrees with nobody.
fn nobody_is_silent(state: &State, field: &str) -> bool {
    let mut last: BTreeMap<usize, &TurnRecord> = BTreeMap::new();
    for turn in state.turns() {
        last.insert(turn.member, turn);
    }
    last.values().all(|turn| {
        turn.parsed
            .as_ref()
            .is_some_and(|parsed| parsed.get(field).is_some())
    })
}

fn groups(answers: &BTreeMap<usize, String>) -> BTreeMap<&str, u32> {
    let mut groups = BTreeMap::new();
    for answer in answers.values() {
        *groups.entry(answer.as_str()).or_insert(0) += 1;
    }
    groups
}

fn flag(state: &State, role: &str, field: &str) -> bool {
    let of_role = |turn: &&TurnRecord| state.spec().cast[turn.member].role == role;
    let last = state
        .turns()
        .iter()
        .rev()
        .filter(of_role)
        .find(|turn| turn.standing == TurnStanding::Done);
    match last.and_then(|turn| turn.parsed.as_ref()?.get(field)) {
        Some(Value::Bool(set)) => *set,
        Some(Value::String(text)) => {
            !text.trim().is_empty() && !text.trim().eq_ignore_ascii_case("none")
        }
        Some(Value::Number(number)) => number.as_f64().is_some_and(|number| number != 0.0),
        Some(Value::Null | Value::Array(_) | Value::Object(_)) | None => false,
    }
}

/// How alike the last two statements of the agents are, on average: Jaccard of word 3-grams.
fn similarity(state: &State) -> Option<f64> {
    let mut texts: BTreeMap<usize, Vec<&str>> = BTreeMap::new();
    for turn in state
        .turns()
        .iter()
        .filter(|turn| turn.standing == TurnStanding::Done)
    {
        texts.entry(turn.member).or_default().push(&turn.text);
    }
    let pairs = texts.values().filter_map(|own| match own.as_slice() {
        [.., before, last] => Some(jaccard(before, last)),
        _ => None,
    });
    let shares: Vec<f64> = pairs.collect();
    (!shares.is_empty()).then(|| shares.iter().sum::<f64>() / shares.len() as f64)
}

fn jaccard(a: &str, b: &str) -> f64 {
    let grams = |text: &str| -> BTreeSet<String> {
        let words: Vec<String> = text.split_whitespace().map(str::to_lowercase).collect();
        words.windows(3).map(|three| three.join(" ")).collect()
    };
    let (a, b) = (grams(a), grams(b));
    match a.union(&b).count() {
        0 => 0.0,
        all => a.intersection(&b).count() as f64 / all as f64,
    }
}
