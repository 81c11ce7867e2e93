//! Logs each call once, when it has ended. Never what was asked or answered.

use std::time::Duration;

use crate::client::LlmErrorKind;
use crate::events::CallRecord;
use crate::events::Observer;
use crate::types::DebateId;
use crate::types::NanoUsd;
use crate::types::TurnId;

/// One line per call at target `agon::llm`: a warning when the call failed or Agon itself was slow.
#[derive(Debug, Clone)]
pub struct CallLog {
    overhead_limit: Duration,
}

impl CallLog {
    /// Warns of calls to which Agon itself added more than `overhead_limit`.
    pub fn new(overhead_limit: Duration) -> Self {
        Self { overhead_limit }
    }
}

impl Default for CallLog {
    fn default() -> Self {
        Self::new(Duration::from_millis(200))
    }
}

/// The level of an event is part of its call site, so that two levels need the fields twice.
macro_rules! log_call {
    ($level:expr, $record:expr, $message:expr) => {{
        let record: &CallRecord = $record;
        tracing::event!(
            target: "agon::llm",
            $level,
            provider = record.model.provider(),
            model = record.model.model(),
            path = record.path,
            ttft_ms = record.ttft.map(ms),
            total_ms = ms(record.total),
            overhead_ms = ms(record.overhead()),
            upstream_ms = ms(record.upstream_wait),
            retry_ms = ms(record.retry_wait),
            queue_ms = ms(record.queue_wait),
            input_tokens = record.usage.prompt_tokens(),
            output_tokens = record.usage.completion_tokens(),
            cost_usd = record.cost.map(NanoUsd::as_usd),
            attempts = record.attempts,
            dropped = (!record.dropped.is_empty()).then(|| record.dropped.join(",")),
            error = record.error,
            debate = record.debate.as_ref().map(DebateId::as_str),
            turn = record.turn.as_ref().map(TurnId::as_str),
            "{}",
            $message
        );
    }};
}

impl Observer for CallLog {
    fn call_finished(&self, record: &CallRecord) {
        let message = message(record, self.overhead_limit);
        if is_worrying(record, self.overhead_limit) {
            log_call!(tracing::Level::WARN, record, message);
        } else {
            log_call!(tracing::Level::INFO, record, message);
        }
    }
}

fn is_worrying(record: &CallRecord, overhead_limit: Duration) -> bool {
    let left = LlmErrorKind::Cancelled.code();
    record.overhead() > overhead_limit || record.error.is_some_and(|code| code != left)
}

fn message(record: &CallRecord, overhead_limit: Duration) -> String {
    let overhead = record.overhead();
    let mut message = match record.error {
        None => format!("{} answered in {:.0} ms", record.model, ms(record.total)),
        Some(code) => format!(
            "{} failed after {:.0} ms with {code}",
            record.model,
            ms(record.total)
        ),
    };
    message += &format!(", overhead {:.1} ms", ms(overhead));
    if overhead > overhead_limit {
        message += &format!(", more than the {:.0} ms allowed", ms(overhead_limit));
    }
    if record.attempts > 1 {
        message += &format!(", {} attempts", record.attempts);
    }
    if let Some(words) = &record.error_message {
        message += &format!(": {words}");
    }
    message
}

fn ms(span: Duration) -> f64 {
    // Microseconds are as fine as the clock is worth.
    span.as_micros() as f64 / 1000.0
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::sync::Arc;
    use std::sync::Mutex;

    use serde_json::Value;

    use super::*;
    use crate::types::Usage;

    #[derive(Clone, Default)]
    struct Lines(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Lines {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    /// What is logged for a record, as JSON.
    fn logged(record: &CallRecord) -> Value {
        let lines = Lines::default();
        let writer = lines.clone();
        let subscriber = tracing_subscriber::fmt()
            .json()
            .with_writer(move || writer.clone())
            .finish();
        tracing::subscriber::with_default(subscriber, || {
            CallLog::default().call_finished(record);
        });
        let bytes = lines.0.lock().unwrap();
        serde_json::from_slice(&bytes).unwrap()
    }

    fn record(upstream_ms: u64) -> CallRecord {
        CallRecord {
            model: "anthropic/claude-x".parse().unwrap(),
            path: "unified",
            debate: Some(DebateId::new("d_1")),
            turn: None,
            group: None,
            deployment: None,
            call_id: None,
            principal: None,
            tags: Vec::new(),
            stream: false,
            fallbacks: 0,
            attempts: 1,
            ttft: Some(Duration::from_millis(300)),
            total: Duration::from_millis(812),
            upstream_wait: Duration::from_millis(upstream_ms),
            retry_wait: Duration::ZERO,
            queue_wait: Duration::ZERO,
            reader_wait: Duration::ZERO,
            dropped: Vec::new(),
            usage: Usage {
                input: 10,
                output: 3,
                ..Usage::default()
            },
            cost: Some(NanoUsd(1_500_000)),
            error: None,
            error_message: None,
        }
    }

    #[test]
    fn a_call_is_one_line_that_reads_alone_with_its_figures_as_fields() {
        let line = logged(&record(810));
        assert_eq!(line["level"], "INFO");
        assert_eq!(line["target"], "agon::llm");
        let fields = &line["fields"];
        assert_eq!(
            fields["message"],
            "anthropic/claude-x answered in 812 ms, overhead 2.0 ms"
        );
        assert_eq!(fields["model"], "claude-x");
        assert_eq!(fields["overhead_ms"], 2.0);
        assert_eq!(fields["cost_usd"], 0.0015);
        assert_eq!(fields["debate"], "d_1");
        for absent in ["error", "dropped"] {
            assert_eq!(fields.get(absent), None, "what is not there has no field");
        }
        let lossy = CallRecord {
            dropped: vec!["seed".to_owned(), "top_k".to_owned()],
            ..record(810)
        };
        assert_eq!(logged(&lossy)["fields"]["dropped"], "seed,top_k");
    }

    #[test]
    fn overhead_above_the_limit_is_a_warning() {
        let line = logged(&record(612));
        assert_eq!(line["level"], "INFO", "200 ms are allowed");
        let line = logged(&record(611));
        assert_eq!(line["level"], "WARN");
        let message = line["fields"]["message"].as_str().unwrap();
        assert!(
            message.contains("more than the 200 ms allowed"),
            "{message}"
        );
    }

    #[test]
    fn a_failure_is_a_warning_and_a_reader_who_leaves_is_not() {
        let ended = |code| {
            logged(&CallRecord {
                error: Some(code),
                error_message: Some("no".into()),
                attempts: 3,
                ..record(812)
            })
        };
        let line = ended("overloaded");
        assert_eq!(line["level"], "WARN");
        assert_eq!(
            line["fields"]["message"],
            "anthropic/claude-x failed after 812 ms with overloaded, overhead 0.0 ms, 3 attempts: no"
        );
        assert_eq!(ended("cancelled")["level"], "INFO");
    }
}
