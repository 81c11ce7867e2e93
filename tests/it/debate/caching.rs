//! What Anthropic is asked to keep of a request for the next one.

use serde_json::Value;
use serde_json::json;

use super::anthropic;
use super::oxford;
use crate::support::agon::Agon;
use crate::support::agon::Options;
use crate::support::upstream::Reply;
use crate::support::upstream::Upstream;

/// What Anthropic is asked in a debate with this fact.
async fn asked(fact: &str) -> Vec<Value> {
    let replies = (0..12).map(|_| Reply::sse(anthropic("Short tests say what broke.")));
    let upstream = Upstream::start(replies).await;
    let agon = Agon::start_with(Options {
        env: vec![
            ("ANTHROPIC_BASE_URL", upstream.base_url()),
            ("ANTHROPIC_API_KEY", "sk-ant-test".to_owned()),
            ("AGON_DEMO_PACE", "fast".to_owned()),
        ],
        ..Options::default()
    })
    .await;
    let mut order = oxford("demo/optimist", "anthropic/claude-haiku-4-5", "demo/judge");
    order["facts"] = json!([{"title": "harbor.md", "text": fact}]);
    let debate = agon.create_debate(&order).await;
    let mut watcher = agon.watch(&debate).await;
    watcher.until_over().await;
    let requests = upstream.requests();
    requests.iter().map(|request| request.json()).collect()
}

#[tokio::test]
async fn the_beginning_that_an_agents_requests_share_is_marked_for_anthropic() {
    let fact = "A harbor needs a table of its tides, and somebody who reads it. ".repeat(120);
    let asked = asked(&fact).await;
    assert!(asked.len() >= 4, "{} requests", asked.len());
    let mut kept: Vec<&Value> = Vec::new();
    for request in &asked {
        assert_eq!(request.to_string().matches("cache_control").count(), 1);
        let content = &request["messages"][0]["content"];
        let (steady, rest) = (&content[0], &content[1]);
        assert_eq!(steady["cache_control"], json!({"type": "ephemeral"}));
        let text = steady["text"].as_str().unwrap();
        assert!(text.contains(fact.trim()), "the evidence is kept");
        let rest = rest["text"].as_str().unwrap();
        assert!(rest.contains("# Your task"), "{rest}");
        kept.push(&steady["text"]);
        assert_eq!(request["system"], asked[0]["system"]);
    }
    assert!(kept.iter().all(|text| *text == kept[0]), "to the byte");
    let shown = serde_json::to_string_pretty(&asked[0]).unwrap();
    insta::assert_snapshot!(shown.replace(fact.trim(), "(some thousand tokens of evidence)"));
}

#[tokio::test]
async fn what_is_too_short_to_be_kept_is_sent_as_ever() {
    for request in asked("A harbor needs a table of its tides.").await {
        let content = &request["messages"][0]["content"];
        assert!(
            content.is_string() || content.as_array().map(Vec::len) == Some(1),
            "{content}"
        );
        assert!(!request.to_string().contains("cache_control"), "{request}");
    }
}
