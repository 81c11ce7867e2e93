use proptest::prelude::*;
use serde_json::Value;
use serde_json::json;

use crate::client::LlmErrorKind;
use crate::types::CacheTtl;
use crate::types::Chat;
use crate::types::ChatResponse;
use crate::types::ContentPart;
use crate::types::FinishReason;
use crate::types::Media;
use crate::types::MediaSource;
use crate::types::Message;
use crate::types::Reasoning;
use crate::types::ReasoningEffort;
use crate::types::ResponseFormat;
use crate::types::Role;
use crate::types::Seal;
use crate::types::ToolCall;
use crate::types::ToolChoice;
use crate::types::Wire;
use crate::types::quirks::JsonSupport;
use crate::types::quirks::Quirks;
use crate::types::quirks::ReasoningStyle;
use crate::wire::EncodeContext;
use crate::wire::Encoded;
use crate::wire::WireError;
use crate::wire::base64;
use crate::wire::decode_response;
use crate::wire::encode;
use crate::wire::framing::frame;
use crate::wire::json_answer::ANSWER_TOOL;
use crate::wire::rich_chat::read_stream;
use crate::wire::rich_chat::rich_chat;

const CLAUDE: &str = "us.anthropic.claude-opus-4-6-v1:0";
const OLDER_CLAUDE: &str = "us.anthropic.claude-sonnet-4-5-20250929-v1:0";
const NOVA: &str = "amazon.nova-pro-v1:0";

fn event(name: &str, value: &Value) -> Vec<u8> {
    let mut value = value.clone();
    value["p"] = json!("abcdefgh");
    let headers = [
        (":event-type", name),
        (":content-type", "application/json"),
        (":message-type", "event"),
    ];
    frame(&headers, value.to_string().as_bytes())
}

fn delta(block: u64, delta: &Value) -> Vec<u8> {
    let told = json!({"contentBlockIndex": block, "delta": delta});
    event("contentBlockDelta", &told)
}

fn stop(block: u64) -> Vec<u8> {
    event("contentBlockStop", &json!({"contentBlockIndex": block}))
}

fn call_start(block: u64, id: &str, name: &str) -> Vec<u8> {
    let start = json!({"toolUse": {"toolUseId": id, "name": name}});
    let told = json!({"contentBlockIndex": block, "start": start});
    event("contentBlockStart", &told)
}

fn end(reason: &str) -> Vec<u8> {
    let usage = json!({"inputTokens": 10, "outputTokens": 5, "totalTokens": 22, "cacheReadInputTokens": 3, "cacheWriteInputTokens": 4});
    [
        event("messageStop", &json!({"stopReason": reason})),
        event(
            "metadata",
            &json!({"usage": usage, "metrics": {"latencyMs": 9}}),
        ),
    ]
    .concat()
}

/// Reasoning with a signature, redacted reasoning, text, two calls of which one has no arguments, a server's tool.
fn stream() -> Vec<u8> {
    let server =
        json!({"toolUse": {"toolUseId": "s", "name": "interpreter", "type": "server_tool_use"}});
    [
        event("messageStart", &json!({"role": "assistant"})),
        delta(0, &json!({"reasoningContent": {"text": "hm "}})),
        delta(0, &json!({"reasoningContent": {"text": "so"}})),
        delta(0, &json!({"reasoningContent": {"signature": "c2ln"}})),
        stop(0),
        delta(1, &json!({"reasoningContent": {"redactedContent": "eA=="}})),
        stop(1),
        delta(2, &json!({"text": "Grüße"})),
        stop(2),
        event(
            "contentBlockStart",
            &json!({"contentBlockIndex": 3, "start": server}),
        ),
        delta(3, &json!({"toolUse": {"input": "{\"code\":1}"}})),
        stop(3),
        call_start(4, "tooluse_a", "f"),
        delta(4, &json!({"toolUse": {"input": "{\"x\":"}})),
        delta(4, &json!({"toolUse": {"input": "1}"}})),
        stop(4),
        call_start(5, "tooluse_b", "g"),
        stop(5),
        end("tool_use"),
    ]
    .concat()
}

fn read(bytes: &[u8]) -> Result<ChatResponse, WireError> {
    read_stream(Wire::Bedrock, &[bytes])
}

#[test]
fn a_stream_with_every_kind_of_block_reads_as_one_answer() {
    let answer = read(&stream()).unwrap();
    assert_eq!(answer.text, "Grüße");
    let sealed = |text: &str, seal: Seal| Reasoning {
        text: text.into(),
        seal,
    };
    let signature = Seal {
        signature: Some("c2ln".into()),
        ..Seal::default()
    };
    let encrypted = Seal {
        encrypted: Some("eA==".into()),
        ..Seal::default()
    };
    assert_eq!(
        answer.reasoning,
        [sealed("hm so", signature), sealed("", encrypted)]
    );
    let calls: Vec<_> = answer
        .tool_calls
        .iter()
        .map(|call| (&*call.id, &*call.name, &*call.arguments))
        .collect();
    assert_eq!(
        calls,
        [("tooluse_a", "f", "{\"x\":1}"), ("tooluse_b", "g", "{}")]
    );
    assert_eq!(answer.unknown, ["interpreter"]);
    assert_eq!(
        (answer.finish, answer.native_finish.as_str()),
        (FinishReason::ToolCalls, "tool_use")
    );
    let usage = answer.usage;
    assert_eq!(
        (
            usage.input,
            usage.cache_read,
            usage.cache_write,
            usage.output
        ),
        (10, 3, 4, 5)
    );
}

#[test]
fn a_whole_answer_says_the_same() {
    let body = json!({"output": {"message": {"role": "assistant", "content": [
        {"reasoningContent": {"reasoningText": {"text": "hm so", "signature": "c2ln"}}},
        {"reasoningContent": {"redactedContent": "eA=="}},
        {"text": "Grüße"},
        {"toolUse": {"toolUseId": "s", "name": "interpreter", "input": {"code": 1}, "type": "server_tool_use"}},
        {"toolUse": {"toolUseId": "tooluse_a", "name": "f", "input": {"x": 1}}},
        {"toolUse": {"toolUseId": "tooluse_b", "name": "g", "input": {}}},
    ]}}, "stopReason": "tool_use", "usage": {"inputTokens": 10, "outputTokens": 5, "cacheReadInputTokens": 3, "cacheWriteInputTokens": 4}});
    let whole = decode_response(
        Wire::Bedrock,
        body.to_string().as_bytes(),
        &Quirks::default(),
    );
    assert_eq!(whole, read(&stream()));
}

#[test]
fn an_answer_had_as_a_call_is_text() {
    let bytes = [
        event("messageStart", &json!({"role": "assistant"})),
        call_start(0, "tooluse_a", ANSWER_TOOL),
        delta(0, &json!({"toolUse": {"input": "{\"n\":"}})),
        delta(0, &json!({"toolUse": {"input": "3}"}})),
        stop(0),
        end("tool_use"),
    ]
    .concat();
    let answer = read(&bytes).unwrap();
    assert_eq!(
        (answer.text.as_str(), answer.finish),
        ("{\"n\":3}", FinishReason::Stop)
    );
    assert!(answer.tool_calls.is_empty());
    let body = json!({"output": {"message": {"content": [{"toolUse": {"toolUseId": "a", "name": ANSWER_TOOL, "input": {"n": 3}}}]}}, "stopReason": "tool_use"});
    let whole = decode_response(
        Wire::Bedrock,
        body.to_string().as_bytes(),
        &Quirks::default(),
    )
    .unwrap();
    assert_eq!(
        (whole.text.as_str(), whole.finish),
        ("{\"n\":3}", FinishReason::Stop)
    );
}

#[test]
fn a_stream_is_over_with_its_stop_and_cut_before_it() {
    let text = [
        delta(0, &json!({"text": "a"})),
        stop(0),
        event("messageStop", &json!({"stopReason": "max_tokens"})),
    ]
    .concat();
    assert_eq!(read(&text).unwrap().finish, FinishReason::Length);
    for cut in 1..text.len() {
        assert_eq!(
            read(&text[..cut]),
            Err(WireError::Truncated),
            "cut at {cut}"
        );
    }
}

#[test]
fn an_exception_in_the_middle_has_its_class() {
    let cases = [
        ("throttlingException", "Too many requests", "rate_limited"),
        ("modelStreamErrorException", "boom", "overloaded"),
        ("internalServerException", "boom", "overloaded"),
        ("serviceUnavailableException", "boom", "overloaded"),
        ("validationException", "no such field", "invalid_request"),
        (
            "validationException",
            "Input is too long for requested model.",
            "context_length_exceeded",
        ),
    ];
    for (kind, message, class) in cases {
        let headers = [(":message-type", "exception"), (":exception-type", kind)];
        let payload = json!({"message": message, "p": "abc"}).to_string();
        let bytes = [
            delta(0, &json!({"text": "a"})),
            frame(&headers, payload.as_bytes()),
        ]
        .concat();
        match read(&bytes) {
            Err(WireError::Upstream(found, said)) => {
                assert_eq!((found.code(), said.as_str()), (class, message), "{kind}");
            }
            other => panic!("{kind}: {other:?}"),
        }
    }
}

#[test]
fn the_end_has_its_reason() {
    for (word, finish) in [
        ("end_turn", FinishReason::Stop),
        ("stop_sequence", FinishReason::Stop),
        ("model_context_window_exceeded", FinishReason::Length),
        ("guardrail_intervened", FinishReason::ContentFilter),
        ("content_filtered", FinishReason::ContentFilter),
    ] {
        assert_eq!(read(&end(word)).unwrap().finish, finish, "{word}");
    }
    let malformed = read(&end("malformed_tool_use"));
    assert!(matches!(
        malformed,
        Err(WireError::Upstream(LlmErrorKind::MalformedResponse, _))
    ));
}

fn invoked(events: &[Value]) -> Result<ChatResponse, WireError> {
    let chunk = |value: &Value| {
        event(
            "chunk",
            &json!({"bytes": base64::encode(value.to_string().as_bytes())}),
        )
    };
    let bytes: Vec<Vec<u8>> = events.iter().map(chunk).collect();
    read(&bytes.concat())
}

#[test]
fn the_streams_of_models_themselves_are_read() {
    let metrics = json!({"inputTokenCount": 7, "outputTokenCount": 2});
    let completion = [
        json!({"type": "completion", "completion": " Par", "stop_reason": null, "stop": null}),
        json!({"type": "completion", "completion": "is", "stop_reason": "stop_sequence", "amazon-bedrock-invocationMetrics": metrics}),
    ];
    let messages = [
        json!({"type": "message_start", "message": {"id": "msg_1", "model": "claude", "usage": {"input_tokens": 7, "output_tokens": 1}}}),
        json!({"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}}),
        json!({"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": " Paris"}}),
        json!({"type": "content_block_stop", "index": 0}),
        json!({"type": "message_delta", "delta": {"stop_reason": "stop_sequence"}, "usage": {"output_tokens": 2}}),
        json!({"type": "message_stop", "amazon-bedrock-invocationMetrics": {"inputTokenCount": 99, "outputTokenCount": 99}}),
    ];
    let nova = [
        json!({"messageStart": {"role": "assistant"}}),
        json!({"contentBlockDelta": {"delta": {"text": " Paris"}, "contentBlockIndex": 0}}),
        json!({"messageStop": {"stopReason": "end_turn"}}),
        json!({"metadata": {"usage": {"inputTokens": 7, "outputTokens": 2}}, "amazon-bedrock-invocationMetrics": metrics}),
    ];
    let llama = [
        json!({"generation": " Par", "stop_reason": null, "prompt_token_count": 7, "generation_token_count": 1}),
        json!({"generation": "is", "stop_reason": "stop", "generation_token_count": 2, "amazon-bedrock-invocationMetrics": metrics}),
    ];
    for events in [&completion[..], &messages, &nova, &llama] {
        let answer = invoked(events).unwrap();
        assert_eq!(answer.text, " Paris", "{events:?}");
        assert_eq!(answer.finish, FinishReason::Stop, "{events:?}");
        assert_eq!(
            (answer.usage.input, answer.usage.output),
            (7, 2),
            "{events:?}"
        );
        let cut = invoked(&events[..events.len() - 2]);
        assert!(cut.is_err(), "{events:?}");
    }
}

#[test]
fn the_answers_of_models_themselves_are_read() {
    let bodies = [
        json!({"id": "msg_1", "type": "message", "content": [{"type": "text", "text": "Paris"}], "stop_reason": "max_tokens", "usage": {"input_tokens": 7, "output_tokens": 2}}),
        json!({"generation": "Paris", "stop_reason": "length", "prompt_token_count": 7, "generation_token_count": 2}),
        json!({"inputTextTokenCount": 7, "results": [{"outputText": "Paris", "tokenCount": 2, "completionReason": "LENGTH"}]}),
        json!({"choices": [{"message": {"content": "Paris"}, "finish_reason": "length"}], "usage": {"prompt_tokens": 7, "completion_tokens": 2}}),
    ];
    for body in bodies {
        let answer = decode_response(
            Wire::Bedrock,
            body.to_string().as_bytes(),
            &Quirks::default(),
        )
        .unwrap();
        assert_eq!(
            (
                answer.text.as_str(),
                answer.finish,
                answer.usage.input,
                answer.usage.output
            ),
            ("Paris", FinishReason::Length, 7, 2),
            "{body}"
        );
    }
    let garbage = decode_response(Wire::Bedrock, b"{\"a\":1}", &Quirks::default());
    assert!(matches!(garbage, Err(WireError::Malformed(_))));
}

fn written(model: &str, chat: &Chat, quirks: &Quirks) -> (Encoded, Value) {
    let context = EncodeContext {
        model,
        stream: true,
        quirks,
        default_max_output_tokens: 4096,
    };
    let encoded = encode(Wire::Bedrock, chat, &context).unwrap();
    let body = serde_json::from_slice(&encoded.body).unwrap();
    (encoded, body)
}

fn shown(model: &str, quirks: &Quirks) -> String {
    let (encoded, body) = written(model, &rich_chat(), quirks);
    format!("{}\ndropped: {:?}\n{body:#}", encoded.path, encoded.dropped)
}

#[test]
fn the_request_holds_everything() {
    insta::assert_snapshot!(shown(CLAUDE, &Quirks::default()));
}

#[test]
fn another_family_is_asked_in_its_own_way() {
    let quirks = Quirks {
        json: JsonSupport::Tool,
        ..Quirks::default()
    };
    insta::assert_snapshot!(shown(NOVA, &quirks));
}

#[test]
fn the_path_holds_any_model_id() {
    let arn = "arn:aws:bedrock:us-east-1:1:inference-profile/us.amazon.nova-lite-v1:0";
    let (encoded, _) = written(arn, &rich_chat(), &Quirks::default());
    assert_eq!(
        encoded.path,
        "/model/arn%3Aaws%3Abedrock%3Aus-east-1%3A1%3Ainference-profile%2Fus.amazon.nova-lite-v1%3A0/converse-stream"
    );
}

fn asking(effort: ReasoningEffort) -> Chat {
    Chat {
        messages: vec![Message::text(Role::User, "hi")],
        reasoning_effort: Some(effort),
        ..Chat::default()
    }
}

#[test]
fn every_family_is_asked_to_reason_in_its_own_words() {
    use ReasoningEffort as Effort;
    let usual = Quirks::default();
    let cases = [
        (
            CLAUDE,
            Effort::High,
            json!({"thinking": {"type": "adaptive"}, "output_config": {"effort": "high"}}),
            false,
        ),
        (
            CLAUDE,
            Effort::Minimal,
            json!({"thinking": {"type": "adaptive"}, "output_config": {"effort": "low"}}),
            true,
        ),
        (
            CLAUDE,
            Effort::None,
            json!({"thinking": {"type": "disabled"}}),
            false,
        ),
        (
            OLDER_CLAUDE,
            Effort::Medium,
            json!({"thinking": {"type": "enabled", "budget_tokens": 2048}}),
            false,
        ),
        (
            OLDER_CLAUDE,
            Effort::Minimal,
            json!({"thinking": {"type": "enabled", "budget_tokens": 1024}}),
            true,
        ),
        (
            "anthropic.claude-3-haiku-20240307-v1:0",
            Effort::Low,
            Value::Null,
            true,
        ),
        (
            NOVA,
            Effort::Medium,
            json!({"reasoningConfig": {"type": "enabled", "maxReasoningEffort": "medium"}}),
            false,
        ),
        (
            NOVA,
            Effort::Max,
            json!({"reasoningConfig": {"type": "enabled", "maxReasoningEffort": "high"}}),
            true,
        ),
        (
            "openai.gpt-oss-120b-1:0",
            Effort::Low,
            json!({"reasoning_effort": "low"}),
            false,
        ),
        (
            "openai.gpt-oss-120b-1:0",
            Effort::None,
            json!({"reasoning_effort": "low"}),
            true,
        ),
        (
            "qwen.qwen3-32b-v1:0",
            Effort::High,
            json!({"reasoning_effort": "high"}),
            false,
        ),
        ("us.deepseek.r1-v1:0", Effort::High, Value::Null, true),
    ];
    for (model, effort, fields, told) in cases {
        let (encoded, body) = written(model, &asking(effort), &usual);
        assert_eq!(
            body["additionalModelRequestFields"], fields,
            "{model} {effort:?}"
        );
        let dropped = encoded.dropped.contains(&"reasoning_effort".to_owned());
        assert_eq!(dropped, told, "{model} {effort:?}");
    }
    let budget = Quirks {
        reasoning: ReasoningStyle::Budget,
        ..Quirks::default()
    };
    let (_, body) = written(CLAUDE, &asking(Effort::Low), &budget);
    let thinking = json!({"thinking": {"type": "enabled", "budget_tokens": 1024}});
    assert_eq!(body["additionalModelRequestFields"], thinking);
    assert_eq!(body["inferenceConfig"]["maxTokens"], 4096);
}

#[test]
fn a_budget_leaves_room_for_the_answer_and_fixes_the_sampling() {
    let mut chat = rich_chat();
    chat.reasoning_effort = Some(ReasoningEffort::High);
    chat.sampling.max_output_tokens = Some(2000);
    chat.sampling.top_k = Some(5);
    let (encoded, body) = written(OLDER_CLAUDE, &chat, &Quirks::default());
    let thinking = json!({"thinking": {"type": "enabled", "budget_tokens": 1999}});
    assert_eq!(body["additionalModelRequestFields"], thinking);
    assert_eq!(
        body["inferenceConfig"],
        json!({"maxTokens": 2000, "stopSequences": ["END"]})
    );
    assert_eq!(body["toolConfig"].get("toolChoice"), None);
    let lost = [
        "temperature",
        "top_p",
        "seed",
        "reasoning_effort",
        "tool_choice",
        "user",
        "top_k",
    ];
    assert_eq!(encoded.dropped, lost);
    chat.sampling.max_output_tokens = Some(64);
    let (_, body) = written(OLDER_CLAUDE, &chat, &Quirks::default());
    assert_eq!(body["additionalModelRequestFields"], json!({"top_k": 5}));
}

#[test]
fn no_call_means_no_tools_unless_the_conversation_holds_some() {
    let mut chat = rich_chat();
    chat.tool_choice = ToolChoice::None;
    let (encoded, body) = written(CLAUDE, &chat, &Quirks::default());
    assert_eq!(body["toolConfig"]["tools"][0]["toolSpec"]["name"], "look");
    assert!(encoded.dropped.contains(&"tool_choice".to_owned()));
    chat.tools.clear();
    let (_, body) = written(CLAUDE, &chat, &Quirks::default());
    assert_eq!(body["toolConfig"]["tools"][0]["toolSpec"]["name"], "look");
    let mut chat = rich_chat();
    chat.tool_choice = ToolChoice::None;
    chat.messages.truncate(2);
    let (encoded, body) = written(CLAUDE, &chat, &Quirks::default());
    assert_eq!(body.get("toolConfig"), None);
    assert!(!encoded.dropped.contains(&"tool_choice".to_owned()));
}

#[test]
fn a_model_that_cannot_be_made_to_call_is_given_the_choice_and_the_schema_in_words() {
    let mut chat = rich_chat();
    let quirks = Quirks {
        json: JsonSupport::Tool,
        ..Quirks::default()
    };
    let (encoded, body) = written("meta.llama3-1-70b-instruct-v1:0", &chat, &quirks);
    assert_eq!(body["toolConfig"].get("toolChoice"), None);
    assert_eq!(body["toolConfig"]["tools"].as_array().unwrap().len(), 1);
    assert!(encoded.dropped.contains(&"tool_choice".to_owned()));
    let told = body["system"][1]["text"].as_str().unwrap();
    assert!(told.contains("JSON schema"), "{told}");
    chat.tools.clear();
    chat.messages.truncate(2);
    let (_, body) = written(CLAUDE, &chat, &quirks);
    assert_eq!(
        body["toolConfig"]["toolChoice"],
        json!({"tool": {"name": ANSWER_TOOL}})
    );
}

#[test]
fn documents_have_names_of_their_own_and_a_text_beside_them() {
    let file = |name: &str, media_type: &str| ContentPart::File {
        name: Some(name.into()),
        media: Media {
            media_type: media_type.into(),
            source: MediaSource::Base64("eA==".into()),
        },
    };
    let mut message = Message::text(Role::User, " ");
    message
        .parts
        .push(file("my_report (v1).pdf", "application/pdf"));
    message
        .parts
        .push(file("my report (v1) pdf", "application/pdf"));
    message.parts.push(file("notes.md", "text/plain"));
    let chat = Chat {
        messages: vec![message],
        ..Chat::default()
    };
    let (_, body) = written(CLAUDE, &chat, &Quirks::default());
    let blocks = body["messages"][0]["content"].as_array().unwrap();
    assert!(blocks[0]["text"].is_string());
    let names: Vec<_> = blocks[1..]
        .iter()
        .map(|block| {
            let document = &block["document"];
            (
                document["name"].as_str().unwrap(),
                document["format"].as_str().unwrap(),
            )
        })
        .collect();
    assert_eq!(
        names,
        [
            ("my report (v1) pdf", "pdf"),
            ("my report (v1) pdf 2", "pdf"),
            ("notes md", "md")
        ]
    );
}

#[test]
fn what_cannot_be_sent_is_refused() {
    let media = |media_type: &str, source: MediaSource| Media {
        media_type: media_type.into(),
        source,
    };
    let address = MediaSource::Url("https://example.org/a.png".into());
    let bytes = MediaSource::Base64("eA==".into());
    let parts = [
        ContentPart::Image(media("image/png", address)),
        ContentPart::Image(media("image/tiff", bytes.clone())),
        ContentPart::Audio(media("audio/wav", bytes.clone())),
        ContentPart::File {
            name: None,
            media: media("application/zip", bytes),
        },
    ];
    for part in parts {
        let mut message = Message::text(Role::User, "x");
        message.parts.push(part);
        let chat = Chat {
            messages: vec![message],
            ..Chat::default()
        };
        let context = EncodeContext {
            model: CLAUDE,
            stream: false,
            quirks: &Quirks::default(),
            default_max_output_tokens: 1024,
        };
        let refused = encode(Wire::Bedrock, &chat, &context);
        assert!(
            matches!(refused, Err(WireError::Unsupported(_))),
            "{refused:?}"
        );
    }
}

#[test]
fn an_answer_goes_back_as_it_came() {
    let answer = read(&stream()).unwrap();
    let mut failed = Message::text(Role::Tool, "");
    failed.tool_call_id = Some("tooluse_b".into());
    failed.tool_failed = true;
    let mut result = Message::text(Role::Tool, "1");
    result.tool_call_id = Some("tooluse_a".into());
    let mut question = Message::text(Role::User, "and?");
    question.parts.push(ContentPart::CachePoint(CacheTtl::Hour));
    let chat = Chat {
        messages: vec![answer.into_message(), question, result, failed],
        ..Chat::default()
    };
    let (_, body) = written(CLAUDE, &chat, &Quirks::default());
    let messages = json!([
        {"role": "user", "content": [{"text": "Please continue."}]},
        {"role": "assistant", "content": [
            {"reasoningContent": {"reasoningText": {"text": "hm so", "signature": "c2ln"}}},
            {"reasoningContent": {"redactedContent": "eA=="}},
            {"text": "Grüße"},
            {"toolUse": {"toolUseId": "tooluse_a", "name": "f", "input": {"x": 1}}},
            {"toolUse": {"toolUseId": "tooluse_b", "name": "g", "input": {}}},
        ]},
        {"role": "user", "content": [
            {"toolResult": {"toolUseId": "tooluse_a", "content": [{"text": "1"}]}},
            {"toolResult": {"toolUseId": "tooluse_b", "content": [{"text": "(nothing)"}], "status": "error"}},
            {"text": "and?"},
            {"cachePoint": {"type": "default", "ttl": "1h"}},
        ]},
    ]);
    assert_eq!(body["messages"], messages);
    let (encoded, _) = written("meta.llama3-1-8b-instruct-v1:0", &chat, &Quirks::default());
    assert_eq!(encoded.dropped, ["cache_control"]);
}

#[test]
fn foreign_ids_of_calls_are_rewritten_always_to_the_same() {
    let ids = |model: &str, id: &str| {
        let mut call = Message::text(Role::Assistant, "");
        call.tool_calls = vec![ToolCall {
            id: id.into(),
            name: "f".into(),
            arguments: "[1]".into(),
            signature: None,
        }];
        let mut result = Message::text(Role::Tool, "1");
        result.tool_call_id = Some(id.into());
        let chat = Chat {
            messages: vec![Message::text(Role::User, "x"), call, result],
            ..Chat::default()
        };
        let (_, body) = written(model, &chat, &Quirks::default());
        let call = &body["messages"][1]["content"][0]["toolUse"];
        assert_eq!(call["input"], json!({"arguments": "[1]"}));
        let result = &body["messages"][2]["content"][0]["toolResult"];
        assert_eq!(call["toolUseId"], result["toolUseId"]);
        call["toolUseId"].as_str().unwrap().to_owned()
    };
    assert_eq!(ids(CLAUDE, "call_1.a:b-c"), "call_1.a:b-c");
    for id in ["", "call/1", &"x".repeat(65)] {
        let rewritten = ids(CLAUDE, id);
        assert!(rewritten.starts_with("tooluse_") && rewritten.len() <= 64);
    }
    assert_ne!(ids(CLAUDE, "call/1"), ids(CLAUDE, "call_1"));
    let nine = ids("mistral.mistral-large-2407-v1:0", "call_1");
    assert!(nine.len() == 9 && nine.chars().all(|c| c.is_ascii_alphanumeric()));
}

#[test]
fn some_json_object_is_asked_for_in_words() {
    let chat = Chat {
        messages: vec![Message::text(Role::User, "x")],
        format: ResponseFormat::JsonObject,
        ..Chat::default()
    };
    let (encoded, body) = written(CLAUDE, &chat, &Quirks::default());
    assert!(body["system"][0]["text"].as_str().unwrap().contains("JSON"));
    assert!(encoded.dropped.is_empty());
}

proptest! {
    #[test]
    fn any_split_of_the_bytes_gives_the_same_answer(cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..20)) {
        let bytes = stream();
        let mut at: Vec<usize> = cuts.iter().map(|cut| cut.index(bytes.len() + 1)).collect();
        at.extend([0, bytes.len()]);
        at.sort_unstable();
        let pieces: Vec<&[u8]> = at.windows(2).map(|pair| &bytes[pair[0]..pair[1]]).collect();
        prop_assert_eq!(read_stream(Wire::Bedrock, &pieces), read(&bytes));
    }

    #[test]
    fn no_bytes_make_it_panic(
        bytes in prop::collection::vec(any::<u8>(), 0..300),
        name in prop::sample::select(vec!["contentBlockStart", "contentBlockDelta", "contentBlockStop", "messageStop", "metadata", "chunk"]),
        json in "[\\[\\]{}\":,a-z0-9 ]{0,80}",
        key in prop::sample::select(vec!["start", "delta", "bytes", "usage", "contentBlockIndex"]),
    ) {
        let headers = [(":message-type", "event"), (":event-type", name)];
        let broken = frame(&headers, json.as_bytes());
        let odd = frame(&headers, format!("{{\"{key}\":{{\"toolUse\":\"x\",\"{json}\":1}}}}").as_bytes());
        let _ = read_stream(Wire::Bedrock, &[&broken, &bytes]);
        let _ = read_stream(Wire::Bedrock, &[&odd, &bytes]);
        let _ = read_stream(Wire::Bedrock, &[&bytes]);
        let _ = read_stream(Wire::Bedrock, &[json.as_bytes()]);
    }
}
