//! Writing the messages of a request.

use serde_json::Value;
use serde_json::json;

use crate::types::Chat;
use crate::types::ContentPart;
use crate::types::Media;
use crate::types::MediaSource;
use crate::types::Message;
use crate::types::Reasoning;
use crate::types::ResponseFormat;
use crate::types::Role;
use crate::types::quirks::DocumentStyle;
use crate::types::quirks::JsonSupport;
use crate::types::quirks::Param;
use crate::types::quirks::Quirks;
use crate::types::quirks::ReasoningHistory;
use crate::types::quirks::SystemRole;
use crate::wire::WireError;
use crate::wire::json_answer;
use crate::wire::media;
use crate::wire::tool_ids;

/// Writes all messages; what they hold that this provider has no form for is reported as dropped.
pub(super) fn write(
    chat: &Chat,
    quirks: &Quirks,
    dropped: &mut Vec<String>,
) -> Result<Vec<Value>, WireError> {
    let mut writer = Writer {
        quirks,
        messages: Vec::new(),
        loses_cache_points: false,
    };
    for message in &chat.messages {
        writer.message(message)?;
    }
    writer.instruction(chat);
    let cached_tool = chat.tools.iter().any(|tool| tool.cache.is_some());
    if writer.loses_cache_points || cached_tool {
        dropped.push(Param::CacheMarkers.as_str().to_owned());
    }
    Ok(writer.messages)
}

struct Writer<'a> {
    quirks: &'a Quirks,
    messages: Vec<Value>,
    loses_cache_points: bool,
}

impl Writer<'_> {
    fn message(&mut self, message: &Message) -> Result<(), WireError> {
        match message.role {
            Role::System => {
                let role = match self.quirks.system_role {
                    SystemRole::System => "system",
                    SystemRole::Developer => "developer",
                    SystemRole::User => "user",
                };
                let content = self.content(message)?;
                self.messages
                    .push(json!({"role": role, "content": content}));
            }
            Role::User => {
                let content = self.content(message)?;
                self.messages
                    .push(json!({"role": "user", "content": content}));
            }
            Role::Tool => self.tool_result(message)?,
            Role::Assistant => self.assistant(message),
        }
        Ok(())
    }

    /// A tool's message takes only text; pictures follow in a message of the user's.
    fn tool_result(&mut self, message: &Message) -> Result<(), WireError> {
        let asked = message.tool_call_id.as_deref().unwrap_or_default();
        let id = tool_ids::write(asked, self.quirks.tool_ids);
        let text = message.joined_text();
        self.messages
            .push(json!({"role": "tool", "tool_call_id": id, "content": text}));
        let mut shown = Vec::new();
        for part in &message.parts {
            if matches!(part, ContentPart::Image(_) | ContentPart::File { .. }) {
                shown.extend(self.part(part)?);
            }
        }
        if !shown.is_empty() {
            let what = format!("The result of the tool call {id} also holds:");
            shown.insert(0, json!({"type": "text", "text": what}));
            self.messages
                .push(json!({"role": "user", "content": shown}));
        }
        Ok(())
    }

    fn assistant(&mut self, message: &Message) {
        let text = message.joined_text();
        let calls = message.tool_calls.iter().map(|call| {
            let id = tool_ids::write(&call.id, self.quirks.tool_ids);
            let function = json!({"name": call.name, "arguments": call.arguments});
            json!({"id": id, "type": "function", "function": function})
        });
        let calls: Vec<Value> = calls.collect();
        let content = match text.is_empty() && !calls.is_empty() {
            true => Value::Null,
            false => json!(text),
        };
        let mut written = json!({"role": "assistant", "content": content});
        if !calls.is_empty() {
            written["tool_calls"] = Value::Array(calls);
        }
        let thoughts = message.parts.iter().filter_map(|part| match part {
            ContentPart::Reasoning(block) => Some(block),
            ContentPart::Text(_)
            | ContentPart::Image(_)
            | ContentPart::File { .. }
            | ContentPart::Audio(_)
            | ContentPart::CachePoint(_) => None,
        });
        match self.quirks.reasoning_history {
            ReasoningHistory::Usual => {}
            ReasoningHistory::ReasoningContent => {
                let text: String = thoughts.map(|block| block.text.as_str()).collect();
                // Some want it in every turn of a tool loop, empty or not (DeepSeek's documentation, 2026-08).
                if !text.is_empty() || !message.tool_calls.is_empty() {
                    written["reasoning_content"] = json!(text);
                }
            }
            ReasoningHistory::Details => {
                let details: Vec<Value> = thoughts.flat_map(details).collect();
                if !details.is_empty() {
                    written["reasoning_details"] = Value::Array(details);
                }
            }
        }
        self.messages.push(written);
    }

    /// A plain string where there is only text: every clone of this wire understands that.
    fn content(&mut self, message: &Message) -> Result<Value, WireError> {
        let mut parts = Vec::new();
        let mut plain = true;
        for part in &message.parts {
            match part {
                ContentPart::CachePoint(_) if self.quirks.cache_markers => {
                    plain = false;
                    if let Some(Value::Object(marked)) = parts.last_mut() {
                        let marker = json!({"type": "ephemeral"});
                        marked.insert("cache_control".to_owned(), marker);
                    }
                }
                ContentPart::CachePoint(_) => self.loses_cache_points = true,
                ContentPart::Text(_) => parts.extend(self.part(part)?),
                ContentPart::Image(_)
                | ContentPart::File { .. }
                | ContentPart::Audio(_)
                | ContentPart::Reasoning(_) => {
                    plain = false;
                    parts.extend(self.part(part)?);
                }
            }
        }
        Ok(match plain {
            true => json!(message.joined_text()),
            false => Value::Array(parts),
        })
    }

    fn part(&self, part: &ContentPart) -> Result<Option<Value>, WireError> {
        Ok(match part {
            ContentPart::Text(text) => Some(json!({"type": "text", "text": text})),
            ContentPart::Image(image) => {
                self.check_inline(image)?;
                Some(json!({"type": "image_url", "image_url": {"url": media::to_url(image)}}))
            }
            ContentPart::File { name, media } => Some(self.file(name.as_deref(), media)?),
            ContentPart::Audio(sound) => Some(audio(sound)?),
            ContentPart::Reasoning(_) | ContentPart::CachePoint(_) => None,
        })
    }

    fn file(&self, name: Option<&str>, file: &Media) -> Result<Value, WireError> {
        let name = name.unwrap_or("document");
        match (self.quirks.documents, &file.source) {
            (DocumentStyle::DocumentUrl, _) => {
                let url = media::to_url(file);
                Ok(json!({"type": "document_url", "document_url": url, "document_name": name}))
            }
            (DocumentStyle::File, MediaSource::Base64(_)) => {
                let file = json!({"filename": name, "file_data": media::to_url(file)});
                Ok(json!({"type": "file", "file": file}))
            }
            (DocumentStyle::File, MediaSource::Url(_)) => Err(WireError::Unsupported(
                "a document by address cannot be sent on this wire: send its bytes".to_owned(),
            )),
            (DocumentStyle::Refused, _) => Err(WireError::Unsupported(
                "this provider takes no documents: send their text".to_owned(),
            )),
        }
    }

    fn check_inline(&self, media: &Media) -> Result<(), WireError> {
        match &media.source {
            MediaSource::Url(_) if self.quirks.inline_media_only => Err(WireError::Unsupported(
                "this provider fetches no pictures: send their bytes".to_owned(),
            )),
            MediaSource::Url(_) | MediaSource::Base64(_) => Ok(()),
        }
    }

    /// Asks in the prompt for what the provider cannot be held to.
    fn instruction(&mut self, chat: &Chat) {
        let told = match (&chat.format, self.quirks.json) {
            (
                ResponseFormat::JsonSchema { schema, .. },
                JsonSupport::Object | JsonSupport::Prompt,
            ) => Some(json_answer::instruction(schema)),
            (ResponseFormat::JsonSchema { schema, .. }, JsonSupport::Tool) => {
                (!chat.tools.is_empty()).then(|| json_answer::instruction(schema))
            }
            // OpenAI refuses `json_object` unless the word stands in a message.
            (ResponseFormat::JsonObject, _) if !mentions_json(chat) => {
                Some("Answer with one JSON object and nothing else.".to_owned())
            }
            (
                ResponseFormat::JsonSchema { .. }
                | ResponseFormat::JsonObject
                | ResponseFormat::Text,
                _,
            ) => None,
        };
        let told = told.map(|text| json!({"role": "system", "content": text}));
        self.messages.extend(told);
    }
}

fn mentions_json(chat: &Chat) -> bool {
    let mut texts = chat.messages.iter().map(Message::joined_text);
    texts.any(|text| text.to_lowercase().contains("json"))
}

fn audio(sound: &Media) -> Result<Value, WireError> {
    let format = match sound.media_type.as_str() {
        "audio/wav" | "audio/x-wav" | "audio/wave" => "wav",
        "audio/mp3" | "audio/mpeg" => "mp3",
        other => {
            return Err(WireError::Unsupported(format!(
                "sound of the type {other} cannot be sent on this wire: send wav or mp3"
            )));
        }
    };
    match &sound.source {
        MediaSource::Base64(data) => {
            Ok(json!({"type": "input_audio", "input_audio": {"data": data, "format": format}}))
        }
        MediaSource::Url(_) => Err(WireError::Unsupported(
            "sound by address cannot be sent on this wire: send its bytes".to_owned(),
        )),
    }
}

/// A block of reasoning in `OpenRouter`'s form.
fn details(block: &Reasoning) -> Vec<Value> {
    let mut details = Vec::new();
    if !block.text.is_empty() || block.seal.signature.is_some() {
        details.push(json!({"type": "reasoning.text", "text": block.text, "signature": block.seal.signature}));
    }
    if let Some(data) = &block.seal.encrypted {
        details.push(json!({"type": "reasoning.encrypted", "data": data, "id": block.seal.id}));
    }
    details
}
