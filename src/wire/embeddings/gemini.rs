//! Google's `batchEmbedContents`, and the answer of `embedContent`.

use serde_json::Value;
use serde_json::json;

use super::Encoded;
use super::Wanted;
use super::encoded;
use super::read::Found;
use super::read::vector;
use crate::client::EmbeddingPurpose;
use crate::types::Usage;
use crate::wire::WireError;
use crate::wire::lenient::count;

/// Writes the request. The model stands in the path and again in every item.
pub(super) fn encode(wanted: &Wanted<'_>) -> Encoded {
    let model = wanted.model.strip_prefix("models/").unwrap_or(wanted.model);
    let requests: Vec<Value> = wanted
        .texts
        .iter()
        .map(|text| {
            let mut request = content(text, wanted);
            request["model"] = format!("models/{model}").into();
            request
        })
        .collect();
    let path = format!("/models/{model}:batchEmbedContents");
    encoded(path, &json!({ "requests": requests }), false)
}

/// One text as `embedContent` takes it.
pub(super) fn content(text: &str, wanted: &Wanted<'_>) -> Value {
    let mut request = json!({"content": {"parts": [{"text": text}]}});
    if let Some(length) = wanted.dimensions {
        request["outputDimensionality"] = length.into();
    }
    // The second generation takes the purpose as words of the text, not as a field (its documentation, 2026-08).
    if !wanted.model.contains("embedding-2") {
        request["taskType"] = task(wanted.purpose).into();
    }
    request
}

/// Google's word for a purpose.
pub(super) fn task(purpose: EmbeddingPurpose) -> &'static str {
    match purpose {
        EmbeddingPurpose::Document => "RETRIEVAL_DOCUMENT",
        EmbeddingPurpose::Query => "RETRIEVAL_QUERY",
    }
}

/// Reads `{"embeddings": [{"values"}]}`, or the one of `{"embedding": {"values"}}`.
pub(super) fn read(answer: &Value, items: &[Value]) -> Result<Found, WireError> {
    let vectors: Result<Vec<_>, _> = items
        .iter()
        .map(|item| vector(item.get("values").unwrap_or(&Value::Null)))
        .collect();
    let tokens = count(answer, &["usageMetadata", "promptTokenCount"]);
    Ok(Found {
        model: String::new(),
        vectors: vectors?,
        usage: (tokens > 0).then(|| Usage {
            input: tokens,
            ..Usage::default()
        }),
    })
}
