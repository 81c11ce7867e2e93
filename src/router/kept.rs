//! How the last calls were routed, kept for whoever asks why. Written for every call, so without words.

use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering;

use tokio::time::Instant;

use super::config::Strategy;
use super::group::Group;
use super::plan::Exclusion;

/// Calls that are kept.
const MOST: usize = 256;

/// How one call was routed.
#[derive(Debug, Clone)]
pub(super) struct RouteRecord {
    pub(super) call_id: Arc<str>,
    /// The name that was asked for.
    pub(super) asked: Arc<str>,
    pub(super) strategy: Strategy,
    pub(super) began: Instant,
    pub(super) attempts: Vec<Asked>,
}

/// One choice of a call.
#[derive(Debug, Clone)]
pub(super) struct Asked {
    pub(super) group: Arc<Group>,
    /// Who was asked; `None` when nobody could be.
    pub(super) member: Option<usize>,
    /// The class of the failure; `None` when it answered.
    pub(super) failure: Option<&'static str>,
    pub(super) excluded: Vec<Exclusion>,
}

/// The last calls. Each has a lock of its own, so that writers do not meet.
#[derive(Debug)]
pub(super) struct Kept {
    slots: Box<[Mutex<Option<RouteRecord>>]>,
    next: AtomicUsize,
}

impl Default for Kept {
    fn default() -> Self {
        Self {
            slots: (0..MOST).map(|_| Mutex::default()).collect(),
            next: AtomicUsize::new(0),
        }
    }
}

impl Kept {
    /// Keeps a call in the place of the oldest.
    pub(super) fn keep(&self, record: RouteRecord) {
        let slot = self.next.fetch_add(1, Ordering::Relaxed) % self.slots.len();
        let mut kept = self.slots[slot]
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let before = kept.replace(record);
        drop(kept);
        drop(before);
    }

    /// The call of this id, the last one where several have it.
    pub(super) fn find(&self, call_id: &str) -> Option<RouteRecord> {
        let newest = self.next.load(Ordering::Relaxed);
        (1..=self.slots.len()).find_map(|back| {
            let slot = newest.wrapping_sub(back) % self.slots.len();
            let kept = self.slots[slot]
                .lock()
                .unwrap_or_else(PoisonError::into_inner);
            kept.clone().filter(|record| *record.call_id == *call_id)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_last_calls_are_found_and_the_oldest_make_room() {
        let kept = Kept::default();
        for n in 0..MOST + 1 {
            kept.keep(RouteRecord {
                call_id: n.to_string().into(),
                asked: "g".into(),
                strategy: Strategy::default(),
                began: Instant::now(),
                attempts: Vec::new(),
            });
        }
        assert!(kept.find("0").is_none());
        assert!(kept.find("1").is_some() && kept.find("256").is_some());
        assert!(kept.find("257").is_none());
    }
}
