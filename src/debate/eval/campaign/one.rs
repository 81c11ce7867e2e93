//! One contestant's work on one question.

use std::collections::BTreeMap;

use super::Eval;
use super::EvalPlan;
use super::Task;
use super::Work;
use super::check::find;
use crate::debate::AgentOrder;
use crate::debate::DebateOrder;
use crate::debate::eval::EvalError;
use crate::debate::eval::bout;
use crate::debate::eval::contestant::Contestant;
use crate::debate::eval::contestant::VoteSize;
use crate::debate::eval::is_fatal;
use crate::debate::eval::journal::CallLine;
use crate::debate::eval::journal::Debated;
use crate::debate::eval::journal::Failure;
use crate::debate::eval::journal::Grade;
use crate::debate::eval::journal::Record;
use crate::debate::eval::judge;
use crate::debate::eval::question::Key;
use crate::debate::eval::question::Question;
use crate::debate::eval::spent::total;
use crate::debate::plan;
use crate::types::ModelName;
use crate::types::debate::Format;
use crate::types::debate::ParsePath;

impl Eval {
    pub(super) async fn carry_out(&self, task: Task) -> Result<(), EvalError> {
        let contestant = &self.plan.contestants[task.contestant];
        let question = &self.plan.questions[task.question];
        match (task.work, contestant) {
            (Work::Debate(cap), Contestant::Debate { format, debaters }) => {
                let format = find(&self.formats, format)?;
                let order = order(&self.plan, format, *debaters, question);
                self.debate(&contestant.to_string(), question, order, cap)
                    .await
            }
            (Work::FirstCall, _) => self.calls(contestant, question, 1).await.map(|_| ()),
            (Work::Answer(count), _) => self.vote(contestant, question, count).await,
            (Work::Debate(_), Contestant::Single { .. } | Contestant::Vote { .. }) => Ok(()),
        }
    }

    async fn debate(
        &self,
        contestant: &str,
        question: &Question,
        mut order: DebateOrder,
        cap: Option<u64>,
    ) -> Result<(), EvalError> {
        order.limits.tokens = cap;
        let mut ended = self.bout(contestant, question, &mut order).await?;
        // Several debates fail at once when a key is refused; only the first of them stopped that evaluation.
        while ended.is_stale() {
            let mut record = Record::new(contestant, &question.id);
            record.grade = Grade::Failed;
            record.spent = ended.spent;
            record.debated = Some(Debated::of(ended.id));
            record.failure = ended.failure;
            record.fatal = true;
            self.journal.keep(record)?;
            ended = self.bout(contestant, question, &mut order).await?;
        }
        let verdict = ended.verdict.as_ref();
        let said = verdict.and_then(bout::answer);
        let mut record = Record::new(contestant, &question.id);
        record.spent = ended.spent;
        record.capped = ended.capped;
        record.debated = Some(Debated {
            round0: verdict.and_then(|verdict| bout::round0(verdict, question)),
            flips: verdict
                .map(|verdict| bout::flips(verdict, question))
                .unwrap_or_default(),
            ..Debated::of(ended.id)
        });
        record.answer = said.and_then(|said| question.position(said));
        record.failure = ended.failure.filter(|_| record.answer.is_none());
        self.settle(record, question).await
    }

    /// Runs the debate, or goes on with it; each time that its result is thrown away it is another one.
    async fn bout(
        &self,
        contestant: &str,
        question: &Question,
        order: &mut DebateOrder,
    ) -> Result<bout::Ended, EvalError> {
        let attempt = self.journal.attempts(contestant, &question.id);
        // 2^53 keeps the seed exact in every JSON reader.
        let seed = self.draw(&["debate", contestant, &question.id, &attempt.to_string()]) >> 11;
        order.seed = Some(seed);
        let run = &self.journal.manifest().run;
        let key = format!("eval {run} {contestant} {attempt} {}", question.id);
        self.bouts.run(contestant, order, key).await
    }

    /// Asks what has not been asked yet, up to so many calls, and answers as most of them do.
    async fn vote(
        &self,
        contestant: &Contestant,
        question: &Question,
        count: u32,
    ) -> Result<(), EvalError> {
        let calls = self.calls(contestant, question, count).await?;
        let mut record = Record::new(&contestant.to_string(), &question.id);
        record.spent = total(calls.values().map(|call| call.spent));
        let position = |call: &CallLine| {
            call.answer
                .as_deref()
                .and_then(|said| question.position(said))
        };
        let votes: Vec<Option<String>> = calls.values().map(position).collect();
        record.answer = majority(&votes);
        record.failure = match calls.values().all(|call| call.failure.is_some()) {
            true => calls.values().find_map(|call| call.failure.clone()),
            false => None,
        };
        match contestant {
            Contestant::Vote { size, .. } => {
                record.capped = matches!(size, VoteSize::Of(wanted) if *wanted > count);
                record.votes = votes;
            }
            Contestant::Single { .. } | Contestant::Debate { .. } => {}
        }
        self.settle(record, question).await
    }

    /// The first `count` direct calls of a contestant, those asked before included.
    async fn calls(
        &self,
        contestant: &Contestant,
        question: &Question,
        count: u32,
    ) -> Result<BTreeMap<u32, CallLine>, EvalError> {
        let name = contestant.to_string();
        let mut calls = self.journal.samples(&name, &question.id);
        calls.retain(|sample, _| *sample < count);
        for sample in 0..count {
            if calls.contains_key(&sample) {
                continue;
            }
            let model = self.speaker(contestant, sample);
            let call = self.call(&name, question, (sample, model)).await?;
            self.journal.keep_call(call.clone())?;
            calls.insert(sample, call);
        }
        Ok(calls)
    }

    async fn call(
        &self,
        name: &str,
        question: &Question,
        (sample, model): (u32, &ModelName),
    ) -> Result<CallLine, EvalError> {
        let seed = self.draw(&["call", name, &question.id, &sample.to_string()]);
        let asked = self.asker.ask(model, question, seed).await;
        let mut call = CallLine {
            contestant: name.to_owned(),
            question: question.id.clone(),
            sample,
            model: model.to_string(),
            answer: None,
            parse: ParsePath::Unparsed,
            text: String::new(),
            spent: crate::debate::eval::spent::nothing(),
            failure: None,
        };
        match asked {
            Ok(said) => {
                call.answer = said.field("answer");
                call.parse = said.parse;
                call.text = said.text;
                call.spent = said.spent;
            }
            Err((error, _)) if is_fatal(error.kind.code()) => {
                return Err(EvalError::Fatal(error.to_string()));
            }
            Err((error, spent)) => {
                call.spent = spent;
                call.failure = Some(Failure {
                    code: error.kind.code().to_owned(),
                    message: error.message,
                });
            }
        }
        Ok(call)
    }

    /// Who makes a contestant's call of this number.
    fn speaker<'a>(&'a self, contestant: &'a Contestant, sample: u32) -> &'a ModelName {
        let models = &self.plan.models;
        match contestant {
            Contestant::Single { model: Some(own) }
            | Contestant::Vote {
                model: Some(own), ..
            } => own,
            Contestant::Single { model: None } => &models[0],
            Contestant::Vote { model: None, .. } | Contestant::Debate { .. } => {
                &models[sample as usize % models.len()]
            }
        }
    }

    /// Grades an answer and keeps it.
    async fn settle(&self, mut record: Record, question: &Question) -> Result<(), EvalError> {
        record.grade = match (&record.answer, &record.failure) {
            (None, Some(failure)) => {
                record.fatal = is_fatal(&failure.code);
                Grade::Failed
            }
            (None, None) => Grade::Unparsed,
            (Some(answer), _) => {
                let graded = self.grade(question, answer).await?;
                record.grading = graded.spent;
                match graded.right {
                    Some(true) => Grade::Correct,
                    Some(false) => Grade::Wrong,
                    None => Grade::Ungraded,
                }
            }
        };
        let fatal = record.failure.clone().filter(|_| record.fatal);
        self.journal.keep(record)?;
        match fatal {
            Some(failure) => Err(EvalError::Fatal(failure.message)),
            None => Ok(()),
        }
    }

    async fn grade(&self, question: &Question, answer: &str) -> Result<judge::Graded, EvalError> {
        let (Key::Judged { reference }, Some(grader)) = (&question.key, &self.plan.grader) else {
            return Ok(judge::by_key(question.is_right(answer)));
        };
        let seed = self.draw(&["grade", &question.id, answer]);
        let graded = judge::grade(&self.grader, grader, question, (answer, reference), seed).await;
        graded.map_err(|error| EvalError::Fatal(error.to_string()))
    }

    fn draw(&self, purpose: &[&str]) -> u64 {
        plan::draw(self.plan.seed, purpose)
    }
}

/// The order of a debate about a question, without its cap.
pub(super) fn order(
    plan: &EvalPlan,
    format: &Format,
    debaters: Option<u32>,
    question: &Question,
) -> DebateOrder {
    // A format without a judge's seat takes no judge.
    let seats = (bout::judging_seats(format) as usize).min(plan.judges.len());
    let mut order = bout::order(
        format,
        debaters,
        question,
        (&plan.models, &plan.judges[..seats]),
    );
    let ask = |agent: &mut AgentOrder| {
        agent.temperature = plan.sampled.temperature;
        agent.max_tokens = Some(plan.sampled.max_answer_tokens);
    };
    order.agents.iter_mut().for_each(ask);
    order
}

/// The position of most votes; of several equally strong ones the one that was there first. Votes without a position do
/// not count.
fn majority(votes: &[Option<String>]) -> Option<String> {
    let held: Vec<&String> = votes.iter().flatten().collect();
    let count = |position: &String| held.iter().filter(|other| **other == position).count();
    let most = held.iter().map(|position| count(position)).max()?;
    let first = held.iter().find(|position| count(position) == most)?;
    Some((*first).clone())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(votes: &[&str]) -> Option<String> {
        let votes: Vec<Option<String>> = (votes.iter())
            .map(|vote| (!vote.is_empty()).then(|| (*vote).to_owned()))
            .collect();
        majority(&votes)
    }

    #[test]
    fn most_votes_win_and_the_first_of_equals() {
        assert_eq!(of(&["a", "b", "b"]).as_deref(), Some("b"));
        assert_eq!(of(&["c", "a", "b"]).as_deref(), Some("c"));
        assert_eq!(of(&["b", "a", "a", "b"]).as_deref(), Some("b"));
    }

    #[test]
    fn a_vote_that_could_not_be_read_does_not_count() {
        assert_eq!(of(&["", "", "a"]).as_deref(), Some("a"));
        assert_eq!(of(&["", ""]), None);
        assert_eq!(of(&[]), None);
    }
}
