use serde_json::json;

use super::*;
use crate::events::CallContent;
use crate::types::Deployment;
use crate::types::DeploymentInfo;
use crate::types::NanoUsd;
use crate::types::Span;
use crate::types::Target;
use crate::types::Usage;

fn deployment(id: &str) -> Arc<Deployment> {
    Arc::new(Deployment {
        id: id.into(),
        group: "fast".into(),
        model: "gemini/gemini-2.5-flash".into(),
        target: Arc::new(Target {
            api_base: Some("https://user:pass@gw.example:8443/v1".to_owned()),
            ..Target::default()
        }),
        weight: None,
        rpm: None,
        tpm: None,
        max_parallel: None,
        order: None,
        tags: Vec::new(),
        num_retries: None,
        cooldown: None,
        prices: None,
        info: DeploymentInfo::default(),
    })
}

fn call() -> CallRecord {
    CallRecord {
        path: "unified",
        response_model: Some("gemini-2.5-flash-002".to_owned()),
        group: Some("fast".into()),
        deployment: Some(deployment("key-2")),
        call_id: Some("call-7".into()),
        principal: Some("anna".into()),
        tags: vec!["team-a".into()],
        attempts: 2,
        tried: vec![FailedAttempt {
            model: "gemini/gemini-2.5-flash".parse().unwrap(),
            group: Some("fast".into()),
            deployment: Some(deployment("key-1")),
            ended: Duration::from_millis(30),
            took: Duration::from_millis(20),
            error: "rate_limited",
            status: Some(429),
        }],
        ended_at_ms: 1_790_000_001_000,
        ttft: Some(Duration::from_millis(300)),
        total: Duration::from_millis(1000),
        upstream_wait: Duration::from_millis(990),
        retry_wait: Duration::from_millis(5),
        usage: Usage {
            input: 10,
            cache_read: 5,
            output: 3,
            reasoning: 4,
            ..Usage::default()
        },
        cost: Some(NanoUsd(1_500_000)),
        span: Some(Span {
            trace: 0xabc,
            id: 0xdef,
            parent: Some(0x12),
            sampled: true,
            forwarded: false,
        }),
        content: Some(Arc::new({
            let mut content =
                CallContent::of(r#"{"messages":["my key is sk-abcdefghijklmnop"]}"#.into());
            content.push("well");
            content
        })),
        ..CallRecord::new("gemini/gemini-2.5-flash".parse().unwrap())
    }
}

fn spans(call: CallRecord, dialect: Dialect, content: ContentLevel) -> Vec<serde_json::Value> {
    let form = Otlp {
        resource: vec![("service.name".into(), "agon".into())],
        scrubber: Scrubber::default(),
        content,
        dialect,
    };
    let bodies = form.bodies(&[Arc::new(call)]);
    assert_eq!(bodies.len(), 1);
    let export: serde_json::Value = serde_json::from_slice(&bodies[0]).unwrap();
    let resource = &export["resourceSpans"][0]["resource"]["attributes"][0];
    assert_eq!(
        *resource,
        json!({"key": "service.name", "value": {"stringValue": "agon"}})
    );
    let scope = &export["resourceSpans"][0]["scopeSpans"][0];
    assert_eq!(scope["scope"]["name"], "agon");
    scope["spans"].as_array().unwrap().clone()
}

fn attribute(span: &serde_json::Value, key: &str) -> serde_json::Value {
    let attributes = span["attributes"].as_array().unwrap();
    let mut found = attributes
        .iter()
        .filter(|attribute| attribute["key"] == key);
    let value = found
        .next()
        .map_or(serde_json::Value::Null, |found| found["value"].clone());
    assert!(found.next().is_none(), "{key} is there twice");
    value
}

#[test]
fn a_request_is_a_span_and_each_attempt_one_below_it() {
    let spans = spans(call(), Dialect::Plain, ContentLevel::None);
    assert_eq!(spans.len(), 3);
    let [request, first, last] = &spans[..] else {
        panic!()
    };
    assert_eq!(request["traceId"], format!("{:032x}", 0xabc));
    assert_eq!(request["spanId"], "0000000000000def");
    assert_eq!(request["parentSpanId"], "0000000000000012");
    assert_eq!(request["name"], "chat fast");
    assert_eq!(request["kind"], 2);
    assert_eq!(request["startTimeUnixNano"], "1790000000000000000");
    assert_eq!(request["endTimeUnixNano"], "1790000001000000000");
    assert_eq!(request["status"], json!({"code": 0}));
    for below in [first, last] {
        assert_eq!(below["parentSpanId"], request["spanId"]);
        assert_eq!(below["traceId"], request["traceId"]);
        assert_eq!(below["kind"], 3);
        assert_eq!(
            attribute(below, "gen_ai.usage.input_tokens"),
            serde_json::Value::Null
        );
    }
    assert_eq!(first["startTimeUnixNano"], "1790000000010000000");
    assert_eq!(first["endTimeUnixNano"], "1790000000030000000");
    assert_eq!(first["status"]["code"], 2);
    assert_eq!(
        attribute(first, "error.type"),
        json!({"stringValue": "rate_limited"})
    );
    assert_eq!(
        attribute(first, "http.response.status_code"),
        json!({"intValue": "429"})
    );
    assert_eq!(
        attribute(first, "agon.deployment"),
        json!({"stringValue": "key-1"})
    );
    assert_eq!(last["startTimeUnixNano"], "1790000000035000000");
    assert_eq!(last["status"]["code"], 0);
}

#[test]
fn a_requests_attributes_follow_the_conventions() {
    let spans = spans(call(), Dialect::Plain, ContentLevel::None);
    for (key, value) in [
        ("gen_ai.operation.name", json!({"stringValue": "chat"})),
        ("gen_ai.provider.name", json!({"stringValue": "gcp.gemini"})),
        ("gen_ai.request.model", json!({"stringValue": "fast"})),
        (
            "gen_ai.response.model",
            json!({"stringValue": "gemini-2.5-flash-002"}),
        ),
        ("gen_ai.usage.input_tokens", json!({"intValue": "15"})),
        ("gen_ai.usage.output_tokens", json!({"intValue": "7"})),
        (
            "gen_ai.usage.cache_read.input_tokens",
            json!({"intValue": "5"}),
        ),
        ("server.address", json!({"stringValue": "gw.example"})),
        ("server.port", json!({"intValue": "8443"})),
        ("agon.call_id", json!({"stringValue": "call-7"})),
        ("agon.overhead_ms", json!({"doubleValue": 5.0})),
        ("agon.stream", json!({"boolValue": false})),
        (
            "agon.tags",
            json!({"arrayValue": {"values": [{"stringValue": "team-a"}]}}),
        ),
        ("user.id", json!({"stringValue": "anna"})),
        ("error.type", serde_json::Value::Null),
        ("gen_ai.input.messages", serde_json::Value::Null),
    ] {
        assert_eq!(attribute(&spans[0], key), value, "{key}");
    }
    let text = serde_json::to_string(&spans).unwrap();
    assert!(!text.contains("pass@"), "{text}");
}

#[test]
fn a_failed_request_says_how_and_no_attempt_is_told_twice() {
    let failed = CallRecord {
        attempts: 1,
        error: Some("rate_limited"),
        status: Some(429),
        error_message: Some("slow down, sk-abcdefghijklmnop".into()),
        ..call()
    };
    let spans = spans(failed, Dialect::Plain, ContentLevel::None);
    assert_eq!(spans.len(), 2, "the only attempt is the one that failed");
    assert_eq!(
        spans[0]["status"],
        json!({"code": 2, "message": "slow down, sk-***"})
    );
    assert_eq!(
        attribute(&spans[0], "error.type"),
        json!({"stringValue": "rate_limited"})
    );
}

#[test]
fn a_call_without_a_place_begins_a_trace() {
    let alone = CallRecord {
        span: None,
        ..call()
    };
    let spans = spans(alone, Dialect::Plain, ContentLevel::None);
    assert!(spans[0].get("parentSpanId").is_none());
    assert_ne!(spans[0]["traceId"], "0".repeat(32));
    assert_eq!(spans[1]["traceId"], spans[0]["traceId"]);
}

#[test]
fn langfuse_gets_one_generation_with_disjoint_tokens() {
    let spans = spans(call(), Dialect::Langfuse, ContentLevel::None);
    assert_eq!(
        spans.len(),
        2,
        "an attempt that went well would count its tokens again"
    );
    let text = |key: &str| {
        attribute(&spans[0], key)["stringValue"]
            .as_str()
            .unwrap_or_default()
            .to_owned()
    };
    assert_eq!(text("langfuse.observation.type"), "generation");
    assert_eq!(text("langfuse.trace.name"), "fast");
    assert_eq!(text("langfuse.user.id"), "anna");
    assert_eq!(text("langfuse.observation.model.name"), "gemini-2.5-flash");
    let usage: serde_json::Value =
        serde_json::from_str(&text("langfuse.observation.usage_details")).unwrap();
    assert_eq!(
        usage,
        json!({"input": 10, "output": 3, "total": 22, "input_cached_tokens": 5, "output_reasoning_tokens": 4})
    );
    assert_eq!(
        text("langfuse.observation.cost_details"),
        r#"{"total":0.0015}"#
    );
    assert_eq!(
        text("langfuse.observation.completion_start_time"),
        r#""2026-09-21T14:13:20.300Z""#
    );
    assert_eq!(text("langfuse.observation.input"), "");
}

#[test]
fn content_leaves_only_as_far_as_it_is_wanted_and_without_credentials() {
    let lengths = &spans(call(), Dialect::Langfuse, ContentLevel::Lengths)[0];
    assert_eq!(
        attribute(lengths, "agon.input_bytes"),
        json!({"intValue": "46"})
    );
    assert_eq!(
        attribute(lengths, "langfuse.observation.input"),
        serde_json::Value::Null
    );
    let full = &spans(call(), Dialect::Langfuse, ContentLevel::Full)[0];
    let input = attribute(full, "langfuse.observation.input");
    assert_eq!(input["stringValue"], r#"{"messages":["my key is sk-***"]}"#);
    assert_eq!(
        attribute(full, "langfuse.observation.output")["stringValue"],
        "well"
    );
}
