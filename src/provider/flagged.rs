//! A provider on its legacy path.

use std::sync::Arc;

use async_trait::async_trait;

use super::unified::UnifiedClient;
use crate::client::BaseLlmClient;
use crate::client::ChatRequest;
use crate::client::ChunkStream;
use crate::client::Content;
use crate::client::LlmError;
use crate::types::ChatResponse;

/// Calls the legacy client with everything that it takes; the rest stays unified: a body in a wire's own form,
/// which it cannot read, and an address or key of the caller's, which only the unified path guards.
pub(super) struct FlaggedClient {
    legacy: Arc<dyn BaseLlmClient>,
    unified: UnifiedClient,
}

impl FlaggedClient {
    pub(super) fn new(legacy: Arc<dyn BaseLlmClient>, unified: UnifiedClient) -> Self {
        Self { legacy, unified }
    }

    fn client_for(&self, request: &ChatRequest) -> &dyn BaseLlmClient {
        let typed = matches!(request.content, Content::Typed(_));
        match typed && request.call.endpoint.is_none() {
            true => self.legacy.as_ref(),
            false => &self.unified,
        }
    }
}

#[async_trait]
impl BaseLlmClient for FlaggedClient {
    fn provider_name(&self) -> &str {
        self.legacy.provider_name()
    }

    async fn send_message(&self, request: &ChatRequest) -> Result<ChatResponse, LlmError> {
        self.client_for(request).send_message(request).await
    }

    async fn stream_message(&self, request: &ChatRequest) -> Result<ChunkStream, LlmError> {
        self.client_for(request).stream_message(request).await
    }
}
