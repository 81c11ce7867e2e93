//! Where in an answer the fields are: the whole text, an object inside it, or what a pattern catches.

use regex_lite::Regex;
use serde_json::Map;
use serde_json::Value;
use serde_json::value::RawValue;

use super::canonical::unwrapped;
use super::fields;
use super::fields::Pairs;
use crate::types::debate::Contract;
use crate::types::debate::ContractKind;

/// What one way of reading gives.
pub(super) enum Found {
    /// Fields that satisfy the contract.
    Valid(Map<String, Value>),
    /// Several valid answers that differ.
    Contradiction(String),
    /// Something of the right shape, with a mistake in it.
    Invalid(String),
    /// Nothing of the right shape.
    Nothing(String),
}

/// Takes the whole text as the JSON; a choice may be the bare word.
pub(super) fn whole(contract: &Contract, choices: &[String], text: &str) -> Found {
    match serde_json::from_str::<Pairs<'_>>(text.trim()) {
        Ok(pairs) => match fields::read(contract, choices, &pairs) {
            Ok(fields) => Found::Valid(fields),
            Err(problem) => Found::Invalid(problem),
        },
        Err(error) => {
            bare(contract, choices, text).unwrap_or_else(|| Found::Nothing(not_json(text, &error)))
        }
    }
}

/// Takes the one valid object that stands in the text, in a fence or bare.
pub(super) fn inside(contract: &Contract, choices: &[String], text: &str) -> Found {
    let text = without_thinking(text);
    let mut valid: Vec<Map<String, Value>> = Vec::new();
    let mut invalid: Option<(usize, String)> = None;
    for object in objects(text) {
        let Ok(pairs) = serde_json::from_str::<Pairs<'_>>(object) else {
            continue;
        };
        let near = fields::known(contract, &pairs);
        match fields::read(contract, choices, &pairs) {
            Ok(fields) if valid.contains(&fields) => {}
            Ok(fields) => valid.push(fields),
            // Of several tries the one that comes nearest says best what is wrong.
            Err(problem) if near > invalid.as_ref().map_or(0, |(best, _)| *best) => {
                invalid = Some((near, problem));
            }
            Err(_) => {}
        }
    }
    match (valid.len(), invalid) {
        (0, Some((_, problem))) => Found::Invalid(problem),
        (0, None) => {
            bare(contract, choices, text).unwrap_or_else(|| Found::Nothing(no_object(text)))
        }
        (1, _) => Found::Valid(valid.swap_remove(0)),
        (count, _) => {
            Found::Contradiction(format!("it holds {count} different answers: give one only"))
        }
    }
}

/// Takes group 1 of a pattern, on the last line where it matches, as the contract's first field.
pub(super) fn by_pattern(
    contract: &Contract,
    choices: &[String],
    pattern: &str,
    text: &str,
) -> Found {
    let nothing = || Found::Nothing("no line has the required form".to_owned());
    let (Ok(regex), Some(field)) = (Regex::new(pattern), contract.fields.first()) else {
        return nothing();
    };
    let caught = |line: &str| -> Vec<String> {
        let groups = regex
            .captures_iter(line)
            .filter_map(|captures| captures.get(1));
        groups
            .map(|group| group.as_str().trim().to_owned())
            .collect()
    };
    let text = without_thinking(text);
    let mut lines = text.lines().rev().map(|line| caught(line.trim()));
    let Some(texts) = lines.find(|texts| !texts.is_empty()) else {
        return nothing();
    };
    let mut values = Vec::new();
    for text in texts {
        match fields::of_text(field, choices, &text) {
            Ok(value) if values.contains(&value) => {}
            Ok(value) => values.push(value),
            Err(problem) => return Found::Invalid(problem),
        }
    }
    match values.as_slice() {
        [only] => Found::Valid(Map::from_iter([(field.name.clone(), only.clone())])),
        _ => {
            Found::Contradiction("its last line holds different answers: give one only".to_owned())
        }
    }
}

/// Takes the whole text as the word of a choice, or as the question; `None` when the contract is neither.
fn bare(contract: &Contract, choices: &[String], text: &str) -> Option<Found> {
    let field = contract.fields.first()?;
    let said = match contract.kind {
        ContractKind::Choice => unwrapped(text),
        // An object that is broken is not a question, whatever stands in it.
        ContractKind::Question if !text.trim_start().starts_with('{') => text.trim().to_owned(),
        ContractKind::Text
        | ContractKind::Json
        | ContractKind::Verdict
        | ContractKind::Ranking
        | ContractKind::Scores
        | ContractKind::Question => return None,
    };
    Some(
        match fields::of_text(field, choices, &said)
            .and_then(|value| fields::as_asked(contract, value))
        {
            Ok(value) => Found::Valid(Map::from_iter([(field.name.clone(), value)])),
            Err(problem) => Found::Nothing(problem),
        },
    )
}

/// Some local models write their reasoning before the answer; a draft in it is not the answer.
fn without_thinking(text: &str) -> &str {
    let after = text
        .trim_start()
        .strip_prefix("<think>")
        .and_then(|rest| rest.split_once("</think>"));
    after.map_or(text, |(_, answer)| answer)
}

/// The outermost JSON objects of a text, in its order.
///
/// An opening brace that begins no readable object is prose, or an object that is broken; what stands inside
/// a broken one is a part of some answer, not an answer.
fn objects(text: &str) -> Vec<&str> {
    let mut objects = Vec::new();
    let (mut from, mut broken_before) = (0, false);
    while let Some(open) = text[from..].find('{').map(|at| from + at) {
        let mut stream = serde_json::Deserializer::from_str(&text[open..]).into_iter::<&RawValue>();
        from = open + 1;
        match stream.next() {
            Some(Ok(object)) => {
                from = open + object.get().len();
                let inside = broken_before && text[..open].trim_end().ends_with([':', ',', '[']);
                objects.extend((!inside).then_some(object.get()));
            }
            Some(Err(_)) | None => broken_before |= text[from..].trim_start().starts_with('"'),
        }
    }
    objects
}

fn no_object(text: &str) -> String {
    let braces = text
        .find('{')
        .zip(text.rfind('}'))
        .filter(|(open, close)| open < close);
    let Some((open, close)) = braces else {
        return "there is no JSON object in it".to_owned();
    };
    match serde_json::from_str::<&RawValue>(&text[open..=close]) {
        Ok(_) => "there is no JSON object in it".to_owned(),
        Err(error) => format!("its JSON is broken: {error}"),
    }
}

fn not_json(text: &str, error: &serde_json::Error) -> String {
    if text.trim_start().starts_with('{') {
        format!("its JSON is broken: {error}")
    } else {
        "it is not a JSON object".to_owned()
    }
}
