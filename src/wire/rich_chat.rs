//! What the tests of all dialects share: one chat that uses everything, and a stream read to its end.

use serde_json::json;

use super::EncodeContext;
use super::StreamDecoder;
use super::WireError;
use super::encode;
use crate::types::Chat;
use crate::types::ChatResponse;
use crate::types::ContentPart;
use crate::types::Media;
use crate::types::MediaSource;
use crate::types::Message;
use crate::types::ReasoningEffort;
use crate::types::ResponseBuilder;
use crate::types::ResponseFormat;
use crate::types::Role;
use crate::types::Sampling;
use crate::types::Tool;
use crate::types::ToolCall;
use crate::types::ToolChoice;
use crate::types::Wire;
use crate::types::quirks::Quirks;

pub(super) fn rich_chat() -> Chat {
    let image = Media {
        media_type: "image/png".into(),
        source: MediaSource::Base64("iVBORw0=".into()),
    };
    let mut look = Message::text(Role::User, "What is this?");
    look.parts.push(ContentPart::Image(image));
    let mut call = Message::text(Role::Assistant, "");
    call.tool_calls = vec![ToolCall {
        id: "call/1".into(),
        name: "look".into(),
        arguments: "{\"at\":1}".into(),
        signature: None,
    }];
    let mut result = Message::text(Role::Tool, "a cat");
    result.tool_call_id = Some("call/1".into());
    let answer = json!({"type": "object", "properties": {"n": {"type": "integer", "minimum": 0}}, "required": ["n"], "additionalProperties": false});
    Chat {
        messages: vec![
            Message::text(Role::System, "Be brief."),
            look,
            call,
            result,
            Message::text(Role::User, "How many?"),
        ],
        sampling: Sampling {
            temperature: Some(1.3),
            top_p: Some(0.7),
            max_output_tokens: Some(64),
            stop: vec!["END".into()],
            seed: Some(7),
            ..Sampling::default()
        },
        tools: vec![Tool {
            name: "look".into(),
            description: "Looks.".into(),
            parameters: json!({"type": "object"}),
            strict: None,
            cache: None,
        }],
        tool_choice: ToolChoice::Required,
        format: ResponseFormat::JsonSchema {
            name: "answer".into(),
            schema: answer,
        },
        reasoning_effort: Some(ReasoningEffort::Low),
        user: Some("u1".into()),
        ..Chat::default()
    }
}

/// The encoded body, for people to read, and what was dropped.
pub(super) fn encoded(wire: Wire, quirks: &Quirks) -> String {
    let context = EncodeContext {
        model: "m",
        stream: true,
        quirks,
        default_max_output_tokens: 1024,
    };
    let encoded = encode(wire, &rich_chat(), &context).unwrap();
    let body: serde_json::Value = serde_json::from_slice(&encoded.body).unwrap();
    format!("{}\ndropped: {:?}\n{body:#}", encoded.path, encoded.dropped)
}

/// A stream that arrives in these pieces, as one answer.
pub(super) fn read_stream(wire: Wire, pieces: &[&[u8]]) -> Result<ChatResponse, WireError> {
    let mut decoder = StreamDecoder::new(wire, &Quirks::default());
    let mut chunks = Vec::new();
    for piece in pieces {
        decoder.push(piece, &mut chunks)?;
    }
    decoder.finish(&mut chunks)?;
    let mut builder = ResponseBuilder::default();
    chunks.iter().for_each(|chunk| builder.push(chunk));
    Ok(builder.finish())
}
