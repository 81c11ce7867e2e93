//! How many watch each debate.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::Instant;

use crate::types::DebateId;

/// Shortest time between two words about how many watch; longer for large audiences, whose every change would
/// otherwise be told to all of them.
const AT_MOST_EVERY: Duration = Duration::from_secs(2);

/// Sockets by debate. A debate that nobody watches takes no room.
#[derive(Debug, Clone, Default)]
pub struct Presence(Arc<Mutex<HashMap<DebateId, watch::Sender<u64>>>>);

/// One watcher among those of a debate.
#[derive(Debug)]
pub(super) struct Present {
    presence: Presence,
    debate: DebateId,
    viewers: watch::Receiver<u64>,
    told: Option<(u64, Instant)>,
}

impl Presence {
    /// Counts a watcher until it is dropped.
    pub(super) fn join(&self, debate: &DebateId) -> Present {
        let mut debates = self.debates();
        let viewers = debates
            .entry(debate.clone())
            .or_insert_with(|| watch::Sender::new(0));
        viewers.send_modify(|count| *count += 1);
        Present {
            presence: self.clone(),
            debate: debate.clone(),
            viewers: viewers.subscribe(),
            told: None,
        }
    }

    fn debates(&self) -> MutexGuard<'_, HashMap<DebateId, watch::Sender<u64>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Present {
    /// How many watch, once that is news and enough time has passed since the last time. May be given up at any point.
    pub(super) async fn news(&mut self) -> u64 {
        loop {
            let count = *self.viewers.borrow_and_update();
            match self.told {
                Some((told, _)) if told == count => {
                    // The sender lives as long as this watcher is counted.
                    if self.viewers.changed().await.is_err() {
                        std::future::pending::<()>().await;
                    }
                }
                Some((_, at)) => {
                    let rest = AT_MOST_EVERY + Duration::from_millis(count * 2);
                    tokio::time::sleep_until(at + rest).await;
                    return self.tell();
                }
                None => return self.tell(),
            }
        }
    }

    fn tell(&mut self) -> u64 {
        let count = *self.viewers.borrow_and_update();
        self.told = Some((count, Instant::now()));
        count
    }
}

impl Drop for Present {
    fn drop(&mut self) {
        let mut debates = self.presence.debates();
        if let Some(viewers) = debates.get(&self.debate) {
            viewers.send_modify(|count| *count = count.saturating_sub(1));
            if *viewers.borrow() == 0 {
                debates.remove(&self.debate);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn watchers_are_counted_and_told_of_each_other_now_and_then() {
        let (presence, debate) = (Presence::default(), DebateId::new("d"));
        let mut first = presence.join(&debate);
        assert_eq!(first.news().await, 1);
        let (begun, others) = (
            Instant::now(),
            [presence.join(&debate), presence.join(&debate)],
        );
        assert_eq!(first.news().await, 3);
        assert!(begun.elapsed() >= AT_MOST_EVERY);
        drop(others);
        assert_eq!(first.news().await, 1);
        drop(first);
        assert!(presence.debates().is_empty());
    }
}
