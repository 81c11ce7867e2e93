//! One repetition of one phase: from the reservation of all that it may use to its end.

use std::collections::VecDeque;

use super::State;
use super::Step;
use super::TurnStanding;
use super::contract_of::NEXT;
use super::seats::Seat;
use crate::debate::decide;
use crate::debate::plan;
use crate::debate::plan::Reservation;
use crate::debate::predicate;
use crate::events::Draft;
use crate::events::EventBody;
use crate::types::debate::Order;
use crate::types::debate::Phase;
use crate::types::debate::PhaseKind;
use crate::types::debate::Quorum;

/// One repetition of one phase.
#[derive(Debug, Clone)]
pub(super) struct Block {
    pub(super) phase: String,
    pub(super) round: u32,
    /// Who is still to be asked.
    seats: VecDeque<Seat>,
    /// How many have to speak for all to have spoken: second turns and pickers' do not count.
    wanted: usize,
    /// Turns of this block, in order: indices into the state's turns.
    pub(super) turns: Vec<usize>,
    /// What second turns may use, by member, until it is known who is asked again; `None` once it is known.
    second: Option<Vec<(usize, Reservation)>>,
    /// The audience is being asked.
    pub(super) asks_audience: bool,
    /// Why it ends before all have spoken.
    pub(super) stopped: Option<&'static str>,
}

impl Block {
    pub(super) fn of_audience(phase: &Phase, round: u32) -> Self {
        Self {
            phase: phase.id.clone(),
            round,
            seats: VecDeque::new(),
            wanted: 0,
            turns: Vec::new(),
            second: None,
            asks_audience: true,
            stopped: None,
        }
    }

    /// What its turns to come may use at most.
    pub(super) fn reserved(&self) -> Reservation {
        let seats = self.seats.iter().map(|seat| seat.reserved);
        let second = self.second.iter().flatten().map(|(_, most)| *most);
        seats
            .chain(second)
            .fold(Reservation::default(), |sum, more| sum + more)
    }
}

impl State {
    /// Begins a repetition, if the caps leave room for all that it may use.
    pub(super) fn begin_block(&mut self, phase: &Phase, step: &mut Step) {
        let round = self.flow.repetition;
        if matches!(phase.kind, PhaseKind::Poll | PhaseKind::AskHuman) {
            self.flow.block = Some(Block::of_audience(phase, round));
            self.emit_phase_started(phase, Vec::new(), step);
            return self.ask_audience(step);
        }
        let mut seats = self.seats(phase, round);
        self.reserve_seats(phase, round, &mut seats);
        let second = |seat: &Seat| Some((seat.member?, seat.reserved));
        let second: Vec<_> = seats
            .iter()
            .filter(|_| phase.swap)
            .filter_map(second)
            .collect();
        let counts = |seat: &&Seat| !seat.picks;
        let block = Block {
            phase: phase.id.clone(),
            round,
            wanted: seats.iter().filter(counts).count(),
            seats: seats.into(),
            turns: Vec::new(),
            second: phase.swap.then_some(second),
            asks_audience: false,
            stopped: None,
        };
        if !self.reserve(&block.reserved(), step) {
            return;
        }
        let mut speakers: Vec<usize> = block.seats.iter().filter_map(|seat| seat.member).collect();
        if let (Order::Pick(_), Some(picker)) = (&phase.order, speakers.first().copied()) {
            speakers.extend(self.pickable(phase, picker));
        }
        let mut names: Vec<String> = Vec::new();
        for member in speakers {
            let name = &self.spec.cast[member].name;
            if !names.contains(name) {
                names.push(name.clone());
            }
        }
        self.flow.block = Some(block);
        self.emit_phase_started(phase, names, step);
    }

    fn emit_phase_started(&self, phase: &Phase, speakers: Vec<String>, step: &mut Step) {
        let body = EventBody::PhaseStarted {
            kind: phase.kind,
            order: phase.order.clone(),
            speakers,
            repetition: self.flow.repetition,
        };
        step.emit(self.draft_of_block(body));
    }

    /// An event in the place of the block under way.
    pub(super) fn draft_of_block(&self, body: EventBody) -> Draft {
        let (phase, round) = self.place();
        Draft {
            phase,
            round,
            turn: None,
            body,
        }
    }

    /// Asks the next speaker, or all of them at once. `false` when nobody is left to be asked.
    pub(super) fn ask_next(&mut self, step: &mut Step) -> bool {
        if self.phase_ending || self.is_stopped() {
            self.drop_seats();
            return false;
        }
        if !self.has_seats() {
            self.seat_second_turns();
        }
        let Some(block) = &self.flow.block else {
            return false;
        };
        let at_once = self.phase(&block.phase).order == Order::Simultaneous;
        let mut asked = false;
        while let Some(seat) = self.take_seat() {
            asked = true;
            if !self.ask(seat, step) || !at_once || self.winding_down.is_some() {
                break;
            }
        }
        asked
    }

    fn is_stopped(&self) -> bool {
        let stopped = |block: &Block| block.stopped.is_some();
        self.flow.block.as_ref().is_some_and(stopped)
    }

    fn has_seats(&self) -> bool {
        let left = |block: &Block| !block.seats.is_empty();
        self.flow.block.as_ref().is_some_and(left)
    }

    fn take_seat(&mut self) -> Option<Seat> {
        self.flow.block.as_mut()?.seats.pop_front()
    }

    /// Those who are left are not asked because somebody ended the phase; the result says so.
    fn drop_seats(&mut self) {
        let Some(block) = &mut self.flow.block else {
            return;
        };
        let left = block.seats.iter().filter(|seat| !seat.swapped).count();
        block.seats.clear();
        block.second = None;
        if self.phase_ending && left > 0 {
            let note = format!(
                "{} was ended by command: {left} were not asked",
                block.phase
            );
            self.degrade(note);
        }
    }

    /// Whoever ruled by a small margin is asked a second time, with what it sees in the reverse order.
    fn seat_second_turns(&mut self) {
        let Some(block) = &mut self.flow.block else {
            return;
        };
        let Some(second) = block.second.take() else {
            return;
        };
        let first = block.turns.clone();
        let again = |index: &usize| !self.turns[*index].human && decide::needs_swap(self, *index);
        let again: Vec<usize> = first.into_iter().filter(again).collect();
        let seat = |index: usize| {
            let turn = &self.turns[index];
            let reserved = second.iter().find(|(member, _)| *member == turn.member);
            Seat {
                swapped: true,
                asks: turn.asks,
                reserved: reserved.map(|(_, most)| *most).unwrap_or_default(),
                ..Seat::of(turn.member)
            }
        };
        let seats: VecDeque<Seat> = again.into_iter().map(seat).collect();
        if let Some(block) = &mut self.flow.block {
            block.seats = seats;
        }
    }

    /// Opens the turn of a seat and asks. `false` when the caps leave no room any more.
    fn ask(&mut self, seat: Seat, step: &mut Step) -> bool {
        let (Some(phase), Some(round)) = self.place() else {
            return false;
        };
        let Some(member) = seat.member.or_else(|| self.picked()) else {
            return true;
        };
        let index = self.open_turn(seat, member, &phase, round);
        let needed = self.most(&self.turns[index], 0);
        // What people interjected since the phase began was not foreseen.
        let more = needed.beyond(&seat.reserved);
        self.turns[index].reserved = seat.reserved;
        if more != Reservation::default() && !self.reserve(&more, step) {
            self.turns.pop();
            return false;
        }
        self.turns[index].reserved = needed;
        if let Some(block) = &mut self.flow.block {
            block.turns.push(index);
        }
        self.start_turn(index, None, step);
        true
    }

    /// Whom the picker's turn names; drawn from the seed when it names nobody who can speak.
    fn picked(&mut self) -> Option<usize> {
        let block = self.flow.block.as_ref()?;
        let (phase, round) = (self.phase(&block.phase).clone(), block.round);
        let turn = &self.turns[*block.turns.last()?];
        let candidates = self.pickable(&phase, turn.member);
        let named = turn.parsed.as_ref().and_then(|parsed| parsed.get(NEXT));
        let named = named.and_then(|name| name.as_str()).map(str::trim);
        let is_named = |member: &&usize| {
            let name = &self.spec.cast[**member].name;
            named.is_some_and(|named| name.eq_ignore_ascii_case(named))
        };
        if let Some(member) = candidates.iter().find(is_named) {
            return Some(*member);
        }
        let purpose = ["pick", &phase.id, &round.to_string()];
        let drawn = plan::draw(self.spec.seed, &purpose) % candidates.len().max(1) as u64;
        let member = candidates.get(drawn as usize).copied()?;
        let (picker, name) = (
            &self.spec.cast[turn.member].name,
            &self.spec.cast[member].name,
        );
        let note = format!(
            "{picker}: named nobody who can speak in {}, so {name} was drawn by lot",
            phase.id
        );
        self.degrade(note);
        Some(member)
    }

    /// Ends a simultaneous phase when those who have not answered cannot change what it is for.
    pub(super) fn look_at_stop_early(&mut self, step: &mut Step) {
        let Some(block) = &self.flow.block else {
            return;
        };
        let phase = self.phase(&block.phase);
        let Some(stop) = &phase.stop_early else {
            return;
        };
        let applies = phase.order == Order::Simultaneous && !self.open_turns().is_empty();
        if !applies || !predicate::holds(stop, self, block.round) {
            return;
        }
        if let Some(block) = &mut self.flow.block {
            block.stopped = Some("stop_early");
            block.second = None;
        }
        self.cancel_open_turns("stop_early", "the others' answers settle it", step);
    }

    /// Ends a repetition whose speakers have all spoken, or cannot any more.
    pub(super) fn end_block(&mut self, step: &mut Step) {
        let Some(block) = &self.flow.block else {
            return;
        };
        let phase = self.phase(&block.phase);
        let counts = |index: &&usize| {
            let turn = &self.turns[**index];
            turn.standing == TurnStanding::Done && !turn.picks && !turn.swapped
        };
        let (spoken, wanted) = (block.turns.iter().filter(counts).count(), block.wanted);
        let ended = block.stopped.or(self.phase_ending.then_some("ended"));
        let met = ended.is_some()
            || block.asks_audience
            || match phase.quorum {
                Quorum::None => true,
                Quorum::Majority => spoken * 2 > wanted,
                Quorum::All => spoken == wanted,
                Quorum::AtLeast(least) => spoken >= least as usize,
            };
        let id = block.phase.clone();
        let reason = ended.unwrap_or(if met { "done" } else { "quorum_not_met" });
        self.finish_block(reason, step);
        if !met {
            self.degrade(format!("too few spoke in {id}: {spoken} of {wanted}"));
            self.winding_down = Some(format!("quorum not met in {id}"));
            return;
        }
        self.after_block();
    }

    fn finish_block(&mut self, reason: &str, step: &mut Step) {
        let Some(block) = &self.flow.block else {
            return;
        };
        let body = EventBody::PhaseFinished {
            repetition: block.round,
            stop_reason: reason.to_owned(),
        };
        step.emit(self.draft_of_block(body));
        self.flow.block = None;
    }

    /// Leaves the repetition under way because the debate ends.
    pub(super) fn leave_block(&mut self, step: &mut Step) {
        if self.flow.block.is_none() {
            return;
        }
        self.close_poll(step);
        let budget = self.winding_down.as_deref();
        let budget = budget.is_some_and(|reason| reason.starts_with("budget"));
        self.finish_block(if budget { "budget" } else { "stopped" }, step);
    }
}
