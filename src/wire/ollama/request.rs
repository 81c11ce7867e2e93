//! Writing a request.

use serde_json::Map;
use serde_json::Value;
use serde_json::json;

use crate::types::Chat;
use crate::types::ContentPart;
use crate::types::MediaSource;
use crate::types::Message;
use crate::types::ReasoningEffort;
use crate::types::ResponseFormat;
use crate::types::Role;
use crate::types::ToolChoice;
use crate::types::quirks::Param;
use crate::wire::EncodeContext;
use crate::wire::Encoded;
use crate::wire::WireError;

/// Writes a request for `POST {base}/api/chat`.
pub(in crate::wire) fn encode(
    chat: &Chat,
    context: &EncodeContext<'_>,
) -> Result<Encoded, WireError> {
    let mut dropped = Vec::new();
    let messages = chat
        .messages
        .iter()
        .map(message)
        .collect::<Result<Vec<_>, _>>()?;
    let mut body = Map::from_iter([
        ("model".to_owned(), json!(context.model)),
        ("messages".to_owned(), Value::Array(messages)),
        // It streams unless told otherwise.
        ("stream".to_owned(), json!(context.stream)),
    ]);
    let options = options(chat);
    if !options.is_empty() {
        body.insert("options".to_owned(), Value::Object(options));
    }
    match &chat.format {
        ResponseFormat::Text => {}
        ResponseFormat::JsonObject => drop(body.insert("format".to_owned(), json!("json"))),
        ResponseFormat::JsonSchema { schema, .. } => {
            drop(body.insert("format".to_owned(), schema.clone()))
        }
    }
    if !chat.tools.is_empty() {
        let tool = |tool: &crate::types::Tool| {
            let function = json!({"name": tool.name, "description": tool.description, "parameters": tool.parameters});
            json!({"type": "function", "function": function})
        };
        match chat.tool_choice {
            // There is no tool_choice here, but no tools is the same as none.
            ToolChoice::None => {}
            ToolChoice::Auto => {
                drop(body.insert("tools".to_owned(), chat.tools.iter().map(tool).collect()))
            }
            ToolChoice::Required | ToolChoice::Named(_) => {
                body.insert("tools".to_owned(), chat.tools.iter().map(tool).collect());
                dropped.push("tool_choice".to_owned());
            }
        }
    }
    match chat.reasoning_effort {
        Some(_) if context.quirks.drop_params.contains(&Param::ReasoningEffort) => {
            dropped.push("reasoning_effort".to_owned());
        }
        Some(effort) => drop(body.insert("think".to_owned(), think(effort))),
        None => {}
    }
    if chat.user.is_some() {
        dropped.push("user".to_owned());
    }
    Ok(Encoded {
        path: "/api/chat".to_owned(),
        body: Value::Object(body).to_string().into(),
        dropped,
    })
}

fn think(effort: ReasoningEffort) -> Value {
    match effort {
        ReasoningEffort::None => json!(false),
        ReasoningEffort::Minimal | ReasoningEffort::Low => json!("low"),
        ReasoningEffort::Medium => json!("medium"),
        ReasoningEffort::High => json!("high"),
        ReasoningEffort::Xhigh | ReasoningEffort::Max => json!("max"),
    }
}

fn options(chat: &Chat) -> Map<String, Value> {
    let sampling = &chat.sampling;
    let decimal = |number: f32| {
        number
            .to_string()
            .parse::<f64>()
            .map_or(Value::Null, |number| json!(number))
    };
    let pairs = [
        ("temperature", sampling.temperature.map(decimal)),
        ("top_p", sampling.top_p.map(decimal)),
        (
            "num_predict",
            sampling.max_output_tokens.map(|most| json!(most)),
        ),
        (
            "stop",
            (!sampling.stop.is_empty()).then(|| json!(sampling.stop)),
        ),
        ("seed", sampling.seed.map(|seed| json!(seed))),
    ];
    pairs
        .into_iter()
        .filter_map(|(key, value)| Some((key.to_owned(), value?)))
        .collect()
}

fn message(message: &Message) -> Result<Value, WireError> {
    let role = match message.role {
        Role::System => "system",
        Role::User => "user",
        Role::Assistant => "assistant",
        Role::Tool => "tool",
    };
    let mut written = json!({"role": role, "content": message.joined_text()});
    let mut images = Vec::new();
    for part in &message.parts {
        match part {
            ContentPart::Image(media) => match &media.source {
                MediaSource::Base64(data) => images.push(json!(data)),
                MediaSource::Url(_) => return Err(unsupported("an image by address")),
            },
            ContentPart::File { .. } => return Err(unsupported("a document")),
            ContentPart::Reasoning(block) => written["thinking"] = json!(block.text),
            ContentPart::Audio(_) => return Err(unsupported("sound")),
            ContentPart::CachePoint(_) => {}
            ContentPart::Text(_) => {}
        }
    }
    if !images.is_empty() {
        written["images"] = Value::Array(images);
    }
    if let Some(id) = &message.tool_call_id {
        written["tool_call_id"] = json!(id);
    }
    if !message.tool_calls.is_empty() {
        let call = |(index, call): (usize, &crate::types::ToolCall)| {
            let arguments: Value =
                serde_json::from_str(&call.arguments).unwrap_or_else(|_| json!({}));
            json!({"id": call.id, "function": {"index": index, "name": call.name, "arguments": arguments}})
        };
        written["tool_calls"] = message.tool_calls.iter().enumerate().map(call).collect();
    }
    Ok(written)
}

fn unsupported(what: &str) -> WireError {
    WireError::Unsupported(format!(
        "{what} cannot be sent to Ollama: send an image's bytes, or the text of a document"
    ))
}
