//! People at the table: what each may see and do, over the socket and over REST.

use serde_json::Value;
use serde_json::json;

use super::at_pace;
use super::demo;
use crate::support::agon::Agon;
use crate::support::agon::Options;
use crate::support::ws::Watcher;

const SECRET: &str = "the vault is behind the clock";

/// A format with everything that not everybody may see.
const FORMAT: &str = r#"
[protocol]
id = "closed-doors"
version = 1
title = "Closed doors"
description = "Blind answers, and a hidden round of notes."

[roles.solver]
kind = "debater"
count = "2..3"

[[phase]]
id = "answers"
kind = "speak"
who = ["solver"]
order = "simultaneous"
sees = ["topic"]
prompt = "answer"
contract = "answer"
tokens = 500

[[phase]]
id = "notes"
kind = "speak"
who = ["solver"]
order = "sequential"
sees = ["topic", "others"]
prompt = "answer"
contract = "answer"
tokens = 500
hidden_until = "end"

[contract.answer]
type = "json"
fields = { reasoning = "string", answer = "string" }
extract = ["schema", "fence"]
repair = 1

[decision]
rule = "majority"
of = ["answers.answer"]
tie = "earliest_round"

[prompts.answer]
template = """
Answer the question. {{ form }}
"""
"#;

fn texts<'a>(watcher: &'a Watcher, phase: &str) -> Vec<(&'a str, &'a str, bool)> {
    let said = watcher.seen.events_of("turn.completed");
    said.filter(|event| event["phase"] == phase)
        .map(|event| {
            let data = &event["data"];
            let withheld = event["withheld"] == true;
            (
                data["agent"].as_str().unwrap(),
                data["text"].as_str().unwrap(),
                withheld,
            )
        })
        .collect()
}

#[tokio::test]
async fn a_ticket_says_who_somebody_is_and_for_which_debate() {
    let agon = Agon::start_with(Options {
        env: vec![
            ("AGON_MASTER_KEY", "sk-master".to_owned()),
            ("AGON_DEMO_PACE", "20".to_owned()),
        ],
        key: Some("sk-master".to_owned()),
        ..Options::default()
    })
    .await;
    let debate = agon.create_debate(&demo()).await;
    let tickets = "/api/v1/ws-tickets";
    for (body, code) in [
        (json!({"role": "king"}), "bad_role"),
        (json!({"role": "human"}), "missing_seat"),
        (json!({"role": "viewer", "seat": "Ada"}), "unexpected_seat"),
        (json!({"role": "audience"}), "missing_identity"),
        (json!({"role": "viewer", "identity": ""}), "bad_identity"),
    ] {
        let answer = agon.post(tickets, &body).await;
        assert_eq!(
            (answer.status, answer.body["code"].as_str()),
            (422, Some(code)),
            "{body}"
        );
    }
    let issued = agon
        .post(tickets, &json!({"debate": debate, "role": "viewer"}))
        .await;
    assert_eq!(
        (issued.status, issued.body["role"].as_str()),
        (201, Some("viewer"))
    );
    let mut viewer = agon.watch_as(&debate, "role=viewer").await;
    let hello = viewer.until("hello").await;
    assert_eq!(hello["data"]["role"], "viewer");
    let present = viewer.until("presence").await;
    assert_eq!(present["data"]["viewers"], 1);
    let stop = viewer.command("stop", json!({})).await;
    assert_eq!(stop["data"]["code"], "not_allowed", "{stop}");
    assert_eq!(viewer.command("ping", json!({})).await["data"]["ok"], true);
}

#[tokio::test]
async fn seats_hear_no_blind_answers_and_nobody_hears_what_is_hidden_before_its_time() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("closed-doors.toml"), FORMAT).unwrap();
    let config = format!("formats_dir: {}\n", folder.path().display());
    let agon = Agon::start_with(Options {
        config: Some(config),
        ..at_pace("5")
    })
    .await;
    let order = json!({"topic": "Where is it?", "format": "closed-doors", "seed": 3,
        "agents": [{"name": "Ada", "model": "demo/optimist", "persona": "You are bold."}, {"name": "Boole", "model": "demo/skeptic"}],
        "facts": [{"title": "Plan", "text": "There is a clock."}]});
    let debate = agon.create_debate(&order).await;
    let mut owner = agon.watch(&debate).await;
    let mut viewer = agon.watch_as(&debate, "role=viewer").await;
    let mut seat = agon.watch_as(&debate, "role=human&seat=Ada").await;
    tokio::join!(owner.until_over(), viewer.until_over(), seat.until_over());
    owner.seen.assert_kept();
    viewer.seen.assert_kept();
    seat.seen.assert_kept();
    assert!(
        texts(&owner, "answers")
            .iter()
            .all(|(_, text, withheld)| !text.is_empty() && !withheld)
    );
    assert_eq!(texts(&owner, "notes").len(), 2);
    assert_eq!(
        texts(&viewer, "answers"),
        texts(&owner, "answers"),
        "viewers hear blind answers"
    );
    for (agent, text, withheld) in texts(&viewer, "notes") {
        assert!(text.is_empty() && withheld, "{agent}: {text}");
    }
    for (agent, text, withheld) in texts(&seat, "answers") {
        assert_eq!(
            (text.is_empty(), withheld),
            (agent == "Boole", agent == "Boole"),
            "{agent}"
        );
    }
    assert_eq!(
        texts(&seat, "notes"),
        texts(&owner, "notes"),
        "who speaks in a hidden phase hears it"
    );
    let persona =
        |watcher: &Watcher| watcher.seen.events[0]["data"]["spec"]["cast"][0]["persona"].clone();
    assert_eq!(
        (persona(&viewer), persona(&seat)),
        (Value::Null, json!("You are bold."))
    );

    // Afterwards everything may be seen, page by page too.
    let path = format!("/api/v1/debates/{debate}/events?role=viewer");
    let page = agon.get(&path).await.body;
    let notes = page["events"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|event| event["type"] == "turn.completed" && event["phase"] == "notes");
    assert!(notes.clone().count() == 2);
    assert!(notes.into_iter().all(|event| event["data"]["text"] != ""));
}

#[tokio::test]
async fn secrets_reach_no_transcript_and_no_viewer() {
    let folder = tempfile::tempdir().unwrap();
    let format = FORMAT.replace(
        "[roles.solver]\nkind = \"debater\"",
        "[roles.solver]\nkind = \"debater\"\nsecrets = [\"story\"]",
    );
    let format = format.replacen(
        "sees = [\"topic\"]",
        "sees = [\"topic\", \"secret:story\"]",
        1,
    );
    std::fs::write(folder.path().join("closed-doors.toml"), format).unwrap();
    let config = format!("formats_dir: {}\n", folder.path().display());
    let agon = Agon::start_with(Options {
        config: Some(config),
        ..at_pace("fast")
    })
    .await;
    let mut order = json!({"topic": "Where is it?", "format": "closed-doors",
        "agents": [{"name": "Ada", "model": "demo/optimist"}, {"name": "Boole", "model": "demo/skeptic"}]});
    let missing = agon.post("/api/v1/debates", &order).await;
    assert_eq!(
        (missing.status, missing.body["code"].as_str()),
        (422, Some("missing_secret"))
    );
    order["secrets"] = json!({"story": {"text": SECRET}, "other": {"text": "x"}});
    let unknown = agon.post("/api/v1/debates", &order).await;
    assert_eq!(unknown.body["code"], "unknown_secret");
    order["secrets"] = json!({"story": {"text": SECRET}});
    let debate = agon.create_debate(&order).await;
    agon.watch(&debate).await.until_over().await;
    for path in [
        "/api/v1/debates".to_owned(),
        format!("/api/v1/debates/{debate}"),
        format!("/api/v1/debates/{debate}/events?role=viewer"),
        format!("/api/v1/debates/{debate}/events?role=audience&identity=x"),
        format!("/api/v1/debates/{debate}/export.md"),
    ] {
        let body = agon.get(&path).await.body.to_string();
        assert!(!body.contains(SECRET), "{path}");
    }
    let own = agon
        .get(&format!(
            "/api/v1/debates/{debate}/events?role=human&seat=Ada"
        ))
        .await;
    assert!(
        own.body.to_string().contains(SECRET),
        "who holds the seat knows its secret"
    );
}

#[tokio::test]
async fn a_watcher_who_lacks_too_much_gets_the_state_at_once() {
    let agon = Agon::start_with(Options {
        config: Some("http:\n  snapshot_gap: 10\n".to_owned()),
        ..at_pace("fast")
    })
    .await;
    let debate = agon.create_debate(&demo()).await;
    // Close enough behind all the while: nothing is left out.
    agon.watch(&debate).await.until("turn.started").await;
    let detail = loop {
        let detail = agon.get(&format!("/api/v1/debates/{debate}")).await.body;
        if detail["status"] == "finished" {
            break detail;
        }
    };
    let head = detail["head_seq"].as_u64().unwrap();
    let mut late = agon.watch(&debate).await;
    let snapshot = late.until("snapshot").await;
    assert_eq!(snapshot["after"], head);
    assert_eq!(snapshot["data"]["seq"], head);
    assert_eq!(snapshot["data"]["turns"], detail["turns"]);
    assert_eq!(snapshot["data"]["decision"], detail["decision"]);
}
