//! One recorded or received answer, read to its end whatever it is: what it says, how it failed, what was not
//! understood. It is what people look at who add a provider or report a bug.

use serde_json::Value;
use serde_json::json;

use super::ErrorParts;
use super::StreamDecoder;
use super::WireError;
use super::decode_error;
use crate::client::EmbeddingResponse;
use crate::client::LlmError;
use crate::client::LlmErrorKind;
use crate::types::ChatChunk;
use crate::types::ChatResponse;
use crate::types::FinishReason;
use crate::types::ResponseBuilder;
use crate::types::Usage;
use crate::types::Wire;
use crate::types::quirks::Quirks;

/// What an answer says.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Reading {
    /// The answer, as far as it came.
    pub response: ChatResponse,
    /// Why it ended; `None` when it does not say.
    pub finish: Option<FinishReason>,
    /// The tokens; `None` when nothing is said about them.
    pub usage: Option<Usage>,
    /// How it failed, before or within the answer.
    pub error: Option<LlmError>,
    /// Pieces that it came in.
    pub chunks: usize,
}

/// Reads an answer that comes in these pieces; a status that is no success makes it an error.
pub fn read<'a>(
    wire: Wire,
    quirks: &Quirks,
    parts: &ErrorParts<'_>,
    pieces: impl IntoIterator<Item = &'a [u8]>,
) -> Reading {
    if parts.status >= 300 {
        return Reading {
            error: Some(decode_error(wire, wire.as_str(), parts)),
            ..Reading::default()
        };
    }
    let (mut decoder, mut chunks) = (StreamDecoder::new(wire, quirks), Vec::new());
    let mut failed = None;
    for piece in pieces {
        if let Err(error) = decoder.push(piece, &mut chunks) {
            failed = Some(error);
            break;
        }
    }
    let failed = failed.or_else(|| decoder.finish(&mut chunks).err());
    of_chunks(wire, &chunks, failed)
}

/// Reads the answer of a request for vectors, of whatever dialect, as JSON.
pub fn read_vectors(parts: &ErrorParts<'_>) -> Value {
    let failed = |error: &LlmError| {
        json!({
            "class": error.kind.code(),
            "message": error.message,
            "status": error.status,
            "retry_after_s": error.kind.retry_after().map(|wait| wait.as_secs_f64()),
        })
    };
    let shown = |response: &EmbeddingResponse, error: Value| {
        let usage = (response.usage != Usage::default()).then(|| usage_json(response.usage));
        json!({
            "model": response.model,
            "count": response.vectors.len(),
            "dimensions": response.vectors.first().map_or(0, Vec::len),
            "vectors": response.vectors,
            "usage": usage,
            "error": error,
        })
    };
    let nothing = EmbeddingResponse::default();
    if parts.status >= 400 {
        let error = decode_error(Wire::OpenaiChat, "embeddings", parts);
        return shown(&nothing, failed(&error));
    }
    match super::embeddings::decode(parts.body) {
        Ok(response) => shown(&response, Value::Null),
        Err(error) => shown(&nothing, failed(&error_of(Wire::OpenaiChat, error))),
    }
}

fn of_chunks(wire: Wire, chunks: &[ChatChunk], failed: Option<WireError>) -> Reading {
    let mut builder = ResponseBuilder::default();
    chunks.iter().for_each(|chunk| builder.push(chunk));
    let response = builder.finish();
    let told = chunks.iter().any(|chunk| chunk.finish.is_some());
    // An answer that failed within has no end, whatever came before.
    let whole = told && failed.is_none();
    Reading {
        finish: whole.then_some(response.finish),
        usage: chunks.iter().rev().find_map(|chunk| chunk.usage),
        error: failed.map(|error| error_of(wire, error)),
        chunks: chunks.len(),
        response,
    }
}

fn error_of(wire: Wire, error: WireError) -> LlmError {
    let message = error.to_string();
    let kind = match error {
        WireError::Upstream(kind, _) => kind,
        WireError::Truncated => LlmErrorKind::StreamInterrupted { bytes: 0 },
        WireError::Malformed(_) | WireError::TooLong(_) => LlmErrorKind::MalformedResponse,
        WireError::Unsupported(_) => LlmErrorKind::InvalidRequest,
    };
    LlmError::new(kind, wire.as_str(), message)
}

impl Reading {
    /// The reading as JSON: stable names, every member always there.
    pub fn to_json(&self) -> Value {
        let response = &self.response;
        let tool_calls: Vec<Value> = response
            .tool_calls
            .iter()
            .map(|call| {
                json!({"id": call.id, "name": call.name, "arguments": call.arguments, "signature": call.signature})
            })
            .collect();
        let error = self.error.as_ref().map(|error| {
            json!({
                "class": error.kind.code(),
                "message": error.message,
                "status": error.status,
                "retry_after_s": error.kind.retry_after().map(|wait| wait.as_secs_f64()),
            })
        });
        json!({
            "id": response.id,
            "model": response.model,
            "text": response.text,
            "refusal": response.refusal,
            "reasoning": response.reasoning_text(),
            "reasoning_blocks": response.reasoning,
            "tool_calls": tool_calls,
            "logprobs": response.logprobs,
            "finish_reason": self.finish,
            "native_finish_reason": response.native_finish,
            "usage": self.usage.map(usage_json),
            "error": error,
            "unknown": response.unknown,
            "chunks": self.chunks,
        })
    }
}

fn usage_json(usage: Usage) -> Value {
    json!({
        "input": usage.input,
        "cache_read": usage.cache_read,
        "cache_write": usage.cache_write,
        "output": usage.output,
        "reasoning": usage.reasoning,
        "audio_in": usage.audio_in,
        "audio_out": usage.audio_out,
        "billed": usage.billed,
        "prompt_tokens": usage.prompt_tokens(),
        "completion_tokens": usage.completion_tokens(),
        "total_tokens": usage.total_tokens(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(status: u16, body: &[u8]) -> ErrorParts<'_> {
        ErrorParts {
            status,
            header: &|_| None,
            body,
            now_ms: 0,
        }
    }

    #[test]
    fn a_redirect_is_no_answer() {
        let (wire, quirks) = (Wire::OpenaiChat, Quirks::default());
        let reading = read(wire, &quirks, &parts(302, b""), [&b""[..]]);
        let error = reading.error.unwrap();
        assert_eq!(
            (error.kind.code(), error.status),
            ("connection_failed", Some(302))
        );
    }

    #[test]
    fn an_answer_that_fails_within_keeps_what_came_and_has_no_end() {
        let body = b"data: {\"choices\":[{\"delta\":{\"content\":\"may\"}}]}\n\nevent: error\ndata: {\"error\":{\"message\":\"no\",\"type\":\"server_error\"}}\n\n";
        let reading = read(
            Wire::OpenaiChat,
            &Quirks::default(),
            &parts(200, body),
            [&body[..]],
        );
        assert_eq!(reading.response.text, "may");
        assert_eq!((reading.finish, reading.usage), (None, None));
        assert_eq!(reading.error.unwrap().kind.code(), "overloaded");
    }

    #[test]
    fn an_error_status_is_an_error_whatever_the_body_says() {
        let body = br#"{"error":{"message":"slow","code":"rate_limit_exceeded"}}"#;
        let reading = read(
            Wire::OpenaiChat,
            &Quirks::default(),
            &parts(429, body),
            [&body[..]],
        );
        let shown = reading.to_json();
        assert_eq!(shown["error"]["class"], "rate_limited");
        assert_eq!(shown["finish_reason"], Value::Null);
    }
}
