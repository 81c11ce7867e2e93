//! Chats in OpenAI's dialect.

use std::time::Duration;

use futures::StreamExt;
use serde_json::json;

use super::super::OPENAI;
use super::Gateway;
use super::PIECES;
use super::ask;
use super::bearer;
use super::completion;
use super::deployment;
use crate::support::http_client;
use crate::support::upstream::Reply;
use crate::support::upstream::Upstream;

const PATH: &str = "/v1/chat/completions";

#[tokio::test]
async fn a_model_of_the_catalog_is_called_without_its_provider_too() {
    let upstream = Upstream::start([Reply::json(&completion("Hello"))]).await;
    let gateway = Gateway::before(&upstream).await;
    let body = json!({"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "hi"}]});
    let key = bearer();
    let heard = gateway
        .post_with(PATH, &[("authorization", key.as_str())], &body.to_string())
        .await;
    assert_eq!(heard.status, 200, "{}", heard.text);
    assert_eq!(heard.header("x-litellm-model-name"), Some(OPENAI));
    assert_eq!(upstream.requests()[0].json()["model"], "gpt-4o-mini");
}

#[tokio::test]
async fn a_whole_answer_is_the_upstreams_with_the_name_that_was_asked_for() {
    let reply = Reply::json(&completion("Hello")).header("x-ratelimit-remaining-requests", "99");
    let upstream = Upstream::start([reply]).await;
    let gateway = Gateway::before(&upstream).await;
    let body = json!({"model": OPENAI, "messages": [{"role": "user", "content": "hi"}], "x_unknown": {"a": [1]},
        "metadata": {"tags": ["a"], "k": "v"}, "num_retries": 0});
    let key = bearer();
    let headers = [("authorization", key.as_str()), ("x-request-id", "mine")];
    let heard = gateway
        .post_with("/chat/completions", &headers, &body.to_string())
        .await;
    assert_eq!(heard.status, 200, "{}", heard.text);
    let mut wanted = completion("Hello");
    wanted["model"] = json!(OPENAI);
    assert_eq!(heard.json(), wanted);
    let sent = upstream.requests()[0].json();
    let wanted = json!({"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "hi"}],
        "x_unknown": {"a": [1]}, "metadata": {"k": "v"}});
    assert_eq!(sent, wanted);
    for (name, wanted) in [
        ("x-ratelimit-remaining-requests", "99"),
        ("llm_provider-x-ratelimit-remaining-requests", "99"),
        ("x-request-id", "mine"),
        ("x-litellm-model-group", OPENAI),
        ("x-litellm-model-name", OPENAI),
        ("x-litellm-attempted-retries", "0"),
        ("x-litellm-attempted-fallbacks", "0"),
        ("x-litellm-response-cost", "0.000002850"),
        ("content-type", "application/json"),
    ] {
        assert_eq!(heard.header(name), Some(wanted), "{name}");
    }
    for name in [
        "x-litellm-overhead-duration-ms",
        "x-litellm-response-duration-ms",
        "x-agon-overhead-ms",
    ] {
        let told: f64 = heard.header(name).unwrap().parse().unwrap();
        assert!((0.0..10_000.0).contains(&told), "{name}");
    }
    let id = heard.header("x-litellm-call-id").unwrap();
    assert_eq!(heard.header("x-agon-call-id"), Some(id));
}

#[tokio::test]
async fn a_streamed_answer_is_the_upstreams_bytes() {
    let upstream = Upstream::start([Reply::sse(PIECES), Reply::sse(PIECES)]).await;
    let gateway = Gateway::before(&upstream).await;
    let mut body = ask(OPENAI);
    body["stream"] = json!(true);
    body["stream_options"] = json!({"include_usage": true});
    let heard = gateway.post(PATH, &body).await;
    assert_eq!(heard.text, PIECES.concat());
    for (name, wanted) in [
        ("content-type", "text/event-stream; charset=utf-8"),
        ("cache-control", "no-cache"),
        ("x-accel-buffering", "no"),
    ] {
        assert_eq!(heard.header(name), Some(wanted), "{name}");
    }
    assert!(heard.header("x-litellm-call-id").is_some());
    // Who does not ask for the usage does not get it, though the upstream is asked.
    body["stream_options"] = json!(null);
    let heard = gateway.post(PATH, &body).await;
    assert!(!heard.text.contains("usage"), "{}", heard.text);
    let sent = upstream.requests()[1].json();
    assert_eq!(sent["stream_options"], json!({"include_usage": true}));
}

#[tokio::test]
async fn a_translated_answer_has_the_callers_dialect_and_name() {
    let message = json!({"id": "msg_1", "type": "message", "role": "assistant", "model": "claude-haiku-4-5",
        "content": [{"type": "text", "text": "Hello"}], "stop_reason": "end_turn",
        "usage": {"input_tokens": 3, "output_tokens": 4}});
    let upstream = Upstream::start([Reply::json(&message), Reply::json(&message)]).await;
    let gateway = Gateway::before(&upstream).await;
    let model = super::super::ANTHROPIC;
    let mut body = ask(model);
    body["logit_bias"] = json!({"1": 2});
    let heard = gateway.post(PATH, &body).await;
    let told = heard.json();
    assert_eq!(told["choices"][0]["message"]["content"], "Hello", "{told}");
    assert_eq!(told["model"], model);
    assert_eq!(told["usage"]["total_tokens"], 7);
    assert!(
        told["id"].as_str().unwrap().starts_with("chatcmpl-"),
        "{told}"
    );
    body["stream"] = json!(true);
    let heard = gateway.post(PATH, &body).await;
    assert!(
        heard.text.contains("Hello") && heard.text.ends_with("data: [DONE]\n\n"),
        "{}",
        heard.text
    );
}

#[tokio::test]
async fn an_error_before_the_first_chunk_has_its_status_and_one_within_is_an_event() {
    let limited = Reply::status(429)
        .header("retry-after", "7")
        .send(r#"{"error":{"message":"slow down","code":"rate_limit_exceeded"}}"#);
    let cut = Reply::sse([PIECES[0]]).cut();
    let in_event = Reply::sse([PIECES[0], "data: {\"cho"]).cut();
    let upstream = Upstream::start([limited, cut, in_event]).await;
    let gateway = Gateway::before(&upstream).await;
    let mut body = ask(OPENAI);
    body["stream"] = json!(true);
    let heard = gateway.post(PATH, &body).await;
    assert_eq!(heard.status, 429, "{}", heard.text);
    assert_eq!(heard.header("retry-after"), Some("7"));
    assert_eq!(heard.header("content-type"), Some("application/json"));
    assert!(heard.header("x-litellm-call-id").is_some());
    body["stream_options"] = json!({"include_usage": true});
    for _ in 0..2 {
        let heard = gateway.post(PATH, &body).await;
        assert_eq!(heard.status, 200);
        let mut events: Vec<&str> = heard.text.split_terminator("\n\n").collect();
        assert_eq!(events.pop(), Some("data: [DONE]"));
        let error = events.pop().unwrap().strip_prefix("data: ").unwrap();
        let error: serde_json::Value = serde_json::from_str(error).unwrap();
        assert_eq!(
            error["error"]["type"], "stream_interrupted",
            "{}",
            heard.text
        );
        assert_eq!(format!("{}\n\n", events[0]), PIECES[0]);
    }
}

#[tokio::test]
async fn when_the_client_leaves_the_upstream_is_left_at_once() {
    let upstream = Upstream::start([
        Reply::sse([PIECES[0]]).stall(),
        Reply::status(200)
            .header("content-type", "application/json")
            .send("{")
            .stall(),
    ])
    .await;
    let gateway = Gateway::before(&upstream).await;
    let mut body = ask(OPENAI);
    body["stream"] = json!(true);
    let request = http_client()
        .post(gateway.url(PATH))
        .bearer_auth(super::MASTER);
    let answer = request.json(&body).send().await.unwrap();
    let mut pieces = answer.bytes_stream();
    assert_eq!(pieces.next().await.unwrap().unwrap(), PIECES[0]);
    drop(pieces);
    assert!(upstream.client_left().await < Duration::from_secs(1));
    let request = http_client()
        .post(gateway.url(PATH))
        .bearer_auth(super::MASTER);
    let whole = request.json(&ask(OPENAI)).send();
    let _ = tokio::time::timeout(Duration::from_millis(300), whole).await;
    let started = tokio::time::Instant::now();
    while upstream.clients_that_left() < 2 {
        assert!(
            started.elapsed() < Duration::from_secs(2),
            "the upstream is still asked"
        );
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test]
async fn the_path_may_name_the_model_and_stand_behind_a_base_path() {
    let paths = [
        "/openai/deployments/gpt-4o-mini/chat/completions?api-version=2024-10-21",
        "/openai/chat/completions?api-version=2024-10-21",
        "/engines/gpt-4o-mini/chat/completions",
        "/v1/engines/gpt-4o-mini/chat/completions",
        "/litellm/v1/chat/completions",
        "/litellm/openai/deployments/gpt-4o-mini/chat/completions",
        "/team/gate/v1/chat/completions",
    ];
    let upstream = Upstream::start(paths.map(|_| Reply::json(&completion("Hello")))).await;
    let list = vec![super::deployment(
        "gpt-4o-mini",
        OPENAI,
        Some(format!("{}/v1", upstream.base_url())),
    )];
    let gateway = Gateway::with_list(list).await;
    gateway.set(&agon::http::GatewayConfig {
        base_path: "/team/gate".to_owned(),
        ..agon::http::GatewayConfig::default()
    });
    for path in paths {
        let mut body = ask("gpt-4o-mini");
        if path.contains('{') || path.contains("deployments") {
            body.as_object_mut().unwrap().remove("model");
        }
        let heard = gateway.post(path, &body).await;
        assert_eq!(heard.status, 200, "{path}: {}", heard.text);
        assert_eq!(heard.json()["model"], "gpt-4o-mini", "{path}");
        assert_eq!(
            heard.header("x-litellm-model-id"),
            Some("gpt-4o-mini-openai/gpt-4o-mini")
        );
    }
    for request in upstream.requests() {
        assert_eq!(request.json()["model"], "gpt-4o-mini");
    }
}

#[tokio::test]
async fn a_fallback_of_the_callers_may_have_messages_of_its_own() {
    let down = Upstream::start([Reply::status(503).send("down")]).await;
    let spare = Upstream::start([Reply::json(&completion("spare"))]).await;
    let list = vec![
        deployment("main", OPENAI, Some(format!("{}/v1", down.base_url()))),
        deployment("spare", OPENAI, Some(format!("{}/v1", spare.base_url()))),
    ];
    let gateway = Gateway::with_list(list).await;
    let own = json!([{"role": "user", "content": "in short"}]);
    let mut body = ask("main");
    body["fallbacks"] = json!([{"model": "spare", "messages": own}]);
    let heard = gateway.post("/v1/chat/completions", &body).await;
    assert_eq!(heard.status, 200, "{}", heard.text);
    // After a fallback the answer says who answered.
    assert_eq!(heard.json()["model"], "gpt-4o-mini-2024");
    assert_eq!(heard.header("x-litellm-model-group"), Some("spare"));
    assert_eq!(spare.requests()[0].json()["messages"], own);
    assert_eq!(
        down.requests()[0].json()["messages"],
        ask("main")["messages"]
    );
}

#[tokio::test]
async fn several_models_with_commas_between_answer_with_a_list() {
    let fails = || Reply::status(400).send(r#"{"error":{"message":"no"}}"#);
    let (one, two) = (
        Upstream::start([Reply::json(&completion("one")), fails()]).await,
        Upstream::start([
            Reply::json(&completion("two")),
            Reply::json(&completion("two")),
        ])
        .await,
    );
    let base = |upstream: &Upstream| Some(format!("{}/v1", upstream.base_url()));
    let gateway = Gateway::with_list(vec![
        deployment("a", "openai/gpt-4o-mini", base(&one)),
        deployment("b", "openai/gpt-4o", base(&two)),
    ])
    .await;
    let heard = gateway.post("/v1/chat/completions", &ask("a, b")).await;
    let told = heard.json();
    let text = |index: usize| &told[index]["choices"][0]["message"]["content"];
    assert_eq!((text(0), text(1)), (&json!("one"), &json!("two")), "{told}");
    assert_eq!(one.requests()[0].json()["model"], "gpt-4o-mini");
    assert_eq!(two.requests()[0].json()["model"], "gpt-4o");
    // One that fails takes nothing from the other.
    let told = gateway
        .post("/v1/chat/completions", &ask("a,b"))
        .await
        .json();
    assert_eq!(told[0]["error"]["code"], "400", "{told}");
    assert_eq!(told[1]["choices"][0]["message"]["content"], "two", "{told}");
    let heard = gateway.post("/v1/chat/completions", &ask("a,nobody")).await;
    assert_eq!(heard.status, 404);
    assert!(heard.text.contains("nobody"), "{}", heard.text);
}
