//! When calls to local servers are made. Pure.
//!
//! A local server holds few models at a time, and loading one takes longer than most answers. So the calls to one
//! server that are due together are made model by model: all of one model, and then all of the next.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use super::plan;
use super::plan::CallPlan;
use crate::types::ModelName;
use crate::types::TurnId;

/// A call, and the local server that it goes to; `None` for what takes any number of calls.
pub(super) type Placed = (Option<String>, CallPlan);

/// The local servers that a debate calls.
#[derive(Debug, Default)]
pub(super) struct Schedule {
    servers: BTreeMap<String, Server>,
}

#[derive(Debug, Default)]
struct Server {
    /// The model that was asked last, and is loaded.
    model: Option<ModelName>,
    running: BTreeSet<TurnId>,
    waiting: Vec<CallPlan>,
}

impl Schedule {
    /// Takes calls in, and returns those to be made now: local ones first, for they take longest. Which of several
    /// models comes first is drawn from the seed, but for one that is loaded already.
    pub(super) fn due(&mut self, calls: Vec<Placed>, seed: u64) -> Vec<CallPlan> {
        let mut elsewhere = Vec::new();
        for (server, call) in calls {
            match server {
                Some(server) => self.servers.entry(server).or_default().waiting.push(call),
                None => elsewhere.push(call),
            }
        }
        let local = self.servers.values_mut();
        let mut due: Vec<CallPlan> = local.flat_map(|server| server.due(seed)).collect();
        due.extend(elsewhere);
        due
    }

    /// The turns whose calls wait here, each with the number of calls that are made before it.
    pub(super) fn held(&self) -> Vec<(TurnId, u64)> {
        let held = |server: &Server| {
            let ahead = server.running.len() as u64;
            let waiting = server.waiting.iter().enumerate();
            let told = waiting.map(|(place, call)| (call.turn.clone(), ahead + place as u64));
            told.collect::<Vec<_>>()
        };
        self.servers.values().flat_map(held).collect()
    }

    /// A call has ended, or is not wanted any more.
    pub(super) fn forget(&mut self, turn: &TurnId) {
        for server in self.servers.values_mut() {
            server.running.remove(turn);
            server.waiting.retain(|call| call.turn != *turn);
        }
    }
}

impl Server {
    fn due(&mut self, seed: u64) -> Vec<CallPlan> {
        if self.running.is_empty() {
            self.model = self.next_model(seed).or(self.model.take());
        }
        let model = self.model.clone();
        let of_model = |call: &CallPlan| Some(&call.model) == model.as_ref();
        let (due, waiting) = std::mem::take(&mut self.waiting)
            .into_iter()
            .partition(of_model);
        self.waiting = waiting;
        let due: Vec<CallPlan> = due;
        self.running
            .extend(due.iter().map(|call| call.turn.clone()));
        due
    }

    fn next_model(&self, seed: u64) -> Option<ModelName> {
        let waits = |model: &&ModelName| self.waiting.iter().any(|call| call.model == **model);
        let loaded = self.model.as_ref().filter(waits);
        let drawn = || {
            let models = self.waiting.iter().map(|call| &call.model);
            models.min_by_key(|model| plan::draw(seed, &["load", model.as_str()]))
        };
        loaded.or_else(drawn).cloned()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::debate::plan::Reservation;
    use crate::events::Purpose;
    use crate::types::Chat;

    fn call(turn: usize, model: &str) -> CallPlan {
        CallPlan {
            turn: TurnId::new(format!("t_{turn}")),
            attempt: 0,
            purpose: Purpose::Turn,
            model: model.parse().unwrap(),
            chat: Chat::default(),
            steady_bytes: 0,
            endpoint: None,
            timeout: Some(Duration::from_secs(1)),
            request_hash: String::new(),
            reservation: Reservation::default(),
            left_out: Vec::new(),
            overflow: None,
        }
    }

    /// A server that answers one call at a time and counts how often it has to load another model.
    struct OneModel {
        loaded: Option<ModelName>,
        loads: u32,
    }

    impl OneModel {
        fn answer(&mut self, call: &CallPlan) {
            if self.loaded.as_ref() != Some(&call.model) {
                self.loads += 1;
                self.loaded = Some(call.model.clone());
            }
        }
    }

    /// Plays rounds of simultaneous calls; every answer comes before the next call is asked for.
    fn loads(seed: u64, rounds: usize, models: &[&str]) -> u32 {
        let mut server = OneModel {
            loaded: None,
            loads: 0,
        };
        let mut schedule = Schedule::default();
        for round in 0..rounds {
            let calls = models.iter().enumerate();
            let calls = calls.map(|(at, model)| {
                let turn = round * models.len() + at;
                (Some("ollama".to_owned()), call(turn, model))
            });
            let mut under_way = schedule.due(calls.collect(), seed);
            while !under_way.is_empty() {
                let done = under_way.remove(0);
                server.answer(&done);
                schedule.forget(&done.turn);
                under_way.extend(schedule.due(Vec::new(), seed));
            }
        }
        server.loads
    }

    #[test]
    fn each_model_of_a_server_is_loaded_once_per_round_at_most() {
        let models = ["ollama/a", "ollama/b", "ollama/a", "ollama/c", "ollama/b"];
        for seed in 0..50 {
            assert_eq!(loads(seed, 1, &models), 3, "seed {seed}");
            // The model that is loaded goes on in the next round, so that it needs no loading then.
            assert_eq!(loads(seed, 4, &models), 3 + 3 * 2, "seed {seed}");
        }
    }

    #[test]
    fn local_calls_start_first_and_calls_elsewhere_do_not_wait() {
        let mut schedule = Schedule::default();
        let local = |turn, model| (Some("ollama".to_owned()), call(turn, model));
        let calls = vec![
            (None, call(1, "openai/x")),
            local(2, "ollama/a"),
            (None, call(3, "openai/y")),
            local(4, "ollama/a"),
            local(5, "ollama/b"),
        ];
        let due = schedule.due(calls, 3);
        let local_now = due
            .iter()
            .take_while(|call| call.model.provider() == "ollama");
        let local_now = local_now.count();
        assert!(local_now == 1 || local_now == 2, "{local_now}");
        assert_eq!(
            due.len(),
            local_now + 2,
            "both calls elsewhere start at once"
        );
    }

    #[test]
    fn an_answer_is_mended_before_another_model_is_loaded() {
        let mut schedule = Schedule::default();
        let local = |turn, model| (Some("ollama".to_owned()), call(turn, model));
        let due = schedule.due(vec![local(1, "ollama/a"), local(2, "ollama/b")], 3);
        let first = due[0].clone();
        schedule.forget(&first.turn);
        let mended = schedule.due(vec![(Some("ollama".to_owned()), first.clone())], 3);
        assert_eq!(mended.len(), 1);
        assert_eq!(mended[0].model, first.model);
    }

    #[test]
    fn a_call_that_is_given_up_waits_for_nothing() {
        let mut schedule = Schedule::default();
        let local = |turn, model| (Some("ollama".to_owned()), call(turn, model));
        let due = schedule.due(vec![local(1, "ollama/a"), local(2, "ollama/b")], 3);
        let waiting = if due[0].turn.as_str() == "t_1" {
            "t_2"
        } else {
            "t_1"
        };
        schedule.forget(&TurnId::new(waiting));
        schedule.forget(&due[0].turn);
        assert!(schedule.due(Vec::new(), 3).is_empty());
    }
}
