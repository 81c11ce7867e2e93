//! Who is told of calls and debates.

use std::fmt;
use std::sync::Arc;

use super::call::CallRecord;
use super::call_queue::CallQueue;
use super::call_queue::Place;
use crate::types::ContentLevel;
use crate::types::Deployment;
use crate::types::debate::Outcome;

/// Is told of calls and debates. Must return at once.
pub trait Observer: Send + Sync {
    /// A call has ended.
    fn call_finished(&self, record: &Arc<CallRecord>);

    /// A deployment rests from now on, because of a failure of this class.
    fn deployment_cooled(&self, _deployment: &Deployment, _error: &'static str) {}

    /// A deployment that rested may be asked again.
    fn deployment_recovered(&self, _deployment: &Deployment) {}

    /// A debate runs in this process from now on.
    fn debate_began(&self) {}

    /// A debate no longer runs in this process: it is over, with this outcome, or another one goes on with it.
    fn debate_left(&self, _outcome: Option<Outcome>) {}
}

/// Everybody who is told. Cloning it costs one count.
#[derive(Clone, Default)]
pub struct Observers(Arc<Told>);

#[derive(Clone, Default)]
struct Told {
    all: Vec<Arc<dyn Observer>>,
    rows: Option<CallQueue>,
    content: ContentLevel,
}

impl Observers {
    /// Tells these.
    pub fn new(observers: Vec<Arc<dyn Observer>>) -> Self {
        Self(Arc::new(Told {
            all: observers,
            ..Told::default()
        }))
    }

    /// The same, and every call's record goes into this queue, in a place that was taken before the call.
    #[must_use]
    pub fn with_rows(self, rows: CallQueue) -> Self {
        let mut told = Arc::unwrap_or_clone(self.0);
        told.rows = Some(rows);
        Self(Arc::new(told))
    }

    /// The same, and records may hold as much as this of what was asked and answered.
    #[must_use]
    pub fn with_content(self, content: ContentLevel) -> Self {
        let mut told = Arc::unwrap_or_clone(self.0);
        told.content = content;
        Self(Arc::new(told))
    }

    /// `true` when records shall hold what was asked and answered.
    pub fn want_content(&self) -> bool {
        match self.0.content {
            ContentLevel::None => false,
            ContentLevel::Lengths | ContentLevel::Full => true,
        }
    }

    /// Takes a place for the record of a call that is about to begin; see [`CallQueue::reserve`].
    pub async fn reserve(&self) -> Place {
        match &self.0.rows {
            Some(rows) => rows.reserve().await,
            None => Place::nowhere(),
        }
    }

    /// Tells all of them of a call for which no place was taken before.
    pub fn call_finished(&self, record: &CallRecord) {
        let place = self
            .0
            .rows
            .as_ref()
            .map_or_else(Place::nowhere, CallQueue::reserve_now);
        self.call_settled(record.clone(), place);
    }

    /// Tells all of them. Never waits.
    pub fn call_settled(&self, record: CallRecord, place: Place) {
        let record = Arc::new(record);
        for observer in &self.0.all {
            observer.call_finished(&record);
        }
        place.settle(record);
    }

    /// Tells all of them that a deployment rests.
    pub fn deployment_cooled(&self, deployment: &Deployment, error: &'static str) {
        for observer in &self.0.all {
            observer.deployment_cooled(deployment, error);
        }
    }

    /// Tells all of them that a deployment may be asked again.
    pub fn deployment_recovered(&self, deployment: &Deployment) {
        for observer in &self.0.all {
            observer.deployment_recovered(deployment);
        }
    }

    /// Tells all of them that a debate runs here.
    pub fn debate_began(&self) {
        for observer in &self.0.all {
            observer.debate_began();
        }
    }

    /// Tells all of them that a debate no longer runs here.
    pub fn debate_left(&self, outcome: Option<Outcome>) {
        for observer in &self.0.all {
            observer.debate_left(outcome);
        }
    }
}

impl fmt::Debug for Observers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} observers", self.0.all.len())
    }
}
