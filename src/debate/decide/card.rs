//! *Did debating help?* What one agent and a vote would have said without it, what came out, and what each cost.

use super::super::state::State;
use super::super::state::TurnRecord;
use super::flips;
use super::held_choice;
use super::is_debater;
use super::paper::Choice;
use super::paper::plain;
use super::ruling::Ruling;
use super::weights;
use crate::types::NanoUsd;
use crate::types::debate::Atom;
use crate::types::debate::Baseline;
use crate::types::debate::Card;
use crate::types::debate::FlipKind;
use crate::types::debate::Order;
use crate::types::debate::SideVerdict;
use crate::types::debate::VerdictStatus;

/// What came out, and how firm it is.
pub(super) struct Result<'a> {
    /// The decision.
    pub(super) ruling: &'a Ruling,
    /// The winner or answer, as the verdict tells it.
    pub(super) answer: Option<&'a str>,
    /// How alike the ballots are.
    pub(super) agreement: Option<f64>,
    /// The decisions beside it.
    pub(super) also: &'a [SideVerdict],
}

/// What a debater answered first.
#[derive(Debug)]
struct Opening {
    turn: usize,
    choice: Choice,
}

/// The card of a debate.
pub(super) fn of(state: &State, result: &Result<'_>) -> Card {
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
        summary: measurable(result, &outcome),
        outcome,
        helped: 0,
        bullied: 0,
    }
}

/// The majority of the debaters' first answers, where there are any; no answer for a tie.
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
    let asked = state.turns().iter().filter(|turn| {
        let same = turn.phase == block.phase && turn.round == block.round;
        same && !turn.swapped && is_debater(state, turn.member)
    });
    let (tokens, cost_nanousd) = used(asked);
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

/// Each debater's first answer, in the order of the cast.
fn openings(state: &State) -> Vec<Opening> {
    let mut openings: Vec<Opening> = Vec::new();
    for (index, turn) in state.turns().iter().enumerate() {
        let known = openings
            .iter()
            .any(|opening| state.turns()[opening.turn].member == turn.member);
        if known || !is_debater(state, turn.member) {
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

fn outcome(state: &State, result: &Result<'_>, held: Option<(u32, u32)>) -> Baseline {
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

fn of_answers(state: &State, result: &Result<'_>, openings: &[Opening]) -> Card {
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
    card.summary = of_answers_in_words(state, &card, (openings, key.as_deref()));
    card
}

/// The answer that came out, in canonical form; `None` without one, and for a text that nobody held.
fn outcome_key(state: &State, result: &Result<'_>) -> Option<String> {
    let won = result.ruling.won()?;
    match won.turn {
        Some(turn) => held_choice(state, &state.turns()[turn]).map(|choice| choice.key),
        None if result.ruling.text.is_some() => None,
        None => Some(won.key.clone()),
    }
}

/// What each debater held in the end, by place in the cast.
fn last_answers(state: &State) -> Vec<Option<Choice>> {
    let mut last = vec![None; state.spec().cast.len()];
    for turn in state
        .turns()
        .iter()
        .filter(|turn| is_debater(state, turn.member))
    {
        if let Some(choice) = held_choice(state, turn) {
            last[turn.member] = Some(choice);
        }
    }
    last
}

fn of_answers_in_words(
    state: &State,
    card: &Card,
    (openings, key): (&[Opening], Option<&str>),
) -> String {
    let before = card.round0_majority.as_ref();
    let first = before.and_then(|it| it.answer.as_deref());
    let same = first.map(|it| Choice::spelled(it).key) == key.map(str::to_owned);
    let shown = |answer: Option<&str>| {
        let words: String = answer.unwrap_or_default().chars().take(80).collect();
        format!("\"{words}\"")
    };
    let votes = before.map_or(String::new(), |it| format!("{} of {}", it.support, it.of));
    let debated = state
        .turns()
        .iter()
        .any(|turn| is_debater(state, turn.member) && !opens(state, turn, openings));
    let story = match (key, first) {
        (None, Some(first)) => format!(
            "Debating came to no answer that agents held; before it, {votes} held {}.",
            shown(Some(first))
        ),
        (None, None) => {
            "There was no majority before the debate, and no answer after it.".to_owned()
        }
        (Some(_), Some(first)) if same && !debated => format!(
            "Nobody debated: {votes} gave {} on their own, and that decided it.",
            shown(Some(first))
        ),
        (Some(_), Some(first)) if same => format!(
            "Debating did not change the answer: {votes} held {} before it.",
            shown(Some(first))
        ),
        (Some(_), Some(first)) => format!(
            "Debating changed the answer from {} ({votes}) to {}; whether that is right, only a key can tell.",
            shown(Some(first)),
            shown(card.outcome.answer.as_deref())
        ),
        (Some(_), None) => format!(
            "Before the debate there was no majority; it came to {}, which {} of {} held in the end.",
            shown(card.outcome.answer.as_deref()),
            card.outcome.support,
            card.outcome.of
        ),
    };
    let mut sentence = story;
    if card.helped + card.bullied > 0 {
        sentence.pop();
        sentence.push_str(&format!(
            "; {} came over to the answer, {} gave it up under a majority.",
            card.helped, card.bullied
        ));
    }
    if !blind(state, openings) {
        sentence.pop();
        sentence.push_str(
            "; some had seen others before they first answered, so this flatters neither side.",
        );
    }
    with_price(sentence, card)
}

/// `true` when a turn is its debater's opening.
fn opens(state: &State, turn: &TurnRecord, openings: &[Opening]) -> bool {
    let mut openings = openings.iter().map(|it| &state.turns()[it.turn]);
    openings.any(|opening| opening.id == turn.id)
}

/// `true` when nobody had seen another's answer before giving the first.
fn blind(state: &State, openings: &[Opening]) -> bool {
    openings.iter().all(|opening| {
        let turn = &state.turns()[opening.turn];
        let Some(phase) = state.spec().format.phase(&turn.phase) else {
            return true;
        };
        let sees_others = phase.sees.iter().any(|sight| {
            matches!(
                sight.atom,
                Atom::Others
                    | Atom::OthersLast
                    | Atom::OthersRound(_)
                    | Atom::Phase(_)
                    | Atom::Summary
                    | Atom::Votes
            )
        });
        let earlier = state.turns()[..opening.turn].iter().any(|other| {
            let same_block = other.phase == turn.phase && other.round == turn.round;
            let hidden = same_block && phase.order == Order::Simultaneous;
            is_debater(state, other.member) && other.member != turn.member && !hidden
        });
        !(sees_others && earlier)
    })
}

fn of_ranked(state: &State, result: &Result<'_>, (best, turn): (&Choice, usize)) -> Card {
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
    card.summary = with_price(sentence, &card);
    card
}

/// What can be said where no agent gave an answer of its own.
fn measurable(result: &Result<'_>, outcome: &Baseline) -> String {
    let mut parts = Vec::new();
    if outcome.of > 0 && outcome.answer.is_some() {
        parts.push(format!(
            "{} of {} rulings say so",
            outcome.support, outcome.of
        ));
    }
    if let Some(agreement) = result.agreement {
        parts.push(format!(
            "{} % of the pairs of rulings agree",
            plain((100.0 * agreement).round())
        ));
    }
    let swings = result.also.iter().filter(|side| side.rule == "swing");
    let swing = swings
        .filter(|side| side.status == VerdictStatus::Decided)
        .find_map(|side| {
            let winner = side.winner.as_deref()?;
            let gained = side
                .tally
                .iter()
                .find(|entry| entry.choice == winner)?
                .points;
            Some(format!(
                "the audience moved {} points to \"{winner}\"",
                plain(gained)
            ))
        });
    parts.extend(swing);
    let known = if parts.is_empty() {
        "nothing else was measured".to_owned()
    } else {
        parts.join(", ")
    };
    format!(
        "No agent gave an answer of its own first, so nothing shows what would have come out without debating; what \
         was measured: {known}. It took {} tokens.",
        outcome.tokens
    )
}

fn with_price(sentence: String, card: &Card) -> String {
    let all = card.outcome.tokens;
    let one = card.best_single.as_ref().map_or(0, |it| it.tokens);
    if one == 0 || all == 0 {
        return sentence;
    }
    let times = all as f64 / one as f64;
    let story = sentence.trim_end_matches('.');
    format!("{story}. It took {all} tokens, {times:.1} times those of one answer.")
}
