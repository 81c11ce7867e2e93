//! Which tasks there are before the budget is known, and which after. Decides, and asks nobody.

use super::Eval;
use super::Task;
use super::Work;
use crate::debate::eval::EvalError;
use crate::debate::eval::budget;
use crate::debate::eval::budget::Budget;
use crate::debate::eval::budget::Matched;
use crate::debate::eval::contestant::Contestant;
use crate::debate::eval::contestant::VoteSize;
use crate::debate::eval::question::Question;

impl Eval {
    pub(super) fn is_matched(&self) -> bool {
        self.plan.matched != Matched::Nothing
    }

    /// Whether a contestant waits for the budget.
    pub(super) fn waits(&self, contestant: &Contestant) -> bool {
        let sets_it =
            matches!(&self.plan.matched, Matched::To(reference) if reference == contestant);
        match contestant {
            Contestant::Single { .. } => false,
            Contestant::Vote { .. } | Contestant::Debate { .. } => self.is_matched() && !sets_it,
        }
    }

    /// All steps: one for each answer, and one for each first call of a vote that waits.
    pub(super) fn steps(&self) -> usize {
        let waiting = self.plan.contestants.iter().filter(|contestant| {
            matches!(contestant, Contestant::Vote { .. }) && self.waits(contestant)
        });
        (self.plan.contestants.len() + waiting.count()) * self.plan.questions.len()
    }

    /// Steps that are not done, when the first stage has these tasks.
    pub(super) fn open_steps(&self, first: &[Task]) -> usize {
        let unanswered = |contestant: &Contestant| {
            let name = contestant.to_string();
            let questions = self.plan.questions.iter();
            questions
                .filter(|question| !self.journal.has(&name, &question.id))
                .count()
        };
        let waiting = self.plan.contestants.iter().filter(|it| self.waits(it));
        first.len() + waiting.map(unanswered).sum::<usize>()
    }

    pub(super) fn first_stage(&self) -> Vec<Task> {
        self.tasks(|contestant| match contestant {
            Contestant::Single { .. } => Some(Work::Answer(1)),
            Contestant::Vote { .. } if self.waits(contestant) => Some(Work::FirstCall),
            Contestant::Vote {
                size: VoteSize::Of(count),
                ..
            } => Some(Work::Answer(*count)),
            Contestant::Vote {
                size: VoteSize::Matched,
                ..
            } => None,
            Contestant::Debate { .. } => (!self.waits(contestant)).then_some(Work::Debate(None)),
        })
    }

    pub(super) fn second_stage(&self, budget: Option<&Budget>) -> Vec<Task> {
        let Some(budget) = budget else {
            return Vec::new();
        };
        let cap = budget::cap(budget.tokens, self.plan.headroom);
        self.tasks(|contestant| match contestant {
            _ if !self.waits(contestant) => None,
            Contestant::Single { .. } => None,
            Contestant::Vote { .. } => {
                let votes = budget.votes.get(&contestant.to_string()).copied();
                Some(Work::Answer(votes.unwrap_or(1)))
            }
            Contestant::Debate { .. } => Some(Work::Debate(Some(cap))),
        })
    }

    /// What is still to be done of what each contestant has to do for each question: question by question, so that
    /// everybody has answered the same ones when it stops early.
    fn tasks(&self, work: impl Fn(&Contestant) -> Option<Work>) -> Vec<Task> {
        let mut tasks = Vec::new();
        for (question, asked) in self.plan.questions.iter().enumerate() {
            for (at, contestant) in self.plan.contestants.iter().enumerate() {
                let name = contestant.to_string();
                let Some(work) = work(contestant) else {
                    continue;
                };
                let called = matches!(work, Work::FirstCall)
                    && self.journal.samples(&name, &asked.id).contains_key(&0);
                if !called && !self.journal.has(&name, &asked.id) {
                    tasks.push(Task {
                        contestant: at,
                        question,
                        work,
                    });
                }
            }
        }
        tasks
    }

    /// The budget: the one that was kept, or what the first stage shows.
    pub(super) fn settle_budget(&self) -> Result<Option<Budget>, EvalError> {
        if let Some(kept) = self.journal.budget() {
            return Ok(Some(kept));
        }
        let tokens = match &self.plan.matched {
            Matched::Nothing => return Ok(None),
            Matched::Tokens(tokens) => *tokens as f64,
            Matched::To(reference) => {
                let records = self.journal.records_of(&reference.to_string());
                let used = records
                    .values()
                    .map(|record| record.spent.usage.total_tokens() as f64);
                used.sum::<f64>() / records.len().max(1) as f64
            }
        };
        let votes = self
            .plan
            .contestants
            .iter()
            .filter_map(|contestant| match contestant {
                Contestant::Vote { size, .. } if self.waits(contestant) => {
                    let name = contestant.to_string();
                    let count = budget::votes(*size, tokens, self.mean_first_call(&name));
                    Some((name, count))
                }
                Contestant::Vote { .. } | Contestant::Single { .. } | Contestant::Debate { .. } => {
                    None
                }
            });
        let budget = Budget {
            tokens,
            votes: votes.collect(),
        };
        self.journal.keep_budget(&budget)?;
        Ok(Some(budget))
    }

    /// Mean tokens of a vote's first calls, those that failed apart.
    fn mean_first_call(&self, contestant: &str) -> Option<f64> {
        let first = |question: &Question| {
            let call = self.journal.samples(contestant, &question.id).remove(&0)?;
            let used = call.spent.usage.total_tokens() as f64;
            call.failure.is_none().then_some(used)
        };
        let used: Vec<f64> = self.plan.questions.iter().filter_map(first).collect();
        (!used.is_empty()).then(|| used.iter().sum::<f64>() / used.len() as f64)
    }
}
