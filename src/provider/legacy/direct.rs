//! The client that the providers share: one request, one answer, no second try.

use std::collections::VecDeque;
use std::marker::PhantomData;
use std::pin::Pin;

use async_trait::async_trait;
use bytes::Bytes;
use futures::Stream;
use futures::StreamExt;
use futures::stream;
use reqwest::Response;

use super::dialect::Dialect;
use super::dialect::EventReader;
use super::dialect::Fault;
use super::dialect::Step;
use super::refusal::Refusal;
use super::refusal::retry_after;
use super::sse::EventBuffer;
use super::transport::Failure;
use super::transport::Waits;
use super::transport::broken;
use super::transport::header_map;
use super::transport::http_client;
use super::transport::not_sent;
use super::transport::whole_body;
use crate::client::BaseLlmClient;
use crate::client::CallPath;
use crate::client::ChatRequest;
use crate::client::ChunkStream;
use crate::client::Content;
use crate::client::LlmError;
use crate::client::LlmErrorKind;
use crate::client::TimeoutPhase;
use crate::provider::timeouts::CallTimeouts;
use crate::types::Chat;
use crate::types::ChatChunk;
use crate::types::ChatResponse;
use crate::types::Clock;
use crate::types::Secret;

/// The longest whole answer that is read.
const MAX_ANSWER_BYTES: usize = 64 * 1024 * 1024;
/// The most of an error's body that is read.
const MAX_ERROR_BYTES: usize = 256 * 1024;

/// Calls one provider directly.
pub(super) struct DirectClient<D> {
    base_url: String,
    key: Option<Secret>,
    timeouts: CallTimeouts,
    http: Result<reqwest::Client, String>,
    dialect: PhantomData<D>,
}

impl<D: Dialect> DirectClient<D> {
    pub(super) fn new(base_url: &str, key: Option<Secret>, timeouts: CallTimeouts) -> Self {
        Self {
            base_url: base_url.to_owned(),
            key,
            timeouts,
            http: http_client(timeouts.connect),
            dialect: PhantomData,
        }
    }

    /// Sends the request and waits for a good status.
    async fn open(&self, call: &Call<'_>, stream: bool) -> Result<Response, LlmError> {
        let chat = typed(call.request).map_err(|failure| call.error(failure))?;
        let model = call.request.head.model.model();
        let body = D::request(chat, model, stream)
            .map_err(|message| call.error((LlmErrorKind::InvalidRequest, message)))?;
        let headers = header_map(D::headers(&call.reporter.key)).ok_or_else(|| {
            let message = format!(
                "the key holds characters that no key has: check {}",
                D::KEY_VARIABLE
            );
            call.error((LlmErrorKind::Authentication, message))
        })?;
        let http = self
            .http
            .as_ref()
            .map_err(|reason| call.error((LlmErrorKind::ConnectionFailed, reason.clone())))?;
        let sending = http
            .post(D::url(call.base_url, model, stream))
            .headers(headers)
            .body(body)
            .send();
        let phase = match stream {
            true => TimeoutPhase::FirstToken,
            false => TimeoutPhase::Total,
        };
        let response = call
            .waits
            .wait(phase, sending)
            .await
            .and_then(|sent| sent.map_err(|error| not_sent(&error)))
            .map_err(|failure| call.error(failure))?;
        match response.status().is_success() {
            true => Ok(response),
            false => Err(call.refused::<D>(response).await),
        }
    }

    /// Gathers what a call needs, or says that the key is missing.
    fn call<'a>(&'a self, request: &'a ChatRequest) -> Result<Call<'a>, LlmError> {
        request.call.trace.note_path(CallPath::Legacy);
        let endpoint = request.call.endpoint.as_ref();
        let base_url = endpoint.and_then(|endpoint| endpoint.api_base.as_deref());
        let variable = endpoint.and_then(|endpoint| endpoint.api_key_env_var.as_deref());
        let key = match variable {
            Some(variable) => std::env::var(variable).ok().map(Secret::new),
            None => self.key.clone(),
        };
        let key = key.filter(|key| !key.expose().trim().is_empty());
        let key = key.ok_or_else(|| {
            let variable = variable.unwrap_or(D::KEY_VARIABLE);
            let message = format!("no key: set {variable}");
            LlmError::new(LlmErrorKind::Authentication, D::NAME, message)
        })?;
        let call = &request.call;
        Ok(Call {
            request,
            base_url: base_url.unwrap_or(&self.base_url),
            reporter: Reporter {
                provider: D::NAME,
                key,
            },
            waits: Waits::start(self.timeouts, call.deadline, call.trace.clone()),
        })
    }
}

#[async_trait]
impl<D: Dialect> BaseLlmClient for DirectClient<D> {
    fn provider_name(&self) -> &str {
        D::NAME
    }

    async fn send_message(&self, request: &ChatRequest) -> Result<ChatResponse, LlmError> {
        let call = self.call(request)?;
        let response = self.open(&call, false).await?;
        let body = whole_body(response, MAX_ANSWER_BYTES, &call.waits)
            .await
            .map_err(|failure| call.error(failure))?;
        D::answer(&body).map_err(|fault| call.error(failure_of(fault)))
    }

    async fn stream_message(&self, request: &ChatRequest) -> Result<ChunkStream, LlmError> {
        let call = self.call(request)?;
        let response = self.open(&call, true).await?;
        let mut answer = Answer::<D>::new(response, call);
        answer.begin().await?;
        Ok(stream::unfold(answer, |mut answer| async move {
            answer.next().await.map(|item| (item, answer))
        })
        .boxed())
    }
}

/// One call under way.
struct Call<'a> {
    request: &'a ChatRequest,
    base_url: &'a str,
    reporter: Reporter,
    waits: Waits,
}

impl Call<'_> {
    fn error(&self, failure: Failure) -> LlmError {
        self.reporter.error(failure)
    }

    async fn refused<D: Dialect>(&self, response: Response) -> LlmError {
        let status = response.status().as_u16();
        let wait = retry_after(response.headers(), &Clock::system());
        // A status tells the class even when its body never comes.
        let body = whole_body(response, MAX_ERROR_BYTES, &self.waits)
            .await
            .unwrap_or_default();
        let Refusal { kind, message } = D::refusal(status, wait, &body);
        let message = match (&kind, message.is_empty()) {
            // Providers echo parts of a refused key.
            (LlmErrorKind::Authentication, _) => {
                format!("the key was refused: check {}", D::KEY_VARIABLE)
            }
            (_, true) => format!("answered with status {status} and no reason"),
            (_, false) => message,
        };
        self.error((kind, message)).with_status(status)
    }
}

/// Makes errors that never hold the key.
struct Reporter {
    provider: &'static str,
    key: Secret,
}

impl Reporter {
    fn error(&self, (kind, message): Failure) -> LlmError {
        let message = message.replace(self.key.expose(), "***");
        LlmError::new(kind, self.provider, message)
    }
}

fn typed(request: &ChatRequest) -> Result<&Chat, Failure> {
    match &request.content {
        Content::Typed(chat) => Ok(chat),
        Content::Raw { .. } | Content::Text(_) => Err((
            LlmErrorKind::InvalidRequest,
            "the legacy path takes typed requests only: switch the unified path on for passing bodies through"
                .to_owned(),
        )),
    }
}

fn failure_of(fault: Fault) -> Failure {
    match fault {
        Fault::Malformed(message) => (LlmErrorKind::MalformedResponse, message),
        Fault::Refused(refusal) => (refusal.kind, refusal.message),
    }
}

/// A streamed answer under way. Dropping it drops the body, which closes the connection.
struct Answer<D: Dialect> {
    body: Pin<Box<dyn Stream<Item = reqwest::Result<Bytes>> + Send>>,
    events: EventBuffer,
    reader: D::Reader,
    ready: VecDeque<ChatChunk>,
    reporter: Reporter,
    waits: Waits,
    arrived_bytes: u64,
    /// Something that a reader sees has been read, so nobody else can be asked any more.
    begun: bool,
    /// How the body ended; a failure is told once, after everything that is ready.
    ending: Option<Result<(), LlmError>>,
}

impl<D: Dialect> Answer<D> {
    fn new(response: Response, call: Call<'_>) -> Self {
        Self {
            body: Box::pin(response.bytes_stream()),
            events: EventBuffer::default(),
            reader: D::Reader::default(),
            ready: VecDeque::new(),
            reporter: call.reporter,
            waits: call.waits,
            arrived_bytes: 0,
            begun: false,
            ending: None,
        }
    }

    /// Reads until there is something to see, or until the answer has ended without.
    async fn begin(&mut self) -> Result<(), LlmError> {
        while !self.begun && self.ending.is_none() {
            self.read_on().await;
        }
        match self.ending.take_if(|ending| !self.begun && ending.is_err()) {
            Some(failed) => failed,
            None => Ok(()),
        }
    }

    async fn next(&mut self) -> Option<Result<ChatChunk, LlmError>> {
        loop {
            if let Some(chunk) = self.ready.pop_front() {
                return Some(Ok(chunk));
            }
            match &mut self.ending {
                None => self.read_on().await,
                Some(ending) => return std::mem::replace(ending, Ok(())).err().map(Err),
            }
        }
    }

    /// Reads the next piece of the body. What came before a failure in the same piece stays ready.
    async fn read_on(&mut self) {
        let phase = match self.begun {
            true => TimeoutPhase::Idle,
            false => TimeoutPhase::FirstToken,
        };
        let piece = self.waits.wait(phase, self.body.next()).await;
        let outcome = match piece {
            Ok(Some(Ok(bytes))) => self.take(&bytes),
            Ok(Some(Err(error))) => self.closed(broken(self.arrived_bytes, &error)),
            Ok(None) => {
                let bytes = self.arrived_bytes;
                let message = "the stream closed before the answer was over".to_owned();
                self.closed((LlmErrorKind::StreamInterrupted { bytes }, message))
            }
            Err(failure) => Err(failure),
        };
        if let Err(failure) = outcome {
            self.ending = Some(Err(self.reporter.error(failure)));
        }
    }

    fn take(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        self.arrived_bytes += bytes.len() as u64;
        let payloads = self.events.push(bytes).map_err(|reason| {
            let message = format!("the stream cannot be read as events: {reason}");
            (LlmErrorKind::MalformedResponse, message)
        })?;
        for payload in payloads {
            match self.reader.read(&payload) {
                Ok(Step::Chunk(chunk)) => {
                    self.begun |= !chunk.delta.is_empty() || chunk.finish.is_some();
                    self.ready.push_back(*chunk);
                }
                Ok(Step::Nothing) => {}
                Ok(Step::Done) => {
                    self.ending = Some(Ok(()));
                    break;
                }
                Err(fault) => return Err(self.reported(failure_of(fault))),
            }
        }
        Ok(())
    }

    /// Decides what a closed connection means: nothing once the provider said why the answer ended.
    fn closed(&mut self, (kind, message): Failure) -> Result<(), Failure> {
        if self.reader.is_finished() {
            self.ending = Some(Ok(()));
            return Ok(());
        }
        match self.begun {
            true => Err((kind, message)),
            false => Err((LlmErrorKind::ConnectionFailed, message)),
        }
    }

    /// A passing trouble that is reported within an answer has cut the answer.
    fn reported(&self, (kind, message): Failure) -> Failure {
        let passing = matches!(
            kind,
            LlmErrorKind::Overloaded { .. } | LlmErrorKind::RateLimited { .. }
        );
        match self.begun && passing {
            true => {
                let bytes = self.arrived_bytes;
                (LlmErrorKind::StreamInterrupted { bytes }, message)
            }
            false => (kind, message),
        }
    }
}
