//! The form that a JSON answer must have, and finding the JSON in what a model writes.

use jsonschema::Validator;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Map;
use serde_json::Value;

use crate::types::ChatResponse;
use crate::types::FinishReason;
use crate::types::ResponseFormat;

/// The member that holds a value which is no object: providers take schemas of objects only.
const WRAPPED: &str = "value";
/// Most mistakes that are told.
const MAX_PROBLEMS: usize = 8;
/// Longest text of one mistake; those of a schema quote the value.
const MAX_PROBLEM_CHARS: usize = 240;

/// A schema, ready to be asked for and to check.
pub(super) struct Form {
    name: String,
    sent: Value,
    validator: Validator,
    is_wrapped: bool,
}

impl Form {
    /// Compiles a schema. References to other documents are not followed.
    pub(super) fn new(schema: &Value) -> Result<Self, String> {
        let validator = jsonschema::validator_for(schema).map_err(|error| error.to_string())?;
        let is_object = schema.get("type").and_then(Value::as_str) == Some("object");
        let mut sent = match is_object {
            true => schema.clone(),
            false => wrapped(schema),
        };
        if let Some(object) = sent.as_object_mut() {
            // Some providers refuse it, and none reads it.
            object.shift_remove("$schema");
        }
        Ok(Self {
            name: name(schema),
            sent,
            validator,
            is_wrapped: !is_object,
        })
    }

    /// How the answer is asked for.
    pub(super) fn response_format(&self) -> ResponseFormat {
        ResponseFormat::JsonSchema {
            name: self.name.clone(),
            schema: self.sent.clone(),
        }
    }

    /// Reads and checks an answer.
    ///
    /// # Errors
    /// What is wrong with it, in words that a model can act on.
    pub(super) fn read<T: DeserializeOwned>(
        &self,
        response: &ChatResponse,
    ) -> Result<T, Vec<String>> {
        let checked = self
            .found(response)
            .ok_or_else(|| vec!["it holds no JSON".to_owned()]);
        let checked = checked.and_then(|value| self.check(value));
        checked.map_err(|mut problems| {
            if response.finish == FinishReason::Length {
                problems.insert(0, "it was cut at its token limit: be shorter".to_owned());
            }
            problems
        })
    }

    fn found(&self, response: &ChatResponse) -> Option<Value> {
        // A model that answers by calling the schema as a tool.
        let mut calls = response.tool_calls.iter();
        let call = calls.find(|call| call.name == self.name);
        match call {
            Some(call) => serde_json::from_str(&call.arguments).ok(),
            None => find(&response.text),
        }
    }

    fn check<T: DeserializeOwned>(&self, value: Value) -> Result<T, Vec<String>> {
        let value = self.unwrapped(value);
        let errors = self.validator.iter_errors(&value).take(MAX_PROBLEMS);
        let problems: Vec<String> = errors
            .map(|error| located(error.instance_path().as_str(), &error.to_string()))
            .collect();
        match problems.is_empty() {
            true => {
                serde_json::from_value(value).map_err(|error| vec![located("", &error.to_string())])
            }
            false => Err(problems),
        }
    }

    /// The value itself. A model that was asked in the prompt alone may leave the wrapping out.
    fn unwrapped(&self, value: Value) -> Value {
        match value {
            Value::Object(mut object) if self.is_wrapped && object.len() == 1 => {
                match object.shift_remove(WRAPPED) {
                    Some(inner) => inner,
                    None => Value::Object(object),
                }
            }
            other => other,
        }
    }
}

/// A schema of an object that holds a value of this schema; what the schema refers to stays at the root.
fn wrapped(schema: &Value) -> Value {
    let mut inner = schema.clone();
    let mut outer = Map::new();
    outer.insert("type".to_owned(), "object".into());
    if let Some(object) = inner.as_object_mut() {
        for key in ["$defs", "definitions"] {
            if let Some(shared) = object.shift_remove(key) {
                outer.insert(key.to_owned(), shared);
            }
        }
        object.shift_remove("$schema");
    }
    outer.insert(
        "properties".to_owned(),
        serde_json::json!({ WRAPPED: inner }),
    );
    outer.insert("required".to_owned(), serde_json::json!([WRAPPED]));
    outer.insert("additionalProperties".to_owned(), false.into());
    Value::Object(outer)
}

/// The schema's title as a name that providers take: 1 to 64 of `A-Za-z0-9_-`.
fn name(schema: &Value) -> String {
    let title = schema
        .get("title")
        .and_then(Value::as_str)
        .unwrap_or_default();
    let usual = |c: &char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
    let name: String = title.chars().filter(usual).take(64).collect();
    match name.is_empty() {
        true => "answer".to_owned(),
        false => name,
    }
}

fn located(path: &str, problem: &str) -> String {
    let problem: String = problem.chars().take(MAX_PROBLEM_CHARS).collect();
    match path {
        "" => problem,
        path => format!("{path}: {problem}"),
    }
}

/// Finds the JSON in a text: the whole of it, or the first value behind a fence or some words.
fn find(text: &str) -> Option<Value> {
    let text = text.trim();
    if let Ok(value) = serde_json::from_str(text) {
        return Some(value);
    }
    text.match_indices(['{', '[']).find_map(|(at, _)| {
        let mut values = serde_json::Deserializer::from_str(&text[at..]);
        let value = Value::deserialize(&mut values).ok()?;
        // "[1]" in a sentence is a footnote and no answer.
        let says_much = match &value {
            Value::Object(_) => true,
            Value::Array(items) => items.iter().all(|item| !item.is_number()) || at == 0,
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => false,
        };
        says_much.then_some(value)
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn answer(text: &str) -> ChatResponse {
        ChatResponse {
            text: text.to_owned(),
            ..ChatResponse::default()
        }
    }

    #[test]
    fn json_is_found_in_fences_and_among_words() {
        let value = json!({"a": [1, {"b": "}"}]});
        for text in [
            format!("{value}"),
            format!("```json\n{value:#}\n```"),
            format!("Here [1] you are: {value} — anything else?"),
            format!("\n{value}\n{{\"a\": 2}}"),
        ] {
            assert_eq!(find(&text), Some(value.clone()), "{text}");
        }
        for text in ["", "no", "{\"a\": ", "see [1]"] {
            assert_eq!(find(text), None, "{text}");
        }
        assert_eq!(find("```\n[\"a\", \"b\"]\n```"), Some(json!(["a", "b"])));
    }

    #[test]
    fn what_is_no_object_is_wrapped_and_what_it_refers_to_stays_at_the_root() {
        let schema = json!({"$schema": "https://json-schema.org/draft/2020-12/schema",
            "title": "Array of Item!", "type": "array", "items": {"$ref": "#/$defs/Item"},
            "$defs": {"Item": {"type": "integer"}}});
        let form = Form::new(&schema).unwrap();
        assert_eq!(form.name, "ArrayofItem");
        let expected = json!({"type": "object", "$defs": {"Item": {"type": "integer"}},
            "properties": {"value": {"title": "Array of Item!", "type": "array",
                                     "items": {"$ref": "#/$defs/Item"}}},
            "required": ["value"], "additionalProperties": false});
        assert_eq!(form.sent, expected);
        assert_eq!(
            form.read::<Vec<u8>>(&answer("{\"value\": [1, 2]}")),
            Ok(vec![1, 2])
        );
        assert_eq!(form.read::<Vec<u8>>(&answer("[1, 2]")), Ok(vec![1, 2]));
        let problems = form
            .read::<Vec<u8>>(&answer("{\"value\": [1, \"x\"]}"))
            .unwrap_err();
        assert_eq!(problems, ["/1: \"x\" is not of type \"integer\""]);
        // The schema has no upper bound, the type has.
        let problems = form.read::<Vec<u8>>(&answer("[300]")).unwrap_err();
        assert!(problems[0].contains("300"), "{problems:?}");
    }

    #[test]
    fn a_cut_answer_is_told_as_cut() {
        let form = Form::new(&json!({"type": "object"})).unwrap();
        let cut = ChatResponse {
            finish: FinishReason::Length,
            ..answer("{\"a\": ")
        };
        let problems = form.read::<Value>(&cut).unwrap_err();
        assert_eq!(problems.len(), 2);
        assert!(problems[0].contains("token limit"), "{problems:?}");
        assert!(Form::new(&json!({"type": "nonsense"})).is_err());
    }
}
