//! Who wins among equals, as the format says.

use super::super::plan;
use super::super::state::State;
use super::ballots::Given;
use super::held_answer;
use super::paper::Choice;
use crate::types::debate::PhaseKind;
use crate::types::debate::Tie;

/// The one of several equal choices that wins; `None` leaves it a tie.
///
/// `given` are the ballots that led to the tie, in the order of the cast.
pub(super) fn broken(state: &State, equal: &[Choice], tie: Tie, given: &[Given]) -> Option<Choice> {
    match tie {
        Tie::Split => None,
        Tie::Seeded => {
            let mut keys: Vec<&Choice> = equal.iter().collect();
            keys.sort_by(|a, b| a.key.cmp(&b.key));
            let at = plan::draw(state.spec().seed, &["tie"]).checked_rem(keys.len() as u64)?;
            keys.get(at as usize).map(|choice| (*choice).clone())
        }
        Tie::EarliestRound => earliest(state, equal),
        Tie::Judge => ruling(state, equal, given),
    }
}

/// The one that had more support than the others in the earliest round that tells them apart.
fn earliest(state: &State, equal: &[Choice]) -> Option<Choice> {
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
            .filter_map(|turn| held_answer(state, turn))
            .collect();
        let support = |choice: &Choice| held.iter().filter(|held| **held == choice.key).count();
        let most = equal.iter().map(support).max().unwrap_or(0);
        let mut leading = equal.iter().filter(|choice| support(choice) == most);
        if let (Some(only), None) = (leading.next(), leading.next()) {
            return Some(only.clone());
        }
    }
    None
}

/// The one that the first judge of the cast ruled for: among the tied ballots when judges gave them, else in the last
/// phase of judging.
fn ruling(state: &State, equal: &[Choice], given: &[Given]) -> Option<Choice> {
    let format = &state.spec().format;
    let judging = |phase: &str| {
        format
            .phase(phase)
            .is_some_and(|phase| phase.kind == PhaseKind::Judge)
    };
    let voted = given.iter().filter(|given| judging(&given.phase));
    let voted = voted.filter_map(|given| given.paper.says.first());
    if let Some(choice) = voted
        .into_iter()
        .find_map(|choice| same(equal, &choice.key))
    {
        return Some(choice);
    }
    let last = state
        .turns()
        .iter()
        .rev()
        .find(|turn| judging(&turn.phase))?;
    let mut rulings: Vec<_> = state
        .turns()
        .iter()
        .filter(|turn| turn.phase == last.phase && turn.round == last.round && !turn.swapped)
        .collect();
    rulings.sort_by_key(|turn| turn.member);
    rulings.into_iter().find_map(|turn| {
        let fields = turn.parsed.as_ref()?.as_object()?;
        let named = fields.values().filter_map(|value| value.as_str());
        named
            .map(|words| Choice::spelled(words).key)
            .find_map(|key| same(equal, &key))
    })
}

fn same(equal: &[Choice], key: &str) -> Option<Choice> {
    equal.iter().find(|choice| choice.key == key).cloned()
}
