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
