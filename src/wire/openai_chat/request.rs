//! Writing a request.

use serde_json::Map;
use serde_json::Value;
use serde_json::json;

use super::messages;
use crate::types::Chat;
use crate::types::ReasoningEffort;
use crate::types::ResponseFormat;
use crate::types::Tool;
use crate::types::ToolChoice;
use crate::types::quirks::JsonSupport;
use crate::types::quirks::MaxTokensField;
use crate::types::quirks::Param;
use crate::types::quirks::ReasoningStyle;
use crate::types::quirks::SeedField;
use crate::types::quirks::UsageInStream;
use crate::wire::EncodeContext;
use crate::wire::Encoded;
use crate::wire::WireError;
use crate::wire::json_answer;
use crate::wire::lenient::decimal;
use crate::wire::reasoning;

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
    let messages = messages::write(chat, context.quirks, &mut writer.dropped)?;
    writer.put("messages", Value::Array(messages));
    writer.sampling(chat);
    writer.labels(chat);
    writer.reasoning(chat);
    writer.tools(chat);
    writer.format(chat);
    writer.stream();
    let Writer { body, dropped, .. } = writer;
    Ok(Encoded {
        path: "/chat/completions".to_owned(),
        body: crate::wire::json_bytes(&body),
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
            self.dropped.push(param.as_str().to_owned());
        } else {
            self.put(key, value);
        }
    }

    /// Writes a parameter that is not the wire's own, if the provider is known to take it.
    fn foreign(&mut self, param: Param, key: &str, value: Option<Value>) {
        let Some(value) = value else { return };
        if self.context.quirks.takes.contains(&param) {
            self.put(key, value);
        } else {
            self.dropped.push(param.as_str().to_owned());
        }
    }

    fn sampling(&mut self, chat: &Chat) {
        let (sampling, quirks) = (&chat.sampling, self.context.quirks);
        let most = quirks
            .max_temperature_percent
            .map(|percent| f32::from(percent) / 100.0);
        let temperature = sampling
            .temperature
            .map(|wanted| most.map_or(wanted, |most| wanted.min(most)));
        if temperature != sampling.temperature && !quirks.drop_params.contains(&Param::Temperature)
        {
            self.dropped.push(Param::Temperature.as_str().to_owned());
        }
        self.param(Param::Temperature, "temperature", temperature.map(decimal));
        self.param(Param::TopP, "top_p", sampling.top_p.map(decimal));
        self.foreign(Param::TopK, "top_k", sampling.top_k.map(|top| json!(top)));
        let penalty = sampling.presence_penalty.map(decimal);
        self.param(Param::PresencePenalty, "presence_penalty", penalty);
        let penalty = sampling.frequency_penalty.map(decimal);
        self.param(Param::FrequencyPenalty, "frequency_penalty", penalty);
        let stop = (!sampling.stop.is_empty()).then(|| json!(sampling.stop));
        self.param(Param::Stop, "stop", stop);
        let seed_field = match quirks.seed_field {
            SeedField::Seed => "seed",
            SeedField::RandomSeed => "random_seed",
        };
        self.param(
            Param::Seed,
            seed_field,
            sampling.seed.map(|seed| json!(seed)),
        );
        if let Some(most) = sampling.max_output_tokens {
            let field = match quirks.max_tokens_field {
                MaxTokensField::MaxTokens => "max_tokens",
                MaxTokensField::MaxCompletionTokens => "max_completion_tokens",
            };
            self.put(field, json!(most));
        }
    }

    fn labels(&mut self, chat: &Chat) {
        let user = chat.user.as_ref().map(|user| json!(user));
        self.param(Param::User, "user", user);
        let metadata = (!chat.metadata.is_empty()).then(|| json!(chat.metadata));
        self.foreign(Param::Metadata, "metadata", metadata);
        if let Some(top) = chat.top_logprobs {
            self.param(Param::Logprobs, "logprobs", Some(json!(true)));
            if top > 0 && !self.context.quirks.drop_params.contains(&Param::Logprobs) {
                self.put("top_logprobs", json!(top));
            }
        }
    }

    fn reasoning(&mut self, chat: &Chat) {
        let quirks = self.context.quirks;
        let Some(effort) = reasoning::effort(chat, quirks, &mut self.dropped) else {
            return;
        };
        let is_on = effort != ReasoningEffort::None;
        match quirks.reasoning {
            ReasoningStyle::Usual | ReasoningStyle::Budget | ReasoningStyle::Switch => {
                self.put("reasoning_effort", json!(effort.as_str()));
            }
            ReasoningStyle::EffortObject => {
                let mut object = json!({"effort": effort.as_str()});
                if let Some(budget) = chat.reasoning_budget_tokens {
                    // Here both are known, and a budget is the more exact one.
                    object = json!({"max_tokens": budget});
                    let effort = Param::ReasoningEffort.as_str();
                    self.dropped.retain(|dropped| dropped != effort);
                }
                self.put("reasoning", object);
            }
            ReasoningStyle::ThinkingType => {
                let switch = if is_on { "enabled" } else { "disabled" };
                self.put("thinking", json!({"type": switch}));
                if is_on && !quirks.efforts.is_empty() {
                    self.put("reasoning_effort", json!(effort.as_str()));
                }
            }
            ReasoningStyle::EnableThinking => {
                self.put("enable_thinking", json!(is_on));
                if is_on {
                    let budget = chat.reasoning_budget_tokens;
                    let budget = budget.unwrap_or_else(|| effort.budget_tokens());
                    self.put("thinking_budget", json!(budget));
                }
            }
            ReasoningStyle::TemplateArgument => {
                self.put("chat_template_kwargs", json!({"enable_thinking": is_on}));
            }
        }
    }

    fn tools(&mut self, chat: &Chat) {
        if self.answers_by_tool(chat) {
            let (name, schema) = match &chat.format {
                ResponseFormat::JsonSchema { schema, .. } => (json_answer::ANSWER_TOOL, schema),
                ResponseFormat::JsonObject | ResponseFormat::Text => return,
            };
            let function = json!({"name": name, "description": json_answer::TOOL_DESCRIPTION, "parameters": schema});
            self.put("tools", json!([{"type": "function", "function": function}]));
            let choice = json!({"type": "function", "function": {"name": name}});
            self.put("tool_choice", choice);
            return;
        }
        if chat.tools.is_empty() {
            return;
        }
        let takes_strict = !self
            .context
            .quirks
            .drop_params
            .contains(&Param::StrictTools);
        if !takes_strict && chat.tools.iter().any(|tool| tool.strict == Some(true)) {
            self.dropped.push(Param::StrictTools.as_str().to_owned());
        }
        let tools = chat.tools.iter().map(|tool| write_tool(tool, takes_strict));
        self.put("tools", tools.collect());
        let choice = match &chat.tool_choice {
            ToolChoice::Auto => None,
            ToolChoice::None => Some(json!("none")),
            ToolChoice::Required => Some(json!("required")),
            ToolChoice::Named(name) => {
                Some(json!({"type": "function", "function": {"name": name}}))
            }
        };
        self.param(Param::ToolChoice, "tool_choice", choice);
        let parallel = chat.parallel_tool_calls.map(|parallel| json!(parallel));
        self.param(Param::ParallelToolCalls, "parallel_tool_calls", parallel);
    }

    /// `true` when the JSON answer is asked for as the arguments of a forced call; with tools of the chat's own
    /// beside it that would forbid them, so then the prompt asks.
    fn answers_by_tool(&self, chat: &Chat) -> bool {
        self.context.quirks.json == JsonSupport::Tool
            && chat.tools.is_empty()
            && matches!(chat.format, ResponseFormat::JsonSchema { .. })
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
}

fn write_tool(tool: &Tool, takes_strict: bool) -> Value {
    let mut function =
        json!({"name": tool.name, "description": tool.description, "parameters": tool.parameters});
    if let Some(strict) = tool.strict.filter(|_| takes_strict) {
        function["strict"] = json!(strict);
    }
    json!({"type": "function", "function": function})
}
