//! Vectors from every provider: in batches as large as its dialect takes, over the same connections, keys and
//! errors as chats. Nothing is asked for twice here: that is the router's.

use async_trait::async_trait;
use futures::StreamExt;
use futures::TryStreamExt;
use futures::stream;

use super::unified::UnifiedClient;
use crate::client::EmbeddingClient;
use crate::client::EmbeddingRequest;
use crate::client::EmbeddingResponse;
use crate::client::LlmError;
use crate::client::LlmErrorKind;
use crate::types::EmbeddingDialect;
use crate::wire::Encoded;
use crate::wire::embeddings;
use crate::wire::embeddings::Wanted;

/// Calls of one request that are under way at once; a local server is asked one at a time.
const MAX_AT_ONCE: usize = 4;

/// Turns texts into vectors at one provider; which of its models, each request says.
#[derive(Debug, Clone)]
pub struct UnifiedEmbedder {
    client: UnifiedClient,
    dialect: EmbeddingDialect,
    max_texts: Option<usize>,
}

impl UnifiedEmbedder {
    /// An embedder of this client's provider; `max_texts` is the most of one call where it is less than the
    /// dialect's limit.
    pub fn new(client: UnifiedClient, dialect: EmbeddingDialect, max_texts: Option<u32>) -> Self {
        Self {
            client,
            dialect,
            max_texts: max_texts.map(|texts| texts.max(1) as usize),
        }
    }

    async fn embed_batch(
        &self,
        request: &EmbeddingRequest,
        texts: &[String],
    ) -> Result<EmbeddingResponse, LlmError> {
        let body = self.encode(request, texts)?;
        let call = &request.call;
        let mut opened = self.client.post_beside(&request.model, call, body).await?;
        let answer = opened.read().await?;
        embeddings::decode_embedding(self.dialect, &answer, texts, &|name| opened.header(name))
            .map_err(|error| opened.undecodable(error))
    }

    fn encode(&self, request: &EmbeddingRequest, texts: &[String]) -> Result<Encoded, LlmError> {
        let wanted = Wanted {
            model: request.model.model(),
            texts,
            dimensions: request.dimensions,
            purpose: request.purpose,
        };
        embeddings::encode_embedding(self.dialect, &wanted)
            .map_err(|error| self.refused(error.to_string()))
    }

    fn refused(&self, message: String) -> LlmError {
        LlmError::new(LlmErrorKind::InvalidRequest, self.provider_name(), message)
    }
}

#[async_trait]
impl EmbeddingClient for UnifiedEmbedder {
    fn provider_name(&self) -> &str {
        &self.client.spec().id
    }

    async fn embed(&self, request: &EmbeddingRequest) -> Result<EmbeddingResponse, LlmError> {
        if request.texts.is_empty() {
            return Err(self.refused("there is no text to turn into a vector".to_owned()));
        }
        let mut limit = embeddings::limit(self.dialect, request.model.model());
        limit.texts = self
            .max_texts
            .map_or(limit.texts, |own| own.min(limit.texts));
        let batches = embeddings::batches(&request.texts, limit);
        let at_once = match self.client.spec().local {
            true => 1,
            false => MAX_AT_ONCE,
        };
        let calls: Vec<_> = batches
            .into_iter()
            .map(|texts| self.embed_batch(request, texts))
            .collect();
        let whole = EmbeddingResponse::default();
        stream::iter(calls)
            .buffered(at_once)
            .try_fold(whole, |mut whole, part| async move {
                whole.model = part.model;
                whole.vectors.extend(part.vectors);
                whole.usage += part.usage;
                Ok(whole)
            })
            .await
    }
}
