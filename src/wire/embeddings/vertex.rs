//! Vertex AI's `predict`.

use serde_json::Value;
use serde_json::json;

use super::Encoded;
use super::Wanted;
use super::encoded;
use super::gemini;
use super::read::Found;
use super::read::vector;
use crate::types::Usage;
use crate::wire::WireError;
use crate::wire::lenient::count;

/// Writes the request; the base URL ends with the project and the location. The second generation of models is
/// asked in the Gemini API's way, one text at a time.
pub(super) fn encode(wanted: &Wanted<'_>) -> Encoded {
    let path = format!("/publishers/google/models/{}", wanted.model);
    if speaks_gemini(wanted.model) {
        let text = wanted.texts.first().map_or("", String::as_str);
        let body = gemini::content(text, wanted);
        return encoded(format!("{path}:embedContent"), &body, false);
    }
    let instances: Vec<Value> = wanted
        .texts
        .iter()
        .map(|text| json!({"content": text, "task_type": gemini::task(wanted.purpose)}))
        .collect();
    let mut body = json!({ "instances": instances });
    if let Some(length) = wanted.dimensions {
        body["parameters"] = json!({ "outputDimensionality": length });
    }
    encoded(format!("{path}:predict"), &body, false)
}

/// `true` for models that are not asked by `predict`.
pub(super) fn speaks_gemini(model: &str) -> bool {
    model.starts_with("gemini-embedding-2")
}

/// Reads `{"predictions": [{"embeddings": {"values", "statistics": {"token_count"}}}]}`; the multimodal model
/// writes `textEmbedding`, a model of one's own often a bare list.
pub(super) fn read(items: &[Value]) -> Result<Found, WireError> {
    let mut found = Found::default();
    let mut tokens = 0;
    for item in items {
        let text = item.get("embeddings").and_then(|one| one.get("values"));
        let values = text.or_else(|| item.get("textEmbedding")).unwrap_or(item);
        found.vectors.push(vector(values)?);
        tokens += count(item, &["embeddings", "statistics", "token_count"]);
    }
    found.usage = (tokens > 0).then(|| Usage {
        input: tokens,
        ..Usage::default()
    });
    Ok(found)
}
