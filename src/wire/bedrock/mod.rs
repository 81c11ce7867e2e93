//! Amazon Bedrock: Converse and its stream; also read are the answers of `InvokeModel`, which are the models' own.

mod content;
mod family;
mod invoke;
mod reasoning;
mod request;
mod response;
mod stream;
#[cfg(test)]
mod tests;
mod tools;

pub(super) use request::encode;
pub(super) use stream::Stream;
