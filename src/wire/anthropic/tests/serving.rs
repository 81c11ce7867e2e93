//! Agon as the server: requests of clients read, answers written.

use proptest::prelude::*;
use serde_json::Value;
use serde_json::json;

use crate::client::LlmError;
use crate::client::LlmErrorKind;
use crate::types::CacheTtl;
use crate::types::Chat;
use crate::types::ChatChunk;
use crate::types::ChatResponse;
use crate::types::ContentPart;
use crate::types::FinishReason;
use crate::types::MediaSource;
use crate::types::Reasoning;
use crate::types::ReasoningEffort;
use crate::types::ResponseFormat;
use crate::types::Role;
use crate::types::Seal;
use crate::types::ToolCallDelta;
use crate::types::ToolChoice;
use crate::types::Wire;
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
    serve::decode_request(Wire::Anthropic, body.to_string().as_bytes())
}

#[test]
fn a_request_of_every_kind_of_content_is_read() {
    let asked = ask(&json!({
        "model": "claude", "max_tokens": 100, "stream": true, "top_k": 5, "service_tier": "auto",
        "system": [{"type": "text", "text": "Be brief.", "cache_control": {"type": "ephemeral", "ttl": "1h"}}],
        "messages": [
            {"role": "user", "content": "Hi"},
            {"role": "assistant", "content": [
                {"type": "thinking", "thinking": "Hm", "signature": "s1"},
                {"type": "redacted_thinking", "data": "r1"},
                {"type": "text", "text": "Let me see."},
                {"type": "server_tool_use", "id": "srv_1", "name": "web_search", "input": {}},
                {"type": "tool_use", "id": "t1", "name": "look", "input": {"at": 1}},
            ]},
            {"role": "user", "content": [
                {"type": "text", "text": "And this?"},
                {"type": "tool_result", "tool_use_id": "t1", "is_error": true, "content": [
                    {"type": "text", "text": "gone"},
                    {"type": "image", "source": {"type": "url", "url": "https://example.org/a.png"}},
                ]},
                {"type": "document", "title": "a", "source": {"type": "text", "media_type": "text/plain", "data": "hey"}},
            ]},
        ],
        "tools": [
            {"name": "look", "input_schema": {"type": "object"}, "strict": true, "cache_control": {"type": "ephemeral"}},
            {"type": "web_search_20250305", "name": "web_search"},
        ],
        "tool_choice": {"type": "any", "disable_parallel_tool_use": true},
        "thinking": {"type": "enabled", "budget_tokens": 2000},
        "output_config": {"effort": "medium", "format": {"type": "json_schema", "schema": {"type": "object"}}},
        "metadata": {"user_id": "u1"},
    }))
    .unwrap();
    assert_eq!((asked.model.as_str(), asked.stream), ("claude", true));
    assert_eq!(
        asked.unknown,
        [
            "messages.content.server_tool_use",
            "tools.web_search_20250305",
            "service_tier"
        ]
    );
    let chat = asked.chat;
    let roles: Vec<Role> = chat.messages.iter().map(|message| message.role).collect();
    assert_eq!(
        roles,
        [
            Role::System,
            Role::User,
            Role::Assistant,
            Role::Tool,
            Role::User
        ],
        "results come first"
    );
    assert_eq!(
        chat.messages[0].parts[1],
        ContentPart::CachePoint(CacheTtl::Hour)
    );
    let (called, result) = (&chat.messages[2], &chat.messages[3]);
    assert_eq!(called.parts.len(), 3);
    assert_eq!(called.tool_calls[0].arguments, "{\"at\":1}");
    assert_eq!(
        (
            result.tool_call_id.as_deref(),
            result.tool_failed,
            result.parts.len()
        ),
        (Some("t1"), true, 2)
    );
    let ContentPart::File { media, .. } = &chat.messages[4].parts[1] else {
        panic!("no document")
    };
    assert_eq!(media.source, MediaSource::Base64("aGV5".into()));
    assert_eq!(
        (chat.tools[0].strict, chat.tools[0].cache),
        (Some(true), Some(CacheTtl::Usual))
    );
    assert_eq!(
        (chat.tool_choice, chat.parallel_tool_calls),
        (ToolChoice::Required, Some(false))
    );
    assert_eq!(
        (chat.reasoning_effort, chat.reasoning_budget_tokens),
        (Some(ReasoningEffort::Medium), Some(2000))
    );
    assert!(matches!(chat.format, ResponseFormat::JsonSchema { .. }));
    assert_eq!(
        (chat.sampling.top_k, chat.user.as_deref()),
        (Some(5), Some("u1"))
    );
}

#[test]
fn what_is_wrong_is_named_with_its_place() {
    let cases = [
        (json!([]), "the body must be an object"),
        (json!({"messages": []}), "model must be a text"),
        (
            json!({"model": "m", "messages": [{"role": "bot", "content": ""}]}),
            "messages[0].role must be user, assistant or system",
        ),
        (
            json!({"model": "m", "messages": [{"role": "user", "content": [{"type": "text"}]}]}),
            "messages[0].content[0].text must be a text",
        ),
        (
            json!({"model": "m", "max_tokens": -1}),
            "max_tokens must be a whole number",
        ),
        (
            json!({"model": "m", "tool_choice": {"type": "some"}}),
            "tool_choice.type must be auto, any, none or tool",
        ),
    ];
    for (body, expected) in cases {
        assert_eq!(ask(&body), Err(WireError::Malformed(expected.to_owned())));
    }
    let file = json!({"model": "m", "messages": [{"role": "user", "content": [{"type": "image", "source": {"type": "file", "file_id": "f"}}]}]});
    assert!(matches!(ask(&file), Err(WireError::Unsupported(_))));
}

fn rich_answer() -> ChatResponse {
    ChatResponse {
        text: "Hi".into(),
        reasoning: vec![
            Reasoning {
                text: "Hm".into(),
                seal: Seal {
                    signature: Some("s1".into()),
                    ..Seal::default()
                },
            },
            Reasoning {
                text: String::new(),
                seal: Seal {
                    encrypted: Some("r1".into()),
                    ..Seal::default()
                },
            },
        ],
        finish: FinishReason::Stop,
        native_finish: "stop_sequence".into(),
        ..ChatResponse::default()
    }
}

#[test]
fn a_whole_answer_is_written() {
    insta::assert_snapshot!(String::from_utf8(written(Wire::Anthropic, &rich_answer())).unwrap());
}

#[test]
fn a_stream_has_its_events_in_order_though_calls_come_mixed() {
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
    let mut chunks = rich_answer().into_chunks();
    chunks.extend([
        piece(0, "c0", "{\"a\""),
        piece(1, "c1", "{\"b\""),
        piece(0, "", ":1}"),
        piece(1, "", ":2}"),
    ]);
    let bytes = streamed(Wire::Anthropic, &chunks);
    let answer = read(Wire::Anthropic, &bytes);
    assert_eq!(answer.tool_calls[0].arguments, "{\"a\":1}");
    assert_eq!(answer.tool_calls[1].arguments, "{\"b\":2}");
    insta::assert_snapshot!(String::from_utf8(bytes).unwrap());
}

#[test]
fn a_stream_without_a_chunk_is_a_message_all_the_same() {
    let answer = read(Wire::Anthropic, &streamed(Wire::Anthropic, &[]));
    assert_eq!(
        (answer.id.as_str(), answer.finish),
        ("a_1", FinishReason::Stop)
    );
}

#[test]
fn a_stream_that_fails_says_so_in_the_words_of_this_wire() {
    let mut encoder = serve::stream_encoder(Wire::Anthropic, head()).unwrap();
    let mut out = Vec::new();
    encoder.fail(
        &LlmError::new(LlmErrorKind::ContextLengthExceeded, "p", "9 of 8"),
        &mut out,
    );
    let text = String::from_utf8(out).unwrap();
    assert!(text.starts_with("event: error\ndata: "), "{text}");
    assert!(
        text.contains("\"invalid_request_error\"") && text.contains("prompt is too long: 9 of 8"),
        "{text}"
    );
}

fn seals() -> impl Strategy<Value = Seal> + Clone {
    "[a-z]{1,9}".prop_map(|signature| Seal {
        signature: Some(signature),
        ..Seal::default()
    })
}

fn seals_of_requests() -> impl Strategy<Value = Seal> + Clone {
    let redacted = "[a-z]{1,9}".prop_map(|sealed| Seal {
        encrypted: Some(sealed),
        ..Seal::default()
    });
    prop_oneof![seals(), redacted]
}

/// What this wire refuses together is not asked for together.
fn sayable(mut chat: Chat) -> Chat {
    let thinks = chat
        .reasoning_effort
        .is_some_and(|effort| effort != ReasoningEffort::None);
    if thinks {
        chat.sampling.temperature = None;
        chat.sampling.top_k = None;
    }
    if thinks || chat.sampling.temperature.is_some() {
        chat.sampling.top_p = None;
    }
    if chat.tool_choice == ToolChoice::None {
        chat.parallel_tool_calls = None;
    }
    // No more than four points are taken.
    let mut points = 0;
    for message in &mut chat.messages {
        message.parts.retain(|part| {
            let is_point = matches!(part, ContentPart::CachePoint(_));
            points += usize::from(is_point);
            !is_point || points <= 4
        });
    }
    chat
}

proptest! {
    #[test]
    fn what_a_client_writes_is_what_a_server_reads(chat in chats(seals_of_requests()).prop_map(sayable)) {
        let (read, dropped) = there_and_back(Wire::Anthropic, &chat);
        prop_assert_eq!(dropped, Vec::<String>::new());
        prop_assert_eq!(read, chat);
    }

    #[test]
    fn an_answer_goes_through_whole_or_streamed(answer in answers(seals())) {
        let mut whole = read(Wire::Anthropic, &written(Wire::Anthropic, &answer));
        let mut cut = read(Wire::Anthropic, &streamed(Wire::Anthropic, &in_letters(answer.clone())));
        for read in [&mut whole, &mut cut] {
            prop_assert!(!std::mem::take(&mut read.native_finish).is_empty());
        }
        prop_assert_eq!(&whole, &answer);
        prop_assert_eq!(&cut, &answer);
    }

    #[test]
    fn no_bytes_make_it_panic(bytes: Vec<u8>, text in "(event: |data: |\\{|\\}|\"type\":|\"content_block_delta\"|,|\"index\":9|\"delta\":|\"error\"|\\[|\\]|\n){0,40}") {
        read_anything(Wire::Anthropic, &bytes);
        read_anything(Wire::Anthropic, text.as_bytes());
    }
}
