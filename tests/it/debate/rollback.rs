//! The rollback switch, as operations use it.

use serde_json::json;

use super::anthropic;
use super::oxford;
use crate::support::agon::Agon;
use crate::support::agon::Options;
use crate::support::upstream::Reply;
use crate::support::upstream::Upstream;

const FLAG: &str = "/api/v1/admin/llm-flag";

async fn path_of_next_debate(agon: &Agon) -> String {
    let debate = agon
        .create_debate(&oxford(
            "anthropic/claude-haiku-4-5",
            "demo/skeptic",
            "demo/judge",
        ))
        .await;
    let mut watcher = agon.watch(&debate).await;
    watcher.until_over().await;
    let call = watcher
        .seen
        .events_of("call.finished")
        .find(|call| call["data"]["model"] == "anthropic/claude-haiku-4-5")
        .expect("a model was called");
    call["data"]["outcome"]["answered"]["path"]
        .as_str()
        .expect("it answered")
        .to_owned()
}

#[tokio::test]
async fn the_switch_works_at_run_time_and_outlives_a_restart_until_it_is_cleared() {
    let upstream = Upstream::start((0..24).map(|_| Reply::sse(anthropic("my statement")))).await;
    let env = vec![
        ("ANTHROPIC_BASE_URL", upstream.base_url()),
        ("ANTHROPIC_API_KEY", "sk-ant-test".to_owned()),
        ("AGON_DEMO_PACE", "fast".to_owned()),
        ("AGON_MASTER_KEY", "sk-operations".to_owned()),
    ];
    let options = Options {
        env,
        key: Some("sk-operations".to_owned()),
        ..Options::default()
    };
    let mut agon = Agon::start_with(options).await;
    assert_eq!(path_of_next_debate(&agon).await, "unified");
    let standing = agon.put(FLAG, &json!({"use_unified": false})).await;
    assert_eq!(
        (standing.status, &standing.body["effective"]["anthropic"]),
        (200, &json!("legacy"))
    );
    assert_eq!(
        standing.body["effective"]["groq"], "unified",
        "it has no legacy client"
    );
    assert_eq!(path_of_next_debate(&agon).await, "legacy");
    agon.kill().await;
    agon.restart().await;
    assert_eq!(agon.get(FLAG).await.body["source"], "switched");
    assert_eq!(path_of_next_debate(&agon).await, "legacy");
    assert_eq!(agon.delete(FLAG).await.body["source"], "settings");
    assert_eq!(path_of_next_debate(&agon).await, "unified");
    let unknown = agon
        .put(
            FLAG,
            &json!({"use_unified": true, "legacy_providers": ["opnai"]}),
        )
        .await;
    assert_eq!(
        (unknown.status, &unknown.body["code"]),
        (422, &json!("unknown_provider"))
    );
}
