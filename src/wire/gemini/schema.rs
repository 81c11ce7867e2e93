//! JSON Schema as this wire takes it, and its own older form as JSON Schema.

use serde_json::Map;
use serde_json::Value;
use serde_json::json;

/// Words under which the keys are names that people chose, not words of the schema language.
const NAMED: [&str; 4] = ["properties", "$defs", "definitions", "patternProperties"];
/// Words whose values are data.
const DATA: [&str; 6] = [
    "enum", "default", "example", "examples", "required", "const",
];

/// `true` for the schema of an object without members.
pub(super) fn is_empty_object(schema: &Value) -> bool {
    let Value::Object(words) = schema else {
        return schema.is_null();
    };
    let is_empty = |value: &Value| match value {
        Value::Object(members) => members.is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Null => true,
        Value::Bool(_) | Value::Number(_) | Value::String(_) => false,
    };
    words.iter().all(|(word, value)| match word.as_str() {
        "type" => value == "object",
        "properties" | "required" => is_empty(value),
        "additionalProperties" | "$schema" | "title" => true,
        _ => false,
    })
}

/// A schema without what is refused: no `$schema`, `anyOf` for `oneOf`, an `enum` of one for `const`
/// (python-genai and reports of 2026-08).
pub(super) fn for_gemini(schema: &Value) -> Value {
    rewritten(schema, &|word, value| match word {
        "$schema" => None,
        "oneOf" => Some(("anyOf".to_owned(), value)),
        "const" => Some(("enum".to_owned(), json!([value]))),
        other => Some((other.to_owned(), value)),
    })
}

/// The subset of `OpenAPI` 3.0 that `parameters` and `responseSchema` hold, as JSON Schema.
pub(super) fn of_openapi(schema: &Value) -> Value {
    let lowered = rewritten(schema, &|word, value| match (word, &value) {
        ("type", Value::String(name)) => {
            Some(("type".to_owned(), json!(name.to_ascii_lowercase())))
        }
        ("propertyOrdering", _) => None,
        // Counts are written as text by the JSON form of protocol buffers.
        ("minItems" | "maxItems" | "minLength" | "maxLength", Value::String(count)) => {
            let count = count.parse::<u64>().map_or(value, |count| json!(count));
            Some((word.to_owned(), count))
        }
        (other, _) => Some((other.to_owned(), value)),
    });
    nullable(lowered)
}

/// `nullable: true` as a second type.
fn nullable(schema: Value) -> Value {
    match schema {
        Value::Array(items) => items.into_iter().map(nullable).collect(),
        Value::Object(words) => {
            let mut words: Map<String, Value> = words
                .into_iter()
                .map(|(word, value)| (word, nullable(value)))
                .collect();
            if words.get("nullable") == Some(&Value::Bool(true)) && words.contains_key("type") {
                words.shift_remove("nullable");
                let kind = words["type"].take();
                words["type"] = json!([kind, "null"]);
            }
            Value::Object(words)
        }
        plain @ (Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_)) => plain,
    }
}

/// What becomes of a word of a schema and its value; `None` leaves it out.
type Rule<'a> = &'a dyn Fn(&str, Value) -> Option<(String, Value)>;

/// Applies a rule to each word of a schema, from the innermost outwards.
fn rewritten(schema: &Value, rule: Rule<'_>) -> Value {
    match schema {
        Value::Object(words) => words
            .iter()
            .filter_map(|(word, value)| {
                let inner = match (word.as_str(), value) {
                    (named, Value::Object(members)) if NAMED.contains(&named) => members
                        .iter()
                        .map(|(name, schema)| (name.clone(), rewritten(schema, rule)))
                        .collect(),
                    (data, value) if DATA.contains(&data) => value.clone(),
                    (_, value) => rewritten(value, rule),
                };
                rule(word, inner)
            })
            .collect(),
        Value::Array(items) => items.iter().map(|item| rewritten(item, rule)).collect(),
        plain @ (Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_)) => {
            plain.clone()
        }
    }
}
