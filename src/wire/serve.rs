//! The other direction: reading what a client asks, and writing what it is answered, on the wires that clients
//! speak.

use std::fmt;

use bytes::Bytes;

use super::WireError;
use super::anthropic;
use super::gemini;
use super::ollama;
use super::openai_chat;
use super::openai_responses;
use crate::client::LlmError;
use crate::types::Chat;
use crate::types::ChatChunk;
use crate::types::ChatResponse;
use crate::types::Wire;

/// What a client asks.
#[derive(Debug, Clone, PartialEq)]
pub struct Asked {
    /// The model's name as the client wrote it; empty where the wire has it in the path (Gemini).
    pub model: String,
    /// Whether the answer is wanted in pieces; `false` where the path tells (Gemini).
    pub stream: bool,
    /// Whether the client wants the usage within the stream; wires that always tell it have `true`.
    pub usage_in_stream: bool,
    /// What is asked.
    pub chat: Chat,
    /// Members of the request that have no place in Agon's own form, by the wire's names for them.
    pub unknown: Vec<String>,
}

/// What an answer says about itself beside its content.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AnswerHead {
    /// The id of the answer.
    pub id: String,
    /// The model, as the client is to see it.
    pub model: String,
    /// Seconds since the Unix epoch.
    pub created_s: u64,
    /// Whether the client asked for the usage within a stream.
    pub usage_in_stream: bool,
}

/// Writes a stream for a client.
pub trait StreamEncoder: fmt::Debug + Send {
    /// Adds the bytes of the next chunk.
    fn chunk(&mut self, chunk: &ChatChunk, out: &mut Vec<u8>);

    /// Adds the bytes that end the stream.
    fn finish(&mut self, out: &mut Vec<u8>);

    /// Adds the bytes that end the stream with an error.
    fn fail(&mut self, error: &LlmError, out: &mut Vec<u8>);
}

/// Reads a client's request.
///
/// # Errors
/// `Malformed` with what is wrong and where; `Unsupported` for a wire that clients do not speak, and for content
/// that no provider could be given.
pub fn decode_request(wire: Wire, body: &[u8]) -> Result<Asked, WireError> {
    match wire {
        Wire::OpenaiChat => openai_chat::decode_request(body),
        Wire::OpenaiResponses => openai_responses::decode_request(body),
        Wire::Anthropic => anthropic::decode_request(body),
        Wire::Gemini => gemini::decode_request(body),
        Wire::Ollama => ollama::decode_request(body),
        Wire::Cohere | Wire::Bedrock | Wire::Replicate | Wire::Demo => Err(unserved(wire)),
    }
}

/// Writes a whole answer for a client.
///
/// # Errors
/// `Unsupported` for a wire that clients do not speak.
pub fn encode_response(
    wire: Wire,
    response: &ChatResponse,
    head: &AnswerHead,
) -> Result<Bytes, WireError> {
    match wire {
        Wire::OpenaiChat => Ok(openai_chat::encode_response(response, head)),
        Wire::OpenaiResponses => Ok(openai_responses::encode_response(response, head)),
        Wire::Anthropic => Ok(anthropic::encode_response(response, head)),
        Wire::Gemini => Ok(gemini::encode_response(response, head)),
        Wire::Ollama => Ok(ollama::encode_response(response, head)),
        Wire::Cohere | Wire::Bedrock | Wire::Replicate | Wire::Demo => Err(unserved(wire)),
    }
}

/// Returns a writer of one stream for a client.
///
/// # Errors
/// `Unsupported` for a wire that clients do not speak.
pub fn stream_encoder(wire: Wire, head: AnswerHead) -> Result<Box<dyn StreamEncoder>, WireError> {
    match wire {
        Wire::OpenaiChat => Ok(Box::new(openai_chat::Encoder::new(head))),
        Wire::OpenaiResponses => Ok(Box::new(openai_responses::Encoder::new(head))),
        Wire::Anthropic => Ok(Box::new(anthropic::Encoder::new(head))),
        Wire::Gemini => Ok(Box::new(gemini::Writer::new(head))),
        Wire::Ollama => Ok(Box::new(ollama::Encoder::new(head))),
        Wire::Cohere | Wire::Bedrock | Wire::Replicate | Wire::Demo => Err(unserved(wire)),
    }
}

fn unserved(wire: Wire) -> WireError {
    WireError::Unsupported(format!("clients do not speak the {wire} wire to Agon"))
}
