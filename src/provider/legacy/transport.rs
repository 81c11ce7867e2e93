//! One exchange over HTTP: sending, waiting no longer than allowed, and naming what went wrong.

use std::error::Error;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use bytes::BytesMut;
use hyper_rustls::ConfigBuilderExt;
use reqwest::Response;
use reqwest::header::HeaderMap;
use reqwest::header::HeaderName;
use reqwest::header::HeaderValue;
use rustls::crypto::ring;
use tokio::time::Instant;
use tokio::time::timeout_at;

use crate::client::CallTrace;
use crate::client::LlmErrorKind;
use crate::client::TimeoutPhase;
use crate::provider::timeouts::CallTimeouts;

/// A failure that is not the provider's own report: class and words.
pub(super) type Failure = (LlmErrorKind, String);

/// Builds an HTTP client that goes straight to the provider: no redirects (they would carry the key along),
/// no proxy from the environment, no retries of its own.
pub(super) fn http_client(connect: Duration) -> Result<reqwest::Client, String> {
    reqwest::Client::builder()
        .tls_backend_preconfigured(tls_config())
        .redirect(reqwest::redirect::Policy::none())
        .retry(reqwest::retry::never())
        .no_proxy()
        .connect_timeout(connect)
        .tcp_nodelay(true)
        .build()
        .map_err(|error| reasons(&error))
}

/// TLS with ring and the machine's own root certificates. On a machine without any, plain HTTP still works
/// and every TLS connection fails as one to an unknown issuer.
fn tls_config() -> rustls::ClientConfig {
    let versions = || {
        rustls::ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .expect("ring speaks TLS 1.2 and 1.3")
    };
    match versions().with_native_roots() {
        Ok(config) => config.with_no_client_auth(),
        Err(_) => versions()
            .with_root_certificates(rustls::RootCertStore::empty())
            .with_no_client_auth(),
    }
}

/// Until when one call may wait, and where its waits are noted.
#[derive(Debug)]
pub(super) struct Waits {
    timeouts: CallTimeouts,
    first_token_at: Instant,
    total_at: Instant,
    trace: Arc<CallTrace>,
}

impl Waits {
    /// Starts the waits of a call that is of no use past `deadline`.
    pub(super) fn start(
        timeouts: CallTimeouts,
        deadline: Option<Instant>,
        trace: Arc<CallTrace>,
    ) -> Self {
        let now = Instant::now();
        let total_at = now + timeouts.total;
        Self {
            timeouts,
            first_token_at: now + timeouts.first_token,
            total_at: deadline.map_or(total_at, |deadline| deadline.min(total_at)),
            trace,
        }
    }

    /// Waits for the upstream in a phase, and notes how long.
    pub(super) async fn wait<T>(
        &self,
        phase: TimeoutPhase,
        upstream: impl Future<Output = T>,
    ) -> Result<T, Failure> {
        let started = Instant::now();
        let phase_at = match phase {
            TimeoutPhase::FirstToken => self.first_token_at,
            TimeoutPhase::Idle => started + self.timeouts.idle,
            // The HTTP client itself ends the wait for a connection.
            TimeoutPhase::Connect | TimeoutPhase::Total => self.total_at,
        };
        let (until, phase) = match phase_at < self.total_at {
            true => (phase_at, phase),
            false => (self.total_at, TimeoutPhase::Total),
        };
        let outcome = timeout_at(until, upstream).await;
        self.trace.add_upstream_wait(started.elapsed());
        outcome.map_err(|_| timed_out(phase))
    }
}

fn timed_out(phase: TimeoutPhase) -> Failure {
    let message = format!("the {} timeout passed", phase.as_str());
    (LlmErrorKind::Timeout { phase }, message)
}

/// Turns a call's headers into the client's form; what cannot be a header is a mistaken key.
pub(super) fn header_map(headers: Vec<(&'static str, String)>) -> Option<HeaderMap> {
    headers
        .into_iter()
        .map(|(name, value)| {
            let mut value = HeaderValue::try_from(value).ok()?;
            value.set_sensitive(true);
            Some((HeaderName::from_static(name), value))
        })
        .collect()
}

/// Names why a request got no response.
pub(super) fn not_sent(error: &reqwest::Error) -> Failure {
    if error.is_builder() {
        let message = format!("the base URL cannot be called: {}", reasons(error));
        return (LlmErrorKind::InvalidRequest, message);
    }
    if error.is_connect() && error.is_timeout() {
        return timed_out(TimeoutPhase::Connect);
    }
    (LlmErrorKind::ConnectionFailed, reasons(error))
}

/// Reads a whole body of at most `limit` bytes.
pub(super) async fn whole_body(
    mut response: Response,
    limit: usize,
    waits: &Waits,
) -> Result<Bytes, Failure> {
    let mut body = BytesMut::new();
    loop {
        let piece = waits.wait(TimeoutPhase::Idle, response.chunk()).await?;
        match piece {
            Ok(Some(piece)) => body.extend_from_slice(&piece),
            Ok(None) => return Ok(body.freeze()),
            Err(error) => return Err(broken(body.len() as u64, &error)),
        }
        if body.len() > limit {
            let message = format!("the answer is longer than {limit} bytes");
            return Err((LlmErrorKind::MalformedResponse, message));
        }
    }
}

/// Names a connection that broke within a body.
pub(super) fn broken(bytes: u64, error: &reqwest::Error) -> Failure {
    let kind = match bytes {
        0 => LlmErrorKind::ConnectionFailed,
        bytes => LlmErrorKind::StreamInterrupted { bytes },
    };
    (kind, reasons(error))
}

/// The innermost reason, without addresses: a base URL may hold a credential.
fn reasons(error: &reqwest::Error) -> String {
    let mut reason: &dyn Error = error;
    while let Some(deeper) = reason.source() {
        reason = deeper;
    }
    match error.source() {
        Some(_) => reason.to_string(),
        None => "the HTTP client gave up without a reason".to_owned(),
    }
}
