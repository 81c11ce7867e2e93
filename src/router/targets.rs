//! Where a deployment is called, with the time limits of the router and of the caller in it.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::time::Duration;

use super::config::RouterConfig;
use crate::client::Wishes;
use crate::types::Target;

/// Targets with callers' time limits that are remembered: who calls keeps connections and prepared requests by the
/// address of the target, so that the same limits should give the same target again.
const MAX_WISHED: usize = 16;

/// The targets of one deployment.
#[derive(Debug, Default)]
pub(super) struct Targets {
    whole: Option<Arc<Target>>,
    streamed: Option<Arc<Target>>,
    wished: Mutex<VecDeque<(Limits, Arc<Target>)>>,
}

/// What a caller wants, as far as it changes a target.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Limits {
    in_pieces: bool,
    timeout: Option<Duration>,
    piece: Option<Duration>,
}

impl Targets {
    /// The targets of a deployment under a configuration; those of before are kept where they are the same.
    pub(super) fn new(own: &Arc<Target>, config: &RouterConfig, before: Option<&Self>) -> Self {
        let seconds =
            |given: Option<f64>| given.and_then(|it| Duration::try_from_secs_f64(it).ok());
        let limits = |in_pieces| Limits {
            in_pieces,
            timeout: seconds(config.timeout_s),
            piece: seconds(config.stream_timeout_s),
        };
        let same = |known: Option<&Arc<Target>>, now: Arc<Target>| match known {
            Some(known) if **known == *now => Arc::clone(known),
            Some(_) | None => now,
        };
        let made = |in_pieces| {
            let mut timeouts = own.timeouts;
            limits(in_pieces).fill(&mut timeouts);
            match timeouts == own.timeouts {
                true => Arc::clone(own),
                false => Arc::new(Target {
                    timeouts,
                    ..Target::clone(own)
                }),
            }
        };
        let whole = same(before.and_then(|it| it.whole.as_ref()), made(false));
        let streamed = same(Some(&whole), made(true));
        let streamed = same(before.and_then(|it| it.streamed.as_ref()), streamed);
        Self {
            whole: Some(whole),
            streamed: Some(streamed),
            wished: Mutex::default(),
        }
    }

    /// The target of an attempt; `None` leaves everything to the provider's file.
    pub(super) fn of(&self, in_pieces: bool, wishes: &Wishes) -> Option<Arc<Target>> {
        let usual = match in_pieces {
            true => &self.streamed,
            false => &self.whole,
        };
        let limits = Limits {
            in_pieces,
            timeout: wishes.timeout,
            piece: wishes.stream_timeout,
        };
        if limits.timeout.is_none() && (limits.piece.is_none() || !in_pieces) {
            return usual.clone();
        }
        let mut wished = self.wished.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, known)) = wished.iter().find(|(wish, _)| *wish == limits) {
            return Some(Arc::clone(known));
        }
        let mut target = usual.as_deref().cloned().unwrap_or_default();
        limits.set(&mut target.timeouts);
        let target = Arc::new(target);
        if wished.len() >= MAX_WISHED {
            wished.pop_front();
        }
        wished.push_back((limits, Arc::clone(&target)));
        Some(target)
    }
}

impl Limits {
    /// Sets what a deployment leaves open. A stream without a limit of its own for its pieces has to begin in the
    /// time of a whole answer, as `LiteLLM` has it.
    fn fill(&self, timeouts: &mut crate::types::TargetTimeouts) {
        if self.in_pieces {
            let own = timeouts.total_of_stream.or(timeouts.total);
            let first = self.piece.or(own).or(self.timeout);
            timeouts.first_token = timeouts.first_token.or(first);
            timeouts.idle = timeouts.idle.or(self.piece);
            // A long answer that comes steadily is not cut off.
            timeouts.total = None;
        } else {
            timeouts.total = timeouts.total.or(self.timeout);
        }
    }

    /// Sets what a caller names, whatever was there.
    fn set(&self, timeouts: &mut crate::types::TargetTimeouts) {
        if self.in_pieces {
            if let Some(first) = self.piece.or(self.timeout) {
                timeouts.first_token = Some(first);
            }
            timeouts.idle = self.piece.or(timeouts.idle);
        } else {
            timeouts.total = self.timeout.or(timeouts.total);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::TargetTimeouts;

    fn seconds(seconds: u64) -> Option<Duration> {
        Some(Duration::from_secs(seconds))
    }

    fn timeouts(targets: &Targets, in_pieces: bool, wishes: &Wishes) -> TargetTimeouts {
        targets.of(in_pieces, wishes).unwrap().timeouts
    }

    #[test]
    fn the_caller_goes_before_the_deployment_and_that_before_the_router() {
        let own = |timeouts| {
            Arc::new(Target {
                timeouts,
                ..Target::default()
            })
        };
        let config = RouterConfig {
            timeout_s: Some(60.0),
            stream_timeout_s: Some(10.0),
            ..RouterConfig::default()
        };
        let open = Targets::new(&own(TargetTimeouts::default()), &config, None);
        let none = Wishes::default();
        let whole = timeouts(&open, false, &none);
        assert_eq!((whole.total, whole.first_token), (seconds(60), None));
        let stream = timeouts(&open, true, &none);
        assert_eq!(
            (stream.first_token, stream.idle),
            (seconds(10), seconds(10))
        );
        assert_eq!(stream.total_of_stream, None);

        let strict = TargetTimeouts {
            total: seconds(5),
            first_token: seconds(2),
            ..TargetTimeouts::default()
        };
        let strict = Targets::new(&own(strict), &config, None);
        assert_eq!(timeouts(&strict, false, &none).total, seconds(5));
        assert_eq!(timeouts(&strict, true, &none).first_token, seconds(2));
        let slow = TargetTimeouts {
            total: seconds(5),
            ..TargetTimeouts::default()
        };
        let config = RouterConfig::default();
        let stream = timeouts(&Targets::new(&own(slow), &config, None), true, &none);
        assert_eq!((stream.first_token, stream.total), (seconds(5), None));

        let wishes = Wishes {
            timeout: seconds(9),
            stream_timeout: seconds(1),
            ..Wishes::default()
        };
        assert_eq!(timeouts(&strict, false, &wishes).total, seconds(9));
        let stream = timeouts(&strict, true, &wishes);
        assert_eq!((stream.first_token, stream.idle), (seconds(1), seconds(1)));
        assert!(Targets::default().of(true, &none).is_none());
        assert_eq!(
            timeouts(&Targets::default(), false, &wishes).total,
            seconds(9)
        );
    }

    #[test]
    fn the_same_limits_give_the_same_target_and_few_are_kept() {
        let own = Arc::new(Target::default());
        let config = RouterConfig::default();
        let targets = Targets::new(&own, &config, None);
        let wish = |n| {
            let wishes = Wishes {
                timeout: seconds(n),
                ..Wishes::default()
            };
            targets.of(false, &wishes).unwrap()
        };
        assert!(Arc::ptr_eq(&wish(1), &wish(1)));
        for n in 0..100 {
            wish(n);
        }
        assert_eq!(targets.wished.lock().unwrap().len(), MAX_WISHED);
        let usual = |targets: &Targets| targets.of(true, &Wishes::default()).unwrap();
        assert!(
            Arc::ptr_eq(&usual(&targets), &own),
            "nothing is copied without need"
        );
        let again = Targets::new(&Arc::new(Target::default()), &config, Some(&targets));
        assert!(
            Arc::ptr_eq(&usual(&again), &own),
            "a reload keeps the connections"
        );
    }
}
