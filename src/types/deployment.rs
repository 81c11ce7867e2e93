//! One place where a model can be called, as an operator's model list names it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use serde_json::Map;
use serde_json::Value;

use super::ModelName;
use super::Prices;
use super::Secret;

/// One entry of a model list: a model at an address with a credential, as a member of a group.
#[derive(Debug, Clone, PartialEq)]
pub struct Deployment {
    /// Unique among all deployments, and the same after a restart with the same entry.
    pub id: Arc<str>,
    /// The name that callers ask for; may end with `*`.
    pub group: Arc<str>,
    /// The model as people write it, `gemini/gemini-2.5-flash`; holds a `*` where the caller's name fills in.
    pub model: Arc<str>,
    /// Where and how it is called, where that differs from its provider's file.
    pub target: Arc<Target>,
    /// Its share of the group's calls, relative to the others'.
    pub weight: Option<f64>,
    /// Calls a minute, at most.
    pub rpm: Option<u64>,
    /// Tokens a minute, at most.
    pub tpm: Option<u64>,
    /// Calls at the same time, at most.
    pub max_parallel: Option<u32>,
    /// Deployments of a higher order are asked only when none of a lower one can be.
    pub order: Option<i64>,
    /// Labels that a call may ask for.
    pub tags: Vec<String>,
    /// Further attempts after the first of a call that begins here; `None` leaves the router's number.
    pub num_retries: Option<u8>,
    /// How long it rests after it failed; `None` leaves the router's time.
    pub cooldown: Option<Duration>,
    /// What it costs, where that differs from the catalog.
    pub prices: Option<Prices>,
    /// What is told about it.
    pub info: DeploymentInfo,
}

/// What is told about a deployment.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct DeploymentInfo {
    /// What it is for: `chat`, `embedding` …; `None` when the list does not say.
    pub mode: Option<String>,
    /// The model whose card and price it has, where its own name says nothing (Azure).
    pub base_model: Option<String>,
    /// Most tokens of a prompt, where the list says.
    pub max_input_tokens: Option<u64>,
    /// Names of sets of models that it belongs to.
    pub access_groups: Vec<String>,
    /// The list's `model_info` as it was written.
    pub written: Map<String, Value>,
    /// The list's parameters as they were written, without anything secret.
    pub params: Map<String, Value>,
}

/// Where and how a model is called, where that differs from its provider's file. The operator's own: nothing in it
/// came from a caller.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Target {
    /// The base URL.
    pub api_base: Option<String>,
    /// The key.
    pub api_key: Option<Secret>,
    /// The variable that the key was to come from, where it is not set: a call fails and names it.
    pub unset_key: Option<Arc<str>>,
    /// Values that go before the process's environment: a region, a project, an API version, an access key.
    pub variables: BTreeMap<String, Secret>,
    /// Headers that every call carries.
    pub headers: BTreeMap<String, Secret>,
    /// Members of an `OpenAI` chat request that hold where the caller names none: `temperature`, `max_tokens` ….
    pub defaults: Map<String, Value>,
    /// Members that are added to the request as they are, whatever the caller says.
    pub extra_body: Map<String, Value>,
    /// `true` refuses a request that the model cannot carry whole, `false` drops the rest; `None` leaves the
    /// general setting.
    pub strict: Option<bool>,
    /// Time limits.
    pub timeouts: TargetTimeouts,
    /// `true` where OpenAI's completions of a text, `/completions`, are asked as they are (`LiteLLM`'s
    /// `text-completion-openai/…`).
    pub completes_text: bool,
}

/// `OpenAI`'s models that complete a text and do not chat. Source: its list of models (read 2026-11).
const COMPLETING: [&str; 3] = ["gpt-3.5-turbo-instruct", "davinci-002", "babbage-002"];

/// `true` when this model completes a text as it is, so that it needs not be asked as a chat.
pub fn completes_text(model: &ModelName, target: Option<&Target>) -> bool {
    let is_known = || {
        let mut known = COMPLETING.iter();
        model.provider() == "openai" && known.any(|known| model.model().starts_with(known))
    };
    target.is_some_and(|target| target.completes_text) || is_known()
}

/// Time limits of one deployment; `None` leaves the provider's.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct TargetTimeouts {
    /// From the call to the first piece of the answer.
    pub first_token: Option<Duration>,
    /// Between two pieces of the answer.
    pub idle: Option<Duration>,
    /// From the call to the end of the answer.
    pub total: Option<Duration>,
    /// The same, for answers in pieces.
    pub total_of_stream: Option<Duration>,
}
