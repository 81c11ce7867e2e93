//! A request in Agon's own form, for clients that read it.

use crate::client::ChatRequest;
use crate::client::Content;
use crate::client::LlmError;
use crate::client::LlmErrorKind;
use crate::types::Chat;

/// Returns what is asked.
///
/// # Errors
/// `InvalidRequest` when the request is still a body in some wire's form.
pub(super) fn chat_of<'a>(request: &'a ChatRequest, provider: &str) -> Result<&'a Chat, LlmError> {
    match &request.content {
        Content::Typed(chat) => Ok(chat),
        Content::Raw { wire, .. } => Err(LlmError::new(
            LlmErrorKind::InvalidRequest,
            provider,
            format!("a body in the form of {wire:?} has to be decoded first"),
        )),
    }
}
