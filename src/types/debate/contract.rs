//! What an answer must be, and how it is read.

use serde::Deserialize;
use serde::Serialize;

/// What an answer must be, and how it is read.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Contract {
    /// What it is.
    pub kind: ContractKind,
    /// Its fields, in order; none for a text.
    pub fields: Vec<Field>,
    /// How it is read out of an answer, in order.
    pub extract: Vec<Extract>,
    /// How often the same model is asked to mend it.
    pub repair: u32,
    /// What a choice, a ranking or points are over.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub choices: Option<Choices>,
    /// How `<quote>` spans are checked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quotes: Option<QuoteRule>,
}

/// What can be chosen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Choices {
    /// These words.
    Fixed(Vec<String>),
    /// The answers that the debate was ordered with: `$options`.
    Options,
    /// What was said in a phase, by the labels under which the reader sees it: `$PHASE`.
    Phase(String),
}

/// How quotes are checked against their sources.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct QuoteRule {
    /// Against which texts.
    pub source: QuoteSource,
    /// Readers with `+quotes` see each quote marked as verified or unverified.
    pub tag: bool,
}

/// What quotes are looked for in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum QuoteSource {
    /// The facts that everybody may see.
    Facts,
    /// A secret.
    Secret(String),
    /// The facts, and whatever secrets the speaker sees.
    All,
}

/// What an answer is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ContractKind {
    /// Free text that is not empty.
    Text,
    /// A JSON object of fields.
    Json,
    /// One of several words; its single field is `choice`.
    Choice,
    /// A JSON object that rules on the debate.
    Verdict,
    /// All choices, best first; its single field is `ranking`.
    Ranking,
    /// Points for choices; its single field is `scores`.
    Scores,
    /// One question; its single field is `question`.
    Question,
}

/// One field of a contract.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Field {
    /// Its name.
    pub name: String,
    /// What it holds.
    pub kind: FieldKind,
}

/// What a field holds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FieldKind {
    /// Text that is not empty.
    Text,
    /// Yes or no.
    Bool,
    /// A number in a range, both ends included.
    Number {
        /// At least.
        min: f64,
        /// At most.
        max: f64,
    },
    /// One of these words.
    OneOf(Vec<String>),
    /// One of the contract's choices, where they are known only when a debate runs (`$options`, `$PHASE`); fixed
    /// choices are [`FieldKind::OneOf`].
    Choice,
    /// Each of the contract's choices once, best first.
    Ranking,
    /// Several of the contract's choices.
    Several,
    /// Points for the contract's choices that sum up to this.
    Points(u32),
    /// A number in a range for each of these keys.
    Scores {
        /// The keys.
        keys: Vec<String>,
        /// At least.
        min: f64,
        /// At most.
        max: f64,
    },
}

/// A way of reading an answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Extract {
    /// The whole text is the JSON; the provider is asked for its native schema form.
    Schema,
    /// A fenced block, or the outermost braces.
    Fence,
    /// A pattern on the last line that matches; its group 1 is the first field.
    Regex(String),
    /// Ask a cheap model to extract it.
    Ask,
}
