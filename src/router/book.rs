//! Keeps the health of every deployment that is not simply well.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;

use tokio::sync::Notify;
use tokio::sync::futures::Notified;
use tokio::time::Instant;

use super::config::RouterConfig;
use super::health::DeploymentId;
use super::health::Health;
use super::health::Sign;
use crate::client::LlmErrorKind;

/// Deployments that are remembered; a caller chooses names and addresses, so they need a bound.
const MAX_REMEMBERED: usize = 1024;

/// The health of all deployments. One that is not in it is ready.
#[derive(Debug)]
pub(super) struct HealthBook {
    config: RouterConfig,
    // A std mutex: it is held for a look-up, never across an await.
    entries: Mutex<HashMap<DeploymentId, Health>>,
    changed: Notify,
}

impl HealthBook {
    pub(super) fn new(config: RouterConfig) -> Self {
        Self {
            config,
            entries: Mutex::default(),
            changed: Notify::new(),
        }
    }

    /// How a deployment fares.
    pub(super) fn health(&self, deployment: &DeploymentId) -> Health {
        let entries = self.entries();
        entries.get(deployment).cloned().unwrap_or(Health::GOOD)
    }

    /// Resolves at the next change after this call, also when it happens before the first poll.
    pub(super) fn changed(&self) -> Notified<'_> {
        self.changed.notified()
    }

    /// Lets a call ask a deployment; `None` when it may not be asked now.
    pub(super) fn admit(self: &Arc<Self>, deployment: &DeploymentId) -> Option<Ticket> {
        let mut entries = self.entries();
        let is_probe = match entries.remove(deployment) {
            None => false,
            Some(health) => match health.clone().asked(Instant::now()) {
                Some((next, is_probe)) => {
                    remember(&mut entries, deployment, next);
                    is_probe
                }
                None => {
                    entries.insert(deployment.clone(), health);
                    return None;
                }
            },
        };
        Some(Ticket {
            book: Arc::clone(self),
            deployment: deployment.clone(),
            is_probe,
        })
    }

    /// Notes that a call is given up; `kind` is how this deployment's last attempt of it failed.
    pub(super) fn call_failed(&self, deployment: &DeploymentId, kind: &LlmErrorKind) {
        self.note(deployment, Sign::CallFailed(kind), false);
    }

    fn note(&self, deployment: &DeploymentId, sign: Sign<'_>, is_probe: bool) {
        let mut entries = self.entries();
        let before = entries.remove(deployment).unwrap_or(Health::GOOD);
        let now = Instant::now();
        let after = before.clone().after(sign, is_probe, &self.config, now);
        let changed = before != after;
        if changed {
            announce(deployment, &after, now);
        }
        if after != Health::GOOD {
            remember(&mut entries, deployment, after);
        }
        drop(entries);
        if changed {
            self.changed.notify_waiters();
        }
    }

    fn entries(&self) -> MutexGuard<'_, HashMap<DeploymentId, Health>> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The right to ask a deployment once. Dropped without a word, it says that nothing was learned.
#[derive(Debug)]
pub(super) struct Ticket {
    book: Arc<HealthBook>,
    deployment: DeploymentId,
    is_probe: bool,
}

impl Ticket {
    /// The first chunk is here: a probe has done its work.
    pub(super) fn answering(&mut self) {
        if self.is_probe {
            self.note(Sign::Answering);
        }
    }

    /// The answer is complete.
    pub(super) fn succeeded(mut self) {
        self.note(Sign::Succeeded);
    }

    /// The attempt failed before its first chunk.
    pub(super) fn attempt_failed(mut self, kind: &LlmErrorKind) {
        self.note(Sign::AttemptFailed(kind));
    }

    /// The answer broke off after its first chunk.
    pub(super) fn cut(mut self, kind: &LlmErrorKind) {
        self.note(Sign::CallFailed(kind));
    }

    fn note(&mut self, sign: Sign<'_>) {
        self.book.note(&self.deployment, sign, self.is_probe);
        self.is_probe = false;
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        if self.is_probe {
            self.note(Sign::Nothing);
        }
    }
}

fn announce(deployment: &DeploymentId, health: &Health, now: Instant) {
    match health {
        Health::Cooling { until, cause } if *until > now => tracing::warn!(
            target: "agon::llm",
            model = %deployment.model,
            cause = cause.code(),
            cooldown_ms = u64::try_from((*until - now).as_millis()).unwrap_or(u64::MAX),
            "{deployment} rests for {:.1} s after {cause}",
            (*until - now).as_secs_f64(),
        ),
        Health::Ready { .. } | Health::Cooling { .. } | Health::Probing { .. } => {}
    }
}

/// Stores a state and keeps within the bound. Who is ready is forgotten first, then who cools for the shortest
/// time: at worst it is asked early. A probe under way is never forgotten, and is as rare as calls in flight.
fn remember(
    entries: &mut HashMap<DeploymentId, Health>,
    deployment: &DeploymentId,
    health: Health,
) {
    if entries.len() >= MAX_REMEMBERED {
        let forgettable = entries
            .iter()
            .filter_map(|(id, health)| match health {
                Health::Ready { .. } => Some((id, None)),
                Health::Cooling { until, .. } => Some((id, Some(*until))),
                Health::Probing { .. } => None,
            })
            .min_by_key(|(_, until)| *until)
            .map(|(id, _)| id.clone());
        if let Some(id) = forgettable {
            entries.remove(&id);
        }
    }
    entries.insert(deployment.clone(), health);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn deployment(n: usize) -> DeploymentId {
        DeploymentId {
            model: format!("p/m{n}").parse().unwrap(),
            endpoint: None,
        }
    }

    #[tokio::test(start_paused = true)]
    async fn the_book_stays_bounded_and_forgets_who_is_ready_first() {
        let book = Arc::new(HealthBook::new(RouterConfig::default()));
        book.admit(&deployment(0))
            .unwrap()
            .attempt_failed(&LlmErrorKind::Authentication);
        for n in 1..=MAX_REMEMBERED {
            book.call_failed(&deployment(n), &LlmErrorKind::ConnectionFailed);
        }
        assert_eq!(book.entries().len(), MAX_REMEMBERED);
        assert!(book.admit(&deployment(0)).is_none(), "it still cools");
    }

    #[tokio::test(start_paused = true)]
    async fn a_deployment_that_is_well_takes_no_room() {
        let book = Arc::new(HealthBook::new(RouterConfig::default()));
        book.call_failed(&deployment(1), &LlmErrorKind::ConnectionFailed);
        book.admit(&deployment(1)).unwrap().succeeded();
        assert!(book.entries().is_empty());
    }

    #[tokio::test(start_paused = true)]
    async fn a_probe_that_is_given_up_leaves_its_place_to_the_next_call() {
        let book = Arc::new(HealthBook::new(RouterConfig::default()));
        let id = deployment(1);
        book.admit(&id)
            .unwrap()
            .attempt_failed(&LlmErrorKind::QuotaExhausted);
        tokio::time::advance(std::time::Duration::from_secs(5)).await;
        let probe = book.admit(&id).unwrap();
        assert!(book.admit(&id).is_none());
        drop(probe);
        assert!(book.admit(&id).is_some());
    }
}
