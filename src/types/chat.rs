//! A conversation and its answer, free of any provider's dialect.

use std::collections::BTreeMap;

use bytes::Bytes;
use serde::Deserialize;
use serde::Serialize;
use serde_json::Value;

use super::chunk::FinishReason;
use super::chunk::TokenLogprob;
use super::usage::Usage;

/// What is asked of a model: the messages and how to answer them.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Chat {
    /// The conversation, oldest first.
    pub messages: Vec<Message>,
    /// Sampling and length.
    #[serde(default)]
    pub sampling: Sampling,
    /// Functions that the model may call.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tools: Vec<Tool>,
    /// Whether it may, must or must not call them.
    #[serde(default)]
    pub tool_choice: ToolChoice,
    /// Whether one answer may hold several calls; `None` leaves the provider's default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parallel_tool_calls: Option<bool>,
    /// The form of the answer.
    #[serde(default)]
    pub format: ResponseFormat,
    /// How much to reason; `None` leaves the provider's default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reasoning_effort: Option<ReasoningEffort>,
    /// Most tokens of reasoning, where the caller names a number instead of an effort.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reasoning_budget_tokens: Option<u32>,
    /// Log probabilities of the answer's tokens, with this many alternatives each; `None` asks for none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub top_logprobs: Option<u8>,
    /// The end user, opaque, as providers take it for abuse tracking.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// Labels of the caller's own that the provider stores with the call.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub metadata: BTreeMap<String, String>,
}

impl Chat {
    /// The function that a tool's result answers, looked up by the call's id: some wires want its name.
    pub fn tool_of(&self, tool_call_id: &str) -> Option<&str> {
        let mut calls = self.messages.iter().flat_map(|message| &message.tool_calls);
        calls
            .find(|call| call.id == tool_call_id)
            .map(|call| call.name.as_str())
    }
}

/// Who says a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Instructions.
    System,
    /// The person or program that asks.
    User,
    /// The model.
    Assistant,
    /// The result of a tool call.
    Tool,
}

/// One message.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Message {
    /// Who says it.
    pub role: Role,
    /// What is said, in order.
    pub parts: Vec<ContentPart>,
    /// Calls that an assistant's message makes.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tool_calls: Vec<ToolCall>,
    /// The call that a tool's message answers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tool_call_id: Option<String>,
    /// `true` when a tool's message tells that the tool failed.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub tool_failed: bool,
}

impl Message {
    /// A message of text alone.
    pub fn text(role: Role, text: impl Into<String>) -> Self {
        Self {
            role,
            parts: vec![ContentPart::Text(text.into())],
            tool_calls: Vec::new(),
            tool_call_id: None,
            tool_failed: false,
        }
    }

    /// The text parts, joined.
    pub fn joined_text(&self) -> String {
        self.parts
            .iter()
            .filter_map(|part| match part {
                ContentPart::Text(text) => Some(text.as_str()),
                ContentPart::Image(_)
                | ContentPart::File { .. }
                | ContentPart::Audio(_)
                | ContentPart::Reasoning(_)
                | ContentPart::CachePoint(_) => None,
            })
            .collect()
    }
}

/// One piece of a message.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ContentPart {
    /// Text.
    Text(String),
    /// A picture.
    Image(Media),
    /// A document.
    File {
        /// Its name, when known.
        name: Option<String>,
        /// Its bytes or address.
        media: Media,
    },
    /// Sound, always inline.
    Audio(Media),
    /// Reasoning of an earlier assistant turn, to be sent back as it came.
    Reasoning(Reasoning),
    /// Everything of the prompt up to here may be cached by the provider.
    CachePoint(CacheTtl),
}

/// A block of reasoning. The seal is the provider's: other providers refuse or ignore it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Reasoning {
    /// The text; empty when the provider shows none.
    pub text: String,
    /// What has to come back with it.
    #[serde(flatten)]
    pub seal: Seal,
}

/// What a provider wants back beside the text of a block of reasoning, byte for byte.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Seal {
    /// Its signature over the text (Anthropic, Bedrock), or its thought signature (Gemini).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub signature: Option<String>,
    /// The reasoning itself, encrypted: Anthropic's redacted thinking, the Responses wire's encrypted content.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub encrypted: Option<String>,
    /// The id of the item (Responses wire).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
}

impl Seal {
    /// `true` when there is nothing to send back.
    pub fn is_empty(&self) -> bool {
        self.signature.is_none() && self.encrypted.is_none() && self.id.is_none()
    }
}

/// How long a provider keeps what it caches.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CacheTtl {
    /// Its usual time, some minutes.
    #[default]
    Usual,
    /// An hour, at a higher price.
    Hour,
}

/// Bytes of a known media type, or where they are.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Media {
    /// For example `image/png`.
    pub media_type: String,
    /// Inline or by address.
    pub source: MediaSource,
}

/// Where a medium's bytes are.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MediaSource {
    /// Base64 text without a `data:` prefix.
    Base64(String),
    /// An address that the provider fetches.
    Url(String),
}

/// Sampling and length; `None` leaves the provider's default.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Sampling {
    /// 0.0 to 2.0.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub temperature: Option<f32>,
    /// 0.0 to 1.0.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub top_p: Option<f32>,
    /// Tokens of the answer, reasoning included.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_output_tokens: Option<u32>,
    /// Only this many of the likeliest tokens are drawn from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub top_k: Option<u32>,
    /// -2.0 to 2.0: against tokens that have occurred at all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub presence_penalty: Option<f32>,
    /// -2.0 to 2.0: against tokens by how often they have occurred.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub frequency_penalty: Option<f32>,
    /// Texts that end the answer.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub stop: Vec<String>,
    /// Best-effort determinism.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seed: Option<u64>,
}

/// A function that the model may call.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Tool {
    /// 1 to 64 of `A-Za-z0-9_-`.
    pub name: String,
    /// What it does.
    #[serde(default)]
    pub description: String,
    /// JSON schema of its arguments.
    pub parameters: Value,
    /// Whether the provider must hold the arguments to the schema; `None` leaves its default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub strict: Option<bool>,
    /// Set when everything of the prompt up to this tool may be cached.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cache: Option<CacheTtl>,
}

/// Whether tools may or must be called.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ToolChoice {
    /// The model decides.
    #[default]
    Auto,
    /// No call.
    None,
    /// At least one call.
    Required,
    /// A call of this one.
    Named(String),
}

/// A call that the model makes.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ToolCall {
    /// The provider's id of the call, or one that Agon made where the provider gives none.
    pub id: String,
    /// The function.
    pub name: String,
    /// JSON text, as the model wrote it: it may be invalid. Never empty: a call without arguments has `{}`.
    pub arguments: String,
    /// The provider's signature over the thought behind the call (Gemini), to be sent back with it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signature: Option<String>,
}

/// The form of the answer.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ResponseFormat {
    /// Free text.
    #[default]
    Text,
    /// Some JSON object.
    JsonObject,
    /// JSON of this schema.
    JsonSchema {
        /// 1 to 64 of `A-Za-z0-9_-`.
        name: String,
        /// The schema.
        schema: Value,
    },
}

/// How much a model reasons before it answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReasoningEffort {
    /// Not at all.
    None,
    /// As little as the model can.
    Minimal,
    /// A little.
    Low,
    /// Some.
    Medium,
    /// Much.
    High,
    /// More than much, where a model can.
    Xhigh,
    /// As much as the model can.
    Max,
}

impl ReasoningEffort {
    /// The word that most wires write for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Minimal => "minimal",
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
            Self::Xhigh => "xhigh",
            Self::Max => "max",
        }
    }

    /// The effort of a word, in any case.
    pub fn from_word(word: &str) -> Option<Self> {
        Some(match word.to_ascii_lowercase().as_str() {
            "none" | "off" | "disable" => Self::None,
            "minimal" => Self::Minimal,
            "low" => Self::Low,
            "medium" => Self::Medium,
            "high" => Self::High,
            "xhigh" => Self::Xhigh,
            "max" | "ultra" => Self::Max,
            _ => return None,
        })
    }

    /// Tokens of reasoning where a provider wants a number: low 1024, medium 2048, high 4096, as the systems
    /// that Agon takes over have it; beyond those it doubles. 0 for none.
    pub fn budget_tokens(self) -> u32 {
        match self {
            Self::None => 0,
            Self::Minimal => 512,
            Self::Low => 1024,
            Self::Medium => 2048,
            Self::High => 4096,
            Self::Xhigh => 8192,
            Self::Max => 16_384,
        }
    }

    /// The effort whose budget is nearest below or at this number of tokens.
    pub fn of_budget(tokens: u32) -> Self {
        [
            Self::Max,
            Self::Xhigh,
            Self::High,
            Self::Medium,
            Self::Low,
            Self::Minimal,
        ]
        .into_iter()
        .find(|effort| effort.budget_tokens() <= tokens)
        .unwrap_or(Self::None)
    }
}

/// A whole answer.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ChatResponse {
    /// The provider's id of the answer; empty when it gives none.
    pub id: String,
    /// The model that answered, as the provider names it; empty when it does not say.
    pub model: String,
    /// The text.
    pub text: String,
    /// What the model says instead of an answer that it declines to give; empty when it declines nothing.
    pub refusal: String,
    /// The blocks of reasoning, in order, with what has to be sent back.
    pub reasoning: Vec<Reasoning>,
    /// Calls that the model makes.
    pub tool_calls: Vec<ToolCall>,
    /// Log probabilities of the answer's tokens, when they were asked for.
    pub logprobs: Vec<TokenLogprob>,
    /// Why it ended.
    pub finish: FinishReason,
    /// The provider's own word for that; empty when it gives none.
    pub native_finish: String,
    /// Tokens.
    pub usage: Usage,
    /// Kinds of content and events that were not understood, by the provider's names for them.
    pub unknown: Vec<String>,
    /// The bytes as received, when they may be passed on untouched.
    pub raw: Option<Bytes>,
}

impl ChatResponse {
    /// The text of all blocks of reasoning, joined.
    pub fn reasoning_text(&self) -> String {
        self.reasoning
            .iter()
            .map(|block| block.text.as_str())
            .collect()
    }

    /// The answer as the message that continues the conversation.
    pub fn into_message(self) -> Message {
        let mut parts: Vec<ContentPart> = self
            .reasoning
            .into_iter()
            .map(ContentPart::Reasoning)
            .collect();
        let text = if self.text.is_empty() {
            self.refusal
        } else {
            self.text
        };
        if !text.is_empty() {
            parts.push(ContentPart::Text(text));
        }
        Message {
            role: Role::Assistant,
            parts,
            tool_calls: self.tool_calls,
            tool_call_id: None,
            tool_failed: false,
        }
    }
}
