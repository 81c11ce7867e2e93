//! How a provider is asked for vectors.

use std::fmt;

use serde::Deserialize;
use serde::Serialize;

/// The protocol in which a provider is asked for vectors: not always its chat's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EmbeddingDialect {
    /// OpenAI's `/embeddings`, as most servers have it.
    Openai,
    /// The same with Mistral's names.
    Mistral,
    /// The same with Voyage's names, and with a purpose.
    Voyage,
    /// The same with NVIDIA's purpose.
    Nvidia,
    /// The same, answered in base64 of signed bytes.
    Perplexity,
    /// Google's `batchEmbedContents`.
    Gemini,
    /// Vertex AI's `predict`.
    Vertex,
    /// Cohere's `/v2/embed`.
    Cohere,
    /// Ollama's own `/api/embed`.
    Ollama,
    /// Amazon Bedrock's `invoke`, with the body of the model's family.
    Bedrock,
    /// Hugging Face's `feature-extraction` pipeline.
    HuggingFace,
    /// The provider has no vectors.
    None,
}

impl EmbeddingDialect {
    /// Its name in files.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Openai => "openai",
            Self::Mistral => "mistral",
            Self::Voyage => "voyage",
            Self::Nvidia => "nvidia",
            Self::Perplexity => "perplexity",
            Self::Gemini => "gemini",
            Self::Vertex => "vertex",
            Self::Cohere => "cohere",
            Self::Ollama => "ollama",
            Self::Bedrock => "bedrock",
            Self::HuggingFace => "hugging_face",
            Self::None => "none",
        }
    }
}

impl fmt::Display for EmbeddingDialect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
