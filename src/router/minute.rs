//! What was used in the minute that the clock shows, in one atomic number for each count.

use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::time::Instant;

use crate::types::Clock;

const MINUTE_MS: u64 = 60_000;
/// Bits of the amount; the minute has the other 24, which repeat after 31 years.
const AMOUNT_BITS: u32 = 40;
const MAX_AMOUNT: u64 = (1 << AMOUNT_BITS) - 1;

/// Tells minutes by the wall clock.
#[derive(Debug)]
pub(super) struct Minutes {
    started: Instant,
    started_ms: u64,
}

/// A minute of the wall clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Minute {
    number: u64,
    /// When the next one begins.
    pub(super) ends_at: Instant,
}

impl Minutes {
    pub(super) fn new(clock: &Clock) -> Self {
        Self {
            started: Instant::now(),
            started_ms: clock.now_ms(),
        }
    }

    pub(super) fn at(&self, now: Instant) -> Minute {
        let ms = self.wall_ms(now);
        let left = Duration::from_millis(MINUTE_MS - ms % MINUTE_MS);
        Minute {
            number: (ms / MINUTE_MS) & 0xFF_FFFF,
            ends_at: now + left,
        }
    }

    /// Wall time in milliseconds since the Unix epoch.
    pub(super) fn wall_ms(&self, at: Instant) -> u64 {
        let since = at.saturating_duration_since(self.started).as_millis();
        self.started_ms
            .saturating_add(u64::try_from(since).unwrap_or(u64::MAX))
    }
}

/// An amount that starts again with every minute.
#[derive(Debug, Default)]
pub(super) struct MinuteCount(AtomicU64);

impl MinuteCount {
    /// What was counted in this minute.
    pub(super) fn get(&self, minute: Minute) -> u64 {
        amount_in(self.0.load(Ordering::Relaxed), minute)
    }

    /// Counts more, and says so; `false` when that would be above the limit, and then nothing is counted.
    pub(super) fn take(&self, minute: Minute, more: u64, limit: Option<u64>) -> bool {
        let counted = self
            .0
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |packed| {
                let sum = amount_in(packed, minute).saturating_add(more);
                let fits = limit.is_none_or(|limit| sum <= limit);
                fits.then(|| pack(minute, sum))
            });
        counted.is_ok()
    }

    /// Puts an amount in the place of one that was counted in a minute; nothing when that minute is over.
    pub(super) fn correct(&self, minute: Minute, counted: u64, actual: u64) {
        // An error means that the minute is over.
        let _ = self
            .0
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |packed| {
                let is_same = packed >> AMOUNT_BITS == minute.number;
                let amount = packed & MAX_AMOUNT;
                is_same.then(|| {
                    pack(
                        minute,
                        amount.saturating_sub(counted).saturating_add(actual),
                    )
                })
            });
    }
}

fn amount_in(packed: u64, minute: Minute) -> u64 {
    match packed >> AMOUNT_BITS == minute.number {
        true => packed & MAX_AMOUNT,
        false => 0,
    }
}

fn pack(minute: Minute, amount: u64) -> u64 {
    (minute.number << AMOUNT_BITS) | amount.min(MAX_AMOUNT)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_minute_ends_with_the_clocks_minute_and_its_count_with_it() {
        let minutes = Minutes::new(&Clock::starting_at(120_000 + 59_000));
        let count = MinuteCount::default();
        let minute = minutes.at(Instant::now());
        assert_eq!(minute.ends_at - Instant::now(), Duration::from_secs(1));
        assert!(count.take(minute, 2, Some(2)) && !count.take(minute, 1, Some(2)));
        tokio::time::advance(Duration::from_secs(1)).await;
        let next = minutes.at(Instant::now());
        assert_eq!((count.get(next), count.get(minute)), (0, 2));
        assert!(count.take(next, 2, Some(2)));
        assert_eq!(next.ends_at - Instant::now(), Duration::from_secs(60));
    }

    #[tokio::test(start_paused = true)]
    async fn an_estimate_is_corrected_within_its_minute_only() {
        let minutes = Minutes::new(&Clock::starting_at(0));
        let count = MinuteCount::default();
        let minute = minutes.at(Instant::now());
        count.take(minute, 100, None);
        count.correct(minute, 100, 30);
        assert_eq!(count.get(minute), 30);
        tokio::time::advance(Duration::from_secs(60)).await;
        let next = minutes.at(Instant::now());
        count.take(next, 7, None);
        count.correct(minute, 30, 900);
        assert_eq!(count.get(next), 7);
    }

    #[test]
    fn many_threads_together_never_take_more_than_the_limit() {
        let count = Arc::new(MinuteCount::default());
        let minute = Minute {
            number: 5,
            ends_at: Instant::now(),
        };
        let taken: usize = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..4)
                .map(|_| {
                    let count = Arc::clone(&count);
                    scope.spawn(move || {
                        (0..500)
                            .filter(|_| count.take(minute, 1, Some(777)))
                            .count()
                    })
                })
                .collect();
            threads.into_iter().map(|it| it.join().unwrap()).sum()
        });
        assert_eq!((taken, count.get(minute)), (777, 777));
    }
}
