//! What an evaluation has done so far, in files of its folder, so that a process that dies loses nothing that was paid.
//!
//! `manifest.json` says what is evaluated, `calls.jsonl` has one line for each direct call, `results.jsonl` one for each
//! answered question, and `budget.json` the budget once it is known. A line is whole or it is not there.

mod lines;
mod manifest;

use std::collections::BTreeMap;
use std::fs::File;
use std::fs::OpenOptions;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;

use serde::Deserialize;
use serde::Serialize;

pub use manifest::Asked;
pub use manifest::Manifest;

use super::EvalError;
use super::budget::Budget;
use super::report::Report;
use super::spent::nothing;
use crate::types::DebateId;
use crate::types::NanoUsd;
use crate::types::debate::ParsePath;
use crate::types::debate::Totals;
use lines::Lines;

/// How an answer was graded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Grade {
    /// Right by the key.
    Correct,
    /// An answer, and not the right one.
    Wrong,
    /// There is no answer that could be read: never right, never a guess.
    Unparsed,
    /// Nobody answered: calls failed.
    Failed,
    /// There is an answer, and the grader could not be had or read.
    Ungraded,
}

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// The class of the failure.
    pub code: String,
    /// What happened.
    pub message: String,
}

/// Changes of position within one debate.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Flips {
    /// From a wrong answer to the right one.
    pub helped: u32,
    /// From the right answer to a wrong one.
    pub bullied: u32,
    /// From one wrong answer to another.
    pub other: u32,
    /// Where only a model could say which.
    pub ungraded: u32,
}

/// What the majority of a debate's first, blind round held.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Round0 {
    /// Its position; `None` when there was none, or a tie.
    pub answer: Option<String>,
    /// Whether it was right; `None` where only a model can say.
    pub right: Option<bool>,
}

/// What is there only for debates.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Debated {
    /// The debate, in the evaluation's database.
    pub id: DebateId,
    /// The majority of its blind round, in formats that have one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub round0: Option<Round0>,
    /// Who changed position.
    #[serde(default)]
    pub flips: Flips,
}

impl Debated {
    /// A debate of which nothing is known yet.
    pub(super) fn of(id: DebateId) -> Self {
        Self {
            id,
            round0: None,
            flips: Flips::default(),
        }
    }
}

/// One contestant's answer to one question.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// Who, as it was written.
    pub contestant: String,
    /// The question's id.
    pub question: String,
    /// How it was graded.
    pub grade: Grade,
    /// Where the answer stands; `None` when it could not be had or read.
    pub answer: Option<String>,
    /// What answering used.
    pub spent: Totals,
    /// What grading used; it is no contestant's.
    pub grading: Totals,
    /// `true` when the budget ended it early, or left fewer votes than asked for.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub capped: bool,
    /// The position of each vote, in order; `None` where it could not be had or read.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub votes: Vec<Option<String>>,
    /// What is there only for debates.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub debated: Option<Debated>,
    /// Why there is no answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<Failure>,
    /// `true` when every other call would fail for the same reason: it is asked again by itself.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub fatal: bool,
}

/// One direct call.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CallLine {
    /// For which contestant.
    pub contestant: String,
    /// The question's id.
    pub question: String,
    /// Which of the contestant's calls for it, counted from 0.
    pub sample: u32,
    /// Who was asked.
    pub model: String,
    /// What it answers; `None` when that could not be had or read.
    pub answer: Option<String>,
    /// How it was read.
    pub parse: ParsePath,
    /// What it wrote.
    pub text: String,
    /// What it used, a mended answer's calls included.
    pub spent: Totals,
    /// Why there is no answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<Failure>,
}

type Slot = (String, String);

#[derive(Debug, Default)]
struct Kept {
    records: BTreeMap<Slot, Record>,
    calls: BTreeMap<Slot, BTreeMap<u32, CallLine>>,
    /// How often a slot's result was thrown away to be had again.
    attempts: BTreeMap<Slot, u32>,
    /// What all of it cost, results that were thrown away included.
    money: NanoUsd,
    budget: Option<Budget>,
}

/// The folder of one evaluation, held by this process alone.
#[derive(Debug)]
pub struct Journal {
    dir: PathBuf,
    manifest: Manifest,
    kept: Mutex<Kept>,
    results: Lines,
    calls: Lines,
    /// Held for its lock; closing it, or dying, gives the lock up.
    _lock: File,
}

impl Journal {
    /// Opens a folder: begins an evaluation in it, or goes on with the one that it holds.
    ///
    /// With `retry_failed`, what failed or could not be graded is had again.
    ///
    /// # Errors
    /// When it holds another evaluation, another process works in it, or its files cannot be read or written.
    pub fn open(dir: &Path, manifest: &Manifest, retry_failed: bool) -> Result<Self, EvalError> {
        std::fs::create_dir_all(dir).map_err(|error| EvalError::file(dir, &error))?;
        let lock = lock(dir)?;
        let manifest = manifest.settle(&dir.join("manifest.json"))?;
        let (results, records) = Lines::open::<Record>(&dir.join("results.jsonl"))?;
        let (calls, called) = Lines::open::<CallLine>(&dir.join("calls.jsonl"))?;
        let mut kept = Kept::default();
        for record in records {
            kept.take(record, retry_failed);
        }
        let again = |call: &CallLine| retry_failed && call.failure.is_some();
        for call in called.into_iter().filter(|call| !again(call)) {
            kept.take_call(call);
        }
        let budget = dir.join("budget.json");
        if budget.exists() {
            let text = std::fs::read_to_string(&budget)
                .map_err(|error| EvalError::file(&budget, &error))?;
            let read = serde_json::from_str(&text);
            kept.budget = Some(read.map_err(|error| EvalError::file(&budget, &error))?);
        }
        Ok(Self {
            dir: dir.to_owned(),
            manifest,
            kept: Mutex::new(kept),
            results,
            calls,
            _lock: lock,
        })
    }

    /// What is evaluated.
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// The folder.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// Writes the report beside the results: `report.md` for people, `report.json` for programs.
    ///
    /// # Errors
    /// When a file cannot be written.
    pub fn keep_report(&self, report: &Report) -> Result<(), EvalError> {
        manifest::write(&self.dir.join("report.json"), report)?;
        let path = self.dir.join("report.md");
        std::fs::write(&path, report.markdown()).map_err(|error| EvalError::file(&path, &error))
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Keeps an answer.
    pub(super) fn keep(&self, record: Record) -> Result<(), EvalError> {
        self.results.add(&record)?;
        self.kept().take(record, false);
        Ok(())
    }

    /// Keeps a direct call.
    pub(super) fn keep_call(&self, call: CallLine) -> Result<(), EvalError> {
        self.calls.add(&call)?;
        self.kept().take_call(call);
        Ok(())
    }

    /// Keeps the budget, which holds from now on.
    pub(super) fn keep_budget(&self, budget: &Budget) -> Result<(), EvalError> {
        manifest::write(&self.dir.join("budget.json"), budget)?;
        self.kept().budget = Some(budget.clone());
        Ok(())
    }

    /// The budget, once it is known.
    pub(super) fn budget(&self) -> Option<Budget> {
        self.kept().budget.clone()
    }

    /// `true` when a contestant has answered a question.
    pub(super) fn has(&self, contestant: &str, question: &str) -> bool {
        self.kept()
            .records
            .contains_key(&slot(contestant, question))
    }

    /// A contestant's direct calls for a question, by number.
    pub(super) fn samples(&self, contestant: &str, question: &str) -> BTreeMap<u32, CallLine> {
        let calls = self.kept().calls.get(&slot(contestant, question)).cloned();
        calls.unwrap_or_default()
    }

    /// How often a contestant's answer to a question was thrown away to be had again.
    pub(super) fn attempts(&self, contestant: &str, question: &str) -> u32 {
        let attempts = self
            .kept()
            .attempts
            .get(&slot(contestant, question))
            .copied();
        attempts.unwrap_or_default()
    }

    /// All answers of a contestant, by question.
    pub fn records_of(&self, contestant: &str) -> BTreeMap<String, Record> {
        let kept = self.kept();
        let own = kept
            .records
            .iter()
            .filter(|((who, _), _)| who == contestant);
        own.map(|((_, question), record)| (question.clone(), record.clone()))
            .collect()
    }

    /// Money spent in this folder so far, grading and answers that were thrown away included.
    pub fn money(&self) -> NanoUsd {
        self.kept().money
    }
}

impl Kept {
    fn take(&mut self, record: Record, retry_failed: bool) {
        let slot = slot(&record.contestant, &record.question);
        let again = match record.grade {
            Grade::Failed | Grade::Ungraded => retry_failed || record.fatal,
            Grade::Correct | Grade::Wrong | Grade::Unparsed => false,
        };
        self.money += record.grading.cost_nanousd;
        // Direct calls have lines of their own.
        if record.debated.is_some() {
            self.money += record.spent.cost_nanousd;
        }
        if again {
            self.records.remove(&slot);
            *self.attempts.entry(slot).or_default() += 1;
        } else {
            self.records.insert(slot, record);
        }
    }

    fn take_call(&mut self, call: CallLine) {
        self.money += call.spent.cost_nanousd;
        let slot = slot(&call.contestant, &call.question);
        self.calls
            .entry(slot)
            .or_default()
            .insert(call.sample, call);
    }
}

impl Record {
    /// An answer that used nothing yet.
    pub(super) fn new(contestant: &str, question: &str) -> Self {
        Self {
            contestant: contestant.to_owned(),
            question: question.to_owned(),
            grade: Grade::Unparsed,
            answer: None,
            spent: nothing(),
            grading: nothing(),
            capped: false,
            votes: Vec::new(),
            debated: None,
            failure: None,
            fatal: false,
        }
    }
}

fn slot(contestant: &str, question: &str) -> Slot {
    (contestant.to_owned(), question.to_owned())
}

fn lock(dir: &Path) -> Result<File, EvalError> {
    let path = dir.join("lock");
    let opened = OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .open(&path);
    let file = opened.map_err(|error| EvalError::file(&path, &error))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(std::fs::TryLockError::WouldBlock) => Err(EvalError::Refused(format!(
            "another agon eval works in {}: wait for it, or choose another folder with --out",
            dir.display()
        ))),
        Err(std::fs::TryLockError::Error(error)) => Err(EvalError::file(&path, &error)),
    }
}

#[cfg(test)]
mod tests;
