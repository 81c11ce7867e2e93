//! One HTTP client for all model calls: it sends a body and hands back the reply, every wait bounded and measured.

use std::cell::RefCell;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;
use std::time::Duration;

use bytes::Bytes;
use http::HeaderMap;
use http::Method;
use http::Request;
use http::Uri;
use http::uri::Scheme;
use http_body_util::BodyExt;
use http_body_util::Full;
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use hyper_util::rt::TokioTimer;
use rustls::ClientConfig;
use tokio::time::Instant;

use super::connect::ConnectRefused;
use super::connect::Connector;
use super::connect::Reach;
use super::connect::tls_config;
use super::failure::Failure;
use super::failure::innermost;
use super::plain::Plain;
use super::reply::Reply;
use super::reply::ReplyBody;
use super::waits::Waits;
use crate::client::TimeoutPhase;

/// How long an unused connection is kept; below the 60 s after which common load balancers drop one silently.
pub(super) const POOL_IDLE: Duration = Duration::from_secs(55);
/// Unused connections kept per host.
pub(super) const POOL_IDLE_PER_HOST: usize = 64;

type HttpClient = Client<Connector, Full<Bytes>>;

/// Sends model calls. Cloning it shares its connections.
#[derive(Clone)]
pub struct Transport {
    shared: Arc<Shared>,
}

struct Shared {
    tls: ClientConfig,
    id: u64,
}

/// The two ways to call: by hand where a server is called without TLS, and with everything that hyper can.
struct Clients {
    plain: Plain,
    any: HttpClient,
}

/// What is sent, and where to. Address and headers are those of all calls to a place, and shared.
#[derive(Clone)]
pub(super) struct Outgoing {
    pub(super) url: Arc<Uri>,
    pub(super) headers: Arc<HeaderMap>,
    pub(super) body: Bytes,
    pub(super) reach: Reach,
}

impl Transport {
    /// Reads the machine's root certificates and makes the client.
    ///
    /// # Errors
    /// When TLS cannot be set up at all; missing root certificates are only a warning.
    pub fn new() -> Result<Self, rustls::Error> {
        let shared = Shared {
            tls: tls_config()?,
            id: NEXT_ID.fetch_add(1, Ordering::Relaxed),
        };
        Ok(Self {
            shared: Arc::new(shared),
        })
    }

    /// The TLS settings, for the side calls' client.
    pub(crate) fn tls(&self) -> ClientConfig {
        self.shared.tls.clone()
    }

    /// Posts a body and waits until `due` for the reply's head. Redirects are handed back like any reply.
    pub(super) async fn post(
        &self,
        outgoing: Outgoing,
        waits: &Waits,
        until: (Instant, TimeoutPhase),
    ) -> Result<Reply, Failure> {
        self.send(Method::POST, outgoing, waits, until).await
    }

    /// As [`Self::post`], by any method.
    pub(super) async fn send(
        &self,
        method: Method,
        outgoing: Outgoing,
        waits: &Waits,
        (due, phase): (Instant, TimeoutPhase),
    ) -> Result<Reply, Failure> {
        let clients = self.clients(waits.timeouts().connect, outgoing.reach);
        if outgoing.url.scheme() == Some(&Scheme::HTTP) {
            let sending = clients.plain.send(&method, &outgoing);
            let replied = waits.until(due, phase, sending).await??;
            return Ok(Reply {
                status: replied.status,
                headers: replied.headers,
                body: ReplyBody::plain(replied.body),
            });
        }
        let mut request = Request::new(Full::new(outgoing.body));
        *request.method_mut() = method;
        *request.uri_mut() = Arc::unwrap_or_clone(outgoing.url);
        *request.headers_mut() = Arc::unwrap_or_clone(outgoing.headers);
        let sending = clients.any.request(request);
        let answered = waits.until(due, phase, sending).await?;
        let (head, body) = answered.map_err(|error| failure_of(&error))?.into_parts();
        let body = ReplyBody::new(body.map_err(Into::into).boxed_unsync());
        Ok(Reply {
            status: head.status,
            headers: head.headers,
            body,
        })
    }

    /// Clients for each limit on connecting, since a connection's limit is the connector's; and for each thread, so
    /// that threads share no lock, and a connection is used where its task runs.
    fn clients(&self, connect: Duration, reach: Reach) -> Arc<Clients> {
        let key = (self.shared.id, connect, reach);
        CLIENTS.with_borrow_mut(|known| {
            if let Some((_, clients)) = known.iter().find(|(known, _)| *known == key) {
                return Arc::clone(clients);
            }
            let connector = Connector::new(self.shared.tls.clone(), connect, reach);
            let any = Client::builder(TokioExecutor::new())
                .pool_idle_timeout(POOL_IDLE)
                .pool_max_idle_per_host(POOL_IDLE_PER_HOST)
                .pool_timer(TokioTimer::new())
                .timer(TokioTimer::new())
                .http2_keep_alive_interval(Duration::from_secs(20))
                .http2_keep_alive_timeout(Duration::from_secs(10))
                .http2_adaptive_window(true)
                .build(connector.clone());
            let plain = Plain::new(connector);
            let clients = Arc::new(Clients { plain, any });
            if known.len() >= MAX_CLIENTS {
                known.remove(0);
            }
            known.push((key, Arc::clone(&clients)));
            clients
        })
    }
}

thread_local! {
    static CLIENTS: RefCell<Vec<(ClientKey, Arc<Clients>)>> = const { RefCell::new(Vec::new()) };
}

/// Which transport, limit on connecting, and reach.
type ClientKey = (u64, Duration, Reach);

/// Clients that one thread keeps; each limit on connecting makes one.
const MAX_CLIENTS: usize = 16;

/// Tells transports apart.
static NEXT_ID: AtomicU64 = AtomicU64::new(0);

impl fmt::Debug for Transport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Transport").finish_non_exhaustive()
    }
}

fn failure_of(error: &hyper_util::client::legacy::Error) -> Failure {
    let ours = refusal(error);
    ours.unwrap_or_else(|| match error.is_connect() {
        true => Failure::NotConnected(innermost(error)),
        false => Failure::Broken(innermost(error)),
    })
}

/// Why a connection was not opened, where the cause is ours.
pub(super) fn refusal(error: &(dyn std::error::Error + 'static)) -> Option<Failure> {
    Some(match refusal_in(error)? {
        ConnectRefused::TimedOut => Failure::TimedOut(TimeoutPhase::Connect),
        ConnectRefused::Forbidden => Failure::Forbidden,
    })
}

/// Finds our own cause among the sources of an error; inside an `io::Error` it hides behind `get_ref`.
fn refusal_in(error: &(dyn std::error::Error + 'static)) -> Option<ConnectRefused> {
    let mut next = Some(error);
    while let Some(cause) = next {
        if let Some(refused) = cause.downcast_ref::<ConnectRefused>() {
            return Some(refused.clone());
        }
        let wrapped = cause
            .downcast_ref::<std::io::Error>()
            .and_then(std::io::Error::get_ref)
            .and_then(|inner| inner.downcast_ref::<ConnectRefused>());
        if let Some(refused) = wrapped {
            return Some(refused.clone());
        }
        next = cause.source();
    }
    None
}
