//! Agon's form to a Chat Completions request.

use serde::Serialize;
use serde_json::Value;
use serde_json::json;

use crate::types::Chat;
use crate::types::ContentPart;
use crate::types::Media;
use crate::types::MediaSource;
use crate::types::Message;
use crate::types::ReasoningEffort;
use crate::types::ResponseFormat;
use crate::types::Role;
use crate::types::Tool;
use crate::types::ToolChoice;

#[derive(Serialize)]
struct Body<'a> {
    model: &'a str,
    messages: Vec<Turn<'a>>,
    // Models that reason refuse `max_tokens`; every current model takes this name (2026-08).
    #[serde(skip_serializing_if = "Option::is_none")]
    max_completion_tokens: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    temperature: Option<f32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    top_p: Option<f32>,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    stop: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    seed: Option<u64>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tools: Vec<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tool_choice: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    response_format: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reasoning_effort: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    user: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    stream: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    stream_options: Option<StreamOptions>,
}

#[derive(Serialize)]
struct StreamOptions {
    include_usage: bool,
}

#[derive(Serialize)]
struct Turn<'a> {
    role: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    content: Option<Said>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tool_calls: Vec<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tool_call_id: Option<&'a str>,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Said {
    Text(String),
    Parts(Vec<Value>),
}

/// Writes the request's body, or says what OpenAI cannot be asked.
pub(super) fn encode(chat: &Chat, model: &str, stream: bool) -> Result<Vec<u8>, String> {
    let sampling = &chat.sampling;
    let free = !refuses_sampling(model, chat.reasoning_effort);
    let body = Body {
        model,
        messages: turns(&chat.messages)?,
        max_completion_tokens: sampling.max_output_tokens,
        temperature: sampling.temperature.filter(|_| free),
        top_p: sampling.top_p.filter(|_| free),
        stop: if free { &sampling.stop } else { &[] },
        seed: sampling.seed,
        tools: chat.tools.iter().map(tool).collect(),
        tool_choice: tool_choice(chat),
        response_format: response_format(&chat.format),
        reasoning_effort: chat.reasoning_effort.map(effort),
        user: chat.user.as_deref(),
        stream: stream.then_some(true),
        stream_options: stream.then_some(StreamOptions {
            include_usage: true,
        }),
    };
    serde_json::to_vec(&body).map_err(|error| format!("the request cannot be written: {error}"))
}

/// `true` for models that answer 400 to sampling parameters, because they reason or are asked to
/// (OpenAI's model pages, 2026-08).
fn refuses_sampling(model: &str, effort: Option<ReasoningEffort>) -> bool {
    let is_one_of =
        |text: &str, families: &[&str]| families.iter().any(|family| text.starts_with(family));
    if is_one_of(model, &["o1", "o3", "o4"]) {
        return true;
    }
    let Some(version) = model.strip_prefix("gpt-5") else {
        return false;
    };
    let asked = effort.is_some_and(|effort| effort != ReasoningEffort::None);
    let kind = version.trim_start_matches(|c: char| c == '.' || c.is_ascii_digit());
    match version.strip_prefix('.') {
        None => !version.starts_with("-chat"),
        Some(_) if is_one_of(kind, &["-codex", "-pro", "-chat"]) => true,
        // 5.1 to 5.4 reason only when asked to, later ones unless asked not to.
        Some(minor) if minor.starts_with(['1', '2', '3', '4']) => asked,
        Some(_) => effort != Some(ReasoningEffort::None),
    }
}

fn turns(messages: &[Message]) -> Result<Vec<Turn<'_>>, String> {
    let mut turns = Vec::with_capacity(messages.len());
    // Pictures in tool results are refused, and a call must be answered before anybody else speaks: they
    // follow the results as a user's message.
    let mut pictures = Vec::new();
    for message in messages {
        if message.role != Role::Tool {
            turns.extend(shown_by_user(std::mem::take(&mut pictures)));
        }
        match message.role {
            Role::System => turns.push(text_turn("system", message)),
            Role::User => turns.push(user_turn(message)?),
            Role::Assistant => turns.extend(assistant_turn(message)),
            Role::Tool => {
                pictures.extend(message.parts.iter().filter_map(picture));
                turns.push(Turn {
                    tool_call_id: Some(message.tool_call_id.as_deref().unwrap_or_default()),
                    ..text_turn("tool", message)
                });
            }
        }
    }
    turns.extend(shown_by_user(pictures));
    Ok(turns)
}

fn turn<'a>(role: &'static str, content: Option<Said>) -> Turn<'a> {
    Turn {
        role,
        content,
        tool_calls: Vec::new(),
        tool_call_id: None,
    }
}

fn text_turn<'a>(role: &'static str, message: &Message) -> Turn<'a> {
    turn(role, Some(Said::Text(message.joined_text())))
}

fn shown_by_user<'a>(parts: Vec<Value>) -> Option<Turn<'a>> {
    (!parts.is_empty()).then(|| turn("user", Some(Said::Parts(parts))))
}

fn user_turn<'a>(message: &Message) -> Result<Turn<'a>, String> {
    let is_text = |part: &ContentPart| matches!(part, ContentPart::Text(_));
    if message.parts.iter().all(is_text) {
        return Ok(text_turn("user", message));
    }
    let mut parts = Vec::with_capacity(message.parts.len());
    for part in &message.parts {
        match part {
            ContentPart::Text(text) => parts.push(json!({"type": "text", "text": text})),
            ContentPart::Image(media) => parts.push(image(media)),
            ContentPart::File { name, media } => parts.push(file(name.as_deref(), media)?),
            ContentPart::Audio(_) => {
                return Err("the direct OpenAI client takes no sound".to_owned());
            }
            ContentPart::Reasoning(_) | ContentPart::CachePoint(_) => {}
        }
    }
    Ok(turn("user", Some(Said::Parts(parts))))
}

/// An assistant's turn; `None` when it says and calls nothing, which is refused.
fn assistant_turn<'a>(message: &Message) -> Option<Turn<'a>> {
    // Chat Completions neither shows reasoning nor takes it back, so those parts stay behind.
    let text = message.joined_text();
    let tool_calls: Vec<Value> = message
        .tool_calls
        .iter()
        .map(|call| {
            let function = json!({"name": call.name, "arguments": call.arguments});
            json!({"id": call.id, "type": "function", "function": function})
        })
        .collect();
    if text.is_empty() && tool_calls.is_empty() {
        return None;
    }
    let content = (!text.is_empty()).then_some(Said::Text(text));
    Some(Turn {
        tool_calls,
        ..turn("assistant", content)
    })
}

fn picture(part: &ContentPart) -> Option<Value> {
    match part {
        ContentPart::Image(media) => Some(image(media)),
        ContentPart::Text(_)
        | ContentPart::File { .. }
        | ContentPart::Audio(_)
        | ContentPart::Reasoning(_)
        | ContentPart::CachePoint(_) => None,
    }
}

fn image(media: &Media) -> Value {
    let url = match &media.source {
        MediaSource::Base64(text) => data_url(&media.media_type, text),
        MediaSource::Url(url) => url.clone(),
    };
    json!({"type": "image_url", "image_url": {"url": url}})
}

fn file(name: Option<&str>, media: &Media) -> Result<Value, String> {
    match &media.source {
        MediaSource::Base64(text) => {
            let filename = name.unwrap_or("document.pdf");
            let file_data = data_url(&media.media_type, text);
            Ok(json!({"type": "file", "file": {"filename": filename, "file_data": file_data}}))
        }
        MediaSource::Url(_) => {
            Err("Chat Completions takes no file by address: send its bytes".to_owned())
        }
    }
}

fn data_url(media_type: &str, base64: &str) -> String {
    format!("data:{media_type};base64,{base64}")
}

fn tool(tool: &Tool) -> Value {
    let mut function = json!({"name": tool.name, "parameters": tool.parameters});
    if !tool.description.is_empty() {
        function["description"] = json!(tool.description);
    }
    json!({"type": "function", "function": function})
}

/// The choice; none where there are no tools, because OpenAI refuses it there.
fn tool_choice(chat: &Chat) -> Option<Value> {
    if chat.tools.is_empty() {
        return None;
    }
    match &chat.tool_choice {
        ToolChoice::Auto => None,
        ToolChoice::None => Some(json!("none")),
        ToolChoice::Required => Some(json!("required")),
        ToolChoice::Named(name) => Some(json!({"type": "function", "function": {"name": name}})),
    }
}

fn response_format(format: &ResponseFormat) -> Option<Value> {
    match format {
        ResponseFormat::Text => None,
        ResponseFormat::JsonObject => Some(json!({"type": "json_object"})),
        ResponseFormat::JsonSchema { name, schema } => {
            let strict = is_strict(schema);
            let schema = json!({"name": name, "schema": schema, "strict": strict});
            Some(json!({"type": "json_schema", "json_schema": schema}))
        }
    }
}

/// `true` when each object of a schema is closed and requires all its properties: what OpenAI demands of a
/// schema before it guarantees that the answer fits. Asking for the guarantee otherwise is a 400.
fn is_strict(schema: &Value) -> bool {
    match schema {
        Value::Object(fields) => {
            let closed = match fields.get("properties") {
                Some(Value::Object(properties)) => {
                    let required = fields.get("required").and_then(Value::as_array);
                    let requires_all =
                        required.is_some_and(|required| required.len() == properties.len());
                    requires_all && fields.get("additionalProperties") == Some(&Value::Bool(false))
                }
                _ => true,
            };
            closed && fields.values().all(is_strict)
        }
        Value::Array(items) => items.iter().all(is_strict),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => true,
    }
}

fn effort(effort: ReasoningEffort) -> &'static str {
    match effort {
        ReasoningEffort::None => "none",
        ReasoningEffort::Minimal => "minimal",
        ReasoningEffort::Low => "low",
        ReasoningEffort::Medium => "medium",
        ReasoningEffort::High => "high",
        ReasoningEffort::Xhigh => "xhigh",
        ReasoningEffort::Max => "max",
    }
}
