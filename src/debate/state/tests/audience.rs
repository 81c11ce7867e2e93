//! Polls and remarks.

use super::*;
use crate::types::debate::Choices;
use crate::types::debate::Contract;
use crate::types::debate::ContractKind;
use crate::types::debate::HiddenUntil;
use crate::types::debate::PhaseKind;
use crate::types::debate::RoleDef;
use crate::types::debate::RoleKind;

/// An Oxford opening between a hidden poll and time for remarks.
fn watched(audience: bool) -> World {
    World::with("oxford", &[("ann", "pro"), ("bob", "con")], |spec| {
        spec.audience = audience;
        let mut crowd: RoleDef = spec.format.roles[0].clone();
        crowd.id = "crowd".into();
        crowd.kind = RoleKind::Audience;
        crowd.side = None;
        spec.format.roles.push(crowd);
        let stance = Contract {
            kind: ContractKind::Choice,
            fields: Vec::new(),
            extract: Vec::new(),
            repair: 0,
            choices: Some(Choices::Fixed(vec!["For".into(), "Against".into()])),
            quotes: None,
        };
        spec.format.contracts.insert("stance".into(), stance);
        spec.format.phases.truncate(1);
        let mut poll = spec.format.phases[0].clone();
        poll.id = "pre".into();
        poll.kind = PhaseKind::Poll;
        poll.who = vec!["crowd".into()];
        poll.contract = "stance".into();
        poll.timeout_s = Some(60);
        poll.hidden_until = Some(HiddenUntil::End);
        poll.audience = false;
        let mut floor = poll.clone();
        floor.id = "floor".into();
        floor.kind = PhaseKind::AskHuman;
        spec.format.phases.insert(0, poll);
        spec.format.phases.push(floor);
    })
}

fn vote(choice: &str) -> Command {
    Command::Vote {
        poll: "pre".into(),
        choice: choice.into(),
        conviction: Some(7),
    }
}

#[test]
fn a_poll_takes_one_ballot_for_each_identity_and_keeps_its_tally_back() {
    let mut world = watched(true);
    assert_eq!(world.state.status(), Status::Waiting);
    assert_eq!(world.timers, [TimerId::Phase("pre".into(), 0)]);
    for (by, choice) in [("x", "for"), ("y", "Against"), ("x", "against")] {
        assert_eq!(world.tell_as(by, vote(choice)), None);
    }
    assert_eq!(world.state.polls()[0].ballots.len(), 2);
    world.step(Input::Timer(TimerId::Phase("pre".into(), 0)));
    let closed = |world: &World| -> Vec<Option<Vec<f64>>> {
        let tally = |event: &Envelope| match &event.body {
            EventBody::PollClosed { tally, .. } => Some(
                tally
                    .as_ref()
                    .map(|tally| tally.iter().map(|of| of.points).collect()),
            ),
            _ => None,
        };
        world.log.iter().filter_map(tally).collect()
    };
    assert_eq!(closed(&world), [None]);
    assert_eq!(
        world.tell_as("z", vote("For")).unwrap().code(),
        "poll_closed"
    );
    world.answer("P1");
    world.answer("C1");
    assert_eq!(world.count("human.requested"), 1);
    world.tell_as(
        "x",
        Command::Interject {
            text: "and the cost?".into(),
            to: None,
            watches: false,
        },
    );
    world.step(Input::Timer(TimerId::Phase("floor".into(), 0)));
    assert_eq!(closed(&world), [None, Some(vec![0.0, 2.0])]);
    world.check_replay();
}

#[test]
fn each_mistake_in_voting_is_refused_by_its_own_name() {
    let mut world = watched(true);
    let elsewhere = Command::Vote {
        poll: "post".into(),
        choice: "for".into(),
        conviction: None,
    };
    assert_eq!(
        world.tell_as("x", elsewhere).unwrap().code(),
        "no_such_poll"
    );
    assert_eq!(
        world.tell_as("x", vote("maybe")).unwrap().code(),
        "bad_choice"
    );
    assert_eq!(
        world.tell("c1", vote("for")).unwrap().code(),
        "identity_needed"
    );
    let sure = Command::Vote {
        poll: "pre".into(),
        choice: "for".into(),
        conviction: Some(11),
    };
    assert_eq!(world.tell_as("x", sure).unwrap().code(), "bad_conviction");
    assert_eq!(world.count("vote.cast"), 0);
}

#[test]
fn nobody_is_asked_where_nobody_watches() {
    let mut world = watched(false);
    assert_eq!(
        (world.asked(), world.count("poll.opened")),
        (vec!["ann"], 0)
    );
    world.answer("P1");
    world.answer("C1");
    assert_eq!(world.count("human.requested"), 0);
    world.check_replay();
}

#[test]
fn a_command_ends_a_poll_and_a_pause_opens_it_again() {
    let mut world = watched(true);
    world.tell("c1", Command::Pause { at: PauseAt::Turn });
    assert_eq!(world.state.status(), Status::Paused);
    world.step(Input::Timer(TimerId::Phase("pre".into(), 0)));
    assert_eq!(world.count("poll.closed"), 0, "no time runs out in a pause");
    world.tell("c2", Command::Resume {});
    assert_eq!(world.count("poll.opened"), 2);
    world.tell_as("x", vote("for"));
    world.step(Input::Recovered { epoch: 2 });
    assert_eq!(world.count("poll.opened"), 3);
    world.tell("c3", Command::EndPhase {});
    assert_eq!(world.count("poll.closed"), 1);
    assert_eq!(world.state.polls()[0].ballots.len(), 1, "its ballots stay");
    assert_eq!(world.asked(), ["ann"]);
}

#[test]
fn people_who_watch_put_in_remarks_where_the_format_lets_them() {
    let remark = |watches| Command::Interject {
        text: "and the cost?".into(),
        to: None,
        watches,
    };
    for lets in [false, true] {
        let mut world = World::with("oxford", &[("ann", "pro"), ("bob", "con")], |spec| {
            spec.format.phases.truncate(1);
            spec.format.phases[0].audience = lets;
        });
        let refused = CommandRefused::NoRemarks("opening".into());
        let answer = world.tell_as("x", remark(true));
        assert_eq!(answer, (!lets).then_some(refused));
        assert_eq!(world.state.interjections().len(), usize::from(lets));
        // Whoever owns the debate may always say something into it.
        assert_eq!(world.tell_as("owner", remark(false)), None);
        world.check_replay();
    }
    // A phase that asks for remarks takes them, whatever it says besides; a poll does not.
    let mut world = watched(true);
    let answer = world.tell_as("x", remark(true));
    assert_eq!(answer, Some(CommandRefused::NoRemarks("pre".into())));
    world.step(Input::Timer(TimerId::Phase("pre".into(), 0)));
    world.answer("P1");
    world.answer("C1");
    assert_eq!(world.tell_as("x", remark(true)), None);
}
