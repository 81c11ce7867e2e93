//! Vectors.

use serde_json::json;

use super::Gateway;
use crate::support::upstream::Reply;
use crate::support::upstream::Upstream;

const MODEL: &str = "openai/text-embedding-3-small";

#[tokio::test]
async fn texts_become_vectors_as_numbers_or_packed() {
    let answer = json!({"object": "list", "model": "text-embedding-3-small", "data": [
        {"object": "embedding", "index": 0, "embedding": [1.0, -0.5]},
        {"object": "embedding", "index": 1, "embedding": [0.1, 2.0]}],
        "usage": {"prompt_tokens": 4, "total_tokens": 4}});
    let one = json!({"object": "list", "model": "text-embedding-3-small",
        "data": [{"object": "embedding", "index": 0, "embedding": [1.0, -0.5]}],
        "usage": {"prompt_tokens": 2, "total_tokens": 2}});
    let replies = [
        Reply::json(&answer),
        Reply::json(&one),
        Reply::json(&one),
        Reply::json(&one),
    ];
    let upstream = Upstream::start(replies).await;
    let gateway = Gateway::before(&upstream).await;
    let body = json!({"model": MODEL, "input": ["a", "b"], "dimensions": 2});
    let heard = gateway.post("/v1/embeddings", &body).await;
    let told = heard.json();
    assert!(heard.text.contains("[0.1,2.0]"), "{}", heard.text);
    assert_eq!(
        (&told["model"], &told["usage"]["prompt_tokens"]),
        (&json!(MODEL), &json!(4))
    );
    assert_eq!(upstream.requests()[0].json()["dimensions"], 2);
    assert!(heard.header("x-litellm-call-id").is_some());
    let body = json!({"model": MODEL, "input": "a", "encoding_format": "base64"});
    let told = gateway.post("/embeddings", &body).await.json();
    assert_eq!(told["data"][0]["embedding"], "AACAPwAAAL8=");
    let told = gateway
        .post("/api/embed", &json!({"model": MODEL, "input": "a"}))
        .await
        .json();
    assert_eq!(told["embeddings"], json!([[1.0, -0.5]]));
    let told = gateway
        .post("/api/embeddings", &json!({"model": MODEL, "prompt": "a"}))
        .await
        .json();
    assert_eq!(told, json!({"embedding": [1.0, -0.5]}));
}

#[tokio::test]
async fn what_cannot_be_embedded_is_told() {
    let upstream = Upstream::start([]).await;
    let gateway = Gateway::before(&upstream).await;
    for (body, wanted) in [
        (json!({"model": MODEL}), "'input'"),
        (json!({"model": MODEL, "input": []}), "a text or a list"),
        (json!({"model": MODEL, "input": [1, 2]}), "token ids"),
        (json!({"model": MODEL, "input": [[1, 2]]}), "token ids"),
        (
            json!({"model": MODEL, "input": "a", "dimensions": 0}),
            "dimensions",
        ),
        (
            json!({"model": MODEL, "input": "a", "encoding_format": "x"}),
            "encoding_format",
        ),
        (json!({"input": "a"}), "'model'"),
    ] {
        let heard = gateway.post("/v1/embeddings", &body).await;
        assert_eq!(heard.status, 400, "{body}: {}", heard.text);
        assert!(heard.text.contains(wanted), "{body}: {}", heard.text);
    }
}
