//! Ollama's own `/api/chat`.

mod answer;
mod request;
mod serve;
#[cfg(test)]
mod tests;

pub(super) use answer::Stream;
pub(super) use request::encode;
pub(super) use serve::Encoder;
pub(super) use serve::decode_request;
pub(super) use serve::encode_response;
