//! How far a verdict can be trusted: whether its ballots agree, whether the order of reading decides, who contradicts.

use super::super::state::State;
use super::super::view;
use super::ballots;
use super::ballots::Given;
use super::paper::Choice;
use super::paper::Says;
use super::paper::exact;
use super::rules;
use super::ruling::Ruling;
use super::ruling::text_of;
use crate::types::debate::Atom;
use crate::types::debate::Choices;
use crate::types::debate::Decision;

/// How alike the counted ballots are, from 0 to 1: the mean over all pairs of them. `None` for fewer than two.
///
/// Two single choices are alike or not; two rankings by the share of the pairs of choices that both put in the same
/// order; two sets of approvals by the share of those named by either that both name; two sets of points by the share
/// of the points that lie on the same choices.
pub(super) fn agreement(given: &[Given]) -> Option<f64> {
    let said: Vec<&Says> = given
        .iter()
        .filter(|given| given.ballot.counts)
        .map(|given| &given.paper.says)
        .collect();
    let mut shares = Vec::new();
    for (place, one) in said.iter().enumerate() {
        shares.extend(
            said[place + 1..]
                .iter()
                .filter_map(|other| likeness(one, other)),
        );
    }
    shares.sort_by(f64::total_cmp);
    (!shares.is_empty()).then(|| exact(shares.iter().sum::<f64>() / shares.len() as f64))
}

fn likeness(one: &Says, other: &Says) -> Option<f64> {
    if let (Says::Ranking(one), Says::Ranking(other)) = (one, other) {
        return same_order(one, other);
    }
    if let (Says::Several(one), Says::Several(other)) = (one, other) {
        let both = one
            .iter()
            .filter(|it| place_of(other, it).is_some())
            .count();
        let either = one.len() + other.len() - both;
        return Some(if either == 0 {
            1.0
        } else {
            both as f64 / either as f64
        });
    }
    if let (Says::Points(one), Says::Points(other)) = (one, other) {
        return same_points(one, other);
    }
    let (one, other) = (one.first()?, other.first()?);
    Some(f64::from(u8::from(one.key == other.key)))
}

fn place_of(choices: &[Choice], wanted: &Choice) -> Option<usize> {
    choices.iter().position(|choice| choice.key == wanted.key)
}

fn same_order(one: &[Choice], other: &[Choice]) -> Option<f64> {
    let places: Vec<usize> = one
        .iter()
        .filter_map(|choice| place_of(other, choice))
        .collect();
    let (mut alike, mut pairs) = (0, 0);
    for (at, first) in places.iter().enumerate() {
        for second in &places[at + 1..] {
            pairs += 1;
            alike += usize::from(first < second);
        }
    }
    (pairs > 0).then(|| alike as f64 / pairs as f64)
}

fn same_points(one: &[(Choice, f64)], other: &[(Choice, f64)]) -> Option<f64> {
    let sum = |points: &[(Choice, f64)]| points.iter().map(|(_, it)| it.max(0.0)).sum::<f64>();
    let (all, all_other) = (sum(one), sum(other));
    if all <= 0.0 || all_other <= 0.0 {
        return None;
    }
    let shared = one.iter().map(|(choice, points)| {
        let theirs = other.iter().find(|(it, _)| it.key == choice.key);
        let theirs = theirs.map_or(0.0, |(_, points)| points.max(0.0) / all_other);
        (points.max(0.0) / all).min(theirs)
    });
    Some(shared.sum())
}

/// Fleiss' kappa: agreement beyond what chance would give, 1 for all alike, 0 for chance.
///
/// It needs several things to have been rated by the same raters: approvals (each choice is approved of or not), or
/// single choices over several repetitions of the phase. `None` elsewhere, and where everybody always said the same
/// word, when chance alone explains it.
pub(super) fn kappa(state: &State, ruling: &Ruling) -> Option<f64> {
    let counted: Vec<&Given> = ruling.given.iter().filter(|it| it.ballot.counts).collect();
    if counted
        .iter()
        .any(|given| matches!(given.paper.says, Says::Several(_)))
    {
        let subjects = ruling.count.tally.iter().map(|(choice, _)| {
            let approve = |given: &&&Given| {
                let choices = given.paper.says.choices();
                choices.iter().any(|it| it.key == choice.key)
            };
            let yes = counted.iter().filter(approve).count() as u32;
            vec![yes, counted.len() as u32 - yes]
        });
        return fleiss(&subjects.collect::<Vec<_>>());
    }
    let phase = &counted.first()?.phase;
    repeated(state, phase, &ruling.field)
}

/// Kappa over the repetitions of a phase in which the same raters gave single choices.
fn repeated(state: &State, phase: &str, field: &str) -> Option<f64> {
    let mut rounds: Vec<Vec<(usize, String)>> = Vec::new();
    for turn in state.turns() {
        if turn.phase != phase || turn.swapped {
            continue;
        }
        if let Says::One(choice) = ballots::says(state, turn, field) {
            let round = turn.round as usize;
            rounds.resize_with(rounds.len().max(round + 1), Vec::new);
            rounds[round].push((turn.member, choice.key));
        }
    }
    let raters = |round: &[(usize, String)]| {
        let mut members: Vec<usize> = round.iter().map(|(member, _)| *member).collect();
        members.sort_unstable();
        members
    };
    let all = raters(rounds.first()?);
    if rounds.len() < 2 || rounds.iter().any(|round| raters(round) != all) {
        return None;
    }
    let mut words: Vec<&String> = rounds.iter().flatten().map(|(_, key)| key).collect();
    words.sort_unstable();
    words.dedup();
    let subject = |round: &Vec<(usize, String)>| -> Vec<u32> {
        let votes = |word: &&&String| round.iter().filter(|(_, key)| key == **word).count() as u32;
        words.iter().map(|word| votes(&word)).collect()
    };
    fleiss(&rounds.iter().map(subject).collect::<Vec<_>>())
}

/// Fleiss 1971: each row is a thing that was rated, each column a word; every row has the same number of raters.
fn fleiss(subjects: &[Vec<u32>]) -> Option<f64> {
    let raters: u32 = subjects.first()?.iter().sum();
    if raters < 2 || subjects.len() < 2 {
        return None;
    }
    let (things, raters) = (subjects.len() as f64, f64::from(raters));
    let within = |row: &Vec<u32>| {
        let squares: f64 = row.iter().map(|&votes| f64::from(votes).powi(2)).sum();
        (squares - raters) / (raters * (raters - 1.0))
    };
    let observed = subjects.iter().map(within).sum::<f64>() / things;
    let words = subjects.first()?.len();
    let chance: f64 = (0..words)
        .map(|word| {
            let votes: u32 = subjects.iter().map(|row| row[word]).sum();
            (f64::from(votes) / (things * raters)).powi(2)
        })
        .sum();
    (chance < 1.0 - 1e-9).then(|| exact((observed - chance) / (1.0 - chance)))
}

/// Whether the reverse order gives the same verdict; `None` when nobody was asked in it.
///
/// Readers who were asked once count as they said both times.
pub(super) fn swap_consistent(decision: &Decision, given: &[Given]) -> Option<bool> {
    if given.iter().all(|given| given.reversed.is_none()) {
        return None;
    }
    let leader = |reversed: bool| {
        let papers: Vec<_> = given
            .iter()
            .map(|given| {
                let mut paper = given.paper.clone();
                if let (true, Some((_, second))) = (reversed, &given.reversed) {
                    paper.says = second.clone();
                }
                paper
            })
            .collect();
        let leaders = rules::count(decision.rule, &papers).leaders;
        leaders.into_iter().map(|it| it.key).collect::<Vec<_>>()
    };
    Some(leader(false) == leader(true))
}

/// What the losers held, in full: every ballot for something else, with its reasons; every ballot when nobody won.
pub(super) fn dissent(state: &State, ruling: &Ruling) -> Vec<String> {
    let won = ruling.leader.as_ref().map(|choice| choice.key.as_str());
    let against = ruling.given.iter().filter(|given| {
        let first = given.paper.says.first().map(|choice| choice.key.as_str());
        given.ballot.choice.is_some() && (won.is_none() || first != won)
    });
    let told = against.map(|given| {
        let choice = given.ballot.choice.clone().unwrap_or_default();
        let (agent, field) = (&given.ballot.agent, &ruling.field);
        match reason(state, given.turn) {
            Some(why) => format!("{agent}: {field} {choice}: {why}"),
            None => format!("{agent}: {field} {choice}"),
        }
    });
    told.collect()
}

/// The reasons that a ballot gives.
pub(super) fn reason(state: &State, index: usize) -> Option<String> {
    let turn = &state.turns()[index];
    turn.parsed.as_ref()?;
    ["reason", "reasons", "reasoning"]
        .into_iter()
        .find_map(|field| text_of(state, turn, field))
}

/// What the ballots that turn with the order have in common.
pub(super) fn position_note(state: &State, given: &[Given]) -> Option<String> {
    let asked = given
        .iter()
        .filter(|given| given.reversed.is_some())
        .count();
    let wavering: Vec<&Given> = given
        .iter()
        .filter(|it| it.turns_with_the_order())
        .collect();
    if wavering.is_empty() {
        return None;
    }
    let (mut first, mut last) = (0, 0);
    for given in &wavering {
        let Some((reversed, second)) = &given.reversed else {
            continue;
        };
        let shown = (ends(state, given.turn), ends(state, *reversed));
        let said = (given.paper.says.first(), second.first());
        if let ((Some(one), Some(other)), (Some(before), Some(after))) = (shown, said) {
            first += u32::from(before.key == one.0 && after.key == other.0);
            last += u32::from(before.key == one.1 && after.key == other.1);
        }
    }
    Some(format!(
        "ballots that change with the order of reading and do not count: {} of {asked}; of these {first} went to what \
         was shown first both times, {last} to what was shown last",
        wavering.len(),
    ))
}

/// What a reader was shown first and last, as a choice's key: an author by labels, else a side.
fn ends(state: &State, index: usize) -> Option<(String, String)> {
    let turn = &state.turns()[index];
    let contract = ballots::contract_of(state, turn)?;
    if let Some(Choices::Phase(_)) = &contract.choices {
        let labels = view::labels(state, turn);
        let key = |entry: Option<&(String, usize)>| {
            entry.map(|(_, index)| ballots::written(state, *index).key)
        };
        return Some((key(labels.first())?, key(labels.last())?));
    }
    let phase = state.spec().format.phase(&turn.phase)?;
    let mut sides = Vec::new();
    for sight in &phase.sees {
        let Atom::Phase(seen) = &sight.atom else {
            continue;
        };
        // Which side a shuffled reader saw first is not known here.
        if sight.shuffle {
            return None;
        }
        let of_phase = state.turns().iter().filter(|other| other.phase == *seen);
        sides.extend(of_phase.filter_map(|other| {
            let side = state.spec().cast[other.member].side.as_ref()?;
            Some(Choice::spelled(side).key)
        }));
    }
    let (first, last) = (sides.first()?.clone(), sides.last()?.clone());
    Some(if turn.swapped {
        (last, first)
    } else {
        (first, last)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of Fleiss 1971 as it is mostly taught: 10 things, 14 raters, 5 words; kappa 0.210.
    #[test]
    fn kappa_is_fleiss() {
        let table = [
            [0, 0, 0, 0, 14],
            [0, 2, 6, 4, 2],
            [0, 0, 3, 5, 6],
            [0, 3, 9, 2, 0],
            [2, 2, 8, 1, 1],
            [7, 7, 0, 0, 0],
            [3, 2, 6, 3, 0],
            [2, 5, 3, 2, 2],
            [6, 5, 2, 1, 0],
            [0, 2, 2, 3, 7],
        ];
        let rows: Vec<Vec<u32>> = table.iter().map(|row| row.to_vec()).collect();
        let kappa = fleiss(&rows).unwrap();
        assert!((kappa - 0.2099).abs() < 1e-4, "{kappa}");
        assert_eq!(fleiss(&[vec![3, 0], vec![0, 3]]), Some(1.0));
        assert_eq!(fleiss(&[vec![3, 0], vec![3, 0]]), None);
        assert_eq!(fleiss(&[vec![3, 0]]), None);
    }

    #[test]
    fn likeness_of_two_ballots_follows_what_they_hold() {
        let choice = |word: &&str| Choice::spelled(word);
        let ranking = |words: &[&str]| Says::Ranking(words.iter().map(choice).collect());
        let several = |words: &[&str]| Says::Several(words.iter().map(choice).collect());
        let points = |pairs: &[(&str, f64)]| {
            Says::Points(
                pairs
                    .iter()
                    .map(|(word, it)| (Choice::spelled(word), *it))
                    .collect(),
            )
        };
        // Of the three pairs ab, ac, bc the second ballot turns bc only.
        let third = likeness(&ranking(&["a", "b", "c"]), &ranking(&["a", "c", "b"]));
        assert_eq!(third, Some(2.0 / 3.0));
        let half = likeness(&several(&["a", "b"]), &several(&["b"]));
        assert_eq!(half, Some(0.5));
        let shared = likeness(&points(&[("a", 6.0), ("b", 4.0)]), &points(&[("a", 10.0)]));
        assert_eq!(shared, Some(0.6));
        let same = likeness(&Says::One(choice(&"42")), &Says::One(choice(&"42.0")));
        assert_eq!(same, Some(1.0));
    }
}
