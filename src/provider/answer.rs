//! A streamed answer as it comes in: bytes to chunks, with every wait bounded and every ending named.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt;
use futures::stream;
use tokio::time::Instant;

use super::failure::Callee;
use super::failure::Failure;
use super::reply::ReplyBody;
use super::waits::Waits;
use crate::client::ChunkStream;
use crate::client::LlmError;
use crate::client::LlmErrorKind;
use crate::client::TimeoutPhase;
use crate::types::ChatChunk;
use crate::types::Usage;
use crate::wire::StreamDecoder;
use crate::wire::WireError;

/// How long the usage may come behind the end of an answer.
const AFTERWORD: Duration = Duration::from_secs(2);

/// One answer under way. Dropping it closes the connection.
pub(super) struct Answer {
    body: ReplyBody,
    decoder: StreamDecoder,
    callee: Arc<Callee>,
    waits: Waits,
    ready: VecDeque<ChatChunk>,
    state: State,
    /// The error that follows what is ready.
    failed: Option<LlmError>,
    tally: Tally,
}

/// How far an answer is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// No event has come.
    Silent,
    /// Events have come, but nothing that a reader sees.
    Heard,
    /// The answer has begun: from here on another client cannot be tried.
    Begun,
    /// It has told why it ends; only the usage may still come.
    Finished,
    /// Nothing more will come.
    Over,
}

/// What is needed to estimate the usage of a provider that tells none.
#[derive(Debug, Default)]
struct Tally {
    input: u64,
    output_chars: u64,
    reasoning_chars: u64,
    told: bool,
}

impl Answer {
    pub(super) fn new(
        body: ReplyBody,
        decoder: StreamDecoder,
        callee: Arc<Callee>,
        waits: Waits,
    ) -> Self {
        Self {
            body,
            decoder,
            callee,
            waits,
            ready: VecDeque::new(),
            state: State::Silent,
            failed: None,
            tally: Tally::default(),
        }
    }

    /// Gives the prompt's tokens, for a provider that tells no usage.
    pub(super) fn estimate_from(&mut self, prompt_tokens: u64) {
        self.tally.input = prompt_tokens;
    }

    /// Waits for the first chunk that a reader sees. What came before it (an id, a role, the prompt's usage) is
    /// kept and handed out first: up to here another client can be tried, so the wait goes as far as it can.
    pub(super) async fn begin(&mut self) -> Result<(), LlmError> {
        while matches!(self.state, State::Silent | State::Heard) {
            self.read_on().await?;
        }
        Ok(())
    }

    /// The rest of the answer.
    pub(super) fn into_stream(self) -> ChunkStream {
        stream::unfold(self, |mut answer| async move {
            answer.next().await.map(|item| (item, answer))
        })
        .boxed()
    }

    async fn next(&mut self) -> Option<Result<ChatChunk, LlmError>> {
        loop {
            if let Some(chunk) = self.ready.pop_front() {
                return Some(Ok(chunk));
            }
            if let Some(error) = self.failed.take() {
                return Some(Err(error));
            }
            if self.state == State::Over {
                return None;
            }
            if let Err(error) = self.read_on().await {
                return Some(Err(error));
            }
        }
    }

    /// Reads the next bytes and decodes them. After an error nothing more comes.
    async fn read_on(&mut self) -> Result<(), LlmError> {
        let (due, phase) = match self.state {
            State::Silent => (self.waits.first_token_at(), TimeoutPhase::FirstToken),
            State::Heard | State::Begun => (self.waits.idle_at(), TimeoutPhase::Idle),
            State::Finished | State::Over => {
                let soon = self.waits.idle_at().min(Instant::now() + AFTERWORD);
                (soon, TimeoutPhase::Idle)
            }
        };
        match self.body.next(&self.waits, due, phase).await {
            Ok(Some(bytes)) => {
                let mut chunks = Vec::new();
                let decoded = self.decoder.push(&bytes, &mut chunks);
                self.take(chunks, decoded)
            }
            Ok(None) => self.close(),
            // The answer is whole: what breaks behind it costs nothing but the usage.
            Err(_) if self.state == State::Finished => {
                self.end();
                Ok(())
            }
            Err(failure) => Err(self.broken(failure)),
        }
    }

    /// Takes what was decoded; what came before an error is kept, and the error comes after it.
    fn take(
        &mut self,
        chunks: Vec<ChatChunk>,
        decoded: Result<(), WireError>,
    ) -> Result<(), LlmError> {
        for chunk in chunks {
            self.tally.count(&chunk);
            self.state = match self.state {
                State::Over => State::Over,
                _ if chunk.finish.is_some() => State::Finished,
                // One provider ends every tool call, and goes on with the next (Together, seen 2026-08).
                State::Finished if !chunk.delta.is_empty() => State::Begun,
                State::Finished => State::Finished,
                State::Begun => State::Begun,
                State::Silent | State::Heard if chunk.delta.is_empty() => State::Heard,
                State::Silent | State::Heard => State::Begun,
            };
            self.ready.push_back(chunk);
        }
        match decoded {
            Ok(()) => Ok(()),
            Err(_) if self.state == State::Finished => {
                self.end();
                Ok(())
            }
            Err(error) => {
                let begun = self.state == State::Begun;
                let error = self.undecodable(error);
                if begun && !self.ready.is_empty() {
                    self.failed = Some(error);
                    return Ok(());
                }
                Err(error)
            }
        }
    }

    /// Takes what the decoder still holds at the end of the body.
    fn close(&mut self) -> Result<(), LlmError> {
        let mut chunks = Vec::new();
        let rest = self.decoder.finish(&mut chunks);
        self.take(chunks, rest)?;
        match self.state {
            State::Begun | State::Finished | State::Over => self.end(),
            State::Silent | State::Heard => {
                return Err(self.broken(Failure::Broken("nothing was said".to_owned())));
            }
        }
        Ok(())
    }

    /// Ends the answer as it should, with an estimate where the usage was not told.
    fn end(&mut self) {
        self.state = State::Over;
        if let Some(usage) = self.tally.estimate() {
            self.ready.push_back(ChatChunk {
                usage: Some(usage),
                ..ChatChunk::default()
            });
        }
    }

    /// Ends the answer early.
    fn broken(&mut self, failure: Failure) -> LlmError {
        let state = std::mem::replace(&mut self.state, State::Over);
        match state {
            State::Silent | State::Heard => self.callee.before_answer(failure),
            State::Begun | State::Finished | State::Over => {
                self.callee.within_answer(failure, self.body.received())
            }
        }
    }

    fn undecodable(&mut self, error: WireError) -> LlmError {
        if let WireError::Truncated = error {
            return self.broken(Failure::Broken("the answer has no end".to_owned()));
        }
        let state = std::mem::replace(&mut self.state, State::Over);
        let error = self.callee.undecodable(error);
        match state {
            State::Silent | State::Heard => error,
            // What the provider held back would be held back again; everything else is worth another try.
            _ if error.kind == LlmErrorKind::ContentFiltered => error,
            State::Begun | State::Finished | State::Over => {
                let bytes = self.body.received();
                let message = format!("the answer broke off: {}", error.message);
                self.callee
                    .error(LlmErrorKind::StreamInterrupted { bytes }, message)
            }
        }
    }
}

impl Tally {
    fn count(&mut self, chunk: &ChatChunk) {
        let tools = chunk.delta.tool_calls.iter();
        let arguments: usize = tools.map(|call| call.arguments.chars().count()).sum();
        self.output_chars += (chunk.delta.text.chars().count() + arguments) as u64;
        self.reasoning_chars += chunk.delta.reasoning.chars().count() as u64;
        self.told |= chunk
            .usage
            .is_some_and(|usage| usage.completion_tokens() > 0);
    }

    /// The usage by Agon's estimate; `None` when the provider told its own.
    fn estimate(&self) -> Option<Usage> {
        let tokens = |chars: u64| chars.div_ceil(3);
        (!self.told).then(|| Usage {
            input: self.input,
            output: tokens(self.output_chars),
            reasoning: tokens(self.reasoning_chars),
            estimated: true,
            ..Usage::default()
        })
    }
}

#[cfg(test)]
mod tests;
