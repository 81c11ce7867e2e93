//! What is evaluated, so that results of another evaluation are never mixed in.

use std::collections::BTreeMap;
use std::path::Path;

use serde::Deserialize;
use serde::Serialize;
use serde_json::Value;

use crate::debate::eval::EvalError;
use crate::debate::eval::ask;
use crate::debate::eval::ask::Sampled;
use crate::debate::eval::campaign::EvalPlan;
use crate::debate::eval::contestant::Contestant;
use crate::debate::format::FormatLibrary;
use crate::types::ModelName;

/// Members that two starts of one evaluation may differ in: they decide no result.
const FREE: [&str; 2] = ["run", "questions_file"];

/// All that decides the results of an evaluation.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Manifest {
    /// Version of the folder's files.
    pub schema: u32,
    /// This evaluation's own id.
    pub run: String,
    /// Where the questions came from.
    pub questions_file: String,
    /// Hash of that file.
    pub questions_hash: String,
    /// Only so many questions, from the first on.
    pub limit: Option<usize>,
    /// Whether options are shown in an order drawn from the seed.
    pub shuffle_choices: bool,
    /// Who answers, as it was written.
    pub contestants: Vec<String>,
    /// Whose budget the others get: a contestant, a number of tokens, or `none`.
    pub matched: String,
    /// How many times the budget a debate may reserve.
    pub headroom: f64,
    /// Who speaks.
    pub models: Vec<String>,
    /// Who judges or moderates in debates.
    pub judges: Vec<String>,
    /// Who grades.
    pub grader: Option<String>,
    /// How models are asked.
    pub sampled: Sampled,
    /// For every draw.
    pub seed: u64,
    /// Hash of each format.
    pub formats: BTreeMap<String, String>,
    /// Hash of what lone models and graders are asked.
    pub words: String,
}

/// Which questions are asked, and how they are shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked {
    /// The file.
    pub file: String,
    /// Its text.
    pub text: String,
    /// Only so many, from the first on.
    pub limit: Option<usize>,
    /// Whether options are shown in an order drawn from the seed.
    pub shuffle_choices: bool,
}

impl Manifest {
    /// The manifest of a plan, with an id that no evaluation had before.
    pub fn of(plan: &EvalPlan, asked: &Asked, formats: &FormatLibrary) -> Self {
        let names = |models: &[ModelName]| models.iter().map(ToString::to_string).collect();
        let hash_of = |contestant: &Contestant| match contestant {
            Contestant::Debate { format, .. } => {
                let format = formats.get(format)?;
                Some((format.id.clone(), format.hash.clone()))
            }
            Contestant::Single { .. } | Contestant::Vote { .. } => None,
        };
        Self {
            schema: 1,
            run: uuid::Uuid::now_v7().simple().to_string(),
            questions_file: asked.file.clone(),
            questions_hash: blake3::hash(asked.text.as_bytes()).to_hex()[..32].to_owned(),
            limit: asked.limit,
            shuffle_choices: asked.shuffle_choices,
            contestants: plan.contestants.iter().map(ToString::to_string).collect(),
            matched: plan.matched.to_string(),
            headroom: plan.headroom,
            models: names(&plan.models),
            judges: names(&plan.judges),
            grader: plan.grader.as_ref().map(ToString::to_string),
            sampled: plan.sampled,
            seed: plan.seed,
            formats: plan.contestants.iter().filter_map(hash_of).collect(),
            words: ask::words(),
        }
    }

    /// Takes the manifest of a folder when it says the same, and writes it where there is none.
    ///
    /// # Errors
    /// When the folder holds another evaluation, with what differs and what to do.
    pub(super) fn settle(&self, path: &Path) -> Result<Self, EvalError> {
        if !path.exists() {
            write(path, self)?;
            return Ok(self.clone());
        }
        let failed = |error: &dyn std::fmt::Display| EvalError::file(path, error);
        let text = std::fs::read_to_string(path).map_err(|error| failed(&error))?;
        let before: Value = serde_json::from_str(&text).map_err(|error| failed(&error))?;
        let changed = self.changes(&before);
        if changed.is_empty() {
            return serde_json::from_value(before).map_err(|error| failed(&error));
        }
        let dir = path.parent().unwrap_or(path).display();
        Err(EvalError::Refused(format!(
            "{dir} holds another evaluation:\n{}\nstart with what it was begun with, choose another folder with --out, \
             or remove {dir}",
            changed.join("\n")
        )))
    }

    fn changes(&self, before: &Value) -> Vec<String> {
        let now = serde_json::to_value(self).unwrap_or_default();
        let names = now
            .as_object()
            .into_iter()
            .flat_map(|members| members.keys());
        let decides = names.filter(|name| !FREE.contains(&name.as_str()));
        decides
            .filter(|name| before.get(*name) != now.get(*name))
            .map(|name| {
                let (was, is) = (&before[name.as_str()], &now[name.as_str()]);
                format!("  {name}: was {was}, is {is}")
            })
            .collect()
    }
}

/// Writes a file whole or not at all.
pub(super) fn write<T: Serialize>(path: &Path, value: &T) -> Result<(), EvalError> {
    let failed = |error: &dyn std::fmt::Display| EvalError::file(path, error);
    let text = serde_json::to_string_pretty(value).map_err(|error| failed(&error))?;
    let beside = path.with_extension("new");
    std::fs::write(&beside, text + "\n").map_err(|error| failed(&error))?;
    std::fs::rename(&beside, path).map_err(|error| failed(&error))
}
