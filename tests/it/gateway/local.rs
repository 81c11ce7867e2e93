//! Local servers: calls wait in line and say so, the context is large enough, and a model that loads is told of.

use std::sync::Arc;
use std::sync::Mutex;
use std::time::Duration;

use agon::catalog::Catalog;
use agon::client::BaseLlmClient;
use agon::client::CallWait;
use agon::client::ChatRequest;
use agon::client::LlmErrorKind;
use agon::client::collect;
use agon::provider::CallTimeouts;
use agon::provider::ClientFactory;
use agon::provider::DemoPace;
use agon::provider::Environment;
use agon::provider::FactoryParts;
use agon::provider::FlagState;
use agon::provider::GeneralTimeouts;
use agon::provider::LlmFlag;
use agon::provider::LocalConfig;
use agon::types::Chat;
use agon::types::Clock;
use agon::types::Message;
use agon::types::ReasoningEffort;
use agon::types::Role;
use agon::types::Tool;
use serde_json::Value;
use serde_json::json;
use tokio::task::JoinSet;

use super::NOW_MS;
use super::SHORT;
use super::ms;
use crate::support::upstream::Reply;
use crate::support::upstream::Upstream;

const TINY: &str = "ollama/tiny";
const DONE: &str = "{\"message\":{\"content\":\"yes\"},\"done\":true,\"done_reason\":\"stop\",\"prompt_eval_count\":2,\"eval_count\":1}\n";

/// A factory whose local servers are all at this address.
fn factory(base_url: &str, timeouts: CallTimeouts, local: LocalConfig) -> ClientFactory {
    let openai = format!("{base_url}/v1");
    let environment: Environment = [
        ("OLLAMA_BASE_URL", base_url),
        ("LLAMACPP_BASE_URL", &openai),
    ]
    .into_iter()
    .collect();
    let catalog = Arc::new(Catalog::embedded());
    let ids = catalog.providers().map(|spec| spec.id.clone());
    let parts = FactoryParts {
        environment,
        flag: Arc::new(LlmFlag::new(FlagState::default(), ids)),
        catalog,
        timeouts: GeneralTimeouts {
            cloud: timeouts,
            local: timeouts,
        },
        demo_pace: DemoPace::Fast,
        clock: Clock::starting_at(NOW_MS),
    };
    ClientFactory::with_local(parts, local).unwrap()
}

fn client(upstream: &Upstream, model: &str) -> Arc<dyn BaseLlmClient> {
    let patient = CallTimeouts {
        first_token: Duration::from_secs(5),
        ..SHORT
    };
    let factory = factory(&upstream.base_url(), patient, LocalConfig::default());
    factory.create(model).unwrap()
}

fn asking(model: &str, text: &str) -> ChatRequest {
    let chat = Chat {
        messages: vec![Message::text(Role::User, text)],
        ..Chat::default()
    };
    ChatRequest::new(model.parse().unwrap(), chat)
}

fn chat_of(request: &mut ChatRequest) -> &mut Chat {
    match &mut request.content {
        agon::client::Content::Typed(chat) => std::sync::Arc::make_mut(chat),
        agon::client::Content::Raw { .. } | agon::client::Content::Text(_) => {
            unreachable!("it was made from a chat")
        }
    }
}

fn show(capabilities: &[&str]) -> Reply {
    Reply::json(&json!({
        "capabilities": capabilities,
        "model_info": {"general.architecture": "llama", "llama.context_length": 32_768},
    }))
}

fn in_memory(context: u64) -> Reply {
    Reply::json(&json!({"models": [{"name": "tiny:latest", "context_length": context}]}))
}

/// Notes everything that a call waits for.
fn watch(request: &ChatRequest, watching: &mut JoinSet<()>) -> Arc<Mutex<Vec<CallWait>>> {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let mut waits = request.call.trace.watch_waits();
    watching.spawn({
        let seen = Arc::clone(&seen);
        async move {
            while waits.changed().await.is_ok() {
                let now = waits.borrow_and_update().clone();
                seen.lock().unwrap().extend(now);
            }
        }
    });
    seen
}

#[tokio::test]
async fn calls_to_one_server_wait_in_line_and_the_wait_is_not_the_upstreams() {
    let slow = || Reply::ndjson([""]).pause(ms(400)).send(DONE);
    let upstream = Upstream::start([slow(), slow(), slow()]).await;
    // Each call may take half a second; the third one's waits for 800 ms before its own begins.
    let client = factory(&upstream.base_url(), SHORT, LocalConfig::default())
        .create(TINY)
        .unwrap();
    let (mut watching, mut calls) = (JoinSet::new(), Vec::new());
    for _ in 0..3 {
        let (client, request) = (Arc::clone(&client), asking(TINY, "yes?"));
        let (trace, seen) = (
            Arc::clone(&request.call.trace),
            watch(&request, &mut watching),
        );
        let call =
            tokio::spawn(async move { collect(client.stream_message(&request).await?).await });
        calls.push((call, trace, seen));
        tokio::time::sleep(ms(30)).await;
    }
    let mut behind = Vec::new();
    for (call, trace, seen) in calls {
        assert_eq!(call.await.unwrap().unwrap().text, "yes");
        assert!(
            trace.upstream_wait() < ms(700),
            "{:?}",
            trace.upstream_wait()
        );
        let seen = seen.lock().unwrap().clone();
        behind.push((seen, trace.queue_wait() > ms(200)));
    }
    let queued = |behind| CallWait::Queued { behind };
    assert_eq!(
        behind,
        [
            (vec![], false),
            (vec![queued(1)], true),
            (vec![queued(2), queued(1)], true)
        ]
    );
    let asked = upstream.requests();
    assert!(asked[1].at - asked[0].at >= ms(400) && asked[2].at - asked[1].at >= ms(400));
}

#[tokio::test]
async fn who_gives_up_leaves_the_line() {
    let upstream = Upstream::start([
        Reply::ndjson([""]).pause(ms(300)).send(DONE),
        Reply::ndjson([DONE]),
    ])
    .await;
    let client = client(&upstream, TINY);
    let first = tokio::spawn({
        let client = Arc::clone(&client);
        async move { client.send_message(&asking(TINY, "one")).await }
    });
    tokio::time::sleep(ms(50)).await;
    let mut late = asking(TINY, "two");
    late.call.deadline = Some(tokio::time::Instant::now() + ms(50));
    let error = client.send_message(&late).await.unwrap_err();
    assert_eq!(error.kind.code(), "timeout");
    assert!(error.message.contains("other calls"), "{error}");
    client.send_message(&asking(TINY, "three")).await.unwrap();
    first.await.unwrap().unwrap();
    assert_eq!(upstream.requests().len(), 2);
}

#[tokio::test]
async fn what_the_model_cannot_do_is_refused_before_the_call_or_left_out() {
    let upstream = Upstream::start([Reply::ndjson([DONE])]).await;
    upstream.says("/api/show", show(&["completion"]));
    let client = client(&upstream, TINY);
    let mut tools = asking(TINY, "weather?");
    chat_of(&mut tools).tools = vec![Tool {
        name: "look".to_owned(),
        description: "Looks.".to_owned(),
        parameters: json!({"type": "object"}),
        strict: None,
        cache: None,
    }];
    let error = client.send_message(&tools).await.unwrap_err();
    assert_eq!(error.kind, LlmErrorKind::InvalidRequest);
    assert!(error.message.contains("does not support tools"), "{error}");
    assert!(upstream.requests().is_empty());

    let mut thinks = asking(TINY, "why?");
    chat_of(&mut thinks).reasoning_effort = Some(ReasoningEffort::High);
    client.send_message(&thinks).await.unwrap();
    assert_eq!(upstream.requests()[0].json().get("think"), None);
}

#[tokio::test]
async fn the_context_grows_when_it_is_too_small_and_is_kept_when_it_is_enough() {
    let upstream = Upstream::start([(); 3].map(|()| Reply::ndjson([DONE]))).await;
    upstream.says("/api/show", show(&["completion"]));
    upstream.says("/api/ps", in_memory(4096));
    let config = serde_json::from_str(r#"{"keep_alive": "10m"}"#).unwrap();
    let local = LocalConfig {
        ollama: config,
        ..LocalConfig::default()
    };
    let client = factory(&upstream.base_url(), SHORT, local)
        .create(TINY)
        .unwrap();
    client.send_message(&asking(TINY, "short")).await.unwrap();
    let long = "word ".repeat(6000);
    client.send_message(&asking(TINY, &long)).await.unwrap();
    // It was loaded anew by now, and left the memory again.
    upstream.says("/api/ps", Reply::json(&json!({"models": []})));
    client.send_message(&asking(TINY, "short")).await.unwrap();
    let sent: Vec<Value> = upstream.requests().iter().map(|it| it.json()).collect();
    let contexts: Vec<_> = sent.iter().map(|it| &it["options"]["num_ctx"]).collect();
    assert_eq!(contexts, [&json!(4096), &json!(16_384), &json!(16_384)]);
    assert!(sent.iter().all(|it| it["truncate"] == json!(false)));
    assert!(sent.iter().all(|it| it["keep_alive"] == "10m"));
}

#[tokio::test]
async fn a_model_that_loads_is_told_of_and_one_that_is_only_slow_is_not() {
    let slow = || Reply::ndjson([""]).pause(ms(1500)).send(DONE);
    let upstream = Upstream::start([slow(), slow()]).await;
    upstream.says("/api/ps", Reply::json(&json!({"models": []})));
    let client = client(&upstream, TINY);
    let mut watching = JoinSet::new();
    let loads = asking(TINY, "yes?");
    let seen = watch(&loads, &mut watching);
    client.send_message(&loads).await.unwrap();
    let seen = seen.lock().unwrap().clone();
    let [CallWait::ModelLoading { model, waited }] = seen.as_slice() else {
        unreachable!("it was told that the model loads, once: {seen:?}")
    };
    assert_eq!(model.as_str(), TINY);
    assert!(*waited >= ms(900), "{waited:?}");

    upstream.says("/api/ps", in_memory(4096));
    let slow = asking(TINY, "yes?");
    let seen = watch(&slow, &mut watching);
    client.send_message(&slow).await.unwrap();
    assert_eq!(*seen.lock().unwrap(), []);
}

#[tokio::test]
async fn a_llama_cpp_server_that_loads_its_model_is_waited_for() {
    let loading =
        json!({"error": {"code": 503, "message": "Loading model", "type": "unavailable_error"}});
    let not_yet = Reply::status(503).send(loading.to_string());
    let yes = "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"yes\"},\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n";
    let upstream = Upstream::start([not_yet.clone(), Reply::sse([yes])]).await;
    upstream.says("/health", not_yet);
    let client = client(&upstream, "llamacpp/m");
    let request = asking("llamacpp/m", "yes?");
    let mut watching = JoinSet::new();
    let seen = watch(&request, &mut watching);
    let call = tokio::spawn(async move { client.send_message(&request).await });
    tokio::time::sleep(ms(300)).await;
    upstream.says("/health", Reply::json(&json!({"status": "ok"})));
    assert_eq!(call.await.unwrap().unwrap().text, "yes");
    assert!(matches!(
        seen.lock().unwrap().as_slice(),
        [CallWait::ModelLoading { .. }]
    ));
    assert_eq!(upstream.requests().len(), 2);
}
