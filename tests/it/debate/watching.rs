//! What watchers get, however often they leave and however many they are.

use serde_json::json;

use super::at_pace;
use super::demo;
use crate::support::agon::Agon;

#[tokio::test]
async fn a_debate_streams_every_word_and_its_verdict_is_stored() {
    let agon = Agon::start_with(at_pace("2")).await;
    let debate = agon.create_debate(&demo()).await;
    let mut watcher = agon.watch(&debate).await;
    watcher.until_over().await;
    watcher.seen.assert_kept();
    assert!(
        watcher.seen.deltas > 50,
        "words came as they were said: {}",
        watcher.seen.deltas
    );
    assert_eq!(watcher.seen.events_of("turn.completed").count(), 11);
    let detail = agon.get(&format!("/api/v1/debates/{debate}")).await.body;
    assert_eq!(
        (detail["status"].as_str(), detail["outcome"].as_str()),
        (Some("finished"), Some("complete"))
    );
    assert_eq!(detail["decision"]["status"], "decided");
}

#[tokio::test]
async fn twenty_reconnections_miss_and_repeat_nothing() {
    let agon = Agon::start_with(at_pace("8")).await;
    let debate = agon.create_debate(&demo()).await;
    let (mut steady, mut restless) = (agon.watch(&debate).await, agon.watch(&debate).await);
    let mut reconnections = 0;
    let leaving = async {
        while !restless.seen.is_over() {
            for _ in 0..6 {
                if restless.next().await.is_none() || restless.seen.is_over() {
                    break;
                }
            }
            if !restless.seen.is_over() {
                restless.reconnect().await;
                reconnections += 1;
            }
        }
    };
    tokio::join!(steady.until_over(), leaving);
    assert!(reconnections >= 20, "only {reconnections} reconnections");
    steady.seen.assert_kept();
    restless.seen.assert_kept();
    assert_eq!(restless.seen.events, steady.seen.events);
}

#[tokio::test]
async fn simultaneous_speakers_stream_side_by_side() {
    let agon = Agon::start_with(at_pace("3")).await;
    let solver = |name: &str, model: &str| json!({"name": name, "model": model});
    let body = json!({"topic": "Is 91 prime?", "format": "society-of-minds",
        "agents": [solver("a", "demo/optimist"), solver("b", "demo/skeptic"), solver("c", "demo/analyst")]});
    let debate = agon.create_debate(&body).await;
    let mut watcher = agon.watch(&debate).await;
    watcher.until_over().await;
    watcher.seen.assert_kept();
    let verdict = watcher
        .seen
        .events_of("verdict.final")
        .next()
        .expect("it was decided")
        .clone();
    assert_eq!(verdict["data"]["baselines"][0]["id"], "round0_majority");
}

#[tokio::test]
async fn a_socket_takes_commands_and_answers_each_once() {
    let agon = Agon::start_with(at_pace("10")).await;
    let debate = agon.create_debate(&demo()).await;
    let mut watcher = agon.watch(&debate).await;
    watcher.until("turn.started").await;
    let said = watcher
        .command("interject", json!({"text": "Mind the cost."}))
        .await;
    assert_eq!(said["data"]["ok"], true, "{said}");
    let paused = watcher.command("pause", json!({"at": "now"})).await;
    assert_eq!(paused["data"]["ok"], true, "{paused}");
    let again = watcher.command("pause", json!({})).await;
    assert_eq!(
        (&again["data"]["ok"], &again["data"]["code"]),
        (&json!(false), &json!("already_paused"))
    );
    let unknown = watcher.command("dance", json!({})).await;
    assert_eq!(unknown["data"]["code"], "unknown_command");
    assert_eq!(
        watcher.command("resume", json!({})).await["data"]["ok"],
        true
    );
    watcher.until("turn.completed").await;
    assert_eq!(
        watcher.command("stop", json!({"decide": false})).await["data"]["ok"],
        true
    );
    watcher.until_over().await;
    watcher.seen.assert_kept();
    assert_eq!(watcher.seen.events_of("debate.cancelled").count(), 1);
    let late = watcher.command("resume", json!({})).await;
    assert_eq!(late["data"]["code"], "debate_over");
}

#[tokio::test]
async fn events_come_by_waiting_and_as_server_sent_events_too() {
    let agon = Agon::start_with(at_pace("3")).await;
    let debate = agon.create_debate(&demo()).await;
    let (mut after, mut polled) = (0, Vec::new());
    while polled
        .last()
        .is_none_or(|event: &serde_json::Value| event["type"] != "debate.finished")
    {
        let page = agon
            .get(&format!(
                "/api/v1/debates/{debate}/events?after={after}&wait=10"
            ))
            .await
            .body;
        after = page["next"].as_u64().unwrap();
        polled.extend(page["events"].as_array().unwrap().iter().cloned());
    }
    for path in ["api/v1/debates", "ws/debates"] {
        let events = if path.starts_with("ws") {
            ""
        } else {
            "/events"
        };
        let beyond = agon
            .get(&format!("/{path}/{debate}{events}?after={}", after + 1))
            .await;
        assert_eq!(
            (beyond.status, &beyond.body["code"]),
            (400, &serde_json::json!("bad_after")),
            "{path}: {}",
            beyond.body
        );
    }
    let url = format!("{}/api/v1/debates/{debate}/events", agon.base());
    let streamed = crate::support::http_client()
        .get(url)
        .header("accept", "text/event-stream")
        .send()
        .await
        .unwrap();
    let text = streamed.text().await.unwrap();
    let ids: Vec<u64> = text
        .lines()
        .filter_map(|line| line.strip_prefix("id: ")?.parse().ok())
        .collect();
    assert_eq!(ids, (1..=after).collect::<Vec<u64>>());
    let seqs: Vec<u64> = polled
        .iter()
        .filter_map(|event| event["seq"].as_u64())
        .collect();
    assert_eq!(seqs, ids);
}
