//! Going on with debates that another process left behind.

use std::time::Duration;

use super::Engine;
use super::Inner;
use crate::debate::state::Input;
use crate::debate::state::Resumed;
use crate::debate::state::State;
use crate::events::Draft;
use crate::events::Ending;
use crate::events::Envelope;
use crate::events::EventBody;
use crate::store::Lease;
use crate::store::Progress;
use crate::store::StoreError;
use crate::types::DebateId;
use crate::types::debate::Outcome;
use crate::types::debate::Status;
use crate::types::debate::Totals;

/// How often debates that another process left behind are looked for.
const LOOK_EVERY: Duration = Duration::from_secs(5);
/// Events read at once from a log.
const PAGE: usize = 1_000;

impl Engine {
    /// Goes on with every debate that nobody runs. Returns how many.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn recover(&self) -> Result<usize, StoreError> {
        let parts = &self.0.parts;
        let mut recovered = 0;
        for debate in parts
            .debates
            .claimable(&parts.owner, parts.clock.now_ms())
            .await?
        {
            if self.0.drivers().contains_key(&debate) {
                continue;
            }
            recovered += usize::from(self.adopt(&debate).await?);
        }
        Ok(recovered)
    }

    /// Goes on with one debate. `false` when another process runs it, or it is over.
    ///
    /// # Errors
    /// When there is no such debate, or the store cannot be read.
    pub async fn adopt(&self, debate: &DebateId) -> Result<bool, StoreError> {
        let parts = &self.0.parts;
        if parts
            .debates
            .summary(debate)
            .await?
            .progress
            .status
            .is_over()
        {
            return Ok(false);
        }
        let Some(lease) = parts
            .debates
            .claim(debate, &parts.owner, parts.clock.now_ms())
            .await?
        else {
            return Ok(false);
        };
        let log = self.0.whole_log(debate).await?;
        match State::resume(&log) {
            Ok(Resumed { state, missing }) => {
                let fresh = state.status() == Status::Queued;
                let first = if fresh {
                    Input::Started
                } else {
                    Input::Recovered { epoch: lease.epoch }
                };
                tracing::info!(%debate, epoch = lease.epoch, events = log.len(), "going on with a debate");
                let log = self.0.complete_step(&lease, log, &state, missing).await?;
                self.spawn(lease, state, &log, first);
            }
            Err(error) => {
                tracing::error!(%debate, %error, "the debate cannot be continued");
                self.0.end_unreadable(&lease, &error.to_string()).await?;
            }
        }
        Ok(true)
    }

    /// Looks for debates that another process left behind, until the engine shuts down.
    pub async fn look_after_orphans(&self) {
        let mut shutdown = self.0.shutdown.subscribe();
        loop {
            tokio::select! {
                _ = shutdown.wait_for(|stop| *stop) => return,
                () = tokio::time::sleep(LOOK_EVERY) => {}
            }
            if let Err(error) = self.recover().await {
                tracing::warn!(%error, "debates left behind could not be looked for");
            }
        }
    }
}

impl Inner {
    pub(super) async fn whole_log(&self, debate: &DebateId) -> Result<Vec<Envelope>, StoreError> {
        let mut log: Vec<Envelope> = Vec::new();
        loop {
            let after = log.last().map_or(0, |event| event.seq);
            let page = self.parts.log.read(debate, after, PAGE).await?;
            let last = page.len() < PAGE;
            log.extend(page);
            if last {
                return Ok(log);
            }
        }
    }

    /// Stores what is missing of the last step of a log.
    async fn complete_step(
        &self,
        lease: &Lease,
        mut log: Vec<Envelope>,
        state: &State,
        missing: Vec<Draft>,
    ) -> Result<Vec<Envelope>, StoreError> {
        if !missing.is_empty() {
            let (at_ms, progress) = (self.parts.clock.now_ms(), state.progress());
            let stored = self
                .parts
                .log
                .append(lease, at_ms, missing, &progress)
                .await?;
            self.parts.live.stored(&lease.debate, stored.clone().into());
            log.extend(stored);
        }
        Ok(log)
    }

    /// Ends a debate whose log this version cannot follow.
    async fn end_unreadable(&self, lease: &Lease, reason: &str) -> Result<(), StoreError> {
        let ending = Ending {
            outcome: Outcome::Failed,
            degraded: Vec::new(),
            reason: Some(format!("its log cannot be continued: {reason}")),
            totals: Totals::default(),
        };
        let progress = Progress {
            status: Status::Failed,
            outcome: Some(Outcome::Failed),
            verdict: None,
            totals: Totals::default(),
        };
        let event = Draft::of_debate(EventBody::Failed(Box::new(ending)));
        let stored = self
            .parts
            .log
            .append(lease, self.parts.clock.now_ms(), vec![event], &progress)
            .await?;
        self.parts.live.stored(&lease.debate, stored.into());
        Ok(())
    }
}
