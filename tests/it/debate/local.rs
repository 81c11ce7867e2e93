//! Two agents on one local server: their turns wait in line, and a model that loads is told of.

use std::time::Duration;

use serde_json::json;

use super::real_input::DUET;
use crate::support::agon::Agon;
use crate::support::agon::Options;
use crate::support::upstream::Reply;
use crate::support::upstream::Upstream;

const SPEAKS: &str = "{\"message\":{\"content\":\"So it is.\"},\"done\":true,\"done_reason\":\"stop\",\"prompt_eval_count\":9,\"eval_count\":3}\n";

#[tokio::test]
async fn a_simultaneous_phase_says_who_is_queued_and_which_model_loads() {
    let slow = Reply::ndjson([""])
        .pause(Duration::from_millis(1600))
        .send(SPEAKS);
    let upstream = Upstream::start([slow, Reply::ndjson([SPEAKS])]).await;
    upstream.says("/api/ps", Reply::json(&json!({"models": []})));
    let formats = tempfile::tempdir().unwrap();
    std::fs::write(formats.path().join("duet.toml"), DUET).unwrap();
    let env = vec![
        ("OLLAMA_API_BASE", upstream.base_url()),
        ("AGON_FORMATS_DIR", formats.path().display().to_string()),
        ("AGON_DEMO_PACE", "fast".to_owned()),
    ];
    let agon = Agon::start_with(Options {
        env,
        ..Options::default()
    })
    .await;
    let body = json!({
        "topic": "waiting",
        "format": "duet",
        "agents": [{"name": "Ada", "model": "ollama/gemma3:12b"}, {"name": "Boole", "model": "ollama/tiny"}],
        "judges": [{"name": "Curie", "model": "demo/judge"}],
    });
    let debate = agon.create_debate(&body).await;
    let mut watcher = agon.watch(&debate).await;
    watcher.until_over().await;
    watcher.seen.assert_kept();
    let mut waits: Vec<_> = watcher
        .seen
        .events_of("turn.waiting")
        .map(|event| event["data"].clone())
        .collect();
    for wait in &mut waits {
        // How long it had waited by then is the machine's business.
        wait.as_object_mut().unwrap().remove("waited_ms");
    }
    let asked = upstream.requests()[0].json();
    let loading = format!("ollama/{}", asked["model"].as_str().unwrap());
    assert_eq!(
        waits,
        [
            json!({"cause": "queued", "behind": 1}),
            json!({"cause": "model_loading", "model": loading}),
        ]
    );
    assert_eq!(watcher.seen.events_of("turn.completed").count(), 3);
}
