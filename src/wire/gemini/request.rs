//! Writing a request.

use serde_json::Map;
use serde_json::Value;
use serde_json::json;

use super::contents::Contents;
use super::is_third_generation;
use super::schema;
use super::settings;
use crate::types::Chat;
use crate::types::ContentPart;
use crate::types::ResponseFormat;
use crate::types::Role;
use crate::types::Tool;
use crate::types::ToolChoice;
use crate::types::quirks::JsonSupport;
use crate::types::quirks::Param;
use crate::types::quirks::SystemRole;
use crate::wire::EncodeContext;
use crate::wire::Encoded;
use crate::wire::WireError;
use crate::wire::json_answer;

/// Writes a request for `POST {base}/models/{model}:generateContent`, or `:streamGenerateContent`.
pub(in crate::wire) fn encode(
    chat: &Chat,
    context: &EncodeContext<'_>,
) -> Result<Encoded, WireError> {
    let mut dropped = Dropped::default();
    let json = json_form(chat, context);
    let mut body = Map::new();
    let mut system = system(chat, context, json);
    let contents = Contents::of(chat, context)?.into_values();
    // A request without contents is refused, so that instructions alone become what the user says.
    let contents = match contents.is_empty() {
        true if system.is_empty() => {
            return Err(WireError::Unsupported(
                "a chat without a message cannot be sent on the gemini wire".to_owned(),
            ));
        }
        true => vec![json!({"role": "user", "parts": std::mem::take(&mut system)})],
        false => contents,
    };
    if !system.is_empty() {
        body.insert("systemInstruction".to_owned(), json!({"parts": system}));
    }
    body.insert("contents".to_owned(), Value::Array(contents));
    tools(chat, context, &mut body, &mut dropped);
    let mut config = settings::generation_config(chat, context, &mut dropped);
    answer_format(chat, json, &mut config);
    if !config.is_empty() {
        body.insert("generationConfig".to_owned(), Value::Object(config));
    }
    left_behind(chat, &mut dropped);
    Ok(Encoded {
        path: path(context),
        body: crate::wire::json_bytes(&body),
        dropped: dropped.0,
    })
}

/// Names of what could not be carried, each once.
#[derive(Debug, Default)]
pub(super) struct Dropped(Vec<String>);

impl Dropped {
    pub(super) fn add(&mut self, param: Param) {
        let name = param.as_str();
        if !self.0.iter().any(|known| known == name) {
            self.0.push(name.to_owned());
        }
    }
}

fn path(context: &EncodeContext<'_>) -> String {
    let (kind, model) = match context.model.split_once('/') {
        Some((kind @ ("models" | "tunedModels" | "endpoints"), model)) => (kind, model),
        Some(_) | None => ("models", context.model),
    };
    // Without `alt=sse` a stream is one JSON array.
    let method = match context.stream {
        true => "streamGenerateContent?alt=sse",
        false => "generateContent",
    };
    format!("/{kind}/{}:{method}", percent_encoded(model))
}

fn percent_encoded(model: &str) -> String {
    let mut path = String::with_capacity(model.len());
    for byte in model.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                path.push(char::from(byte));
            }
            other => path.push_str(&format!("%{other:02X}")),
        }
    }
    path
}

/// How a JSON answer is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum JsonForm {
    /// It is not.
    No,
    /// By its schema.
    Schema,
    /// By the media type alone, a schema in the prompt.
    MediaType,
    /// In the prompt alone.
    Prompt,
}

/// Models before the third generation refuse a JSON answer beside functions with a 400.
fn json_form(chat: &Chat, context: &EncodeContext<'_>) -> JsonForm {
    let beside_tools = chat.tools.is_empty() || is_third_generation(context.model);
    match (&chat.format, context.quirks.json) {
        (ResponseFormat::Text, _) => JsonForm::No,
        (_, JsonSupport::Tool | JsonSupport::Prompt) => JsonForm::Prompt,
        (_, JsonSupport::Schema | JsonSupport::Object) if !beside_tools => JsonForm::Prompt,
        (ResponseFormat::JsonSchema { .. }, JsonSupport::Schema) => JsonForm::Schema,
        (ResponseFormat::JsonSchema { .. } | ResponseFormat::JsonObject, _) => JsonForm::MediaType,
    }
}

fn answer_format(chat: &Chat, form: JsonForm, config: &mut Map<String, Value>) {
    match form {
        JsonForm::No | JsonForm::Prompt => return,
        JsonForm::Schema | JsonForm::MediaType => {
            config.insert("responseMimeType".to_owned(), json!("application/json"));
        }
    }
    if let (JsonForm::Schema, ResponseFormat::JsonSchema { schema, .. }) = (form, &chat.format) {
        config.insert("responseJsonSchema".to_owned(), schema::for_gemini(schema));
    }
}

/// The instructions as parts: this wire has one place for them, wherever they stand in the chat.
fn system(chat: &Chat, context: &EncodeContext<'_>, form: JsonForm) -> Vec<Value> {
    let apart = context.quirks.system_role != SystemRole::User;
    let said = chat
        .messages
        .iter()
        .filter(|message| message.role == Role::System && apart)
        .map(|message| message.joined_text());
    let asked = match (form, &chat.format) {
        (JsonForm::MediaType | JsonForm::Prompt, ResponseFormat::JsonSchema { schema, .. }) => {
            Some(json_answer::instruction(schema))
        }
        (JsonForm::Prompt, ResponseFormat::JsonObject) => {
            Some("Answer with one JSON object and nothing else.".to_owned())
        }
        (
            JsonForm::No | JsonForm::Schema | JsonForm::MediaType | JsonForm::Prompt,
            ResponseFormat::Text | ResponseFormat::JsonObject | ResponseFormat::JsonSchema { .. },
        ) => None,
    };
    said.chain(asked)
        .filter(|text| !text.trim().is_empty())
        .map(|text| json!({"text": text}))
        .collect()
}

fn tools(
    chat: &Chat,
    context: &EncodeContext<'_>,
    body: &mut Map<String, Value>,
    dropped: &mut Dropped,
) {
    if chat.tools.is_empty() {
        return;
    }
    let declared: Vec<Value> = chat.tools.iter().map(declaration).collect();
    body.insert(
        "tools".to_owned(),
        json!([{"functionDeclarations": declared}]),
    );
    let calling = match &chat.tool_choice {
        ToolChoice::Auto => return,
        ToolChoice::None => json!({"mode": "NONE"}),
        ToolChoice::Required => json!({"mode": "ANY"}),
        ToolChoice::Named(name) => json!({"mode": "ANY", "allowedFunctionNames": [name]}),
    };
    match context.quirks.drop_params.contains(&Param::ToolChoice) {
        true => dropped.add(Param::ToolChoice),
        false => {
            let config = json!({"functionCallingConfig": calling});
            body.insert("toolConfig".to_owned(), config);
        }
    }
}

fn declaration(tool: &Tool) -> Value {
    let mut function = json!({"name": tool.name});
    if !tool.description.is_empty() {
        function["description"] = json!(tool.description);
    }
    // A function without arguments has no schema: an empty one is refused by some models.
    if !schema::is_empty_object(&tool.parameters) {
        function["parametersJsonSchema"] = schema::for_gemini(&tool.parameters);
    }
    function
}

/// Reports what this wire has no place for.
fn left_behind(chat: &Chat, dropped: &mut Dropped) {
    let marked = |part: &ContentPart| matches!(part, ContentPart::CachePoint(_));
    let marks = chat.tools.iter().any(|tool| tool.cache.is_some())
        || chat.messages.iter().any(|it| it.parts.iter().any(marked));
    let strict = chat.tools.iter().any(|tool| tool.strict == Some(true));
    let cases = [
        // Calls may come in parallel; only that they must not cannot be said.
        (
            chat.parallel_tool_calls == Some(false),
            Param::ParallelToolCalls,
        ),
        (chat.user.is_some(), Param::User),
        (!chat.metadata.is_empty(), Param::Metadata),
        (marks, Param::CacheMarkers),
        (strict, Param::StrictTools),
    ];
    for (asked, param) in cases {
        if asked {
            dropped.add(param);
        }
    }
}
