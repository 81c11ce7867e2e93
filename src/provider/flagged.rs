//! A provider on its legacy path.

use std::borrow::Cow;
use std::sync::Arc;

use async_trait::async_trait;

use super::unified::UnifiedClient;
use crate::client::BaseLlmClient;
use crate::client::ChatRequest;
use crate::client::ChunkStream;
use crate::client::Content;
use crate::client::LlmError;
use crate::types::ChatResponse;
use crate::wire;

/// Calls the legacy client with everything that it takes; a body in a wire's own form is read for it first. The rest
/// stays unified: an address or key of the caller's, which only the unified path guards, and an entry of the model
/// list, whose settings only that one knows.
pub(super) struct FlaggedClient {
    legacy: Arc<dyn BaseLlmClient>,
    unified: UnifiedClient,
}

impl FlaggedClient {
    pub(super) fn new(legacy: Arc<dyn BaseLlmClient>, unified: UnifiedClient) -> Self {
        Self { legacy, unified }
    }

    /// The request as the legacy client reads it; `None` where the call stays unified.
    fn for_legacy(request: &ChatRequest) -> Option<Cow<'_, ChatRequest>> {
        if request.call.endpoint.is_some() || request.call.target.is_some() {
            return None;
        }
        match &request.content {
            Content::Typed(_) => Some(Cow::Borrowed(request)),
            Content::Raw { .. } | Content::Text(_) => {
                let chat = wire::typed(request).ok()?.into_owned();
                Some(Cow::Owned(ChatRequest {
                    content: Content::Typed(chat.into()),
                    ..request.clone()
                }))
            }
        }
    }
}

#[async_trait]
impl BaseLlmClient for FlaggedClient {
    fn provider_name(&self) -> &str {
        self.legacy.provider_name()
    }

    async fn send_message(&self, request: &ChatRequest) -> Result<ChatResponse, LlmError> {
        match Self::for_legacy(request) {
            Some(request) => self.legacy.send_message(&request).await,
            None => self.unified.send_message(request).await,
        }
    }

    async fn stream_message(&self, request: &ChatRequest) -> Result<ChunkStream, LlmError> {
        match Self::for_legacy(request) {
            Some(request) => self.legacy.stream_message(&request).await,
            None => self.unified.stream_message(request).await,
        }
    }
}
