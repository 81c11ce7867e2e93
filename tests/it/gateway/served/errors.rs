//! Errors in the dialect of those who read them.

use std::fmt::Write;

use serde_json::Value;
use serde_json::json;

use super::super::ANTHROPIC;
use super::super::KEY;
use super::super::OPENAI;
use super::Gateway;
use super::MASTER;
use super::ask;
use super::bearer;
use super::hear;
use crate::support::http_client;
use crate::support::upstream::Reply;
use crate::support::upstream::Upstream;

/// Paths of each dialect, with a request that is right but for its model.
fn dialects() -> [(&'static str, Value); 7] {
    let messages = json!([{"role": "user", "content": "hi"}]);
    [
        (
            "/v1/chat/completions",
            json!({"model": "nobody", "messages": messages}),
        ),
        (
            "/v1/completions",
            json!({"model": "nobody", "prompt": "hi"}),
        ),
        ("/v1/embeddings", json!({"model": "nobody", "input": "hi"})),
        ("/v1/responses", json!({"model": "nobody", "input": "hi"})),
        (
            "/v1/messages",
            json!({"model": "nobody", "messages": messages, "max_tokens": 9}),
        ),
        (
            "/v1beta/models/nobody:generateContent",
            json!({"contents": [{"parts": [{"text": "hi"}]}]}),
        ),
        (
            "/api/chat",
            json!({"model": "nobody", "messages": messages}),
        ),
    ]
}

#[tokio::test]
async fn every_mistake_has_a_body_in_the_dialect_of_its_path() {
    let gateway = Gateway::with_list(Vec::new()).await;
    let (mut told, key) = (String::new(), bearer());
    let key = [("authorization", key.as_str())];
    for (path, right) in dialects() {
        let stream = json!({"stream": 7, "model": "m"}).to_string();
        let cases = [
            (
                "no key",
                gateway.post_with(path, &[], &right.to_string()).await,
            ),
            (
                "no model",
                gateway.post_with(path, &key, &right.to_string()).await,
            ),
            (
                "no JSON",
                gateway.post_with(path, &key, "{\"model\": ").await,
            ),
            ("nothing in it", gateway.post_with(path, &key, "{}").await),
            ("nothing said", gateway.post_with(path, &key, r#"{"model":"m","max_tokens":9,"messages":[ ],"input":[],"contents":[],"prompt":[]}"#).await),
            ("wrong kind", gateway.post_with(path, &key, &stream).await),
            (
                "wrong method",
                hear(http_client().put(gateway.url(path)).bearer_auth(MASTER)).await,
            ),
        ];
        for (case, heard) in cases {
            let _ = writeln!(told, "{path} {case}: {} {}", heard.status, heard.text);
        }
    }
    for path in [
        "/v1/nothing",
        "/v1beta/nothing",
        "/api/nothing",
        "/anthropic/nothing",
        "/nothing",
    ] {
        let heard = gateway.get(path).await;
        let _ = writeln!(told, "{path}: {} {}", heard.status, heard.text);
    }
    insta::assert_snapshot!(told);
}

#[tokio::test]
async fn every_class_of_an_upstreams_error_has_its_status() {
    let cases = [
        (401, "invalid_api_key", 401, "authentication_error"),
        (403, "forbidden", 403, "permission_error"),
        (404, "model_not_found", 404, "not_found_error"),
        (400, "bad", 400, "invalid_request_error"),
        (422, "bad", 400, "invalid_request_error"),
        (
            400,
            "context_length_exceeded",
            400,
            "context_length_exceeded",
        ),
        (
            400,
            "content_policy_violation",
            400,
            "content_policy_violation",
        ),
        (429, "rate_limit_exceeded", 429, "rate_limit_error"),
        (429, "insufficient_quota", 429, "insufficient_quota"),
        (402, "pay", 402, "insufficient_quota"),
        (408, "late", 408, "timeout_error"),
        (504, "late", 504, "timeout_error"),
        (500, "x", 500, "internal_server_error"),
        (502, "x", 502, "service_unavailable_error"),
        (503, "x", 503, "service_unavailable_error"),
        (529, "x", 500, "overloaded_error"),
        (999, "x", 502, "service_unavailable_error"),
    ];
    for (theirs, code, ours, class) in cases {
        let body = json!({"error": {"message": format!("about {KEY}"), "type": "x", "code": code}});
        let upstream = Upstream::start([Reply::status(theirs).send(body.to_string())]).await;
        let gateway = Gateway::before(&upstream).await;
        let heard = gateway.post("/v1/chat/completions", &ask(OPENAI)).await;
        let told = heard.json();
        assert_eq!(heard.status, ours, "{theirs} {code}: {told}");
        assert_eq!(told["error"]["type"], class, "{theirs} {code}: {told}");
        assert_eq!(told["error"]["code"], json!(ours.to_string()));
        let keys: Vec<&String> = told["error"].as_object().unwrap().keys().collect();
        assert_eq!(keys, ["message", "type", "param", "code"]);
        assert!(!heard.text.contains(KEY), "{}", heard.text);
    }
}

#[tokio::test]
async fn a_request_that_cannot_be_translated_is_told_by_its_member() {
    let upstream = Upstream::start([]).await;
    let gateway = Gateway::before(&upstream).await;
    let body = json!({"model": OPENAI, "messages": "hi"});
    let heard = gateway.post("/api/chat", &body).await;
    let told = "BadRequestError: openai: messages: has to be a list";
    assert_eq!(
        (heard.status, heard.json()["error"].as_str()),
        (400, Some(told))
    );
}

#[tokio::test]
async fn a_mistake_of_the_upstream_is_not_told_as_a_lack_of_room() {
    let upstream = Upstream::start([Reply::status(500).send("{}")]).await;
    let gateway = Gateway::before(&upstream).await;
    let body = json!({"model": ANTHROPIC, "max_tokens": 9, "messages": [{"role": "user", "content": "hi"}]});
    let heard = gateway.post("/v1/messages", &body).await;
    let told = heard.json();
    assert_eq!(
        (heard.status, &told["error"]["type"]),
        (500, &json!("api_error"))
    );
}

#[tokio::test]
async fn an_upstreams_error_reaches_the_callers_of_other_dialects() {
    let overloaded = || {
        Reply::status(529)
            .send(r#"{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}"#)
    };
    let upstream = Upstream::start([overloaded(), overloaded()]).await;
    let gateway = Gateway::before(&upstream).await;
    let body = json!({"model": ANTHROPIC, "max_tokens": 9, "messages": [{"role": "user", "content": "hi"}]});
    let heard = gateway.post("/v1/messages", &body).await;
    assert_eq!(heard.status, 529);
    assert_eq!(heard.json()["error"]["type"], "overloaded_error");
    assert_eq!(heard.header("x-agon-error"), Some("overloaded"));
    // Who failed cools down for longer than this test lives.
    let heard = gateway.post("/api/chat", &body).await;
    assert!(heard.json()["error"].is_string(), "{}", heard.text);
}

#[tokio::test]
async fn a_body_that_is_too_large_is_refused_before_it_is_kept() {
    let gateway = Gateway::with_list(Vec::new()).await;
    let body = "x".repeat((64 << 20) + 1);
    let heard = gateway
        .post_with(
            "/v1/chat/completions",
            &[("authorization", &bearer())],
            &body,
        )
        .await;
    assert_eq!(heard.status, 413);
    assert_eq!(heard.json()["error"]["type"], "request_too_large");
}
