//! What is known about the entries and groups of the model list, in `LiteLLM`'s form and without a secret.

use axum::extract::Query;
use axum::response::Response;
use serde::Deserialize;
use serde_json::Map;
use serde_json::Value;
use serde_json::json;

use super::endpoint::Asked;
use super::failure::Failure;
use super::models;
use super::names;
use super::names::Named;
use crate::catalog::ModelCard;
use crate::http::HttpState;
use crate::types::Deployment;
use crate::types::Prices;

/// Which entries.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Filter {
    litellm_model_id: Option<String>,
    model_group: Option<String>,
}

fn filter(asked: &Asked<'_>) -> Filter {
    let read = Query::<Filter>::try_from_uri(&asked.parts.uri);
    read.map(|Query(filter)| filter).unwrap_or_default()
}

/// The entries of the model list.
pub(super) fn entries(asked: &Asked<'_>) -> Result<Response, Failure> {
    let wanted = filter(asked).litellm_model_id;
    let state = asked.exchange.state;
    let mut data = Vec::new();
    for group in state.router.listed() {
        if asked.exchange.may_ask(&group.name).is_err() {
            continue;
        }
        for deployment in &group.deployments {
            if wanted
                .as_ref()
                .is_none_or(|wanted| *wanted == *deployment.id)
            {
                data.push(entry(state, &group.name, deployment));
            }
        }
    }
    match (data.is_empty(), wanted) {
        (true, Some(id)) => Err(Failure::invalid(format!(
            "the model list has no entry with the id \"{id}\""
        ))),
        _ => Ok(models::signed(asked, &json!({"data": data}))),
    }
}

fn entry(state: &HttpState, group: &str, deployment: &Deployment) -> Value {
    let mut params = Map::new();
    params.insert("model".to_owned(), json!(deployment.model.as_ref()));
    for (name, value) in &deployment.info.params {
        params.insert(name.clone(), value.clone());
    }
    let described = names::described(deployment);
    let card = described.as_ref().and_then(|name| state.catalog.card(name));
    let mut info = facts(card.map(AsRef::as_ref), names::prices(state, deployment));
    info.insert("id".to_owned(), json!(deployment.id.as_ref()));
    info.insert("db_model".to_owned(), json!(false));
    info.insert("key".to_owned(), json!(deployment.model.as_ref()));
    if let Some(model) = &described {
        info.insert("litellm_provider".to_owned(), json!(model.provider()));
    }
    let mode = deployment.info.mode.as_deref();
    if let Some(mode) = mode {
        info.insert("mode".to_owned(), json!(mode));
    }
    for (name, value) in &deployment.info.written {
        info.insert(name.clone(), value.clone());
    }
    json!({"model_name": group, "litellm_params": params, "model_info": info})
}

/// What a card and prices say, by `LiteLLM`'s names: dollars for each token.
fn facts(card: Option<&ModelCard>, prices: Option<Prices>) -> Map<String, Value> {
    let can = card.map(|card| card.capabilities).unwrap_or_default();
    let mode = match can.embedding && !can.chat {
        true => "embedding",
        false => "chat",
    };
    let per_token = |nano_usd_per_million: u64| nano_usd_per_million as f64 / 1e15;
    let facts = json!({
        "mode": mode,
        "max_tokens": card.and_then(|card| card.max_output_tokens),
        "max_input_tokens": card.and_then(|card| card.context_tokens),
        "max_output_tokens": card.and_then(|card| card.max_output_tokens),
        "output_vector_size": card.and_then(|card| card.dimensions),
        "input_cost_per_token": prices.map(|prices| per_token(prices.input)),
        "output_cost_per_token": prices.map(|prices| per_token(prices.output)),
        "cache_read_input_token_cost": prices.map(|prices| per_token(prices.cache_read)),
        "cache_creation_input_token_cost": prices.map(|prices| per_token(prices.cache_write)),
        "supports_function_calling": can.tools,
        "supports_tool_choice": can.tools,
        "supports_parallel_function_calling": can.tools,
        "supports_vision": can.vision,
        "supports_response_schema": can.json_schema,
        "supports_reasoning": can.reasoning,
        "supports_pdf_input": can.pdf,
        "supports_audio_input": can.audio,
    });
    match facts {
        Value::Object(facts) => facts,
        _ => Map::new(),
    }
}

/// The groups of the model list.
pub(super) fn groups(asked: &Asked<'_>) -> Response {
    let wanted = filter(asked).model_group;
    let data: Vec<Value> = models::allowed(asked)
        .iter()
        .filter(|named| wanted.as_ref().is_none_or(|wanted| *wanted == named.name))
        .map(|named| group(asked.exchange.state, named))
        .collect();
    models::signed(asked, &json!({"data": data}))
}

fn group(state: &HttpState, named: &Named) -> Value {
    let card = names::card(state, named).map(AsRef::as_ref);
    let prices = match named.deployments.first() {
        Some(deployment) => names::prices(state, deployment),
        None => named.model.as_ref().and_then(|it| state.catalog.prices(it)),
    };
    let mut facts = facts(card, prices);
    let mut providers: Vec<String> = named
        .deployments
        .iter()
        .filter_map(|deployment| names::described(deployment))
        .map(|model| model.provider().to_owned())
        .chain([named.provider().to_owned()])
        .collect();
    providers.sort();
    providers.dedup();
    let sum = |of: fn(&Deployment) -> Option<u64>| {
        let told: Vec<u64> = named.deployments.iter().filter_map(|it| of(it)).collect();
        (!told.is_empty()).then(|| told.iter().sum::<u64>())
    };
    facts.insert("model_group".to_owned(), json!(named.name));
    facts.insert("providers".to_owned(), json!(providers));
    facts.insert("rpm".to_owned(), json!(sum(|it| it.rpm)));
    facts.insert("tpm".to_owned(), json!(sum(|it| it.tpm)));
    Value::Object(facts)
}
