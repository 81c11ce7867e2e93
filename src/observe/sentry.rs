//! Sentry, with the addresses, events and envelopes of its own crate.
//!
//! The posting is ours: the crate's transports start a thread with a runtime of its own and a queue of thirty places,
//! whose losses `/metrics` would not show.

use std::sync::Arc;
use std::time::Duration;
use std::time::SystemTime;

use sentry_types::Dsn;
use sentry_types::protocol::v7::Context;
use sentry_types::protocol::v7::Envelope;
use sentry_types::protocol::v7::Event;
use sentry_types::protocol::v7::Exception;
use sentry_types::protocol::v7::Level;
use sentry_types::protocol::v7::Map;
use sentry_types::protocol::v7::SpanId;
use sentry_types::protocol::v7::TraceContext;
use sentry_types::protocol::v7::TraceId;
use sentry_types::protocol::v7::User;
use serde_json::Value;
use serde_json::json;

use super::courier::Form;
use super::scrub::Scrubber;
use crate::client::LlmErrorKind;
use crate::events::CallRecord;
use crate::types::Span;

/// Where a project's events go, and how it knows us.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Project {
    pub(super) url: String,
    /// The value of `X-Sentry-Auth`.
    pub(super) auth: String,
}

impl Project {
    /// Reads a DSN, as a project's settings show it: `https://KEY@HOST/PROJECT`.
    pub(super) fn of(dsn: &str) -> Option<Self> {
        let dsn: Dsn = dsn.trim().parse().ok()?;
        let client = concat!("agon/", env!("CARGO_PKG_VERSION"));
        Some(Self {
            url: dsn.envelope_api_url().to_string(),
            auth: dsn.to_auth(Some(client)).to_string(),
        })
    }
}

/// Writes failed calls as events.
pub(super) struct Events {
    pub(super) scrubber: Scrubber,
    pub(super) environment: Option<String>,
    pub(super) server_name: Option<String>,
}

impl Form for Events {
    /// One envelope for each call: an envelope holds one event.
    fn bodies(&self, calls: &[Arc<CallRecord>]) -> Vec<Vec<u8>> {
        calls.iter().map(|call| self.envelope(call)).collect()
    }
}

impl Events {
    fn envelope(&self, call: &CallRecord) -> Vec<u8> {
        let mut body = Vec::new();
        // Writing to memory cannot fail, and an event is plain data, which JSON can always write.
        let _ = Envelope::from(self.event(call)).to_writer(&mut body);
        body
    }

    fn event(&self, call: &CallRecord) -> Event<'static> {
        let code = call.error.unwrap_or("error");
        let words = call.error_message.as_deref().unwrap_or(code);
        let exception = Exception {
            ty: code.to_owned(),
            value: Some(self.scrubber.scrub(words).into_owned()),
            ..Exception::default()
        };
        let user = call.principal.as_deref().map(|principal| User {
            id: Some(principal.to_owned()),
            ..User::default()
        });
        let trace = call.span.map(|span| ("trace".to_owned(), trace(span)));
        Event {
            level: Level::Error,
            fingerprint: vec![code.into(), call.model.as_str().to_owned().into()].into(),
            transaction: Some(call.asked_for().to_owned()),
            logger: Some("agon.llm".to_owned()),
            timestamp: SystemTime::UNIX_EPOCH + Duration::from_millis(call.ended_at_ms),
            release: Some(concat!("agon@", env!("CARGO_PKG_VERSION")).into()),
            environment: self.environment.clone().map(Into::into),
            server_name: self.server_name.clone().map(Into::into),
            user,
            contexts: trace.into_iter().collect(),
            exception: vec![exception].into(),
            tags: tags(call, code),
            extra: extra(call),
            ..Event::new()
        }
    }
}

/// By what events are searched.
fn tags(call: &CallRecord, code: &str) -> Map<String, String> {
    let status = call.status.map(|status| status.to_string());
    let tags = [
        ("model", Some(call.model.as_str())),
        ("provider", Some(call.model.provider())),
        ("model_group", call.group.as_deref()),
        (
            "deployment",
            call.deployment.as_ref().map(|entry| &*entry.id),
        ),
        ("error", Some(code)),
        ("status", status.as_deref()),
        ("path", Some(call.path)),
    ];
    let told = tags.into_iter();
    told.filter_map(|(name, value)| Some((name.to_owned(), value?.to_owned())))
        .collect()
}

/// What helps whoever reads an event.
fn extra(call: &CallRecord) -> Map<String, Value> {
    let tried = call.tried.iter();
    let tried: Vec<Value> = tried
        .map(|it| json!({"model": it.model.as_str(), "error": it.error, "status": it.status}))
        .collect();
    let told = [
        ("call_id", json!(call.call_id.as_deref())),
        ("attempts", json!(call.attempts)),
        ("fallbacks", json!(call.fallbacks)),
        ("tried", json!(tried)),
        ("total_ms", json!(call.total.as_micros() as f64 / 1000.0)),
        ("stream", json!(call.stream)),
        (
            "debate",
            json!(call.debate.as_ref().map(|debate| debate.as_str())),
        ),
        ("turn", json!(call.turn.as_ref().map(|turn| turn.as_str()))),
    ];
    let told = told.into_iter().filter(|(_, value)| !value.is_null());
    told.map(|(name, value)| (name.to_owned(), value)).collect()
}

fn trace(span: Span) -> Context {
    TraceContext {
        span_id: SpanId::from(span.id.to_be_bytes()),
        trace_id: TraceId::from(span.trace.to_be_bytes()),
        ..TraceContext::default()
    }
    .into()
}

/// `true` when a call's end is nobody's mistake: its caller left.
pub(super) fn is_no_failure(call: &CallRecord) -> bool {
    call.error == Some(LlmErrorKind::Cancelled.code())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dsn_tells_where_envelopes_go() {
        let project = Project::of("https://abc123@o1.ingest.sentry.io/42").unwrap();
        assert_eq!(project.url, "https://o1.ingest.sentry.io/api/42/envelope/");
        assert!(project.auth.contains("sentry_key=abc123"), "{project:?}");
        let own = Project::of("http://abc123:old@sentry.local:9000/below/7").unwrap();
        assert_eq!(own.url, "http://sentry.local:9000/below/api/7/envelope/");
        for text in [
            "",
            "https://o1.ingest.sentry.io/42",
            "ftp://a@host/1",
            "https://a@host",
        ] {
            assert_eq!(Project::of(text), None, "{text}");
        }
    }

    #[test]
    fn an_envelope_is_three_lines_and_says_how_long_the_last_is() {
        let call = CallRecord {
            error: Some("authentication"),
            error_message: Some("bad key sk-abcdefghijkl123".into()),
            status: Some(401),
            ended_at_ms: 1_790_000_000_500,
            span: Some(Span {
                trace: 0xabc,
                id: 0xdef,
                parent: None,
                sampled: true,
                forwarded: false,
            }),
            ..CallRecord::new("openai/gpt-5".parse().unwrap())
        };
        let events = Events {
            scrubber: Scrubber::default(),
            environment: Some("production".into()),
            server_name: None,
        };
        let body = events.envelope(&call);
        let text = String::from_utf8(body).unwrap();
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines.len(), 3);
        let json = |line: &str| serde_json::from_str::<serde_json::Value>(line).unwrap();
        let (head, item, event) = (json(lines[0]), json(lines[1]), json(lines[2]));
        assert_eq!(item["length"], lines[2].len());
        let id = |json: &Value| json["event_id"].as_str().unwrap().replace('-', "");
        assert_eq!(id(&head), id(&event));
        assert_eq!(event["timestamp"], 1_790_000_000.5);
        assert_eq!(event["contexts"]["trace"]["span_id"], "0000000000000def");
        assert_eq!(
            event["contexts"]["trace"]["trace_id"],
            format!("{:032x}", 0xabc)
        );
        assert_eq!(event["environment"], "production");
        assert_eq!(event["exception"]["values"][0]["value"], "bad key sk-***");
        assert_eq!(event["tags"]["status"], "401");
    }
}
