//! One agent on a real llama.cpp server, one on Anthropic's wire, at the same time.

use std::path::PathBuf;
use std::time::Duration;

use serde_json::json;

use super::anthropic;
use crate::support::agon::Agon;
use crate::support::agon::Options;
use crate::support::llama::Llama;
use crate::support::upstream::Reply;
use crate::support::upstream::Upstream;

/// What Anthropic answers: as recorded where recordings are at hand, else a faithful local answer. Slowly, so that
/// both agents are heard speaking at once.
fn claude_speaks() -> Reply {
    let words = "A real server beside me speaks at the same time, and nobody waits for the other to be done. ".repeat(4);
    anthropic(&words)
        .into_iter()
        .fold(Reply::sse::<String>([]), |reply, piece| {
            reply.send(piece).pause(Duration::from_millis(12))
        })
}

/// A recorded stream of plain text, whole.
fn recorded() -> Option<Vec<u8>> {
    let folder = PathBuf::from(std::env::var_os("AGON_RECORDED_DIR")?);
    std::fs::read(
        folder.join("anthropic/test-prompt-with-prefill-and-stop-sequences-da8ba533/response.body"),
    )
    .ok()
}

/// A format of two free speakers and a judge of two words, so that random weights can keep its contracts.
pub(super) const DUET: &str = r#"
[protocol]
id = "duet"
version = 1
title = "Duet"
description = "Two speak at once, one rules."
[roles.speaker]
kind = "debater"
count = "2"
[roles.judge]
kind = "judge"
count = "1"
[[phase]]
id = "both"
kind = "speak"
who = "speaker"
order = "simultaneous"
sees = ["topic"]
prompt = "speak"
contract = "speech"
tokens = 300
[[phase]]
id = "ruling"
kind = "judge"
who = "judge"
sees = ["topic", "phase:both+anon"]
prompt = "rule"
contract = "ruling"
tokens = 120
[contract.speech]
type = "text"
[contract.ruling]
type = "verdict"
fields = { settled = "bool", answer = "yes|no" }
[decision]
rule = "judge"
of = "ruling.answer"
[prompts.speak]
template = "Say what you think about {{ topic }}"
[prompts.rule]
template = "Rule on it. {{ form }}"
"#;

#[tokio::test]
async fn a_local_model_and_a_cloud_model_debate_and_the_local_one_judges() {
    let Some(llama) = Llama::start().await else {
        return;
    };
    let recorded = recorded();
    let replies = [recorded.as_ref().map_or_else(claude_speaks, |bytes| {
        // Cut small and slow, as a network would.
        bytes
            .chunks(40)
            .fold(Reply::sse::<String>([]), |reply, piece| {
                reply.send(piece).pause(Duration::from_millis(15))
            })
    })];
    let upstream = Upstream::start(replies).await;
    let formats = tempfile::tempdir().unwrap();
    std::fs::write(formats.path().join("duet.toml"), DUET).unwrap();
    let env = vec![
        ("ANTHROPIC_BASE_URL", upstream.base_url()),
        ("ANTHROPIC_API_KEY", "sk-ant-test".to_owned()),
        ("LLAMACPP_BASE_URL", format!("{}/v1", llama.base())),
        ("LLAMA_API_KEY", Llama::KEY.to_owned()),
        ("AGON_FORMATS_DIR", formats.path().display().to_string()),
    ];
    let agon = Agon::start_with(Options {
        env,
        ..Options::default()
    })
    .await;
    let local = format!("llamacpp/{}", Llama::MODEL);
    let body = json!({
        "topic": "speaking at once",
        "format": "duet",
        "agents": [{"name": "local", "model": local}, {"name": "cloud", "model": "anthropic/claude-haiku-4-5"}],
        "judges": [{"name": "judge", "model": local}],
    });
    let debate = agon.create_debate(&body).await;
    let mut watcher = agon.watch(&debate).await;
    let mut order = Vec::new();
    while !watcher.seen.is_over() {
        let frame = watcher.next().await.expect("the stream goes on");
        if frame["type"] == "turn.delta" {
            let deltas = frame["data"]["deltas"].as_array().unwrap();
            order.extend(
                deltas
                    .iter()
                    .map(|delta| delta["turn"].as_str().unwrap().to_owned()),
            );
        }
    }
    watcher.seen.assert_kept();
    let spoken: Vec<&serde_json::Value> = watcher.seen.events_of("turn.completed").collect();
    assert_eq!(
        spoken.len(),
        3,
        "both spoke and one ruled: {:#?}",
        watcher.seen.events.last()
    );
    let started: Vec<u64> = watcher
        .seen
        .events_of("turn.started")
        .filter_map(|event| event["seq"].as_u64())
        .collect();
    let first_done = spoken[0]["seq"].as_u64().unwrap();
    assert!(
        started[1] < first_done,
        "the second began before the first was done"
    );
    for turn in ["t_1", "t_2"] {
        assert!(order.iter().any(|heard| heard == turn), "{turn} streamed");
    }
    let detail = agon.get(&format!("/api/v1/debates/{debate}")).await.body;
    let answer = detail["decision"]["answer"]
        .as_str()
        .expect("the judge's verdict is stored");
    assert!(["yes", "no"].contains(&answer), "{detail}");
    assert_eq!(detail["turns"][2]["parsed"]["answer"], answer);
}
