//! The contract of turning texts into vectors.

use async_trait::async_trait;

use super::call::CallContext;
use super::error::LlmError;
use crate::types::ModelName;
use crate::types::Usage;

/// What is to be turned into vectors.
#[derive(Debug, Clone)]
pub struct EmbeddingRequest {
    /// Who shall do it.
    pub model: ModelName,
    /// The texts, at least one; each gives one vector.
    pub texts: Vec<String>,
    /// The length of the vectors; `None` leaves the model's own.
    pub dimensions: Option<u32>,
    /// What the vectors are for, where a model makes a difference.
    pub purpose: EmbeddingPurpose,
    /// On whose behalf, and until when.
    pub call: CallContext,
}

/// What vectors are for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum EmbeddingPurpose {
    /// Texts that will be searched.
    #[default]
    Document,
    /// What is searched for.
    Query,
}

/// The vectors.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct EmbeddingResponse {
    /// The model that answered, as the provider names it; empty when it does not say.
    pub model: String,
    /// One vector for each text, in the order of the texts.
    pub vectors: Vec<Vec<f32>>,
    /// Tokens; all are input.
    pub usage: Usage,
}

/// Turns texts into vectors.
#[cfg_attr(test, mockall::automock)]
#[async_trait]
pub trait EmbeddingClient: Send + Sync {
    /// The provider that answers, as written before the slash of a model's name.
    fn provider_name(&self) -> &str;

    /// Asks for the vectors. More texts than the provider takes at once are sent in several calls.
    ///
    /// # Errors
    /// The class of `LlmErrorKind` says what the caller can do.
    async fn embed(&self, request: &EmbeddingRequest) -> Result<EmbeddingResponse, LlmError>;
}
