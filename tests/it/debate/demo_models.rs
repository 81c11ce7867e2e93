//! What a new user sees first: debates of demo models, which need no key.

use agon::types::debate::Format;
use agon::types::debate::RoleKind;
use serde_json::Map;
use serde_json::Value;
use serde_json::json;

use super::at_pace;
use super::play;
use crate::support::agon::Agon;

/// An order of a format with as many demo models as it needs.
fn order(format: &Format, seed: u64) -> Value {
    let debaters = ["demo/optimist", "demo/skeptic", "demo/analyst"];
    let (mut agents, mut judges) = (Vec::new(), Vec::new());
    for role in &format.roles {
        for _ in 0..role.count.min {
            match role.kind {
                RoleKind::Debater => {
                    let model = debaters[agents.len() % debaters.len()];
                    agents.push(json!({"role": role.id, "model": model}));
                }
                RoleKind::Judge | RoleKind::Moderator | RoleKind::Summariser => {
                    judges.push(json!({"role": role.id, "model": "demo/judge"}));
                }
                RoleKind::Audience => {}
            }
        }
    }
    let mut order = json!({"topic": "Which should a small town have?", "format": format.id, "agents": agents,
        "judges": judges, "seed": seed});
    if format.needs_options() {
        order["options"] = json!(["trams", "buses", "bicycles"]);
    }
    let text =
        json!({"title": "The story", "text": "The town counted its trams, and there were none."});
    let secrets: Map<String, Value> = (format.needs_secrets().into_iter())
        .map(|name| (name.to_owned(), text.clone()))
        .collect();
    if !secrets.is_empty() {
        order["secrets"] = Value::Object(secrets);
    }
    order
}

#[tokio::test]
async fn every_format_is_decided_and_no_answer_has_to_be_mended() {
    let agon = Agon::start_with(at_pace("1")).await;
    for format in play::formats() {
        let made = agon.post("/api/v1/debates", &order(&format, 7)).await;
        assert_eq!(made.status, 201, "{}: {}", format.id, made.body);
        let id = made.body["id"].as_str().unwrap();
        agon.watch(id).await.until_over().await;
        let debate = agon.get(&format!("/api/v1/debates/{id}")).await.body;
        let decision = &debate["decision"];
        assert_eq!(debate["outcome"], "complete", "{}: {debate:#}", format.id);
        assert_eq!(decision["status"], "decided", "{}: {decision:#}", format.id);
        for turn in debate["turns"].as_array().unwrap() {
            let troubles = turn["troubles"].as_array().unwrap();
            assert!(troubles.is_empty(), "{}: {turn:#}", format.id);
        }
    }
}
