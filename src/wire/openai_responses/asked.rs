//! Reading what a client asks.

use serde_json::Value;

use super::asked_items;
use crate::types::Chat;
use crate::types::ReasoningEffort;
use crate::types::ResponseFormat;
use crate::types::Sampling;
use crate::types::Tool;
use crate::types::ToolChoice;
use crate::wire::WireError;
use crate::wire::lenient;
use crate::wire::members;
use crate::wire::members::Members;
use crate::wire::serve::Asked;

/// Reads the body of `POST /responses`.
pub(in crate::wire) fn decode_request(body: &[u8]) -> Result<Asked, WireError> {
    let value = lenient::parse(body)?;
    let mut members = Members::of(&value, "")?;
    let mut unknown = Vec::new();
    let model = members.some_text("model")?.to_owned();
    nothing_stored(&mut members)?;
    let mut chat = Chat {
        messages: asked_items::read(&mut members, &mut unknown)?,
        sampling: Sampling {
            temperature: members.number("temperature")?,
            top_p: members.number("top_p")?,
            max_output_tokens: members.count("max_output_tokens")?,
            ..Sampling::default()
        },
        tools: tools(&mut members, &mut unknown)?,
        parallel_tool_calls: members.flag("parallel_tool_calls")?,
        ..Chat::default()
    };
    choice(&mut members, &mut chat, &mut unknown)?;
    form(&mut members, &mut chat, &mut unknown)?;
    labels(&mut members, &mut chat)?;
    include(&mut members, &mut chat, &mut unknown)?;
    let stream = members.flag("stream")?.unwrap_or(false);
    members.leftover(&mut unknown);
    Ok(Asked {
        model,
        stream,
        usage_in_stream: true,
        chat,
        unknown,
    })
}

/// Refuses what refers to answers that would have to be stored; that an answer may be stored is no matter.
fn nothing_stored(members: &mut Members<'_>) -> Result<(), WireError> {
    for key in ["previous_response_id", "conversation", "prompt"] {
        if members.get(key).is_some() {
            let message = format!(
                "{key} cannot be used: nothing is stored here, so send the whole conversation"
            );
            return Err(WireError::Unsupported(message));
        }
    }
    if members.flag("background")? == Some(true) {
        return Err(WireError::Unsupported(
            "background cannot be used: nothing is stored here".to_owned(),
        ));
    }
    members.flag("store")?;
    Ok(())
}

fn tools(members: &mut Members<'_>, unknown: &mut Vec<String>) -> Result<Vec<Tool>, WireError> {
    let mut tools = Vec::new();
    for (index, value) in members.list("tools")?.iter().enumerate() {
        let mut tool = Members::of(value, &format!("tools[{index}]"))?;
        let kind = tool.some_text("type")?;
        if kind != "function" {
            // A tool that OpenAI runs itself.
            members::note(unknown, &format!("tools.{kind}"));
            continue;
        }
        tools.push(Tool {
            name: tool.some_text("name")?.to_owned(),
            description: tool.text("description")?.unwrap_or_default().to_owned(),
            parameters: tool.get("parameters").cloned().unwrap_or_default(),
            // What is denied is what every other wire has by default.
            strict: tool.flag("strict")?.filter(|strict| *strict),
            cache: None,
        });
        tool.leftover(unknown);
    }
    Ok(tools)
}

fn choice(
    members: &mut Members<'_>,
    chat: &mut Chat,
    unknown: &mut Vec<String>,
) -> Result<(), WireError> {
    let word = match members.get("tool_choice") {
        None => return Ok(()),
        Some(Value::String(word)) => word.as_str(),
        Some(other) => {
            let mut choice = Members::of(other, "tool_choice")?;
            match choice.some_text("type")? {
                "function" => {
                    chat.tool_choice = ToolChoice::Named(choice.some_text("name")?.to_owned());
                    return Ok(());
                }
                kind => members::note(unknown, &format!("tool_choice.{kind}")),
            }
            choice.text("mode")?.unwrap_or("auto")
        }
    };
    chat.tool_choice = match word {
        "auto" => ToolChoice::Auto,
        "none" => ToolChoice::None,
        "required" => ToolChoice::Required,
        _ => return Err(members.wrong("tool_choice", "none, auto, required or an object")),
    };
    Ok(())
}

/// Reads `text` and `reasoning`.
fn form(
    members: &mut Members<'_>,
    chat: &mut Chat,
    unknown: &mut Vec<String>,
) -> Result<(), WireError> {
    if let Some(mut text) = members.object("text")? {
        if let Some(mut format) = text.object("format")? {
            chat.format = match format.some_text("type")? {
                "text" => ResponseFormat::Text,
                "json_object" => ResponseFormat::JsonObject,
                "json_schema" => ResponseFormat::JsonSchema {
                    name: format.some_text("name")?.to_owned(),
                    schema: format
                        .get("schema")
                        .cloned()
                        .ok_or_else(|| format.wrong("schema", "a schema"))?,
                },
                _ => return Err(format.wrong("type", "text, json_object or json_schema")),
            };
            // A schema that strict mode takes is strict wherever it goes.
            format.flag("strict")?;
            format.leftover(unknown);
        }
        text.leftover(unknown);
    }
    if let Some(mut reasoning) = members.object("reasoning")? {
        if let Some(word) = reasoning.text("effort")? {
            let expected = "none, minimal, low, medium, high, xhigh or max";
            let effort = ReasoningEffort::from_word(word)
                .ok_or_else(|| reasoning.wrong("effort", expected))?;
            chat.reasoning_effort = Some(effort);
        }
        // Where reasoning is shown, it is passed on.
        reasoning.text("summary")?;
        reasoning.leftover(unknown);
    }
    Ok(())
}

fn labels(members: &mut Members<'_>, chat: &mut Chat) -> Result<(), WireError> {
    let (older, newer) = (members.text("user")?, members.text("safety_identifier")?);
    chat.user = newer.or(older).map(str::to_owned);
    if let Some(labels) = members.get("metadata") {
        let labels = labels
            .as_object()
            .ok_or_else(|| members.wrong("metadata", "an object"))?;
        for (key, value) in labels {
            let text = value
                .as_str()
                .ok_or_else(|| members.wrong("metadata", "an object of texts"))?;
            chat.metadata.insert(key.clone(), text.to_owned());
        }
    }
    Ok(())
}

fn include(
    members: &mut Members<'_>,
    chat: &mut Chat,
    unknown: &mut Vec<String>,
) -> Result<(), WireError> {
    let count = members.count("top_logprobs")?;
    let mut wanted = false;
    for value in members.list("include")? {
        match value.as_str() {
            // It comes along wherever there is some.
            Some("reasoning.encrypted_content") => {}
            Some("message.output_text.logprobs") => wanted = true,
            Some(other) => members::note(unknown, &format!("include.{other}")),
            None => return Err(members.wrong("include", "a list of texts")),
        }
    }
    // Without the list's word a count of 0 is only the default, spelled out.
    let count = count
        .filter(|count| wanted || *count > 0)
        .or(wanted.then_some(0));
    let fits =
        |count: u32| u8::try_from(count).map_err(|_| members.wrong("top_logprobs", "at most 20"));
    chat.top_logprobs = count.map(fits).transpose()?;
    Ok(())
}
