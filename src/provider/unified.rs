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
use super::lane::Lane;
use super::lane::Lanes;
use super::local::LocalCall;
use super::local::LocalServers;
use super::local::Permit;
use super::local::held as hold;
use super::opened::Opened;
use super::passing::Passing;
use super::prepared;
use super::prepared::Place;
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
use crate::client::Content;
use crate::client::LlmError;
use crate::client::LlmErrorKind;
use crate::client::TimeoutPhase;
use crate::client::collect;
use crate::types::ChatResponse;
use crate::types::Clock;
use crate::types::ModelName;
use crate::types::TopLevel;
use crate::types::Wire;
use crate::types::quirks::UsageInStream;
use crate::wire;
use crate::wire::ErrorParts;
use crate::wire::StreamDecoder;

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
    /// How models were called so far.
    pub(super) lanes: Lanes,
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
        let lane = self.lane(&request.head.model, &request.call)?;
        let written = self.write(&lane, request, &lane.spoken, stream)?;
        let prepared = self.prepared(&lane, request, written, stream)?;
        Ok(prepared.preview(request.call.trace.dropped()))
    }

    /// How the provider is reached.
    pub(super) fn spec(&self) -> &ProviderSpec {
        &self.spec
    }

    fn lane(&self, model: &ModelName, call: &CallContext) -> Result<Arc<Lane>, LlmError> {
        let parts = &*self.parts;
        let general = (self.spec.as_ref(), parts, self.timeouts);
        parts.lanes.of(general, model, call)
    }

    /// Sends a request and hands back the reply once its status is a success. At a local server that means to wait
    /// for a place in line first.
    async fn open<'a>(
        &'a self,
        request: &'a ChatRequest,
        stream: bool,
    ) -> Result<(Opened, Held<'a>), LlmError> {
        request.call.trace.note_path(CallPath::Unified);
        let lane = self.lane(&request.head.model, &request.call)?;
        let mut spoken = lane.spoken.clone();
        let held = self.enter(request, &lane, &mut spoken).await?;
        let written = self.write(&lane, request, &spoken, stream)?;
        let passed = written.passed;
        let prepared = self.prepared(&lane, request, written, stream)?;
        let way = Way {
            call: &request.call,
            local: held.local.as_ref(),
            callee: &lane.callee,
            timeouts: lane.timeouts(stream),
            stream,
        };
        let mut opened = self.exchange(&way, &prepared, spoken).await?;
        opened.passed = passed;
        Ok((opened, held))
    }

    /// Writes the body of a request: the caller's own with a few edits where the model speaks the same wire, else a
    /// translation.
    fn write(
        &self,
        lane: &Lane,
        request: &ChatRequest,
        spoken: &Spoken,
        stream: bool,
    ) -> Result<Written, LlmError> {
        if let Some(body) = self.pass(lane, request, stream)? {
            return Ok(Written {
                body,
                path: None,
                passed: true,
            });
        }
        let encoded = prepared::encode(&self.spec, &self.parts, request, spoken, stream)?;
        Ok(Written {
            body: encoded.body,
            path: Some(encoded.path),
            passed: false,
        })
    }

    /// The caller's body with a few edits; `None` where it has to be translated.
    fn pass(
        &self,
        lane: &Lane,
        request: &ChatRequest,
        stream: bool,
    ) -> Result<Option<Bytes>, LlmError> {
        let Content::Raw {
            wire,
            body,
            members,
        } = &request.content
        else {
            return Ok(None);
        };
        if !lane.passes(*wire) || request.head.stream != stream {
            return Ok(None);
        }
        let read;
        let members = match members {
            Some(members) => members.as_ref(),
            None => {
                read = TopLevel::read(body).map_err(|error| {
                    LlmError::new(
                        LlmErrorKind::InvalidRequest,
                        &self.spec.id,
                        error.to_string(),
                    )
                })?;
                &read
            }
        };
        if lane.wants_translation(body, members) {
            return Ok(None);
        }
        let mut edits = lane.edits(stream);
        let mut dropped = Vec::new();
        for name in lane.refused() {
            if members.place(body, name).is_some() {
                edits.remove.push(name);
                dropped.push(name.to_owned());
            }
        }
        if !dropped.is_empty() {
            prepared::note_dropped(&self.parts, &request.call, &request.head.model, &dropped)?;
        }
        Ok(Some(wire::verbatim::edited(body, members, &edits)))
    }

    fn prepared(
        &self,
        lane: &Lane,
        request: &ChatRequest,
        written: Written,
        stream: bool,
    ) -> Result<Prepared, LlmError> {
        let usual = match &written.path {
            None => Some(lane.outgoing_usual(written.body.clone(), stream)),
            Some(path) => lane.outgoing(path, written.body.clone(), stream),
        };
        if let Some(outgoing) = usual {
            return Ok(Prepared {
                outgoing,
                credential: lane.credential.clone(),
            });
        }
        let encoded = wire::Encoded {
            path: written.path.unwrap_or_default(),
            body: written.body,
            dropped: Vec::new(),
        };
        let model = Some((&request.head.model, stream));
        let address = self.address(&lane.environment, &request.call)?;
        prepared::prepare(
            &self.place(&lane.environment, &request.call),
            address,
            encoded,
            model,
        )
    }

    fn place<'a>(&'a self, environment: &'a Environment, call: &'a CallContext) -> Place<'a> {
        Place {
            spec: &self.spec,
            parts: &self.parts,
            environment,
            target: call.target.as_deref(),
        }
    }

    fn address(
        &self,
        environment: &Environment,
        call: &CallContext,
    ) -> Result<auth::Target, LlmError> {
        let endpoint = call.endpoint.as_ref();
        auth::target(&self.spec, environment, endpoint, call.target.as_deref())
    }

    /// Takes a place at a local server, and fits the call to what is known about the model there.
    async fn enter<'a>(
        &'a self,
        request: &'a ChatRequest,
        lane: &Lane,
        spoken: &mut Spoken,
    ) -> Result<Held<'a>, LlmError> {
        if !self.spec.local {
            return Ok(Held::default());
        }
        let server = prepared::url(&self.spec, &lane.base_url)?;
        let address = (lane.base_url.as_str(), lane.credential.key());
        let local = self.parts.local.call(&self.spec, request, server, address);
        let mut permit = None;
        if let Some(local) = &local {
            permit = local.place().await?;
            // A body that is passed on says itself what it wants of the server.
            let is_passed =
                matches!(&request.content, Content::Raw { wire, .. } if lane.passes(*wire));
            if spoken.wire == Wire::Ollama && !is_passed {
                let chat = wire::typed(request)
                    .map_err(|error| prepared::unsendable(&self.spec, &error))?;
                local
                    .prepare(&chat, Arc::make_mut(&mut spoken.quirks))
                    .await?;
            }
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
        prepared::note_dropped(&self.parts, call, model, &encoded.dropped)?;
        let environment = match call.target.as_deref() {
            Some(target) => auth::environment_of(&self.spec, &self.parts.environment, target),
            None => self.parts.environment.clone(),
        };
        let place = self.place(&environment, call);
        let address = self.address(&environment, call)?;
        let encoded = prepared::at_own_path(&place, &address.base_url, model, encoded)?;
        let prepared = prepared::prepare(&place, address, encoded, None)?;
        let spoken = Spoken {
            wire: self.spec.wire(),
            quirks: Arc::default(),
        };
        let callee = Arc::new(self.callee(&prepared.outgoing.url));
        let way = Way {
            call,
            local: None,
            callee: &callee,
            timeouts: self.timeouts,
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
        let waits = Waits::start(way.timeouts, way.call);
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
        if spoken.wire == Wire::Anthropic {
            let passed = way.call.passed_headers.iter().cloned();
            for (name, value) in passed {
                outgoing.headers.append(name, value);
            }
        }
        if let Some(traceparent) = prepared::traceparent(way.call) {
            outgoing.headers.insert("traceparent", traceparent);
        }
        let callee = Arc::clone(way.callee);
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
            passed: false,
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
        prepared::callee(&self.spec, url)
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
            passed: _,
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
        let trace = &request.call.trace;
        trace.note_reply_headers(std::mem::take(&mut opened.reply.headers));
        match opened.passed {
            true => opened.passed(&body, request.head.estimated_tokens),
            false => opened.whole(&body, request.head.estimated_tokens),
        }
    }
}

/// The body of a request.
struct Written {
    body: Bytes,
    /// Where it goes; `None` for the usual place.
    path: Option<String>,
    /// `true` when it is the caller's own, so that the answer may be the upstream's own.
    passed: bool,
}

/// How a call goes.
struct Way<'a> {
    call: &'a CallContext,
    local: Option<&'a LocalCall<'a>>,
    callee: &'a Arc<Callee>,
    timeouts: CallTimeouts,
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

#[async_trait]
impl BaseLlmClient for UnifiedClient {
    fn provider_name(&self) -> &str {
        &self.spec.id
    }

    /// Streams and collects, so that a stalled upstream is noticed within the idle time and not only at the
    /// end of the whole, and a call that is given up stops costing at once. A provider that tells usage in
    /// whole answers only is asked for one.
    async fn send_message(&self, request: &ChatRequest) -> Result<ChatResponse, LlmError> {
        // A client's own request for a whole answer is asked as that: it costs less, and nobody reads along.
        if matches!(request.content, Content::Raw { .. }) && !request.head.stream {
            return self.ask_whole(request).await;
        }
        let speech = self.spec.speech(request.head.model.model());
        match speech.quirks.usage_in_stream {
            UsageInStream::Never => self.ask_whole(request).await,
            UsageInStream::OnRequest | UsageInStream::Always => {
                collect(self.stream_message(request).await?).await
            }
        }
    }

    async fn stream_message(&self, request: &ChatRequest) -> Result<ChunkStream, LlmError> {
        let (mut opened, held) = self.open(request, true).await?;
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
        let is_stream = ["text/event-stream", "application/x-ndjson"]
            .iter()
            .any(|kind| opened.reply.is_media_type(kind));
        let headers = std::mem::take(&mut opened.reply.headers);
        request.call.trace.note_reply_headers(headers);
        if opened.passed && is_stream {
            let mut passing = Passing::new(opened, !request.head.usage_in_stream);
            passing.estimate_from(request.head.estimated_tokens);
            match &held.local {
                Some(local) => local.telling(passing.begin()).await?,
                None => passing.begin().await?,
            }
            return Ok(held.keeping(passing.into_stream()));
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
