//! Writing the instructions and the conversation.

use serde_json::Value;
use serde_json::json;

use super::cache_marks::CacheMarks;
use super::thinking;
use super::tools::Form;
use crate::types::CacheTtl;
use crate::types::Chat;
use crate::types::ContentPart;
use crate::types::Media;
use crate::types::MediaSource;
use crate::types::Message;
use crate::types::Role;
use crate::types::quirks::DocumentStyle;
use crate::types::quirks::Param;
use crate::types::quirks::Quirks;
use crate::wire::WireError;
use crate::wire::base64;
use crate::wire::request_body::RequestBody;

/// Writes `system` and `messages`.
pub(super) fn write(
    chat: &Chat,
    form: &Form,
    marks: &mut CacheMarks,
    body: &mut RequestBody<'_>,
) -> Result<(), WireError> {
    let told = match form {
        Form::Told(text) => Some(text.as_str()),
        Form::Free | Form::Native(_) | Form::Call(_) => None,
    };
    if let Some(system) = system(chat, told, marks, body)? {
        body.put("system", system);
    }
    let mut turns = Turns {
        turns: Vec::new(),
        marks,
        body,
    };
    let said = chat
        .messages
        .iter()
        .filter(|message| message.role != Role::System);
    for message in said {
        turns.add(message)?;
    }
    let turns = turns.finish();
    body.put("messages", Value::Array(turns));
    Ok(())
}

/// The system messages, wherever they stand: this wire has one place for them. They are blocks where one of them is
/// to be cached, else a text.
fn system(
    chat: &Chat,
    told: Option<&str>,
    marks: &mut CacheMarks,
    body: &mut RequestBody<'_>,
) -> Result<Option<Value>, WireError> {
    let said: Vec<&Message> = chat
        .messages
        .iter()
        .filter(|message| message.role == Role::System)
        .collect();
    let parts = || said.iter().flat_map(|message| &message.parts);
    let cached = parts().any(|part| matches!(part, ContentPart::CachePoint(_)));
    let texts = parts().all(|part| matches!(part, ContentPart::Text(_)));
    if !cached && texts {
        let texts = said
            .iter()
            .map(|message| message.joined_text())
            .chain(told.map(str::to_owned));
        let texts: Vec<String> = texts.filter(|text| !text.trim().is_empty()).collect();
        return Ok((!texts.is_empty()).then(|| json!(texts.join("\n\n"))));
    }
    let mut blocks: Vec<Value> = Vec::new();
    for part in parts() {
        match part {
            ContentPart::CachePoint(ttl) => match blocks.last_mut() {
                Some(last) => put_mark(last, *ttl, marks, body),
                None => body.lose(Param::CacheMarkers),
            },
            ContentPart::Text(text) if text.trim().is_empty() => {}
            ContentPart::Text(text) => blocks.push(json!({"type": "text", "text": text})),
            ContentPart::Image(_)
            | ContentPart::File { .. }
            | ContentPart::Audio(_)
            | ContentPart::Reasoning(_) => {
                let message = "instructions can hold only text on this wire";
                return Err(WireError::Unsupported(message.to_owned()));
            }
        }
    }
    blocks.extend(told.map(|text| json!({"type": "text", "text": text})));
    Ok((!blocks.is_empty()).then_some(Value::Array(blocks)))
}

fn put_mark(block: &mut Value, ttl: CacheTtl, marks: &mut CacheMarks, body: &mut RequestBody<'_>) {
    // Two points at one place are one.
    if block.get("cache_control").is_none()
        && let Some(mark) = marks.next(ttl, body)
    {
        block["cache_control"] = mark;
    }
}

/// The conversation: the same speaker's messages in a row are one, results of tools come first in theirs, and what
/// would be empty is left out, because this wire refuses it.
struct Turns<'a, 'b> {
    turns: Vec<(&'static str, Vec<Value>)>,
    marks: &'a mut CacheMarks,
    body: &'a mut RequestBody<'b>,
}

impl Turns<'_, '_> {
    fn add(&mut self, message: &Message) -> Result<(), WireError> {
        match message.role {
            Role::Tool => self.result(message),
            Role::Assistant => self.assistant(message),
            Role::User | Role::System => message
                .parts
                .iter()
                .try_for_each(|part| self.part("user", part)),
        }
    }

    fn assistant(&mut self, message: &Message) -> Result<(), WireError> {
        // Points at the end of the message come after its calls.
        let is_point = |part: &ContentPart| matches!(part, ContentPart::CachePoint(_));
        let said = message
            .parts
            .iter()
            .rposition(|part| !is_point(part))
            .map_or(0, |last| last + 1);
        let (said, points) = message.parts.split_at(said);
        said.iter()
            .try_for_each(|part| self.part("assistant", part))?;
        for call in &message.tool_calls {
            // The wire wants an object; a text that is none was the model's mistake and is shown as it stood.
            let input = match serde_json::from_str(&call.arguments) {
                Ok(Value::Object(input)) => Value::Object(input),
                Ok(_) | Err(_) if call.arguments.trim().is_empty() => json!({}),
                Ok(_) | Err(_) => json!({"invalid_arguments": call.arguments}),
            };
            let id = tool_id(&call.id);
            self.push(
                "assistant",
                json!({"type": "tool_use", "id": id, "name": call.name, "input": input}),
            );
        }
        points
            .iter()
            .try_for_each(|part| self.part("assistant", part))
    }

    fn result(&mut self, message: &Message) -> Result<(), WireError> {
        let quirks = self.body.quirks();
        let mut content = Vec::new();
        let mut point = None;
        for part in &message.parts {
            match part {
                ContentPart::CachePoint(ttl) => point = Some(*ttl),
                other => content.extend(block(other, quirks)?),
            }
        }
        let text_only = content.iter().all(|block| block["type"] == "text");
        let content = if text_only {
            json!(message.joined_text())
        } else {
            Value::Array(content)
        };
        let id = tool_id(message.tool_call_id.as_deref().unwrap_or_default());
        let mut result = json!({"type": "tool_result", "tool_use_id": id, "content": content});
        if message.tool_failed {
            result["is_error"] = json!(true);
        }
        if let Some(ttl) = point {
            put_mark(&mut result, ttl, self.marks, self.body);
        }
        self.push("user", result);
        Ok(())
    }

    fn part(&mut self, role: &'static str, part: &ContentPart) -> Result<(), WireError> {
        match part {
            ContentPart::CachePoint(ttl) => self.mark(*ttl),
            // Without its seal a block is refused; with it, it must come back as it was.
            ContentPart::Reasoning(reasoning) => match thinking::block(reasoning) {
                Some(block) => self.push(role, block),
                None => self.body.lose_named("reasoning"),
            },
            ContentPart::Text(_)
            | ContentPart::Image(_)
            | ContentPart::File { .. }
            | ContentPart::Audio(_) => {
                if let Some(block) = block(part, self.body.quirks())? {
                    self.push(role, block);
                }
            }
        }
        Ok(())
    }

    fn push(&mut self, role: &'static str, block: Value) {
        match self.turns.last_mut() {
            Some((last, blocks)) if *last == role => blocks.push(block),
            Some(_) | None => self.turns.push((role, vec![block])),
        }
    }

    /// Marks the last block so far; thinking cannot be marked, so the one before it is.
    fn mark(&mut self, ttl: CacheTtl) {
        let blocks = self
            .turns
            .iter_mut()
            .rev()
            .flat_map(|(_, blocks)| blocks.iter_mut().rev());
        let markable = |block: &&mut Value| {
            block["type"] != "thinking" && block["type"] != "redacted_thinking"
        };
        match blocks.into_iter().find(markable) {
            Some(block) => put_mark(block, ttl, self.marks, self.body),
            None => self.body.lose(Param::CacheMarkers),
        }
    }

    fn finish(mut self) -> Vec<Value> {
        // A beginning of the answer is refused when it ends in white space.
        if let Some(("assistant", blocks)) = self.turns.last_mut()
            && let Some(Value::String(text)) =
                blocks.last_mut().and_then(|last| last.get_mut("text"))
        {
            text.truncate(text.trim_end().len());
        }
        let results_first = |block: &Value| block["type"] != "tool_result";
        let turn = |(role, mut blocks): (&str, Vec<Value>)| {
            blocks.sort_by_key(results_first);
            json!({"role": role, "content": blocks})
        };
        self.turns.into_iter().map(turn).collect()
    }
}

fn block(part: &ContentPart, quirks: &Quirks) -> Result<Option<Value>, WireError> {
    Ok(match part {
        ContentPart::Text(text) if text.trim().is_empty() => None,
        ContentPart::Text(text) => Some(json!({"type": "text", "text": text})),
        ContentPart::Image(media) => {
            Some(json!({"type": "image", "source": source(media, quirks)?}))
        }
        ContentPart::File { name, media } => Some(document(name.as_deref(), media, quirks)?),
        ContentPart::Audio(_) => {
            return Err(WireError::Unsupported(
                "sound cannot be sent on this wire".to_owned(),
            ));
        }
        ContentPart::Reasoning(_) | ContentPart::CachePoint(_) => None,
    })
}

fn document(name: Option<&str>, media: &Media, quirks: &Quirks) -> Result<Value, WireError> {
    if quirks.documents == DocumentStyle::Refused {
        return Err(WireError::Unsupported(
            "this provider takes no documents".to_owned(),
        ));
    }
    let kind = media
        .media_type
        .split(';')
        .next()
        .unwrap_or_default()
        .trim();
    let source = match &media.source {
        MediaSource::Url(_) => source(media, quirks)?,
        MediaSource::Base64(_) if kind == "application/pdf" => source(media, quirks)?,
        MediaSource::Base64(coded) if kind.starts_with("text/") || kind == "application/json" => {
            let text = base64::decode(coded).and_then(|bytes| String::from_utf8(bytes).ok());
            let text = text.ok_or_else(|| {
                WireError::Unsupported(format!("a document of {kind} is not base64 of UTF-8"))
            })?;
            json!({"type": "text", "media_type": "text/plain", "data": text})
        }
        MediaSource::Base64(_) => {
            let message =
                format!("a document of {kind:?} cannot be sent on this wire: PDF and text can");
            return Err(WireError::Unsupported(message));
        }
    };
    let mut block = json!({"type": "document", "source": source});
    if let Some(name) = name {
        block["title"] = json!(name);
    }
    Ok(block)
}

fn source(media: &Media, quirks: &Quirks) -> Result<Value, WireError> {
    let kind = match media.media_type.as_str() {
        "image/jpg" => "image/jpeg",
        other => other,
    };
    match &media.source {
        MediaSource::Base64(data) => {
            Ok(json!({"type": "base64", "media_type": kind, "data": data}))
        }
        MediaSource::Url(_) if quirks.inline_media_only => Err(WireError::Unsupported(
            "this provider fetches no addresses: send the bytes".to_owned(),
        )),
        MediaSource::Url(url) => Ok(json!({"type": "url", "url": url})),
    }
}

/// Ids of other providers may hold characters that this one refuses.
fn tool_id(id: &str) -> String {
    let clean = |letter: char| match letter {
        '_' | '-' => letter,
        letter if letter.is_ascii_alphanumeric() => letter,
        _ => '_',
    };
    match id {
        "" => "_".to_owned(),
        some => some.chars().map(clean).collect(),
    }
}
