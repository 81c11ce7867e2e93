//! Reading a whole answer.

use serde_json::Value;

use crate::client::LlmErrorKind;
use crate::types::ChatResponse;
use crate::types::FinishReason;
use crate::types::Reasoning;
use crate::types::Seal;
use crate::types::ToolCall;
use crate::types::Usage;
use crate::types::quirks::Quirks;
use crate::wire::WireError;
use crate::wire::json_answer::ANSWER_TOOL;
use crate::wire::lenient;

/// Reads the answer of `converse`; `None` when the body is not one.
pub(super) fn converse(value: &Value, quirks: &Quirks) -> Option<Result<ChatResponse, WireError>> {
    let blocks = value
        .get("output")?
        .get("message")?
        .get("content")?
        .as_array()?;
    let mut response = ChatResponse {
        usage: value.get("usage").map(usage).unwrap_or_default(),
        native_finish: lenient::text(value, "stopReason").unwrap_or_default(),
        ..ChatResponse::default()
    };
    let mut answered = false;
    for block in blocks {
        answered |= add(block, &mut response);
    }
    let calls = !response.tool_calls.is_empty();
    match finish(&response.native_finish, answered, calls, quirks) {
        Ok(finish) => response.finish = finish,
        Err(error) => return Some(Err(error)),
    }
    Some(Ok(response))
}

/// Adds a block; `true` when it is an answer that was had as a call.
fn add(block: &Value, response: &mut ChatResponse) -> bool {
    let Some((kind, content)) = block.as_object().and_then(|block| block.iter().next()) else {
        return false;
    };
    match kind.as_str() {
        "text" => response.text.push_str(content.as_str().unwrap_or_default()),
        "reasoningContent" => response.reasoning.push(reasoning(content)),
        "toolUse" => return add_call(content, response),
        // The result of a server's tool comes after its call, which is noted.
        "toolResult" => {}
        "citationsContent" => {
            let texts = content.get("content").and_then(Value::as_array);
            let texts = texts.into_iter().flatten();
            texts.for_each(|text| response.text.extend(lenient::text(text, "text")));
            response.unknown.push(kind.clone());
        }
        _ => response.unknown.push(kind.clone()),
    }
    false
}

fn reasoning(content: &Value) -> Reasoning {
    let shown = content.get("reasoningText").unwrap_or(&Value::Null);
    Reasoning {
        text: lenient::text(shown, "text").unwrap_or_default(),
        seal: Seal {
            signature: lenient::text(shown, "signature"),
            encrypted: lenient::text(content, "redactedContent"),
            id: None,
        },
    }
}

fn add_call(call: &Value, response: &mut ChatResponse) -> bool {
    let name = lenient::text(call, "name").unwrap_or_default();
    let input = lenient::arguments(call.get("input"));
    if is_servers(call) {
        response.unknown.push(name);
        return false;
    }
    if name == ANSWER_TOOL {
        response.text.push_str(&input);
        return true;
    }
    response.tool_calls.push(ToolCall {
        id: lenient::text(call, "toolUseId").unwrap_or_default(),
        name,
        arguments: if input.is_empty() {
            "{}".to_owned()
        } else {
            input
        },
        signature: None,
    });
    false
}

/// Whether the provider itself runs the tool that is called.
pub(super) fn is_servers(call: &Value) -> bool {
    call.get("type").and_then(Value::as_str) == Some("server_tool_use")
}

/// Why the answer ended. One that was had as a call, and calls of the provider's own tools, are no calls to be
/// answered.
pub(super) fn finish(
    word: &str,
    answered: bool,
    calls: bool,
    quirks: &Quirks,
) -> Result<FinishReason, WireError> {
    let finish = match word {
        _ if quirks.finish_reason_map.contains_key(word) => lenient::finish_reason(word, quirks)?,
        "guardrail_intervened" => Some(FinishReason::ContentFilter),
        "malformed_model_output" | "malformed_tool_use" => {
            return Err(WireError::Upstream(
                LlmErrorKind::MalformedResponse,
                format!("the provider ended the answer with \"{word}\""),
            ));
        }
        _ => lenient::finish_reason(word, quirks)?,
    };
    Ok(match finish.unwrap_or_default() {
        FinishReason::ToolCalls if answered || !calls => FinishReason::Stop,
        other => other,
    })
}

/// Input here leaves cached tokens out, so the buckets are disjoint as they come; output includes reasoning.
pub(super) fn usage(usage: &Value) -> Usage {
    let count = |key: &str| lenient::count(usage, &[key]);
    Usage {
        input: count("inputTokens"),
        cache_read: count("cacheReadInputTokens"),
        cache_write: count("cacheWriteInputTokens"),
        output: count("outputTokens"),
        ..Usage::default()
    }
}
