//! The model list, compiled: groups, and the deployments in them.

use std::fmt;
use std::sync::Arc;

use super::config::RouterConfig;
use super::dice::number_of;
use super::pattern;
use super::state::DeploymentState;
use super::targets::Targets;
use crate::types::Deployment;
use crate::types::Endpoint;
use crate::types::ModelName;
use crate::types::Prices;

/// Those who answer for one name.
#[derive(Debug)]
pub(super) struct Group {
    /// The name; of a pattern, the name that was asked for.
    pub(super) name: Arc<str>,
    /// The name as the model list writes it.
    pub(super) written: Arc<str>,
    /// `false` for a model that is called by its own name.
    pub(super) is_listed: bool,
    /// At least one.
    pub(super) members: Vec<Member>,
}

/// A deployment in a group.
#[derive(Debug, Clone)]
pub(super) struct Member {
    /// What all names of a pattern share.
    pub(super) entry: Arc<Entry>,
    /// The model, with the caller's name filled in; `None` when that is no name of a model.
    pub(super) model: Option<ModelName>,
    /// What a million tokens in and a million out cost together, in nano-USD; `None` when nobody knows.
    pub(super) cost: Option<u64>,
    /// The longest prompt, in tokens; `None` when nobody knows.
    pub(super) max_prompt_tokens: Option<u64>,
}

/// A deployment as it is called.
#[derive(Debug)]
pub(super) struct Entry {
    /// Its entry in the model list; `None` for a model that is called by its own name.
    pub(super) deployment: Option<Arc<Deployment>>,
    /// Another address than the provider's own, named by the caller.
    endpoint: Option<Endpoint>,
    pub(super) targets: Targets,
    pub(super) state: Arc<DeploymentState>,
    /// Calls at the same time, at most.
    pub(super) places: Option<u32>,
    /// Tells it from the others when a session looks for its deployment.
    pub(super) number: u64,
}

/// Where facts about models come from.
#[derive(Clone, Copy)]
pub(super) struct ModelFacts<'a> {
    pub(super) prices: &'a (dyn Fn(&ModelName) -> Option<Prices> + Send + Sync),
    pub(super) max_prompt_tokens: &'a (dyn Fn(&ModelName) -> Option<u64> + Send + Sync),
    /// What a name without a provider means.
    pub(super) bare_names: &'a (dyn Fn(&str) -> Option<ModelName> + Send + Sync),
}

impl Entry {
    /// A deployment of the model list; what was known of it stays known.
    pub(super) fn listed(
        deployment: &Arc<Deployment>,
        config: &RouterConfig,
        before: Option<&Self>,
    ) -> Self {
        Self {
            deployment: Some(Arc::clone(deployment)),
            endpoint: None,
            targets: Targets::new(&deployment.target, config, before.map(|it| &it.targets)),
            state: before.map_or_else(Arc::default, |it| Arc::clone(&it.state)),
            places: deployment.max_parallel.or(config.default_max_parallel),
            number: number_of(deployment.id.as_bytes()),
        }
    }

    fn named(endpoint: Option<Endpoint>) -> Self {
        Self {
            deployment: None,
            endpoint,
            targets: Targets::default(),
            state: Arc::default(),
            places: None,
            number: 0,
        }
    }

    pub(super) fn rpm(&self) -> Option<u64> {
        self.deployment.as_ref()?.rpm
    }

    pub(super) fn tpm(&self) -> Option<u64> {
        self.deployment.as_ref()?.tpm
    }

    pub(super) fn order(&self) -> i64 {
        self.deployment
            .as_ref()
            .and_then(|it| it.order)
            .unwrap_or(0)
    }

    pub(super) fn tags(&self) -> &[String] {
        self.deployment.as_ref().map_or(&[], |it| &it.tags)
    }
}

impl Member {
    /// A deployment as it answers for a name. `name` and what stood in the places of its stars fill in the model.
    pub(super) fn new(
        entry: Arc<Entry>,
        deployment: &Deployment,
        (name, stars): (&str, &[&str]),
        facts: ModelFacts<'_>,
    ) -> Self {
        let filled = pattern::fill(&deployment.model, name, stars);
        // Behind `*` a caller's name stands alone, and may be one that everybody knows: `gpt-4o-mini`.
        let model: Option<ModelName> = filled.parse().ok().or_else(|| (facts.bare_names)(&filled));
        let priced = priced_as(deployment, model.as_ref());
        let known = |model: &ModelName| (facts.max_prompt_tokens)(model);
        let prices = prices(deployment, model.as_ref(), facts.prices);
        Self {
            entry,
            model,
            cost: prices.map(|prices| prices.input.saturating_add(prices.output)),
            max_prompt_tokens: deployment
                .info
                .max_input_tokens
                .or_else(|| priced.as_ref().and_then(known)),
        }
    }

    /// What it costs: by the model list, else by the catalog.
    pub(super) fn prices(&self, of: impl Fn(&ModelName) -> Option<Prices>) -> Option<Prices> {
        match &self.entry.deployment {
            Some(deployment) => prices(deployment, self.model.as_ref(), of),
            None => of(self.model.as_ref()?),
        }
    }

    /// Its id in the model list; of a model that is called by its own name, the name.
    pub(super) fn id(&self) -> &str {
        match (&self.entry.deployment, &self.model) {
            (Some(deployment), _) => &deployment.id,
            (None, Some(model)) => model.as_str(),
            (None, None) => "",
        }
    }
}

/// What a deployment costs that is called with this model.
pub(super) fn prices(
    deployment: &Deployment,
    model: Option<&ModelName>,
    of: impl Fn(&ModelName) -> Option<Prices>,
) -> Option<Prices> {
    match &deployment.prices {
        Some(own) => Some(*own),
        // The usual case, without a copy of the name.
        None if deployment.info.base_model.is_none() => of(model?),
        None => of(&priced_as(deployment, model)?),
    }
}

/// The model whose card and price a deployment has: the one that its list says, with a provider or without the one
/// that it is called at, else its own.
fn priced_as(deployment: &Deployment, model: Option<&ModelName>) -> Option<ModelName> {
    let Some(base) = &deployment.info.base_model else {
        return model.cloned();
    };
    if let Ok(name) = base.parse() {
        return Some(name);
    }
    format!("{}/{base}", model?.provider()).parse().ok()
}

impl fmt::Display for Member {
    // Without the address: a base URL may hold a credential.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.model, &self.entry.deployment) {
            (Some(model), Some(deployment)) => write!(f, "{model} ({})", deployment.id),
            (Some(model), None) if self.entry.endpoint.is_some() => {
                write!(f, "{model} at an address of its own")
            }
            (Some(model), None) => write!(f, "{model}"),
            (None, Some(deployment)) => write!(f, "{} ({})", deployment.model, deployment.id),
            (None, None) => f.write_str("nobody"),
        }
    }
}

impl Group {
    /// The group of a model that is called by its own name, at the address that the call names.
    pub(super) fn named(model: &ModelName, endpoint: Option<Endpoint>) -> Self {
        let name: Arc<str> = model.as_str().into();
        Self {
            written: Arc::clone(&name),
            name,
            is_listed: false,
            members: vec![Member {
                entry: Arc::new(Entry::named(endpoint)),
                model: Some(model.clone()),
                cost: None,
                max_prompt_tokens: None,
            }],
        }
    }

    /// `true` when callers' names fill in its models.
    pub(super) fn fills_in(&self) -> bool {
        self.written.contains('*')
    }

    /// The model that stands for the group before a deployment was chosen.
    pub(super) fn model(&self) -> Option<&ModelName> {
        self.members.iter().find_map(|member| member.model.as_ref())
    }

    /// Who answers, for errors.
    pub(super) fn provider(&self) -> &str {
        self.model().map_or("agon", ModelName::provider)
    }
}
