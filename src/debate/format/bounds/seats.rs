//! Who speaks in a repetition of a phase, as far as it can be known before the debate.

use super::Lengths;
use super::says_margin;
use crate::types::debate::Order;
use crate::types::debate::Phase;
use crate::types::debate::RoleKind;
use crate::types::debate::Spec;

/// A turn that may be had.
pub(super) struct Turn {
    /// Who, as a place in the cast.
    pub(super) member: usize,
    /// Who speaks in the phase, in the order of the cast's roles.
    pub(super) speakers: Vec<usize>,
    pub(super) round: u32,
    /// Under `pair_qa`, whether it asks.
    pub(super) asks: bool,
    /// Whether it names who speaks next.
    pub(super) picks: bool,
    /// Whether those who come after it in the phase hear it.
    pub(super) speaks_alone: bool,
    /// Whether it is one of several of which one is had.
    pub(super) alternative: bool,
}

impl Turn {
    /// The prompt that it gets.
    pub(super) fn prompt<'a>(&self, spec: &Spec, phase: &'a Phase) -> &'a String {
        let (member, prompt) = (&spec.cast[self.member], &phase.prompt);
        let own = prompt.by_role.get(&member.role);
        let side = member.side.as_ref();
        let own = own.or_else(|| side.and_then(|side| prompt.by_role.get(side)));
        let part = match (&phase.order, self.asks) {
            (Order::PairQa, true) => prompt.ask.as_ref(),
            (Order::PairQa, false) => prompt.answer.as_ref(),
            (
                Order::Sequential
                | Order::Simultaneous
                | Order::Alternate
                | Order::Rotate
                | Order::Pick(_),
                _,
            ) => None,
        };
        let next = prompt.next.as_ref().filter(|_| self.round > 0);
        own.or(part).or(next).unwrap_or(&prompt.first)
    }
}

/// All turns of a repetition, in order. At most, everybody is asked in both orders where that can be; likely, half of
/// those who say by how much somebody won.
pub(super) fn of(spec: &Spec, phase: &Phase, round: u32, lengths: Lengths) -> Vec<Turn> {
    let speakers: Vec<usize> = phase
        .who
        .iter()
        .flat_map(|role| holders(spec, role))
        .collect();
    let at_once = phase.order == Order::Simultaneous;
    let turn = |member: usize| Turn {
        member,
        speakers: speakers.clone(),
        round,
        asks: false,
        picks: false,
        speaks_alone: !at_once,
        alternative: false,
    };
    let mut turns: Vec<Turn> = match &phase.order {
        Order::Sequential | Order::Simultaneous | Order::Rotate => {
            let mut members = speakers.clone();
            if phase.order == Order::Rotate && !members.is_empty() {
                let by = round as usize % members.len();
                members.rotate_left(by);
            }
            members.into_iter().map(turn).collect()
        }
        Order::Alternate => {
            let mut members = speakers.clone();
            if round % 2 == 1 {
                members.reverse();
            }
            members.into_iter().map(turn).collect()
        }
        Order::PairQa => pairs(spec, phase, round)
            .into_iter()
            .map(|(member, asks)| Turn {
                asks,
                ..turn(member)
            })
            .collect(),
        Order::Pick(role) => picks(spec, phase, role, round, lengths)
            .into_iter()
            .map(|(member, picks)| Turn {
                picks,
                alternative: !picks,
                ..turn(member)
            })
            .collect(),
    };
    let again = again(spec, phase, turns.len(), lengths);
    let second: Vec<Turn> = (0..again)
        .map(|at| Turn {
            asks: turns[at].asks,
            ..turn(turns[at].member)
        })
        .collect();
    turns.extend(second);
    turns
}

/// How many are asked a second time, with what they see in the reverse order.
fn again(spec: &Spec, phase: &Phase, turns: usize, lengths: Lengths) -> usize {
    let contract = spec.format.contracts.get(&phase.contract);
    let close_only = contract.is_some_and(says_margin);
    match (phase.swap, lengths) {
        (false, _) => 0,
        (true, Lengths::Likely) if close_only => turns.div_ceil(2),
        (true, Lengths::Most | Lengths::Likely) => turns,
    }
}

fn holders(spec: &Spec, role: &str) -> Vec<usize> {
    let holds = |member: &usize| spec.cast[*member].role == role;
    (0..spec.cast.len()).filter(holds).collect()
}

/// Who asks and who answers, pair by pair; where one role has fewer holders, they go round again.
fn pairs(spec: &Spec, phase: &Phase, round: u32) -> Vec<(usize, bool)> {
    let (Some(first), Some(second)) = (phase.who.first(), phase.who.last()) else {
        return Vec::new();
    };
    let side = |id: &String| {
        let role = spec.format.role(id)?;
        let debates = role.kind == RoleKind::Debater;
        role.side.clone().filter(|_| debates)
    };
    let opposed = side(first).zip(side(second)).is_some_and(|(a, b)| a != b);
    let (asking, answering) = match round % 2 == 1 && opposed {
        true => (holders(spec, second), holders(spec, first)),
        false => (holders(spec, first), holders(spec, second)),
    };
    if asking.is_empty() || answering.is_empty() {
        return Vec::new();
    }
    let count = asking.len().max(answering.len());
    let pair = |at: usize| {
        [
            (asking[at % asking.len()], true),
            (answering[at % answering.len()], false),
        ]
    };
    (0..count).flat_map(pair).collect()
}

/// The picker, and whom it may name.
fn picks(
    spec: &Spec,
    phase: &Phase,
    role: &str,
    round: u32,
    lengths: Lengths,
) -> Vec<(usize, bool)> {
    let pickers = holders(spec, role);
    if pickers.is_empty() {
        return Vec::new();
    }
    let picker = pickers[round as usize % pickers.len()];
    let mut named: Vec<usize> = phase
        .who
        .iter()
        .flat_map(|role| holders(spec, role))
        .collect();
    named.retain(|member| *member != picker);
    if lengths == Lengths::Likely && !named.is_empty() {
        let at = round as usize % named.len();
        named = vec![named[at]];
    }
    let named = named.into_iter().map(|member| (member, false));
    std::iter::once((picker, true)).chain(named).collect()
}
