//! A streamed answer that is passed on as it comes, to a caller who speaks the upstream's wire.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt;
use futures::stream;
use tokio::time::Instant;

use super::failure::Callee;
use super::failure::Failure;
use super::opened::Opened;
use super::reply::ReplyBody;
use super::waits::Waits;
use crate::client::ChunkStream;
use crate::client::LlmError;
use crate::client::LlmErrorKind;
use crate::client::TimeoutPhase;
use crate::types::ChatChunk;
use crate::types::Usage;
use crate::wire::WireError;
use crate::wire::verbatim::Passed;
use crate::wire::verbatim::Tap;

/// How long the rest may come behind the end of an answer.
const AFTERWORD: Duration = Duration::from_secs(2);

/// One answer under way. Dropping it closes the connection.
pub(super) struct Passing {
    body: ReplyBody,
    tap: Tap,
    callee: Arc<Callee>,
    waits: Waits,
    ready: VecDeque<ChatChunk>,
    failed: Option<LlmError>,
    usage: Option<Usage>,
    prompt_tokens: u64,
    over: bool,
    /// How long the rest may come behind the end of an answer.
    afterword: Duration,
}

impl Passing {
    pub(super) fn new(opened: Opened, hides_usage: bool) -> Self {
        let spoken = &opened.spoken;
        Self {
            tap: Tap::new(spoken.wire, &spoken.quirks, hides_usage),
            body: opened.reply.body,
            callee: opened.callee,
            waits: opened.waits,
            ready: VecDeque::new(),
            failed: None,
            usage: None,
            prompt_tokens: 0,
            over: false,
            afterword: AFTERWORD,
        }
    }

    /// Gives the prompt's tokens, for a provider that tells no usage.
    pub(super) fn estimate_from(&mut self, prompt_tokens: u64) {
        self.prompt_tokens = prompt_tokens;
    }

    /// Several answers may come one after the other, each with an end: the rest is waited for as long as a piece is.
    pub(super) fn has_several_ends(&mut self) {
        self.afterword = Duration::MAX;
    }

    /// Waits for the first event: up to here another client can be tried.
    pub(super) async fn begin(&mut self) -> Result<(), LlmError> {
        while self.tap.events() == 0 && !self.over {
            if let Some(error) = self.read_on().await {
                return Err(error);
            }
        }
        match self.ready.is_empty() {
            true => Err(self.callee.before_answer(nothing_said())),
            false => Ok(()),
        }
    }

    /// The rest of the answer.
    pub(super) fn into_stream(self) -> ChunkStream {
        stream::unfold(self, |mut passing| async move {
            passing.next().await.map(|item| (item, passing))
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
            if self.over {
                return None;
            }
            self.failed = self.read_on().await;
        }
    }

    /// Reads the next bytes; after an error nothing more comes.
    async fn read_on(&mut self) -> Option<LlmError> {
        let (due, phase) = match (self.tap.events(), self.tap.is_complete()) {
            (_, true) => {
                let soon = Instant::now().checked_add(self.afterword);
                let idle = self.waits.idle_at();
                let soon = soon.map_or(idle, |soon| soon.min(idle));
                (soon, TimeoutPhase::Idle)
            }
            (0, false) => (self.waits.first_token_at(), TimeoutPhase::FirstToken),
            (_, false) => (self.waits.idle_at(), TimeoutPhase::Idle),
        };
        match self.body.next(&self.waits, due, phase).await {
            Ok(Some(bytes)) => {
                let passed = self.tap.push(bytes);
                self.take(passed)
            }
            Ok(None) => {
                let passed = self.tap.finish();
                self.over = true;
                let error = self.take(passed);
                self.estimate();
                error
            }
            // The answer is whole: what breaks behind it costs nothing.
            Err(_) if self.tap.is_complete() => {
                self.over = true;
                self.estimate();
                None
            }
            Err(failure) => Some(self.broken(failure)),
        }
    }

    fn take(&mut self, passed: Passed) -> Option<LlmError> {
        let mut chunk = passed.told;
        self.usage = chunk.usage.or(self.usage);
        let tells = chunk.usage.is_some() || chunk.finish.is_some();
        if !passed.frame.is_empty() || tells {
            chunk.frame = Some(passed.frame);
            self.ready.push_back(chunk);
        }
        passed.failed.map(|error| self.undecodable(error))
    }

    /// Tells the usage by Agon's estimate when the provider told none: an event is about a token.
    fn estimate(&mut self) {
        let told = self.usage.is_some_and(|usage| usage.total_tokens() > 0);
        if !told {
            self.ready.push_back(ChatChunk {
                usage: Some(Usage {
                    input: self.prompt_tokens,
                    output: self.tap.events(),
                    estimated: true,
                    ..Usage::default()
                }),
                frame: Some(bytes::Bytes::new()),
                ..ChatChunk::default()
            });
        }
    }

    fn broken(&mut self, failure: Failure) -> LlmError {
        self.over = true;
        match self.tap.events() {
            0 => self.callee.before_answer(failure),
            _ => self.callee.within_answer(failure, self.body.received()),
        }
    }

    fn undecodable(&mut self, error: WireError) -> LlmError {
        if error == WireError::Truncated {
            let why = "the answer has no end".to_owned();
            return self.broken(Failure::Broken(why));
        }
        self.over = true;
        let error = self.callee.undecodable(error);
        // The event that holds the error is counted.
        if self.tap.events() <= 1 || error.kind == LlmErrorKind::ContentFiltered {
            return error;
        }
        let bytes = self.body.received();
        let message = format!("the answer broke off: {}", error.message);
        self.callee
            .error(LlmErrorKind::StreamInterrupted { bytes }, message)
    }
}

fn nothing_said() -> Failure {
    Failure::Broken("nothing was said".to_owned())
}
