mod requests;
mod serving;

use proptest::prelude::*;
use serde_json::Value;
use serde_json::json;

use crate::client::LlmErrorKind;
use crate::types::ChatResponse;
use crate::types::FinishReason;
use crate::types::Wire;
use crate::types::quirks::Quirks;
use crate::wire::StreamDecoder;
use crate::wire::WireError;
use crate::wire::decode_response;
use crate::wire::rich_chat::read_stream;

const WIRE: Wire = Wire::OpenaiResponses;

/// Events of one stream, each with its name and number.
fn stream(events: &[Value]) -> String {
    let write = |(number, event): (usize, &Value)| {
        let mut event = event.clone();
        event["sequence_number"] = json!(number);
        format!(
            "event: {}\ndata: {event}\n\n",
            event["type"].as_str().unwrap()
        )
    };
    events.iter().enumerate().map(write).collect()
}

fn created() -> Value {
    json!({"type": "response.created", "response": {"id": "resp_1", "model": "gpt", "status": "in_progress", "output": []}})
}

fn added(place: u64, item: &Value) -> Value {
    json!({"type": "response.output_item.added", "output_index": place, "item": item})
}

fn done(place: u64, item: &Value) -> Value {
    json!({"type": "response.output_item.done", "output_index": place, "item": item})
}

fn delta(kind: &str, place: u64, delta: &str) -> Value {
    json!({"type": format!("response.{kind}.delta"), "output_index": place, "content_index": 0, "summary_index": 0, "delta": delta})
}

fn completed(output: &Value) -> Value {
    let usage = json!({"input_tokens": 10, "input_tokens_details": {"cached_tokens": 4, "cache_write_tokens": 1}, "output_tokens": 9, "output_tokens_details": {"reasoning_tokens": 6}});
    json!({"type": "response.completed", "response": {"id": "resp_1", "model": "gpt", "status": "completed", "output": output, "usage": usage}})
}

fn call(id: &str, arguments: &str) -> Value {
    json!({"type": "function_call", "id": format!("fc_{id}"), "call_id": id, "name": "f", "arguments": arguments})
}

/// Reasoning, text and two calls in odd pieces, with events of a tool that the provider runs, and keep-alives.
fn full() -> Vec<Value> {
    let sealed = json!({"type": "reasoning", "id": "rs_1", "summary": [{"type": "summary_text", "text": "Hm"}, {"type": "summary_text", "text": "so"}], "encrypted_content": "FINAL"});
    let said = json!({"type": "message", "content": [{"type": "output_text", "text": "Hi ü", "annotations": []}]});
    let part = |number: u64| json!({"type": "response.reasoning_summary_part.added", "output_index": 0, "summary_index": number});
    vec![
        created(),
        json!({"type": "response.in_progress", "response": {}}),
        added(
            0,
            &json!({"type": "reasoning", "id": "rs_0", "summary": [], "encrypted_content": "FIRST"}),
        ),
        part(0),
        delta("reasoning_summary_text", 0, "Hm"),
        part(1),
        delta("reasoning_summary_text", 0, "so"),
        done(0, &sealed),
        added(1, &json!({"type": "web_search_call", "id": "ws_1"})),
        json!({"type": "response.web_search_call.searching", "output_index": 1}),
        done(1, &json!({"type": "web_search_call", "id": "ws_1"})),
        added(2, &json!({"type": "message", "content": []})),
        json!({"type": "response.content_part.added", "output_index": 2}),
        delta("output_text", 2, "Hi"),
        json!({"type": "keepalive"}),
        delta("output_text", 2, " ü"),
        json!({"type": "response.output_text.done", "output_index": 2, "text": "Hi ü"}),
        done(2, &said),
        added(3, &call("a", "")),
        added(4, &call("b", "")),
        delta("function_call_arguments", 4, "{\"y\""),
        delta("function_call_arguments", 3, "{\"x\":"),
        delta("function_call_arguments", 4, ":2}"),
        delta("function_call_arguments", 3, "1}"),
        json!({"type": "response.function_call_arguments.done", "output_index": 3, "arguments": "{\"x\":1}"}),
        done(3, &call("a", "{\"x\":1}")),
        done(4, &call("b", "{\"y\":2}")),
        completed(
            &json!([sealed, {"type": "web_search_call"}, said, call("a", "{\"x\":1}"), call("b", "{\"y\":2}")]),
        ),
    ]
}

fn read(events: &[Value]) -> Result<ChatResponse, WireError> {
    read_stream(WIRE, &[stream(events).as_bytes()])
}

fn whole(body: &Value) -> Result<ChatResponse, WireError> {
    decode_response(WIRE, body.to_string().as_bytes(), &Quirks::default())
}

#[test]
fn a_stream_and_the_whole_answer_that_ends_it_say_the_same() {
    let answer = read(&full()).unwrap();
    assert_eq!(
        (answer.text.as_str(), answer.reasoning_text().as_str()),
        ("Hi ü", "Hm\n\nso")
    );
    let seal = &answer.reasoning[0].seal;
    assert_eq!(
        (seal.encrypted.as_deref(), seal.id.as_deref()),
        (Some("FINAL"), Some("rs_1"))
    );
    let calls: Vec<_> = answer
        .tool_calls
        .iter()
        .map(|call| (call.id.as_str(), call.arguments.as_str()))
        .collect();
    assert_eq!(calls, [("a", "{\"x\":1}"), ("b", "{\"y\":2}")]);
    assert_eq!(
        (answer.finish, answer.native_finish.as_str()),
        (FinishReason::ToolCalls, "completed")
    );
    assert_eq!(answer.unknown, ["web_search_call"]);
    let usage = answer.usage;
    assert_eq!(
        (
            usage.input,
            usage.cache_read,
            usage.cache_write,
            usage.output,
            usage.reasoning
        ),
        (5, 4, 1, 3, 6)
    );
    let end = full().pop().unwrap();
    assert_eq!(whole(&end["response"]).unwrap(), answer);
}

#[test]
fn what_only_the_end_tells_is_not_missed() {
    let items = full().pop().unwrap()["response"]["output"].clone();
    // Nothing but the end; items without pieces; items without an end; an end without items.
    let ends: Vec<Value> = (0..)
        .zip(items.as_array().unwrap())
        .map(|(place, item)| done(place, item))
        .collect();
    let mut without_pieces = vec![created()];
    without_pieces.extend(ends);
    without_pieces.push(completed(&json!([])));
    let without_ends = full()
        .into_iter()
        .filter(|event| event["type"] != "response.output_item.done" || event["output_index"] == 0);
    let mut empty_end = full();
    empty_end.pop();
    empty_end.push(completed(&json!([])));
    let expected = read(&full()).unwrap();
    for events in [
        vec![created(), completed(&items)],
        without_pieces,
        without_ends.collect(),
        empty_end,
    ] {
        assert_eq!(read(&events).unwrap(), expected);
    }
}

#[test]
fn arguments_without_pieces_come_with_their_end() {
    let events = [
        created(),
        added(0, &call("a", "")),
        json!({"type": "response.function_call_arguments.done", "output_index": 0, "arguments": "{\"x\":1}"}),
        done(0, &call("a", "{\"x\":1}")),
        completed(&json!([call("a", "{\"x\":1}")])),
    ];
    assert_eq!(read(&events).unwrap().tool_calls[0].arguments, "{\"x\":1}");
    let none = [
        created(),
        added(0, &call("a", "")),
        completed(&json!([call("a", "")])),
    ];
    assert_eq!(read(&none).unwrap().tool_calls[0].arguments, "{}");
}

#[test]
fn open_models_reason_in_words_and_have_no_seal() {
    let item = json!({"type": "reasoning", "id": "x", "summary": [], "content": [{"type": "reasoning_text", "text": "Hm"}]});
    let events = [
        created(),
        added(0, &json!({"type": "reasoning"})),
        delta("reasoning_text", 0, "Hm"),
        done(0, &item),
        completed(&json!([item])),
    ];
    let answer = read(&events).unwrap();
    assert_eq!(
        (answer.reasoning.len(), answer.reasoning_text().as_str()),
        (1, "Hm")
    );
    assert!(answer.reasoning[0].seal.is_empty());
}

#[test]
fn a_refusal_is_told_apart_from_text() {
    let item = json!({"type": "message", "content": [{"type": "refusal", "refusal": "No."}]});
    let events = [
        created(),
        added(0, &json!({"type": "message", "content": []})),
        delta("refusal", 0, "N"),
        delta("refusal", 0, "o."),
        done(0, &item),
        completed(&json!([item])),
    ];
    let answer = read(&events).unwrap();
    assert_eq!(
        (answer.text.as_str(), answer.refusal.as_str(), answer.finish),
        ("", "No.", FinishReason::Stop)
    );
}

#[test]
fn an_incomplete_answer_says_why() {
    for (reason, finish) in [
        ("max_output_tokens", FinishReason::Length),
        ("content_filter", FinishReason::ContentFilter),
    ] {
        let response = json!({"status": "incomplete", "incomplete_details": {"reason": reason}, "output": [{"type": "reasoning", "id": "r", "summary": []}]});
        let streamed = read(&[
            created(),
            json!({"type": "response.incomplete", "response": response}),
        ])
        .unwrap();
        let whole = whole(&response).unwrap();
        for answer in [streamed, whole] {
            assert_eq!(
                (
                    answer.finish,
                    answer.native_finish.as_str(),
                    answer.reasoning.len()
                ),
                (finish, reason, 0)
            );
        }
    }
}

#[test]
fn errors_have_their_class_in_every_shape() {
    let nested = json!({"type": "error", "error": {"type": "insufficient_quota", "code": "insufficient_quota", "message": "pay"}});
    let flat = json!({"type": "error", "code": "context_length_exceeded", "message": "long", "param": "input"});
    let failed = json!({"type": "response.failed", "response": {"status": "failed", "error": {"code": "rate_limit_exceeded", "message": "slow"}}});
    let cases = [
        (nested, LlmErrorKind::QuotaExhausted),
        (flat, LlmErrorKind::ContextLengthExceeded),
        (
            failed.clone(),
            LlmErrorKind::RateLimited { retry_after: None },
        ),
    ];
    for (event, kind) in cases {
        let Err(WireError::Upstream(told, _)) = read(&[created(), event.clone()]) else {
            panic!("{event} is no error")
        };
        assert_eq!(told, kind, "{event}");
    }
    assert!(matches!(
        whole(&failed["response"]),
        Err(WireError::Upstream(LlmErrorKind::RateLimited { .. }, _))
    ));
}

#[test]
fn an_error_in_the_middle_leaves_what_came_before() {
    let events = stream(&[
        created(),
        delta("output_text", 0, "Half"),
        json!({"type": "error", "code": "server_error", "message": "x"}),
    ]);
    let (mut decoder, mut chunks) = (StreamDecoder::new(WIRE, &Quirks::default()), Vec::new());
    assert!(decoder.push(events.as_bytes(), &mut chunks).is_err());
    assert_eq!(
        chunks
            .iter()
            .map(|chunk| chunk.delta.text.as_str())
            .collect::<String>(),
        "Half"
    );
}

#[test]
fn a_stream_without_its_end_broke_off_and_done_is_tolerated() {
    let mut events = full();
    let with_done = stream(&events) + "data: [DONE]\n\n";
    assert!(read_stream(WIRE, &[with_done.as_bytes()]).is_ok());
    events.pop();
    assert_eq!(read(&events), Err(WireError::Truncated));
}

#[test]
fn log_probabilities_are_kept() {
    let mut event = delta("output_text", 0, "Hi");
    event["logprobs"] = json!([{"token": "Hi", "logprob": -0.5, "top_logprobs": [{"token": "Ho", "logprob": -1.5}]}]);
    let answer = read(&[created(), event, completed(&json!([]))]).unwrap();
    assert_eq!(
        (
            answer.logprobs[0].token.as_str(),
            answer.logprobs[0].logprob
        ),
        ("Hi", -0.5)
    );
    assert_eq!(answer.logprobs[0].top, [("Ho".to_owned(), -1.5)]);
}

proptest! {
    #[test]
    fn any_split_of_the_bytes_gives_the_same_answer(cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..20)) {
        let text = stream(&full());
        let bytes = text.as_bytes();
        let mut at: Vec<usize> = cuts.iter().map(|cut| cut.index(bytes.len() + 1)).collect();
        at.extend([0, bytes.len()]);
        at.sort_unstable();
        let pieces: Vec<&[u8]> = at.windows(2).map(|pair| &bytes[pair[0]..pair[1]]).collect();
        prop_assert_eq!(read_stream(WIRE, &pieces), read_stream(WIRE, &[bytes]));
    }
}
