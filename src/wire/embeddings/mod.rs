//! Asking for vectors: one file for each dialect, and one reader that knows every answer by its shape.

mod batch;
mod bedrock;
mod cohere;
mod gemini;
mod hugging_face;
mod ollama;
mod openai;
mod packed;
mod read;
#[cfg(test)]
mod tests;
mod vertex;

pub use batch::BatchLimit;
pub use batch::batches;
pub use batch::limit;
pub use read::decode;
pub use read::decode_embedding;

use bytes::Bytes;
use serde_json::Value;

use super::Encoded;
use super::WireError;
use crate::client::EmbeddingPurpose;
use crate::types::EmbeddingDialect;

/// One call for vectors.
#[derive(Debug, Clone, Copy)]
pub struct Wanted<'a> {
    /// The model as its provider knows it.
    pub model: &'a str,
    /// As many as [`limit`] allows, at least one.
    pub texts: &'a [String],
    /// The length of the vectors; `None` leaves the model's own.
    pub dimensions: Option<u32>,
    /// What the vectors are for.
    pub purpose: EmbeddingPurpose,
}

/// Writes a request for vectors.
///
/// A path that begins with a version of its own (`/v1/…`, `/v2/…`, `/hf-inference/…`) belongs to the provider's
/// host and not behind the version in its base URL: see [`is_beside_version`].
///
/// # Errors
/// `Unsupported` when the dialect has no vectors, or the model's family is not known on Bedrock.
pub fn encode_embedding(
    dialect: EmbeddingDialect,
    wanted: &Wanted<'_>,
) -> Result<Encoded, WireError> {
    match dialect {
        EmbeddingDialect::Openai
        | EmbeddingDialect::Mistral
        | EmbeddingDialect::Voyage
        | EmbeddingDialect::Nvidia
        | EmbeddingDialect::Perplexity => Ok(openai::encode(dialect, wanted)),
        EmbeddingDialect::Gemini => Ok(gemini::encode(wanted)),
        EmbeddingDialect::Vertex => Ok(vertex::encode(wanted)),
        EmbeddingDialect::Cohere => Ok(cohere::encode(wanted)),
        EmbeddingDialect::Ollama => Ok(ollama::encode(wanted)),
        EmbeddingDialect::Bedrock => bedrock::encode(wanted),
        EmbeddingDialect::HuggingFace => Ok(hugging_face::encode(wanted)),
        EmbeddingDialect::None => Err(WireError::Unsupported(
            "this provider turns no texts into vectors".to_owned(),
        )),
    }
}

/// `true` when the paths of a dialect begin with a version, or another place, of their own: then the version at
/// the end of the base URL has to go.
pub fn is_beside_version(dialect: EmbeddingDialect) -> bool {
    match dialect {
        EmbeddingDialect::Perplexity | EmbeddingDialect::Cohere | EmbeddingDialect::HuggingFace => {
            true
        }
        EmbeddingDialect::Openai
        | EmbeddingDialect::Mistral
        | EmbeddingDialect::Voyage
        | EmbeddingDialect::Nvidia
        | EmbeddingDialect::Gemini
        | EmbeddingDialect::Vertex
        | EmbeddingDialect::Ollama
        | EmbeddingDialect::Bedrock
        | EmbeddingDialect::None => false,
    }
}

/// A request of this body; `dimensions` is told as lost when the dialect has no place for it.
fn encoded(path: String, body: &Value, lost_dimensions: bool) -> Encoded {
    Encoded {
        path,
        body: Bytes::from(body.to_string()),
        dropped: lost_dimensions
            .then(|| "dimensions".to_owned())
            .into_iter()
            .collect(),
    }
}
