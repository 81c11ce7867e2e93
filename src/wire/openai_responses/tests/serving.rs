//! Agon as the server: requests of clients read, answers written.

use proptest::prelude::*;
use serde_json::Value;
use serde_json::json;

use super::WIRE;
use crate::client::LlmError;
use crate::client::LlmErrorKind;
use crate::types::Chat;
use crate::types::ChatChunk;
use crate::types::ChatResponse;
use crate::types::ContentPart;
use crate::types::FinishReason;
use crate::types::Reasoning;
use crate::types::ReasoningEffort;
use crate::types::ResponseFormat;
use crate::types::Role;
use crate::types::Seal;
use crate::types::ToolCallDelta;
use crate::types::ToolChoice;
use crate::wire::WireError;
use crate::wire::round_trip::answers;
use crate::wire::round_trip::chats;
use crate::wire::round_trip::head;
use crate::wire::round_trip::in_letters;
use crate::wire::round_trip::read;
use crate::wire::round_trip::read_anything;
use crate::wire::round_trip::streamed;
use crate::wire::round_trip::there_and_back;
use crate::wire::round_trip::written;
use crate::wire::serve;
use crate::wire::serve::Asked;

fn ask(body: &Value) -> Result<Asked, WireError> {
    serve::decode_request(WIRE, body.to_string().as_bytes())
}

#[test]
fn a_request_of_every_kind_of_item_is_read() {
    let asked = ask(&json!({
        "model": "gpt", "stream": true, "store": true, "instructions": "Be brief.", "service_tier": "auto",
        "input": [
            {"role": "developer", "content": "In English."},
            {"role": "user", "content": [
                {"type": "input_text", "text": "And this?"},
                {"type": "input_image", "image_url": "data:image/gif;base64,AAAA", "detail": "low"},
                {"type": "input_file", "filename": "a.pdf", "file_data": "data:application/pdf;base64,BBBB"},
            ]},
            {"type": "reasoning", "id": "rs_1", "summary": [{"type": "summary_text", "text": "Hm"}], "encrypted_content": "E"},
            {"type": "message", "id": "msg_1", "status": "completed", "role": "assistant", "content": [{"type": "output_text", "text": "Let me see.", "annotations": []}]},
            {"type": "function_call", "id": "fc_1", "call_id": "c1", "name": "look", "arguments": "{}"},
            {"type": "web_search_call", "id": "ws_1"},
            {"type": "function_call_output", "call_id": "c1", "output": "seen"},
        ],
        "tools": [{"type": "function", "name": "look", "parameters": {}, "strict": true}, {"type": "web_search"}],
        "tool_choice": {"type": "function", "name": "look"}, "parallel_tool_calls": false,
        "text": {"format": {"type": "json_schema", "name": "n", "schema": {}, "strict": true}, "verbosity": "low"},
        "reasoning": {"effort": "low", "summary": "auto"}, "include": ["reasoning.encrypted_content", "message.output_text.logprobs"],
        "max_output_tokens": 50, "metadata": {"a": "b"}, "user": "old", "safety_identifier": "new",
    }))
    .unwrap();
    assert_eq!((asked.model.as_str(), asked.stream), ("gpt", true));
    assert_eq!(
        asked.unknown,
        [
            "input.web_search_call",
            "tools.web_search",
            "text.verbosity",
            "service_tier"
        ]
    );
    let chat = asked.chat;
    let roles: Vec<Role> = chat.messages.iter().map(|message| message.role).collect();
    assert_eq!(
        roles,
        [
            Role::System,
            Role::System,
            Role::User,
            Role::Assistant,
            Role::Tool
        ]
    );
    let answer = &chat.messages[3];
    let seal = Seal {
        encrypted: Some("E".into()),
        id: Some("rs_1".into()),
        signature: None,
    };
    assert_eq!(
        answer.parts[0],
        ContentPart::Reasoning(Reasoning {
            text: "Hm".into(),
            seal
        })
    );
    assert_eq!(
        (
            answer.joined_text().as_str(),
            answer.tool_calls[0].id.as_str()
        ),
        ("Let me see.", "c1")
    );
    assert_eq!(chat.messages[2].parts.len(), 3);
    assert_eq!(chat.tool_choice, ToolChoice::Named("look".into()));
    assert_eq!(
        (chat.parallel_tool_calls, chat.tools[0].strict),
        (Some(false), Some(true))
    );
    assert!(matches!(chat.format, ResponseFormat::JsonSchema { .. }));
    assert_eq!(
        (chat.reasoning_effort, chat.top_logprobs),
        (Some(ReasoningEffort::Low), Some(0))
    );
    assert_eq!(
        (chat.user.as_deref(), chat.metadata["a"].as_str()),
        (Some("new"), "b")
    );
}

#[test]
fn what_is_wrong_is_named_with_its_place() {
    let cases = [
        (
            json!({"model": "m"}),
            "input must be a text or a list of items",
        ),
        (
            json!({"model": "m", "input": [{"role": "bot", "content": ""}]}),
            "input[0].role must be user, assistant, system or developer",
        ),
        (
            json!({"model": "m", "input": "", "temperature": "hot"}),
            "temperature must be a number",
        ),
        (
            json!({"model": "m", "input": "", "top_logprobs": 999}),
            "top_logprobs must be at most 20",
        ),
    ];
    for (body, expected) in cases {
        assert_eq!(ask(&body), Err(WireError::Malformed(expected.to_owned())));
    }
    let stored = [
        json!({"model": "m", "input": "", "previous_response_id": "resp_0"}),
        json!({"model": "m", "input": "", "background": true}),
        json!({"model": "m", "input": [{"type": "item_reference", "id": "x"}]}),
    ];
    for body in stored {
        assert!(
            matches!(ask(&body), Err(WireError::Unsupported(_))),
            "{body}"
        );
    }
}

fn rich_answer() -> ChatResponse {
    ChatResponse {
        text: "Hi".into(),
        refusal: "No.".into(),
        reasoning: vec![Reasoning {
            text: "Hm".into(),
            seal: Seal {
                encrypted: Some("E".into()),
                id: None,
                signature: None,
            },
        }],
        finish: FinishReason::Length,
        ..ChatResponse::default()
    }
}

#[test]
fn a_whole_answer_is_written() {
    insta::assert_snapshot!(String::from_utf8(written(WIRE, &rich_answer())).unwrap());
}

fn mixed_calls() -> Vec<ChatChunk> {
    let piece = |index, id: &str, arguments: &str| {
        let mut chunk = ChatChunk::default();
        chunk.delta.tool_calls.push(ToolCallDelta {
            index,
            id: Some(id.to_owned()).filter(|id| !id.is_empty()),
            name: (!id.is_empty()).then(|| "look".to_owned()),
            arguments: arguments.to_owned(),
            signature: None,
        });
        chunk
    };
    vec![
        piece(0, "c0", "{\"a\""),
        piece(1, "c1", "{\"b\""),
        piece(0, "", ":1}"),
        piece(1, "", ":2}"),
        piece(2, "c2", ""),
    ]
}

#[test]
fn a_stream_has_its_events_in_order_though_calls_come_mixed() {
    let mut chunks = rich_answer().into_chunks();
    chunks.extend(mixed_calls());
    let bytes = streamed(WIRE, &chunks);
    let answer = read(WIRE, &bytes);
    let arguments: Vec<&str> = answer
        .tool_calls
        .iter()
        .map(|call| call.arguments.as_str())
        .collect();
    assert_eq!(arguments, ["{\"a\":1}", "{\"b\":2}", "{}"]);
    insta::assert_snapshot!(String::from_utf8(bytes).unwrap());
}

#[test]
fn every_event_is_numbered_and_names_an_item_that_was_added() {
    let mut chunks = rich_answer().into_chunks();
    chunks.extend(mixed_calls());
    let text = String::from_utf8(streamed(WIRE, &chunks)).unwrap();
    let events = text.lines().filter_map(|line| line.strip_prefix("data: "));
    let events: Vec<Value> = events
        .map(|event| serde_json::from_str(event).unwrap())
        .collect();
    let mut ids: Vec<String> = Vec::new();
    for (number, event) in events.iter().enumerate() {
        assert_eq!(event["sequence_number"], number);
        let id = event["item"]["id"].as_str().or(event["item_id"].as_str());
        if let Some(id) = id {
            if event["type"] == "response.output_item.added" {
                ids.push(id.to_owned());
            }
            let place = usize::try_from(event["output_index"].as_u64().unwrap()).unwrap();
            assert_eq!((place + 1, ids[place].as_str()), (ids.len(), id), "{event}");
        }
    }
    assert_eq!(ids.len(), 5);
}

#[test]
fn a_stream_that_fails_says_so_in_both_shapes() {
    let mut encoder = serve::stream_encoder(WIRE, head()).unwrap();
    let mut out = Vec::new();
    encoder.fail(
        &LlmError::new(LlmErrorKind::RateLimited { retry_after: None }, "p", "slow"),
        &mut out,
    );
    let text = String::from_utf8(out).unwrap();
    let events: Vec<Value> = text
        .lines()
        .filter_map(|line| line.strip_prefix("data: "))
        .map(|event| serde_json::from_str(event).unwrap())
        .collect();
    assert_eq!(
        (&events[0]["code"], &events[0]["error"]["code"]),
        (&json!("rate_limit_exceeded"), &json!("rate_limit_exceeded"))
    );
    assert_eq!(
        (&events[1]["type"], &events[1]["response"]["status"]),
        (&json!("response.failed"), &json!("failed"))
    );
}

fn seals() -> impl Strategy<Value = Seal> + Clone {
    let text = || "[a-z]{1,9}";
    (text(), text()).prop_map(|(sealed, id)| Seal {
        encrypted: Some(sealed),
        id: Some(id),
        signature: None,
    })
}

/// What this wire has no place for is not asked for.
fn sayable(mut chat: Chat) -> Chat {
    chat.sampling.top_k = None;
    chat.sampling.stop.clear();
    for message in &mut chat.messages {
        message.tool_failed = false;
        message
            .parts
            .retain(|part| !matches!(part, ContentPart::CachePoint(_)));
    }
    chat
}

proptest! {
    #[test]
    fn what_a_client_writes_is_what_a_server_reads(chat in chats(seals()).prop_map(sayable)) {
        let (read, dropped) = there_and_back(WIRE, &chat);
        prop_assert_eq!(dropped, Vec::<String>::new());
        prop_assert_eq!(read, chat);
    }

    #[test]
    fn an_answer_goes_through_whole_or_streamed(answer in answers(seals())) {
        let mut whole = read(WIRE, &written(WIRE, &answer));
        let mut cut = read(WIRE, &streamed(WIRE, &in_letters(answer.clone())));
        for read in [&mut whole, &mut cut] {
            prop_assert!(!std::mem::take(&mut read.native_finish).is_empty());
        }
        prop_assert_eq!(&whole, &answer);
        // An item whose words went out before its seal came keeps the id that it was announced with.
        for (read, sent) in cut.reasoning.iter_mut().zip(&answer.reasoning) {
            prop_assert!(read.seal.id.take().is_some());
            read.seal.id.clone_from(&sent.seal.id);
        }
        prop_assert_eq!(&cut, &answer);
    }

    #[test]
    fn no_bytes_make_it_panic(bytes: Vec<u8>, text in "(data: |\\{|\\}|\"type\":|\"response.output_item.done\"|\"response.completed\"|,|\"output_index\":9|\"item\":|\"response\":|\"error\":1|\\[|\\]|\n){0,40}") {
        read_anything(WIRE, &bytes);
        read_anything(WIRE, text.as_bytes());
    }
}
