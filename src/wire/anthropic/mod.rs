//! Anthropic's Messages.

mod asked;
mod asked_content;
mod cache_marks;
mod content;
mod failed;
mod request;
mod response;
mod stream;
#[cfg(test)]
mod tests;
mod thinking;
mod tools;
mod written;
mod written_stream;

pub(super) use asked::decode_request;
pub(super) use failed::error_body;
pub(super) use request::encode;
pub(super) use stream::Stream;
pub(super) use written::encode_response;
pub(super) use written_stream::Encoder;
