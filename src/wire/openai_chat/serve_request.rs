//! Reading what a client asks.

use serde_json::Map;
use serde_json::Value;

use super::serve_messages;
use crate::types::Chat;
use crate::types::ReasoningEffort;
use crate::types::ResponseFormat;
use crate::types::Sampling;
use crate::types::Tool;
use crate::types::ToolChoice;
use crate::wire::WireError;
use crate::wire::asked::Members;
use crate::wire::asked::cache_ttl;
use crate::wire::lenient;
use crate::wire::serve::Asked;

/// Reads the body of `POST /v1/chat/completions`, with what the clients of `LiteLLM` and `OpenRouter` write beside
/// OpenAI's own members.
pub(in crate::wire) fn decode_request(body: &[u8]) -> Result<Asked, WireError> {
    let mut members = Members::of_body(body)?;
    let model = members.require_text("model")?;
    let stream = members.flag("stream")?.unwrap_or(false);
    let usage_in_stream = members
        .take("stream_options")
        .is_some_and(|options| options.get("include_usage") == Some(&Value::Bool(true)));
    let mut chat = Chat {
        messages: serve_messages::read(members.take("messages"), members.unknown())?,
        sampling: sampling(&mut members)?,
        tools: tools(&mut members)?,
        tool_choice: tool_choice(&mut members)?,
        parallel_tool_calls: members.flag("parallel_tool_calls")?,
        format: format(&mut members)?,
        user: members.text("user")?,
        ..Chat::default()
    };
    let safety_identifier = members.text("safety_identifier")?;
    chat.user = chat.user.or(safety_identifier);
    reasoning(&mut members, &mut chat)?;
    logprobs(&mut members, &mut chat)?;
    metadata(&mut members, &mut chat);
    // One answer is what everybody gets.
    if members.peek("n").and_then(Value::as_u64) == Some(1) {
        members.take("n");
    }
    Ok(Asked {
        model,
        stream,
        usage_in_stream,
        chat,
        unknown: members.finish(),
    })
}

fn sampling(members: &mut Members) -> Result<Sampling, WireError> {
    let old_limit = members.count("max_tokens")?;
    let stop = match members.take("stop") {
        None => Vec::new(),
        Some(Value::String(text)) => vec![text],
        Some(Value::Array(texts)) => texts
            .into_iter()
            .map(|text| match text {
                Value::String(text) => Ok(text),
                _ => Err(wrong("stop", "a text or a list of texts")),
            })
            .collect::<Result<_, _>>()?,
        Some(_) => return Err(wrong("stop", "a text or a list of texts")),
    };
    Ok(Sampling {
        temperature: members.number("temperature")?,
        top_p: members.number("top_p")?,
        max_output_tokens: members.count("max_completion_tokens")?.or(old_limit),
        top_k: members.count("top_k")?,
        presence_penalty: members.number("presence_penalty")?,
        frequency_penalty: members.number("frequency_penalty")?,
        stop,
        seed: members.take("seed").and_then(|seed| {
            // Seeds may be negative; all that matters is that the same one stays the same.
            seed.as_u64()
                .or_else(|| seed.as_i64().map(i64::cast_unsigned))
        }),
    })
}

fn tools(members: &mut Members) -> Result<Vec<Tool>, WireError> {
    let mut tools = Vec::new();
    for (index, tool) in members.list("tools")?.into_iter().enumerate() {
        let place = format!("tools[{index}]");
        let Some(function) = tool.get("function").filter(|it| it.is_object()) else {
            let kind = lenient::text(&tool, "type").unwrap_or_default();
            // The provider's own tools have no place in a chat that any provider may answer.
            members.unknown().push(format!("{place} ({kind})"));
            continue;
        };
        let cache = tool
            .get("cache_control")
            .or_else(|| function.get("cache_control"));
        tools.push(read_function(function, &place, cache)?);
    }
    // The form before tools.
    for (index, function) in members.list("functions")?.into_iter().enumerate() {
        tools.push(read_function(
            &function,
            &format!("functions[{index}]"),
            None,
        )?);
    }
    Ok(tools)
}

fn read_function(function: &Value, place: &str, cache: Option<&Value>) -> Result<Tool, WireError> {
    let name = lenient::text(function, "name")
        .ok_or_else(|| wrong(&format!("{place}.function.name"), "a text"))?;
    let parameters = function.get("parameters").filter(|it| it.is_object());
    Ok(Tool {
        name,
        description: lenient::text(function, "description").unwrap_or_default(),
        parameters: parameters
            .cloned()
            .unwrap_or_else(|| serde_json::json!({"type": "object", "properties": {}})),
        strict: function.get("strict").and_then(Value::as_bool),
        cache: cache.map(cache_ttl),
    })
}

fn tool_choice(members: &mut Members) -> Result<ToolChoice, WireError> {
    let old = members.take("function_call");
    let Some(choice) = members.take("tool_choice").or(old) else {
        return Ok(ToolChoice::Auto);
    };
    let named = |choice: &Value| {
        let function = choice.get("function").unwrap_or(choice);
        lenient::text(function, "name")
    };
    match choice.as_str() {
        Some("auto") => Ok(ToolChoice::Auto),
        Some("none") => Ok(ToolChoice::None),
        Some("required" | "any") => Ok(ToolChoice::Required),
        Some(_) => Err(wrong("tool_choice", "auto, none, required or a function")),
        None => named(&choice)
            .map(ToolChoice::Named)
            .ok_or_else(|| wrong("tool_choice", "auto, none, required or a function")),
    }
}

fn format(members: &mut Members) -> Result<ResponseFormat, WireError> {
    let Some(format) = members.take("response_format") else {
        return Ok(ResponseFormat::Text);
    };
    match format.get("type").and_then(Value::as_str) {
        Some("text") => Ok(ResponseFormat::Text),
        Some("json_object") => Ok(ResponseFormat::JsonObject),
        Some("json_schema") => {
            // Together's old form has the schema beside the type.
            let held = format.get("json_schema").unwrap_or(&format);
            let schema = held.get("schema").filter(|schema| schema.is_object());
            let schema = schema
                .ok_or_else(|| wrong("response_format.json_schema.schema", "a JSON schema"))?;
            Ok(ResponseFormat::JsonSchema {
                name: lenient::text(held, "name").unwrap_or_else(|| "answer".to_owned()),
                schema: schema.clone(),
            })
        }
        Some(_) | None => Err(wrong(
            "response_format.type",
            "text, json_object or json_schema",
        )),
    }
}

/// `reasoning_effort`, `OpenRouter`'s `reasoning`, and the `thinking` of `LiteLLM`'s clients.
fn reasoning(members: &mut Members, chat: &mut Chat) -> Result<(), WireError> {
    if let Some(word) = members.text("reasoning_effort")? {
        chat.reasoning_effort = Some(effort("reasoning_effort", &word)?);
    }
    if let Some(reasoning) = members.take("reasoning") {
        if let Some(word) = lenient::text(&reasoning, "effort") {
            chat.reasoning_effort = Some(effort("reasoning.effort", &word)?);
        }
        if reasoning.get("enabled") == Some(&Value::Bool(false)) {
            chat.reasoning_effort = Some(ReasoningEffort::None);
        }
        chat.reasoning_budget_tokens = tokens(&reasoning, "max_tokens");
    }
    if let Some(thinking) = members.take("thinking") {
        match thinking.get("type").and_then(Value::as_str) {
            Some("disabled") => chat.reasoning_effort = Some(ReasoningEffort::None),
            Some("enabled" | "adaptive") | None => {
                chat.reasoning_budget_tokens = tokens(&thinking, "budget_tokens");
                if chat.reasoning_budget_tokens.is_none() && chat.reasoning_effort.is_none() {
                    chat.reasoning_effort = Some(ReasoningEffort::Medium);
                }
            }
            Some(_) => return Err(wrong("thinking.type", "enabled, adaptive or disabled")),
        }
    }
    Ok(())
}

fn tokens(holder: &Value, key: &str) -> Option<u32> {
    u32::try_from(holder.get(key)?.as_u64()?).ok()
}

fn effort(place: &str, word: &str) -> Result<ReasoningEffort, WireError> {
    ReasoningEffort::from_word(word)
        .ok_or_else(|| wrong(place, "none, minimal, low, medium, high, xhigh or max"))
}

fn logprobs(members: &mut Members, chat: &mut Chat) -> Result<(), WireError> {
    let wanted = members.flag("logprobs")?.unwrap_or(false);
    let top = members.count("top_logprobs")?;
    if wanted {
        let top = u8::try_from(top.unwrap_or(0));
        chat.top_logprobs = Some(top.map_err(|_| wrong("top_logprobs", "0 to 20"))?);
    }
    Ok(())
}

/// Only texts can be passed on; whatever else is held stays behind, and is told.
fn metadata(members: &mut Members, chat: &mut Chat) {
    let Some(Value::Object(held)) = members.take("metadata") else {
        return;
    };
    let held: Map<String, Value> = held;
    for (key, value) in held {
        match value {
            Value::String(text) => drop(chat.metadata.insert(key, text)),
            _ => members.unknown().push(format!("metadata.{key}")),
        }
    }
}

fn wrong(place: &str, wanted: &str) -> WireError {
    WireError::Malformed(format!("{place}: has to be {wanted}"))
}
