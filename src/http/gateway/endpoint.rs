//! One request to one endpoint: who asks is looked at first, and whatever goes wrong is told in the dialect.

use std::panic::AssertUnwindSafe;

use axum::RequestPartsExt;
use axum::body::Body;
use axum::extract;
use axum::extract::Request;
use axum::http::request::Parts;
use axum::response::Response;
use futures::FutureExt;

use super::answer;
use super::answer::Path;
use super::completions;
use super::count;
use super::embeddings;
use super::exchange::Exchange;
use super::explain;
use super::failure::Failure;
use super::health;
use super::model_info;
use super::models;
use super::ollama;
use super::request_headers::RequestHeaders;
use super::routes;
use crate::http::HttpState;
use crate::http::body;
use crate::types::Wire;

/// What is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::http) enum Endpoint {
    /// OpenAI's Chat Completions.
    Chat,
    /// OpenAI's text completions.
    Completions,
    /// OpenAI's Responses.
    Responses,
    /// OpenAI's embeddings.
    Embeddings,
    /// Anthropic's Messages.
    Messages,
    /// The length of a request to Anthropic's Messages.
    CountTokens,
    /// Google's models: answers, streams and lengths, as the path says.
    Gemini,
    /// The names of Google's API for the models.
    GeminiModels,
    /// Ollama's chats.
    OllamaChat,
    /// Ollama's completions.
    OllamaGenerate,
    /// Ollama's embeddings.
    OllamaEmbed,
    /// Ollama's embeddings of one text.
    OllamaEmbeddings,
    /// Ollama's list of models.
    OllamaTags,
    /// What Ollama says about one.
    OllamaShow,
    /// The models that Ollama has in memory.
    OllamaPs,
    /// The models.
    Models,
    /// One model.
    Model,
    /// The models of a caller's plan, for people to choose from.
    ChoosableModels,
    /// The entries of the model list.
    ModelInfo,
    /// The groups of the model list.
    ModelGroupInfo,
    /// The length of a prompt.
    TokenCounter,
    /// Whether the models answer.
    Health,
    /// What a call would meet.
    Explain,
    /// How a call was routed.
    Explained,
    /// The routes.
    Routes,
}

impl Endpoint {
    fn wire(self) -> Wire {
        match self {
            Self::Responses => Wire::OpenaiResponses,
            Self::Messages | Self::CountTokens => Wire::Anthropic,
            Self::Gemini | Self::GeminiModels => Wire::Gemini,
            Self::OllamaChat
            | Self::OllamaGenerate
            | Self::OllamaEmbed
            | Self::OllamaEmbeddings
            | Self::OllamaTags
            | Self::OllamaShow
            | Self::OllamaPs => Wire::Ollama,
            Self::Chat
            | Self::Completions
            | Self::Embeddings
            | Self::Models
            | Self::Model
            | Self::ChoosableModels
            | Self::ModelInfo
            | Self::ModelGroupInfo
            | Self::TokenCounter
            | Self::Health
            | Self::Explain
            | Self::Explained
            | Self::Routes => Wire::OpenaiChat,
        }
    }
}

/// A request, as far as every endpoint needs it.
pub(super) struct Asked<'a> {
    pub(super) exchange: &'a Exchange<'a>,
    pub(super) headers: &'a RequestHeaders<'a>,
    pub(super) parts: &'a Parts,
    /// What stands at the variable place of the path.
    pub(super) named: Option<String>,
}

/// Answers a request to an endpoint. A mistake of ours is told as one and ends nothing but this request.
pub(in crate::http) async fn serve(
    state: HttpState,
    endpoint: Endpoint,
    has_name: bool,
    request: Request,
) -> Response {
    let serving = AssertUnwindSafe(try_serve(&state, endpoint, has_name, request)).catch_unwind();
    serving
        .await
        .unwrap_or_else(|_| Failure::panicked().response(endpoint.wire()))
}

async fn try_serve(
    state: &HttpState,
    endpoint: Endpoint,
    has_name: bool,
    request: Request,
) -> Response {
    let wire = endpoint.wire();
    let (mut parts, body) = request.into_parts();
    let named = match has_name {
        true => match Box::pin(parts.extract::<extract::Path<String>>()).await {
            Ok(extract::Path(named)) => Some(named),
            Err(error) => return Failure::invalid(error.body_text()).response(wire),
        },
        false => None,
    };
    let headers = {
        let settings = state.gateway.now();
        let mut read = RequestHeaders::read(&parts.headers, settings.key_header.as_ref());
        if wire == Wire::Gemini {
            read.key_of_query(parts.uri.query());
        }
        read
    };
    let exchange = match Exchange::begin(state, wire, &headers) {
        Ok(exchange) => exchange,
        Err(failure) => {
            Box::pin(body::hear_out(body)).await;
            return failure.response(wire);
        }
    };
    let asked = Asked {
        exchange: &exchange,
        headers: &headers,
        parts: &parts,
        named,
    };
    match dispatch(endpoint, asked, body).await {
        Ok(response) => response,
        Err(failure) => {
            let mut response = failure.response(wire);
            exchange.sign(response.headers_mut());
            response
        }
    }
}

/// What is asked often is on the way itself; the rest has a place of its own, so that its size is not everybody's.
async fn dispatch(endpoint: Endpoint, asked: Asked<'_>, body: Body) -> Result<Response, Failure> {
    match endpoint {
        Endpoint::Chat => ask(asked, body, &["messages"]).await,
        // No messages are a wish to load the model, which its own server knows how to grant.
        Endpoint::OllamaChat => ask(asked, body, &[]).await,
        Endpoint::Messages => ask(asked, body, &["max_tokens", "messages"]).await,
        Endpoint::Responses => ask(asked, body, &["input"]).await,
        Endpoint::Gemini => Box::pin(gemini(asked, body)).await,
        Endpoint::Completions => Box::pin(completions::complete(&asked, body)).await,
        Endpoint::Embeddings => Box::pin(embeddings::openai(&asked, body)).await,
        Endpoint::CountTokens => Box::pin(count::anthropic(&asked, body)).await,
        Endpoint::OllamaGenerate => Box::pin(ollama::generate(&asked, body)).await,
        Endpoint::OllamaEmbed => Box::pin(embeddings::ollama(&asked, body)).await,
        Endpoint::OllamaEmbeddings => Box::pin(embeddings::ollama_single(&asked, body)).await,
        Endpoint::OllamaShow => Box::pin(ollama::show(&asked, body)).await,
        Endpoint::TokenCounter => Box::pin(count::counter(&asked, body)).await,
        Endpoint::Explain => Box::pin(explain::explain(&asked, body)).await,
        Endpoint::Health => Box::pin(health::report(&asked)).await,
        Endpoint::Models => Ok(models::list(&asked)),
        Endpoint::Model => models::one(&asked),
        Endpoint::GeminiModels => Ok(models::gemini(&asked)),
        Endpoint::ChoosableModels => Ok(models::choosable(&asked)),
        Endpoint::OllamaTags => Ok(ollama::tags(&asked)),
        Endpoint::OllamaPs => Ok(ollama::running()),
        Endpoint::ModelInfo => model_info::entries(&asked),
        Endpoint::ModelGroupInfo => Ok(model_info::groups(&asked)),
        Endpoint::Explained => explain::explained(&asked),
        Endpoint::Routes => Ok(routes::told()),
    }
}

/// Asks a model for an answer to a body that has these members.
async fn ask(
    asked: Asked<'_>,
    body: Body,
    needs: &'static [&'static str],
) -> Result<Response, Failure> {
    let path = Path {
        model: asked.named,
        stream: None,
        needs,
    };
    answer::answer(asked.exchange, asked.headers, path, (asked.parts, body)).await
}

/// The path names the model and what is asked of it: `NAME:generateContent`.
async fn gemini(asked: Asked<'_>, body: Body) -> Result<Response, Failure> {
    let path = asked.named.as_deref().unwrap_or_default();
    let (model, method) = path.rsplit_once(':').unwrap_or((path, ""));
    let model = model.strip_prefix("models/").unwrap_or(model);
    let stream = match method {
        "generateContent" => false,
        "streamGenerateContent" => true,
        "countTokens" => return count::gemini(&asked, model, body).await,
        _ => return Err(Failure::no_such_path(asked.parts.uri.path())),
    };
    let path = Path {
        model: Some(model.to_owned()),
        stream: Some(stream),
        needs: &["contents"],
    };
    answer::answer(asked.exchange, asked.headers, path, (asked.parts, body)).await
}
