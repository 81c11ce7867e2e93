//! The far end of an export: gathers records into batches and posts them, again where that may help.

use std::sync::Arc;
use std::time::Duration;

use http::HeaderMap;
use http::StatusCode;
use http::header;
use tokio::sync::mpsc;

use super::exporter::Held;
use super::exporter::held_bytes;
use super::stop::Stop;
use crate::events::CallRecord;
use crate::metrics::ExportFigures;

/// How long records are gathered once there is one.
const GATHER: Duration = Duration::from_secs(1);
/// Attempts at one body; by then a receiver has had a minute.
const ATTEMPTS: u32 = 5;
/// The first rest between two attempts; each further one is twice as long.
const REST: Duration = Duration::from_secs(1);
/// Longest rest, whatever the receiver asks for.
const MAX_REST: Duration = Duration::from_secs(30);

/// Writes records in a receiver's form.
pub(super) trait Form: Send + Sync {
    /// The bodies to post, one after another.
    fn bodies(&self, calls: &[Arc<CallRecord>]) -> Vec<Vec<u8>>;
}

/// Where records go.
pub(super) struct Outlet {
    /// The receiver's name, for logs.
    pub(super) name: &'static str,
    pub(super) url: String,
    /// Credentials among them, marked as sensitive.
    pub(super) headers: HeaderMap,
    pub(super) form: Box<dyn Form>,
    /// Records of one batch, at most.
    pub(super) batch: usize,
    /// For one attempt.
    pub(super) timeout: Duration,
    pub(super) client: reqwest::Client,
}

/// Takes records to their receiver.
pub(super) struct Courier {
    outlet: Outlet,
    receiver: mpsc::Receiver<Arc<CallRecord>>,
    held: Held,
    figures: Arc<ExportFigures>,
    is_troubled: bool,
}

/// How an attempt ended.
enum Posted {
    Accepted,
    /// It may be accepted later; the receiver may say when.
    NotNow(String, Option<Duration>),
    Refused(String),
}

impl Courier {
    pub(super) fn new(
        outlet: Outlet,
        receiver: mpsc::Receiver<Arc<CallRecord>>,
        held: Held,
        figures: Arc<ExportFigures>,
    ) -> Self {
        Self {
            outlet,
            receiver,
            held,
            figures,
            is_troubled: false,
        }
    }

    /// Goes on until it is stopped and the queue is empty, or nobody is left who could add to it.
    pub(super) async fn run(mut self, mut stop: Stop) {
        let mut batch = Vec::with_capacity(self.outlet.batch);
        loop {
            let limit = self.outlet.batch;
            let is_stopping = stop.is_set();
            if is_stopping {
                self.receiver.close();
            }
            let count = tokio::select! {
                count = self.receiver.recv_many(&mut batch, limit) => count,
                () = stop.set(), if !is_stopping => continue,
            };
            if count == 0 {
                return;
            }
            if count < limit && !is_stopping {
                tokio::select! {
                    () = tokio::time::sleep(GATHER) => {}
                    () = stop.set() => {}
                }
                while batch.len() < limit
                    && let Ok(record) = self.receiver.try_recv()
                {
                    batch.push(record);
                }
            }
            self.deliver(&batch, &mut stop).await;
            let bytes = batch.iter().map(|record| held_bytes(record)).sum();
            batch.clear();
            self.held.give_back(bytes);
        }
    }

    async fn deliver(&mut self, batch: &[Arc<CallRecord>], stop: &mut Stop) {
        let bodies = self.outlet.form.bodies(batch);
        // Either all records share one body, or each has its own.
        let records = batch.len() / bodies.len().max(1);
        for body in bodies {
            match self.post_until_accepted(body, stop).await {
                Ok(()) => {
                    self.figures.sent(records);
                    self.recovered();
                }
                Err(why) => {
                    self.figures.lost(records);
                    self.warn(&why);
                }
            }
        }
    }

    async fn post_until_accepted(&mut self, body: Vec<u8>, stop: &mut Stop) -> Result<(), String> {
        let body = bytes::Bytes::from(body);
        let mut rest = REST;
        for attempt in 1.. {
            let (why, asked) = match self.post(body.clone()).await {
                Posted::Accepted => return Ok(()),
                Posted::Refused(why) => return Err(why),
                Posted::NotNow(why, asked) => (why, asked),
            };
            self.figures.failed();
            if attempt >= ATTEMPTS || stop.is_set() {
                return Err(why);
            }
            self.warn(&why);
            tokio::select! {
                () = tokio::time::sleep(asked.unwrap_or(rest).min(MAX_REST)) => {}
                () = stop.set() => {}
            }
            rest *= 2;
        }
        Ok(())
    }

    async fn post(&self, body: bytes::Bytes) -> Posted {
        let outlet = &self.outlet;
        let request = outlet
            .client
            .post(&outlet.url)
            .headers(outlet.headers.clone())
            .timeout(outlet.timeout)
            .body(body);
        let mut response = match request.send().await {
            Ok(response) => response,
            // The address may hold a credential.
            Err(error) => return Posted::NotNow(error.without_url().to_string(), None),
        };
        let status = response.status();
        if status.is_success() {
            return Posted::Accepted;
        }
        let asked = response.headers().get(header::RETRY_AFTER);
        let asked = asked.and_then(|value| value.to_str().ok()?.trim().parse().ok());
        let said = response.chunk().await.ok().flatten().unwrap_or_default();
        let said: String = String::from_utf8_lossy(&said).chars().take(200).collect();
        let why = format!("it answers {status}: {said}");
        match status {
            // OTLP's list of what may be tried again, read 2026-11-24; Sentry and Langfuse limit rates alike.
            StatusCode::TOO_MANY_REQUESTS
            | StatusCode::BAD_GATEWAY
            | StatusCode::SERVICE_UNAVAILABLE
            | StatusCode::GATEWAY_TIMEOUT => Posted::NotNow(why, asked.map(Duration::from_secs)),
            _ => Posted::Refused(why),
        }
    }

    /// Warns once for each outage.
    fn warn(&mut self, why: &str) {
        let name = self.outlet.name;
        if std::mem::replace(&mut self.is_troubled, true) {
            tracing::debug!(target: "agon::observe", to = name, "{name} cannot be told of calls: {why}");
        } else {
            tracing::warn!(
                target: "agon::observe",
                to = name,
                "{name} cannot be told of calls, which go on: {why}"
            );
        }
    }

    fn recovered(&mut self) {
        if std::mem::take(&mut self.is_troubled) {
            let name = self.outlet.name;
            tracing::info!(target: "agon::observe", to = name, "{name} is told of calls again");
        }
    }
}
