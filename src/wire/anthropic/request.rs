//! Writing a request.

use serde_json::Map;
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
use crate::types::ToolChoice;
use crate::types::quirks::JsonSupport;
use crate::types::quirks::Param;
use crate::wire::EncodeContext;
use crate::wire::Encoded;
use crate::wire::WireError;
use crate::wire::json_answer;

/// Writes a request for `POST {base}/v1/messages`.
pub(in crate::wire) fn encode(
    chat: &Chat,
    context: &EncodeContext<'_>,
) -> Result<Encoded, WireError> {
    let mut body = Map::new();
    let mut dropped = Vec::new();
    let most = chat
        .sampling
        .max_output_tokens
        .unwrap_or(context.default_max_output_tokens);
    body.insert("model".to_owned(), json!(context.model));
    body.insert("max_tokens".to_owned(), json!(most));
    let system = system(chat, context);
    if !system.is_empty() {
        body.insert("system".to_owned(), json!(system));
    }
    body.insert("messages".to_owned(), Value::Array(messages(chat)));
    sampling(chat, context, &mut body, &mut dropped);
    tools(chat, &mut body);
    output(chat, context, &mut body, &mut dropped);
    body.insert("stream".to_owned(), json!(context.stream));
    Ok(Encoded {
        path: "/v1/messages".to_owned(),
        body: Value::Object(body).to_string().into(),
        dropped,
    })
}

/// The system messages, wherever they stand, joined: this wire has one place for them.
fn system(chat: &Chat, context: &EncodeContext<'_>) -> String {
    let texts = chat
        .messages
        .iter()
        .filter(|message| message.role == Role::System)
        .map(Message::joined_text);
    let mut texts: Vec<String> = texts.filter(|text| !text.trim().is_empty()).collect();
    match &chat.format {
        ResponseFormat::JsonSchema { schema, .. } if context.quirks.json != JsonSupport::Schema => {
            texts.push(json_answer::instruction(schema));
        }
        ResponseFormat::JsonObject => {
            texts.push("Answer with one JSON object and nothing else.".to_owned())
        }
        ResponseFormat::JsonSchema { .. } | ResponseFormat::Text => {}
    }
    texts.join("\n\n")
}

fn sampling(
    chat: &Chat,
    context: &EncodeContext<'_>,
    body: &mut Map<String, Value>,
    dropped: &mut Vec<String>,
) {
    let sampling = &chat.sampling;
    // 0 to 1 here, 0 to 2 in Agon's own form; a higher one is refused.
    let temperature = sampling.temperature.map(|wanted| wanted.min(1.0));
    if temperature != sampling.temperature {
        dropped.push("temperature".to_owned());
    }
    let mut params = vec![
        (Param::Temperature, "temperature", temperature.map(decimal)),
        (Param::TopP, "top_p", sampling.top_p.map(decimal)),
    ];
    // White space alone is refused as a stop text.
    let stop: Vec<&String> = sampling
        .stop
        .iter()
        .filter(|text| !text.trim().is_empty())
        .collect();
    params.push((
        Param::Stop,
        "stop_sequences",
        (!stop.is_empty()).then(|| json!(stop)),
    ));
    params.push((
        Param::User,
        "metadata",
        chat.user.as_ref().map(|user| json!({"user_id": user})),
    ));
    for (param, key, value) in params {
        match value {
            Some(_) if context.quirks.drop_params.contains(&param) => {
                dropped.retain(|known| known != key);
                dropped.push(key.to_owned());
            }
            Some(value) => drop(body.insert(key.to_owned(), value)),
            None => {}
        }
    }
    if sampling.seed.is_some() {
        dropped.push("seed".to_owned());
    }
}

fn decimal(number: f32) -> Value {
    number
        .to_string()
        .parse::<f64>()
        .map_or(Value::Null, |number| json!(number))
}

fn tools(chat: &Chat, body: &mut Map<String, Value>) {
    if chat.tools.is_empty() {
        return;
    }
    let tool = |tool: &crate::types::Tool| json!({"name": tool.name, "description": tool.description, "input_schema": tool.parameters});
    body.insert("tools".to_owned(), chat.tools.iter().map(tool).collect());
    let choice = match &chat.tool_choice {
        ToolChoice::Auto => return,
        ToolChoice::None => json!({"type": "none"}),
        ToolChoice::Required => json!({"type": "any"}),
        ToolChoice::Named(name) => json!({"type": "tool", "name": name}),
    };
    body.insert("tool_choice".to_owned(), choice);
}

fn output(
    chat: &Chat,
    context: &EncodeContext<'_>,
    body: &mut Map<String, Value>,
    dropped: &mut Vec<String>,
) {
    let mut output = Map::new();
    if let (ResponseFormat::JsonSchema { schema, .. }, JsonSupport::Schema) =
        (&chat.format, context.quirks.json)
    {
        let schema = json_answer::for_anthropic(schema);
        output.insert(
            "format".to_owned(),
            json!({"type": "json_schema", "schema": schema}),
        );
    }
    match chat.reasoning_effort {
        Some(_) if context.quirks.drop_params.contains(&Param::ReasoningEffort) => {
            dropped.push("reasoning_effort".to_owned());
        }
        Some(ReasoningEffort::None) => {
            drop(body.insert("thinking".to_owned(), json!({"type": "disabled"})))
        }
        Some(effort @ (ReasoningEffort::Minimal | ReasoningEffort::Low)) => {
            if effort == ReasoningEffort::Minimal {
                dropped.push("reasoning_effort".to_owned());
            }
            output.insert("effort".to_owned(), json!("low"));
        }
        Some(ReasoningEffort::Medium) => drop(output.insert("effort".to_owned(), json!("medium"))),
        Some(ReasoningEffort::High) => drop(output.insert("effort".to_owned(), json!("high"))),
        Some(ReasoningEffort::Xhigh | ReasoningEffort::Max) => {
            drop(output.insert("effort".to_owned(), json!("max")));
        }
        None => {}
    }
    if !output.is_empty() {
        body.insert("output_config".to_owned(), Value::Object(output));
    }
}

/// The conversation: the same speaker's messages in a row are one, results of tools come first in theirs, and
/// what would be empty is left out, because this wire refuses it.
fn messages(chat: &Chat) -> Vec<Value> {
    let mut turns: Vec<(&str, Vec<Value>)> = Vec::new();
    for message in chat
        .messages
        .iter()
        .filter(|message| message.role != Role::System)
    {
        let (role, blocks) = match message.role {
            Role::Assistant => ("assistant", assistant(message)),
            Role::User | Role::Tool | Role::System => ("user", user(message)),
        };
        match turns.last_mut() {
            _ if blocks.is_empty() => {}
            Some((last, earlier)) if *last == role => earlier.extend(blocks),
            Some(_) | None => turns.push((role, blocks)),
        }
    }
    let results_first = |block: &Value| block["type"] != "tool_result";
    turns
        .into_iter()
        .map(|(role, mut blocks)| {
            blocks.sort_by_key(results_first);
            json!({"role": role, "content": blocks})
        })
        .collect()
}

fn user(message: &Message) -> Vec<Value> {
    if message.role == Role::Tool {
        let id = tool_id(message.tool_call_id.as_deref().unwrap_or_default());
        return vec![
            json!({"type": "tool_result", "tool_use_id": id, "content": message.joined_text()}),
        ];
    }
    message.parts.iter().filter_map(block).collect()
}

fn assistant(message: &Message) -> Vec<Value> {
    let calls = message.tool_calls.iter().map(|call| {
        let input: Value = serde_json::from_str(&call.arguments).unwrap_or_else(|_| json!({}));
        json!({"type": "tool_use", "id": tool_id(&call.id), "name": call.name, "input": input})
    });
    message
        .parts
        .iter()
        .filter_map(block)
        .chain(calls)
        .collect()
}

fn block(part: &ContentPart) -> Option<Value> {
    match part {
        ContentPart::Text(text) if text.trim().is_empty() => None,
        ContentPart::Text(text) => Some(json!({"type": "text", "text": text})),
        ContentPart::Image(media) => Some(json!({"type": "image", "source": source(media)})),
        ContentPart::File { name, media } => {
            let mut block = json!({"type": "document", "source": source(media)});
            if let Some(name) = name {
                block["title"] = json!(name);
            }
            Some(block)
        }
        // Without its signature a thinking block is refused; with it, it must come back as it was.
        ContentPart::Reasoning(block) => match (&block.seal.encrypted, &block.seal.signature) {
            (Some(data), _) => Some(json!({"type": "redacted_thinking", "data": data})),
            (None, Some(signature)) => {
                Some(json!({"type": "thinking", "thinking": block.text, "signature": signature}))
            }
            (None, None) => None,
        },
        ContentPart::Audio(_) | ContentPart::CachePoint(_) => None,
    }
}

fn source(media: &Media) -> Value {
    match &media.source {
        MediaSource::Base64(data) => {
            json!({"type": "base64", "media_type": media.media_type, "data": data})
        }
        MediaSource::Url(url) => json!({"type": "url", "url": url}),
    }
}

/// Ids of other providers may hold characters that this one refuses.
fn tool_id(id: &str) -> String {
    let clean = |c: char| {
        if c.is_ascii_alphanumeric() || c == '_' || c == '-' {
            c
        } else {
            '_'
        }
    };
    id.chars().map(clean).collect()
}
