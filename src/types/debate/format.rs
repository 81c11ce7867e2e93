//! A debate format as values: roles, phases, what each speaker sees, contracts, and how it is decided.
//!
//! These values are what the loader in `debate::format` makes of a `formats/*.toml`: every reference
//! in them is resolved and every bound is known, so the engine checks nothing again.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde::Serialize;

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
}

/// How many agents may hold a role.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Count {
    /// At least.
    pub min: u32,
    /// At most.
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

/// A stretch of the debate: who speaks, in which order, seeing what, asked what.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Phase {
    /// Its id, as other parts of the format name it.
    pub id: String,
    /// What its turns are.
    pub kind: PhaseKind,
    /// Roles that speak, in order; role ids, already resolved.
    pub who: Vec<String>,
    /// In which order.
    pub order: Order,
    /// How often.
    pub repeat: Repeat,
    /// What each speaker sees, in order.
    pub sees: Vec<Sight>,
    /// What each speaker is asked.
    pub prompt: PromptRef,
    /// What each answer must be; an id in [`Format::contracts`].
    pub contract: String,
    /// Words that a speaker is asked to keep to.
    pub words: Option<u32>,
    /// Tokens that an answer may have.
    pub tokens: u32,
    /// Seconds that a turn may take.
    pub timeout_s: Option<u32>,
    /// What happens when a turn fails after the router gave up.
    pub on_fail: OnFail,
    /// How many of its speakers must have spoken.
    pub quorum: Quorum,
    /// Runs only if this holds.
    pub when: Option<Predicate>,
    /// Phases that run once after each repetition, and only there.
    pub interleave: Vec<String>,
}

/// What a phase's turns are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PhaseKind {
    /// Statements or answers.
    Speak,
    /// Rulings.
    Judge,
}

/// In which order a phase's speakers speak.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Order {
    /// One after the other; a later speaker sees the earlier ones.
    Sequential,
    /// All at once; nobody sees another of the same repetition.
    Simultaneous,
}

/// How often a phase runs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Repeat {
    /// At least; 0 lets `until` skip the phase altogether.
    pub min: u32,
    /// At most.
    pub max: u32,
    /// Ends it earlier, once `min` is reached; looked at before each repetition past `min`, and after interleaved phases.
    pub until: Option<Predicate>,
}

/// One thing that a speaker sees.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sight {
    /// What.
    pub atom: Atom,
    /// Without the speakers' names.
    pub anon: bool,
    /// In an order of the reader's own, from the debate's seed.
    pub shuffle: bool,
    /// Without the reader's own.
    pub noself: bool,
}

/// What can be seen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Atom {
    /// The question.
    Topic,
    /// The side that the reader speaks for.
    Side,
    /// All that the reader said before.
    Own,
    /// The last thing that the reader said.
    OwnLast,
    /// All that others said before.
    Others,
    /// The last thing that each other speaker said.
    OthersLast,
    /// Everything said in a phase.
    Phase(String),
    /// What people interjected.
    Human,
    /// A secret of the reader's role.
    Secret(String),
}

/// Which prompt a speaker gets: the first that is set and fits.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PromptRef {
    /// For everybody, or for the first repetition when `next` is set.
    pub first: String,
    /// For later repetitions.
    pub next: Option<String>,
    /// For one role or side, before all others.
    pub by_role: BTreeMap<String, String>,
}

/// What happens when a turn fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct OnFail {
    /// How often a cut stream is asked for again.
    pub retry: u32,
    /// And then.
    pub then: OnFailThen,
}

/// What happens when a turn cannot be had: each falls to the next when it cannot be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OnFailThen {
    /// The agent's stand-in speaks; without one, the turn is skipped.
    Substitute,
    /// Peers see that there is no statement.
    Skip,
    /// The speaker's side loses; without sides, the turn is skipped.
    Forfeit,
    /// The debate ends.
    Abort,
}

/// How many speakers of a phase must have spoken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Quorum {
    /// Any number, none included.
    None,
    /// More than half.
    Majority,
    /// Every one.
    All,
    /// At least so many.
    AtLeast(u32),
}

/// A condition on what was said so far.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Predicate {
    /// Every last answer has the same value in this field, and there are at least two.
    AllAgree(String),
    /// The largest group of equal last answers has at least this share.
    Agree {
        /// The field.
        field: String,
        /// 0 to 1.
        at_least: f64,
    },
    /// The last answer of this role has a true, or non-empty and not `none`, value in this field.
    Flag {
        /// The role.
        role: String,
        /// The field.
        field: String,
    },
    /// So many repetitions of the present phase have run.
    Rounds(u32),
    /// The last two repetitions' texts are alike: Jaccard of word 3-grams.
    Similarity(f64),
    /// Less than this share of a cap is left.
    BudgetBelow(f64),
    /// All of them.
    And(Vec<Self>),
    /// One of them.
    Or(Vec<Self>),
    /// Not this.
    Not(Box<Self>),
}

/// What an answer must be, and how it is read.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Contract {
    /// What it is.
    pub kind: ContractKind,
    /// Its fields, in order; none for a text.
    pub fields: Vec<Field>,
    /// How it is read out of an answer, in order.
    pub extract: Vec<Extract>,
    /// How often the same model is asked to mend it.
    pub repair: u32,
}

/// What an answer is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ContractKind {
    /// Free text that is not empty.
    Text,
    /// A JSON object of fields.
    Json,
    /// One of several words; its single field is `choice`.
    Choice,
    /// A JSON object that rules on the debate.
    Verdict,
}

/// One field of a contract.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Field {
    /// Its name.
    pub name: String,
    /// What it holds.
    pub kind: FieldKind,
}

/// What a field holds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FieldKind {
    /// Text that is not empty.
    Text,
    /// Yes or no.
    Bool,
    /// A number in a range, both ends included.
    Number {
        /// At least.
        min: f64,
        /// At most.
        max: f64,
    },
    /// One of these words.
    OneOf(Vec<String>),
    /// A number in a range for each of these keys.
    Scores {
        /// The keys.
        keys: Vec<String>,
        /// At least.
        min: f64,
        /// At most.
        max: f64,
    },
}

/// A way of reading an answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Extract {
    /// The whole text is the JSON; the provider is asked for its native schema form.
    Schema,
    /// A fenced block, or the outermost braces.
    Fence,
    /// A pattern on the last line that matches; its group 1 is the first field.
    Regex(String),
    /// Ask a cheap model to extract it.
    Ask,
}

/// How a debate is decided.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Decision {
    /// By which rule.
    pub rule: Rule,
    /// Over which answers: the last of these phases that ran counts.
    pub of: Vec<FieldRef>,
    /// What breaks a tie.
    pub tie: Tie,
}

/// `PHASE.field`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FieldRef {
    /// The phase.
    pub phase: String,
    /// The field of its contract.
    pub field: String,
}

/// A rule of decision.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Rule {
    /// The answer of more than half of those who answered; less is a plurality, and says so.
    Majority,
    /// The answer of most.
    Plurality,
    /// What the judge says.
    Judge,
    /// What most judges say.
    Panel,
}

/// What breaks a tie.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Tie {
    /// Nothing: it is reported as a tie.
    Split,
    /// The answer that was given in the earliest round.
    EarliestRound,
    /// A draw from the debate's seed.
    Seeded,
}

/// What is reported beside the verdict.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    /// The majority of the first, blind round.
    pub round0_majority: bool,
    /// Who changed position, from what to what.
    pub flips: bool,
    /// What the losers held.
    pub dissent: bool,
}
