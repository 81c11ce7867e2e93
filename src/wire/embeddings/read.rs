//! One reader for all answers: the dialect is told by the shape, since many servers answer in another's.

use serde_json::Value;

use super::bedrock;
use super::cohere;
use super::gemini;
use super::hugging_face;
use super::ollama;
use super::openai;
use super::packed;
use super::vertex;
use crate::client::EmbeddingResponse;
use crate::types::EmbeddingDialect;
use crate::types::Usage;
use crate::types::usage::estimate_tokens;
use crate::wire::WireError;
use crate::wire::failure;
use crate::wire::lenient::count;
use crate::wire::lenient::parse;
use crate::wire::lenient::text;

/// What an answer holds.
#[derive(Debug, Default)]
pub(super) struct Found {
    pub(super) model: String,
    pub(super) vectors: Vec<Vec<f32>>,
    pub(super) usage: Option<Usage>,
}

/// Reads the answer of any dialect; its usage is zero where the body tells none.
///
/// # Errors
/// `Malformed` for what holds no vectors, `Upstream` for an error in the place of an answer.
pub fn decode(body: &[u8]) -> Result<EmbeddingResponse, WireError> {
    let found = read(&parse(body)?)?;
    Ok(EmbeddingResponse {
        model: found.model,
        vectors: found.vectors,
        usage: found.usage.unwrap_or_default(),
    })
}

/// Reads the answer to these texts. Where the body tells no usage, a header may (Bedrock); else it is estimated.
///
/// # Errors
/// As [`decode`], and `Malformed` when there is not one vector for each text.
pub fn decode_embedding(
    dialect: EmbeddingDialect,
    body: &[u8],
    texts: &[String],
    header: &dyn Fn(&str) -> Option<String>,
) -> Result<EmbeddingResponse, WireError> {
    let mut answer = decode(body)?;
    if answer.vectors.len() != texts.len() {
        return Err(WireError::Malformed(format!(
            "{} vectors for {} texts in an answer of the {dialect} dialect",
            answer.vectors.len(),
            texts.len()
        )));
    }
    if answer.usage.total_tokens() == 0 {
        let told = header("x-amzn-bedrock-input-token-count").and_then(|text| text.parse().ok());
        answer.usage = Usage {
            input: told.unwrap_or_else(|| texts.iter().map(|text| estimate_tokens(text)).sum()),
            estimated: told.is_none(),
            ..Usage::default()
        };
    }
    Ok(answer)
}

/// Finds the vectors by the keys that hold them.
fn read(answer: &Value) -> Result<Found, WireError> {
    if let Value::Array(list) = answer {
        return match list.is_empty() {
            true => Err(no_vectors()),
            false => hugging_face::read(list),
        };
    }
    if let Some(error) = answer.get("error").filter(|error| !error.is_null()) {
        return Err(failure::in_success(error));
    }
    let list = |key: &str| answer.get(key).and_then(Value::as_array);
    if let Some(items) = list("data") {
        return match items.first() {
            // Cloudflare's own `{"shape", "data": [[…]]}`.
            Some(Value::Array(_)) => ollama::read(answer, items),
            _ => openai::read(answer, items),
        };
    }
    if let Some(items) = list("predictions") {
        return vertex::read(items);
    }
    match answer.get("embeddings") {
        Some(Value::Object(types)) => return cohere::read_by_type(answer, types),
        Some(Value::Array(items)) => return read_list(answer, items),
        _ => {}
    }
    if let Some(Value::Object(types)) = answer.get("embeddingsByType") {
        return bedrock::read_titan_by_type(answer, types);
    }
    match answer.get("embedding") {
        Some(one @ Value::Object(_)) => return gemini::read(answer, std::slice::from_ref(one)),
        Some(one @ Value::Array(_)) => return bedrock::read_titan(answer, one),
        _ => {}
    }
    read_wrapped(answer)
}

/// Reads what stands under `embeddings` as a list.
fn read_list(answer: &Value, items: &[Value]) -> Result<Found, WireError> {
    match items.first() {
        Some(Value::Object(item)) if item.contains_key("values") => gemini::read(answer, items),
        Some(Value::Object(item)) if item.contains_key("embeddingType") => {
            bedrock::read_nova(items)
        }
        // DashScope's own `{"embeddings": [{"embedding", "text_index"}]}`.
        Some(Value::Object(_)) => openai::read(answer, items),
        Some(Value::Number(_)) => bedrock::read_titan(answer, &Value::Array(items.to_vec())),
        Some(_) => ollama::read(answer, items),
        None => Err(no_vectors()),
    }
}

/// Reads answers in an envelope: Cloudflare's `result`, `DashScope`'s and Replicate's `output`, watsonx's `results`.
fn read_wrapped(answer: &Value) -> Result<Found, WireError> {
    let mut found = match answer.get("results") {
        Some(Value::Array(items)) => openai::read(answer, items)?,
        _ => {
            let within = ["result", "output"]
                .into_iter()
                .find_map(|key| answer.get(key).filter(|inner| !inner.is_null()));
            read(within.ok_or_else(no_vectors)?)?
        }
    };
    if found.usage.is_none() {
        let told =
            count(answer, &["usage", "total_tokens"]).max(count(answer, &["input_token_count"]));
        found.usage = (told > 0).then(|| Usage {
            input: told,
            ..Usage::default()
        });
    }
    if found.model.is_empty() {
        found.model = text(answer, "model_id").unwrap_or_default();
    }
    Ok(found)
}

/// Puts vectors at the places that their indices name; indices that are missing or repeated leave the order as
/// it came.
pub(super) fn placed(items: Vec<(Option<u64>, Vec<f32>)>) -> Vec<Vec<f32>> {
    let mut places: Vec<Option<u64>> = items.iter().map(|(index, _)| *index).collect();
    places.sort_unstable();
    let complete = places
        .iter()
        .enumerate()
        .all(|(at, index)| *index == Some(at as u64));
    let mut items = items;
    if complete {
        items.sort_by_key(|(index, _)| *index);
    }
    items.into_iter().map(|(_, vector)| vector).collect()
}

/// Reads a vector: numbers, base64, or a list that holds nothing but one vector.
pub(super) fn vector(value: &Value) -> Result<Vec<f32>, WireError> {
    match value {
        Value::String(packed) => packed::floats_or_bytes(packed),
        Value::Array(items) => match items.as_slice() {
            [inner @ Value::Array(_)] => numbers(inner),
            [Value::Array(_), ..] => Err(WireError::Malformed(
                "the answer holds a vector for each token, not for each text: the model does no pooling"
                    .to_owned(),
            )),
            _ => numbers(value),
        },
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_) => Err(no_vectors()),
    }
}

/// Reads a flat list of numbers.
pub(super) fn numbers(value: &Value) -> Result<Vec<f32>, WireError> {
    let items = value.as_array().filter(|items| !items.is_empty());
    items
        .ok_or_else(no_vectors)?
        .iter()
        .map(|item| {
            item.as_f64()
                .map(|number| number as f32)
                .ok_or_else(no_vectors)
        })
        .collect()
}

fn no_vectors() -> WireError {
    WireError::Malformed("the answer holds no vectors".to_owned())
}
