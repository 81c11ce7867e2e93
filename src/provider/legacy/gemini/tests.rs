use std::time::Duration;

use serde_json::Value;
use serde_json::json;

use super::super::dialect::Dialect;
use super::super::dialect::EventReader;
use super::super::dialect::Fault;
use super::super::dialect::Step;
use super::Gemini;
use crate::client::LlmErrorKind;
use crate::types::Chat;
use crate::types::ChatResponse;
use crate::types::ContentPart;
use crate::types::FinishReason;
use crate::types::Media;
use crate::types::MediaSource;
use crate::types::Message;
use crate::types::ReasoningEffort;
use crate::types::ResponseBuilder;
use crate::types::ResponseFormat;
use crate::types::Role;
use crate::types::Tool;
use crate::types::ToolCall;
use crate::types::ToolChoice;
use crate::types::Usage;

fn written(chat: &Chat, model: &str) -> Value {
    serde_json::from_slice(&Gemini::request(chat, model, false).unwrap()).unwrap()
}

fn streamed(payloads: &[Value]) -> Result<ChatResponse, Fault> {
    let mut reader = <Gemini as Dialect>::Reader::default();
    let mut builder = ResponseBuilder::default();
    for payload in payloads {
        match reader.read(&payload.to_string())? {
            Step::Chunk(chunk) => builder.push(&chunk),
            Step::Nothing | Step::Done => {}
        }
    }
    assert!(reader.is_finished());
    Ok(builder.finish())
}

fn asked(text: &str) -> Chat {
    Chat {
        messages: vec![Message::text(Role::User, text)],
        ..Chat::default()
    }
}

fn call(id: &str, name: &str) -> ToolCall {
    ToolCall {
        id: id.to_owned(),
        name: name.to_owned(),
        arguments: "{\"at\":1}".to_owned(),
        signature: None,
    }
}

fn tool(name: &str, parameters: Value) -> Tool {
    Tool {
        name: name.to_owned(),
        description: String::new(),
        parameters,
        strict: None,
        cache: None,
    }
}

/// Two calls, answered in the other order, one of them with a picture.
fn tool_loop() -> Chat {
    let picture = ContentPart::Image(Media {
        media_type: "image/png".to_owned(),
        source: MediaSource::Base64("AAAA".to_owned()),
    });
    let result = |id: &str, text: &str| Message {
        tool_call_id: Some(id.to_owned()),
        ..Message::text(Role::Tool, text)
    };
    let mut failed = result("a", "no");
    failed.tool_failed = true;
    let mut seen = result("b", "blue");
    seen.parts.push(picture);
    let messages = vec![
        Message::text(Role::System, "be brief"),
        Message::text(Role::User, "what is up?"),
        Message {
            tool_calls: vec![call("a", "look"), call("b", "see")],
            ..Message::text(Role::Assistant, "")
        },
        seen,
        failed,
        Message::text(Role::User, "and now?"),
    ];
    Chat {
        messages,
        tools: vec![
            tool("look", json!({"type": "object", "properties": {}})),
            tool(
                "see",
                json!({"$schema": "s", "type": "object", "properties": {"const": {"const": 1}}}),
            ),
        ],
        tool_choice: ToolChoice::Named("see".to_owned()),
        ..Chat::default()
    }
}

#[test]
fn a_tool_loop_keeps_the_order_of_its_calls() {
    let function =
        |id: &str, name: &str| json!({"functionCall": {"id": id, "name": name, "args": {"at": 1}}});
    let result = |id: &str, name: &str, response: Value| json!({"functionResponse": {"id": id, "name": name, "response": response}});
    assert_eq!(
        written(&tool_loop(), "gemini-2.5-flash"),
        json!({
            "systemInstruction": {"parts": [{"text": "be brief"}]},
            "contents": [
                {"role": "user", "parts": [{"text": "what is up?"}]},
                {"role": "model", "parts": [function("a", "look"), function("b", "see")]},
                {"role": "user", "parts": [
                    result("a", "look", json!({"error": "no"})),
                    result("b", "see", json!({"output": "blue"})),
                    {"inlineData": {"mimeType": "image/png", "data": "AAAA"}},
                ]},
                {"role": "user", "parts": [{"text": "and now?"}]},
            ],
            "tools": [{"functionDeclarations": [
                {"name": "look"},
                {"name": "see", "parametersJsonSchema": {"type": "object", "properties": {"const": {"enum": [1]}}}},
            ]}],
            "toolConfig": {"functionCallingConfig": {"mode": "ANY", "allowedFunctionNames": ["see"]}},
            "generationConfig": {},
        })
    );
    let newer = written(&tool_loop(), "gemini-3-flash-preview");
    let parts = &newer["contents"][1]["parts"];
    assert_eq!(
        parts[0]["thoughtSignature"],
        "skip_thought_signature_validator"
    );
    assert_eq!(parts[1].get("thoughtSignature"), None);
}

#[test]
fn the_address_names_model_and_method_and_has_one_version() {
    let at = |base: &str| Gemini::url(base, "models/gemini-2.5-pro", false);
    for base in ["https://g.test", "https://g.test/", "https://g.test/v1beta"] {
        assert_eq!(
            at(base),
            "https://g.test/v1beta/models/gemini-2.5-pro:generateContent"
        );
    }
    assert_eq!(
        Gemini::url("https://g.test/v1", "a/b", true),
        "https://g.test/v1/models/a%2Fb:streamGenerateContent?alt=sse"
    );
}

#[test]
fn effort_becomes_what_the_model_understands() {
    let mut chat = asked("hi");
    let thinking = |chat: &Chat, model: &str| {
        let body = written(chat, model);
        body["generationConfig"]["thinkingConfig"].clone()
    };
    let level = |level: &str| json!({"thinkingLevel": level, "includeThoughts": true});
    let budget = |tokens: u32| json!({"thinkingBudget": tokens, "includeThoughts": tokens > 0});
    for (effort, model, wanted) in [
        (ReasoningEffort::Low, "gemini-2.5-flash", budget(1024)),
        (ReasoningEffort::High, "gemini-2.5-pro", budget(4096)),
        (ReasoningEffort::None, "gemini-2.5-flash", budget(0)),
        (ReasoningEffort::None, "gemini-2.5-pro", budget(128)),
        (
            ReasoningEffort::None,
            "gemini-3-flash-preview",
            level("minimal"),
        ),
        (
            ReasoningEffort::Medium,
            "gemini-3-pro-preview",
            level("low"),
        ),
        (
            ReasoningEffort::Medium,
            "gemini-3.1-pro-preview",
            level("medium"),
        ),
        (ReasoningEffort::Max, "gemini-3.5-flash", level("high")),
        (ReasoningEffort::High, "gemini-2.0-flash", Value::Null),
    ] {
        chat.reasoning_effort = Some(effort);
        assert_eq!(thinking(&chat, model), wanted, "{effort:?} {model}");
    }
    chat.sampling.max_output_tokens = Some(1000);
    chat.reasoning_effort = Some(ReasoningEffort::High);
    assert_eq!(thinking(&chat, "gemini-2.5-flash"), budget(750));
}

#[test]
fn a_schema_is_enforced_where_it_can_be_and_asked_for_elsewhere() {
    let mut chat = asked("hi");
    chat.format = ResponseFormat::JsonSchema {
        name: "n".to_owned(),
        schema: json!({"oneOf": [{"type": "string"}]}),
    };
    let enforced = |body: &Value| body["generationConfig"]["responseJsonSchema"].clone();
    let any_of = json!({"anyOf": [{"type": "string"}]});
    assert_eq!(enforced(&written(&chat, "gemini-2.5-flash")), any_of);
    chat.tools = tool_loop().tools;
    assert_eq!(enforced(&written(&chat, "gemini-3-flash")), any_of);
    let asked = written(&chat, "gemini-2.5-flash");
    assert_eq!(enforced(&asked), Value::Null);
    assert!(asked["systemInstruction"].to_string().contains("oneOf"));
}

#[test]
fn what_cannot_be_asked_is_said() {
    assert!(Gemini::request(&Chat::default(), "m", true).is_err());
    let mut orphan = asked("hi");
    orphan.messages.push(Message {
        tool_call_id: Some("x".to_owned()),
        ..Message::text(Role::Tool, "")
    });
    let refused = Gemini::request(&orphan, "m", true).unwrap_err();
    assert!(refused.contains("answers no call"), "{refused}");
}

#[test]
fn a_stream_becomes_an_answer_with_disjoint_usage() {
    let piece = |parts: Value| json!({"candidates": [{"content": {"parts": parts}, "index": 0}], "responseId": "r"});
    let answer = streamed(&[
        piece(json!([{"text": "hm", "thought": true}])),
        piece(json!([{"text": "Hi"}])),
        piece(json!([{"text": "", "thoughtSignature": "t"}])),
        piece(json!([{"functionCall": {"name": "f"}, "thoughtSignature": "s"}, {"functionCall": {"id": "own", "name": "g", "args": {"x": 1}}}])),
        json!({"candidates": [{"content": {"parts": [{"text": ""}]}, "finishReason": "STOP"}], "modelVersion": "m", "usageMetadata": {
            "promptTokenCount": 20, "cachedContentTokenCount": 5, "candidatesTokenCount": 9, "thoughtsTokenCount": 4,
            "toolUsePromptTokenCount": 3, "promptTokensDetails": [{"modality": "AUDIO", "tokenCount": 2}]}}),
    ])
    .unwrap();
    assert_eq!((answer.text.as_str(), answer.model.as_str()), ("Hi", "m"));
    assert_eq!(answer.reasoning_text(), "hm");
    let seals = answer
        .reasoning
        .iter()
        .map(|block| block.seal.signature.as_deref());
    assert_eq!(seals.collect::<Vec<_>>(), [None, Some("t")]);
    assert_eq!(answer.finish, FinishReason::ToolCalls);
    let calls: Vec<_> = answer
        .tool_calls
        .iter()
        .map(|call| (call.id.as_str(), call.arguments.as_str()))
        .collect();
    assert_eq!(calls, [("call_r_0", "{}"), ("own", "{\"x\":1}")]);
    assert_eq!(answer.tool_calls[0].signature.as_deref(), Some("s"));
    let usage = Usage {
        input: 16,
        cache_read: 5,
        audio_in: 2,
        output: 9,
        reasoning: 4,
        ..Usage::default()
    };
    assert_eq!(answer.usage, usage);
}

#[test]
fn what_google_holds_back_and_what_is_no_answer_are_told_apart() {
    for body in [
        json!({"candidates": [{"content": {}, "finishReason": "SAFETY"}]}),
        json!({"promptFeedback": {"blockReason": "OTHER"}}),
    ] {
        let answer = Gemini::answer(body.to_string().as_bytes()).unwrap();
        assert_eq!(answer.finish, FinishReason::ContentFilter, "{body}");
        assert_eq!(
            streamed(&[body]).unwrap().finish,
            FinishReason::ContentFilter
        );
    }
    let body = json!({"candidates": [{"finishReason": "MALFORMED_FUNCTION_CALL", "finishMessage": "print("}]});
    let read = Gemini::answer(body.to_string().as_bytes());
    assert!(
        matches!(&read, Err(Fault::Malformed(why)) if why == "print("),
        "{read:?}"
    );
    assert!(matches!(Gemini::answer(b"{}"), Err(Fault::Malformed(_))));
}

#[test]
fn errors_are_told_apart_by_status_and_reason() {
    use LlmErrorKind as Kind;
    let wait = Some(Duration::from_secs(36));
    let retry = json!([{"retryDelay": "36s"}]);
    let today =
        json!([{"violations": [{"quotaId": "RequestsPerDayPerProject"}]}, {"retryDelay": "2s"}]);
    let too_long = "The input token count (9) exceeds the maximum number of tokens allowed (8).";
    for (code, status, message, details, kind) in [
        (
            400,
            "INVALID_ARGUMENT",
            "no",
            json!([{"reason": "API_KEY_INVALID"}]),
            Kind::Authentication,
        ),
        (
            403,
            "PERMISSION_DENIED",
            "unregistered callers",
            json!([]),
            Kind::Authentication,
        ),
        (
            403,
            "PERMISSION_DENIED",
            "no",
            json!([]),
            Kind::PermissionDenied,
        ),
        (
            400,
            "INVALID_ARGUMENT",
            too_long,
            json!([]),
            Kind::ContextLengthExceeded,
        ),
        (
            400,
            "FAILED_PRECONDITION",
            "no",
            json!([]),
            Kind::InvalidRequest,
        ),
        (404, "NOT_FOUND", "no", json!([]), Kind::ModelNotFound),
        (
            429,
            "RESOURCE_EXHAUSTED",
            "no",
            retry.clone(),
            Kind::RateLimited { retry_after: wait },
        ),
        (429, "RESOURCE_EXHAUSTED", "no", today, Kind::QuotaExhausted),
        (
            503,
            "UNAVAILABLE",
            "no",
            retry,
            Kind::Overloaded { retry_after: wait },
        ),
        (
            502,
            "",
            "no",
            json!([]),
            Kind::Overloaded { retry_after: None },
        ),
    ] {
        let error = json!({"error": {"code": code, "message": message, "status": status, "details": details}});
        for body in [error.to_string(), json!([error]).to_string()] {
            let refusal = Gemini::refusal(code, None, body.as_bytes());
            assert_eq!(
                (refusal.kind, refusal.message.as_str()),
                (kind.clone(), message),
                "{body}"
            );
        }
        let Err(Fault::Refused(refusal)) = streamed(&[error]) else {
            panic!("{status} is no error within a stream");
        };
        assert_eq!(refusal.kind, kind, "{status}");
    }
}
