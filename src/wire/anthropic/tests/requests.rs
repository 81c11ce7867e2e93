//! Requests, as they are written for each kind of model.

use serde_json::Value;
use serde_json::json;

use crate::types::CacheTtl;
use crate::types::Chat;
use crate::types::ContentPart;
use crate::types::Media;
use crate::types::MediaSource;
use crate::types::Message;
use crate::types::Reasoning;
use crate::types::ReasoningEffort;
use crate::types::ResponseFormat;
use crate::types::Role;
use crate::types::Seal;
use crate::types::Tool;
use crate::types::ToolCall;
use crate::types::ToolChoice;
use crate::types::Wire;
use crate::types::quirks::JsonSupport;
use crate::types::quirks::Param;
use crate::types::quirks::Quirks;
use crate::types::quirks::ReasoningStyle;
use crate::wire::EncodeContext;
use crate::wire::WireError;
use crate::wire::encode;

fn write(chat: &Chat, quirks: &Quirks) -> Result<(Value, Vec<String>), WireError> {
    let context = EncodeContext {
        model: "m",
        stream: false,
        quirks,
        default_max_output_tokens: 1000,
    };
    let encoded = encode(Wire::Anthropic, chat, &context)?;
    Ok((
        serde_json::from_slice(&encoded.body).unwrap(),
        encoded.dropped,
    ))
}

fn written(chat: &Chat, quirks: &Quirks) -> (Value, Vec<String>) {
    write(chat, quirks).unwrap()
}

fn hello() -> Chat {
    Chat {
        messages: vec![Message::text(Role::User, "Hi")],
        ..Chat::default()
    }
}

fn tool(name: &str) -> Tool {
    Tool {
        name: name.into(),
        description: String::new(),
        parameters: json!({}),
        strict: None,
        cache: None,
    }
}

fn budget() -> Quirks {
    Quirks {
        reasoning: ReasoningStyle::Budget,
        ..Quirks::default()
    }
}

#[test]
fn an_effort_is_adaptive_thinking_or_the_nearest_that_the_model_has() {
    let mut chat = hello();
    chat.reasoning_effort = Some(ReasoningEffort::Xhigh);
    let (body, dropped) = written(&chat, &Quirks::default());
    assert_eq!(body["thinking"], json!({"type": "adaptive"}));
    assert_eq!(body["output_config"], json!({"effort": "xhigh"}));
    assert_eq!(dropped, Vec::<String>::new());
    let quirks = Quirks {
        efforts: [ReasoningEffort::Low, ReasoningEffort::High].into(),
        ..Quirks::default()
    };
    let (body, dropped) = written(&chat, &quirks);
    assert_eq!(body["output_config"], json!({"effort": "high"}));
    assert_eq!(dropped, ["reasoning_effort"]);
    chat.reasoning_effort = Some(ReasoningEffort::None);
    let (body, _) = written(&chat, &Quirks::default());
    assert_eq!(body["thinking"], json!({"type": "disabled"}));
    assert_eq!(body.get("output_config"), None);
}

#[test]
fn a_budget_raises_the_limit_and_takes_what_it_forbids_away() {
    let mut chat = hello();
    chat.reasoning_effort = Some(ReasoningEffort::Medium);
    chat.sampling.temperature = Some(0.3);
    chat.sampling.top_p = Some(0.9);
    chat.sampling.top_k = Some(3);
    chat.tools = vec![tool("look")];
    chat.tool_choice = ToolChoice::Required;
    let (body, dropped) = written(&chat, &budget());
    assert_eq!(
        body["thinking"],
        json!({"type": "enabled", "budget_tokens": 2048})
    );
    assert_eq!(body["max_tokens"], 1000 + 2048);
    for gone in [
        "temperature",
        "top_p",
        "top_k",
        "tool_choice",
        "output_config",
    ] {
        assert_eq!(body.get(gone), None, "{gone}");
    }
    assert_eq!(dropped, ["tool_choice", "temperature", "top_p", "top_k"]);
    chat.sampling.max_output_tokens = Some(5000);
    chat.reasoning_budget_tokens = Some(100);
    let (body, dropped) = written(&chat, &budget());
    assert_eq!(
        (&body["thinking"]["budget_tokens"], &body["max_tokens"]),
        (&json!(1024), &json!(5000))
    );
    assert_eq!(dropped[0], "reasoning_effort");
}

#[test]
fn results_of_a_call_without_its_thinking_are_answered_without_any() {
    let mut chat = hello();
    chat.reasoning_effort = Some(ReasoningEffort::Low);
    let mut call = Message::text(Role::Assistant, "");
    call.tool_calls.push(ToolCall {
        id: "c".into(),
        name: "look".into(),
        arguments: "{}".into(),
        signature: None,
    });
    let mut result = Message::text(Role::Tool, "seen");
    result.tool_call_id = Some("c".into());
    chat.messages.extend([call, result]);
    let (body, dropped) = written(&chat, &budget());
    assert_eq!(
        (body.get("thinking"), dropped),
        (None, vec!["reasoning_effort".to_owned()])
    );
    assert_eq!(
        body["tools"],
        json!([{"name": "look", "input_schema": {"type": "object"}}]),
        "past calls are declared"
    );
    assert_eq!(body["tool_choice"], json!({"type": "none"}));
    let seal = Seal {
        signature: Some("s".into()),
        ..Seal::default()
    };
    chat.messages[1].parts.insert(
        0,
        ContentPart::Reasoning(Reasoning {
            text: "Hm".into(),
            seal,
        }),
    );
    let (body, dropped) = written(&chat, &budget());
    assert_eq!(
        (body["thinking"]["type"].as_str(), dropped),
        (Some("enabled"), vec![])
    );
    assert_eq!(
        body["messages"][1]["content"][0],
        json!({"type": "thinking", "thinking": "Hm", "signature": "s"})
    );
}

#[test]
fn four_cache_points_are_written_and_the_rest_is_told() {
    let mut chat = hello();
    let mut system = Message::text(Role::System, "Be brief.");
    system.parts.push(ContentPart::CachePoint(CacheTtl::Usual));
    chat.messages.insert(0, system);
    let mut cached = tool("look");
    cached.cache = Some(CacheTtl::Hour);
    chat.tools = vec![cached];
    for _ in 0..3 {
        chat.messages[1].parts.extend([
            ContentPart::CachePoint(CacheTtl::Usual),
            ContentPart::Text("More".into()),
        ]);
    }
    let (body, dropped) = written(&chat, &Quirks::default());
    assert_eq!(
        body["tools"][0]["cache_control"],
        json!({"type": "ephemeral", "ttl": "1h"})
    );
    assert_eq!(
        body["system"],
        json!([{"type": "text", "text": "Be brief.", "cache_control": {"type": "ephemeral"}}])
    );
    let content = body["messages"][0]["content"].as_array().unwrap();
    let marked: Vec<bool> = content
        .iter()
        .map(|block| block.get("cache_control").is_some())
        .collect();
    assert_eq!(marked, [true, true, false, false]);
    assert_eq!(dropped, ["cache_control"]);
}

#[test]
fn a_cache_point_never_marks_thinking() {
    let mut chat = hello();
    let seal = Seal {
        encrypted: Some("r".into()),
        ..Seal::default()
    };
    let mut answer = Message::text(Role::Assistant, "Yes");
    answer.parts.push(ContentPart::Reasoning(Reasoning {
        text: String::new(),
        seal,
    }));
    answer.parts.push(ContentPart::CachePoint(CacheTtl::Usual));
    chat.messages.push(answer);
    let (body, _) = written(&chat, &Quirks::default());
    let blocks = &body["messages"][1]["content"];
    assert_eq!(blocks[0]["cache_control"], json!({"type": "ephemeral"}));
    assert_eq!(blocks[1], json!({"type": "redacted_thinking", "data": "r"}));
}

fn in_json() -> Chat {
    let mut chat = hello();
    chat.format = ResponseFormat::JsonSchema {
        name: "answer".into(),
        schema: json!({"type": "object", "properties": {"n": {"type": "integer", "minimum": 0}}}),
    };
    chat
}

#[test]
fn an_answer_as_json_is_a_forced_call_where_there_is_no_other_way() {
    let quirks = Quirks {
        json: JsonSupport::Tool,
        ..Quirks::default()
    };
    let mut chat = in_json();
    let (body, _) = written(&chat, &quirks);
    assert_eq!(body["tools"][0]["name"], "answer_as_json");
    assert_eq!(
        body["tool_choice"],
        json!({"type": "tool", "name": "answer_as_json"})
    );
    chat.tools = vec![tool("look")];
    let (body, _) = written(&chat, &quirks);
    assert_eq!(
        body["tool_choice"],
        json!({"type": "any"}),
        "it may look before it answers"
    );
    chat.tool_choice = ToolChoice::Named("look".into());
    let (body, _) = written(&chat, &quirks);
    assert_eq!(body["tool_choice"], json!({"type": "tool", "name": "look"}));
    assert_eq!(body["tools"].as_array().unwrap().len(), 1);
}

#[test]
fn an_answer_as_json_is_asked_for_in_words_where_a_call_cannot_be_forced() {
    let thinks = Quirks {
        json: JsonSupport::Tool,
        ..budget()
    };
    let mut chat = in_json();
    chat.reasoning_effort = Some(ReasoningEffort::High);
    let (body, _) = written(&chat, &thinks);
    assert_eq!(body.get("tools"), None);
    assert!(body["system"].as_str().unwrap().contains("JSON schema"));
}

#[test]
fn media_are_written_as_this_wire_has_them() {
    let mut chat = hello();
    let media = |media_type: &str, source| Media {
        media_type: media_type.into(),
        source,
    };
    let file = |media_type: &str, coded: &str| ContentPart::File {
        name: None,
        media: media(media_type, MediaSource::Base64(coded.into())),
    };
    let address = || {
        media(
            "image/png",
            MediaSource::Url("https://example.org/a.png".into()),
        )
    };
    chat.messages[0].parts = vec![
        ContentPart::Image(media("image/jpg", MediaSource::Base64("AAAA".into()))),
        ContentPart::Image(address()),
        file("application/pdf", "BBBB"),
        file("text/markdown", "aGV5"),
    ];
    let (body, _) = written(&chat, &Quirks::default());
    let sources: Vec<&Value> = body["messages"][0]["content"]
        .as_array()
        .unwrap()
        .iter()
        .map(|block| &block["source"])
        .collect();
    assert_eq!(
        sources[0],
        &json!({"type": "base64", "media_type": "image/jpeg", "data": "AAAA"})
    );
    assert_eq!(
        sources[1],
        &json!({"type": "url", "url": "https://example.org/a.png"})
    );
    assert_eq!(sources[2]["media_type"], "application/pdf");
    assert_eq!(
        sources[3],
        &json!({"type": "text", "media_type": "text/plain", "data": "hey"})
    );
    let inline = Quirks {
        inline_media_only: true,
        ..Quirks::default()
    };
    let unsupported = |chat: &Chat, quirks: &Quirks| {
        matches!(write(chat, quirks), Err(WireError::Unsupported(_)))
    };
    assert!(unsupported(&chat, &inline), "an address");
    for part in [
        file("application/zip", "AAAA"),
        ContentPart::Audio(address()),
    ] {
        chat.messages[0].parts = vec![part];
        assert!(unsupported(&chat, &Quirks::default()));
    }
}

#[test]
fn a_failed_tool_says_so_and_may_show_a_picture() {
    let mut chat = hello();
    let mut result = Message::text(Role::Tool, "gone");
    result.tool_call_id = Some("a/b".into());
    result.tool_failed = true;
    result.parts.push(ContentPart::Image(Media {
        media_type: "image/png".into(),
        source: MediaSource::Base64("AAAA".into()),
    }));
    chat.messages.push(result);
    let (body, _) = written(&chat, &Quirks::default());
    let block = &body["messages"][0]["content"][0];
    assert_eq!(
        (&block["type"], &block["tool_use_id"], &block["is_error"]),
        (&json!("tool_result"), &json!("a_b"), &json!(true))
    );
    assert_eq!(block["content"][1]["type"], "image");
}

#[test]
fn a_host_with_the_model_in_its_path_gets_a_version_instead() {
    let quirks = Quirks {
        anthropic_version: Some("vertex-2023-10-16".into()),
        ..Quirks::default()
    };
    let (body, _) = written(&hello(), &quirks);
    assert_eq!(
        (body.get("model"), &body["anthropic_version"]),
        (None, &json!("vertex-2023-10-16"))
    );
}

#[test]
fn what_has_no_place_is_told_by_its_name() {
    let mut chat = hello();
    chat.sampling.seed = Some(1);
    chat.sampling.presence_penalty = Some(1.0);
    chat.sampling.frequency_penalty = Some(1.0);
    chat.top_logprobs = Some(2);
    chat.metadata = [("a".to_owned(), "b".to_owned())].into();
    chat.tools = vec![Tool {
        strict: Some(true),
        ..tool("look")
    }];
    chat.parallel_tool_calls = Some(false);
    let unsealed = Reasoning {
        text: "Hm".into(),
        seal: Seal::default(),
    };
    chat.messages[0]
        .parts
        .insert(0, ContentPart::Reasoning(unsealed));
    let quirks = Quirks {
        drop_params: [Param::StrictTools, Param::ParallelToolCalls].into(),
        ..Quirks::default()
    };
    let (_, dropped) = written(&chat, &quirks);
    let expected = [
        "tools.strict",
        "parallel_tool_calls",
        "reasoning",
        "seed",
        "presence_penalty",
        "frequency_penalty",
        "logprobs",
        "metadata",
    ];
    assert_eq!(dropped, expected);
}
