//! How many texts one call takes.

use super::bedrock::Family;
use super::vertex;
use crate::types::EmbeddingDialect;
use crate::types::usage::estimate_tokens;

/// What one call may hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BatchLimit {
    /// Texts, at least 1.
    pub texts: usize,
    /// Tokens of all texts together, by a cautious estimate; a single longer text goes alone.
    pub tokens: u64,
}

/// Returns what one call of a dialect may hold, from the providers' references (read 2026-08). Servers of one's
/// own that speak `OpenAI`'s dialect often take less: a provider's file can say so.
pub fn limit(dialect: EmbeddingDialect, model: &str) -> BatchLimit {
    let (texts, tokens) = match dialect {
        EmbeddingDialect::Openai => (2048, 300_000),
        // Its errors 3210 name 512 texts and 16384 tokens.
        EmbeddingDialect::Mistral => (512, 16_384),
        EmbeddingDialect::Voyage => (1000, 120_000),
        EmbeddingDialect::Nvidia => (50, u64::MAX),
        EmbeddingDialect::Perplexity => (512, 120_000),
        EmbeddingDialect::Gemini => (100, u64::MAX),
        EmbeddingDialect::Vertex if model.contains("gemini") || vertex::speaks_gemini(model) => {
            (1, u64::MAX)
        }
        EmbeddingDialect::Vertex => (250, 20_000),
        EmbeddingDialect::Cohere => (96, u64::MAX),
        // No limit of its own, but one call keeps the server from everybody else.
        EmbeddingDialect::Ollama => (128, u64::MAX),
        EmbeddingDialect::Bedrock => match Family::of(model) {
            Some(Family::Cohere { .. }) => (96, u64::MAX),
            Some(Family::Titan { .. } | Family::TitanImage | Family::Nova) | None => (1, u64::MAX),
        },
        // The default of the server behind the pipeline, text-embeddings-inference.
        EmbeddingDialect::HuggingFace => (32, u64::MAX),
        EmbeddingDialect::None => (1, u64::MAX),
    };
    BatchLimit { texts, tokens }
}

/// Cuts texts into batches within the limit, in order, none empty.
pub fn batches(texts: &[String], limit: BatchLimit) -> Vec<&[String]> {
    let mut batches = Vec::new();
    let (mut start, mut tokens) = (0, 0_u64);
    for (at, text) in texts.iter().enumerate() {
        let more = estimate_tokens(text);
        let full = at - start >= limit.texts.max(1) || tokens.saturating_add(more) > limit.tokens;
        if full && at > start {
            batches.push(&texts[start..at]);
            (start, tokens) = (at, 0);
        }
        tokens = tokens.saturating_add(more);
    }
    if start < texts.len() {
        batches.push(&texts[start..]);
    }
    batches
}
