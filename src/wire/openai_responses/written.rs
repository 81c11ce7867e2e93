//! Writing a whole answer for a client.

use bytes::Bytes;
use serde_json::Value;
use serde_json::json;

use crate::types::ChatResponse;
use crate::types::FinishReason;
use crate::types::Reasoning;
use crate::types::TokenLogprob;
use crate::types::Usage;
use crate::wire::serve::AnswerHead;

/// Writes the body of a success.
pub(in crate::wire) fn encode_response(answer: &ChatResponse, head: &AnswerHead) -> Bytes {
    let mut output: Vec<Value> = Vec::new();
    for block in &answer.reasoning {
        let id = block.seal.id.clone();
        let id = id.unwrap_or_else(|| item_id("rs", head, output.len()));
        output.push(reasoning(&id, block, true));
    }
    let mut content = Vec::new();
    if !answer.text.is_empty() {
        content.push(text_part(&answer.text, &answer.logprobs));
    }
    if !answer.refusal.is_empty() {
        content.push(refusal_part(&answer.refusal));
    }
    if !content.is_empty() {
        let id = item_id("msg", head, output.len());
        output.push(message(&id, &content, true));
    }
    for called in &answer.tool_calls {
        let id = item_id("fc", head, output.len());
        output.push(call(
            &id,
            (&called.id, &called.name),
            &called.arguments,
            true,
        ));
    }
    response(
        head,
        State::Ended(answer.finish),
        &output,
        Some(&answer.usage),
    )
    .to_string()
    .into()
}

/// Where an answer stands.
#[derive(Debug, Clone, Copy)]
pub(super) enum State<'a> {
    /// It goes on.
    Going,
    /// It has ended so.
    Ended(FinishReason),
    /// It failed with this error.
    Failed(&'a Value),
}

/// The object that stands for an answer.
pub(super) fn response(
    head: &AnswerHead,
    state: State<'_>,
    output: &[Value],
    tokens: Option<&Usage>,
) -> Value {
    let (status, error, reason) = match state {
        State::Going => ("in_progress", None, None),
        State::Ended(FinishReason::Stop | FinishReason::ToolCalls) => ("completed", None, None),
        State::Ended(FinishReason::Length) => ("incomplete", None, Some("max_output_tokens")),
        State::Ended(FinishReason::ContentFilter) => ("incomplete", None, Some("content_filter")),
        State::Failed(error) => ("failed", Some(error), None),
    };
    // The API's objects are shown with all their members, which the SDKs declare as always there.
    json!({
        "id": head.id,
        "object": "response",
        "created_at": head.created_s,
        "status": status,
        "error": error,
        "incomplete_details": reason.map(|reason| json!({"reason": reason})),
        "instructions": null,
        "metadata": {},
        "model": head.model,
        "output": output,
        "parallel_tool_calls": true,
        "previous_response_id": null,
        "store": false,
        "temperature": null,
        "text": {"format": {"type": "text"}},
        "tool_choice": "auto",
        "tools": [],
        "top_p": null,
        "truncation": "disabled",
        "usage": tokens.map(usage),
    })
}

/// An id for the item at a place of the output, which no other answer has.
pub(super) fn item_id(kind: &str, head: &AnswerHead, place: usize) -> String {
    format!("{kind}_{}_{place}", head.id.trim_start_matches("resp_"))
}

fn status(ended: bool) -> &'static str {
    if ended { "completed" } else { "in_progress" }
}

/// A message of the answer.
pub(super) fn message(id: &str, content: &[Value], ended: bool) -> Value {
    json!({"id": id, "type": "message", "status": status(ended), "role": "assistant", "content": content})
}

/// A call of a function, by its own id and name.
pub(super) fn call(id: &str, (call_id, name): (&str, &str), arguments: &str, ended: bool) -> Value {
    json!({
        "id": id,
        "type": "function_call",
        "status": status(ended),
        "call_id": call_id,
        "name": name,
        "arguments": arguments,
    })
}

/// A block of reasoning, whose words are given as a summary.
pub(super) fn reasoning(id: &str, block: &Reasoning, ended: bool) -> Value {
    let summary = Some(&block.text).filter(|text| !text.is_empty());
    let summary: Vec<Value> = summary.map(|text| summary_part(text)).into_iter().collect();
    let mut item =
        json!({"id": id, "type": "reasoning", "status": status(ended), "summary": summary});
    if let Some(sealed) = &block.seal.encrypted {
        item["encrypted_content"] = json!(sealed);
    }
    item
}

/// Words of reasoning.
pub(super) fn summary_part(text: &str) -> Value {
    json!({"type": "summary_text", "text": text})
}

/// Words of the answer.
pub(super) fn text_part(text: &str, logprobs: &[TokenLogprob]) -> Value {
    json!({"type": "output_text", "text": text, "annotations": [], "logprobs": probabilities(logprobs)})
}

/// Words that decline an answer.
pub(super) fn refusal_part(refusal: &str) -> Value {
    json!({"type": "refusal", "refusal": refusal})
}

/// Log probabilities.
pub(super) fn probabilities(tokens: &[TokenLogprob]) -> Value {
    let token = |token: &str, logprob: f64| json!({"token": token, "logprob": logprob, "bytes": token.as_bytes()});
    let one = |given: &TokenLogprob| {
        let mut written = token(&given.token, given.logprob);
        let top = given
            .top
            .iter()
            .map(|(other, logprob)| token(other, *logprob));
        written["top_logprobs"] = top.collect();
        written
    };
    tokens.iter().map(one).collect()
}

fn usage(usage: &Usage) -> Value {
    json!({
        "input_tokens": usage.prompt_tokens(),
        "input_tokens_details": {"cached_tokens": usage.cache_read, "cache_write_tokens": usage.cache_write},
        "output_tokens": usage.completion_tokens(),
        "output_tokens_details": {"reasoning_tokens": usage.reasoning},
        "total_tokens": usage.total_tokens(),
    })
}
