//! The models of the catalog, and those that local servers have installed.

use axum::Json;
use axum::extract::Query;
use axum::extract::State;
use axum::extract::rejection::QueryRejection;
use serde::Deserialize;
use serde::Serialize;
use utoipa::IntoParams;
use utoipa::ToSchema;

use super::lists::List;
use crate::catalog::AuthScheme;
use crate::catalog::ModelCard;
use crate::catalog::ProviderSpec;
use crate::http::HttpState;
use crate::http::error::ApiError;
use crate::provider::Discovered;
use crate::provider::DiscoveredModel;
use crate::types::LongPrompt;
use crate::types::Prices;

/// Prices in US dollars per million tokens.
#[derive(Debug, Serialize, ToSchema)]
struct ListedPrices {
    input: f64,
    output: f64,
    /// Of prompt tokens read from a cache.
    cache_read: f64,
    /// Of prompt tokens written to a cache.
    cache_write: f64,
    /// Of audio heard, where it costs other than text.
    #[serde(skip_serializing_if = "Option::is_none")]
    audio_in: Option<f64>,
    /// Of audio spoken, where it costs other than text.
    #[serde(skip_serializing_if = "Option::is_none")]
    audio_out: Option<f64>,
    /// Of reasoning tokens, where they cost other than the answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    reasoning: Option<f64>,
    /// What the whole call costs when its prompt is long, from the lowest limit to the highest.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    long_prompts: Vec<ListedLongPrompt>,
}

/// Prices of calls with a long prompt, in US dollars per million tokens.
#[derive(Debug, Serialize, ToSchema)]
struct ListedLongPrompt {
    /// They hold for prompts of more tokens than this.
    above_tokens: u64,
    input: f64,
    output: f64,
    cache_read: f64,
    cache_write: f64,
}

/// Dollars for people to read; what is charged is counted in whole billionths.
fn usd(nano_usd: u64) -> f64 {
    nano_usd as f64 / 1e9
}

impl From<&Prices> for ListedPrices {
    fn from(prices: &Prices) -> Self {
        let long_prompt = |tier: &LongPrompt| ListedLongPrompt {
            above_tokens: tier.above_tokens,
            input: usd(tier.input),
            output: usd(tier.output),
            cache_read: usd(tier.cache_read),
            cache_write: usd(tier.cache_write),
        };
        Self {
            input: usd(prices.input),
            output: usd(prices.output),
            cache_read: usd(prices.cache_read),
            cache_write: usd(prices.cache_write),
            audio_in: prices.audio_in.map(usd),
            audio_out: prices.audio_out.map(usd),
            reasoning: prices.reasoning.map(usd),
            long_prompts: prices.long_prompts.iter().map(long_prompt).collect(),
        }
    }
}

/// What a local server says about a model. What it does not say is `null`.
#[derive(Debug, Serialize, ToSchema)]
struct InstalledModel {
    /// Its parameters, for example `8.0B`.
    parameter_size: Option<String>,
    /// How its weights are stored, for example `Q4_K_M`.
    quantization: Option<String>,
    size_bytes: Option<u64>,
    /// The context that it can have.
    context_tokens: Option<u64>,
    /// What it can do, in the server's words.
    capabilities: Vec<String>,
    /// `true` when it is in memory and answers without loading.
    loaded: Option<bool>,
    /// The context that it is in memory with.
    loaded_context_tokens: Option<u64>,
    memory_bytes: Option<u64>,
    vram_bytes: Option<u64>,
    /// When it leaves the memory, unless it is called before.
    expires_at: Option<String>,
}

impl From<&DiscoveredModel> for InstalledModel {
    fn from(model: &DiscoveredModel) -> Self {
        Self {
            parameter_size: model.parameter_size.clone(),
            quantization: model.quantization.clone(),
            size_bytes: model.size_bytes,
            context_tokens: model.context_tokens,
            capabilities: model.capabilities.clone(),
            loaded: model.loaded,
            loaded_context_tokens: model.loaded_context_tokens,
            memory_bytes: model.memory_bytes,
            vram_bytes: model.vram_bytes,
            expires_at: model.expires_at.clone(),
        }
    }
}

/// A model.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::http) struct ListedModel {
    /// `provider/model`.
    id: String,
    provider: String,
    title: Option<String>,
    /// free, budget, standard or premium; `null` when not known.
    pricing_tier: Option<String>,
    context_tokens: Option<u64>,
    max_output_tokens: Option<u64>,
    /// The length of an embedding model's vectors.
    #[serde(skip_serializing_if = "Option::is_none")]
    dimensions: Option<u32>,
    /// Other names of it, `provider/model`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    aliases: Vec<String>,
    /// chat, tools, vision, `json_schema`, reasoning, pdf, audio, embedding.
    capabilities: Vec<String>,
    prices_usd_per_million: Option<ListedPrices>,
    recommended: bool,
    /// Memory that it needs, in GB; local models only.
    ram_gb: Option<f64>,
    /// What its download takes, in GB; local models only.
    #[serde(skip_serializing_if = "Option::is_none")]
    disk_gb: Option<f64>,
    /// `true` when it can be called now: its key is set, or it is installed.
    available: bool,
    /// What the local server says about it; installed models only.
    #[serde(skip_serializing_if = "Option::is_none")]
    installed: Option<InstalledModel>,
    /// The model to use instead, when this one is retired.
    #[serde(skip_serializing_if = "Option::is_none")]
    successor: Option<String>,
    /// `true` when the provider has retired it, or will.
    deprecated: bool,
    /// The day it stops answering, `YYYY-MM-DD`, when that is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    retired_on: Option<String>,
    /// Where these facts come from, and the day they were checked; `null` for what only a server told.
    source: Option<String>,
    checked: Option<String>,
}

/// Which models.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(in crate::http) struct ModelFilter {
    /// Only those of this provider.
    provider: Option<String>,
    /// Only those of this tier: free, budget, standard, premium.
    tier: Option<String>,
    /// Only those that can do all of this, by the names of their capabilities: `tools,vision`.
    can: Option<String>,
    /// Only those whose name, title or other name holds this text.
    search: Option<String>,
    /// Only those that can be called now.
    available: Option<bool>,
}

/// Lists the models of the catalog, and those that local servers have installed.
#[utoipa::path(get, path = "/api/v1/models", tag = "lists", params(ModelFilter), responses((status = 200, body = List<ListedModel>)))]
pub(in crate::http) async fn models(
    State(state): State<HttpState>,
    filter: Result<Query<ModelFilter>, QueryRejection>,
) -> Result<Json<List<ListedModel>>, ApiError> {
    let Query(filter) =
        filter.map_err(|error| ApiError::bad_request("bad_query", error.body_text()))?;
    let found = state.availability.installed();
    let mut data: Vec<ListedModel> = state
        .catalog
        .cards()
        .map(|card| from_card(&state, card, &found))
        .collect();
    for server in found.iter() {
        for model in &server.models {
            let id = format!(
                "{}/{}",
                server.provider,
                model.name.trim_end_matches(":latest")
            );
            if data.iter().all(|known| known.id != id) {
                data.push(from_server(id, &server.provider, model));
            }
        }
    }
    data.retain(|model| filter.takes(model));
    Ok(Json(List { data }))
}

impl ModelFilter {
    fn takes(&self, model: &ListedModel) -> bool {
        let provider = self.provider.as_ref();
        let tier = self.tier.as_ref();
        let can = |wanted: &str| model.capabilities.iter().any(|it| it == wanted.trim());
        let holds = |text: &str| {
            let text = text.to_lowercase();
            let names = [&model.id].into_iter().chain(&model.title);
            names
                .chain(&model.aliases)
                .any(|name| name.to_lowercase().contains(&text))
        };
        provider.is_none_or(|wanted| model.provider == *wanted)
            && tier.is_none_or(|wanted| model.pricing_tier.as_ref() == Some(wanted))
            && (self.can.as_deref()).is_none_or(|wanted| wanted.split(',').all(can))
            && self.search.as_deref().is_none_or(holds)
            && (self.available).is_none_or(|wanted| model.available == wanted)
    }
}

fn from_card(state: &HttpState, card: &ModelCard, found: &[Discovered]) -> ListedModel {
    let provider = card.name.provider();
    let spec = state.catalog.provider(provider);
    let installed = found
        .iter()
        .filter(|server| server.provider == provider)
        .flat_map(|server| &server.models)
        .find(|model| model.name.trim_end_matches(":latest") == card.name.model());
    let local = spec.is_some_and(|spec| spec.local);
    ListedModel {
        id: card.name.to_string(),
        provider: provider.to_owned(),
        title: card.title.clone(),
        pricing_tier: Some(card.pricing_tier.as_str().to_owned()),
        context_tokens: card.context_tokens,
        max_output_tokens: card.max_output_tokens,
        dimensions: card.dimensions,
        aliases: state
            .catalog
            .aliases_of(&card.name)
            .iter()
            .map(ToString::to_string)
            .collect(),
        capabilities: card
            .capabilities
            .names()
            .into_iter()
            .map(str::to_owned)
            .collect(),
        prices_usd_per_million: card.prices.as_ref().map(ListedPrices::from),
        recommended: card.recommended,
        ram_gb: card.ram_gb,
        disk_gb: card.disk_gb,
        available: match local {
            true => installed.is_some(),
            false => spec.is_some_and(|spec| can_be_called(state, spec)),
        },
        installed: installed.map(InstalledModel::from),
        successor: card
            .deprecated
            .as_ref()
            .and_then(|it| it.successor.as_ref().map(ToString::to_string)),
        deprecated: card.deprecated.is_some(),
        retired_on: card.deprecated.as_ref().and_then(|it| it.date.clone()),
        source: Some(card.source.clone()),
        checked: Some(card.checked.clone()),
    }
}

fn from_server(id: String, provider: &str, model: &DiscoveredModel) -> ListedModel {
    ListedModel {
        id,
        provider: provider.to_owned(),
        title: model
            .parameter_size
            .as_ref()
            .map(|size| format!("{} ({size})", model.name)),
        pricing_tier: Some("free".to_owned()),
        context_tokens: model.context_tokens,
        max_output_tokens: None,
        dimensions: None,
        aliases: Vec::new(),
        capabilities: model.capabilities.clone(),
        prices_usd_per_million: Some(ListedPrices::from(&Prices::default())),
        recommended: false,
        ram_gb: None,
        disk_gb: None,
        available: true,
        installed: Some(InstalledModel::from(model)),
        successor: None,
        deprecated: false,
        retired_on: None,
        source: None,
        checked: None,
    }
}

pub(in crate::http) fn can_be_called(state: &HttpState, spec: &ProviderSpec) -> bool {
    spec.keyless
        || spec.auth.scheme == AuthScheme::None
        || state.availability.is_set(&spec.auth.key_env)
}
