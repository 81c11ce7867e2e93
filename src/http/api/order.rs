//! The body of a new debate, and the order that it makes.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde::Deserializer;
use serde::de::Error;
use utoipa::ToSchema;

use crate::catalog::Catalog;
use crate::debate::AgentOrder;
use crate::debate::DebateOrder;
use crate::http::error::ApiError;
use crate::http::error::FieldProblem;
use crate::types::Endpoint;
use crate::types::ModelName;
use crate::types::debate::Document;
use crate::types::debate::HumanSeat;
use crate::types::debate::Limits;

/// A new debate.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({
    "topic": "Should cities ban cars from their centres?",
    "format": "oxford",
    "agents": [{"name": "Ada", "model": "demo/optimist"}, {"name": "Boole", "model": "demo/skeptic"}],
    "judges": [{"name": "Curie", "model": "demo/judge"}]
}))]
pub(in crate::http) struct NewDebate {
    /// The question.
    topic: String,
    /// A format's id; `GET /api/v1/formats` lists them.
    format: String,
    /// Who debates.
    agents: Vec<Agent>,
    /// Who judges or moderates; when nobody is named, the first debater's model does, and the verdict says so.
    #[serde(default)]
    judges: Vec<Agent>,
    /// For every shuffle and tie-break; drawn when not given.
    seed: Option<u64>,
    /// Caps; the format's own hold where they are stricter.
    #[serde(default, deserialize_with = "caps")]
    limits: Caps,
    /// A short name; the topic's beginning when not given.
    title: Option<String>,
    /// Answers to choose from, where the format votes on options or polls the audience about them.
    #[serde(default)]
    options: Vec<String>,
    /// Texts that every agent may see and quote.
    #[serde(default)]
    facts: Vec<Text>,
    /// Texts that only the roles see which name them, by the name in the format. No answer of this API shows them.
    #[serde(default)]
    secrets: BTreeMap<String, Text>,
    /// `true` when people watch who answer polls and put remarks; phases that wait for them are left out otherwise.
    #[serde(default)]
    audience: bool,
}

/// A text, plain or Markdown.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Text {
    /// What it is called, so that quotes can name it; made from its place when not given.
    title: Option<String>,
    /// The text itself.
    text: String,
}

/// A person who holds a seat.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Human {
    /// Who may speak for it; anybody who may command the debate when not given.
    identity: Option<String>,
    /// Seconds to answer in; then the seat's model stands in, and the transcript says so.
    deadline_s: Option<u32>,
}

/// Seconds that a person has when the order does not say.
const USUAL_DEADLINE_S: u32 = 600;

/// Caps of a debate.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
struct Caps {
    /// Repetitions of any phase.
    rounds: Option<u32>,
    /// Model calls.
    calls: Option<u64>,
    /// Tokens.
    tokens: Option<u64>,
    /// US dollars.
    cost_usd: Option<f64>,
    /// Seconds; paused time does not count.
    wall_s: Option<u64>,
}

/// Reads caps from an object alone: a list would be taken for its values in their order.
fn caps<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Caps, D::Error> {
    let members = serde_json::Map::deserialize(deserializer)?;
    serde_json::from_value(members.into())
        .map_err(|error| D::Error::custom(format!("limits: {error}")))
}

/// An agent: `model` as `provider/model`, or `provider` and `model_name`.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Agent {
    /// Unique in the debate; made from the role when not given.
    name: Option<String>,
    /// A role of the format; the next free seat when not given.
    role: Option<String>,
    /// `provider/model`, or a bare name of the catalog such as `gpt-4o-mini`.
    model: Option<String>,
    /// The provider, when `model` is not given.
    provider: Option<String>,
    /// The provider's model, when `model` is not given.
    model_name: Option<String>,
    /// Who speaks when the model cannot: `provider/model`.
    substitute: Option<String>,
    /// Instructions of its own.
    persona: Option<String>,
    /// 0 to 2.
    temperature: Option<f32>,
    /// Tokens of each answer, at most.
    max_tokens: Option<u32>,
    /// Another address; only the provider's own, or one that the operator allowed.
    api_base: Option<String>,
    /// The variable that holds the key; one of those that the provider declares.
    api_key_env_var: Option<String>,
    /// Set when a person holds the seat. The model stands in after the deadline; without one, the first agent's that
    /// has one.
    human: Option<Human>,
}

impl NewDebate {
    /// The order, or every mistake in how its agents are written.
    pub(in crate::http) fn order(self, catalog: &Catalog) -> Result<DebateOrder, ApiError> {
        let mut problems = Vec::new();
        let stand_in = self.agents.iter().chain(&self.judges).find_map(|agent| {
            let written = agent.written()?;
            catalog.named(&written).ok()
        });
        let mut agents_of = |agents: Vec<Agent>, list: &str| -> Vec<AgentOrder> {
            let numbered = agents.into_iter().enumerate();
            numbered
                .filter_map(|(at, agent)| {
                    agent.order(
                        &format!("{list}[{at}]"),
                        (catalog, stand_in.as_ref()),
                        &mut problems,
                    )
                })
                .collect()
        };
        let (agents, judges) = (
            agents_of(self.agents, "agents"),
            agents_of(self.judges, "judges"),
        );
        if !problems.is_empty() {
            return Err(ApiError::problems(problems));
        }
        let Caps {
            rounds,
            calls,
            tokens,
            cost_usd,
            wall_s,
        } = self.limits;
        Ok(DebateOrder {
            topic: self.topic,
            title: self.title,
            format: self.format,
            agents,
            judges,
            seed: self.seed,
            limits: Limits {
                rounds,
                calls,
                tokens,
                cost_usd,
                wall_s,
            },
            options: self.options,
            facts: (1..)
                .zip(self.facts)
                .map(|(number, text)| text.document(|| format!("Fact {number}")))
                .collect(),
            secrets: self
                .secrets
                .into_iter()
                .map(|(name, text)| {
                    let document = text.document(|| name.clone());
                    (name, document)
                })
                .collect(),
            audience: self.audience,
            ..DebateOrder::default()
        })
    }
}

impl Text {
    fn document(self, usual: impl FnOnce() -> String) -> Document {
        Document {
            title: self.title.unwrap_or_else(usual),
            text: self.text,
        }
    }
}

impl Agent {
    fn order(
        self,
        field: &str,
        (catalog, stand_in): (&Catalog, Option<&ModelName>),
        problems: &mut Vec<FieldProblem>,
    ) -> Option<AgentOrder> {
        let model = match (&self.human, self.written(), stand_in) {
            (Some(_), None, Some(stand_in)) => Some(stand_in.clone()),
            _ => self.model(field, catalog, problems),
        };
        let substitute = match self.substitute.as_deref().map(|it| catalog.named(it)) {
            Some(Err(error)) => {
                problems.push(problem(
                    format!("{field}.substitute"),
                    "invalid_model",
                    error.to_string(),
                ));
                None
            }
            Some(Ok(model)) => Some(model),
            None => None,
        };
        let endpoint = Endpoint {
            api_base: self.api_base,
            api_key_env_var: self.api_key_env_var,
        };
        Some(AgentOrder {
            name: self.name,
            role: self.role,
            model: model?,
            human: self.human.map(|human| HumanSeat {
                identity: human.identity,
                deadline_s: human.deadline_s.unwrap_or(USUAL_DEADLINE_S),
            }),
            substitute,
            persona: self.persona,
            temperature: self.temperature,
            max_tokens: self.max_tokens,
            endpoint: (endpoint != Endpoint::default()).then_some(endpoint),
            rating: None,
        })
    }

    /// The model as it is written, where it is written in one way.
    fn written(&self) -> Option<String> {
        match (&self.model, &self.provider, &self.model_name) {
            (Some(model), None, None) => Some(model.clone()),
            (None, Some(provider), Some(model)) => Some(format!("{provider}/{model}")),
            _ => None,
        }
    }

    fn model(
        &self,
        field: &str,
        catalog: &Catalog,
        problems: &mut Vec<FieldProblem>,
    ) -> Option<ModelName> {
        let written = match (self.written(), &self.model) {
            (Some(written), _) => written,
            (None, None) => {
                let help = "write model as provider/model, for example ollama/llama3.2, or provider and model_name";
                problems.push(problem(
                    format!("{field}.model"),
                    "missing_model",
                    help.to_owned(),
                ));
                return None;
            }
            (None, Some(_)) => {
                let help = "write either model, or provider and model_name, not both";
                problems.push(problem(
                    format!("{field}.model"),
                    "two_models",
                    help.to_owned(),
                ));
                return None;
            }
        };
        catalog
            .named(&written)
            .map_err(|error| {
                problems.push(problem(
                    format!("{field}.model"),
                    "invalid_model",
                    format!("{error}"),
                ))
            })
            .ok()
    }
}

fn problem(field: String, code: &str, message: String) -> FieldProblem {
    FieldProblem {
        field,
        code: code.to_owned(),
        message,
    }
}
