//! From what somebody asks for to a debate's spec: every mistake is found at once, and nothing is half-created.

mod check;
mod kin;
mod seats;
#[cfg(test)]
mod tests;
mod texts;
mod windows;

use std::collections::BTreeMap;

use check::Check;

use super::format::FormatLibrary;
use crate::types::Endpoint;
use crate::types::ModelName;
use crate::types::Prices;
use crate::types::debate::Document;
use crate::types::debate::HumanSeat;
use crate::types::debate::Limits;
use crate::types::debate::Spec;

/// A debate as somebody asks for it.
#[derive(Debug, Clone, Default)]
pub struct DebateOrder {
    /// The question.
    pub topic: String,
    /// A short name.
    pub title: Option<String>,
    /// The format's id.
    pub format: String,
    /// Who debates; may hold judges and moderators too, by role.
    pub agents: Vec<AgentOrder>,
    /// Who judges or moderates.
    pub judges: Vec<AgentOrder>,
    /// For every shuffle and tie-break; drawn when not given.
    pub seed: Option<u64>,
    /// Caps.
    pub limits: Limits,
    /// Answers to choose from, in formats that choose among given ones.
    pub options: Vec<String>,
    /// Texts that every agent may see and quote.
    pub facts: Vec<Document>,
    /// Texts for the roles that name them, by the name.
    pub secrets: BTreeMap<String, Document>,
    /// `true` when people watch who answer polls and put remarks.
    pub audience: bool,
    /// Who reads answers that could not be read, where the format asks for that.
    pub extract_model: Option<ModelName>,
}

/// An agent as somebody asks for it.
#[derive(Debug, Clone)]
pub struct AgentOrder {
    /// Its name; made from its role when not given.
    pub name: Option<String>,
    /// Its role; the next free seat when not given.
    pub role: Option<String>,
    /// Who speaks; for a person's seat, who stands in after the deadline.
    pub model: ModelName,
    /// Set when a person holds the seat.
    pub human: Option<HumanSeat>,
    /// Who speaks when that one cannot.
    pub substitute: Option<ModelName>,
    /// Instructions of its own.
    pub persona: Option<String>,
    /// 0.0 to 2.0.
    pub temperature: Option<f32>,
    /// Tokens of each answer, at most.
    pub max_tokens: Option<u32>,
    /// Another address or credential.
    pub endpoint: Option<Endpoint>,
    /// How much its ballots weigh in formats that weigh by rating; above 0.
    pub rating: Option<f64>,
}

impl AgentOrder {
    /// An agent of this model, and nothing else said about it.
    pub fn of(model: ModelName) -> Self {
        Self {
            name: None,
            role: None,
            model,
            human: None,
            substitute: None,
            persona: None,
            temperature: None,
            max_tokens: None,
            endpoint: None,
            rating: None,
        }
    }
}

/// One mistake in an order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrderProblem {
    /// Where, as a path into the order: `agents[1].model`.
    pub field: String,
    /// A stable name for programs.
    pub code: &'static str,
    /// What is wrong and what to do.
    pub message: String,
}

/// Why a debate cannot be created.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}", .0.iter().map(|problem| format!("{}: {}", problem.field, problem.message)).collect::<Vec<_>>().join("; "))]
pub struct OrderError(pub Vec<OrderProblem>);

/// Knows which models can be called, and under which rules.
pub trait Roster: Send + Sync {
    /// Checks that a model may be called this way. Returns what the caller should know all the same.
    ///
    /// # Errors
    /// A problem whose `field` is relative to the agent: `model`, `api_base`, `api_key_env_var`.
    fn check(
        &self,
        model: &ModelName,
        endpoint: Option<&Endpoint>,
    ) -> Result<Option<String>, OrderProblem>;

    /// What the model charges; `None` when nobody knows.
    fn prices(&self, model: &ModelName) -> Option<Prices>;

    /// Tokens that the model takes in and gives out together; `None` when nobody knows.
    fn window_tokens(&self, model: &ModelName) -> Option<u64>;

    /// The model that judges when nobody names a judge; `None` leaves it to the first debater's.
    fn default_judge(&self) -> Option<ModelName>;

    /// The model that reads answers that could not be read; `None` leaves it to the cheapest of the cast.
    fn default_extractor(&self) -> Option<ModelName>;
}

/// Makes the spec, and the warnings that go with it.
///
/// # Errors
/// All mistakes at once.
pub(super) fn spec(
    order: &DebateOrder,
    formats: &FormatLibrary,
    roster: &dyn Roster,
    seed: u64,
) -> Result<(Spec, Vec<String>), OrderError> {
    let mut check = Check::new(roster);
    check.texts(order);
    check.limits(&order.limits);
    check.documents(order);
    let Some(format) = formats.get(&order.format) else {
        check.unknown_format(order, formats);
        return Err(OrderError(check.problems));
    };
    let cast = check.cast(order, format);
    check.secrets_of(format, order);
    check.uses(format, order);
    check.windows(format, order, &cast);
    let extractor = check.extractor(format, order, &cast);
    if !check.problems.is_empty() {
        return Err(OrderError(check.problems));
    }
    check.families(format, &cast);
    let title = order
        .title
        .clone()
        .unwrap_or_else(|| shortened(order.topic.trim(), 80));
    let limits = format.limits.stricter(order.limits);
    check.deadlines(&cast, &limits);
    let spec = Spec {
        topic: order.topic.trim().to_owned(),
        title,
        format: (**format).clone(),
        cast,
        limits,
        seed,
        options: order
            .options
            .iter()
            .map(|it| it.trim().to_owned())
            .collect(),
        facts: order.facts.clone(),
        secrets: order.secrets.clone(),
        audience: order.audience,
        extractor,
        parent: None,
    };
    Ok((spec, check.warnings))
}

fn shortened(text: &str, most: usize) -> String {
    let line = text.lines().next().unwrap_or_default();
    match line.char_indices().nth(most) {
        Some((cut, _)) => format!("{}…", line[..cut].trim_end()),
        None => line.to_owned(),
    }
}
