//! Counting what a journal holds. Pure.

use std::collections::BTreeMap;

use super::Debating;
use super::LEVEL;
use super::Pair;
use super::Row;
use super::Share;
use crate::debate::eval::budget;
use crate::debate::eval::budget::Budget;
use crate::debate::eval::budget::Matched;
use crate::debate::eval::budget::Standing;
use crate::debate::eval::campaign::EvalPlan;
use crate::debate::eval::contestant::Contestant;
use crate::debate::eval::journal::Flips;
use crate::debate::eval::journal::Grade;
use crate::debate::eval::journal::Journal;
use crate::debate::eval::journal::Record;
use crate::debate::eval::question::Kind;
use crate::debate::eval::spent::total;
use crate::debate::eval::stats;

/// All answers of an evaluation.
pub(super) struct Answers<'a> {
    plan: &'a EvalPlan,
    names: Vec<String>,
    /// By contestant: the records of questions that are asked, by question.
    records: Vec<BTreeMap<String, Record>>,
    kinds: BTreeMap<&'a str, Kind>,
}

impl<'a> Answers<'a> {
    pub(super) fn of(plan: &'a EvalPlan, journal: &Journal) -> Self {
        let kinds: BTreeMap<&str, Kind> = (plan.questions.iter())
            .map(|question| (question.id.as_str(), question.kind()))
            .collect();
        let names: Vec<String> = plan.contestants.iter().map(ToString::to_string).collect();
        let own = |name: &String| {
            let mut records = journal.records_of(name);
            records.retain(|question, _| kinds.contains_key(question.as_str()));
            records
        };
        Self {
            plan,
            records: names.iter().map(own).collect(),
            names,
            kinds,
        }
    }

    pub(super) fn row(&self, at: usize, budget: Option<&Budget>) -> Row {
        let records = &self.records[at];
        let asked = records.len() as u64;
        let graded = |grade: Grade| count(records, |record| record.grade == grade);
        let spent = total(records.values().map(|record| record.spent));
        let tokens_each = spent.usage.total_tokens() as f64 / asked.max(1) as f64;
        let mut kinds: BTreeMap<Kind, Share> = BTreeMap::new();
        for (question, record) in records {
            if let Some(kind) = self.kinds.get(question.as_str()) {
                let share = kinds.entry(*kind).or_default();
                share.correct += u64::from(record.grade == Grade::Correct);
                share.of += 1;
            }
        }
        let contestant = &self.plan.contestants[at];
        let is_reference =
            matches!(&self.plan.matched, Matched::To(reference) if reference == contestant);
        let standing = budget
            .filter(|_| asked > 0)
            .map(|budget| match is_reference {
                true => Standing::Reference,
                false => budget::standing(tokens_each, budget.tokens),
            });
        Row {
            contestant: self.names[at].clone(),
            asked,
            correct: graded(Grade::Correct),
            wrong: graded(Grade::Wrong),
            unparsed: graded(Grade::Unparsed),
            failed: graded(Grade::Failed),
            ungraded: graded(Grade::Ungraded),
            accuracy: graded(Grade::Correct) as f64 / asked.max(1) as f64,
            interval: stats::wilson(graded(Grade::Correct), asked),
            kinds,
            votes: match contestant {
                Contestant::Vote { .. } => records
                    .values()
                    .map(|record| record.votes.len() as u32)
                    .max(),
                Contestant::Single { .. } | Contestant::Debate { .. } => None,
            },
            capped: count(records, |record| record.capped),
            calls: spent.calls,
            usage: spent.usage,
            tokens_each,
            of_budget: budget
                .filter(|_| asked > 0)
                .map(|budget| tokens_each / budget.tokens.max(f64::MIN_POSITIVE)),
            standing,
            cost_nanousd: spent.cost_nanousd,
            cost_known: spent.cost_known,
        }
    }

    /// Each two contestants on the questions that both have answered.
    pub(super) fn pairs(&self) -> Vec<Pair> {
        let mut pairs = Vec::new();
        for a in 0..self.names.len() {
            for b in a + 1..self.names.len() {
                pairs.extend(self.pair(a, b));
            }
        }
        let ps: Vec<f64> = pairs.iter().map(|pair| pair.p).collect();
        for (pair, p) in pairs.iter_mut().zip(stats::holm(&ps)) {
            pair.p_holm = p;
            pair.significant = p <= LEVEL;
        }
        pairs
    }

    /// `None` when no question has been answered by both.
    fn pair(&self, a: usize, b: usize) -> Option<Pair> {
        let right = |record: &Record| record.grade == Grade::Correct;
        let both_answered = self.records[a].iter().filter_map(|(question, record)| {
            let other = self.records[b].get(question)?;
            Some((right(record), right(other)))
        });
        let cells: Vec<(bool, bool)> = both_answered.collect();
        let cell = |wanted| cells.iter().filter(|cell| **cell == wanted).count() as u64;
        let (only_a, only_b) = (cell((true, false)), cell((false, true)));
        let questions = cells.len() as u64;
        (questions > 0).then(|| Pair {
            a: self.names[a].clone(),
            b: self.names[b].clone(),
            questions,
            both: cell((true, true)),
            only_a,
            only_b,
            neither: cell((false, false)),
            difference: (only_a as f64 - only_b as f64) / questions as f64,
            interval: stats::paired_difference(only_a, only_b, questions),
            p: stats::mcnemar_exact(only_a, only_b),
            p_holm: 1.0,
            significant: false,
            detectable: stats::detectable_difference(only_a + only_b, questions),
        })
    }

    /// What debating changed, for each debate format that has answered anything.
    pub(super) fn debating(&self) -> Vec<Debating> {
        let debates = |at: &usize| matches!(self.plan.contestants[*at], Contestant::Debate { .. });
        let formats = (0..self.names.len()).filter(debates);
        formats
            .filter(|at| !self.records[*at].is_empty())
            .map(|at| changed(&self.names[at], &self.records[at]))
            .collect()
    }
}

fn changed(name: &str, records: &BTreeMap<String, Record>) -> Debating {
    let mut debating = Debating {
        contestant: name.to_owned(),
        debates: 0,
        before: 0,
        after: 0,
        helped: 0,
        hurt: 0,
        p: 1.0,
        flips: Flips::default(),
    };
    for record in records.values() {
        let Some(debated) = &record.debated else {
            continue;
        };
        let flips = &mut debating.flips;
        flips.helped += debated.flips.helped;
        flips.bullied += debated.flips.bullied;
        flips.other += debated.flips.other;
        flips.ungraded += debated.flips.ungraded;
        let Some(before) = debated.round0.as_ref().and_then(|round0| round0.right) else {
            continue;
        };
        let after = record.grade == Grade::Correct;
        debating.debates += 1;
        debating.before += u64::from(before);
        debating.after += u64::from(after);
        debating.helped += u64::from(!before && after);
        debating.hurt += u64::from(before && !after);
    }
    debating.p = stats::mcnemar_exact(debating.helped, debating.hurt);
    debating
}

fn count(records: &BTreeMap<String, Record>, is: impl Fn(&Record) -> bool) -> u64 {
    records.values().filter(|record| is(record)).count() as u64
}
