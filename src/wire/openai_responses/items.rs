//! Writing the instructions and the conversation, which is a list of items.

use serde_json::Value;
use serde_json::json;

use crate::types::Chat;
use crate::types::ContentPart;
use crate::types::Media;
use crate::types::MediaSource;
use crate::types::Message;
use crate::types::Reasoning;
use crate::types::Role;
use crate::types::quirks::DocumentStyle;
use crate::types::quirks::Param;
use crate::types::quirks::Quirks;
use crate::types::quirks::ReasoningHistory;
use crate::types::quirks::SystemRole;
use crate::wire::WireError;
use crate::wire::request_body::RequestBody;

/// Most characters of a call's id (OpenAI's API document 2.3.0, read 2026-11-20).
const MOST_ID_CHARS: usize = 64;

/// Writes `instructions` and `input`; `true` when sealed reasoning is among it.
pub(super) fn write(
    chat: &Chat,
    told: Option<String>,
    body: &mut RequestBody<'_>,
) -> Result<bool, WireError> {
    let is_system = |message: &&Message| message.role == Role::System;
    let mut first = chat.messages.iter().take_while(is_system).count();
    if system_role(body.quirks()) == "user" {
        first = 0;
    }
    let (instructions, said) = chat.messages.split_at(first);
    let mut items = Items {
        items: Vec::new(),
        sealed: false,
        body,
    };
    let mut texts = Vec::new();
    for message in instructions {
        texts.push(items.system_text(message)?);
    }
    texts.retain(|text| !text.trim().is_empty());
    for message in said {
        items.add(message)?;
    }
    if let Some(told) = told {
        items.message(system_role(items.body.quirks()), &json!(told));
    }
    let Items { items, sealed, .. } = items;
    if !texts.is_empty() {
        body.put("instructions", json!(texts.join("\n\n")));
    }
    body.put("input", Value::Array(items));
    Ok(sealed)
}

fn system_role(quirks: &Quirks) -> &'static str {
    match quirks.system_role {
        SystemRole::System => "system",
        SystemRole::Developer => "developer",
        SystemRole::User => "user",
    }
}

struct Items<'a, 'b> {
    items: Vec<Value>,
    sealed: bool,
    body: &'a mut RequestBody<'b>,
}

impl Items<'_, '_> {
    fn add(&mut self, message: &Message) -> Result<(), WireError> {
        match message.role {
            Role::System => {
                let text = self.system_text(message)?;
                self.message(system_role(self.body.quirks()), &json!(text));
            }
            Role::User => {
                let content = self.content(message)?;
                self.message("user", &content);
            }
            Role::Assistant => self.assistant(message)?,
            Role::Tool => {
                let output = self.content(message)?;
                // The wire has no word for it, and the text mostly says it.
                if message.tool_failed {
                    self.body.lose_named("tool_failed");
                }
                let id = call_id(message.tool_call_id.as_deref().unwrap_or_default());
                self.items
                    .push(json!({"type": "function_call_output", "call_id": id, "output": output}));
            }
        }
        Ok(())
    }

    fn message(&mut self, role: &str, content: &Value) {
        self.items
            .push(json!({"type": "message", "role": role, "content": content}));
    }

    fn system_text(&mut self, message: &Message) -> Result<String, WireError> {
        for part in &message.parts {
            match part {
                ContentPart::Text(_) => {}
                ContentPart::CachePoint(_) => self.body.lose(Param::CacheMarkers),
                ContentPart::Image(_)
                | ContentPart::File { .. }
                | ContentPart::Audio(_)
                | ContentPart::Reasoning(_) => {
                    let message = "instructions can hold only text on this wire";
                    return Err(WireError::Unsupported(message.to_owned()));
                }
            }
        }
        Ok(message.joined_text())
    }

    /// A plain text where there is only text: every clone of this wire understands that.
    fn content(&mut self, message: &Message) -> Result<Value, WireError> {
        let quirks = self.body.quirks();
        let mut parts = Vec::new();
        for part in &message.parts {
            match part {
                ContentPart::Text(text) => parts.push(json!({"type": "input_text", "text": text})),
                ContentPart::Image(media) => {
                    let url = address(media, quirks)?;
                    parts.push(json!({"type": "input_image", "image_url": url, "detail": "auto"}));
                }
                ContentPart::File { name, media } => {
                    parts.push(file(name.as_deref(), media, quirks)?)
                }
                ContentPart::Audio(_) => {
                    let message = "sound cannot be sent on this wire";
                    return Err(WireError::Unsupported(message.to_owned()));
                }
                ContentPart::CachePoint(_) => self.body.lose(Param::CacheMarkers),
                ContentPart::Reasoning(_) => self.body.lose_named("reasoning"),
            }
        }
        let plain = parts.iter().all(|part| part["type"] == "input_text");
        Ok(if plain {
            json!(message.joined_text())
        } else {
            Value::Array(parts)
        })
    }

    fn assistant(&mut self, message: &Message) -> Result<(), WireError> {
        let text = message.joined_text();
        // Reasoning that nothing follows is refused.
        let followed = !text.is_empty() || !message.tool_calls.is_empty();
        for part in &message.parts {
            match part {
                ContentPart::Text(_) => {}
                ContentPart::Reasoning(block) => match self.reasoning(block).filter(|_| followed) {
                    Some(item) => self.items.push(item),
                    None => self.body.lose_named("reasoning"),
                },
                ContentPart::CachePoint(_) => self.body.lose(Param::CacheMarkers),
                ContentPart::Image(_) | ContentPart::File { .. } | ContentPart::Audio(_) => {
                    let message = "an answer can hold only text on this wire";
                    return Err(WireError::Unsupported(message.to_owned()));
                }
            }
        }
        if !text.is_empty() {
            self.message("assistant", &json!(text));
        }
        for call in &message.tool_calls {
            self.items.push(json!({
                "type": "function_call",
                "call_id": call_id(&call.id),
                "name": call.name,
                "arguments": call.arguments,
            }));
        }
        Ok(())
    }

    /// Reasoning goes back as it came: nothing is stored there, so only what is encrypted can be found again,
    /// unless the provider wants the words themselves.
    fn reasoning(&mut self, block: &Reasoning) -> Option<Value> {
        if let (Some(sealed), Some(id)) = (&block.seal.encrypted, &block.seal.id) {
            self.sealed = true;
            let summary: Vec<Value> = said(&block.text)
                .map(|text| json!({"type": "summary_text", "text": text}))
                .collect();
            return Some(
                json!({"type": "reasoning", "id": id, "summary": summary, "encrypted_content": sealed}),
            );
        }
        match self.body.quirks().reasoning_history {
            ReasoningHistory::Usual => None,
            ReasoningHistory::ReasoningContent | ReasoningHistory::Details => {
                let content: Vec<Value> = said(&block.text)
                    .map(|text| json!({"type": "reasoning_text", "text": text}))
                    .collect();
                Some(json!({"type": "reasoning", "summary": [], "content": content}))
            }
        }
    }
}

fn said(text: &str) -> impl Iterator<Item = &str> {
    Some(text).filter(|text| !text.is_empty()).into_iter()
}

fn address(media: &Media, quirks: &Quirks) -> Result<String, WireError> {
    match &media.source {
        MediaSource::Base64(data) => Ok(format!("data:{};base64,{data}", media.media_type)),
        MediaSource::Url(_) if quirks.inline_media_only => Err(WireError::Unsupported(
            "this provider fetches no addresses: send the bytes".to_owned(),
        )),
        MediaSource::Url(url) => Ok(url.clone()),
    }
}

fn file(name: Option<&str>, media: &Media, quirks: &Quirks) -> Result<Value, WireError> {
    if quirks.documents == DocumentStyle::Refused {
        return Err(WireError::Unsupported(
            "this provider takes no documents".to_owned(),
        ));
    }
    let address = address(media, quirks)?;
    Ok(match &media.source {
        MediaSource::Url(_) => json!({"type": "input_file", "file_url": address}),
        MediaSource::Base64(_) => {
            // The kind of a document is told by the end of its name.
            let usual = match media.media_type.as_str() {
                "application/pdf" => "document.pdf",
                _ => "document.txt",
            };
            json!({"type": "input_file", "filename": name.unwrap_or(usual), "file_data": address})
        }
    })
}

/// Ids of other providers may be longer than is taken here; both ends of one are kept.
fn call_id(id: &str) -> String {
    let letters: Vec<char> = id.chars().collect();
    if letters.len() <= MOST_ID_CHARS {
        return id.to_owned();
    }
    let half = MOST_ID_CHARS / 2;
    let ends = [&letters[..half], &letters[letters.len() - half..]];
    ends.concat().into_iter().collect()
}
