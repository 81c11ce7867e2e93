//! Names of models that stand beside the model list: tasks, and the variables that clients of a gateway have.

use std::sync::Arc;

use super::place::Place;
use crate::types::Deployment;
use crate::types::DeploymentInfo;

/// Another name for a model, whatever the model list has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct NamedModel {
    pub(super) name: String,
    pub(super) model: String,
    pub(super) place: Place,
}

/// A group that a setting names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Mention {
    /// The setting.
    pub(super) path: String,
    pub(super) group: String,
    pub(super) place: Place,
}

/// A deployment of which nothing is said.
pub(super) fn plain_deployment() -> Deployment {
    Deployment {
        id: "".into(),
        group: "".into(),
        model: "".into(),
        target: Arc::default(),
        weight: None,
        rpm: None,
        tpm: None,
        max_parallel: None,
        order: None,
        tags: Vec::new(),
        num_retries: None,
        cooldown: None,
        prices: None,
        info: DeploymentInfo::default(),
    }
}
