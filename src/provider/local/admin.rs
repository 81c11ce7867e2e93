//! What people do with an Ollama server's models: download, list, see what is in memory, remove.

use std::time::Duration;

use bytes::BytesMut;
use futures::StreamExt;
use futures::stream;
use futures::stream::BoxStream;
use reqwest::Method;
use reqwest::Response;
use serde_json::Value;
use serde_json::json;

use super::pull::PullLine;
use crate::catalog::ProviderSpec;
use crate::provider::environment::Environment;
use crate::provider::transport::Transport;
use crate::types::Secret;

/// How long a server may take to accept a connection.
const CONNECT_LIMIT: Duration = Duration::from_secs(5);
/// How long it may be silent: checking a large download takes minutes.
const SILENCE_LIMIT: Duration = Duration::from_secs(600);
/// How long a short question may take.
const ANSWER_LIMIT: Duration = Duration::from_secs(30);
/// Longest line of a download's report that is read.
const MAX_LINE_BYTES: usize = 1024 * 1024;

/// An Ollama server, as its owner sees it.
#[derive(Debug, Clone)]
pub struct OllamaServer {
    client: reqwest::Client,
    base_url: String,
    key: Option<Secret>,
}

/// Why a server did not do as it was told.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OllamaError {
    /// Nobody answers at the address.
    #[error("nobody answers at {0}: start Ollama, or set OLLAMA_HOST")]
    Nobody(String),
    /// The server has no such model.
    #[error("{0}")]
    NotFound(String),
    /// The server says no, in its own words.
    #[error("{0}")]
    Refused(String),
    /// The connection ended before the server was done.
    #[error("the connection to the server broke off: {0}")]
    BrokeOff(String),
}

impl OllamaServer {
    /// The server of this provider, at the environment's address or the usual one.
    ///
    /// # Errors
    /// When the HTTP client cannot be made.
    pub fn new(
        spec: &ProviderSpec,
        environment: &Environment,
        transport: &Transport,
    ) -> Result<Self, reqwest::Error> {
        let client = reqwest::Client::builder()
            .tls_backend_preconfigured(transport.tls())
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .connect_timeout(CONNECT_LIMIT)
            .read_timeout(SILENCE_LIMIT)
            .build()?;
        let key = environment.first_of(&spec.auth.key_env);
        Ok(Self {
            client,
            base_url: spec.base_url_from(|name| environment.get(name).map(str::to_owned)),
            key: key.map(|(_, key)| Secret::new(key)),
        })
    }

    /// Where it is.
    pub fn base_url(&self) -> &str {
        &self.base_url
    }

    /// What is installed: `/api/tags`.
    ///
    /// # Errors
    /// [`OllamaError`].
    pub async fn installed(&self) -> Result<Vec<Value>, OllamaError> {
        self.models("/api/tags").await
    }

    /// What is in memory: `/api/ps`.
    ///
    /// # Errors
    /// [`OllamaError`].
    pub async fn running(&self) -> Result<Vec<Value>, OllamaError> {
        self.models("/api/ps").await
    }

    /// Removes a model.
    ///
    /// # Errors
    /// [`OllamaError::NotFound`] when there is none of this name.
    pub async fn remove(&self, model: &str) -> Result<(), OllamaError> {
        let body = json!({ "model": model });
        let sent = self.send(Method::DELETE, "/api/delete", Some(&body));
        in_time(sent).await.map(drop)
    }

    async fn models(&self, path: &str) -> Result<Vec<Value>, OllamaError> {
        let response = in_time(self.send(Method::GET, path, None)).await?;
        let read = tokio::time::timeout(ANSWER_LIMIT, response.json::<Value>()).await;
        let mut body = match read {
            Ok(Ok(body)) => body,
            Ok(Err(error)) => return Err(OllamaError::BrokeOff(error.to_string())),
            Err(_) => return Err(OllamaError::BrokeOff("it fell silent".to_owned())),
        };
        match body["models"].take() {
            Value::Array(models) => Ok(models),
            // A server without models says null.
            Value::Null => Ok(Vec::new()),
            _ => Err(OllamaError::Refused(
                "its list of models is none".to_owned(),
            )),
        }
    }

    /// Downloads a model, and tells of it line by line. A line with an error is the last one. Dropping the stream
    /// stops the download; what is there is kept, and the next one goes on from it.
    ///
    /// # Errors
    /// [`OllamaError`] before the first line.
    pub async fn pull(
        &self,
        model: &str,
        insecure: bool,
    ) -> Result<BoxStream<'static, Result<PullLine, OllamaError>>, OllamaError> {
        let body = json!({ "model": model, "insecure": insecure, "stream": true });
        let response = self.send(Method::POST, "/api/pull", Some(&body)).await?;
        let lines = Lines {
            response,
            inbox: BytesMut::new(),
            is_over: false,
        };
        let lines = stream::unfold(lines, |mut lines| async move {
            let line = lines.next().await?;
            Some((line, lines))
        });
        Ok(lines.boxed())
    }

    async fn send(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> Result<Response, OllamaError> {
        let url = format!("{}{path}", self.base_url);
        let mut request = self.client.request(method, url);
        if let Some(key) = &self.key {
            request = request.bearer_auth(key.expose());
        }
        if let Some(body) = body {
            request = request.json(body);
        }
        let response = request
            .send()
            .await
            .map_err(|_| OllamaError::Nobody(self.base_url.clone()))?;
        let status = response.status();
        if status.is_success() {
            return Ok(response);
        }
        let said: Value = response.json().await.unwrap_or_default();
        let said = said["error"].as_str().map(str::to_owned);
        let said = said.unwrap_or_else(|| format!("the server answers {status}"));
        Err(match status.as_u16() {
            404 => OllamaError::NotFound(said),
            _ => OllamaError::Refused(said),
        })
    }
}

async fn in_time(
    sent: impl Future<Output = Result<Response, OllamaError>>,
) -> Result<Response, OllamaError> {
    match tokio::time::timeout(ANSWER_LIMIT, sent).await {
        Ok(sent) => sent,
        Err(_) => Err(OllamaError::BrokeOff("it does not answer".to_owned())),
    }
}

/// The lines of a download's report.
struct Lines {
    response: Response,
    inbox: BytesMut,
    is_over: bool,
}

impl Lines {
    async fn next(&mut self) -> Option<Result<PullLine, OllamaError>> {
        while !self.is_over {
            if let Some(end) = self.inbox.iter().position(|byte| *byte == b'\n') {
                let line = self.inbox.split_to(end + 1);
                if let Some(read) = self.read(&line) {
                    return Some(read);
                }
                continue;
            }
            if self.inbox.len() > MAX_LINE_BYTES {
                self.is_over = true;
                return Some(Err(OllamaError::Refused("its report is none".to_owned())));
            }
            match self.response.chunk().await {
                Ok(Some(bytes)) => self.inbox.extend_from_slice(&bytes),
                Ok(None) => {
                    self.is_over = true;
                    let rest = self.inbox.split();
                    return self.read(&rest);
                }
                Err(error) => {
                    self.is_over = true;
                    return Some(Err(OllamaError::BrokeOff(error.to_string())));
                }
            }
        }
        None
    }

    /// `None` for a blank line.
    fn read(&mut self, line: &[u8]) -> Option<Result<PullLine, OllamaError>> {
        if line.trim_ascii().is_empty() {
            return None;
        }
        let read = serde_json::from_slice::<PullLine>(line)
            .map_err(|error| OllamaError::Refused(format!("its report is none: {error}")));
        self.is_over = !matches!(&read, Ok(PullLine { error: None, .. }));
        Some(read)
    }
}
