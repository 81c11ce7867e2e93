//! A process that dies behind any event: the log it leaves leads to an end, with no turn lost or doubled.

use super::sim;
use super::sim::Dice;
use super::sim::Trouble;
use super::*;

/// The world that another process finds: the state of a log, completed where it ends in the middle of a step.
fn taken_over(log: &[Envelope]) -> World {
    let Resumed { state, missing } = State::resume(log).unwrap();
    let mut world = World {
        state,
        log: log.to_vec(),
        calls: Vec::new(),
        cancelled: Vec::new(),
        timers: Vec::new(),
    };
    for draft in missing {
        let seq = world.log.len() as u64 + 1;
        world
            .log
            .push(draft.into_envelope(DebateId::new("d"), seq, seq));
    }
    let first = match world.state.status() {
        Status::Queued => Input::Started,
        _ => Input::Recovered { epoch: 2 },
    };
    if !world.state.status().is_over() {
        world.step(first);
    }
    world
}

fn dies_behind_every_event(format: &str, trouble: Trouble) {
    let mut whole = sim::world(format, 5, trouble);
    sim::play(&mut whole, &mut Dice::new(5), trouble);
    let log = whole.log.clone();
    for cut in 1..=log.len() {
        let mut world = taken_over(&log[..cut]);
        let spoken = |state: &State| -> Vec<(TurnId, String)> {
            let done = |turn: &&TurnRecord| turn.standing == TurnStanding::Done;
            let turns = state.turns().iter().filter(done);
            turns
                .map(|turn| (turn.id.clone(), turn.text.clone()))
                .collect()
        };
        let before = spoken(&world.state);
        assert_eq!(
            world.calls.len(),
            world
                .state
                .open_turns()
                .iter()
                .filter(|at| !world.state.turns()[**at].human)
                .count()
        );
        sim::play(&mut world, &mut Dice::new(cut as u64), Trouble::default());
        sim::check_end(&world);
        let after = spoken(&world.state);
        assert!(
            after.starts_with(&before) || before.iter().all(|turn| after.contains(turn)),
            "{format}, cut at {cut}: words were lost"
        );
        assert_eq!(
            State::replay(&world.log).unwrap().progress(),
            world.state.progress()
        );
    }
}

#[test]
fn a_debate_goes_on_behind_every_event_of_a_scripted_format() {
    for format in ["oxford", "society-of-minds", "tit-for-tat", "council"] {
        dies_behind_every_event(format, Trouble::default());
    }
}

#[test]
fn a_debate_in_trouble_goes_on_behind_every_event() {
    let trouble = Trouble {
        dies: Some((1, 1)),
        absent: Some(0),
    };
    dies_behind_every_event("oxford", trouble);
}

#[test]
fn a_log_that_ends_within_a_step_is_no_whole_log_and_is_completed() {
    let mut world = World::oxford();
    world.answer("P1");
    let cut = world.log.len() - 1;
    let Err(ReplayError::Diverged(found)) = State::replay(&world.log[..cut]) else {
        panic!("it passes for a whole log")
    };
    assert_eq!((found.seq, found.found), (cut as u64 + 1, None));
    let Resumed { missing, .. } = State::resume(&world.log[..cut]).unwrap();
    assert_eq!(missing.len(), 1);
    assert_eq!(missing[0].body, world.log[cut].body);
}

#[test]
fn an_altered_ballot_is_found_and_named() {
    let mut world = World::oxford();
    for text in ["P1", "C1", "P2", "C2", "P3", "C3", &ruling("pro")] {
        world.answer(text);
    }
    let ballot = world
        .log
        .iter()
        .rposition(|event| matches!(event.body, EventBody::TurnCompleted(_)));
    let ballot = ballot.unwrap();
    let mut log = world.log.clone();
    let EventBody::TurnCompleted(completed) = &mut log[ballot].body else {
        panic!("not a ballot")
    };
    completed.parsed.as_mut().unwrap()["winner"] = "con".into();
    let Err(ReplayError::Diverged(found)) = State::replay(&log) else {
        panic!("it is not found")
    };
    assert_eq!(found.seq, ballot as u64 + 1);
    assert_eq!(found.expected.unwrap().body, world.log[ballot].body);
    assert_eq!(found.found.unwrap().body, log[ballot].body);

    // The same for what the judge's model is said to have answered.
    let call = world
        .log
        .iter()
        .rposition(|event| matches!(event.body, EventBody::CallFinished(_)));
    let call = call.unwrap();
    let mut log = world.log.clone();
    let EventBody::CallFinished(finished) = &mut log[call].body else {
        panic!("not a call")
    };
    finished.outcome = answered(&ruling("con"));
    let Err(ReplayError::Diverged(found)) = State::replay(&log) else {
        panic!("it is not found")
    };
    assert_eq!(found.seq, ballot as u64 + 1, "{found:?}");
}
