//! What turns may use at most: their calls, the mending of their answers, and having them read.
//!
//! Retries and stand-ins are not in it. They are made only where the caps leave room at that moment.

use super::State;
use super::TurnRecord;
use super::seats::Seat;
use crate::debate::contract;
use crate::debate::plan;
use crate::debate::plan::Reservation;
use crate::debate::view;
use crate::types::Usage;
use crate::types::debate::Extract;
use crate::types::debate::Order;
use crate::types::debate::Phase;
use crate::types::usage::estimate_tokens;

/// Tokens of a repair's own words, the problem quoted in it included.
const REPAIR_TOKENS: u64 = 200;
/// Tokens around a statement where it is shown to a later speaker.
const QUOTE_TOKENS: u64 = 64;

impl State {
    /// What a turn may still use at most; `coming` tokens will be said before it begins.
    pub(super) fn most(&self, turn: &TurnRecord, coming: u64) -> Reservation {
        let first = plan::first_call(self, turn);
        let contract = self.contract_of(turn);
        let answer = u64::from(view::answer_tokens(self, turn));
        let form = contract::instruction(&contract, &view::choices(self, turn));
        let again = answer + REPAIR_TOKENS + estimate_tokens(&form);
        let prompt = first.tokens.saturating_sub(answer) + coming;
        let repairs = u64::from(turn.repairs_left);
        let usage = Usage {
            input: prompt * (1 + repairs) + again * repairs,
            output: answer * (1 + repairs),
            ..Usage::default()
        };
        let prices = self.voices[turn.member].prices;
        let longest = prompt + if repairs > 0 { again } else { 0 };
        let mut most = Reservation {
            calls: 1 + repairs,
            tokens: usage.total_tokens(),
            cost_nanousd: prices.map_or(0, |prices| prices.cost_of_calls(&usage, longest).0),
        };
        if let Some(extractor) = &self.spec.extractor
            && contract.extract.contains(&Extract::Ask)
        {
            let usage = Usage {
                input: again + plan::EXTRACT_FRAME_TOKENS,
                output: answer,
                ..Usage::default()
            };
            most = most
                + Reservation {
                    calls: 1,
                    tokens: usage.total_tokens(),
                    cost_nanousd: extractor.prices.map_or(0, |prices| prices.cost(&usage).0),
                };
        }
        most
    }

    /// Finds out what each seat's turn may use at most, before any of them begins.
    pub(super) fn reserve_seats(&self, phase: &Phase, round: u32, seats: &mut [Seat]) {
        let mut coming = 0;
        for at in 0..seats.len() {
            let seat = seats[at];
            let members = match seat.member {
                Some(member) => vec![member],
                None => seats
                    .first()
                    .and_then(|picker| picker.member)
                    .map(|picker| self.pickable(phase, picker))
                    .unwrap_or_default(),
            };
            let mut said = 0;
            for member in members {
                let turn = self.new_turn(seat, member, &phase.id, round);
                seats[at].reserved = seats[at].reserved.or_more(&self.most(&turn, coming));
                let name = estimate_tokens(&self.spec.cast[member].name);
                let answer = u64::from(view::answer_tokens(self, &turn));
                said = said.max(answer + QUOTE_TOKENS + name);
            }
            // Whoever speaks at the same time is not heard.
            if phase.order != Order::Simultaneous {
                coming += said;
            }
        }
    }

    /// Reserves all that a turn needs to be tried once more, if the caps leave room. Nothing is told when they do
    /// not: the turn then goes another way.
    pub(super) fn reserve_again(&mut self, index: usize) -> bool {
        let needed = self.most(&self.turns[index], 0);
        let more = needed.beyond(&self.turns[index].reserved);
        if !self.fits(&more) {
            return false;
        }
        self.turns[index].reserved = self.turns[index].reserved.or_more(&needed);
        true
    }
}
