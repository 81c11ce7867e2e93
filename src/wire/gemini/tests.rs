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
use crate::types::ResponseBuilder;
use crate::types::Role;
use crate::types::Seal;
use crate::types::Tool;
use crate::types::ToolCall;
use crate::types::ToolChoice;
use crate::types::Usage;
use crate::types::Wire;
use crate::types::quirks::JsonSupport;
use crate::types::quirks::Param;
use crate::types::quirks::Quirks;
use crate::types::quirks::ReasoningStyle;
use crate::wire::EncodeContext;
use crate::wire::Encoded;
use crate::wire::StreamDecoder;
use crate::wire::WireError;
use crate::wire::decode_response;
use crate::wire::encode;
use crate::wire::rich_chat::encoded;
use crate::wire::rich_chat::read_stream;
use crate::wire::rich_chat::rich_chat;

const STREAM: &str = concat!(
    "data: {\"candidates\":[{\"content\":{\"role\":\"model\",\"parts\":[{\"text\":\"**Plan**\",\"thought\":true}]},\"index\":0}],\"usageMetadata\":{\"promptTokenCount\":30,\"thoughtsTokenCount\":4,\"totalTokenCount\":34},\"modelVersion\":\"gemini-2.5-pro\",\"responseId\":\"r1\"}\r\n\r\n",
    ": nothing\r\n\r\n",
    "data: {\"candidates\":[],\"usageMetadata\":{}}\r\n\r\n",
    "data: {\"candidates\":[{\"content\":{\"role\":\"model\",\"parts\":[{\"text\":\"Gr\u{fc}\u{df}e\"},{\"text\":\"!\",\"thoughtSignature\":\"c2ln\"}]},\"index\":0},{\"index\":1,\"content\":{\"parts\":[{\"text\":\"other\"}]}}],\"responseId\":\"r1\"}\r\n\r\n",
    "data: {\"candidates\":[{\"content\":{\"role\":\"model\",\"parts\":[{\"functionCall\":{\"name\":\"f\",\"args\":{\"x\":1}},\"thoughtSignature\":\"Y2FsbA==\"},{\"functionCall\":{\"name\":\"f\"}}]},\"index\":0}]}\r\n\r\n",
    "data: {\"candidates\":[{\"content\":{\"role\":\"model\",\"parts\":[{\"functionCall\":{\"id\":\"own\",\"name\":\"g\",\"args\":{}}}]},\"index\":0}]}\r\n\r\n",
    "data: {\"candidates\":[{\"content\":{\"role\":\"model\",\"parts\":[{\"text\":\"\"}]},\"finishReason\":\"STOP\",\"index\":0}],\"usageMetadata\":{\"promptTokenCount\":40,\"cachedContentTokenCount\":8,\"candidatesTokenCount\":9,\"thoughtsTokenCount\":4,\"toolUsePromptTokenCount\":5,\"totalTokenCount\":58,\"promptTokensDetails\":[{\"modality\":\"TEXT\",\"tokenCount\":33},{\"modality\":\"AUDIO\",\"tokenCount\":7}]}}\r\n\r\n",
);

fn read(stream: &str) -> Result<ChatResponse, WireError> {
    read_stream(Wire::Gemini, &[stream.as_bytes()])
}

/// What was said before the answer failed, and the failure.
fn read_to_failure(stream: &str) -> (ChatResponse, WireError) {
    let mut decoder = StreamDecoder::new(Wire::Gemini, &Quirks::default());
    let mut chunks = Vec::new();
    let pushed = decoder.push(stream.as_bytes(), &mut chunks);
    let failed = pushed.and_then(|()| decoder.finish(&mut chunks));
    let mut builder = ResponseBuilder::default();
    chunks.iter().for_each(|chunk| builder.push(chunk));
    (builder.finish(), failed.unwrap_err())
}

fn sent(chat: &Chat, model: &str, quirks: &Quirks) -> (Value, Encoded) {
    let context = EncodeContext {
        model,
        stream: false,
        quirks,
        default_max_output_tokens: 1024,
    };
    let encoded = encode(Wire::Gemini, chat, &context).unwrap();
    (serde_json::from_slice(&encoded.body).unwrap(), encoded)
}

fn asked(text: &str) -> Chat {
    Chat {
        messages: vec![Message::text(Role::User, text)],
        ..Chat::default()
    }
}

fn call(id: &str, name: &str) -> ToolCall {
    ToolCall {
        id: id.into(),
        name: name.into(),
        arguments: "{}".into(),
        signature: None,
    }
}

fn result(id: &str, text: &str) -> Message {
    Message {
        tool_call_id: Some(id.into()),
        ..Message::text(Role::Tool, text)
    }
}

#[test]
fn a_stream_with_every_oddity_reads_as_one_answer() {
    let answer = read(STREAM).unwrap();
    assert_eq!(
        (answer.id.as_str(), answer.model.as_str()),
        ("r1", "gemini-2.5-pro")
    );
    assert_eq!(answer.text, "Grüße!");
    let sealed = Seal {
        signature: Some("c2ln".into()),
        ..Seal::default()
    };
    // The signature of the text is not that of the thought before it.
    let thought = Reasoning {
        text: "**Plan**".into(),
        seal: Seal::default(),
    };
    let signed = Reasoning {
        text: String::new(),
        seal: sealed,
    };
    assert_eq!(answer.reasoning, [thought, signed]);
    let calls: Vec<_> = answer
        .tool_calls
        .iter()
        .map(|call| {
            (
                call.id.as_str(),
                call.name.as_str(),
                call.arguments.as_str(),
            )
        })
        .collect();
    assert_eq!(
        calls,
        [
            ("call_r1_0", "f", "{\"x\":1}"),
            ("call_r1_1", "f", "{}"),
            ("own", "g", "{}")
        ]
    );
    assert_eq!(answer.tool_calls[0].signature.as_deref(), Some("Y2FsbA=="));
    assert_eq!(answer.tool_calls[1].signature, None);
    assert_eq!(answer.finish, FinishReason::ToolCalls);
    assert_eq!(answer.native_finish, "STOP");
    let usage = Usage {
        input: 30,
        cache_read: 8,
        output: 9,
        reasoning: 4,
        audio_in: 7,
        ..Usage::default()
    };
    assert_eq!(answer.usage, usage);
    assert!(answer.unknown.is_empty(), "{:?}", answer.unknown);
}

#[test]
fn an_array_and_a_stream_of_the_same_events_are_the_same_answer() {
    let events = STREAM
        .split("\r\n\r\n")
        .filter_map(|it| it.strip_prefix("data: "));
    let array = format!("[{}\n]", events.collect::<Vec<_>>().join("\n,\n"));
    assert_eq!(read(&array), read(STREAM));
    let (said, failed) = read_to_failure(&array[..array.len() - 40]);
    assert_eq!(
        (said.text.as_str(), failed),
        ("Grüße!", WireError::Truncated)
    );
}

#[test]
fn a_stream_without_its_last_event_is_truncated() {
    let cut = STREAM.rfind("data: ").unwrap();
    assert_eq!(read(&STREAM[..cut]), Err(WireError::Truncated));
    assert_eq!(read(&STREAM[..cut + 30]), Err(WireError::Truncated));
}

#[test]
fn an_error_in_the_middle_is_an_error_in_every_spelling() {
    let error = r#"{"error":{"code":503,"message":"boom","status":"UNAVAILABLE"}}"#;
    let begun = r#"data: {"candidates":[{"content":{"parts":[{"text":"a"}]}}]}"#;
    for spelling in [error.to_owned(), format!("[{error}]")] {
        let (said, failed) = read_to_failure(&format!("{begun}\r\n\r\ndata: {spelling}\r\n\r\n"));
        assert_eq!(said.text, "a");
        let WireError::Upstream(kind, message) = failed else {
            panic!("{failed:?}");
        };
        assert_eq!(message, "boom");
        assert!(matches!(kind, LlmErrorKind::Overloaded { .. }), "{kind:?}");
        // An error without framing, where a stream was asked for.
        assert!(matches!(read(&spelling), Err(WireError::Upstream(_, _))));
    }
}

#[test]
fn what_google_holds_back_is_a_content_filter_with_its_own_word() {
    for (body, native) in [
        (
            r#"{"candidates":[{"content":{},"finishReason":"SAFETY"}]}"#,
            "SAFETY",
        ),
        (
            r#"{"promptFeedback":{"blockReason":"PROHIBITED_CONTENT"},"usageMetadata":{"promptTokenCount":3}}"#,
            "PROHIBITED_CONTENT",
        ),
        (r#"{"candidates":[{"finishReason":3,"index":0}]}"#, "SAFETY"),
    ] {
        for stream in [body.to_owned(), format!("data: {body}\r\n\r\n")] {
            let answer = read(&stream).unwrap();
            assert_eq!(answer.finish, FinishReason::ContentFilter, "{body}");
            assert_eq!(answer.native_finish, native);
        }
    }
}

#[test]
fn an_answer_that_is_none_is_malformed_and_its_tokens_are_told() {
    let body = r#"{"candidates":[{"finishReason":"MALFORMED_FUNCTION_CALL","finishMessage":"print(f"}],"usageMetadata":{"promptTokenCount":11}}"#;
    for stream in [body.to_owned(), format!("data: {body}\r\n\r\n")] {
        let (said, failed) = read_to_failure(&stream);
        let malformed = LlmErrorKind::MalformedResponse;
        assert_eq!(failed, WireError::Upstream(malformed, "print(f".into()));
        assert_eq!(said.usage.input, 11);
        assert_eq!(said.native_finish, "MALFORMED_FUNCTION_CALL");
    }
}

#[test]
fn a_call_that_nobody_offered_is_kept_where_it_is_told() {
    let told = r#"{"candidates":[{"content":{"parts":[{"functionCall":{"name":"f"}}]},"finishReason":"UNEXPECTED_TOOL_CALL"}]}"#;
    let answer = read(told).unwrap();
    assert_eq!(answer.tool_calls[0].id, "call_0");
    assert_eq!(
        (answer.finish, answer.native_finish.as_str()),
        (FinishReason::ToolCalls, "UNEXPECTED_TOOL_CALL")
    );
    let untold = r#"{"candidates":[{"finishReason":"UNEXPECTED_TOOL_CALL"}]}"#;
    assert!(matches!(
        read(untold),
        Err(WireError::Upstream(LlmErrorKind::MalformedResponse, _))
    ));
}

#[test]
fn the_first_end_counts_unless_it_was_a_plain_stop() {
    let event =
        |word: &str| format!("data: {{\"candidates\":[{{\"finishReason\":\"{word}\"}}]}}\n\n");
    let finish = |words: [&str; 2]| read(&words.map(event).concat()).unwrap().finish;
    assert_eq!(finish(["STOP", "MAX_TOKENS"]), FinishReason::Length);
    assert_eq!(finish(["MAX_TOKENS", "STOP"]), FinishReason::Length);
    assert_eq!(finish(["STOP", "OTHER"]), FinishReason::Stop);
}

#[test]
fn everything_that_is_not_understood_is_named() {
    let body = r#"{"candidates":[{"content":{"parts":[{"executableCode":{"code":"1"}},{"inlineData":{"mimeType":"image/png","data":"AA=="},"thoughtSignature":"eA=="},{"text":"x"}]},"groundingMetadata":{"a":1},"citationMetadata":{},"finishReason":"STOP","avgLogprobs":-1.5,
        "logprobsResult":{"chosenCandidates":[{"token":"x","logProbability":-0.5}],"topCandidates":[{"candidates":[{"token":"x","logProbability":-0.5},{"token":"y","logProbability":-1.0}]}]}}]}"#;
    let answer = read(body).unwrap();
    assert_eq!(
        answer.unknown,
        ["groundingMetadata", "executableCode", "inlineData"]
    );
    assert_eq!(answer.text, "x");
    assert_eq!(answer.reasoning[0].seal.signature.as_deref(), Some("eA=="));
    assert_eq!(answer.logprobs[0].top[1], ("y".to_owned(), -1.0));
}

#[test]
fn arguments_in_pieces_become_whole() {
    let pieces = [
        r#"{"functionCall":{"name":"f","willContinue":true}}"#,
        r#"{"functionCall":{"partialArgs":[{"jsonPath":"$.a.b[1]","stringValue":"x","willContinue":true}],"willContinue":true}}"#,
        r#"{"functionCall":{"partialArgs":[{"jsonPath":"$.a.b[1]","stringValue":"y"},{"jsonPath":"$['n']","numberValue":2}],"willContinue":true}}"#,
        r#"{"functionCall":{}}"#,
        r#"{"functionCall":{"name":"g","args":{"z":1}}}"#,
    ];
    let event = |part: &&str| {
        format!("data: {{\"candidates\":[{{\"content\":{{\"parts\":[{part}]}}}}]}}\r\n\r\n")
    };
    let stream: String = pieces.iter().map(event).collect();
    let answer = read(&format!(
        "{stream}data: {{\"candidates\":[{{\"finishReason\":\"STOP\"}}]}}\r\n\r\n"
    ))
    .unwrap();
    let arguments: Vec<&str> = answer
        .tool_calls
        .iter()
        .map(|call| call.arguments.as_str())
        .collect();
    assert_eq!(
        arguments,
        [r#"{"a":{"b":[null,"xy"]},"n":2}"#, r#"{"z":1}"#]
    );
}

#[test]
fn garbage_is_called_malformed() {
    for garbage in [
        "<html>busy</html>",
        "{}",
        "data: {\"candidates\":[\r\n\r\n",
        "[7",
        "data: hello\n\n",
    ] {
        let read = read(garbage);
        let named = matches!(read, Err(WireError::Malformed(_) | WireError::Truncated));
        assert!(named, "{garbage}: {read:?}");
    }
    let counted = decode_response(Wire::Gemini, b"{\"totalTokens\":7}", &Quirks::default());
    assert_eq!(counted.unwrap().text, "");
}

#[test]
fn the_request_holds_everything() {
    insta::assert_snapshot!(encoded(Wire::Gemini, &Quirks::default()));
}

#[test]
fn quirks_change_the_request_and_what_is_lost_is_told() {
    let quirks = Quirks {
        drop_params: [Param::Temperature, Param::Stop].into(),
        json: JsonSupport::Prompt,
        reasoning: ReasoningStyle::Budget,
        ..Quirks::default()
    };
    insta::assert_snapshot!(encoded(Wire::Gemini, &quirks));
}

#[test]
fn the_path_names_model_and_method() {
    let path = |model: &str| sent(&asked("hi"), model, &Quirks::default()).1.path;
    assert_eq!(
        path("gemini-2.5-pro"),
        "/models/gemini-2.5-pro:generateContent"
    );
    assert_eq!(
        path("models/gemini-2.5-pro"),
        "/models/gemini-2.5-pro:generateContent"
    );
    assert_eq!(path("tunedModels/x"), "/tunedModels/x:generateContent");
    assert_eq!(path("a b/c:d"), "/models/a%20b%2Fc%3Ad:generateContent");
}

#[test]
fn the_third_generation_takes_json_beside_tools_and_wants_signatures() {
    let mut chat = rich_chat();
    let picture = chat.messages[1].parts[1].clone();
    chat.messages[3].parts.push(picture);
    let (old, _) = sent(&chat, "gemini-2.5-flash", &Quirks::default());
    assert_eq!(old["generationConfig"].get("responseJsonSchema"), None);
    assert!(
        old["systemInstruction"].to_string().contains("JSON schema"),
        "{old}"
    );
    assert_eq!(old["contents"][1]["parts"][0].get("thoughtSignature"), None);
    assert_eq!(
        old["contents"][2]["parts"][0]["functionResponse"].get("parts"),
        None
    );
    assert_eq!(
        old["contents"][3]["parts"][0]["inlineData"]["mimeType"],
        "image/png"
    );

    for model in [
        "gemini-3-flash-preview",
        "gemini-flash-latest",
        "models/gemini-3.1-pro",
    ] {
        let (new, _) = sent(&chat, model, &Quirks::default());
        assert_eq!(
            new["generationConfig"]["responseMimeType"], "application/json",
            "{model}"
        );
        let signature = &new["contents"][1]["parts"][0]["thoughtSignature"];
        assert_eq!(signature, "skip_thought_signature_validator");
        let inside = &new["contents"][2]["parts"][0]["functionResponse"]["parts"][0];
        assert_eq!(inside["inlineData"]["data"], "iVBORw0=");
    }
}

#[test]
fn results_stand_in_the_order_of_their_calls_and_behind_the_right_name() {
    let mut calls = Message::text(Role::Assistant, "");
    calls.tool_calls = vec![call("a", "f"), call("b", "g")];
    calls.tool_calls[0].signature = Some("s".into());
    let mut failed = result("a", "no");
    failed.tool_failed = true;
    let chat = Chat {
        messages: vec![
            Message::text(Role::User, "hi"),
            calls,
            result("b", "two"),
            failed,
            Message::text(Role::User, "and?"),
            Message::text(Role::User, "well?"),
        ],
        ..Chat::default()
    };
    let (body, _) = sent(&chat, "m", &Quirks::default());
    assert_eq!(
        body["contents"],
        json!([
            {"role": "user", "parts": [{"text": "hi"}]},
            {"role": "model", "parts": [
                {"functionCall": {"id": "a", "name": "f", "args": {}}, "thoughtSignature": "s"},
                {"functionCall": {"id": "b", "name": "g", "args": {}}},
            ]},
            {"role": "user", "parts": [
                {"functionResponse": {"id": "a", "name": "f", "response": {"error": "no"}}},
                {"functionResponse": {"id": "b", "name": "g", "response": {"output": "two"}}},
            ]},
            {"role": "user", "parts": [{"text": "and?"}, {"text": "well?"}]},
        ])
    );
}

#[test]
fn reasoning_goes_back_only_where_it_is_signed() {
    let block = |text: &str, signature: Option<&str>| {
        ContentPart::Reasoning(Reasoning {
            text: text.into(),
            seal: Seal {
                signature: signature.map(str::to_owned),
                ..Seal::default()
            },
        })
    };
    let mut answer = Message::text(Role::Assistant, "so");
    answer.parts.splice(
        0..0,
        [
            block("lost", None),
            block("kept", Some("k")),
            block("", Some("s")),
        ],
    );
    let mut chat = asked("hi");
    chat.messages.push(answer);
    let (body, _) = sent(&chat, "gemini-3-pro", &Quirks::default());
    assert_eq!(
        body["contents"][1]["parts"],
        json!([
            {"text": "kept", "thought": true, "thoughtSignature": "k"},
            {"text": "", "thoughtSignature": "s"},
            {"text": "so"},
        ])
    );
}

#[test]
fn effort_becomes_a_level_or_a_budget_that_the_model_knows() {
    let thinking = |quirks: &Quirks, chat: &Chat| {
        let (body, encoded) = sent(chat, "m", quirks);
        (
            body["generationConfig"]["thinkingConfig"].clone(),
            encoded.dropped,
        )
    };
    let told = || vec!["reasoning_effort".to_owned()];
    let mut chat = asked("hi");
    let levels = Quirks {
        efforts: [ReasoningEffort::Low, ReasoningEffort::High].into(),
        ..Quirks::default()
    };
    let budgets = Quirks {
        reasoning: ReasoningStyle::Budget,
        ..Quirks::default()
    };
    let level = |name: &str| json!({"thinkingLevel": name, "includeThoughts": true});
    let budget = |tokens: u32| json!({"thinkingBudget": tokens, "includeThoughts": tokens > 0});
    for (effort, on_levels, on_budgets) in [
        (
            ReasoningEffort::None,
            (level("low"), told()),
            (budget(0), vec![]),
        ),
        (
            ReasoningEffort::Low,
            (level("low"), vec![]),
            (budget(1024), vec![]),
        ),
        (
            ReasoningEffort::High,
            (level("high"), vec![]),
            (budget(4096), vec![]),
        ),
        (
            ReasoningEffort::Max,
            (level("high"), told()),
            (budget(16_384), vec![]),
        ),
    ] {
        chat.reasoning_effort = Some(effort);
        assert_eq!(thinking(&levels, &chat), on_levels, "{effort:?}");
        assert_eq!(thinking(&budgets, &chat), on_budgets, "{effort:?}");
    }
    // The answer's limit holds the thinking, too.
    chat.sampling.max_output_tokens = Some(2000);
    assert_eq!(thinking(&budgets, &chat), (budget(1500), told()));
    chat.reasoning_budget_tokens = Some(700);
    assert_eq!(thinking(&budgets, &chat), (budget(700), vec![]));
    let never_off = Quirks {
        efforts: [ReasoningEffort::Minimal, ReasoningEffort::High].into(),
        ..budgets
    };
    chat.reasoning_budget_tokens = Some(0);
    assert_eq!(thinking(&never_off, &chat), (budget(512), told()));
    // Off is not a small amount.
    let low_or_off = Quirks {
        efforts: [ReasoningEffort::None, ReasoningEffort::Low].into(),
        ..never_off
    };
    chat.reasoning_budget_tokens = None;
    chat.reasoning_effort = Some(ReasoningEffort::Minimal);
    assert_eq!(thinking(&low_or_off, &chat), (budget(1024), told()));
}

#[test]
fn what_the_wire_cannot_carry_is_reported() {
    let mut chat = rich_chat();
    chat.metadata.insert("team".into(), "a".into());
    chat.parallel_tool_calls = Some(false);
    chat.tools[0].strict = Some(true);
    chat.messages[1]
        .parts
        .push(ContentPart::CachePoint(CacheTtl::Usual));
    chat.sampling.stop = (0..6).map(|n| n.to_string()).collect();
    chat.sampling.seed = Some(u64::MAX);
    chat.top_logprobs = Some(30);
    let (body, encoded) = sent(&chat, "m", &Quirks::default());
    assert_eq!(
        encoded.dropped,
        [
            "stop",
            "logprobs",
            "parallel_tool_calls",
            "user",
            "metadata",
            "cache_control",
            "tools.strict"
        ]
    );
    let config = &body["generationConfig"];
    assert_eq!(config["stopSequences"], json!(["0", "1", "2", "3", "4"]));
    assert_eq!(config["seed"], json!(i32::MAX));
    assert_eq!(config["logprobs"], json!(20));
}

#[test]
fn schemas_lose_only_what_is_refused() {
    let mut chat = asked("hi");
    let schema = json!({"$schema": "x", "type": "object", "properties": {
        "const": {"const": 3},
        "any": {"oneOf": [{"type": "string"}, {"type": "null"}]},
    }});
    let tool = |name: &str, parameters: Value| Tool {
        name: name.into(),
        description: String::new(),
        parameters,
        strict: None,
        cache: None,
    };
    let empty = json!({"type": "object", "properties": {}, "additionalProperties": false});
    chat.tools = vec![tool("f", schema), tool("g", empty)];
    chat.tool_choice = ToolChoice::Named("f".into());
    let (body, _) = sent(&chat, "m", &Quirks::default());
    assert_eq!(
        body["tools"][0]["functionDeclarations"],
        json!([
            {"name": "f", "parametersJsonSchema": {"type": "object", "properties": {
                "const": {"enum": [3]},
                "any": {"anyOf": [{"type": "string"}, {"type": "null"}]},
            }}},
            {"name": "g"},
        ])
    );
    let calling = json!({"mode": "ANY", "allowedFunctionNames": ["f"]});
    assert_eq!(body["toolConfig"]["functionCallingConfig"], calling);
}

#[test]
fn what_cannot_be_sent_is_refused() {
    let context = |quirks| EncodeContext {
        model: "m",
        stream: true,
        quirks,
        default_max_output_tokens: 1,
    };
    let usual = Quirks::default();
    let inline = Quirks {
        inline_media_only: true,
        ..Quirks::default()
    };
    let mut pointing = asked("hi");
    let source = MediaSource::Url("https://example.test/a.pdf".into());
    let media_type = "application/pdf".to_owned();
    pointing.messages[0].parts.push(ContentPart::File {
        name: None,
        media: Media { media_type, source },
    });
    let mut orphan = asked("hi");
    orphan.messages.push(result("nobody", "x"));
    for (chat, quirks) in [
        (&Chat::default(), &usual),
        (&orphan, &usual),
        (&pointing, &inline),
    ] {
        let refused = encode(Wire::Gemini, chat, &context(quirks));
        assert!(
            matches!(refused, Err(WireError::Unsupported(_))),
            "{refused:?}"
        );
    }
    let (body, _) = sent(&pointing, "m", &usual);
    let file = json!({"fileUri": "https://example.test/a.pdf", "mimeType": "application/pdf"});
    assert_eq!(body["contents"][0]["parts"][1]["fileData"], file);
}

proptest! {
    #[test]
    fn any_split_of_the_bytes_gives_the_same_answer(cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..20)) {
        let bytes = STREAM.as_bytes();
        let mut at: Vec<usize> = cuts.iter().map(|cut| cut.index(bytes.len() + 1)).collect();
        at.extend([0, bytes.len()]);
        at.sort_unstable();
        let pieces: Vec<&[u8]> = at.windows(2).map(|pair| &bytes[pair[0]..pair[1]]).collect();
        prop_assert_eq!(read_stream(Wire::Gemini, &pieces), read(STREAM));
    }

    #[test]
    fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..300), junk in "[\\[{](\"(candidates|content|parts|functionCall|error)\":)?[\\[{}\\],\"0-9a-z:]{0,40}") {
        let _ = read_stream(Wire::Gemini, &[&bytes]);
        for stream in [junk.clone(), format!("data: {junk}\r\n\r\n")] {
            let _ = read(&stream);
        }
    }

    #[test]
    fn any_member_may_be_anything(path in 0usize..12, value in prop::sample::select(vec!["null", "[]", "{}", "7", "\"x\"", "[null]", "[[7]]", "{\"a\":[]}", "-1.5", "true"])) {
        let shapes = [
            r#"{"candidates":@}"#, r#"{"candidates":[@]}"#, r#"{"candidates":[{"content":@}]}"#, r#"{"candidates":[{"content":{"parts":@}}]}"#,
            r#"{"candidates":[{"content":{"parts":[@]}}]}"#, r#"{"candidates":[{"content":{"parts":[{"functionCall":@}]}}]}"#,
            r#"{"candidates":[{"content":{"parts":[{"functionCall":{"name":"f","args":@,"partialArgs":@}}]}}]}"#, r#"{"candidates":[{"finishReason":@}]}"#,
            r#"{"usageMetadata":@}"#, r#"{"promptFeedback":@}"#, r#"{"candidates":[{"logprobsResult":{"chosenCandidates":@,"topCandidates":@}}]}"#, r#"{"error":@}"#,
        ];
        let _ = read(&shapes[path].replace('@', value));
    }
}
