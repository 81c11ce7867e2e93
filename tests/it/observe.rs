//! Telling others of calls: a receiver on this machine plays Langfuse, Sentry and a collector, or is dead, or slow.

use std::sync::Arc;
use std::time::Duration;

use agon::client::BaseLlmClient;
use agon::client::ChatRequest;
use agon::client::ClientSource;
use agon::client::EmbedderSource;
use agon::client::EmbeddingClient;
use agon::client::LlmError;
use agon::client::LlmErrorKind;
use agon::client::Reply as Answer;
use agon::client::ScriptedClient;
use agon::client::collect;
use agon::events::CallRecord;
use agon::events::Observers;
use agon::metrics::Metrics;
use agon::observe::ObserveConfig;
use agon::observe::Observing;
use agon::observe::ObservingParts;
use agon::observe::Scrubber;
use agon::provider::Environment;
use agon::provider::Transport;
use agon::router::Router;
use agon::router::RouterConfig;
use agon::router::RouterParts;
use agon::store::OwnerId;
use agon::store::SqliteStore;
use agon::store::UsageRows;
use agon::store::UsageSpan;
use agon::types::Chat;
use agon::types::Clock;
use agon::types::ContentLevel;
use agon::types::Message;
use agon::types::Role;
use base64::Engine;
use serde_json::Value;
use serde_json::json;

use crate::support::agon::Agon;
use crate::support::agon::Options;
use crate::support::upstream::Recorded;
use crate::support::upstream::Reply;
use crate::support::upstream::Upstream;

/// A key that an upstream quotes when it refuses it.
const REFUSED_KEY: &str = "sk-proj-0123456789abcdef";
/// Where nobody listens.
const NOBODY: &str = "http://127.0.0.1:9";

fn ok() -> Reply {
    Reply::json(&json!({}))
}

/// A router whose calls others are told of.
struct World {
    router: Router,
    observing: Observing,
    metrics: Arc<Metrics>,
}

struct Setting<'a> {
    config: ObserveConfig,
    variables: Vec<(&'a str, String)>,
    content: ContentLevel,
}

impl Setting<'_> {
    fn start(&self, answers: impl IntoIterator<Item = Answer>) -> World {
        let environment: Environment = self.variables.iter().cloned().collect();
        let metrics = Arc::new(Metrics::new());
        let transport = Transport::new().unwrap();
        let observing = Observing::start(&ObservingParts {
            config: &self.config,
            environment: &environment,
            metrics: &metrics,
            transport: &transport,
            scrubber: &Scrubber::default(),
            content: self.content,
        });
        let observers = Observers::new(observing.observers()).with_content(self.content);
        let config = RouterConfig {
            num_retries: 0,
            ..RouterConfig::default()
        };
        let client = Arc::new(OneClient(ScriptedClient::new(answers)));
        let router = Router::new(RouterParts {
            source: Arc::clone(&client) as _,
            embedders: client,
            config,
            observers,
            prices: Arc::new(|_| None),
            prompt_limits: Arc::new(|_| None),
            bare_names: Arc::new(|_| None),
            clock: Clock::system(),
            seed: 7,
        });
        World {
            router,
            observing,
            metrics,
        }
    }
}

struct OneClient(ScriptedClient);

impl ClientSource for OneClient {
    fn client(&self, _model: &agon::types::ModelName) -> Result<Arc<dyn BaseLlmClient>, LlmError> {
        Ok(Arc::new(self.0.clone()))
    }
}

impl EmbedderSource for OneClient {
    fn embedder(
        &self,
        model: &agon::types::ModelName,
    ) -> Result<Arc<dyn EmbeddingClient>, LlmError> {
        let kind = LlmErrorKind::InvalidRequest;
        Err(LlmError::new(kind, model.provider(), "it has no vectors"))
    }
}

impl World {
    async fn ask(&self, words: &str) -> Result<String, LlmError> {
        let model = "openai/gpt-5".parse().unwrap();
        let chat = Chat {
            messages: vec![Message::text(Role::User, words)],
            ..Chat::default()
        };
        let mut request = ChatRequest::new(model, chat);
        request.call.span = self.observing.tracer().begin(Some(
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        ));
        let client = self.router.client(&request.head.model)?;
        Ok(collect(client.stream_message(&request).await?).await?.text)
    }
}

fn names(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

fn refused() -> Answer {
    let words = format!("incorrect API key: {REFUSED_KEY}");
    let error = LlmError::new(LlmErrorKind::Authentication, "openai", words);
    Answer::Fail(error.with_status(401))
}

fn langfuse_and_sentry(langfuse: &str, sentry: &str) -> Setting<'static> {
    let sentry = sentry.replace("http://", "http://abc123@");
    Setting {
        config: ObserveConfig {
            success: names(&["langfuse", "prometheus"]),
            failure: names(&["sentry"]),
            ..ObserveConfig::default()
        },
        variables: vec![
            ("LANGFUSE_HOST", langfuse.to_owned()),
            ("LANGFUSE_PUBLIC_KEY", "pk-lf-1".to_owned()),
            ("LANGFUSE_SECRET_KEY", "sk-lf-2".to_owned()),
            ("SENTRY_DSN", format!("{sentry}/42")),
            ("SENTRY_ENVIRONMENT", "staging".to_owned()),
        ],
        content: ContentLevel::None,
    }
}

/// The spans of a request to an OTLP address.
fn spans(request: &Recorded) -> Vec<Value> {
    let scope = &request.json()["resourceSpans"][0]["scopeSpans"][0]["spans"];
    scope.as_array().unwrap().clone()
}

fn attribute<'a>(span: &'a Value, key: &str) -> Option<&'a str> {
    let attributes = span["attributes"].as_array().unwrap();
    let found = attributes
        .iter()
        .find(|attribute| attribute["key"] == key)?;
    found["value"]["stringValue"].as_str()
}

#[tokio::test]
async fn langfuse_is_told_of_successes_and_sentry_of_failures() {
    let (langfuse, sentry) = (Upstream::start([ok()]).await, Upstream::start([ok()]).await);
    let setting = langfuse_and_sentry(&langfuse.base_url(), &sentry.base_url());
    let world = setting.start([Answer::words("so it is"), refused()]);
    assert_eq!(world.ask("psst").await.unwrap(), "so it is");
    assert!(world.ask("psst").await.is_err());
    world.observing.close().await;

    let told = langfuse.requests();
    assert_eq!(told.len(), 1);
    assert_eq!(
        (told[0].method.as_str(), told[0].path.as_str()),
        ("POST", "/api/public/otel/v1/traces")
    );
    let pair = base64::prelude::BASE64_STANDARD.encode("pk-lf-1:sk-lf-2");
    assert_eq!(
        told[0].header("authorization"),
        Some(format!("Basic {pair}").as_str())
    );
    assert_eq!(told[0].header("content-type"), Some("application/json"));
    let spans = spans(&told[0]);
    assert_eq!(spans.len(), 1, "the failure is not for Langfuse");
    assert_eq!(
        attribute(&spans[0], "langfuse.observation.type"),
        Some("generation")
    );
    assert_eq!(
        attribute(&spans[0], "langfuse.observation.model.name"),
        Some("gpt-5")
    );
    assert_eq!(attribute(&spans[0], "langfuse.observation.input"), None);
    assert!(!String::from_utf8_lossy(&told[0].body).contains("psst"));

    let told = sentry.requests();
    assert_eq!(told.len(), 1, "the success is not for Sentry");
    assert_eq!(told[0].path, "/api/42/envelope/");
    assert_eq!(
        told[0].header("content-type"),
        Some("application/x-sentry-envelope")
    );
    let auth = told[0].header("x-sentry-auth").unwrap();
    assert!(
        auth.contains("sentry_version=7") && auth.contains("sentry_key=abc123"),
        "{auth}"
    );
    let body = String::from_utf8(told[0].body.clone()).unwrap();
    let event: Value = serde_json::from_str(body.lines().nth(2).unwrap()).unwrap();
    assert_eq!(event["exception"]["values"][0]["type"], "authentication");
    assert_eq!(event["tags"]["status"], "401");
    assert_eq!(event["environment"], "staging");
    assert!(!body.contains(REFUSED_KEY), "{body}");
}

#[tokio::test]
async fn what_was_asked_and_answered_is_told_only_where_the_operator_wants_it() {
    let langfuse = Upstream::start([ok()]).await;
    let setting = Setting {
        content: ContentLevel::Full,
        ..langfuse_and_sentry(&langfuse.base_url(), NOBODY)
    };
    let world = setting.start([Answer::words("so it is")]);
    world.ask(&format!("is {REFUSED_KEY} good?")).await.unwrap();
    world.observing.close().await;
    let spans = spans(&langfuse.requests()[0]);
    let input = attribute(&spans[0], "langfuse.observation.input").unwrap();
    assert!(input.contains("is sk-*** good?"), "{input}");
    assert_eq!(
        attribute(&spans[0], "langfuse.observation.output"),
        Some("so it is")
    );
}

#[tokio::test]
async fn a_collector_gets_the_callers_trace_and_what_it_could_not_take_it_gets_again() {
    let busy = Reply::status(503).header("retry-after", "0");
    let collector = Upstream::start([busy, ok()]).await;
    let setting = Setting {
        config: ObserveConfig::default(),
        variables: vec![
            ("OTEL_EXPORTER_OTLP_ENDPOINT", collector.base_url()),
            ("OTEL_EXPORTER_OTLP_HEADERS", "x-tenant=blue".to_owned()),
            ("OTEL_SERVICE_NAME", "gateway".to_owned()),
        ],
        content: ContentLevel::None,
    };
    let world = setting.start([Answer::words("yes"), refused()]);
    world.ask("?").await.unwrap();
    assert!(world.ask("?").await.is_err());
    let arrived = async {
        while collector.requests().len() < 2 {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), arrived)
        .await
        .unwrap();
    world.observing.close().await;
    let told = collector.requests();
    assert_eq!(told[0].body, told[1].body);
    assert_eq!(told[1].path, "/v1/traces");
    assert_eq!(told[1].header("x-tenant"), Some("blue"));
    let spans = spans(&told[1]);
    let requests: Vec<&Value> = spans.iter().filter(|span| span["kind"] == 2).collect();
    assert_eq!(requests.len(), 2);
    assert_eq!(spans.len(), 4, "each has made one attempt");
    for request in requests {
        assert_eq!(request["traceId"], "4bf92f3577b34da6a3ce929d0e0e4736");
        assert_eq!(request["parentSpanId"], "00f067aa0ba902b7");
        assert_eq!(attribute(request, "gen_ai.provider.name"), Some("openai"));
    }
    let text = world.metrics.render();
    assert!(
        text.contains("agon_records_total{to=\"otlp\",result=\"sent\"} 2"),
        "{text}"
    );
    assert!(
        text.contains("agon_record_failures_total{to=\"otlp\"} 1"),
        "{text}"
    );
}

/// Tells of many calls at once, and returns how many were counted as lost, and how long telling took.
async fn tell_of_many(setting: &Setting<'_>) -> (u64, Duration) {
    const CALLS: u64 = 10_000;
    let world = setting.start([]);
    let observers = Observers::new(world.observing.observers());
    let record = CallRecord::new("openai/gpt-5".parse().unwrap());
    let began = tokio::time::Instant::now();
    for _ in 0..CALLS {
        observers.call_finished(&record);
    }
    let took = began.elapsed();
    let text = world.metrics.render();
    let line = "agon_records_total{to=\"langfuse\",result=\"lost\"} ";
    let lost = text.lines().find_map(|found| found.strip_prefix(line));
    let lost = lost.unwrap().parse().unwrap();
    let closing = tokio::time::Instant::now();
    world.observing.close().await;
    assert!(
        closing.elapsed() < Duration::from_secs(10),
        "the end does not wait for it"
    );
    (lost, took)
}

#[tokio::test]
async fn a_receiver_that_is_dead_costs_calls_nothing_and_memory_a_little() {
    let (lost, took) = tell_of_many(&langfuse_and_sentry(NOBODY, NOBODY)).await;
    assert!(lost >= 10_000 - 2048, "{lost} found no place in the queue");
    assert!(took < Duration::from_secs(2), "{took:?}");
}

#[tokio::test]
async fn a_receiver_that_does_not_answer_costs_calls_nothing_and_memory_a_little() {
    let slow = Upstream::start([Reply::silence(), Reply::silence()]).await;
    let (lost, took) = tell_of_many(&langfuse_and_sentry(&slow.base_url(), NOBODY)).await;
    assert!(lost >= 10_000 - 2048, "{lost} found no place in the queue");
    assert!(took < Duration::from_secs(2), "{took:?}");
}

#[tokio::test]
async fn a_server_keeps_a_row_of_each_call_and_tells_langfuse() {
    let langfuse = Upstream::start([ok(), ok(), ok(), ok(), ok(), ok(), ok()]).await;
    let options = Options {
        config: Some("observe: {success: [langfuse, lunary]}\n".to_owned()),
        env: vec![
            ("AGON_DEMO_PACE", "fast".to_owned()),
            ("LANGFUSE_BASE_URL", langfuse.base_url()),
            ("LANGFUSE_PUBLIC_KEY", "pk-lf-very-public".to_owned()),
            ("LANGFUSE_SECRET_KEY", "sk-lf-very-private".to_owned()),
        ],
        ..Options::default()
    };
    let mut agon = Agon::start_with(options).await;
    let debate = agon.create_debate(&crate::debate::demo()).await;
    agon.watch(&debate).await.until_over().await;
    assert!(agon.stop().await.success());
    let store = SqliteStore::open(&agon.database_url(), &OwnerId::fresh())
        .await
        .unwrap();
    let all = UsageSpan {
        from_ms: 0,
        before_ms: u64::MAX,
        after: None,
        limit: 100,
    };
    let rows = store.calls(&all).await.unwrap();
    assert_eq!(rows.len(), 11);
    for row in &rows {
        assert_eq!(row.debate.as_deref(), Some(debate.as_str()));
        assert_eq!((row.path.as_str(), row.attempts), ("demo", 1));
        assert!(
            row.usage.total_tokens() > 0 && row.error.is_none(),
            "{row:?}"
        );
    }
    let told: usize = langfuse
        .requests()
        .iter()
        .map(|request| spans(request).len())
        .sum();
    assert_eq!(told, 11);
    let log = agon.log();
    assert!(
        log.contains("\"lunary\" is not known")
            && log.contains("langfuse, otel, prometheus, sentry"),
        "{log}"
    );
    assert!(!log.contains("very-private"), "{log}");
}

#[tokio::test]
async fn a_scraper_gets_the_form_that_it_asks_for() {
    let agon = Agon::start().await;
    let http = crate::support::http_client();
    let get = async |accept: &str| {
        let request = http.get(format!("{}/metrics", agon.base()));
        let answer = request.header("accept", accept).send().await.unwrap();
        let kind = answer.headers()["content-type"]
            .to_str()
            .unwrap()
            .to_owned();
        (kind, answer.text().await.unwrap())
    };
    let (kind, text) = get("text/plain;version=0.0.4").await;
    assert_eq!(kind, "text/plain; version=0.0.4; charset=utf-8");
    assert!(text.contains("# TYPE litellm_spend_metric_total counter\n"));
    assert!(!text.contains("# EOF"));
    let (kind, text) = get("application/openmetrics-text;version=1.0.0,text/plain;q=0.5").await;
    assert_eq!(
        kind,
        "application/openmetrics-text; version=1.0.0; charset=utf-8"
    );
    assert!(text.contains("# TYPE litellm_spend_metric counter\n") && text.ends_with("# EOF\n"));
}

#[tokio::test]
async fn a_callers_trace_goes_on_to_the_provider_only_where_that_is_wanted() {
    const TRACEPARENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    for (config, goes_on) in [
        ("observe: {forward_traceparent: true}\n", true),
        ("", false),
    ] {
        let answer = json!({"id": "c", "object": "chat.completion", "model": "gpt-4o-mini", "choices": [
            {"index": 0, "message": {"role": "assistant", "content": "yes"}, "finish_reason": "stop"}],
            "usage": {"prompt_tokens": 7, "completion_tokens": 1, "total_tokens": 8}});
        let upstream = Upstream::start([Reply::json(&answer)]).await;
        let mut agon = Agon::start_with(Options {
            config: Some(config.to_owned()),
            env: vec![
                ("OPENAI_BASE_URL", format!("{}/v1", upstream.base_url())),
                ("OPENAI_API_KEY", "sk-test-0123456789".to_owned()),
            ],
            ..Options::default()
        })
        .await;
        let asked = crate::support::http_client()
            .post(format!("{}/v1/chat/completions", agon.base()))
            .header("traceparent", TRACEPARENT)
            .header("x-litellm-call-id", "call-7")
            .json(&json!({"model": "openai/gpt-4o-mini", "messages": [{"role": "user", "content": "?"}]}))
            .send()
            .await
            .unwrap();
        assert_eq!(asked.status(), 200);
        let told = upstream.requests();
        let sent = told[0].header("traceparent");
        assert_eq!(sent.is_some(), goes_on, "{sent:?}");
        if let Some(sent) = sent {
            assert!(
                sent.starts_with("00-4bf92f3577b34da6a3ce929d0e0e4736-") && sent != TRACEPARENT
            );
        }
        assert!(agon.stop().await.success());
        let store = SqliteStore::open(&agon.database_url(), &OwnerId::fresh())
            .await
            .unwrap();
        let all = UsageSpan {
            from_ms: 0,
            before_ms: u64::MAX,
            after: None,
            limit: 10,
        };
        let rows = store.calls(&all).await.unwrap();
        assert_eq!(rows.len(), 1, "{rows:?}");
        assert_eq!(rows[0].call_id.as_deref(), Some("call-7"));
        assert_eq!((rows[0].usage.input, rows[0].usage.output), (7, 1));
    }
}
