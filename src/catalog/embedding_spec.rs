//! How a provider is asked for vectors.

use super::template::Template;
use crate::types::EmbeddingDialect;
use crate::types::Wire;

/// How a provider is asked for vectors: `[embeddings]` of its file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct EmbeddingSpec {
    /// In which dialect; `None` leaves the one that goes with its wire.
    pub dialect: Option<EmbeddingDialect>,
    /// Most texts of one call; `None` leaves the dialect's limit.
    pub max_texts: Option<u32>,
    /// A path in place of the dialect's.
    pub path: Option<Template>,
    /// What stands before the dialect's path.
    pub before: Option<Template>,
}

impl EmbeddingSpec {
    /// The dialect of a provider that speaks this wire.
    pub fn dialect_on(&self, wire: Wire) -> EmbeddingDialect {
        self.dialect.unwrap_or(match wire {
            Wire::OpenaiChat | Wire::OpenaiResponses => EmbeddingDialect::Openai,
            Wire::Gemini => EmbeddingDialect::Gemini,
            Wire::Ollama => EmbeddingDialect::Ollama,
            Wire::Cohere => EmbeddingDialect::Cohere,
            Wire::Bedrock => EmbeddingDialect::Bedrock,
            Wire::Anthropic | Wire::Replicate | Wire::Demo => EmbeddingDialect::None,
        })
    }
}
