//! Makes the attempts of a call: the thin shell around `plan`.

use std::fmt;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;

use async_trait::async_trait;
use futures::FutureExt;
use futures::StreamExt;
use futures::future::BoxFuture;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use tokio::time::Instant;

use super::book::HealthBook;
use super::book::Ticket;
use super::config::RouterConfig;
use super::health::DeploymentId;
use super::meter::Meter;
use super::meter::Metered;
use super::meter::past_deadline;
use super::plan;
use super::plan::Failure;
use super::plan::Patience;
use super::plan::Standing;
use super::plan::Step;
use super::retry;
use crate::client::BaseLlmClient;
use crate::client::CallTrace;
use crate::client::ChatRequest;
use crate::client::ChunkStream;
use crate::client::ClientSource;
use crate::client::LlmError;
use crate::client::LlmErrorKind;
use crate::events::Observers;
use crate::types::ChatChunk;
use crate::types::ChatResponse;
use crate::types::ModelName;
use crate::types::Prices;

/// Tells a model's prices; `None` when they are not known.
pub type PriceList = Arc<dyn Fn(&ModelName) -> Option<Prices> + Send + Sync>;

/// What a router is made of.
pub struct RouterParts {
    /// Gives the client of each attempt: it is asked once per attempt, so that a switch of implementation takes
    /// effect at the next one.
    pub source: Arc<dyn ClientSource>,
    /// Retries and cooldowns.
    pub config: RouterConfig,
    /// Who is told of each call.
    pub observers: Observers,
    /// What calls cost.
    pub prices: PriceList,
    /// Seed of the jitter.
    pub seed: u64,
}

impl fmt::Debug for RouterParts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RouterParts")
            .field("config", &self.config)
            .field("observers", &self.observers)
            .field("seed", &self.seed)
            .finish_non_exhaustive()
    }
}

/// Answers for every model of its source: rests, tries again, cools down what fails, and reports each call once.
///
/// A model's name is a group. A group has one deployment: the model itself, at the address that the call names.
#[derive(Clone)]
pub struct Router {
    shared: Arc<Shared>,
}

struct Shared {
    source: Arc<dyn ClientSource>,
    config: RouterConfig,
    observers: Observers,
    prices: PriceList,
    rng: Mutex<ChaCha8Rng>,
    book: Arc<HealthBook>,
}

impl Router {
    /// Builds a router in which every deployment is ready.
    pub fn new(parts: RouterParts) -> Self {
        let shared = Shared {
            source: parts.source,
            book: Arc::new(HealthBook::new(parts.config.clone())),
            config: parts.config,
            observers: parts.observers,
            prices: parts.prices,
            rng: Mutex::new(ChaCha8Rng::seed_from_u64(parts.seed)),
        };
        Self {
            shared: Arc::new(shared),
        }
    }
}

impl Router {
    /// What holds now.
    pub(super) fn config(&self) -> &RouterConfig {
        &self.shared.config
    }
}

impl fmt::Debug for Router {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Router")
            .field("config", &self.shared.config)
            .finish_non_exhaustive()
    }
}

impl ClientSource for Router {
    /// Returns the group of this model. That the model is known is asked of the source here, and nothing else:
    /// which client answers is decided at each attempt.
    fn client(&self, model: &ModelName) -> Result<Arc<dyn BaseLlmClient>, LlmError> {
        self.shared.source.client(model)?;
        Ok(Arc::new(Group {
            shared: Arc::clone(&self.shared),
            model: model.clone(),
        }))
    }
}

/// A model's group of deployments.
struct Group {
    shared: Arc<Shared>,
    model: ModelName,
}

#[async_trait]
impl BaseLlmClient for Group {
    fn provider_name(&self) -> &str {
        self.model.provider()
    }

    async fn send_message(&self, request: &ChatRequest) -> Result<ChatResponse, LlmError> {
        let mut meter = self.meter(request);
        match self.ask(request, &mut meter, send).await {
            Ok((response, ticket)) => {
                ticket.succeeded();
                meter.response(&response);
                meter.succeeded();
                Ok(response)
            }
            Err(error) => {
                meter.failed(&error);
                Err(error)
            }
        }
    }

    async fn stream_message(&self, request: &ChatRequest) -> Result<ChunkStream, LlmError> {
        let mut meter = self.meter(request);
        match self.ask(request, &mut meter, stream).await {
            Ok((answer, mut ticket)) => {
                ticket.answering();
                let deadline = request.call.deadline;
                Ok(Metered::stream(answer, meter, ticket, deadline))
            }
            Err(error) => {
                meter.failed(&error);
                Err(error)
            }
        }
    }
}

/// One attempt; the answer holds at least the first chunk.
type Ask<T> =
    for<'a> fn(Arc<dyn BaseLlmClient>, &'a ChatRequest) -> BoxFuture<'a, Result<T, LlmError>>;

fn send(
    client: Arc<dyn BaseLlmClient>,
    request: &ChatRequest,
) -> BoxFuture<'_, Result<ChatResponse, LlmError>> {
    async move { client.send_message(request).await }.boxed()
}

/// Takes the first chunk out as well: an error in its place can still be tried again.
fn stream(
    client: Arc<dyn BaseLlmClient>,
    request: &ChatRequest,
) -> BoxFuture<'_, Result<(ChatChunk, ChunkStream), LlmError>> {
    async move {
        let mut chunks = client.stream_message(request).await?;
        match chunks.next().await {
            Some(first) => Ok((first?, chunks)),
            None => Err(LlmError::new(
                LlmErrorKind::MalformedResponse,
                client.provider_name(),
                "the stream ended before its first chunk",
            )),
        }
    }
    .boxed()
}

impl Group {
    fn meter(&self, request: &ChatRequest) -> Meter {
        Meter::start(
            self.shared.observers.clone(),
            Arc::clone(&self.shared.prices),
            self.model.clone(),
            request,
        )
    }

    /// Asks until somebody answers or the plan gives up.
    async fn ask<T>(
        &self,
        request: &ChatRequest,
        meter: &mut Meter,
        ask: Ask<T>,
    ) -> Result<(T, Ticket), LlmError> {
        let shared = &*self.shared;
        let deadline = request.call.deadline;
        let patience = patience(&shared.config, meter.started(), deadline);
        let mut failures = Vec::new();
        loop {
            // Before the look at the book, so that no change in between is missed.
            let changed = shared.book.changed();
            let now = Instant::now();
            if failures.is_empty() && deadline.is_some_and(|deadline| deadline <= now) {
                return Err(past_deadline(&self.model));
            }
            let group = self.standings(request);
            match plan::next(&group, &failures, &shared.config, patience, now) {
                Step::Ask(index) => {
                    let deployment = &group[index].deployment;
                    // Somebody else may have begun to probe it since the look.
                    let Some(ticket) = shared.book.admit(deployment) else {
                        continue;
                    };
                    match self.attempt(request, meter, ask).await {
                        Ok(answer) => return Ok((answer, ticket)),
                        Err(error) => {
                            ticket.attempt_failed(&error.kind);
                            failures.push(self.failure(deployment.clone(), error, &failures));
                        }
                    }
                }
                Step::Rest(until) => {
                    let _resting = Resting::start(&request.call.trace);
                    tokio::time::sleep_until(until).await;
                }
                Step::AwaitProbe(until) => {
                    let _resting = Resting::start(&request.call.trace);
                    // When the time is up, the plan says so.
                    let _ = tokio::time::timeout_at(until, changed).await;
                }
                Step::GiveUp(excluded) => {
                    if let Some(last) = failures.last() {
                        shared.book.call_failed(&last.deployment, &last.error.kind);
                    }
                    return Err(plan::give_up(&self.model, failures, excluded));
                }
            }
        }
    }

    fn standings(&self, request: &ChatRequest) -> [Standing; 1] {
        let deployment = DeploymentId {
            model: self.model.clone(),
            endpoint: request.call.endpoint.clone(),
        };
        let health = self.shared.book.health(&deployment);
        [Standing { deployment, health }]
    }

    async fn attempt<T>(
        &self,
        request: &ChatRequest,
        meter: &mut Meter,
        ask: Ask<T>,
    ) -> Result<T, LlmError> {
        let client = self.shared.source.client(&self.model)?;
        meter.attempt();
        let answer = ask(client, request);
        match request.call.deadline {
            Some(deadline) => tokio::time::timeout_at(deadline, answer)
                .await
                .unwrap_or_else(|_| Err(past_deadline(&self.model))),
            None => answer.await,
        }
    }

    fn failure(&self, deployment: DeploymentId, error: LlmError, earlier: &[Failure]) -> Failure {
        let mut rng = self
            .shared
            .rng
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let n = u32::try_from(earlier.len()).unwrap_or(u32::MAX);
        let rest = retry::delay(&self.shared.config, n, error.kind.retry_after(), &mut *rng);
        tracing::debug!(
            target: "agon::llm",
            model = %self.model,
            attempt = n + 1,
            error = error.kind.code(),
            "attempt {} of {deployment} failed: {error}",
            n + 1,
        );
        Failure {
            deployment,
            error,
            again_at: rest.map(|rest| Instant::now() + rest),
        }
    }
}

fn patience(config: &RouterConfig, started: Instant, deadline: Option<Instant>) -> Patience {
    let until = started + config.wait_for_cooldown();
    Patience {
        until: deadline.map_or(until, |deadline| until.min(deadline)),
        deadline,
    }
}

/// Adds a rest to the call's trace, also when the caller leaves during it.
struct Resting<'a> {
    trace: &'a CallTrace,
    since: Instant,
}

impl<'a> Resting<'a> {
    fn start(trace: &'a CallTrace) -> Self {
        Self {
            trace,
            since: Instant::now(),
        }
    }
}

impl Drop for Resting<'_> {
    fn drop(&mut self) {
        self.trace.add_retry_wait(self.since.elapsed());
    }
}
