//! A client that plays a script, for tests and examples outside this crate.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::time::Duration;

use async_trait::async_trait;
use futures::StreamExt;
use futures::stream;

use super::BaseLlmClient;
use super::ChatRequest;
use super::ChunkStream;
use super::ClientSource;
use super::LlmError;
use super::LlmErrorKind;
use super::collect;
use crate::types::ChatChunk;
use crate::types::ChatResponse;
use crate::types::Delta;
use crate::types::FinishReason;
use crate::types::ModelName;
use crate::types::Usage;

/// One answer of a script.
#[derive(Debug, Clone)]
pub enum Reply {
    /// The text, streamed in these pieces.
    Text(Vec<String>),
    /// An error before the first chunk.
    Fail(LlmError),
    /// Some pieces, then the connection breaks.
    Cut(Vec<String>),
    /// One piece, then silence for ever.
    Stall(String),
}

impl Reply {
    /// A text in one piece per word.
    pub fn words(text: &str) -> Self {
        Self::Text(text.split_inclusive(' ').map(str::to_owned).collect())
    }
}

/// Plays replies in order, whoever asks; keeps the requests for the test to read.
#[derive(Debug, Clone, Default)]
pub struct ScriptedClient {
    replies: Arc<Mutex<VecDeque<Reply>>>,
    asked: Arc<Mutex<Vec<ChatRequest>>>,
    delay: Duration,
}

impl ScriptedClient {
    /// A client with these replies.
    pub fn new(replies: impl IntoIterator<Item = Reply>) -> Self {
        let replies = Arc::new(Mutex::new(replies.into_iter().collect()));
        Self {
            replies,
            ..Self::default()
        }
    }

    /// The same client with a pause before every piece.
    #[must_use]
    pub fn with_delay(mut self, delay: Duration) -> Self {
        self.delay = delay;
        self
    }

    /// What was asked so far.
    pub fn asked(&self) -> Vec<ChatRequest> {
        self.asked
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    fn next_reply(&self, request: &ChatRequest) -> Result<Reply, LlmError> {
        self.asked
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(request.clone());
        let next = self
            .replies
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .pop_front();
        next.ok_or_else(|| {
            LlmError::new(
                LlmErrorKind::InvalidRequest,
                "scripted",
                "the script has ended",
            )
        })
    }
}

#[async_trait]
impl BaseLlmClient for ScriptedClient {
    fn provider_name(&self) -> &str {
        "scripted"
    }

    async fn send_message(&self, request: &ChatRequest) -> Result<ChatResponse, LlmError> {
        collect(self.stream_message(request).await?).await
    }

    async fn stream_message(&self, request: &ChatRequest) -> Result<ChunkStream, LlmError> {
        let (pieces, ending) = match self.next_reply(request)? {
            Reply::Text(pieces) => {
                let output = pieces.len() as u64;
                let usage = Usage {
                    input: request.head.estimated_tokens,
                    output,
                    ..Usage::default()
                };
                let last = ChatChunk {
                    finish: Some(FinishReason::Stop),
                    usage: Some(usage),
                    ..ChatChunk::default()
                };
                (pieces, stream::iter([Ok(last)]).boxed())
            }
            Reply::Fail(error) => return Err(error),
            Reply::Cut(pieces) => {
                let bytes = pieces.iter().map(|piece| piece.len() as u64).sum();
                let cut = LlmError::new(
                    LlmErrorKind::StreamInterrupted { bytes },
                    "scripted",
                    "the connection broke",
                );
                (pieces, stream::iter([Err(cut)]).boxed())
            }
            Reply::Stall(piece) => (vec![piece], stream::pending().boxed()),
        };
        let delay = self.delay;
        let text = stream::iter(pieces).then(move |text| async move {
            if !delay.is_zero() {
                tokio::time::sleep(delay).await;
            }
            Ok(ChatChunk {
                delta: Delta {
                    text,
                    ..Delta::default()
                },
                ..ChatChunk::default()
            })
        });
        Ok(text.chain(ending).boxed())
    }
}

impl ClientSource for ScriptedClient {
    fn client(&self, _model: &ModelName) -> Result<Arc<dyn BaseLlmClient>, LlmError> {
        Ok(Arc::new(self.clone()))
    }
}
