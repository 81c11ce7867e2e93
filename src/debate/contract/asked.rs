//! Having another, cheap model read an answer that could not be read.
//!
//! It may only copy: what it gives counts when it stands in the answer, and is thrown away otherwise.

use serde_json::Value;

use super::Reading;
use super::canonical;
use super::instruction;
use super::read;
use crate::types::debate::Contract;
use crate::types::debate::Field;
use crate::types::debate::FieldKind;
use crate::types::debate::ParsePath;

/// What the other model says when the answer does not decide.
const UNCLEAR: &str = "UNCLEAR";

/// Asks a model that took no part to copy the answer's fields out of it. The answer itself is shown in a fence
/// by whoever renders this.
pub fn extract_prompt(contract: &Contract, choices: &[String]) -> String {
    format!(
        "The text above is somebody's answer. Copy what it decides into the form below. Copy only what it says: do \
         not judge it, complete it or choose for it. If it does not clearly say one thing for every field, or says \
         two different things, answer with the word {UNCLEAR} and nothing else.\n\n{}",
        instruction(contract, choices)
    )
}

/// Reads what the other model copied out of `answer`.
///
/// Words, numbers and texts that do not stand in the answer make it unreadable: then somebody has decided who
/// was only asked to read.
pub fn read_extracted(
    contract: &Contract,
    choices: &[String],
    answer: &str,
    extracted: &str,
) -> Reading {
    if extracted.trim().trim_matches(['"', '.', '*']) == UNCLEAR {
        return Reading::unparsed("the answer does not clearly decide");
    }
    let reading = read(contract, choices, extracted);
    let Some(parsed) = &reading.parsed else {
        return Reading::unparsed("the answer is not in the required form");
    };
    let answer = words_of(answer);
    let invented = contract.fields.iter().find(|field| {
        parsed
            .get(&field.name)
            .is_some_and(|value| !stands_in(&answer, field, value))
    });
    match invented {
        Some(field) => {
            Reading::unparsed(format!("\"{}\" does not stand in the answer", field.name))
        }
        None => Reading {
            path: ParsePath::Extracted,
            ..reading
        },
    }
}

fn stands_in(answer: &str, field: &Field, value: &Value) -> bool {
    let said = |value: &Value| {
        let words = words_of(&canonical(value));
        !words.trim().is_empty() && answer.contains(&words)
    };
    match &field.kind {
        // No answer says "true"; the words for it are the reader's to understand.
        FieldKind::Bool => true,
        FieldKind::Text | FieldKind::Number { .. } | FieldKind::OneOf(_) | FieldKind::Choice => {
            said(value)
        }
        FieldKind::Ranking | FieldKind::Several => {
            value.as_array().is_none_or(|items| items.iter().all(said))
        }
        FieldKind::Points(_) | FieldKind::Scores { .. } => value.as_object().is_none_or(|given| {
            let counts = |value: &Value| value.as_f64() != Some(0.0);
            given.values().filter(|value| counts(value)).all(said)
        }),
    }
}

/// A text as ` word word `: letters and digits in lower case, so that a word is found whole or not at all.
fn words_of(text: &str) -> String {
    let mut words = String::from(" ");
    for c in text.chars().flat_map(char::to_lowercase) {
        let kept = c.is_alphanumeric() || c == '.' && !words.ends_with([' ', '.']);
        if kept {
            words.push(c);
        } else if !words.ends_with(' ') {
            words.push(' ');
        }
    }
    let trimmed = words.trim_end_matches([' ', '.']).to_owned();
    trimmed.replace(". ", " ") + " "
}
