//! OpenAI's Chat Completions, and the many who speak it with an accent.

mod messages;
mod pieces;
mod request;
mod stream;
#[cfg(test)]
mod tests;

pub(super) use request::encode;
pub(super) use stream::Stream;
