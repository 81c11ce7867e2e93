//! The engine's rules, told without models, time or storage.

use super::*;
use crate::debate::format::FormatLibrary;
use crate::debate::format::parse;
use crate::events::CallOutcome;
use crate::events::Ending;
use crate::events::Envelope;
use crate::events::PauseAt;
use crate::types::Chat;
use crate::types::DebateId;
use crate::types::FinishReason;
use crate::types::NanoUsd;
use crate::types::Prices;
use crate::types::Usage;
use crate::types::debate::Estimate;
use crate::types::debate::Format;
use crate::types::debate::Limits;

mod audience;
mod budget;
mod crash;
mod failures;
mod orders;
mod people;
mod sim;
mod steer;

/// A debate and its log; answers are given by hand.
struct World {
    state: State,
    log: Vec<Envelope>,
    calls: Vec<CallPlan>,
    cancelled: Vec<TurnId>,
    timers: Vec<TimerId>,
}

impl World {
    fn new(format: &str, cast: &[(&str, &str)]) -> Self {
        Self::with(format, cast, |_| {})
    }

    fn with(format: &str, cast: &[(&str, &str)], change: impl FnOnce(&mut Spec)) -> Self {
        let format = plain(format);
        let member = |(name, role): &(&str, &str)| CastMember {
            name: (*name).to_owned(),
            role: (*role).to_owned(),
            side: format.role(role).and_then(|role| role.side.clone()),
            model: format!("demo/{name}").parse().unwrap(),
            substitute: None,
            persona: None,
            temperature: None,
            max_tokens: None,
            endpoint: None,
            prices: Some(Prices::default()),
            human: None,
            window_tokens: None,
            rating: None,
            defaulted: false,
        };
        let mut spec = Spec {
            topic: "Should tests be short?".into(),
            title: "Tests".into(),
            cast: cast.iter().map(member).collect(),
            limits: Limits::default(),
            seed: 7,
            options: Vec::new(),
            facts: Vec::new(),
            secrets: std::collections::BTreeMap::new(),
            audience: false,
            extractor: None,
            parent: None,
            format,
        };
        change(&mut spec);
        let (state, first) = State::create(Created {
            spec,
            estimate: Estimate::default(),
            warnings: Vec::new(),
        });
        let log = vec![first.into_envelope(DebateId::new("d"), 1, 0)];
        let mut world = Self {
            state,
            log,
            calls: Vec::new(),
            cancelled: Vec::new(),
            timers: Vec::new(),
        };
        world.step(Input::Started);
        world
    }

    fn oxford() -> Self {
        Self::new("oxford", &[("ann", "pro"), ("bob", "con"), ("jo", "judge")])
    }

    fn step(&mut self, input: Input) -> Option<CommandRefused> {
        let step = self.state.step(input);
        for draft in step.events {
            let seq = self.log.len() as u64 + 1;
            self.log
                .push(draft.into_envelope(DebateId::new("d"), seq, seq));
        }
        for action in step.actions {
            match action {
                Action::Call(plan) => self.calls.push(*plan),
                Action::Timer { id, .. } => {
                    self.timers.retain(|armed| *armed != id);
                    self.timers.push(id);
                }
                Action::Cancel(turn) => {
                    self.calls.retain(|call| call.turn != turn);
                    self.cancelled.push(turn);
                }
            }
        }
        step.refused
    }

    fn finish(&mut self, call: CallPlan, outcome: CallOutcome) {
        let CallPlan {
            turn,
            attempt,
            purpose,
            model,
            request_hash,
            ..
        } = call;
        let finished = CallFinished {
            turn,
            attempt,
            purpose,
            request_hash,
            model,
            outcome,
            parse: None,
        };
        self.step(Input::CallFinished(Box::new(finished)));
    }

    /// Answers the oldest call under way.
    fn answer(&mut self, text: &str) -> Chat {
        let call = self.calls.remove(0);
        let chat = call.chat.clone();
        self.finish(call, answered(text));
        chat
    }

    fn fail(&mut self, code: &str) {
        let call = self.calls.remove(0);
        let outcome = CallOutcome::Failed {
            code: code.into(),
            message: "it failed".into(),
            usage: Usage::default(),
            cost_nanousd: Some(NanoUsd(0)),
        };
        self.finish(call, outcome);
    }

    fn tell(&mut self, id: &str, command: Command) -> Option<CommandRefused> {
        self.step(Input::Command {
            id: id.into(),
            by: None,
            command,
        })
    }

    fn tell_as(&mut self, by: &str, command: Command) -> Option<CommandRefused> {
        self.step(Input::Command {
            id: format!("c{}", self.log.len()),
            by: Some(by.into()),
            command,
        })
    }

    /// Who is asked at the moment.
    fn asked(&self) -> Vec<&str> {
        let models = self.calls.iter().map(|call| call.model.model());
        models.collect()
    }

    fn kinds(&self) -> Vec<String> {
        let kind = |event: &Envelope| {
            serde_json::to_value(event).unwrap()["type"]
                .as_str()
                .unwrap()
                .to_owned()
        };
        self.log.iter().map(kind).collect()
    }

    fn count(&self, kind: &str) -> usize {
        self.kinds().iter().filter(|it| *it == kind).count()
    }

    fn ending(&self) -> &Ending {
        match &self.log.last().unwrap().body {
            EventBody::Finished(ending)
            | EventBody::Cancelled(ending)
            | EventBody::Failed(ending) => ending,
            other => panic!("the debate is not over: {other:?}"),
        }
    }

    fn verdict(&self) -> &Verdict {
        self.state.verdict().expect("there is a verdict")
    }

    /// What every log must do, checked at the end of a test: replay to the same state, read back from JSON.
    fn check_replay(&self) {
        let json = serde_json::to_string(&self.log).unwrap();
        let log: Vec<Envelope> = serde_json::from_str(&json).unwrap();
        assert_eq!(log, self.log);
        let replayed = State::replay(&log).unwrap();
        assert_eq!(replayed.progress(), self.state.progress());
        for cut in 2..log.len() {
            // A log is only ever cut between transactions; anywhere else it must be called diverged, not panic.
            let _ = State::replay(&log[..cut]);
        }
    }
}

/// Formats that stay as they are, however those that are shipped grow; any other is the shipped one.
fn plain(id: &str) -> Format {
    let source = match id {
        "oxford" => include_str!("tests/formats/oxford.toml"),
        "society-of-minds" => include_str!("tests/formats/society-of-minds.toml"),
        "tit-for-tat" => include_str!("tests/formats/tit-for-tat.toml"),
        other => {
            let library = FormatLibrary::embedded();
            let id = other.trim_start_matches("shipped:");
            return Format::clone(library.get(id).expect("it is embedded"));
        }
    };
    parse(id, source).expect("it has no mistakes")
}

fn answered(text: &str) -> CallOutcome {
    CallOutcome::Answered {
        text: text.into(),
        finish: FinishReason::Stop,
        usage: Usage {
            input: 100,
            output: 20,
            ..Usage::default()
        },
        cost_nanousd: Some(NanoUsd(1_000)),
        ttft_ms: 5,
        total_ms: 50,
        path: "demo".into(),
    }
}

fn ruling(winner: &str) -> String {
    serde_json::json!({"winner": winner, "margin": 2, "scores": {"clash": 7, "evidence": 6, "rebuttal": 5}, "reason": "clearer"})
        .to_string()
}

fn solution(answer: &str) -> String {
    serde_json::json!({"answer": answer, "confidence": 0.8, "reasoning": "because"}).to_string()
}

fn prompt(chat: &Chat) -> String {
    chat.messages
        .iter()
        .map(crate::types::Message::joined_text)
        .collect::<Vec<_>>()
        .join("\n")
}

#[test]
fn an_oxford_debate_goes_through_its_phases_and_is_judged() {
    let mut world = World::oxford();
    for text in ["P1", "C1", "P2", "C2", "P3", "C3"] {
        assert_eq!(world.calls.len(), 1, "speakers take turns");
        world.answer(text);
    }
    let chat = world.answer(&ruling("con"));
    for text in ["P1", "C1", "P2", "C2", "P3", "C3"] {
        assert!(prompt(&chat).contains(text), "the judge sees {text}");
    }
    assert!(
        !prompt(&chat).contains("ann") && !prompt(&chat).contains("bob"),
        "but no names"
    );
    let verdict = world.verdict();
    assert_eq!(
        (verdict.status, verdict.winner.as_deref()),
        (VerdictStatus::Decided, Some("con"))
    );
    assert_eq!(verdict.reason, "clearer");
    let ending = world.ending();
    assert_eq!(
        (ending.outcome, ending.totals.calls),
        (Outcome::Complete, 7)
    );
    world.check_replay();
}

#[test]
fn a_blind_round_is_blind_and_its_majority_is_the_baseline() {
    let mut world = World::new(
        "society-of-minds",
        &[("a", "solver"), ("b", "solver"), ("c", "solver")],
    );
    assert_eq!(world.calls.len(), 3, "all at once");
    for answer in ["41", "42", "42.0"] {
        let seen = prompt(&world.answer(&solution(answer)));
        assert!(!seen.contains("because"), "nobody sees another: {seen}");
    }
    assert_eq!(world.calls.len(), 3, "they disagree, so they revise");
    for answer in ["42", "42", "42"] {
        let seen = prompt(&world.answer(&solution(answer)));
        assert!(seen.contains("because"), "now they see the others");
    }
    let verdict = world.verdict();
    assert_eq!(
        (
            verdict.answer.as_deref(),
            verdict.rule.as_str(),
            verdict.margin
        ),
        (Some("42"), "majority", Some(1.0))
    );
    assert_eq!(
        (
            verdict.baselines[0].answer.as_deref(),
            verdict.baselines[0].support
        ),
        (Some("42"), 2)
    );
    assert_eq!(
        (verdict.flips.len(), verdict.flips[0].from.as_str()),
        (1, "41")
    );
    assert_eq!(world.count("position.changed"), 1);
    world.check_replay();
}

#[test]
fn those_who_agree_at_once_do_not_revise() {
    let mut world = World::new("society-of-minds", &[("a", "solver"), ("b", "solver")]);
    world.answer(&solution("Paris"));
    world.answer(&solution("paris."));
    assert_eq!(world.ending().totals.calls, 2);
    assert_eq!(world.verdict().answer.as_deref(), Some("Paris"));
    world.check_replay();
}

#[test]
fn the_moderator_ends_an_exchange_early() {
    let ruling = |preference: bool, side: &str| {
        serde_json::json!({"preference": preference, "side": side, "answer": "yes", "reason": "settled"}).to_string()
    };
    let mut world = World::new("tit-for-tat", &[("a", "aff"), ("n", "neg"), ("m", "mod")]);
    for text in [
        "A1",
        "N1",
        &ruling(false, "none"),
        "A2",
        "N2",
        &ruling(true, "neg"),
    ] {
        world.answer(text);
    }
    let verdict = world.verdict();
    assert_eq!(
        (verdict.winner.as_deref(), verdict.answer.as_deref()),
        (Some("neg"), Some("yes"))
    );
    assert_eq!(world.ending().totals.calls, 6, "two of three rounds");
    world.check_replay();
}

#[test]
fn an_answer_that_cannot_be_read_is_mended_once_and_never_guessed() {
    let mut world = World::oxford();
    for text in ["P1", "C1", "P2", "C2", "P3", "C3", "I think pro or con"] {
        world.answer(text);
    }
    assert_eq!(world.calls[0].purpose, Purpose::Repair);
    while !world.calls.is_empty() {
        world.answer("pro? con?");
    }
    assert_eq!(world.verdict().status, VerdictStatus::Undecided);
    assert_eq!(world.verdict().panel[0].choice, None);
    assert_eq!(world.ending().outcome, Outcome::Partial);
    world.check_replay();
}

use crate::events::Purpose;

#[test]
fn a_cut_stream_is_asked_for_again_and_then_the_stand_in_speaks() {
    let mut world = World::with(
        "oxford",
        &[("ann", "pro"), ("bob", "con"), ("jo", "judge")],
        |spec| {
            spec.cast[0].substitute = Some("demo/spare".parse().unwrap());
        },
    );
    world.fail("stream_interrupted");
    assert_eq!(world.calls[0].model.as_str(), "demo/ann");
    world.fail("stream_interrupted");
    assert_eq!(world.calls[0].model.as_str(), "demo/spare");
    for text in ["P1", "C1", "P2", "C2", "P3", "C3", &ruling("pro")] {
        world.answer(text);
    }
    let ending = world.ending();
    assert_eq!(ending.outcome, Outcome::Degraded);
    assert!(
        ending.degraded[0].contains("demo/spare stood in for demo/ann"),
        "{:?}",
        ending.degraded
    );
    world.check_replay();
}

#[test]
fn a_dead_provider_costs_its_agent_the_word_and_not_the_debate() {
    let mut world = World::oxford();
    world.answer("P1");
    world.fail("overloaded");
    let seen = prompt(&world.answer("P2"));
    assert!(seen.contains("[no statement]"), "{seen}");
    world.fail("overloaded");
    world.answer("P3");
    world.fail("overloaded");
    world.answer(&ruling("pro"));
    assert_eq!(world.ending().outcome, Outcome::Degraded);
    assert_eq!(world.count("turn.failed"), 3);
    world.check_replay();
}

#[test]
fn a_pause_at_the_turn_lets_it_finish_and_a_pause_now_does_not() {
    let mut world = World::oxford();
    assert_eq!(world.tell("c1", Command::Pause { at: PauseAt::Turn }), None);
    assert_eq!(world.state.status(), Status::Running);
    world.answer("P1");
    assert_eq!(world.state.status(), Status::Paused);
    assert!(world.calls.is_empty());
    assert_eq!(
        world.tell("c2", Command::Pause { at: PauseAt::Turn }),
        Some(CommandRefused::AlreadyPaused)
    );
    world.tell("c3", Command::Resume {});
    assert_eq!(world.calls.len(), 1);
    world.tell("c4", Command::Pause { at: PauseAt::Now });
    assert_eq!((world.calls.len(), world.cancelled.len()), (0, 1));
    world.tell("c5", Command::Resume {});
    assert_eq!(
        world.calls[0].attempt, 1,
        "the same turn is asked for again"
    );
    for text in ["C1", "P2", "C2", "P3", "C3", &ruling("tie")] {
        world.answer(text);
    }
    assert_eq!(
        (world.verdict().status, world.ending().outcome),
        (VerdictStatus::Tie, Outcome::Complete)
    );
    world.check_replay();
}

#[test]
fn a_command_with_an_id_that_came_before_changes_nothing() {
    let mut world = World::oxford();
    let words = Command::Interject {
        text: "mind the cost".into(),
        to: None,
        watches: false,
    };
    world.tell("c1", words.clone());
    let before = world.log.len();
    assert_eq!(world.tell("c1", words), None);
    assert_eq!(world.log.len(), before);
}

#[test]
fn an_interjection_is_heard_by_later_turns_only() {
    let mut world = World::oxford();
    world.tell(
        "c1",
        Command::Interject {
            text: "mind the cost".into(),
            to: None,
            watches: false,
        },
    );
    assert!(!prompt(&world.answer("P1")).contains("mind the cost"));
    assert!(prompt(&world.answer("C1")).contains("mind the cost"));
    let nobody = Command::Interject {
        text: "x".into(),
        to: Some("zoe".into()),
        watches: false,
    };
    assert_eq!(
        world.tell("c2", nobody),
        Some(CommandRefused::NoSuchAgent("zoe".into()))
    );
    world.check_replay();
}

#[test]
fn a_stop_closes_what_is_open_and_decides_only_when_told_to() {
    for (decide, verdicts) in [(false, 0), (true, 1)] {
        let mut world = World::oxford();
        world.answer("P1");
        world.tell("c1", Command::Stop { decide });
        assert_eq!(world.cancelled.len(), 1);
        assert_eq!(
            (world.state.status(), world.count("verdict.final")),
            (Status::Cancelled, verdicts)
        );
        assert_eq!(world.ending().outcome, Outcome::Partial);
        assert!(matches!(
            world.tell("c2", Command::Resume {}),
            Some(CommandRefused::Over(Status::Cancelled))
        ));
        world.check_replay();
    }
}

#[test]
fn a_parallel_phase_reserves_its_maxima_before_it_starts() {
    let cast = [("a", "solver"), ("b", "solver"), ("c", "solver")];
    let world = World::with("society-of-minds", &cast, |spec| {
        spec.limits.calls = Some(2)
    });
    assert!(
        world.calls.is_empty(),
        "three calls do not fit, so none is made"
    );
    assert_eq!(
        (world.count("budget.exceeded"), world.ending().outcome),
        (1, Outcome::Failed)
    );
    world.check_replay();
}

#[test]
fn a_cap_ends_the_debate_with_what_there_is() {
    let mut world = World::with(
        "oxford",
        &[("ann", "pro"), ("bob", "con"), ("jo", "judge")],
        |spec| {
            spec.limits.calls = Some(5);
        },
    );
    for text in ["P1", "C1", "P2", "C2"] {
        world.answer(text);
    }
    assert_eq!(
        (
            world.count("budget.warning"),
            world.count("budget.exceeded")
        ),
        (1, 1)
    );
    assert_eq!(world.ending().outcome, Outcome::Partial);
    world.check_replay();
}

#[test]
fn time_running_out_closes_what_is_open() {
    let mut world = World::with(
        "oxford",
        &[("ann", "pro"), ("bob", "con"), ("jo", "judge")],
        |spec| {
            spec.limits.wall_s = Some(60);
        },
    );
    world.answer("P1");
    world.step(Input::Timer(TimerId::Wall));
    assert_eq!(
        (world.cancelled.len(), world.ending().outcome),
        (1, Outcome::Partial)
    );
    world.check_replay();
}

#[test]
fn a_debate_taken_over_asks_again_for_what_was_under_way() {
    let mut world = World::new("society-of-minds", &[("a", "solver"), ("b", "solver")]);
    world.answer(&solution("1"));
    let mut taken_over = State::replay(&world.log).unwrap();
    let step = taken_over.step(Input::Recovered { epoch: 2 });
    let calls: Vec<&CallPlan> = step
        .actions
        .iter()
        .map(|action| match action {
            Action::Call(plan) => plan.as_ref(),
            Action::Cancel(_) | Action::Timer { .. } => {
                panic!("it asks, and nothing else: {action:?}")
            }
        })
        .collect();
    assert_eq!((calls.len(), calls[0].attempt), (1, 1));
    assert_eq!(
        calls[0].request_hash, world.calls[0].request_hash,
        "with the same words"
    );
}

#[test]
fn a_log_that_was_changed_is_not_followed() {
    let mut world = World::oxford();
    world.answer("P1");
    let mut log = world.log.clone();
    let last = log.len() - 1;
    log[last].body = EventBody::Paused {};
    let Err(ReplayError::Diverged(found)) = State::replay(&log) else {
        panic!("it is followed")
    };
    assert_eq!(found.seq, last as u64 + 1);
    assert!(matches!(found.found.unwrap().body, EventBody::Paused {}));
    assert!(found.expected.is_some());
}
