//! Agon's form to a Messages request.

use std::borrow::Cow;

use serde::Serialize;
use serde_json::Map;
use serde_json::Value;
use serde_json::json;

use super::family::Family;
use super::family::Thinking;
use super::family::family;
use crate::types::Chat;
use crate::types::ContentPart;
use crate::types::Media;
use crate::types::MediaSource;
use crate::types::Message;
use crate::types::ReasoningEffort;
use crate::types::ResponseFormat;
use crate::types::Role;
use crate::types::Tool;
use crate::types::ToolCall;
use crate::types::ToolChoice;

#[derive(Serialize)]
struct Body<'a> {
    model: &'a str,
    max_tokens: u32,
    #[serde(skip_serializing_if = "String::is_empty")]
    system: String,
    messages: Vec<Turn<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    temperature: Option<f32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    top_p: Option<f32>,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    stop_sequences: &'a [String],
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tools: Vec<Function<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tool_choice: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    thinking: Option<Value>,
    #[serde(skip_serializing_if = "Map::is_empty")]
    output_config: Map<String, Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    metadata: Option<Metadata<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    stream: Option<bool>,
}

#[derive(Serialize)]
struct Metadata<'a> {
    user_id: &'a str,
}

#[derive(Serialize)]
struct Function<'a> {
    name: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    description: &'a str,
    input_schema: &'a Value,
}

#[derive(Serialize)]
struct Turn<'a> {
    role: &'static str,
    content: Vec<Block<'a>>,
}

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Block<'a> {
    Text {
        text: &'a str,
    },
    Image {
        source: Source<'a>,
    },
    Document {
        source: Source<'a>,
        #[serde(skip_serializing_if = "Option::is_none")]
        title: Option<&'a str>,
    },
    Thinking {
        thinking: &'a str,
        signature: &'a str,
    },
    ToolUse {
        id: Cow<'a, str>,
        name: &'a str,
        input: Value,
    },
    ToolResult {
        tool_use_id: Cow<'a, str>,
        content: Vec<Self>,
    },
}

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Source<'a> {
    Base64 { media_type: &'a str, data: &'a str },
    Url { url: &'a str },
}

/// Writes the request's body, or says what Anthropic cannot be asked.
pub(super) fn encode(chat: &Chat, model: &str, stream: bool) -> Result<Vec<u8>, String> {
    let family = family(model);
    let budget = thinking_budget(chat, family);
    let max_tokens = chat.sampling.max_output_tokens;
    let max_tokens = max_tokens.unwrap_or_else(|| family.max_tokens + budget.unwrap_or(0));
    // A model that thinks within a budget takes the default temperature only.
    let sampling = family.sampling && budget.is_none();
    let body = Body {
        model,
        max_tokens,
        system: system(chat, family),
        messages: turns(&chat.messages)?,
        // OpenAI's scale ends at 2, Anthropic's at 1.
        temperature: chat
            .sampling
            .temperature
            .filter(|_| sampling)
            .map(|temperature| temperature.min(1.0)),
        top_p: chat.sampling.top_p.filter(|_| sampling),
        stop_sequences: &chat.sampling.stop,
        tools: chat.tools.iter().map(function).collect(),
        tool_choice: tool_choice(chat),
        thinking: thinking(chat, family, budget),
        output_config: output_config(chat, family),
        metadata: chat.user.as_deref().map(|user_id| Metadata { user_id }),
        stream: stream.then_some(true),
    };
    serde_json::to_vec(&body).map_err(|error| format!("the request cannot be written: {error}"))
}

/// System messages are a field of their own here, wherever they stand in the conversation. A form of answer
/// that the model cannot be held to is asked for in it.
fn system(chat: &Chat, family: Family) -> String {
    let said = chat
        .messages
        .iter()
        .filter(|message| message.role == Role::System)
        .map(Message::joined_text);
    let asked = match &chat.format {
        ResponseFormat::JsonObject => {
            Some("Answer with one JSON object and nothing else.".to_owned())
        }
        ResponseFormat::JsonSchema { schema, .. } if !family.schema => Some(format!(
            "Answer with JSON of this schema and nothing else: {schema}"
        )),
        ResponseFormat::Text | ResponseFormat::JsonSchema { .. } => None,
    };
    let texts: Vec<String> = said
        .chain(asked)
        .filter(|text| !text.trim().is_empty())
        .collect();
    texts.join("\n\n")
}

/// The conversation in turns of user and assistant. Tool results belong to the user, and the results for one
/// assistant's turn must stand first in the turn behind it.
fn turns(messages: &[Message]) -> Result<Vec<Turn<'_>>, String> {
    let mut turns: Vec<Turn<'_>> = Vec::new();
    for message in messages {
        let (role, blocks) = match message.role {
            Role::System => continue,
            Role::User => ("user", blocks(&message.parts)?),
            Role::Assistant => ("assistant", assistant_blocks(message)?),
            Role::Tool => ("user", vec![tool_result(message)?]),
        };
        match turns.last_mut() {
            _ if blocks.is_empty() => {}
            Some(last) if last.role == role => last.content.extend(blocks),
            _ => turns.push(Turn {
                role,
                content: blocks,
            }),
        }
    }
    for turn in &mut turns {
        let is_not_result = |block: &Block<'_>| !matches!(block, Block::ToolResult { .. });
        turn.content.sort_by_key(is_not_result);
    }
    Ok(turns)
}

fn assistant_blocks(message: &Message) -> Result<Vec<Block<'_>>, String> {
    let mut blocks = blocks(&message.parts)?;
    blocks.extend(message.tool_calls.iter().map(tool_use));
    Ok(blocks)
}

fn blocks(parts: &[ContentPart]) -> Result<Vec<Block<'_>>, String> {
    let blocks = parts.iter().map(block);
    blocks.filter_map(Result::transpose).collect()
}

/// One part as a block; `None` for what Anthropic refuses: blank texts, and thinking that it did not sign.
fn block(part: &ContentPart) -> Result<Option<Block<'_>>, String> {
    Ok(match part {
        ContentPart::Text(text) if text.trim().is_empty() => None,
        ContentPart::Text(text) => Some(Block::Text { text }),
        ContentPart::Image(media) => Some(Block::Image {
            source: source(media),
        }),
        ContentPart::File { name, media } if media.media_type == "application/pdf" => {
            Some(Block::Document {
                source: source(media),
                title: name.as_deref(),
            })
        }
        ContentPart::File { media, .. } => {
            return Err(format!(
                "the direct Anthropic client takes PDF documents, not {}",
                media.media_type
            ));
        }
        ContentPart::Reasoning(block) => {
            let signature = block.seal.signature.as_deref();
            signature.map(|signature| Block::Thinking {
                thinking: &block.text,
                signature,
            })
        }
        ContentPart::Audio(_) => {
            return Err("the direct Anthropic client takes no sound".to_owned());
        }
        // What may be cached is a matter of price, not of the answer.
        ContentPart::CachePoint(_) => None,
    })
}

fn source(media: &Media) -> Source<'_> {
    match &media.source {
        MediaSource::Base64(data) => Source::Base64 {
            media_type: &media.media_type,
            data,
        },
        MediaSource::Url(url) => Source::Url { url },
    }
}

fn tool_use(call: &ToolCall) -> Block<'_> {
    // The input must be an object. What a model wrote otherwise is shown to it as it is.
    let input = match serde_json::from_str(&call.arguments) {
        Ok(Value::Object(fields)) => Value::Object(fields),
        Ok(_) | Err(_) if call.arguments.trim().is_empty() => json!({}),
        Ok(_) | Err(_) => json!({"invalid_arguments": call.arguments}),
    };
    Block::ToolUse {
        id: tool_id(&call.id),
        name: &call.name,
        input,
    }
}

fn tool_result(message: &Message) -> Result<Block<'_>, String> {
    Ok(Block::ToolResult {
        tool_use_id: tool_id(message.tool_call_id.as_deref().unwrap_or_default()),
        content: blocks(&message.parts)?,
    })
}

/// Anthropic refuses ids with other characters than these, and other providers give such ids.
fn tool_id(id: &str) -> Cow<'_, str> {
    let is_taken = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    if id.chars().all(is_taken) {
        return Cow::Borrowed(id);
    }
    Cow::Owned(id.replace(|c| !is_taken(c), "_"))
}

fn function(tool: &Tool) -> Function<'_> {
    Function {
        name: &tool.name,
        description: &tool.description,
        input_schema: &tool.parameters,
    }
}

fn tool_choice(chat: &Chat) -> Option<Value> {
    if chat.tools.is_empty() {
        return None;
    }
    match &chat.tool_choice {
        ToolChoice::Auto => None,
        ToolChoice::None => Some(json!({"type": "none"})),
        ToolChoice::Required => Some(json!({"type": "any"})),
        ToolChoice::Named(name) => Some(json!({"type": "tool", "name": name})),
    }
}

/// The least budget that Anthropic takes.
const MIN_BUDGET_TOKENS: u32 = 1_024;

/// The tokens to think in; `None` when the model does not think in a budget or the answer leaves no room.
fn thinking_budget(chat: &Chat, family: Family) -> Option<u32> {
    if family.thinking != Thinking::Budget {
        return None;
    }
    let wanted = match chat.reasoning_effort? {
        ReasoningEffort::None => return None,
        ReasoningEffort::Minimal => MIN_BUDGET_TOKENS,
        ReasoningEffort::Low => MIN_BUDGET_TOKENS,
        ReasoningEffort::Medium => 2_048,
        ReasoningEffort::High => 4_096,
        ReasoningEffort::Xhigh => 8_192,
        ReasoningEffort::Max => 16_384,
    };
    // Thinking counts against the answer's limit: a quarter stays for what is said.
    let room = chat.sampling.max_output_tokens;
    let room = room.map_or(u32::MAX, |limit| limit - limit / 4);
    Some(wanted.min(room)).filter(|budget| *budget >= MIN_BUDGET_TOKENS)
}

fn thinking(chat: &Chat, family: Family, budget: Option<u32>) -> Option<Value> {
    match (family.thinking, chat.reasoning_effort?) {
        (Thinking::Never, _) => None,
        (_, ReasoningEffort::None) => Some(json!({"type": "disabled"})),
        (Thinking::Budget, _) => {
            budget.map(|tokens| json!({"type": "enabled", "budget_tokens": tokens}))
        }
        // Recent models sign their thinking without showing it unless asked to (2026-08).
        (Thinking::Adaptive, _) => Some(json!({"type": "adaptive", "display": "summarized"})),
    }
}

fn output_config(chat: &Chat, family: Family) -> Map<String, Value> {
    let mut config = Map::new();
    let effort = match chat.reasoning_effort {
        _ if family.thinking != Thinking::Adaptive => None,
        None | Some(ReasoningEffort::None) => None,
        Some(ReasoningEffort::Minimal | ReasoningEffort::Low) => Some("low"),
        Some(ReasoningEffort::Medium) => Some("medium"),
        Some(ReasoningEffort::High) => Some("high"),
        Some(ReasoningEffort::Xhigh | ReasoningEffort::Max) => Some("max"),
    };
    if let Some(effort) = effort {
        config.insert("effort".to_owned(), json!(effort));
    }
    match &chat.format {
        ResponseFormat::JsonSchema { schema, .. } if family.schema => {
            let format = json!({"type": "json_schema", "schema": closed(schema)});
            config.insert("format".to_owned(), format);
        }
        ResponseFormat::Text | ResponseFormat::JsonObject | ResponseFormat::JsonSchema { .. } => {}
    }
    config
}

/// Limits that Anthropic refuses in a schema (2026-08).
const UNKNOWN_LIMITS: [&str; 13] = [
    "minimum",
    "maximum",
    "exclusiveMinimum",
    "exclusiveMaximum",
    "multipleOf",
    "minLength",
    "maxLength",
    "pattern",
    "minItems",
    "maxItems",
    "uniqueItems",
    "minProperties",
    "maxProperties",
];

/// The schema as Anthropic takes it: each object closed, and without limits that it does not know.
fn closed(schema: &Value) -> Value {
    let Value::Object(fields) = schema else {
        return match schema {
            Value::Array(items) => items.iter().map(closed).collect(),
            other => other.clone(),
        };
    };
    let mut closed_fields = Map::new();
    for (name, value) in fields {
        let value = match (name.as_str(), value) {
            // Here the keys are names that people chose, not words of the schema language.
            ("properties" | "$defs" | "definitions", Value::Object(named)) => named
                .iter()
                .map(|(name, schema)| (name.clone(), closed(schema)))
                .collect(),
            ("enum" | "const" | "default" | "required", value) => value.clone(),
            (limit, _) if UNKNOWN_LIMITS.contains(&limit) => continue,
            ("oneOf", value) => {
                closed_fields.insert("anyOf".to_owned(), closed(value));
                continue;
            }
            (_, value) => closed(value),
        };
        closed_fields.insert(name.clone(), value);
    }
    if fields.get("type").and_then(Value::as_str) == Some("object") {
        closed_fields.insert("additionalProperties".to_owned(), Value::Bool(false));
    }
    Value::Object(closed_fields)
}
