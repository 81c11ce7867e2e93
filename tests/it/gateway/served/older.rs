//! Text completions, and lengths of prompts.

use serde_json::json;

use super::super::OPENAI;
use super::Gateway;
use super::PIECES;
use super::completion;
use super::deployment;
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

const INSTRUCT: &str = "openai/gpt-3.5-turbo-instruct";

#[tokio::test]
async fn a_model_that_completes_texts_gets_the_request_as_it_is() {
    let told = r#"{"id":"cmpl-1","object":"text_completion","created":7,"model":"gpt-3.5-turbo-instruct:x","choices":[{"text":"b","index":0,"logprobs":{"tokens":["b"]},"finish_reason":"stop"},{"text":"d","index":1,"logprobs":null,"finish_reason":"length"}],"usage":{"prompt_tokens":3,"completion_tokens":2,"total_tokens":5},"odd":1.50}"#;
    let upstream = Upstream::start([Reply::json(&serde_json::from_str(told).unwrap())]).await;
    let gateway = Gateway::before(&upstream).await;
    let body = r#"{"prompt": [[1, 2], [3]], "suffix":"c",  "model":"openai/gpt-3.5-turbo-instruct","max_tokens":5,"echo":true,"best_of":2,"logprobs":1,"n":1,"odd":1.50,"num_retries":1}"#;
    let bearer = super::bearer();
    let heard = gateway
        .post_with("/v1/completions", &[("authorization", &bearer)], body)
        .await;
    assert_eq!(heard.status, 200, "{}", heard.text);
    let heard_model = format!("\"{INSTRUCT}\"");
    assert!(heard.text.contains(&heard_model), "{}", heard.text);
    let mut wanted: serde_json::Value = serde_json::from_str(told).unwrap();
    wanted["model"] = json!(INSTRUCT);
    assert_eq!(heard.json(), wanted);
    assert_eq!(heard.header("x-agon-dropped-params"), None);
    let sent = &upstream.requests()[0];
    assert!(
        sent.path.ends_with("/completions") && !sent.path.contains("chat"),
        "{}",
        sent.path
    );
    assert_eq!(
        String::from_utf8_lossy(&sent.body),
        r#"{"prompt":[[1, 2], [3]],"suffix":"c","model":"gpt-3.5-turbo-instruct","max_tokens":5,"echo":true,"best_of":2,"logprobs":1,"n":1,"odd":1.50}"#
    );
}

#[tokio::test]
async fn a_text_that_an_upstream_completes_streams_as_it_comes() {
    let event = |text: &str, index: u8, finish: &str| {
        format!(
            "data: {{\"id\":\"cmpl-1\",\"object\":\"text_completion\",\"model\":\"up\",\"choices\":[{{\"text\":\"{text}\",\"index\":{index},\"logprobs\":null,\"finish_reason\":{finish}}}]}}\n\n"
        )
    };
    let shown = [
        event("a", 0, "null"),
        event("", 0, "\"stop\""),
        event("b", 1, "null"),
        event("", 1, "\"length\""),
    ];
    let usage = "data: {\"id\":\"cmpl-1\",\"model\":\"up\",\"choices\":[],\"usage\":{\"prompt_tokens\":3,\"completion_tokens\":2,\"total_tokens\":5}}\n\n";
    let mut pieces = shown.to_vec();
    pieces.extend([usage.to_owned(), "data: [DONE]\n\n".to_owned()]);
    let upstream = Upstream::start([Reply::sse(&pieces)]).await;
    let gateway = Gateway::before(&upstream).await;
    let body = json!({"model": INSTRUCT, "prompt": ["x", "y"], "suffix": "z", "stream": true});
    let heard = gateway.post("/v1/completions", &body).await;
    let wanted = shown.concat().replace("\"up\"", &format!("\"{INSTRUCT}\""));
    assert_eq!(heard.text, format!("{wanted}data: [DONE]\n\n"));
    let sent = upstream.requests()[0].json();
    assert_eq!(sent["suffix"], "z");
    assert_eq!(sent["prompt"], json!(["x", "y"]));
    assert_eq!(sent["stream_options"], json!({"include_usage": true}));
}

#[tokio::test]
async fn a_text_goes_to_a_model_that_chats_when_the_one_that_completes_fails() {
    let broken = Upstream::start(vec![Reply::status(500); 4]).await;
    let chats = Upstream::start([Reply::json(&completion("one")), Reply::sse(PIECES)]).await;
    let place = |group: &str, model: &str, upstream: &Upstream, completes_text: bool| {
        let base = format!("{}/v1", upstream.base_url());
        let mut deployment = deployment(group, model, Some(base));
        std::sync::Arc::make_mut(&mut deployment.target).completes_text = completes_text;
        deployment
    };
    let list = vec![
        place("old", "openai/llama", &broken, true),
        place("new", "openai/llama", &chats, false),
    ];
    let gateway = Gateway::with_list(list).await;
    let mut body = json!({"model": "old", "prompt": "a", "fallbacks": ["new"], "best_of": 2});
    let heard = gateway.post("/v1/completions", &body).await;
    let told = heard.json();
    assert_eq!(told["choices"][0]["text"], "one", "{told}");
    assert_eq!(told["object"], "text_completion");
    assert_eq!(heard.header("x-agon-dropped-params"), Some("best_of"));
    body["stream"] = json!(true);
    let heard = gateway.post("/v1/completions", &body).await;
    assert!(heard.text.contains("\"text\":\"Hi\""), "{}", heard.text);
    assert!(heard.text.ends_with("data: [DONE]\n\n"), "{}", heard.text);
    let paths: Vec<String> = broken.requests().iter().map(|it| it.path.clone()).collect();
    assert!(paths.iter().all(|path| !path.contains("chat")), "{paths:?}");
    body["suffix"] = json!("z");
    let heard = gateway.post("/v1/completions", &body).await;
    // A chat has no suffix: what the asked model said stays the answer.
    assert_eq!(heard.status, 500, "{}", heard.text);
    assert!(
        heard.text.contains("new: invalid_request"),
        "{}",
        heard.text
    );
    assert_eq!(chats.requests().len(), 2);
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
