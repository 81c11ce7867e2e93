//! Cohere's chat, version 2; answers of version 1 are read, too.

mod request;
mod response;
mod stream;
#[cfg(test)]
mod tests;
mod version1;

pub(super) use request::encode;
pub(super) use stream::Stream;
