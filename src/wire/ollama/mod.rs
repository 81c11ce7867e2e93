//! Ollama's own `/api/chat`.

mod answer;
mod request;
#[cfg(test)]
mod tests;

pub(super) use answer::Stream;
pub(super) use request::encode;
