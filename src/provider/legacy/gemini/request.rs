//! Agon's form to a generateContent request.

use serde::Serialize;
use serde_json::Value;
use serde_json::json;

use super::family::Family;
use super::family::Thinking;
use super::family::family;
use super::schema;
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

/// What Google names for calls whose signature is not known (its page on signatures, 2026-08).
const UNSIGNED: &str = "skip_thought_signature_validator";

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Body {
    #[serde(skip_serializing_if = "Option::is_none")]
    system_instruction: Option<Value>,
    contents: Vec<Turn>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tools: Vec<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tool_config: Option<Value>,
    generation_config: Config,
}

#[derive(Serialize)]
struct Turn {
    role: &'static str,
    parts: Vec<Value>,
    /// `true` for the results of calls, which stand alone.
    #[serde(skip)]
    results: bool,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Config {
    #[serde(skip_serializing_if = "Option::is_none")]
    temperature: Option<f32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    top_p: Option<f32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    top_k: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_output_tokens: Option<u32>,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    stop_sequences: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    seed: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    presence_penalty: Option<f32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    frequency_penalty: Option<f32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    response_mime_type: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    response_json_schema: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    thinking_config: Option<Value>,
}

/// Writes the request's body, or says what Gemini cannot be asked.
pub(super) fn encode(chat: &Chat, model: &str) -> Result<Vec<u8>, String> {
    let family = family(model);
    let contents = turns(&chat.messages, family)?;
    if contents.is_empty() {
        return Err("Gemini wants at least one message of a user".to_owned());
    }
    let body = Body {
        system_instruction: system(chat, family),
        contents,
        tools: tools(chat),
        tool_config: tool_config(chat),
        generation_config: config(chat, family),
    };
    serde_json::to_vec(&body).map_err(|error| format!("the request cannot be written: {error}"))
}

/// A model's name as a part of a path.
pub(super) fn in_path(model: &str) -> String {
    let plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"-._~".contains(byte);
    let written = model.bytes().map(|byte| match plain(&byte) {
        true => char::from(byte).to_string(),
        false => format!("%{byte:02X}"),
    });
    written.collect()
}

fn config(chat: &Chat, family: Family) -> Config {
    let sampling = &chat.sampling;
    let is_json = chat.format != ResponseFormat::Text && json_is_enforced(chat, family);
    Config {
        temperature: sampling.temperature,
        top_p: sampling.top_p,
        top_k: sampling.top_k,
        max_output_tokens: sampling.max_output_tokens,
        // Five at most, and none of them empty.
        stop_sequences: sampling
            .stop
            .iter()
            .filter(|text| !text.is_empty())
            .take(5)
            .cloned()
            .collect(),
        // An int32 here.
        seed: sampling.seed.map(|seed| seed & 0x7fff_ffff),
        presence_penalty: sampling.presence_penalty,
        frequency_penalty: sampling.frequency_penalty,
        response_mime_type: is_json.then_some("application/json"),
        response_json_schema: match &chat.format {
            ResponseFormat::JsonSchema { schema, .. } if is_json => Some(schema::taken(schema)),
            ResponseFormat::Text
            | ResponseFormat::JsonObject
            | ResponseFormat::JsonSchema { .. } => None,
        },
        thinking_config: thinking(chat, family),
    }
}

/// Models before the third generation answer 400 to a form of answer beside tools.
fn json_is_enforced(chat: &Chat, family: Family) -> bool {
    chat.tools.is_empty() || family.third
}

/// System messages have a field of their own, wherever they stand in the conversation. A form of answer that the
/// model cannot be held to is asked for in it.
fn system(chat: &Chat, family: Family) -> Option<Value> {
    let said = chat
        .messages
        .iter()
        .filter(|message| message.role == Role::System)
        .map(Message::joined_text);
    let asked = match &chat.format {
        ResponseFormat::Text => None,
        ResponseFormat::JsonObject | ResponseFormat::JsonSchema { .. }
            if json_is_enforced(chat, family) =>
        {
            None
        }
        ResponseFormat::JsonObject => {
            Some("Answer with one JSON object and nothing else.".to_owned())
        }
        ResponseFormat::JsonSchema { schema, .. } => Some(format!(
            "Answer with JSON of this schema and nothing else: {schema}"
        )),
    };
    let parts: Vec<Value> = said
        .chain(asked)
        .filter(|text| !text.trim().is_empty())
        .map(|text| json!({"text": text}))
        .collect();
    (!parts.is_empty()).then(|| json!({"parts": parts}))
}

/// The conversation in turns of user and model. The results of one turn's calls are one turn, in the order of the
/// calls: Gemini told them apart by nothing else when calls had no ids.
fn turns(messages: &[Message], family: Family) -> Result<Vec<Turn>, String> {
    let mut turns: Vec<Turn> = Vec::new();
    let mut calls: &[ToolCall] = &[];
    let mut rest = messages;
    while let Some(message) = rest.first() {
        let is_result = |it: &&Message| it.role == Role::Tool;
        let batch = rest.iter().take_while(is_result).count();
        let (these, behind) = rest.split_at(batch.max(1));
        rest = behind;
        let (role, parts) = match message.role {
            Role::System => continue,
            Role::User => ("user", parts(&message.parts)?),
            Role::Assistant => {
                calls = &message.tool_calls;
                ("model", model_parts(message, family)?)
            }
            Role::Tool => ("user", results(these, calls)?),
        };
        let results = message.role == Role::Tool;
        match turns.last_mut() {
            _ if parts.is_empty() => {}
            Some(last) if last.role == role && last.results == results => last.parts.extend(parts),
            _ => turns.push(Turn {
                role,
                parts,
                results,
            }),
        }
    }
    // The conversation must begin with the user.
    if turns.first().is_some_and(|turn| turn.role == "model") {
        let nothing = Turn {
            role: "user",
            parts: vec![json!({"text": " "})],
            results: false,
        };
        turns.insert(0, nothing);
    }
    Ok(turns)
}

fn results(messages: &[Message], calls: &[ToolCall]) -> Result<Vec<Value>, String> {
    let mut results = Vec::with_capacity(messages.len());
    let mut shown = Vec::new();
    for message in messages {
        let id = message.tool_call_id.as_deref().unwrap_or_default();
        let place = calls.iter().position(|call| call.id == id);
        let place = place.ok_or_else(|| format!("the result \"{id}\" answers no call"))?;
        let key = match message.tool_failed {
            true => "error",
            false => "output",
        };
        let response = json!({key: message.joined_text()});
        let result = json!({"id": id, "name": calls[place].name, "response": response});
        results.push((place, json!({"functionResponse": result})));
        let is_text = |part: &&ContentPart| matches!(part, ContentPart::Text(_));
        let others = message.parts.iter().filter(|it| !is_text(it)).cloned();
        shown.extend(parts(&others.collect::<Vec<_>>())?);
    }
    results.sort_by_key(|(place, _)| *place);
    let results = results.into_iter().map(|(_, result)| result);
    Ok(results.chain(shown).collect())
}

fn model_parts(message: &Message, family: Family) -> Result<Vec<Value>, String> {
    let mut parts = parts(&message.parts)?;
    for (index, call) in message.tool_calls.iter().enumerate() {
        // Arguments must be an object. What a model wrote otherwise is shown to it as it is.
        let args = match serde_json::from_str(&call.arguments) {
            Ok(Value::Object(fields)) => Value::Object(fields),
            Ok(_) | Err(_) => json!({"invalid_arguments": call.arguments}),
        };
        let function = json!({"id": call.id, "name": call.name, "args": args});
        let mut part = json!({"functionCall": function});
        // Only the first call of a turn is signed.
        let unsigned = (family.third && index == 0).then_some(UNSIGNED);
        if let Some(signature) = call.signature.as_deref().or(unsigned) {
            part["thoughtSignature"] = json!(signature);
        }
        parts.push(part);
    }
    Ok(parts)
}

fn parts(parts: &[ContentPart]) -> Result<Vec<Value>, String> {
    let parts = parts.iter().map(part);
    parts.filter_map(Result::transpose).collect()
}

/// One part; `None` for what Gemini refuses or has no use for: empty texts, and thoughts that it did not sign.
fn part(part: &ContentPart) -> Result<Option<Value>, String> {
    Ok(match part {
        ContentPart::Text(text) if text.is_empty() => None,
        ContentPart::Text(text) => Some(json!({"text": text})),
        ContentPart::Image(media) | ContentPart::Audio(media) => Some(medium(media)),
        ContentPart::File { media, .. } if media.media_type.is_empty() => {
            return Err("Gemini wants to know of which type a file is".to_owned());
        }
        ContentPart::File { media, .. } => Some(medium(media)),
        ContentPart::Reasoning(block) => {
            let signature = block.seal.signature.as_deref();
            signature.map(|signature| {
                let mut part = json!({"text": block.text, "thoughtSignature": signature});
                if !block.text.is_empty() {
                    part["thought"] = json!(true);
                }
                part
            })
        }
        // What may be cached is a matter of price, not of the answer.
        ContentPart::CachePoint(_) => None,
    })
}

fn medium(media: &Media) -> Value {
    let kind = &media.media_type;
    match &media.source {
        MediaSource::Base64(data) => json!({"inlineData": {"mimeType": kind, "data": data}}),
        MediaSource::Url(url) if kind.is_empty() => json!({"fileData": {"fileUri": url}}),
        MediaSource::Url(url) => json!({"fileData": {"fileUri": url, "mimeType": kind}}),
    }
}

fn tools(chat: &Chat) -> Vec<Value> {
    if chat.tools.is_empty() {
        return Vec::new();
    }
    let functions: Vec<Value> = chat.tools.iter().map(function).collect();
    vec![json!({"functionDeclarations": functions})]
}

fn function(tool: &Tool) -> Value {
    let mut function = json!({"name": tool.name});
    if !tool.description.is_empty() {
        function["description"] = json!(tool.description);
    }
    if !schema::names_nothing(&tool.parameters) {
        function["parametersJsonSchema"] = schema::taken(&tool.parameters);
    }
    function
}

fn tool_config(chat: &Chat) -> Option<Value> {
    if chat.tools.is_empty() {
        return None;
    }
    let calling = match &chat.tool_choice {
        ToolChoice::Auto => return None,
        ToolChoice::None => json!({"mode": "NONE"}),
        ToolChoice::Required => json!({"mode": "ANY"}),
        ToolChoice::Named(name) => json!({"mode": "ANY", "allowedFunctionNames": [name]}),
    };
    Some(json!({"functionCallingConfig": calling}))
}

fn thinking(chat: &Chat, family: Family) -> Option<Value> {
    let budget = chat.reasoning_budget_tokens;
    let effort = chat.reasoning_effort;
    let effort = effort.or_else(|| budget.map(ReasoningEffort::of_budget))?;
    match family.thinking {
        Thinking::Never => None,
        Thinking::Level(least) => {
            let level = match effort {
                ReasoningEffort::None | ReasoningEffort::Minimal => least,
                ReasoningEffort::Low => "low",
                ReasoningEffort::Medium if !family.medium => "low",
                ReasoningEffort::Medium => "medium",
                ReasoningEffort::High | ReasoningEffort::Xhigh | ReasoningEffort::Max => "high",
            };
            Some(json!({"thinkingLevel": level, "includeThoughts": true}))
        }
        Thinking::Budget { least, off } => {
            let tokens = match budget.unwrap_or_else(|| effort.budget_tokens()) {
                0 if off => 0,
                tokens => {
                    // Thinking counts against the answer's limit: a quarter stays for what is said.
                    let room = chat.sampling.max_output_tokens;
                    let room = room.map_or(u32::MAX, |limit| limit - limit / 4);
                    tokens.min(room).max(least)
                }
            };
            Some(json!({"thinkingBudget": tokens, "includeThoughts": tokens > 0}))
        }
    }
}
