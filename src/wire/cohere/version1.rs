//! Answers of version 1: a flat body, and a stream of one JSON value a line.

use serde_json::Value;

use super::response;
use crate::types::ChatChunk;
use crate::types::ChatResponse;
use crate::types::Delta;
use crate::types::ToolCall;
use crate::types::ToolCallDelta;
use crate::types::Usage;
use crate::types::quirks::Quirks;
use crate::wire::WireError;
use crate::wire::lenient;

/// Reads a whole answer.
pub(super) fn response(value: &Value, quirks: &Quirks) -> Result<ChatResponse, WireError> {
    let word = lenient::text(value, "finish_reason").unwrap_or_default();
    let has = |key| {
        let list = value.get(key).and_then(Value::as_array);
        list.is_some_and(|list| !list.is_empty())
    };
    Ok(ChatResponse {
        id: id(value).unwrap_or_default(),
        text: lenient::text(value, "text").unwrap_or_default(),
        tool_calls: calls(value),
        finish: response::finish(&word, None, quirks)?.unwrap_or_default(),
        native_finish: word,
        usage: usage(value).unwrap_or_default(),
        unknown: connectors(value)
            .into_iter()
            .chain(has("citations").then(|| response::CITATIONS.to_owned()))
            .collect(),
        ..ChatResponse::default()
    })
}

/// Reads an event.
pub(super) fn event(value: &Value, quirks: &Quirks) -> Result<ChatChunk, WireError> {
    let mut chunk = ChatChunk::default();
    match value.get("event_type").and_then(Value::as_str) {
        Some("text-generation") => {
            chunk.delta.text = lenient::text(value, "text").unwrap_or_default();
        }
        // The pieces of the calls come whole in the event behind them.
        Some("stream-start" | "search-queries-generation" | "tool-calls-chunk" | "debug") => {}
        Some("search-results") => chunk.unknown = connectors(value),
        Some("citation-generation") => chunk.unknown.push(response::CITATIONS.to_owned()),
        Some("tool-calls-generation") => {
            let piece = |(index, call): (usize, ToolCall)| ToolCallDelta {
                index,
                id: Some(call.id),
                name: Some(call.name),
                arguments: call.arguments,
                signature: None,
            };
            chunk.delta = Delta {
                reasoning: lenient::text(value, "text").unwrap_or_default(),
                tool_calls: calls(value).into_iter().enumerate().map(piece).collect(),
                ..Delta::default()
            };
        }
        // It repeats the whole answer.
        Some("stream-end") => {
            let word = lenient::text(value, "finish_reason").unwrap_or_default();
            let error = lenient::text(value, "error");
            let answer = value.get("response").unwrap_or(&Value::Null);
            chunk.id = id(answer);
            chunk.finish =
                Some(response::finish(&word, error.as_deref(), quirks)?.unwrap_or_default());
            chunk.native_finish = Some(word);
            chunk.usage = usage(answer);
        }
        Some(other) => chunk.unknown.push(other.to_owned()),
        None => {}
    }
    Ok(chunk)
}

fn id(value: &Value) -> Option<String> {
    lenient::text(value, "response_id").or_else(|| lenient::text(value, "generation_id"))
}

/// Calls have no ids here; they get some that fit their place.
fn calls(value: &Value) -> Vec<ToolCall> {
    let list = value.get("tool_calls").and_then(Value::as_array);
    let call = |(index, call): (usize, &Value)| ToolCall {
        id: format!("call_{index}"),
        name: lenient::text(call, "name").unwrap_or_default(),
        arguments: match lenient::arguments(call.get("parameters")) {
            empty if empty.is_empty() => "{}".to_owned(),
            arguments => arguments,
        },
        signature: None,
    };
    list.into_iter().flatten().enumerate().map(call).collect()
}

/// The names of the searches that the provider itself did.
fn connectors(value: &Value) -> Vec<String> {
    let results = value.get("search_results").and_then(Value::as_array);
    let mut names: Vec<String> = results
        .into_iter()
        .flatten()
        .filter_map(|result| lenient::text(result.get("connector")?, "id"))
        .collect();
    names.dedup();
    names
}

fn usage(value: &Value) -> Option<Usage> {
    let meta = value.get("meta").and_then(response::usage);
    let Some(counts) = value.get("token_count") else {
        return meta;
    };
    let count = |key: &str| lenient::count(counts, &[key]);
    Some(Usage {
        input: count("prompt_tokens"),
        output: count("response_tokens"),
        billed: meta.map(|meta| meta.billed()),
        ..Usage::default()
    })
}
