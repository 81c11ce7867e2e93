//! A debate format as values: roles, phases, what each speaker sees, contracts, and how it is decided.
//!
//! These values are what the loader in `debate::format` makes of a `formats/*.toml`: every reference
//! in them is resolved and every bound is known, so the engine checks nothing again.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use serde::Deserialize;
use serde::Serialize;

use super::Atom;
use super::Choices;
use super::Contract;
use super::Decision;
use super::Phase;
use super::Report;
use super::spec::Limits;

/// A format, ready to run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Format {
    /// Its name in `POST /debates`.
    pub id: String,
    /// Counts up when its rules change.
    pub version: u32,
    /// One line for people.
    pub title: String,
    /// A paragraph for people.
    pub description: String,
    /// Hash of the file that it was read from, prompts included.
    pub hash: String,
    /// Its own caps; a debate may lower them.
    pub limits: Limits,
    /// Who takes part, in the file's order.
    pub roles: Vec<RoleDef>,
    /// What happens, in order.
    pub phases: Vec<Phase>,
    /// Prompt templates by id (minijinja).
    pub prompts: BTreeMap<String, String>,
    /// What an answer must be, by id.
    pub contracts: BTreeMap<String, Contract>,
    /// How it is decided.
    pub decision: Decision,
    /// What is reported beside the verdict.
    pub report: Report,
    /// How strongly debaters are told to disagree, 0 to 10; `None` says nothing about it.
    pub disagreement: Option<u8>,
    /// The role whose holder keeps up the other view until it is refuted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dissenter: Option<String>,
}

impl Format {
    /// The role of this id.
    pub fn role(&self, id: &str) -> Option<&RoleDef> {
        self.roles.iter().find(|role| role.id == id)
    }

    /// The phase of this id.
    pub fn phase(&self, id: &str) -> Option<&Phase> {
        self.phases.iter().find(|phase| phase.id == id)
    }

    /// `true` when it does not run without a list of answers to choose from: at least two.
    pub fn needs_options(&self) -> bool {
        let sees = |phase: &Phase| {
            let mut atoms = phase.sees.iter().map(|sight| &sight.atom);
            atoms.any(|atom| *atom == Atom::Options)
        };
        let chosen = |contract: &Contract| contract.choices == Some(Choices::Options);
        self.phases.iter().any(sees) || self.contracts.values().any(chosen)
    }

    /// The texts that its roles keep secret, by name; a debate does not run without them.
    pub fn needs_secrets(&self) -> BTreeSet<&str> {
        let secrets = self.roles.iter().flat_map(|role| &role.secrets);
        secrets.map(String::as_str).collect()
    }
}

/// A kind of seat at the table.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RoleDef {
    /// Its id, as agents name it.
    pub id: String,
    /// What it does.
    pub kind: RoleKind,
    /// How many agents may hold it.
    pub count: Count,
    /// The side that it speaks for; two-sided formats only.
    pub side: Option<String>,
    /// Instructions to whoever holds it, before the agent's own persona.
    pub persona: Option<String>,
    /// Names of texts that only this role sees.
    pub secrets: Vec<String>,
    /// What its models must be.
    pub family: Family,
}

/// What a role does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RoleKind {
    /// Argues or answers.
    Debater,
    /// Decides.
    Judge,
    /// Guides the debaters, and may end the debate.
    Moderator,
    /// Sums up what others said.
    Summariser,
    /// People who watch: they answer polls and put questions. No seat of theirs has to be filled.
    Audience,
}

/// How many agents may hold a role.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Count {
    /// At least.
    pub min: u32,
    /// At most; `u32::MAX` is any number.
    pub max: u32,
}

/// What a role's models must be. A cast that breaks it runs, with a warning: people own what they own.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Family {
    /// Anything.
    #[default]
    Any,
    /// Each another model.
    Distinct,
    /// None that a debater uses.
    NotDebaters,
}
