//! Sentry, through the envelopes that its clients post.
//!
//! Written by hand: of Sentry's crate (0.49) only the transport would be of use, and both of its transports over TLS
//! bring a second crypto provider (aws-lc), which this program refuses; what is left is three lines of JSON.
//! Sources, read 2026-11-24: <https://develop.sentry.dev/sdk/foundations/envelopes/> and
//! <https://develop.sentry.dev/sdk/foundations/transport/authentication/>.

use std::sync::Arc;

use serde_json::json;

use super::courier::Form;
use super::scrub::Scrubber;
use crate::client::LlmErrorKind;
use crate::events::CallRecord;
use crate::events::rfc3339;

/// The address of a project, as its settings show it: `https://KEY@HOST/PROJECT`.
#[derive(PartialEq, Eq)]
pub(super) struct Dsn {
    pub(super) url: String,
    /// The value of `X-Sentry-Auth`.
    pub(super) auth: String,
}

impl Dsn {
    /// Reads a DSN; `None` when it is not of that form.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (scheme, rest) = text.trim().split_once("://")?;
        let (keys, rest) = rest.split_once('@')?;
        let (place, project) = rest.trim_end_matches('/').rsplit_once('/')?;
        let key = keys.split(':').next()?;
        let is_word =
            |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric());
        let is_sound = matches!(scheme, "http" | "https") && is_word(key) && is_word(project);
        let client = concat!("agon/", env!("CARGO_PKG_VERSION"));
        (is_sound && !place.is_empty()).then(|| Self {
            url: format!("{scheme}://{place}/api/{project}/envelope/"),
            auth: format!("Sentry sentry_version=7, sentry_client={client}, sentry_key={key}"),
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
        let id = uuid::Uuid::new_v4().simple().to_string();
        let event = self.event(call, &id).to_string();
        let head = json!({ "event_id": id, "sent_at": rfc3339(call.ended_at_ms) });
        let item =
            json!({ "type": "event", "content_type": "application/json", "length": event.len() });
        format!("{head}\n{item}\n{event}\n").into_bytes()
    }

    fn event(&self, call: &CallRecord, id: &str) -> serde_json::Value {
        let code = call.error.unwrap_or("error");
        let words = call.error_message.as_deref().unwrap_or(code);
        let model = call.model.as_str();
        let tried: Vec<_> = call
            .tried
            .iter()
            .map(|tried| json!({"model": tried.model.as_str(), "error": tried.error, "status": tried.status}))
            .collect();
        json!({
            "event_id": id,
            "timestamp": call.ended_at_ms as f64 / 1000.0,
            "platform": "other",
            "level": "error",
            "logger": "agon.llm",
            "release": concat!("agon@", env!("CARGO_PKG_VERSION")),
            "environment": self.environment,
            "server_name": self.server_name,
            "transaction": call.asked_for(),
            "exception": {"values": [{"type": code, "value": self.scrubber.scrub(words)}]},
            "fingerprint": [code, model],
            "tags": {
                "model": model,
                "provider": call.model.provider(),
                "model_group": call.group.as_deref(),
                "deployment": call.deployment.as_ref().map(|entry| &*entry.id),
                "error": code,
                "status": call.status.map(|status| status.to_string()),
                "path": call.path,
            },
            "user": call.principal.as_ref().map(|principal| json!({"id": principal})),
            "contexts": {"trace": call.span.map(|span| json!({
                "trace_id": format!("{:032x}", span.trace), "span_id": format!("{:016x}", span.id)
            }))},
            "extra": {
                "call_id": call.call_id.as_deref(),
                "attempts": call.attempts,
                "fallbacks": call.fallbacks,
                "tried": tried,
                "total_ms": call.total.as_micros() as f64 / 1000.0,
                "stream": call.stream,
                "debate": call.debate.as_ref().map(|debate| debate.as_str()),
                "turn": call.turn.as_ref().map(|turn| turn.as_str()),
            },
        })
    }
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
        let dsn = Dsn::parse("https://abc123@o1.ingest.sentry.io/42").unwrap();
        assert_eq!(dsn.url, "https://o1.ingest.sentry.io/api/42/envelope/");
        assert!(dsn.auth.ends_with("sentry_key=abc123"));
        let own = Dsn::parse("http://abc123:old@sentry.local:9000/below/7/").unwrap();
        assert_eq!(own.url, "http://sentry.local:9000/below/api/7/envelope/");
        for text in [
            "",
            "https://o1.ingest.sentry.io/42",
            "https://a b@host/1",
            "ftp://a@host/1",
            "https://a@host",
            "https://a@/1",
        ] {
            assert!(Dsn::parse(text).is_none(), "{text}");
        }
    }

    #[test]
    fn an_envelope_is_three_lines_and_says_how_long_the_last_is() {
        let call = CallRecord {
            error: Some("authentication"),
            error_message: Some("bad key sk-abcdefghijkl123".into()),
            status: Some(401),
            ended_at_ms: 1_790_000_000_500,
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
        assert_eq!(head["event_id"], event["event_id"]);
        assert_eq!(event["timestamp"], 1_790_000_000.5);
        assert_eq!(event["environment"], "production");
        assert_eq!(event["exception"]["values"][0]["value"], "bad key sk-***");
        assert_eq!(event["tags"]["status"], "401");
    }
}
