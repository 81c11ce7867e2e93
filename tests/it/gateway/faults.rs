//! Upstreams that stall, break off, talk nonsense, or say too much.

use agon::client::CallPath;
use agon::client::LlmErrorKind;
use agon::client::TimeoutPhase;
use agon::provider::CallTimeouts;
use agon::types::Endpoint;
use futures::StreamExt;
use tokio::time::Instant;

use super::KEY;
use super::OPENAI;
use super::client_at;
use super::factory_at;
use super::keyless;
use super::ms;
use super::request;
use crate::support::upstream::Reply;
use crate::support::upstream::Upstream;

const HI: &str =
    "data: {\"id\":\"c\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\"Hi\"}}]}\n\n";
const STOP: &str =
    "data: {\"id\":\"c\",\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n";
const DONE: &str = "data: [DONE]\n\n";

/// The class of the error that a streamed call ends with before its answer.
async fn refusal(reply: Reply) -> LlmErrorKind {
    let upstream = Upstream::start([reply]).await;
    let client = client_at(&upstream.base_url(), OPENAI);
    let error = client.stream_message(&request(OPENAI)).await.err().unwrap();
    keyless(&error);
    error.kind
}

/// The class of the error that a streamed answer ends with after its first chunk.
async fn interruption(reply: Reply) -> LlmErrorKind {
    let upstream = Upstream::start([reply]).await;
    let client = client_at(&upstream.base_url(), OPENAI);
    let mut stream = client.stream_message(&request(OPENAI)).await.unwrap();
    assert_eq!(stream.next().await.unwrap().unwrap().delta.text, "Hi");
    let error = stream.next().await.unwrap().unwrap_err();
    keyless(&error);
    assert!(stream.next().await.is_none());
    error.kind
}

fn timeout(phase: TimeoutPhase) -> LlmErrorKind {
    LlmErrorKind::Timeout { phase }
}

#[tokio::test]
async fn silence_before_the_first_token_is_a_timeout_of_its_own() {
    let first_token = timeout(TimeoutPhase::FirstToken);
    assert_eq!(refusal(Reply::silence()).await, first_token);
    assert_eq!(
        refusal(Reply::sse([": wait\n\n"]).stall()).await,
        first_token
    );
}

#[tokio::test]
async fn a_handshake_that_never_ends_is_a_timeout_of_connecting() {
    let upstream = Upstream::start([]).await;
    let tls = upstream.base_url().replace("http://", "https://");
    let impatient = CallTimeouts {
        connect: ms(100),
        ..super::SHORT
    };
    let client = factory_at(&tls, impatient).create(OPENAI).unwrap();
    let error = client.stream_message(&request(OPENAI)).await.err().unwrap();
    assert_eq!(error.kind, timeout(TimeoutPhase::Connect));
}

#[tokio::test]
async fn a_stall_in_the_middle_is_an_idle_timeout() {
    let stalled = Reply::sse([HI]).stall();
    assert_eq!(interruption(stalled).await, timeout(TimeoutPhase::Idle));
}

#[tokio::test]
async fn a_cut_in_the_middle_is_an_interruption_with_the_bytes_that_came() {
    let bytes = HI.len() as u64;
    for reply in [
        Reply::sse([HI]).cut(),
        Reply::sse([HI]).pause(ms(20)).reset(),
    ] {
        let kind = interruption(reply).await;
        assert_eq!(kind, LlmErrorKind::StreamInterrupted { bytes });
    }
}

#[tokio::test]
async fn a_connection_that_closes_before_the_answer_has_failed() {
    for reply in [
        Reply::hang_up(),
        Reply::sse([""; 0]),
        Reply::sse([": wait\n\n"]).cut(),
    ] {
        assert_eq!(refusal(reply).await, LlmErrorKind::ConnectionFailed);
    }
}

#[tokio::test]
async fn nobody_at_the_address_is_a_failed_connection_that_says_where() {
    let client = client_at("http://127.0.0.1:9", super::OLLAMA);
    let error = client
        .stream_message(&request(super::OLLAMA))
        .await
        .err()
        .unwrap();
    assert_eq!(error.kind, LlmErrorKind::ConnectionFailed);
    assert!(error.message.contains("127.0.0.1:9"), "{error}");
    assert!(error.message.contains("start Ollama"), "{error}");
}

#[tokio::test]
async fn nonsense_is_a_failed_connection_or_a_malformed_answer() {
    let not_http = Reply::garbage("SSH-2.0-OpenSSH_9.9\r\n");
    assert_eq!(refusal(not_http).await, LlmErrorKind::ConnectionFailed);
    let not_json = Reply::sse(["data: {\"choices\": [oops\n\n"]);
    assert_eq!(refusal(not_json).await, LlmErrorKind::MalformedResponse);
    let page = Reply::status(200)
        .header("content-type", "text/html; charset=utf-8")
        .send("<html>welcome</html>");
    assert_eq!(refusal(page).await, LlmErrorKind::MalformedResponse);
    let nonsense_within = Reply::sse([HI, "data: {\"choices\": [oops\n\n"]);
    let bytes = (HI.len() + "data: {\"choices\": [oops\n\n".len()) as u64;
    let kind = interruption(nonsense_within).await;
    assert_eq!(kind, LlmErrorKind::StreamInterrupted { bytes });
}

#[tokio::test]
async fn a_huge_error_body_is_read_in_part_and_its_class_is_known() {
    let upstream = Upstream::start([Reply::status(503)
        .send(format!("{KEY} {}", "x".repeat(8 * 1024 * 1024)))
        .stall()])
    .await;
    let client = client_at(&upstream.base_url(), OPENAI);
    let started = Instant::now();
    let error = client.stream_message(&request(OPENAI)).await.err().unwrap();
    keyless(&error);
    assert_eq!(error.kind.code(), "overloaded");
    assert_eq!(error.status, Some(503));
    assert!(error.message.len() < 2_000);
    assert!(started.elapsed() < ms(2_000));
}

#[tokio::test]
async fn dropping_the_stream_closes_the_upstream_at_once() {
    let upstream = Upstream::start([Reply::sse([HI]).stall()]).await;
    let client = client_at(&upstream.base_url(), OPENAI);
    let stream = client.stream_message(&request(OPENAI)).await.unwrap();
    assert_eq!(upstream.clients_that_left(), 0);
    drop(stream);
    assert!(upstream.client_left().await < ms(200));
}

#[tokio::test]
async fn giving_up_before_the_answer_closes_the_upstream_at_once() {
    for reply in [Reply::silence(), Reply::sse([""; 0]).stall()] {
        let upstream = Upstream::start([reply]).await;
        let client = client_at(&upstream.base_url(), OPENAI);
        let asked = request(OPENAI);
        let call = client.send_message(&asked);
        assert!(tokio::time::timeout(ms(250), call).await.is_err());
        assert!(upstream.client_left().await < ms(200));
    }
}

#[tokio::test]
async fn a_connection_is_used_again_after_a_whole_answer() {
    let whole = Reply::sse([HI, STOP, DONE]);
    let upstream = Upstream::start([whole.clone(), whole]).await;
    let client = client_at(&upstream.base_url(), OPENAI);
    for _ in 0..2 {
        let asked = request(OPENAI);
        assert_eq!(client.send_message(&asked).await.unwrap().text, "Hi");
        assert_eq!(asked.call.trace.path(), Some(CallPath::Unified));
    }
    assert_eq!((upstream.requests().len(), upstream.connections()), (2, 1));
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let elsewhere = Upstream::start([]).await;
    let moved = Reply::status(307).header("location", &elsewhere.base_url());
    assert_eq!(refusal(moved).await, LlmErrorKind::InvalidRequest);
    assert_eq!(elsewhere.connections(), 0);
}

#[tokio::test]
async fn a_callers_address_may_not_be_a_metadata_service() {
    let client = client_at("http://127.0.0.1:9", OPENAI);
    for api_base in [
        "http://169.254.169.254/latest",
        "http://[fd00:ec2::254]",
        "http://[fe80::1]:80",
    ] {
        let mut asked = request(OPENAI);
        asked.call.endpoint = Some(Endpoint {
            api_base: Some(api_base.to_owned()),
            api_key_env_var: None,
        });
        let error = client.send_message(&asked).await.unwrap_err();
        assert_eq!(error.kind, LlmErrorKind::InvalidRequest, "{error}");
        assert!(error.message.contains("metadata"), "{error}");
    }
}

#[tokio::test]
async fn a_callers_address_is_called_instead_of_the_providers() {
    let upstream = Upstream::start([Reply::sse([HI, STOP, DONE])]).await;
    let client = client_at("http://127.0.0.1:9", OPENAI);
    let mut asked = request(OPENAI);
    asked.call.endpoint = Some(Endpoint {
        api_base: Some(upstream.base_url()),
        api_key_env_var: None,
    });
    assert_eq!(client.send_message(&asked).await.unwrap().text, "Hi");
}

#[tokio::test]
async fn the_time_spent_waiting_is_noted_as_the_upstreams() {
    // The pause is before the head: what comes later may be read late, and then was not waited for.
    let head = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n";
    let slow = Reply::raw().pause(ms(60)).send(head);
    let upstream = Upstream::start([slow.send_all([HI, STOP, DONE]).cut()]).await;
    let asked = request(OPENAI);
    let started = Instant::now();
    client_at(&upstream.base_url(), OPENAI)
        .send_message(&asked)
        .await
        .unwrap();
    let waited = asked.call.trace.upstream_wait();
    assert!(
        waited >= ms(60) && waited <= started.elapsed(),
        "{waited:?}"
    );
}
