//! The lists of models, in the form that each kind of client knows.

use axum::response::Response;
use serde_json::Value;
use serde_json::json;

use super::endpoint::Asked;
use super::exchange;
use super::failure::Failure;
use super::names;
use super::names::Named;
use super::plans;
use crate::client::LlmErrorKind;

/// When every model was made, for clients that want a time: `LiteLLM`'s proxy says the same.
const CREATED_S: u64 = 1_677_610_602;
const CREATED: &str = "2023-02-28T18:56:42Z";

/// The models that the caller may ask for.
pub(super) fn list(asked: &Asked<'_>) -> Response {
    let names = allowed(asked);
    let body = match asked.headers.is_anthropic {
        true => json!({
            "data": names.iter().map(|named| anthropic(asked, named)).collect::<Vec<_>>(),
            "has_more": false,
            "first_id": names.first().map(|named| &named.name),
            "last_id": names.last().map(|named| &named.name),
        }),
        false => json!({
            "object": "list",
            "data": names.iter().map(openai).collect::<Vec<_>>(),
        }),
    };
    signed(asked, &body)
}

/// One model.
pub(super) fn one(asked: &Asked<'_>) -> Result<Response, Failure> {
    let wanted = asked.named.as_deref().unwrap_or_default();
    let listed = allowed(asked)
        .into_iter()
        .find(|named| named.name == wanted);
    let named = listed.or_else(|| {
        // A name that a pattern or a provider takes, though no list has it.
        asked.exchange.may_ask(wanted).ok()?;
        let route = asked.exchange.state.router.route(wanted).ok()?;
        Some(Named {
            name: wanted.to_owned(),
            deployments: Vec::new(),
            model: Some(route.model),
        })
    });
    let Some(named) = named else {
        let message =
            format!("The model '{wanted}' does not exist. GET /v1/models lists those that do");
        let kind = LlmErrorKind::ModelNotFound;
        return Err(Failure::own(kind, 404, "model_not_found", message));
    };
    let body = match asked.headers.is_anthropic {
        true => anthropic(asked, &named),
        false => openai(&named),
    };
    Ok(signed(asked, &body))
}

fn openai(named: &Named) -> Value {
    json!({"id": named.name, "object": "model", "created": CREATED_S, "owned_by": named.provider()})
}

fn anthropic(asked: &Asked<'_>, named: &Named) -> Value {
    json!({"type": "model", "id": named.name, "display_name": label(asked, named), "created_at": CREATED})
}

/// The models, as Google's API lists them.
pub(super) fn gemini(asked: &Asked<'_>) -> Response {
    let model = |named: &Named| {
        let card = names::card(asked.exchange.state, named);
        json!({
            "name": format!("models/{}", named.name),
            "displayName": label(asked, named),
            "inputTokenLimit": card.and_then(|card| card.context_tokens),
            "outputTokenLimit": card.and_then(|card| card.max_output_tokens),
            "supportedGenerationMethods": ["generateContent", "streamGenerateContent", "countTokens"],
        })
    };
    let models: Vec<Value> = allowed(asked).iter().map(model).collect();
    signed(asked, &json!({"models": models}))
}

/// The models that people choose from: those of the caller's plan, and the others as locked where that is wanted.
pub(super) fn choosable(asked: &Asked<'_>) -> Response {
    let settings = asked.exchange.state.gateway.now();
    let shows_locked = settings
        .plans
        .as_ref()
        .is_some_and(|plans| plans.shows_locked);
    let may_ask = |named: &Named| asked.exchange.may_ask(&named.name).is_ok();
    let entry = |named: &Named| {
        let mut entry = json!({
            "id": named.name,
            "label": label(asked, named),
            "provider": named.provider(),
        });
        if !may_ask(named) {
            entry["locked"] = json!(true);
        }
        entry
    };
    let names = names::all(asked.exchange.state);
    // A debate is no answer of one model: a front end that wants to offer it names it itself.
    let models = names.iter().filter(|named| named.provider() != "debate");
    let shown = models.filter(|named| shows_locked || may_ask(named));
    let list: Vec<Value> = shown.map(entry).collect();
    drop(settings);
    signed(asked, &json!(list))
}

/// The names that the caller's plan has.
pub(super) fn allowed(asked: &Asked<'_>) -> Vec<Named> {
    let exchange = asked.exchange;
    let mut names = names::all(exchange.state);
    let settings = exchange.state.gateway.now();
    if let Some(plans) = &settings.plans {
        let models = plans::models(plans, exchange.plan.as_deref());
        names.retain(|named| models.allows(&named.name));
    }
    names
}

/// A name for people: the model list's, the catalog's, or the name itself.
fn label(asked: &Asked<'_>, named: &Named) -> String {
    let of_list = named.deployments.iter().find_map(|deployment| {
        let written = &deployment.info.written;
        let label = written.get("label").or_else(|| written.get("display_name"));
        label.and_then(Value::as_str)
    });
    let card = names::card(asked.exchange.state, named);
    let title = card.and_then(|card| card.title.as_deref());
    of_list.or(title).unwrap_or(&named.name).to_owned()
}

/// The answer, with what every answer's headers tell.
pub(super) fn signed(asked: &Asked<'_>, body: &Value) -> Response {
    let mut response = exchange::json(body);
    asked.exchange.sign(response.headers_mut());
    response
}
