//! Identifiers as types, so that a debate's id never lands where a turn's belongs.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::Deserialize;
use serde::Serialize;

/// A model as people write it: `provider/model`, split at the first slash only.
///
/// `ollama/llama2:13b` and `openrouter/meta-llama/llama-3.3-70b:free` are both names of this form.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ModelName {
    full: Arc<str>,
    slash: usize,
}

/// Says why a text is not a model name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "\"{0}\" is not a model: write provider/model, for example ollama/llama3.2 or anthropic/claude-sonnet-5"
)]
pub struct InvalidModelName(pub String);

impl ModelName {
    /// The provider: everything before the first slash.
    pub fn provider(&self) -> &str {
        &self.full[..self.slash]
    }

    /// The model as its provider knows it: everything behind the first slash.
    pub fn model(&self) -> &str {
        &self.full[self.slash + 1..]
    }

    /// The whole name, `provider/model`.
    pub fn as_str(&self) -> &str {
        &self.full
    }
}

impl FromStr for ModelName {
    type Err = InvalidModelName;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let invalid = || InvalidModelName(text.chars().take(120).collect());
        let slash = text.find('/').ok_or_else(invalid)?;
        let blank = |c: char| c.is_whitespace() || c.is_control();
        if slash == 0 || slash + 1 == text.len() || text.len() > 256 || text.contains(blank) {
            return Err(invalid());
        }
        Ok(Self {
            full: text.into(),
            slash,
        })
    }
}

impl TryFrom<String> for ModelName {
    type Error = InvalidModelName;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<ModelName> for String {
    fn from(name: ModelName) -> Self {
        name.full.as_ref().to_owned()
    }
}

impl fmt::Display for ModelName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.full)
    }
}

impl fmt::Debug for ModelName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", &self.full)
    }
}

macro_rules! text_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(Arc<str>);

        impl $name {
            /// Wraps an identifier that was made by Agon or is about to be looked up.
            pub fn new(text: impl Into<Arc<str>>) -> Self {
                Self(text.into())
            }

            /// The identifier as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

text_id!(
    /// A debate's identifier, `d_` and a time-ordered UUID.
    DebateId
);
text_id!(
    /// A turn's identifier, unique within its debate: `t_1`, `t_2`, ….
    TurnId
);

/// The protocol that a body is written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Wire {
    /// OpenAI's Chat Completions.
    OpenaiChat,
    /// OpenAI's Responses.
    OpenaiResponses,
    /// Anthropic's Messages.
    Anthropic,
    /// Google's `generateContent`.
    Gemini,
    /// Ollama's own `/api/chat`.
    Ollama,
    /// Cohere's version 2.
    Cohere,
    /// Amazon Bedrock's Converse.
    Bedrock,
    /// Replicate's predictions.
    Replicate,
    /// No wire at all: the provider inside this program.
    Demo,
}

impl Wire {
    /// All wires that are spoken.
    pub const ALL: [Self; 8] = [
        Self::OpenaiChat,
        Self::OpenaiResponses,
        Self::Anthropic,
        Self::Gemini,
        Self::Ollama,
        Self::Cohere,
        Self::Bedrock,
        Self::Replicate,
    ];

    /// Its name in files and on the command line.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::OpenaiChat => "openai_chat",
            Self::OpenaiResponses => "openai_responses",
            Self::Anthropic => "anthropic",
            Self::Gemini => "gemini",
            Self::Ollama => "ollama",
            Self::Cohere => "cohere",
            Self::Bedrock => "bedrock",
            Self::Replicate => "replicate",
            Self::Demo => "demo",
        }
    }
}

impl fmt::Display for Wire {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_model_name_splits_at_the_first_slash_only() {
        let name: ModelName = "openrouter/meta-llama/llama-3.3:free".parse().unwrap();
        assert_eq!(name.provider(), "openrouter");
        assert_eq!(name.model(), "meta-llama/llama-3.3:free");
    }

    #[test]
    fn what_is_not_provider_slash_model_is_refused_with_an_example() {
        for text in ["", "gpt-4o", "/x", "openai/", "open ai/x", "openai/a\nb"] {
            let error = text.parse::<ModelName>().unwrap_err().to_string();
            assert!(error.contains("provider/model"), "{error}");
        }
    }
}
