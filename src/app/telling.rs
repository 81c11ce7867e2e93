//! Whoever is told of calls: figures, the log, rows in the store, and others outside.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Mutex;

use super::AppError;
use crate::config::Config;
use crate::events::Observer;
use crate::events::Observers;
use crate::metrics::Metrics;
use crate::observe::Observing;
use crate::observe::ObservingParts;
use crate::observe::Scrubber;
use crate::observe::Tracer;
use crate::observe::UsageRecorder;
use crate::provider::Environment;
use crate::provider::Transport;
use crate::router::CallLog;
use crate::store::SqliteStore;
use crate::types::Clock;

/// The tasks that tell others of calls.
pub(super) struct Telling {
    tracer: Tracer,
    /// `None` once they were told to end.
    running: Mutex<Option<(UsageRecorder, Observing)>>,
}

impl fmt::Debug for Telling {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("whoever is told of calls")
    }
}

impl Telling {
    /// Starts them, and returns who is to be told.
    pub(super) fn start(
        config: &Config,
        variables: &BTreeMap<String, String>,
        metrics: &Arc<Metrics>,
        (store, clock): (&Arc<SqliteStore>, Clock),
    ) -> Result<(Observers, Self), AppError> {
        let environment: Environment = variables.clone().into_iter().collect();
        let transport = Transport::new()
            .map_err(|error| AppError::Failed(format!("TLS cannot be set up: {error}")))?;
        let content = config.log.content;
        let observing = Observing::start(&ObservingParts {
            config: &config.observe,
            environment: &environment,
            metrics,
            transport: &transport,
            scrubber: &Scrubber::of(variables),
            content,
        });
        let figures = metrics.export("usage");
        let usage = UsageRecorder::start(Arc::clone(store) as _, &config.usage, clock, figures);
        metrics.show_usage_queue(Arc::clone(usage.queue().state()));
        let overhead_limit = Duration::from_millis(config.llm.overhead_warn_ms);
        let mut all: Vec<Arc<dyn Observer>> = vec![
            Arc::clone(metrics) as _,
            Arc::new(CallLog::new(overhead_limit).with_content(content)),
        ];
        all.extend(observing.observers());
        let observers = Observers::new(all)
            .with_rows(usage.queue().clone())
            .with_content(content);
        let telling = Self {
            tracer: observing.tracer(),
            running: Mutex::new(Some((usage, observing))),
        };
        Ok((observers, telling))
    }

    /// Gives calls their places in traces.
    pub(super) fn tracer(&self) -> Tracer {
        self.tracer
    }

    /// Tells what is left to tell, and ends.
    pub(super) async fn close(&self) {
        let running = self.running.lock().await.take();
        if let Some((usage, observing)) = running {
            tokio::join!(usage.close(), observing.close());
        }
    }
}
