//! Amazon Bedrock's `invoke`: each family of models has a body of its own (AWS's user guide, read 2026-08).

use serde_json::Map;
use serde_json::Value;
use serde_json::json;

use super::Encoded;
use super::Wanted;
use super::cohere;
use super::encoded;
use super::read::Found;
use super::read::vector;
use crate::client::EmbeddingPurpose;
use crate::types::Usage;
use crate::wire::WireError;
use crate::wire::lenient::count;

/// A family of models on Bedrock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Family {
    /// Titan for text; the first version has one length only.
    Titan {
        /// Whether the vectors' length can be chosen.
        sized: bool,
    },
    /// Titan for text and pictures.
    TitanImage,
    /// Nova.
    Nova,
    /// Cohere's; the vectors' length can be chosen from the fourth version on.
    Cohere {
        /// Whether it can.
        sized: bool,
    },
}

impl Family {
    /// The family of a model's id, with or without a region before it.
    pub(super) fn of(model: &str) -> Option<Self> {
        let has = |part: &str| model.contains(part);
        Some(match () {
            () if has("titan-embed-image") => Self::TitanImage,
            () if has("titan-embed") => Self::Titan {
                sized: !has("titan-embed-text-v1") && !has("titan-embed-g1"),
            },
            () if has("nova") => Self::Nova,
            () if has("cohere.embed") => Self::Cohere {
                sized: has("embed-v4"),
            },
            () => return None,
        })
    }
}

/// Writes the request. All families but Cohere's take one text at a time.
pub(super) fn encode(wanted: &Wanted<'_>) -> Result<Encoded, WireError> {
    let family = Family::of(wanted.model).ok_or_else(|| {
        WireError::Unsupported(format!(
            "\"{}\" is of no known family of embedding models: Titan, Nova and Cohere are",
            wanted.model
        ))
    })?;
    let text = wanted.texts.first().map_or("", String::as_str);
    let mut lost = false;
    let body = match family {
        Family::Titan { sized } => {
            let mut body = json!({ "inputText": text });
            match wanted.dimensions {
                Some(length) if sized => body["dimensions"] = length.into(),
                length => lost = length.is_some(),
            }
            body
        }
        Family::TitanImage => {
            let mut body = json!({ "inputText": text });
            if let Some(length) = wanted.dimensions {
                body["embeddingConfig"] = json!({ "outputEmbeddingLength": length });
            }
            body
        }
        Family::Nova => nova(text, wanted),
        Family::Cohere { sized } => {
            let mut body = json!({
                "texts": wanted.texts,
                "input_type": cohere::input_type(wanted.purpose),
                "embedding_types": ["float"],
            });
            match wanted.dimensions {
                Some(length) if sized => body["output_dimension"] = length.into(),
                length => lost = length.is_some(),
            }
            body
        }
    };
    let path = format!("/model/{}/invoke", escaped(wanted.model));
    Ok(encoded(path, &body, lost))
}

fn nova(text: &str, wanted: &Wanted<'_>) -> Value {
    let purpose = match wanted.purpose {
        EmbeddingPurpose::Document => "GENERIC_INDEX",
        EmbeddingPurpose::Query => "GENERIC_RETRIEVAL",
    };
    let mut params = json!({
        "embeddingPurpose": purpose,
        "text": {"truncationMode": "END", "value": text},
    });
    if let Some(length) = wanted.dimensions {
        params["embeddingDimension"] = length.into();
    }
    json!({"taskType": "SINGLE_EMBEDDING", "singleEmbeddingParams": params})
}

/// A model's id as one segment of a path: ids hold colons, and those of profiles slashes.
fn escaped(model: &str) -> String {
    let mut path = String::with_capacity(model.len());
    for byte in model.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => {
                path.push(char::from(byte));
            }
            other => path.push_str(&format!("%{other:02X}")),
        }
    }
    path
}

/// Reads Titan's `{"embedding": […], "inputTextTokenCount"}`, which is Ollama's old answer, too.
pub(super) fn read_titan(answer: &Value, embedding: &Value) -> Result<Found, WireError> {
    let tokens = count(answer, &["inputTextTokenCount"]);
    Ok(Found {
        model: String::new(),
        vectors: vec![vector(embedding)?],
        usage: (tokens > 0).then(|| Usage {
            input: tokens,
            ..Usage::default()
        }),
    })
}

/// Reads Titan's `{"embeddingsByType": {"float": […]}}`.
pub(super) fn read_titan_by_type(
    answer: &Value,
    types: &Map<String, Value>,
) -> Result<Found, WireError> {
    let found = types.get("float").or_else(|| types.get("binary"));
    read_titan(answer, found.unwrap_or(&Value::Null))
}

/// Reads Nova's `{"embeddings": [{"embeddingType", "embedding"}]}`; the tokens are told in a header only.
pub(super) fn read_nova(items: &[Value]) -> Result<Found, WireError> {
    let vectors: Result<Vec<_>, _> = items
        .iter()
        .map(|item| vector(item.get("embedding").unwrap_or(&Value::Null)))
        .collect();
    Ok(Found {
        vectors: vectors?,
        ..Found::default()
    })
}
