//! Commands that change the course: ending and extending a phase, trying and skipping turns, models and caps.

use super::Action;
use super::CommandRefused;
use super::State;
use super::Step;
use super::TurnStanding;
use super::Voice;
use super::turn::Void;
use crate::events::EventBody;
use crate::events::Purpose;
use crate::types::ModelName;
use crate::types::TurnId;
use crate::types::debate::Limits;
use crate::types::debate::Status;

/// Repetitions that commands can add to a phase.
const MAX_EXTRA: u32 = 20;

impl State {
    pub(super) fn check_end_phase(&self) -> Result<(), CommandRefused> {
        if self.flow.block.is_none() {
            return Err(CommandRefused::NoPhase);
        }
        if self.phase_ending {
            return Err(CommandRefused::PhaseIsEnding);
        }
        Ok(())
    }

    pub(super) fn end_phase(&mut self, step: &mut Step) {
        self.phase_ending = true;
        if self.audience_is_asked() {
            self.end_audience(step);
        }
        self.advance(step);
    }

    pub(super) fn check_extend(&self, rounds: u32) -> Result<(), CommandRefused> {
        if self.flow.block.is_none() {
            return Err(CommandRefused::NoPhase);
        }
        let extra = self.flow.extra.saturating_add(rounds);
        if rounds == 0 || extra > MAX_EXTRA {
            return Err(CommandRefused::BadRounds(MAX_EXTRA));
        }
        match self.limits.rounds {
            Some(cap) if self.flow.repetition + 1 + extra > cap => {
                Err(CommandRefused::RoundsCapped(cap))
            }
            Some(_) | None => Ok(()),
        }
    }

    /// The phase runs so many times more than it would have.
    pub(super) fn extend(&mut self, rounds: u32) {
        self.flow.extra += rounds;
        self.phase_ending = false;
    }

    pub(super) fn check_retry(&self, turn: &TurnId) -> Result<usize, CommandRefused> {
        let index = self.index_of(turn)?;
        if let Some(reason) = &self.winding_down {
            return Err(CommandRefused::Ending(reason.clone()));
        }
        let in_block = self
            .flow
            .block
            .as_ref()
            .is_some_and(|block| block.turns.contains(&index));
        let record = &self.turns[index];
        let again = match record.standing {
            TurnStanding::Open | TurnStanding::Held => true,
            TurnStanding::Skipped => in_block,
            TurnStanding::Done | TurnStanding::Forfeited => false,
        };
        if !again {
            return Err(CommandRefused::TurnOver(turn.clone()));
        }
        let mut tried = record.clone();
        tried.repairs_left = self.contract_of(record).repair;
        if !self.fits(&self.most(&tried, 0).beyond(&record.reserved)) {
            return Err(CommandRefused::NoRoom);
        }
        Ok(index)
    }

    /// Asks for a turn anew: its own model, or its person, with all tries.
    pub(super) fn retry_turn(&mut self, index: usize, step: &mut Step) {
        let was = self.turns[index].standing;
        if was == TurnStanding::Open {
            step.actions
                .push(Action::Cancel(self.turns[index].id.clone()));
        }
        let own = self.voices[self.turns[index].member].model.clone();
        self.begin_anew(index, own);
        let is_human = self.member(&self.turns[index]).human.is_some();
        let turn = &mut self.turns[index];
        turn.stand_in = false;
        turn.human = is_human;
        if let Some(note) = turn.skip_note.take() {
            self.degraded.retain(|line| *line != note);
        }
        self.reserve_again(index);
        let held = self.status == Status::Paused || was == TurnStanding::Held;
        self.turns[index].standing = if held {
            TurnStanding::Held
        } else {
            TurnStanding::Open
        };
        if !held {
            self.ask_again(index, "retry", "asked for again by command", step);
        }
        self.advance(step);
    }

    pub(super) fn check_skip(&self, turn: &TurnId) -> Result<usize, CommandRefused> {
        let index = self.index_of(turn)?;
        match self.turns[index].standing {
            TurnStanding::Open | TurnStanding::Held => Ok(index),
            TurnStanding::Done | TurnStanding::Skipped | TurnStanding::Forfeited => {
                Err(CommandRefused::TurnOver(turn.clone()))
            }
        }
    }

    pub(super) fn skip_turn(&mut self, index: usize, step: &mut Step) {
        step.actions
            .push(Action::Cancel(self.turns[index].id.clone()));
        let void = Void::skipped("skipped", "skipped by command");
        self.fail_turn(index, void, step);
        self.advance(step);
    }

    pub(super) fn check_swap(&self, agent: &str, model: &ModelName) -> Result<(), CommandRefused> {
        let member = self.member_named(agent)?;
        if self.voices[member].model == *model {
            return Err(CommandRefused::SameModel(agent.to_owned()));
        }
        Ok(())
    }

    /// The agent's next call goes to the new model; the one under way ends as it began.
    pub(super) fn swap_model(&mut self, agent: &str, voice: Voice, step: &mut Step) {
        let Ok(member) = self.member_named(agent) else {
            return;
        };
        let to = voice.model.clone();
        let from = std::mem::replace(&mut self.voices[member], voice).model;
        for turn in &mut self.turns {
            let waits = turn.standing == TurnStanding::Held && turn.purpose == Purpose::Turn;
            if turn.member == member && waits && !turn.stand_in {
                turn.model = to.clone();
            }
        }
        let agent = agent.to_owned();
        step.emit(self.draft_of_block(EventBody::ModelSwapped { agent, from, to }));
    }

    pub(super) fn check_limits(&self, more: &Limits) -> Result<(), CommandRefused> {
        let now = &self.limits;
        let whole = |cap: Option<u64>| cap.map(|cap| cap as f64);
        let caps = [
            (
                "rounds",
                whole(now.rounds.map(u64::from)),
                whole(more.rounds.map(u64::from)),
            ),
            ("calls", whole(now.calls), whole(more.calls)),
            ("tokens", whole(now.tokens), whole(more.tokens)),
            ("cost_usd", now.cost_usd, more.cost_usd),
            ("wall_s", whole(now.wall_s), whole(more.wall_s)),
        ];
        if caps.iter().all(|(_, _, wanted)| wanted.is_none()) {
            return Err(CommandRefused::NoLimit);
        }
        for (cap, now, wanted) in caps {
            let Some(wanted) = wanted else { continue };
            let higher = now.is_some_and(|now| wanted > now) && wanted.is_finite();
            if !higher {
                let now = now.map_or_else(|| "unlimited".to_owned(), |now| now.to_string());
                return Err(CommandRefused::NotRaised { cap, now });
            }
        }
        Ok(())
    }

    pub(super) fn raise_limits(&mut self, more: Limits, step: &mut Step) {
        let now = self.limits;
        self.limits = Limits {
            rounds: more.rounds.or(now.rounds),
            calls: more.calls.or(now.calls),
            tokens: more.tokens.or(now.tokens),
            cost_usd: more.cost_usd.or(now.cost_usd),
            wall_s: more.wall_s.or(now.wall_s),
        };
        let raised = [
            ("calls", more.calls.is_some()),
            ("tokens", more.tokens.is_some()),
            ("cost_usd", more.cost_usd.is_some()),
        ];
        for (cap, _) in raised.iter().filter(|(_, raised)| *raised) {
            self.caps_warned.remove(cap);
        }
        step.emit(self.draft_of_block(EventBody::LimitsRaised(self.limits)));
    }
}
