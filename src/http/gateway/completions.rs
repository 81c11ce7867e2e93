//! Text completions: passed on to models that complete texts, asked as chats of all others.

use std::sync::Arc;

use axum::body::Body;
use axum::body::Bytes;
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
use super::renamed::Renamed;
use super::stream::AnswerStream;
use crate::client::ChatRequest;
use crate::client::ChunkStream;
use crate::client::Content;
use crate::client::Head;
use crate::client::LlmError;
use crate::client::TextRequest;
use crate::router::Route;
use crate::types::ChatChunk;
use crate::types::ChatResponse;
use crate::types::Wire;
use crate::wire::WireError;
use crate::wire::completions;
use crate::wire::completions::AskedText;
use crate::wire::head;
use crate::wire::head::Scanned;
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
        .or_else(|| found.model.as_deref().map(str::to_owned))
        .ok_or_else(|| answer::missing("model"))?;
    if found.members.value(&body, "prompt").is_none() {
        return Err(answer::missing("prompt"));
    }
    let route = answer::route(exchange, &model);
    let read = completions::decode_request(&body);
    let asks = match &route {
        Ok(route) if route.completes_text => Asks::as_it_is(own_body(&body, &found), read),
        Ok(_) | Err(_) => Asks::as_chats(read?),
    };
    let route = route?;
    let mut tags = exchange.tags.clone();
    tags.extend_from_slice(&found.tags);
    let head = Head {
        model: route.model.clone(),
        stream: found.stream.unwrap_or(false),
        usage_in_stream: found.usage_in_stream,
        estimated_tokens: found.estimated_tokens,
        tags,
        wishes: exchange::wishes(asked.headers, found.wishes),
    };
    let mut response = match head.stream {
        true => streamed(asked, &model, &route, (head, asks.contents), asks.echoed).await?,
        false => whole(asked, &model, &route, (head, asks.contents), &asks.echoed).await?,
    };
    if !asks.unknown.is_empty()
        && let Ok(unknown) = HeaderValue::from_str(&asks.unknown.join(","))
    {
        response
            .headers_mut()
            .append("x-agon-dropped-params", unknown);
    }
    Ok(response)
}

/// The body without what only a gateway reads.
fn own_body(body: &Bytes, found: &Scanned<'_>) -> Bytes {
    match found.metadata_is_ours {
        true => head::without_gateway_metadata(body, &found.members),
        false => body.clone(),
    }
}

/// What is asked for one request.
struct Asks {
    /// One for each answer that is written here, or the only one.
    contents: Vec<Content>,
    /// The prompts, where the client wants them before answers that are written here.
    echoed: Vec<String>,
    /// Members of the request that are lost however it goes on.
    unknown: Vec<String>,
}

impl Asks {
    /// The body as it came, and as a chat for a fallback that does nothing else.
    fn as_it_is(body: Bytes, read: Result<AskedText, WireError>) -> Self {
        // What cannot be read here may be right all the same: the upstream says so.
        let read = read.ok().filter(|read| read.chats.len() == 1);
        let read = read.unwrap_or_default();
        let text = TextRequest {
            body,
            chat: read.chats.into_iter().next(),
            unknown: read.unknown,
        };
        Self {
            contents: vec![Content::Text(Arc::new(text))],
            echoed: read.echoed,
            unknown: Vec::new(),
        }
    }

    fn as_chats(read: AskedText) -> Self {
        let chats = read.chats.into_iter();
        Self {
            contents: chats.map(|chat| Content::Typed(Arc::new(chat))).collect(),
            echoed: read.echoed,
            unknown: read.unknown,
        }
    }
}

fn request(asked: &Asked<'_>, head: &Head, content: Content) -> ChatRequest {
    ChatRequest {
        head: head.clone(),
        content,
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
    (head, contents): (Head, Vec<Content>),
    echoed: &[String],
) -> Result<Response, Failure> {
    let asking = contents.into_iter().map(|content| {
        let request = request(asked, &head, content);
        async move { route.client.send_message(&request).await }
    });
    let answers: Result<Vec<ChatResponse>, LlmError> =
        stream::iter(asking).buffered(AT_ONCE).try_collect().await;
    let answers = answers?;
    let body = match answers.first().and_then(|answer| answer.raw.as_ref()) {
        Some(raw) if answer::fell_back(asked.exchange) => raw.clone(),
        Some(raw) => head::with_model(raw, model),
        None => completions::encode_response(&answers, echoed, &answer_head(asked, model, true)),
    };
    let mut response = exchange::json_bytes(body);
    let cost = asked.exchange.trace.cost();
    asked.exchange.describe(&mut response, model, cost);
    Ok(response)
}

/// Several answers side by side, a few of them at once; each chunk has the index of its answer. What an upstream
/// completes by itself is passed on as it comes.
async fn streamed(
    asked: &Asked<'_>,
    model: &str,
    route: &Route,
    (head, contents): (Head, Vec<Content>),
    echoed: Vec<String>,
) -> Result<Response, Failure> {
    let written = answer_head(asked, model, head.usage_in_stream);
    let failing = super::stream::encoder(asked.exchange.wire, written.clone());
    let mut encoder = completions::Encoder::new(written, contents.len(), echoed);
    let asking = contents.into_iter().enumerate().map(|(index, content)| {
        let (client, request) = (Arc::clone(&route.client), request(asked, &head, content));
        let begun = async move { client.stream_message(&request).await };
        begun
            .map(move |begun| one(index, begun))
            .flatten_stream()
            .boxed()
    });
    let asking: Vec<BoxStream<'static, Piece>> = asking.collect();
    let pieces = stream::iter(asking).flatten_unordered(AT_ONCE);
    let pieces = pieces.map(Some).chain(stream::iter([None]));
    let mut passes = false;
    let frames = pieces.map(move |piece| {
        let frame: Bytes = match piece {
            Some((index, Some(chunk))) => {
                let chunk = chunk?;
                passes |= chunk.frame.is_some();
                match chunk.frame {
                    Some(frame) => frame,
                    None => encoder.chunk(index, &chunk).into(),
                }
            }
            Some((_, None)) | None if passes => Bytes::new(),
            Some((index, None)) => encoder.end(index).into(),
            None => encoder.finish().into(),
        };
        Ok(ChatChunk {
            frame: Some(frame),
            ..ChatChunk::default()
        })
    });
    let mut chunks: ChunkStream = frames.boxed();
    // An error in its place still has a status of its own.
    let Some(first) = chunks.next().await.transpose()? else {
        return Err(Failure::panicked());
    };
    let exchange = asked.exchange;
    let renamed = match answer::fell_back(exchange) {
        true => Renamed::nothing(),
        false => Renamed::new(exchange.wire, model),
    };
    let stream = AnswerStream::new(exchange.wire, exchange.started, first, chunks, failing);
    let stream = stream.renamed(renamed);
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
