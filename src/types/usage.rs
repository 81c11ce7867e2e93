//! Tokens and money as integers.

use std::fmt;
use std::iter::Sum;
use std::ops::Add;
use std::ops::AddAssign;

use serde::Deserialize;
use serde::Serialize;

/// Tokens of one call in disjoint buckets: no token is counted twice.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Usage {
    /// Prompt tokens that were neither read from nor written to a cache.
    pub input: u64,
    /// Prompt tokens read from the provider's cache.
    pub cache_read: u64,
    /// Prompt tokens written to the provider's cache.
    pub cache_write: u64,
    /// Answer tokens without the reasoning.
    pub output: u64,
    /// Reasoning tokens.
    pub reasoning: u64,
    /// Audio tokens heard.
    pub audio_in: u64,
    /// Audio tokens spoken.
    pub audio_out: u64,
    /// What the provider bills, where that is not what it counted (Cohere).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub billed: Option<Billed>,
    /// `true` when the provider reported nothing and the figures are Agon's estimate.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub estimated: bool,
}

/// Tokens that a provider bills for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Billed {
    /// Of the prompt.
    pub input: u64,
    /// Of the answer.
    pub output: u64,
}

impl Usage {
    /// What is billed: what was counted, unless the provider says otherwise.
    pub fn billed(&self) -> Billed {
        self.billed.unwrap_or(Billed {
            input: self.prompt_tokens(),
            output: self.completion_tokens(),
        })
    }

    /// All tokens of the prompt.
    pub fn prompt_tokens(&self) -> u64 {
        self.input + self.cache_read + self.cache_write + self.audio_in
    }

    /// All tokens of the answer.
    pub fn completion_tokens(&self) -> u64 {
        self.output + self.reasoning + self.audio_out
    }

    /// All tokens.
    pub fn total_tokens(&self) -> u64 {
        self.prompt_tokens() + self.completion_tokens()
    }
}

impl Add for Usage {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            input: self.input + other.input,
            cache_read: self.cache_read + other.cache_read,
            cache_write: self.cache_write + other.cache_write,
            output: self.output + other.output,
            reasoning: self.reasoning + other.reasoning,
            audio_in: self.audio_in + other.audio_in,
            audio_out: self.audio_out + other.audio_out,
            billed: (self.billed.is_some() || other.billed.is_some()).then(|| {
                let (ours, theirs) = (self.billed(), other.billed());
                Billed {
                    input: ours.input + theirs.input,
                    output: ours.output + theirs.output,
                }
            }),
            estimated: self.estimated || other.estimated,
        }
    }
}

impl AddAssign for Usage {
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}

impl Sum for Usage {
    fn sum<I: Iterator<Item = Self>>(items: I) -> Self {
        items.fold(Self::default(), Add::add)
    }
}

/// Returns a cautious estimate of a text's tokens: about one for three characters, never zero for text.
pub fn estimate_tokens(text: &str) -> u64 {
    (text.chars().count() as u64).div_ceil(3)
}

/// Money in billionths of a US dollar.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct NanoUsd(pub u64);

impl NanoUsd {
    /// Converts dollars, rounding to the nearest billionth; negative or not finite is `None`.
    pub fn from_usd(usd: f64) -> Option<Self> {
        let nanos = (usd * 1e9).round();
        (nanos.is_finite() && (0.0..=1e18).contains(&nanos)).then_some(Self(nanos as u64))
    }

    /// The amount in dollars, for people to read.
    pub fn as_usd(self) -> f64 {
        self.0 as f64 / 1e9
    }
}

impl Add for NanoUsd {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }
}

impl AddAssign for NanoUsd {
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}

impl Sum for NanoUsd {
    fn sum<I: Iterator<Item = Self>>(items: I) -> Self {
        items.fold(Self(0), Add::add)
    }
}

impl fmt::Display for NanoUsd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "${:.6}", self.as_usd())
    }
}
