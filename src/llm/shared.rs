//! The handle that the free functions share.

use std::sync::OnceLock;

use serde_json::Value;

use super::Answer;
use super::Ask;
use super::Deltas;
use super::Embedded;
use super::Generated;
use super::JsonError;
use super::Llm;
use super::Texts;
use crate::client::LlmError;
use crate::types::ReasoningEffort;

/// Returns the process's own handle, made from the environment as it is at the first call that can be made.
fn shared() -> Result<&'static Llm, LlmError> {
    static SHARED: OnceLock<Llm> = OnceLock::new();
    if let Some(llm) = SHARED.get() {
        return Ok(llm);
    }
    let made = Llm::from_env()?;
    Ok(SHARED.get_or_init(|| made))
}

/// [`Llm::chat_completion`] with the environment's settings.
///
/// # Errors
/// As there, and as [`Llm::from_env`].
pub async fn chat_completion(model: &str, ask: impl Into<Ask>) -> Result<Answer, LlmError> {
    shared()?.chat_completion(model, ask).await
}

/// [`Llm::chat_completion_stream`] with the environment's settings.
///
/// # Errors
/// As there, and as [`Llm::from_env`].
pub async fn chat_completion_stream(model: &str, ask: impl Into<Ask>) -> Result<Deltas, LlmError> {
    shared()?.chat_completion_stream(model, ask).await
}

/// [`Llm::chat_with_reasoning`] with the environment's settings.
///
/// # Errors
/// As there, and as [`Llm::from_env`].
pub async fn chat_with_reasoning(
    model: &str,
    ask: impl Into<Ask>,
    effort: ReasoningEffort,
) -> Result<Answer, LlmError> {
    shared()?.chat_with_reasoning(model, ask, effort).await
}

/// [`Llm::generate_json`] with the environment's settings.
///
/// # Errors
/// As there, and as [`Llm::from_env`].
#[cfg(feature = "schemars")]
pub async fn generate_json<T>(model: &str, ask: impl Into<Ask>) -> Result<Generated<T>, JsonError>
where
    T: serde::de::DeserializeOwned + schemars::JsonSchema,
{
    shared()?.generate_json(model, ask).await
}

/// [`Llm::generate_value`] with the environment's settings.
///
/// # Errors
/// As there, and as [`Llm::from_env`].
pub async fn generate_value(
    model: &str,
    ask: impl Into<Ask>,
    schema: &Value,
) -> Result<Generated<Value>, JsonError> {
    shared()?.generate_value(model, ask, schema).await
}

/// [`Llm::embed`] with the environment's settings.
///
/// # Errors
/// As there, and as [`Llm::from_env`].
pub async fn embed(model: &str, texts: impl Into<Texts>) -> Result<Embedded, LlmError> {
    shared()?.embed(model, texts).await
}
