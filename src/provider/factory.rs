//! From a model's name to the client that calls it: unified, legacy by the flag, or demo.

use std::collections::BTreeSet;
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::RwLock;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering;

use super::auth::Tokens;
use super::demo::DemoClient;
use super::demo::DemoPace;
use super::dropped::DroppedParams;
use super::embed::UnifiedEmbedder;
use super::environment::Environment;
use super::flag::LlmFlag;
use super::lane::Lanes;
use super::local::LocalConfig;
use super::local::LocalServers;
use super::prepared::Preview;
use super::replicate::Cancelling;
use super::timeouts::CallTimeouts;
use super::timeouts::GeneralTimeouts;
use super::transport::Transport;
use super::unified::UnifiedClient;
use super::unified::UnifiedParts;
use crate::catalog::Catalog;
use crate::catalog::ModelCard;
use crate::catalog::ProviderSpec;
use crate::catalog::UnknownModel;
use crate::client::BaseLlmClient;
use crate::client::ChatRequest;
use crate::client::ClientSource;
use crate::client::EmbedderSource;
use crate::client::EmbeddingClient;
use crate::client::LlmError;
use crate::client::LlmErrorKind;
use crate::types::Clock;
use crate::types::EmbeddingDialect;
use crate::types::FastMap;
use crate::types::ModelName;
use crate::types::Wire;

/// Names that are remembered; a caller chooses them, so they need a bound.
const MAX_KNOWN: usize = 4096;

/// What clients are made from.
#[derive(Debug, Clone)]
pub struct FactoryParts {
    /// Who can be called.
    pub catalog: Arc<Catalog>,
    /// Where keys and addresses are set.
    pub environment: Environment,
    /// Which path each provider takes.
    pub flag: Arc<LlmFlag>,
    /// The times that hold where a provider's file names none.
    pub timeouts: GeneralTimeouts,
    /// How fast the demo models speak.
    pub demo_pace: DemoPace,
    /// Wall time.
    pub clock: Clock,
}

/// Makes clients. They share one transport, so making one is cheap and connections are reused.
pub struct ClientFactory {
    parts: FactoryParts,
    unified: Arc<UnifiedParts>,
    demo: DemoClient,
    /// Clients by the names that they were asked for by, with their providers.
    known: RwLock<FastMap<String, (String, Arc<UnifiedClient>)>>,
    /// Models of whose retirement was told.
    told: Mutex<BTreeSet<ModelName>>,
    /// A legacy client owns its connections, so it is made once for each provider.
    #[cfg(feature = "legacy")]
    legacy: Mutex<HashMap<String, Arc<dyn BaseLlmClient>>>,
}

impl ClientFactory {
    /// Makes a factory with a transport of its own.
    ///
    /// # Errors
    /// When TLS cannot be set up at all.
    pub fn new(parts: FactoryParts) -> Result<Self, rustls::Error> {
        Self::with_local(parts, LocalConfig::default())
    }

    /// Makes a factory whose local servers are called as these settings say.
    ///
    /// # Errors
    /// When TLS cannot be set up at all.
    pub fn with_local(parts: FactoryParts, local: LocalConfig) -> Result<Self, rustls::Error> {
        let transport = Transport::new()?;
        let unified = UnifiedParts {
            catalog: Arc::clone(&parts.catalog),
            environment: parts.environment.clone(),
            local: LocalServers::new(local, &transport),
            transport,
            clock: parts.clock,
            dropped: DroppedParams::default(),
            strict: AtomicBool::new(false),
            lanes: Lanes::default(),
            tokens: Tokens::default(),
            cancelling: Cancelling::default(),
        };
        Ok(Self {
            demo: DemoClient::new(parts.demo_pace),
            unified: Arc::new(unified),
            known: RwLock::default(),
            told: Mutex::default(),
            #[cfg(feature = "legacy")]
            legacy: Mutex::default(),
            parts,
        })
    }

    /// Returns the client for a model as people write it: `ollama/llama3.2`, `vertex_ai/gemini-2.5-pro`, or
    /// a bare name of the catalog such as `gpt-4o-mini`. A request names its model itself, by its provider.
    ///
    /// A model that the catalog does not know is called all the same, as long as its provider is known:
    /// providers bring out models faster than catalogs are written.
    ///
    /// # Errors
    /// `ModelNotFound` when the text is no model's name or its provider is unknown; the message names the nearest.
    pub fn create(&self, model: &str) -> Result<Arc<dyn BaseLlmClient>, LlmError> {
        if let Some(known) = self.known(model) {
            return Ok(known);
        }
        let spec = self.spec(model)?;
        Ok(match spec.wire() {
            Wire::Demo => Arc::new(self.demo.clone()),
            Wire::OpenaiChat
            | Wire::OpenaiResponses
            | Wire::Anthropic
            | Wire::Gemini
            | Wire::Ollama
            | Wire::Cohere
            | Wire::Bedrock
            | Wire::Replicate => self.calling_out(model, spec),
        })
    }

    /// Says whether a request is refused rather than sent without a parameter that its provider does not take.
    /// At first it is sent. A call that is strict by itself is refused either way.
    pub fn set_strict(&self, strict: bool) {
        self.unified.strict.store(strict, Ordering::Relaxed);
    }

    /// Lets other settings of local servers hold from the next call on.
    pub fn set_local(&self, local: LocalConfig) {
        self.unified.local.set(local);
    }

    /// What would be sent for a request, with `***` in place of credentials. Nothing is sent, and no token is
    /// fetched.
    ///
    /// # Errors
    /// As for a call, as far as it fails before anything is sent; `ModelNotFound` for an unknown provider.
    pub fn preview(&self, request: &ChatRequest) -> Result<Preview, LlmError> {
        let model = &request.head.model;
        match self.parts.catalog.provider(model.provider()) {
            Some(spec) => {
                let timeouts = CallTimeouts::of(spec, &self.parts.timeouts);
                let parts = Arc::clone(&self.unified);
                UnifiedClient::new(Arc::clone(spec), timeouts, parts)
                    .preview(request, request.head.stream)
            }
            None => Err(not_found(&self.unknown(model))),
        }
    }

    /// Returns who turns texts into vectors with a model, for example `openai/text-embedding-3-small`.
    ///
    /// # Errors
    /// As for [`Self::create`], and `InvalidRequest` when its provider has no vectors.
    pub fn embedder(&self, model: &str) -> Result<Arc<dyn EmbeddingClient>, LlmError> {
        let spec = self.spec(model)?;
        if spec.wire() == Wire::Demo {
            return Ok(Arc::new(self.demo.clone()));
        }
        let dialect = spec.embeddings.dialect_on(spec.wire());
        if dialect == EmbeddingDialect::None {
            let help = "has no vectors: take an embedding model of another provider, for example \
                        openai/text-embedding-3-small or ollama/nomic-embed-text";
            let message = format!("{} {help}", spec.title);
            return Err(LlmError::new(
                LlmErrorKind::InvalidRequest,
                &spec.id,
                message,
            ));
        }
        let timeouts = CallTimeouts::of(spec, &self.parts.timeouts);
        let client = UnifiedClient::new(Arc::clone(spec), timeouts, Arc::clone(&self.unified));
        let max_texts = spec.embeddings.max_texts;
        Ok(Arc::new(UnifiedEmbedder::new(client, dialect, max_texts)))
    }

    fn spec(&self, model: &str) -> Result<&Arc<ProviderSpec>, LlmError> {
        let catalog = &self.parts.catalog;
        let name = catalog
            .named(model)
            .map_err(|unknown| not_found(&unknown))?;
        self.warn_of_retirement(&name);
        let found = catalog.provider(name.provider());
        found.ok_or_else(|| not_found(&self.unknown(&name)))
    }

    /// Says once for each model that it is retired, or will be, and what to use instead.
    fn warn_of_retirement(&self, name: &ModelName) {
        let catalog = &self.parts.catalog;
        let ends = |card: &Arc<ModelCard>| card.deprecated.is_some();
        if !catalog.card(name).is_some_and(ends) {
            return;
        }
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        if told.insert(name.clone())
            && let Ok(resolved) = catalog.resolve(name.as_str())
        {
            for note in &resolved.notes {
                tracing::warn!(model = %name, "{note}");
            }
        }
    }

    /// What could not be sent to whom, so far.
    pub fn dropped_params(&self) -> &DroppedParams {
        &self.unified.dropped
    }

    /// The client of a model that was asked for before, where nothing but the unified client may answer for it.
    fn known(&self, model: &str) -> Option<Arc<dyn BaseLlmClient>> {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        let (provider, client) = known.get(model)?;
        (!self.parts.flag.wants_legacy(provider)).then(|| Arc::clone(client) as _)
    }

    fn remember(&self, model: &str, spec: &ProviderSpec, client: &Arc<UnifiedClient>) {
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= MAX_KNOWN {
            known.clear();
        }
        known.insert(model.to_owned(), (spec.id.clone(), Arc::clone(client)));
    }

    fn calling_out(&self, model: &str, spec: &Arc<ProviderSpec>) -> Arc<dyn BaseLlmClient> {
        let timeouts = CallTimeouts::of(spec, &self.parts.timeouts);
        let unified = UnifiedClient::new(Arc::clone(spec), timeouts, Arc::clone(&self.unified));
        #[cfg(feature = "legacy")]
        if self.parts.flag.wants_legacy(&spec.id)
            && let Some(direct) = self.direct(spec, timeouts)
        {
            return Arc::new(super::flagged::FlaggedClient::new(direct, unified));
        }
        let unified = Arc::new(unified);
        self.remember(model, spec, &unified);
        unified
    }

    #[cfg(feature = "legacy")]
    fn direct(
        &self,
        spec: &ProviderSpec,
        timeouts: CallTimeouts,
    ) -> Option<Arc<dyn BaseLlmClient>> {
        let mut made = self.legacy.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(client) = made.get(&spec.id) {
            return Some(Arc::clone(client));
        }
        let environment = &self.parts.environment;
        let base_url = spec.base_url_from(|name| environment.get(name).map(str::to_owned));
        let key = environment
            .first_of(&spec.auth.key_env)
            .map(|(_, key)| crate::types::Secret::new(key));
        let client = super::legacy::client(&spec.id, &base_url, key, timeouts)?;
        made.insert(spec.id.clone(), Arc::clone(&client));
        Some(client)
    }

    fn unknown(&self, model: &ModelName) -> UnknownModel {
        UnknownModel {
            written: model.to_string(),
            prefix: Some(model.provider().to_owned()),
            near: self.parts.catalog.suggest(model.as_str()),
        }
    }
}

fn not_found(unknown: &UnknownModel) -> LlmError {
    let provider = unknown.prefix.as_deref().unwrap_or_default();
    LlmError::new(LlmErrorKind::ModelNotFound, provider, unknown.to_string())
}

impl ClientSource for ClientFactory {
    fn client(&self, model: &ModelName) -> Result<Arc<dyn BaseLlmClient>, LlmError> {
        self.create(model.as_str())
    }
}

impl EmbedderSource for ClientFactory {
    fn embedder(&self, model: &ModelName) -> Result<Arc<dyn EmbeddingClient>, LlmError> {
        self.embedder(model.as_str())
    }
}

impl std::fmt::Debug for ClientFactory {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ClientFactory")
            .field("parts", &self.parts)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
