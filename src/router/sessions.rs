//! Where sessions are that are not at home: they moved while their deployment could not be asked, and what their
//! prompts left in a provider's cache moved with them.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;

use tokio::time::Instant;

/// Sessions away from home that are remembered; callers choose their names, so they need a bound.
const MAX_AWAY: usize = 8192;

/// A session as a choice sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Session {
    /// What it goes by.
    pub(super) number: u64,
    /// The number of the deployment that answered it last, when that is not its home.
    pub(super) away_at: Option<u64>,
}

/// The sessions that are away. Those at home take no room: their deployment follows from their number.
#[derive(Debug, Default)]
pub(super) struct Sessions(Mutex<HashMap<(Arc<str>, u64), Stay>>);

#[derive(Debug, Clone, Copy)]
struct Stay {
    deployment: u64,
    until: Instant,
}

impl Sessions {
    /// The session of a call to a group.
    pub(super) fn find(&self, group: &Arc<str>, number: u64, now: Instant) -> Session {
        let away = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let stay = (!away.is_empty())
            .then(|| away.get(&(Arc::clone(group), number)))
            .flatten();
        Session {
            number,
            away_at: stay
                .filter(|stay| stay.until > now)
                .map(|stay| stay.deployment),
        }
    }

    /// A session was answered away from home: it stays there until then.
    pub(super) fn stays(
        &self,
        (group, number): (&Arc<str>, u64),
        deployment: u64,
        (until, now): (Instant, Instant),
    ) {
        let mut away = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let key = (Arc::clone(group), number);
        if away.len() >= MAX_AWAY && !away.contains_key(&key) {
            away.retain(|_, stay| stay.until > now);
        }
        if away.len() < MAX_AWAY || away.contains_key(&key) {
            away.insert(key, Stay { deployment, until });
        }
    }

    /// A session was answered at home.
    pub(super) fn is_home(&self, group: &Arc<str>, number: u64) {
        let mut away = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if !away.is_empty() {
            away.remove(&(Arc::clone(group), number));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn stays_end_and_no_more_than_a_bound_are_remembered() {
        let (sessions, group) = (Sessions::default(), Arc::<str>::from("g"));
        let now = Instant::now();
        let until = now + Duration::from_secs(9);
        for number in 0..2 * MAX_AWAY as u64 {
            sessions.stays((&group, number), 7, (until, now));
        }
        assert_eq!(sessions.0.lock().unwrap().len(), MAX_AWAY);
        assert_eq!(sessions.find(&group, 1, now).away_at, Some(7));
        assert_eq!(sessions.find(&group, 1, until).away_at, None);
        sessions.stays((&group, u64::MAX), 8, (until + until.elapsed(), until));
        assert_eq!(
            sessions.0.lock().unwrap().len(),
            1,
            "those that ended make room"
        );
        sessions.is_home(&group, u64::MAX);
        assert!(sessions.0.lock().unwrap().is_empty());
    }
}
