//! Reading the messages of a client's request.

use serde_json::Value;

use crate::types::ContentPart;
use crate::types::Media;
use crate::types::MediaSource;
use crate::types::Message;
use crate::types::Reasoning;
use crate::types::Role;
use crate::types::Seal;
use crate::types::ToolCall;
use crate::wire::WireError;
use crate::wire::asked::cache_ttl;
use crate::wire::lenient;
use crate::wire::media;

/// Reads all messages; members that cannot be passed on are noted.
pub(super) fn read(
    messages: Option<Value>,
    unknown: &mut Vec<String>,
) -> Result<Vec<Message>, WireError> {
    let Some(Value::Array(messages)) = messages else {
        return Err(malformed("messages", "has to be a list of messages"));
    };
    if messages.is_empty() {
        return Err(malformed("messages", "is empty: at least one is needed"));
    }
    let read = |(index, message): (usize, &Value)| {
        let place = format!("messages[{index}]");
        read_message(&Place(&place), message, unknown)
    };
    messages.iter().enumerate().map(read).collect()
}

/// Where in the request something stands.
struct Place<'a>(&'a str);

impl Place<'_> {
    fn wrong(&self, member: &str, problem: &str) -> WireError {
        malformed(&format!("{}.{member}", self.0), problem)
    }
}

fn malformed(place: &str, problem: &str) -> WireError {
    WireError::Malformed(format!("{place} {problem}"))
}

fn read_message(
    place: &Place<'_>,
    message: &Value,
    unknown: &mut Vec<String>,
) -> Result<Message, WireError> {
    let role = match message.get("role").and_then(Value::as_str) {
        Some("system" | "developer") => Role::System,
        Some("user") => Role::User,
        Some("assistant") => Role::Assistant,
        Some("tool" | "function") => Role::Tool,
        Some(_) | None => {
            let known = "has to be system, developer, user, assistant or tool";
            return Err(place.wrong("role", known));
        }
    };
    let mut read = Message::text(role, "");
    read.parts = match role {
        Role::Assistant => thoughts(message),
        Role::System | Role::User | Role::Tool => Vec::new(),
    };
    content(place, message, &mut read.parts)?;
    match role {
        Role::Assistant => {
            read.tool_calls = tool_calls(place, message)?;
            let refusal = lenient::text(message, "refusal");
            read.parts.extend(refusal.map(ContentPart::Text));
        }
        Role::Tool => {
            let old = || lenient::text(message, "name");
            read.tool_call_id = lenient::text(message, "tool_call_id").or_else(old);
            if read.tool_call_id.is_none() {
                return Err(place.wrong("tool_call_id", "is missing"));
            }
        }
        Role::System | Role::User => {}
    }
    if role != Role::Tool && lenient::text(message, "name").is_some() {
        unknown.push(format!("{}.name", place.0));
    }
    if message.get("audio").is_some_and(Value::is_object) {
        unknown.push(format!("{}.audio", place.0));
    }
    Ok(read)
}

fn content(
    place: &Place<'_>,
    message: &Value,
    parts: &mut Vec<ContentPart>,
) -> Result<(), WireError> {
    match message.get("content") {
        None | Some(Value::Null) => {}
        Some(Value::String(text)) => {
            if !text.is_empty() {
                parts.push(ContentPart::Text(text.clone()));
            }
            // LiteLLM's clients mark whole messages.
            let marker = message.get("cache_control").filter(|it| it.is_object());
            parts.extend(marker.map(|marker| ContentPart::CachePoint(cache_ttl(marker))));
        }
        Some(Value::Array(held)) => {
            for (index, part) in held.iter().enumerate() {
                let place = format!("{}.content[{index}]", place.0);
                parts.push(content_part(&Place(&place), part)?);
                let marker = part.get("cache_control").filter(|it| it.is_object());
                parts.extend(marker.map(|marker| ContentPart::CachePoint(cache_ttl(marker))));
            }
        }
        Some(Value::Bool(_) | Value::Number(_) | Value::Object(_)) => {
            return Err(place.wrong("content", "has to be a text or a list of parts"));
        }
    }
    Ok(())
}

fn content_part(place: &Place<'_>, part: &Value) -> Result<ContentPart, WireError> {
    let held = |key: &str| part.get(key).unwrap_or(&Value::Null);
    match part.get("type").and_then(Value::as_str) {
        Some("text" | "input_text" | "output_text") => match part.get("text") {
            Some(Value::String(text)) => Ok(ContentPart::Text(text.clone())),
            Some(_) | None => Err(place.wrong("text", "has to be a text")),
        },
        Some("refusal") => Ok(ContentPart::Text(
            lenient::text(part, "refusal").unwrap_or_default(),
        )),
        Some("image_url") => {
            let image = held("image_url");
            let url = image.as_str().map(str::to_owned);
            let url = url.or_else(|| lenient::text(image, "url"));
            let url = url.ok_or_else(|| place.wrong("image_url.url", "is missing"))?;
            Ok(ContentPart::Image(media::from_url(&url, "image/jpeg")?))
        }
        Some("input_audio") => audio(place, held("input_audio")),
        Some("file") => file(place, held("file")),
        Some("document_url") => {
            let url = lenient::text(part, "document_url")
                .ok_or_else(|| place.wrong("document_url", "is missing"))?;
            Ok(ContentPart::File {
                name: lenient::text(part, "document_name"),
                media: media::from_url(&url, "application/pdf")?,
            })
        }
        Some("thinking") => Ok(ContentPart::Reasoning(thinking(part))),
        Some(other) => {
            let problem = format!("\"{other}\" is no part that can be sent");
            Err(place.wrong("type", &problem))
        }
        None => Err(place.wrong("type", "is missing")),
    }
}

fn audio(place: &Place<'_>, audio: &Value) -> Result<ContentPart, WireError> {
    let data = lenient::text(audio, "data")
        .ok_or_else(|| place.wrong("input_audio.data", "is missing"))?;
    let format = lenient::text(audio, "format").unwrap_or_else(|| "wav".to_owned());
    Ok(ContentPart::Audio(Media {
        media_type: format!("audio/{format}"),
        source: MediaSource::Base64(data),
    }))
}

fn file(place: &Place<'_>, file: &Value) -> Result<ContentPart, WireError> {
    let name = lenient::text(file, "filename");
    let usual = name.as_deref().and_then(media::media_type_of);
    let usual = usual.unwrap_or("application/pdf");
    let Some(data) = lenient::text(file, "file_data").or_else(|| lenient::text(file, "file_url"))
    else {
        return Err(match file.get("file_id") {
            Some(_) => WireError::Unsupported(format!(
                "{}.file.file_id: a stored file cannot be passed on, send its bytes in file_data",
                place.0
            )),
            None => place.wrong("file.file_data", "is missing"),
        });
    };
    let media = match data.starts_with("data:") || data.contains("://") {
        true => media::from_url(&data, usual)?,
        // Some clients leave the prefix out.
        false => Media {
            media_type: usual.to_owned(),
            source: MediaSource::Base64(data),
        },
    };
    Ok(ContentPart::File { name, media })
}

/// Reasoning of an earlier answer, in the forms of `DeepSeek`, `OpenRouter` and `LiteLLM`.
fn thoughts(message: &Value) -> Vec<ContentPart> {
    let list = |key: &str| message.get(key).and_then(Value::as_array);
    let blocks: Vec<Reasoning> = match (list("thinking_blocks"), list("reasoning_details")) {
        (Some(blocks), _) => blocks.iter().map(thinking).collect(),
        (None, Some(details)) => details.iter().map(detail).collect(),
        (None, None) => {
            let text = lenient::text(message, "reasoning_content")
                .or_else(|| lenient::text(message, "reasoning"));
            let block = text.map(|text| Reasoning {
                text,
                seal: Seal::default(),
            });
            block.into_iter().collect()
        }
    };
    blocks.into_iter().map(ContentPart::Reasoning).collect()
}

fn thinking(block: &Value) -> Reasoning {
    Reasoning {
        text: lenient::text(block, "thinking").unwrap_or_default(),
        seal: Seal {
            signature: lenient::text(block, "signature"),
            encrypted: lenient::text(block, "data"),
            id: None,
        },
    }
}

fn detail(detail: &Value) -> Reasoning {
    let text = lenient::text(detail, "text").or_else(|| lenient::text(detail, "summary"));
    Reasoning {
        text: text.unwrap_or_default(),
        seal: Seal {
            signature: lenient::text(detail, "signature"),
            encrypted: lenient::text(detail, "data"),
            id: lenient::text(detail, "id"),
        },
    }
}

fn tool_calls(place: &Place<'_>, message: &Value) -> Result<Vec<ToolCall>, WireError> {
    let old = message.get("function_call").filter(|call| call.is_object());
    let old = old.map(|function| (lenient::text(function, "name"), function.clone()));
    let mut calls = Vec::new();
    if let Some((Some(name), function)) = old {
        calls.push(ToolCall {
            id: name.clone(),
            name,
            arguments: arguments(&function),
            signature: None,
        });
    }
    let list = message.get("tool_calls").and_then(Value::as_array);
    for (index, call) in list.into_iter().flatten().enumerate() {
        let function = call.get("function").unwrap_or(&Value::Null);
        let name = lenient::text(function, "name").ok_or_else(|| {
            place.wrong(&format!("tool_calls[{index}].function.name"), "is missing")
        })?;
        let google = call.get("extra_content").and_then(|it| it.get("google"));
        calls.push(ToolCall {
            id: lenient::text(call, "id").unwrap_or_else(|| format!("call_{index}")),
            name,
            arguments: arguments(function),
            signature: google.and_then(|it| lenient::text(it, "thought_signature")),
        });
    }
    Ok(calls)
}

fn arguments(function: &Value) -> String {
    let arguments = lenient::arguments(function.get("arguments"));
    match arguments.trim().is_empty() {
        true => "{}".to_owned(),
        false => arguments,
    }
}
