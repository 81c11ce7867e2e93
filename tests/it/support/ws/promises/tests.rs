use serde_json::json;

use super::*;

/// A watcher of `d_1` that is connected and greeted.
fn watcher() -> Promises {
    let mut promises = Promises::of("d_1", 0);
    connect(&mut promises);
    promises
}

fn connect(promises: &mut Promises) {
    promises.connected();
    let after = promises.after;
    let hello =
        json!({"v": 1, "type": "hello", "debate": "d_1", "after": after, "data": {"head_seq": 9}});
    promises.take(&hello.to_string());
}

fn durable(promises: &mut Promises, seq: u64, kind: &str, turn: &str, text: &str) {
    let frame = json!({"v": 1, "type": kind, "debate": "d_1", "seq": seq, "turn": turn, "data": {"text": text}});
    promises.take(&frame.to_string());
}

fn delta(promises: &mut Promises, turn: &str, off: u64, text: &str) {
    let deltas = json!([{"turn": turn, "off": off, "text": text, "channel": "speech"}]);
    let frame = json!({"v": 1, "type": "turn.delta", "debate": "d_1", "after": promises.after, "data": {"deltas": deltas}});
    promises.take(&frame.to_string());
}

#[track_caller]
fn assert_broken(promises: &Promises, why: &str) {
    assert_eq!(promises.broken.len(), 1, "{:?}", promises.broken);
    assert!(promises.broken[0].contains(why), "{:?}", promises.broken);
}

#[test]
fn a_stream_in_order_keeps_every_promise() {
    let mut p = watcher();
    durable(&mut p, 1, "debate.created", "", "");
    durable(&mut p, 2, "turn.started", "t_1", "");
    delta(&mut p, "t_1", 0, "Größe ");
    delta(&mut p, "t_1", 6, "zählt 🙂");
    delta(&mut p, "t_1", 13, "!");
    durable(&mut p, 3, "turn.completed", "t_1", "Größe zählt 🙂!");
    durable(&mut p, 4, "debate.finished", "", "");
    p.assert_kept();
    assert_eq!(
        (p.compared, p.deltas, p.after, p.is_over()),
        (1, 3, 4, true)
    );
    assert_eq!(p.events_of("turn.completed").count(), 1);
}

#[test]
fn a_missing_a_repeated_and_a_late_event_are_each_found() {
    let mut p = watcher();
    durable(&mut p, 1, "debate.created", "", "");
    durable(&mut p, 3, "debate.started", "", "");
    assert_broken(&p, "seq 3, 1 before it missing");

    let mut p = watcher();
    durable(&mut p, 1, "debate.created", "", "");
    durable(&mut p, 1, "debate.created", "", "");
    assert_broken(&p, "seq 1 came before");

    let mut p = watcher();
    durable(&mut p, 1, "debate.finished", "", "");
    durable(&mut p, 2, "turn.started", "t_1", "");
    assert_broken(&p, "follows the debate's end");
}

#[test]
fn offsets_count_scalar_values_and_not_bytes() {
    let mut p = watcher();
    delta(&mut p, "t_1", 0, "é");
    delta(&mut p, "t_1", 2, "a");
    assert_broken(&p, "off 2, but the text ends at 1");
}

#[test]
fn an_overlap_is_broken_even_for_a_slow_reader() {
    let mut p = Promises::of("d_1", 0).allowing_gaps();
    connect(&mut p);
    delta(&mut p, "t_1", 0, "abc");
    delta(&mut p, "t_1", 1, "bcd");
    assert_broken(&p, "overlaps");
}

#[test]
fn a_text_that_differs_from_its_deltas_is_found() {
    for completed in ["one tw", "one two three", "one 2wo"] {
        let mut p = watcher();
        delta(&mut p, "t_1", 0, "one ");
        delta(&mut p, "t_1", 4, "two");
        durable(&mut p, 1, "turn.completed", "t_1", completed);
        assert_broken(&p, "completed as");
    }
}

#[test]
fn a_slow_reader_may_lose_deltas_but_what_came_must_fit() {
    for (completed, kept) in [("one two three", true), ("one two tree", false)] {
        let mut p = Promises::of("d_1", 0).allowing_gaps();
        connect(&mut p);
        delta(&mut p, "t_1", 0, "one ");
        delta(&mut p, "t_1", 8, "three");
        durable(&mut p, 1, "turn.completed", "t_1", completed);
        assert_eq!(p.broken.is_empty(), kept, "{:?}", p.broken);
        assert_eq!(p.gaps, 1);
    }
}

#[test]
fn after_a_reconnect_the_text_so_far_continues_what_was_shown() {
    for (so_far, kept) in [("one two", true), ("one", true), ("on two", false)] {
        let mut p = watcher();
        durable(&mut p, 1, "turn.started", "t_1", "");
        delta(&mut p, "t_1", 0, "one ");
        connect(&mut p);
        delta(&mut p, "t_1", 0, so_far);
        assert_eq!(p.broken.is_empty(), kept, "{so_far}: {:?}", p.broken);
    }
}

#[test]
fn a_text_starts_again_only_after_a_reconnect_or_a_reset() {
    let mut p = watcher();
    delta(&mut p, "t_1", 0, "one");
    delta(&mut p, "t_1", 0, "one");
    assert_broken(&p, "overlaps");

    let mut p = watcher();
    delta(&mut p, "t_1", 0, "one");
    durable(&mut p, 1, "turn.reset", "t_1", "");
    delta(&mut p, "t_1", 0, "another");
    durable(&mut p, 2, "turn.completed", "t_1", "another");
    p.assert_kept();
}

#[test]
fn a_completed_turn_is_silent() {
    let mut p = watcher();
    durable(&mut p, 1, "turn.completed", "t_1", "x");
    delta(&mut p, "t_1", 0, "x");
    assert_broken(&p, "completed already");
}

#[test]
fn a_frame_out_of_place_is_found() {
    for (frame, why) in [
        (
            json!({"v": 1, "type": "turn.started", "debate": "d_1"}),
            "without seq",
        ),
        (
            json!({"v": 1, "type": "heartbeat", "debate": "d_1", "seq": 1}),
            "transient",
        ),
        (
            json!({"v": 1, "type": "heartbeat", "debate": "d_1", "after": 5}),
            "after 5",
        ),
        (
            json!({"v": 1, "type": "heartbeat", "debate": "d_2"}),
            "belongs to debate",
        ),
        (
            json!({"v": 2, "type": "heartbeat", "debate": "d_1"}),
            "v is 2",
        ),
        (
            json!({"v": 1, "type": "turn.delta", "debate": "d_1", "data": {}}),
            "no data.deltas",
        ),
        (json!([1]), "not a JSON object"),
    ] {
        let mut p = watcher();
        p.take(&frame.to_string());
        assert_broken(&p, why);
    }
    let mut p = Promises::of("d_1", 0);
    p.connected();
    durable(&mut p, 1, "debate.created", "", "");
    assert_broken(&p, "before hello");
}

#[test]
fn a_command_is_acknowledged_once() {
    let ack = json!({"v": 1, "type": "ack", "debate": "d_1", "data": {"id": "c1", "ok": true}})
        .to_string();
    let mut p = watcher();
    p.take(&ack);
    p.assert_kept();
    p.take(&ack);
    assert_broken(&p, "the second one");
}
