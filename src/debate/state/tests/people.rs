//! People in seats of the cast.

use super::*;
use crate::types::debate::HumanSeat;

const CAST: [(&str, &str); 3] = [("ann", "pro"), ("bob", "con"), ("jo", "judge")];

fn with_person(seat: usize, identity: Option<&str>) -> World {
    World::with("oxford", &CAST, |spec| {
        spec.cast[seat].human = Some(HumanSeat {
            identity: identity.map(str::to_owned),
            deadline_s: 60,
        });
    })
}

fn speak(turn: &str, text: &str) -> Command {
    Command::Speak {
        turn: TurnId::new(turn),
        text: text.into(),
    }
}

#[test]
fn a_person_is_asked_what_the_model_would_be_asked_and_speaks() {
    let mut world = with_person(0, Some("ann@example"));
    assert_eq!(world.state.status(), Status::Waiting);
    assert_eq!(world.timers, [TimerId::Turn(TurnId::new("t_1"))]);
    let EventBody::HumanRequested(asked) = &world.log.last().unwrap().body else {
        panic!("nobody is asked: {:?}", world.log.last())
    };
    assert!(
        asked.prompt.contains("Should tests be short?"),
        "{}",
        asked.prompt
    );
    assert_eq!(
        (asked.agent.as_deref(), asked.deadline_s),
        (Some("ann"), 60)
    );
    assert_eq!(
        world.tell_as("ann@example", speak("t_1", "Yes, short.")),
        None
    );
    assert_eq!(world.state.status(), Status::Running);
    assert!(prompt(&world.answer("C1")).contains("Yes, short."));
    assert!(world.state.turns()[0].human);
    let by = world.log.iter().find_map(|event| match &event.body {
        EventBody::CommandAccepted { by, .. } => by.clone(),
        _ => None,
    });
    assert_eq!(by.as_deref(), Some("ann@example"));
    assert_eq!(
        State::replay(&world.log).unwrap().progress(),
        world.state.progress()
    );
}

#[test]
fn each_mistake_in_speaking_is_refused_by_its_own_name_and_changes_nothing() {
    let mut world = with_person(0, Some("ann@example"));
    let before = world.log.len();
    let cases = [
        ("eve", "t_1", "words", "not_your_seat"),
        ("ann@example", "t_9", "words", "no_such_turn"),
        ("ann@example", "t_1", "  ", "bad_speech"),
    ];
    for (by, turn, text, code) in cases {
        let refused = world.tell_as(by, speak(turn, text)).unwrap();
        assert_eq!(refused.code(), code);
    }
    assert_eq!(
        world.tell("x", speak("t_1", "words")).unwrap().code(),
        "not_your_seat"
    );
    assert_eq!(world.log.len(), before);
    world.tell_as("ann@example", speak("t_1", "words"));
    let refused = world.tell_as("ann@example", speak("t_1", "more")).unwrap();
    assert_eq!(refused.code(), "turn_over");
    let refused = world.tell_as("bob", speak("t_2", "words")).unwrap();
    assert_eq!(refused.code(), "not_a_persons_turn");
}

#[test]
fn a_persons_ruling_that_cannot_be_read_is_refused_with_the_reason_and_can_be_mended() {
    let mut world = with_person(2, None);
    for text in ["P1", "C1", "P2", "C2", "P3", "C3"] {
        world.answer(text);
    }
    assert_eq!(world.state.status(), Status::Waiting);
    let refused = world.tell("c1", speak("t_7", "pro wins")).unwrap();
    assert_eq!(refused.code(), "unreadable");
    assert_eq!(world.tell("c2", speak("t_7", &ruling("pro"))), None);
    assert_eq!(world.verdict().winner.as_deref(), Some("pro"));
    assert_eq!(world.ending().outcome, Outcome::Complete);
    world.check_replay();
}

#[test]
fn after_the_deadline_the_model_stands_in_and_that_is_told() {
    let mut world = with_person(0, None);
    world.step(Input::Timer(TimerId::Turn(TurnId::new("t_1"))));
    assert_eq!(world.asked(), ["ann"]);
    assert_eq!(
        world.tell("c1", speak("t_1", "late")).unwrap().code(),
        "too_late"
    );
    let started = world.log.iter().rev().find_map(|event| match &event.body {
        EventBody::TurnStarted(started) => started.substitute_for.clone(),
        _ => None,
    });
    assert_eq!(started.unwrap().as_str(), "human/ann");
    world.answer("P1");
    // The person has the next turn of the seat again, and a timer that is late says nothing.
    let before = world.log.len();
    world.step(Input::Timer(TimerId::Turn(TurnId::new("t_1"))));
    assert_eq!(world.log.len(), before);
    world.answer("C1");
    assert_eq!(world.state.status(), Status::Waiting);
    world.tell("c2", speak("t_3", "P2"));
    for text in ["C2", "C3"] {
        world.answer(text);
    }
    world.tell("c3", speak("t_6", "P3"));
    world.answer(&ruling("pro"));
    let ending = world.ending();
    assert_eq!(ending.outcome, Outcome::Degraded);
    assert!(
        ending.degraded[0].contains("stood in for a person"),
        "{:?}",
        ending.degraded
    );
    world.check_replay();
}

#[test]
fn a_restart_and_a_pause_ask_the_person_again_for_the_full_time() {
    let mut world = with_person(0, None);
    world.step(Input::Recovered { epoch: 2 });
    assert_eq!(world.count("human.requested"), 2);
    world.tell("c1", Command::Pause { at: PauseAt::Now });
    assert_eq!(world.state.status(), Status::Paused);
    let before = world.log.len();
    world.step(Input::Timer(TimerId::Turn(TurnId::new("t_1"))));
    assert_eq!(world.log.len(), before, "no deadline ends in a pause");
    world.tell("c2", Command::Resume {});
    assert_eq!(world.count("human.requested"), 3);
    assert_eq!(world.state.status(), Status::Waiting);
    assert_eq!(world.tell("c3", speak("t_1", "P1")), None);
    assert_eq!(world.asked(), ["bob"]);
}
