mod requests;
mod serving;

use proptest::prelude::*;

use crate::client::LlmErrorKind;
use crate::types::ChatResponse;
use crate::types::FinishReason;
use crate::types::Wire;
use crate::types::quirks::Param;
use crate::types::quirks::Quirks;
use crate::wire::WireError;
use crate::wire::decode_response;
use crate::wire::rich_chat::encoded;
use crate::wire::rich_chat::read_stream;

const STREAM: &str = concat!(
    "event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"id\":\"msg_1\",\"model\":\"claude\",\"content\":[],\"usage\":{\"input_tokens\":43,\"cache_read_input_tokens\":5,\"output_tokens\":1}}            }\n\n",
    "data: {\"type\": \"ping\"}\nevent: ping\n\n",
    "event: content_block_start\ndata: {\"type\":\"content_block_start\",\"index\":0,\"content_block\":{\"type\":\"thinking\",\"thinking\":\"\",\"signature\":\"\"}}\n\n",
    "event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"thinking_delta\",\"thinking\":\"Let me\"}}\n\n",
    "event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"signature_delta\",\"signature\":\"EvMC\"}}\n\n",
    "event: content_block_stop\ndata: {\"type\":\"content_block_stop\",\"index\":0}\n\n",
    "event: content_block_start\ndata: {\"type\":\"content_block_start\",\"index\":1,\"content_block\":{\"type\":\"text\",\"text\":\"\"}}\n\n",
    "event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":1,\"delta\":{\"type\":\"text_delta\",\"text\":\"Hi ü\"}}\n\n",
    "event: content_block_start\ndata: {\"type\":\"content_block_start\",\"index\":2,\"content_block\":{\"type\":\"tool_use\",\"id\":\"toolu_1\",\"name\":\"f\",\"input\":{}}}\n\n",
    "event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":2,\"delta\":{\"type\":\"input_json_delta\",\"partial_json\":\"\"}}\n\n",
    "event: message_delta\ndata: {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"tool_use\"},\"usage\":{\"output_tokens\":88}}\n\n",
    "event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n",
);

fn read(pieces: &[&[u8]]) -> Result<ChatResponse, WireError> {
    read_stream(Wire::Anthropic, pieces)
}

#[test]
fn a_stream_reads_as_one_answer() {
    let answer = read(&[STREAM.as_bytes()]).unwrap();
    assert_eq!(
        (answer.text.as_str(), answer.reasoning_text().as_str()),
        ("Hi ü", "Let me")
    );
    assert_eq!(answer.reasoning[0].seal.signature.as_deref(), Some("EvMC"));
    assert_eq!(
        answer.tool_calls[0].arguments, "{}",
        "a call without arguments"
    );
    assert_eq!(answer.finish, FinishReason::ToolCalls);
    assert_eq!(
        (
            answer.usage.input,
            answer.usage.cache_read,
            answer.usage.output
        ),
        (43, 5, 88),
        "not summed"
    );
}

#[test]
fn a_stream_without_message_stop_broke_off() {
    let cut = &STREAM[..STREAM.len() - 60];
    assert_eq!(read(&[cut.as_bytes()]), Err(WireError::Truncated));
}

#[test]
fn overloaded_may_be_the_first_event_of_a_success() {
    let stream = b"event: error\ndata: {\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\",\"message\":\"Overloaded\"}}\n\n";
    let Err(WireError::Upstream(kind, _)) = read(&[stream]) else {
        panic!("not an error")
    };
    assert_eq!(kind, LlmErrorKind::Overloaded { retry_after: None });
}

#[test]
fn a_refusal_may_have_no_content_at_all() {
    let stream = concat!(
        "data: {\"type\":\"message_start\",\"message\":{\"id\":\"m\",\"usage\":{}}}\n\n",
        "data: {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"refusal\"},\"usage\":{\"output_tokens\":0}}\n\n",
        "data: {\"type\":\"message_stop\"}\n\n",
    );
    assert_eq!(
        read(&[stream.as_bytes()]).unwrap().finish,
        FinishReason::ContentFilter
    );
}

#[test]
fn a_whole_answer_keeps_thinking_with_a_signature_and_no_text() {
    let body = br#"{"id":"msg_1","model":"claude","content":[{"type":"thinking","thinking":"","signature":"CAIS"},{"type":"text","text":"4"},{"type":"tool_use","id":"t","name":"f","input":{"a":1},"caller":{}}],"stop_reason":"tool_use","usage":{"input_tokens":13,"output_tokens":44,"output_tokens_details":{"thinking_tokens":33}}}"#;
    let answer = decode_response(Wire::Anthropic, body, &Quirks::default()).unwrap();
    assert_eq!(answer.reasoning[0].seal.signature.as_deref(), Some("CAIS"));
    assert_eq!(answer.tool_calls[0].arguments, "{\"a\":1}");
    assert_eq!((answer.usage.output, answer.usage.reasoning), (11, 33));
}

/// Some events, each with its name, of a message that has begun and will end.
fn message(events: &[serde_json::Value]) -> String {
    let start = serde_json::json!({"type": "message_start", "message": {"id": "m", "usage": {"input_tokens": 3}}});
    let stop = serde_json::json!({"type": "message_stop"});
    let all = std::iter::once(&start).chain(events).chain([&stop]);
    all.map(|event| {
        format!(
            "event: {}\ndata: {event}\n\n",
            event["type"].as_str().unwrap()
        )
    })
    .collect()
}

fn begin(index: u64, block: &serde_json::Value) -> serde_json::Value {
    serde_json::json!({"type": "content_block_start", "index": index, "content_block": block})
}

fn delta(index: u64, delta: &serde_json::Value) -> serde_json::Value {
    serde_json::json!({"type": "content_block_delta", "index": index, "delta": delta})
}

fn end(index: u64) -> serde_json::Value {
    serde_json::json!({"type": "content_block_stop", "index": index})
}

#[test]
fn thinking_is_sealed_by_all_pieces_of_its_signature_and_hidden_thinking_is_kept() {
    use serde_json::json;
    let stream = message(&[
        begin(0, &json!({"type": "thinking", "thinking": ""})),
        delta(0, &json!({"type": "thinking_delta", "thinking": "Hm"})),
        delta(0, &json!({"type": "signature_delta", "signature": "ab"})),
        delta(0, &json!({"type": "signature_delta", "signature": "cd"})),
        end(0),
        begin(
            1,
            &json!({"type": "thinking", "thinking": "", "signature": "ef"}),
        ),
        end(1),
        begin(2, &json!({"type": "redacted_thinking", "data": "xyz"})),
        end(2),
    ]);
    let answer = read(&[stream.as_bytes()]).unwrap();
    let seals: Vec<_> = answer
        .reasoning
        .iter()
        .map(|block| {
            (
                block.text.as_str(),
                block.seal.signature.as_deref(),
                block.seal.encrypted.as_deref(),
            )
        })
        .collect();
    assert_eq!(
        seals,
        [
            ("Hm", Some("abcd"), None),
            ("", Some("ef"), None),
            ("", None, Some("xyz"))
        ]
    );
}

#[test]
fn calls_at_once_are_kept_apart_and_server_tools_are_named() {
    use serde_json::json;
    let call = |id: &str| json!({"type": "tool_use", "id": id, "name": "f", "input": {}});
    let args = |index, text: &str| {
        delta(
            index,
            &json!({"type": "input_json_delta", "partial_json": text}),
        )
    };
    let stream = message(&[
        begin(
            0,
            &json!({"type": "server_tool_use", "id": "s", "name": "web_search", "input": {}}),
        ),
        args(0, "{\"q\":1}"),
        end(0),
        begin(1, &json!({"type": "web_search_tool_result", "content": []})),
        end(1),
        begin(2, &json!({"type": "text", "text": "A"})),
        delta(2, &json!({"type": "citations_delta", "citation": {}})),
        end(2),
        begin(3, &call("t1")),
        begin(4, &call("t2")),
        args(4, "{\"b\""),
        args(3, "{\"a\":"),
        args(4, ":2}"),
        args(3, "1}"),
        end(3),
        end(4),
        json!({"type": "brand_new"}),
        json!({"type": "message_delta", "delta": {"stop_reason": "tool_use"}, "usage": {"output_tokens": 9, "output_tokens_details": {"thinking_tokens": 4}}}),
    ]);
    let answer = read(&[stream.as_bytes()]).unwrap();
    let calls: Vec<_> = answer
        .tool_calls
        .iter()
        .map(|call| (call.id.as_str(), call.arguments.as_str()))
        .collect();
    assert_eq!(calls, [("t1", "{\"a\":1}"), ("t2", "{\"b\":2}")]);
    assert_eq!(
        answer.unknown,
        [
            "server_tool_use",
            "web_search_tool_result",
            "citations_delta",
            "brand_new"
        ]
    );
    assert_eq!(
        (answer.text.as_str(), answer.native_finish.as_str()),
        ("A", "tool_use")
    );
    assert_eq!(
        (
            answer.usage.input,
            answer.usage.output,
            answer.usage.reasoning
        ),
        (3, 5, 4)
    );
}

#[test]
fn an_error_in_the_middle_leaves_what_came_before() {
    use serde_json::json;
    let stream = message(&[
        begin(0, &json!({"type": "text", "text": "Half"})),
        json!({"type": "error", "error": {"type": "api_error", "message": "broken"}}),
    ]);
    let mut decoder = crate::wire::StreamDecoder::new(Wire::Anthropic, &Quirks::default());
    let mut chunks = Vec::new();
    let failed = decoder.push(stream.as_bytes(), &mut chunks);
    assert!(
        matches!(failed, Err(WireError::Upstream(_, _))),
        "{failed:?}"
    );
    assert_eq!(
        chunks
            .iter()
            .map(|chunk| chunk.delta.text.as_str())
            .collect::<String>(),
        "Half"
    );
}

#[test]
fn a_call_that_is_the_answer_becomes_the_text() {
    use serde_json::json;
    let quirks = Quirks {
        json: crate::types::quirks::JsonSupport::Tool,
        ..Quirks::default()
    };
    let block = json!({"type": "tool_use", "id": "t", "name": "answer_as_json", "input": {"n": 1}});
    let body =
        json!({"content": [{"type": "text", "text": "Here:"}, block], "stop_reason": "tool_use"})
            .to_string();
    let stream = message(&[
        begin(
            0,
            &json!({"type": "tool_use", "id": "t", "name": "answer_as_json", "input": {}}),
        ),
        delta(
            0,
            &json!({"type": "input_json_delta", "partial_json": "{\"n\":"}),
        ),
        delta(
            0,
            &json!({"type": "input_json_delta", "partial_json": "1}"}),
        ),
        end(0),
        json!({"type": "message_delta", "delta": {"stop_reason": "tool_use"}}),
    ]);
    for bytes in [body, stream] {
        let answer = decode_response(Wire::Anthropic, bytes.as_bytes(), &quirks).unwrap();
        assert_eq!(answer.text, "{\"n\":1}");
        assert_eq!(
            (answer.finish, answer.tool_calls.len()),
            (FinishReason::Stop, 0)
        );
        assert_eq!(answer.native_finish, "tool_use");
    }
}

#[test]
fn the_request_holds_everything() {
    insta::assert_snapshot!(encoded(Wire::Anthropic, &Quirks::default()));
}

#[test]
fn a_model_that_refuses_sampling_gets_none() {
    let quirks = Quirks {
        drop_params: [Param::Temperature, Param::TopP].into(),
        ..Quirks::default()
    };
    let text = encoded(Wire::Anthropic, &quirks);
    assert!(
        !text.contains("\"temperature\":") && !text.contains("\"top_p\":"),
        "{text}"
    );
    assert!(
        text.contains("dropped: [\"temperature\", \"top_p\", \"seed\"]"),
        "{text}"
    );
}

proptest! {
    #[test]
    fn any_split_of_the_bytes_gives_the_same_answer(cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..20)) {
        let bytes = STREAM.as_bytes();
        let mut at: Vec<usize> = cuts.iter().map(|cut| cut.index(bytes.len() + 1)).collect();
        at.extend([0, bytes.len()]);
        at.sort_unstable();
        let pieces: Vec<&[u8]> = at.windows(2).map(|pair| &bytes[pair[0]..pair[1]]).collect();
        prop_assert_eq!(read(&pieces), read(&[bytes]));
    }
}
