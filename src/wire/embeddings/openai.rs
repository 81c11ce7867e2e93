//! OpenAI's `/embeddings`, and those who took it over with names of their own.

use serde_json::Map;
use serde_json::Value;
use serde_json::json;

use super::Encoded;
use super::Wanted;
use super::encoded;
use super::packed;
use super::read::Found;
use super::read::numbers;
use super::read::placed;
use super::read::vector;
use crate::client::EmbeddingPurpose;
use crate::types::EmbeddingDialect;
use crate::types::Usage;
use crate::wire::WireError;
use crate::wire::lenient::count;
use crate::wire::lenient::text;

/// Writes the request. Floats in plain JSON are the default of all but Perplexity, so nothing is said of the
/// encoding: some servers refuse the field.
pub(super) fn encode(dialect: EmbeddingDialect, wanted: &Wanted<'_>) -> Encoded {
    let mut body = Map::new();
    body.insert("model".to_owned(), wanted.model.into());
    body.insert("input".to_owned(), json!(wanted.texts));
    let (dimensions, purpose) = names(dialect, wanted.purpose);
    if let Some(length) = wanted.dimensions {
        body.insert(dimensions.to_owned(), length.into());
    }
    if let Some(purpose) = purpose {
        body.insert("input_type".to_owned(), purpose.into());
    }
    let path = match dialect {
        EmbeddingDialect::Perplexity => "/v1/embeddings",
        _ => "/embeddings",
    };
    encoded(path.to_owned(), &Value::Object(body), false)
}

/// The field for the vectors' length, and the word for their purpose (the providers' references, read 2026-08).
fn names(
    dialect: EmbeddingDialect,
    purpose: EmbeddingPurpose,
) -> (&'static str, Option<&'static str>) {
    match (dialect, purpose) {
        (EmbeddingDialect::Mistral, _) => ("output_dimension", None),
        (EmbeddingDialect::Voyage, EmbeddingPurpose::Document) => {
            ("output_dimension", Some("document"))
        }
        (EmbeddingDialect::Voyage, EmbeddingPurpose::Query) => ("output_dimension", Some("query")),
        (EmbeddingDialect::Nvidia, EmbeddingPurpose::Document) => ("dimensions", Some("passage")),
        (EmbeddingDialect::Nvidia, EmbeddingPurpose::Query) => ("dimensions", Some("query")),
        _ => ("dimensions", None),
    }
}

/// Reads `{"data": [{"index", "embedding"}], "model", "usage"}`.
pub(super) fn read(answer: &Value, items: &[Value]) -> Result<Found, WireError> {
    let model = text(answer, "model").unwrap_or_default();
    // Perplexity's default is base64 of signed bytes; its models say so by their name (its reference, 2026-08).
    let bytes = model.starts_with("pplx-embed");
    let mut vectors = Vec::with_capacity(items.len());
    for item in items {
        add(item, bytes, &mut vectors)?;
    }
    Ok(Found {
        vectors: placed(vectors),
        usage: usage(answer),
        model,
    })
}

/// Takes one item: a vector with its place, or (Voyage's contextual chunks) a list of such items.
fn add(
    item: &Value,
    bytes: bool,
    vectors: &mut Vec<(Option<u64>, Vec<f32>)>,
) -> Result<(), WireError> {
    if let Some(inner) = item.get("data").and_then(Value::as_array) {
        let mut chunks = Vec::new();
        for chunk in inner {
            add(chunk, bytes, &mut chunks)?;
        }
        vectors.extend(placed(chunks).into_iter().map(|vector| (None, vector)));
        return Ok(());
    }
    let index = item.get("index").or_else(|| item.get("text_index"));
    let index = index.and_then(Value::as_u64);
    let read = match item.get("embedding") {
        Some(Value::String(packed)) if bytes => packed::signed_bytes(packed)?,
        Some(Value::String(packed)) => packed::floats_or_bytes(packed)?,
        Some(plain) => vector(plain)?,
        None => numbers(item)?,
    };
    vectors.push((index, read));
    Ok(())
}

/// The tokens: `prompt_tokens`, or all that there are where a provider tells the total alone (Voyage).
fn usage(answer: &Value) -> Option<Usage> {
    let usage = answer.get("usage")?;
    let input = ["prompt_tokens", "input_tokens", "total_tokens"]
        .into_iter()
        .map(|key| count(usage, &[key]))
        .find(|tokens| *tokens > 0)?;
    Some(Usage {
        input,
        ..Usage::default()
    })
}
