//! The contract of calling a model: one trait, one request, one error.

mod call;
mod embedding;
mod error;
mod request;
mod scripted;

use std::sync::Arc;

use async_trait::async_trait;
use futures::stream::BoxStream;

pub use call::CallContext;
pub use call::CallPath;
pub use call::CallTrace;
pub use call::CallWait;
pub use call::Routed;
pub use embedding::EmbeddingClient;
pub use embedding::EmbeddingPurpose;
pub use embedding::EmbeddingRequest;
pub use embedding::EmbeddingResponse;
pub use error::Attempt;
pub use error::LlmError;
pub use error::LlmErrorKind;
pub use error::TimeoutPhase;
pub use request::ChatRequest;
pub use request::Content;
pub use request::Head;
pub use request::TextRequest;
pub use request::Wishes;
pub use scripted::Reply;
pub use scripted::ScriptedClient;

use crate::types::ChatChunk;
use crate::types::ChatResponse;
use crate::types::ModelName;
use crate::types::ResponseBuilder;

/// A streamed answer. Dropping it closes the upstream connection at once.
pub type ChunkStream = BoxStream<'static, Result<ChatChunk, LlmError>>;

/// Calls models. The unified client, a legacy client, the router and a script for tests all are one.
#[cfg_attr(test, mockall::automock)]
#[async_trait]
pub trait BaseLlmClient: Send + Sync {
    /// The provider that answers, as written before the slash of a model's name.
    fn provider_name(&self) -> &str;

    /// Asks and waits for the whole answer.
    ///
    /// # Errors
    /// The class of [`LlmErrorKind`] says what the caller can do.
    async fn send_message(&self, request: &ChatRequest) -> Result<ChatResponse, LlmError>;

    /// Asks and resolves with the first chunk in hand: up to that moment another client can be tried, never after.
    ///
    /// # Errors
    /// As for [`Self::send_message`]; after the first chunk an error is an item of the stream, and ends it.
    async fn stream_message(&self, request: &ChatRequest) -> Result<ChunkStream, LlmError>;
}

/// Gives the client for a model's name.
pub trait ClientSource: Send + Sync {
    /// Returns who can be asked for this model.
    ///
    /// # Errors
    /// `ModelNotFound` when no provider of that name is known; the message names the nearest.
    fn client(&self, model: &ModelName) -> Result<Arc<dyn BaseLlmClient>, LlmError>;
}

/// Gives who turns texts into vectors, for a model's name.
pub trait EmbedderSource: Send + Sync {
    /// Returns who can be asked for this model.
    ///
    /// # Errors
    /// `ModelNotFound` when no provider of that name is known, `InvalidRequest` when its provider has no vectors.
    fn embedder(&self, model: &ModelName) -> Result<Arc<dyn EmbeddingClient>, LlmError>;
}

/// Puts a stream's chunks together into the whole answer.
///
/// # Errors
/// The first error of the stream; what had arrived is lost to the caller.
pub async fn collect(mut stream: ChunkStream) -> Result<ChatResponse, LlmError> {
    use futures::StreamExt;
    let mut builder = ResponseBuilder::default();
    while let Some(chunk) = stream.next().await {
        builder.push(&chunk?);
    }
    Ok(builder.finish())
}
