//! Chats in OpenAI's dialect.

use serde_json::json;

use super::bearer;
use super::gateway_before;
use super::post;
use crate::support::upstream::Reply;
use crate::support::upstream::Upstream;

const ASK: &str = r#"{"model":"openai/gpt-4o-mini","messages":[{"role":"user","content":"hi"}],"x_unknown":{"a":[1]}}"#;
const ASK_STREAM: &str = r#"{"model":"openai/gpt-4o-mini","messages":[{"role":"user","content":"hi"}],"stream":true,"stream_options":{"include_usage":true}}"#;

fn whole() -> serde_json::Value {
    json!({"id": "chatcmpl-1", "object": "chat.completion", "created": 1, "model": "gpt-4o-mini-2024",
        "choices": [{"index": 0, "message": {"role": "assistant", "content": "Hello"}, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 3, "completion_tokens": 4, "total_tokens": 7}, "x_odd": [1]})
}

#[tokio::test]
async fn a_whole_answer_is_the_upstreams_with_the_name_that_was_asked_for() {
    let reply = Reply::json(&whole()).header("x-ratelimit-remaining-requests", "99");
    let upstream = Upstream::start([reply]).await;
    let agon = gateway_before(&upstream).await;
    let (name, key) = bearer();
    let headers = [(name, key.as_str()), ("x-request-id", "mine")];
    let heard = post(&agon, "/chat/completions", &headers, ASK).await;
    assert_eq!(heard.status, 200, "{}", heard.text);
    let mut wanted = whole();
    wanted["model"] = json!("openai/gpt-4o-mini");
    assert_eq!(heard.json(), wanted);
    let sent = upstream.requests()[0].json();
    assert_eq!(sent["model"], "gpt-4o-mini");
    assert_eq!(sent["x_unknown"], json!({"a": [1]}));
    assert_eq!(heard.header("x-ratelimit-remaining-requests"), Some("99"));
    assert_eq!(heard.header("x-request-id"), Some("mine"));
    for name in [
        "x-litellm-call-id",
        "x-litellm-model-group",
        "x-litellm-response-cost",
        "x-litellm-overhead-duration-ms",
        "x-agon-overhead-ms",
    ] {
        assert!(heard.header(name).is_some(), "{name}: {:?}", heard.headers);
    }
}

#[tokio::test]
async fn a_streamed_answer_is_the_upstreams_bytes() {
    let pieces = [
        "data: {\"id\":\"c\",\"x\":1,\"choices\":[{\"index\":0,\"delta\":{\"content\":\"Hi\"}}]}\n\n",
        "data: {\"id\":\"c\",\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n",
        "data: {\"id\":\"c\",\"choices\":[],\"usage\":{\"prompt_tokens\":1,\"completion_tokens\":2}}\n\n",
        "data: [DONE]\n\n",
    ];
    let upstream = Upstream::start([Reply::sse(pieces)]).await;
    let agon = gateway_before(&upstream).await;
    let (name, key) = bearer();
    let heard = post(&agon, "/v1/chat/completions", &[(name, &key)], ASK_STREAM).await;
    assert_eq!(heard.text, pieces.concat());
    assert_eq!(
        heard.header("content-type"),
        Some("text/event-stream; charset=utf-8")
    );
    assert_eq!(heard.header("cache-control"), Some("no-cache"));
    assert_eq!(heard.header("x-accel-buffering"), Some("no"));
}
