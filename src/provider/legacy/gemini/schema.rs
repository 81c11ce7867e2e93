//! JSON Schema as Gemini takes it.

use serde_json::Map;
use serde_json::Value;

/// The schema without the words that Gemini refuses (2026-08).
pub(super) fn taken(schema: &Value) -> Value {
    let Value::Object(fields) = schema else {
        return match schema {
            Value::Array(items) => items.iter().map(taken).collect(),
            other => other.clone(),
        };
    };
    let mut kept = Map::new();
    for (name, value) in fields {
        let (name, value) = match (name.as_str(), value) {
            ("$schema", _) => continue,
            // Here the keys are names that people chose, not words of the schema language.
            ("properties" | "$defs" | "definitions", Value::Object(named)) => {
                let schemas = named
                    .iter()
                    .map(|(name, schema)| (name.clone(), taken(schema)));
                (name.as_str(), schemas.collect())
            }
            ("enum" | "default" | "required", value) => (name.as_str(), value.clone()),
            ("const", value) => ("enum", Value::Array(vec![value.clone()])),
            ("oneOf", value) => ("anyOf", taken(value)),
            (name, value) => (name, taken(value)),
        };
        kept.insert(name.to_owned(), value);
    }
    Value::Object(kept)
}

/// `true` when a schema names no argument: some models refuse such a one, and none needs it.
pub(super) fn names_nothing(schema: &Value) -> bool {
    let Some(fields) = schema.as_object() else {
        return schema.is_null();
    };
    let is_plain = |name: &String| {
        let plain = [
            "type",
            "properties",
            "required",
            "additionalProperties",
            "$schema",
        ];
        plain.contains(&name.as_str())
    };
    let properties = schema.get("properties").and_then(Value::as_object);
    properties.is_none_or(Map::is_empty) && fields.keys().all(is_plain)
}
