//! How a contract is told to a model: as a schema, in a sentence, and when an answer has to be mended.

use serde_json::Map;
use serde_json::Value;
use serde_json::json;

use crate::types::debate::Contract;
use crate::types::debate::ContractKind;
use crate::types::debate::Field;
use crate::types::debate::FieldKind;

/// The JSON schema of an answer, for a provider's native form; `None` for a text.
///
/// Ranges are told twice: as `minimum` and `maximum`, and in the description, because Anthropic's structured
/// outputs refuse the keywords and its clients leave them out. Reading checks them anyway.
pub fn schema(contract: &Contract, choices: &[String]) -> Option<Value> {
    match contract.kind {
        ContractKind::Text => None,
        ContractKind::Json
        | ContractKind::Choice
        | ContractKind::Verdict
        | ContractKind::Ranking
        | ContractKind::Scores
        | ContractKind::Question => {
            let properties = contract
                .fields
                .iter()
                .map(|field| (field.name.clone(), property(&field.kind, choices)));
            Some(object(properties))
        }
    }
}

fn property(kind: &FieldKind, choices: &[String]) -> Value {
    match kind {
        FieldKind::Text => json!({"type": "string"}),
        FieldKind::Bool => json!({"type": "boolean"}),
        FieldKind::Number { min, max } => number(*min, *max),
        FieldKind::OneOf(words) => json!({"type": "string", "enum": words}),
        FieldKind::Choice => json!({"type": "string", "enum": choices}),
        FieldKind::Ranking => list(choices, "each exactly once, best first"),
        FieldKind::Several => list(choices, "each at most once; may be empty"),
        FieldKind::Points(sum) => {
            let told = format!("a whole number of points; all together make {sum}");
            let points = json!({"type": "integer", "description": told});
            object(choices.iter().map(|key| (key.clone(), points.clone())))
        }
        FieldKind::Scores { keys, min, max } => {
            object(keys.iter().map(|key| (key.clone(), number(*min, *max))))
        }
    }
}

/// How often a choice may stand in a list is told in words only: providers refuse `uniqueItems` and the like in
/// strict schemas (OpenAI's structured outputs guide, read 2026-11).
fn list(choices: &[String], told: &str) -> Value {
    json!({
        "type": "array",
        "items": {"type": "string", "enum": choices},
        "description": told,
    })
}

fn number(min: f64, max: f64) -> Value {
    json!({"type": "number", "minimum": min, "maximum": max, "description": format!("from {min} to {max}")})
}

fn object(properties: impl Iterator<Item = (String, Value)>) -> Value {
    let properties: Map<String, Value> = properties.collect();
    let required: Vec<&String> = properties.keys().collect();
    json!({
        "type": "object",
        "required": required,
        "properties": properties,
        "additionalProperties": false,
    })
}

/// Tells a model the form of its answer.
pub fn instruction(contract: &Contract, choices: &[String]) -> String {
    match contract.kind {
        ContractKind::Text => "Answer in plain prose.".to_owned(),
        ContractKind::Question => {
            "Answer with one question, ending in a question mark, and nothing else.".to_owned()
        }
        ContractKind::Choice => {
            let choices = contract
                .fields
                .first()
                .map(|field| described(&field.kind, choices));
            format!(
                "Answer with exactly {}, and nothing else.",
                choices.unwrap_or_default()
            )
        }
        ContractKind::Json
        | ContractKind::Verdict
        | ContractKind::Ranking
        | ContractKind::Scores => {
            let line = |field: &Field| {
                let told = described(&field.kind, choices);
                format!("- \"{}\": {told}", field.name)
            };
            let fields: Vec<String> = contract.fields.iter().map(line).collect();
            format!(
                "Answer with one JSON object and nothing else: no text before or after it, no code fence. \
                 It has exactly these fields:\n{}",
                fields.join("\n")
            )
        }
    }
}

fn described(kind: &FieldKind, choices: &[String]) -> String {
    match kind {
        FieldKind::Text => "text".to_owned(),
        FieldKind::Bool => "true or false".to_owned(),
        FieldKind::Number { min, max } => format!("a number from {min} to {max}"),
        FieldKind::OneOf(words) => format!("one of {}", quoted(words)),
        FieldKind::Choice => format!("one of {}", quoted(choices)),
        FieldKind::Ranking => format!(
            "a list of all of these, each exactly once, best first: {}",
            quoted(choices)
        ),
        FieldKind::Several => format!(
            "a list of those of these that you approve of, which may be none: {}",
            quoted(choices)
        ),
        FieldKind::Points(sum) => format!(
            "an object with a whole number of points for each of {}, which together make {sum}",
            quoted(choices)
        ),
        FieldKind::Scores { keys, min, max } => {
            format!(
                "an object with a number from {min} to {max} for each of {}",
                quoted(keys)
            )
        }
    }
}

fn quoted(words: &[String]) -> String {
    let words: Vec<String> = words.iter().map(|word| format!("\"{word}\"")).collect();
    words.join(", ")
}

/// Asks a model to give its answer again in the right form, without thinking it over anew.
pub fn repair_prompt(contract: &Contract, choices: &[String], problem: &str) -> String {
    let task = match contract.kind {
        ContractKind::Text => "Give your answer again.",
        ContractKind::Json
        | ContractKind::Choice
        | ContractKind::Verdict
        | ContractKind::Ranking
        | ContractKind::Scores
        | ContractKind::Question => {
            "Give the same answer again in the required form. Do not change what you decided; only mend the form."
        }
    };
    format!(
        "Your answer could not be used: {problem}.\n{task}\n\n{}",
        instruction(contract, choices)
    )
}
