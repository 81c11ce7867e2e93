//! Nothing accepted is lost, and nothing is written twice, whoever dies.

use std::time::Duration;

use agon::types::debate::Format;
use agon::types::debate::RoleKind;
use rand::RngExt;
use rand::SeedableRng;
use serde_json::Value;
use serde_json::json;

use super::at_pace;
use super::demo;
use super::play;
use crate::support::agon::Agon;

/// The texts of completed turns, by turn.
fn completed(events: &[Value]) -> Vec<(String, String)> {
    let of = |event: &Value| (event["turn"].to_string(), event["data"]["text"].to_string());
    events
        .iter()
        .filter(|event| event["type"] == "turn.completed")
        .map(of)
        .collect()
}

async fn events(agon: &Agon, debate: &str) -> Vec<Value> {
    let page = agon
        .get(&format!("/api/v1/debates/{debate}/events"))
        .await
        .body;
    page["events"].as_array().expect("a list of events").clone()
}

#[tokio::test]
async fn ten_kills_lose_no_turn_and_double_none() {
    let mut agon = Agon::start_with(at_pace("6")).await;
    let debate = agon.create_debate(&demo()).await;
    let mut random = rand_chacha::ChaCha8Rng::seed_from_u64(20);
    let (mut kills, mut known) = (0, Vec::new());
    while kills < 10 {
        // The moment of the kill is the test's subject; every one of them must be survived.
        tokio::time::sleep(Duration::from_millis(random.random_range(20..700))).await;
        let before = events(&agon, &debate).await;
        agon.kill().await;
        kills += 1;
        agon.restart().await;
        let after = events(&agon, &debate).await;
        assert_eq!(
            after[..before.len()],
            before[..],
            "what was stored stays as it was"
        );
        known = completed(&after);
    }
    let mut watcher = agon.watch(&debate).await;
    watcher.until_over().await;
    watcher.seen.assert_kept();
    let all = events(&agon, &debate).await;
    let seqs: Vec<u64> = all
        .iter()
        .filter_map(|event| event["seq"].as_u64())
        .collect();
    assert_eq!(
        seqs,
        (1..=all.len() as u64).collect::<Vec<u64>>(),
        "every number once"
    );
    let spoken = completed(&all);
    assert_eq!(spoken.len(), 11, "no turn is lost or doubled");
    assert_eq!(
        spoken[..known.len()],
        known[..],
        "and what was said stays said"
    );
    let detail = agon.get(&format!("/api/v1/debates/{debate}")).await.body;
    assert_eq!(detail["outcome"], "complete", "{detail}");
}

#[tokio::test]
async fn two_processes_on_one_database_write_no_event_twice() {
    let first = Agon::start_with(at_pace("6")).await;
    let debate = first.create_debate(&demo()).await;
    let second = first.beside().await;
    let other = second.create_debate(&demo()).await;
    let (mut here, mut there) = (first.watch(&debate).await, second.watch(&debate).await);
    tokio::join!(here.until_over(), there.until_over());
    here.seen.assert_kept();
    assert_eq!(
        there.seen.events, here.seen.events,
        "a watcher may look through either process"
    );
    let mut watcher = second.watch(&other).await;
    watcher.until_over().await;
    for debate in [&debate, &other] {
        let turns = completed(&events(&first, debate).await);
        assert_eq!(turns.len(), 11);
    }
}

#[tokio::test]
async fn a_process_goes_on_with_the_debates_of_one_that_died_beside_it() {
    let mut first = Agon::start_with(at_pace("15")).await;
    let debate = first.create_debate(&demo()).await;
    let second = first.beside().await;
    first.kill().await;
    let mut watcher = second.watch(&debate).await;
    watcher.until_over().await;
    watcher.seen.assert_kept();
    assert_eq!(watcher.seen.events_of("debate.recovered").count(), 1);
}

#[tokio::test]
async fn a_debate_outlives_an_orderly_stop_and_stays_paused_over_it() {
    let mut agon = Agon::start_with(at_pace("10")).await;
    let debate = agon.create_debate(&demo()).await;
    let commands = format!("/api/v1/debates/{debate}/commands");
    let pause = serde_json::json!({"id": "c1", "cmd": "pause", "data": {"at": "now"}});
    assert_eq!(agon.post(&commands, &pause).await.status, 200);
    assert!(agon.stop().await.success());
    agon.restart().await;
    assert_eq!(
        agon.get(&format!("/api/v1/debates/{debate}")).await.body["status"],
        "paused"
    );
    assert_eq!(
        agon.post(&commands, &serde_json::json!({"cmd": "resume"}))
            .await
            .status,
        200
    );
    let mut watcher = agon.watch(&debate).await;
    watcher.until_over().await;
    watcher.seen.assert_kept();
}

/// A debate of a format among demo models, as it is ordered.
fn ordered(format: &Format) -> Value {
    let spec = play::order(format, 7, false).spec;
    let debaters = ["demo/optimist", "demo/skeptic", "demo/analyst"];
    let agents: Vec<Value> = spec
        .cast
        .iter()
        .enumerate()
        .map(|(place, member)| {
            let debates =
                format.role(&member.role).map(|role| role.kind) == Some(RoleKind::Debater);
            let model = if debates {
                debaters[place % 3]
            } else {
                "demo/judge"
            };
            json!({"name": member.name, "role": member.role, "model": model})
        })
        .collect();
    let mut order = json!({"topic": spec.topic, "format": format.id, "agents": agents, "seed": 7});
    // An order must not bring what its format has no use for.
    if serde_json::to_string(&format.contracts)
        .expect("JSON")
        .contains("\"options\"")
    {
        order["options"] = json!(spec.options);
    }
    if !spec.secrets.is_empty() {
        order["secrets"] = json!(spec.secrets);
    }
    order
}

/// Every turn ended once, and every number once.
fn assert_whole(format: &str, events: &[Value]) {
    let seqs: Vec<u64> = events
        .iter()
        .filter_map(|event| event["seq"].as_u64())
        .collect();
    assert_eq!(
        seqs,
        (1..=events.len() as u64).collect::<Vec<u64>>(),
        "{format}"
    );
    let ended = ["turn.completed", "turn.failed"];
    let mut turns: Vec<&str> = events
        .iter()
        .filter(|event| ended.contains(&event["type"].as_str().unwrap_or_default()))
        .filter_map(|event| event["turn"].as_str())
        .collect();
    let all = turns.len();
    turns.sort_unstable();
    turns.dedup();
    assert_eq!(turns.len(), all, "{format}: a turn ended twice");
    let verdicts = events
        .iter()
        .filter(|event| event["type"] == "verdict.final");
    assert_eq!(verdicts.count(), 1, "{format}");
}

#[tokio::test]
async fn kills_at_several_points_lose_nothing_in_any_format() {
    let mut agon = Agon::start_with(at_pace("2")).await;
    let mut debates = Vec::new();
    for format in play::formats() {
        debates.push((
            format.id.clone(),
            agon.create_debate(&ordered(&format)).await,
        ));
    }
    let mut random = rand_chacha::ChaCha8Rng::seed_from_u64(9);
    let mut known: Vec<Vec<Value>> = vec![Vec::new(); debates.len()];
    for _ in 0..6 {
        // The moment of the kill is the test's subject; every one of them must be survived.
        tokio::time::sleep(Duration::from_millis(random.random_range(50..900))).await;
        for (place, (_, debate)) in debates.iter().enumerate() {
            known[place] = events(&agon, debate).await;
        }
        agon.kill().await;
        agon.restart().await;
        for (place, (format, debate)) in debates.iter().enumerate() {
            let after = events(&agon, debate).await;
            assert_eq!(
                after[..known[place].len()],
                known[place][..],
                "{format}: what was stored stays as it was"
            );
        }
    }
    for (format, debate) in &debates {
        let mut watcher = agon.watch(debate).await;
        watcher.until_over().await;
        let detail = agon.get(&format!("/api/v1/debates/{debate}")).await.body;
        assert_eq!(detail["status"], "finished", "{format}: {detail}");
        assert_whole(format, &events(&agon, debate).await);
    }
}
