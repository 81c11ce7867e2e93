//! Reading a client's request.

use serde_json::Map;
use serde_json::Value;

use super::schema;
use super::serve_contents;
use crate::types::Chat;
use crate::types::ContentPart;
use crate::types::Message;
use crate::types::ReasoningEffort;
use crate::types::ResponseFormat;
use crate::types::Role;
use crate::types::Tool;
use crate::types::ToolChoice;
use crate::wire::WireError;
use crate::wire::lenient;
use crate::wire::serve::Asked;

/// The name of a schema: this wire gives it none.
const SCHEMA_NAME: &str = "answer";

/// Reads a request; model and method stand in the path, so that they are left empty.
pub(in crate::wire) fn decode_request(body: &[u8]) -> Result<Asked, WireError> {
    let mut body = Object::of(&lenient::parse(body)?, "the body")?;
    let mut reader = Reader {
        chat: Chat::default(),
        unknown: Vec::new(),
    };
    reader.system(body.take("systemInstruction"))?;
    let contents = body.take("contents").unwrap_or_default();
    serve_contents::read(&contents, &mut reader.chat.messages, &mut reader.unknown)?;
    reader.tools(body.take("tools"))?;
    reader.tool_config(body.take("toolConfig"))?;
    reader.config(body.take("generationConfig"))?;
    if let Some(Value::Object(labels)) = body.take("labels") {
        let texts = labels.into_iter().filter_map(|(key, value)| match value {
            Value::String(text) => Some((key, text)),
            Value::Null
            | Value::Bool(_)
            | Value::Number(_)
            | Value::Array(_)
            | Value::Object(_) => None,
        });
        reader.chat.metadata.extend(texts);
    }
    // Some clients repeat the path's model here.
    body.take("model");
    reader.unknown.extend(body.rest(""));
    let Reader { chat, unknown } = reader;
    Ok(Asked {
        model: String::new(),
        stream: false,
        usage_in_stream: true,
        chat,
        unknown,
    })
}

/// A JSON object whose members are taken one by one, in either spelling: `topP` and `top_p` are the same.
pub(super) struct Object(Map<String, Value>);

impl Object {
    pub(super) fn of(value: &Value, place: &str) -> Result<Self, WireError> {
        match value {
            Value::Object(members) => Ok(Self(
                members
                    .iter()
                    .map(|(key, value)| (camel(key), value.clone()))
                    .collect(),
            )),
            Value::Null
            | Value::Bool(_)
            | Value::Number(_)
            | Value::String(_)
            | Value::Array(_) => Err(malformed(place, "is no object")),
        }
    }

    /// Takes a member; `null` is not there.
    pub(super) fn take(&mut self, key: &str) -> Option<Value> {
        self.0.shift_remove(key).filter(|value| !value.is_null())
    }

    /// Takes a text that says something.
    pub(super) fn text(&mut self, key: &str) -> Option<String> {
        match self.take(key)? {
            Value::String(text) if !text.is_empty() => Some(text),
            _ => None,
        }
    }

    /// The names of what was not taken, behind a prefix.
    pub(super) fn rest(self, prefix: &str) -> Vec<String> {
        let members = self.0.into_iter().filter(|(_, value)| !value.is_null());
        members.map(|(key, _)| format!("{prefix}{key}")).collect()
    }
}

fn camel(key: &str) -> String {
    let mut camel = String::with_capacity(key.len());
    let mut raise = false;
    for c in key.chars() {
        match c {
            '_' if !camel.is_empty() => raise = true,
            c if std::mem::take(&mut raise) => camel.extend(c.to_uppercase()),
            c => camel.push(c),
        }
    }
    camel
}

pub(super) fn malformed(place: &str, what: &str) -> WireError {
    WireError::Malformed(format!("{place} {what}"))
}

/// The elements of a list; one alone may stand without it.
pub(super) fn list(value: Value) -> Vec<Value> {
    match value {
        Value::Array(items) => items,
        Value::Null => Vec::new(),
        one => vec![one],
    }
}

struct Reader {
    chat: Chat,
    unknown: Vec<String>,
}

impl Reader {
    fn system(&mut self, system: Option<Value>) -> Result<(), WireError> {
        let texts: Vec<String> = match system {
            None => return Ok(()),
            Some(Value::String(text)) => vec![text],
            Some(content) => {
                let mut content = Object::of(&content, "systemInstruction")?;
                let parts = list(content.take("parts").unwrap_or_default());
                parts
                    .iter()
                    .filter_map(|it| lenient::text(it, "text"))
                    .collect()
            }
        };
        if !texts.is_empty() {
            let mut message = Message::text(Role::System, "");
            message.parts = texts.into_iter().map(ContentPart::Text).collect();
            self.chat.messages.push(message);
        }
        Ok(())
    }

    fn tools(&mut self, tools: Option<Value>) -> Result<(), WireError> {
        for tool in list(tools.unwrap_or_default()) {
            let mut tool = Object::of(&tool, "tools")?;
            for function in list(tool.take("functionDeclarations").unwrap_or_default()) {
                let function = self.function(&function)?;
                self.chat.tools.push(function);
            }
            self.unknown.extend(tool.rest("tools."));
        }
        Ok(())
    }

    fn function(&mut self, function: &Value) -> Result<Tool, WireError> {
        let place = "tools.functionDeclarations";
        let mut function = Object::of(function, place)?;
        let name = function.text("name");
        let name = name.ok_or_else(|| malformed(place, "holds a function without a name"))?;
        let older = function.take("parameters");
        let parameters = match (function.take("parametersJsonSchema"), older) {
            (Some(schema), _) => schema,
            (None, Some(schema)) => schema::of_openapi(&schema),
            (None, None) => serde_json::json!({"type": "object", "properties": {}}),
        };
        let description = function.text("description").unwrap_or_default();
        let prefix = "tools.functionDeclarations.";
        self.unknown.extend(function.rest(prefix));
        Ok(Tool {
            name,
            description,
            parameters,
            strict: None,
            cache: None,
        })
    }

    fn tool_config(&mut self, config: Option<Value>) -> Result<(), WireError> {
        let Some(config) = config else { return Ok(()) };
        let mut config = Object::of(&config, "toolConfig")?;
        if let Some(calling) = config.take("functionCallingConfig") {
            self.calling(&calling)?;
        }
        self.unknown.extend(config.rest("toolConfig."));
        Ok(())
    }

    fn calling(&mut self, calling: &Value) -> Result<(), WireError> {
        let place = "toolConfig.functionCallingConfig";
        let mut calling = Object::of(calling, place)?;
        let names = list(calling.take("allowedFunctionNames").unwrap_or_default());
        let names: Vec<&str> = names.iter().filter_map(Value::as_str).collect();
        let mode = calling
            .text("mode")
            .unwrap_or_default()
            .to_ascii_uppercase();
        let all = self
            .chat
            .tools
            .iter()
            .all(|it| names.contains(&it.name.as_str()));
        let mut narrowed = !names.is_empty() && !all;
        self.chat.tool_choice = match (mode.as_str(), names.as_slice()) {
            ("" | "AUTO" | "MODE_UNSPECIFIED", _) => ToolChoice::Auto,
            ("NONE", _) => ToolChoice::None,
            ("ANY", [name]) => {
                narrowed = false;
                ToolChoice::Named((*name).to_owned())
            }
            ("ANY", _) => ToolChoice::Required,
            ("VALIDATED", _) => {
                let tools = self.chat.tools.iter_mut();
                tools.for_each(|tool| tool.strict = Some(true));
                ToolChoice::Auto
            }
            _ => return Err(malformed(place, "has an unknown mode")),
        };
        if narrowed {
            self.unknown.push(format!("{place}.allowedFunctionNames"));
        }
        self.unknown.extend(calling.rest(&format!("{place}.")));
        Ok(())
    }

    fn config(&mut self, config: Option<Value>) -> Result<(), WireError> {
        let Some(config) = config else { return Ok(()) };
        let mut config = Object::of(&config, "generationConfig")?;
        let sampling = &mut self.chat.sampling;
        sampling.temperature = number(&mut config, "temperature")?;
        sampling.top_p = number(&mut config, "topP")?;
        sampling.top_k = number::<f64>(&mut config, "topK")?.map(|k| k as u32);
        sampling.max_output_tokens = number(&mut config, "maxOutputTokens")?;
        sampling.presence_penalty = number(&mut config, "presencePenalty")?;
        sampling.frequency_penalty = number(&mut config, "frequencyPenalty")?;
        // A negative seed is as good as any, but Agon's own are not negative.
        let seed: Option<i64> = number(&mut config, "seed")?;
        sampling.seed = seed.map(i64::unsigned_abs);
        for text in list(config.take("stopSequences").unwrap_or_default()) {
            sampling.stop.extend(text.as_str().map(str::to_owned));
        }
        let most: Option<u8> = number(&mut config, "logprobs")?;
        if config.take("responseLogprobs") == Some(Value::Bool(true)) {
            self.chat.top_logprobs = Some(most.unwrap_or(0));
        }
        self.format(&mut config);
        self.thinking(config.take("thinkingConfig"))?;
        self.usual(&mut config, "candidateCount", &[serde_json::json!(1)]);
        let text_only = [serde_json::json!(["TEXT"]), serde_json::json!(["text"])];
        self.usual(&mut config, "responseModalities", &text_only);
        self.unknown.extend(config.rest("generationConfig."));
        Ok(())
    }

    /// Takes a member whose usual values ask for nothing special.
    fn usual(&mut self, config: &mut Object, key: &str, usual: &[Value]) {
        match config.take(key) {
            Some(value) if !usual.contains(&value) => {
                self.unknown.push(format!("generationConfig.{key}"));
            }
            Some(_) | None => {}
        }
    }

    fn format(&mut self, config: &mut Object) {
        let older = config.take("responseSchema");
        let schema = config
            .take("responseJsonSchema")
            .or_else(|| older.as_ref().map(schema::of_openapi));
        self.chat.format = match (config.text("responseMimeType").as_deref(), schema) {
            (Some("application/json"), Some(schema)) => ResponseFormat::JsonSchema {
                name: SCHEMA_NAME.to_owned(),
                schema,
            },
            (Some("application/json"), None) => ResponseFormat::JsonObject,
            (None | Some("text/plain"), None) => ResponseFormat::Text,
            (Some(_), _) | (None, Some(_)) => {
                self.unknown
                    .push("generationConfig.responseMimeType".to_owned());
                ResponseFormat::Text
            }
        };
    }

    fn thinking(&mut self, thinking: Option<Value>) -> Result<(), WireError> {
        let Some(thinking) = thinking else {
            return Ok(());
        };
        let place = "generationConfig.thinkingConfig";
        let mut thinking = Object::of(&thinking, place)?;
        thinking.take("includeThoughts");
        match number::<i64>(&mut thinking, "thinkingBudget")? {
            Some(0) => self.chat.reasoning_effort = Some(ReasoningEffort::None),
            Some(tokens) => self.chat.reasoning_budget_tokens = u32::try_from(tokens).ok(),
            None => {}
        }
        if let Some(level) = thinking.text("thinkingLevel") {
            match ReasoningEffort::from_word(&level) {
                Some(effort) => self.chat.reasoning_effort = Some(effort),
                None => self.unknown.push(format!("{place}.thinkingLevel")),
            }
        }
        self.unknown.extend(thinking.rest(&format!("{place}.")));
        Ok(())
    }
}

/// A number of the config, in its own type.
fn number<T: serde::de::DeserializeOwned>(
    config: &mut Object,
    key: &str,
) -> Result<Option<T>, WireError> {
    let Some(value) = config.take(key) else {
        return Ok(None);
    };
    let number = serde_json::from_value(value).map(Some);
    number.map_err(|error| {
        malformed(
            &format!("generationConfig.{key}"),
            &format!("is wrong: {error}"),
        )
    })
}
