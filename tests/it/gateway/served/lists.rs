//! Lists of models, what is known about them, health, and where a call would go.

use serde_json::Value;
use serde_json::json;

use super::super::KEY;
use super::super::OPENAI;
use super::Gateway;
use super::MASTER;
use super::completion;
use super::deployment;
use super::hear;
use crate::support::http_client;
use crate::support::upstream::Reply;
use crate::support::upstream::Upstream;

async fn listed(upstream: &Upstream) -> Gateway {
    let base = Some(format!("{}/v1", upstream.base_url()));
    let mut labelled = deployment("chat-default", OPENAI, base.clone());
    labelled
        .info
        .written
        .insert("label".to_owned(), json!("The usual"));
    labelled
        .info
        .params
        .insert("temperature".to_owned(), json!(0.2));
    labelled.rpm = Some(10);
    let other = deployment("chat-default", "demo/optimist", None);
    let pattern = deployment("mine/*", "anthropic/*", None);
    Gateway::with_list(vec![labelled, other, pattern]).await
}

fn ids(list: &Value) -> Vec<&str> {
    let data = list["data"].as_array().unwrap();
    data.iter()
        .map(|model| model["id"].as_str().unwrap())
        .collect()
}

#[tokio::test]
async fn models_are_listed_in_the_form_that_the_caller_knows() {
    let upstream = Upstream::start([]).await;
    let gateway = listed(&upstream).await;
    let list = gateway.get("/v1/models").await.json();
    assert_eq!(list["object"], "list");
    assert_eq!(ids(&list)[0], "chat-default");
    assert!(ids(&list).contains(&"mine/claude-haiku-4-5"), "{list}");
    assert_eq!(
        list["data"][0],
        json!({"id": "chat-default", "object": "model", "created": 1_677_610_602, "owned_by": "openai"})
    );
    let request = http_client()
        .get(gateway.url("/v1/models"))
        .header("x-api-key", MASTER);
    let list = hear(request.header("anthropic-version", "2023-06-01"))
        .await
        .json();
    assert_eq!(list["data"][0]["type"], "model");
    assert_eq!(
        (&list["has_more"], &list["first_id"]),
        (&json!(false), &json!("chat-default"))
    );
    for path in [
        "/v1/models/chat-default",
        "/models/mine/claude-haiku-4-5",
        "/v1/models/mine/anything",
    ] {
        assert_eq!(gateway.get(path).await.status, 200, "{path}");
    }
    let missing = gateway.get("/v1/models/nobody").await;
    assert_eq!(
        (missing.status, &missing.json()["error"]["type"]),
        (404, &json!("model_not_found"))
    );
    let tags = gateway.get("/api/tags").await.json();
    assert_eq!(tags["models"][0]["name"], "chat-default");
    let google = gateway.get("/v1beta/models").await.json();
    assert_eq!(google["models"][0]["name"], "models/chat-default");
    let show = gateway
        .post("/api/show", &json!({"model": "chat-default:latest"}))
        .await
        .json();
    assert!(
        show["capabilities"]
            .as_array()
            .unwrap()
            .contains(&json!("tools")),
        "{show}"
    );
    assert_eq!(
        gateway
            .post("/api/show", &json!({"model": "nobody"}))
            .await
            .status,
        404
    );
}

#[tokio::test]
async fn without_a_model_list_every_model_that_can_be_called_is_listed() {
    let upstream = Upstream::start([]).await;
    let gateway = Gateway::before(&upstream).await;
    let list = gateway.get("/v1/models").await.json();
    assert!(ids(&list).contains(&OPENAI), "{list}");
    assert!(
        ids(&list).iter().all(|id| !id.starts_with("mistral/")),
        "its key is not set"
    );
}

#[tokio::test]
async fn what_is_known_about_the_list_is_told_without_a_secret() {
    let upstream = Upstream::start([]).await;
    let gateway = listed(&upstream).await;
    for path in ["/model/info", "/v1/model/info"] {
        let heard = gateway.get(path).await;
        assert!(!heard.text.contains(KEY), "{}", heard.text);
        let first = &heard.json()["data"][0];
        assert_eq!(first["model_name"], "chat-default");
        assert_eq!(
            first["litellm_params"],
            json!({"model": OPENAI, "temperature": 0.2})
        );
        assert_eq!(first["model_info"]["mode"], "chat");
        assert_eq!(first["model_info"]["input_cost_per_token"], json!(1.5e-7));
        assert_eq!(first["model_info"]["label"], "The usual");
    }
    let id = "chat-default-demo/optimist";
    let one = gateway
        .get(&format!("/model/info?litellm_model_id={id}"))
        .await
        .json();
    assert_eq!(one["data"].as_array().unwrap().len(), 1);
    assert_eq!(
        gateway.get("/model/info?litellm_model_id=x").await.status,
        400
    );
    let groups = gateway
        .get("/model_group/info?model_group=chat-default")
        .await
        .json();
    let group = &groups["data"][0];
    assert_eq!(group["providers"], json!(["demo", "openai"]));
    assert_eq!((&group["rpm"], &group["tpm"]), (&json!(10), &json!(null)));
    let routes = gateway.get("/routes").await.json();
    let has = json!({"path": "/v1/chat/completions", "methods": ["POST"]});
    assert!(routes["routes"].as_array().unwrap().contains(&has));
}

#[tokio::test]
async fn health_asks_nobody_without_the_key_and_every_entry_with_it() {
    let upstream = Upstream::start([Reply::json(&completion("hi"))]).await;
    let base = |upstream: &Upstream| Some(format!("{}/v1", upstream.base_url()));
    let gone = Upstream::start([]).await;
    let list = vec![
        deployment("a", OPENAI, base(&upstream)),
        deployment("b", "openai/gpt-4o", base(&gone)),
    ];
    let gateway = Gateway::with_list(list).await;
    let heard = hear(http_client().get(gateway.url("/health"))).await;
    assert_eq!(heard.json()["status"], "ok");
    assert!(upstream.requests().is_empty());
    let report = gateway.get("/health").await.json();
    assert_eq!(
        (&report["healthy_count"], &report["unhealthy_count"]),
        (&json!(1), &json!(1)),
        "{report}"
    );
    assert_eq!(report["healthy_endpoints"][0]["model"], OPENAI);
    assert!(report["unhealthy_endpoints"][0]["error"].is_string());
    let one = gateway.get("/health?model=nobody").await.json();
    assert_eq!(one["healthy_count"], 0);
    let ready = gateway.get("/health/readiness").await.json();
    assert_eq!(ready["db"], "connected");
}

#[tokio::test]
async fn a_call_is_explained_before_and_after() {
    let upstream = Upstream::start([Reply::json(&completion("hi"))]).await;
    let base = Some(format!("{}/v1", upstream.base_url()));
    let gateway = Gateway::with_list(vec![deployment("a", OPENAI, base)]).await;
    let plan = gateway
        .post("/api/v1/route/explain", &json!({"model": "a"}))
        .await
        .json();
    assert_eq!(plan["group"], "a");
    assert_eq!(plan["deployments"][0]["verdict"], "chosen", "{plan}");
    let heard = gateway.post("/v1/chat/completions", &super::ask("a")).await;
    let id = heard.header("x-agon-call-id").unwrap();
    let call = gateway.get(&format!("/api/v1/route/{id}")).await.json();
    assert_eq!(
        call["attempts"][0]["deployment"], "a-openai/gpt-4o-mini",
        "{call}"
    );
    assert_eq!(gateway.get("/api/v1/route/unknown").await.status, 404);
}
