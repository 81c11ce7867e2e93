//! A log fed again leads to itself, and to nothing else.

use agon::debate::CallPlan;
use agon::debate::Replayed;
use agon::debate::replay;
use agon::debate::state::Action;
use agon::debate::state::Input;
use agon::debate::state::State;
use agon::events::CallFinished;
use agon::events::CallOutcome;
use agon::events::Command;
use agon::events::Envelope;
use agon::events::EventBody;
use agon::events::PauseAt;
use agon::events::Purpose;
use agon::events::TimerId;
use agon::types::DebateId;
use agon::types::FinishReason;
use agon::types::NanoUsd;
use agon::types::Usage;
use agon::types::debate::HumanSeat;
use rand::RngExt;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use serde_json::json;

use super::play;

/// Inputs that one debate may take at most: more is a debate that does not end.
const MOST_INPUTS: usize = 4_000;

/// A debate that is played with chance: answers in any order, some of them broken, commands, people and timers.
struct Played {
    log: Vec<Envelope>,
    calls: Vec<CallPlan>,
    timers: Vec<TimerId>,
    asked_people: Vec<(agon::types::TurnId, String)>,
    open_polls: Vec<(String, Vec<String>)>,
    random: ChaCha8Rng,
}

impl Played {
    fn to_its_end(format: &agon::types::debate::Format, seed: u64) -> Vec<Envelope> {
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        let mut created = play::order(format, seed, random.random_bool(0.5));
        created.spec.audience = random.random_bool(0.5);
        for member in &mut created.spec.cast {
            if random.random_bool(0.1) {
                member.human = Some(HumanSeat {
                    identity: None,
                    deadline_s: 60,
                });
            }
            if random.random_bool(0.3) {
                member.substitute = Some("demo/spare".parse().expect("it is a name"));
            }
        }
        let (mut state, first) = State::create(created);
        let mut played = Self {
            log: Vec::new(),
            calls: Vec::new(),
            timers: Vec::new(),
            asked_people: Vec::new(),
            open_polls: Vec::new(),
            random,
        };
        played.keep(first);
        let mut input = Input::Started;
        for _ in 0..MOST_INPUTS {
            played.step(&mut state, input);
            if state.status().is_over() {
                return played.log;
            }
            input = played.next();
        }
        panic!("{} with seed {seed} does not end", format.id);
    }

    fn keep(&mut self, draft: agon::events::Draft) {
        let seq = self.log.len() as u64 + 1;
        let envelope = draft.into_envelope(DebateId::new("d"), seq, seq);
        match (&envelope.body, &envelope.turn, &envelope.phase) {
            (EventBody::HumanRequested(_), Some(turn), _) => {
                let phase = envelope.phase.clone().unwrap_or_default();
                self.asked_people.push((turn.clone(), phase));
            }
            (EventBody::PollOpened { choices, .. }, _, Some(phase)) => {
                self.open_polls.push((phase.clone(), choices.clone()));
            }
            (EventBody::PollClosed { .. }, _, _) => self.open_polls.clear(),
            _ => {}
        }
        // As it is stored and read again.
        let stored = serde_json::to_string(&envelope).expect("an event is JSON");
        self.log
            .push(serde_json::from_str(&stored).expect("and can be read again"));
    }

    fn step(&mut self, state: &mut State, input: Input) {
        let step = state.step(input);
        for draft in step.events {
            self.keep(draft);
        }
        for action in step.actions {
            match action {
                Action::Call(plan) => self.calls.push(*plan),
                Action::Cancel(turn) => self.calls.retain(|call| call.turn != turn),
                Action::Timer { id, .. } => {
                    self.timers.retain(|known| *known != id);
                    self.timers.push(id);
                }
            }
        }
    }

    /// What happens next: mostly an answer, sometimes something else.
    fn next(&mut self) -> Input {
        let dice = self.random.random_range(0..100);
        if dice < 10 {
            return self.command();
        }
        if dice < 12 {
            return Input::Recovered {
                epoch: self.log.len() as u64,
            };
        }
        if dice < 30 && !self.asked_people.is_empty() {
            return self.speak();
        }
        if dice < 60 && !self.open_polls.is_empty() {
            return self.vote();
        }
        if !self.calls.is_empty() {
            return self.call_ends();
        }
        match self.timers.is_empty() {
            false => {
                let place = self.random.random_range(0..self.timers.len());
                Input::Timer(self.timers.remove(place))
            }
            true => self.told(Command::Resume {}),
        }
    }

    fn told(&mut self, command: Command) -> Input {
        let by = ["ann", "bob", "cy"][self.random.random_range(0..3)];
        Input::Command {
            id: format!("c{}", self.random.random::<u32>()),
            by: Some(by.to_owned()),
            command,
        }
    }

    fn command(&mut self) -> Input {
        let command = match self.random.random_range(0..6) {
            0 => Command::Pause { at: PauseAt::Turn },
            1 => Command::Pause { at: PauseAt::Now },
            2 => Command::Extend { rounds: 1 },
            3 => Command::EndPhase {},
            4 => Command::Interject {
                text: "and the tide?".to_owned(),
                to: None,
                watches: false,
            },
            _ => Command::Resume {},
        };
        self.told(command)
    }

    fn speak(&mut self) -> Input {
        let place = self.random.random_range(0..self.asked_people.len());
        let (turn, _) = self.asked_people.remove(place);
        let text = if self.random.random_bool(0.5) {
            "I saw it sail at dawn".to_owned()
        } else {
            json!({"reasoning": "r", "answer": "42", "confidence": 1}).to_string()
        };
        self.told(Command::Speak { turn, text })
    }

    fn vote(&mut self) -> Input {
        let (poll, choices) =
            self.open_polls[self.random.random_range(0..self.open_polls.len())].clone();
        let choice = choices[self.random.random_range(0..choices.len())].clone();
        self.told(Command::Vote {
            poll,
            choice,
            conviction: None,
        })
    }

    fn call_ends(&mut self) -> Input {
        let plan = self
            .calls
            .remove(self.random.random_range(0..self.calls.len()));
        let usage = Usage {
            input: self.random.random_range(1..500),
            output: self.random.random_range(1..100),
            ..Usage::default()
        };
        let text = match self.random.random_range(0..20) {
            0 => None,
            1 => Some(String::new()),
            2 => Some("I would rather not say".to_owned()),
            _ => Some(play::answer(&plan.chat, &mut self.random)),
        };
        let cost_nanousd = self.random.random_bool(0.9).then_some(NanoUsd(usage.input));
        let outcome = match text {
            Some(text) => CallOutcome::Answered {
                text,
                finish: FinishReason::Stop,
                usage,
                cost_nanousd,
                ttft_ms: 3,
                total_ms: 9,
                path: "demo".to_owned(),
            },
            None => CallOutcome::Failed {
                code: "stream_interrupted".to_owned(),
                message: "it broke".to_owned(),
                usage,
                cost_nanousd,
            },
        };
        Input::CallFinished(Box::new(CallFinished {
            turn: plan.turn,
            attempt: plan.attempt,
            purpose: plan.purpose,
            request_hash: plan.request_hash,
            model: plan.model,
            outcome,
            parse: None,
        }))
    }
}

/// A hundred debates over all formats.
fn hundred() -> impl Iterator<Item = Vec<Envelope>> {
    let formats = play::formats();
    (0..100).map(move |seed| Played::to_its_end(&formats[seed as usize % formats.len()], seed))
}

#[test]
fn a_hundred_logs_fed_again_lead_to_themselves() {
    let mut kinds = std::collections::BTreeSet::new();
    for log in hundred() {
        let format = format_of(&log);
        State::replay(&log).unwrap_or_else(|error| panic!("{format}: {error}"));
        kinds.extend(log.iter().map(|event| {
            let stored = serde_json::to_value(event).expect("an event is JSON");
            stored["type"].as_str().unwrap_or_default().to_owned()
        }));
    }
    // The hundred are worth something only if they hold what can happen.
    for kind in [
        "turn.completed",
        "turn.reset",
        "turn.failed",
        "position.changed",
        "human.requested",
        "human.accepted",
        "poll.opened",
        "vote.cast",
        "poll.closed",
        "claim.checked",
        "timer.fired",
        "debate.paused",
        "debate.recovered",
        "verdict.final",
        "debate.finished",
    ] {
        assert!(kinds.contains(kind), "no debate had {kind}: {kinds:?}");
    }
}

#[test]
fn one_altered_ballot_in_a_log_is_found_and_named() {
    let mut altered = 0;
    for mut log in hundred() {
        let Some(verdict) = log
            .iter()
            .rposition(|event| matches!(event.body, EventBody::VerdictFinal(_)))
        else {
            continue;
        };
        // The last answer with fields before the verdict, as somebody would change it in the database.
        let ballot = log[..verdict]
            .iter_mut()
            .rev()
            .find_map(|event| match &mut event.body {
                EventBody::TurnCompleted(turn) => {
                    turn.parsed.as_mut().map(|parsed| (event.seq, parsed))
                }
                _ => None,
            });
        let Some((seq, parsed)) = ballot else {
            continue;
        };
        let fields = parsed.as_object_mut().expect("fields are an object");
        let (_, value) = fields.iter_mut().next().expect("there is a field");
        *value = json!("what nobody said");
        let error = State::replay(&log).expect_err("it must not be believed");
        assert!(
            error.to_string().contains(&format!("event {seq} ")),
            "{}: {error} instead of {seq}",
            format_of(&log)
        );
        altered += 1;
    }
    assert!(altered > 50, "only {altered} debates had a ballot to alter");
}

#[test]
fn an_answer_altered_where_it_came_in_is_found_where_it_leads() {
    for mut log in hundred().take(30) {
        let format = format_of(&log);
        // One that a turn was completed with: what an answer that was void said leads nowhere.
        let kept: Vec<String> = log
            .iter()
            .filter_map(|event| match &event.body {
                EventBody::TurnCompleted(turn) if !turn.human => Some(turn.text.clone()),
                _ => None,
            })
            .collect();
        let input = log.iter_mut().find_map(|event| match &mut event.body {
            EventBody::CallFinished(call) => match &mut call.outcome {
                CallOutcome::Answered { text, .. } if kept.contains(text) => Some(text),
                CallOutcome::Answered { .. } | CallOutcome::Failed { .. } => None,
            },
            _ => None,
        });
        let Some(text) = input else { continue };
        text.push_str(" and more");
        assert!(State::replay(&log).is_err(), "{format}");
    }
}

#[test]
fn an_altered_answer_that_could_not_be_read_is_found_where_it_was_to_be_mended() {
    let mut altered = 0;
    for log in hundred() {
        for (at, mended_at) in mended(&log) {
            let mut log = log.clone();
            let turn = log[at].turn.clone();
            let EventBody::CallFinished(call) = &mut log[at].body else {
                panic!("it is the end of a call");
            };
            let CallOutcome::Answered { text, .. } = &mut call.outcome else {
                panic!("it is an answer");
            };
            text.push_str(" or so");
            let Replayed::Diverged(found) = replay(&log) else {
                panic!("{}: {turn:?} is believed", format_of(&log));
            };
            assert_eq!(found.turn, turn.map(|id| id.to_string()));
            assert_eq!(found.seq, log[mended_at].seq, "{}", format_of(&log));
            assert_eq!(found.differing, ["request_hash"]);
            let error = State::replay(&log).expect_err("it must not be believed");
            assert!(
                error.to_string().contains(&format!("event {} ", found.seq)),
                "{error}"
            );
            // A process that goes on with it is not kept from doing so: another release asks otherwise.
            State::resume(&log).expect("it can go on");
            altered += 1;
        }
    }
    assert!(altered > 20, "only {altered} answers were to be mended");
}

/// Where a log has an answer that was void, and the end of the call that was to mend it.
fn mended(log: &[Envelope]) -> Vec<(usize, usize)> {
    let ends: Vec<usize> = (0..log.len())
        .filter(|at| matches!(log[*at].body, EventBody::CallFinished(_)))
        .collect();
    let call = |at: usize| match &log[at].body {
        EventBody::CallFinished(call) => call,
        _ => panic!("it is the end of a call"),
    };
    let next_of = |at: &usize| {
        let mut later = ends.iter().filter(|later| *later > at);
        let next = *later.find(|later| call(**later).turn == call(*at).turn)?;
        let is_read = matches!(&call(*at).outcome, CallOutcome::Answered { text, .. } if text.starts_with("I would rather"));
        (is_read && call(next).purpose != Purpose::Turn).then_some((*at, next))
    };
    ends.iter().filter_map(next_of).collect()
}

fn format_of(log: &[Envelope]) -> String {
    match &log[0].body {
        EventBody::Created(created) => {
            format!("{} with seed {}", created.spec.format.id, created.spec.seed)
        }
        _ => "a log without a beginning".to_owned(),
    }
}
