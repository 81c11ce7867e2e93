//! Whether a condition of a format holds.

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use serde_json::Value;

use super::contract;
use super::decide;
use super::state::State;
use super::state::TurnRecord;
use super::state::TurnStanding;
use crate::types::debate::PhaseKind;
use crate::types::debate::Predicate;

/// Evaluates a predicate; `repetitions` is how often the present phase has run.
///
/// A turn that checks another one in the reverse order is no answer and no statement, so it counts nowhere.
pub(super) fn holds(predicate: &Predicate, state: &State, repetitions: u32) -> bool {
    match predicate {
        Predicate::AllAgree(field) => {
            let asked = asked(state, field);
            asked.len() >= 2 && largest_group(&asked) == asked.len()
        }
        Predicate::Agree { field, at_least } => {
            let asked = asked(state, field);
            let largest = largest_group(&asked);
            largest > 0 && largest as f64 / asked.len() as f64 >= *at_least
        }
        Predicate::Flag { role, field } => flag(state, role, field),
        Predicate::Rounds(least) => repetitions >= *least,
        Predicate::Similarity(least) => similarity(state).is_some_and(|share| share >= *least),
        Predicate::BudgetBelow(share) => state.budget_left() < *share,
        Predicate::Stable { field, rounds } => is_stable(state, field, *rounds),
        Predicate::LeadUnassailable => decide::lead_unassailable(state),
        Predicate::HumanStop => state.phase_is_ending(),
        Predicate::And(all) => all.iter().all(|one| holds(one, state, repetitions)),
        Predicate::Or(any) => any.iter().any(|one| holds(one, state, repetitions)),
        Predicate::Not(one) => !holds(one, state, repetitions),
    }
}

/// What every agent gave as this field, turn by turn, in a form that can be compared; `None` where a turn that asked
/// for it gave nothing that could be read. Agents who were never asked for it are not in it.
fn answers<'s>(state: &'s State, field: &str) -> BTreeMap<usize, Vec<Option<String>>> {
    let contracts = &state.spec().format.contracts;
    let asks = |turn: &&'s TurnRecord| {
        let phase = state.spec().format.phase(&turn.phase);
        let contract = phase.and_then(|phase| contracts.get(&phase.contract));
        contract.is_some_and(|contract| contract.fields.iter().any(|known| known.name == field))
    };
    let mut answers: BTreeMap<usize, Vec<Option<String>>> = BTreeMap::new();
    let over =
        |turn: &&TurnRecord| !matches!(turn.standing, TurnStanding::Open | TurnStanding::Held);
    let turns = state.turns().iter().filter(over).filter(asks);
    for turn in turns.filter(|turn| !turn.swapped && !turn.picks) {
        let given = turn.parsed.as_ref().and_then(|parsed| parsed.get(field));
        let given = given.filter(|_| turn.standing == TurnStanding::Done);
        answers
            .entry(turn.member)
            .or_default()
            .push(given.map(contract::canonical));
    }
    answers
}

/// The last answer of every agent that was asked; `None` agrees with nobody.
fn asked(state: &State, field: &str) -> Vec<Option<String>> {
    let answers = answers(state, field).into_values();
    answers.filter_map(|mut given| given.pop()).collect()
}

fn largest_group(answers: &[Option<String>]) -> usize {
    let mut groups: BTreeMap<&str, usize> = BTreeMap::new();
    for answer in answers.iter().flatten() {
        *groups.entry(answer).or_insert(0) += 1;
    }
    groups.values().copied().max().unwrap_or(0)
}

/// Nobody's answer changed over so many repetitions: each gave the same one in the last of them and the one before
/// the first of them. Who gave none at some point may have changed its mind.
fn is_stable(state: &State, field: &str, rounds: u32) -> bool {
    let answers = answers(state, field);
    let needed = rounds as usize + 1;
    let unchanged = |given: &Vec<Option<String>>| {
        let last = given.len().checked_sub(needed).map(|from| &given[from..]);
        last.is_some_and(|last| last[0].is_some() && last.iter().all(|answer| *answer == last[0]))
    };
    !answers.is_empty() && answers.values().all(unchanged)
}

fn flag(state: &State, role: &str, field: &str) -> bool {
    let of_role = |turn: &&TurnRecord| state.spec().cast[turn.member].role == role && !turn.swapped;
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

/// How alike the last two statements of the agents in their last phase are, on average: Jaccard of word 3-grams.
fn similarity(state: &State) -> Option<f64> {
    let mut statements: BTreeMap<usize, Vec<&TurnRecord>> = BTreeMap::new();
    let is_statement = |turn: &&TurnRecord| {
        let phase = state.spec().format.phase(&turn.phase);
        let said = turn.standing == TurnStanding::Done;
        said && phase.is_some_and(|phase| phase.kind == PhaseKind::Speak)
    };
    for turn in state.turns().iter().filter(is_statement) {
        statements.entry(turn.member).or_default().push(turn);
    }
    let pairs = statements.values().filter_map(|own| match own.as_slice() {
        [.., before, last] if before.phase == last.phase => Some(jaccard(&before.text, &last.text)),
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
