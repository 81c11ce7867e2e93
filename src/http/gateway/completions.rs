//! Text completions, asked as chats.

use std::sync::Arc;

use axum::body::Body;
use axum::http::HeaderValue;
use axum::response::Response;
use futures::FutureExt;
use futures::StreamExt;
use futures::TryStreamExt;
use futures::stream;
use futures::stream::BoxStream;

use super::answer;
use super::endpoint::Asked;
use super::exchange;
use super::failure::Failure;
use super::stream::AnswerStream;
use crate::client::ChatRequest;
use crate::client::ChunkStream;
use crate::client::Content;
use crate::client::Head;
use crate::client::LlmError;
use crate::router::Route;
use crate::types::Chat;
use crate::types::ChatChunk;
use crate::types::ChatResponse;
use crate::types::Wire;
use crate::wire::completions;
use crate::wire::head;
use crate::wire::serve::AnswerHead;

/// Answers of one request that are asked for at the same time.
const AT_ONCE: usize = 4;

/// `POST /v1/completions`.
pub(super) async fn complete(asked: &Asked<'_>, body: Body) -> Result<Response, Failure> {
    let exchange = asked.exchange;
    let body = exchange::read_body(exchange.state, asked.parts, body).await?;
    let found = head::scan(Wire::OpenaiChat, &body)?;
    let named = asked.named.clone();
    let model = named
        .or_else(|| found.model.map(std::borrow::Cow::into_owned))
        .ok_or_else(|| answer::missing("model"))?;
    if found.members.value(&body, "prompt").is_none() {
        return Err(answer::missing("prompt"));
    }
    let read = completions::decode_request(&body)?;
    let route = answer::route(exchange, &model)?;
    let mut tags = exchange.tags.clone();
    tags.extend(found.tags);
    let head = Head {
        model: route.model.clone(),
        stream: found.stream.unwrap_or(false),
        usage_in_stream: found.usage_in_stream,
        estimated_tokens: found.estimated_tokens,
        tags,
        wishes: exchange::wishes(asked.headers, found.wishes),
    };
    let mut response = match head.stream {
        true => streamed(asked, &model, &route, (head, read.chats), read.echoed).await?,
        false => whole(asked, &model, &route, (head, read.chats), &read.echoed).await?,
    };
    if !read.unknown.is_empty()
        && let Ok(unknown) = HeaderValue::from_str(&read.unknown.join(","))
    {
        response
            .headers_mut()
            .append("x-agon-dropped-params", unknown);
    }
    Ok(response)
}

fn request(asked: &Asked<'_>, head: &Head, chat: Chat) -> ChatRequest {
    ChatRequest {
        head: head.clone(),
        content: Content::Typed(Arc::new(chat)),
        call: asked.exchange.context(),
    }
}

fn answer_head(asked: &Asked<'_>, model: &str, usage_in_stream: bool) -> AnswerHead {
    let mut head = answer::answer_head(asked.exchange, model, "", usage_in_stream);
    head.id = format!("cmpl-{}", asked.exchange.call_id);
    head
}

async fn whole(
    asked: &Asked<'_>,
    model: &str,
    route: &Route,
    (head, chats): (Head, Vec<Chat>),
    echoed: &[String],
) -> Result<Response, Failure> {
    let asking = chats.into_iter().map(|chat| {
        let request = request(asked, &head, chat);
        async move { route.client.send_message(&request).await }
    });
    let answers: Result<Vec<ChatResponse>, LlmError> =
        stream::iter(asking).buffered(AT_ONCE).try_collect().await;
    let answers = answers?;
    let body = completions::encode_response(&answers, echoed, &answer_head(asked, model, true));
    let mut response = exchange::json_bytes(body);
    let cost = asked.exchange.trace.cost();
    asked.exchange.describe(&mut response, model, cost);
    Ok(response)
}

/// Several answers side by side, a few of them at once; each chunk has the index of its answer.
async fn streamed(
    asked: &Asked<'_>,
    model: &str,
    route: &Route,
    (head, chats): (Head, Vec<Chat>),
    echoed: Vec<String>,
) -> Result<Response, Failure> {
    let written = answer_head(asked, model, head.usage_in_stream);
    let failing = super::stream::encoder(asked.exchange.wire, written.clone());
    let mut encoder = completions::Encoder::new(written, chats.len(), echoed);
    let asking = chats.into_iter().enumerate().map(|(index, chat)| {
        let (client, request) = (Arc::clone(&route.client), request(asked, &head, chat));
        let begun = async move { client.stream_message(&request).await };
        begun
            .map(move |begun| one(index, begun))
            .flatten_stream()
            .boxed()
    });
    let asking: Vec<BoxStream<'static, Piece>> = asking.collect();
    let pieces = stream::iter(asking).flatten_unordered(AT_ONCE);
    let pieces = pieces.map(Some).chain(stream::iter([None]));
    let frames = pieces.map(move |piece| {
        let frame = match piece {
            Some((index, Some(chunk))) => encoder.chunk(index, &chunk?),
            Some((index, None)) => encoder.end(index),
            None => encoder.finish(),
        };
        Ok(ChatChunk {
            frame: Some(frame.into()),
            ..ChatChunk::default()
        })
    });
    let mut chunks: ChunkStream = frames.boxed();
    // An error in its place still has a status of its own.
    let Some(first) = chunks.next().await.transpose()? else {
        return Err(Failure::panicked());
    };
    let exchange = asked.exchange;
    let stream = AnswerStream::new(exchange.wire, exchange.started, first, chunks, failing);
    Ok(answer::stream_response(exchange, model, stream))
}

/// A chunk of the answer with this index; without one, the answer has ended.
type Piece = (usize, Option<Result<ChatChunk, LlmError>>);

/// One answer from its beginning to its end. After an error the client is told nothing more of any.
fn one(index: usize, begun: Result<ChunkStream, LlmError>) -> BoxStream<'static, Piece> {
    let chunks = begun.unwrap_or_else(|error| stream::iter([Err(error)]).boxed());
    let ended = stream::iter([(index, None)]);
    chunks
        .map(move |chunk| (index, Some(chunk)))
        .chain(ended)
        .boxed()
}
