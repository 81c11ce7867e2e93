use proptest::prelude::*;
use serde_json::Value;
use serde_json::json;

use crate::types::Billed;
use crate::types::Chat;
use crate::types::ChatResponse;
use crate::types::ContentPart;
use crate::types::FinishReason;
use crate::types::Media;
use crate::types::MediaSource;
use crate::types::Message;
use crate::types::ReasoningEffort;
use crate::types::Role;
use crate::types::ToolChoice;
use crate::types::Wire;
use crate::types::quirks::Quirks;
use crate::wire::EncodeContext;
use crate::wire::WireError;
use crate::wire::decode_response;
use crate::wire::encode;
use crate::wire::rich_chat::encoded;
use crate::wire::rich_chat::read_stream;
use crate::wire::rich_chat::rich_chat;

/// Thinking, a plan, two calls of which one has no arguments, text with a citation, and an end that is none.
fn stream() -> String {
    let message = |message: Value| json!({"message": message});
    let events = [
        json!({"id": "c1", "type": "message-start", "delta": message(json!({"role": "assistant", "content": [], "tool_plan": "", "tool_calls": [], "citations": []}))}),
        json!({"type": "content-start", "index": 0, "delta": message(json!({"content": {"type": "thinking", "thinking": ""}}))}),
        json!({"type": "content-delta", "index": 0, "delta": message(json!({"content": {"thinking": "hm"}}))}),
        json!({"type": "content-end", "index": 0}),
        json!({"type": "content-start", "index": 1, "delta": message(json!({"content": {"type": "text", "text": ""}}))}),
        json!({"type": "content-delta", "index": 1, "delta": message(json!({"content": {"text": "Grüße"}}))}),
        json!({"type": "citation-start", "index": 0, "delta": message(json!({"citations": {"start": 0, "end": 2}}))}),
        json!({"type": "citation-end", "index": 0}),
        json!({"type": "content-end", "index": 1}),
        json!({"type": "tool-plan-delta", "delta": message(json!({"tool_plan": "I will"}))}),
        json!({"type": "tool-call-start", "index": 0, "delta": message(json!({"tool_calls": {"id": "f_1", "type": "function", "function": {"name": "f", "arguments": ""}}}))}),
        json!({"type": "tool-call-delta", "index": 0, "delta": message(json!({"tool_calls": {"function": {"arguments": "{\"a\":"}}}))}),
        json!({"type": "tool-call-delta", "index": 0, "delta": message(json!({"tool_calls": {"function": {"arguments": "1}"}}}))}),
        json!({"type": "tool-call-end", "index": 0}),
        json!({"type": "tool-call-start", "index": 1, "delta": message(json!({"tool_calls": {"id": "g_1", "type": "function", "function": {"name": "g", "arguments": ""}}}))}),
        json!({"type": "tool-call-end", "index": 1}),
        json!({"type": "message-end", "delta": {"finish_reason": "TOOL_CALL", "usage": {"billed_units": {"input_tokens": 46, "output_tokens": 14}, "tokens": {"input_tokens": 1445, "output_tokens": 43}, "cached_tokens": 704}}}),
    ];
    let write = |event: &Value| {
        format!(
            "event: {}\ndata: {event}\n\n",
            event["type"].as_str().unwrap()
        )
    };
    let mut stream: String = events.iter().map(write).collect();
    stream.push_str("data: [DONE]\n\n");
    stream
}

fn read(stream: &str) -> Result<ChatResponse, WireError> {
    read_stream(Wire::Cohere, &[stream.as_bytes()])
}

fn whole(body: &Value) -> Result<ChatResponse, WireError> {
    decode_response(
        Wire::Cohere,
        body.to_string().as_bytes(),
        &Quirks::default(),
    )
}

#[test]
fn a_stream_with_every_kind_of_event_reads_as_one_answer() {
    let answer = read(&stream()).unwrap();
    assert_eq!((answer.id.as_str(), answer.text.as_str()), ("c1", "Grüße"));
    let blocks: Vec<&str> = answer
        .reasoning
        .iter()
        .map(|block| block.text.as_str())
        .collect();
    assert_eq!(blocks, ["hm", "I will"]);
    let calls: Vec<_> = answer
        .tool_calls
        .iter()
        .map(|call| (&*call.id, &*call.name, &*call.arguments))
        .collect();
    assert_eq!(calls, [("f_1", "f", "{\"a\":1}"), ("g_1", "g", "{}")]);
    assert_eq!(answer.unknown, ["citations"]);
    assert_eq!(
        (answer.finish, answer.native_finish.as_str()),
        (FinishReason::ToolCalls, "TOOL_CALL")
    );
    let usage = answer.usage;
    assert_eq!(
        (usage.input, usage.cache_read, usage.output),
        (741, 704, 43)
    );
    assert_eq!(
        usage.billed,
        Some(Billed {
            input: 46,
            output: 14
        })
    );
}

#[test]
fn a_whole_answer_says_the_same() {
    let body = json!({"id": "c1", "finish_reason": "TOOL_CALL", "message": {"role": "assistant",
        "content": [{"type": "thinking", "thinking": "hm"}, {"type": "text", "text": "Grüße"}],
        "tool_plan": "I will",
        "tool_calls": [
            {"id": "f_1", "type": "function", "function": {"name": "f", "arguments": "{\"a\":1}"}},
            {"id": "g_1", "type": "function", "function": {"name": "g", "arguments": "null"}},
        ],
        "citations": [{"start": 0, "end": 2}]},
        "usage": {"billed_units": {"input_tokens": 46, "output_tokens": 14}, "tokens": {"input_tokens": 1445, "output_tokens": 43}, "cached_tokens": 704}});
    assert_eq!(whole(&body), read(&stream()));
}

#[test]
fn the_end_has_its_reason() {
    for (word, finish) in [
        ("COMPLETE", FinishReason::Stop),
        ("STOP_SEQUENCE", FinishReason::Stop),
        ("MAX_TOKENS", FinishReason::Length),
        ("ERROR_TOXIC", FinishReason::ContentFilter),
    ] {
        let body = json!({"message": {"content": "x"}, "finish_reason": word});
        assert_eq!(whole(&body).unwrap().finish, finish, "{word}");
    }
    for word in ["ERROR", "TIMEOUT"] {
        let end = json!({"type": "message-end", "delta": {"finish_reason": word, "error": "boom"}});
        match read(&format!("data: {end}\n\n")) {
            Err(WireError::Upstream(kind, message)) => {
                assert_eq!((kind.code(), message.as_str()), ("overloaded", "boom"));
            }
            other => panic!("{word}: {other:?}"),
        }
    }
}

#[test]
fn a_stream_without_its_end_is_cut() {
    let cut = stream().replace("message-end", "debug");
    assert_eq!(read(&cut), Err(WireError::Truncated));
}

#[test]
fn an_error_where_a_success_was_promised_is_an_error() {
    let error = json!({"id": "e", "message": "boom"});
    assert!(matches!(whole(&error), Err(WireError::Upstream(_, message)) if message == "boom"));
    let streamed = read(&format!("data: {error}\n\n"));
    assert!(matches!(streamed, Err(WireError::Upstream(_, message)) if message == "boom"));
    let garbage = whole(&json!({"a": 1}));
    assert!(matches!(garbage, Err(WireError::Malformed(_))));
}

#[test]
fn answers_of_version_1_are_read() {
    let meta = json!({"billed_units": {"input_tokens": 3, "output_tokens": 2}, "tokens": {"input_tokens": 70, "output_tokens": 2}});
    let tools = json!([{"name": "f", "parameters": {"a": 1}}]);
    let body = json!({"response_id": "r", "generation_id": "g", "text": "hi", "tool_calls": tools, "finish_reason": "COMPLETE", "meta": meta});
    let lines = [
        json!({"is_finished": false, "event_type": "stream-start", "generation_id": "g"}),
        json!({"is_finished": false, "event_type": "text-generation", "text": "h"}),
        json!({"is_finished": false, "event_type": "text-generation", "text": "i"}),
        json!({"is_finished": false, "event_type": "tool-calls-chunk", "tool_call_delta": {"name": "f"}}),
        json!({"is_finished": false, "event_type": "tool-calls-generation", "tool_calls": tools}),
        json!({"is_finished": true, "event_type": "stream-end", "finish_reason": "COMPLETE", "response": body}),
    ];
    let lines: Vec<String> = lines.iter().map(Value::to_string).collect();
    let streamed = read(&lines.join("\n")).unwrap();
    assert_eq!(whole(&body), Ok(streamed.clone()));
    assert_eq!((streamed.text.as_str(), streamed.id.as_str()), ("hi", "r"));
    assert_eq!(streamed.tool_calls[0].arguments, "{\"a\":1}");
    assert_eq!(streamed.finish, FinishReason::ToolCalls);
    assert_eq!(
        (streamed.usage.input, streamed.usage.billed().input),
        (70, 3)
    );
    assert_eq!(
        read(&lines[..lines.len() - 1].join("\n")),
        Err(WireError::Truncated)
    );
}

fn written(chat: &Chat) -> (Value, Vec<String>) {
    let context = EncodeContext {
        model: "command-a-03-2025",
        stream: false,
        quirks: &Quirks::default(),
        default_max_output_tokens: 1024,
    };
    let encoded = encode(Wire::Cohere, chat, &context).unwrap();
    (
        serde_json::from_slice(&encoded.body).unwrap(),
        encoded.dropped,
    )
}

#[test]
fn the_request_holds_everything() {
    insta::assert_snapshot!(encoded(Wire::Cohere, &Quirks::default()));
}

#[test]
fn json_and_tools_are_not_asked_for_together() {
    let mut chat = rich_chat();
    let (body, _) = written(&chat);
    assert_eq!(body.get("response_format"), None);
    assert!(
        body["messages"][1]["content"]
            .as_str()
            .unwrap()
            .contains("JSON schema")
    );
    chat.tools.clear();
    let (body, _) = written(&chat);
    assert_eq!(
        body["response_format"]["json_schema"]["required"],
        json!(["n"])
    );
    assert_eq!(body["messages"][1]["role"], "user");
}

#[test]
fn one_tool_is_chosen_by_offering_no_other() {
    let mut chat = rich_chat();
    let mut other = chat.tools[0].clone();
    other.name = "other".into();
    chat.tools.push(other);
    chat.tool_choice = ToolChoice::Named("other".into());
    let (body, dropped) = written(&chat);
    assert_eq!(body["tools"].as_array().unwrap().len(), 1);
    assert_eq!(body["tools"][0]["function"]["name"], "other");
    assert_eq!(body["tool_choice"], "REQUIRED");
    assert!(!dropped.contains(&"tool_choice".to_owned()));
}

#[test]
fn numbers_beyond_the_wire_are_moved_and_reported() {
    let mut chat = Chat {
        messages: vec![Message::text(Role::User, "x")],
        reasoning_effort: Some(ReasoningEffort::None),
        ..Chat::default()
    };
    chat.sampling.temperature = Some(1.5);
    chat.sampling.presence_penalty = Some(-0.5);
    chat.sampling.frequency_penalty = Some(0.5);
    chat.sampling.top_p = Some(1.0);
    chat.sampling.stop = (0..6).map(|at| at.to_string()).collect();
    let (body, dropped) = written(&chat);
    assert_eq!(
        (
            &body["temperature"],
            &body["presence_penalty"],
            &body["frequency_penalty"],
            &body["p"]
        ),
        (&json!(1.0), &json!(0.0), &json!(0.5), &json!(0.99))
    );
    assert_eq!(body["thinking"], json!({"type": "disabled"}));
    assert_eq!(
        dropped,
        ["temperature", "top_p", "stop", "presence_penalty"]
    );
}

#[test]
fn the_plan_goes_back_with_its_calls() {
    let message = read(&stream()).unwrap().into_message();
    let chat = Chat {
        messages: vec![Message::text(Role::User, "x"), message],
        ..Chat::default()
    };
    let (body, _) = written(&chat);
    let sent = &body["messages"][1];
    assert_eq!(
        (&sent["content"], &sent["tool_calls"][1]["id"]),
        (&json!("Grüße"), &json!("g_1"))
    );
    assert!(sent["tool_plan"].as_str().unwrap().ends_with("I will"));
}

#[test]
fn a_document_is_refused() {
    let mut message = Message::text(Role::User, "x");
    message.parts.push(ContentPart::File {
        name: None,
        media: Media {
            media_type: "application/pdf".into(),
            source: MediaSource::Base64("eA==".into()),
        },
    });
    let chat = Chat {
        messages: vec![message],
        ..Chat::default()
    };
    let context = EncodeContext {
        model: "m",
        stream: false,
        quirks: &Quirks::default(),
        default_max_output_tokens: 1024,
    };
    let refused = encode(Wire::Cohere, &chat, &context);
    assert!(matches!(refused, Err(WireError::Unsupported(_))));
}

proptest! {
    #[test]
    fn any_split_of_the_bytes_gives_the_same_answer(cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..20)) {
        let stream = stream();
        let bytes = stream.as_bytes();
        let mut at: Vec<usize> = cuts.iter().map(|cut| cut.index(bytes.len() + 1)).collect();
        at.extend([0, bytes.len()]);
        at.sort_unstable();
        let pieces: Vec<&[u8]> = at.windows(2).map(|pair| &bytes[pair[0]..pair[1]]).collect();
        prop_assert_eq!(read_stream(Wire::Cohere, &pieces), read(&stream));
    }

    #[test]
    fn no_bytes_make_it_panic(
        bytes in prop::collection::vec(any::<u8>(), 0..300),
        kind in prop::sample::select(vec!["message-start", "content-delta", "tool-call-start", "message-end", "stream-end"]),
        json in "[\\[\\]{}\":,a-z0-9 ]{0,80}",
    ) {
        let event = format!("data: {{\"type\":\"{kind}\",\"event_type\":\"{kind}\",\"delta\":{{\"message\":{{\"tool_calls\":[{json}]}}}}}}\n\n");
        let _ = read_stream(Wire::Cohere, &[event.as_bytes(), &bytes]);
        let _ = read_stream(Wire::Cohere, &[json.as_bytes(), &bytes]);
        let _ = read_stream(Wire::Cohere, &[&bytes]);
    }
}
