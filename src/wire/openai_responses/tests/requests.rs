//! Requests, as they are written for each kind of provider.

use serde_json::Value;
use serde_json::json;

use super::WIRE;
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
use crate::types::quirks::JsonSupport;
use crate::types::quirks::Param;
use crate::types::quirks::Quirks;
use crate::types::quirks::ReasoningHistory;
use crate::wire::EncodeContext;
use crate::wire::WireError;
use crate::wire::encode;
use crate::wire::rich_chat::encoded;

fn write(chat: &Chat, quirks: &Quirks) -> Result<(Value, Vec<String>), WireError> {
    let context = EncodeContext {
        model: "m",
        stream: false,
        quirks,
        default_max_output_tokens: 1000,
    };
    let encoded = encode(WIRE, chat, &context)?;
    Ok((
        serde_json::from_slice(&encoded.body).unwrap(),
        encoded.dropped,
    ))
}

fn hello() -> Chat {
    Chat {
        messages: vec![Message::text(Role::User, "Hi")],
        ..Chat::default()
    }
}

#[test]
fn the_request_holds_everything() {
    insta::assert_snapshot!(encoded(WIRE, &Quirks::default()));
}

#[test]
fn sealed_reasoning_goes_back_before_what_followed_it() {
    let mut chat = hello();
    let seal = Seal {
        encrypted: Some("E".into()),
        id: Some("rs_1".into()),
        signature: None,
    };
    let mut answer = Message::text(Role::Assistant, "Yes");
    answer.parts.insert(
        0,
        ContentPart::Reasoning(Reasoning {
            text: "Hm".into(),
            seal,
        }),
    );
    chat.messages.push(answer);
    let (body, dropped) = write(&chat, &Quirks::default()).unwrap();
    assert_eq!(
        body["input"][1],
        json!({"type": "reasoning", "id": "rs_1", "summary": [{"type": "summary_text", "text": "Hm"}], "encrypted_content": "E"})
    );
    assert_eq!(
        body["input"][2],
        json!({"type": "message", "role": "assistant", "content": "Yes"})
    );
    assert_eq!(
        (&body["include"], &body["store"]),
        (&json!(["reasoning.encrypted_content"]), &json!(false))
    );
    assert_eq!(dropped, Vec::<String>::new());
    chat.messages[1].parts.pop();
    let (body, dropped) = write(&chat, &Quirks::default()).unwrap();
    assert_eq!(
        (body["input"].as_array().unwrap().len(), dropped),
        (1, vec!["reasoning".to_owned()]),
        "nothing follows it"
    );
}

#[test]
fn reasoning_in_words_goes_back_where_a_provider_wants_it() {
    let mut chat = hello();
    let mut answer = Message::text(Role::Assistant, "Yes");
    answer.parts.insert(
        0,
        ContentPart::Reasoning(Reasoning {
            text: "Hm".into(),
            seal: Seal::default(),
        }),
    );
    chat.messages.push(answer);
    let (_, dropped) = write(&chat, &Quirks::default()).unwrap();
    assert_eq!(dropped, ["reasoning"]);
    let quirks = Quirks {
        reasoning_history: ReasoningHistory::ReasoningContent,
        ..Quirks::default()
    };
    let (body, _) = write(&chat, &quirks).unwrap();
    assert_eq!(
        body["input"][1]["content"],
        json!([{"type": "reasoning_text", "text": "Hm"}])
    );
}

#[test]
fn an_effort_asks_for_a_summary_and_what_has_to_come_back() {
    let mut chat = hello();
    chat.reasoning_effort = Some(ReasoningEffort::Minimal);
    let quirks = Quirks {
        efforts: [ReasoningEffort::Low, ReasoningEffort::High].into(),
        ..Quirks::default()
    };
    let (body, dropped) = write(&chat, &quirks).unwrap();
    assert_eq!(
        body["reasoning"],
        json!({"effort": "low", "summary": "auto"})
    );
    assert_eq!(body["include"], json!(["reasoning.encrypted_content"]));
    assert_eq!(dropped, ["reasoning_effort"]);
    let plain = Quirks {
        drop_params: [Param::ReasoningEffort].into(),
        ..Quirks::default()
    };
    let (body, _) = write(&chat, &plain).unwrap();
    assert_eq!((body.get("reasoning"), body.get("include")), (None, None));
}

#[test]
fn media_and_limits_are_written_as_this_wire_has_them() {
    let mut chat = hello();
    let file = |source| ContentPart::File {
        name: None,
        media: Media {
            media_type: "application/pdf".into(),
            source,
        },
    };
    let image = Media {
        media_type: "image/png".into(),
        source: MediaSource::Base64("AAAA".into()),
    };
    chat.messages[0].parts.extend([
        ContentPart::Image(image),
        file(MediaSource::Base64("BBBB".into())),
        file(MediaSource::Url("https://example.org/a.pdf".into())),
    ]);
    chat.sampling.max_output_tokens = Some(1);
    chat.user = Some("u".repeat(65));
    let (body, dropped) = write(&chat, &Quirks::default()).unwrap();
    let parts = &body["input"][0]["content"];
    assert_eq!(parts[1]["image_url"], "data:image/png;base64,AAAA");
    assert_eq!(
        parts[2],
        json!({"type": "input_file", "filename": "document.pdf", "file_data": "data:application/pdf;base64,BBBB"})
    );
    assert_eq!(
        parts[3],
        json!({"type": "input_file", "file_url": "https://example.org/a.pdf"})
    );
    assert_eq!(body["max_output_tokens"], 16);
    assert_eq!(dropped, ["max_output_tokens", "user"]);
    let inline = Quirks {
        inline_media_only: true,
        ..Quirks::default()
    };
    assert!(matches!(
        write(&chat, &inline),
        Err(WireError::Unsupported(_))
    ));
}

#[test]
fn json_without_a_schema_is_asked_for_in_the_input() {
    let mut chat = hello();
    chat.format = ResponseFormat::JsonObject;
    let (body, _) = write(&chat, &Quirks::default()).unwrap();
    assert_eq!(body["text"]["format"], json!({"type": "json_object"}));
    assert!(
        body["input"][1]["content"]
            .as_str()
            .unwrap()
            .contains("JSON")
    );
    let quirks = Quirks {
        json: JsonSupport::Prompt,
        ..Quirks::default()
    };
    assert_eq!(write(&chat, &quirks).unwrap().0.get("text"), None);
}

#[test]
fn a_long_id_of_a_call_is_shortened_alike_at_both_ends() {
    let mut chat = hello();
    let id = format!("a{}z", "-".repeat(80));
    let mut call = Message::text(Role::Assistant, "");
    call.tool_calls.push(crate::types::ToolCall {
        id: id.clone(),
        name: "f".into(),
        arguments: "{}".into(),
        signature: None,
    });
    let mut result = Message::text(Role::Tool, "seen");
    result.tool_call_id = Some(id);
    chat.messages.extend([call, result]);
    let (body, _) = write(&chat, &Quirks::default()).unwrap();
    let (called, answered) = (&body["input"][1]["call_id"], &body["input"][2]["call_id"]);
    assert_eq!(called, answered);
    assert_eq!(called.as_str().unwrap().len(), 64);
}
