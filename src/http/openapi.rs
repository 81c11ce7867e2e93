//! The API's own description, from the code.

use utoipa::OpenApi;
use utoipa::openapi::OpenApi as OpenApiDocument;

use super::admin;
use super::api::commands;
use super::api::debates;
use super::api::events;
use super::api::export;
use super::api::fork;
use super::api::lists;
use super::api::models;
use super::api::tickets;
use super::gateway;
use super::health;

/// What `/openapi.json` is made of.
#[derive(Debug, OpenApi)]
#[openapi(
    info(title = "Agon", description = "Debates between cloud and local models. Events also stream over the WebSocket at /ws/debates/{id} (subprotocol agon.v1)."),
    paths(
        debates::create, debates::estimate, debates::list, debates::get, debates::delete, events::list, commands::tell,
        fork::fork, fork::compare, export::export, lists::formats, models::models, lists::providers, tickets::issue, admin::get, admin::put,
        admin::delete, admin::reload, health::health, health::liveliness, health::readiness, health::metrics
    ),
    tags(
        (name = "debates", description = "Ordering, following and telling debates"),
        (name = "lists", description = "What there is to debate with"),
        (name = "admin", description = "For operations"),
        (name = "health", description = "Whether the server lives"),
        (name = "gateway", description = "Models, as clients of OpenAI, Anthropic, Google, Ollama and LiteLLM ask for them")
    )
)]
pub(super) struct Description;

/// The description whole, with the paths of the gateway, whose bodies are other people's dialects.
pub(super) fn document() -> OpenApiDocument {
    let mut document = Description::openapi();
    gateway::describe(&mut document.paths);
    document
}
