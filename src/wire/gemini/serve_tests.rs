use std::time::Duration;

use proptest::prelude::*;
use serde_json::json;

use crate::client::LlmError;
use crate::client::LlmErrorKind;
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
use crate::types::Sampling;
use crate::types::Seal;
use crate::types::Tool;
use crate::types::ToolCall;
use crate::types::ToolChoice;
use crate::types::Usage;
use crate::types::Wire;
use crate::types::quirks::Quirks;
use crate::wire::EncodeContext;
use crate::wire::WireError;
use crate::wire::decode_response;
use crate::wire::encode;
use crate::wire::rich_chat::read_stream;
use crate::wire::serve::AnswerHead;
use crate::wire::serve::Asked;
use crate::wire::serve::decode_request;
use crate::wire::serve::encode_response;
use crate::wire::serve::stream_encoder;

fn head() -> AnswerHead {
    AnswerHead {
        id: "r1".into(),
        model: "m".into(),
        created_s: 0,
        usage_in_stream: true,
    }
}

fn asked(body: &serde_json::Value) -> Asked {
    decode_request(Wire::Gemini, body.to_string().as_bytes()).unwrap()
}

fn answer() -> ChatResponse {
    let call = |id: &str, signature: Option<&str>| ToolCall {
        id: id.into(),
        name: "f".into(),
        arguments: "{\"x\":1}".into(),
        signature: signature.map(str::to_owned),
    };
    ChatResponse {
        id: "r1".into(),
        model: "m".into(),
        text: "Grüße".into(),
        reasoning: vec![Reasoning {
            text: "hm".into(),
            seal: Seal {
                signature: Some("s".into()),
                ..Seal::default()
            },
        }],
        tool_calls: vec![call("a", Some("c")), call("b", None)],
        finish: FinishReason::ToolCalls,
        native_finish: "STOP".into(),
        usage: Usage {
            input: 4,
            cache_read: 2,
            output: 3,
            reasoning: 1,
            audio_in: 5,
            ..Usage::default()
        },
        ..ChatResponse::default()
    }
}

#[test]
fn a_request_in_the_older_forms_is_understood() {
    let asked = asked(&json!({
        "system_instruction": {"parts": [{"text": "Be brief."}]},
        "contents": [
            {"parts": [{"text": "hi"}, {"inline_data": {"mime_type": "image/png", "data": "AA=="}}]},
            {"role": "model", "parts": [{"functionCall": {"name": "f", "args": {"x": 1}}}, {"functionCall": {"name": "f"}}]},
            {"role": "function", "parts": [
                {"functionResponse": {"name": "f", "response": {"output": "one"}}},
                {"functionResponse": {"name": "f", "response": {"n": 2}}},
                {"text": "go on"},
            ]},
        ],
        "tools": [{"function_declarations": [{"name": "f", "parameters": {"type": "OBJECT", "properties": {
            "x": {"type": "INTEGER", "nullable": true}}, "propertyOrdering": ["x"]}}]}, {"googleSearch": {}}],
        "toolConfig": {"functionCallingConfig": {"mode": "ANY", "allowedFunctionNames": ["f"]}},
        "safetySettings": [],
        "generationConfig": {"top_p": 0.7, "responseMimeType": "application/json", "responseSchema": {"type": "STRING"},
            "thinkingConfig": {"thinkingBudget": 0}, "candidateCount": 2, "mediaResolution": "LOW"},
    }));
    let chat = asked.chat;
    assert_eq!(
        asked.unknown,
        [
            "tools.googleSearch",
            "generationConfig.candidateCount",
            "generationConfig.mediaResolution",
            "safetySettings"
        ]
    );
    let roles: Vec<Role> = chat.messages.iter().map(|message| message.role).collect();
    use Role::*;
    assert_eq!(roles, [System, User, Assistant, Tool, Tool, User]);
    let ids: Vec<_> = chat.messages[3..5]
        .iter()
        .map(|it| it.tool_call_id.as_deref())
        .collect();
    assert_eq!(ids, [Some("call_0"), Some("call_1")]);
    assert_eq!(chat.messages[4].joined_text(), "{\"n\":2}");
    let schema = json!({"type": "object", "properties": {"x": {"type": ["integer", "null"]}}});
    assert_eq!(chat.tools[0].parameters, schema);
    assert_eq!(chat.tool_choice, ToolChoice::Named("f".into()));
    assert_eq!(chat.sampling.top_p, Some(0.7));
    assert_eq!(chat.reasoning_effort, Some(ReasoningEffort::None));
    let schema = json!({"type": "string"});
    assert!(matches!(chat.format, ResponseFormat::JsonSchema { schema: it, .. } if it == schema));
}

#[test]
fn a_wrong_request_is_told_where_it_is_wrong() {
    for (body, place) in [
        (json!([]), "the body"),
        (json!({}), "contents"),
        (
            json!({"contents": [{"role": "system", "parts": []}]}),
            "contents[0]",
        ),
        (
            json!({"contents": [{"parts": [7]}]}),
            "contents[0].parts[0]",
        ),
        (
            json!({"contents": [{"parts": [{"functionResponse": {"name": "f"}}]}]}),
            "contents[0].parts[0]",
        ),
        (
            json!({"contents": "hi", "generationConfig": {"topP": "much"}}),
            "generationConfig.topP",
        ),
    ] {
        let read = decode_request(Wire::Gemini, body.to_string().as_bytes());
        let Err(WireError::Malformed(message)) = read else {
            panic!("{body}: {read:?}");
        };
        assert!(message.starts_with(place), "{body}: {message}");
    }
    let code = json!({"contents": [{"parts": [{"executableCode": {"code": "1"}}]}]});
    let read = decode_request(Wire::Gemini, code.to_string().as_bytes());
    assert!(matches!(read, Err(WireError::Unsupported(_))), "{read:?}");
}

#[test]
fn what_is_written_for_a_client_reads_as_the_same_answer() {
    let written = encode_response(Wire::Gemini, &answer(), &head()).unwrap();
    let read = decode_response(Wire::Gemini, &written, &Quirks::default()).unwrap();
    assert_eq!(read, answer());

    let mut encoder = stream_encoder(Wire::Gemini, head()).unwrap();
    let mut bytes = Vec::new();
    for chunk in answer().into_chunks() {
        encoder.chunk(&chunk, &mut bytes);
    }
    encoder.finish(&mut bytes);
    assert!(bytes.starts_with(b"data: ") && bytes.ends_with(b"\r\n\r\n"));
    assert_eq!(read_stream(Wire::Gemini, &[&bytes]).unwrap(), answer());
}

#[test]
fn the_answer_for_a_client_looks_like_googles() {
    let written = encode_response(Wire::Gemini, &answer(), &head()).unwrap();
    let written: serde_json::Value = serde_json::from_slice(&written).unwrap();
    insta::assert_snapshot!(format!("{written:#}"));
}

#[test]
fn a_failure_ends_the_stream_in_googles_form() {
    let kind = LlmErrorKind::RateLimited {
        retry_after: Some(Duration::from_millis(1500)),
    };
    let mut encoder = stream_encoder(Wire::Gemini, head()).unwrap();
    let mut bytes = Vec::new();
    encoder.fail(&LlmError::new(kind, "gemini", "slow down"), &mut bytes);
    let text = String::from_utf8(bytes).unwrap();
    let error: serde_json::Value =
        serde_json::from_str(text.strip_prefix("data: ").unwrap()).unwrap();
    assert_eq!(
        (&error["error"]["code"], &error["error"]["status"]),
        (&json!(429), &json!("RESOURCE_EXHAUSTED"))
    );
    assert_eq!(error["error"]["details"][0]["retryDelay"], "1.5s");
}

fn words() -> impl Strategy<Value = String> {
    "[a-zäß\"\\\\{}]{1,8}"
}

fn media(kind: &'static str) -> impl Strategy<Value = Media> {
    let source = prop_oneof![
        words().prop_map(MediaSource::Base64),
        words().prop_map(MediaSource::Url),
    ];
    source.prop_map(move |source| Media {
        media_type: kind.into(),
        source,
    })
}

fn user() -> impl Strategy<Value = Message> {
    let sound = words().prop_map(|data| Media {
        media_type: "audio/wav".into(),
        source: MediaSource::Base64(data),
    });
    let part = prop_oneof![
        words().prop_map(ContentPart::Text),
        media("image/png").prop_map(ContentPart::Image),
        media("application/pdf").prop_map(|media| ContentPart::File { name: None, media }),
        sound.prop_map(ContentPart::Audio),
    ];
    prop::collection::vec(part, 1..4).prop_map(|parts| Message {
        parts,
        ..Message::text(Role::User, "")
    })
}

/// An assistant's message with calls and, behind it, their results.
fn turn() -> impl Strategy<Value = Vec<Message>> {
    let signature = prop::option::of("[a-z]{1,4}");
    let call = (
        words(),
        "[a-z]{1,3}",
        words(),
        signature.clone(),
        words(),
        any::<bool>(),
    );
    let block = (prop::option::of(words()), "[a-z]{1,4}").prop_map(|(text, signature)| {
        ContentPart::Reasoning(Reasoning {
            text: text.unwrap_or_default(),
            seal: Seal {
                signature: Some(signature),
                ..Seal::default()
            },
        })
    });
    let parts = (prop::option::of(block), words());
    (parts, prop::collection::vec(call, 0..4)).prop_map(|((block, text), calls)| {
        let mut said = Message::text(Role::Assistant, text);
        said.parts.splice(0..0, block);
        let mut messages = Vec::new();
        for (index, (id, name, value, signature, outcome, failed)) in calls.into_iter().enumerate()
        {
            let id = format!("{id}{index}");
            said.tool_calls.push(ToolCall {
                id: id.clone(),
                name,
                arguments: json!({"v": value}).to_string(),
                signature,
            });
            messages.push(Message {
                tool_call_id: Some(id),
                tool_failed: failed,
                ..Message::text(Role::Tool, outcome)
            });
        }
        messages.insert(0, said);
        messages
    })
}

fn sampling() -> impl Strategy<Value = Sampling> {
    let percent = |most: u32| prop::option::of((0..most).prop_map(|it| it as f32 / 100.0));
    let numbers = (percent(200), percent(100), percent(200), percent(200));
    let counts = (
        prop::option::of(1u32..9000),
        prop::option::of(1u32..99),
        prop::option::of(0u64..1 << 31),
    );
    (numbers, counts, prop::collection::vec(words(), 0..5)).prop_map(
        |((temperature, top_p, presence, frequency), (most, top_k, seed), stop)| Sampling {
            temperature,
            top_p,
            max_output_tokens: most,
            top_k,
            presence_penalty: presence,
            frequency_penalty: frequency,
            stop,
            seed,
        },
    )
}

fn tools() -> impl Strategy<Value = (Vec<Tool>, ToolChoice)> {
    let tool = (words(), words()).prop_map(|(name, description)| Tool {
        name,
        description,
        parameters: json!({"type": "object", "properties": {"v": {"type": "string"}}}),
        strict: None,
        cache: None,
    });
    (prop::collection::vec(tool, 0..3), 0..4).prop_map(|(tools, choice)| {
        let choice = match (choice, tools.first()) {
            (1, Some(_)) => ToolChoice::None,
            (2, Some(_)) => ToolChoice::Required,
            (3, Some(tool)) => ToolChoice::Named(tool.name.clone()),
            _ => ToolChoice::Auto,
        };
        (tools, choice)
    })
}

fn chat() -> impl Strategy<Value = Chat> {
    let format = prop_oneof![
        Just(ResponseFormat::Text),
        Just(ResponseFormat::JsonObject),
        Just(ResponseFormat::JsonSchema {
            name: "answer".into(),
            schema: json!({"type": "object", "properties": {"n": {"type": "integer"}}}),
        }),
    ];
    let effort = prop::option::of(prop::sample::select(vec![
        ReasoningEffort::Minimal,
        ReasoningEffort::Low,
        ReasoningEffort::Medium,
        ReasoningEffort::High,
    ]));
    let turns = prop::collection::vec((user(), turn()), 0..3);
    let messages = (prop::option::of(words()), turns, user());
    let rest = (format, effort, prop::option::of(0u8..21));
    (messages, sampling(), tools(), rest).prop_map(
        |((system, turns, last), sampling, tools, rest)| {
            let mut messages: Vec<Message> = system
                .into_iter()
                .map(|text| Message::text(Role::System, text))
                .collect();
            for (asked, said) in turns {
                messages.push(asked);
                messages.extend(said);
            }
            messages.push(last);
            Chat {
                messages,
                sampling,
                tools: tools.0,
                tool_choice: tools.1,
                format: rest.0,
                reasoning_effort: rest.1,
                top_logprobs: rest.2,
                ..Chat::default()
            }
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn a_chat_comes_back_as_it_was_written(chat in chat()) {
        let quirks = Quirks::default();
        let context = EncodeContext { model: "gemini-3-pro", stream: false, quirks: &quirks, default_max_output_tokens: 1 };
        let encoded = encode(Wire::Gemini, &chat, &context).unwrap();
        prop_assert!(encoded.dropped.is_empty());
        let asked = decode_request(Wire::Gemini, &encoded.body).unwrap();
        prop_assert_eq!(asked.chat, chat);
        prop_assert!(asked.unknown.is_empty(), "{:?}", asked.unknown);
    }

    #[test]
    fn no_request_makes_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..200), value in prop::sample::select(vec!["null", "[]", "{}", "7", "\"x\"", "[null]", "[7]", "{\"a\":[]}", "true"])) {
        let _ = decode_request(Wire::Gemini, &bytes);
        for shape in [
            r#"{"contents":@}"#, r#"{"contents":[{"role":@,"parts":@}]}"#, r#"{"contents":[{"parts":[{"functionResponse":@}]}]}"#,
            r#"{"contents":[{"role":"model","parts":[{"functionCall":@,"text":@,"inlineData":@}]}]}"#, r#"{"contents":"x","tools":@,"toolConfig":@}"#,
            r#"{"contents":"x","tools":[{"functionDeclarations":@}]}"#, r#"{"contents":"x","generationConfig":@,"systemInstruction":@}"#,
            r#"{"contents":"x","generationConfig":{"stopSequences":@,"thinkingConfig":@,"responseSchema":@,"seed":@}}"#,
        ] {
            let _ = decode_request(Wire::Gemini, shape.replace('@', value).as_bytes());
        }
    }
}
