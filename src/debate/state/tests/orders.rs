//! Who speaks in which order.

use super::*;
use crate::types::debate::Edges;
use crate::types::debate::Order;
use crate::types::debate::PhaseKind;

/// The first phase of the Oxford format alone, in another order.
fn opening(cast: &[(&str, &str)], order: Order, repetitions: u32) -> World {
    World::with("oxford", cast, |spec| {
        spec.format.phases.truncate(1);
        let phase = &mut spec.format.phases[0];
        phase.order = order;
        phase.repeat.min = repetitions;
        phase.repeat.max = repetitions;
    })
}

/// Answers everybody with their own name; returns who spoke, in order.
fn speakers(world: &mut World) -> Vec<String> {
    let mut spoken = Vec::new();
    while let Some(call) = world.calls.first() {
        let name = call.model.model().to_owned();
        world.answer(&format!("words of {name}"));
        spoken.push(name);
    }
    spoken
}

const FOUR: [(&str, &str); 4] = [("a", "pro"), ("b", "pro"), ("c", "con"), ("d", "con")];

#[test]
fn speakers_that_alternate_speak_backwards_in_every_second_repetition() {
    let mut world = opening(&FOUR, Order::Alternate, 3);
    let expected = "a b c d d c b a a b c d";
    assert_eq!(speakers(&mut world).join(" "), expected);
    world.check_replay();
}

#[test]
fn speakers_that_rotate_begin_with_the_next_one_each_time() {
    let mut world = opening(&FOUR, Order::Rotate, 5);
    let expected = "a b c d b c d a c d a b d a b c a b c d";
    assert_eq!(speakers(&mut world).join(" "), expected);
    world.check_replay();
}

#[test]
fn opposed_sides_change_who_asks_and_the_record_says_who_did() {
    let cast = [("a", "pro"), ("c", "con")];
    let mut world = opening(&cast, Order::PairQa, 2);
    assert_eq!(speakers(&mut world).join(" "), "a c c a");
    let asks: Vec<bool> = world.state.turns().iter().map(|turn| turn.asks).collect();
    assert_eq!(asks, [true, false, true, false]);
    world.check_replay();
}

#[test]
fn a_larger_side_asks_or_answers_pair_by_pair() {
    let cast = [("a", "pro"), ("b", "pro"), ("c", "con")];
    let mut world = opening(&cast, Order::PairQa, 1);
    assert_eq!(speakers(&mut world).join(" "), "a c b c");
}

#[test]
fn those_who_are_not_opposed_keep_their_places() {
    let cast = [("a", "pro"), ("j", "judge")];
    let mut world = World::with("oxford", &cast, |spec| {
        spec.format.phases.truncate(1);
        let phase = &mut spec.format.phases[0];
        phase.who = vec!["judge".into(), "pro".into()];
        phase.order = Order::PairQa;
        phase.repeat.min = 2;
        phase.repeat.max = 2;
    });
    assert_eq!(speakers(&mut world).join(" "), "j a j a");
}

fn picked(names: &[&str]) -> (Vec<String>, World) {
    let cast = [("a", "pro"), ("c", "con"), ("m", "judge")];
    let mut world = opening(&cast, Order::Pick("judge".into()), names.len() as u32);
    let mut spoken = Vec::new();
    for name in names {
        assert_eq!(world.asked(), ["m"], "the picker comes first");
        while world.asked() == ["m"] {
            world.answer(&serde_json::json!({"reason": "why not", "next": name}).to_string());
        }
        spoken.extend(world.asked().iter().map(|name| (*name).to_owned()));
        world.answer("words");
    }
    (spoken, world)
}

#[test]
fn a_picker_names_who_speaks() {
    let (spoken, world) = picked(&["c", "a", "C"]);
    assert_eq!(spoken, ["c", "a", "c"]);
    assert!(world.ending().degraded.is_empty(), "{:?}", world.ending());
    assert!(world.state.turns()[0].picks && !world.state.turns()[1].picks);
    world.check_replay();
}

#[test]
fn a_picker_who_names_nobody_is_replaced_by_the_lot_and_that_is_told() {
    let (spoken, world) = picked(&["zoe"]);
    assert!(["a", "c"].contains(&spoken[0].as_str()), "{spoken:?}");
    let told = world.ending().degraded.join("; ");
    assert!(told.contains("was drawn by lot"), "{told}");
    assert_eq!(
        picked(&["zoe"]).0,
        spoken,
        "the lot falls the same way again"
    );
}

#[test]
fn edges_say_whose_words_reach_whom() {
    let heard = |edges: Edges| -> Vec<String> {
        let world = World::with("oxford", &FOUR, |spec| spec.format.phases[0].edges = edges);
        let phase = world.state.spec().format.phases[0].clone();
        let hears = |reader: usize| -> String {
            let names = ["a", "b", "c", "d"];
            let heard = (0..4).filter(|speaker| world.state.hears(&phase, reader, *speaker));
            heard.map(|speaker| names[speaker]).collect()
        };
        (0..4).map(hears).collect()
    };
    assert_eq!(heard(Edges::All), ["abcd", "abcd", "abcd", "abcd"]);
    assert_eq!(heard(Edges::Ring), ["abd", "abc", "bcd", "acd"]);
    assert_eq!(heard(Edges::Star), ["abcd", "ab", "ac", "ad"]);
    assert_eq!(heard(Edges::Prev), ["ad", "ab", "bc", "cd"]);
    assert_eq!(
        heard(Edges::To("con".into())),
        ["acd", "bcd", "abcd", "abcd"]
    );
}

#[test]
fn a_summary_is_told_and_covers_all_that_was_said() {
    let cast = [("a", "pro"), ("c", "con"), ("s", "judge")];
    let mut world = World::with("oxford", &cast, |spec| {
        spec.format.phases.truncate(2);
        let phase = &mut spec.format.phases[1];
        phase.kind = PhaseKind::Summarise;
        phase.who = vec!["judge".into()];
    });
    for text in ["A1", "C1", "both spoke"] {
        world.answer(text);
    }
    assert_eq!(world.count("summary.ready"), 1);
    let summary = &world.state.summaries()[0];
    assert_eq!(
        (summary.text.as_str(), &summary.covers[..]),
        ("both spoke", &[0, 1][..])
    );
    world.check_replay();
}

fn judged(margin: u32) -> World {
    let cast = [("a", "pro"), ("c", "con"), ("j", "judge"), ("k", "judge")];
    let mut world = World::with("oxford", &cast, |spec| {
        let judging = spec.format.phases.last_mut().unwrap();
        judging.swap = true;
        let judging = judging.clone();
        spec.format.phases.truncate(1);
        spec.format.phases.push(judging);
    });
    world.answer("A1");
    world.answer("C1");
    assert_eq!(world.asked(), ["j", "k"]);
    world.answer(&ruling("pro"));
    let close = ruling("con").replace("\"margin\":2", &format!("\"margin\":{margin}"));
    world.answer(&close);
    world
}

#[test]
fn only_a_ballot_with_a_small_margin_is_asked_for_again_in_the_reverse_order() {
    assert!(judged(2).asked().is_empty());
    let mut world = judged(1);
    assert_eq!(world.asked(), ["k"]);
    world.answer(&ruling("con"));
    let swapped: Vec<bool> = world
        .state
        .turns()
        .iter()
        .map(|turn| turn.swapped)
        .collect();
    assert_eq!(swapped, [false, false, false, false, true]);
    world.check_replay();
}

#[test]
fn an_early_stop_leaves_out_those_whose_answers_change_nothing() {
    let cast = [("a", "solver"), ("b", "solver"), ("c", "solver")];
    let mut world = World::with("society-of-minds", &cast, |spec| {
        spec.format.phases.truncate(1);
        spec.format.phases[0].stop_early = Some(crate::types::debate::Predicate::Agree {
            field: "answer".into(),
            at_least: 1.0,
        });
    });
    world.answer(&solution("4"));
    assert!(world.calls.is_empty(), "one answer is all answers so far");
    assert_eq!((world.cancelled.len(), world.count("turn.failed")), (2, 2));
    assert!(world.ending().degraded.is_empty(), "{:?}", world.ending());
    world.check_replay();
}
