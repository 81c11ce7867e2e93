//! Writing a request.

use std::collections::BTreeSet;

use serde_json::Map;
use serde_json::Value;
use serde_json::json;

use crate::types::Chat;
use crate::types::ContentPart;
use crate::types::Message;
use crate::types::ResponseFormat;
use crate::types::Role;
use crate::types::Tool;
use crate::types::ToolCall;
use crate::types::ToolChoice;
use crate::types::quirks::JsonSupport;
use crate::types::quirks::Param;
use crate::wire::EncodeContext;
use crate::wire::Encoded;
use crate::wire::WireError;
use crate::wire::json_answer;
use crate::wire::lenient;
use crate::wire::media;

/// Most texts that end the answer.
const MAX_STOPS: usize = 5;

/// Writes a request for `POST {base}/v2/chat`.
pub(in crate::wire) fn encode(
    chat: &Chat,
    context: &EncodeContext<'_>,
) -> Result<Encoded, WireError> {
    let mut writer = Writer {
        chat,
        context,
        body: Map::new(),
        dropped: BTreeSet::new(),
    };
    writer.put("model", json!(context.model));
    let messages = writer.messages()?;
    writer.put("messages", Value::Array(messages));
    writer.sampling();
    writer.tools();
    writer.format();
    writer.thinking();
    writer.put("stream", json!(context.stream));
    Ok(Encoded {
        path: "/v2/chat".to_owned(),
        body: Value::Object(writer.body).to_string().into(),
        dropped: writer
            .dropped
            .iter()
            .map(|param| param.as_str().to_owned())
            .collect(),
    })
}

struct Writer<'a> {
    chat: &'a Chat,
    context: &'a EncodeContext<'a>,
    body: Map<String, Value>,
    dropped: BTreeSet<Param>,
}

impl Writer<'_> {
    fn put(&mut self, key: &str, value: Value) {
        self.body.insert(key.to_owned(), value);
    }

    /// Writes a parameter, or notes that the provider refuses it.
    fn param(&mut self, param: Param, key: &str, value: Option<Value>) {
        match value {
            None => {}
            Some(_) if self.refuses(param) => drop(self.dropped.insert(param)),
            Some(value) => self.put(key, value),
        }
    }

    fn refuses(&self, param: Param) -> bool {
        self.context.quirks.drop_params.contains(&param)
    }

    fn sampling(&mut self) {
        let sampling = &self.chat.sampling;
        let percent = self.context.quirks.max_temperature_percent.unwrap_or(100);
        let most = f32::from(percent) / 100.0;
        let (presence, frequency) = (sampling.presence_penalty, sampling.frequency_penalty);
        let numbers = [
            (
                Param::Temperature,
                "temperature",
                sampling.temperature,
                0.0..=most,
            ),
            (Param::TopP, "p", sampling.top_p, 0.01..=0.99),
            (
                Param::PresencePenalty,
                "presence_penalty",
                presence,
                0.0..=1.0,
            ),
            (
                Param::FrequencyPenalty,
                "frequency_penalty",
                frequency,
                0.0..=1.0,
            ),
        ];
        // A number beyond what the wire takes is moved to the nearest and noted.
        for (param, key, wanted, range) in numbers {
            let taken = wanted.map(|wanted| wanted.clamp(*range.start(), *range.end()));
            if taken != wanted {
                self.dropped.insert(param);
            }
            self.param(param, key, taken.map(lenient::decimal));
        }
        if sampling.top_k.is_some_and(|most| most > 500) {
            self.dropped.insert(Param::TopK);
        }
        let top_k = sampling.top_k.map(|most| json!(most.min(500)));
        self.param(Param::TopK, "k", top_k);
        if sampling.stop.len() > MAX_STOPS {
            self.dropped.insert(Param::Stop);
        }
        let stop: Vec<&String> = sampling.stop.iter().take(MAX_STOPS).collect();
        let stop = (!stop.is_empty()).then(|| json!(stop));
        self.param(Param::Stop, "stop_sequences", stop);
        self.param(Param::Seed, "seed", sampling.seed.map(|seed| json!(seed)));
        if let Some(most) = sampling.max_output_tokens {
            self.put("max_tokens", json!(most));
        }
        self.told_of_tokens();
    }

    /// The probabilities of the answer's tokens, but of no others; and what has no place here at all.
    fn told_of_tokens(&mut self) {
        let chat = self.chat;
        if chat.top_logprobs.is_some_and(|others| others > 0) {
            self.dropped.insert(Param::Logprobs);
        }
        let logprobs = chat.top_logprobs.map(|_| json!(true));
        self.param(Param::Logprobs, "logprobs", logprobs);
        let mut parts = chat.messages.iter().flat_map(|message| &message.parts);
        let marked = chat.tools.iter().any(|tool| tool.cache.is_some())
            || parts.any(|part| matches!(part, ContentPart::CachePoint(_)));
        let lost = [
            (Param::User, chat.user.is_some()),
            (Param::Metadata, !chat.metadata.is_empty()),
            (
                Param::ParallelToolCalls,
                chat.parallel_tool_calls == Some(false),
            ),
            (Param::CacheMarkers, marked),
        ];
        let lost = lost.into_iter().filter(|(_, asked)| *asked);
        self.dropped.extend(lost.map(|(param, _)| param));
    }

    /// There is no choice of one tool; it is the only one that is offered then.
    fn tools(&mut self) {
        let chat = self.chat;
        let offered = |tool: &&Tool| match &chat.tool_choice {
            ToolChoice::Named(name) if !self.refuses(Param::ToolChoice) => tool.name == *name,
            ToolChoice::Named(_) | ToolChoice::Auto | ToolChoice::None | ToolChoice::Required => {
                true
            }
        };
        let tools: Vec<&Tool> = chat.tools.iter().filter(offered).collect();
        if tools.is_empty() {
            return;
        }
        let strict = tools.iter().filter(|tool| tool.strict == Some(true));
        match strict.count() {
            0 => {}
            all if all == tools.len() => {
                self.param(Param::StrictTools, "strict_tools", Some(json!(true)));
            }
            _ => drop(self.dropped.insert(Param::StrictTools)),
        }
        let write = |tool: &&Tool| {
            let function = json!({"name": tool.name, "description": tool.description, "parameters": tool.parameters});
            json!({"type": "function", "function": function})
        };
        self.put("tools", tools.iter().map(write).collect());
        let choice = match &chat.tool_choice {
            ToolChoice::Auto => None,
            ToolChoice::None => Some(json!("NONE")),
            ToolChoice::Required | ToolChoice::Named(_) => Some(json!("REQUIRED")),
        };
        self.param(Param::ToolChoice, "tool_choice", choice);
    }

    fn format(&mut self) {
        if !self.holds_to_json() {
            return;
        }
        let format = match (&self.chat.format, self.context.quirks.json) {
            (ResponseFormat::JsonSchema { schema, .. }, JsonSupport::Schema) => {
                json!({"type": "json_object", "json_schema": schema})
            }
            (ResponseFormat::JsonSchema { .. } | ResponseFormat::JsonObject, _) => {
                json!({"type": "json_object"})
            }
            (ResponseFormat::Text, _) => return,
        };
        self.put("response_format", format);
    }

    /// JSON and tools together are refused.
    fn holds_to_json(&self) -> bool {
        let able = match self.context.quirks.json {
            JsonSupport::Schema | JsonSupport::Object => true,
            JsonSupport::Tool | JsonSupport::Prompt => false,
        };
        able && self.chat.tools.is_empty()
    }

    fn thinking(&mut self) {
        let chat = self.chat;
        let of_effort = chat.reasoning_effort.map(|effort| effort.budget_tokens());
        let thinking = chat
            .reasoning_budget_tokens
            .or(of_effort)
            .map(|tokens| match tokens {
                0 => json!({"type": "disabled"}),
                some => json!({"type": "enabled", "token_budget": some}),
            });
        self.param(Param::ReasoningEffort, "thinking", thinking);
    }

    fn messages(&self) -> Result<Vec<Value>, WireError> {
        let mut messages = Vec::new();
        for message in &self.chat.messages {
            messages.extend(write(message)?);
        }
        let schema_held = self.holds_to_json() && self.context.quirks.json == JsonSupport::Schema;
        let told = match &self.chat.format {
            ResponseFormat::JsonSchema { schema, .. } if !schema_held => {
                json_answer::instruction(schema)
            }
            // Without the word in a message, the model may write blanks without end (Cohere's documentation of
            // structured outputs, read 2026-08).
            ResponseFormat::JsonObject => {
                "Answer with one JSON object and nothing else.".to_owned()
            }
            ResponseFormat::JsonSchema { .. } | ResponseFormat::Text => return Ok(messages),
        };
        let first = messages
            .iter()
            .take_while(|message| message["role"] == "system")
            .count();
        messages.insert(first, json!({"role": "system", "content": told}));
        Ok(messages)
    }
}

/// `None` for a message that says nothing, which is refused.
fn write(message: &Message) -> Result<Option<Value>, WireError> {
    let text = message.joined_text();
    Ok(match message.role {
        Role::System if text.trim().is_empty() => None,
        Role::System => Some(json!({"role": "system", "content": text})),
        Role::User => user(message)?.map(|content| json!({"role": "user", "content": content})),
        Role::Tool => {
            refuse_media(message)?;
            let id = message.tool_call_id.as_deref().unwrap_or_default();
            Some(json!({"role": "tool", "tool_call_id": id, "content": text}))
        }
        Role::Assistant => {
            refuse_media(message)?;
            assistant(message, text)
        }
    })
}

/// What the model planned before its calls goes back with them. Another provider's sealed reasoning is no plan.
fn assistant(message: &Message, text: String) -> Option<Value> {
    let mut written = json!({"role": "assistant"});
    if !text.trim().is_empty() {
        written["content"] = Value::String(text);
    }
    if !message.tool_calls.is_empty() {
        let call = |call: &ToolCall| {
            let function = json!({"name": call.name, "arguments": call.arguments});
            json!({"id": call.id, "type": "function", "function": function})
        };
        written["tool_calls"] = message.tool_calls.iter().map(call).collect();
        let plan = message.parts.iter().filter_map(|part| match part {
            ContentPart::Reasoning(block) if block.seal.is_empty() => Some(block.text.as_str()),
            ContentPart::Reasoning(_)
            | ContentPart::Text(_)
            | ContentPart::Image(_)
            | ContentPart::File { .. }
            | ContentPart::Audio(_)
            | ContentPart::CachePoint(_) => None,
        });
        let plan: String = plan.collect();
        if !plan.is_empty() {
            written["tool_plan"] = Value::String(plan);
        }
    }
    (written.as_object()?.len() > 1).then_some(written)
}

fn user(message: &Message) -> Result<Option<Value>, WireError> {
    let is_image = |part: &ContentPart| matches!(part, ContentPart::Image(_));
    if !message.parts.iter().any(is_image) {
        refuse_media(message)?;
        let text = message.joined_text();
        return Ok((!text.trim().is_empty()).then_some(Value::String(text)));
    }
    let mut parts = Vec::new();
    for part in &message.parts {
        match part {
            ContentPart::Text(text) if text.trim().is_empty() => {}
            ContentPart::Text(text) => parts.push(json!({"type": "text", "text": text})),
            ContentPart::Image(image) => {
                parts
                    .push(json!({"type": "image_url", "image_url": {"url": media::to_url(image)}}));
            }
            ContentPart::File { .. } | ContentPart::Audio(_) => return Err(no_media()),
            ContentPart::Reasoning(_) | ContentPart::CachePoint(_) => {}
        }
    }
    Ok(Some(Value::Array(parts)))
}

fn refuse_media(message: &Message) -> Result<(), WireError> {
    let is_media = |part: &ContentPart| match part {
        ContentPart::Image(_) | ContentPart::File { .. } | ContentPart::Audio(_) => true,
        ContentPart::Text(_) | ContentPart::Reasoning(_) | ContentPart::CachePoint(_) => false,
    };
    match message.parts.iter().any(is_media) {
        true => Err(no_media()),
        false => Ok(()),
    }
}

fn no_media() -> WireError {
    WireError::Unsupported(
        "on this wire only a user's message can hold pictures, and none documents or sound"
            .to_owned(),
    )
}
