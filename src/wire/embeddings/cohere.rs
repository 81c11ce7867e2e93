//! Cohere's `/v2/embed`, and the answers of its first version.

use serde_json::Map;
use serde_json::Value;
use serde_json::json;

use super::Encoded;
use super::Wanted;
use super::encoded;
use super::packed;
use super::read::Found;
use super::read::vector;
use crate::client::EmbeddingPurpose;
use crate::types::Billed;
use crate::types::Usage;
use crate::wire::WireError;
use crate::wire::lenient::count;
use crate::wire::lenient::text;

/// Writes the request. The purpose is required from the third generation of models on.
pub(super) fn encode(wanted: &Wanted<'_>) -> Encoded {
    let mut body = json!({
        "model": wanted.model,
        "texts": wanted.texts,
        "input_type": input_type(wanted.purpose),
        "embedding_types": ["float"],
    });
    if let Some(length) = wanted.dimensions {
        body["output_dimension"] = length.into();
    }
    encoded("/v2/embed".to_owned(), &body, false)
}

/// Cohere's word for a purpose.
pub(super) fn input_type(purpose: EmbeddingPurpose) -> &'static str {
    match purpose {
        EmbeddingPurpose::Document => "search_document",
        EmbeddingPurpose::Query => "search_query",
    }
}

/// Reads `{"embeddings": {"float": [[…]]}}`; of several types the most exact one.
pub(super) fn read_by_type(answer: &Value, types: &Map<String, Value>) -> Result<Found, WireError> {
    let exact_first = ["float", "base64", "int8", "uint8", "binary", "ubinary"];
    let lists = exact_first
        .into_iter()
        .filter_map(|name| types.get(name)?.as_array());
    let found = lists.into_iter().find(|list| !list.is_empty());
    let list = found.ok_or_else(|| {
        WireError::Malformed("the answer holds no vectors of any type".to_owned())
    })?;
    let vectors: Result<Vec<_>, _> = list
        .iter()
        .map(|item| match item {
            Value::String(packed) => packed::floats_or_bytes(packed),
            plain => vector(plain),
        })
        .collect();
    Ok(Found {
        model: text(answer, "model").unwrap_or_default(),
        vectors: vectors?,
        usage: usage(answer),
    })
}

/// Reads the tokens: those counted, beside those billed where both are told.
pub(super) fn usage(answer: &Value) -> Option<Usage> {
    let meta = answer.get("meta")?;
    let billed = count(meta, &["billed_units", "input_tokens"]);
    let counted = count(meta, &["tokens", "input_tokens"]);
    match (counted, billed) {
        (0, 0) => None,
        (0, input) | (input, 0) => Some(Usage {
            input,
            ..Usage::default()
        }),
        (input, billed) => Some(Usage {
            input,
            billed: (input != billed).then_some(Billed {
                input: billed,
                output: 0,
            }),
            ..Usage::default()
        }),
    }
}
