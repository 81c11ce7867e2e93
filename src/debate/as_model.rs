//! A debate as a model: `debate/<format>` and `debate/<preset>` answer like any other model.
//!
//! The last message of the user is the question; what came before it, and the system's messages, are what everybody
//! may read. The turns are told as reasoning, the verdict as the answer. Only the outside world gets this source of
//! clients: the engine has the one within, so that a debate never calls a debate.

mod casting;
mod follow;
mod narrator;
mod options;
mod preset;
mod question;
mod verdict;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;

pub use casting::Candidates;
pub use casting::Casting;
pub use preset::PresetAgentConfig;
pub use preset::PresetConfig;

use follow::Telling;
use preset::default_limits;
use question::Question;

use super::call::Origin;
use super::engine::CreateError;
use super::engine::Engine;
use super::format::FormatLibrary;
use super::order::AgentOrder;
use super::order::DebateOrder;
use super::order::OrderError;
use crate::client::BaseLlmClient;
use crate::client::ChatRequest;
use crate::client::ChunkStream;
use crate::client::ClientSource;
use crate::client::LlmError;
use crate::client::LlmErrorKind;
use crate::client::collect;
use crate::events::LiveLane;
use crate::store::EventLog;
use crate::types::Chat;
use crate::types::ChatResponse;
use crate::types::ModelName;
use crate::types::debate::Format;
use crate::types::debate::Limits;

/// What stands before the slash of a debate's name as a model.
pub(super) const PROVIDER: &str = "debate";

/// Reads what a request asks, in whatever dialect it came.
pub type ChatReader = Arc<dyn Fn(&ChatRequest) -> Result<Chat, LlmError> + Send + Sync>;

/// What debates as models are made of.
pub struct DebateModelParts {
    /// Runs them.
    pub engine: Engine,
    /// Their log.
    pub log: Arc<dyn EventLog>,
    /// Their words as they come.
    pub live: Arc<dyn LiveLane>,
    /// The formats.
    pub formats: Arc<FormatLibrary>,
    /// The operator's own, by name.
    pub presets: BTreeMap<String, PresetConfig>,
    /// Caps where a preset sets none; where these have none either, the usual ones hold.
    pub limits: Limits,
    /// Who takes part where a preset names nobody.
    pub casting: Arc<dyn Casting>,
    /// Reads requests.
    pub reader: ChatReader,
}

impl fmt::Debug for DebateModelParts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DebateModelParts")
            .field("presets", &self.presets)
            .field("limits", &self.limits)
            .finish_non_exhaustive()
    }
}

/// Gives the clients of `debate/…`; shared by all callers.
#[derive(Clone)]
pub struct DebateModels(Arc<DebateModelParts>);

impl fmt::Debug for DebateModels {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = self.names_where(|_, _| true);
        write!(f, "debates as models: {}", names.join(", "))
    }
}

impl DebateModels {
    /// Shares the parts.
    pub fn new(parts: DebateModelParts) -> Self {
        Self(Arc::new(parts))
    }

    /// The names that answer any question, presets first: `debate/…`.
    ///
    /// A format with secrets is not among them, since a chat has no place for them; a preset of it neither. A format
    /// that chooses among options is not among them where no preset gives it some: it answers only the questions that
    /// hold a list of them.
    pub fn names(&self) -> Vec<String> {
        self.names_where(|format, preset| {
            !format.needs_options() || preset.is_some_and(|preset| !preset.options.is_empty())
        })
    }

    fn names_where(&self, wanted: impl Fn(&Format, Option<&PresetConfig>) -> bool) -> Vec<String> {
        let presets = self.0.presets.keys().map(String::as_str);
        let formats = self.0.formats.iter().map(|format| format.id.as_str());
        let formats = formats.filter(|id| !self.0.presets.contains_key(*id));
        presets
            .chain(formats)
            .filter(|name| {
                let held = self.held_as(name);
                held.is_some_and(|(format, preset)| wanted(&format, preset.as_ref()))
            })
            .map(|name| format!("{PROVIDER}/{name}"))
            .collect()
    }

    /// Who answers for a name; `None` for names that are no debate's.
    ///
    /// # Errors
    /// `ModelNotFound` for a name that begins like a debate's and is none; the message names those that there are.
    pub fn named(&self, name: &str) -> Option<Result<Arc<dyn BaseLlmClient>, LlmError>> {
        let of_debate = name.strip_prefix(PROVIDER)?.strip_prefix('/')?;
        Some(match self.held_as(of_debate) {
            Some((format, preset)) => Ok(Arc::new(DebateClient {
                parts: Arc::clone(&self.0),
                name: name.to_owned(),
                format,
                preset,
            })),
            None => Err(self.not_found(name)),
        })
    }

    /// What of the presets cannot be held now, one line each.
    pub async fn complaints(&self) -> Vec<String> {
        if self.0.presets.is_empty() {
            return Vec::new();
        }
        let candidates = self.0.casting.candidates().await;
        let mut lines = Vec::new();
        for (name, preset) in &self.0.presets {
            let Some((format, _)) = self.held_as(name) else {
                let format = &preset.format;
                lines.push(format!(
                    "debate.presets.{name}: there is no format \"{format}\" that needs no secrets"
                ));
                continue;
            };
            let question = Question::plain("?\nA) yes\nB) no");
            let order = order(&self.0, &format, Some(preset), &candidates, question);
            if let Err(OrderError(problems)) = self.0.engine.estimate(&order) {
                let problems = problems.into_iter();
                lines.extend(
                    problems
                        .map(|it| format!("debate.presets.{name}.{}: {}", it.field, it.message)),
                );
            }
        }
        lines
    }

    fn held_as(&self, name: &str) -> Option<(Arc<Format>, Option<PresetConfig>)> {
        let preset = self.0.presets.get(name);
        let id = preset.map_or(name, |preset| preset.format.as_str());
        let format = self.0.formats.get(id)?;
        let has_secrets = format.roles.iter().any(|role| !role.secrets.is_empty());
        (!has_secrets).then(|| (Arc::clone(format), preset.cloned()))
    }

    fn not_found(&self, name: &str) -> LlmError {
        let shown: String = name.chars().take(120).collect();
        let message = format!(
            "there is no debate called \"{shown}\": there are {}",
            self.names_where(|_, _| true).join(", ")
        );
        LlmError::new(LlmErrorKind::ModelNotFound, PROVIDER, message)
    }
}

/// The source of clients for the outside world: debates, and all models of the source within.
#[derive(Clone)]
pub struct WithDebates {
    /// Gives debates.
    pub debates: DebateModels,
    /// Gives everything else.
    pub inner: Arc<dyn ClientSource>,
}

impl fmt::Debug for WithDebates {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WithDebates")
            .field("debates", &self.debates)
            .finish_non_exhaustive()
    }
}

impl ClientSource for WithDebates {
    fn client(&self, model: &ModelName) -> Result<Arc<dyn BaseLlmClient>, LlmError> {
        self.debates
            .named(model.as_str())
            .unwrap_or_else(|| self.inner.client(model))
    }
}

/// Answers by holding a debate.
struct DebateClient {
    parts: Arc<DebateModelParts>,
    /// As it was asked for.
    name: String,
    format: Arc<Format>,
    preset: Option<PresetConfig>,
}

impl DebateClient {
    /// Orders the debate, and gives it from its first event on.
    async fn begin(&self, request: &ChatRequest) -> Result<Telling, LlmError> {
        if request.call.depth > 0 {
            let message = "a debate cannot be asked from within a debate";
            return Err(LlmError::new(
                LlmErrorKind::InvalidRequest,
                PROVIDER,
                message,
            ));
        }
        let chat = (self.parts.reader)(request)?;
        let question = Question::of(&chat)?;
        request.call.trace.note_dropped(&question::dropped(&chat));
        let candidates = self.parts.casting.candidates().await;
        let mut order = order(
            &self.parts,
            &self.format,
            self.preset.as_ref(),
            &candidates,
            question,
        );
        if self.format.needs_options() && order.options.is_empty() {
            return Err(self.without_options());
        }
        order.seed = order.seed.or(chat.sampling.seed);
        let patience = request.head.wishes.timeout.map(|it| it.as_secs().max(1));
        order.limits = order.limits.stricter(Limits {
            wall_s: patience,
            ..Limits::default()
        });
        let origin = Origin {
            principal: request.call.principal.clone(),
            span: request.call.span,
            tags: request.head.tags.clone(),
        };
        let ordered = self.parts.engine.create_for(&order, None, origin).await;
        let ordered = ordered.map_err(refused)?;
        request.call.trace.note_debate(ordered.id.clone());
        Ok(Telling::open(
            &self.parts,
            ordered.id,
            &self.name,
            Arc::clone(&request.call.trace),
        ))
    }

    fn without_options(&self) -> LlmError {
        let message = format!(
            "{} chooses among options: put at least two at the end of the question, each on a line of its own that \
             begins with \"A) \", \"1. \" or \"- \", or name them in a preset (debate.presets.NAME.options)",
            self.name
        );
        LlmError::new(LlmErrorKind::InvalidRequest, PROVIDER, message)
    }
}

#[async_trait]
impl BaseLlmClient for DebateClient {
    fn provider_name(&self) -> &str {
        PROVIDER
    }

    async fn send_message(&self, request: &ChatRequest) -> Result<ChatResponse, LlmError> {
        collect(self.begin(request).await?.into_stream()).await
    }

    async fn stream_message(&self, request: &ChatRequest) -> Result<ChunkStream, LlmError> {
        let mut telling = self.begin(request).await?;
        telling.first_words().await?;
        Ok(telling.into_stream())
    }
}

/// The order of a debate about a question.
fn order(
    parts: &DebateModelParts,
    format: &Format,
    preset: Option<&PresetConfig>,
    candidates: &Candidates,
    question: Question,
) -> DebateOrder {
    let named = |agents: &[PresetAgentConfig]| -> Vec<AgentOrder> {
        agents.iter().map(PresetAgentConfig::order).collect()
    };
    let agents = preset
        .map(|preset| named(&preset.agents))
        .unwrap_or_default();
    let judges = preset
        .map(|preset| named(&preset.judges))
        .unwrap_or_default();
    let (agents, judges) = match agents.is_empty() {
        true => casting::cast(format, candidates, judges),
        false => (agents, judges),
    };
    let given = preset.map(|preset| preset.options.clone());
    let options = given
        .filter(|given| !given.is_empty())
        .unwrap_or_else(|| question.options_for(format));
    let (topic, facts) = question.for_format(format);
    DebateOrder {
        topic,
        title: None,
        format: format.id.clone(),
        agents,
        judges,
        seed: preset.and_then(|preset| preset.seed),
        limits: preset
            .map(|preset| preset.limits)
            .unwrap_or_default()
            .or(parts.limits)
            .or(default_limits()),
        options,
        facts,
        ..DebateOrder::default()
    }
}

/// Why a debate was not begun, in the classes of a call.
fn refused(error: CreateError) -> LlmError {
    let message = error.to_string();
    let kind = match error {
        CreateError::Order(_) => LlmErrorKind::InvalidRequest,
        CreateError::Busy(_) => LlmErrorKind::Overloaded {
            retry_after: Some(std::time::Duration::from_secs(10)),
        },
        CreateError::Store(error) => {
            tracing::error!(%error, "a debate that was asked for as a model could not be stored");
            let message = "the debate could not be stored: try again";
            let kind = LlmErrorKind::Overloaded { retry_after: None };
            return LlmError::new(kind, PROVIDER, message);
        }
    };
    LlmError::new(kind, PROVIDER, message)
}
