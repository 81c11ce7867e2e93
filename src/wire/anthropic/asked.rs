//! Reading what a client asks.

use serde_json::Value;

use super::asked_content;
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

/// Reads the body of `POST /v1/messages`.
pub(in crate::wire) fn decode_request(body: &[u8]) -> Result<Asked, WireError> {
    let value = lenient::parse(body)?;
    let mut members = Members::of(&value, "")?;
    let mut unknown = Vec::new();
    // Hosts that have the model in the path name a version instead.
    let in_path = members.get("anthropic_version").is_some();
    let model = match members.text("model")? {
        Some(model) => model.to_owned(),
        None if in_path => String::new(),
        None => return Err(members.wrong("model", "a text")),
    };
    let mut messages = asked_content::system(&mut members, &mut unknown)?;
    asked_content::messages(&mut members, &mut messages, &mut unknown)?;
    let mut chat = Chat {
        messages,
        sampling: sampling(&mut members)?,
        tools: tools(&mut members, &mut unknown)?,
        ..Chat::default()
    };
    choice(&mut members, &mut chat, &mut unknown)?;
    thinking(&mut members, &mut chat, &mut unknown)?;
    if let Some(mut labels) = members.object("metadata")? {
        chat.user = labels.text("user_id")?.map(str::to_owned);
        labels.leftover(&mut unknown);
    }
    let stream = members.flag("stream")?.unwrap_or(false);
    members.leftover(&mut unknown);
    Ok(Asked {
        usage_in_stream: true,
        model,
        stream,
        chat,
        unknown,
    })
}

fn sampling(members: &mut Members<'_>) -> Result<Sampling, WireError> {
    let mut stop = Vec::new();
    for text in members.list("stop_sequences")? {
        let text = text
            .as_str()
            .ok_or_else(|| members.wrong("stop_sequences", "a list of texts"))?;
        stop.push(text.to_owned());
    }
    Ok(Sampling {
        temperature: members.number("temperature")?,
        top_p: members.number("top_p")?,
        top_k: members.count("top_k")?,
        max_output_tokens: members.count("max_tokens")?,
        stop,
        ..Sampling::default()
    })
}

fn tools(members: &mut Members<'_>, unknown: &mut Vec<String>) -> Result<Vec<Tool>, WireError> {
    let mut tools = Vec::new();
    for (index, value) in members.list("tools")?.iter().enumerate() {
        let mut tool = Members::of(value, &format!("tools[{index}]"))?;
        match tool.text("type")? {
            None | Some("custom") => {}
            // A tool that Anthropic runs itself.
            Some(other) => {
                members::note(unknown, &format!("tools.{other}"));
                continue;
            }
        }
        tools.push(Tool {
            name: tool.some_text("name")?.to_owned(),
            description: tool.text("description")?.unwrap_or_default().to_owned(),
            parameters: tool.get("input_schema").cloned().unwrap_or_default(),
            strict: tool.flag("strict")?,
            cache: asked_content::cache_control(&mut tool)?,
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
    let Some(mut choice) = members.object("tool_choice")? else {
        return Ok(());
    };
    chat.tool_choice = match choice.some_text("type")? {
        "auto" => ToolChoice::Auto,
        "any" => ToolChoice::Required,
        "none" => ToolChoice::None,
        "tool" => ToolChoice::Named(choice.some_text("name")?.to_owned()),
        _ => return Err(choice.wrong("type", "auto, any, none or tool")),
    };
    let single = choice.flag("disable_parallel_tool_use")?;
    chat.parallel_tool_calls = single.map(|single| !single);
    choice.leftover(unknown);
    Ok(())
}

fn thinking(
    members: &mut Members<'_>,
    chat: &mut Chat,
    unknown: &mut Vec<String>,
) -> Result<(), WireError> {
    if let Some(mut output) = members.object("output_config")? {
        if let Some(word) = output.text("effort")? {
            let effort = ReasoningEffort::from_word(word);
            let expected = "low, medium, high, xhigh or max";
            chat.reasoning_effort = Some(effort.ok_or_else(|| output.wrong("effort", expected))?);
        }
        if let Some(format) = output.object("format")? {
            chat.format = json_format(format, unknown)?;
        }
        output.leftover(unknown);
    }
    let Some(mut thinking) = members.object("thinking")? else {
        return Ok(());
    };
    match thinking.some_text("type")? {
        "enabled" => {
            let budget = thinking.count("budget_tokens")?;
            let budget = budget.ok_or_else(|| thinking.wrong("budget_tokens", "a whole number"))?;
            chat.reasoning_budget_tokens = Some(budget);
        }
        // High is what the API takes when no effort is named (its documentation of effort, read 2026-11-20).
        "adaptive" => drop(chat.reasoning_effort.get_or_insert(ReasoningEffort::High)),
        "disabled" => chat.reasoning_effort = Some(ReasoningEffort::None),
        _ => return Err(thinking.wrong("type", "enabled, adaptive or disabled")),
    }
    thinking.leftover(unknown);
    Ok(())
}

fn json_format(
    mut format: Members<'_>,
    unknown: &mut Vec<String>,
) -> Result<ResponseFormat, WireError> {
    if format.some_text("type")? != "json_schema" {
        return Err(format.wrong("type", "json_schema"));
    }
    let schema: Option<&Value> = format.get("schema");
    let schema = schema
        .cloned()
        .ok_or_else(|| format.wrong("schema", "a schema"))?;
    format.leftover(unknown);
    // The wire has no name for it, and others demand one.
    Ok(ResponseFormat::JsonSchema {
        name: "answer".to_owned(),
        schema,
    })
}
