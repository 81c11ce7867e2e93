//! Side questions to a local server: small, bounded, and without an answer when anything goes wrong.

use bytes::BytesMut;
use reqwest::Method;
use reqwest::RequestBuilder;
use serde_json::Value;
use tokio::time::Instant;
use tokio::time::timeout_at;

use std::time::Duration;

use crate::provider::transport::Transport;
use crate::types::Secret;

/// How long a server may take to accept a connection; local ones need a millisecond.
const CONNECT_LIMIT: Duration = Duration::from_millis(300);
/// Longest reply that is read: a `show` with its licence and template has some hundred kilobytes.
const MAX_REPLY_BYTES: usize = 4 * 1024 * 1024;

/// Asks local servers.
#[derive(Debug, Clone)]
pub(in crate::provider) struct Asker(reqwest::Client);

/// One server that can be asked.
#[derive(Debug, Clone)]
pub(in crate::provider) struct Server {
    pub(in crate::provider) asker: Asker,
    /// Without a slash at the end.
    pub(in crate::provider) base_url: String,
    pub(in crate::provider) key: Option<Secret>,
}

/// What a server said.
#[derive(Debug)]
pub(in crate::provider) enum Said {
    /// A status and its JSON; `Null` for a body that is none.
    Answer(u16, Value),
    /// Nothing in the time that it had, though it took the connection.
    Nothing,
    /// Nobody is there.
    Nobody,
}

impl Said {
    /// The JSON of a success.
    pub(in crate::provider) fn success(self) -> Option<Value> {
        match self {
            Self::Answer(200..=299, body) if !body.is_null() => Some(body),
            Self::Answer(..) | Self::Nothing | Self::Nobody => None,
        }
    }
}

impl Asker {
    /// An asker with connections of its own.
    pub(in crate::provider) fn new(transport: &Transport) -> Result<Self, reqwest::Error> {
        let client = reqwest::Client::builder()
            .tls_backend_preconfigured(transport.tls())
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .connect_timeout(CONNECT_LIMIT)
            .build()?;
        Ok(Self(client))
    }
}

impl Server {
    /// Its address without the path of the OpenAI-compatible API, under which native ones lie.
    pub(in crate::provider) fn root(&self) -> &str {
        self.base_url.strip_suffix("/v1").unwrap_or(&self.base_url)
    }

    /// Gets `path` below the base URL.
    pub(in crate::provider) async fn get(&self, path: &str, due: Instant) -> Said {
        self.ask(Method::GET, &format!("{}{path}", self.base_url), None, due)
            .await
    }

    /// Gets `path` below [`Self::root`].
    pub(in crate::provider) async fn get_at_root(&self, path: &str, due: Instant) -> Said {
        self.ask(Method::GET, &format!("{}{path}", self.root()), None, due)
            .await
    }

    /// Posts JSON to `path` below the base URL.
    pub(in crate::provider) async fn post(&self, path: &str, body: &Value, due: Instant) -> Said {
        let url = format!("{}{path}", self.base_url);
        self.ask(Method::POST, &url, Some(body), due).await
    }

    async fn ask(&self, method: Method, url: &str, body: Option<&Value>, due: Instant) -> Said {
        let mut request = self.asker.0.request(method, url);
        if let Some(key) = &self.key {
            request = request.bearer_auth(key.expose());
        }
        if let Some(body) = body {
            request = request.json(body);
        }
        match timeout_at(due, bounded(request)).await {
            Ok(Some((status, body))) => {
                Said::Answer(status, serde_json::from_slice(&body).unwrap_or(Value::Null))
            }
            Ok(None) => Said::Nobody,
            Err(_) => Said::Nothing,
        }
    }
}

async fn bounded(request: RequestBuilder) -> Option<(u16, BytesMut)> {
    let mut response = request.send().await.ok()?;
    let mut body = BytesMut::new();
    while let Some(bytes) = response.chunk().await.ok()? {
        if body.len() + bytes.len() > MAX_REPLY_BYTES {
            return None;
        }
        body.extend_from_slice(&bytes);
    }
    Some((response.status().as_u16(), body))
}
