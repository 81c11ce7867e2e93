//! From ballots to a verdict. A ballot that could not be read is an outcome of its own, never a guess.
//!
//! `docs/verdicts.md` says for people how each rule counts and what a verdict tells beside its answer.

mod ballots;
mod card;
mod family;
mod flips;
mod honest;
mod irv;
mod lead;
mod notes;
mod paper;
mod rules;
mod ruling;
mod swing;
#[cfg(test)]
mod tests;
mod tie;
mod trajectory;
mod wanted;
mod weights;

pub use family::choose_judges;
pub use family::family;
pub use flips::Moves;
pub use flips::flip_kind;
pub use flips::moves;

pub(super) use lead::lead_unassailable;
pub(super) use lead::needs_swap;

use paper::Choice;
use paper::Says;
use ruling::Ruling;

use super::state::State;
use super::state::TurnRecord;
use super::state::TurnStanding;
use crate::types::debate::Baseline;
use crate::types::debate::Decision;
use crate::types::debate::RoleKind;
use crate::types::debate::Rule;
use crate::types::debate::SideVerdict;
use crate::types::debate::Verdict;
use crate::types::debate::VerdictStatus;

/// Decides a debate on what was said so far.
pub(super) fn verdict(state: &State) -> Verdict {
    if let Some(forfeited) = forfeit(state) {
        return forfeited;
    }
    let format = &state.spec().format;
    let decision = &format.decision;
    let ruling = ruling::of(state, decision);
    let also = side_verdicts(state, decision, &ruling);
    let winner = winner(state, &ruling);
    let answer = answer(state, &ruling);
    let agreement = honest::agreement(&ruling.given);
    let mut notes = notes::of(state, &ruling.given);
    notes.extend(honest::position_note(state, &ruling.given));
    let result = card::Outcome {
        ruling: &ruling,
        answer: answer.as_deref().or(winner.as_deref()),
        agreement,
        also: &also,
    };
    let card = card::of(state, &result);
    let key = ruling.won().map(|choice| choice.key.as_str());
    Verdict {
        status: ruling.status,
        rule: ruling.rule.clone(),
        reason: reason(state, &ruling),
        margin: ruling.count.margin,
        baselines: baselines(state),
        flips: if format.report.flips {
            flips::of(state, key)
        } else {
            Vec::new()
        },
        dissent: if format.report.dissent {
            honest::dissent(state, &ruling)
        } else {
            Vec::new()
        },
        swap_consistent: honest::swap_consistent(decision, &ruling.given),
        agreement,
        kappa: honest::kappa(state, &ruling),
        tally: ruling.tally(),
        also,
        card: Some(card),
        notes,
        panel: ruling.given.into_iter().map(|given| given.ballot).collect(),
        winner,
        answer,
    }
}

/// The answer that a turn holds, in formats that decide over debaters' answers; as a voter would spell it.
pub(super) fn held_answer(state: &State, turn: &TurnRecord) -> Option<String> {
    held_choice(state, turn).map(|choice| choice.key)
}

/// The answer that a turn holds: the field that decides, also where a debater gives it in a phase that does not
/// decide. A choice between what others wrote is a vote, not an answer.
fn held_choice(state: &State, turn: &TurnRecord) -> Option<Choice> {
    if turn.swapped {
        return None;
    }
    let of = &state.spec().format.decision.of;
    let own = of.iter().find(|field| field.phase == turn.phase);
    let alike = || {
        let debating = is_debater(state, turn.member);
        let parsed = turn.parsed.as_ref().filter(|_| debating)?;
        of.iter().find(|field| parsed.get(&field.field).is_some())
    };
    let field = own.or_else(alike)?;
    match ballots::says(state, turn, &field.field) {
        Says::One(choice) if choice.turn.is_none() => Some(choice),
        Says::One(_) | Says::Nothing | Says::Several(_) | Says::Ranking(_) | Says::Points(_) => {
            None
        }
    }
}

fn is_debater(state: &State, member: usize) -> bool {
    let spec = state.spec();
    let role = spec.format.role(&spec.cast[member].role);
    role.is_some_and(|role| role.kind == RoleKind::Debater)
}

/// Whose answers the debate is about, by place in the cast: the debaters, where they give answers; else those who
/// answered before any debater spoke, such as a judge who is asked before and after.
fn respondents(state: &State) -> Vec<bool> {
    let members = 0..state.spec().cast.len();
    let debaters: Vec<bool> = members.map(|member| is_debater(state, member)).collect();
    let holds = |turn: &TurnRecord| held_choice(state, turn).is_some();
    let mut turns = state.turns().iter();
    if turns.any(|turn| debaters[turn.member] && holds(turn)) {
        return debaters;
    }
    let mut before = vec![false; debaters.len()];
    let unheard = state.turns().iter();
    for turn in unheard.take_while(|turn| !debaters[turn.member]) {
        before[turn.member] |= holds(turn);
    }
    before
}

fn forfeit(state: &State) -> Option<Verdict> {
    let lost = state
        .turns()
        .iter()
        .find(|turn| turn.standing == TurnStanding::Forfeited)?;
    let cast = &state.spec().cast;
    let side = cast[lost.member].side.clone()?;
    let winner = cast
        .iter()
        .filter_map(|member| member.side.clone())
        .find(|other| *other != side);
    Some(Verdict {
        status: VerdictStatus::Forfeit,
        rule: "forfeit".to_owned(),
        reason: format!("{} could not speak for {side}", cast[lost.member].name),
        card: Some(card::of_forfeit(state, winner.as_deref())),
        winner,
        answer: None,
        margin: None,
        panel: Vec::new(),
        baselines: baselines(state),
        flips: if state.spec().format.report.flips {
            flips::of(state, None)
        } else {
            Vec::new()
        },
        dissent: Vec::new(),
        swap_consistent: None,
        agreement: None,
        kappa: None,
        tally: Vec::new(),
        also: Vec::new(),
        notes: Vec::new(),
    })
}

/// The winning side: the choice itself, or the side that the ruling names beside its answer.
fn winner(state: &State, ruling: &Ruling) -> Option<String> {
    let won = ruling.won()?;
    let beside = || {
        let given = ruling.given.iter().find(|given| {
            let first = given.paper.says.first();
            given.ballot.counts && first.is_some_and(|choice| choice.key == won.key)
        })?;
        let side = given.ballot.parsed.as_ref()?.get("side")?.as_str()?;
        side_of(state, side)
    };
    side_of(state, &won.key).or_else(beside)
}

/// A side of the format, however it is spelled.
fn side_of(state: &State, spelled: &str) -> Option<String> {
    let roles = &state.spec().format.roles;
    let mut sides = roles.iter().filter_map(|role| role.side.as_ref());
    sides
        .find(|side| side.eq_ignore_ascii_case(spelled.trim()))
        .cloned()
}

/// The answer: a text of its own, the text that was chosen, or the choice when it is no side.
fn answer(state: &State, ruling: &Ruling) -> Option<String> {
    if ruling.text.is_some() {
        return ruling.text.clone();
    }
    let won = ruling.won()?;
    match won.turn {
        Some(index) => {
            let turn = &state.turns()[index];
            let held = held_choice(state, turn).map(|choice| choice.shown);
            held.or_else(|| Some(turn.text.trim().to_owned()))
        }
        None if side_of(state, &won.key).is_some() => None,
        None => Some(won.shown.clone()),
    }
}

fn reason(state: &State, ruling: &Ruling) -> String {
    let words = ruling.won().and_then(|won| {
        let holds = |given: &&ballots::Given| {
            let first = given.paper.says.first();
            given.ballot.counts && first.is_some_and(|choice| choice.key == won.key)
        };
        honest::reason(state, ruling.given.iter().find(holds)?.turn)
    });
    let alone = ruling.given.len() == 1 && words.is_some();
    let tally = (!alone).then(|| ruling.count.words.clone());
    let parts = [ruling.because.clone(), tally, words].into_iter().flatten();
    let parts: Vec<String> = parts.filter(|part| !part.is_empty()).collect();
    parts.join(". ")
}

/// The format's other decisions, and the count beside a synthesis.
fn side_verdicts(state: &State, decision: &Decision, ruling: &Ruling) -> Vec<SideVerdict> {
    let synthesised = decision.rule == Rule::Synthesis && ruling.text.is_some();
    let aggregate = wanted::aggregate(state).filter(|_| synthesised);
    let others = aggregate.into_iter().map(|(decision, _)| decision);
    let others = others.chain(decision.also.iter().cloned());
    let told = others.map(|other| {
        let ruling = ruling::of(state, &other);
        let parts = [ruling.because.clone(), Some(ruling.count.words.clone())];
        let parts: Vec<String> = parts
            .into_iter()
            .flatten()
            .filter(|it| !it.is_empty())
            .collect();
        SideVerdict {
            rule: ruling.rule.clone(),
            status: ruling.status,
            winner: ruling.won().map(|choice| choice.shown.clone()),
            tally: ruling.tally(),
            reason: parts.join(". "),
        }
    });
    told.collect()
}

/// What would have come out without debating, as far as the format reports it.
fn baselines(state: &State) -> Vec<Baseline> {
    let report = &state.spec().format.report;
    let majority = card::round0_majority(state).filter(|_| report.round0_majority);
    let single = card::best_single(state).filter(|_| report.single_best);
    majority.into_iter().chain(single).collect()
}
