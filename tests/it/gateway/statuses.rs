//! What a status and a body say about who can do what.

use agon::client::LlmErrorKind;
use serde_json::Value;
use serde_json::json;
use wiremock::Mock;
use wiremock::MockServer;
use wiremock::ResponseTemplate;
use wiremock::matchers::any;

use super::ANTHROPIC;
use super::KEY;
use super::OLLAMA;
use super::OPENAI;
use super::client_at;
use super::keyless;
use super::ms;
use super::request;

async fn error_of(model: &str, reply: ResponseTemplate) -> agon::client::LlmError {
    let server = MockServer::start().await;
    Mock::given(any()).respond_with(reply).mount(&server).await;
    let client = client_at(&server.uri(), model);
    let error = client.send_message(&request(model)).await.unwrap_err();
    keyless(&error);
    error
}

fn openai(code: &str) -> Value {
    json!({ "error": { "message": format!("about {KEY}"), "type": "x", "code": code } })
}

fn anthropic(kind: &str) -> Value {
    json!({ "type": "error", "error": { "type": kind, "message": format!("about {KEY}") } })
}

#[tokio::test]
async fn every_status_has_its_class_on_every_wire() {
    let cases = [
        (OPENAI, 401, openai("invalid_api_key"), "authentication"),
        (OPENAI, 403, openai("forbidden"), "permission_denied"),
        (OPENAI, 404, openai("model_not_found"), "model_not_found"),
        (OPENAI, 400, openai("bad"), "invalid_request"),
        (
            OPENAI,
            400,
            openai("context_length_exceeded"),
            "context_length_exceeded",
        ),
        (OPENAI, 429, openai("rate_limit_exceeded"), "rate_limited"),
        (OPENAI, 429, openai("insufficient_quota"), "quota_exhausted"),
        (OPENAI, 503, openai("busy"), "overloaded"),
        (
            ANTHROPIC,
            401,
            anthropic("authentication_error"),
            "authentication",
        ),
        (
            ANTHROPIC,
            429,
            anthropic("rate_limit_error"),
            "rate_limited",
        ),
        (ANTHROPIC, 529, anthropic("overloaded_error"), "overloaded"),
        (
            ANTHROPIC,
            400,
            anthropic("invalid_request_error"),
            "invalid_request",
        ),
        (
            OLLAMA,
            404,
            json!({ "error": "model 'llama3.2' not found" }),
            "model_not_found",
        ),
        (OLLAMA, 400, json!({ "error": "bad" }), "invalid_request"),
    ];
    for (model, status, body, class) in cases {
        let reply = ResponseTemplate::new(status).set_body_json(&body);
        let error = error_of(model, reply).await;
        assert_eq!(error.kind.code(), class, "{model} {status} {body}: {error}");
        assert_eq!(error.status, Some(status), "{error}");
    }
}

#[tokio::test]
async fn a_429_says_how_long_to_wait() {
    for (model, body) in [
        (OPENAI, openai("rate_limit_exceeded")),
        (ANTHROPIC, anthropic("rate_limit_error")),
    ] {
        let reply = ResponseTemplate::new(429)
            .insert_header("retry-after", "7")
            .set_body_json(body);
        let retry_after = Some(ms(7_000));
        assert_eq!(
            error_of(model, reply).await.kind,
            LlmErrorKind::RateLimited { retry_after }
        );
    }
}
