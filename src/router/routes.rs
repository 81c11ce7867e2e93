//! From a name as callers write it to the group that answers for it.

use std::fmt;
use std::sync::Arc;

use super::Router;
use super::embed::GroupEmbedder;
use super::group::Member;
use super::run::GroupClient;
use crate::client::BaseLlmClient;
use crate::client::EmbeddingClient;
use crate::client::LlmError;
use crate::client::LlmErrorKind;
use crate::types::Deployment;
use crate::types::ModelName;
use crate::types::completes_text;

/// Who answers for a name.
#[derive(Clone)]
pub struct Route {
    /// Asks the group's deployments; it sets the model of each attempt itself.
    pub client: Arc<dyn BaseLlmClient>,
    /// What a request's head may name before a deployment is chosen.
    pub model: ModelName,
    /// `true` when every deployment completes a text as it is.
    pub completes_text: bool,
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
    /// Returns the names of the model list that callers can ask for, in the list's order: groups and patterns, then
    /// aliases that are not hidden. An alias takes the place of a group of the same name.
    pub fn listed(&self) -> Vec<ListedGroup> {
        self.snapshot().listed.clone()
    }

    /// Returns who answers for a name: an alias, a group, a pattern of the model list, or a model by its own name.
    ///
    /// # Errors
    /// `ModelNotFound` when nobody does; the message names the nearest.
    pub fn route(&self, name: &str) -> Result<Route, LlmError> {
        let client = GroupClient::find(self.snapshot(), name)?;
        let Some(model) = client.group.model().cloned() else {
            let message = format!(
                "the models that the model list has for \"{}\" are not written provider/model",
                client.group.name
            );
            return Err(LlmError::new(LlmErrorKind::ModelNotFound, "agon", message));
        };
        let completes = |member: &Member| {
            let deployment = member.entry.deployment.as_deref();
            let target = deployment.map(|deployment| &*deployment.target);
            let model = member.model.as_ref();
            model.is_some_and(|model| completes_text(model, target))
        };
        Ok(Route {
            completes_text: client.group.members.iter().all(completes),
            client: Arc::new(client),
            model,
        })
    }

    /// Returns who turns texts into vectors for a name, with the same deployments, limits and fallbacks; it sets the
    /// model of each attempt itself.
    ///
    /// # Errors
    /// As for [`Self::route`], and `InvalidRequest` when no provider behind the name has vectors.
    pub fn embedder(&self, name: &str) -> Result<Arc<dyn EmbeddingClient>, LlmError> {
        let client = GroupClient::find(self.snapshot(), name)?;
        let members = client.group.members.iter();
        let mut refused = None;
        for model in members.filter_map(|member| member.model.as_ref()) {
            match client.snapshot.common.embedders.embedder(model) {
                Ok(_) => return Ok(Arc::new(GroupEmbedder(client))),
                Err(error) => refused = refused.or(Some(error)),
            }
        }
        Err(refused.unwrap_or_else(|| {
            let message = format!("nobody turns texts into vectors for \"{name}\"");
            LlmError::new(LlmErrorKind::InvalidRequest, "agon", message)
        }))
    }
}
