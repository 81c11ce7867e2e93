//! What "at the same budget" means. Pure.
//!
//! The budget is the mean number of tokens, prompt and answer, that the contestant to be matched used for one question,
//! over all its questions, failed and mended calls included. From it:
//!
//! - a vote gets as many calls as come nearest to the budget at the mean tokens of its own first call, the same number
//!   for every question: `vote@match` gets all of them, `vote@N` at most N;
//! - a debate is capped at `headroom` times the budget for each question. The engine reserves the most that its next
//!   calls may use, which is far more than they do use, so a cap at the budget itself would end nearly every debate;
//! - a single call is a single call.
//!
//! Whoever uses more or less than a tenth beside the budget in the mean is labelled, whatever was capped.

use std::collections::BTreeMap;
use std::fmt;

use serde::Deserialize;
use serde::Serialize;

use super::contestant::Contestant;
use super::contestant::InvalidContestant;
use super::contestant::MAX_VOTES;
use super::contestant::VoteSize;

/// Share of the budget by which spending may differ and still count as matched.
const MATCHED_WITHIN: f64 = 0.10;

/// The budget of one question.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Budget {
    /// Tokens.
    pub tokens: f64,
    /// How many calls each vote has, by its name.
    pub votes: BTreeMap<String, u32>,
}

/// Whose budget the others get.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Matched {
    /// Nobody's: everybody uses what it uses.
    Nothing,
    /// This contestant's.
    To(Contestant),
    /// So many tokens for each question.
    Tokens(u64),
}

impl Matched {
    /// Reads `none`, a number of tokens, or a contestant.
    ///
    /// # Errors
    /// As [`Contestant::read`].
    pub fn read(text: &str) -> Result<Self, InvalidContestant> {
        match (text.trim(), text.trim().parse::<u64>()) {
            ("none", _) => Ok(Self::Nothing),
            (_, Ok(0)) => Err(InvalidContestant(
                "a budget has at least one token".to_owned(),
            )),
            (_, Ok(tokens)) => Ok(Self::Tokens(tokens)),
            (name, Err(_)) => Contestant::read(name).map(Self::To),
        }
    }
}

/// As [`Matched::read`] takes it.
impl fmt::Display for Matched {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Nothing => f.write_str("none"),
            Self::To(reference) => reference.fmt(f),
            Self::Tokens(tokens) => tokens.fmt(f),
        }
    }
}

/// How a contestant's spending compares with the budget.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    /// It sets the budget.
    Reference,
    /// Within a tenth of it.
    Matched,
    /// More.
    Over,
    /// Less.
    Under,
}

/// How many calls a vote has under a budget, at the mean tokens of one call; never none.
pub(super) fn votes(size: VoteSize, tokens: f64, per_call: Option<f64>) -> u32 {
    let most = match size {
        VoteSize::Of(count) => count,
        VoteSize::Matched => MAX_VOTES,
    };
    let Some(per_call) = per_call.filter(|mean| *mean > 0.0) else {
        return match size {
            VoteSize::Of(count) => count,
            VoteSize::Matched => 1,
        };
    };
    let fitting = (tokens / per_call).round().clamp(1.0, f64::from(MAX_VOTES));
    most.min(fitting as u32)
}

/// The cap on one debate, in tokens; never none.
pub(super) fn cap(tokens: f64, headroom: f64) -> u64 {
    ((tokens * headroom).ceil() as u64).max(1)
}

/// How mean spending compares with the budget.
pub(super) fn standing(spent: f64, tokens: f64) -> Standing {
    match spent / tokens.max(f64::MIN_POSITIVE) {
        ratio if ratio > 1.0 + MATCHED_WITHIN => Standing::Over,
        ratio if ratio < 1.0 - MATCHED_WITHIN => Standing::Under,
        _ => Standing::Matched,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_vote_has_the_calls_that_come_nearest_to_the_budget() {
        let matched = |tokens, per_call| votes(VoteSize::Matched, tokens, Some(per_call));
        assert_eq!(matched(1_000.0, 100.0), 10);
        assert_eq!(matched(1_040.0, 100.0), 10);
        assert_eq!(matched(1_060.0, 100.0), 11);
        assert_eq!(matched(30.0, 100.0), 1);
        assert_eq!(matched(1e9, 1.0), MAX_VOTES);
        assert_eq!(votes(VoteSize::Matched, 1_000.0, None), 1);
    }

    #[test]
    fn a_fixed_vote_is_capped_and_never_grows() {
        assert_eq!(votes(VoteSize::Of(5), 1_000.0, Some(100.0)), 5);
        assert_eq!(votes(VoteSize::Of(15), 1_000.0, Some(100.0)), 10);
        assert_eq!(votes(VoteSize::Of(15), 1_000.0, None), 15);
    }

    #[test]
    fn a_tenth_beside_the_budget_is_matched() {
        assert_eq!(standing(1_090.0, 1_000.0), Standing::Matched);
        assert_eq!(standing(1_110.0, 1_000.0), Standing::Over);
        assert_eq!(standing(890.0, 1_000.0), Standing::Under);
    }
}
