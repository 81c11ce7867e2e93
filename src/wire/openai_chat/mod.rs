//! OpenAI's Chat Completions, and the many who speak it with an accent.

mod messages;
mod pieces;
mod request;
mod serve_answer;
mod serve_messages;
mod serve_request;
mod stream;
#[cfg(test)]
mod tests;
mod usage;

pub(super) use request::encode;
pub(super) use serve_answer::Encoder;
pub(super) use serve_answer::encode_response;
pub(super) use serve_answer::error_told;
pub(super) use serve_answer::usage;
pub(super) use serve_request::decode_request;
pub(super) use stream::Stream;
pub(super) use usage::usual_usage;
