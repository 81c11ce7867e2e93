//! The dialects beside OpenAI's chats.

use serde_json::Value;
use serde_json::json;

use super::super::ANTHROPIC;
use super::super::OLLAMA;
use super::super::OPENAI;
use super::Gateway;
use super::MASTER;
use super::PIECES;
use super::completion;
use super::deployment;
use crate::support::upstream::Reply;
use crate::support::upstream::Upstream;

/// As Claude Code asks.
fn claude(model: &str) -> Value {
    json!({"model": model, "max_tokens": 64, "stream": false,
        "system": [{"type": "text", "text": "Be brief.", "cache_control": {"type": "ephemeral"}}],
        "messages": [{"role": "user", "content": [{"type": "text", "text": "hi"}]}],
        "thinking": {"type": "enabled", "budget_tokens": 1024},
        "tools": [{"name": "read", "input_schema": {"type": "object"}, "x_new": 1}],
        "metadata": {"user_id": "u"}})
}

#[tokio::test]
async fn claude_codes_requests_arrive_as_they_are_with_their_betas() {
    let message = json!({"id": "msg_1", "type": "message", "role": "assistant", "model": ANTHROPIC,
        "content": [{"type": "text", "text": "Hello"}], "stop_reason": "end_turn",
        "usage": {"input_tokens": 3, "output_tokens": 4}, "x_odd": 1});
    let upstream = Upstream::start([Reply::json(&message)]).await;
    let gateway = Gateway::before(&upstream).await;
    let headers = [
        ("x-api-key", MASTER),
        ("anthropic-version", "2023-06-01"),
        (
            "anthropic-beta",
            "interleaved-thinking-2025-05-14,context-1m",
        ),
    ];
    let body = claude(ANTHROPIC);
    let heard = gateway
        .post_with("/v1/messages", &headers, &body.to_string())
        .await;
    assert_eq!(heard.json(), message);
    let sent = &upstream.requests()[0];
    let mut wanted = body;
    wanted["model"] = json!("claude-haiku-4-5");
    assert_eq!(sent.json(), wanted);
    let betas = sent
        .headers
        .iter()
        .filter(|(name, _)| name == "anthropic-beta");
    let betas: Vec<&str> = betas.map(|(_, value)| value.as_str()).collect();
    assert!(
        betas.contains(&"interleaved-thinking-2025-05-14,context-1m"),
        "{betas:?}"
    );
    assert!(sent.header("x-api-key").is_some_and(|key| key != MASTER));
}

#[tokio::test]
async fn what_is_meant_for_the_gateway_reaches_no_upstream_on_any_wire() {
    let message = json!({"id": "msg_1", "type": "message", "role": "assistant", "model": ANTHROPIC,
        "content": [], "stop_reason": "end_turn", "usage": {"input_tokens": 3, "output_tokens": 4}});
    let response = json!({"id": "resp_1", "object": "response", "status": "completed", "model": "o3-pro",
        "output": [], "usage": {"input_tokens": 3, "output_tokens": 4, "total_tokens": 7}});
    let upstream = Upstream::start([
        Reply::json(&message),
        Reply::json(&response),
        Reply::json(&completion("Hello")),
    ])
    .await;
    let gateway = Gateway::before(&upstream).await;
    let ours = json!({"num_retries": 1, "timeout": 9, "tags": ["x"], "cache": {"no-cache": true},
        "litellm_metadata": {"a": 1}, "api_key": "sk-callers-own", "disable_fallbacks": true});
    let responses = "openai/o3-pro";
    for (path, mut body) in [
        ("/v1/messages", claude(ANTHROPIC)),
        ("/v1/responses", json!({"model": responses, "input": "hi"})),
        ("/v1/chat/completions", super::ask(OPENAI)),
    ] {
        let plain: Vec<String> = body.as_object().unwrap().keys().cloned().collect();
        for (name, value) in ours.as_object().unwrap() {
            body[name] = value.clone();
        }
        let heard = gateway.post(path, &body).await;
        assert_eq!(heard.status, 200, "{path}: {}", heard.text);
        let sent = upstream.requests().last().unwrap().json();
        let sent: Vec<&String> = sent.as_object().unwrap().keys().collect();
        assert_eq!(sent, Vec::from_iter(&plain), "{path}");
    }
}

#[tokio::test]
async fn messages_are_answered_by_other_providers_whole_and_in_events() {
    let upstream = Upstream::start([Reply::json(&completion("Hello")), Reply::sse(PIECES)]).await;
    let gateway = Gateway::before(&upstream).await;
    let mut body = claude(OPENAI);
    body.as_object_mut().unwrap().remove("thinking");
    let heard = gateway.post("/v1/messages", &body).await.json();
    assert_eq!(
        (&heard["type"], &heard["model"]),
        (&json!("message"), &json!(OPENAI)),
        "{heard}"
    );
    assert_eq!(heard["content"][0]["text"], "Hello");
    body["stream"] = json!(true);
    let heard = gateway.post("/v1/messages", &body).await;
    for event in [
        "event: message_start",
        "event: content_block_delta",
        "event: message_stop",
    ] {
        assert!(heard.text.contains(event), "{}", heard.text);
    }
    let count = gateway
        .post("/v1/messages/count_tokens", &claude(OPENAI))
        .await
        .json();
    assert!(
        count["input_tokens"]
            .as_u64()
            .is_some_and(|n| (5..100).contains(&n)),
        "{count}"
    );
    assert_eq!(upstream.requests().len(), 2, "nobody is asked for a count");
}

#[tokio::test]
async fn responses_are_stateless_and_stream_events() {
    let upstream = Upstream::start([Reply::sse(PIECES), Reply::sse(PIECES)]).await;
    let gateway = Gateway::before(&upstream).await;
    let body = json!({"model": OPENAI, "input": "hi", "stream": true});
    let heard = gateway.post("/v1/responses", &body).await;
    for event in [
        "event: response.created",
        "event: response.output_text.delta",
        "event: response.completed",
    ] {
        assert!(heard.text.contains(event), "{}", heard.text);
    }
    let body = json!({"model": ANTHROPIC, "input": "more", "previous_response_id": "resp_1"});
    let heard = gateway.post("/v1/responses", &body).await;
    assert_eq!(heard.status, 400, "{}", heard.text);
    assert!(
        heard.text.contains("previous_response_id"),
        "{}",
        heard.text
    );
}

#[tokio::test]
async fn googles_clients_are_answered() {
    let upstream = Upstream::start([Reply::json(&completion("Hello")), Reply::sse(PIECES)]).await;
    let gateway = Gateway::before(&upstream).await;
    let body = json!({"contents": [{"role": "user", "parts": [{"text": "hi"}]}]});
    let path = format!("/v1beta/models/{OPENAI}");
    let heard = gateway
        .post(&format!("{path}:generateContent"), &body)
        .await
        .json();
    assert_eq!(
        heard["candidates"][0]["content"]["parts"][0]["text"], "Hello",
        "{heard}"
    );
    let heard = gateway
        .post(&format!("{path}:streamGenerateContent?alt=sse"), &body)
        .await;
    assert!(
        heard.text.starts_with("data: {\"candidates\""),
        "{}",
        heard.text
    );
    let heard = gateway
        .post(&format!("{path}:countTokens"), &body)
        .await
        .json();
    assert!(heard["totalTokens"].as_u64().is_some_and(|n| n > 0));
    assert_eq!(
        gateway
            .post(&format!("{path}:embedContent"), &body)
            .await
            .status,
        404
    );
}

#[tokio::test]
async fn ollamas_clients_find_models_and_ask_them() {
    let chat = json!({"model": "llama3.2", "message": {"role": "assistant", "content": "Hello"}, "done": true,
        "done_reason": "stop", "prompt_eval_count": 3, "eval_count": 4, "x_odd": 1});
    let replies = [
        Reply::ndjson([format!("{chat}\n")]),
        Reply::json(&completion("Hello")),
        Reply::sse(PIECES),
        Reply::json(&completion("Hello")),
        Reply::sse(PIECES),
    ];
    let upstream = Upstream::start(replies).await;
    let gateway = Gateway::before(&upstream).await;
    let mut body = super::ask(OLLAMA);
    let heard = gateway.post("/api/chat", &body).await;
    assert_eq!(heard.header("content-type"), Some("application/x-ndjson"));
    assert_eq!(heard.text, format!("{chat}\n"), "the upstream's own line");
    body["model"] = json!(OPENAI);
    body["stream"] = json!(false);
    let heard = gateway.post("/api/chat", &body).await.json();
    assert_eq!(heard["message"]["content"], "Hello");
    assert!(
        heard["total_duration"].as_u64().is_some_and(|n| n > 0),
        "{heard}"
    );
    body["stream"] = json!(true);
    let heard = gateway.post("/api/chat", &body).await;
    let lines: Vec<Value> = heard
        .text
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(lines[0]["message"]["content"], "Hi");
    let last = lines.last().unwrap();
    assert!(
        last["done"] == true && last["eval_duration"].as_u64().is_some(),
        "{last}"
    );
    let mut body = json!({"model": OPENAI, "prompt": "hi", "stream": false});
    assert_eq!(
        gateway.post("/api/generate", &body).await.json()["response"],
        "Hello"
    );
    body["stream"] = json!(true);
    let heard = gateway.post("/api/generate", &body).await;
    assert!(heard.text.contains("\"response\":\"Hi\""), "{}", heard.text);
    let loaded = gateway
        .post("/api/generate", &json!({"model": OPENAI}))
        .await
        .json();
    assert_eq!(loaded["done_reason"], "load");
    assert!(gateway.get("/api/version").await.json()["version"].is_string());
    assert_eq!(gateway.get("/api/ps").await.json(), json!({"models": []}));
}

#[tokio::test]
async fn what_the_operators_list_drops_is_dropped_and_else_the_caller_decides() {
    let upstream = Upstream::start(vec![Reply::json(&completion("hi")); 4]).await;
    let base = format!("{}/v1", upstream.base_url());
    let place = |group: &str, strict: Option<bool>| {
        let mut deployment = deployment(group, "openai/gpt-5", Some(base.clone()));
        std::sync::Arc::make_mut(&mut deployment.target).strict = strict;
        deployment
    };
    let list = vec![
        place("drops", Some(false)),
        place("refuses", Some(true)),
        place("says-nothing", None),
    ];
    let gateway = Gateway::with_list(list).await;
    for (group, wish, status) in [
        ("drops", None, 200),
        ("drops", Some(false), 200),
        ("refuses", None, 400),
        ("refuses", Some(false), 400),
        ("refuses", Some(true), 200),
        ("says-nothing", None, 200),
        ("says-nothing", Some(false), 400),
    ] {
        let mut body = json!({"model": group, "temperature": 0.5,
            "messages": [{"role": "user", "content": "hi"}]});
        if let Some(wish) = wish {
            body["drop_params"] = json!(wish);
        }
        let heard = gateway.post("/v1/chat/completions", &body).await;
        assert_eq!(heard.status, status, "{group} {wish:?}: {}", heard.text);
        assert_eq!(heard.header("x-agon-dropped-params"), Some("temperature"));
    }
    for sent in upstream.requests() {
        let sent = sent.json();
        assert!(sent.get("temperature").is_none() && sent.get("drop_params").is_none());
    }
}
