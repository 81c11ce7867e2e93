//! A debate asked for as a model, in every dialect.

use reqwest::header::HeaderMap;
use serde_json::Value;
use serde_json::json;

use super::at_pace;
use crate::support::agon::Agon;
use crate::support::agon::Options;
use crate::support::http_client;

const PRESETS: &str = "
debate:
  presets:
    board:
      format: oxford
      agents:
        - {name: Ada, role: pro, model: demo/optimist}
        - {name: Boole, role: con, model: demo/skeptic}
      judges: [{name: Curie, model: demo/judge}]
    short:
      format: oxford
      limits: {calls: 2}
    which:
      format: chateval
      options: [trams, buses]
    nobody:
      format: oxford
      agents: [{model: demo/down}, {model: demo/down}]
";

async fn start() -> Agon {
    Agon::start_with(Options {
        config: Some(PRESETS.to_owned()),
        ..at_pace("1")
    })
    .await
}

fn debate_of(headers: &HeaderMap) -> String {
    let id = headers.get("x-agon-debate-id");
    let id = id.unwrap_or_else(|| panic!("no debate's id: {headers:?}"));
    id.to_str().unwrap().to_owned()
}

/// The debate as it was stored, once it is over.
async fn stored(agon: &Agon, id: &str) -> Value {
    agon.watch(id).await.until_over().await;
    agon.get(&format!("/api/v1/debates/{id}")).await.body
}

async fn streamed(agon: &Agon, path: &str, body: &Value) -> (HeaderMap, String) {
    let url = format!("{}{path}", agon.base());
    let answer = http_client().post(url).json(body).send().await.unwrap();
    assert_eq!(answer.status(), 200);
    let headers = answer.headers().clone();
    (headers, answer.text().await.unwrap())
}

#[tokio::test]
async fn an_openai_client_gets_the_turns_as_reasoning_and_the_verdict_as_the_answer() {
    let agon = start().await;
    let body = json!({"model": "debate/board", "messages": [
        {"role": "system", "content": "Answer for a small team."},
        {"role": "user", "content": "Should we test more?"}
    ]});
    let answer = agon.post("/v1/chat/completions", &body).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    let debate = stored(&agon, &debate_of(&answer.headers)).await;
    let said = &answer.body["choices"][0]["message"];
    let reasoning = said["reasoning_content"].as_str().unwrap();
    let mut turns = debate["turns"].as_array().unwrap().iter();
    assert!(
        turns.all(|turn| reasoning.contains(turn["text"].as_str().unwrap())),
        "{reasoning}"
    );
    let heading = "**Ada (pro, demo/optimist): opening**\n\n";
    assert!(reasoning.contains(heading), "{reasoning}");
    let winner = debate["decision"]["winner"].as_str().unwrap();
    let content = said["content"].as_str().unwrap();
    assert!(
        content.contains(&format!("The winner is {winner}")),
        "{content}"
    );
    assert_eq!(answer.body["choices"][0]["finish_reason"], "stop");
    assert_eq!(answer.body["model"], "debate/board");
    let usage = &answer.body["usage"];
    assert_eq!(
        usage["total_tokens"], debate["tokens"],
        "the usage is the sum of all calls"
    );
    let topic = debate["topic"].as_str().unwrap();
    assert!(topic.starts_with("Should we test more?"), "{topic}");
    let listed = agon.get("/api/v1/debates").await.body;
    assert_eq!(
        listed["data"][0]["id"], debate["id"],
        "it is listed like any other"
    );
}

#[tokio::test]
async fn every_dialect_answers_streamed_and_lists_debates() {
    let agon = start().await;
    let messages = json!([{"role": "user", "content": "Should we test more?"}]);
    let asked = [
        (
            "/v1/chat/completions",
            json!({"model": "debate/oxford", "messages": messages, "stream": true}),
            "reasoning_content",
        ),
        (
            "/v1/responses",
            json!({"model": "debate/oxford", "input": "Should we test more?", "stream": true}),
            "reasoning_summary_text.delta",
        ),
        (
            "/v1/messages",
            json!({"model": "debate/oxford", "max_tokens": 99, "messages": messages, "stream": true}),
            "thinking_delta",
        ),
        (
            "/api/chat",
            json!({"model": "debate/oxford:latest", "messages": messages}),
            "\"thinking\"",
        ),
        (
            "/v1beta/models/debate/oxford:streamGenerateContent?alt=sse",
            json!({"contents": [{"role": "user", "parts": [{"text": "Should we test more?"}]}]}),
            "\"thought\"",
        ),
    ];
    for (path, body, thinks) in asked {
        let (headers, text) = streamed(&agon, path, &body).await;
        debate_of(&headers);
        assert!(text.contains(thinks), "{path}: {text}");
        assert!(text.contains("The winner is"), "{path}: {text}");
    }
    for (path, list, name) in [
        ("/v1/models", "data", "id"),
        ("/api/tags", "models", "name"),
    ] {
        let answer = agon.get(path).await;
        let names: Vec<&str> = answer.body[list]
            .as_array()
            .unwrap()
            .iter()
            .filter_map(|it| it[name].as_str())
            .collect();
        for wanted in ["debate/board", "debate/oxford", "debate/society-of-minds"] {
            assert!(names.contains(&wanted), "{path}: {names:?}");
        }
    }
    let one = agon.get("/v1/models/debate/board").await;
    assert_eq!((one.status, &one.body["owned_by"]), (200, &json!("debate")));
}

#[tokio::test]
async fn a_capped_debate_says_that_it_is_undecided_and_a_dead_one_is_an_error() {
    let agon = start().await;
    let ask = |model: &str| json!({"model": model, "messages": [{"role": "user", "content": "Should we test more?"}]});
    let short = agon
        .post("/v1/chat/completions", &ask("debate/short"))
        .await;
    let said = short.body["choices"][0]["message"]["content"]
        .as_str()
        .unwrap();
    assert!(said.contains("undecided"), "{said}");
    assert!(said.contains("calls"), "{said}");
    assert_eq!(short.body["choices"][0]["finish_reason"], "length");
    for stream in [true, false] {
        let mut body = ask("debate/nobody");
        body["stream"] = json!(stream);
        let dead = agon.post("/v1/chat/completions", &body).await;
        assert_eq!(dead.status, 429, "{}", dead.body);
        assert_eq!(dead.headers["x-agon-error"], "no_deployment");
        debate_of(&dead.headers);
    }
    let unknown = agon
        .post("/v1/chat/completions", &ask("debate/oxfrd"))
        .await;
    assert_eq!(unknown.status, 404);
    let told = unknown.body["error"]["message"].as_str().unwrap();
    assert!(told.contains("debate/oxford"), "{told}");
    let empty =
        json!({"model": "debate/oxford", "messages": [{"role": "assistant", "content": "Hm."}]});
    assert_eq!(agon.post("/v1/chat/completions", &empty).await.status, 400);
}

#[tokio::test]
async fn a_client_that_leaves_stops_its_debate() {
    let agon = Agon::start_with(at_pace("200")).await;
    let body = json!({"model": "debate/oxford", "stream": true, "messages": [{"role": "user", "content": "Is it so?"}]});
    let url = format!("{}/v1/chat/completions", agon.base());
    let mut answer = http_client().post(url).json(&body).send().await.unwrap();
    let id = debate_of(answer.headers());
    answer.chunk().await.unwrap();
    drop(answer);
    let mut watcher = agon.watch(&id).await;
    watcher.until_over().await;
    assert_eq!(watcher.seen.events_of("debate.cancelled").count(), 1);
}

#[tokio::test]
async fn a_format_that_chooses_reads_its_options_from_the_question_and_says_how_to_give_them() {
    let agon = start().await;
    let asked = |model: &str, text: &str| json!({"model": model, "messages": [{"role": "user", "content": text}]});
    let question = "Which is best for a small town?\n\nA) trams\nB) buses\nC) bicycles";
    for model in [
        "debate/chateval",
        "debate/chateval-simultaneous",
        "debate/chateval-summary",
    ] {
        let answer = agon
            .post("/v1/chat/completions", &asked(model, question))
            .await;
        assert_eq!(answer.status, 200, "{model}: {}", answer.body);
        let debate = stored(&agon, &debate_of(&answer.headers)).await;
        let chosen = debate["decision"]["answer"].as_str().unwrap();
        assert!(["trams", "buses", "bicycles"].contains(&chosen), "{chosen}");
    }
    let plain = "Which is best for a small town?";
    let refused = agon
        .post("/v1/chat/completions", &asked("debate/chateval", plain))
        .await;
    assert_eq!(refused.status, 400, "{}", refused.body);
    let told = refused.body["error"]["message"].as_str().unwrap();
    assert!(told.contains("at the end of the question"), "{told}");
    let preset = agon
        .post("/v1/chat/completions", &asked("debate/which", plain))
        .await;
    assert_eq!(preset.status, 200, "{}", preset.body);
    let models = agon.get("/v1/models").await.body;
    let listed: Vec<&str> = models["data"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|it| it["id"].as_str())
        .collect();
    assert!(listed.contains(&"debate/which"), "{listed:?}");
    assert!(!listed.contains(&"debate/chateval"), "{listed:?}");
}
