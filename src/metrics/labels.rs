//! The labels of the figures, and a bound on how many there are.

use std::collections::HashSet;
use std::sync::Mutex;
use std::sync::PoisonError;

use prometheus_client::encoding::EncodeLabelSet;

use crate::events::CallRecord;
use crate::types::ModelName;

/// Models with labels of their own: every one costs a few dozen time series, for as long as the process lives.
const MAX_MODELS: usize = 200;

/// The label of every model beyond the bound, and of those that no provider knows.
const OTHER: &str = "other";

/// Who was asked.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct ModelLabels {
    provider: String,
    model: String,
}

/// Who was asked, by which implementation, and how it ended.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct CallLabels {
    provider: String,
    model: String,
    path: &'static str,
    outcome: &'static str,
}

impl CallLabels {
    pub(super) fn new(model: &ModelLabels, path: &PathLabels, outcome: &'static str) -> Self {
        Self {
            provider: model.provider.clone(),
            model: model.model.clone(),
            path: path.path,
            outcome,
        }
    }
}

/// Who was asked, and whether the tokens were read or written.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct TokenLabels {
    provider: String,
    model: String,
    direction: &'static str,
}

impl TokenLabels {
    pub(super) fn new(model: &ModelLabels, direction: &'static str) -> Self {
        Self {
            provider: model.provider.clone(),
            model: model.model.clone(),
            direction,
        }
    }
}

/// Which implementation called.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct PathLabels {
    pub(super) path: &'static str,
}

/// How something ended.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct OutcomeLabels {
    pub(super) outcome: &'static str,
}

/// The models that have labels of their own: callers choose names, so that they need a bound.
#[derive(Debug, Default)]
pub(super) struct KnownModels(Mutex<HashSet<ModelName>>);

impl KnownModels {
    /// The labels of a call's model. A name that its provider does not know takes nobody's place.
    pub(super) fn labels(&self, record: &CallRecord) -> ModelLabels {
        let is_real = record.error != Some("model_not_found");
        if self.is_known(&record.model, is_real) {
            return ModelLabels {
                provider: record.model.provider().to_owned(),
                model: record.model.model().to_owned(),
            };
        }
        ModelLabels {
            provider: OTHER.to_owned(),
            model: OTHER.to_owned(),
        }
    }

    fn is_known(&self, model: &ModelName, may_join: bool) -> bool {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if known.contains(model) {
            return true;
        }
        let joins = may_join && known.len() < MAX_MODELS;
        if joins {
            known.insert(model.clone());
        }
        joins
    }
}
