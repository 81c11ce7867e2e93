//! *Did debating help?* What one agent and a vote would have said without it, what came out, and what each cost.

mod words;

use super::super::state::State;
use super::super::state::TurnRecord;
use super::flips;
use super::held_choice;
use super::paper::Choice;
use super::respondents;
use super::ruling::Ruling;
use super::weights;
use crate::types::NanoUsd;
use crate::types::debate::Baseline;
use crate::types::debate::Card;
use crate::types::debate::FlipKind;
use crate::types::debate::SideVerdict;

/// What came out, and how firm it is.
pub(super) struct Outcome<'a> {
    /// The decision.
    pub(super) ruling: &'a Ruling,
    /// The winner or answer, as the verdict tells it.
    pub(super) answer: Option<&'a str>,
    /// How alike the ballots are.
    pub(super) agreement: Option<f64>,
    /// The decisions beside it.
    pub(super) also: &'a [SideVerdict],
}

/// What a debater, or a judge before the debate, answered first.
#[derive(Debug)]
pub(super) struct Opening {
    /// The turn: an index into the state's turns.
    pub(super) turn: usize,
    /// The answer.
    pub(super) choice: Choice,
}

/// The card of a debate.
pub(super) fn of(state: &State, result: &Outcome<'_>) -> Card {
    let openings = openings(state);
    if !openings.is_empty() {
        return of_answers(state, result, &openings);
    }
    let best = result.ruling.count.leaders.as_slice();
    if let [best] = best
        && let Some(turn) = best.turn
    {
        return of_ranked(state, result, (best, turn));
    }
    let outcome = outcome(state, result, None);
    Card {
        best_single: None,
        round0_majority: None,
        summary: words::measurable(result, &outcome),
        outcome,
        helped: 0,
        bullied: 0,
    }
}

/// The card of a debate that a side lost by not speaking: debating decided nothing, and what was held is told.
pub(super) fn of_forfeit(state: &State, winner: Option<&str>) -> Card {
    let totals = state.totals();
    let mut card = Card {
        best_single: best_single(state),
        round0_majority: round0_majority(state),
        outcome: Baseline {
            id: "outcome".to_owned(),
            agent: None,
            answer: winner.map(str::to_owned),
            // Nobody voted for it.
            support: 0,
            of: 0,
            tokens: totals.usage.total_tokens(),
            cost_nanousd: totals.cost_known.then_some(totals.cost_nanousd),
        },
        helped: 0,
        bullied: 0,
        summary: String::new(),
    };
    card.summary = words::of_forfeit(&card);
    card
}

/// The majority of the first answers, where there are any; no answer for a tie.
pub(super) fn round0_majority(state: &State) -> Option<Baseline> {
    let openings = openings(state);
    let most = openings
        .iter()
        .map(|it| support(&openings, &it.choice.key))
        .max()?;
    let mut leading: Vec<&Choice> = openings
        .iter()
        .map(|it| &it.choice)
        .filter(|choice| support(&openings, &choice.key) == most)
        .collect();
    leading.dedup_by(|a, b| a.key == b.key);
    let first = leading.first().copied()?;
    let tied = leading.iter().any(|choice| choice.key != first.key);
    // Whoever asks all of them pays for all of them, also for those whose answer could not be read.
    let block = &state.turns()[openings.first()?.turn];
    let asked = respondents(state);
    let paid = state.turns().iter().filter(|turn| {
        let same = turn.phase == block.phase && turn.round == block.round;
        same && !turn.swapped && asked[turn.member]
    });
    let (tokens, cost_nanousd) = used(paid);
    Some(Baseline {
        id: "round0_majority".to_owned(),
        agent: None,
        answer: (!tied).then(|| first.shown.clone()),
        support: most,
        of: openings.len() as u32,
        tokens,
        cost_nanousd,
    })
}

/// The first answer of the surest agent: of the greatest confidence that was given, or, where nobody gave one, of the
/// greatest rating, or else of the first in the cast. Of equals the first in the cast.
pub(super) fn best_single(state: &State) -> Option<Baseline> {
    let openings = openings(state);
    let sure = |it: &Opening| weights::confidence(state, &state.turns()[it.turn]);
    let rated = |it: &Opening| state.spec().cast[state.turns()[it.turn].member].rating;
    let by = |value: &dyn Fn(&Opening) -> Option<f64>| {
        let mut best: Option<(f64, usize)> = None;
        for (place, opening) in openings.iter().enumerate() {
            let Some(value) = value(opening) else {
                continue;
            };
            if best.is_none_or(|(most, _)| value > most) {
                best = Some((value, place));
            }
        }
        best.map(|(_, place)| place)
    };
    let place = by(&sure).or_else(|| by(&rated)).unwrap_or(0);
    let opening = openings.get(place)?;
    let turn = &state.turns()[opening.turn];
    let (tokens, cost_nanousd) = used([turn]);
    Some(Baseline {
        id: "single_best".to_owned(),
        agent: Some(state.spec().cast[turn.member].name.clone()),
        answer: Some(opening.choice.shown.clone()),
        support: support(&openings, &opening.choice.key),
        of: openings.len() as u32,
        tokens,
        cost_nanousd,
    })
}

/// Each first answer, in the order of the cast.
fn openings(state: &State) -> Vec<Opening> {
    let asked = respondents(state);
    let mut openings: Vec<Opening> = Vec::new();
    for (index, turn) in state.turns().iter().enumerate() {
        let known = openings
            .iter()
            .any(|opening| state.turns()[opening.turn].member == turn.member);
        if known || !asked[turn.member] {
            continue;
        }
        if let Some(choice) = held_choice(state, turn) {
            openings.push(Opening {
                turn: index,
                choice,
            });
        }
    }
    openings.sort_by_key(|opening| state.turns()[opening.turn].member);
    openings
}

fn support(openings: &[Opening], key: &str) -> u32 {
    openings.iter().filter(|it| it.choice.key == key).count() as u32
}

/// Tokens and money of some turns; no money when a price is not known.
fn used<'a>(turns: impl IntoIterator<Item = &'a TurnRecord>) -> (u64, Option<NanoUsd>) {
    let mut tokens = 0;
    let mut cost = Some(NanoUsd(0));
    for turn in turns {
        tokens += turn.usage.total_tokens();
        cost = cost.zip(turn.cost).map(|(sum, more)| sum + more);
    }
    (tokens, cost)
}

fn outcome(state: &State, result: &Outcome<'_>, held: Option<(u32, u32)>) -> Baseline {
    let totals = state.totals();
    let counted = result.ruling.given.iter().filter(|it| it.ballot.counts);
    let won = result.ruling.won().map(|choice| choice.key.as_str());
    let ballots = held.unwrap_or_else(|| {
        let first = |key: &Choice| won == Some(key.key.as_str());
        let votes = counted
            .clone()
            .filter(|it| it.paper.says.first().is_some_and(first));
        (votes.count() as u32, counted.count() as u32)
    });
    Baseline {
        id: "outcome".to_owned(),
        agent: None,
        answer: result.answer.map(str::to_owned),
        support: ballots.0,
        of: ballots.1,
        tokens: totals.usage.total_tokens(),
        cost_nanousd: totals.cost_known.then_some(totals.cost_nanousd),
    }
}

fn of_answers(state: &State, result: &Outcome<'_>, openings: &[Opening]) -> Card {
    let key = outcome_key(state, result);
    let last = last_answers(state);
    let held = |key: &String| last.iter().flatten().filter(|it| it.key == *key).count() as u32;
    let answered = last.iter().flatten().count() as u32;
    let outcome = outcome(
        state,
        result,
        Some((key.as_ref().map_or(0, held), answered)),
    );
    let (mut helped, mut bullied) = (0, 0);
    if let Some(key) = &key {
        let flips = flips::of(state, Some(key));
        for opening in openings {
            let member = state.turns()[opening.turn].member;
            let name = &state.spec().cast[member].name;
            let ends_there = last[member].as_ref().is_some_and(|it| it.key == *key);
            let gave_in = |flip: &&crate::types::debate::Flip| {
                flip.agent == *name && flip.kind == FlipKind::Bullied
            };
            helped += u32::from(ends_there && opening.choice.key != *key);
            bullied += u32::from(!ends_there && flips.iter().any(|flip| gave_in(&flip)));
        }
    }
    let majority = round0_majority(state);
    let mut card = Card {
        best_single: best_single(state),
        round0_majority: majority,
        outcome,
        helped,
        bullied,
        summary: String::new(),
    };
    card.summary = words::of_answers(state, &card, (openings, key.as_deref()));
    card
}

/// The answer that came out, in canonical form; `None` without one, and for a text that nobody held.
fn outcome_key(state: &State, result: &Outcome<'_>) -> Option<String> {
    let won = result.ruling.won()?;
    match won.turn {
        Some(turn) => held_choice(state, &state.turns()[turn]).map(|choice| choice.key),
        None if result.ruling.text.is_some() => None,
        None => Some(won.key.clone()),
    }
}

/// What each held in the end, by place in the cast.
fn last_answers(state: &State) -> Vec<Option<Choice>> {
    let asked = respondents(state);
    let mut last = vec![None; state.spec().cast.len()];
    for turn in state.turns().iter().filter(|turn| asked[turn.member]) {
        if let Some(choice) = held_choice(state, turn) {
            last[turn.member] = Some(choice);
        }
    }
    last
}

fn of_ranked(state: &State, result: &Outcome<'_>, (best, turn): (&Choice, usize)) -> Card {
    let counted = || result.ruling.given.iter().filter(|it| it.ballot.counts);
    let put_first = |it: &&super::ballots::Given| {
        it.paper
            .says
            .first()
            .is_some_and(|choice| choice.key == best.key)
    };
    let (tokens, cost_nanousd) = used([&state.turns()[turn]]);
    let single = Baseline {
        id: "single_best".to_owned(),
        agent: Some(state.spec().cast[state.turns()[turn].member].name.clone()),
        answer: Some(state.turns()[turn].text.trim().to_owned()),
        support: counted().filter(put_first).count() as u32,
        of: counted().count() as u32,
        tokens,
        cost_nanousd,
    };
    let ranked = format!(
        "{} of {} readers put {}'s answer first",
        single.support, single.of, best.shown
    );
    let sentence = if result.ruling.text.is_some() {
        format!(
            "{ranked}; whether the synthesis is better than that answer, nobody compared, so it cannot be counted."
        )
    } else {
        format!("{ranked}: it stood before anybody had read another's, and reading only found it.")
    };
    let mut card = Card {
        best_single: Some(single),
        round0_majority: None,
        outcome: outcome(state, result, None),
        helped: 0,
        bullied: 0,
        summary: String::new(),
    };
    card.summary = words::with_price(&sentence, &card);
    card
}
