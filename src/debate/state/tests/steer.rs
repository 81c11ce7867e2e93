//! Commands that change the course of a debate.

use super::*;
use crate::types::debate::Predicate;

fn exchange() -> World {
    World::with("oxford", &[("ann", "pro"), ("bob", "con")], |spec| {
        spec.format.phases.truncate(1);
        let phase = &mut spec.format.phases[0];
        phase.repeat.min = 1;
        phase.repeat.max = 4;
        phase.repeat.until = Some(Predicate::Rounds(2));
    })
}

fn rounds(world: &mut World) -> usize {
    while !world.calls.is_empty() {
        world.answer("words");
    }
    world.count("phase.started")
}

#[test]
fn a_phase_that_is_extended_runs_so_many_times_more_than_it_would() {
    assert_eq!(rounds(&mut exchange()), 2);
    let mut world = exchange();
    assert_eq!(world.tell("c1", Command::Extend { rounds: 2 }), None);
    assert_eq!(rounds(&mut world), 4);
    world.check_replay();
    let mut world = exchange();
    for (rounds, code) in [(0, "bad_rounds"), (21, "bad_rounds")] {
        let refused = world.tell("c1", Command::Extend { rounds }).unwrap();
        assert_eq!(refused.code(), code);
    }
}

#[test]
fn a_cap_on_rounds_holds_for_extensions_until_it_is_raised() {
    let mut world = World::with("oxford", &[("ann", "pro"), ("bob", "con")], |spec| {
        spec.format.phases.truncate(1);
        spec.limits.rounds = Some(1);
    });
    let more = Command::Extend { rounds: 1 };
    assert_eq!(
        world.tell("c1", more.clone()).unwrap().code(),
        "rounds_capped"
    );
    let limits = Limits {
        rounds: Some(3),
        ..Limits::default()
    };
    assert_eq!(world.tell("c2", Command::RaiseLimit { limits }), None);
    assert_eq!(world.tell("c3", more), None);
    assert_eq!(rounds(&mut world), 2);
    world.check_replay();
}

#[test]
fn a_phase_ends_by_command_after_the_turn_in_flight() {
    let mut world = exchange();
    assert_eq!(world.tell("c1", Command::EndPhase {}), None);
    assert_eq!(
        world.tell("c2", Command::EndPhase {}).unwrap().code(),
        "phase_ending"
    );
    world.answer("P1");
    assert!(world.calls.is_empty(), "nobody else is asked");
    let told = world.ending().degraded.join("; ");
    assert!(
        told.contains("ended by command: 1 were not asked"),
        "{told}"
    );
    world.check_replay();
}

#[test]
fn a_turn_that_failed_is_tried_again_through_another_model() {
    let mut world = World::oxford();
    world.fail("overloaded");
    let retry = Command::RetryTurn {
        turn: TurnId::new("t_1"),
    };
    let swap = Command::SwapModel {
        agent: "ann".into(),
        model: "demo/new".parse().unwrap(),
        prices: None,
        window_tokens: None,
    };
    assert_eq!(world.tell("c1", swap.clone()), None);
    assert_eq!(world.tell("c2", swap).unwrap().code(), "same_model");
    assert_eq!(world.tell("c3", retry.clone()), None);
    assert_eq!(world.asked(), ["bob", "new"]);
    world.answer("C1");
    world.answer("P1");
    assert_eq!(world.tell("c4", retry).unwrap().code(), "turn_over");
    for text in ["P2", "C2", "C3", "P3"] {
        world.answer(text);
    }
    world.answer(&ruling("pro"));
    let ending = world.ending();
    assert_eq!(ending.outcome, Outcome::Complete, "{:?}", ending.degraded);
    assert_eq!(world.count("model.swapped"), 1);
    world.check_replay();
}

#[test]
fn a_turn_is_skipped_by_command_and_that_is_told() {
    let mut world = World::oxford();
    let skip = Command::SkipTurn {
        turn: TurnId::new("t_1"),
    };
    assert_eq!(world.tell("c1", skip.clone()), None);
    assert_eq!((world.cancelled.len(), world.asked()), (1, vec!["bob"]));
    assert_eq!(world.tell("c2", skip).unwrap().code(), "turn_over");
    let unknown = Command::SkipTurn {
        turn: TurnId::new("t_77"),
    };
    assert_eq!(world.tell("c3", unknown).unwrap().code(), "no_such_turn");
}

#[test]
fn caps_are_raised_and_never_lowered() {
    let cast = [("ann", "pro"), ("bob", "con"), ("jo", "judge")];
    let mut world = World::with("oxford", &cast, |spec| spec.limits.calls = Some(4));
    let raise = |calls: Option<u64>, tokens: Option<u64>| Command::RaiseLimit {
        limits: Limits {
            calls,
            tokens,
            ..Limits::default()
        },
    };
    for (command, code) in [
        (raise(None, None), "no_limit"),
        (raise(Some(4), None), "limit_not_raised"),
        (raise(None, Some(9_000)), "limit_not_raised"),
    ] {
        assert_eq!(world.tell("c1", command).unwrap().code(), code);
    }
    assert_eq!(world.tell("c2", raise(Some(40), None)), None);
    for text in ["P1", "C1", "P2", "C2", "P3", "C3", &ruling("pro")] {
        world.answer(text);
    }
    assert_eq!(world.ending().outcome, Outcome::Complete);
    world.check_replay();
}
