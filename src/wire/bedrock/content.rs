//! The conversation as Converse wants it: the speakers take turns, the user begins, nothing is empty.

use std::collections::BTreeSet;

use serde_json::Value;
use serde_json::json;

use super::family::Family;
use super::tools::call_id;
use crate::types::CacheTtl;
use crate::types::Chat;
use crate::types::ContentPart;
use crate::types::Media;
use crate::types::MediaSource;
use crate::types::Message;
use crate::types::Reasoning;
use crate::types::Role;
use crate::types::ToolCall;
use crate::types::quirks::Param;
use crate::wire::EncodeContext;
use crate::wire::WireError;

/// Writes the blocks of one request.
#[derive(Debug)]
pub(super) struct Blocks<'a> {
    pub(super) family: Family,
    pub(super) context: &'a EncodeContext<'a>,
    /// Names of documents that are taken: they must differ.
    pub(super) names: BTreeSet<String>,
    pub(super) dropped: BTreeSet<Param>,
}

/// A mark of what may be cached.
pub(super) fn cache_point(ttl: CacheTtl) -> Value {
    match ttl {
        CacheTtl::Usual => json!({"cachePoint": {"type": "default"}}),
        CacheTtl::Hour => json!({"cachePoint": {"type": "default", "ttl": "1h"}}),
    }
}

/// Whether marks of what may be cached are written.
pub(super) fn may_mark(family: Family, context: &EncodeContext<'_>) -> bool {
    let quirks = context.quirks;
    (family.caches() || quirks.cache_markers) && !quirks.drop_params.contains(&Param::CacheMarkers)
}

impl Blocks<'_> {
    /// The instructions, wherever they stand in the conversation.
    pub(super) fn system(&mut self, chat: &Chat) -> Result<Vec<Value>, WireError> {
        let mut blocks = Vec::new();
        for message in of_role(chat, |role| role == Role::System) {
            for part in &message.parts {
                match part {
                    ContentPart::Text(_) | ContentPart::CachePoint(_) => {
                        self.part(part, &mut blocks)?;
                    }
                    ContentPart::Image(_) | ContentPart::File { .. } | ContentPart::Audio(_) => {
                        return Err(unsupported("instructions can only be text on this wire"));
                    }
                    ContentPart::Reasoning(_) => {}
                }
            }
        }
        Ok(blocks)
    }

    /// The turns. The same speaker's messages in a row are one, and results of tools come first in theirs.
    pub(super) fn messages(&mut self, chat: &Chat) -> Result<Vec<Value>, WireError> {
        let mut turns: Vec<(&str, Vec<Value>)> = Vec::new();
        for message in of_role(chat, |role| role != Role::System) {
            let (role, blocks) = match message.role {
                Role::Assistant => ("assistant", self.assistant(message)?),
                Role::Tool => ("user", vec![self.result(message)?]),
                Role::User | Role::System => ("user", self.user(message)?),
            };
            if blocks.is_empty() {
                continue;
            }
            match turns.last_mut() {
                Some((last, earlier)) if *last == role => earlier.extend(blocks),
                Some(_) | None => turns.push((role, blocks)),
            }
        }
        if turns.first().is_none_or(|(role, _)| *role != "user") {
            turns.insert(0, ("user", vec![json!({"text": "Please continue."})]));
        }
        let results_first = |block: &Value| block.get("toolResult").is_none();
        let turn = |(role, mut blocks): (&str, Vec<Value>)| {
            blocks.sort_by_key(results_first);
            json!({"role": role, "content": blocks})
        };
        Ok(turns.into_iter().map(turn).collect())
    }

    fn user(&mut self, message: &Message) -> Result<Vec<Value>, WireError> {
        let mut blocks = Vec::new();
        for part in &message.parts {
            self.part(part, &mut blocks)?;
        }
        let has = |key: &str| blocks.iter().any(|block| block.get(key).is_some());
        // A document without a text beside it is refused.
        if has("document") && !has("text") {
            blocks.insert(0, json!({"text": "See the document."}));
        }
        Ok(blocks)
    }

    fn assistant(&mut self, message: &Message) -> Result<Vec<Value>, WireError> {
        let mut blocks = Vec::new();
        for part in &message.parts {
            self.part(part, &mut blocks)?;
        }
        blocks.extend(message.tool_calls.iter().map(|call| self.call(call)));
        Ok(blocks)
    }

    fn part(&mut self, part: &ContentPart, blocks: &mut Vec<Value>) -> Result<(), WireError> {
        match part {
            // A blank text is refused.
            ContentPart::Text(text) if text.trim().is_empty() => {}
            ContentPart::Text(text) => blocks.push(json!({"text": text})),
            ContentPart::Image(media) => blocks.push(image(media)?),
            ContentPart::File { name, media } => {
                blocks.push(self.document(name.as_deref(), media)?);
            }
            ContentPart::Audio(_) => {
                return Err(unsupported("sound cannot be sent on this wire"));
            }
            ContentPart::Reasoning(block) => blocks.extend(reasoning(block)),
            ContentPart::CachePoint(ttl) => {
                // Right behind a document, or with nothing before it, a mark is refused.
                let fits = blocks
                    .last()
                    .is_some_and(|block| block.get("document").is_none());
                match fits && may_mark(self.family, self.context) {
                    true => blocks.push(cache_point(*ttl)),
                    false => drop(self.dropped.insert(Param::CacheMarkers)),
                }
            }
        }
        Ok(())
    }

    fn call(&self, call: &ToolCall) -> Value {
        let input = match serde_json::from_str(&call.arguments) {
            Ok(input @ Value::Object(_)) => input,
            _ if call.arguments.trim().is_empty() => json!({}),
            // Only an object is taken; what the model wrote is kept in one.
            _ => json!({"arguments": call.arguments}),
        };
        json!({"toolUse": {"toolUseId": self.id(&call.id), "name": call.name, "input": input}})
    }

    fn result(&mut self, message: &Message) -> Result<Value, WireError> {
        let mut content = Vec::new();
        for part in &message.parts {
            self.part(part, &mut content)?;
        }
        let is_content = |block: &Value| block.get("cachePoint").is_none();
        content.retain(is_content);
        if content.is_empty() {
            content.push(json!({"text": "(nothing)"}));
        }
        let id = self.id(message.tool_call_id.as_deref().unwrap_or_default());
        let mut result = json!({"toolUseId": id, "content": content});
        // A success is not said: some models refuse the member.
        if message.tool_failed {
            result["status"] = json!("error");
        }
        Ok(json!({"toolResult": result}))
    }

    fn id(&self, id: &str) -> String {
        call_id(id, self.family, self.context.quirks.tool_ids).into_owned()
    }

    fn document(&mut self, name: Option<&str>, media: &Media) -> Result<Value, WireError> {
        let format = document_format(name, media)
            .ok_or_else(|| unsupported("documents of this type cannot be sent on this wire"))?;
        let source = source(media)?;
        let wanted = document_name(name.unwrap_or_default());
        let mut name = wanted.clone();
        let mut number = 1;
        while !self.names.insert(name.clone()) {
            number += 1;
            name = format!("{wanted} {number}");
        }
        Ok(json!({"document": {"format": format, "name": name, "source": source}}))
    }
}

fn of_role(chat: &Chat, takes: impl Fn(Role) -> bool) -> impl Iterator<Item = &Message> {
    chat.messages
        .iter()
        .filter(move |message| takes(message.role))
}

fn unsupported(what: &str) -> WireError {
    WireError::Unsupported(what.to_owned())
}

/// Without its signature a block of reasoning is refused; with it, it must come back as it was.
fn reasoning(block: &Reasoning) -> Option<Value> {
    match (&block.seal.encrypted, &block.seal.signature) {
        (Some(data), _) => Some(json!({"reasoningContent": {"redactedContent": data}})),
        (None, Some(signature)) => {
            let text = json!({"text": block.text, "signature": signature});
            Some(json!({"reasoningContent": {"reasoningText": text}}))
        }
        (None, None) => None,
    }
}

fn image(media: &Media) -> Result<Value, WireError> {
    let format = match media.media_type.as_str() {
        "image/png" => "png",
        "image/jpeg" | "image/jpg" => "jpeg",
        "image/gif" => "gif",
        "image/webp" => "webp",
        _ => {
            return Err(unsupported(
                "only PNG, JPEG, GIF and WebP pictures can be sent on this wire",
            ));
        }
    };
    Ok(json!({"image": {"format": format, "source": source(media)?}}))
}

/// Bytes, or an address within S3.
fn source(media: &Media) -> Result<Value, WireError> {
    match &media.source {
        MediaSource::Base64(data) => Ok(json!({"bytes": data})),
        MediaSource::Url(url) if url.starts_with("s3://") => {
            Ok(json!({"s3Location": {"uri": url}}))
        }
        MediaSource::Url(_) => Err(unsupported(
            "pictures and documents by address cannot be sent on this wire: send their bytes",
        )),
    }
}

fn document_format(name: Option<&str>, media: &Media) -> Option<&'static str> {
    const FORMATS: [(&str, &str); 9] = [
        ("pdf", "application/pdf"),
        ("csv", "text/csv"),
        ("doc", "application/msword"),
        (
            "docx",
            "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
        ),
        ("xls", "application/vnd.ms-excel"),
        (
            "xlsx",
            "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        ),
        ("html", "text/html"),
        ("md", "text/markdown"),
        ("txt", "text/plain"),
    ];
    let kind = media
        .media_type
        .split(';')
        .next()
        .unwrap_or_default()
        .trim();
    let extension = name.and_then(|name| name.rsplit_once('.')).map(|it| it.1);
    let by_extension = extension.and_then(|end| {
        FORMATS
            .iter()
            .find(|(format, _)| end.eq_ignore_ascii_case(format))
    });
    // Markdown and CSV often go by the type of plain text; their name is more exact.
    let by_type = FORMATS.iter().find(|(_, known)| *known == kind);
    let found = match kind {
        "text/plain" | "application/octet-stream" | "" => by_extension.or(by_type),
        _ => by_type.or(by_extension),
    };
    found.map(|(format, _)| *format)
}

/// Longest name of a document.
const MAX_NAME_CHARS: usize = 190;

/// Letters, digits, single spaces, hyphens, parentheses and brackets are taken; everything else is a space.
fn document_name(name: &str) -> String {
    let taken = |c: char| match c {
        c if c.is_ascii_alphanumeric() || "-()[]".contains(c) => c,
        _ => ' ',
    };
    let clean: String = name.chars().map(taken).take(MAX_NAME_CHARS).collect();
    let words: Vec<&str> = clean.split_whitespace().collect();
    match words.is_empty() {
        true => "Document".to_owned(),
        false => words.join(" "),
    }
}
