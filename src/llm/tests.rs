use std::sync::Arc;

use futures::StreamExt;
use serde_json::Value;
use serde_json::json;

use super::*;
use crate::client::Content;
use crate::client::Reply;
use crate::client::ScriptedClient;
use crate::router::RouterConfig;
use crate::types::ResponseFormat;
use crate::types::Role;

fn llm(replies: impl IntoIterator<Item = Reply>) -> (Llm, ScriptedClient) {
    let script = ScriptedClient::new(replies);
    let router = RouterConfig {
        base_delay_ms: 1,
        max_delay_ms: 1,
        ..RouterConfig::default()
    };
    let llm = Llm::builder()
        .router(router)
        .source(Arc::new(script.clone()))
        .build()
        .unwrap();
    (llm, script)
}

/// A card with a price, whatever the catalog has.
const PRICED: &str = "openai/gpt-4o-mini";

fn city() -> Value {
    json!({"type": "object", "properties": {"name": {"type": "string"}, "people": {"type": "integer"}},
           "required": ["name", "people"]})
}

fn texts_sent(script: &ScriptedClient, call: usize) -> Vec<(Role, String)> {
    let asked = script.asked();
    let Content::Typed(chat) = &asked[call].content else {
        panic!("the request is typed");
    };
    let messages = chat.messages.iter();
    messages
        .map(|message| (message.role, message.joined_text()))
        .collect()
}

#[tokio::test]
async fn an_answer_says_who_gave_it_and_what_it_cost() {
    let (llm, script) = llm([Reply::words("Hello there.")]);
    let ask = Ask::new("Hi").system("Be kind.");
    let answer = llm.chat_completion(PRICED, ask).await.unwrap();
    assert_eq!(
        (answer.text(), answer.to_string().as_str()),
        ("Hello there.", "Hello there.")
    );
    assert_eq!(answer.model.as_str(), PRICED);
    let prices = llm.catalog().prices(&answer.model).unwrap();
    assert_eq!(answer.cost, Some(prices.cost(&answer.response.usage)));
    assert!(answer.cost > Some(NanoUsd(0)));
    assert_eq!(answer.reasoning(), None);
    let sent = texts_sent(&script, 0);
    assert_eq!(
        sent,
        [
            (Role::System, "Be kind.".to_owned()),
            (Role::User, "Hi".to_owned())
        ]
    );
}

#[tokio::test]
async fn what_another_attempt_may_mend_is_tried_again() {
    let busy = LlmErrorKind::Overloaded { retry_after: None };
    let (llm, script) = llm([
        Reply::Fail(LlmError::new(busy, "openai", "busy")),
        Reply::words("Yes."),
    ]);
    let answer = llm.chat_completion(PRICED, "Are you there?").await.unwrap();
    assert_eq!((answer.text(), script.asked().len()), ("Yes.", 2));
}

#[tokio::test]
async fn a_stream_comes_in_order_and_ends_with_the_whole_answer() {
    let (llm, _) = llm([
        Reply::words("one two three"),
        Reply::Cut(vec!["on".to_owned()]),
    ]);
    let mut deltas = llm.chat_completion_stream(PRICED, "Count.").await.unwrap();
    let first = deltas.next().await.unwrap().unwrap();
    assert_eq!(first.text, "one ");
    let answer = deltas.into_answer().await.unwrap();
    assert_eq!(answer.text(), "one two three");
    assert!(answer.cost > Some(NanoUsd(0)));

    let mut cut = llm.chat_completion_stream(PRICED, "Count.").await.unwrap();
    assert_eq!(cut.next().await.unwrap().unwrap().text, "on");
    let error = cut.next().await.unwrap().unwrap_err();
    assert!(matches!(error.kind, LlmErrorKind::StreamInterrupted { .. }));
    assert!(cut.next().await.is_none());
    assert_eq!(cut.into_answer().await.unwrap_err(), error);
}

#[tokio::test]
async fn the_texts_of_a_stream_come_alone() {
    let (llm, _) = llm([Reply::words("one two")]);
    let deltas = llm.chat_completion_stream(PRICED, "Count.").await.unwrap();
    let texts: Vec<String> = deltas.into_texts().map(Result::unwrap).collect().await;
    assert_eq!(texts, ["one ", "two"]);
}

#[tokio::test]
async fn json_of_the_schema_is_a_value() {
    let (llm, script) = llm([Reply::words(
        "```json\n{\"name\": \"Bern\", \"people\": 134000}\n```",
    )]);
    let made = llm
        .generate_value(PRICED, "A city?", &city())
        .await
        .unwrap();
    assert_eq!(made.value, json!({"name": "Bern", "people": 134_000}));
    assert!(!made.repaired);
    assert_eq!(made.cost, made.answer.cost);
    let Content::Typed(chat) = &script.asked()[0].content else {
        panic!("the request is typed");
    };
    let format = ResponseFormat::JsonSchema {
        name: "answer".to_owned(),
        schema: city(),
    };
    assert_eq!(chat.format, format);
}

#[tokio::test]
async fn what_is_no_json_is_mended_once() {
    let (llm, script) = llm([
        Reply::words("I would say Bern."),
        Reply::words("{\"name\": \"Bern\", \"people\": 134000}"),
    ]);
    let made = llm
        .generate_value(PRICED, "A city?", &city())
        .await
        .unwrap();
    assert_eq!(made.value["name"], "Bern");
    assert!(made.repaired);
    assert!(made.cost > made.answer.cost, "both calls cost");
    assert!(made.usage.output > made.answer.response.usage.output);
    let sent = texts_sent(&script, 1);
    assert_eq!(sent[1], (Role::Assistant, "I would say Bern.".to_owned()));
    assert_eq!(sent[2].0, Role::User);
    assert!(sent[2].1.contains("it holds no JSON"), "{}", sent[2].1);
}

#[tokio::test]
async fn what_breaks_the_schema_twice_is_an_error_that_holds_the_text() {
    let wrong = "{\"name\": \"Bern\", \"people\": \"many\"}";
    let (llm, script) = llm([Reply::words(wrong), Reply::words(wrong)]);
    let error = llm
        .generate_value(PRICED, "A city?", &city())
        .await
        .unwrap_err();
    let JsonError::Invalid {
        problems,
        text,
        answer,
    } = error
    else {
        panic!("{error:?}");
    };
    assert_eq!(problems, ["/people: \"many\" is not of type \"integer\""]);
    assert_eq!((text.as_str(), answer.text()), (wrong, wrong));
    let sent = texts_sent(&script, 1);
    assert!(sent[2].1.contains("/people"), "{}", sent[2].1);
    assert_eq!(script.asked().len(), 2);
}

#[tokio::test]
async fn a_schema_that_is_none_is_told_before_anything_is_sent() {
    let (llm, script) = llm([]);
    let error = llm
        .generate_value(PRICED, "?", &json!({"type": "city"}))
        .await;
    assert!(matches!(error, Err(JsonError::Schema(_))));
    assert!(script.asked().is_empty());
}

#[cfg(feature = "schemars")]
#[tokio::test]
async fn a_type_is_its_own_schema() {
    #[derive(Debug, PartialEq, serde::Deserialize, schemars::JsonSchema)]
    struct City {
        name: String,
        people: Option<u32>,
    }
    let (llm, _) = llm([Reply::words("{\"value\": [{\"name\": \"Bern\"}]}")]);
    let made = llm
        .generate_json::<Vec<City>>(PRICED, "Cities?")
        .await
        .unwrap();
    let bern = City {
        name: "Bern".to_owned(),
        people: None,
    };
    assert_eq!(made.value, [bern]);
}

#[tokio::test]
async fn a_bare_name_is_the_catalogs_and_an_unknown_one_gets_the_nearest() {
    let (llm, _) = llm([Reply::words("Hi.")]);
    let answer = llm.chat_completion("gpt-4o-mini", "Hi").await.unwrap();
    assert_eq!(answer.model.as_str(), PRICED);
    let error = llm.chat_completion("gpt-4o-mimi", "Hi").await.unwrap_err();
    assert_eq!(error.kind, LlmErrorKind::ModelNotFound);
    assert!(error.message.contains("gpt-4o-mini"), "{error}");
}

#[tokio::test]
async fn texts_become_vectors_that_cost_nothing_offline() {
    let (llm, _) = llm([]);
    let texts = Texts::from(["tea", "coffee", "tea"]).dimensions(8);
    let embedded = llm.embed("demo/analyst", texts).await.unwrap();
    assert_eq!(embedded.vectors[0], embedded.vectors[2]);
    assert_eq!(embedded.vectors[1].len(), 8);
    assert_eq!(embedded.cost, Some(NanoUsd(0)));
}

#[test]
fn the_blocking_twin_answers_outside_a_runtime() {
    let (inner, _) = llm([Reply::words("Hello."), Reply::words("one two")]);
    let llm = blocking::Llm::new(inner).unwrap();
    assert_eq!(llm.chat_completion(PRICED, "Hi").unwrap().text(), "Hello.");
    let mut deltas = llm.chat_completion_stream(PRICED, "Count.").unwrap();
    assert_eq!(deltas.next().unwrap().unwrap().text, "one ");
    assert_eq!(deltas.into_answer().unwrap().text(), "one two");
}

#[tokio::test]
async fn the_blocking_twin_says_what_to_do_inside_a_runtime() {
    let (inner, script) = llm([Reply::words("Hello.")]);
    let llm = blocking::Llm::new(inner).unwrap();
    let error = llm.chat_completion(PRICED, "Hi").unwrap_err();
    assert_eq!(error.kind, LlmErrorKind::InvalidRequest);
    assert!(error.message.contains("agon::llm"), "{error}");
    let error = llm.generate_value(PRICED, "Hi", &city()).unwrap_err();
    assert!(matches!(error, JsonError::Call(_)), "{error}");
    assert!(script.asked().is_empty());
    // To drop its runtime here must not panic either.
    drop(llm);
}

#[test]
fn a_blocking_stream_that_is_carried_into_a_runtime_ends_with_one_error() {
    let (inner, _) = llm([Reply::words("one two")]);
    let llm = blocking::Llm::new(inner).unwrap();
    let deltas = llm.chat_completion_stream(PRICED, "Count.").unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    let items: Vec<_> = runtime.block_on(async { deltas.collect() });
    assert_eq!(items.len(), 1);
    assert!(items[0].is_err());
}
