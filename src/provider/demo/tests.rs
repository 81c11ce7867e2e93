use futures::StreamExt;
use serde_json::json;
use tokio::time::Instant;

use super::*;
use crate::types::FinishReason;
use crate::types::Message;
use crate::types::ResponseFormat;
use crate::types::Role;
use crate::types::Tool;
use crate::types::ToolChoice;

const SEVEN_TURNS: [&str; 7] = [
    "Give your opening statement in about 120 words.",
    "Rebut the strongest point of the other side in about 100 words.",
    "Ask one sharp question.",
    "Answer directly, in about 60 words.",
    "Rebut the strongest point of the other side in about 100 words.",
    "Give your closing statement in about 80 words.",
    "Give your verdict in about 80 words.",
];

fn request(model: &str, system: &str, user: &str) -> ChatRequest {
    let chat = Chat {
        messages: vec![
            Message::text(Role::System, system),
            Message::text(Role::User, user),
        ],
        ..Chat::default()
    };
    ChatRequest::new(format!("demo/{model}").parse().unwrap(), chat)
}

fn chat(request: &mut ChatRequest) -> &mut Chat {
    match &mut request.content {
        crate::client::Content::Typed(chat) => std::sync::Arc::make_mut(chat),
        crate::client::Content::Raw { .. } | crate::client::Content::Text(_) => {
            unreachable!("these tests ask in the typed form")
        }
    }
}

async fn told(request: &ChatRequest) -> ChatResponse {
    DemoClient::new(DemoPace::Fast)
        .send_message(request)
        .await
        .unwrap()
}

#[tokio::test]
async fn the_text_is_labelled_quotes_the_topic_and_takes_the_side() {
    let yes = told(&request(
        "optimist",
        "You are careful.",
        "Topic: Free trams\nOpening.",
    ))
    .await;
    let no = told(&request(
        "optimist",
        "You argue against it.",
        "Topic: Free trams\nOpening.",
    ))
    .await;
    assert!(
        yes.text.starts_with("[demo] ") && yes.text.contains("Free trams"),
        "{}",
        yes.text
    );
    assert!(
        no.text.contains(" no") || no.text.contains("against"),
        "{}",
        no.text
    );
    assert_ne!(yes.text, no.text);
    assert!(yes.usage.output > 20 && !yes.usage.estimated);
}

#[tokio::test]
async fn the_same_request_gives_the_same_words_and_another_seed_gives_others() {
    let mut asked = request("skeptic", "", "Topic: Free trams\nOpening.");
    let first = told(&asked).await;
    assert_eq!(told(&asked).await.text, first.text);
    chat(&mut asked).sampling.seed = Some(7);
    assert_ne!(told(&asked).await.text, first.text);
}

#[tokio::test]
async fn a_debate_of_seven_turns_says_no_sentence_twice() {
    let mut transcript = String::new();
    let mut sentences = std::collections::BTreeSet::new();
    for (turn, instruction) in SEVEN_TURNS.iter().enumerate() {
        let model = ["optimist", "skeptic"][turn % 2];
        let user = format!("Topic: Free trams\n\n{transcript}\n\n{instruction}");
        let said = told(&request(model, "", &user)).await.text;
        for sentence in said.trim_start_matches("[demo] ").split_inclusive(". ") {
            assert!(
                sentences.insert(sentence.to_owned()),
                "said twice: {sentence}"
            );
        }
        transcript.push_str(&format!("\n{said}\n"));
    }
}

#[tokio::test]
async fn the_length_follows_the_hint_and_the_limit() {
    let long = told(&request(
        "analyst",
        "",
        "Topic: x y z\nOpening, about 200 words.",
    ))
    .await;
    let words = long.text.split_whitespace().count();
    assert!((150..=215).contains(&words), "{words}");
    let mut short = request("analyst", "", "Topic: x y z\nOpening, about 200 words.");
    chat(&mut short).sampling.max_output_tokens = Some(10);
    let short = told(&short).await;
    assert_eq!(short.finish, FinishReason::Length);
    assert!(short.usage.output <= 10);
}

#[tokio::test]
async fn a_schema_is_satisfied_and_a_demanded_tool_is_called() {
    let schema =
        json!({ "type": "object", "properties": { "winner": { "enum": ["pro", "con"] } } });
    let mut asked = request("judge", "", "Topic: Free trams\nYour verdict.");
    chat(&mut asked).format = ResponseFormat::JsonSchema {
        name: "ruling".to_owned(),
        schema: schema.clone(),
    };
    let ruling: serde_json::Value = serde_json::from_str(&told(&asked).await.text).unwrap();
    assert!(["pro", "con"].contains(&ruling["winner"].as_str().unwrap()));

    chat(&mut asked).tools.push(Tool {
        name: "rule".to_owned(),
        description: String::new(),
        parameters: schema,
        strict: None,
        cache: None,
    });
    chat(&mut asked).tool_choice = ToolChoice::Required;
    let answer = told(&asked).await;
    assert_eq!(answer.finish, FinishReason::ToolCalls);
    assert_eq!(answer.tool_calls[0].name, "rule");
}

#[tokio::test(start_paused = true)]
async fn the_realistic_pace_is_that_of_a_hosted_model() {
    let asked = request(
        "optimist",
        "",
        "Topic: Free trams\nOpening, about 120 words.",
    );
    let started = Instant::now();
    let mut stream = DemoClient::default().stream_message(&asked).await.unwrap();
    let first = started.elapsed().as_millis();
    assert!((300..=701).contains(&first), "{first}");
    let mut words = 0_u32;
    while let Some(chunk) = stream.next().await {
        words += u32::from(!chunk.unwrap().delta.is_empty());
    }
    let speaking = started.elapsed().as_secs_f64() - first as f64 / 1000.0;
    let pace = f64::from(words) / speaking;
    assert!((28.0..=62.0).contains(&pace), "{pace}");
    assert_eq!(asked.call.trace.path(), Some(CallPath::Demo));
    assert!(asked.call.trace.upstream_wait().as_millis() >= first - 1);
}

#[tokio::test]
async fn flaky_breaks_off_some_first_tries_and_no_second_one() {
    let client = DemoClient::new(DemoPace::Fast);
    let mut cut = 0;
    for turn in 0..30 {
        let asked = request("flaky", "", &format!("Topic: turn {turn}\nOpening."));
        if let Err(error) = client.send_message(&asked).await {
            assert!(matches!(error.kind, LlmErrorKind::StreamInterrupted { bytes } if bytes > 0));
            cut += 1;
        }
        client.send_message(&asked).await.unwrap();
    }
    assert!((3..=20).contains(&cut), "{cut}");
}

#[tokio::test(start_paused = true)]
async fn down_is_overloaded_slow_is_slow_and_others_are_not_there() {
    let client = DemoClient::new(DemoPace::Fast);
    let kind = |error: LlmError| error.kind.code();
    let down = client.send_message(&request("down", "", "x")).await;
    assert_eq!(kind(down.unwrap_err()), "overloaded");
    let missing = client
        .send_message(&request("oracle", "", "x"))
        .await
        .unwrap_err();
    assert!(missing.message.contains("optimist"));
    assert_eq!(kind(missing), "model_not_found");
    let started = Instant::now();
    let _stream = client
        .stream_message(&request("slow", "", "x"))
        .await
        .unwrap();
    assert_eq!(started.elapsed().as_secs(), 6);
}

#[test]
fn a_pace_is_read_from_its_text() {
    assert_eq!("Fast".parse(), Ok(DemoPace::Fast));
    assert_eq!("realistic".parse(), Ok(DemoPace::Realistic));
    assert_eq!(
        "25".parse(),
        Ok(DemoPace::PerWord(Duration::from_millis(25)))
    );
    for text in ["", "quick", "-1", "99999999"] {
        assert!(
            text.parse::<DemoPace>()
                .unwrap_err()
                .to_string()
                .contains("realistic")
        );
    }
}
