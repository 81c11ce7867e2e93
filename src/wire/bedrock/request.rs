//! Writing a request.

use std::collections::BTreeSet;

use serde_json::Map;
use serde_json::Value;
use serde_json::json;

use super::content::Blocks;
use super::family::Family;
use super::family::Thinking;
use super::reasoning;
use super::reasoning::Asked;
use super::tools;
use super::tools::Tools;
use crate::types::Chat;
use crate::types::ResponseFormat;
use crate::types::quirks::JsonSupport;
use crate::types::quirks::Param;
use crate::wire::EncodeContext;
use crate::wire::Encoded;
use crate::wire::WireError;
use crate::wire::json_answer;
use crate::wire::lenient;

/// Writes a request for `POST {base}/model/{model}/converse`, or `/converse-stream`.
pub(in crate::wire) fn encode(
    chat: &Chat,
    context: &EncodeContext<'_>,
) -> Result<Encoded, WireError> {
    let family = Family::of(context.model);
    let reasoning = reasoning::asked(chat, family, context);
    let mut writer = Writer {
        chat,
        context,
        family,
        body: Map::new(),
        fields: reasoning.fields.clone(),
        dropped: BTreeSet::new(),
    };
    if reasoning.changed {
        writer.dropped.insert(Param::ReasoningEffort);
    }
    let by_call = tools::answers_by_call(chat, family, &reasoning, context);
    writer.conversation(by_call)?;
    writer.sampling(&reasoning);
    writer.tools(&reasoning, by_call);
    writer.schema();
    writer.labels();
    Ok(writer.finish())
}

struct Writer<'a> {
    chat: &'a Chat,
    context: &'a EncodeContext<'a>,
    family: Family,
    body: Map<String, Value>,
    /// The model's own fields.
    fields: Map<String, Value>,
    dropped: BTreeSet<Param>,
}

impl Writer<'_> {
    fn put(&mut self, key: &str, value: Value) {
        self.body.insert(key.to_owned(), value);
    }

    /// A value that the provider takes; one that it refuses is noted as dropped.
    fn kept<T>(&mut self, param: Param, value: Option<T>) -> Option<T> {
        match value {
            Some(_) if self.context.quirks.drop_params.contains(&param) => {
                self.dropped.insert(param);
                None
            }
            kept => kept,
        }
    }

    fn conversation(&mut self, by_call: bool) -> Result<(), WireError> {
        let mut blocks = Blocks {
            family: self.family,
            context: self.context,
            names: BTreeSet::new(),
            dropped: BTreeSet::new(),
        };
        let mut system = blocks.system(self.chat)?;
        let messages = blocks.messages(self.chat)?;
        self.dropped.append(&mut blocks.dropped);
        let told = match &self.chat.format {
            ResponseFormat::JsonSchema { schema, .. }
                if !by_call && self.context.quirks.json != JsonSupport::Schema =>
            {
                Some(json_answer::instruction(schema))
            }
            ResponseFormat::JsonObject => {
                Some("Answer with one JSON object and nothing else.".to_owned())
            }
            ResponseFormat::JsonSchema { .. } | ResponseFormat::Text => None,
        };
        system.extend(told.map(|text| json!({"text": text})));
        if !system.is_empty() {
            self.put("system", Value::Array(system));
        }
        self.put("messages", Value::Array(messages));
        Ok(())
    }

    fn sampling(&mut self, reasoning: &Asked) {
        let sampling = &self.chat.sampling;
        let mut config = Map::new();
        let mut put = |key: &str, value: Option<Value>| {
            if let Some(value) = value {
                config.insert(key.to_owned(), value);
            }
        };
        let limit = sampling.max_output_tokens.or(reasoning.max_tokens);
        put("maxTokens", limit.map(|most| json!(most)));
        let temperature = self.kept(Param::Temperature, sampling.temperature);
        put("temperature", self.temperature(temperature, reasoning));
        let top_p = self.kept(Param::TopP, sampling.top_p);
        put("topP", self.top_p(top_p, reasoning));
        put("stopSequences", self.stop());
        if !config.is_empty() {
            self.put("inferenceConfig", Value::Object(config));
        }
        self.top_k(reasoning);
        let lost = [
            (Param::Seed, sampling.seed.is_some()),
            (Param::PresencePenalty, sampling.presence_penalty.is_some()),
            (
                Param::FrequencyPenalty,
                sampling.frequency_penalty.is_some(),
            ),
            (Param::Logprobs, self.chat.top_logprobs.is_some()),
            (Param::User, self.chat.user.is_some()),
            (
                Param::ParallelToolCalls,
                self.chat.parallel_tool_calls == Some(false),
            ),
        ];
        let lost = lost.into_iter().filter(|(_, asked)| *asked);
        self.dropped.extend(lost.map(|(param, _)| param));
    }

    /// 0 to 1 here, 0 to 2 in Agon's own form; a thinking Claude takes none but 1.
    fn temperature(&mut self, wanted: Option<f32>, reasoning: &Asked) -> Option<Value> {
        let most = self.context.quirks.max_temperature_percent.unwrap_or(100);
        let taken = wanted?.min(f32::from(most) / 100.0);
        if Some(taken) != wanted || (reasoning.thinks && taken < 1.0) {
            self.dropped.insert(Param::Temperature);
        }
        (!reasoning.thinks).then(|| lenient::decimal(taken))
    }

    /// A thinking Claude takes 0.95 to 1.
    fn top_p(&mut self, wanted: Option<f32>, reasoning: &Asked) -> Option<Value> {
        let wanted = wanted?;
        if reasoning.thinks && wanted < 0.95 {
            self.dropped.insert(Param::TopP);
            return None;
        }
        Some(lenient::decimal(wanted))
    }

    fn stop(&mut self) -> Option<Value> {
        let stop = &self.chat.sampling.stop;
        let stop = self.kept(Param::Stop, (!stop.is_empty()).then_some(stop))?;
        let is_claude = matches!(self.family, Family::Claude(_));
        let most = match self.family {
            Family::Nova => 4,
            Family::Claude(_) | Family::GptOss | Family::Openai | Family::Qwen => usize::MAX,
            Family::Mistral { .. } | Family::Other | Family::Unknown => usize::MAX,
        };
        // An empty one is refused; by Claude white space alone, too.
        let says = |text: &&String| match is_claude {
            true => !text.trim().is_empty(),
            false => !text.is_empty(),
        };
        let taken: Vec<&String> = stop.iter().filter(says).take(most).collect();
        if taken.len() < stop.len() {
            self.dropped.insert(Param::Stop);
        }
        (!taken.is_empty()).then(|| json!(taken))
    }

    fn top_k(&mut self, reasoning: &Asked) {
        let Some(most) = self.kept(Param::TopK, self.chat.sampling.top_k) else {
            return;
        };
        let (key, value) = match self.family {
            Family::Claude(_) if !reasoning.thinks => ("top_k", json!(most)),
            Family::Mistral { .. } => ("top_k", json!(most)),
            Family::Nova => ("inferenceConfig", json!({"topK": most})),
            Family::Claude(Thinking::Never | Thinking::Budget | Thinking::Adaptive)
            | Family::GptOss
            | Family::Openai
            | Family::Qwen
            | Family::Other
            | Family::Unknown => {
                self.dropped.insert(Param::TopK);
                return;
            }
        };
        self.fields.insert(key.to_owned(), value);
    }

    fn tools(&mut self, reasoning: &Asked, answer: bool) {
        let refused = self.context.quirks.drop_params.contains(&Param::ToolChoice);
        let tools = Tools {
            chat: self.chat,
            family: self.family,
            context: self.context,
            may_demand: self.family.obeys_tool_choice() && !reasoning.budgeted && !refused,
            answer,
        };
        if let Some(config) = tools.config(&mut self.dropped) {
            self.put("toolConfig", config);
        }
    }

    fn schema(&mut self) {
        let (ResponseFormat::JsonSchema { name, schema }, JsonSupport::Schema) =
            (&self.chat.format, self.context.quirks.json)
        else {
            return;
        };
        // The schema is a text within the JSON here.
        let schema = json_answer::for_anthropic(schema).to_string();
        let structure = json!({"jsonSchema": {"name": name, "schema": schema}});
        let format = json!({"textFormat": {"type": "json_schema", "structure": structure}});
        self.put("outputConfig", format);
    }

    /// Labels of at most 256 letters, digits and some marks, 16 of them at most.
    fn labels(&mut self) {
        let metadata = &self.chat.metadata;
        let Some(metadata) = self.kept(Param::Metadata, (!metadata.is_empty()).then_some(metadata))
        else {
            return;
        };
        let plain = |text: &String| {
            let fits = |c: char| {
                c.is_ascii_alphanumeric() || c.is_whitespace() || ":_@$#=/+,-.".contains(c)
            };
            text.len() <= 256 && text.chars().all(fits)
        };
        let taken: Map<String, Value> = metadata
            .iter()
            .filter(|(key, value)| !key.is_empty() && plain(key) && plain(value))
            .take(16)
            .map(|(key, value)| (key.clone(), json!(value)))
            .collect();
        if taken.len() < metadata.len() {
            self.dropped.insert(Param::Metadata);
        }
        if !taken.is_empty() {
            self.put("requestMetadata", Value::Object(taken));
        }
    }

    fn finish(mut self) -> Encoded {
        if !self.fields.is_empty() {
            let fields = std::mem::take(&mut self.fields);
            self.put("additionalModelRequestFields", Value::Object(fields));
        }
        let method = if self.context.stream {
            "converse-stream"
        } else {
            "converse"
        };
        Encoded {
            path: format!("/model/{}/{method}", percent_encoded(self.context.model)),
            body: Value::Object(self.body).to_string().into(),
            dropped: self
                .dropped
                .iter()
                .map(|param| param.as_str().to_owned())
                .collect(),
        }
    }
}

/// A segment of a path: ids have colons, and slashes where they are addresses of resources.
fn percent_encoded(segment: &str) -> String {
    let byte = |byte: u8| match byte {
        b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => {
            char::from(byte).to_string()
        }
        other => format!("%{other:02X}"),
    };
    segment.bytes().map(byte).collect()
}
