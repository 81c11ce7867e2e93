//! The conversation of a request.

use serde_json::Value;
use serde_json::json;

use super::NO_SIGNATURE;
use super::is_third_generation;
use crate::types::Chat;
use crate::types::ContentPart;
use crate::types::Media;
use crate::types::MediaSource;
use crate::types::Message;
use crate::types::Reasoning;
use crate::types::Role;
use crate::types::ToolCall;
use crate::types::quirks::SystemRole;
use crate::wire::EncodeContext;
use crate::wire::WireError;

/// Contents under way: the same speaker's messages in a row become one, and the results of one batch of calls
/// stand in one of their own, in the order of the calls.
pub(super) struct Contents<'a> {
    chat: &'a Chat,
    context: &'a EncodeContext<'a>,
    third_generation: bool,
    turns: Vec<Turn<'a>>,
    /// The calls that results answer.
    batch: &'a [ToolCall],
}

struct Turn<'a> {
    speaker: Speaker,
    parts: Vec<Value>,
    /// Results: the id of each part's call.
    answers: Vec<&'a str>,
    /// What tools gave beside text, where it has no place in their results: it follows them.
    shown: Vec<Value>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Speaker {
    User,
    Model,
    Tools,
}

impl<'a> Contents<'a> {
    pub(super) fn of(chat: &'a Chat, context: &'a EncodeContext<'a>) -> Result<Self, WireError> {
        let mut contents = Self {
            chat,
            context,
            third_generation: is_third_generation(context.model),
            turns: Vec::new(),
            batch: &[],
        };
        for message in &chat.messages {
            match message.role {
                Role::System if context.quirks.system_role == SystemRole::User => {
                    contents.say(Speaker::User, texts(message));
                }
                Role::System => {}
                Role::User => {
                    let parts = contents.parts(message)?;
                    contents.say(Speaker::User, parts);
                }
                Role::Assistant => {
                    let parts = contents.assistant(message)?;
                    contents.say(Speaker::Model, parts);
                    contents.batch = &message.tool_calls;
                }
                Role::Tool => contents.result(message)?,
            }
        }
        Ok(contents)
    }

    /// The contents as they are written.
    pub(super) fn into_values(self) -> Vec<Value> {
        let mut values = Vec::new();
        // The first turn must be the user's.
        if matches!(self.turns.first(), Some(turn) if turn.speaker == Speaker::Model) {
            values.push(json!({"role": "user", "parts": [{"text": " "}]}));
        }
        for turn in self.turns {
            let role = match turn.speaker {
                Speaker::User | Speaker::Tools => "user",
                Speaker::Model => "model",
            };
            values.push(json!({"role": role, "parts": turn.parts}));
            if !turn.shown.is_empty() {
                values.push(json!({"role": role, "parts": turn.shown}));
            }
        }
        values
    }

    /// What says nothing is left out: empty parts are refused.
    fn say(&mut self, speaker: Speaker, parts: Vec<Value>) {
        match self.turns.last_mut() {
            _ if parts.is_empty() => {}
            Some(last) if last.speaker == speaker => last.parts.extend(parts),
            Some(_) | None => self.turns.push(Turn {
                speaker,
                parts,
                answers: Vec::new(),
                shown: Vec::new(),
            }),
        }
    }

    fn parts(&self, message: &Message) -> Result<Vec<Value>, WireError> {
        let parts = message.parts.iter().map(|part| self.part(part));
        parts.filter_map(Result::transpose).collect()
    }

    fn part(&self, part: &ContentPart) -> Result<Option<Value>, WireError> {
        Ok(match part {
            ContentPart::Text(text) if text.is_empty() => None,
            ContentPart::Text(text) => Some(json!({"text": text})),
            ContentPart::Image(media) | ContentPart::Audio(media) => Some(self.media(media)?),
            ContentPart::File { name: _, media } => Some(self.media(media)?),
            ContentPart::Reasoning(block) => reasoning(block),
            ContentPart::CachePoint(_) => None,
        })
    }

    fn media(&self, media: &Media) -> Result<Value, WireError> {
        match &media.source {
            MediaSource::Base64(base64) => {
                Ok(json!({"inlineData": {"mimeType": media.media_type, "data": base64}}))
            }
            MediaSource::Url(_) if self.context.quirks.inline_media_only => {
                Err(WireError::Unsupported(
                    "this provider does not fetch addresses: send the bytes of pictures and \
                     documents"
                        .to_owned(),
                ))
            }
            MediaSource::Url(url) => {
                let mut file = json!({"fileUri": url});
                if !media.media_type.is_empty() {
                    file["mimeType"] = json!(media.media_type);
                }
                Ok(json!({"fileData": file}))
            }
        }
    }

    fn assistant(&self, message: &Message) -> Result<Vec<Value>, WireError> {
        let mut parts = self.parts(message)?;
        for (index, call) in message.tool_calls.iter().enumerate() {
            let mut part = json!({"functionCall": {"id": call.id, "name": call.name, "args": args(&call.arguments)}});
            // The first call of a batch bears the signature for all.
            let stand_in = (index == 0 && self.third_generation).then_some(NO_SIGNATURE);
            if let Some(signature) = call.signature.as_deref().or(stand_in) {
                part["thoughtSignature"] = json!(signature);
            }
            if call.id.is_empty() {
                remove_id(&mut part["functionCall"]);
            }
            parts.push(part);
        }
        Ok(parts)
    }

    fn result(&mut self, message: &'a Message) -> Result<(), WireError> {
        let id = message.tool_call_id.as_deref().unwrap_or_default();
        let in_batch = self.batch.iter().find(|call| call.id == id);
        let name = in_batch
            .map(|call| call.name.as_str())
            .or_else(|| self.chat.tool_of(id));
        let name = name.ok_or_else(|| {
            WireError::Unsupported(format!(
                "the result of \"{id}\" answers no call of the chat"
            ))
        })?;
        let text = message.joined_text();
        let key = match message.tool_failed {
            true => "error",
            false => "output",
        };
        let mut result = json!({"id": id, "name": name, "response": {key: text}});
        if id.is_empty() {
            remove_id(&mut result);
        }
        let (inside, shown) = self.media_of_result(message)?;
        if !inside.is_empty() {
            result["parts"] = Value::Array(inside);
        }
        let part = json!({"functionResponse": result});
        self.place(id, part, shown);
        Ok(())
    }

    /// Puts a result where its call stands among the calls.
    fn place(&mut self, id: &'a str, part: Value, shown: Vec<Value>) {
        if !matches!(self.turns.last(), Some(turn) if turn.speaker == Speaker::Tools) {
            self.turns.push(Turn {
                speaker: Speaker::Tools,
                parts: Vec::new(),
                answers: Vec::new(),
                shown: Vec::new(),
            });
        }
        let batch = self.batch;
        let place = |id: &str| batch.iter().position(|call| call.id == id);
        let Some(turn) = self.turns.last_mut() else {
            return;
        };
        let before = |earlier: &&str| place(earlier) <= place(id);
        let at = turn
            .answers
            .iter()
            .take_while(|earlier| before(earlier))
            .count();
        turn.answers.insert(at, id);
        turn.parts.insert(at, part);
        turn.shown.extend(shown);
    }

    /// Pictures and documents of a result: inside of it where the model knows that, else behind it.
    fn media_of_result(&self, message: &Message) -> Result<(Vec<Value>, Vec<Value>), WireError> {
        let (mut inside, mut shown) = (Vec::new(), Vec::new());
        for part in &message.parts {
            match part {
                ContentPart::Image(media) | ContentPart::File { name: _, media } => {
                    let inline = matches!(media.source, MediaSource::Base64(_));
                    match self.third_generation && inline {
                        true => inside.push(self.media(media)?),
                        false => shown.push(self.media(media)?),
                    }
                }
                ContentPart::Audio(media) => shown.push(self.media(media)?),
                ContentPart::Text(_) | ContentPart::Reasoning(_) | ContentPart::CachePoint(_) => {}
            }
        }
        Ok((inside, shown))
    }
}

fn texts(message: &Message) -> Vec<Value> {
    let text = message.joined_text();
    match text.is_empty() {
        true => Vec::new(),
        false => vec![json!({"text": text})],
    }
}

/// Only a signature makes the model need its thought again: it comes back on the part that it came with.
fn reasoning(block: &Reasoning) -> Option<Value> {
    let signature = block.seal.signature.as_deref()?;
    let mut part = json!({"text": block.text});
    if !block.text.is_empty() {
        part["thought"] = json!(true);
    }
    part["thoughtSignature"] = json!(signature);
    Some(part)
}

/// Arguments must be an object. What a model wrote otherwise is shown to it as it is.
fn args(text: &str) -> Value {
    match serde_json::from_str(text) {
        Ok(Value::Object(members)) => Value::Object(members),
        Ok(_) | Err(_) if text.trim().is_empty() => json!({}),
        Ok(_) | Err(_) => json!({"invalid_arguments": text}),
    }
}

fn remove_id(object: &mut Value) {
    if let Some(members) = object.as_object_mut() {
        members.shift_remove("id");
    }
}
