//! The other direction: reading what a client asks, and writing what it is answered, on the wires that clients
//! speak.

use std::fmt;

use bytes::Bytes;
use serde_json::Map;
use serde_json::Value;

use super::WireError;
use super::anthropic;
use super::gemini;
use super::ollama;
use super::openai_chat;
use super::openai_responses;
use crate::client::LlmError;
use crate::client::LlmErrorKind;
use crate::types::Chat;
use crate::types::ChatChunk;
use crate::types::ChatResponse;
use crate::types::ResponseFormat;
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

/// Members of a request that are meant for a gateway and are no loss where they are not passed on: what the clients
/// of `LiteLLM` write beside the wire's own.
pub const FOR_THE_GATEWAY: [&str; 28] = [
    "fallbacks",
    "context_window_fallback_dict",
    "content_policy_fallbacks",
    "context_window_fallbacks",
    "disable_fallbacks",
    "num_retries",
    "max_retries",
    "timeout",
    "request_timeout",
    "stream_timeout",
    "tags",
    "cache",
    "guardrails",
    "drop_params",
    "additional_drop_params",
    "allowed_openai_params",
    "mock_response",
    "mock_testing_fallbacks",
    "litellm_call_id",
    "litellm_trace_id",
    "litellm_session_id",
    "litellm_metadata",
    "no-log",
    "caching",
    // A caller's own address and key are not used, and are nobody else's business.
    "api_base",
    "base_url",
    "api_key",
    "api_version",
];

/// Fills what a chat leaves open from members of an OpenAI chat request: `temperature`, `max_tokens` ….
///
/// # Errors
/// `Malformed` when a member is not of its kind.
pub fn fill(mut chat: Chat, defaults: &Map<String, Value>) -> Result<Chat, WireError> {
    let mut request = defaults.clone();
    request.insert("model".to_owned(), Value::from("defaults"));
    request.insert(
        "messages".to_owned(),
        serde_json::json!([{"role": "user", "content": ""}]),
    );
    let own = openai_chat::decode_request(Value::Object(request).to_string().as_bytes())?.chat;
    let (sampling, theirs) = (&mut chat.sampling, own.sampling);
    sampling.temperature = sampling.temperature.or(theirs.temperature);
    sampling.top_p = sampling.top_p.or(theirs.top_p);
    sampling.max_output_tokens = sampling.max_output_tokens.or(theirs.max_output_tokens);
    sampling.top_k = sampling.top_k.or(theirs.top_k);
    sampling.presence_penalty = sampling.presence_penalty.or(theirs.presence_penalty);
    sampling.frequency_penalty = sampling.frequency_penalty.or(theirs.frequency_penalty);
    sampling.seed = sampling.seed.or(theirs.seed);
    if sampling.stop.is_empty() {
        sampling.stop = theirs.stop;
    }
    if chat.reasoning_effort.is_none() && chat.reasoning_budget_tokens.is_none() {
        chat.reasoning_effort = own.reasoning_effort;
        chat.reasoning_budget_tokens = own.reasoning_budget_tokens;
    }
    chat.parallel_tool_calls = chat.parallel_tool_calls.or(own.parallel_tool_calls);
    chat.top_logprobs = chat.top_logprobs.or(own.top_logprobs);
    chat.user = chat.user.or(own.user);
    if chat.format == ResponseFormat::Text {
        chat.format = own.format;
    }
    Ok(chat)
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

/// How an error is told to a client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ErrorTold {
    /// The HTTP status.
    pub status: u16,
    /// OpenAI's `type`: a stable name for programs.
    pub class: &'static str,
    /// The member of the request that is wrong.
    pub param: Option<&'static str>,
}

impl ErrorTold {
    /// How the error of a call is told. The statuses are those that `LiteLLM`'s proxy gives (1.109, read 2026-11).
    pub fn of(error: &LlmError) -> Self {
        let upstream = |usual: u16| {
            error
                .status
                .filter(|status| *status >= 500)
                .unwrap_or(usual)
        };
        let (status, class) = match &error.kind {
            // A 401 of ours would say that the caller's key is wrong.
            LlmErrorKind::Authentication if error.lacks_credential() => {
                (500, "upstream_credentials")
            }
            LlmErrorKind::Authentication => (401, "authentication_error"),
            LlmErrorKind::PermissionDenied => (403, "permission_error"),
            LlmErrorKind::ModelNotFound => (404, "not_found_error"),
            LlmErrorKind::InvalidRequest => (400, "invalid_request_error"),
            LlmErrorKind::ContextLengthExceeded => (400, "context_length_exceeded"),
            LlmErrorKind::ContentFiltered => (400, "content_policy_violation"),
            LlmErrorKind::RateLimited { .. } => (429, "rate_limit_error"),
            LlmErrorKind::QuotaExhausted => match error.status {
                Some(402) => (402, "insufficient_quota"),
                Some(_) | None => (429, "insufficient_quota"),
            },
            LlmErrorKind::BudgetExceeded => (422, "budget_exceeded"),
            LlmErrorKind::Timeout { .. } => match error.status {
                Some(504) => (504, "timeout_error"),
                Some(_) | None => (408, "timeout_error"),
            },
            LlmErrorKind::Overloaded { .. } => match upstream(503) {
                529 => (500, "overloaded_error"),
                500 => (500, "internal_server_error"),
                // What is no status at all must not be ours.
                600.. => (502, "service_unavailable_error"),
                status => (status, "service_unavailable_error"),
            },
            LlmErrorKind::ConnectionFailed => (500, "connection_error"),
            LlmErrorKind::StreamInterrupted { .. } => (500, "stream_interrupted"),
            LlmErrorKind::MalformedResponse => (502, "malformed_response"),
            LlmErrorKind::Cancelled => (499, "cancelled"),
            LlmErrorKind::NoDeployment { .. } => (429, "no_deployment_available"),
        };
        Self {
            status,
            class,
            param: None,
        }
    }
}

/// The words of an error for a client: who failed stands before them, unless it was Agon itself.
pub fn public_message(error: &LlmError) -> String {
    match error.provider.as_str() {
        "agon" | "" => error.message.clone(),
        provider => format!("{}: {provider}: {}", name_of(error), error.message),
    }
}

/// The class by the name that `LiteLLM` users search their logs for.
fn name_of(error: &LlmError) -> &'static str {
    match &error.kind {
        LlmErrorKind::Authentication => "AuthenticationError",
        LlmErrorKind::PermissionDenied => "PermissionDeniedError",
        LlmErrorKind::ModelNotFound => "NotFoundError",
        LlmErrorKind::InvalidRequest => "BadRequestError",
        LlmErrorKind::ContextLengthExceeded => "ContextWindowExceededError",
        LlmErrorKind::ContentFiltered => "ContentPolicyViolationError",
        LlmErrorKind::RateLimited { .. } => "RateLimitError",
        LlmErrorKind::QuotaExhausted => "QuotaExhaustedError",
        LlmErrorKind::BudgetExceeded => "BudgetExceededError",
        LlmErrorKind::Timeout { .. } => "Timeout",
        LlmErrorKind::Overloaded { .. } => match error.status {
            Some(500 | 529) => "InternalServerError",
            Some(502) => "BadGatewayError",
            Some(_) | None => "ServiceUnavailableError",
        },
        LlmErrorKind::ConnectionFailed => "APIConnectionError",
        LlmErrorKind::StreamInterrupted { .. } => "StreamInterruptedError",
        LlmErrorKind::MalformedResponse => "APIResponseValidationError",
        LlmErrorKind::Cancelled => "CancelledError",
        LlmErrorKind::NoDeployment { .. } => "NoDeploymentError",
    }
}

/// Writes the body of an error for a client.
pub fn encode_error(wire: Wire, error: &LlmError, told: &ErrorTold) -> Bytes {
    let body = match wire {
        Wire::Anthropic => anthropic::error_body(error),
        Wire::Gemini => {
            let mut body = gemini::error_body(error);
            body["error"]["code"] = told.status.into();
            body["error"]["message"] = public_message(error).into();
            body
        }
        Wire::Ollama => serde_json::json!({"error": public_message(error)}),
        Wire::OpenaiChat
        | Wire::OpenaiResponses
        | Wire::Cohere
        | Wire::Bedrock
        | Wire::Replicate
        | Wire::Demo => openai_chat::error_told(error, told),
    };
    body.to_string().into()
}

fn unserved(wire: Wire) -> WireError {
    WireError::Unsupported(format!("clients do not speak the {wire} wire to Agon"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn defaults_fill_only_what_a_chat_leaves_open() {
        let defaults = serde_json::json!({"temperature": 0.5, "max_tokens": 9, "stop": "x", "reasoning_effort": "low"});
        let mut chat = Chat::default();
        chat.sampling.temperature = Some(0.0);
        let chat = fill(chat, defaults.as_object().unwrap()).unwrap();
        assert_eq!(chat.sampling.temperature, Some(0.0));
        assert_eq!(chat.sampling.max_output_tokens, Some(9));
        assert_eq!(chat.sampling.stop, ["x"]);
        assert!(chat.reasoning_effort.is_some() && chat.messages.is_empty());
    }
}
