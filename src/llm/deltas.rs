//! An answer as it comes.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::Context;
use std::task::Poll;

use futures::Stream;
use futures::StreamExt;

use super::Answer;
use crate::client::CallTrace;
use crate::client::ChunkStream;
use crate::client::LlmError;
use crate::types::ChatChunk;
use crate::types::Delta;
use crate::types::ModelName;
use crate::types::Prices;
use crate::types::ResponseBuilder;

/// The pieces of an answer, in order. Dropping it ends the call at once.
pub struct Deltas {
    chunks: ChunkStream,
    builder: ResponseBuilder,
    model: ModelName,
    prices: Option<Prices>,
    trace: Arc<CallTrace>,
    failed: Option<LlmError>,
}

impl Deltas {
    pub(super) fn new(
        chunks: ChunkStream,
        model: ModelName,
        prices: Option<Prices>,
        trace: Arc<CallTrace>,
    ) -> Self {
        Self {
            chunks,
            builder: ResponseBuilder::default(),
            model,
            prices,
            trace,
            failed: None,
        }
    }

    /// Who was asked, by the full name.
    pub fn model(&self) -> &ModelName {
        &self.model
    }

    /// Waits for what is still to come and gives the whole answer, with its usage and cost.
    ///
    /// # Errors
    /// The error that ended the stream, even when it was handed out before.
    pub async fn into_answer(mut self) -> Result<Answer, LlmError> {
        while let Some(delta) = self.next().await {
            delta?;
        }
        if let Some(error) = self.failed {
            return Err(error);
        }
        let response = self.builder.finish();
        Ok(Answer {
            cost: self.prices.map(|prices| prices.cost(&response.usage)),
            dropped: self.trace.dropped(),
            model: self.model,
            response,
        })
    }

    /// The text alone, piece by piece.
    pub fn into_texts(self) -> impl Stream<Item = Result<String, LlmError>> + Send + Unpin {
        self.filter_map(|delta| {
            let text = match delta {
                Ok(delta) => (!delta.text.is_empty()).then_some(Ok(delta.text)),
                Err(error) => Some(Err(error)),
            };
            std::future::ready(text)
        })
    }

    /// Takes what came; `None` when a reader sees nothing of it.
    fn visible(&mut self, chunk: Result<ChatChunk, LlmError>) -> Option<Result<Delta, LlmError>> {
        match chunk {
            Ok(chunk) => {
                self.builder.push(&chunk);
                (!chunk.delta.is_empty()).then_some(Ok(chunk.delta))
            }
            Err(error) => {
                self.failed = Some(error.clone());
                Some(Err(error))
            }
        }
    }
}

impl Stream for Deltas {
    type Item = Result<Delta, LlmError>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        loop {
            if self.failed.is_some() {
                return Poll::Ready(None);
            }
            let Poll::Ready(item) = self.chunks.poll_next_unpin(cx) else {
                return Poll::Pending;
            };
            match item.map(|chunk| self.visible(chunk)) {
                Some(None) => {}
                Some(Some(delta)) => return Poll::Ready(Some(delta)),
                None => return Poll::Ready(None),
            }
        }
    }
}

impl fmt::Debug for Deltas {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Deltas")
            .field("model", &self.model)
            .finish_non_exhaustive()
    }
}
