//! Why a call goes where it goes: before it is made, and afterwards.

use axum::body::Body;
use axum::response::Response;
use serde::Serialize;
use serde_json::Value;

use super::endpoint::Asked;
use super::exchange;
use super::failure::Failure;
use super::models;
use crate::client::Head;
use crate::client::LlmErrorKind;
use crate::types::Wire;
use crate::wire::head;

/// `POST /api/v1/route/explain`: the body is a chat, of which the model is enough.
pub(super) async fn explain(asked: &Asked<'_>, body: Body) -> Result<Response, Failure> {
    let exchange = asked.exchange;
    let body = exchange::read_body(exchange.state, asked.parts, body).await?;
    let found = head::scan(Wire::OpenaiChat, &body)?;
    let Some(model) = found.model else {
        return Err(super::answer::missing("model"));
    };
    let route = super::answer::route(exchange, &model)?;
    let mut tags = exchange.tags.clone();
    tags.extend(found.tags);
    let head = Head {
        model: route.model,
        stream: found.stream.unwrap_or(false),
        usage_in_stream: found.usage_in_stream,
        estimated_tokens: found.estimated_tokens,
        tags,
        wishes: exchange::wishes(asked.headers, found.wishes),
    };
    let mut explained = exchange.state.router.explain(&model, &head)?;
    for groups in [
        &mut explained.fallbacks,
        &mut explained.context_window_fallbacks,
        &mut explained.content_policy_fallbacks,
    ] {
        groups.retain(|group| exchange.may_ask(group).is_ok());
    }
    told(asked, &explained)
}

/// `GET /api/v1/route/{call_id}`.
pub(super) fn explained(asked: &Asked<'_>) -> Result<Response, Failure> {
    let id = asked.named.as_deref().unwrap_or_default();
    let Some(call) = asked.exchange.state.router.explained(id) else {
        let message = format!("the call \"{id}\" is not among the last few hundred");
        let kind = LlmErrorKind::InvalidRequest;
        return Err(Failure::own(kind, 404, "call_not_found", message));
    };
    told(asked, &call)
}

fn told(asked: &Asked<'_>, what: &impl Serialize) -> Result<Response, Failure> {
    let value: Value =
        serde_json::to_value(what).map_err(|error| Failure::invalid(error.to_string()))?;
    Ok(models::signed(asked, &value))
}
