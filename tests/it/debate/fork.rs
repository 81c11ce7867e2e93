//! Forks, comparisons and replays of real debates.

use serde_json::Value;
use serde_json::json;
use tokio::process::Command;

use super::at_pace;
use super::demo;
use crate::support::agon::Agon;

async fn finished(agon: &Agon) -> (String, Vec<Value>) {
    let id = agon.create_debate(&demo()).await;
    agon.watch(&id).await.until_over().await;
    let events = events(agon, &id).await;
    (id, events)
}

async fn events(agon: &Agon, id: &str) -> Vec<Value> {
    let page = agon.get(&format!("/api/v1/debates/{id}/events")).await.body;
    page["events"].as_array().unwrap().clone()
}

fn seq_of(events: &[Value], kind: &str, nth: usize) -> u64 {
    let mut found = events.iter().filter(|event| event["type"] == kind);
    found.nth(nth).unwrap()["seq"].as_u64().unwrap()
}

/// An event without what a fork may change: its time, its debate, and at the beginning its name and parent.
fn bare(event: &Value) -> Value {
    let mut event = event.clone();
    event["ts"] = Value::Null;
    event["debate"] = Value::Null;
    if event["type"] == "debate.created" {
        event["data"]["spec"]["title"] = Value::Null;
        event["data"]["spec"]["parent"] = Value::Null;
    }
    event
}

/// Runs `agon` on the server's database.
async fn agon_cli(agon: &Agon, args: &[&str]) -> (Option<i32>, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_agon"))
        .args(args)
        .env_clear()
        .env("DATABASE_URL", agon.database_url())
        .output()
        .await
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let errors = String::from_utf8_lossy(&output.stderr);
    (output.status.code(), text + &errors)
}

#[tokio::test]
async fn a_fork_shares_its_prefix_and_goes_on_with_what_was_changed() {
    let agon = Agon::start_with(at_pace("fast")).await;
    let (parent, before) = finished(&agon).await;
    // In the middle of a step: the fork is made before it.
    let asked = seq_of(&before, "turn.completed", 1);
    let body = json!({"from_seq": asked, "title": "What if?", "changes": [
        {"cmd": "interject", "data": {"text": "Think of the budget."}}
    ]});
    let answer = agon
        .post(&format!("/api/v1/debates/{parent}/fork"), &body)
        .await;
    assert_eq!(answer.status, 201, "{}", answer.body);
    let shared = answer.body["shared_seq"].as_u64().unwrap();
    assert!(shared < asked && shared > 0, "{shared} of {asked}");
    let fork = answer.body["id"].as_str().unwrap().to_owned();
    agon.watch(&fork).await.until_over().await;
    let after = events(&agon, &fork).await;
    for at in 0..usize::try_from(shared).unwrap() {
        assert_eq!(bare(&before[at]), bare(&after[at]));
    }
    let created = &after[0]["data"]["spec"];
    assert_eq!(created["parent"]["debate"], parent.as_str());
    assert_eq!(
        created["parent"]["changes"],
        json!(["to all: Think of the budget."])
    );
    assert_eq!(created["title"], "What if?");
    let said = after
        .iter()
        .filter(|event| event["type"] == "human.accepted");
    assert_eq!(said.count(), 1);
    assert_eq!(after.last().unwrap()["type"], "debate.finished");

    let path = format!("/api/v1/debates/{parent}/compare/{fork}");
    let compared = agon.get(&path).await.body;
    assert_eq!(compared["shared_events"], shared);
    assert_eq!(compared["a"]["debate"], parent.as_str());
    assert_eq!(compared["b"]["parent"]["seq"], shared);
    let own = |side: &str| compared[side]["own"]["calls"].as_u64().unwrap();
    let whole = |side: &str| compared[side]["whole"]["calls"].as_u64().unwrap();
    assert!(own("b") > 0 && own("b") < whole("b"), "{compared}");
    let (code, text) = agon_cli(&agon, &["compare", &parent, &fork]).await;
    assert_eq!(code, Some(0), "{text}");
    assert!(
        text.contains(&format!("the same {shared} events")),
        "{text}"
    );
    let (code, text) = agon_cli(&agon, &["replay", &fork]).await;
    assert_eq!(
        (code, text),
        (Some(0), format!("identical: {} events\n", after.len()))
    );
}

#[tokio::test]
async fn what_cannot_be_forked_is_refused_and_creates_nothing() {
    let agon = Agon::start_with(at_pace("fast")).await;
    let (parent, events) = finished(&agon).await;
    let head = events.len();
    let path = format!("/api/v1/debates/{parent}/fork");
    let say = |text: &str| json!([{"cmd": "interject", "data": {"text": text}}]);
    for (body, status, code) in [
        (json!({"from_seq": 0}), 422, "no_such_event"),
        (json!({"from_seq": head + 1}), 422, "no_such_event"),
        (json!({"from_seq": head}), 409, "debate_over"),
        (json!({"from_seq": 3, "changes": say(" ")}), 422, "bad_text"),
        (
            json!({"from_seq": 3, "changes": [{"cmd": "dance"}]}),
            422,
            "unknown_command",
        ),
        (json!({"from_seq": 3, "title": ""}), 422, "invalid_request"),
    ] {
        let answer = agon.post(&path, &body).await;
        let told = (answer.status, answer.body["code"].as_str());
        assert_eq!(told, (status, Some(code)), "{body} {}", answer.body);
    }
    let nobody = agon
        .post("/api/v1/debates/d_none/fork", &json!({"from_seq": 1}))
        .await;
    assert_eq!(nobody.status, 404);
    let list = agon.get("/api/v1/debates").await.body;
    assert_eq!(list["data"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn an_altered_ballot_is_found_and_named() {
    let agon = Agon::start_with(at_pace("fast")).await;
    let (_, mut events) = finished(&agon).await;
    let ballot = events
        .iter()
        .position(|event| event["type"] == "turn.completed" && event["data"]["agent"] == "Curie");
    let ballot = ballot.unwrap();
    let winner = events[ballot]["data"]["parsed"]["winner"].as_str().unwrap();
    let other = if winner == "pro" { "con" } else { "pro" };
    events[ballot]["data"]["parsed"]["winner"] = json!(other);
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("events.jsonl");
    let lines: Vec<String> = events.iter().map(Value::to_string).collect();
    std::fs::write(&file, lines.join("\n")).unwrap();
    let file = file.to_str().unwrap();
    let (code, text) = agon_cli(&agon, &["replay", "--file", file]).await;
    assert_eq!(code, Some(1), "{text}");
    let seq = ballot + 1;
    assert!(text.starts_with(&format!("event {seq} is not")), "{text}");
    assert!(
        text.contains("Curie") && text.contains("parsed.winner"),
        "{text}"
    );
    let (code, text) = agon_cli(&agon, &["replay", "--file", file, "--json"]).await;
    let found: Value = serde_json::from_str(text.lines().next().unwrap()).unwrap();
    assert_eq!((code, &found["seq"]), (Some(1), &json!(seq)));
    assert_eq!(found["differing"], json!(["parsed.winner"]));
}
