//! Who changed their answer, and what that says.

use super::super::state::State;
use super::held_answer;
use super::paper::Choice;
use super::respondents;
use crate::types::debate::Flip;
use crate::types::debate::FlipKind;
use crate::types::debate::Order;

/// Every change of an answer that the debate is about, in order; `outcome` is the answer that came out, in canonical form.
pub(super) fn of(state: &State, outcome: Option<&str>) -> Vec<Flip> {
    let cast = &state.spec().cast;
    let asked = respondents(state);
    let mut held: Vec<Option<String>> = vec![None; cast.len()];
    let mut before_block = held.clone();
    let mut block: Option<(&str, u32)> = None;
    let mut spoken = vec![0; cast.len()];
    let mut flips = Vec::new();
    for turn in state.turns() {
        if block != Some((turn.phase.as_str(), turn.round)) {
            block = Some((turn.phase.as_str(), turn.round));
            before_block.clone_from(&held);
        }
        let speaker = turn.member;
        let Some(answer) = held_answer(state, turn).filter(|_| asked[speaker]) else {
            continue;
        };
        let phase = state.spec().format.phase(&turn.phase);
        let blind = phase.is_some_and(|phase| phase.order == Order::Simultaneous);
        let others = if blind { &before_block } else { &held };
        let support = |answer: &str| {
            let others = others
                .iter()
                .enumerate()
                .filter(|(member, _)| *member != speaker);
            others
                .filter(|(_, held)| held.as_deref() == Some(answer))
                .count() as u32
        };
        if let Some(from) = held[speaker].clone()
            && from != answer
        {
            let mut flip = Flip {
                agent: cast[speaker].name.clone(),
                from_support: support(&from),
                to_support: support(&answer),
                from,
                to: answer.clone(),
                round: spoken[speaker],
                kind: FlipKind::Other,
            };
            flip.kind = outcome.map_or(FlipKind::Other, |outcome| flip_kind(&flip, outcome));
            flips.push(flip);
        }
        held[speaker] = Some(answer);
        spoken[speaker] += 1;
    }
    flips
}

/// What a change of answer was, measured by an answer: the one that came out, or a key that is known to be right.
///
/// *Helped* came over to that answer. *Bullied* gave it up for one that more others held. Everything else is *other*,
/// a change away from that answer to one that few held included.
pub fn flip_kind(flip: &Flip, right: &str) -> FlipKind {
    let right = Choice::spelled(right).key;
    let (from, to) = (
        Choice::spelled(&flip.from).key,
        Choice::spelled(&flip.to).key,
    );
    if to == right && from != right {
        FlipKind::Helped
    } else if from == right && to != right && flip.to_support > flip.from_support {
        FlipKind::Bullied
    } else {
        FlipKind::Other
    }
}

/// How often answers changed, measured by a known right answer.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Moves {
    /// From a wrong answer to the right one.
    pub helped: u32,
    /// From the right answer to a wrong one.
    pub harmed: u32,
    /// Of those, to one that more others held.
    pub bullied: u32,
    /// From one wrong answer to another.
    pub other: u32,
}

/// Counts changes by a known right answer, however it is spelled.
pub fn moves(flips: &[Flip], right: &str) -> Moves {
    let key = Choice::spelled(right).key;
    let mut moves = Moves::default();
    for flip in flips {
        let harmed = Choice::spelled(&flip.from).key == key;
        match flip_kind(flip, right) {
            FlipKind::Helped => moves.helped += 1,
            FlipKind::Bullied => {
                moves.harmed += 1;
                moves.bullied += 1;
            }
            FlipKind::Other if harmed => moves.harmed += 1,
            FlipKind::Other => moves.other += 1,
        }
    }
    moves
}

#[cfg(test)]
mod tests {
    use super::*;

    fn flip(from: &str, to: &str, (from_support, to_support): (u32, u32)) -> Flip {
        Flip {
            agent: "ann".into(),
            from: from.into(),
            to: to.into(),
            round: 1,
            kind: FlipKind::Other,
            from_support,
            to_support,
        }
    }

    #[test]
    fn a_known_key_tells_who_was_helped_and_who_was_bullied() {
        let flips = [
            flip("41", "42", (1, 1)),
            flip("42", "41", (0, 2)),
            flip("42", "41", (1, 1)),
            flip("40", "41", (0, 2)),
        ];
        let kinds: Vec<FlipKind> = flips.iter().map(|it| flip_kind(it, " 42.0 ")).collect();
        assert_eq!(
            kinds,
            [
                FlipKind::Helped,
                FlipKind::Bullied,
                FlipKind::Other,
                FlipKind::Other
            ]
        );
        let counted = Moves {
            helped: 1,
            harmed: 2,
            bullied: 1,
            other: 1,
        };
        assert_eq!(moves(&flips, "42"), counted);
    }
}
