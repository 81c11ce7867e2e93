//! Caps that hold, and answers that a cheap model reads.

use super::*;
use crate::types::debate::Extract;
use crate::types::debate::Extractor;

const CAST: [(&str, &str); 3] = [("ann", "pro"), ("bob", "con"), ("jo", "judge")];

/// Plays a debate in which every answer is as long as it may be and every ruling has to be mended as often as it can.
fn dearest(limits: Limits) -> World {
    let mut world = World::with("oxford", &CAST, |spec| {
        spec.limits = limits;
        spec.format.phases.last_mut().unwrap().swap = true;
        for member in &mut spec.cast {
            member.prices = Some(Prices {
                input: 1_000_000_000,
                output: 4_000_000_000,
                ..Prices::default()
            });
        }
    });
    while let Some(call) = world.calls.first().cloned() {
        let Reservation {
            tokens,
            cost_nanousd,
            ..
        } = call.reservation;
        let outcome = CallOutcome::Answered {
            text: "neither this nor that. ".repeat(80),
            finish: FinishReason::Stop,
            usage: Usage {
                input: tokens - 2_000.min(tokens),
                output: 2_000.min(tokens),
                ..Usage::default()
            },
            cost_nanousd: Some(NanoUsd(cost_nanousd)),
            ttft_ms: 1,
            total_ms: 1,
            path: "demo".into(),
        };
        world.calls.remove(0);
        world.finish(call, outcome);
    }
    world
}

use crate::debate::plan::Reservation;

#[test]
fn no_cap_is_overshot_wherever_it_falls() {
    let whole = *dearest(Limits::default()).state.totals();
    for share in 1..=20_u64 {
        let cap = |all: u64| (all * share / 20).max(1);
        let calls = cap(whole.calls);
        let tokens = cap(whole.usage.total_tokens());
        let usd = cap(whole.cost_nanousd.0) as f64 / 1e9;
        for limits in [
            Limits {
                calls: Some(calls),
                ..Limits::default()
            },
            Limits {
                tokens: Some(tokens),
                ..Limits::default()
            },
            Limits {
                cost_usd: Some(usd),
                ..Limits::default()
            },
        ] {
            let world = dearest(limits);
            let used = world.state.totals();
            assert!(
                used.calls <= limits.calls.unwrap_or(u64::MAX),
                "{used:?} {limits:?}"
            );
            assert!(
                used.usage.total_tokens() <= limits.tokens.unwrap_or(u64::MAX),
                "{used:?} {limits:?}"
            );
            assert!(
                used.cost_nanousd.as_usd() <= limits.cost_usd.unwrap_or(f64::MAX),
                "{used:?} {limits:?}"
            );
            world.check_replay();
        }
    }
}

fn asks_a_reader() -> World {
    let mut world = World::with("oxford", &CAST, |spec| {
        spec.extractor = Some(Extractor {
            model: "demo/cheap".parse().unwrap(),
            prices: Some(Prices::default()),
        });
        let contract = spec.format.contracts.get_mut("verdict").unwrap();
        contract.repair = 0;
        contract.extract.push(Extract::Ask);
    });
    for text in ["P1", "C1", "P2", "C2", "P3", "C3"] {
        world.answer(text);
    }
    let said = "Winner: pro. Margin 2. Clash 7, evidence 6, rebuttal 5. Reason: clearer";
    world.answer(said);
    assert_eq!(world.asked(), ["cheap"]);
    assert_eq!(world.calls[0].purpose, Purpose::Extract);
    assert!(prompt(&world.calls[0].chat).contains(said));
    assert_eq!(world.count("turn.reset"), 0, "the words stand");
    world
}

#[test]
fn a_cheap_model_reads_an_answer_that_could_not_be_read() {
    let mut world = asks_a_reader();
    world.answer(&ruling("pro"));
    assert_eq!(world.verdict().winner.as_deref(), Some("pro"));
    let turn = world.state.turns().last().unwrap();
    assert!(
        turn.text.starts_with("Winner: pro."),
        "the turn says what its speaker said"
    );
    assert_eq!(turn.parse, Some(crate::types::debate::ParsePath::Extracted));
    assert_eq!(world.ending().outcome, Outcome::Complete);
    world.check_replay();
}

#[test]
fn what_the_cheap_model_makes_up_or_cannot_say_is_not_read() {
    for reading in [ruling("con"), "UNCLEAR".to_owned()] {
        let mut world = asks_a_reader();
        world.answer(&reading);
        assert_eq!(
            world.verdict().status,
            VerdictStatus::Undecided,
            "{reading}"
        );
        world.check_replay();
    }
    let mut world = asks_a_reader();
    world.fail("model_not_found");
    assert_eq!(world.verdict().status, VerdictStatus::Undecided);
    world.check_replay();
}

#[test]
fn a_retry_that_does_not_fit_is_not_made() {
    let mut world = World::with("oxford", &CAST, |spec| {
        spec.format.phases.truncate(1);
        spec.limits.calls = Some(2);
    });
    world.fail("stream_interrupted");
    assert_eq!(world.asked(), ["bob"]);
    world.answer("C1");
    assert_eq!(world.state.totals().calls, 2);
    assert_eq!(world.count("budget.exceeded"), 0);
    world.check_replay();
}
