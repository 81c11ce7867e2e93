//! What happens in a debate: phases, who speaks in which order, who sees what, and the conditions on all of it.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde::Serialize;

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
    /// Ends a simultaneous phase early: the speakers who have not answered are not waited for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stop_early: Option<Predicate>,
    /// Until when nobody but its speakers sees its turns and its tallies.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hidden_until: Option<HiddenUntil>,
    /// Each speaker is asked twice, the second time with what it sees in the reverse order.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub swap: bool,
    /// Whose words reach whom, among its speakers.
    #[serde(default, skip_serializing_if = "Edges::is_all")]
    pub edges: Edges,
    /// People who watch may put in remarks while it runs.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub audience: bool,
}

/// Until when a phase is hidden from those who do not speak in it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HiddenUntil {
    /// Until the phase ends.
    Phase,
    /// Until the debate ends.
    End,
}

/// Whose words reach whom, among the speakers of a phase taken in their order.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Edges {
    /// Everybody's reach everybody.
    #[default]
    All,
    /// Each hears its two neighbours; the last and the first are neighbours.
    Ring,
    /// The first hears all, all hear the first.
    Star,
    /// Each hears the one before; the first hears the last.
    Prev,
    /// Holders of this role hear all; the others hear holders of this role only.
    To(String),
}

impl Edges {
    /// `true` when nothing is held back.
    pub fn is_all(&self) -> bool {
        *self == Self::All
    }
}

/// What a phase's turns are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PhaseKind {
    /// Statements or answers.
    Speak,
    /// Rulings.
    Judge,
    /// Ballots.
    Vote,
    /// Summaries of what was said.
    Summarise,
    /// A question to the audience; one ballot for each identity.
    Poll,
    /// Remarks or questions from people.
    AskHuman,
}

/// In which order a phase's speakers speak.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Order {
    /// One after the other; a later speaker sees the earlier ones.
    Sequential,
    /// All at once; nobody sees another of the same repetition.
    Simultaneous,
    /// One after the other, forwards in even repetitions and backwards in odd ones.
    Alternate,
    /// One after the other; each repetition begins with the next speaker.
    Rotate,
    /// Two roles: the first asks, the second answers; the roles change places with each repetition when both
    /// are debaters of opposite sides.
    PairQa,
    /// The holder of this role names who speaks next, in its field `next`.
    Pick(String),
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
    /// Equal answers together: how many hold each, and why.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub grouped: bool,
    /// With the marks of checked quotes.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub quotes: bool,
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
    /// The answers to choose from.
    Options,
    /// What others said so many repetitions ago: 1 is the one before the present.
    OthersRound(u32),
    /// The latest summary of what was said, and what came after it.
    Summary,
    /// The ballots of vote phases so far.
    Votes,
    /// The tallies of polls that are not hidden.
    Polls,
    /// Texts that everybody may see.
    Facts,
}

/// Which prompt a speaker gets: the first that is set and fits.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PromptRef {
    /// For everybody, or for the first repetition when `next` is set.
    pub first: String,
    /// For later repetitions.
    pub next: Option<String>,
    /// For who asks, in `pair_qa`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ask: Option<String>,
    /// For who answers, in `pair_qa`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answer: Option<String>,
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
    /// Nobody's value in this field changed over so many repetitions.
    Stable {
        /// The field.
        field: String,
        /// Repetitions.
        rounds: u32,
    },
    /// No ballot that is still missing can change who leads.
    LeadUnassailable,
    /// A person asked for the end of the phase.
    HumanStop,
    /// All of them.
    And(Vec<Self>),
    /// One of them.
    Or(Vec<Self>),
    /// Not this.
    Not(Box<Self>),
}
