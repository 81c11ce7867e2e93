//! What choices a contract may be over, before there is a reader.

use crate::types::debate::Choices;
use crate::types::debate::Contract;
use crate::types::debate::Spec;

/// Choices to try a contract's wording out with, where no debate is known yet.
pub fn sample_choices(contract: &Contract) -> Vec<String> {
    match &contract.choices {
        None => Vec::new(),
        Some(Choices::Fixed(words)) => words.clone(),
        Some(Choices::Options | Choices::Phase(_)) => {
            ["one", "another"].map(str::to_owned).to_vec()
        }
    }
}

/// The longest choices that a contract can have in a debate, for bounds: never shorter than what a reader sees.
pub fn most_choices(contract: &Contract, spec: &Spec) -> Vec<String> {
    match &contract.choices {
        None => Vec::new(),
        Some(Choices::Fixed(words)) => words.clone(),
        Some(Choices::Options) => spec.options.clone(),
        Some(Choices::Phase(_)) => spec
            .cast
            .iter()
            .map(|member| {
                let side = member.side.as_deref().unwrap_or_default();
                format!("{} ({side}) and a word", member.name)
            })
            .collect(),
    }
}
