//! How one provider's dialect differs from its wire: a closed set, so that a provider is data.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use serde::Deserialize;
use serde::Serialize;

use super::chunk::FinishReason;

/// Where a provider, or one of its models, departs from its wire's usual form. Each field's default
/// is the usual form.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Quirks {
    /// The name of the answer's token limit in the request.
    pub max_tokens_field: MaxTokensField,
    /// Parameters that the provider refuses; they are left out and reported as dropped.
    pub drop_params: BTreeSet<Param>,
    /// Finish reasons of its own, and what they mean.
    pub finish_reason_map: BTreeMap<String, FinishReason>,
    /// How usage gets into a stream.
    pub usage_in_stream: UsageInStream,
    /// `true` when `completion_tokens` leaves reasoning tokens out, so that the total is their sum.
    pub reasoning_outside_completion: bool,
    /// What the provider can do about JSON answers; what it cannot is asked for in the prompt.
    pub json: JsonSupport,
    /// The highest temperature that it takes; a higher one is lowered to it and reported.
    pub max_temperature_percent: Option<u16>,
}

/// The name of the answer's token limit.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MaxTokensField {
    /// `max_tokens`.
    #[default]
    MaxTokens,
    /// `max_completion_tokens`.
    MaxCompletionTokens,
}

/// How usage gets into a stream.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum UsageInStream {
    /// Only when asked for with `stream_options.include_usage`.
    #[default]
    OnRequest,
    /// Always, and asking is refused.
    Always,
    /// Never: it is estimated.
    Never,
}

/// What a provider can do about JSON answers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum JsonSupport {
    /// Answers of a given schema.
    #[default]
    Schema,
    /// Some JSON object; the schema goes into the prompt.
    Object,
    /// Nothing; the prompt asks for it.
    Prompt,
}

/// A parameter of a request, by the name that Agon's own form gives it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Param {
    /// Sampling temperature.
    Temperature,
    /// Nucleus sampling.
    TopP,
    /// Texts that end the answer.
    Stop,
    /// Best-effort determinism.
    Seed,
    /// Reasoning effort.
    ReasoningEffort,
    /// Which tool to call.
    ToolChoice,
    /// The end user.
    User,
}
