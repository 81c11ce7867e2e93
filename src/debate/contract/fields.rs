//! Whether the fields of an answer are what the contract asks for.

use std::fmt;

use serde::Deserialize;
use serde::Deserializer;
use serde::de::MapAccess;
use serde::de::Visitor;
use serde_json::Map;
use serde_json::Number;
use serde_json::Value;
use serde_json::value::RawValue;

use super::ballot;
use crate::types::debate::Contract;
use crate::types::debate::ContractKind;
use crate::types::debate::Field;
use crate::types::debate::FieldKind;

/// The members of a JSON object as they stand there: unlike a map, it keeps a name that is given twice.
#[derive(Debug)]
pub(super) struct Pairs<'j>(Vec<(String, &'j RawValue)>);

impl<'de: 'j, 'j> Deserialize<'de> for Pairs<'j> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Members;

        impl<'de> Visitor<'de> for Members {
            type Value = Pairs<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a JSON object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut pairs = Vec::new();
                while let Some(pair) = map.next_entry()? {
                    pairs.push(pair);
                }
                Ok(Pairs(pairs))
            }
        }

        deserializer.deserialize_map(Members)
    }
}

impl<'j> Pairs<'j> {
    /// The one value of a name.
    fn one(&self, name: &str) -> Result<&'j RawValue, String> {
        let mut values = self
            .0
            .iter()
            .filter(|(key, _)| key == name)
            .map(|(_, value)| *value);
        match (values.next(), values.next()) {
            (Some(value), None) => Ok(value),
            (None, _) => Err(format!("\"{name}\" is missing")),
            (Some(_), Some(_)) => Err(format!("\"{name}\" is given twice")),
        }
    }
}

/// Reads every field of a contract out of an object; what else it holds is left out.
///
/// # Errors
///
/// Says of every field what is wrong with it.
pub(super) fn read(
    contract: &Contract,
    choices: &[String],
    pairs: &Pairs<'_>,
) -> Result<Map<String, Value>, String> {
    let mut read = Map::new();
    let mut problems = Vec::new();
    for field in &contract.fields {
        match pairs
            .one(&field.name)
            .and_then(|value| of_json(field, choices, value))
            .and_then(|value| as_asked(contract, value))
        {
            Ok(value) => {
                read.insert(field.name.clone(), value);
            }
            Err(problem) => problems.push(problem),
        }
    }
    if problems.is_empty() {
        Ok(read)
    } else {
        Err(problems.join("; "))
    }
}

/// Looks at what only one kind of contract asks for.
///
/// # Errors
///
/// A question that asks nothing, or several things at once.
pub(super) fn as_asked(contract: &Contract, value: Value) -> Result<Value, String> {
    match contract.kind {
        ContractKind::Question => question(value),
        ContractKind::Text
        | ContractKind::Json
        | ContractKind::Choice
        | ContractKind::Verdict
        | ContractKind::Ranking
        | ContractKind::Scores => Ok(value),
    }
}

fn question(value: Value) -> Result<Value, String> {
    /// Western, full-width and Arabic.
    const MARKS: [char; 3] = ['?', '\u{ff1f}', '\u{61f}'];
    let text = value.as_str().unwrap_or_default();
    let ends = text
        .trim_end_matches(['"', '\'', ')', '*', '\u{201d}', '\u{bb}'])
        .ends_with(MARKS);
    match text.matches(MARKS).count() {
        1 if ends => Ok(value),
        0 | 1 => Err("it must end in a question mark".to_owned()),
        _ => Err("it must be one question, not several".to_owned()),
    }
}

/// How many of the contract's fields an object names.
pub(super) fn known(contract: &Contract, pairs: &Pairs<'_>) -> usize {
    let named = |field: &&Field| pairs.0.iter().any(|(name, _)| *name == field.name);
    contract.fields.iter().filter(named).count()
}

/// Reads a field out of plain text, as a pattern catches it.
///
/// # Errors
///
/// Says what the field must be.
pub(super) fn of_text(field: &Field, choices: &[String], text: &str) -> Result<Value, String> {
    let value = match &field.kind {
        FieldKind::Number { .. } => {
            let number: Option<Number> = serde_json::from_str(text).ok();
            number.map_or_else(|| Value::String(text.to_owned()), Value::Number)
        }
        FieldKind::Ranking | FieldKind::Several => ballot::listed(text),
        FieldKind::Text
        | FieldKind::Bool
        | FieldKind::OneOf(_)
        | FieldKind::Choice
        | FieldKind::Scores { .. }
        | FieldKind::Points(_) => Value::String(text.to_owned()),
    };
    of_value(field, choices, value)
}

fn of_json(field: &Field, choices: &[String], raw: &RawValue) -> Result<Value, String> {
    let name = &field.name;
    match &field.kind {
        FieldKind::Scores { keys, min, max } => {
            return scores(name, keys, (*min, *max), raw);
        }
        FieldKind::Points(sum) => return points(name, choices, *sum, raw),
        FieldKind::Text
        | FieldKind::Bool
        | FieldKind::Number { .. }
        | FieldKind::OneOf(_)
        | FieldKind::Choice
        | FieldKind::Ranking
        | FieldKind::Several => {}
    }
    let value =
        serde_json::from_str(raw.get()).map_err(|error| format!("\"{}\": {error}", field.name))?;
    of_value(field, choices, value)
}

fn of_value(field: &Field, choices: &[String], value: Value) -> Result<Value, String> {
    let name = &field.name;
    match &field.kind {
        FieldKind::Text => match value {
            Value::String(text) if !text.trim().is_empty() => {
                Ok(Value::String(text.trim().to_owned()))
            }
            Value::String(_) => Err(format!("\"{name}\" is empty")),
            // A number where a text may hold one says the same; voters compare them as equal.
            Value::Number(number) => Ok(Value::String(number.to_string())),
            Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => {
                Err(format!("\"{name}\" must be text"))
            }
        },
        FieldKind::Bool => truth(&value)
            .map(Value::Bool)
            .ok_or_else(|| format!("\"{name}\" must be true or false")),
        FieldKind::Number { min, max } => number(name, (*min, *max), value),
        FieldKind::OneOf(words) => one_of(name, words, &value),
        FieldKind::Choice => one_of(name, choices, &value),
        FieldKind::Ranking => ballot::ranking(name, choices, &value),
        FieldKind::Several => ballot::several(name, choices, &value),
        FieldKind::Scores { .. } | FieldKind::Points(_) => {
            Err(format!("\"{name}\" must be an object of numbers"))
        }
    }
}

fn truth(value: &Value) -> Option<bool> {
    match value {
        Value::Bool(truth) => Some(*truth),
        Value::String(text) => match text.trim().to_lowercase().as_str() {
            "yes" | "true" => Some(true),
            "no" | "false" => Some(false),
            _ => None,
        },
        Value::Null | Value::Number(_) | Value::Array(_) | Value::Object(_) => None,
    }
}

fn number(name: &str, (min, max): (f64, f64), value: Value) -> Result<Value, String> {
    let in_range = value
        .as_f64()
        .is_some_and(|number| (min..=max).contains(&number));
    if in_range {
        Ok(value)
    } else {
        Err(format!("\"{name}\" must be a number from {min} to {max}"))
    }
}

fn one_of(name: &str, words: &[String], value: &Value) -> Result<Value, String> {
    let word = value.as_str().and_then(|said| ballot::known(words, said));
    word.map(|word| Value::String(word.to_owned()))
        .ok_or_else(|| {
            let words: Vec<String> = words.iter().map(|word| format!("\"{word}\"")).collect();
            format!("\"{name}\" must be one of {}", words.join(", "))
        })
}

/// Points are read like scores, but a choice that is not named has none: the sum shows that nothing is missing.
fn points(name: &str, choices: &[String], sum: u32, raw: &RawValue) -> Result<Value, String> {
    let pairs: Pairs<'_> = serde_json::from_str(raw.get())
        .map_err(|_| format!("\"{name}\" must be an object of whole numbers"))?;
    let given = pairs
        .0
        .iter()
        .map(|(key, raw)| (key.as_str(), serde_json::from_str(raw.get()).ok()));
    ballot::points(name, choices, sum, given)
}

fn scores(name: &str, keys: &[String], range: (f64, f64), raw: &RawValue) -> Result<Value, String> {
    let pairs: Pairs<'_> = serde_json::from_str(raw.get())
        .map_err(|_| format!("\"{name}\" must be an object of numbers"))?;
    let mut scores = Map::new();
    for key in keys {
        let raw = pairs
            .one(key)
            .map_err(|problem| format!("\"{name}\": {problem}"))?;
        let value = serde_json::from_str(raw.get()).unwrap_or(Value::Null);
        let score =
            number(key, range, value).map_err(|problem| format!("\"{name}\": {problem}"))?;
        scores.insert(key.clone(), score);
    }
    Ok(Value::Object(scores))
}
