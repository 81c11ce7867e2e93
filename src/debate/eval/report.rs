//! What an evaluation shows: shares with their intervals, pairs with their tests, and what debating changed.

mod count;
mod markdown;

use std::collections::BTreeMap;

use serde::Serialize;

use super::budget::Matched;
use super::budget::Standing;
use super::campaign::EvalPlan;
use super::journal::Flips;
use super::journal::Journal;
use super::question::Kind;
use super::stats::Interval;
use crate::types::NanoUsd;
use crate::types::Usage;

/// Chance of any false finding among all pairs at which a difference is called one.
pub(super) const LEVEL: f64 = 0.05;

/// The report of an evaluation.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Report {
    /// Version of its form.
    pub schema: u32,
    /// `true` when everybody has answered everything.
    pub complete: bool,
    /// Where the questions came from.
    pub questions_file: String,
    /// How many there are.
    pub questions: usize,
    /// How many of each kind.
    pub kinds: BTreeMap<Kind, usize>,
    /// Who speaks.
    pub models: Vec<String>,
    /// Who grades, where somebody has to.
    pub grader: Option<String>,
    /// For every draw.
    pub seed: u64,
    /// Tokens for one question, once known; `None` when nothing is matched.
    pub budget_tokens: Option<f64>,
    /// Whose budget it is: a contestant's name, or `tokens`.
    pub budget_of: Option<String>,
    /// How many times the budget a debate may reserve.
    pub headroom: f64,
    /// Who answered, in the order in which they were named.
    pub contestants: Vec<Row>,
    /// Each two of them on the questions that both have answered.
    pub pairs: Vec<Pair>,
    /// What debating changed, for each format.
    pub debating: Vec<Debating>,
    /// Money spent in this folder, grading included.
    pub cost_nanousd: NanoUsd,
    /// `false` when a price is not known, so that the cost is a lower bound.
    pub cost_known: bool,
    /// What a reader should know.
    pub notes: Vec<String>,
}

/// One contestant.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Row {
    /// As it was written.
    pub contestant: String,
    /// Questions that it has answered or failed to.
    pub asked: u64,
    /// Right.
    pub correct: u64,
    /// Not right.
    pub wrong: u64,
    /// Without an answer that could be read; never right.
    pub unparsed: u64,
    /// Without an answer, because calls failed.
    pub failed: u64,
    /// Not graded, because the grader could not be had or read.
    pub ungraded: u64,
    /// `correct` of `asked`.
    pub accuracy: f64,
    /// Wilson's 95 % interval of that.
    pub interval: Interval,
    /// Right answers to each kind of question.
    pub kinds: BTreeMap<Kind, Share>,
    /// Calls of each question in one vote, when it is one.
    pub votes: Option<u32>,
    /// Questions whose answer was cut short by the budget.
    pub capped: u64,
    /// Model calls, all questions together.
    pub calls: u64,
    /// Tokens, all questions together.
    pub usage: Usage,
    /// Tokens of a question in the mean.
    pub tokens_each: f64,
    /// How many times the budget that is.
    pub of_budget: Option<f64>,
    /// What to call that.
    pub standing: Option<Standing>,
    /// Money, all questions together.
    pub cost_nanousd: NanoUsd,
    /// `false` when a price is not known.
    pub cost_known: bool,
}

/// Right answers, and of how many.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Share {
    /// Right.
    pub correct: u64,
    /// Of so many.
    pub of: u64,
}

/// Two contestants on the same questions.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Pair {
    /// One.
    pub a: String,
    /// The other.
    pub b: String,
    /// Questions that both have answered.
    pub questions: u64,
    /// Both right.
    pub both: u64,
    /// Only the one.
    pub only_a: u64,
    /// Only the other.
    pub only_b: u64,
    /// Neither.
    pub neither: u64,
    /// Share of right answers, the one's minus the other's.
    pub difference: f64,
    /// Its 95 % interval.
    pub interval: Interval,
    /// McNemar's exact two-sided p.
    pub p: f64,
    /// The same with Holm's correction for all pairs.
    pub p_holm: f64,
    /// Whether that is at most 0.05.
    pub significant: bool,
    /// The smallest difference that so many questions would show four times in five; `None` when they agree on all.
    pub detectable: Option<f64>,
}

/// What debating changed in one format: its blind first round against its verdicts, in the same debates.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Debating {
    /// The contestant.
    pub contestant: String,
    /// Debates whose blind round a key can be compared with.
    pub debates: u64,
    /// Blind rounds whose majority was right.
    pub before: u64,
    /// Verdicts of the same debates that were right.
    pub after: u64,
    /// Debates that went from wrong to right.
    pub helped: u64,
    /// Debates that went from right to wrong.
    pub hurt: u64,
    /// McNemar's exact two-sided p of the two.
    pub p: f64,
    /// Single debaters' changes of position.
    pub flips: Flips,
}

impl Report {
    /// The report of what a journal holds.
    pub(super) fn of(plan: &EvalPlan, journal: &Journal) -> Self {
        let answers = count::Answers::of(plan, journal);
        let budget = journal.budget();
        let budget_tokens = budget.as_ref().map(|budget| budget.tokens);
        let contestants: Vec<Row> = (0..plan.contestants.len())
            .map(|at| answers.row(at, budget.as_ref()))
            .collect();
        let mut kinds = BTreeMap::new();
        for question in &plan.questions {
            *kinds.entry(question.kind()).or_default() += 1;
        }
        let complete = contestants
            .iter()
            .all(|row| row.asked == plan.questions.len() as u64);
        let cost_known = contestants.iter().all(|row| row.cost_known);
        let mut report = Self {
            schema: 1,
            complete,
            questions_file: journal.manifest().questions_file.clone(),
            questions: plan.questions.len(),
            kinds,
            models: plan.models.iter().map(ToString::to_string).collect(),
            grader: plan.grader.as_ref().map(ToString::to_string),
            seed: plan.seed,
            budget_tokens,
            budget_of: match &plan.matched {
                Matched::Nothing => None,
                Matched::To(reference) => Some(reference.to_string()),
                Matched::Tokens(_) => Some("tokens".to_owned()),
            },
            headroom: plan.headroom,
            pairs: answers.pairs(),
            debating: answers.debating(),
            contestants,
            cost_nanousd: journal.money(),
            cost_known,
            notes: Vec::new(),
        };
        report.notes = report.notes();
        report
    }

    /// The report for people.
    pub fn markdown(&self) -> String {
        markdown::write(self)
    }

    fn notes(&self) -> Vec<String> {
        let mut notes = Vec::new();
        if !self.complete {
            notes.push(
                "It is not finished: pairs are compared on the questions that both have answered."
                    .to_owned(),
            );
        }
        for row in &self.contestants {
            let name = &row.contestant;
            if row.failed + row.ungraded > 0 {
                notes.push(format!(
                    "{name}: {} questions failed and {} could not be graded. They count as not right; `--retry-failed` \
                     asks them again.",
                    row.failed, row.ungraded
                ));
            }
            if row.asked > 0 && row.unparsed * 20 > row.asked {
                notes.push(format!(
                    "{name}: {} of {} answers could not be read. That says more about form than about knowledge.",
                    row.unparsed, row.asked
                ));
            }
            if row.capped > 0 {
                notes.push(format!(
                    "{name}: the budget cut {} of {} short.",
                    row.capped, row.asked
                ));
            }
            let ratio = row.of_budget.unwrap_or(1.0);
            match row.standing {
                Some(Standing::Over) => notes.push(format!(
                    "{name} used {ratio:.2} times the budget: what it gains may be what it cost."
                )),
                Some(Standing::Under) if row.votes.is_some() || row.capped > 0 => notes.push(format!(
                    "{name} used {ratio:.2} times the budget: it may have done better with all of it."
                )),
                Some(Standing::Under | Standing::Matched | Standing::Reference) | None => {}
            }
        }
        if !self.cost_known {
            notes.push("A price is not known: costs are lower bounds.".to_owned());
        }
        if self.contestants.iter().any(|row| row.usage.estimated) {
            notes.push("Some tokens are estimates, because the provider reported none.".to_owned());
        }
        notes
    }
}

#[cfg(test)]
mod tests;
