//! How long a debate has run: from its start, without the time that it was paused or nobody ran it.

use std::time::Duration;

use crate::events::Envelope;
use crate::events::EventBody;

/// Adds up running time from the log's timestamps.
#[derive(Debug, Default)]
pub(super) struct RunningTime {
    ran_ms: u64,
    last_ms: Option<u64>,
    running: bool,
}

impl RunningTime {
    /// Takes the next event of the log in.
    pub(super) fn take(&mut self, event: &Envelope) {
        let died = matches!(event.body, EventBody::Recovered { .. });
        if let Some(last_ms) = self.last_ms.filter(|_| self.running && !died) {
            self.ran_ms += event.ts_ms.saturating_sub(last_ms);
        }
        self.last_ms = Some(event.ts_ms);
        match event.body {
            EventBody::Started {} | EventBody::Resumed {} => self.running = true,
            EventBody::Paused {} => self.running = false,
            _ => {}
        }
    }

    /// When a cap is reached, in wall milliseconds; `None` while the debate does not run.
    pub(super) fn ends_at_ms(&self, cap: Duration) -> Option<u64> {
        let cap_ms = u64::try_from(cap.as_millis()).unwrap_or(u64::MAX);
        let last_ms = self.last_ms.filter(|_| self.running)?;
        Some(last_ms.saturating_add(cap_ms.saturating_sub(self.ran_ms)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::events::Draft;
    use crate::types::DebateId;

    #[test]
    fn pauses_and_the_time_that_nobody_ran_it_do_not_count() {
        let mut time = RunningTime::default();
        let log = [
            (1_000, EventBody::Started {}),
            (3_000, EventBody::Paused {}),
            (60_000, EventBody::Resumed {}),
            (61_000, EventBody::VerdictStarted {}),
            (900_000, EventBody::Recovered { epoch: 2 }),
        ];
        for (seq, (ts_ms, body)) in log.into_iter().enumerate() {
            time.take(&Draft::of_debate(body).into_envelope(DebateId::new("d"), seq as u64, ts_ms));
        }
        assert_eq!(
            time.ends_at_ms(Duration::from_secs(10)),
            Some(900_000 + 10_000 - 3_000)
        );
    }
}
