//! Text completions, and lengths of prompts.

use serde_json::json;

use super::super::OPENAI;
use super::Gateway;
use super::PIECES;
use super::completion;
use crate::support::upstream::Reply;
use crate::support::upstream::Upstream;

#[tokio::test]
async fn prompts_are_completed_one_by_one_in_their_order() {
    let upstream = Upstream::start([
        Reply::json(&completion("one")),
        Reply::json(&completion("two")),
    ])
    .await;
    let gateway = Gateway::before(&upstream).await;
    let body =
        json!({"model": OPENAI, "prompt": ["a", "b"], "echo": true, "max_tokens": 5, "best_of": 2});
    let heard = gateway.post("/v1/completions", &body).await;
    let told = heard.json();
    assert_eq!(told["object"], "text_completion", "{told}");
    let mut texts: Vec<&str> = told["choices"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| it["text"].as_str().unwrap())
        .collect();
    texts.sort_unstable();
    assert!(
        texts[0].starts_with('a') && texts[1].starts_with('b'),
        "{texts:?}"
    );
    assert_eq!(told["usage"]["total_tokens"], 14);
    assert_eq!(told["model"], OPENAI);
    assert_eq!(heard.header("x-agon-dropped-params"), Some("best_of"));
    let sent = upstream.requests()[0].json();
    assert_eq!(sent["messages"][0]["role"], "user");
}

#[tokio::test]
async fn a_completion_streams_and_what_a_chat_cannot_do_is_told() {
    let upstream = Upstream::start([Reply::sse(PIECES)]).await;
    let gateway = Gateway::before(&upstream).await;
    let mut body = json!({"model": OPENAI, "prompt": "a", "stream": true});
    let heard = gateway.post("/completions", &body).await;
    assert!(heard.text.contains("\"text\":\"Hi\""), "{}", heard.text);
    assert!(heard.text.ends_with("data: [DONE]\n\n"), "{}", heard.text);
    body["suffix"] = json!("b");
    let heard = gateway.post("/v1/completions", &body).await;
    assert_eq!(heard.status, 400);
    let body = json!({"model": OPENAI, "prompt": [1, 2, 3]});
    let heard = gateway.post("/v1/completions", &body).await;
    assert!(
        heard.status == 400 && heard.text.contains("token ids"),
        "{}",
        heard.text
    );
}

#[tokio::test]
async fn several_prompts_stream_side_by_side_each_with_its_index() {
    let upstream = Upstream::start(vec![Reply::sse(PIECES); 6]).await;
    let gateway = Gateway::before(&upstream).await;
    let body = json!({"model": OPENAI, "prompt": ["a", "b", "c"], "n": 2, "echo": true, "stream": true,
        "stream_options": {"include_usage": true}});
    let heard = gateway.post("/v1/completions", &body).await;
    let events = heard.text.split_terminator("\n\n");
    let events: Vec<&str> = events.map(|event| &event["data: ".len()..]).collect();
    let (done, events) = events.split_last().unwrap();
    assert_eq!(*done, "[DONE]", "{}", heard.text);
    let read = events.iter().map(|it| serde_json::from_str(it).unwrap());
    let mut read: Vec<serde_json::Value> = read.collect();
    let last = read.pop().unwrap();
    assert_eq!(last["usage"]["total_tokens"], 6 * 3, "{last}");
    let mut texts = vec![String::new(); 6];
    let mut ends = vec![0; 6];
    for event in &read {
        assert_eq!(event["object"], "text_completion");
        let choice = &event["choices"][0];
        let index = usize::try_from(choice["index"].as_u64().unwrap()).unwrap();
        texts[index] += choice["text"].as_str().unwrap();
        ends[index] += i32::from(choice["finish_reason"] == "stop");
    }
    assert_eq!(texts, ["aHi", "aHi", "bHi", "bHi", "cHi", "cHi"]);
    assert_eq!(ends, [1; 6]);
}

#[tokio::test]
async fn the_length_of_a_prompt_is_counted_without_a_call() {
    let upstream = Upstream::start([]).await;
    let gateway = Gateway::before(&upstream).await;
    let messages =
        json!({"model": OPENAI, "messages": [{"role": "user", "content": "how long is this"}]});
    let told = gateway.post("/utils/token_counter", &messages).await.json();
    assert!(
        told["total_tokens"]
            .as_u64()
            .is_some_and(|n| (3..20).contains(&n)),
        "{told}"
    );
    assert_eq!(told["model_used"], OPENAI);
    let prompt = json!({"model": OPENAI, "prompt": "how long"});
    assert!(gateway.post("/utils/token_counter", &prompt).await.json()["total_tokens"].is_u64());
    let neither = gateway
        .post("/utils/token_counter", &json!({"model": OPENAI}))
        .await;
    assert_eq!(neither.status, 400);
}
