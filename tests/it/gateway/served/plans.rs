//! Which models a plan has.

use std::collections::BTreeMap;

use agon::http::GatewayConfig;
use agon::http::Plans;
use serde_json::json;

use super::super::OPENAI;
use super::Gateway;
use super::ask;
use super::bearer;
use super::completion;
use super::deployment;
use super::hear;
use crate::support::http_client;
use crate::support::upstream::Reply;
use crate::support::upstream::Upstream;

fn plans(shows_locked: bool) -> GatewayConfig {
    GatewayConfig {
        plans: Some(Plans {
            models: [("pro".to_owned(), ["*".to_owned()].into_iter().collect())].into(),
            baseline: ["small".to_owned()].into_iter().collect(),
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

#[tokio::test]
async fn a_configured_fallback_never_leads_past_a_plan() {
    let down = Upstream::start(vec![Reply::status(503).send("down"); 2]).await;
    let upstream = Upstream::start(vec![Reply::json(&completion("dear")); 2]).await;
    let list = vec![
        deployment("small", OPENAI, Some(format!("{}/v1", down.base_url()))),
        deployment("big", OPENAI, Some(format!("{}/v1", upstream.base_url()))),
    ];
    let fallbacks = BTreeMap::from([("small".to_owned(), vec!["big".to_owned()])]);
    let gateway = Gateway::with_router(list, |router| router.fallbacks = fallbacks).await;
    gateway.set(&plans(false));
    let heard = gateway.post("/v1/chat/completions", &ask("small")).await;
    assert_eq!(heard.status, 503, "{}", heard.text);
    assert_eq!(upstream.requests().len(), 0);
    let key = bearer();
    let headers = [("authorization", key.as_str()), ("x-agon-plan", "pro")];
    let body = ask("small").to_string();
    let heard = gateway.post_with("/v1/chat/completions", &headers, &body);
    let heard = heard.await;
    assert_eq!(heard.status, 200, "{}", heard.text);
    assert_eq!(upstream.requests().len(), 1);
    let explained = gateway.post("/api/v1/route/explain", &ask("small")).await;
    assert_eq!(explained.json()["fallbacks"], json!([]));
}

#[tokio::test]
async fn lengths_are_counted_for_models_of_the_plan_only() {
    let list = vec![
        deployment("small", "demo/optimist", None),
        deployment("big", OPENAI, None),
    ];
    let gateway = Gateway::with_list(list).await;
    gateway.set(&plans(false));
    let contents = json!({"contents": [{"role": "user", "parts": [{"text": "hi"}]}]});
    for (path, body) in [
        ("/v1beta/models/MODEL:countTokens", contents),
        ("/v1/messages/count_tokens", ask("MODEL")),
        ("/utils/token_counter", ask("MODEL")),
    ] {
        let count = |name: &str| {
            let path = path.replace("MODEL", name);
            let body = body.to_string().replace("MODEL", name);
            (path, serde_json::from_str(&body).unwrap())
        };
        let (at, asked) = count("big");
        assert_eq!(gateway.post(&at, &asked).await.status, 403, "{path}");
        let (at, asked) = count("small");
        assert_eq!(gateway.post(&at, &asked).await.status, 200, "{path}");
    }
}
