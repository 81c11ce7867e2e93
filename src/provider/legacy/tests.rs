//! What the two direct clients write and read. How they behave over HTTP is the contract suite's matter.

use serde_json::Value;
use serde_json::json;

use super::anthropic::Anthropic;
use super::dialect::Dialect;
use super::dialect::EventReader;
use super::dialect::Fault;
use super::dialect::Step;
use super::openai::OpenAi;
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
use crate::types::ResponseBuilder;
use crate::types::ResponseFormat;
use crate::types::Role;
use crate::types::Seal;
use crate::types::Tool;
use crate::types::ToolCall;
use crate::types::ToolChoice;
use crate::types::Usage;

fn written<D: Dialect>(chat: &Chat, model: &str) -> Value {
    let body = D::request(chat, model, false).unwrap();
    serde_json::from_slice(&body).unwrap()
}

fn streamed<D: Dialect>(payloads: &[Value]) -> ChatResponse {
    let mut reader = D::Reader::default();
    let mut builder = ResponseBuilder::default();
    for payload in payloads {
        match reader.read(&payload.to_string()).unwrap() {
            Step::Chunk(chunk) => builder.push(&chunk),
            Step::Nothing | Step::Done => {}
        }
    }
    assert!(reader.is_finished());
    builder.finish()
}

fn asked(text: &str) -> Chat {
    Chat {
        messages: vec![Message::text(Role::User, text)],
        ..Chat::default()
    }
}

/// A tool's call and its result, a picture among them, between two things that the user says.
fn tool_loop() -> Chat {
    let call = ToolCall {
        id: "call:1".to_owned(),
        name: "look".to_owned(),
        arguments: "{\"at\":\"sky\"}".to_owned(),
        signature: None,
    };
    let picture = ContentPart::Image(Media {
        media_type: "image/png".to_owned(),
        source: MediaSource::Base64("AAAA".to_owned()),
    });
    let thought = ContentPart::Reasoning(Reasoning {
        text: "look up".to_owned(),
        seal: Seal {
            signature: Some("c2ln".to_owned()),
            ..Seal::default()
        },
    });
    let messages = vec![
        Message::text(Role::System, "be brief"),
        Message::text(Role::User, "what is up?"),
        Message {
            parts: vec![thought],
            tool_calls: vec![call],
            ..Message::text(Role::Assistant, "")
        },
        Message {
            parts: vec![ContentPart::Text("blue".to_owned()), picture],
            tool_call_id: Some("call:1".to_owned()),
            ..Message::text(Role::Tool, "")
        },
        Message::text(Role::User, "and now?"),
    ];
    let tool = Tool {
        name: "look".to_owned(),
        description: "looks".to_owned(),
        parameters: json!({"type": "object"}),
        strict: None,
        cache: None,
    };
    Chat {
        messages,
        tools: vec![tool],
        tool_choice: ToolChoice::Required,
        ..Chat::default()
    }
}

#[test]
fn openai_gets_pictures_of_a_tool_from_the_user() {
    let body = written::<OpenAi>(&tool_loop(), "gpt-5-mini");
    let call = json!({"name": "look", "arguments": "{\"at\":\"sky\"}"});
    let image = json!({"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}});
    assert_eq!(
        body,
        json!({
            "model": "gpt-5-mini",
            "messages": [
                {"role": "system", "content": "be brief"},
                {"role": "user", "content": "what is up?"},
                {"role": "assistant", "tool_calls": [{"id": "call:1", "type": "function", "function": call}]},
                {"role": "tool", "content": "blue", "tool_call_id": "call:1"},
                {"role": "user", "content": [image]},
                {"role": "user", "content": "and now?"},
            ],
            "tools": [{"type": "function", "function": {
                "name": "look", "parameters": {"type": "object"}, "description": "looks",
            }}],
            "tool_choice": "required",
        })
    );
}

#[test]
fn anthropic_gets_system_apart_results_first_and_signed_thinking_back() {
    let body = written::<Anthropic>(&tool_loop(), "claude-sonnet-5");
    let image = json!({
        "type": "image",
        "source": {"type": "base64", "media_type": "image/png", "data": "AAAA"},
    });
    assert_eq!(
        body,
        json!({
            "model": "claude-sonnet-5",
            "max_tokens": 16_000,
            "system": "be brief",
            "messages": [
                {"role": "user", "content": [{"type": "text", "text": "what is up?"}]},
                {"role": "assistant", "content": [
                    {"type": "thinking", "thinking": "look up", "signature": "c2ln"},
                    {"type": "tool_use", "id": "call_1", "name": "look", "input": {"at": "sky"}},
                ]},
                {"role": "user", "content": [
                    {"type": "tool_result", "tool_use_id": "call_1",
                     "content": [{"type": "text", "text": "blue"}, image]},
                    {"type": "text", "text": "and now?"},
                ]},
            ],
            "tools": [{"name": "look", "description": "looks", "input_schema": {"type": "object"}}],
            "tool_choice": {"type": "any"},
        })
    );
}

#[test]
fn limits_and_sampling_go_out_where_the_model_takes_them() {
    let mut chat = asked("hi");
    chat.sampling.temperature = Some(1.5);
    chat.sampling.max_output_tokens = Some(64);
    chat.sampling.stop = vec!["END".to_owned()];

    let body = written::<OpenAi>(&chat, "gpt-4.1-nano");
    assert_eq!(body["temperature"], json!(1.5));
    assert_eq!(body["max_completion_tokens"], json!(64));
    assert_eq!(body["stop"], json!(["END"]));

    let body = written::<Anthropic>(&chat, "claude-haiku-4-5");
    assert_eq!(body["temperature"], json!(1.0));
    assert_eq!(body["max_tokens"], json!(64));
    assert_eq!(body["stop_sequences"], json!(["END"]));
}

#[test]
fn a_model_that_refuses_sampling_is_not_sent_any() {
    let mut chat = asked("hi");
    chat.sampling.temperature = Some(0.5);
    for model in [
        "o3",
        "o4-mini",
        "gpt-5",
        "gpt-5-mini",
        "gpt-5.2-pro",
        "gpt-5.6",
    ] {
        assert_eq!(
            written::<OpenAi>(&chat, model).get("temperature"),
            None,
            "{model}"
        );
    }
    for model in ["gpt-4o", "gpt-5-chat-latest", "gpt-5.2"] {
        assert!(
            written::<OpenAi>(&chat, model).get("temperature").is_some(),
            "{model}"
        );
    }
    for model in ["claude-opus-5", "claude-opus-4-8"] {
        assert_eq!(
            written::<Anthropic>(&chat, model).get("temperature"),
            None,
            "{model}"
        );
    }
}

#[test]
fn effort_becomes_what_the_model_understands() {
    let mut chat = asked("hi");
    chat.reasoning_effort = Some(ReasoningEffort::Medium);
    let body = written::<OpenAi>(&chat, "gpt-5");
    assert_eq!(body["reasoning_effort"], json!("medium"));

    let body = written::<Anthropic>(&chat, "claude-opus-5");
    assert_eq!(body["thinking"]["type"], json!("adaptive"));
    assert_eq!(body["output_config"], json!({"effort": "medium"}));

    let body = written::<Anthropic>(&chat, "claude-haiku-4-5");
    assert_eq!(
        body["thinking"],
        json!({"type": "enabled", "budget_tokens": 2048})
    );
    assert_eq!(body["max_tokens"], json!(8192 + 2048));

    chat.sampling.max_output_tokens = Some(2_000);
    let body = written::<Anthropic>(&chat, "claude-haiku-4-5");
    assert_eq!(body["thinking"]["budget_tokens"], json!(1_500));
    assert_eq!(body["max_tokens"], json!(2_000));

    chat.reasoning_effort = Some(ReasoningEffort::None);
    let body = written::<Anthropic>(&chat, "claude-sonnet-5");
    assert_eq!(body["thinking"], json!({"type": "disabled"}));
}

#[test]
fn a_schema_is_enforced_where_it_can_be_and_asked_for_elsewhere() {
    let schema = json!({
        "type": "object",
        "properties": {"minimum": {"type": "integer", "minimum": 3}},
        "required": ["minimum"],
    });
    let mut chat = asked("hi");
    chat.format = ResponseFormat::JsonSchema {
        name: "n".to_owned(),
        schema: schema.clone(),
    };
    let body = written::<OpenAi>(&chat, "gpt-5");
    // An open object cannot be guaranteed, and asking for it would be refused.
    assert_eq!(
        body["response_format"],
        json!({"type": "json_schema", "json_schema": {"name": "n", "schema": schema, "strict": false}})
    );

    let body = written::<Anthropic>(&chat, "claude-sonnet-5");
    let closed = json!({
        "type": "object",
        "properties": {"minimum": {"type": "integer"}},
        "required": ["minimum"],
        "additionalProperties": false,
    });
    assert_eq!(
        body["output_config"]["format"],
        json!({"type": "json_schema", "schema": closed})
    );

    let body = written::<Anthropic>(&chat, "claude-3-haiku-20240307");
    assert_eq!(body.get("output_config"), None);
    assert!(body["system"].as_str().unwrap().contains("\"minimum\":3"));
}

#[test]
fn what_cannot_be_asked_is_said_and_not_left_out() {
    let mut chat = asked("hi");
    chat.messages[0].parts.push(ContentPart::File {
        name: None,
        media: Media {
            media_type: "text/csv".to_owned(),
            source: MediaSource::Url("https://example.test/a.csv".to_owned()),
        },
    });
    let refused = OpenAi::request(&chat, "gpt-5", true).unwrap_err();
    assert!(refused.contains("send its bytes"), "{refused}");
    let refused = Anthropic::request(&chat, "claude-opus-5", true).unwrap_err();
    assert!(refused.contains("text/csv"), "{refused}");
}

#[test]
fn openai_streams_become_answers_with_disjoint_usage() {
    let piece = |delta: Value, finish: Value| json!({"id": "c1", "model": "m-1", "choices": [{"index": 0, "delta": delta, "finish_reason": finish}], "usage": null});
    let fragment = |index: u64, id: Value, arguments: &str| json!({"tool_calls": [{"index": index, "id": id, "function": {"name": "f", "arguments": arguments}}]});
    let answer = streamed::<OpenAi>(&[
        piece(json!({"role": "assistant", "content": ""}), Value::Null),
        piece(json!({"content": "Hi"}), Value::Null),
        piece(fragment(0, json!("a"), ""), Value::Null),
        piece(fragment(1, json!("b"), ""), Value::Null),
        piece(fragment(0, Value::Null, "{\"x\":1}"), Value::Null),
        piece(json!({}), json!("stop")),
        json!({"id": "c1", "model": "m-1", "choices": [], "usage": {
            "prompt_tokens": 20, "completion_tokens": 9,
            "prompt_tokens_details": {"cached_tokens": 5, "cache_write_tokens": 1, "audio_tokens": 2},
            "completion_tokens_details": {"reasoning_tokens": 4, "audio_tokens": 0},
        }}),
    ]);
    assert_eq!((answer.id.as_str(), answer.model.as_str()), ("c1", "m-1"));
    assert_eq!(answer.text, "Hi");
    assert_eq!(answer.finish, FinishReason::ToolCalls);
    let calls: Vec<_> = answer
        .tool_calls
        .iter()
        .map(|call| (call.id.as_str(), call.arguments.as_str()))
        .collect();
    assert_eq!(calls, [("a", "{\"x\":1}"), ("b", "{}")]);
    let usage = Usage {
        input: 12,
        cache_read: 5,
        cache_write: 1,
        audio_in: 2,
        output: 5,
        reasoning: 4,
        ..Usage::default()
    };
    assert_eq!(answer.usage, usage);
}

#[test]
fn anthropic_streams_become_answers_and_usage_is_replaced_not_added() {
    let start = |index: u64, block: Value| json!({"type": "content_block_start", "index": index, "content_block": block});
    let delta = |index: u64, delta: Value| json!({"type": "content_block_delta", "index": index, "delta": delta});
    let answer = streamed::<Anthropic>(&[
        json!({"type": "message_start", "message": {"id": "msg_1", "model": "claude", "content": [], "stop_reason": null,
            "usage": {"input_tokens": 43, "cache_creation_input_tokens": 2, "cache_read_input_tokens": 3, "output_tokens": 1}}}),
        start(
            0,
            json!({"type": "thinking", "thinking": "", "signature": ""}),
        ),
        json!({"type": "ping"}),
        delta(0, json!({"type": "thinking_delta", "thinking": "Let"})),
        delta(0, json!({"type": "signature_delta", "signature": "Ev"})),
        start(1, json!({"type": "text", "text": ""})),
        delta(1, json!({"type": "text_delta", "text": "Hi"})),
        start(
            2,
            json!({"type": "tool_use", "id": "toolu_1", "name": "f", "input": {}}),
        ),
        delta(2, json!({"type": "input_json_delta", "partial_json": ""})),
        start(
            3,
            json!({"type": "tool_use", "id": "toolu_2", "name": "g", "input": {}}),
        ),
        delta(
            3,
            json!({"type": "input_json_delta", "partial_json": "{\"y\":2}"}),
        ),
        json!({"type": "message_delta", "delta": {"stop_reason": "tool_use"},
            "usage": {"output_tokens": 88, "output_tokens_details": {"thinking_tokens": 30}}}),
        json!({"type": "message_stop"}),
    ]);
    assert_eq!(answer.text, "Hi");
    assert_eq!(answer.reasoning_text(), "Let");
    assert_eq!(answer.reasoning[0].seal.signature.as_deref(), Some("Ev"));
    let calls: Vec<_> = answer
        .tool_calls
        .iter()
        .map(|call| (call.id.as_str(), call.arguments.as_str()))
        .collect();
    assert_eq!(calls, [("toolu_1", "{}"), ("toolu_2", "{\"y\":2}")]);
    let usage = Usage {
        input: 43,
        cache_read: 3,
        cache_write: 2,
        output: 58,
        reasoning: 30,
        ..Usage::default()
    };
    assert_eq!(answer.usage, usage);
}

#[test]
fn errors_are_told_apart_by_type_and_code() {
    use LlmErrorKind as Kind;
    fn class<D: Dialect>(status: u16, kind: &str, code: &str, message: &str) -> Kind {
        let body = json!({"error": {"type": kind, "code": code, "message": message}}).to_string();
        D::refusal(status, None, body.as_bytes()).kind
    }
    let openai = class::<OpenAi>;
    assert_eq!(
        openai(429, "insufficient_quota", "insufficient_quota", ""),
        Kind::QuotaExhausted
    );
    assert_eq!(
        openai(429, "tokens", "rate_limit_exceeded", ""),
        Kind::RateLimited { retry_after: None }
    );
    assert_eq!(
        openai(400, "invalid_request_error", "context_length_exceeded", ""),
        Kind::ContextLengthExceeded
    );
    assert_eq!(
        openai(400, "invalid_request_error", "content_policy_violation", ""),
        Kind::ContentFiltered
    );
    assert_eq!(
        openai(400, "invalid_request_error", "unsupported_value", ""),
        Kind::InvalidRequest
    );
    let anthropic = class::<Anthropic>;
    assert_eq!(
        anthropic(402, "billing_error", "", ""),
        Kind::QuotaExhausted
    );
    assert_eq!(
        anthropic(529, "overloaded_error", "", ""),
        Kind::Overloaded { retry_after: None }
    );
    let too_long = "prompt is too long: 9 tokens > 8 maximum";
    assert_eq!(
        anthropic(400, "invalid_request_error", "", too_long),
        Kind::ContextLengthExceeded
    );
    assert_eq!(
        anthropic(400, "invalid_request_error", "", "no"),
        Kind::InvalidRequest
    );
    assert_eq!(
        anthropic(404, "not_found_error", "", "model: x"),
        Kind::ModelNotFound
    );
}

#[test]
fn an_error_inside_a_stream_has_its_class_too() {
    let payload =
        json!({"error": {"message": "slow", "type": "tokens", "code": "rate_limit_exceeded"}});
    let fault = <OpenAi as Dialect>::Reader::default().read(&payload.to_string());
    let Err(Fault::Refused(refusal)) = fault else {
        panic!("{fault:?}");
    };
    assert_eq!(
        refusal.kind,
        LlmErrorKind::RateLimited { retry_after: None }
    );

    let payload =
        json!({"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}});
    let fault = <Anthropic as Dialect>::Reader::default().read(&payload.to_string());
    let Err(Fault::Refused(refusal)) = fault else {
        panic!("{fault:?}");
    };
    assert_eq!(refusal.kind, LlmErrorKind::Overloaded { retry_after: None });
}
