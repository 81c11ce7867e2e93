//! Ollama's own `/api/embed`.

use serde_json::Value;
use serde_json::json;

use super::Encoded;
use super::Wanted;
use super::encoded;
use super::read::Found;
use super::read::vector;
use crate::types::Usage;
use crate::wire::WireError;
use crate::wire::lenient::count;
use crate::wire::lenient::text;

/// Writes the request.
pub(super) fn encode(wanted: &Wanted<'_>) -> Encoded {
    let mut body = json!({"model": wanted.model, "input": wanted.texts});
    if let Some(length) = wanted.dimensions {
        body["dimensions"] = length.into();
    }
    encoded("/api/embed".to_owned(), &body, false)
}

/// Reads `{"embeddings": [[…]], "model", "prompt_eval_count"}`; Cohere's first version writes the same list.
pub(super) fn read(answer: &Value, lists: &[Value]) -> Result<Found, WireError> {
    let vectors: Result<Vec<_>, _> = lists.iter().map(vector).collect();
    let tokens = count(answer, &["prompt_eval_count"]);
    let usage = (tokens > 0).then(|| Usage {
        input: tokens,
        ..Usage::default()
    });
    Ok(Found {
        model: text(answer, "model").unwrap_or_default(),
        vectors: vectors?,
        usage: usage.or_else(|| super::cohere::usage(answer)),
    })
}
