//! Which models a plan has.

use agon::http::GatewayConfig;
use agon::http::Plans;
use serde_json::json;

use super::Gateway;
use super::ask;
use super::bearer;
use super::deployment;
use super::hear;
use crate::support::http_client;

fn plans(shows_locked: bool) -> GatewayConfig {
    GatewayConfig {
        plans: Some(Plans {
            models: [("pro".to_owned(), vec!["*".to_owned()])].into(),
            baseline: vec!["small".to_owned()],
            shows_locked,
        }),
        ..GatewayConfig::default()
    }
}

async fn choosable(gateway: &Gateway, plan: &str) -> serde_json::Value {
    let request = http_client().get(gateway.url("/llm/models"));
    let request = request.header("authorization", bearer());
    hear(request.header("x-agon-plan", plan)).await.json()
}

#[tokio::test]
async fn people_choose_from_their_plan_and_calls_are_held_to_it() {
    let list = vec![
        deployment("small", "demo/optimist", None),
        deployment("big", "openai/gpt-4o", None),
    ];
    let gateway = Gateway::with_list(list).await;
    let small = json!({"id": "small", "label": "small", "provider": "demo"});
    let all = gateway.get("/api/v1/llm/models").await.json();
    assert_eq!(all.as_array().unwrap().len(), 2, "{all}");
    gateway.set(&plans(false));
    let mut got = choosable(&gateway, "unheard-of").await;
    got[0]["label"] = json!("small");
    assert_eq!(got, json!([small]));
    assert_eq!(
        choosable(&gateway, "pro").await.as_array().unwrap().len(),
        2
    );
    gateway.set(&plans(true));
    let locked = choosable(&gateway, "").await;
    assert_eq!(locked[1]["locked"], true, "{locked}");
    assert!(locked[0].get("locked").is_none());
    let heard = gateway.post("/v1/chat/completions", &ask("big")).await;
    assert_eq!(heard.status, 403);
    assert_eq!(heard.json()["error"]["type"], "key_model_access_denied");
    let mut around = ask("small");
    around["fallbacks"] = json!(["big"]);
    let heard = gateway.post("/v1/chat/completions", &around).await;
    assert_eq!(heard.status, 403, "a fallback of the caller's own");
    let models = gateway.get("/v1/models").await.json();
    assert_eq!(models["data"].as_array().unwrap().len(), 1);
    let heard = gateway.post("/v1/chat/completions", &ask("small")).await;
    assert_eq!(heard.status, 200, "{}", heard.text);
}
