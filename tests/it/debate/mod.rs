//! Whole debates through the real program: REST in, WebSocket out.

mod api;
mod as_model;
mod caching;
mod crash;
mod demo_models;
mod every_event;
mod faults;
mod fork;
mod local;
mod people;
mod play;
mod real_input;
mod replay;
mod rollback;
mod seats;
mod terminal;
mod watching;

use serde_json::Value;
use serde_json::json;

use crate::support::agon::Options;

/// An oxford debate of three models.
fn oxford(pro: &str, con: &str, judge: &str) -> Value {
    json!({
        "topic": "Should short tests be preferred to long ones?",
        "format": "oxford",
        "agents": [{"name": "Ada", "role": "pro", "model": pro}, {"name": "Boole", "role": "con", "model": con}],
        "judges": [{"name": "Curie", "model": judge}],
        "seed": 7,
    })
}

/// An oxford debate of demo models.
pub(crate) fn demo() -> Value {
    oxford("demo/optimist", "demo/skeptic", "demo/judge")
}

/// A server whose demo models take so many milliseconds for a word.
fn at_pace(ms_per_word: &str) -> Options {
    Options {
        env: vec![("AGON_DEMO_PACE", ms_per_word.to_owned())],
        ..Options::default()
    }
}

/// The pieces of an answer on Anthropic's wire.
fn anthropic(text: &str) -> Vec<String> {
    let event = |kind: &str, data: Value| format!("event: {kind}\ndata: {data}\n\n");
    let mut pieces = vec![event(
        "message_start",
        json!({"type": "message_start", "message": {"id": "msg_1", "type": "message", "role": "assistant",
            "model": "claude-haiku-4-5", "content": [], "usage": {"input_tokens": 12, "output_tokens": 1}}}),
    )];
    let start = json!({"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}});
    pieces.push(event("content_block_start", start));
    for word in text.split_inclusive(' ') {
        let delta = json!({"type": "text_delta", "text": word});
        let data = json!({"type": "content_block_delta", "index": 0, "delta": delta});
        pieces.push(event("content_block_delta", data));
    }
    pieces.push(event(
        "content_block_stop",
        json!({"type": "content_block_stop", "index": 0}),
    ));
    let ended = json!({"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 20}});
    pieces.push(event("message_delta", ended));
    pieces.push(event("message_stop", json!({"type": "message_stop"})));
    pieces
}
