//! Finds a call's figures without making anything, and bounds how many there are.

use std::hash::BuildHasher;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;

use arc_swap::ArcSwap;
use foldhash::fast::RandomState;

use super::deployments::DeploymentFigures;
use super::figures::CallFigures;
use super::figures::Key;
use crate::events::CallRecord;
use crate::events::FailedAttempt;
use crate::types::Deployment;
use crate::types::ModelName;

/// Models and deployments with figures of their own: callers choose names, and each costs up to 150 time series
/// for as long as the process lives.
const MAX_FIGURES: usize = 500;

/// The label of every model beyond the bound, and of those that no provider knows.
const OTHER: &str = "other/other";

/// All figures of calls. Read for every call, grown a few times in the life of a process.
#[derive(Debug)]
pub(super) struct Registry {
    hasher: RandomState,
    known: ArcSwap<Known>,
    growing: Mutex<()>,
}

#[derive(Debug, Clone, Default)]
struct Known {
    /// Sorted by the key's hash.
    calls: Vec<(u64, Arc<CallFigures>)>,
    /// Sorted by the hash of what names the deployment.
    deployments: Vec<(u64, Arc<DeploymentFigures>)>,
}

/// What tells figures apart, borrowed.
#[derive(Clone, Copy, Hash)]
struct Sought<'a> {
    model: &'a str,
    group: &'a str,
    deployment: &'a str,
    path: &'static str,
}

impl Sought<'_> {
    fn is(&self, key: &Key) -> bool {
        self.model == key.model
            && self.group == key.group
            && self.deployment == key.deployment
            && self.path == key.path
    }
}

impl Default for Registry {
    fn default() -> Self {
        Self {
            hasher: RandomState::default(),
            known: ArcSwap::default(),
            growing: Mutex::new(()),
        }
    }
}

impl Registry {
    /// The figures of a call.
    pub(super) fn figures(&self, record: &CallRecord) -> Arc<CallFigures> {
        let sought = sought(record);
        let hash = self.hasher.hash_one(sought);
        match find(&self.known.load(), hash, &sought) {
            Some(figures) => figures,
            None => self.grow(record, sought),
        }
    }

    /// What is known of the deployment of an attempt.
    pub(super) fn deployment(&self, attempt: &FailedAttempt) -> Arc<DeploymentFigures> {
        match &attempt.deployment {
            Some(deployment) => self.known_deployment(deployment),
            None => self.named_model(&attempt.model, attempt.error == "model_not_found"),
        }
    }

    /// What is known of an entry of the model list.
    pub(super) fn known_deployment(&self, deployment: &Deployment) -> Arc<DeploymentFigures> {
        self.deployment_by(&deployment.id, false, || {
            let base = deployment.target.api_base.as_deref().unwrap_or_default();
            DeploymentFigures::new(&deployment.group, &deployment.id, &deployment.model, base)
        })
    }

    /// All figures, and all deployments.
    pub(super) fn all(&self) -> (Vec<Arc<CallFigures>>, Vec<Arc<DeploymentFigures>>) {
        let known = self.known.load();
        let calls = known.calls.iter().map(|(_, figures)| Arc::clone(figures));
        let deployments = known.deployments.iter();
        let deployments = deployments.map(|(_, figures)| Arc::clone(figures));
        (calls.collect(), deployments.collect())
    }

    fn named_model(&self, model: &ModelName, is_unknown: bool) -> Arc<DeploymentFigures> {
        self.deployment_by(model.as_str(), is_unknown, || {
            DeploymentFigures::new(model.as_str(), "", model.as_str(), "")
        })
    }

    fn deployment_by(
        &self,
        name: &str,
        is_unknown: bool,
        make: impl FnOnce() -> DeploymentFigures,
    ) -> Arc<DeploymentFigures> {
        let hash = self.hasher.hash_one(name);
        let found = |known: &Known, hash| {
            let at = known
                .deployments
                .binary_search_by_key(&hash, |entry| entry.0);
            at.ok().map(|at| Arc::clone(&known.deployments[at].1))
        };
        if let Some(figures) = found(&self.known.load(), hash) {
            return figures;
        }
        let _growing = self.growing.lock().unwrap_or_else(PoisonError::into_inner);
        let known = self.known.load();
        let is_full = known.deployments.len() >= MAX_FIGURES;
        let (hash, figures) = match is_unknown || is_full {
            true => {
                let other = DeploymentFigures::new("other", "", OTHER, "");
                (self.hasher.hash_one(OTHER), other)
            }
            false => (hash, make()),
        };
        if let Some(figures) = found(&known, hash) {
            return figures;
        }
        let mut grown = Known::clone(&known);
        let figures = Arc::new(figures);
        let at = grown.deployments.partition_point(|entry| entry.0 < hash);
        grown.deployments.insert(at, (hash, Arc::clone(&figures)));
        self.known.store(Arc::new(grown));
        figures
    }

    /// Makes the figures of a call that has none yet, or gives those of all the others.
    fn grow(&self, record: &CallRecord, sought: Sought<'_>) -> Arc<CallFigures> {
        // A name that its provider does not know takes nobody's place.
        let is_unknown = record.error == Some("model_not_found") && record.deployment.is_none();
        if is_unknown || self.known.load().calls.len() >= MAX_FIGURES {
            let other = Sought {
                model: OTHER,
                group: "other",
                deployment: "",
                path: sought.path,
            };
            let hash = self.hasher.hash_one(other);
            return match find(&self.known.load(), hash, &other) {
                Some(figures) => figures,
                None => self.insert(other, self.named_model(&record.model, true)),
            };
        }
        let deployment = match &record.deployment {
            Some(deployment) => self.known_deployment(deployment),
            None => self.named_model(&record.model, false),
        };
        self.insert(sought, deployment)
    }

    fn insert(&self, sought: Sought<'_>, deployment: Arc<DeploymentFigures>) -> Arc<CallFigures> {
        let _growing = self.growing.lock().unwrap_or_else(PoisonError::into_inner);
        let known = self.known.load();
        let hash = self.hasher.hash_one(sought);
        // Another thread may have been quicker.
        if let Some(figures) = find(&known, hash, &sought) {
            return figures;
        }
        let key = Key {
            model: sought.model.to_owned(),
            group: sought.group.to_owned(),
            deployment: sought.deployment.to_owned(),
            path: sought.path,
        };
        let figures = Arc::new(CallFigures::new(key, deployment));
        let mut grown = Known::clone(&known);
        let at = grown.calls.partition_point(|entry| entry.0 < hash);
        grown.calls.insert(at, (hash, Arc::clone(&figures)));
        self.known.store(Arc::new(grown));
        figures
    }
}

fn sought(record: &CallRecord) -> Sought<'_> {
    Sought {
        model: record.model.as_str(),
        group: record.asked_for(),
        deployment: record.deployment.as_ref().map_or("", |entry| &entry.id),
        path: record.path,
    }
}

fn find(known: &Known, hash: u64, sought: &Sought<'_>) -> Option<Arc<CallFigures>> {
    let from = known.calls.partition_point(|entry| entry.0 < hash);
    let same = known.calls[from..]
        .iter()
        .take_while(|entry| entry.0 == hash);
    let mut figures = same.map(|(_, figures)| figures);
    figures
        .find(|figures| sought.is(&figures.key))
        .map(Arc::clone)
}
