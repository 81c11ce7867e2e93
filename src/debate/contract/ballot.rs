//! Ballots over choices: an order of all, some of them, or points. A ballot that names anything else is not read.

use std::collections::BTreeSet;

use serde_json::Map;
use serde_json::Number;
use serde_json::Value;

use super::canonical::unwrapped;

/// Finds the choice that a text names; letter case, spaces and signs around it make no difference.
pub(super) fn known<'c>(choices: &'c [String], said: &str) -> Option<&'c str> {
    let said = unwrapped(said);
    let named: Vec<&str> = choices
        .iter()
        .map(String::as_str)
        .filter(|choice| unwrapped(choice).to_lowercase() == said.to_lowercase())
        .collect();
    match named.as_slice() {
        [only] => Some(only),
        // Choices that differ in letter case alone: only the exact one counts.
        several => several
            .iter()
            .find(|choice| unwrapped(choice) == said)
            .copied(),
    }
}

/// Reads an order of all choices, best first.
///
/// # Errors
///
/// Says what is missing, twice there or unknown.
pub(super) fn ranking(name: &str, choices: &[String], value: &Value) -> Result<Value, String> {
    let named = names(name, choices, value)?;
    let missing: Vec<&String> = choices
        .iter()
        .filter(|choice| !named.contains(&choice.as_str()))
        .collect();
    if missing.is_empty() {
        return Ok(list(&named));
    }
    Err(format!(
        "\"{name}\" must hold every choice once: {} missing",
        quoted(missing.iter().map(|choice| choice.as_str()))
    ))
}

/// Reads some of the choices, or none of them.
///
/// # Errors
///
/// Says what is twice there or unknown.
pub(super) fn several(name: &str, choices: &[String], value: &Value) -> Result<Value, String> {
    names(name, choices, value).map(|named| list(&named))
}

/// Reads points for choices; a choice that is not named has none.
///
/// # Errors
///
/// Says what is unknown, twice there or no whole number, and when the sum is another one.
pub(super) fn points<'j>(
    name: &str,
    choices: &[String],
    sum: u32,
    given: impl Iterator<Item = (&'j str, Option<Value>)>,
) -> Result<Value, String> {
    let mut points: Map<String, Value> = Map::new();
    let mut total: u64 = 0;
    for (key, value) in given {
        let choice = known(choices, key).ok_or_else(|| unknown(name, choices, key))?;
        let whole = value.as_ref().and_then(whole_number).ok_or_else(|| {
            format!("\"{name}\": \"{choice}\" must have a whole number of points")
        })?;
        if points
            .insert(choice.to_owned(), Value::Number(Number::from(whole)))
            .is_some()
        {
            return Err(format!("\"{name}\": \"{choice}\" is given twice"));
        }
        total = total.saturating_add(whole);
    }
    if total != u64::from(sum) {
        return Err(format!(
            "\"{name}\" must make {sum} points together, not {total}"
        ));
    }
    let of = |choice: &String| {
        let given = points.get(choice).cloned();
        (choice.clone(), given.unwrap_or_else(|| Value::from(0)))
    };
    Ok(Value::Object(choices.iter().map(of).collect()))
}

/// A list in one line of text: `A > B > C`, `A, B, C` or `A; B; C`.
pub(super) fn listed(text: &str) -> Value {
    let sign = ['>', ';', ',']
        .into_iter()
        .find(|sign| text.contains(*sign));
    let parts: Vec<&str> = match sign {
        Some(sign) => text.split(sign).collect(),
        None => vec![text],
    };
    Value::Array(
        parts
            .into_iter()
            .map(|part| Value::String(part.trim().to_owned()))
            .collect(),
    )
}

fn names<'c>(name: &str, choices: &'c [String], value: &Value) -> Result<Vec<&'c str>, String> {
    let Value::Array(items) = value else {
        return Err(format!(
            "\"{name}\" must be a list of {}",
            quoted(choices.iter().map(String::as_str))
        ));
    };
    let (mut named, mut seen) = (Vec::new(), BTreeSet::new());
    for item in items {
        let said = item
            .as_str()
            .ok_or_else(|| format!("\"{name}\" must hold words only"))?;
        let choice = known(choices, said).ok_or_else(|| unknown(name, choices, said))?;
        if !seen.insert(choice) {
            return Err(format!("\"{name}\" holds \"{choice}\" twice"));
        }
        named.push(choice);
    }
    Ok(named)
}

fn unknown(name: &str, choices: &[String], said: &str) -> String {
    let said: String = said.chars().take(60).collect();
    format!(
        "\"{name}\": \"{said}\" is none of {}",
        quoted(choices.iter().map(String::as_str))
    )
}

fn whole_number(value: &Value) -> Option<u64> {
    let number = value.as_number()?;
    // A whole number may be spelled with a point: 4.0.
    number.as_u64().or_else(|| {
        let float = number.as_f64()?;
        (float.fract() == 0.0 && (0.0..=1e9).contains(&float)).then_some(float as u64)
    })
}

fn list(named: &[&str]) -> Value {
    Value::Array(
        named
            .iter()
            .map(|choice| Value::String((*choice).to_owned()))
            .collect(),
    )
}

fn quoted<'a>(words: impl Iterator<Item = &'a str>) -> String {
    let words: Vec<String> = words.map(|word| format!("\"{word}\"")).collect();
    words.join(", ")
}
