//! Replicate's second step: a prediction that was asked for is streamed or polled, and stopped when nobody waits.

use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::time::Duration;

use bytes::Bytes;
use futures::StreamExt;
use futures::stream;
use http::HeaderMap;
use http::HeaderValue;
use http::Method;
use http::Uri;
use http::header::ACCEPT;
use http::header::CONTENT_TYPE;
use http::header::USER_AGENT;
use http_body_util::BodyExt;
use http_body_util::Full;
use tokio::runtime::Handle;
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::answer::Answer;
use super::connect::Reach;
use super::opened::Opened;
use super::prepared::Spoken;
use super::reply::ReplyBody;
use super::transport::Outgoing;
use super::transport::Transport;
use super::unified::UnifiedClient;
use super::waits::Waits;
use crate::client::CallContext;
use crate::client::ChunkStream;
use crate::client::LlmError;
use crate::client::LlmErrorKind;
use crate::client::TimeoutPhase;
use crate::types::Secret;
use crate::types::Usage;
use crate::wire;
use crate::wire::Prediction;
use crate::wire::StreamDecoder;

/// Between the first two questions whether a prediction is over; doubled from one to the next.
const FIRST_PAUSE: Duration = Duration::from_millis(500);
/// Most between two questions. Replicate allows 3000 a minute (its documentation, read 2026-08).
const LONGEST_PAUSE: Duration = Duration::from_secs(5);
/// How long the usage may take behind the end of a stream.
const AFTERWORD: Duration = Duration::from_secs(2);
/// How long stopping a prediction may take.
const STOPPING: Duration = Duration::from_secs(5);
/// Most predictions that are being stopped at once; those beyond run to their own end.
const MAX_STOPPING: usize = 64;

/// Streams the answer of the prediction that this reply has begun.
pub(super) async fn stream(
    client: &UnifiedClient,
    mut opened: Opened,
    prompt_tokens: u64,
) -> Result<ChunkStream, LlmError> {
    let body = opened.read().await?;
    let mut running = Running::of(client, &opened, &body)?;
    let until = (opened.waits.first_token_at(), TimeoutPhase::FirstToken);
    let streamed = match running.streamed_from() {
        Some(from) if !running.over => Some(running.get(from, until).await?),
        Some(_) | None => None,
    };
    let is_streamed = streamed.is_some();
    let (body, callee) = match streamed {
        Some(reply) => (reply.reply.body, reply.callee),
        None => {
            let whole = running.end(body, until).await?;
            (in_hand(whole), opened.callee)
        }
    };
    let decoder = StreamDecoder::new(opened.spoken.wire, &opened.spoken.quirks);
    let mut answer = Answer::new(body, decoder, callee, opened.waits);
    answer.estimate_from(prompt_tokens);
    answer.begin().await?;
    let stream = answer.into_stream();
    Ok(match is_streamed {
        true => running.watching(stream),
        false => stream,
    })
}

/// Waits for the end of the prediction that this reply has begun, and gives its body.
pub(super) async fn whole(client: &UnifiedClient, opened: &mut Opened) -> Result<Bytes, LlmError> {
    let body = opened.read().await?;
    let mut running = Running::of(client, opened, &body)?;
    let until = (opened.waits.total_at(), TimeoutPhase::Total);
    running.end(body, until).await
}

/// A prediction; dropping it before it is over stops it.
struct Running {
    client: UnifiedClient,
    prediction: Prediction,
    over: bool,
    asked: Option<Outgoing>,
    spoken: Spoken,
    waits: Waits,
    hidden: Option<Secret>,
}

impl Running {
    fn of(client: &UnifiedClient, opened: &Opened, body: &[u8]) -> Result<Self, LlmError> {
        let prediction = wire::replicate_prediction(body);
        let prediction = prediction.map_err(|error| opened.undecodable(error))?;
        Ok(Self {
            client: client.clone(),
            over: prediction.status.is_over(),
            prediction,
            asked: opened.asked.clone(),
            spoken: opened.spoken.clone(),
            waits: opened.waits.clone(),
            hidden: opened.hidden.clone(),
        })
    }

    /// What is sent to an address that the provider named; `None` for one that is not followed.
    fn to(&self, address: Option<&str>) -> Option<Outgoing> {
        follow(self.asked.as_ref()?, address?)
    }

    /// The stream's address needs no credential, and is at another host.
    fn streamed_from(&self) -> Option<Outgoing> {
        let mut outgoing = self.to(self.prediction.stream_url.as_deref())?;
        outgoing.headers = anonymous(&outgoing.headers).into();
        let events = HeaderValue::from_static("text/event-stream");
        Arc::make_mut(&mut outgoing.headers).insert(ACCEPT, events);
        Some(outgoing)
    }

    async fn get(
        &self,
        outgoing: Outgoing,
        until: (Instant, TimeoutPhase),
    ) -> Result<Opened, LlmError> {
        let callee = Arc::new(self.client.callee(&outgoing.url));
        let transport = &self.client.parts.transport;
        let sent = transport.send(Method::GET, outgoing, &self.waits, until);
        let opened = Opened {
            reply: sent
                .await
                .map_err(|failure| callee.before_answer(failure))?,
            spoken: self.spoken.clone(),
            callee,
            waits: self.waits.clone(),
            hidden: self.hidden.clone(),
            asked: None,
            passed: false,
        };
        match opened.reply.status.is_success() {
            true => Ok(opened),
            false => Err(self.client.refused(opened).await),
        }
    }

    /// The body of the finished prediction: this one, or that of a later answer.
    async fn end(
        &mut self,
        mut body: Bytes,
        until: (Instant, TimeoutPhase),
    ) -> Result<Bytes, LlmError> {
        let mut pause = FIRST_PAUSE;
        while !self.over {
            let Some(outgoing) = self.to(self.prediction.get_url.as_deref()) else {
                return Err(self.nowhere());
            };
            let callee = Arc::new(self.client.callee(&outgoing.url));
            let pausing = tokio::time::sleep(pause);
            let paused = self.waits.until(until.0, until.1, pausing).await;
            paused.map_err(|failure| callee.before_answer(failure))?;
            pause = (pause * 2).min(LONGEST_PAUSE);
            let mut opened = self.get(outgoing, until).await?;
            body = opened.read().await?;
            let now = wire::replicate_prediction(&body);
            self.over = now
                .map_err(|error| opened.undecodable(error))?
                .status
                .is_over();
        }
        Ok(body)
    }

    fn nowhere(&self) -> LlmError {
        let message = "the prediction names no address at which it may be asked for";
        let provider = self.client.spec().id.as_str();
        LlmError::new(LlmErrorKind::MalformedResponse, provider, message)
    }

    /// The stream, with the usage that Replicate tells only beside it.
    fn watching(self, stream: ChunkStream) -> ChunkStream {
        stream::unfold((self, stream), |(mut running, mut stream)| async move {
            let mut item = stream.next().await?;
            if let Ok(chunk) = &mut item {
                running.over |= chunk.finish.is_some();
                if chunk.usage.is_some_and(|usage| usage.estimated) {
                    chunk.usage = running.counted().await.or(chunk.usage);
                }
            }
            Some((item, (running, stream)))
        })
        .boxed()
    }

    /// The usage of the finished prediction; only official models have one.
    async fn counted(&self) -> Option<Usage> {
        let outgoing = self.to(self.prediction.get_url.as_deref())?;
        let due = Instant::now() + AFTERWORD;
        let asking = async {
            let mut opened = self.get(outgoing, (due, TimeoutPhase::Idle)).await.ok()?;
            opened.read().await.ok()
        };
        let body = tokio::time::timeout_at(due, asking).await.ok()??;
        let answer = wire::decode_response(self.spoken.wire, &body, &self.spoken.quirks).ok()?;
        (answer.usage.completion_tokens() > 0).then_some(answer.usage)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if self.over {
            return;
        }
        if let Some(outgoing) = self.to(self.prediction.cancel_url.as_deref()) {
            // The call's own time may be what ran out.
            let waits = Waits::start(self.client.timeouts, &CallContext::default());
            let parts = &self.client.parts;
            parts.cancelling.post(&parts.transport, outgoing, waits);
        }
    }
}

/// The predictions that are being stopped. Dropping it gives up on them.
#[derive(Debug, Default)]
pub(super) struct Cancelling(Mutex<JoinSet<()>>);

impl Cancelling {
    /// Posts behind the caller's back; whatever comes of it, the call is over.
    fn post(&self, transport: &Transport, outgoing: Outgoing, waits: Waits) {
        let Ok(runtime) = Handle::try_current() else {
            return;
        };
        let mut tasks = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        while tasks.try_join_next().is_some() {}
        if tasks.len() >= MAX_STOPPING {
            tracing::warn!("too many predictions to stop at once: one runs to its end");
            return;
        }
        let transport = transport.clone();
        let stopping = async move {
            let until = (Instant::now() + STOPPING, TimeoutPhase::Total);
            match transport.post(outgoing, &waits, until).await {
                Ok(reply) if reply.status.is_success() => {}
                Ok(reply) => {
                    tracing::debug!(status = %reply.status, "a prediction was not stopped")
                }
                Err(failure) => tracing::debug!(?failure, "a prediction was not stopped"),
            }
        };
        tasks.spawn_on(stopping, &runtime);
    }
}

/// What is sent to an address out of an answer. The credential goes to the host that was called and to no other;
/// plain text too.
fn follow(asked: &Outgoing, address: &str) -> Option<Outgoing> {
    let url: Uri = address.parse().ok()?;
    url.host()?;
    let is_same = origin(&url) == origin(&asked.url);
    if !is_same && url.scheme_str() != Some("https") {
        return None;
    }
    let mut headers = HeaderMap::clone(&asked.headers);
    headers.remove(CONTENT_TYPE); // there is no body
    Some(Outgoing {
        url: url.into(),
        headers: match is_same {
            true => headers.into(),
            false => anonymous(&headers).into(),
        },
        body: Bytes::new(),
        reach: Reach::NotLinkLocal,
    })
}

/// Scheme, host and port.
fn origin(url: &Uri) -> (Option<&str>, Option<String>, u16) {
    let usual = match url.scheme_str() {
        Some("https") => 443,
        _ => 80,
    };
    let host = url.host().map(str::to_ascii_lowercase);
    (url.scheme_str(), host, url.port_u16().unwrap_or(usual))
}

/// The headers that say nothing of who calls.
fn anonymous(headers: &HeaderMap) -> HeaderMap {
    let agent = headers.get(USER_AGENT).cloned();
    HeaderMap::from_iter(agent.map(|agent| (USER_AGENT, agent)))
}

/// A body that has come whole, as one that is coming.
fn in_hand(body: Bytes) -> ReplyBody {
    ReplyBody::new(
        Full::new(body)
            .map_err(|never| match never {})
            .boxed_unsync(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answers_addresses_are_followed_with_care() {
        let asked = |url: &str| Outgoing {
            url: Arc::new(url.parse().unwrap()),
            headers: Arc::new(
                [("authorization", "Bearer k"), ("user-agent", "agon")]
                    .map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap()))
                    .into_iter()
                    .collect(),
            ),
            body: Bytes::from_static(b"{}"),
            reach: Reach::Anywhere,
        };
        let carries = |from: &str, to: &str| {
            let outgoing = follow(&asked(from), to)?;
            assert_eq!(outgoing.reach, Reach::NotLinkLocal);
            assert!(outgoing.body.is_empty());
            Some(outgoing.headers.contains_key("authorization"))
        };
        let api = "https://api.replicate.com/v1/predictions";
        assert_eq!(
            carries(api, "https://API.replicate.com:443/v1/predictions/p"),
            Some(true)
        );
        assert_eq!(carries(api, "https://elsewhere.example/p"), Some(false));
        assert_eq!(carries(api, "https://api.replicate.com:444/p"), Some(false));
        for refused in [
            "http://api.replicate.com/p",
            "/v1/predictions/p",
            "ftp://x/p",
            "",
            "file:///etc/passwd",
        ] {
            assert_eq!(carries(api, refused), None, "{refused}");
        }
        let here = "http://127.0.0.1:4000/v1/predictions";
        assert_eq!(carries(here, "http://127.0.0.1:4000/p"), Some(true));
        assert_eq!(carries(here, "http://127.0.0.1:4001/p"), None);
    }
}
