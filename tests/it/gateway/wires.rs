//! A whole answer over each wire: what is sent, and what comes of it.

use agon::types::FinishReason;
use futures::StreamExt;
use serde_json::json;

use super::ANTHROPIC;
use super::KEY;
use super::OLLAMA;
use super::OPENAI;
use super::client_at;
use super::ms;
use super::request;
use crate::support::upstream::Reply;
use crate::support::upstream::Upstream;

#[tokio::test]
async fn openai_is_asked_with_a_bearer_key_and_its_events_become_an_answer() {
    let upstream = Upstream::start([Reply::sse([
        "data: {\"id\":\"c1\",\"model\":\"gpt-4o-mini-2024\",\"choices\":[{\"index\":0,\"delta\":{\"role\":\"assistant\",\"content\":\"\"}}]}\n\n",
        "data: {\"id\":\"c1\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\"Hel\"}}]}\n\ndata: {\"id\":\"c1\",\"cho",
        "ices\":[{\"index\":0,\"delta\":{\"content\":\"lo\"}}]}\n\n",
        "data: {\"id\":\"c1\",\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"length\"}]}\n\n",
        "data: {\"id\":\"c1\",\"choices\":[],\"usage\":{\"prompt_tokens\":12,\"completion_tokens\":2,\"total_tokens\":14}}\n\ndata: [DONE]\n\n",
    ])])
    .await;
    let answer = client_at(&upstream.base_url(), OPENAI)
        .send_message(&request(OPENAI))
        .await
        .unwrap();
    assert_eq!((answer.text.as_str(), answer.id.as_str()), ("Hello", "c1"));
    assert_eq!(answer.finish, FinishReason::Length);
    assert_eq!((answer.usage.input, answer.usage.output), (12, 2));
    assert!(!answer.usage.estimated);

    let sent = &upstream.requests()[0];
    assert_eq!(
        (sent.method.as_str(), sent.path.as_str()),
        ("POST", "/v1/chat/completions")
    );
    assert_eq!(
        sent.header("authorization"),
        Some(format!("Bearer {KEY}").as_str())
    );
    assert_eq!(sent.header("content-type"), Some("application/json"));
    let body = sent.json();
    assert_eq!(body["model"], "gpt-4o-mini");
    assert_eq!(body["stream"], true);
    assert_eq!(body["messages"][1]["role"], "user");
}

#[tokio::test]
async fn anthropic_is_asked_with_its_own_headers_and_its_events_become_an_answer() {
    let upstream = Upstream::start([Reply::sse([
        "event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"id\":\"m1\",\"type\":\"message\",\"role\":\"assistant\",\"model\":\"claude-haiku-4-5\",\"content\":[],\"stop_reason\":null,\"usage\":{\"input_tokens\":10,\"output_tokens\":1}}}\n\n",
        "event: content_block_start\ndata: {\"type\":\"content_block_start\",\"index\":0,\"content_block\":{\"type\":\"text\",\"text\":\"\"}}\n\n",
        "event: ping\ndata: {\"type\":\"ping\"}\n\n",
        "event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"text_delta\",\"text\":\"Hello\"}}\n\n",
        "event: content_block_stop\ndata: {\"type\":\"content_block_stop\",\"index\":0}\n\n",
        "event: message_delta\ndata: {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"end_turn\",\"stop_sequence\":null},\"usage\":{\"output_tokens\":5}}\n\n",
        "event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n",
    ])])
    .await;
    let answer = client_at(&upstream.base_url(), ANTHROPIC)
        .send_message(&request(ANTHROPIC))
        .await
        .unwrap();
    assert_eq!(answer.text, "Hello");
    assert_eq!(answer.finish, FinishReason::Stop);
    assert_eq!((answer.usage.input, answer.usage.output), (10, 5));

    let sent = &upstream.requests()[0];
    assert!(sent.path.ends_with("/v1/messages"), "{}", sent.path);
    assert_eq!(sent.header("x-api-key"), Some(KEY));
    assert!(sent.header("anthropic-version").is_some());
    assert!(sent.json()["max_tokens"].as_u64().unwrap() > 0);
}

#[tokio::test]
async fn ollama_is_asked_without_a_key_and_its_lines_become_an_answer() {
    let upstream = Upstream::start([Reply::ndjson([
        "{\"model\":\"llama3.2\",\"message\":{\"role\":\"assistant\",\"content\":\"Hel\"},\"done\":false}\n{\"mod",
        "el\":\"llama3.2\",\"message\":{\"role\":\"assistant\",\"content\":\"lo\"},\"done\":false}\n",
        "{\"model\":\"llama3.2\",\"message\":{\"role\":\"assistant\",\"content\":\"\"},\"done\":true,\"done_reason\":\"stop\",\"prompt_eval_count\":7,\"eval_count\":3}\n",
    ])])
    .await;
    let client = client_at(&upstream.base_url(), OLLAMA);
    let mut stream = client.stream_message(&request(OLLAMA)).await.unwrap();
    let mut texts = Vec::new();
    let mut usage = None;
    while let Some(chunk) = stream.next().await {
        let chunk = chunk.unwrap();
        texts.push(chunk.delta.text);
        usage = chunk.usage.or(usage);
    }
    texts.retain(|text| !text.is_empty());
    assert_eq!(texts, ["Hel", "lo"]);
    let usage = usage.unwrap();
    assert_eq!((usage.input, usage.output), (7, 3));

    let sent = &upstream.requests()[0];
    assert_eq!(sent.path, "/api/chat");
    assert_eq!(sent.header("authorization"), None);
    assert_eq!(sent.json()["model"], "llama3.2");
}

#[tokio::test]
async fn the_first_chunk_is_in_hand_while_the_rest_is_still_to_come() {
    let reply = Reply::sse(["data: {\"id\":\"c\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\"Hi\"}}]}\n\n"])
        .pause(ms(300))
        .send("data: {\"id\":\"c\",\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n")
        .send("data: [DONE]\n\n");
    let upstream = Upstream::start([reply]).await;
    let client = client_at(&upstream.base_url(), OPENAI);
    let started = tokio::time::Instant::now();
    let stream = client.stream_message(&request(OPENAI)).await.unwrap();
    assert!(started.elapsed() < ms(300));
    let chunks: Vec<_> = stream.map(Result::unwrap).collect().await;
    assert!(started.elapsed() >= ms(300));
    // This server told no usage.
    assert!(chunks.last().unwrap().usage.unwrap().estimated);
}

#[tokio::test]
async fn a_server_that_ignores_stream_is_understood_all_the_same() {
    let whole = json!({
        "id": "c1", "object": "chat.completion", "created": 1, "model": "m",
        "choices": [{ "index": 0, "finish_reason": "stop",
            "message": { "role": "assistant", "content": "Hello" } }],
        "usage": { "prompt_tokens": 3, "completion_tokens": 1, "total_tokens": 4 },
    });
    let upstream = Upstream::start([Reply::json(&whole)]).await;
    let answer = client_at(&upstream.base_url(), OPENAI)
        .send_message(&request(OPENAI))
        .await
        .unwrap();
    assert_eq!((answer.text.as_str(), answer.usage.input), ("Hello", 3));
}
