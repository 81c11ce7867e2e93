//! The client for every provider: a provider's file says how it is reached, a wire how it is spoken to.

mod exchange;
mod write;

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use async_trait::async_trait;
use http::Uri;

use super::answer::Answer;
use super::auth;
use super::auth::Tokens;
use super::dropped::DroppedParams;
use super::environment::Environment;
use super::failure::Callee;
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
use super::prepared::Preview;
use super::prepared::Spoken;
use super::replicate;
use super::replicate::Cancelling;
use super::timeouts::CallTimeouts;
use super::transport::Transport;
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
use crate::client::collect;
use crate::types::ChatResponse;
use crate::types::Clock;
use crate::types::ModelName;
use crate::types::Wire;
use crate::types::quirks::UsageInStream;
use crate::wire;
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
        let lane = self.lane(request)?;
        let written = self.write(&lane, request, &lane.spoken, stream)?;
        let prepared = self.prepared(&lane, request, written, stream)?;
        Ok(prepared.preview(request.call.trace.dropped()))
    }

    /// How the provider is reached.
    pub(super) fn spec(&self) -> &ProviderSpec {
        &self.spec
    }

    fn lane(&self, request: &ChatRequest) -> Result<Arc<Lane>, LlmError> {
        let parts = &*self.parts;
        let general = (self.spec.as_ref(), parts, self.timeouts);
        let as_responses = self.spec.answers_responses
            && matches!(
                request.content,
                Content::Raw {
                    wire: Wire::OpenaiResponses,
                    ..
                }
            );
        let asked = (&request.head.model, as_responses);
        parts.lanes.of(general, asked, &request.call)
    }

    /// Sends a request and hands back the reply once its status is a success. At a local server that means to wait
    /// for a place in line first.
    async fn open<'a>(
        &'a self,
        request: &'a ChatRequest,
        stream: bool,
    ) -> Result<(Opened, Held<'a>), LlmError> {
        request.call.trace.note_path(CallPath::Unified);
        let lane = self.lane(request)?;
        let mut spoken = lane.spoken.clone();
        let held = match self.spec.local {
            true => Box::pin(self.enter(request, &lane, &mut spoken)).await?,
            false => Held::default(),
        };
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
        prepared::note_dropped(&self.parts, (call, None), model, &encoded.dropped)?;
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

    pub(super) fn callee(&self, url: &Uri) -> Callee {
        prepared::callee(&self.spec, url)
    }

    /// Asks without streaming and reads the whole answer.
    async fn ask_whole(&self, request: &ChatRequest) -> Result<ChatResponse, LlmError> {
        let (mut opened, _held) = self.open(request, false).await?;
        let body = if opened.spoken.wire == Wire::Replicate {
            Box::pin(replicate::whole(self, &mut opened)).await?
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
        let is_own = matches!(request.content, Content::Raw { .. } | Content::Text(_));
        if is_own && !request.head.stream {
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
            let stream = replicate::stream(self, opened, request.head.estimated_tokens);
            let stream = Box::pin(stream).await?;
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
            if matches!(request.content, Content::Text(_)) {
                passing.has_several_ends();
            }
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
