//! Providers that misbehave: the debate ends all the same, labelled, and says why.

use std::time::Duration;

use serde_json::Value;
use serde_json::json;

use super::anthropic;
use super::oxford;
use crate::support::agon::Agon;
use crate::support::agon::Options;
use crate::support::upstream::Reply;
use crate::support::upstream::Upstream;

/// Impatient, so that the tests are quick: the rules are the same.
const IMPATIENT: &str =
    "router: {num_retries: 1, base_delay_ms: 10, max_delay_ms: 20, cooldown_s: 1}\n";

/// A server whose Anthropic is this upstream.
async fn with_upstream(upstream: &Upstream) -> Agon {
    let env = vec![
        ("ANTHROPIC_BASE_URL", upstream.base_url()),
        ("ANTHROPIC_API_KEY", "sk-ant-test".to_owned()),
        ("AGON_DEMO_PACE", "fast".to_owned()),
    ];
    Agon::start_with(Options {
        env,
        config: Some(IMPATIENT.to_owned()),
        ..Options::default()
    })
    .await
}

/// Runs a debate whose `con` speaks through an upstream, and returns its ending and its events.
async fn debate_against(replies: Vec<Reply>) -> (Value, Vec<Value>, String) {
    let upstream = Upstream::start(replies).await;
    let agon = with_upstream(&upstream).await;
    let debate = agon
        .create_debate(&oxford(
            "demo/optimist",
            "anthropic/claude-haiku-4-5",
            "demo/judge",
        ))
        .await;
    let mut watcher = agon.watch(&debate).await;
    watcher.until_over().await;
    watcher.seen.assert_kept();
    let ending = watcher
        .seen
        .events
        .last()
        .expect("there are events")
        .clone();
    (ending, watcher.seen.events.clone(), agon.log())
}

fn degraded(ending: &Value, reason: &str) {
    assert_eq!(
        (&ending["type"], &ending["data"]["outcome"]),
        (&json!("debate.finished"), &json!("degraded")),
        "{ending}"
    );
    let notes = ending["data"]["degraded"].to_string();
    assert!(notes.contains(reason), "{notes} should name {reason}");
}

fn of_kind<'a>(events: &'a [Value], kind: &str) -> Vec<&'a Value> {
    events
        .iter()
        .filter(|event| event["type"] == kind)
        .collect()
}

#[tokio::test]
async fn a_provider_that_refuses_costs_its_agent_the_word() {
    let refusal = || {
        Reply::status(401).header("content-type", "application/json").send(
        r#"{"type":"error","error":{"type":"authentication_error","message":"invalid x-api-key"}}"#,
    )
    };
    let (ending, events, log) = debate_against((0..9).map(|_| refusal()).collect()).await;
    degraded(&ending, "no statement");
    assert_eq!(
        of_kind(&events, "turn.failed")[0]["data"]["reason"],
        "authentication"
    );
    assert!(
        log.contains("authentication") && !log.contains("sk-ant-test"),
        "{log}"
    );
}

#[tokio::test]
async fn a_stream_that_is_cut_is_asked_for_again() {
    let pieces = anthropic("one two three four");
    let cut = Reply::sse(&pieces[..4]).cut();
    let whole = || Reply::sse(anthropic("a whole answer"));
    let (ending, events, _) =
        debate_against(vec![cut, whole(), whole(), whole(), whole(), whole()]).await;
    assert_eq!(
        ending["data"]["outcome"], "complete",
        "the second try was whole: {ending}"
    );
    let resets = of_kind(&events, "turn.reset");
    assert_eq!(
        (resets.len(), &resets[0]["data"]["reason"]),
        (1, &json!("stream_interrupted"))
    );
}

#[tokio::test]
async fn garbage_is_an_error_and_not_an_answer() {
    let garbage = || Reply::garbage("<html>busy</html>");
    let (ending, events, _) = debate_against((0..12).map(|_| garbage()).collect()).await;
    degraded(&ending, "no statement");
    assert!(
        of_kind(&events, "turn.completed")
            .iter()
            .all(|event| event["data"]["agent"] != "Boole")
    );
}

#[tokio::test]
async fn a_429_is_waited_for_as_long_as_it_asks() {
    let busy = Reply::status(429)
        .header("retry-after", "1")
        .header("content-type", "application/json")
        .send(r#"{"type":"error","error":{"type":"rate_limit_error","message":"slow down"}}"#);
    let whole = || Reply::sse(anthropic("worth the wait"));
    let upstream = Upstream::start(vec![busy, whole(), whole(), whole(), whole(), whole()]).await;
    let agon = with_upstream(&upstream).await;
    let debate = agon
        .create_debate(&oxford(
            "demo/optimist",
            "anthropic/claude-haiku-4-5",
            "demo/judge",
        ))
        .await;
    let mut watcher = agon.watch(&debate).await;
    watcher.until_over().await;
    assert_eq!(
        watcher.seen.events.last().unwrap()["data"]["outcome"],
        "complete"
    );
    let times: Vec<tokio::time::Instant> = upstream
        .requests()
        .iter()
        .map(|request| request.at)
        .collect();
    assert!(
        times[1] - times[0] >= Duration::from_millis(950),
        "it waited {:?}",
        times[1] - times[0]
    );
    // Whoever watches is told why nothing comes, and then sees the turn end.
    let events = &watcher.seen.events;
    let waits = of_kind(events, "turn.waiting");
    assert_eq!(waits.len(), 1, "{waits:?}");
    assert_eq!(waits[0]["data"]["cause"], "rate_limited");
    let wait_ms = waits[0]["data"]["wait_ms"].as_u64().unwrap();
    assert!((900..=1_500).contains(&wait_ms), "{wait_ms}");
    let spoken = of_kind(events, "turn.completed");
    let of_it = spoken
        .iter()
        .find(|event| event["turn"] == waits[0]["turn"]);
    let of_it = of_it.expect("the turn completes");
    assert_eq!(of_it["data"]["agent"], "Boole");
    assert_eq!(of_it["data"]["text"], "worth the wait");
    assert!(of_it["seq"].as_u64() > waits[0]["seq"].as_u64());
}

#[tokio::test]
async fn a_stop_closes_the_upstream_at_once() {
    let endless = Reply::sse(&anthropic("still talking")[..4]).stall();
    let upstream = Upstream::start(vec![endless]).await;
    let agon = with_upstream(&upstream).await;
    let debate = agon
        .create_debate(&oxford(
            "anthropic/claude-haiku-4-5",
            "demo/skeptic",
            "demo/judge",
        ))
        .await;
    let mut watcher = agon.watch(&debate).await;
    watcher.until("turn.delta").await;
    let stop = json!({"cmd": "stop"});
    let asked = tokio::time::Instant::now();
    assert_eq!(
        agon.post(&format!("/api/v1/debates/{debate}/commands"), &stop)
            .await
            .status,
        200
    );
    upstream.client_left().await;
    assert!(
        asked.elapsed() < Duration::from_millis(200),
        "it took {:?}",
        asked.elapsed()
    );
    watcher.until_over().await;
}

/// A provider of a file of one's own, at an upstream.
fn own_provider(folder: &tempfile::TempDir, upstream: &Upstream) -> Options {
    let file = concat!(
        "id = \"corner\"\ntitle = \"Corner\"\nwire = \"openai_chat\"\nbase_url = \"http://127.0.0.1:9\"\n",
        "base_url_env = [\"CORNER_BASE_URL\"]\ndefault_max_output_tokens = 100\nkeyless = true\n",
        "source = \"a test\"\nchecked = \"2026-11-20\"\n[auth]\nscheme = \"none\"\n",
    );
    std::fs::write(folder.path().join("corner.toml"), file).unwrap();
    let env = vec![
        ("CORNER_BASE_URL", upstream.base_url()),
        ("AGON_PROVIDERS_DIR", folder.path().display().to_string()),
        ("AGON_DEMO_PACE", "fast".to_owned()),
    ];
    Options {
        env,
        config: Some(IMPATIENT.to_owned()),
        ..Options::default()
    }
}

/// Waits until Boole was asked so many times.
async fn until_asked(agon: &Agon, debate: &str, times: usize) {
    let mut watcher = agon.watch(debate).await;
    let mut asked = 0;
    while asked < times {
        let started = watcher.until("turn.started").await;
        asked += usize::from(started["data"]["agent"] == "Boole");
    }
}

#[tokio::test]
async fn a_provider_that_is_deleted_under_way_costs_its_agent_the_word_and_ends_the_debate() {
    let folder = tempfile::tempdir().unwrap();
    let spoken = concat!(
        "data: {\"choices\":[{\"index\":0,\"delta\":{\"role\":\"assistant\",\"content\":\"Shops close.\"},",
        "\"finish_reason\":\"stop\"}],\"usage\":{\"prompt_tokens\":9,\"completion_tokens\":3}}\n\n",
        "data: [DONE]\n\n",
    );
    let upstream = Upstream::start(vec![Reply::sse([spoken]), Reply::silence()]).await;
    let mut agon = Agon::start_with(own_provider(&folder, &upstream)).await;
    let body = oxford("demo/optimist", "corner/any", "demo/judge");
    let debate = agon.create_debate(&body).await;
    // Its opening is said, and it is asked again: the process dies while it keeps the debate waiting.
    until_asked(&agon, &debate, 2).await;
    agon.kill().await;
    let without = Options {
        env: vec![("AGON_DEMO_PACE", "fast".to_owned())],
        ..Options::default()
    };
    agon.restart_with(without).await;
    let mut watcher = agon.watch(&debate).await;
    watcher.until_over().await;
    watcher.seen.assert_kept();
    let events = &watcher.seen.events;
    degraded(events.last().unwrap(), "Boole: no statement in");
    let of_boole = |kind| {
        let all = of_kind(events, kind).into_iter();
        all.filter(|event| event["data"]["agent"] == "Boole")
            .collect::<Vec<_>>()
    };
    assert_eq!(
        of_boole("turn.completed").len(),
        1,
        "what was said stays said"
    );
    let failed = of_boole("turn.failed");
    assert!(failed.len() >= 2, "{failed:?}");
    for event in failed {
        assert_eq!(event["data"]["reason"], "model_not_found", "{event}");
    }
    assert_eq!(of_kind(events, "verdict.final").len(), 1);
}

#[tokio::test]
async fn a_stand_in_speaks_for_a_model_whose_provider_was_deleted() {
    let folder = tempfile::tempdir().unwrap();
    let upstream = Upstream::start(vec![Reply::silence()]).await;
    let mut agon = Agon::start_with(own_provider(&folder, &upstream)).await;
    let mut body = oxford("demo/optimist", "corner/any", "demo/judge");
    body["agents"][1]["substitute"] = json!("demo/skeptic");
    let debate = agon.create_debate(&body).await;
    until_asked(&agon, &debate, 1).await;
    agon.kill().await;
    let without = Options {
        env: vec![("AGON_DEMO_PACE", "fast".to_owned())],
        ..Options::default()
    };
    agon.restart_with(without).await;
    let mut watcher = agon.watch(&debate).await;
    watcher.until_over().await;
    watcher.seen.assert_kept();
    let ending = watcher.seen.events.last().unwrap();
    degraded(ending, "Boole: demo/skeptic stood in for corner/any");
    assert_eq!(of_kind(&watcher.seen.events, "turn.failed").len(), 0);
}

#[tokio::test]
async fn a_provider_that_falls_silent_is_given_up_at_the_turn_limit() {
    let providers = tempfile::tempdir().unwrap();
    let file = concat!(
        "id = \"mute\"\ntitle = \"Mute\"\nwire = \"openai_chat\"\nbase_url = \"http://127.0.0.1:9\"\n",
        "base_url_env = [\"MUTE_BASE_URL\"]\ndefault_max_output_tokens = 100\nkeyless = true\nlocal = true\n",
        "source = \"a test\"\nchecked = \"2026-11-20\"\n[auth]\nscheme = \"none\"\n",
        "[timeouts]\nfirst_token_s = 1\nidle_s = 1\n",
    );
    std::fs::write(providers.path().join("mute.toml"), file).unwrap();
    let upstream = Upstream::start((0..12).map(|_| Reply::silence())).await;
    let env = vec![
        ("MUTE_BASE_URL", upstream.base_url()),
        ("AGON_PROVIDERS_DIR", providers.path().display().to_string()),
        ("AGON_DEMO_PACE", "fast".to_owned()),
    ];
    let options = Options {
        env,
        config: Some(IMPATIENT.to_owned()),
        ..Options::default()
    };
    let agon = Agon::start_with(options).await;
    let debate = agon
        .create_debate(&oxford("demo/optimist", "mute/any", "demo/judge"))
        .await;
    let mut watcher = agon.watch(&debate).await;
    watcher.until_over().await;
    degraded(watcher.seen.events.last().unwrap(), "no statement");
    let failed = watcher.seen.events_of("turn.failed").next().unwrap();
    assert_eq!(failed["data"]["reason"], "timeout");
}
