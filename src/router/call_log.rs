//! Logs each call once, when it has ended.

use std::sync::Arc;
use std::time::Duration;

use tracing::Level;

use crate::client::LlmErrorKind;
use crate::events::CallRecord;
use crate::events::Observer;
use crate::types::ContentLevel;
use crate::types::DebateId;
use crate::types::NanoUsd;
use crate::types::TurnId;

/// One line per call at target `agon::llm`: a warning when the call failed or Agon itself was slow, `INFO` for a call
/// of a debate, `DEBUG` for one of the gateway. Nothing is formatted for a line that nobody sees.
#[derive(Debug, Clone)]
pub struct CallLog {
    overhead_limit: Duration,
    content: ContentLevel,
}

impl CallLog {
    /// Warns of calls to which Agon itself added more than `overhead_limit`.
    pub fn new(overhead_limit: Duration) -> Self {
        Self {
            overhead_limit,
            content: ContentLevel::None,
        }
    }

    /// The same, with so much of what was asked and answered on its `DEBUG` lines.
    #[must_use]
    pub fn with_content(self, content: ContentLevel) -> Self {
        Self { content, ..self }
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
            status = record.status,
            group = record.group.as_deref(),
            deployment = record.deployment.as_ref().map(|entry| &*entry.id),
            call_id = record.call_id.as_deref(),
            principal = record.principal.as_deref(),
            stream = record.stream,
            fallbacks = record.fallbacks,
            debate = record.debate.as_ref().map(DebateId::as_str),
            turn = record.turn.as_ref().map(TurnId::as_str),
            "{}",
            $message
        );
    }};
}

impl Observer for CallLog {
    fn call_finished(&self, record: &Arc<CallRecord>) {
        if is_worrying(record, self.overhead_limit) {
            if tracing::enabled!(target: "agon::llm", Level::WARN) {
                let message = message(record, self.overhead_limit);
                log_call!(Level::WARN, record, message);
            }
        } else if record.debate.is_some() {
            if tracing::enabled!(target: "agon::llm", Level::INFO) {
                let message = message(record, self.overhead_limit);
                log_call!(Level::INFO, record, message);
            }
        } else if tracing::enabled!(target: "agon::llm", Level::DEBUG) {
            let message = message(record, self.overhead_limit);
            log_call!(Level::DEBUG, record, message);
        }
        if self.content != ContentLevel::None
            && tracing::enabled!(target: "agon::llm::content", Level::DEBUG)
        {
            self.log_content(record);
        }
    }
}

impl CallLog {
    fn log_content(&self, record: &CallRecord) {
        let Some(content) = &record.content else {
            return;
        };
        let (input_bytes, output_bytes) = (content.input_bytes, content.output_bytes);
        let (input, output) = match self.content {
            ContentLevel::None | ContentLevel::Lengths => (None, None),
            ContentLevel::Full => (
                Some(String::from_utf8_lossy(&content.input)),
                Some(content.output.as_str()),
            ),
        };
        tracing::debug!(
            target: "agon::llm::content",
            model = record.model.as_str(),
            call_id = record.call_id.as_deref(),
            input_bytes,
            output_bytes,
            input = input.as_deref(),
            output,
            "{} was asked {input_bytes} bytes and answered {output_bytes}",
            record.model,
        );
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
    use std::sync::Mutex;

    use serde_json::Value;

    use super::*;
    use crate::events::CallContent;
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

    /// What is logged for a record, as JSON; `Null` for nothing.
    fn logged(record: &CallRecord) -> Value {
        logged_by(&CallLog::default(), record, Level::INFO)
    }

    fn logged_by(log: &CallLog, record: &CallRecord, level: Level) -> Value {
        let lines = Lines::default();
        let writer = lines.clone();
        let subscriber = tracing_subscriber::fmt()
            .json()
            .with_max_level(level)
            .with_writer(move || writer.clone())
            .finish();
        tracing::subscriber::with_default(subscriber, || {
            log.call_finished(&Arc::new(record.clone()));
        });
        let bytes = lines.0.lock().unwrap();
        let last = bytes
            .split(|byte| *byte == b'\n')
            .rfind(|line| !line.is_empty());
        last.map_or(Value::Null, |line| serde_json::from_slice(line).unwrap())
    }

    fn record(upstream_ms: u64) -> CallRecord {
        CallRecord {
            path: "unified",
            debate: Some(DebateId::new("d_1")),
            attempts: 1,
            ttft: Some(Duration::from_millis(300)),
            total: Duration::from_millis(812),
            upstream_wait: Duration::from_millis(upstream_ms),
            usage: Usage {
                input: 10,
                output: 3,
                ..Usage::default()
            },
            cost: Some(NanoUsd(1_500_000)),
            ..CallRecord::new("anthropic/claude-x".parse().unwrap())
        }
    }

    fn of_gateway() -> CallRecord {
        CallRecord {
            debate: None,
            call_id: Some("call-7".into()),
            content: Some(Arc::new({
                let mut content = CallContent::of("[\"psst\"]".into());
                content.push("hm");
                content
            })),
            ..record(812)
        }
    }

    #[test]
    fn a_call_of_the_gateway_is_seen_by_who_asks_for_details_and_warned_of_when_it_fails() {
        let log = CallLog::default();
        assert_eq!(logged_by(&log, &of_gateway(), Level::INFO), Value::Null);
        let line = logged_by(&log, &of_gateway(), Level::DEBUG);
        assert_eq!(line["level"], "DEBUG");
        assert_eq!(line["fields"]["call_id"], "call-7");
        let failed = CallRecord {
            error: Some("overloaded"),
            status: Some(529),
            ..of_gateway()
        };
        let line = logged_by(&log, &failed, Level::INFO);
        assert_eq!(
            (&line["level"], &line["fields"]["status"]),
            (&"WARN".into(), &529.into())
        );
    }

    #[test]
    fn content_is_logged_only_as_far_as_it_is_wanted() {
        let log = |level| CallLog::default().with_content(level);
        let none = logged_by(&log(ContentLevel::None), &of_gateway(), Level::DEBUG);
        assert_eq!(none["target"], "agon::llm");
        let lengths = logged_by(&log(ContentLevel::Lengths), &of_gateway(), Level::DEBUG);
        assert_eq!(lengths["fields"]["input_bytes"], 8);
        assert!(!lengths.to_string().contains("psst"), "{lengths}");
        let full = logged_by(&log(ContentLevel::Full), &of_gateway(), Level::DEBUG);
        assert_eq!(full["fields"]["input"], "[\"psst\"]");
        assert_eq!(full["fields"]["output"], "hm");
        assert_eq!(
            logged_by(&log(ContentLevel::Full), &of_gateway(), Level::INFO),
            Value::Null
        );
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
