//! What the REST API takes and refuses.

use reqwest::header;
use serde_json::Value;
use serde_json::json;

use super::at_pace;
use super::demo;
use crate::support::agon::Agon;
use crate::support::agon::Options;
use crate::support::http_client;

const DEBATES: &str = "/api/v1/debates";

fn with(path: &[&str], value: Value) -> Value {
    let mut body = demo();
    let mut at = &mut body;
    for key in path {
        at = match key.parse::<usize>() {
            Ok(index) => &mut at[index],
            Err(_) => &mut at[*key],
        };
    }
    *at = value;
    body
}

/// Orders with wrong caps, told as [`bad_orders`] are.
fn bad_limits() -> Vec<(Value, &'static str, &'static str)> {
    vec![
        (
            with(&["limits"], json!({"calls": 0})),
            "bad_limit",
            "above zero",
        ),
        (
            with(&["limits"], json!([])),
            "invalid_request",
            "expected a map",
        ),
        (
            with(&["limits"], json!([null])),
            "invalid_request",
            "expected a map",
        ),
        (
            with(&["limits"], json!({"cals": 9})),
            "invalid_request",
            "unknown field `cals`",
        ),
    ]
}

/// Wrong orders, the code of each problem, and words that its message must hold.
fn bad_orders() -> Vec<(Value, &'static str, &'static str)> {
    let three = json!([{"model": "demo/optimist"}, {"model": "demo/skeptic"}, {"model": "demo/analyst"}, {"model": "demo/judge"}, {"model": "demo/judge"}]);
    vec![
        (
            with(&["agents", "0", "model"], json!("demo/optimst")),
            "unknown_model",
            "demo/optimist",
        ),
        (
            with(&["agents", "0", "model"], json!("nobody/x")),
            "unknown_model",
            "nobody",
        ),
        (
            with(&["agents", "0", "model"], json!("gpt")),
            "invalid_model",
            "provider/model",
        ),
        (
            with(&["agents", "0", "model"], json!("gpt-5.4")),
            "missing_credential",
            "OPENAI_API_KEY",
        ),
        (
            with(&["agents", "0", "model"], json!("openai/gpt-5-mini")),
            "missing_credential",
            "OPENAI_API_KEY",
        ),
        (
            with(&["format"], json!("oxfrd")),
            "unknown_format",
            "oxford",
        ),
        (
            with(&["agents"], json!([])),
            "too_few_agents",
            "1 to 2 of role pro",
        ),
        (with(&["agents"], three), "too_many_agents", "no seat left"),
        (
            with(&["agents", "0", "role"], json!("referee")),
            "unknown_role",
            "pro, con, judge",
        ),
        (
            with(&["agents", "1", "name"], json!("Ada")),
            "duplicate_name",
            "Ada",
        ),
        (with(&["topic"], json!("  ")), "empty_topic", "question"),
        (
            with(&["topic"], json!("x".repeat(30_000))),
            "topic_too_long",
            "20000",
        ),
        (
            with(&["agents", "0", "temperature"], json!(3)),
            "bad_temperature",
            "between 0 and 2",
        ),
        (
            with(
                &["agents", "0", "api_base"],
                json!("http://169.254.169.254/"),
            ),
            "api_base_not_allowed",
            "allowed_api_bases",
        ),
        (
            with(&["agents", "0", "api_key_env_var"], json!("HOME")),
            "key_variable_not_allowed",
            "only",
        ),
        (
            with(&["topic"], json!(7)),
            "invalid_request",
            "expected a string",
        ),
        (
            with(&["colour"], json!("red")),
            "invalid_request",
            "unknown field `colour`",
        ),
    ]
}

#[tokio::test]
async fn bad_orders_are_refused_with_what_to_do_and_create_nothing() {
    let agon = Agon::start_with(at_pace("fast")).await;
    for (body, code, words) in [bad_orders(), bad_limits()].concat() {
        let answer = agon.post(DEBATES, &body).await;
        assert_eq!(
            (answer.status, &answer.body["code"]),
            (422, &json!(code)),
            "{}",
            answer.body
        );
        assert!(
            answer.body["detail"].as_str().unwrap().contains(words),
            "{words}: {}",
            answer.body
        );
        assert_eq!(
            answer.headers[header::CONTENT_TYPE],
            "application/problem+json"
        );
    }
    assert_eq!(
        agon.get(DEBATES).await.body["data"],
        json!([]),
        "nothing was created"
    );
}

#[tokio::test]
async fn bodies_that_are_no_orders_are_refused() {
    let agon = Agon::start_with(at_pace("fast")).await;
    let send = async |kind: &'static str, body: String| {
        let request = http_client()
            .post(format!("{}{DEBATES}", agon.base()))
            .header(header::CONTENT_TYPE, kind);
        let answer = request.body(body).send().await.unwrap();
        let status = answer.status().as_u16();
        (
            status,
            answer.json::<Value>().await.unwrap()["code"]
                .as_str()
                .unwrap()
                .to_owned(),
        )
    };
    let huge = with(&["topic"], json!("x".repeat(10 << 20))).to_string();
    assert_eq!(
        send("application/json", huge).await,
        (413, "body_too_large".to_owned())
    );
    assert_eq!(
        send("application/json", "{\"topic\": ".to_owned()).await,
        (400, "invalid_json".to_owned())
    );
    assert_eq!(
        send("text/plain", demo().to_string()).await,
        (415, "not_json".to_owned())
    );
    let nothing = agon.get("/api/v1/nothing").await;
    assert_eq!(
        (nothing.status, &nothing.body["code"]),
        (404, &json!("no_such_path"))
    );
    assert_eq!(agon.delete("/api/v1/formats").await.status, 405);
    assert_eq!(
        agon.get("/api/v1/debates/d_none").await.body["code"],
        "debate_not_found"
    );
}

#[tokio::test]
async fn an_idempotency_key_makes_one_debate() {
    let agon = Agon::start_with(at_pace("fast")).await;
    let send = async |body: Value| {
        let request = http_client()
            .post(format!("{}{DEBATES}", agon.base()))
            .header("idempotency-key", "k1");
        let answer = request.json(&body).send().await.unwrap();
        let (status, location) = (
            answer.status().as_u16(),
            answer.headers().get(header::LOCATION).cloned(),
        );
        (status, location, answer.json::<Value>().await.unwrap())
    };
    let (created, location, first) = send(demo()).await;
    assert_eq!(
        (created, location.unwrap().to_str().unwrap()),
        (
            201,
            format!("{DEBATES}/{}", first["id"].as_str().unwrap()).as_str()
        )
    );
    let (again, _, second) = send(demo()).await;
    assert_eq!((again, &second["id"]), (200, &first["id"]));
    let (other, _, problem) = send(with(&["topic"], json!("Another question?"))).await;
    assert_eq!(
        (other, &problem["code"]),
        (409, &json!("idempotency_key_reused"))
    );
}

#[tokio::test]
async fn an_agent_may_be_written_as_provider_and_model_name() {
    let agon = Agon::start_with(at_pace("fast")).await;
    let agent = json!({"name": "Ada", "provider": "demo", "model_name": "optimist"});
    let debate = agon.create_debate(&with(&["agents", "0"], agent)).await;
    let detail = agon.get(&format!("{DEBATES}/{debate}")).await.body;
    assert_eq!(detail["agents"][0]["model"], "demo/optimist");
}

#[tokio::test]
async fn an_order_without_a_judge_says_who_judges() {
    let agon = Agon::start_with(at_pace("fast")).await;
    let answer = agon.post(DEBATES, &with(&["judges"], json!([]))).await;
    assert_eq!(answer.status, 201);
    assert!(
        answer.body["warnings"][0]
            .as_str()
            .unwrap()
            .contains("nobody was named as judge"),
        "{}",
        answer.body
    );
}

#[tokio::test]
async fn an_estimate_creates_nothing_and_bounds_the_calls() {
    let agon = Agon::start_with(at_pace("fast")).await;
    let answer = agon.post("/api/v1/debates/estimate", &demo()).await;
    assert_eq!(
        (answer.status, &answer.body["expected_calls"]),
        (200, &json!(12)),
        "{}",
        answer.body
    );
    assert!(answer.body["max_calls"].as_u64().unwrap() >= 12);
    assert_eq!(agon.get(DEBATES).await.body["data"], json!([]));
}

#[tokio::test]
async fn a_finished_debate_can_be_exported_and_deleted_and_a_running_one_cannot_be_deleted() {
    let agon = Agon::start_with(at_pace("20")).await;
    let debate = agon.create_debate(&demo()).await;
    let path = format!("{DEBATES}/{debate}");
    assert_eq!(agon.delete(&path).await.body["code"], "still_running");
    let stop = json!({"id": "s", "cmd": "stop", "data": {"decide": true}});
    assert_eq!(
        agon.post(&format!("{path}/commands"), &stop).await.status,
        200
    );
    let markdown = agon.get(&format!("{path}/export.md")).await.body;
    assert!(
        markdown
            .as_str()
            .unwrap()
            .contains("| Ada | pro | demo/optimist |"),
        "{markdown}"
    );
    let json = agon.get(&format!("{path}/export.json")).await.body;
    assert_eq!(json["events"][0]["type"], "debate.created");
    assert_eq!(agon.delete(&path).await.status, 204);
    assert_eq!(agon.get(&path).await.status, 404);
}

#[tokio::test]
async fn with_a_master_key_only_health_is_open() {
    let env = vec![
        ("LITELLM_MASTER_KEY", "sk-master-key".to_owned()),
        ("AGON_DEMO_PACE", "fast".to_owned()),
    ];
    let agon = Agon::start_with(Options {
        env,
        ..Options::default()
    })
    .await;
    for path in [
        "/health",
        "/health/liveliness",
        "/health/readiness",
        "/openapi.json",
    ] {
        assert_eq!(agon.get(path).await.status, 200, "{path}");
    }
    for path in [
        DEBATES,
        "/api/v1/models",
        "/metrics",
        "/api/v1/admin/llm-flag",
    ] {
        let answer = agon.get(path).await;
        assert_eq!(
            (answer.status, &answer.body["code"]),
            (401, &json!("unauthorized")),
            "{path}"
        );
    }
    let ask = |key: &'static str| {
        http_client()
            .get(format!("{}{DEBATES}", agon.base()))
            .bearer_auth(key)
            .send()
    };
    assert_eq!(ask("sk-wrong").await.unwrap().status(), 401);
    assert_eq!(ask("sk-master-key").await.unwrap().status(), 200);
    assert!(!agon.log().contains("sk-master-key"), "{}", agon.log());
}

#[tokio::test]
async fn a_ticket_opens_one_socket() {
    let env = vec![
        ("AGON_MASTER_KEY", "sk-master-key".to_owned()),
        ("AGON_DEMO_PACE", "fast".to_owned()),
    ];
    let agon = Agon::start_with(Options {
        env,
        key: Some("sk-master-key".to_owned()),
        ..Options::default()
    })
    .await;
    let debate = agon.create_debate(&demo()).await;
    let ticket = agon.post("/api/v1/ws-tickets", &json!({})).await;
    assert_eq!(ticket.status, 201);
    let open = async |protocols: String| {
        use tokio_tungstenite::tungstenite::client::IntoClientRequest;
        let host = agon.base().trim_start_matches("http://");
        let mut request = format!("ws://{host}/ws/debates/{debate}")
            .into_client_request()
            .unwrap();
        request
            .headers_mut()
            .insert("sec-websocket-protocol", protocols.parse().unwrap());
        match tokio_tungstenite::connect_async(request).await {
            Ok((_, response)) => response.status().as_u16(),
            Err(tokio_tungstenite::tungstenite::Error::Http(response)) => {
                response.status().as_u16()
            }
            Err(other) => panic!("{other}"),
        }
    };
    let offered = format!("agon.v1, {}", ticket.body["subprotocol"].as_str().unwrap());
    assert_eq!(open(offered.clone()).await, 101);
    assert_eq!(open(offered).await, 401, "it was used");
    assert_eq!(
        open("agon.v1".to_owned()).await,
        401,
        "and without one there is no way in"
    );
}

#[tokio::test]
async fn lists_say_what_there_is_to_debate_with() {
    let agon = Agon::start_with(at_pace("fast")).await;
    let ids = async |path: &str| -> Vec<String> {
        let body = agon.get(path).await.body;
        body["data"]
            .as_array()
            .unwrap()
            .iter()
            .map(|it| it["id"].as_str().unwrap().to_owned())
            .collect()
    };
    let formats = ids("/api/v1/formats").await;
    for format in [
        "oxford",
        "society-of-minds",
        "tit-for-tat",
        "council",
        "single",
    ] {
        assert!(
            formats.contains(&format.to_owned()),
            "{format} in {formats:?}"
        );
    }
    let free = ids("/api/v1/models?tier=free&provider=ollama").await;
    assert!(
        free.len() >= 20 && free.contains(&"ollama/llama2:13b".to_owned()),
        "{free:?}"
    );
    assert!(
        ids("/api/v1/providers")
            .await
            .contains(&"openrouter".to_owned())
    );
    assert!(
        ids("/api/v1/models?available=true")
            .await
            .iter()
            .all(|id| id.starts_with("demo/"))
    );
}

#[tokio::test]
async fn figures_count_calls_and_debates() {
    let agon = Agon::start_with(at_pace("fast")).await;
    let debate = agon.create_debate(&demo()).await;
    agon.watch(&debate).await.until_over().await;
    let mut text = String::new();
    for _ in 0..50 {
        text = agon.get("/metrics").await.body.as_str().unwrap().to_owned();
        if text.contains("agon_debates_finished_total{outcome=\"complete\"} 1") {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    for words in [
        "agon_debates_finished_total{outcome=\"complete\"} 1",
        "agon_debates_running 0",
        "agon_llm_overhead_seconds_count{path=\"demo\"} 11",
    ] {
        assert!(text.contains(words), "{words} in {text}");
    }
}
