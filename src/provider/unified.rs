//! The client for every provider: a provider's file says how it is reached, a wire how it is spoken to.

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use http::StatusCode;
use http::Uri;
use tokio::time::Instant;

use super::answer::Answer;
use super::auth;
use super::auth::Target;
use super::dropped::DroppedParams;
use super::environment::Environment;
use super::failure::Callee;
use super::failure::Failure;
use super::local::LocalCall;
use super::local::LocalServers;
use super::local::Permit;
use super::local::held;
use super::reply::Reply;
use super::reply::header_text;
use super::timeouts::CallTimeouts;
use super::transport::Outgoing;
use super::transport::Transport;
use super::waits::Waits;
use crate::catalog::Catalog;
use crate::catalog::ProviderSpec;
use crate::client::BaseLlmClient;
use crate::client::CallPath;
use crate::client::ChatRequest;
use crate::client::ChunkStream;
use crate::client::LlmError;
use crate::client::LlmErrorKind;
use crate::client::TimeoutPhase;
use crate::client::collect;
use crate::types::Chat;
use crate::types::ChatResponse;
use crate::types::Clock;
use crate::types::Secret;
use crate::types::quirks::Quirks;
use crate::types::quirks::UsageInStream;
use crate::types::usage::estimate_tokens;
use crate::wire;
use crate::wire::EncodeContext;
use crate::wire::ErrorParts;
use crate::wire::StreamDecoder;
use crate::wire::WireError;

/// Most of an error's body that is read; what matters stands at its beginning.
const MAX_ERROR_BYTES: usize = 64 * 1024;

/// What all unified clients share.
#[derive(Debug)]
pub struct UnifiedParts {
    /// The models' quirks.
    pub catalog: Arc<Catalog>,
    /// Where keys and addresses are set.
    pub environment: Environment,
    /// The connections.
    pub transport: Transport,
    /// Wall time, for dates in replies.
    pub clock: Clock,
    /// What could not be sent, and was logged.
    pub dropped: DroppedParams,
    /// Places in line, and what is known about local models.
    pub(super) local: LocalServers,
}

/// Calls the models of one provider; which of them, each request's head says.
#[derive(Debug, Clone)]
pub struct UnifiedClient {
    spec: Arc<ProviderSpec>,
    timeouts: CallTimeouts,
    parts: Arc<UnifiedParts>,
}

impl UnifiedClient {
    /// A client of this provider.
    pub fn new(spec: Arc<ProviderSpec>, timeouts: CallTimeouts, parts: Arc<UnifiedParts>) -> Self {
        Self {
            spec,
            timeouts,
            parts,
        }
    }

    /// Sends a request and hands back the reply once its status is a success.
    async fn open<'a>(
        &'a self,
        request: &'a ChatRequest,
        stream: bool,
    ) -> Result<Opened<'a>, LlmError> {
        request.call.trace.note_path(CallPath::Unified);
        let endpoint = request.call.endpoint.as_ref();
        let target = auth::target(&self.spec, &self.parts.environment, endpoint)?;
        let chat = wire::typed(request).map_err(|error| self.unsendable(&error))?;
        let mut quirks = self.parts.catalog.quirks(&request.head.model);
        let server = self.url(&target, "")?;
        let address = (target.base_url.as_str(), target.key.as_ref());
        let local = self.parts.local.call(&self.spec, request, server, address);
        let mut permit = None;
        if let Some(local) = &local {
            permit = local.place().await?;
            local.prepare(&chat, &mut quirks).await?;
        }
        let body = self.encode(request, &chat, &quirks, stream)?;
        let url = self.url(&target, &body.path)?;
        let callee = self.callee(&url);
        let outgoing = Outgoing {
            url,
            headers: auth::headers(&self.spec, target.key.as_ref())?,
            body: body.body,
            reach: target.reach,
        };
        let waits = Waits::start(self.timeouts, &request.call);
        let sent = self.send(outgoing, local.as_ref(), &waits, stream).await;
        let opened = Opened {
            reply: sent.map_err(|failure| callee.before_answer(failure))?,
            quirks,
            callee,
            waits,
            local,
            permit,
        };
        match opened.reply.status.is_success() {
            true => Ok(opened),
            false => Err(self.refused(opened, target.key.as_ref()).await),
        }
    }

    /// Posts the request; again when a local server was not there yet because it was loading its model.
    async fn send(
        &self,
        outgoing: Outgoing,
        local: Option<&LocalCall<'_>>,
        waits: &Waits,
        stream: bool,
    ) -> Result<Reply, Failure> {
        // A whole answer begins when it is finished, so only the end of the whole bounds its beginning.
        let due = match stream {
            true => (waits.first_token_at(), TimeoutPhase::FirstToken),
            false => (waits.total_at(), TimeoutPhase::Total),
        };
        let Some(local) = local else {
            return self.parts.transport.post(outgoing, waits, due).await;
        };
        loop {
            let sending = self.parts.transport.post(outgoing.clone(), waits, due);
            let reply = local.telling(sending).await?;
            let not_yet = reply.status == StatusCode::SERVICE_UNAVAILABLE;
            if !not_yet || !local.comes_up(due.0).await {
                return Ok(reply);
            }
        }
    }

    fn encode(
        &self,
        request: &ChatRequest,
        chat: &Chat,
        quirks: &Quirks,
        stream: bool,
    ) -> Result<wire::Encoded, LlmError> {
        let model = &request.head.model;
        let card = self.parts.catalog.card(model);
        let context = EncodeContext {
            model: model.model(),
            stream,
            quirks,
            default_max_output_tokens: card
                .and_then(|card| u32::try_from(card.max_output_tokens?).ok())
                .unwrap_or(self.spec.default_max_output_tokens),
        };
        let encoded = wire::encode(self.spec.wire, chat, &context)
            .map_err(|error| self.unsendable(&error))?;
        self.parts.dropped.note(model, &encoded.dropped);
        Ok(encoded)
    }

    fn url(&self, target: &Target, path: &str) -> Result<Uri, LlmError> {
        let text = format!("{}{path}", target.base_url);
        let url: Option<Uri> = text.parse().ok();
        url.filter(|url| matches!(url.scheme_str(), Some("http" | "https")) && url.host().is_some())
            .ok_or_else(|| {
                let message = "its base URL is not an http or https address: mend it";
                LlmError::new(LlmErrorKind::InvalidRequest, &self.spec.id, message)
            })
    }

    fn callee(&self, url: &Uri) -> Callee {
        let host = url.host().unwrap_or_default();
        let host = match url.port_u16() {
            Some(port) => format!("{host}:{port}"),
            None => host.to_owned(),
        };
        let remedy = match (self.spec.local, self.spec.base_url_env.first()) {
            (true, Some(variable)) => {
                format!(" (start {}, or set {variable})", self.spec.title)
            }
            (true, None) => format!(" (start {})", self.spec.title),
            (false, _) => String::new(),
        };
        Callee {
            provider: self.spec.id.clone(),
            host,
            remedy,
        }
    }

    fn unsendable(&self, error: &WireError) -> LlmError {
        LlmError::new(
            LlmErrorKind::InvalidRequest,
            &self.spec.id,
            error.to_string(),
        )
    }

    /// Says what a reply that is no success means.
    async fn refused(&self, opened: Opened<'_>, key: Option<&Secret>) -> LlmError {
        let Opened {
            mut reply,
            callee,
            waits,
            ..
        } = opened;
        let status = reply.status;
        if status.is_redirection() {
            let message = format!(
                "{} answers with a redirect, which is not followed: set the base URL to the final address",
                callee.host
            );
            return callee
                .error(LlmErrorKind::InvalidRequest, message)
                .with_status(status.as_u16());
        }
        let due = Instant::now() + self.timeouts.connect;
        let body = reply.body.read_some(MAX_ERROR_BYTES, &waits, due).await;
        let body = auth::without_key(&body, key);
        let parts = ErrorParts {
            status: status.as_u16(),
            header: &|name| header_text(&reply.headers, name),
            body: &body,
            now_ms: self.parts.clock.now_ms(),
        };
        wire::decode_error(self.spec.wire, &self.spec.id, &parts)
    }

    /// Asks without streaming and reads the whole answer.
    async fn ask_whole(&self, request: &ChatRequest) -> Result<ChatResponse, LlmError> {
        let mut opened = self.open(request, false).await?;
        let body = opened.read().await?;
        self.whole(&opened, &body, request)
    }

    fn whole(
        &self,
        opened: &Opened<'_>,
        body: &Bytes,
        request: &ChatRequest,
    ) -> Result<ChatResponse, LlmError> {
        let mut response = wire::decode_response(self.spec.wire, body, &opened.quirks)
            .map_err(|error| opened.callee.undecodable(error))?;
        if response.usage.total_tokens() == 0 {
            response.usage.input = request.head.estimated_tokens;
            response.usage.output = estimate_tokens(&response.text);
            response.usage.reasoning = estimate_tokens(&response.reasoning_text());
            response.usage.estimated = true;
        }
        Ok(response)
    }
}

/// A call whose reply has begun.
struct Opened<'a> {
    reply: Reply,
    quirks: Quirks,
    callee: Callee,
    waits: Waits,
    local: Option<LocalCall<'a>>,
    permit: Option<Permit>,
}

impl Opened<'_> {
    async fn read(&mut self) -> Result<Bytes, LlmError> {
        let read = self.reply.body.read(&self.waits).await;
        let bytes = self.reply.body.received();
        read.map_err(|failure| match bytes {
            0 => self.callee.before_answer(failure),
            bytes => self.callee.within_answer(failure, bytes),
        })
    }
}

#[async_trait]
impl BaseLlmClient for UnifiedClient {
    fn provider_name(&self) -> &str {
        &self.spec.id
    }

    /// Streams and collects, so that a stalled upstream is noticed within the idle time and not only at the
    /// end of the whole, and a call that is given up stops costing at once. A provider that tells usage in
    /// whole answers only is asked for one.
    async fn send_message(&self, request: &ChatRequest) -> Result<ChatResponse, LlmError> {
        let quirks = &self.spec.quirks;
        match quirks.usage_in_stream {
            UsageInStream::Never => self.ask_whole(request).await,
            UsageInStream::OnRequest | UsageInStream::Always => {
                collect(self.stream_message(request).await?).await
            }
        }
    }

    async fn stream_message(&self, request: &ChatRequest) -> Result<ChunkStream, LlmError> {
        let opened = self.open(request, true).await?;
        if opened.reply.is_media_type("text/html") {
            let message = format!(
                "{} answers with a web page: is the base URL right?",
                opened.callee.host
            );
            return Err(opened
                .callee
                .error(LlmErrorKind::MalformedResponse, message));
        }
        let decoder = StreamDecoder::new(self.spec.wire, &opened.quirks);
        let mut answer = Answer::new(opened.reply.body, decoder, opened.callee, opened.waits);
        answer.estimate_from(request.head.estimated_tokens);
        match &opened.local {
            Some(local) => local.telling(answer.begin()).await?,
            None => answer.begin().await?,
        }
        let stream = answer.into_stream();
        Ok(match opened.permit {
            Some(permit) => held(stream, permit),
            None => stream,
        })
    }
}
