//! What a reader of a verdict should know about how it came to be.

use super::super::state::State;
use super::super::state::TurnRecord;
use super::super::state::TurnStanding;
use super::ballots::Given;
use super::family::family;
use super::is_debater;
use crate::types::ModelName;
use crate::types::debate::CastMember;
use crate::types::debate::RoleKind;

/// From this ratio on, a difference in length is worth telling: judges favour the longer case.
const LONGER: f64 = 1.25;

/// All of them.
pub(super) fn of(state: &State, given: &[Given]) -> Vec<String> {
    let mut notes: Vec<String> = unread(given).into_iter().collect();
    notes.extend(kinship(state));
    notes.extend(one_family(state, given));
    notes.extend(lengths(state));
    notes
}

fn unread(given: &[Given]) -> Option<String> {
    let unread = given.iter().filter(|it| it.ballot.choice.is_none()).count();
    (unread > 0).then(|| {
        format!(
            "{unread} of {} ballots could not be had or read and do not count",
            given.len()
        )
    })
}

/// The model that last spoke for a member, or would.
fn speaks_through(state: &State, member: usize) -> &ModelName {
    let spoke = |turn: &&TurnRecord| turn.member == member && turn.standing == TurnStanding::Done;
    let last = state.turns().iter().rev().find(spoke);
    last.map_or(&state.spec().cast[member].model, |turn| &turn.model)
}

/// Judges and chairs that share a model or a family with a debater.
fn kinship(state: &State) -> Vec<String> {
    let cast = &state.spec().cast;
    let kind = |member: &CastMember| state.spec().format.role(&member.role).map(|role| role.kind);
    let judges = |member: &usize| {
        matches!(
            kind(&cast[*member]),
            Some(RoleKind::Judge | RoleKind::Moderator | RoleKind::Summariser)
        ) && cast[*member].human.is_none()
    };
    let mut notes = Vec::new();
    for judge in (0..cast.len()).filter(judges) {
        let model = speaks_through(state, judge);
        let debaters = || (0..cast.len()).filter(|&member| is_debater(state, member));
        let twin = debaters().find(|&other| speaks_through(state, other) == model);
        let kin = debaters().find(|&other| family(speaks_through(state, other)) == family(model));
        let name = &cast[judge].name;
        if let Some(other) = twin {
            notes.push(format!(
                "{name} runs the same model as {} ({model}): models favour their own texts",
                cast[other].name
            ));
        } else if let Some(other) = kin {
            notes.push(format!(
                "{name} ({model}) is of the same family as {} ({}): models favour texts like their own",
                cast[other].name,
                speaks_through(state, other)
            ));
        }
    }
    notes
}

/// Debaters, or voters, that are all of one family.
fn one_family(state: &State, given: &[Given]) -> Vec<String> {
    let shared = |members: &[usize]| {
        let mut families: Vec<String> = members
            .iter()
            .map(|&member| family(speaks_through(state, member)))
            .collect();
        families.sort();
        families.dedup();
        (members.len() > 1 && families.len() == 1).then(|| families.swap_remove(0))
    };
    let cast = &state.spec().cast;
    let debaters: Vec<usize> = (0..cast.len())
        .filter(|&member| is_debater(state, member) && cast[member].human.is_none())
        .collect();
    let judges: Vec<usize> = given
        .iter()
        .map(|given| given.member)
        .filter(|&member| !is_debater(state, member) && cast[member].human.is_none())
        .collect();
    let debate = shared(&debaters).map(|family| {
        format!(
            "all debaters are of one model family ({family}): they tend to make the same mistakes"
        )
    });
    let panel = shared(&judges).map(|family| {
        format!("all judges are of one model family ({family}): their agreement says less")
    });
    debate.into_iter().chain(panel).collect()
}

/// Sides that spoke at clearly different length.
fn lengths(state: &State) -> Option<String> {
    let mut words: Vec<(&str, usize)> = Vec::new();
    for turn in state.turns().iter().filter(|turn| !turn.swapped) {
        let Some(side) = state.spec().cast[turn.member].side.as_deref() else {
            continue;
        };
        if !is_debater(state, turn.member) || turn.standing != TurnStanding::Done {
            continue;
        }
        let spoken = turn.text.split_whitespace().count();
        match words.iter_mut().find(|(known, _)| *known == side) {
            Some((_, sum)) => *sum += spoken,
            None => words.push((side, spoken)),
        }
    }
    let longest = *words.iter().max_by_key(|(_, words)| *words)?;
    let shortest = *words.iter().min_by_key(|(_, words)| *words)?;
    let ratio = longest.1 as f64 / shortest.1.max(1) as f64;
    (words.len() > 1 && ratio >= LONGER).then(|| {
        format!(
            "{} used {} words and {} used {}: judges favour length",
            longest.0, longest.1, shortest.0, shortest.1
        )
    })
}
