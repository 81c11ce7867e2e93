//! Reading the instructions and the items of a client's request.

use serde_json::Value;

use crate::types::ContentPart;
use crate::types::Media;
use crate::types::MediaSource;
use crate::types::Message;
use crate::types::Reasoning;
use crate::types::Role;
use crate::types::ToolCall;
use crate::wire::WireError;
use crate::wire::members;
use crate::wire::members::Members;

use super::response;

/// Reads `instructions` and `input`. What an assistant reasons, says and calls in a row is one message.
pub(super) fn read(
    members: &mut Members<'_>,
    unknown: &mut Vec<String>,
) -> Result<Vec<Message>, WireError> {
    let mut messages = Vec::new();
    let instructions = members.text("instructions")?;
    messages.extend(instructions.map(|text| Message::text(Role::System, text)));
    match members.get("input") {
        Some(Value::String(text)) => messages.push(Message::text(Role::User, text.as_str())),
        Some(Value::Array(items)) => {
            for (index, item) in items.iter().enumerate() {
                let item = Members::of(item, &format!("input[{index}]"))?;
                read_item(item, &mut messages, unknown)?;
            }
        }
        Some(_) | None => return Err(members.wrong("input", "a text or a list of items")),
    }
    Ok(messages)
}

fn read_item(
    mut item: Members<'_>,
    messages: &mut Vec<Message>,
    unknown: &mut Vec<String>,
) -> Result<(), WireError> {
    // An item's own id and status mean nothing where nothing is stored.
    item.get("id");
    item.get("status");
    match item.text("type")?.unwrap_or("message") {
        "message" => said(&mut item, messages, unknown)?,
        "reasoning" => {
            let whole = item.whole();
            let block = Reasoning {
                text: response::reasoning_text(whole),
                seal: response::seal(whole),
            };
            for key in ["summary", "content", "encrypted_content"] {
                item.get(key);
            }
            answer(messages).parts.push(ContentPart::Reasoning(block));
        }
        "function_call" => {
            let call = ToolCall {
                id: item.some_text("call_id")?.to_owned(),
                name: item.some_text("name")?.to_owned(),
                arguments: item.some_text("arguments")?.to_owned(),
                signature: None,
            };
            answer(messages).tool_calls.push(call);
        }
        "function_call_output" => {
            let mut message = empty(Role::Tool);
            message.tool_call_id = Some(item.some_text("call_id")?.to_owned());
            message.parts = content(&mut item, "output", unknown)?;
            messages.push(message);
        }
        "item_reference" => {
            let message =
                "an item_reference cannot be used: nothing is stored here, so send the item";
            return Err(WireError::Unsupported(message.to_owned()));
        }
        other => {
            members::note(unknown, &format!("input.{other}"));
            return Ok(());
        }
    }
    item.leftover(unknown);
    Ok(())
}

fn said(
    item: &mut Members<'_>,
    messages: &mut Vec<Message>,
    unknown: &mut Vec<String>,
) -> Result<(), WireError> {
    let role = match item.some_text("role")? {
        "user" => Role::User,
        "assistant" => Role::Assistant,
        "system" | "developer" => Role::System,
        _ => return Err(item.wrong("role", "user, assistant, system or developer")),
    };
    let parts = content(item, "content", unknown)?;
    match role {
        Role::Assistant => answer(messages).parts.extend(parts),
        Role::User | Role::System | Role::Tool => {
            let mut message = empty(role);
            message.parts = parts;
            messages.push(message);
        }
    }
    Ok(())
}

/// The assistant's message that goes on, or a new one.
fn answer(messages: &mut Vec<Message>) -> &mut Message {
    let goes_on = messages
        .last()
        .is_some_and(|last| last.role == Role::Assistant);
    let place = if goes_on {
        messages.len() - 1
    } else {
        messages.len()
    };
    if !goes_on {
        messages.push(empty(Role::Assistant));
    }
    &mut messages[place]
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

fn content(
    item: &mut Members<'_>,
    key: &'static str,
    unknown: &mut Vec<String>,
) -> Result<Vec<ContentPart>, WireError> {
    let at = item.place(key);
    match item.get(key) {
        Some(Value::String(text)) => Ok(vec![ContentPart::Text(text.clone())]),
        Some(Value::Array(values)) => {
            let mut parts = Vec::new();
            for (index, value) in values.iter().enumerate() {
                let mut part = Members::of(value, &format!("{at}[{index}]"))?;
                parts.push(read_part(&mut part)?);
                part.leftover(unknown);
            }
            Ok(parts)
        }
        Some(_) | None => Err(item.wrong(key, "a text or a list of parts")),
    }
}

fn read_part(part: &mut Members<'_>) -> Result<ContentPart, WireError> {
    match part.some_text("type")? {
        "input_text" | "output_text" | "text" => {
            // What an earlier answer cited, and how likely it was, is no part of what is asked.
            part.get("annotations");
            part.get("logprobs");
            Ok(ContentPart::Text(part.some_text("text")?.to_owned()))
        }
        "refusal" => Ok(ContentPart::Text(part.some_text("refusal")?.to_owned())),
        "input_image" => {
            part.get("detail");
            let address = part.text("image_url")?.ok_or_else(|| stored(part))?;
            Ok(ContentPart::Image(media(address, "image/png")))
        }
        "input_file" => {
            let name = part.text("filename")?.map(str::to_owned);
            let inline = part.text("file_data")?;
            let media = match (inline, part.text("file_url")?) {
                (Some(inline), _) if !inline.starts_with("data:") => Media {
                    media_type: "application/pdf".to_owned(),
                    source: MediaSource::Base64(inline.to_owned()),
                },
                (Some(address), _) | (None, Some(address)) => media(address, "application/pdf"),
                (None, None) => return Err(stored(part)),
            };
            Ok(ContentPart::File { name, media })
        }
        other => {
            let message = format!(
                "{} {other:?} cannot be given to a provider",
                part.place("type")
            );
            Err(WireError::Unsupported(message))
        }
    }
}

fn stored(part: &Members<'_>) -> WireError {
    let place = part.place("file_id");
    WireError::Unsupported(format!(
        "{place} cannot be given to other providers: send the bytes or an address"
    ))
}

/// A medium inline or by address; an address does not tell what is there, so the usual kind is assumed.
fn media(address: &str, usual: &str) -> Media {
    let inline = address
        .strip_prefix("data:")
        .and_then(|rest| rest.split_once(";base64,"));
    match inline {
        Some((media_type, data)) => Media {
            media_type: media_type.to_owned(),
            source: MediaSource::Base64(data.to_owned()),
        },
        None => Media {
            media_type: usual.to_owned(),
            source: MediaSource::Url(address.to_owned()),
        },
    }
}
