//! Reading what a whole answer tells beside its content, which is passed on as it came.

use bytes::Bytes;

use crate::types::ChatResponse;
use crate::types::TopLevel;
use crate::types::Wire;
use crate::types::quirks::Quirks;
use crate::wire::WireError;
use crate::wire::decode_response;
use crate::wire::openai_chat::usual_usage;

/// Reads the copy of a whole answer that is passed on: its ids, its usage, and whether it is an error. The content is
/// not read, so its length costs next to nothing; [`ChatResponse::raw`] has it.
///
/// # Errors
/// As for [`decode_response`]: the body of a success may be an error all the same.
pub fn read_whole(wire: Wire, body: &Bytes, quirks: &Quirks) -> Result<ChatResponse, WireError> {
    let members = TopLevel::read(body).ok();
    let usual = members
        .as_ref()
        .and_then(|members| usual(wire, body, members, quirks));
    if let Some(response) = usual {
        return Ok(response);
    }
    let rest = members.and_then(|members| without_content(wire, body, &members));
    let mut response = match rest {
        Some(rest) => decode_response(wire, &rest, quirks)?,
        None => decode_response(wire, body, quirks)?,
    };
    response.raw = Some(body.clone());
    Ok(response)
}

/// What an answer of OpenAI's own form tells, without a tree; `None` for any other form.
fn usual(wire: Wire, body: &Bytes, members: &TopLevel, quirks: &Quirks) -> Option<ChatResponse> {
    if wire != Wire::OpenaiChat || members.place(body, "error").is_some() {
        return None;
    }
    let choices = members.value(body, "choices")?;
    let first = choices.strip_prefix(b"[")?.trim_ascii_start();
    if !first.starts_with(b"{") {
        return None;
    }
    Some(ChatResponse {
        id: members.text(body, "id")?.into_owned(),
        model: members.text(body, "model")?.into_owned(),
        usage: usual_usage(members.value(body, "usage")?, quirks)?,
        raw: Some(body.clone()),
        ..ChatResponse::default()
    })
}

/// The body with an empty content of the right form; `None` when it has no content, which may mean that it is an
/// error.
fn without_content(wire: Wire, body: &[u8], members: &TopLevel) -> Option<Vec<u8>> {
    let (name, nothing): (&str, &[u8]) = match wire {
        Wire::OpenaiChat => (
            "choices",
            br#"[{"message":{"role":"assistant","content":""},"finish_reason":"stop"}]"#,
        ),
        Wire::Anthropic => ("content", b"[]"),
        Wire::OpenaiResponses => ("output", b"[]"),
        Wire::Gemini => (
            "candidates",
            br#"[{"content":{"parts":[{"text":""}]},"finishReason":"STOP"}]"#,
        ),
        Wire::Ollama => ("message", br#"{"role":"assistant","content":""}"#),
        Wire::Cohere | Wire::Bedrock | Wire::Replicate | Wire::Demo => return None,
    };
    let content = members.value(body, name)?;
    if !matches!(content.first(), Some(b'[' | b'{')) || content.len() <= 2 {
        return None;
    }
    let mut rest = Vec::with_capacity(512);
    rest.push(b'{');
    for (key, value) in members.iter(body) {
        if rest.len() > 1 {
            rest.push(b',');
        }
        rest.push(b'"');
        rest.extend_from_slice(key);
        rest.extend_from_slice(b"\":");
        let is_content = key == name.as_bytes();
        rest.extend_from_slice(if is_content { nothing } else { value });
    }
    rest.push(b'}');
    Some(rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(wire: Wire, body: &'static str) -> Result<ChatResponse, WireError> {
        read_whole(
            wire,
            &Bytes::from_static(body.as_bytes()),
            &Quirks::default(),
        )
    }

    #[test]
    fn usage_and_ids_are_read_and_the_content_is_kept_as_bytes() {
        for (wire, body) in [
            (
                Wire::OpenaiChat,
                r#"{"id":"i","model":"m","choices":[{"index":0,"message":{"role":"assistant","content":"x"},"finish_reason":"length"}],"usage":{"prompt_tokens":3,"completion_tokens":4}}"#,
            ),
            (
                Wire::Anthropic,
                r#"{"id":"i","type":"message","role":"assistant","model":"m","content":[{"type":"text","text":"x"}],"stop_reason":"end_turn","usage":{"input_tokens":3,"output_tokens":4}}"#,
            ),
            (
                Wire::OpenaiResponses,
                r#"{"id":"i","object":"response","status":"completed","model":"m","output":[{"type":"message","content":[{"type":"output_text","text":"x"}]}],"usage":{"input_tokens":3,"output_tokens":4}}"#,
            ),
            (
                Wire::Gemini,
                r#"{"responseId":"i","modelVersion":"m","candidates":[{"content":{"parts":[{"text":"x"}]},"finishReason":"STOP"}],"usageMetadata":{"promptTokenCount":3,"candidatesTokenCount":4,"totalTokenCount":7}}"#,
            ),
            (
                Wire::Ollama,
                r#"{"model":"m","message":{"role":"assistant","content":"x"},"done":true,"prompt_eval_count":3,"eval_count":4}"#,
            ),
        ] {
            let response = read(wire, body).unwrap();
            assert_eq!(response.model, "m", "{wire}");
            assert_eq!(
                (response.usage.input, response.usage.output),
                (3, 4),
                "{wire}"
            );
            assert_eq!(response.text, "", "{wire}");
            assert_eq!(response.raw.unwrap(), body, "{wire}");
        }
    }

    #[test]
    fn the_error_in_a_success_is_an_error() {
        let body = r#"{"error":{"message":"no","type":"server_error","code":500},"choices":[]}"#;
        assert!(matches!(
            read(Wire::OpenaiChat, body),
            Err(WireError::Upstream(..))
        ));
        assert!(matches!(
            read(Wire::OpenaiChat, "[]"),
            Err(WireError::Malformed(_))
        ));
    }
}
