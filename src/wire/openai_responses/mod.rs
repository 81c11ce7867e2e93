//! OpenAI's Responses.

mod asked;
mod asked_items;
mod failed;
mod items;
mod request;
mod response;
mod stream;
#[cfg(test)]
mod tests;
mod written;
mod written_stream;

pub(super) use asked::decode_request;
pub(super) use request::encode;
pub(super) use stream::Stream;
pub(super) use written::encode_response;
pub(super) use written_stream::Encoder;
