//! How one provider's dialect differs from its wire: a closed set, so that a provider is data.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use serde::Deserialize;
use serde::Serialize;

use super::chat::ReasoningEffort;
use super::chunk::FinishReason;
use super::keep_alive::KeepAlive;

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
    /// How reasoning is asked for.
    pub reasoning: ReasoningStyle,
    /// The efforts that it knows, where those are not all; another one becomes the nearest and is reported.
    pub efforts: BTreeSet<ReasoningEffort>,
    /// In which form the reasoning of earlier turns goes back to it.
    pub reasoning_history: ReasoningHistory,
    /// The name of the seed in the request.
    pub seed_field: SeedField,
    /// What ids of tool calls it takes; others are rewritten, always to the same.
    pub tool_ids: ToolIds,
    /// The role of instructions.
    pub system_role: SystemRole,
    /// How documents are sent.
    pub documents: DocumentStyle,
    /// `true` when it does not fetch addresses: pictures and documents have to come inline.
    pub inline_media_only: bool,
    /// Set where the body names this version of Anthropic's API and no model (Vertex AI, Bedrock).
    pub anthropic_version: Option<String>,
    /// `true` when `<think>` at the beginning of an answer is a word like any other.
    pub think_tags_are_text: bool,
    /// `true` when markers of what may be cached (`cache_control`) are understood on the chat wire.
    pub cache_markers: bool,
    /// Parameters that are not the wire's own and that it takes all the same: `top_k` and `metadata` on the chat wire.
    pub takes: BTreeSet<Param>,
    /// What one call asks of Ollama beside the chat; the caller of the wire fills it in, no file does.
    #[serde(skip)]
    pub ollama: OllamaOptions,
}

/// What one call asks of Ollama beside the chat.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OllamaOptions {
    /// How long the model stays in memory afterwards; the server's own rule when `None`.
    pub keep_alive: Option<KeepAlive>,
    /// The context to load the model with, in tokens; the server's own choice when `None`.
    pub num_ctx: Option<u64>,
    /// `true` to have a prompt refused that is longer than the context, where the server would cut it in silence.
    pub refuse_overlong: bool,
}

/// How reasoning is asked for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReasoningStyle {
    /// As the wire has it: `reasoning_effort` (OpenAI chat), `reasoning.effort` (Responses), `output_config.effort`
    /// with adaptive thinking (Anthropic), `thinkingLevel` (Gemini), `think` (Ollama), `thinking` (Cohere).
    #[default]
    Usual,
    /// A budget of tokens in the wire's own field: `thinking.budget_tokens` (Anthropic, also through Bedrock),
    /// `thinkingBudget` (Gemini).
    Budget,
    /// `reasoning: {effort}` on the chat wire (`OpenRouter`).
    EffortObject,
    /// `thinking: {type: enabled | disabled}` on the chat wire (`DeepSeek`, Z.ai, Moonshot).
    ThinkingType,
    /// `enable_thinking` and `thinking_budget` on the chat wire (`DashScope`).
    EnableThinking,
    /// `chat_template_kwargs: {enable_thinking}` on the chat wire (vLLM, NVIDIA).
    TemplateArgument,
    /// A switch alone: `think: true | false` where levels are not known (Ollama's models but gpt-oss).
    Switch,
}

/// In which form the reasoning of earlier turns goes back to a provider.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReasoningHistory {
    /// As the wire has it; on the chat wire, which has no form for it, not at all.
    #[default]
    Usual,
    /// In `reasoning_content` of the assistant's message (`DeepSeek`, Moonshot, Z.ai).
    ReasoningContent,
    /// In `reasoning_details` of the assistant's message (`OpenRouter`).
    Details,
}

/// The name of the seed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SeedField {
    /// `seed`.
    #[default]
    Seed,
    /// `random_seed` (Mistral).
    RandomSeed,
}

/// What ids of tool calls a provider takes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ToolIds {
    /// Whatever the wire takes.
    #[default]
    Usual,
    /// Exactly nine letters and digits (Mistral).
    NineAlphanumeric,
}

/// The role of instructions.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SystemRole {
    /// `system`.
    #[default]
    System,
    /// `developer` (OpenAI's reasoning models).
    Developer,
    /// `user`, where instructions have no role of their own.
    User,
}

/// How documents are sent on the chat wire.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DocumentStyle {
    /// As a `file` part with its bytes.
    #[default]
    File,
    /// As a `document_url` part (Mistral).
    DocumentUrl,
    /// Not at all: a chat with one is refused before it is sent.
    Refused,
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
    /// A forced call of a tool whose arguments are the answer.
    Tool,
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
    /// Whether several tools may be called at once.
    ParallelToolCalls,
    /// The end user.
    User,
    /// The caller's labels.
    Metadata,
    /// Drawing from the likeliest tokens only.
    TopK,
    /// The penalty on tokens that have occurred.
    PresencePenalty,
    /// The penalty on tokens by how often they have occurred.
    FrequencyPenalty,
    /// Log probabilities.
    Logprobs,
    /// Markers of what may be cached.
    CacheMarkers,
    /// Strict schemas of tools.
    StrictTools,
}

impl Param {
    /// The name that reports use.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Temperature => "temperature",
            Self::TopP => "top_p",
            Self::Stop => "stop",
            Self::Seed => "seed",
            Self::ReasoningEffort => "reasoning_effort",
            Self::ToolChoice => "tool_choice",
            Self::ParallelToolCalls => "parallel_tool_calls",
            Self::User => "user",
            Self::Metadata => "metadata",
            Self::TopK => "top_k",
            Self::PresencePenalty => "presence_penalty",
            Self::FrequencyPenalty => "frequency_penalty",
            Self::Logprobs => "logprobs",
            Self::CacheMarkers => "cache_control",
            Self::StrictTools => "tools.strict",
        }
    }
}
