//! Writing a request.

use std::collections::BTreeSet;

use serde_json::Map;
use serde_json::Value;
use serde_json::json;

use super::prompt;
use super::prompt::Template;
use crate::types::Chat;
use crate::types::ContentPart;
use crate::types::Message;
use crate::types::ResponseFormat;
use crate::types::Role;
use crate::types::ToolChoice;
use crate::types::quirks::Param;
use crate::wire::EncodeContext;
use crate::wire::Encoded;
use crate::wire::WireError;
use crate::wire::json_answer;
use crate::wire::lenient;
use crate::wire::media;
use crate::wire::reasoning;

/// Writes a request for `POST {base}/models/{owner}/{name}/predictions`, or `{base}/predictions` for a version that
/// the community made, or `{base}/deployments/{owner}/{name}/predictions`.
pub(in crate::wire) fn encode(
    chat: &Chat,
    context: &EncodeContext<'_>,
) -> Result<Encoded, WireError> {
    if !chat.tools.is_empty() && chat.tool_choice != ToolChoice::None {
        return Err(unsupported("models on this wire know no tools"));
    }
    let mut writer = Writer {
        context,
        input: Map::new(),
        dropped: BTreeSet::new(),
    };
    let names = Names::of(context.model);
    let text = prompt::prompt(chat, Template::of(context.model));
    writer.input.insert("prompt".to_owned(), json!(text));
    let system = system(chat);
    if !system.is_empty() {
        writer.input.insert(names.system.to_owned(), json!(system));
    }
    writer.images(chat, &names)?;
    writer.sampling(chat, &names);
    writer.reasoning(chat, &names);
    writer.note_lost(chat);
    let (path, version) = target(context.model);
    let mut body = Map::new();
    if let Some(version) = version {
        body.insert("version".to_owned(), json!(version));
    }
    body.insert("input".to_owned(), Value::Object(writer.input));
    if context.stream {
        body.insert("stream".to_owned(), json!(true));
    }
    Ok(Encoded {
        path,
        body: Value::Object(body).to_string().into(),
        dropped: writer
            .dropped
            .iter()
            .map(|param| param.as_str().to_owned())
            .collect(),
    })
}

/// The path of a model, and its version where that goes into the body.
fn target(model: &str) -> (String, Option<&str>) {
    match model.split_once(':') {
        Some((_, version)) => ("/predictions".to_owned(), Some(version)),
        None if model.starts_with("deployments/") => (format!("/{model}/predictions"), None),
        None if model.contains('/') => (format!("/models/{model}/predictions"), None),
        None => ("/predictions".to_owned(), Some(model)),
    }
}

/// What a model calls things: there is a convention, and makers that have their own.
/// Source: the input schemas of Replicate's language models, read 2026-08.
struct Names {
    system: &'static str,
    limit: &'static str,
    /// A list of pictures, or one.
    images: &'static str,
    takes_many: bool,
    takes_effort: bool,
}

impl Names {
    fn of(model: &str) -> Self {
        let owner = model.split('/').next().unwrap_or_default();
        match owner {
            "openai" => Self {
                system: "system_prompt",
                limit: "max_completion_tokens",
                images: "image_input",
                takes_many: true,
                takes_effort: true,
            },
            "google" => Self {
                system: "system_instruction",
                limit: "max_output_tokens",
                images: "images",
                takes_many: true,
                takes_effort: false,
            },
            _ => Self {
                system: "system_prompt",
                limit: "max_tokens",
                images: "image",
                takes_many: false,
                takes_effort: false,
            },
        }
    }
}

struct Writer<'a> {
    context: &'a EncodeContext<'a>,
    input: Map<String, Value>,
    dropped: BTreeSet<Param>,
}

impl Writer<'_> {
    /// Writes a parameter, or notes that the model refuses it.
    fn param(&mut self, param: Param, key: &str, value: Option<Value>) {
        match value {
            None => {}
            Some(_) if self.context.quirks.drop_params.contains(&param) => {
                self.dropped.insert(param);
            }
            Some(value) => drop(self.input.insert(key.to_owned(), value)),
        }
    }

    fn images(&mut self, chat: &Chat, names: &Names) -> Result<(), WireError> {
        let mut urls = Vec::new();
        for part in chat.messages.iter().flat_map(|message| &message.parts) {
            match part {
                ContentPart::Image(image) => urls.push(media::to_url(image)),
                ContentPart::File { .. } | ContentPart::Audio(_) => {
                    return Err(unsupported(
                        "documents and sound cannot be sent on this wire",
                    ));
                }
                ContentPart::Text(_) | ContentPart::Reasoning(_) | ContentPart::CachePoint(_) => {}
            }
        }
        let value = match (names.takes_many, urls.as_slice()) {
            (_, []) => return Ok(()),
            (true, all) => json!(all),
            (false, [one]) => json!(one),
            (false, _) => {
                return Err(unsupported("this model takes no more than one picture"));
            }
        };
        self.input.insert(names.images.to_owned(), value);
        Ok(())
    }

    fn sampling(&mut self, chat: &Chat, names: &Names) {
        let sampling = &chat.sampling;
        if let Some(most) = sampling.max_output_tokens {
            self.input.insert(names.limit.to_owned(), json!(most));
        }
        let most = self.context.quirks.max_temperature_percent;
        let temperature = sampling
            .temperature
            .map(|wanted| most.map_or(wanted, |percent| wanted.min(f32::from(percent) / 100.0)));
        if temperature != sampling.temperature {
            self.dropped.insert(Param::Temperature);
        }
        let numbers = [
            (Param::Temperature, temperature),
            (Param::TopP, sampling.top_p),
            (Param::PresencePenalty, sampling.presence_penalty),
            (Param::FrequencyPenalty, sampling.frequency_penalty),
        ];
        for (param, number) in numbers {
            self.param(param, param.as_str(), number.map(lenient::decimal));
        }
        self.param(Param::TopK, "top_k", sampling.top_k.map(|most| json!(most)));
        self.param(Param::Seed, "seed", sampling.seed.map(|seed| json!(seed)));
        // They are one text here, with commas between them: one with a comma cannot be said.
        let said: Vec<&str> = sampling
            .stop
            .iter()
            .map(String::as_str)
            .filter(|text| !text.contains(','))
            .collect();
        if said.len() < sampling.stop.len() {
            self.dropped.insert(Param::Stop);
        }
        let stop = (!said.is_empty()).then(|| json!(said.join(",")));
        self.param(Param::Stop, "stop_sequences", stop);
    }

    fn reasoning(&mut self, chat: &Chat, names: &Names) {
        let mut changes = Vec::new();
        let effort = reasoning::effort(chat, self.context.quirks, &mut changes);
        if !changes.is_empty() || (effort.is_some() && !names.takes_effort) {
            self.dropped.insert(Param::ReasoningEffort);
        }
        if let Some(effort) = effort.filter(|_| names.takes_effort) {
            let word = json!(effort.as_str());
            self.input.insert("reasoning_effort".to_owned(), word);
        }
    }

    fn note_lost(&mut self, chat: &Chat) {
        let mut parts = chat.messages.iter().flat_map(|message| &message.parts);
        let lost = [
            (Param::User, chat.user.is_some()),
            (Param::Metadata, !chat.metadata.is_empty()),
            (Param::Logprobs, chat.top_logprobs.is_some()),
            (
                Param::CacheMarkers,
                parts.any(|part| matches!(part, ContentPart::CachePoint(_))),
            ),
        ];
        let lost = lost.into_iter().filter(|(_, asked)| *asked);
        self.dropped.extend(lost.map(|(param, _)| param));
    }
}

/// The instructions, and the wish for JSON, which has no place of its own.
fn system(chat: &Chat) -> String {
    let told = chat
        .messages
        .iter()
        .filter(|message| message.role == Role::System)
        .map(Message::joined_text);
    let mut texts: Vec<String> = told.filter(|text| !text.trim().is_empty()).collect();
    match &chat.format {
        ResponseFormat::JsonSchema { schema, .. } => texts.push(json_answer::instruction(schema)),
        ResponseFormat::JsonObject => {
            texts.push("Answer with one JSON object and nothing else.".to_owned());
        }
        ResponseFormat::Text => {}
    }
    texts.join("\n\n")
}

fn unsupported(what: &str) -> WireError {
    WireError::Unsupported(what.to_owned())
}
