//! One model without a file: `agon --model gpt-4o --alias fast`.

use std::sync::Arc;

use super::Config;
use super::models::ListedModel;
use super::named::plain_deployment;
use super::place::Place;
use crate::types::Deployment;
use crate::types::Target;

/// The model of a command line.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct SingleModel {
    /// The model.
    pub model: String,
    /// What callers name it; its own name otherwise.
    pub alias: Option<String>,
    /// Where it is.
    pub api_base: Option<String>,
    /// Where a caller names none.
    pub temperature: Option<f64>,
    /// Tokens of an answer, at most, where a caller names no number.
    pub max_tokens: Option<u64>,
}

impl SingleModel {
    /// Answers for its name, and for every other that the file has no model for.
    pub(super) fn add_to(self, config: &mut Config) {
        let name = self.alias.unwrap_or_else(|| self.model.clone());
        let mut defaults = serde_json::Map::new();
        if let Some(temperature) = self.temperature {
            defaults.insert("temperature".to_owned(), temperature.into());
        }
        if let Some(tokens) = self.max_tokens {
            defaults.insert("max_tokens".to_owned(), tokens.into());
        }
        let target = Arc::new(Target {
            api_base: self.api_base,
            defaults,
            ..Target::default()
        });
        for group in [name.as_str(), "*"] {
            if config
                .models
                .entries
                .iter()
                .any(|it| *it.deployment.group == *group)
            {
                continue;
            }
            config.models.entries.push(ListedModel {
                deployment: Deployment {
                    id: format!("single:{group}").into(),
                    group: group.into(),
                    model: self.model.as_str().into(),
                    target: Arc::clone(&target),
                    ..plain_deployment()
                },
                place: Place::variable("--model"),
            });
        }
    }
}
