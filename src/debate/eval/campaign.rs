//! The evaluation itself: who is asked what, in which order, how many at a time, and when it stops.
//!
//! In a first stage the contestant that sets the budget answers everything, and so does whoever has no budget to keep;
//! votes make their first call. Then the budget is known, kept, and the others follow.

mod check;
mod one;
mod stages;

use std::fmt;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering;

use futures::StreamExt;
use futures::stream;
use tokio::sync::watch;

use super::EvalError;
use super::ask::Asker;
use super::ask::Sampled;
use super::bout::Bouts;
use super::budget::Matched;
use super::contestant::Contestant;
use super::journal::Asked;
use super::journal::Journal;
use super::journal::Manifest;
use super::question::Question;
use super::report::Report;
use crate::catalog::Catalog;
use crate::client::ClientSource;
use crate::debate::Engine;
use crate::debate::format::FormatLibrary;
use crate::events::LiveLane;
use crate::store::EventLog;
use crate::types::ModelName;
use crate::types::NanoUsd;

/// What an evaluation works with.
pub struct EvalParts {
    /// Who calls models.
    pub clients: Arc<dyn ClientSource>,
    /// What models charge.
    pub catalog: Arc<Catalog>,
    /// The formats.
    pub formats: Arc<FormatLibrary>,
    /// Runs debates.
    pub engine: Engine,
    /// Their log.
    pub log: Arc<dyn EventLog>,
    /// Word of their events.
    pub live: Arc<dyn LiveLane>,
}

impl fmt::Debug for EvalParts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EvalParts")
            .field("engine", &self.engine)
            .finish_non_exhaustive()
    }
}

/// What is to be evaluated.
#[derive(Debug, Clone)]
pub struct EvalPlan {
    /// The questions, in the order in which they are asked.
    pub questions: Vec<Question>,
    /// Who answers them.
    pub contestants: Vec<Contestant>,
    /// Who speaks; at least one.
    pub models: Vec<ModelName>,
    /// Who judges or moderates in debates; the engine fills the seats when nobody is named.
    pub judges: Vec<ModelName>,
    /// Who grades answers that only a model can compare with their key.
    pub grader: Option<ModelName>,
    /// Whose budget the others get.
    pub matched: Matched,
    /// How many times the budget a debate may reserve.
    pub headroom: f64,
    /// How models are asked.
    pub sampled: Sampled,
    /// For every draw.
    pub seed: u64,
    /// Questions that are under way at the same time; at least one.
    pub concurrency: usize,
    /// Nothing new is begun once so much is spent.
    pub max_cost: Option<NanoUsd>,
}

/// How far an evaluation is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Progress {
    /// Steps that are done: answers, and first calls of votes that wait for the budget.
    pub done: usize,
    /// All steps.
    pub of: usize,
    /// Money spent so far.
    pub money: NanoUsd,
    /// What was done last: contestant and question.
    pub last: String,
}

/// How an evaluation ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// Everybody has answered everything.
    Complete,
    /// It was told to stop; another start goes on.
    Stopped,
    /// The money that may be spent is spent.
    OutOfMoney,
}

/// An evaluation, and what it has so far.
pub struct Eval {
    plan: EvalPlan,
    journal: Journal,
    formats: Arc<FormatLibrary>,
    asker: Asker,
    grader: Asker,
    bouts: Bouts,
    done: AtomicUsize,
}

impl fmt::Debug for Eval {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Eval")
            .field("plan", &self.plan)
            .finish_non_exhaustive()
    }
}

/// One contestant's work on one question.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Task {
    contestant: usize,
    question: usize,
    work: Work,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Work {
    /// Direct calls up to so many, and the answer of most of them.
    Answer(u32),
    /// The first direct call alone.
    FirstCall,
    /// A debate under a cap.
    Debate(Option<u64>),
}

/// What became of a task.
enum Did {
    It(Task),
    /// Nothing: the money is spent.
    Nothing,
}

impl Eval {
    /// An evaluation in a folder: a new one, or the one that the folder holds. With `retry_failed`, what failed or could
    /// not be graded is had again.
    ///
    /// # Errors
    /// When the plan cannot be carried out, or the folder holds another evaluation, with what to do instead. Nothing has
    /// been asked then.
    pub fn open(
        parts: EvalParts,
        plan: EvalPlan,
        asked: &Asked,
        dir: &Path,
        retry_failed: bool,
    ) -> Result<Self, EvalError> {
        check::check(&parts, &plan)?;
        let manifest = Manifest::of(&plan, asked, &parts.formats);
        let journal = Journal::open(dir, &manifest, retry_failed)?;
        let asker = |sampled| Asker {
            clients: Arc::clone(&parts.clients),
            catalog: Arc::clone(&parts.catalog),
            sampled,
        };
        Ok(Self {
            asker: asker(plan.sampled),
            // A grader is no contestant: it is asked as its provider would.
            grader: asker(Sampled {
                temperature: None,
                ..plan.sampled
            }),
            bouts: Bouts {
                engine: parts.engine,
                log: parts.log,
                live: parts.live,
            },
            formats: parts.formats,
            plan,
            journal,
            done: AtomicUsize::new(0),
        })
    }

    /// Asks what has not been asked yet, until everything is answered or `stop` says so.
    ///
    /// What is under way when it stops is given up: direct calls are asked again by the next start, debates are gone on
    /// with.
    ///
    /// # Errors
    /// When a file or the store fails, or every further call would; what is answered is kept.
    pub async fn run(
        &self,
        tell: &(dyn Fn(Progress) + Send + Sync),
        stop: watch::Receiver<bool>,
    ) -> Result<Ended, EvalError> {
        let first = self.first_stage();
        self.done
            .store(self.steps() - self.open_steps(&first), Ordering::Relaxed);
        let ended = self.perform(first, tell, stop.clone()).await?;
        if ended != Ended::Complete {
            return Ok(ended);
        }
        let budget = self.settle_budget()?;
        self.perform(self.second_stage(budget.as_ref()), tell, stop)
            .await
    }

    /// How far it is before it asks anything.
    pub fn so_far(&self) -> Progress {
        Progress {
            done: self.steps() - self.open_steps(&self.first_stage()),
            of: self.steps(),
            money: self.journal.money(),
            last: String::new(),
        }
    }

    /// What can be said so far.
    pub fn report(&self) -> Report {
        Report::of(&self.plan, &self.journal)
    }

    /// Where it keeps what it has.
    pub fn journal(&self) -> &Journal {
        &self.journal
    }

    async fn perform(
        &self,
        tasks: Vec<Task>,
        tell: &(dyn Fn(Progress) + Send + Sync),
        mut stop: watch::Receiver<bool>,
    ) -> Result<Ended, EvalError> {
        let all = tasks.into_iter().map(|task| self.attempt(task));
        let mut work = stream::iter(all).buffer_unordered(self.plan.concurrency.max(1));
        let mut ended = Ended::Complete;
        loop {
            let did = tokio::select! {
                biased;
                () = told_to_stop(&mut stop) => return Ok(Ended::Stopped),
                did = work.next() => did,
            };
            match did {
                None => return Ok(ended),
                Some(Err(error)) => return Err(error),
                Some(Ok(Did::Nothing)) => ended = Ended::OutOfMoney,
                Some(Ok(Did::It(task))) => tell(self.progress(task)),
            }
        }
    }

    async fn attempt(&self, task: Task) -> Result<Did, EvalError> {
        if self
            .plan
            .max_cost
            .is_some_and(|most| self.journal.money() >= most)
        {
            return Ok(Did::Nothing);
        }
        self.carry_out(task).await?;
        self.done.fetch_add(1, Ordering::Relaxed);
        Ok(Did::It(task))
    }

    fn progress(&self, task: Task) -> Progress {
        let (contestant, question) = (self.name(task), &self.plan.questions[task.question].id);
        Progress {
            done: self.done.load(Ordering::Relaxed),
            of: self.steps(),
            money: self.journal.money(),
            last: format!("{contestant} · {question}"),
        }
    }

    fn name(&self, task: Task) -> String {
        self.plan.contestants[task.contestant].to_string()
    }
}

async fn told_to_stop(stop: &mut watch::Receiver<bool>) {
    if stop.wait_for(|stop| *stop).await.is_err() {
        // Nobody is left who could say so.
        std::future::pending::<()>().await;
    }
}
