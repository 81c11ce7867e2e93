//! Google's Gemini API, spoken directly.

mod answer;
mod family;
mod refusal;
mod request;
mod schema;
#[cfg(test)]
mod tests;

use std::time::Duration;

use super::dialect::Dialect;
use super::dialect::Fault;
use super::refusal::Refusal;
use super::refusal::class_of_status;
use crate::types::Chat;
use crate::types::ChatResponse;
use crate::types::Secret;

/// The dialect of `generativelanguage.googleapis.com`.
pub(super) struct Gemini;

impl Dialect for Gemini {
    const NAME: &'static str = "gemini";
    const KEY_VARIABLE: &'static str = "GEMINI_API_KEY";
    type Reader = answer::StreamReader;

    /// People write this base URL with and without its version. The key is never part of the address: those
    /// end up in logs.
    fn url(base_url: &str, model: &str, stream: bool) -> String {
        let base_url = base_url.trim_end_matches('/');
        let version = match base_url.ends_with("/v1beta") || base_url.ends_with("/v1") {
            true => "",
            false => "/v1beta",
        };
        let method = match stream {
            true => "streamGenerateContent?alt=sse",
            false => "generateContent",
        };
        let model = model.strip_prefix("models/").unwrap_or(model);
        let model = request::in_path(model);
        format!("{base_url}{version}/models/{model}:{method}")
    }

    fn headers(key: &Secret) -> Vec<(&'static str, String)> {
        vec![
            ("x-goog-api-key", key.expose().to_owned()),
            ("content-type", "application/json".to_owned()),
        ]
    }

    /// Whether the answer streams is told by the address.
    fn request(chat: &Chat, model: &str, _stream: bool) -> Result<Vec<u8>, String> {
        request::encode(chat, model)
    }

    fn answer(body: &[u8]) -> Result<ChatResponse, Fault> {
        answer::whole(body)
    }

    fn refusal(status: u16, retry_after: Option<Duration>, body: &[u8]) -> Refusal {
        let report = refusal::Report::of_body(body);
        let retry_after = retry_after.or_else(|| report.wait());
        let kind = report.class(retry_after);
        Refusal {
            kind: kind.unwrap_or_else(|| class_of_status(status, retry_after)),
            message: report.message,
        }
    }
}
