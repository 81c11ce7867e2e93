//! Bytes to types and back, without I/O: framing, and one folder per dialect.

mod anthropic;
#[cfg(test)]
mod any_chat;
mod asked;
mod base64;
mod bedrock;
mod cohere;
pub mod completions;
mod effort;
pub mod embeddings;
mod failure;
pub mod framing;
mod gemini;
pub mod generate;
pub mod head;
mod json_answer;
mod lenient;
mod media;
mod members;
mod ollama;
mod openai_chat;
mod openai_responses;
pub mod reading;
mod reasoning;
mod replicate;
mod request_body;
mod retry_after;
#[cfg(test)]
mod rich_chat;
#[cfg(test)]
mod round_trip;
pub mod serve;
mod stream;
mod think_tags;
mod tool_ids;
pub mod verbatim;
mod waiting_calls;

use std::borrow::Cow;

use bytes::Bytes;
use serde::Serialize;

pub use failure::ErrorParts;
pub use failure::decode_error;
pub use replicate::Prediction;
pub use replicate::PredictionStatus;
pub use replicate::replicate_prediction;
pub use stream::StreamDecoder;

use crate::client::ChatRequest;
use crate::client::Content;
use crate::client::LlmErrorKind;
use crate::client::TextRequest;
use crate::types::Chat;
use crate::types::ChatResponse;
use crate::types::ResponseBuilder;
use crate::types::Wire;
use crate::types::quirks::Quirks;

/// A request, ready to be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Encoded {
    /// The wire's usual path, to be joined to the provider's base URL.
    pub path: String,
    /// JSON.
    pub body: Bytes,
    /// Parameters of the chat that this wire or provider cannot carry, by Agon's names for them.
    pub dropped: Vec<String>,
}

/// Writes JSON. What is written here always can be.
fn json_bytes(value: &impl Serialize) -> Bytes {
    serde_json::to_vec(value).unwrap_or_default().into()
}

/// What encoding needs to know beside the chat.
#[derive(Debug, Clone, Copy)]
pub struct EncodeContext<'a> {
    /// The model as its provider knows it.
    pub model: &'a str,
    /// Whether the answer is wanted in pieces.
    pub stream: bool,
    /// How the provider departs from its wire.
    pub quirks: &'a Quirks,
    /// Tokens of the answer where the wire demands a limit and the chat names none.
    pub default_max_output_tokens: u32,
}

/// Why bytes are not what their wire says, or types cannot be said on it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WireError {
    /// They are something else.
    #[error("the answer is not what its wire says: {0}")]
    Malformed(String),
    /// They end before their end.
    #[error("the answer broke off")]
    Truncated,
    /// They are an error, in a body or stream that began as a success.
    #[error("{1}")]
    Upstream(LlmErrorKind, String),
    /// The wire cannot say it.
    #[error("{0}")]
    Unsupported(String),
    /// One event is longer than any sane answer.
    #[error("{0} is longer than {limit} MiB", limit = framing::MAX_EVENT_BYTES >> 20)]
    TooLong(&'static str),
}

impl WireError {
    /// What is wrong with a request that cannot be read or sent, for whoever wrote it.
    pub fn of_request(&self) -> String {
        match self {
            Self::Malformed(what) => what.clone(),
            Self::Truncated => "the request broke off".to_owned(),
            Self::Upstream(..) | Self::Unsupported(_) | Self::TooLong(_) => self.to_string(),
        }
    }
}

/// Writes a request.
///
/// # Errors
/// `Unsupported` when the chat holds something that must not be lost in silence.
pub fn encode(wire: Wire, chat: &Chat, context: &EncodeContext<'_>) -> Result<Encoded, WireError> {
    match wire {
        Wire::OpenaiChat => openai_chat::encode(chat, context),
        Wire::OpenaiResponses => openai_responses::encode(chat, context),
        Wire::Anthropic => anthropic::encode(chat, context),
        Wire::Gemini => gemini::encode(chat, context),
        Wire::Ollama => ollama::encode(chat, context),
        Wire::Cohere => cohere::encode(chat, context),
        Wire::Bedrock => bedrock::encode(chat, context),
        Wire::Replicate => replicate::encode(chat, context),
        Wire::Demo => Err(unspoken(wire)),
    }
}

/// The reader of one answer.
fn dialect(wire: Wire, quirks: &Quirks) -> Box<dyn stream::Dialect> {
    match wire {
        Wire::OpenaiChat => Box::new(openai_chat::Stream::new(quirks.clone())),
        Wire::OpenaiResponses => Box::new(openai_responses::Stream::new(quirks.clone())),
        Wire::Anthropic => Box::new(anthropic::Stream::new(quirks)),
        Wire::Gemini => Box::new(gemini::Stream::new(quirks.clone())),
        Wire::Ollama => Box::new(ollama::Stream::default()),
        Wire::Cohere => Box::new(cohere::Stream::new(quirks.clone())),
        Wire::Bedrock => Box::new(bedrock::Stream::new(quirks.clone())),
        Wire::Replicate => Box::new(replicate::Stream::default()),
        Wire::Demo => Box::new(openai_chat::Stream::new(quirks.clone())),
    }
}

/// Reads a whole answer.
///
/// # Errors
/// `Malformed`, or `Upstream` when the body of a success is an error.
pub fn decode_response(
    wire: Wire,
    body: &[u8],
    quirks: &Quirks,
) -> Result<ChatResponse, WireError> {
    let (mut decoder, mut chunks) = (StreamDecoder::new(wire, quirks), Vec::new());
    decoder.push(body, &mut chunks)?;
    decoder.finish(&mut chunks)?;
    let mut builder = ResponseBuilder::default();
    chunks.iter().for_each(|chunk| builder.push(chunk));
    Ok(builder.finish())
}

fn unspoken(wire: Wire) -> WireError {
    WireError::Unsupported(format!("requests cannot be written on the {wire} wire"))
}

/// Gives a request's content in Agon's own form.
///
/// # Errors
/// `Unsupported` or `Malformed` when a raw body cannot be read.
pub fn typed(request: &ChatRequest) -> Result<Cow<'_, Chat>, WireError> {
    match &request.content {
        Content::Typed(chat) => Ok(Cow::Borrowed(chat)),
        Content::Raw { wire, body, .. } => {
            serve::decode_request(*wire, body).map(|asked| Cow::Owned(asked.chat))
        }
        Content::Text(text) => as_chat(text).map(Cow::Borrowed),
    }
}

/// Gives a text to complete as a chat.
///
/// # Errors
/// `Unsupported` where a chat cannot say it.
pub fn as_chat(text: &TextRequest) -> Result<&Chat, WireError> {
    text.chat.as_ref().ok_or_else(|| {
        let help = "the model chats, and a chat takes one prompt of text, without a suffix, for one answer";
        WireError::Unsupported(help.to_owned())
    })
}
