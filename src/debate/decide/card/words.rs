//! The card's sentence for people.

use super::Opening;
use super::Outcome;
use crate::debate::decide::is_debater;
use crate::debate::decide::paper::Choice;
use crate::debate::decide::paper::plain;
use crate::debate::state::State;
use crate::debate::state::TurnRecord;
use crate::types::debate::Atom;
use crate::types::debate::Baseline;
use crate::types::debate::Card;
use crate::types::debate::Order;
use crate::types::debate::VerdictStatus;

/// The card's sentence where debaters gave answers of their own; `key` is the answer that came out.
pub(super) fn of_answers(
    state: &State,
    card: &Card,
    (openings, key): (&[Opening], Option<&str>),
) -> String {
    let mut sentence = story(state, card, (openings, key));
    if card.helped + card.bullied > 0 {
        sentence.push_str(&format!(
            "; {} came over to the answer, {} gave it up under a majority",
            card.helped, card.bullied
        ));
    }
    if !blind(state, openings) {
        sentence.push_str("; some had seen others before they first answered");
    }
    with_price(&sentence, card)
}

/// The card's sentence where a side could not speak.
pub(super) fn of_forfeit(card: &Card) -> String {
    let held = match &card.round0_majority {
        Some(before) => match before.answer.as_deref() {
            Some(first) => format!(
                "on their own {} of {} held {}",
                before.support,
                before.of,
                shown(Some(first))
            ),
            None => format!("on their own {} agents had no majority", before.of),
        },
        None => "no agent had given an answer of its own".to_owned(),
    };
    let sentence = format!("A side could not speak, so debating decided nothing; {held}");
    with_price(&sentence, card)
}

fn story(state: &State, card: &Card, (openings, key): (&[Opening], Option<&str>)) -> String {
    let before = card.round0_majority.as_ref();
    let first = before.and_then(|it| it.answer.as_deref());
    let same = first.map(|it| Choice::spelled(it).key) == key.map(str::to_owned);
    let votes = before.map_or(String::new(), |it| format!("{} of {}", it.support, it.of));
    let came_out = shown(card.outcome.answer.as_deref());
    let debated = state
        .turns()
        .iter()
        .any(|turn| is_debater(state, turn.member) && !opens(state, turn, openings));
    match (key, first.map(|it| shown(Some(it)))) {
        (None, Some(first)) => {
            format!("Debating came to no answer that agents held; before it, {votes} held {first}")
        }
        (None, None) => {
            "There was no majority before the debate, and no answer after it".to_owned()
        }
        (Some(_), Some(first)) if same && !debated => {
            format!("Nobody debated: {votes} gave {first} on their own, and that decided it")
        }
        (Some(_), Some(first)) if same => {
            format!("Debating did not change the answer: {votes} held {first} before it")
        }
        (Some(_), Some(first)) => format!(
            "Debating changed the answer from {first} ({votes}) to {came_out}; whether that is right, only a key can tell"
        ),
        (Some(_), None) => format!(
            "Before the debate there was no majority; it came to {came_out}, which {} of {} held in the end",
            card.outcome.support, card.outcome.of
        ),
    }
}

fn shown(answer: Option<&str>) -> String {
    let words: String = answer.unwrap_or_default().chars().take(80).collect();
    format!("\"{words}\"")
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

/// What can be said where no agent gave an answer of its own.
pub(super) fn measurable(result: &Outcome<'_>, outcome: &Baseline) -> String {
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

/// Ends a sentence, and says what the debate took.
pub(super) fn with_price(sentence: &str, card: &Card) -> String {
    let all = card.outcome.tokens;
    let one = card.best_single.as_ref().map_or(0, |it| it.tokens);
    let sentence = sentence.trim_end_matches('.');
    if one == 0 || all == 0 {
        return format!("{sentence}.");
    }
    let times = all as f64 / one as f64;
    format!("{sentence}. It took {all} tokens, {times:.1} times those of one answer.")
}
