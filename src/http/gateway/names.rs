//! The models that callers can ask for by name.

use std::sync::Arc;

use crate::catalog::ModelCard;
use crate::catalog::ProviderSpec;
use crate::http::HttpState;
use crate::http::api::models::can_be_called;
use crate::router::ListedGroup;
use crate::types::Deployment;
use crate::types::ModelName;
use crate::types::Prices;

/// A name that callers can ask for.
#[derive(Debug, Clone)]
pub(super) struct Named {
    pub(super) name: String,
    /// The entries of the model list behind it; none for a model that is called by its own name.
    pub(super) deployments: Vec<Arc<Deployment>>,
    /// The model whose card says what it can do; `None` where nothing is known about it.
    pub(super) model: Option<ModelName>,
}

impl Named {
    /// The provider that answers, as far as that is known.
    pub(super) fn provider(&self) -> &str {
        self.model.as_ref().map_or("agon", ModelName::provider)
    }
}

/// The names of the model list, patterns filled in with the models of the catalog. Without a model list: every model
/// that can be called now, by its own name. And the debates that answer as models.
pub(super) fn all(state: &HttpState) -> Vec<Named> {
    let listed = state.router.listed();
    let mut names = match listed.is_empty() {
        true => by_own_name(state),
        false => of_list(state, listed),
    };
    names.extend(state.debate_models.names().into_iter().map(|name| Named {
        model: name.parse().ok(),
        name,
        deployments: Vec::new(),
    }));
    names
}

fn of_list(state: &HttpState, listed: Vec<ListedGroup>) -> Vec<Named> {
    let mut names: Vec<Named> = Vec::new();
    let mut add = |named: Named| {
        if names.iter().all(|known| known.name != named.name) {
            names.push(named);
        }
    };
    for group in listed {
        match group.name.strip_suffix('*') {
            None => add(Named {
                name: group.name.as_ref().to_owned(),
                model: group.deployments.first().and_then(|it| described(it)),
                deployments: group.deployments,
            }),
            Some(beginning) => filled(state, beginning, &group.deployments)
                .into_iter()
                .for_each(&mut add),
        }
    }
    names
}

/// The model whose card and price a deployment has.
pub(super) fn described(deployment: &Deployment) -> Option<ModelName> {
    let base = deployment.info.base_model.as_deref();
    let model = base.and_then(|base| base.parse().ok());
    model.or_else(|| deployment.model.parse().ok())
}

/// The names that a pattern stands for, as far as the catalog knows them.
fn filled(state: &HttpState, beginning: &str, deployments: &[Arc<Deployment>]) -> Vec<Named> {
    let mut names = Vec::new();
    for deployment in deployments {
        let Some(theirs) = deployment.model.strip_suffix('*') else {
            continue;
        };
        let cards = state.catalog.cards().filter(|card| !card.is_retired());
        for card in cards {
            if let Some(rest) = card.name.as_str().strip_prefix(theirs) {
                names.push(Named {
                    name: format!("{beginning}{rest}"),
                    deployments: vec![Arc::clone(deployment)],
                    model: Some(card.name.clone()),
                });
            }
        }
    }
    names
}

fn by_own_name(state: &HttpState) -> Vec<Named> {
    let named = |model: ModelName| Named {
        name: model.to_string(),
        deployments: Vec::new(),
        model: Some(model),
    };
    let can_be_called = |spec: Option<&Arc<ProviderSpec>>| {
        spec.is_some_and(|spec| !spec.local && can_be_called(state, spec))
    };
    let cards = state.catalog.cards().filter(|card| {
        !card.is_retired() && can_be_called(state.catalog.provider(card.name.provider()))
    });
    let mut names: Vec<Named> = cards.map(|card| named(card.name.clone())).collect();
    for server in state.availability.installed().iter() {
        for model in &server.models {
            let plain = model.name.trim_end_matches(":latest");
            if let Ok(model) = format!("{}/{plain}", server.provider).parse() {
                names.push(named(model));
            }
        }
    }
    names
}

/// What is known about the model of a name.
pub(super) fn card<'a>(state: &'a HttpState, named: &Named) -> Option<&'a Arc<ModelCard>> {
    state.catalog.card(named.model.as_ref()?)
}

/// What a deployment costs: by the model list, else by the catalog.
pub(super) fn prices(state: &HttpState, deployment: &Deployment) -> Option<Prices> {
    let of_catalog = || state.catalog.prices(&described(deployment)?);
    deployment.prices.or_else(of_catalog)
}
