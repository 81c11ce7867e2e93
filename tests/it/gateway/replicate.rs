//! Predictions, which take more than one call: they are begun, then streamed or polled, and stopped.

use agon::client::LlmErrorKind;
use agon::client::TimeoutPhase;
use futures::StreamExt;
use serde_json::Value;
use serde_json::json;
use tokio::time::Instant;
use wiremock::Mock;
use wiremock::MockServer;
use wiremock::Request;
use wiremock::ResponseTemplate;
use wiremock::matchers::method;
use wiremock::matchers::path;

use super::KEY;
use super::client_at;
use super::keyless;
use super::ms;
use super::request;

const LLAMA: &str = "replicate/meta/meta-llama-3-70b-instruct";
const BEGIN: &str = "/v1/models/meta/meta-llama-3-70b-instruct/predictions";
const ASK: &str = "/v1/predictions/p1";
const STOP: &str = "/v1/predictions/p1/cancel";
const STREAM: &str = "/stream/p1";

const HELLO: &str = "event: output\nid: 1:0\ndata: Hel\n\nevent: output\ndata: lo\n\n";
const DONE: &str = "event: done\ndata: {\"reason\":\"\"}\n\n";

/// The prediction at this server, which streams where it is asked to.
fn prediction(server: &MockServer, status: &str, streams: bool) -> Value {
    let base = server.uri();
    let mut prediction = json!({
        "id": "p1", "model": "meta/meta-llama-3-70b-instruct", "status": status,
        "output": null, "error": null,
        "urls": { "get": format!("{base}{ASK}"), "cancel": format!("{base}{STOP}") },
    });
    if streams {
        prediction["urls"]["stream"] = json!(format!("{base}{STREAM}"));
    }
    prediction
}

fn finished(server: &MockServer) -> Value {
    let mut prediction = prediction(server, "succeeded", false);
    prediction["output"] = json!(["Hel", "lo"]);
    prediction["metrics"] = json!({ "input_token_count": 12, "output_token_count": 30 });
    prediction
}

async fn says(server: &MockServer, verb: &str, at: &str, reply: ResponseTemplate) {
    let mock = Mock::given(method(verb)).and(path(at));
    mock.respond_with(reply).mount(server).await;
}

fn body(value: &Value) -> ResponseTemplate {
    ResponseTemplate::new(200).set_body_json(value)
}

/// A server at which a prediction begins, and can be stopped.
async fn begun(streams: bool) -> MockServer {
    let server = MockServer::start().await;
    let starting = prediction(&server, "starting", streams);
    let created = ResponseTemplate::new(201).set_body_json(starting);
    says(&server, "POST", BEGIN, created).await;
    let canceled = prediction(&server, "canceled", streams);
    says(&server, "POST", STOP, body(&canceled)).await;
    server
}

async fn streams(server: &MockServer, events: &str) {
    let reply = ResponseTemplate::new(200).set_body_raw(events, "text/event-stream");
    says(server, "GET", STREAM, reply).await;
}

async fn asked(server: &MockServer, at: &str) -> Vec<Request> {
    let mut requests = server.received_requests().await.unwrap();
    requests.retain(|request| request.url.path() == at);
    requests
}

fn credential(request: &Request) -> Option<&str> {
    request.headers.get("authorization")?.to_str().ok()
}

/// Waits until the prediction is stopped, once and by who began it.
async fn is_stopped(server: &MockServer) {
    let late = Instant::now() + ms(5_000);
    loop {
        let stops = asked(server, STOP).await;
        if let Some(stop) = stops.first() {
            assert_eq!(stops.len(), 1);
            assert_eq!(credential(stop), Some(format!("Bearer {KEY}").as_str()));
            return;
        }
        assert!(Instant::now() < late, "the prediction was not stopped");
        tokio::time::sleep(ms(10)).await;
    }
}

#[tokio::test]
async fn a_prediction_is_streamed_without_the_key_and_counted_behind_its_end() {
    let server = begun(true).await;
    streams(&server, &format!("{HELLO}{DONE}")).await;
    says(&server, "GET", ASK, body(&finished(&server))).await;
    let client = client_at(&server.uri(), LLAMA);
    let answer = client.send_message(&request(LLAMA)).await.unwrap();
    assert_eq!(answer.text, "Hello");
    assert_eq!((answer.usage.input, answer.usage.output), (12, 30));
    assert!(!answer.usage.estimated);

    let bearer = format!("Bearer {KEY}");
    let begin = &asked(&server, BEGIN).await[0];
    assert_eq!(credential(begin), Some(bearer.as_str()));
    assert_eq!(begin.body_json::<Value>().unwrap()["stream"], true);
    let stream = &asked(&server, STREAM).await[0];
    assert_eq!(credential(stream), None);
    assert_eq!(stream.headers["accept"], "text/event-stream");
    let counts = asked(&server, ASK).await;
    assert_eq!(
        (counts.len(), credential(&counts[0])),
        (1, Some(bearer.as_str()))
    );
    assert!(asked(&server, STOP).await.is_empty());
}

#[tokio::test]
async fn a_stream_without_metrics_is_estimated() {
    let server = begun(true).await;
    streams(&server, &format!("{HELLO}{DONE}")).await;
    says(&server, "GET", ASK, ResponseTemplate::new(500)).await;
    let client = client_at(&server.uri(), LLAMA);
    let answer = client.send_message(&request(LLAMA)).await.unwrap();
    assert_eq!(answer.text, "Hello");
    assert!(answer.usage.estimated && answer.usage.output > 0);
}

#[tokio::test]
async fn a_prediction_that_cannot_stream_is_polled_until_it_is_over() {
    let server = begun(false).await;
    let processing = body(&prediction(&server, "processing", false));
    let first = Mock::given(method("GET")).and(path(ASK));
    let first = first.respond_with(processing).up_to_n_times(1);
    first.mount(&server).await;
    says(&server, "GET", ASK, body(&finished(&server))).await;
    let started = Instant::now();
    let client = client_at(&server.uri(), LLAMA);
    let answer = client.send_message(&request(LLAMA)).await.unwrap();
    assert_eq!((answer.text.as_str(), answer.id.as_str()), ("Hello", "p1"));
    assert_eq!((answer.usage.input, answer.usage.output), (12, 30));
    // Half a second, then one.
    assert!(started.elapsed() >= ms(1_500));
    let polls = asked(&server, ASK).await;
    assert_eq!(polls.len(), 2);
    for poll in &polls {
        assert_eq!(credential(poll), Some(format!("Bearer {KEY}").as_str()));
    }
    assert!(asked(&server, STOP).await.is_empty());
}

#[tokio::test]
async fn a_failed_prediction_is_an_error_of_its_class() {
    for (words, code) in [
        ("flagged as sensitive (E005)", "content_filtered"),
        ("", "overloaded"),
    ] {
        let server = begun(false).await;
        let mut failed = prediction(&server, "failed", false);
        failed["error"] = json!(words);
        says(&server, "GET", ASK, body(&failed)).await;
        let client = client_at(&server.uri(), LLAMA);
        let error = client.send_message(&request(LLAMA)).await.unwrap_err();
        keyless(&error);
        assert_eq!(error.kind.code(), code, "{error}");
        assert!(error.message.contains(words), "{error}");
        assert!(asked(&server, STOP).await.is_empty());
    }
}

#[tokio::test]
async fn dropping_the_stream_stops_the_prediction() {
    let server = begun(true).await;
    streams(&server, HELLO).await;
    let client = client_at(&server.uri(), LLAMA);
    let mut stream = client.stream_message(&request(LLAMA)).await.unwrap();
    assert_eq!(stream.next().await.unwrap().unwrap().delta.text, "Hel");
    assert!(asked(&server, STOP).await.is_empty());
    drop(stream);
    is_stopped(&server).await;
}

#[tokio::test]
async fn giving_up_on_a_polled_prediction_stops_it() {
    let server = begun(false).await;
    says(
        &server,
        "GET",
        ASK,
        body(&prediction(&server, "processing", false)),
    )
    .await;
    let client = client_at(&server.uri(), LLAMA);
    let mut asked = request(LLAMA);
    asked.call.deadline = Some(Instant::now() + ms(800));
    let error = client.send_message(&asked).await.unwrap_err();
    let phase = TimeoutPhase::Total;
    assert_eq!(error.kind, LlmErrorKind::Timeout { phase });
    is_stopped(&server).await;
}

#[tokio::test]
async fn an_address_in_plain_text_at_another_host_is_not_called() {
    let elsewhere = begun(true).await;
    let server = MockServer::start().await;
    let led_away =
        ResponseTemplate::new(201).set_body_json(prediction(&elsewhere, "starting", true));
    says(&server, "POST", BEGIN, led_away).await;
    let client = client_at(&server.uri(), LLAMA);
    let error = client.send_message(&request(LLAMA)).await.unwrap_err();
    assert_eq!(error.kind, LlmErrorKind::MalformedResponse, "{error}");
    assert!(elsewhere.received_requests().await.unwrap().is_empty());
}

#[tokio::test]
async fn a_throttled_call_says_when_to_come_again() {
    let server = MockServer::start().await;
    let throttled = json!({ "detail": "Request was throttled. Your rate limit resets in ~30s." });
    let reply = ResponseTemplate::new(429).set_body_json(throttled);
    says(&server, "POST", BEGIN, reply).await;
    let client = client_at(&server.uri(), LLAMA);
    let error = client.send_message(&request(LLAMA)).await.unwrap_err();
    keyless(&error);
    assert_eq!(error.status, Some(429));
    let retry_after = Some(ms(30_000));
    assert_eq!(error.kind, LlmErrorKind::RateLimited { retry_after });
}
