//! Asks one local server what is installed there.

use std::collections::BTreeSet;

use bytes::BytesMut;
use futures::StreamExt;
use futures::stream;
use reqwest::RequestBuilder;
use serde_json::Value;
use serde_json::json;
use tokio::time::Instant;
use tokio::time::timeout_at;

use super::Discovered;
use super::DiscoveredModel;
use super::PROBE_LIMIT;
use crate::catalog::AuthScheme;
use crate::catalog::Discover;
use crate::catalog::ProviderSpec;
use crate::provider::environment::Environment;
use crate::types::Secret;

/// Longest reply that is read: a `show` with its licence and template has some hundred kilobytes.
const MAX_REPLY_BYTES: usize = 4 * 1024 * 1024;
/// Most models of one server that are listed.
const MAX_MODELS: usize = 500;
/// Models that are asked about at once.
const ASKED_AT_ONCE: usize = 8;

/// How one local provider is asked.
pub(super) struct Probe {
    client: reqwest::Client,
    provider: String,
    base_url: String,
    how: Discover,
    key: Option<Secret>,
}

impl Probe {
    /// `None` for a provider that is not local or cannot be asked.
    pub(super) fn of(
        spec: &ProviderSpec,
        environment: &Environment,
        client: reqwest::Client,
    ) -> Option<Self> {
        let how = spec.discover.filter(|_| spec.local)?;
        let key = match spec.auth.scheme {
            AuthScheme::Bearer => environment.first_of(&spec.auth.key_env),
            AuthScheme::Header(_)
            | AuthScheme::Aws
            | AuthScheme::Google
            | AuthScheme::Azure
            | AuthScheme::None => None,
        };
        Some(Self {
            client,
            provider: spec.id.clone(),
            base_url: spec.base_url_from(|name| environment.get(name).map(str::to_owned)),
            how,
            key: key.map(|(_, key)| Secret::new(key)),
        })
    }

    /// Asks the server; `None` when nobody answers, or somebody who is not such a server.
    pub(super) async fn ask(&self) -> Option<Discovered> {
        let due = Instant::now() + PROBE_LIMIT;
        let models = match self.how {
            Discover::Ollama => self.ollama(due).await?,
            Discover::OpenaiModels => {
                let listed = self.get("/models", due).await?;
                models_of_openai(&listed)?
            }
        };
        Some(Discovered {
            provider: self.provider.clone(),
            base_url: self.base_url.clone(),
            models,
        })
    }

    async fn ollama(&self, due: Instant) -> Option<Vec<DiscoveredModel>> {
        let (tags, running) = tokio::join!(self.get("/api/tags", due), self.get("/api/ps", due));
        let mut models = models_of_ollama(&tags?, running.as_ref())?;
        let names: Vec<String> = models.iter().map(|model| model.name.clone()).collect();
        let shown = stream::iter(names)
            .map(|name| async move { self.show(&name, due).await })
            .buffered(ASKED_AT_ONCE)
            .collect::<Vec<_>>()
            .await;
        for (model, shown) in models.iter_mut().zip(shown) {
            if let Some(shown) = shown {
                add_details(model, &shown);
            }
        }
        Some(models)
    }

    async fn show(&self, name: &str, due: Instant) -> Option<Value> {
        let url = format!("{}/api/show", self.base_url);
        let body = json!({ "model": name });
        self.fetch(self.client.post(url).json(&body), due).await
    }

    async fn get(&self, path: &str, due: Instant) -> Option<Value> {
        let url = format!("{}{path}", self.base_url);
        self.fetch(self.client.get(url), due).await
    }

    /// Sends a request and reads its JSON; whatever goes wrong means that there is nothing to be found.
    async fn fetch(&self, request: RequestBuilder, due: Instant) -> Option<Value> {
        let request = match &self.key {
            Some(key) => request.bearer_auth(key.expose()),
            None => request,
        };
        let body = timeout_at(due, bounded(request)).await.ok()??;
        serde_json::from_slice(&body).ok()
    }
}

async fn bounded(request: RequestBuilder) -> Option<BytesMut> {
    let mut response = request.send().await.ok()?.error_for_status().ok()?;
    let mut body = BytesMut::new();
    while let Some(bytes) = response.chunk().await.ok()? {
        if body.len() + bytes.len() > MAX_REPLY_BYTES {
            return None;
        }
        body.extend_from_slice(&bytes);
    }
    Some(body)
}

/// Reads Ollama's `/api/tags` and `/api/ps`.
fn models_of_ollama(tags: &Value, running: Option<&Value>) -> Option<Vec<DiscoveredModel>> {
    let loaded: Option<BTreeSet<&str>> = running.and_then(|running| {
        let models = running.get("models")?.as_array()?;
        Some(models.iter().filter_map(|m| m["name"].as_str()).collect())
    });
    let installed = tags.get("models")?.as_array()?;
    let models = installed.iter().take(MAX_MODELS).filter_map(|model| {
        let name = model["name"].as_str()?;
        Some(DiscoveredModel {
            name: name.to_owned(),
            size_bytes: model["size"].as_u64(),
            parameter_size: text(&model["details"]["parameter_size"]),
            loaded: loaded.as_ref().map(|loaded| loaded.contains(name)),
            ..DiscoveredModel::default()
        })
    });
    Some(models.collect())
}

/// Adds what Ollama's `/api/show` tells: the context's length stands under the name of the architecture.
fn add_details(model: &mut DiscoveredModel, shown: &Value) {
    let about = &shown["model_info"];
    model.context_tokens = about["general.architecture"]
        .as_str()
        .and_then(|family| about[format!("{family}.context_length")].as_u64());
    model.capabilities = shown["capabilities"]
        .as_array()
        .map(|words| words.iter().filter_map(text).collect())
        .unwrap_or_default();
    model.parameter_size = model
        .parameter_size
        .take()
        .or_else(|| text(&shown["details"]["parameter_size"]));
}

/// Reads `GET /v1/models`, with the additions of vLLM (`max_model_len`) and llama.cpp (`meta`).
fn models_of_openai(listed: &Value) -> Option<Vec<DiscoveredModel>> {
    let models = listed.get("data")?.as_array()?;
    let models = models.iter().take(MAX_MODELS).filter_map(|model| {
        let context = model["max_model_len"]
            .as_u64()
            .or_else(|| model["meta"]["n_ctx_train"].as_u64());
        Some(DiscoveredModel {
            name: text(&model["id"])?,
            size_bytes: model["meta"]["size"].as_u64(),
            context_tokens: context,
            ..DiscoveredModel::default()
        })
    });
    Some(models.collect())
}

fn text(value: &Value) -> Option<String> {
    value
        .as_str()
        .filter(|text| !text.is_empty())
        .map(str::to_owned)
}
