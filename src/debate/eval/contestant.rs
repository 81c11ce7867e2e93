//! Who answers the questions: one model, several votes, or a debate. Pure.

use std::fmt;

use crate::types::ModelName;

/// Most votes of one question.
pub(super) const MAX_VOTES: u32 = 99;

/// One way of answering a question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Contestant {
    /// One call.
    Single {
        /// Who is asked; the first of the evaluation's models when `None`.
        model: Option<ModelName>,
    },
    /// Several independent calls, and the answer of most.
    Vote {
        /// How many.
        size: VoteSize,
        /// Who is asked; all of the evaluation's models in turn when `None`.
        model: Option<ModelName>,
    },
    /// A debate in a format.
    Debate {
        /// The format's id.
        format: String,
        /// How many debaters; as many as there are models, and at least three, as far as the format has seats, when
        /// `None`.
        debaters: Option<u32>,
    },
}

/// How many calls a vote has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum VoteSize {
    /// So many, or fewer where the budget is smaller.
    Of(u32),
    /// As many as the budget pays for.
    Matched,
}

/// Why a contestant's name says nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct InvalidContestant(pub String);

impl Contestant {
    /// Reads `single`, `single=provider/model`, `vote@5`, `vote@match`, `vote@5=provider/model`, `FORMAT` or `FORMAT@4`;
    /// a format that is called like one of these is written `format:FORMAT`.
    ///
    /// # Errors
    /// Says what can be written.
    pub fn read(text: &str) -> Result<Self, InvalidContestant> {
        let text = text.trim();
        if let Some(format) = text.strip_prefix("format:") {
            return Self::debate(format, text);
        }
        let (name, model) = match text.split_once('=') {
            None => (text, None),
            Some((name, model)) => (name, Some(named(model, text)?)),
        };
        match (name.split_once('@'), model) {
            (None, model) if name == "single" => Ok(Self::Single { model }),
            (Some(("vote", size)), model) => Ok(Self::Vote {
                size: votes(size, text)?,
                model,
            }),
            (None, None) if name == "vote" => Err(InvalidContestant(
                "say how many vote: vote@5, or vote@match for as many as the budget pays for"
                    .to_owned(),
            )),
            (_, None) => Self::debate(name, text),
            (_, Some(_)) => Err(InvalidContestant(format!(
                "\"{text}\": only single and vote@N take a model of their own"
            ))),
        }
    }

    fn debate(written: &str, text: &str) -> Result<Self, InvalidContestant> {
        let (format, debaters) = match written.split_once('@') {
            None => (written, None),
            Some((format, count)) => {
                let count = count.parse().ok().filter(|count| (1..=16).contains(count));
                let count = count.ok_or_else(|| {
                    InvalidContestant(format!("\"{text}\": write FORMAT@N for 1 to 16 debaters"))
                })?;
                (format, Some(count))
            }
        };
        if format.is_empty() {
            let help = "write single, vote@N, vote@match or a format's name";
            return Err(InvalidContestant(help.to_owned()));
        }
        Ok(Self::Debate {
            format: format.to_owned(),
            debaters,
        })
    }
}

fn named(model: &str, text: &str) -> Result<ModelName, InvalidContestant> {
    model
        .parse()
        .map_err(|_| InvalidContestant(format!("\"{text}\": write the model as provider/model")))
}

fn votes(size: &str, text: &str) -> Result<VoteSize, InvalidContestant> {
    if size == "match" {
        return Ok(VoteSize::Matched);
    }
    let count = size
        .parse()
        .ok()
        .filter(|count| (1..=MAX_VOTES).contains(count));
    count.map(VoteSize::Of).ok_or_else(|| {
        InvalidContestant(format!(
            "\"{text}\": write vote@N for 1 to {MAX_VOTES} votes, or vote@match"
        ))
    })
}

/// As [`Contestant::read`] takes it.
impl fmt::Display for Contestant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let own = |model: &Option<ModelName>| {
            model
                .as_ref()
                .map_or_else(String::new, |model| format!("={model}"))
        };
        match self {
            Self::Single { model } => write!(f, "single{}", own(model)),
            Self::Vote {
                size: VoteSize::Of(count),
                model,
            } => write!(f, "vote@{count}{}", own(model)),
            Self::Vote {
                size: VoteSize::Matched,
                model,
            } => write!(f, "vote@match{}", own(model)),
            Self::Debate { format, debaters } => {
                let prefix = if matches!(format.as_str(), "single" | "vote") {
                    "format:"
                } else {
                    ""
                };
                match debaters {
                    None => write!(f, "{prefix}{format}"),
                    Some(count) => write!(f, "{prefix}{format}@{count}"),
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_and_written_again() {
        for text in [
            "single",
            "single=ollama/llama3.2:3b",
            "vote@5",
            "vote@match",
            "vote@9=openrouter/meta-llama/llama-3.3-70b-instruct:free",
            "society-of-minds",
            "society-of-minds@5",
            "format:single",
            "format:vote@3",
        ] {
            assert_eq!(Contestant::read(text).unwrap().to_string(), text);
        }
    }

    #[test]
    fn what_says_nothing_is_refused_with_what_can_be_written() {
        for (text, told) in [
            ("vote", "vote@5"),
            ("vote@0", "1 to 99"),
            ("vote@many", "vote@match"),
            ("single=gpt", "provider/model"),
            ("council=openai/x", "only single"),
            ("council@99", "1 to 16"),
            ("", "write single"),
        ] {
            let refused = Contestant::read(text).unwrap_err().to_string();
            assert!(refused.contains(told), "{text}: {refused}");
        }
    }
}
