//! JSON answers where a provider cannot be held to a schema, or takes only some of JSON Schema.

use serde_json::Map;
use serde_json::Value;

/// The function that a model has to call with its answer, where it can be held to a schema in no other way.
pub(super) const ANSWER_TOOL: &str = "answer_in_json";

/// The sentence that asks for JSON of a schema in the prompt.
pub(super) fn instruction(schema: &Value) -> String {
    format!(
        "Answer with one JSON object and nothing else. It must satisfy this JSON schema:\n{schema}"
    )
}

/// `true` when OpenAI's strict mode takes the schema: every object closed, every property required, and no
/// keyword outside its subset (OpenAI's documentation of structured outputs, read 2026-08).
pub(super) fn is_strict(schema: &Value) -> bool {
    const REFUSED: [&str; 16] = [
        "default",
        "oneOf",
        "minLength",
        "maxLength",
        "minProperties",
        "maxProperties",
        "patternProperties",
        "propertyNames",
        "contains",
        "uniqueItems",
        "unevaluatedItems",
        "unevaluatedProperties",
        "allOf",
        "not",
        "if",
        "dependentRequired",
    ];
    match schema {
        Value::Object(object) => {
            let closed = match object.get("properties").and_then(Value::as_object) {
                Some(properties) => {
                    object.get("additionalProperties") == Some(&Value::Bool(false))
                        && all_required(object, properties)
                }
                None => object.get("type").and_then(Value::as_str) != Some("object"),
            };
            closed
                && REFUSED.iter().all(|word| !object.contains_key(*word))
                && object.values().all(is_strict)
        }
        Value::Array(items) => items.iter().all(is_strict),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => true,
    }
}

fn all_required(object: &Map<String, Value>, properties: &Map<String, Value>) -> bool {
    let required: Vec<&str> = object
        .get("required")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect();
    properties
        .keys()
        .all(|key| required.contains(&key.as_str()))
}

/// A schema without what Anthropic refuses; ranges move into the description, so that the model still knows them
/// (Anthropic's documentation of structured outputs, read 2026-08).
pub(super) fn for_anthropic(schema: &Value) -> Value {
    const REFUSED: [&str; 12] = [
        "minimum",
        "maximum",
        "exclusiveMinimum",
        "exclusiveMaximum",
        "multipleOf",
        "minLength",
        "maxLength",
        "pattern",
        "minItems",
        "maxItems",
        "uniqueItems",
        "minProperties",
    ];
    match schema {
        Value::Object(object) => {
            let mut kept: Map<String, Value> = Map::new();
            let mut told = Vec::new();
            for (key, value) in object {
                if REFUSED.contains(&key.as_str()) {
                    told.push(format!("{key} {value}"));
                } else {
                    let key = if key == "oneOf" { "anyOf" } else { key };
                    kept.insert(key.to_owned(), for_anthropic(value));
                }
            }
            if kept.get("type").and_then(Value::as_str) == Some("object") {
                kept.insert("additionalProperties".to_owned(), Value::Bool(false));
            }
            if !told.is_empty() {
                let before = kept
                    .get("description")
                    .and_then(Value::as_str)
                    .map(|text| format!("{text} "));
                let description = format!("{}({})", before.unwrap_or_default(), told.join(", "));
                kept.insert("description".to_owned(), Value::String(description));
            }
            Value::Object(kept)
        }
        Value::Array(items) => Value::Array(items.iter().map(for_anthropic).collect()),
        other @ (Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_)) => {
            other.clone()
        }
    }
}
