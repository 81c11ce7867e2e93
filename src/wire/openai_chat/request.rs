//! Writing a request.

use serde_json::Map;
use serde_json::Value;
use serde_json::json;

use crate::types::Chat;
use crate::types::ContentPart;
use crate::types::Media;
use crate::types::MediaSource;
use crate::types::Message;
use crate::types::ResponseFormat;
use crate::types::Role;
use crate::types::ToolChoice;
use crate::types::quirks::JsonSupport;
use crate::types::quirks::MaxTokensField;
use crate::types::quirks::Param;
use crate::types::quirks::UsageInStream;
use crate::wire::EncodeContext;
use crate::wire::Encoded;
use crate::wire::WireError;
use crate::wire::json_answer;

/// Writes a request for `POST {base}/chat/completions`.
pub(in crate::wire) fn encode(
    chat: &Chat,
    context: &EncodeContext<'_>,
) -> Result<Encoded, WireError> {
    let mut writer = Writer {
        context,
        body: Map::new(),
        dropped: Vec::new(),
    };
    writer.put("model", json!(context.model));
    writer.put("messages", Value::Array(writer.messages(chat)?));
    writer.sampling(chat);
    writer.tools(chat);
    writer.format(chat);
    writer.stream();
    let Writer { body, dropped, .. } = writer;
    Ok(Encoded {
        path: "/chat/completions".to_owned(),
        body: Value::Object(body).to_string().into(),
        dropped,
    })
}

struct Writer<'a> {
    context: &'a EncodeContext<'a>,
    body: Map<String, Value>,
    dropped: Vec<String>,
}

impl Writer<'_> {
    fn put(&mut self, key: &str, value: Value) {
        self.body.insert(key.to_owned(), value);
    }

    /// Writes a parameter, or notes that the provider refuses it.
    fn param(&mut self, param: Param, key: &str, value: Option<Value>) {
        let Some(value) = value else { return };
        if self.context.quirks.drop_params.contains(&param) {
            self.dropped.push(key.to_owned());
        } else {
            self.put(key, value);
        }
    }

    fn sampling(&mut self, chat: &Chat) {
        let sampling = &chat.sampling;
        let most = self
            .context
            .quirks
            .max_temperature_percent
            .map(|percent| f32::from(percent) / 100.0);
        let temperature = sampling
            .temperature
            .map(|wanted| most.map_or(wanted, |most| wanted.min(most)));
        if temperature != sampling.temperature {
            self.dropped.push("temperature".to_owned());
        }
        self.param(Param::Temperature, "temperature", temperature.map(decimal));
        self.param(Param::TopP, "top_p", sampling.top_p.map(decimal));
        self.param(
            Param::Stop,
            "stop",
            (!sampling.stop.is_empty()).then(|| json!(sampling.stop)),
        );
        self.param(Param::Seed, "seed", sampling.seed.map(|seed| json!(seed)));
        self.param(
            Param::User,
            "user",
            chat.user.as_ref().map(|user| json!(user)),
        );
        self.param(
            Param::ReasoningEffort,
            "reasoning_effort",
            chat.reasoning_effort.map(|effort| json!(effort.as_str())),
        );
        if let Some(most) = sampling.max_output_tokens {
            let field = match self.context.quirks.max_tokens_field {
                MaxTokensField::MaxTokens => "max_tokens",
                MaxTokensField::MaxCompletionTokens => "max_completion_tokens",
            };
            self.put(field, json!(most));
        }
    }

    fn tools(&mut self, chat: &Chat) {
        if chat.tools.is_empty() {
            return;
        }
        let tool = |tool: &crate::types::Tool| {
            let function = json!({"name": tool.name, "description": tool.description, "parameters": tool.parameters});
            json!({"type": "function", "function": function})
        };
        self.put("tools", chat.tools.iter().map(tool).collect());
        let choice = match &chat.tool_choice {
            ToolChoice::Auto => None,
            ToolChoice::None => Some(json!("none")),
            ToolChoice::Required => Some(json!("required")),
            ToolChoice::Named(name) => {
                Some(json!({"type": "function", "function": {"name": name}}))
            }
        };
        self.param(Param::ToolChoice, "tool_choice", choice);
    }

    fn format(&mut self, chat: &Chat) {
        let format = match (&chat.format, self.context.quirks.json) {
            (ResponseFormat::Text, _) | (_, JsonSupport::Prompt | JsonSupport::Tool) => return,
            (ResponseFormat::JsonSchema { name, schema }, JsonSupport::Schema) => {
                let strict = json_answer::is_strict(schema);
                json!({"type": "json_schema", "json_schema": {"name": name, "schema": schema, "strict": strict}})
            }
            (ResponseFormat::JsonSchema { .. } | ResponseFormat::JsonObject, _) => {
                json!({"type": "json_object"})
            }
        };
        self.put("response_format", format);
    }

    fn stream(&mut self) {
        self.put("stream", json!(self.context.stream));
        if self.context.stream && self.context.quirks.usage_in_stream == UsageInStream::OnRequest {
            self.put("stream_options", json!({"include_usage": true}));
        }
    }

    fn messages(&self, chat: &Chat) -> Result<Vec<Value>, WireError> {
        let mut messages = chat
            .messages
            .iter()
            .map(message)
            .collect::<Result<Vec<_>, _>>()?;
        let told = match (&chat.format, self.context.quirks.json) {
            (
                ResponseFormat::JsonSchema { schema, .. },
                JsonSupport::Object | JsonSupport::Prompt | JsonSupport::Tool,
            ) => Some(json_answer::instruction(schema)),
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
        messages.extend(told.map(|text| json!({"role": "system", "content": text})));
        Ok(messages)
    }
}

fn mentions_json(chat: &Chat) -> bool {
    chat.messages
        .iter()
        .any(|message| message.joined_text().to_lowercase().contains("json"))
}

/// A parameter as people wrote it: 0.7, not 0.699999988079071.
fn decimal(number: f32) -> Value {
    number
        .to_string()
        .parse::<f64>()
        .map_or(Value::Null, |number| json!(number))
}

fn message(message: &Message) -> Result<Value, WireError> {
    let text = message.joined_text();
    Ok(match message.role {
        Role::System => json!({"role": "system", "content": text}),
        Role::User => json!({"role": "user", "content": user_content(message)?}),
        Role::Tool => {
            json!({"role": "tool", "tool_call_id": message.tool_call_id, "content": text})
        }
        Role::Assistant if message.tool_calls.is_empty() => {
            json!({"role": "assistant", "content": text})
        }
        Role::Assistant => {
            let call = |call: &crate::types::ToolCall| {
                let function = json!({"name": call.name, "arguments": call.arguments});
                json!({"id": call.id, "type": "function", "function": function})
            };
            let calls: Vec<Value> = message.tool_calls.iter().map(call).collect();
            let content = if text.is_empty() {
                Value::Null
            } else {
                json!(text)
            };
            json!({"role": "assistant", "content": content, "tool_calls": calls})
        }
    })
}

/// A plain string where there is only text: every clone of this wire understands that.
fn user_content(message: &Message) -> Result<Value, WireError> {
    let plain = message
        .parts
        .iter()
        .all(|part| matches!(part, ContentPart::Text(_)));
    if plain {
        return Ok(json!(message.joined_text()));
    }
    let mut parts = Vec::new();
    for part in &message.parts {
        match part {
            ContentPart::Text(text) => parts.push(json!({"type": "text", "text": text})),
            ContentPart::Image(media) => {
                parts.push(json!({"type": "image_url", "image_url": {"url": url(media)}}))
            }
            ContentPart::File { name, media } => parts.push(file(name.as_deref(), media)?),
            ContentPart::Reasoning(_) | ContentPart::Audio(_) | ContentPart::CachePoint(_) => {}
        }
    }
    Ok(Value::Array(parts))
}

fn url(media: &Media) -> String {
    match &media.source {
        MediaSource::Url(url) => url.clone(),
        MediaSource::Base64(base64) => format!("data:{};base64,{base64}", media.media_type),
    }
}

fn file(name: Option<&str>, media: &Media) -> Result<Value, WireError> {
    match &media.source {
        MediaSource::Base64(_) => {
            let file = json!({"filename": name.unwrap_or("document"), "file_data": url(media)});
            Ok(json!({"type": "file", "file": file}))
        }
        MediaSource::Url(_) => Err(WireError::Unsupported(
            "a document by address cannot be sent on this wire: send its bytes".to_owned(),
        )),
    }
}
