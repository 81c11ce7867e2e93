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
use crate::types::Tool;
use crate::types::ToolChoice;
use crate::types::quirks::JsonSupport;
use crate::types::quirks::OllamaOptions;
use crate::types::quirks::Param;
use crate::types::quirks::ReasoningStyle;
use crate::wire::EncodeContext;
use crate::wire::Encoded;
use crate::wire::WireError;
use crate::wire::json_answer;
use crate::wire::lenient::decimal;
use crate::wire::reasoning;

/// Writes a request for `POST {base}/api/chat`.
pub(in crate::wire) fn encode(
    chat: &Chat,
    context: &EncodeContext<'_>,
) -> Result<Encoded, WireError> {
    let mut dropped = Vec::new();
    let messages = chat.messages.iter().map(|message| write(message, chat));
    let mut messages = messages.collect::<Result<Vec<_>, _>>()?;
    let mut body = Map::new();
    match (&chat.format, context.quirks.json) {
        (ResponseFormat::Text, _) => {}
        (ResponseFormat::JsonObject, _) => drop(body.insert("format".to_owned(), json!("json"))),
        (ResponseFormat::JsonSchema { schema, .. }, JsonSupport::Schema) => {
            body.insert("format".to_owned(), schema.clone());
        }
        (ResponseFormat::JsonSchema { schema, .. }, _) => {
            let asked = json_answer::instruction(schema);
            messages.push(json!({"role": "system", "content": asked}));
            body.insert("format".to_owned(), json!("json"));
        }
    }
    body.insert("model".to_owned(), json!(context.model));
    body.insert("messages".to_owned(), Value::Array(messages));
    // It streams unless told otherwise.
    body.insert("stream".to_owned(), json!(context.stream));
    let mut options = options(chat);
    ask_the_server(&context.quirks.ollama, &mut options, &mut body);
    if !options.is_empty() {
        body.insert("options".to_owned(), Value::Object(options));
    }
    tools(chat, &mut body, &mut dropped);
    if let Some(effort) = reasoning::effort(chat, context.quirks, &mut dropped) {
        let think = think(effort, context.quirks.reasoning);
        body.insert("think".to_owned(), think);
    }
    if let Some(top) = chat.top_logprobs {
        body.insert("logprobs".to_owned(), json!(true));
        body.insert("top_logprobs".to_owned(), json!(top));
    }
    dropped.extend(lost(chat));
    Ok(Encoded {
        path: "/api/chat".to_owned(),
        body: crate::wire::json_bytes(&body),
        dropped,
    })
}

/// What is asked of the server beside the chat.
fn ask_the_server(
    asked: &OllamaOptions,
    options: &mut Map<String, Value>,
    body: &mut Map<String, Value>,
) {
    if let Some(tokens) = asked.num_ctx {
        options.insert("num_ctx".to_owned(), json!(tokens));
    }
    if let Some(keep_alive) = &asked.keep_alive {
        body.insert("keep_alive".to_owned(), json!(keep_alive));
    }
    if asked.refuse_overlong {
        // By default a longer prompt is cut without a word (its api/types.go, at fb30760, 2026-08-21).
        body.insert("truncate".to_owned(), json!(false));
    }
}

/// What the native API has no member for.
fn lost(chat: &Chat) -> impl Iterator<Item = String> {
    let marked = |message: &Message| {
        let mut parts = message.parts.iter();
        parts.any(|part| matches!(part, ContentPart::CachePoint(_)))
    };
    let lost = [
        (Param::User, chat.user.is_some()),
        (Param::Metadata, !chat.metadata.is_empty()),
        (
            Param::ParallelToolCalls,
            chat.parallel_tool_calls.is_some() && !chat.tools.is_empty(),
        ),
        (
            Param::StrictTools,
            chat.tools.iter().any(|tool| tool.strict == Some(true)),
        ),
        (
            Param::CacheMarkers,
            chat.messages.iter().any(marked) || chat.tools.iter().any(|tool| tool.cache.is_some()),
        ),
    ];
    lost.into_iter()
        .filter(|(_, is_lost)| *is_lost)
        .map(|(param, _)| param.as_str().to_owned())
}

fn tools(chat: &Chat, body: &mut Map<String, Value>, dropped: &mut Vec<String>) {
    // There is no tool_choice here, but no tools is the same as none.
    if chat.tools.is_empty() || chat.tool_choice == ToolChoice::None {
        return;
    }
    let tool = |tool: &Tool| {
        let function = json!({"name": tool.name, "description": tool.description, "parameters": tool.parameters});
        json!({"type": "function", "function": function})
    };
    body.insert("tools".to_owned(), chat.tools.iter().map(tool).collect());
    if chat.tool_choice != ToolChoice::Auto {
        dropped.push(Param::ToolChoice.as_str().to_owned());
    }
}

fn think(effort: ReasoningEffort, style: ReasoningStyle) -> Value {
    match effort {
        ReasoningEffort::None => json!(false),
        _ if style == ReasoningStyle::Switch => json!(true),
        ReasoningEffort::Minimal | ReasoningEffort::Low => json!("low"),
        ReasoningEffort::Medium => json!("medium"),
        ReasoningEffort::High => json!("high"),
        ReasoningEffort::Xhigh | ReasoningEffort::Max => json!("max"),
    }
}

fn options(chat: &Chat) -> Map<String, Value> {
    let sampling = &chat.sampling;
    let stop = (!sampling.stop.is_empty()).then(|| json!(sampling.stop));
    let most = sampling.max_output_tokens.map(|most| json!(most));
    let pairs = [
        ("temperature", sampling.temperature.map(decimal)),
        ("top_p", sampling.top_p.map(decimal)),
        ("top_k", sampling.top_k.map(|top| json!(top))),
        ("presence_penalty", sampling.presence_penalty.map(decimal)),
        ("frequency_penalty", sampling.frequency_penalty.map(decimal)),
        ("num_predict", most),
        ("stop", stop),
        ("seed", sampling.seed.map(|seed| json!(seed))),
    ];
    pairs
        .into_iter()
        .filter_map(|(key, value)| Some((key.to_owned(), value?)))
        .collect()
}

fn write(message: &Message, chat: &Chat) -> Result<Value, WireError> {
    let role = match message.role {
        Role::System => "system",
        Role::User => "user",
        Role::Assistant => "assistant",
        Role::Tool => "tool",
    };
    let mut written = json!({"role": role, "content": message.joined_text()});
    let (mut images, mut thinking) = (Vec::new(), String::new());
    for part in &message.parts {
        match part {
            ContentPart::Image(media) => match &media.source {
                MediaSource::Base64(data) => images.push(json!(data)),
                MediaSource::Url(_) => return Err(unsupported("an image by address")),
            },
            ContentPart::File { .. } => return Err(unsupported("a document")),
            ContentPart::Audio(_) => return Err(unsupported("sound")),
            ContentPart::Reasoning(block) => thinking.push_str(&block.text),
            ContentPart::Text(_) | ContentPart::CachePoint(_) => {}
        }
    }
    if !thinking.is_empty() {
        written["thinking"] = json!(thinking);
    }
    if !images.is_empty() {
        written["images"] = Value::Array(images);
    }
    if let Some(id) = &message.tool_call_id {
        written["tool_call_id"] = json!(id);
        if let Some(name) = chat.tool_of(id) {
            written["tool_name"] = json!(name);
        }
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
