//! A debate to look at: on Ollama when it runs, on cloud models whose keys are set, else on the demo models.

use super::App;
use crate::debate::AgentOrder;
use crate::debate::DebateOrder;
use crate::types::ModelName;

/// The question that it debates.
const TOPIC: &str =
    "Should a small company run its own language models instead of calling a cloud provider?";

/// Cheap cloud models, in order of preference.
const CLOUD: [&str; 2] = ["anthropic/claude-haiku-4-5", "openai/gpt-5.4-mini"];

/// The sample's order, on the models that can be had.
pub(super) async fn order(app: &App) -> DebateOrder {
    let models = models(app).await;
    let [pro, con, judge] = match models.as_slice() {
        [] => ["demo/optimist", "demo/skeptic", "demo/judge"].map(named),
        [only] => [only.clone(), only.clone(), only.clone()],
        [first, second, rest @ ..] => [
            first.clone(),
            second.clone(),
            rest.first().unwrap_or(first).clone(),
        ],
    };
    let agent = |name: &str, role: &str, model: Option<ModelName>| {
        Some(AgentOrder {
            name: Some(name.to_owned()),
            role: Some(role.to_owned()),
            ..AgentOrder::of(model?)
        })
    };
    DebateOrder {
        topic: TOPIC.to_owned(),
        format: "oxford".to_owned(),
        agents: [agent("Ada", "pro", pro), agent("Boole", "con", con)]
            .into_iter()
            .flatten()
            .collect(),
        judges: agent("Curie", "judge", judge).into_iter().collect(),
        ..DebateOrder::default()
    }
}

async fn models(app: &App) -> Vec<Option<ModelName>> {
    let found = app.discovery.current().await;
    let talks = |capabilities: &[String]| {
        capabilities.is_empty() || capabilities.iter().any(|it| it == "completion")
    };
    let ollama = found
        .iter()
        .filter(|server| server.provider == "ollama")
        .flat_map(|server| &server.models);
    let local = ollama
        .filter(|model| talks(&model.capabilities))
        .take(2)
        .map(|model| named(&format!("ollama/{}", model.name)));
    let with_key = |model: &&'static str| {
        let provider = model
            .split('/')
            .next()
            .and_then(|id| app.catalog.provider(id));
        provider.is_some_and(|spec| app.environment.first_of(&spec.auth.key_env).is_some())
    };
    local
        .chain(CLOUD.into_iter().filter(with_key).map(named))
        .filter(Option::is_some)
        .collect()
}

fn named(model: &str) -> Option<ModelName> {
    model.parse().ok()
}
