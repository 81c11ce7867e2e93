//! Vectors, with the deployments, attempts and reports that chats have.

use async_trait::async_trait;

use super::calling::Calling;
use super::errand::Vectors;
use super::run::GroupClient;
use crate::client::EmbeddingClient;
use crate::client::EmbeddingRequest;
use crate::client::EmbeddingResponse;
use crate::client::LlmError;
use crate::client::Wishes;

/// Turns texts into vectors with the deployments of one group.
pub(super) struct GroupEmbedder(pub(super) GroupClient);

#[async_trait]
impl EmbeddingClient for GroupEmbedder {
    fn provider_name(&self) -> &str {
        self.0.group.provider()
    }

    async fn embed(&self, request: &EmbeddingRequest) -> Result<EmbeddingResponse, LlmError> {
        let wishes = Wishes::default();
        let errand = Vectors {
            request,
            wishes: &wishes,
        };
        let mut calling = Calling::start(&self.0, &errand, &request.model);
        calling.meter.admit(None).await;
        match calling.ask(&errand).await {
            Ok((response, mut ticket)) => {
                let mut meter = calling.meter;
                meter.vectors(&response);
                ticket.used(response.usage.total_tokens());
                ticket.answered(1);
                ticket.succeeded();
                meter.succeeded();
                Ok(response)
            }
            Err(error) => {
                calling.meter.failed(&error);
                Err(error)
            }
        }
    }
}
