//! Who speaks in one repetition of a phase, and in which order. Pure.

use super::State;
use crate::debate::plan::Reservation;
use crate::types::debate::Order;
use crate::types::debate::Phase;
use crate::types::debate::RoleKind;

/// One place in the order of speakers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Seat {
    /// Who, as a place in the cast; `None` for whom the picker before names.
    pub(super) member: Option<usize>,
    /// Under `pair_qa`, whether it asks.
    pub(super) asks: bool,
    /// Whether it names who speaks next.
    pub(super) picks: bool,
    /// Whether it is the second, reversed turn of its speaker.
    pub(super) swapped: bool,
    /// What its turn may use at most.
    pub(super) reserved: Reservation,
}

impl Seat {
    pub(super) fn of(member: usize) -> Self {
        Self {
            member: Some(member),
            asks: false,
            picks: false,
            swapped: false,
            reserved: Reservation::default(),
        }
    }
}

impl State {
    /// The order of speakers in a repetition of a phase.
    pub(super) fn seats(&self, phase: &Phase, round: u32) -> Vec<Seat> {
        let mut speakers = self.speakers(phase);
        match &phase.order {
            Order::Sequential | Order::Simultaneous => {}
            Order::Alternate => {
                if round % 2 == 1 {
                    speakers.reverse();
                }
            }
            Order::Rotate => {
                let count = speakers.len().max(1);
                speakers.rotate_left(round as usize % count);
            }
            Order::PairQa => return self.pairs(phase, round),
            Order::Pick(role) => return self.picks(phase, role, round),
        }
        speakers.into_iter().map(Seat::of).collect()
    }

    /// Who asks and who answers, pair by pair; where one side is larger, the smaller one's go round again.
    fn pairs(&self, phase: &Phase, round: u32) -> Vec<Seat> {
        let (Some(first), Some(second)) = (phase.who.first(), phase.who.last()) else {
            return Vec::new();
        };
        let swaps = round % 2 == 1 && self.are_opposed(first, second);
        let (asking, answering) = if swaps {
            (second, first)
        } else {
            (first, second)
        };
        let (asking, answering) = (self.holders(asking), self.holders(answering));
        if asking.is_empty() || answering.is_empty() {
            return Vec::new();
        }
        let pairs = asking.len().max(answering.len());
        let pair = |at: usize| {
            let asks = Seat {
                asks: true,
                ..Seat::of(asking[at % asking.len()])
            };
            [asks, Seat::of(answering[at % answering.len()])]
        };
        (0..pairs).flat_map(pair).collect()
    }

    fn are_opposed(&self, first: &str, second: &str) -> bool {
        let side = |role: &str| {
            let role = self.spec.format.role(role)?;
            let debates = role.kind == RoleKind::Debater;
            role.side.clone().filter(|_| debates)
        };
        match (side(first), side(second)) {
            (Some(one), Some(other)) => one != other,
            (None, _) | (_, None) => false,
        }
    }

    /// The picker's own turn, and then that of whom it names.
    fn picks(&self, phase: &Phase, role: &str, round: u32) -> Vec<Seat> {
        let pickers = self.holders(role);
        if pickers.is_empty() {
            return Vec::new();
        }
        let picker = pickers[round as usize % pickers.len()];
        let mut seats = vec![Seat {
            picks: true,
            ..Seat::of(picker)
        }];
        if !self.pickable(phase, picker).is_empty() {
            seats.push(Seat {
                member: None,
                ..Seat::of(picker)
            });
        }
        seats
    }

    fn holders(&self, role: &str) -> Vec<usize> {
        let holds = |member: &usize| self.spec.cast[*member].role == role;
        (0..self.spec.cast.len()).filter(holds).collect()
    }
}
