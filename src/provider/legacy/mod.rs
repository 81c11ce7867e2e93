//! The way back: direct clients of OpenAI, Anthropic and Gemini that share no wire code with the unified path.
//!
//! A mistake in the unified path must not be able to follow its users here, so this folder has its own
//! request and answer structs, its own reading of server-sent events, its own error tables and another HTTP
//! client. It offers the same contract, which one suite of tests holds both paths to, and no more: requests
//! in Agon's own form only, and no retries (the router retries). Removing the path is deleting this folder
//! and the cargo feature `legacy`.

mod anthropic;
mod dialect;
mod direct;
mod gemini;
mod openai;
mod refusal;
mod sse;
#[cfg(test)]
mod tests;
mod transport;

use std::sync::Arc;

use super::timeouts::CallTimeouts;
use crate::client::BaseLlmClient;
use crate::types::Secret;
use anthropic::Anthropic;
use direct::DirectClient;
use gemini::Gemini;
use openai::OpenAi;

/// The providers that have a direct client.
pub const PROVIDERS: [&str; 3] = ["openai", "anthropic", "gemini"];

/// Builds the direct client of a provider; `None` when it has none.
///
/// It owns a connection pool: build it once and keep it. `base_url` may end with a slash. Without a key the
/// client stands, and each call fails as `Authentication` before anything is sent.
pub fn client(
    provider: &str,
    base_url: &str,
    key: Option<Secret>,
    timeouts: CallTimeouts,
) -> Option<Arc<dyn BaseLlmClient>> {
    match provider {
        "openai" => Some(Arc::new(DirectClient::<OpenAi>::new(
            base_url, key, timeouts,
        ))),
        "anthropic" => Some(Arc::new(DirectClient::<Anthropic>::new(
            base_url, key, timeouts,
        ))),
        "gemini" => Some(Arc::new(DirectClient::<Gemini>::new(
            base_url, key, timeouts,
        ))),
        _ => None,
    }
}
