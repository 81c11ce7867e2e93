//! Caps: what a step would use at most is reserved before it is taken.

use super::super::plan::Reservation;
use super::State;
use super::Step;
use crate::events::EventBody;
use crate::events::TimerId;
use crate::types::NanoUsd;

/// Share of a cap at which a warning is given.
const WARN_AT: f64 = 0.8;

impl State {
    /// What all turns that are open or still to come in the repetition under way may use.
    fn reserved(&self) -> Reservation {
        let turns = self.turns.iter().map(|turn| turn.reserved);
        let block = self.flow.block.iter().map(super::block::Block::reserved);
        turns
            .chain(block)
            .fold(Reservation::default(), |sum, more| sum + more)
    }

    /// Whether the caps leave room for `more`.
    pub(super) fn fits(&self, more: &Reservation) -> bool {
        let all = self.reserved() + *more;
        self.against_caps(&all)
            .iter()
            .all(|(_, used, limit)| used <= limit)
    }

    /// Checks that the caps leave room for `more` beside what is used and what open turns may still use.
    /// Warns when a cap is nearly reached; when one would be broken, says so and lets the debate wind down.
    pub(super) fn reserve(&mut self, more: &Reservation, step: &mut Step) -> bool {
        let all = self.reserved() + *more;
        for (cap, used, limit) in self.against_caps(&all) {
            if used > limit {
                step.emit_debate(EventBody::BudgetExceeded {
                    cap: cap.to_owned(),
                    used,
                    limit,
                });
                self.winding_down
                    .get_or_insert_with(|| format!("budget: {cap}"));
                self.degrade(format!("the cap on {cap} ended the debate early"));
                return false;
            }
            if used >= limit * WARN_AT && self.caps_warned.insert(cap) {
                step.emit_debate(EventBody::BudgetWarning {
                    cap: cap.to_owned(),
                    used,
                    limit,
                });
            }
        }
        true
    }

    /// The smallest share of any cap that is left; 1 when there is no cap.
    pub(in crate::debate) fn budget_left(&self) -> f64 {
        let shares = self.against_caps(&Reservation::default());
        shares
            .into_iter()
            .map(|(_, used, limit)| 1.0 - used / limit.max(f64::MIN_POSITIVE))
            .fold(1.0, f64::min)
    }

    /// Each cap with what would be used of it.
    fn against_caps(&self, reserved: &Reservation) -> Vec<(&'static str, f64, f64)> {
        let (limits, used) = (&self.limits, &self.totals);
        let calls = (used.calls + reserved.calls) as f64;
        let tokens = (used.usage.total_tokens() + reserved.tokens) as f64;
        let cost = (used.cost_nanousd + NanoUsd(reserved.cost_nanousd)).as_usd();
        [
            ("calls", calls, limits.calls.map(|cap| cap as f64)),
            ("tokens", tokens, limits.tokens.map(|cap| cap as f64)),
            ("cost_usd", cost, limits.cost_usd),
        ]
        .into_iter()
        .filter_map(|(cap, used, limit)| limit.map(|limit| (cap, used, limit)))
        .collect()
    }

    /// The cap on wall time is reached.
    pub(super) fn run_out_of_time(&mut self, step: &mut Step) {
        step.emit_debate(EventBody::TimerFired {
            timer: TimerId::Wall,
        });
        let limit = self.limits.wall_s.unwrap_or_default() as f64;
        step.emit_debate(EventBody::BudgetExceeded {
            cap: "wall_s".to_owned(),
            used: limit,
            limit,
        });
        self.degrade("the cap on wall_s ended the debate early".to_owned());
        self.cancel_open_turns("budget", "the debate's time is over", step);
        self.wind_down("budget: wall_s".to_owned(), step);
        self.advance(step);
    }

    /// Lets no further turn start; the debate is decided on what there is.
    pub(super) fn wind_down(&mut self, reason: String, step: &mut Step) {
        self.winding_down.get_or_insert(reason);
        if self.open_turns().is_empty() {
            return;
        }
        self.cancel_open_turns("stop", "the debate is ending", step);
    }
}
