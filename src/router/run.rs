//! The router: a source of clients, each of which makes the attempts of its calls.

use std::fmt;
use std::sync::Arc;

use arc_swap::ArcSwap;
use async_trait::async_trait;

use super::calling::Calling;
use super::config::RouterConfig;
use super::dice::Dice;
use super::errand::Streamed;
use super::errand::Whole;
use super::group::Group;
use super::kept::Kept;
use super::meter::Metered;
use super::minute::Minutes;
use super::named::NamedGroups;
use super::sessions::Sessions;
use super::snapshot::Changes;
use super::snapshot::Common;
use super::snapshot::Snapshot;
use crate::client::BaseLlmClient;
use crate::client::CallContext;
use crate::client::ChatRequest;
use crate::client::ChunkStream;
use crate::client::ClientSource;
use crate::client::EmbedderSource;
use crate::client::LlmError;
use crate::events::Observers;
use crate::types::ChatResponse;
use crate::types::Clock;
use crate::types::ModelName;
use crate::types::Prices;

/// Tells a model's prices; `None` when they are not known.
pub type PriceList = Arc<dyn Fn(&ModelName) -> Option<Prices> + Send + Sync>;

/// Tells the longest prompt that a model takes, in tokens; `None` when that is not known.
pub type PromptLimits = Arc<dyn Fn(&ModelName) -> Option<u64> + Send + Sync>;

/// Tells which model a name without a provider means, `gpt-4o-mini` for example; `None` when it means none.
pub type BareNames = Arc<dyn Fn(&str) -> Option<ModelName> + Send + Sync>;

/// What a router is made of.
pub struct RouterParts {
    /// Gives the client of each attempt: it is asked once per attempt, so that a switch of implementation takes
    /// effect at the next one.
    pub source: Arc<dyn ClientSource>,
    /// Gives who turns texts into vectors, as `source` does for chats.
    pub embedders: Arc<dyn EmbedderSource>,
    /// Retries, cooldowns, and the model list.
    pub config: RouterConfig,
    /// Who is told of each call.
    pub observers: Observers,
    /// What calls cost.
    pub prices: PriceList,
    /// What prompts models take.
    pub prompt_limits: PromptLimits,
    /// What names without a provider mean.
    pub bare_names: BareNames,
    /// Tells minutes, for limits.
    pub clock: Clock,
    /// Seed of lots and jitter.
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

/// Answers for every name of its model list and every model of its source: picks a deployment, rests, tries again,
/// cools down what fails, asks other groups, and reports each call once.
///
/// A model that is called by its own name is a group of one: the model itself, at the address that the call names.
#[derive(Clone)]
pub struct Router {
    common: Arc<Common>,
    current: Arc<ArcSwap<Snapshot>>,
}

impl Router {
    /// Builds a router in which every deployment is ready.
    pub fn new(parts: RouterParts) -> Self {
        let common = Arc::new(Common {
            source: parts.source,
            embedders: parts.embedders,
            observers: parts.observers,
            prices: parts.prices,
            prompt_limits: parts.prompt_limits,
            bare_names: parts.bare_names,
            dice: Dice::new(parts.seed),
            minutes: Minutes::new(&parts.clock),
            named: NamedGroups::default(),
            changes: Changes::default(),
            sessions: Sessions::default(),
            kept: Kept::default(),
        });
        let snapshot = Snapshot::new(Arc::clone(&common), parts.config, None);
        Self {
            common,
            current: Arc::new(ArcSwap::from_pointee(snapshot)),
        }
    }

    /// Puts another configuration in force, all of it at once. What is known about deployments that stay, by their
    /// ids, stays known; calls under way end under the configuration that they began with.
    pub fn reload(&self, config: RouterConfig) {
        let common = Arc::clone(&self.common);
        let before = self.current.load_full();
        self.current
            .store(Arc::new(Snapshot::new(common, config, Some(&before))));
    }

    /// What holds now.
    pub(super) fn snapshot(&self) -> Arc<Snapshot> {
        self.current.load_full()
    }
}

impl fmt::Debug for Router {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Router")
            .field("snapshot", &self.snapshot())
            .finish_non_exhaustive()
    }
}

impl ClientSource for Router {
    fn client(&self, model: &ModelName) -> Result<Arc<dyn BaseLlmClient>, LlmError> {
        let client = GroupClient::find(self.snapshot(), model.as_str())?;
        Ok(Arc::new(client))
    }
}

/// Asks the deployments of one group, and those of other groups when they fail.
pub(super) struct GroupClient {
    pub(super) snapshot: Arc<Snapshot>,
    /// The name that was asked for.
    pub(super) asked: Arc<str>,
    pub(super) group: Arc<Group>,
}

impl GroupClient {
    /// Who answers for a name.
    pub(super) fn find(snapshot: Arc<Snapshot>, name: &str) -> Result<Self, LlmError> {
        let (asked, group) = snapshot.find(name)?;
        Ok(Self {
            snapshot,
            asked,
            group,
        })
    }

    /// The group; a model that is called by its own name may be called at another address.
    pub(super) fn group_for(&self, call: &CallContext) -> Arc<Group> {
        match (&call.endpoint, self.group.model()) {
            (Some(endpoint), Some(model)) if !self.group.is_listed => {
                self.snapshot.common.named.group(model, Some(endpoint))
            }
            (Some(_) | None, _) => Arc::clone(&self.group),
        }
    }
}

#[async_trait]
impl BaseLlmClient for GroupClient {
    fn provider_name(&self) -> &str {
        self.group.provider()
    }

    async fn send_message(&self, request: &ChatRequest) -> Result<ChatResponse, LlmError> {
        let errand = Whole(request);
        let mut calling = Calling::start(self, &errand, &request.head.model);
        calling.meter.admit(Some(&request.content)).await;
        match calling.ask(&errand).await {
            Ok((response, mut ticket)) => {
                let mut meter = calling.meter;
                meter.response(&response);
                let usage = meter.usage();
                ticket.used(usage.total_tokens());
                ticket.answered(usage.completion_tokens());
                ticket.succeeded();
                meter.succeeded();
                Ok(*response)
            }
            Err(error) => {
                calling.meter.failed(&error);
                Err(error)
            }
        }
    }

    async fn stream_message(&self, request: &ChatRequest) -> Result<ChunkStream, LlmError> {
        let errand = Streamed(request);
        let mut calling = Calling::start(self, &errand, &request.head.model);
        calling.meter.admit(Some(&request.content)).await;
        match calling.ask(&errand).await {
            Ok((answer, mut ticket)) => {
                ticket.answering();
                let deadline = request.call.deadline;
                Ok(Metered::stream(answer, calling.meter, ticket, deadline))
            }
            Err(error) => {
                calling.meter.failed(&error);
                Err(error)
            }
        }
    }
}
