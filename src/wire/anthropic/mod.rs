//! Anthropic's Messages.

mod request;
mod response;
mod stream;
#[cfg(test)]
mod tests;

pub(super) use request::encode;
pub(super) use stream::Stream;
