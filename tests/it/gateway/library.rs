//! `agon::llm` against an upstream on OpenAI's wire.

use std::time::Duration;

use agon::llm::Ask;
use agon::llm::JsonError;
use agon::llm::Llm;
use agon::provider::Environment;
use agon::types::ReasoningEffort;
use futures::StreamExt;
use serde_json::Value;
use serde_json::json;

use super::KEY;
use super::OPENAI;
use super::keyless;
use crate::support::upstream::Reply;
use crate::support::upstream::Upstream;

fn llm_at(upstream: &Upstream) -> Llm {
    let base_url = format!("{}/v1", upstream.base_url());
    let environment: Environment = [("OPENAI_API_KEY", KEY), ("OPENAI_BASE_URL", &base_url)]
        .into_iter()
        .collect();
    Llm::builder().environment(environment).build().unwrap()
}

/// A streamed answer of this text in two pieces, of 10 tokens for 5.
fn says(text: &str) -> Reply {
    let (one, two) = text.split_at(text.len() / 2);
    let event = |delta: Value, finish: Value| {
        let choice = json!({"index": 0, "delta": delta, "finish_reason": finish});
        format!(
            "data: {}\n\n",
            json!({"id": "c1", "model": "gpt-4o-mini-2024", "choices": [choice]})
        )
    };
    let usage = json!({"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15});
    let last = json!({"id": "c1", "choices": [], "usage": usage});
    Reply::sse([
        event(json!({"role": "assistant", "content": one}), Value::Null),
        event(json!({"content": two}), Value::Null),
        event(json!({}), json!("stop")),
        format!("data: {last}\n\ndata: [DONE]\n\n"),
    ])
}

/// A streamed refusal.
fn refuses(text: &str) -> Reply {
    let choice =
        json!({"index": 0, "delta": {"role": "assistant", "refusal": text}, "finish_reason": null});
    let end = json!({"index": 0, "delta": {}, "finish_reason": "stop"});
    Reply::sse([
        format!("data: {}\n\n", json!({"id": "c1", "choices": [choice]})),
        format!(
            "data: {}\n\ndata: [DONE]\n\n",
            json!({"id": "c1", "choices": [end]})
        ),
    ])
}

fn city() -> Value {
    json!({"type": "object", "properties": {"name": {"type": "string"}}, "required": ["name"],
           "additionalProperties": false})
}

#[tokio::test]
async fn an_answer_comes_with_its_cost() {
    let upstream = Upstream::start([says("Hello there")]).await;
    let llm = llm_at(&upstream);
    let answer = llm.chat_completion(OPENAI, "Hi").await.unwrap();
    assert_eq!(answer.text(), "Hello there");
    let prices = llm.catalog().prices(&answer.model).unwrap();
    let expected = (10 * prices.input + 5 * prices.output + 500_000) / 1_000_000;
    assert_eq!(answer.cost.unwrap().0, expected);
}

#[tokio::test]
async fn a_stream_keeps_its_order() {
    let upstream = Upstream::start([says("one two three")]).await;
    let deltas = llm_at(&upstream)
        .chat_completion_stream(OPENAI, "Count.")
        .await
        .unwrap();
    let texts: Vec<String> = deltas.into_texts().map(Result::unwrap).collect().await;
    assert_eq!(texts, ["one tw", "o three"]);
}

#[tokio::test]
async fn json_is_asked_for_by_schema_and_an_answer_that_misses_it_is_mended() {
    let upstream = Upstream::start([says("{\"name\": 7}"), says("{\"name\": \"Bern\"}")]).await;
    let made = llm_at(&upstream)
        .generate_value(OPENAI, "A city?", &city())
        .await
        .unwrap();
    assert_eq!(made.value, json!({"name": "Bern"}));
    assert!(made.repaired);
    assert_eq!((made.usage.input, made.usage.output), (20, 10));
    let sent = upstream.requests();
    assert_eq!(sent[0].json()["response_format"]["type"], "json_schema");
    let repair = sent[1].json()["messages"].as_array().unwrap().clone();
    assert_eq!(repair.len(), 3);
    let told = repair[2].to_string();
    assert!(
        told.contains("/name") && told.contains("not of type"),
        "{told}"
    );
}

#[tokio::test]
async fn a_refusal_is_an_error_of_its_own_and_is_not_asked_again() {
    let upstream = Upstream::start([refuses("I cannot do that.")]).await;
    let error = llm_at(&upstream)
        .generate_value(OPENAI, "A bomb?", &city())
        .await
        .unwrap_err();
    let JsonError::Refused { text, .. } = error else {
        panic!("{error:?}");
    };
    assert_eq!(text, "I cannot do that.");
    assert_eq!(upstream.requests().len(), 1);
}

#[tokio::test]
async fn reasoning_is_asked_for_and_shown_apart() {
    let choice =
        |delta: Value| json!({"choices": [{"index": 0, "delta": delta, "finish_reason": null}]});
    let end = json!({"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]});
    let upstream = Upstream::start([Reply::sse([
        format!(
            "data: {}\n\n",
            choice(json!({"reasoning_content": "9.90 is more"}))
        ),
        format!("data: {}\n\n", choice(json!({"content": "9.9"}))),
        format!("data: {end}\n\ndata: [DONE]\n\n"),
    ])])
    .await;
    let answer = llm_at(&upstream)
        .chat_with_reasoning("openai/o4-mini", "9.9 or 9.11?", ReasoningEffort::Low)
        .await
        .unwrap();
    assert_eq!(
        (answer.text(), answer.reasoning().as_deref()),
        ("9.9", Some("9.90 is more"))
    );
    assert_eq!(upstream.requests()[0].json()["reasoning_effort"], "low");
}

#[tokio::test]
async fn a_call_ends_within_its_time_and_no_error_shows_the_key() {
    let upstream = Upstream::start([Reply::silence()]).await;
    let ask = Ask::new("Hi").within(Duration::from_millis(50));
    let error = llm_at(&upstream)
        .chat_completion(OPENAI, ask)
        .await
        .unwrap_err();
    assert_eq!(error.kind.code(), "timeout");
    keyless(&error);
}

#[test]
fn the_blocking_twin_calls_over_connections_of_its_own() {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .unwrap();
    let upstream = runtime.block_on(Upstream::start([says("Hello"), says("again")]));
    let llm = agon::llm::blocking::Llm::new(llm_at(&upstream)).unwrap();
    assert_eq!(llm.chat_completion(OPENAI, "Hi").unwrap().text(), "Hello");
    assert_eq!(llm.chat_completion(OPENAI, "Hi").unwrap().text(), "again");
}
