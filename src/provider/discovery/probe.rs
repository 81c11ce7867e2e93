//! Asks one local server what is installed there.

use futures::StreamExt;
use futures::stream;
use serde_json::json;
use tokio::time::Instant;

use super::Discovered;
use super::DiscoveredModel;
use super::PROBE_LIMIT;
use super::read;
use crate::catalog::AuthScheme;
use crate::catalog::Discover;
use crate::catalog::ProviderSpec;
use crate::provider::environment::Environment;
use crate::provider::local::ask::Asker;
use crate::provider::local::ask::Server;
use crate::types::Secret;

/// Models that are asked about at once.
const ASKED_AT_ONCE: usize = 8;

/// How one local provider is asked.
pub(super) struct Probe {
    server: Server,
    provider: String,
    how: Discover,
}

impl Probe {
    /// `None` for a provider that is not local or cannot be asked.
    pub(super) fn of(spec: &ProviderSpec, environment: &Environment, asker: Asker) -> Option<Self> {
        let how = spec.discover.filter(|_| spec.local)?;
        let key = match spec.auth.scheme {
            AuthScheme::Bearer => environment.first_of(&spec.auth.key_env),
            AuthScheme::Header(_)
            | AuthScheme::Aws
            | AuthScheme::Google
            | AuthScheme::Azure
            | AuthScheme::None => None,
        };
        let server = Server {
            asker,
            base_url: spec.base_url_from(|name| environment.get(name).map(str::to_owned)),
            key: key.map(|(_, key)| Secret::new(key)),
        };
        Some(Self {
            server,
            provider: spec.id.clone(),
            how,
        })
    }

    /// `true` when it asks at the other's address.
    pub(super) fn asks_where(&self, other: &Self) -> bool {
        self.server.base_url == other.server.base_url
    }

    /// Asks the server; `None` when nobody answers, or somebody who is not such a server.
    pub(super) async fn ask(&self) -> Option<Discovered> {
        let due = Instant::now() + PROBE_LIMIT;
        let models = match self.how {
            Discover::Ollama => self.ollama(due).await?,
            Discover::OpenaiModels => self.listed(due).await?,
            Discover::LmStudio => self.lm_studio(due).await?,
            Discover::LlamaCpp => self.llama_cpp(due).await?,
        };
        Some(Discovered {
            provider: self.provider.clone(),
            base_url: self.server.base_url.clone(),
            models,
        })
    }

    async fn listed(&self, due: Instant) -> Option<Vec<DiscoveredModel>> {
        read::openai_models(&self.server.get("/models", due).await.success()?)
    }

    /// Old releases have no list of their own.
    async fn lm_studio(&self, due: Instant) -> Option<Vec<DiscoveredModel>> {
        let own = self.server.get_at_root("/api/v0/models", due).await;
        match own.success().as_ref().and_then(read::lm_studio_models) {
            Some(models) => Some(models),
            None => self.listed(due).await,
        }
    }

    async fn llama_cpp(&self, due: Instant) -> Option<Vec<DiscoveredModel>> {
        let (models, props) =
            tokio::join!(self.listed(due), self.server.get_at_root("/props", due));
        let mut models = models?;
        // It serves one model, and its properties are that model's.
        if let ([only], Some(props)) = (models.as_mut_slice(), props.success()) {
            read::add_llama_props(only, &props);
        }
        Some(models)
    }

    async fn ollama(&self, due: Instant) -> Option<Vec<DiscoveredModel>> {
        // The list of what is in memory waits for a model that is being loaded; what is installed does not.
        let soon = Instant::now() + PROBE_LIMIT / 2;
        let (tags, running) = tokio::join!(
            self.server.get("/api/tags", due),
            self.server.get("/api/ps", soon)
        );
        let mut models = read::ollama_models(&tags.success()?, running.success().as_ref())?;
        let names: Vec<String> = models.iter().map(|model| model.name.clone()).collect();
        let mut shown = stream::iter(names.into_iter().enumerate())
            .map(|(index, name)| async move {
                let body = json!({ "model": name });
                let said = self.server.post("/api/show", &body, due).await;
                (index, said.success())
            })
            .buffer_unordered(ASKED_AT_ONCE);
        while let Some((index, shown)) = shown.next().await {
            if let Some(shown) = shown {
                read::add_ollama_details(&mut models[index], &shown);
            }
        }
        drop(shown);
        Some(models)
    }
}
