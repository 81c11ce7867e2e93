//! Sampling, length and reasoning of a request.

use serde_json::Map;
use serde_json::Value;
use serde_json::json;

use super::request::Dropped;
use crate::types::Chat;
use crate::types::ReasoningEffort;
use crate::types::quirks::Param;
use crate::types::quirks::Quirks;
use crate::types::quirks::ReasoningStyle;
use crate::wire::EncodeContext;
use crate::wire::lenient::decimal;

/// Most stop texts that are taken (ai.google.dev, `GenerationConfig`, read 2026-08).
const MAX_STOP_TEXTS: usize = 5;
/// Most alternatives for each token.
const MAX_LOGPROBS: u8 = 20;
/// The least budget that all models that think in one take (2.5 Flash-Lite has the highest floor).
const MIN_BUDGET_TOKENS: u32 = 512;
/// The levels of `thinkingLevel`.
const LEVELS: [ReasoningEffort; 4] = [
    ReasoningEffort::Minimal,
    ReasoningEffort::Low,
    ReasoningEffort::Medium,
    ReasoningEffort::High,
];

/// Writes `generationConfig`, but for the form of the answer.
pub(super) fn generation_config(
    chat: &Chat,
    context: &EncodeContext<'_>,
    dropped: &mut Dropped,
) -> Map<String, Value> {
    let mut writer = Writer {
        quirks: context.quirks,
        config: Map::new(),
        dropped,
    };
    writer.sampling(chat);
    writer.logprobs(chat);
    if let Some(most) = chat.sampling.max_output_tokens {
        writer.put("maxOutputTokens", json!(most));
    }
    writer.reasoning(chat);
    writer.config
}

struct Writer<'a> {
    quirks: &'a Quirks,
    config: Map<String, Value>,
    dropped: &'a mut Dropped,
}

impl Writer<'_> {
    fn put(&mut self, key: &str, value: Value) {
        self.config.insert(key.to_owned(), value);
    }

    /// Writes a parameter, or notes that the provider refuses it.
    fn param(&mut self, param: Param, key: &str, value: Option<Value>) {
        match value {
            Some(_) if self.quirks.drop_params.contains(&param) => self.dropped.add(param),
            Some(value) => self.put(key, value),
            None => {}
        }
    }

    fn sampling(&mut self, chat: &Chat) {
        let sampling = &chat.sampling;
        let most = self.quirks.max_temperature_percent;
        let most = most.map(|percent| f32::from(percent) / 100.0);
        let temperature = sampling
            .temperature
            .map(|wanted| most.map_or(wanted, |most| wanted.min(most)));
        if temperature != sampling.temperature {
            self.dropped.add(Param::Temperature);
        }
        let stop: Vec<&String> = sampling
            .stop
            .iter()
            .filter(|text| !text.is_empty())
            .collect();
        if stop.len() > MAX_STOP_TEXTS {
            self.dropped.add(Param::Stop);
        }
        let stop = &stop[..stop.len().min(MAX_STOP_TEXTS)];
        // An int32 here: the lower 31 bits keep what a seed is for, that the same gives the same.
        let seed = sampling.seed.map(|seed| seed & 0x7fff_ffff);
        self.param(Param::Temperature, "temperature", temperature.map(decimal));
        self.param(Param::TopP, "topP", sampling.top_p.map(decimal));
        self.param(Param::TopK, "topK", sampling.top_k.map(|k| json!(k)));
        self.param(
            Param::Stop,
            "stopSequences",
            (!stop.is_empty()).then(|| json!(stop)),
        );
        self.param(Param::Seed, "seed", seed.map(|seed| json!(seed)));
        self.param(
            Param::PresencePenalty,
            "presencePenalty",
            sampling.presence_penalty.map(decimal),
        );
        self.param(
            Param::FrequencyPenalty,
            "frequencyPenalty",
            sampling.frequency_penalty.map(decimal),
        );
    }

    fn logprobs(&mut self, chat: &Chat) {
        let Some(wanted) = chat.top_logprobs else {
            return;
        };
        self.param(Param::Logprobs, "responseLogprobs", Some(json!(true)));
        if wanted > MAX_LOGPROBS {
            self.dropped.add(Param::Logprobs);
        }
        let most = (wanted > 0).then(|| json!(wanted.min(MAX_LOGPROBS)));
        self.param(Param::Logprobs, "logprobs", most);
    }

    fn reasoning(&mut self, chat: &Chat) {
        if chat.reasoning_effort.is_none() && chat.reasoning_budget_tokens.is_none() {
            return;
        }
        let thinking = match self.quirks.reasoning {
            ReasoningStyle::Budget => self.budget(chat),
            // The others are forms of other wires.
            ReasoningStyle::Usual
            | ReasoningStyle::EffortObject
            | ReasoningStyle::ThinkingType
            | ReasoningStyle::EnableThinking
            | ReasoningStyle::TemplateArgument
            | ReasoningStyle::Switch => self.level(chat),
        };
        self.param(Param::ReasoningEffort, "thinkingConfig", Some(thinking));
    }

    fn level(&mut self, chat: &Chat) -> Value {
        let of_budget = chat.reasoning_budget_tokens.map(ReasoningEffort::of_budget);
        let wanted = chat.reasoning_effort.or(of_budget);
        let wanted = wanted.unwrap_or(ReasoningEffort::None);
        let known = |effort: &ReasoningEffort| {
            self.quirks.efforts.is_empty() || self.quirks.efforts.contains(effort)
        };
        let mut levels: Vec<ReasoningEffort> = LEVELS.into_iter().filter(known).collect();
        if levels.is_empty() {
            levels.extend(LEVELS);
        }
        let level = nearest(wanted, &levels);
        let exact = chat.reasoning_effort.is_some()
            || chat.reasoning_budget_tokens == Some(level.budget_tokens());
        if level != wanted || !exact {
            self.dropped.add(Param::ReasoningEffort);
        }
        json!({"thinkingLevel": level.as_str(), "includeThoughts": true})
    }

    fn budget(&mut self, chat: &Chat) -> Value {
        let tokens = match (chat.reasoning_budget_tokens, chat.reasoning_effort) {
            (Some(tokens), _) if tokens > 0 => tokens,
            (Some(_), _) => self.budget_of(ReasoningEffort::None),
            (None, effort) => self.budget_of(effort.unwrap_or(ReasoningEffort::None)),
        };
        // The answer's limit includes the thinking: a quarter stays for what is said.
        let room = chat.sampling.max_output_tokens;
        let room = room.map_or(u32::MAX, |most| (most - most / 4).max(MIN_BUDGET_TOKENS));
        if tokens > room {
            self.dropped.add(Param::ReasoningEffort);
        }
        let tokens = tokens.min(room);
        json!({"thinkingBudget": tokens, "includeThoughts": tokens > 0})
    }

    fn budget_of(&mut self, wanted: ReasoningEffort) -> u32 {
        // Off is not a small amount: who asks for some gets some.
        let some = |effort: &ReasoningEffort| {
            wanted == ReasoningEffort::None || *effort != ReasoningEffort::None
        };
        let known = self.quirks.efforts.iter().copied();
        let known: Vec<ReasoningEffort> = known.filter(some).collect();
        let effort = match known.is_empty() {
            true => wanted,
            false => nearest(wanted, &known),
        };
        if effort != wanted {
            self.dropped.add(Param::ReasoningEffort);
        }
        effort.budget_tokens()
    }
}

/// The effort of these, which are not none, that is nearest; of two, the lesser.
fn nearest(wanted: ReasoningEffort, known: &[ReasoningEffort]) -> ReasoningEffort {
    let away = |effort: &ReasoningEffort| (*effort as u8).abs_diff(wanted as u8);
    known.iter().copied().min_by_key(away).unwrap_or(wanted)
}
