//! Reading the instructions and the conversation of a client's request.

use serde_json::Value;

use crate::types::CacheTtl;
use crate::types::ContentPart;
use crate::types::Media;
use crate::types::MediaSource;
use crate::types::Message;
use crate::types::Reasoning;
use crate::types::Role;
use crate::types::Seal;
use crate::types::ToolCall;
use crate::wire::WireError;
use crate::wire::base64;
use crate::wire::members;
use crate::wire::members::Members;

/// Reads `system`, a text or blocks.
pub(super) fn system(
    members: &mut Members<'_>,
    unknown: &mut Vec<String>,
) -> Result<Vec<Message>, WireError> {
    let Some(value) = members.get("system") else {
        return Ok(Vec::new());
    };
    let mut message = empty(Role::System);
    read_content(value, &members.place("system"), unknown, &mut message)?;
    Ok(vec![message])
}

/// Reads `messages` and adds them. The results of tools are messages of their own, in front of what else the
/// user says with them.
pub(super) fn messages(
    members: &mut Members<'_>,
    messages: &mut Vec<Message>,
    unknown: &mut Vec<String>,
) -> Result<(), WireError> {
    for (index, value) in members.list("messages")?.iter().enumerate() {
        let mut asked = Members::of(value, &format!("messages[{index}]"))?;
        let role = match asked.some_text("role")? {
            "user" => Role::User,
            "assistant" => Role::Assistant,
            "system" => Role::System,
            _ => return Err(asked.wrong("role", "user, assistant or system")),
        };
        let mut message = empty(role);
        let content = asked
            .get("content")
            .ok_or_else(|| asked.wrong("content", "a text or a list"))?;
        let results = read_content(content, &asked.place("content"), unknown, &mut message)?;
        asked.leftover(unknown);
        let says =
            !message.parts.is_empty() || !message.tool_calls.is_empty() || results.is_empty();
        messages.extend(results);
        messages.extend(says.then_some(message));
    }
    Ok(())
}

/// A marker of what may be cached.
pub(super) fn cache_control(members: &mut Members<'_>) -> Result<Option<CacheTtl>, WireError> {
    let Some(mut mark) = members.object("cache_control")? else {
        return Ok(None);
    };
    Ok(Some(match mark.text("ttl")? {
        Some("1h") => CacheTtl::Hour,
        Some(_) | None => CacheTtl::Usual,
    }))
}

fn empty(role: Role) -> Message {
    Message {
        role,
        parts: Vec::new(),
        tool_calls: Vec::new(),
        tool_call_id: None,
        tool_failed: false,
    }
}

/// Reads a text or blocks into a message, and gives the results of tools that are among them.
fn read_content(
    value: &Value,
    at: &str,
    unknown: &mut Vec<String>,
    message: &mut Message,
) -> Result<Vec<Message>, WireError> {
    let blocks = match value {
        Value::String(text) => {
            message.parts.push(ContentPart::Text(text.clone()));
            return Ok(Vec::new());
        }
        Value::Array(blocks) => blocks,
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_) => {
            return Err(WireError::Malformed(format!(
                "{at} must be a text or a list of blocks"
            )));
        }
    };
    let mut results = Vec::new();
    for (index, block) in blocks.iter().enumerate() {
        let mut block = Members::of(block, &format!("{at}[{index}]"))?;
        match block.some_text("type")? {
            "tool_use" => message.tool_calls.push(call(&mut block)?),
            "tool_result" => {
                results.push(result(block, unknown)?);
                continue;
            }
            kind => match part(kind, &mut block, unknown)? {
                Some(part) => message.parts.push(part),
                None => {
                    members::note(unknown, &format!("{at}.{kind}"));
                    continue;
                }
            },
        }
        let mark = cache_control(&mut block)?;
        message.parts.extend(mark.map(ContentPart::CachePoint));
        block.leftover(unknown);
    }
    Ok(results)
}

fn call(block: &mut Members<'_>) -> Result<ToolCall, WireError> {
    Ok(ToolCall {
        id: block.some_text("id")?.to_owned(),
        name: block.some_text("name")?.to_owned(),
        arguments: block
            .get("input")
            .map_or_else(|| "{}".to_owned(), Value::to_string),
        signature: None,
    })
}

fn result(mut block: Members<'_>, unknown: &mut Vec<String>) -> Result<Message, WireError> {
    let mut message = empty(Role::Tool);
    message.tool_call_id = Some(block.some_text("tool_use_id")?.to_owned());
    message.tool_failed = block.flag("is_error")?.unwrap_or(false);
    if let Some(content) = block.get("content") {
        read_content(content, &block.place("content"), unknown, &mut message)?;
    }
    let mark = cache_control(&mut block)?;
    message.parts.extend(mark.map(ContentPart::CachePoint));
    block.leftover(unknown);
    Ok(message)
}

/// Reads a block that is a part of a message; `None` for a kind that has no place in Agon's own form.
fn part(
    kind: &str,
    block: &mut Members<'_>,
    unknown: &mut Vec<String>,
) -> Result<Option<ContentPart>, WireError> {
    let some = |text: Option<&str>| text.filter(|text| !text.is_empty()).map(str::to_owned);
    Ok(Some(match kind {
        "text" => ContentPart::Text(block.some_text("text")?.to_owned()),
        "thinking" => ContentPart::Reasoning(Reasoning {
            text: block.text("thinking")?.unwrap_or_default().to_owned(),
            seal: Seal {
                signature: some(block.text("signature")?),
                ..Seal::default()
            },
        }),
        "redacted_thinking" => ContentPart::Reasoning(Reasoning {
            text: String::new(),
            seal: Seal {
                encrypted: some(block.text("data")?),
                ..Seal::default()
            },
        }),
        "image" => ContentPart::Image(source(block, "image/png", unknown)?),
        "document" => ContentPart::File {
            name: block.text("title")?.map(str::to_owned),
            media: source(block, "application/pdf", unknown)?,
        },
        _ => return Ok(None),
    }))
}

/// Where a medium is; an address does not tell what is there, so the usual kind is assumed.
fn source(
    block: &mut Members<'_>,
    usual: &str,
    unknown: &mut Vec<String>,
) -> Result<Media, WireError> {
    let place = block.place("source");
    let mut source = block
        .object("source")?
        .ok_or_else(|| block.wrong("source", "an object"))?;
    let media = match source.some_text("type")? {
        "base64" => Media {
            media_type: source.some_text("media_type")?.to_owned(),
            source: MediaSource::Base64(source.some_text("data")?.to_owned()),
        },
        "url" => Media {
            media_type: usual.to_owned(),
            source: MediaSource::Url(source.some_text("url")?.to_owned()),
        },
        "text" => plain(source.some_text("data")?, source.text("media_type")?),
        "content" => {
            let mut inner = empty(Role::User);
            let content = source
                .get("content")
                .ok_or_else(|| source.wrong("content", "a text or a list"))?;
            read_content(content, &source.place("content"), unknown, &mut inner)?;
            plain(&inner.joined_text(), None)
        }
        other => {
            let message = format!(
                "{place}.type {other:?} cannot be given to other providers: send the bytes"
            );
            return Err(WireError::Unsupported(message));
        }
    };
    source.leftover(unknown);
    Ok(media)
}

fn plain(text: &str, media_type: Option<&str>) -> Media {
    Media {
        media_type: media_type.unwrap_or("text/plain").to_owned(),
        source: MediaSource::Base64(base64::encode(text.as_bytes())),
    }
}
