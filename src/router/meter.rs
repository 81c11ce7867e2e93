//! Measures one call and reports it exactly once, however it ends.

use std::pin::Pin;
use std::sync::Arc;
use std::task::Context;
use std::task::Poll;
use std::time::Duration;

use futures::Stream;
use futures::StreamExt;
use tokio::time::Instant;
use tokio::time::Sleep;

use super::errand::Begun;
use super::errand::Facts;
use super::group;
use super::snapshot::Snapshot;
use super::ticket::Ticket;
use crate::client::CallPath;
use crate::client::CallTrace;
use crate::client::ChunkStream;
use crate::client::Content;
use crate::client::EmbeddingResponse;
use crate::client::LlmError;
use crate::client::LlmErrorKind;
use crate::client::TimeoutPhase;
use crate::events::CallContent;
use crate::events::CallRecord;
use crate::events::FailedAttempt;
use crate::events::Place;
use crate::events::Remaining;
use crate::types::ChatChunk;
use crate::types::ChatResponse;
use crate::types::Clock;
use crate::types::ModelName;
use crate::types::Prices;
use crate::types::Usage;
use crate::types::usage::estimate_tokens;

/// What a call took and used so far. Dropped before its end, it reports the call as cancelled.
pub(super) struct Meter {
    snapshot: Arc<Snapshot>,
    trace: Arc<CallTrace>,
    record: CallRecord,
    /// Where the record goes; taken before anybody is asked.
    place: Place,
    /// From the start to that of the last attempt.
    began: Duration,
    started: Instant,
    prompt_tokens: u64,
    answer_tokens: u64,
    reported: Option<Usage>,
    is_complete: bool,
    is_open: bool,
}

impl Meter {
    /// Starts measuring a call that would ask this model first.
    pub(super) fn start(
        snapshot: &Arc<Snapshot>,
        model: ModelName,
        facts: &Facts<'_>,
    ) -> Box<Self> {
        let call = facts.call;
        // In a box from the beginning: it is large, and goes from hand to hand.
        Box::new(Self {
            snapshot: Arc::clone(snapshot),
            trace: Arc::clone(&call.trace),
            record: CallRecord {
                debate: call.debate.clone(),
                turn: call.turn.clone(),
                call_id: call.call_id.clone(),
                principal: call.principal.clone(),
                tags: facts.tags.to_vec(),
                stream: facts.in_pieces,
                span: call.span,
                ..CallRecord::new(model)
            },
            place: Place::nowhere(),
            began: Duration::ZERO,
            started: Instant::now(),
            prompt_tokens: facts.tokens,
            answer_tokens: 0,
            reported: None,
            is_complete: false,
            is_open: true,
        })
    }

    /// Takes a place for the call's record, and notes what is asked where the operator wants that. Waits a moment
    /// when too many records wait to be written.
    pub(super) async fn admit(&mut self, content: Option<&Content>) {
        let observers = &self.snapshot.common.observers;
        self.place = observers.reserve().await;
        if observers.want_content() {
            let asked = content.map(Content::as_json).unwrap_or_default();
            self.record.content = Some(Arc::new(CallContent::of(asked)));
        }
    }

    /// The name of the model list that was asked for.
    pub(super) fn asked_for(&mut self, group: &Arc<str>) {
        self.record.group = Some(Arc::clone(group));
    }

    /// Another group is asked instead.
    pub(super) fn fell_back(&mut self) {
        self.record.fallbacks += 1;
    }

    /// Attempts so far.
    pub(super) fn attempts(&self) -> u32 {
        self.record.attempts
    }

    /// Other groups that were asked so far.
    pub(super) fn fallbacks(&self) -> u32 {
        self.record.fallbacks
    }

    /// The model that is asked, or was last.
    pub(super) fn model(&self) -> &ModelName {
        &self.record.model
    }

    /// When the call began.
    pub(super) fn started(&self) -> Instant {
        self.started
    }

    /// An attempt begins.
    pub(super) fn attempt(&mut self) {
        if self.record.attempts > 0 {
            self.began = self.started.elapsed();
        }
        self.record.attempts += 1;
    }

    /// An attempt ended before its answer began.
    pub(super) fn attempt_failed(&mut self, ticket: &Ticket, error: &LlmError) {
        let (member, ended) = (ticket.member(), self.started.elapsed());
        self.record.tried.push(FailedAttempt {
            model: member.model.as_ref().unwrap_or(&self.record.model).clone(),
            group: ticket
                .group()
                .is_listed
                .then(|| Arc::clone(&ticket.group().name)),
            deployment: member.entry.deployment.clone(),
            ended,
            took: ended.saturating_sub(self.began),
            error: error.kind.code(),
            status: error.status,
        });
    }

    /// This one is asked, or has answered.
    pub(super) fn asks(&mut self, ticket: &Ticket) {
        let member = ticket.member();
        if let Some(model) = &member.model {
            self.record.model = model.clone();
        }
        self.record.deployment.clone_from(&member.entry.deployment);
    }

    /// Tokens so far: what the provider told, else an estimate.
    pub(super) fn usage(&self) -> Usage {
        match self.reported {
            Some(usage) if usage.total_tokens() > 0 => usage,
            // The provider bills what it sent, so a call that was cut before the figures came is not free.
            Some(_) | None if self.answer_tokens > 0 => Usage {
                input: self.prompt_tokens,
                output: self.answer_tokens,
                estimated: true,
                ..Usage::default()
            },
            Some(_) | None => Usage::default(),
        }
    }

    /// Vectors have come.
    pub(super) fn vectors(&mut self, response: &EmbeddingResponse) {
        self.reported = Some(response.usage);
        if !response.model.is_empty() {
            self.record.response_model = Some(response.model.clone());
        }
        self.is_complete = true;
    }

    /// A whole answer has come.
    pub(super) fn response(&mut self, response: &ChatResponse) {
        self.answer_tokens =
            estimate_tokens(&response.text) + estimate_tokens(&response.reasoning_text());
        if let Some(content) = &mut self.record.content {
            let content = Arc::make_mut(content);
            match &response.raw {
                Some(raw) => content.push(&String::from_utf8_lossy(raw)),
                None => content.push(&response.text),
            }
        }
        self.reported = Some(response.usage);
        self.is_complete = true;
        if !response.model.is_empty() {
            self.record.response_model = Some(response.model.clone());
        }
    }

    /// A piece of the answer has come.
    pub(super) fn chunk(&mut self, chunk: &ChatChunk) {
        let passes = chunk.frame.as_ref().is_some_and(|frame| !frame.is_empty());
        if self.record.ttft.is_none() && (passes || !chunk.delta.is_empty()) {
            self.record.ttft = Some(self.started.elapsed());
        }
        // A piece that is passed on is not read; about one token comes with each.
        self.answer_tokens += u64::from(passes)
            + estimate_tokens(&chunk.delta.text)
            + estimate_tokens(&chunk.delta.reasoning);
        if let Some(content) = &mut self.record.content {
            Arc::make_mut(content).push(&chunk.delta.text);
        }
        if self.record.response_model.is_none() {
            self.record.response_model.clone_from(&chunk.model);
        }
        self.reported = chunk.usage.or(self.reported);
        self.is_complete |= chunk.finish.is_some();
    }

    /// The call went well.
    pub(super) fn succeeded(mut self: Box<Self>) {
        self.close(None);
    }

    /// The call failed.
    pub(super) fn failed(mut self: Box<Self>, error: &LlmError) {
        self.record.status = error.status;
        self.close(Some((error.kind.code(), error.message.clone())));
    }

    fn close(&mut self, error: Option<(&'static str, String)>) {
        self.is_open = false;
        let (usage, prices) = (self.usage(), self.prices());
        let record = &mut self.record;
        record.path = match self.trace.path() {
            Some(CallPath::Unified) => "unified",
            Some(CallPath::Legacy) => "legacy",
            Some(CallPath::Demo) => "demo",
            None => "none",
        };
        record.total = self.started.elapsed();
        record.ended_at_ms = Clock::wall_ms();
        record.upstream_wait = self.trace.upstream_wait();
        record.retry_wait = self.trace.retry_wait();
        record.dropped = self.trace.dropped();
        record.queue_wait = self.trace.queue_wait();
        let (requests, tokens) = self.trace.remaining();
        record.remaining = Remaining { requests, tokens };
        record.usage = usage;
        record.cost = prices.map(|prices| prices.cost(&record.usage));
        self.trace.add_cost(record.cost);
        (record.error, record.error_message) = error.unzip();
        let place = std::mem::replace(&mut self.place, Place::nowhere());
        let record = std::mem::replace(record, CallRecord::new(record.model.clone()));
        self.snapshot.common.observers.call_settled(record, place);
    }

    /// What the one that was asked last costs: by its entry in the model list, else by the catalog.
    fn prices(&self) -> Option<Prices> {
        let deployment = self.record.deployment.as_deref();
        let of = |model: &ModelName| (self.snapshot.common.prices)(model);
        match deployment {
            Some(deployment) => group::prices(deployment, Some(&self.record.model), of),
            None => of(&self.record.model),
        }
    }
}

impl Drop for Meter {
    fn drop(&mut self) {
        if !self.is_open {
            return;
        }
        // A reader may leave once it has seen why the answer ended.
        let cancelled = (
            LlmErrorKind::Cancelled.code(),
            "the caller left before the end of the answer".to_owned(),
        );
        self.close((!self.is_complete).then_some(cancelled));
    }
}

/// A stream whose reader is measured too.
pub(super) struct Metered {
    /// Came with the answer to the attempt, and has been measured.
    first: Option<ChatChunk>,
    /// `None` once the call is over.
    open: Option<Open>,
    /// Until when the answer is of use, and what wakes the reader then.
    due: Option<Instant>,
    deadline: Option<Pin<Box<Sleep>>>,
    /// Since when the reader has not asked for more.
    yielded_at: Option<Instant>,
}

struct Open {
    chunks: ChunkStream,
    meter: Box<Meter>,
    ticket: Ticket,
}

impl Metered {
    /// Goes on measuring a stream from its first chunk on.
    pub(super) fn stream(
        answer: Box<Begun>,
        mut meter: Box<Meter>,
        ticket: Ticket,
        deadline: Option<Instant>,
    ) -> ChunkStream {
        let Begun { first, chunks } = *answer;
        meter.chunk(&first);
        let metered = Self {
            first: Some(first),
            open: Some(Open {
                chunks,
                meter,
                ticket,
            }),
            due: deadline,
            deadline: deadline.map(|at| Box::pin(tokio::time::sleep_until(at))),
            yielded_at: Some(Instant::now()),
        };
        metered.boxed()
    }

    fn reader_is_back(&mut self) {
        let waited = self.yielded_at.take().map(|since| since.elapsed());
        if let (Some(open), Some(waited)) = (&mut self.open, waited) {
            open.meter.record.reader_wait += waited;
        }
    }

    fn fail(&mut self, error: LlmError) -> Option<Result<ChatChunk, LlmError>> {
        if let Some(Open {
            meter, mut ticket, ..
        }) = self.open.take()
        {
            ticket.used(meter.usage().total_tokens());
            // The end of the caller's own time says nothing about who answers.
            if self.due.is_none_or(|due| due > Instant::now()) {
                ticket.cut(&error.kind);
            }
            meter.failed(&error);
        }
        Some(Err(error))
    }

    /// What the reader gets for what the upstream gave.
    fn take(
        &mut self,
        item: Option<Result<ChatChunk, LlmError>>,
    ) -> Option<Result<ChatChunk, LlmError>> {
        match item {
            Some(Ok(chunk)) => {
                if let Some(open) = &mut self.open {
                    open.meter.chunk(&chunk);
                }
                self.yielded_at = Some(Instant::now());
                Some(Ok(chunk))
            }
            Some(Err(error)) => self.fail(error),
            None => {
                if let Some(Open {
                    meter, mut ticket, ..
                }) = self.open.take()
                {
                    ticket.used(meter.usage().total_tokens());
                    ticket.succeeded();
                    meter.succeeded();
                }
                None
            }
        }
    }
}

impl Stream for Metered {
    type Item = Result<ChatChunk, LlmError>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = &mut *self;
        this.reader_is_back();
        if let Some(first) = this.first.take() {
            this.yielded_at = Some(Instant::now());
            return Poll::Ready(Some(Ok(first)));
        }
        let Some(open) = &mut this.open else {
            return Poll::Ready(None);
        };
        if let Poll::Ready(item) = open.chunks.poll_next_unpin(cx) {
            return Poll::Ready(this.take(item));
        }
        let is_over = |deadline: &mut Pin<Box<Sleep>>| deadline.as_mut().poll(cx).is_ready();
        if this.deadline.as_mut().is_some_and(is_over) {
            let error = past_deadline(&open.meter.record.model);
            return Poll::Ready(this.fail(error));
        }
        Poll::Pending
    }
}

impl Drop for Metered {
    fn drop(&mut self) {
        self.reader_is_back();
        if let Some(Open {
            meter, mut ticket, ..
        }) = self.open.take()
        {
            ticket.used(meter.usage().total_tokens());
            if meter.is_complete {
                ticket.succeeded();
            }
        }
    }
}

/// The error of a call whose deadline has passed.
pub(super) fn past_deadline(model: &ModelName) -> LlmError {
    LlmError::new(
        LlmErrorKind::Timeout {
            phase: TimeoutPhase::Total,
        },
        model.provider(),
        "the call's deadline passed before the answer was complete",
    )
}
