//! Traces over OTLP/HTTP as JSON, with OpenTelemetry's conventions for generative AI.
//!
//! Sources, read 2026-11-24: <https://opentelemetry.io/docs/specs/otlp/#otlphttp> (the JSON form: ids in hexadecimal,
//! 64-bit numbers as text, enums as numbers) and <https://opentelemetry.io/docs/specs/semconv/gen-ai/>.

mod attributes;

use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;

pub(super) use attributes::Attribute;
pub(super) use attributes::Value;
pub(super) use attributes::of_call;

use super::courier::Form;
use super::scrub::Scrubber;
use super::tracer::some_id;
use super::tracer::some_trace;
use crate::events::CallRecord;
use crate::events::FailedAttempt;
use crate::types::ContentLevel;

/// The version of the format that a receiver sees.
const VERSION: &str = env!("CARGO_PKG_VERSION");

/// Writes calls as spans: one for each request, and one below it for each attempt.
pub(super) struct Otlp {
    /// `service.name` and what else is known of this process.
    pub(super) resource: Vec<(String, String)>,
    pub(super) scrubber: Scrubber,
    pub(super) content: ContentLevel,
    /// What a receiver wants beside the conventions.
    pub(super) dialect: Dialect,
}

/// What a receiver wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Dialect {
    /// The conventions.
    Plain,
    /// `langfuse.*` on the span of the request, which is then a generation; no spans of attempts that went well,
    /// since Langfuse would count their tokens again.
    Langfuse,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Export<'a> {
    resource_spans: [ResourceSpans<'a>; 1],
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ResourceSpans<'a> {
    resource: Resource<'a>,
    scope_spans: [ScopeSpans<'a>; 1],
}

#[derive(Serialize)]
struct Resource<'a> {
    attributes: Vec<Attribute<'a>>,
}

#[derive(Serialize)]
struct ScopeSpans<'a> {
    scope: Scope,
    spans: Vec<SpanJson<'a>>,
}

#[derive(Serialize)]
struct Scope {
    name: &'static str,
    version: &'static str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct SpanJson<'a> {
    trace_id: String,
    span_id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    parent_span_id: Option<String>,
    name: String,
    kind: u8,
    start_time_unix_nano: String,
    end_time_unix_nano: String,
    attributes: Vec<Attribute<'a>>,
    status: Status,
}

#[derive(Serialize)]
struct Status {
    code: u8,
    #[serde(skip_serializing_if = "String::is_empty")]
    message: String,
}

/// `SPAN_KIND_SERVER` and `SPAN_KIND_CLIENT`.
const SERVER: u8 = 2;
const CLIENT: u8 = 3;
/// `STATUS_CODE_UNSET` and `STATUS_CODE_ERROR`.
const UNSET: u8 = 0;
const ERROR: u8 = 2;

impl Form for Otlp {
    fn bodies(&self, calls: &[Arc<CallRecord>]) -> Vec<Vec<u8>> {
        let spans = calls.iter().flat_map(|call| self.spans(call)).collect();
        let resource = self.resource.iter();
        let resource = resource.map(|(key, value)| Attribute::text(key, value));
        let export = Export {
            resource_spans: [ResourceSpans {
                resource: Resource {
                    attributes: resource.collect(),
                },
                scope_spans: [ScopeSpans {
                    scope: Scope {
                        name: "agon",
                        version: VERSION,
                    },
                    spans,
                }],
            }],
        };
        // Plain data, which JSON can always write.
        vec![serde_json::to_vec(&export).unwrap_or_default()]
    }
}

impl Otlp {
    fn spans<'a>(&self, call: &'a CallRecord) -> Vec<SpanJson<'a>> {
        let place = Place::of(call);
        let mut spans = vec![self.request(call, &place)];
        spans.extend(call.tried.iter().map(|tried| attempt(tried, &place)));
        let failed_before = u32::try_from(call.tried.len()).unwrap_or(u32::MAX);
        if call.attempts > failed_before && self.dialect == Dialect::Plain {
            spans.push(last_attempt(call, &place));
        }
        spans
    }

    fn request<'a>(&self, call: &'a CallRecord, place: &Place) -> SpanJson<'a> {
        let mut attributes = of_call(call);
        match self.dialect {
            Dialect::Plain => {}
            Dialect::Langfuse => super::langfuse::add(call, &self.scrubber, &mut attributes),
        }
        self.add_content(call, &mut attributes);
        let words = call.error_message.as_deref().unwrap_or_default();
        SpanJson {
            trace_id: place.trace_id(),
            span_id: hex(place.id),
            parent_span_id: place.parent.map(hex),
            name: format!("{} {}", attributes::operation(call), call.asked_for()),
            kind: SERVER,
            start_time_unix_nano: place.start_ns.to_string(),
            end_time_unix_nano: place.end_ns.to_string(),
            attributes,
            status: Status {
                code: if call.error.is_some() { ERROR } else { UNSET },
                message: self.scrubber.scrub(words).into_owned(),
            },
        }
    }

    fn add_content(&self, call: &CallRecord, attributes: &mut Vec<Attribute<'_>>) {
        let Some(content) = &call.content else { return };
        match self.content {
            ContentLevel::None => {}
            ContentLevel::Lengths => {
                let bytes = |length: usize| Value::int(length as u64);
                attributes.push(Attribute::new(
                    "agon.input_bytes",
                    bytes(content.input_bytes),
                ));
                attributes.push(Attribute::new(
                    "agon.output_bytes",
                    bytes(content.output_bytes),
                ));
            }
            ContentLevel::Full => {
                let (asked, answered) = match self.dialect {
                    Dialect::Plain => ("gen_ai.input.messages", "gen_ai.output.messages"),
                    Dialect::Langfuse => {
                        ("langfuse.observation.input", "langfuse.observation.output")
                    }
                };
                let clean = |text: &str| Value::owned(self.scrubber.scrub(text).into_owned());
                let input = clean(&String::from_utf8_lossy(&content.input));
                attributes.push(Attribute::new(asked, input));
                attributes.push(Attribute::new(answered, clean(&content.output)));
            }
        }
    }
}

/// Where a call stands, in a trace and in time.
struct Place {
    trace: u128,
    id: u64,
    parent: Option<u64>,
    start_ns: u64,
    end_ns: u64,
}

impl Place {
    fn of(call: &CallRecord) -> Self {
        let end_ns = call.ended_at_ms.saturating_mul(1_000_000);
        Self {
            trace: call.span.map_or_else(some_trace, |span| span.trace),
            id: call.span.map_or_else(some_id, |span| span.id),
            parent: call.span.and_then(|span| span.parent),
            start_ns: end_ns.saturating_sub(ns(call.total)),
            end_ns,
        }
    }

    fn trace_id(&self) -> String {
        format!("{:032x}", self.trace)
    }

    /// A span below, with the time from the call's start at which it began and ended.
    fn below<'a>(&self, name: String, (from, to): (Duration, Duration)) -> SpanJson<'a> {
        SpanJson {
            trace_id: self.trace_id(),
            span_id: hex(some_id()),
            parent_span_id: Some(hex(self.id)),
            name,
            kind: CLIENT,
            start_time_unix_nano: (self.start_ns + ns(from)).to_string(),
            end_time_unix_nano: (self.start_ns + ns(to)).min(self.end_ns).to_string(),
            attributes: Vec::new(),
            status: Status {
                code: UNSET,
                message: String::new(),
            },
        }
    }
}

fn attempt<'a>(tried: &'a FailedAttempt, place: &Place) -> SpanJson<'a> {
    let from = tried.ended.saturating_sub(tried.took);
    let name = format!("attempt {}", tried.model.model());
    let mut span = place.below(name, (from, tried.ended));
    span.attributes = attributes::of_attempt(&tried.model, tried.deployment.as_deref());
    attributes::add_failure(&mut span.attributes, tried.error, tried.status);
    span.status.code = ERROR;
    span
}

/// The attempt that answered, or whose answer broke off.
fn last_attempt<'a>(call: &'a CallRecord, place: &Place) -> SpanJson<'a> {
    let before = call.tried.last();
    let rested = if before.is_some() {
        call.retry_wait
    } else {
        Duration::ZERO
    };
    let from = before.map_or(Duration::ZERO, |tried| tried.ended) + rested;
    let name = format!("attempt {}", call.model.model());
    let mut span = place.below(name, (from.min(call.total), call.total));
    span.attributes = attributes::of_attempt(&call.model, call.deployment.as_deref());
    if let Some(error) = call.error {
        attributes::add_failure(&mut span.attributes, error, call.status);
        span.status.code = ERROR;
    }
    span
}

fn hex(id: u64) -> String {
    format!("{id:016x}")
}

fn ns(span: Duration) -> u64 {
    u64::try_from(span.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests;
