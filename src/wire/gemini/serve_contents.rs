//! Reading the conversation of a client's request.

use serde_json::Value;

use super::NO_SIGNATURE;
use super::serve_request::Object;
use super::serve_request::list;
use super::serve_request::malformed;
use crate::types::ContentPart;
use crate::types::Media;
use crate::types::MediaSource;
use crate::types::Message;
use crate::types::Reasoning;
use crate::types::Role;
use crate::types::Seal;
use crate::types::ToolCall;
use crate::wire::WireError;

/// Adds the messages that `contents` hold.
pub(super) fn read(
    contents: &Value,
    messages: &mut Vec<Message>,
    unknown: &mut Vec<String>,
) -> Result<(), WireError> {
    let contents = list(contents.clone());
    if contents.is_empty() {
        return Err(malformed("contents", "is missing"));
    }
    let mut reader = Reader {
        messages,
        unknown,
        calls: 0,
        open: Vec::new(),
    };
    for (index, content) in contents.iter().enumerate() {
        reader.content(content, &format!("contents[{index}]"))?;
    }
    Ok(())
}

struct Reader<'a> {
    messages: &'a mut Vec<Message>,
    unknown: &'a mut Vec<String>,
    calls: usize,
    /// Ids and names of the calls that no result has answered.
    open: Vec<(String, String)>,
}

impl Reader<'_> {
    fn content(&mut self, content: &Value, place: &str) -> Result<(), WireError> {
        if let Value::String(text) = content {
            self.messages.push(Message::text(Role::User, text));
            return Ok(());
        }
        let mut content = Object::of(content, place)?;
        let role = match content.text("role").as_deref() {
            None | Some("user" | "function" | "tool") => Role::User,
            Some("model") => Role::Assistant,
            Some(_) => return Err(malformed(place, "has an unknown role")),
        };
        if role == Role::Assistant {
            self.open.clear();
        }
        let mut message = Message::text(role, "");
        message.parts.clear();
        let parts = list(content.take("parts").unwrap_or_default());
        for (index, part) in parts.iter().enumerate() {
            let place = format!("{place}.parts[{index}]");
            let mut part = Object::of(part, &place)?;
            if let Some(response) = part.take("functionResponse") {
                // Results stand before and between what the user says.
                self.flush(&mut message);
                let result = self.result(&response, &place)?;
                self.messages.push(result);
            } else if let Some(call) = part.take("functionCall") {
                let call = self.call(&call, &place, part.text("thoughtSignature"))?;
                message.tool_calls.push(call);
            } else {
                message.parts.extend(content_parts(&mut part, &place)?);
            }
            self.unknown.extend(part.rest("contents.parts."));
        }
        self.flush(&mut message);
        self.unknown.extend(content.rest("contents."));
        Ok(())
    }

    fn flush(&mut self, message: &mut Message) {
        if message.parts.is_empty() && message.tool_calls.is_empty() {
            return;
        }
        let mut next = Message::text(message.role, "");
        next.parts.clear();
        self.messages.push(std::mem::replace(message, next));
    }

    fn call(
        &mut self,
        call: &Value,
        place: &str,
        signature: Option<String>,
    ) -> Result<ToolCall, WireError> {
        let mut call = Object::of(call, place)?;
        let name = call.text("name");
        let name = name.ok_or_else(|| malformed(place, "calls a function without a name"))?;
        let id = call
            .text("id")
            .unwrap_or_else(|| format!("call_{}", self.calls));
        self.calls += 1;
        self.open.push((id.clone(), name.clone()));
        let args = call.take("args");
        Ok(ToolCall {
            id,
            name,
            arguments: args.map_or_else(|| "{}".to_owned(), |args| args.to_string()),
            signature: signature.filter(|signature| signature != NO_SIGNATURE),
        })
    }

    /// A result, with the id of the call that it answers: its own, or that of the first open call of its name.
    fn result(&mut self, response: &Value, place: &str) -> Result<Message, WireError> {
        let mut response = Object::of(response, place)?;
        let name = response.text("name").unwrap_or_default();
        let id = response.text("id");
        let by_id = id
            .as_ref()
            .and_then(|id| self.open.iter().position(|call| call.0 == *id));
        let answered = by_id.or_else(|| self.open.iter().position(|call| call.1 == name));
        let id = match (answered, id) {
            (Some(index), _) => self.open.remove(index).0,
            (None, Some(id)) => id,
            (None, None) => return Err(malformed(place, "is the result of no call")),
        };
        let mut result = Message::text(Role::Tool, "");
        result.parts.clear();
        (result.tool_failed, result.parts) = outcome(response.take("response"));
        for part in list(response.take("parts").unwrap_or_default()) {
            let mut part = Object::of(&part, place)?;
            result.parts.extend(content_parts(&mut part, place)?);
        }
        result.tool_call_id = Some(id);
        self.unknown
            .extend(response.rest("contents.parts.functionResponse."));
        Ok(result)
    }
}

/// Whether a tool failed, and what it gave: a text alone under `output` or `error`, else the object as it is.
fn outcome(response: Option<Value>) -> (bool, Vec<ContentPart>) {
    let response = response.unwrap_or_default();
    let only = match &response {
        Value::Object(members) if members.len() == 1 => members.iter().next(),
        _ => None,
    };
    let (failed, text) = match only {
        Some((key, Value::String(text))) if key == "output" => (false, text.clone()),
        Some((key, Value::String(text))) if key == "error" => (true, text.clone()),
        Some((key, _)) => (key == "error", response.to_string()),
        None if response.is_null() => (false, String::new()),
        None => (false, response.to_string()),
    };
    (failed, vec![ContentPart::Text(text)])
}

/// A part that is no call and no result.
fn content_parts(part: &mut Object, place: &str) -> Result<Vec<ContentPart>, WireError> {
    let signature = part.text("thoughtSignature");
    let seal = Seal {
        signature: signature.filter(|signature| signature != NO_SIGNATURE),
        ..Seal::default()
    };
    let thought = part.take("thought") == Some(Value::Bool(true));
    let mut parts = Vec::new();
    if let Some(text) = part.take("text") {
        let text = text.as_str().unwrap_or_default().to_owned();
        if thought {
            let block = Reasoning { text, seal };
            return Ok(vec![ContentPart::Reasoning(block)]);
        }
        if !text.is_empty() {
            parts.push(ContentPart::Text(text));
        }
    } else if let Some(blob) = part.take("inlineData") {
        parts.push(inline(&blob, place)?);
    } else if let Some(file) = part.take("fileData") {
        parts.push(by_address(&file, place)?);
    } else if seal.is_empty() {
        return Err(WireError::Unsupported(format!(
            "{place} holds what no provider could be given"
        )));
    }
    if !seal.is_empty() {
        parts.push(ContentPart::Reasoning(Reasoning {
            text: String::new(),
            seal,
        }));
    }
    Ok(parts)
}

fn inline(blob: &Value, place: &str) -> Result<ContentPart, WireError> {
    let mut blob = Object::of(blob, place)?;
    let base64 = blob.text("data");
    let base64 = base64.ok_or_else(|| malformed(place, "has inlineData without data"))?;
    let media_type = blob.text("mimeType");
    let media = Media {
        media_type: media_type
            .ok_or_else(|| malformed(place, "has inlineData without mimeType"))?,
        source: MediaSource::Base64(base64),
    };
    let name = blob.text("displayName");
    Ok(match media.media_type.split('/').next() {
        Some("image") => ContentPart::Image(media),
        Some("audio") => ContentPart::Audio(media),
        Some(_) | None => ContentPart::File { name, media },
    })
}

fn by_address(file: &Value, place: &str) -> Result<ContentPart, WireError> {
    let mut file = Object::of(file, place)?;
    let url = file.text("fileUri");
    let url = url.ok_or_else(|| malformed(place, "has fileData without fileUri"))?;
    let media = Media {
        media_type: file.text("mimeType").unwrap_or_default(),
        source: MediaSource::Url(url),
    };
    let name = file.text("displayName");
    Ok(match media.media_type.starts_with("image/") {
        true => ContentPart::Image(media),
        false => ContentPart::File { name, media },
    })
}
