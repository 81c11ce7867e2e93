//! Hugging Face's `feature-extraction` pipeline: bare lists of numbers, without a word around them.

use serde_json::Value;
use serde_json::json;

use super::Encoded;
use super::Wanted;
use super::encoded;
use super::read::Found;
use super::read::numbers;
use super::read::placed;
use super::read::vector;
use crate::wire::WireError;

/// Writes the request; the vectors' length is the model's own.
pub(super) fn encode(wanted: &Wanted<'_>) -> Encoded {
    let path = format!(
        "/hf-inference/models/{}/pipeline/feature-extraction",
        wanted.model
    );
    let body = json!({ "inputs": wanted.texts });
    encoded(path, &body, wanted.dimensions.is_some())
}

/// Reads one vector, a list of them, or llama.cpp's list of `{"index", "embedding"}`.
pub(super) fn read(list: &[Value]) -> Result<Found, WireError> {
    let vectors = match list.first() {
        Some(Value::Number(_)) => vec![numbers(&Value::Array(list.to_vec()))?],
        Some(Value::Object(_)) => {
            let items: Result<Vec<_>, _> = list
                .iter()
                .map(|item| {
                    let index = item.get("index").and_then(Value::as_u64);
                    vector(item.get("embedding").unwrap_or(item)).map(|read| (index, read))
                })
                .collect();
            placed(items?)
        }
        _ => list.iter().map(vector).collect::<Result<_, _>>()?,
    };
    Ok(Found {
        vectors,
        ..Found::default()
    })
}
