//! Parameters that a provider does not take: left out of the request, told once, and remembered.

use std::collections::BTreeSet;
use std::sync::Mutex;
use std::sync::PoisonError;

use crate::types::ModelName;

/// Most pairs that are remembered; models are named by callers, so their number needs a bound.
const MAX_REMEMBERED: usize = 4096;

/// What was left out for which model.
#[derive(Debug, Default)]
pub struct DroppedParams {
    seen: Mutex<BTreeSet<(ModelName, String)>>,
}

impl DroppedParams {
    /// Notes what was left out of a request; each pair is logged the first time.
    pub(super) fn note(&self, model: &ModelName, dropped: &[String]) {
        for param in dropped {
            if self.is_new(model, param) {
                tracing::debug!(
                    target: "agon::llm",
                    %model,
                    param,
                    "{model} does not take {param}, so it is left out"
                );
            }
        }
    }

    /// Everything that was left out so far.
    pub fn all(&self) -> Vec<(ModelName, String)> {
        let seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.iter().cloned().collect()
    }

    fn is_new(&self, model: &ModelName, param: &str) -> bool {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.len() < MAX_REMEMBERED && seen.insert((model.clone(), param.to_owned()))
    }
}
