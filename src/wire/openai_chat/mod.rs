//! OpenAI's Chat Completions, and the many who speak it with an accent.

mod messages;
mod request;
mod response;
mod stream;
#[cfg(test)]
mod tests;

pub(super) use request::encode;
pub(super) use stream::Stream;
