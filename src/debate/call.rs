//! Performing one planned call: words go to the live lane as they come, the whole goes to the driver.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;
use std::time::Duration;

use futures::StreamExt;
use tokio::sync::mpsc;
use tokio::sync::watch;
use tokio::time::Instant;

use super::evidence::QuoteScanner;
use super::plan::CallPlan;
use super::prefix;
use crate::catalog::Catalog;
use crate::client::CallContext;
use crate::client::CallPath;
use crate::client::CallTrace;
use crate::client::CallWait;
use crate::client::ChatRequest;
use crate::client::ChunkStream;
use crate::client::ClientSource;
use crate::client::LlmError;
use crate::client::LlmErrorKind;
use crate::client::TimeoutPhase;
use crate::events::CallFinished;
use crate::events::CallOutcome;
use crate::events::LiveLane;
use crate::events::LiveQuote;
use crate::events::Purpose;
use crate::events::SpeechChannel;
use crate::events::WaitingFor;
use crate::events::Words;
use crate::types::ChatChunk;
use crate::types::DebateId;
use crate::types::FinishReason;
use crate::types::ResponseBuilder;
use crate::types::Span;
use crate::types::TurnId;
use crate::types::Usage;
use crate::types::usage::estimate_tokens;

/// A turn without a time limit of its own may take this long.
const DEFAULT_TURN: Duration = Duration::from_secs(600);

/// On whose behalf a debate is held, for the reports of its calls. Not in its log: whoever goes on with the debate after
/// a restart reports for nobody.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Origin {
    /// Who asked, when the caller is known.
    pub principal: Option<Arc<str>>,
    /// The place in a trace that the calls stand beside.
    pub span: Option<Span>,
    /// Labels of the calls.
    pub tags: Vec<String>,
}

/// The origins of the debates that run in this process and have one.
#[derive(Debug, Default)]
pub(super) struct Origins(Mutex<HashMap<DebateId, Origin>>);

impl Origins {
    pub(super) fn set(&self, debate: &DebateId, origin: Origin) {
        if origin != Origin::default() {
            self.held().insert(debate.clone(), origin);
        }
    }

    pub(super) fn forget(&self, debate: &DebateId) {
        self.held().remove(debate);
    }

    fn of(&self, debate: &DebateId) -> Origin {
        let mut origin = self.held().get(debate).cloned().unwrap_or_default();
        // Each call is a span of its own, with the parent that the asker named.
        if let Some(span) = &mut origin.span {
            span.id = rand::random::<u64>().max(1);
        }
        origin
    }

    fn held(&self) -> MutexGuard<'_, HashMap<DebateId, Origin>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Performs calls for all debates of this process.
pub(super) struct Caller {
    pub(super) origins: Origins,
    pub(super) clients: Arc<dyn ClientSource>,
    pub(super) live: Arc<dyn LiveLane>,
    pub(super) catalog: Arc<Catalog>,
}

/// What a call tells its driver.
pub(super) enum FromCall {
    /// It waits for something other than the model's words.
    Waiting(TurnId, WaitingFor),
    /// It has ended.
    Finished(Box<CallFinished>),
}

/// One call under way.
struct Progress<'a> {
    driver: &'a mpsc::Sender<FromCall>,
    debate: &'a DebateId,
    turn: &'a TurnId,
    asked: Instant,
    trace: &'a CallTrace,
    first_token: Option<Duration>,
    answer: ResponseBuilder,
    spoken: String,
    quotes: Option<QuoteScanner>,
    is_silent: bool,
}

impl Progress<'_> {
    /// Time since the call was made, without the time that it stood in line.
    fn elapsed(&self) -> Duration {
        self.asked.elapsed().saturating_sub(self.trace.queue_wait())
    }

    async fn waits_for(&self, what: WaitingFor) {
        // An error means that the driver has ended.
        let _ = self
            .driver
            .send(FromCall::Waiting(self.turn.clone(), what))
            .await;
    }
}

impl Caller {
    /// The local server that a call goes to; `None` for a provider that takes any number of calls.
    pub(super) fn server(&self, plan: &CallPlan) -> Option<String> {
        let provider = plan.model.provider();
        let is_local = self.catalog.provider(provider)?.local;
        let elsewhere = plan
            .endpoint
            .as_ref()
            .and_then(|endpoint| endpoint.api_base.clone());
        is_local.then(|| elsewhere.unwrap_or_else(|| provider.to_owned()))
    }

    /// Makes the call. Being dropped in the middle closes the upstream.
    pub(super) async fn perform(
        &self,
        debate: &DebateId,
        (plan, quotes): (CallPlan, Option<QuoteScanner>),
        driver: &mpsc::Sender<FromCall>,
    ) {
        let deadline = Instant::now() + plan.timeout.unwrap_or(DEFAULT_TURN);
        let trace = Arc::new(CallTrace::default());
        let origin = self.origins.of(debate);
        let mut request =
            ChatRequest::new(plan.model.clone(), prefix::marked(&plan, &self.catalog)).with_call(
                CallContext {
                    principal: origin.principal,
                    span: origin.span,
                    debate: Some(debate.clone()),
                    turn: Some(plan.turn.clone()),
                    deadline: Some(deadline),
                    depth: 1,
                    endpoint: plan.endpoint.clone(),
                    trace: Arc::clone(&trace),
                    ..CallContext::default()
                },
            );
        request.head.tags = origin.tags;
        let mut progress = Progress {
            driver,
            debate,
            turn: &plan.turn,
            asked: Instant::now(),
            trace: &trace,
            first_token: None,
            answer: ResponseBuilder::default(),
            spoken: String::new(),
            quotes,
            is_silent: plan.purpose == Purpose::Extract,
        };
        let late = || {
            LlmError::new(
                LlmErrorKind::Timeout {
                    phase: TimeoutPhase::Total,
                },
                plan.model.provider(),
                "the turn took too long",
            )
        };
        let asked = tokio::time::timeout_at(deadline, self.ask(&request, &mut progress)).await;
        let outcome = match asked.unwrap_or_else(|_| Err(late())) {
            Ok(()) => self.answered(&plan, progress, trace.path()),
            Err(error) => self.failed(&plan, &request, &progress.spoken, &error),
        };
        let CallPlan {
            turn,
            attempt,
            purpose,
            request_hash,
            model,
            ..
        } = plan;
        let finished = CallFinished {
            turn,
            attempt,
            purpose,
            request_hash,
            model,
            outcome,
            parse: None,
        };
        // An error means that the driver has ended.
        let _ = driver.send(FromCall::Finished(Box::new(finished))).await;
    }

    async fn ask(
        &self,
        request: &ChatRequest,
        progress: &mut Progress<'_>,
    ) -> Result<(), LlmError> {
        let model = &request.head.model;
        let client = self.clients.client(model)?;
        let waits = request.call.trace.watch_waits();
        let mut stream = open(client.stream_message(request), waits, progress).await?;
        while let Some(chunk) = stream.next().await {
            self.hear(&chunk?, progress);
        }
        Ok(())
    }

    fn hear(&self, chunk: &ChatChunk, progress: &mut Progress<'_>) {
        let arrived = Instant::now();
        progress.answer.push(chunk);
        // What a cheap model reads out of an answer is not what the speaker says.
        if progress.is_silent {
            return;
        }
        let said = [
            (SpeechChannel::Reasoning, &chunk.delta.reasoning),
            (SpeechChannel::Speech, &chunk.delta.text),
        ];
        for (channel, text) in said {
            if !text.is_empty() {
                let elapsed = progress.elapsed();
                progress.first_token.get_or_insert(elapsed);
                let words = Words {
                    turn: progress.turn,
                    channel,
                    text,
                    arrived,
                };
                self.live.delta(progress.debate, words);
            }
        }
        progress.spoken.push_str(&chunk.delta.text);
        let found = progress.quotes.as_mut();
        let found = found.map(|quotes| quotes.feed(&chunk.delta.text));
        for quote in found.into_iter().flatten() {
            let quote = LiveQuote {
                turn: progress.turn.clone(),
                from: quote.from as u64,
                to: quote.to as u64,
                verified: quote.check.verified,
                source: quote.check.source,
            };
            self.live.quote(progress.debate, quote);
        }
    }

    fn answered(
        &self,
        plan: &CallPlan,
        progress: Progress<'_>,
        path: Option<CallPath>,
    ) -> CallOutcome {
        let total = progress.elapsed();
        let mut response = progress.answer.finish();
        // A refusal is what the model says in this turn, and it is no answer.
        if !response.refusal.is_empty() {
            response.text.push_str(&response.refusal);
            response.finish = FinishReason::ContentFilter;
        }
        CallOutcome::Answered {
            cost_nanousd: self
                .catalog
                .prices(&plan.model)
                .map(|prices| prices.cost(&response.usage)),
            text: response.text,
            finish: response.finish,
            usage: response.usage,
            ttft_ms: millis(progress.first_token.unwrap_or(total)),
            total_ms: millis(total),
            path: path.map_or("unknown", CallPath::as_str).to_owned(),
        }
    }

    /// What had arrived before a failure is billed by the provider all the same, so it is counted, as an estimate.
    fn failed(
        &self,
        plan: &CallPlan,
        request: &ChatRequest,
        spoken: &str,
        error: &LlmError,
    ) -> CallOutcome {
        let usage = match spoken {
            "" => Usage::default(),
            spoken => Usage {
                input: request.head.estimated_tokens,
                output: estimate_tokens(spoken),
                estimated: true,
                ..Usage::default()
            },
        };
        let code = if !spoken.is_empty() && broke_off(&error.kind) {
            "stream_interrupted"
        } else {
            error.kind.code()
        };
        CallOutcome::Failed {
            code: code.to_owned(),
            message: error.message.clone(),
            cost_nanousd: match usage.total_tokens() {
                0 => Some(crate::types::NanoUsd(0)),
                _ => self
                    .catalog
                    .prices(&plan.model)
                    .map(|prices| prices.cost(&usage)),
            },
            usage,
        }
    }
}

/// Waits for the first chunk, and tells what it waits for.
async fn open(
    opening: impl Future<Output = Result<ChunkStream, LlmError>>,
    mut waits: watch::Receiver<Option<CallWait>>,
    progress: &Progress<'_>,
) -> Result<ChunkStream, LlmError> {
    tokio::pin!(opening);
    let mut told = None;
    loop {
        tokio::select! {
            biased;
            opened = &mut opening => return opened,
            Ok(()) = waits.changed() => {
                let waits_for = waits.borrow_and_update().as_ref().map(in_events);
                // That a model is loading is told once: everybody can count the seconds since.
                let is_news = match (&told, &waits_for) {
                    (Some(WaitingFor::ModelLoading { model: before, .. }), Some(WaitingFor::ModelLoading { model, .. })) => before != model,
                    (_, now) => now.is_some() && told != *now,
                };
                if let Some(news) = waits_for.filter(|_| is_news) {
                    progress.waits_for(news.clone()).await;
                    told = Some(news);
                }
            }
        }
    }
}

/// What a call waits for, as events say it.
fn in_events(wait: &CallWait) -> WaitingFor {
    match wait {
        CallWait::Queued { behind } => WaitingFor::Queued {
            behind: *behind as u64,
        },
        CallWait::RateLimited { wait } => WaitingFor::RateLimited {
            wait_ms: millis(*wait),
        },
        CallWait::ModelLoading { model, waited } => WaitingFor::ModelLoading {
            model: Some(model.clone()),
            waited_ms: millis(*waited),
        },
    }
}

/// Failures after which the same model may well answer when it is asked again.
fn broke_off(kind: &LlmErrorKind) -> bool {
    matches!(
        kind,
        LlmErrorKind::StreamInterrupted { .. }
            | LlmErrorKind::Overloaded { .. }
            | LlmErrorKind::ConnectionFailed
            | LlmErrorKind::MalformedResponse
            | LlmErrorKind::Timeout {
                phase: TimeoutPhase::Idle
            }
    )
}

fn millis(span: Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}
