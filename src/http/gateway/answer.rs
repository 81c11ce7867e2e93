//! Asks the router on behalf of a client, and answers in the client's dialect.

use std::sync::Arc;

use axum::body::Body;
use axum::body::Bytes;
use axum::http::HeaderValue;
use axum::http::header;
use axum::http::request::Parts;
use axum::response::Response;
use futures::StreamExt;

use super::exchange;
use super::exchange::Exchange;
use super::failure::Failure;
use super::renamed::Renamed;
use super::request_headers::RequestHeaders;
use super::several;
use super::stream;
use super::stream::AnswerStream;
use crate::client::BaseLlmClient;
use crate::client::ChatRequest;
use crate::client::ChunkStream;
use crate::client::Content;
use crate::client::Head;
use crate::client::LlmError;
use crate::client::LlmErrorKind;
use crate::router::Route;
use crate::types::ChatChunk;
use crate::types::ChatResponse;
use crate::types::Wire;
use crate::wire::head;
use crate::wire::head::Scanned;
use crate::wire::serve;
use crate::wire::serve::AnswerHead;

/// What a path says about a request.
#[derive(Debug, Default)]
pub(super) struct Path {
    /// The model, where the path names one.
    pub(super) model: Option<String>,
    /// Whether the answer is wanted in pieces, where the path says so.
    pub(super) stream: Option<bool>,
    /// The members that a request has to have.
    pub(super) needs: &'static [&'static str],
}

/// Answers a request whose body is one of a wire's.
pub(super) async fn answer(
    exchange: &Exchange<'_>,
    headers: &RequestHeaders<'_>,
    path: Path,
    (parts, body): (&Parts, Body),
) -> Result<Response, Failure> {
    let body = exchange::read_body(exchange.state, parts, body).await?;
    let (asked, client, request) = match read(exchange, headers, &path, &body) {
        Ok(read) => read,
        Err(failure) => {
            return Box::pin(several::answer(exchange, headers, &path, (&body, failure))).await;
        }
    };
    let answered = match request.head.stream {
        true => streamed(exchange, &asked, &*client, &request).await,
        false => whole(exchange, &asked, &*client, &request).await,
    };
    Ok(answered.unwrap_or_else(|failure| {
        let mut response = failure.response(exchange.wire);
        exchange.describe(&mut response, &asked, None);
        response
    }))
}

/// Reads what routing needs and finds who answers.
pub(super) fn read(
    exchange: &Exchange<'_>,
    headers: &RequestHeaders<'_>,
    path: &Path,
    body: &Bytes,
) -> Result<(String, Arc<dyn BaseLlmClient>, ChatRequest), Failure> {
    let found = head::scan(exchange.wire, body)?;
    let asked = match (&path.model, &found.model) {
        (Some(model), _) => model.clone(),
        (None, Some(model)) => model.clone().into_owned(),
        (None, None) => return Err(missing("model")),
    };
    for member in path.needs {
        match found.members.value(body, member) {
            None => return Err(missing(member)),
            Some(value) if is_empty_list(value) => return Err(empty(member)),
            Some(_) => {}
        }
    }
    let route = route(exchange, &asked)?;
    let streams_by_itself = exchange.wire == Wire::Ollama;
    let tags = all_tags(exchange, &found);
    let wishes = exchange::wishes(headers, found.wishes);
    // A plan would be none if a fallback of the caller's own led past it.
    for fallback in wishes.fallbacks.iter().flatten() {
        exchange.may_ask(fallback)?;
    }
    let head = Head {
        model: route.model,
        stream: path.stream.or(found.stream).unwrap_or(streams_by_itself),
        usage_in_stream: found.usage_in_stream,
        estimated_tokens: found.estimated_tokens,
        tags,
        wishes,
    };
    let content = match found.metadata_is_ours {
        false => Content::Raw {
            wire: exchange.wire,
            body: body.clone(),
            members: Some(Arc::new(found.members)),
        },
        true => Content::Raw {
            wire: exchange.wire,
            body: head::without_gateway_metadata(body, &found.members),
            members: None,
        },
    };
    let request = ChatRequest {
        head,
        content,
        call: exchange.context(),
    };
    Ok((asked, route.client, request))
}

/// Who answers for a name, if the caller may ask for it.
pub(super) fn route(exchange: &Exchange<'_>, asked: &str) -> Result<Route, Failure> {
    exchange.may_ask(asked)?;
    if let Some(route) = of_debate(exchange, asked) {
        return route;
    }
    let router = &exchange.state.router;
    router.route(asked).or_else(|error| {
        // Ollama's clients add its usual tag to names without one.
        let plain = asked.strip_suffix(":latest");
        let plain = plain.filter(|_| exchange.wire == Wire::Ollama);
        let route = plain.and_then(|plain| router.route(plain).ok());
        route.ok_or_else(|| Failure::unknown_model(asked, &error))
    })
}

/// A debate that answers as a model; `None` for all other names.
fn of_debate(exchange: &Exchange<'_>, asked: &str) -> Option<Result<Route, Failure>> {
    let models = &exchange.state.debate_models;
    // Ollama's clients add its usual tag to names without one.
    let plain = asked.strip_suffix(":latest");
    let plain = plain.filter(|_| exchange.wire == Wire::Ollama);
    let name = plain.unwrap_or(asked);
    let client = models.named(name)?;
    let model = name.parse().map_err(|_| ());
    Some(match (client, model) {
        (Ok(client), Ok(model)) => Ok(Route {
            client,
            model,
            completes_text: false,
        }),
        (Err(error), _) => Err(Failure::unknown_model(asked, &error)),
        (Ok(_), Err(())) => Err(Failure::member("model", "the model's name cannot be read")),
    })
}

fn all_tags(exchange: &Exchange<'_>, found: &Scanned<'_>) -> Vec<String> {
    let mut tags = exchange.tags.clone();
    tags.extend_from_slice(&found.tags);
    tags
}

pub(super) fn missing(member: &'static str) -> Failure {
    Failure::member(
        member,
        format!("Missing required parameter: '{member}'. The request has no {member}"),
    )
}

fn empty(member: &'static str) -> Failure {
    Failure::member(
        member,
        format!("{member} is empty: it has to have one entry at least"),
    )
}

fn is_empty_list(value: &[u8]) -> bool {
    let inner = value
        .strip_prefix(b"[")
        .and_then(|it| it.strip_suffix(b"]"));
    inner.is_some_and(|inner| inner.trim_ascii().is_empty())
}

async fn whole(
    exchange: &Exchange<'_>,
    asked: &str,
    client: &dyn BaseLlmClient,
    request: &ChatRequest,
) -> Result<Response, Failure> {
    let answer = client.send_message(request).await?;
    let cost = exchange.trace.cost();
    let body = match &answer.raw {
        Some(raw) if answer.model == asked || fell_back(exchange) => raw.clone(),
        Some(raw) => match exchange.wire {
            Wire::Gemini => raw.clone(),
            _ => head::with_model(raw, asked),
        },
        None => written(exchange, asked, &answer)?,
    };
    let mut response = exchange::json_bytes(body);
    exchange.describe(&mut response, asked, cost);
    Ok(response)
}

pub(super) fn written(
    exchange: &Exchange<'_>,
    asked: &str,
    answer: &ChatResponse,
) -> Result<Bytes, Failure> {
    let model = answering(exchange, asked, &answer.model);
    let head = answer_head(exchange, model, &answer.id, true);
    let body = serve::encode_response(exchange.wire, answer, &head)?;
    if exchange.wire != Wire::Ollama {
        return Ok(body);
    }
    let mut body = body.to_vec();
    stream::add_durations(&mut body, exchange.started.elapsed());
    Ok(body.into())
}

/// Another group than the asked one has answered. Its answer says which model that was, as `LiteLLM`'s proxy has it
/// (1.109, read 2026-11): a caller who gets something else than was asked for can see so.
pub(super) fn fell_back(exchange: &Exchange<'_>) -> bool {
    exchange.trace.fallbacks() > 0
}

/// The model that an answer names: the asked one, or after a fallback the one that answers.
fn answering<'a>(exchange: &Exchange<'_>, asked: &'a str, told: &'a str) -> &'a str {
    match fell_back(exchange) && !told.is_empty() {
        true => told,
        false => asked,
    }
}

async fn streamed(
    exchange: &Exchange<'_>,
    asked: &str,
    client: &dyn BaseLlmClient,
    request: &ChatRequest,
) -> Result<Response, Failure> {
    let (first, chunks) = begin(client, request).await?;
    let id = first.id.as_deref().unwrap_or_default();
    let told = first.model.clone().unwrap_or_default();
    let model = answering(exchange, asked, &told);
    let head = answer_head(exchange, model, id, request.head.usage_in_stream);
    let encoder = stream::encoder(exchange.wire, head);
    let renamed = match fell_back(exchange) {
        true => Renamed::nothing(),
        false => Renamed::new(exchange.wire, asked),
    };
    let stream = AnswerStream::new(exchange.wire, exchange.started, first, chunks, encoder);
    let stream = stream.renamed(renamed);
    Ok(stream_response(exchange, asked, stream))
}

/// Waits for the first chunk: an error in its place still has a status of its own.
pub(super) async fn begin(
    client: &dyn BaseLlmClient,
    request: &ChatRequest,
) -> Result<(ChatChunk, ChunkStream), Failure> {
    let mut chunks = client.stream_message(request).await?;
    match chunks.next().await {
        Some(first) => Ok((first?, chunks)),
        None => Err(nothing_said().into()),
    }
}

/// The answer whose body is a stream that has begun.
pub(super) fn stream_response(
    exchange: &Exchange<'_>,
    asked: &str,
    stream: AnswerStream,
) -> Response {
    let stream = stream.counted(exchange.state.metrics.in_flight());
    let mut response = exchange::with_room(Body::from_stream(stream));
    let kind = match exchange.wire {
        Wire::Ollama => "application/x-ndjson",
        Wire::OpenaiChat
        | Wire::OpenaiResponses
        | Wire::Anthropic
        | Wire::Gemini
        | Wire::Cohere
        | Wire::Bedrock
        | Wire::Replicate
        | Wire::Demo => "text/event-stream; charset=utf-8",
    };
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    headers.insert("x-accel-buffering", HeaderValue::from_static("no"));
    exchange.describe(&mut response, asked, None);
    response
}

/// An upstream that ended a stream without a word.
fn nothing_said() -> LlmError {
    LlmError::new(
        LlmErrorKind::MalformedResponse,
        "agon",
        "the answer ended before it began",
    )
}

/// What an answer that is written here says about itself.
pub(super) fn answer_head(
    exchange: &Exchange<'_>,
    asked: &str,
    id: &str,
    usage_in_stream: bool,
) -> AnswerHead {
    let prefix = match exchange.wire {
        Wire::OpenaiChat => "chatcmpl-",
        Wire::OpenaiResponses => "resp_",
        Wire::Anthropic => "msg_",
        Wire::Gemini
        | Wire::Ollama
        | Wire::Cohere
        | Wire::Bedrock
        | Wire::Replicate
        | Wire::Demo => "",
    };
    AnswerHead {
        id: match id.starts_with(prefix) && !id.is_empty() {
            true => id.to_owned(),
            false => format!("{prefix}{}", exchange.call_id),
        },
        model: asked.to_owned(),
        created_s: exchange.state.clock.now_ms() / 1000,
        usage_in_stream,
    }
}
