//! A question with its key, and when an answer is right. Pure.
//!
//! An answer is brought into the one form in which it is counted and compared: its *position*. What has no position
//! is unparsed, which is an outcome of its own and never right.

mod final_answer;
mod read;

use std::collections::BTreeMap;

use serde_json::Value;

pub use read::read;

use super::number::Number;
use crate::debate::contract;
use crate::debate::plan;
use crate::types::debate::Document;

/// A question with its key.
#[derive(Debug, Clone, PartialEq)]
pub struct Question {
    /// Unique in its file.
    pub id: String,
    /// The question itself.
    pub text: String,
    /// What the right answer is.
    pub key: Key,
    /// Texts that everybody may see and quote.
    pub facts: Vec<Document>,
    /// Texts that only some roles of a debate see, by the name under which a format knows them.
    pub secrets: BTreeMap<String, Document>,
}

/// What the right answer to a question is.
#[derive(Debug, Clone, PartialEq)]
pub enum Key {
    /// A number.
    Numeric {
        /// The number.
        value: Number,
        /// How far an answer may be off; `None` takes no other number.
        tolerance: Option<f64>,
    },
    /// One of several options.
    Choice {
        /// The options, in the order in which they are shown.
        options: Vec<String>,
        /// Which is right, counted from 0.
        right: usize,
    },
    /// A short text.
    Exact {
        /// The spellings that are right.
        accepted: Vec<String>,
    },
    /// Something that a model has to compare with a reference.
    Judged {
        /// The reference.
        reference: String,
    },
}

/// The kinds of keys, by the word of files and reports.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// A number.
    Numeric,
    /// One of several options.
    Choice,
    /// A short text.
    Exact,
    /// Graded by a model.
    Judged,
}

impl Kind {
    /// The word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Numeric => "numeric",
            Self::Choice => "choice",
            Self::Exact => "exact",
            Self::Judged => "judged",
        }
    }
}

impl Question {
    /// What kind of key it has.
    pub fn kind(&self) -> Kind {
        match self.key {
            Key::Numeric { .. } => Kind::Numeric,
            Key::Choice { .. } => Kind::Choice,
            Key::Exact { .. } => Kind::Exact,
            Key::Judged { .. } => Kind::Judged,
        }
    }

    /// The question as every contestant gets it: its text, its options, and what the answer must be.
    pub fn topic(&self) -> String {
        let mut parts = vec![self.text.trim().to_owned()];
        let form = match &self.key {
            Key::Numeric { .. } => "Give as the answer one number alone, without words or units.",
            Key::Choice { options, .. } => {
                let lines: Vec<String> = (options.iter().enumerate())
                    .map(|(at, option)| format!("{}) {}", letter(at), option.trim()))
                    .collect();
                parts.push(lines.join("\n"));
                "Give as the answer the letter of the right option alone."
            }
            Key::Exact { .. } => {
                "Give as the answer its shortest complete form, without a sentence around it."
            }
            Key::Judged { .. } => "Give as the answer at most three sentences.",
        };
        parts.push(format!(
            "{form} Wherever you write prose, end it with a line of its own: Answer: <the answer>"
        ));
        parts.join("\n\n")
    }

    /// The options as they are shown, where there are some.
    pub fn options(&self) -> &[String] {
        match &self.key {
            Key::Choice { options, .. } => options,
            Key::Numeric { .. } | Key::Exact { .. } | Key::Judged { .. } => &[],
        }
    }

    /// Where an answer stands: the letter of an option, the one spelling of a number or of a text. `None` when it
    /// does not say.
    pub fn position(&self, answer: &str) -> Option<String> {
        let answer = final_answer::in_text(answer);
        match &self.key {
            Key::Numeric { .. } => Number::read(answer).map(|number| number.as_str().to_owned()),
            Key::Choice { options, .. } => {
                option_of(options, answer).map(|at| letter(at).to_string())
            }
            Key::Exact { .. } => Some(canonical(answer)).filter(|text| !text.is_empty()),
            Key::Judged { .. } => Some(answer.trim().to_owned()).filter(|text| !text.is_empty()),
        }
    }

    /// Whether a position is right; `None` when only a model can say.
    pub fn is_right(&self, position: &str) -> Option<bool> {
        match &self.key {
            Key::Numeric { value, tolerance } => {
                Some(Number::read(position).is_some_and(|number| number.is(value, *tolerance)))
            }
            Key::Choice { right, .. } => Some(position == letter(*right).to_string()),
            Key::Exact { accepted } => Some(
                accepted
                    .iter()
                    .any(|right| canonical(right) == canonical(position)),
            ),
            Key::Judged { .. } => None,
        }
    }

    /// The same question with its options in an order drawn from the seed.
    #[must_use]
    pub fn shuffled(mut self, seed: u64) -> Self {
        if let Key::Choice { options, right } = &mut self.key {
            let mut order: Vec<usize> = (0..options.len()).collect();
            plan::shuffle(seed, &format!("options {}", self.id), &mut order);
            *right = order.iter().position(|at| at == right).unwrap_or(*right);
            *options = order.iter().map(|at| options[*at].clone()).collect();
        }
        self
    }
}

/// The letter of an option; there are at most 26.
fn letter(at: usize) -> char {
    char::from(b'A' + (at % 26) as u8)
}

fn canonical(text: &str) -> String {
    contract::canonical(&Value::String(text.to_owned()))
}

/// Which option an answer names: its letter, its letter and text, or its text. An answer that names two names none.
fn option_of(options: &[String], answer: &str) -> Option<usize> {
    let said = canonical(answer);
    let spelled: Vec<usize> = (0..options.len())
        .filter(|at| canonical(&options[*at]) == said)
        .collect();
    let lettered = (0..options.len()).find(|at| is_lettered(*at, &options[*at], &said));
    match (lettered, spelled.as_slice()) {
        (Some(at), []) => Some(at),
        (None, [at]) => Some(*at),
        (Some(at), [same]) if at == *same => Some(at),
        (None | Some(_), _) => None,
    }
}

/// `b`, `(b)`, `b)`, `option b`, or any of these before the option's own text.
fn is_lettered(at: usize, option: &str, said: &str) -> bool {
    let own = letter(at).to_ascii_lowercase();
    let said = said.strip_prefix("option ").unwrap_or(said);
    let said = said.strip_prefix('(').unwrap_or(said);
    let Some(rest) = said.strip_prefix(own) else {
        return false;
    };
    if rest.is_empty() || rest == ")" {
        return true;
    }
    let Some(text) = rest.strip_prefix([')', '.', ':', ' ']) else {
        return false;
    };
    canonical(text.trim_start_matches([')', ' ', '-', '\u{2014}'])) == canonical(option)
}

#[cfg(test)]
mod tests;
