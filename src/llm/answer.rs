//! What comes back, with what it cost.

use std::fmt;

use crate::types::ChatResponse;
use crate::types::ModelName;
use crate::types::NanoUsd;
use crate::types::Usage;

/// A whole answer. Shown, it is its text.
#[derive(Debug, Clone, PartialEq)]
pub struct Answer {
    /// Who was asked, by the full name.
    pub model: ModelName,
    /// What came, in full.
    pub response: ChatResponse,
    /// What it cost; `None` when the price is not known, 0 for local models.
    pub cost: Option<NanoUsd>,
    /// What was asked for and could not be sent, by Agon's names for it.
    pub dropped: Vec<String>,
}

impl Answer {
    /// The text.
    pub fn text(&self) -> &str {
        &self.response.text
    }

    /// The reasoning, as far as the provider shows it.
    pub fn reasoning(&self) -> Option<String> {
        let text = self.response.reasoning_text();
        (!text.is_empty()).then_some(text)
    }
}

impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text())
    }
}

/// Vectors.
#[derive(Debug, Clone, PartialEq)]
pub struct Embedded {
    /// Who was asked, by the full name.
    pub model: ModelName,
    /// One vector for each text, in the order of the texts.
    pub vectors: Vec<Vec<f32>>,
    /// Tokens.
    pub usage: Usage,
    /// What it cost; `None` when the price is not known, 0 for local models.
    pub cost: Option<NanoUsd>,
    /// What was asked for and could not be sent, by Agon's names for it.
    pub dropped: Vec<String>,
}
