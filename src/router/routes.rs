//! From a name as callers write it to the group that answers for it.

use std::fmt;
use std::sync::Arc;

use super::Router;
use crate::client::BaseLlmClient;
use crate::client::ClientSource;
use crate::client::LlmError;
use crate::client::LlmErrorKind;
use crate::types::Deployment;
use crate::types::ModelName;

/// Who answers for a name.
#[derive(Clone)]
pub struct Route {
    /// Asks the group's deployments; it sets the model of each attempt itself.
    pub client: Arc<dyn BaseLlmClient>,
    /// What a request's head may name before a deployment is chosen.
    pub model: ModelName,
}

impl fmt::Debug for Route {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Route")
            .field("model", &self.model)
            .finish_non_exhaustive()
    }
}

/// A name that callers can ask for, and who may answer.
#[derive(Debug, Clone)]
pub struct ListedGroup {
    /// The name.
    pub name: Arc<str>,
    /// The entries of the model list behind it, in the list's order; never empty.
    pub deployments: Vec<Arc<Deployment>>,
}

impl Router {
    /// Returns the names of the model list that callers can ask for, in the list's order: groups, patterns and
    /// aliases that are not hidden.
    pub fn listed(&self) -> Vec<ListedGroup> {
        let mut groups: Vec<ListedGroup> = Vec::new();
        for deployment in &self.config().deployments {
            match groups
                .iter_mut()
                .find(|group| group.name == deployment.group)
            {
                Some(group) => group.deployments.push(Arc::clone(deployment)),
                None => groups.push(ListedGroup {
                    name: Arc::clone(&deployment.group),
                    deployments: vec![Arc::clone(deployment)],
                }),
            }
        }
        groups
    }

    /// Returns who answers for a name: an alias, a group, a pattern of the model list, or a model by its own name.
    ///
    /// # Errors
    /// `ModelNotFound` when nobody does; the message names the nearest.
    pub fn route(&self, name: &str) -> Result<Route, LlmError> {
        let model: ModelName = name.parse().map_err(|error| {
            LlmError::new(LlmErrorKind::ModelNotFound, "agon", format!("{error}"))
        })?;
        Ok(Route {
            client: self.client(&model)?,
            model,
        })
    }
}
