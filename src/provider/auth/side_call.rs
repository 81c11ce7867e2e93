//! Small calls beside a model call: for tokens.

use bytes::Bytes;
use http::HeaderMap;
use http::HeaderValue;
use http::Method;
use http::StatusCode;
use http::Uri;
use http::header::CONTENT_TYPE;
use serde_json::Value;
use tokio::time::Instant;

use super::super::connect::Reach;
use super::super::failure::Callee;
use super::super::transport::Outgoing;
use super::super::transport::Transport;
use super::super::waits::Waits;
use super::token::Token;
use crate::client::LlmError;
use crate::client::LlmErrorKind;
use crate::client::TimeoutPhase;

/// How long one of these calls may take.
const LIMIT: std::time::Duration = std::time::Duration::from_secs(10);
/// Most of a reply that is read; a token is a few kilobytes.
const MAX_BYTES: usize = 64 * 1024;

/// What a side call needs of the model call that it is made for.
#[derive(Debug, Clone, Copy)]
pub(in crate::provider) struct SideCall<'a> {
    pub(in crate::provider) provider: &'a str,
    pub(in crate::provider) transport: &'a Transport,
    pub(in crate::provider) waits: &'a Waits,
    pub(in crate::provider) now_ms: u64,
}

impl SideCall<'_> {
    /// Posts a form to a token endpoint and reads the token.
    ///
    /// # Errors
    /// `Authentication` when the login is refused; what can pass by itself is told as such.
    pub(super) async fn token_for_form(
        &self,
        url: &str,
        form: &[(&str, &str)],
    ) -> Result<Token, LlmError> {
        let mut headers = HeaderMap::new();
        let form_type = HeaderValue::from_static("application/x-www-form-urlencoded");
        headers.insert(CONTENT_TYPE, form_type);
        let pairs = form
            .iter()
            .map(|(key, value)| format!("{key}={}", form_encoded(value)));
        let body = Vec::from_iter(pairs).join("&");
        self.token(Method::POST, url, headers, body.into()).await
    }

    /// Asks a token endpoint and reads the token.
    ///
    /// # Errors
    /// As [`Self::token_for_form`].
    pub(super) async fn token(
        &self,
        method: Method,
        url: &str,
        headers: HeaderMap,
        body: Bytes,
    ) -> Result<Token, LlmError> {
        let url: Uri = url
            .parse()
            .map_err(|_| self.refused(format!("\"{url}\" is no address to get a token from")))?;
        let host = url.host().unwrap_or_default().to_owned();
        let callee = Callee {
            provider: self.provider.to_owned(),
            host: host.clone(),
            remedy: String::new(),
        };
        let outgoing = Outgoing {
            url: url.into(),
            headers: headers.into(),
            body,
            // The operator's own settings name it; for the metadata server it is link-local.
            reach: Reach::Anywhere,
        };
        let due = Instant::now() + LIMIT;
        let until = (due, TimeoutPhase::FirstToken);
        let sent = self
            .transport
            .send(method, outgoing, self.waits, until)
            .await;
        let mut reply = sent.map_err(|failure| callee.before_answer(failure))?;
        let body = reply.body.read_some(MAX_BYTES, self.waits, due).await;
        let said: Value = serde_json::from_slice(&body).unwrap_or_default();
        if !reply.status.is_success() {
            return Err(self.failed(&host, reply.status, &said));
        }
        // ADFS and some proxies write the number as text.
        let seconds = &said["expires_in"];
        let seconds = seconds
            .as_u64()
            .or_else(|| seconds.as_str()?.parse().ok())
            .unwrap_or(300);
        match said["access_token"].as_str() {
            Some(token) => Ok(Token::lasting(token, seconds)),
            None => Err(callee.error(
                LlmErrorKind::MalformedResponse,
                format!("{host} answers without an access token"),
            )),
        }
    }

    /// A login that has to be mended.
    pub(super) fn refused(&self, message: impl Into<String>) -> LlmError {
        LlmError::new(LlmErrorKind::Authentication, self.provider, message)
    }

    fn failed(&self, host: &str, status: StatusCode, said: &Value) -> LlmError {
        let words = [&said["error"], &said["error_description"]];
        let words: Vec<&str> = words.iter().filter_map(|word| word.as_str()).collect();
        let message = format!("{host} gives no token: {status} {}", words.join(": "));
        let kind = match status.as_u16() {
            408 | 429 | 500.. => LlmErrorKind::Overloaded { retry_after: None },
            _ => LlmErrorKind::Authentication,
        };
        LlmError::new(kind, self.provider, message.trim_end()).with_status(status.as_u16())
    }
}

fn form_encoded(text: &str) -> String {
    let mut encoded = String::new();
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' => {
                encoded.push(char::from(byte))
            }
            other => encoded.push_str(&format!("%{other:02X}")),
        }
    }
    encoded
}
