//! What an answer must be: telling a model, reading its answer, and saying why it could not be read.
//!
//! Reading never guesses. An answer that is not what was asked for is [`ParsePath::Unparsed`], and so is
//! one that says two different things.

mod asked;
mod ballot;
mod canonical;
mod choices;
mod fields;
mod found;
mod number;
#[cfg(test)]
mod tests;
mod wording;

use serde_json::Map;
use serde_json::Value;

pub use asked::extract_prompt;
pub use asked::read_extracted;
pub use canonical::canonical;
pub use choices::most_choices;
pub use choices::sample_choices;
pub use wording::instruction;
pub use wording::repair_prompt;
pub use wording::schema;

use found::Found;

use crate::types::debate::Contract;
use crate::types::debate::ContractKind;
use crate::types::debate::Extract;
use crate::types::debate::ParsePath;

/// What was read out of an answer.
#[derive(Debug, Clone, PartialEq)]
pub struct Reading {
    /// The fields of the contract, in its order and nothing else; `None` for a text, and for what could not
    /// be read. An answer that was read by a pattern has its first field alone.
    pub parsed: Option<Value>,
    /// How it was read.
    pub path: ParsePath,
    /// Why it could not be used, for the repair call.
    pub problem: Option<String>,
}

impl Reading {
    fn unparsed(problem: impl Into<String>) -> Self {
        Self {
            parsed: None,
            path: ParsePath::Unparsed,
            problem: Some(problem.into()),
        }
    }

    fn read(fields: Map<String, Value>, path: ParsePath) -> Self {
        Self {
            parsed: Some(Value::Object(fields)),
            path,
            problem: None,
        }
    }
}

/// Reads an answer in the ways that its contract lists, in their order.
///
/// `choices` are what rankings, choices, approvals and points are over, as the reader saw them; what was read
/// names them in the same words. Contracts with words of their own do not look at them.
///
/// The first way that gives a valid answer counts; one that finds two different valid answers ends the
/// search, because choosing between them would be a guess.
pub fn read(contract: &Contract, choices: &[String], text: &str) -> Reading {
    if text.trim().is_empty() {
        let path = match contract.kind {
            ContractKind::Text => ParsePath::Text,
            ContractKind::Json
            | ContractKind::Choice
            | ContractKind::Verdict
            | ContractKind::Ranking
            | ContractKind::Scores
            | ContractKind::Question => ParsePath::Unparsed,
        };
        return Reading {
            parsed: None,
            path,
            problem: Some("the answer is empty".to_owned()),
        };
    }
    match contract.kind {
        ContractKind::Text => Reading {
            parsed: None,
            path: ParsePath::Text,
            problem: None,
        },
        ContractKind::Json
        | ContractKind::Choice
        | ContractKind::Verdict
        | ContractKind::Ranking
        | ContractKind::Scores
        | ContractKind::Question => search(contract, choices, text),
    }
}

fn search(contract: &Contract, choices: &[String], text: &str) -> Reading {
    let mut problem_found = None;
    for way in &contract.extract {
        let (found, path) = match way {
            Extract::Schema => (found::whole(contract, choices, text), ParsePath::Strict),
            Extract::Fence => (found::inside(contract, choices, text), ParsePath::Fence),
            Extract::Regex(pattern) => {
                let found = found::by_pattern(contract, choices, pattern, text);
                (found, ParsePath::Regex)
            }
            // Needs a model: whoever calls this asks one, and reads its answer.
            Extract::Ask => continue,
        };
        match found {
            Found::Valid(fields) => return Reading::read(fields, path),
            Found::Contradiction(problem) => return Reading::unparsed(problem),
            // A mistake inside an object says more than that there is none.
            Found::Invalid(problem) => problem_found = Some(problem),
            Found::Nothing(problem) => {
                problem_found.get_or_insert(problem);
            }
        }
    }
    Reading::unparsed(
        problem_found.unwrap_or_else(|| "the answer is not in the required form".to_owned()),
    )
}
