//! Time as a value that is handed in, so that tests can stop it.

use std::time::Duration;
use std::time::SystemTime;
use std::time::UNIX_EPOCH;

use tokio::time::Instant;

/// Wall time that advances with tokio's clock: a paused test moves deadlines and timestamps together.
#[derive(Debug, Clone, Copy)]
pub struct Clock {
    wall_start_ms: u64,
    started: Instant,
}

impl Clock {
    /// Starts a clock at the machine's wall time.
    pub fn system() -> Self {
        Self::starting_at(Self::wall_ms())
    }

    /// The machine's wall time in milliseconds since the Unix epoch, for reports: nothing may be decided by it.
    pub fn wall_ms() -> u64 {
        let since_epoch = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        u64::try_from(since_epoch.as_millis()).unwrap_or(u64::MAX)
    }

    /// Starts a clock at a given wall time, in milliseconds since the Unix epoch.
    pub fn starting_at(wall_start_ms: u64) -> Self {
        Self {
            wall_start_ms,
            started: Instant::now(),
        }
    }

    /// Wall time in milliseconds since the Unix epoch.
    pub fn now_ms(&self) -> u64 {
        let elapsed = u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.wall_start_ms.saturating_add(elapsed)
    }

    /// The monotonic instant of a wall time; a time in the past is now.
    pub fn instant_at(&self, wall_ms: u64) -> Instant {
        let now = Instant::now();
        now + Duration::from_millis(wall_ms.saturating_sub(self.now_ms()))
    }
}
