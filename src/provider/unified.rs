//! The client for every provider: a provider's file says how it is reached, a wire how it is spoken to.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use async_trait::async_trait;
use bytes::Bytes;
use http::StatusCode;
use http::Uri;
use tokio::time::Instant;

use super::answer::Answer;
use super::auth;
use super::auth::SideCall;
use super::auth::Tokens;
use super::dropped::DroppedParams;
use super::environment::Environment;
use super::failure::Callee;
use super::failure::Failure;
use super::local::LocalCall;
use super::local::LocalServers;
use super::local::Permit;
use super::local::held as hold;
use super::prepared;
use super::prepared::Prepared;
use super::prepared::Preview;
use super::prepared::Spoken;
use super::replicate;
use super::replicate::Cancelling;
use super::reply::Reply;
use super::reply::header_text;
use super::timeouts::CallTimeouts;
use super::transport::Outgoing;
use super::transport::Transport;
use super::waits::Waits;
use crate::catalog::Catalog;
use crate::catalog::ProviderSpec;
use crate::client::BaseLlmClient;
use crate::client::CallContext;
use crate::client::CallPath;
use crate::client::ChatRequest;
use crate::client::ChunkStream;
use crate::client::LlmError;
use crate::client::LlmErrorKind;
use crate::client::TimeoutPhase;
use crate::client::collect;
use crate::types::ChatResponse;
use crate::types::Clock;
use crate::types::ModelName;
use crate::types::Secret;
use crate::types::Wire;
use crate::types::quirks::Quirks;
use crate::types::quirks::UsageInStream;
use crate::types::usage::estimate_tokens;
use crate::wire;
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
    /// `true` when every request that would lose a parameter is refused.
    pub(super) strict: AtomicBool,
    /// The access tokens that were fetched.
    pub(super) tokens: Tokens,
    /// Places in line, and what is known about local models.
    pub(super) local: LocalServers,
    /// The predictions that are being stopped.
    pub(super) cancelling: Cancelling,
}

/// Calls the models of one provider; which of them, each request's head says.
#[derive(Debug, Clone)]
pub struct UnifiedClient {
    spec: Arc<ProviderSpec>,
    pub(super) timeouts: CallTimeouts,
    pub(super) parts: Arc<UnifiedParts>,
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

    /// What would be sent for a request. Nothing is.
    ///
    /// # Errors
    /// As for a call, as far as it fails before anything is sent.
    pub fn preview(&self, request: &ChatRequest, stream: bool) -> Result<Preview, LlmError> {
        let spoken = Spoken::of(&self.parts.catalog, &self.spec, &request.head.model);
        let encoded = prepared::encode(&self.spec, &self.parts, request, &spoken, stream)?;
        let dropped = encoded.dropped.clone();
        let model = Some((&request.head.model, stream));
        let prepared = prepared::prepare(&self.spec, &self.parts, &request.call, encoded, model)?;
        Ok(prepared.preview(dropped))
    }

    /// How the provider is reached.
    pub(super) fn spec(&self) -> &ProviderSpec {
        &self.spec
    }

    /// Sends a request and hands back the reply once its status is a success. At a local server that means to wait
    /// for a place in line first.
    async fn open<'a>(
        &'a self,
        request: &'a ChatRequest,
        stream: bool,
    ) -> Result<(Opened, Held<'a>), LlmError> {
        request.call.trace.note_path(CallPath::Unified);
        let mut spoken = Spoken::of(&self.parts.catalog, &self.spec, &request.head.model);
        let held = self.enter(request, &mut spoken).await?;
        let encoded = prepared::encode(&self.spec, &self.parts, request, &spoken, stream)?;
        let model = Some((&request.head.model, stream));
        let prepared = prepared::prepare(&self.spec, &self.parts, &request.call, encoded, model)?;
        let way = Way {
            call: &request.call,
            local: held.local.as_ref(),
            stream,
        };
        let opened = self.exchange(&way, &prepared, spoken).await?;
        Ok((opened, held))
    }

    /// Takes a place at a local server, and fits the call to what is known about the model there.
    async fn enter<'a>(
        &'a self,
        request: &'a ChatRequest,
        spoken: &mut Spoken,
    ) -> Result<Held<'a>, LlmError> {
        if !self.spec.local {
            return Ok(Held::default());
        }
        let endpoint = request.call.endpoint.as_ref();
        let target = auth::target(&self.spec, &self.parts.environment, endpoint)?;
        let server = prepared::url(&self.spec, &target.base_url)?;
        let address = (target.base_url.as_str(), target.credential.key());
        let local = self.parts.local.call(&self.spec, request, server, address);
        let mut permit = None;
        if let Some(local) = &local {
            permit = local.place().await?;
            let chat =
                wire::typed(request).map_err(|error| prepared::unsendable(&self.spec, &error))?;
            local.prepare(&chat, &mut spoken.quirks).await?;
        }
        Ok(Held { local, permit })
    }

    /// Sends a request for vectors, and hands back the reply once its status is a success.
    pub(super) async fn post_beside(
        &self,
        model: &ModelName,
        call: &CallContext,
        encoded: wire::Encoded,
    ) -> Result<Opened, LlmError> {
        call.trace.note_path(CallPath::Unified);
        prepared::note_dropped(&self.parts, call, model, &encoded)?;
        let encoded = prepared::at_own_path(&self.spec, &self.parts, call, model, encoded)?;
        let prepared = prepared::prepare(&self.spec, &self.parts, call, encoded, None)?;
        let spoken = Spoken {
            wire: self.spec.wire(),
            quirks: Quirks::default(),
        };
        let way = Way {
            call,
            local: None,
            stream: false,
        };
        self.exchange(&way, &prepared, spoken).await
    }

    /// Posts what is prepared and hands back the reply once its status is a success. Where a fetched token is
    /// refused, a new one is tried, once.
    async fn exchange(
        &self,
        way: &Way<'_>,
        prepared: &Prepared,
        spoken: Spoken,
    ) -> Result<Opened, LlmError> {
        let waits = Waits::start(self.timeouts, way.call);
        let mut opened = self.post(way, prepared, spoken, waits).await?;
        let tokens = &self.parts.tokens;
        if opened.reply.status == StatusCode::UNAUTHORIZED
            && prepared.credential.forget(tokens, opened.hidden.as_ref())
        {
            let Opened { spoken, waits, .. } = opened;
            opened = self.post(way, prepared, spoken, waits).await?;
        }
        match opened.reply.status.is_success() {
            true => Ok(opened),
            false => Err(self.refused(opened).await),
        }
    }

    async fn post(
        &self,
        way: &Way<'_>,
        prepared: &Prepared,
        spoken: Spoken,
        waits: Waits,
    ) -> Result<Opened, LlmError> {
        let mut outgoing = prepared.outgoing.clone();
        let callee = self.callee(&outgoing.url);
        let side = SideCall {
            provider: &self.spec.id,
            transport: &self.parts.transport,
            waits: &waits,
            now_ms: self.parts.clock.now_ms(),
        };
        let hidden = prepared
            .credential
            .apply(&mut outgoing, &self.parts.tokens, &side)
            .await?;
        let asked = (spoken.wire == Wire::Replicate).then(|| outgoing.clone());
        let sent = self.send(outgoing, way, &waits).await;
        Ok(Opened {
            reply: sent.map_err(|failure| callee.before_answer(failure))?,
            spoken,
            callee,
            waits,
            hidden,
            asked,
        })
    }

    /// Posts the request; again when a local server was not there yet because it was loading its model.
    async fn send(
        &self,
        outgoing: Outgoing,
        way: &Way<'_>,
        waits: &Waits,
    ) -> Result<Reply, Failure> {
        // A whole answer begins when it is finished, so only the end of the whole bounds its beginning.
        let due = match way.stream {
            true => (waits.first_token_at(), TimeoutPhase::FirstToken),
            false => (waits.total_at(), TimeoutPhase::Total),
        };
        let Some(local) = way.local else {
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

    pub(super) fn callee(&self, url: &Uri) -> Callee {
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

    /// Says what a reply that is no success means.
    pub(super) async fn refused(&self, opened: Opened) -> LlmError {
        let Opened {
            mut reply,
            spoken,
            callee,
            waits,
            hidden,
            asked: _,
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
        let body = auth::without_key(&body, hidden.as_ref());
        let parts = ErrorParts {
            status: status.as_u16(),
            header: &|name| header_text(&reply.headers, name),
            body: &body,
            now_ms: self.parts.clock.now_ms(),
        };
        wire::decode_error(spoken.wire, &self.spec.id, &parts)
    }

    /// Asks without streaming and reads the whole answer.
    async fn ask_whole(&self, request: &ChatRequest) -> Result<ChatResponse, LlmError> {
        let (mut opened, _held) = self.open(request, false).await?;
        let body = if opened.spoken.wire == Wire::Replicate {
            replicate::whole(self, &mut opened).await?
        } else {
            opened.read().await?
        };
        opened.whole(&body, request.head.estimated_tokens)
    }
}

/// How a call goes.
struct Way<'a> {
    call: &'a CallContext,
    local: Option<&'a LocalCall<'a>>,
    stream: bool,
}

/// What a call to a local server holds as long as it runs.
#[derive(Default)]
struct Held<'a> {
    local: Option<LocalCall<'a>>,
    permit: Option<Permit>,
}

impl Held<'_> {
    /// The stream, which keeps the place in line until it ends.
    fn keeping(self, stream: ChunkStream) -> ChunkStream {
        match self.permit {
            Some(permit) => hold(stream, permit),
            None => stream,
        }
    }
}

/// A call whose reply has begun.
pub(super) struct Opened {
    pub(super) reply: Reply,
    pub(super) spoken: Spoken,
    pub(super) callee: Callee,
    pub(super) waits: Waits,
    /// What has to be hidden in the provider's words.
    pub(super) hidden: Option<Secret>,
    /// What was sent, credential included, where the answer takes more calls.
    pub(super) asked: Option<Outgoing>,
}

impl Opened {
    /// A header of the reply, by its lower-case name.
    pub(super) fn header(&self, name: &str) -> Option<String> {
        header_text(&self.reply.headers, name)
    }

    /// The error of a reply that its wire cannot read.
    pub(super) fn undecodable(&self, error: WireError) -> LlmError {
        self.callee.undecodable(error)
    }

    /// Reads the whole body.
    pub(super) async fn read(&mut self) -> Result<Bytes, LlmError> {
        let read = self.reply.body.read(&self.waits).await;
        let bytes = self.reply.body.received();
        read.map_err(|failure| match bytes {
            0 => self.callee.before_answer(failure),
            bytes => self.callee.within_answer(failure, bytes),
        })
    }

    /// Reads a whole answer, with an estimate of the usage where it tells none.
    fn whole(&self, body: &Bytes, prompt_tokens: u64) -> Result<ChatResponse, LlmError> {
        let mut response = wire::decode_response(self.spoken.wire, body, &self.spoken.quirks)
            .map_err(|error| self.callee.undecodable(error))?;
        if response.usage.total_tokens() == 0 {
            response.usage.input = prompt_tokens;
            response.usage.output = estimate_tokens(&response.text);
            response.usage.reasoning = estimate_tokens(&response.reasoning_text());
            response.usage.estimated = true;
        }
        Ok(response)
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
        let speech = self.spec.speech(request.head.model.model());
        match speech.quirks.usage_in_stream {
            UsageInStream::Never => self.ask_whole(request).await,
            UsageInStream::OnRequest | UsageInStream::Always => {
                collect(self.stream_message(request).await?).await
            }
        }
    }

    async fn stream_message(&self, request: &ChatRequest) -> Result<ChunkStream, LlmError> {
        let (opened, held) = self.open(request, true).await?;
        if opened.reply.is_media_type("text/html") {
            let message = format!(
                "{} answers with a web page: is the base URL right?",
                opened.callee.host
            );
            return Err(opened
                .callee
                .error(LlmErrorKind::MalformedResponse, message));
        }
        if opened.spoken.wire == Wire::Replicate {
            let stream = replicate::stream(self, opened, request.head.estimated_tokens).await?;
            return Ok(held.keeping(stream));
        }
        let decoder = StreamDecoder::new(opened.spoken.wire, &opened.spoken.quirks);
        let mut answer = Answer::new(opened.reply.body, decoder, opened.callee, opened.waits);
        answer.estimate_from(request.head.estimated_tokens);
        match &held.local {
            Some(local) => local.telling(answer.begin()).await?,
            None => answer.begin().await?,
        }
        Ok(held.keeping(answer.into_stream()))
    }
}
