//! One call to a local server: its place in line, what is asked beside the chat, and what it waits for.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use http::Uri;
use tokio::time::Instant;

use super::LocalConfig;
use super::ask::Asker;
use super::ask::Server;
use super::context;
use super::context::Known;
use super::facts;
use super::facts::FactBook;
use super::facts::ModelFacts;
use super::line::LineIsFull;
use super::line::Lines;
use super::line::Permit;
use super::loading;
use super::loading::Readiness;
use crate::catalog::Discover;
use crate::catalog::ProviderSpec;
use crate::client::CallWait;
use crate::client::ChatRequest;
use crate::client::LlmError;
use crate::client::LlmErrorKind;
use crate::client::TimeoutPhase;
use crate::provider::transport::Transport;
use crate::types::Chat;
use crate::types::ContentPart;
use crate::types::ReasoningEffort;
use crate::types::Secret;
use crate::types::Wire;
use crate::types::quirks::OllamaOptions;
use crate::types::quirks::Param;
use crate::types::quirks::Quirks;
use crate::types::usage::estimate_tokens;

/// Room for an answer whose length the request does not bound, in tokens.
const USUAL_ANSWER: u64 = 1024;
/// What one picture takes of the context at most, roughly, in tokens (Gemma 3 takes 256).
const PICTURE: u64 = 1024;
/// The name of Ollama's own cloud, which takes any number of calls.
const OLLAMA_CLOUD: &str = "ollama.com";

/// What all calls to local servers share.
#[derive(Debug)]
pub(in crate::provider) struct LocalServers {
    /// As it holds now; a reload may change it.
    config: ArcSwap<LocalConfig>,
    lines: Lines,
    book: FactBook,
    /// `None` when no client for side questions could be made; then nothing is asked.
    asker: Option<Asker>,
}

/// One call to a local server.
#[derive(Debug)]
pub(in crate::provider) struct LocalCall<'a> {
    servers: &'a LocalServers,
    spec: &'a ProviderSpec,
    request: &'a ChatRequest,
    url: Uri,
    /// `None` for an address that a caller wrote: nothing but its call goes there.
    server: Option<Server>,
}

impl LocalServers {
    pub(in crate::provider) fn new(config: LocalConfig, transport: &Transport) -> Self {
        let asker = Asker::new(transport).inspect_err(|error| {
            tracing::warn!(%error, "local servers cannot be asked about their models");
        });
        Self {
            config: ArcSwap::from_pointee(config),
            lines: Lines::default(),
            book: FactBook::default(),
            asker: asker.ok(),
        }
    }

    /// Lets other settings hold from the next call on.
    pub(in crate::provider) fn set(&self, config: LocalConfig) {
        self.config.store(Arc::new(config));
    }

    /// `None` for a provider that is not local.
    pub(in crate::provider) fn call<'a>(
        &'a self,
        spec: &'a ProviderSpec,
        request: &'a ChatRequest,
        url: Uri,
        (base_url, key): (&str, Option<&Secret>),
    ) -> Option<LocalCall<'a>> {
        let endpoint = request.call.endpoint.as_ref();
        let own = endpoint.is_none_or(|endpoint| endpoint.api_base.is_none());
        let server = self.asker.clone().filter(|_| own).map(|asker| Server {
            asker,
            base_url: base_url.to_owned(),
            key: key.cloned(),
        });
        spec.local.then_some(LocalCall {
            servers: self,
            spec,
            request,
            url,
            server,
        })
    }
}

impl LocalCall<'_> {
    /// Waits for a place at the server; `None` where any number of calls may run.
    pub(in crate::provider) async fn place(&self) -> Result<Option<Permit>, LlmError> {
        let limit = self.servers.config.load().parallel(&self.spec.id);
        let Some(limit) = limit.filter(|_| self.url.host() != Some(OLLAMA_CLOUD)) else {
            return Ok(None);
        };
        let call = &self.request.call;
        let asked = Instant::now();
        let line = self.servers.lines.before(&self.url);
        let entering = line.enter(limit, |behind| {
            call.trace.note_wait(Some(CallWait::Queued { behind }));
        });
        let entered = match call.deadline {
            Some(deadline) => tokio::time::timeout_at(deadline, entering).await,
            None => Ok(entering.await),
        };
        call.trace.add_queue_wait(asked.elapsed());
        call.trace.note_wait(None);
        match entered {
            Ok(Ok(permit)) => Ok(Some(permit)),
            Ok(Err(LineIsFull)) => Err(self.error(
                LlmErrorKind::Overloaded { retry_after: None },
                "too many calls wait for this server",
            )),
            Err(_) => Err(self.error(
                LlmErrorKind::Timeout {
                    phase: TimeoutPhase::Total,
                },
                "its turn at the server did not come in time: other calls were before it",
            )),
        }
    }

    /// Refuses what the model cannot do, leaves out what it does not understand, and chooses its context.
    ///
    /// # Errors
    /// `InvalidRequest` for tools, pictures or a chat that the server says the model cannot take.
    pub(in crate::provider) async fn prepare(
        &self,
        chat: &Chat,
        quirks: &mut Quirks,
    ) -> Result<(), LlmError> {
        if self.spec.wire() != Wire::Ollama {
            return Ok(());
        }
        let asked = Instant::now();
        let (facts, in_force) = match &self.server {
            Some(server) => self.look_up(server).await,
            None => (None, None),
        };
        self.request.call.trace.add_upstream_wait(asked.elapsed());
        if let Some(facts) = &facts {
            self.check(chat, facts)?;
            let wants_thought = chat
                .reasoning_effort
                .is_some_and(|effort| effort != ReasoningEffort::None);
            if wants_thought && !facts.may("thinking") {
                quirks.drop_params.insert(Param::ReasoningEffort);
            }
        }
        quirks.ollama = self.options(chat, facts.as_deref(), in_force);
        Ok(())
    }

    async fn look_up(&self, server: &Server) -> (Option<Arc<ModelFacts>>, Option<u64>) {
        let model = self.request.head.model.model();
        tokio::join!(
            self.servers.book.facts(server, model),
            facts::in_force(server, model)
        )
    }

    fn check(&self, chat: &Chat, facts: &ModelFacts) -> Result<(), LlmError> {
        let parts = || chat.messages.iter().flat_map(|message| &message.parts);
        let sees = parts().any(|part| matches!(part, ContentPart::Image(_)));
        let refused = if !facts.may("completion") {
            "cannot chat: it is for embeddings"
        } else if !chat.tools.is_empty() && !facts.may("tools") {
            "does not support tools: choose a model whose capabilities name them, or leave the tools out"
        } else if sees && !facts.may("vision") {
            "does not see pictures: choose a model whose capabilities name vision, or leave them out"
        } else {
            return Ok(());
        };
        let message = format!("{} {refused}", self.request.head.model.model());
        Err(self.error(LlmErrorKind::InvalidRequest, &message))
    }

    fn options(
        &self,
        chat: &Chat,
        facts: Option<&ModelFacts>,
        in_force: Option<u64>,
    ) -> OllamaOptions {
        let held = self.servers.config.load();
        let (config, model) = (&held.ollama, self.request.head.model.model());
        let server = self.server.as_ref();
        let num_ctx = context::choose(&Known {
            needed: needed(chat, self.request.head.estimated_tokens),
            set: config.num_ctx_of(model),
            most: config.max_num_ctx,
            trained: facts.and_then(|facts| facts.context_tokens),
            own: facts.and_then(|facts| facts.num_ctx),
            in_force,
            before: server.and_then(|server| self.servers.book.asked_before(server, model)),
        });
        if let (Some(server), Some(tokens)) = (server, num_ctx) {
            self.servers.book.note_asked(server, model, tokens);
        }
        OllamaOptions {
            keep_alive: config.keep_alive_of(model).cloned(),
            num_ctx,
            refuse_overlong: true,
        }
    }

    /// Waits for what comes, and tells meanwhile when the model is still being loaded.
    pub(in crate::provider) async fn telling<T>(&self, coming: impl Future<Output = T>) -> T {
        let trace = &self.request.call.trace;
        let (Some(server), Some(how), true) =
            (&self.server, self.spec.discover, trace.is_watched())
        else {
            return coming.await;
        };
        let model = &self.request.head.model;
        let came = tokio::select! {
            biased;
            came = coming => came,
            never = loading::keep_telling(server, how, model, trace) => match never {},
        };
        trace.note_wait(None);
        came
    }

    /// After a reply that says the server is not available: waits a little when it is loading its model, until `due`,
    /// and returns whether asking again makes sense.
    pub(in crate::provider) async fn comes_up(&self, due: Instant) -> bool {
        const PAUSE: Duration = Duration::from_millis(500);
        let (Some(server), Some(how @ Discover::LlamaCpp)) = (&self.server, self.spec.discover)
        else {
            return false;
        };
        let trace = &self.request.call.trace;
        let asked = Instant::now();
        let mut has_waited = false;
        while Instant::now() + PAUSE < due {
            let model = &self.request.head.model;
            if loading::readiness(server, how, model.model()).await != Readiness::Loading {
                break;
            }
            has_waited = true;
            trace.note_wait(Some(CallWait::ModelLoading {
                model: model.clone(),
                waited: asked.elapsed(),
            }));
            tokio::time::sleep(PAUSE).await;
        }
        trace.note_wait(None);
        trace.add_upstream_wait(asked.elapsed());
        has_waited
    }

    fn error(&self, kind: LlmErrorKind, message: &str) -> LlmError {
        LlmError::new(kind, &self.spec.id, message)
    }
}

/// What the prompt and its answer take, in tokens, rather too many than too few.
fn needed(chat: &Chat, estimated_tokens: u64) -> u64 {
    let tools: u64 = chat
        .tools
        .iter()
        .map(|tool| {
            estimate_tokens(&tool.parameters.to_string()) + estimate_tokens(&tool.description) + 16
        })
        .sum();
    let parts = chat.messages.iter().flat_map(|message| &message.parts);
    let pictures = parts.filter(|part| matches!(part, ContentPart::Image(_)));
    let answer = chat
        .sampling
        .max_output_tokens
        .map_or(USUAL_ANSWER, u64::from);
    estimated_tokens + tools + PICTURE * pictures.count() as u64 + answer
}
