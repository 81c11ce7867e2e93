mod faults;
mod groups;
mod limits;
mod world;

use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::AtomicU32;
use std::sync::atomic::Ordering;
use std::time::Duration;

use futures::StreamExt;
use proptest::prelude::*;
use proptest::strategy::Strategy;
use tokio::time::Instant;

use super::*;
use crate::client::BaseLlmClient;
use crate::client::CallContext;
use crate::client::ChatRequest;
use crate::client::ClientSource;
use crate::client::EmbedderSource;
use crate::client::EmbeddingClient;
use crate::client::LlmError;
use crate::client::LlmErrorKind;
use crate::client::MockBaseLlmClient;
use crate::client::Reply;
use crate::client::ScriptedClient;
use crate::client::collect;
use crate::events::CallRecord;
use crate::events::Observer;
use crate::events::Observers;
use crate::types::Chat;
use crate::types::ChatResponse;
use crate::types::Clock;
use crate::types::Message;
use crate::types::ModelName;
use crate::types::NanoUsd;
use crate::types::Prices;
use crate::types::chat::Role;

const DOWN: LlmErrorKind = LlmErrorKind::ConnectionFailed;

/// A router over one client, and everything that was seen of it.
struct World {
    router: Router,
    source: Arc<CountingSource>,
    records: Arc<Records>,
}

struct CountingSource {
    client: Arc<dyn BaseLlmClient>,
    given: AtomicU32,
}

impl ClientSource for CountingSource {
    fn client(&self, model: &ModelName) -> Result<Arc<dyn BaseLlmClient>, LlmError> {
        if model.provider() != "p" {
            return Err(LlmError::new(
                LlmErrorKind::ModelNotFound,
                model.provider(),
                "no such provider",
            ));
        }
        self.given.fetch_add(1, Ordering::Relaxed);
        Ok(Arc::clone(&self.client))
    }
}

struct NoEmbedders;

impl EmbedderSource for NoEmbedders {
    fn embedder(&self, model: &ModelName) -> Result<Arc<dyn EmbeddingClient>, LlmError> {
        Err(LlmError::new(
            LlmErrorKind::InvalidRequest,
            model.provider(),
            "it has no vectors",
        ))
    }
}

#[derive(Default)]
struct Records(Mutex<Vec<CallRecord>>);

impl Observer for Records {
    fn call_finished(&self, record: &Arc<CallRecord>) {
        self.0.lock().unwrap().push(CallRecord::clone(record));
    }
}

impl World {
    fn new(client: impl BaseLlmClient + 'static) -> Self {
        Self::with_config(client, RouterConfig::default())
    }

    fn with_config(client: impl BaseLlmClient + 'static, config: RouterConfig) -> Self {
        let source = Arc::new(CountingSource {
            client: Arc::new(client),
            given: AtomicU32::new(0),
        });
        let records = Arc::new(Records::default());
        // 1 USD in, 2 USD out per million tokens.
        let prices = Prices {
            input: 1_000_000_000,
            output: 2_000_000_000,
            ..Prices::default()
        };
        let router = Router::new(RouterParts {
            source: source.clone(),
            embedders: Arc::new(NoEmbedders),
            config,
            observers: Observers::new(vec![records.clone()]),
            prices: Arc::new(move |_| Some(prices)),
            prompt_limits: Arc::new(|_| None),
            bare_names: Arc::new(|_| None),
            clock: Clock::starting_at(0),
            seed: 7,
        });
        Self {
            router,
            source,
            records,
        }
    }

    fn client(&self) -> Arc<dyn BaseLlmClient> {
        self.router.client(&"p/m".parse().unwrap()).unwrap()
    }

    async fn ask(&self) -> Result<String, LlmError> {
        let stream = self.client().stream_message(&request()).await?;
        Ok(collect(stream).await?.text)
    }

    fn records(&self) -> Vec<CallRecord> {
        self.records.0.lock().unwrap().clone()
    }
}

fn request() -> ChatRequest {
    let chat = Chat {
        messages: vec![Message::text(Role::User, "is it so?")],
        ..Chat::default()
    };
    ChatRequest::new("p/m".parse().unwrap(), chat)
}

fn fail(kind: LlmErrorKind) -> Reply {
    Reply::Fail(LlmError::new(kind, "p", "no"))
}

fn limited(seconds: u64) -> LlmErrorKind {
    LlmErrorKind::RateLimited {
        retry_after: Some(Duration::from_secs(seconds)),
    }
}

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

#[tokio::test(start_paused = true)]
async fn a_429_with_retry_after_waits_that_long_and_no_longer() {
    let world = World::new(ScriptedClient::new([
        fail(limited(12)),
        Reply::words("yes"),
    ]));
    let started = Instant::now();
    assert_eq!(world.ask().await.unwrap(), "yes");
    assert_eq!(started.elapsed(), seconds(12));
    let record = &world.records()[0];
    assert_eq!((record.attempts, record.retry_wait), (2, seconds(12)));
    assert_eq!(record.overhead(), Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn a_retry_after_beyond_the_limit_ends_the_call_at_once_and_cools_the_deployment() {
    let client = ScriptedClient::new([fail(limited(120)), Reply::words("yes")]);
    let world = World::new(client.clone());
    let started = Instant::now();
    assert_eq!(world.ask().await.unwrap_err().kind, limited(120));
    let LlmErrorKind::NoDeployment { tried, .. } = world.ask().await.unwrap_err().kind else {
        panic!("the second call must not wait two minutes")
    };
    assert_eq!(tried[0].code, "rate_limited");
    assert_eq!(started.elapsed(), Duration::ZERO);
    tokio::time::advance(seconds(120)).await;
    assert_eq!(world.ask().await.unwrap(), "yes");
    assert_eq!(client.asked().len(), 2);
}

#[tokio::test(start_paused = true)]
async fn nothing_is_retried_after_the_first_chunk() {
    let client = ScriptedClient::new([Reply::Cut(vec!["half ".into()]), Reply::words("whole")]);
    let world = World::new(client.clone());
    let mut stream = world.client().stream_message(&request()).await.unwrap();
    assert_eq!(stream.next().await.unwrap().unwrap().delta.text, "half ");
    let error = stream.next().await.unwrap().unwrap_err();
    assert_eq!(error.kind, LlmErrorKind::StreamInterrupted { bytes: 5 });
    assert!(stream.next().await.is_none());
    drop(stream);
    assert_eq!(client.asked().len(), 1);
    assert_eq!(world.records().len(), 1);
    let record = &world.records()[0];
    assert_eq!(record.error, Some("stream_interrupted"));
    assert!(record.usage.estimated, "the provider bills what it sent");
}

#[tokio::test(start_paused = true)]
async fn a_dead_deployment_is_probed_once_after_its_cooldown() {
    let script = (0..10).map(|_| fail(DOWN)).chain([Reply::words("back")]);
    let client = ScriptedClient::new(script).with_delay(seconds(1));
    let world = World::new(client.clone());
    for _ in 0..3 {
        assert_eq!(world.ask().await.unwrap_err().kind, DOWN);
    }
    assert_eq!(client.asked().len(), 9, "three calls of three attempts");
    let error = world.ask().await.unwrap_err();
    assert!(matches!(error.kind, LlmErrorKind::NoDeployment { .. }));
    assert!(error.message.contains("another 5.0 s"), "{error}");
    let record = world.records().pop().unwrap();
    assert_eq!((record.attempts, record.error), (0, Some("no_deployment")));

    tokio::time::advance(seconds(5)).await;
    assert_eq!(world.ask().await.unwrap_err().kind, DOWN);
    assert!(
        world.ask().await.is_err(),
        "the failed probe cools it again"
    );
    assert_eq!(client.asked().len(), 10);

    tokio::time::advance(seconds(5)).await;
    let (probe, other) = tokio::join!(world.ask(), world.ask());
    assert_eq!(probe.unwrap(), "back");
    let LlmErrorKind::NoDeployment { tried, .. } = other.unwrap_err().kind else {
        panic!("only one call may probe")
    };
    assert_eq!(tried[0].code, "connection_failed");
    assert_eq!(client.asked().len(), 11);
}

#[tokio::test(start_paused = true)]
async fn calls_that_meet_a_rate_limit_wait_for_it_and_for_the_probe() {
    let client = ScriptedClient::new(
        [fail(limited(3))]
            .into_iter()
            .chain((0..3).map(|_| Reply::words("yes"))),
    );
    let world = World::new(client.with_delay(seconds(1)));
    let started = Instant::now();
    let (one, two, three) = tokio::join!(world.ask(), world.ask(), world.ask());
    assert!(one.is_ok() && two.is_ok() && three.is_ok());
    assert_eq!(
        started.elapsed(),
        seconds(3 + 1 + 1),
        "the rest, the probe, then the others together"
    );
}

#[tokio::test(start_paused = true)]
async fn a_bad_key_is_not_retried() {
    let client = ScriptedClient::new([fail(LlmErrorKind::Authentication), Reply::words("yes")]);
    let world = World::new(client.clone());
    let started = Instant::now();
    let error = world.ask().await.unwrap_err();
    assert_eq!(error.kind, LlmErrorKind::Authentication);
    assert_eq!(error.message, "no");
    assert_eq!(started.elapsed(), Duration::ZERO);
    assert_eq!(client.asked().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn dropping_the_stream_is_recorded_as_cancelled_once() {
    let world = World::new(ScriptedClient::new([Reply::words("one two three")]));
    let mut stream = world.client().stream_message(&request()).await.unwrap();
    stream.next().await.unwrap().unwrap();
    tokio::time::advance(seconds(2)).await;
    drop(stream);
    let records = world.records();
    assert_eq!(records.len(), 1);
    assert_eq!(records[0].error, Some("cancelled"));
    assert_eq!(records[0].reader_wait, seconds(2));
    assert_eq!(records[0].overhead(), Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn a_caller_that_leaves_before_the_first_chunk_is_recorded_as_cancelled_once() {
    let world = World::new(ScriptedClient::new([fail(limited(20))]));
    let left = tokio::time::timeout(seconds(4), world.ask()).await;
    assert!(left.is_err());
    let records = world.records();
    assert_eq!(records.len(), 1);
    assert_eq!(records[0].error, Some("cancelled"));
    assert_eq!(records[0].retry_wait, seconds(4));
}

#[tokio::test(start_paused = true)]
async fn a_whole_answer_is_recorded_with_its_tokens_money_and_times() {
    let client = ScriptedClient::new([Reply::words("yes it is")]).with_delay(seconds(1));
    let world = World::new(client);
    assert_eq!(world.ask().await.unwrap(), "yes it is");
    let records = world.records();
    assert_eq!(records.len(), 1);
    let record = &records[0];
    assert_eq!((record.attempts, record.error), (1, None));
    assert_eq!((record.ttft, record.total), (Some(seconds(1)), seconds(3)));
    assert_eq!((record.usage.input, record.usage.output), (7, 3));
    assert_eq!(record.cost, Some(NanoUsd(7_000 + 6_000)));
}

#[tokio::test(start_paused = true)]
async fn the_flag_is_read_once_per_attempt() {
    let client = ScriptedClient::new([fail(DOWN), fail(DOWN), Reply::words("yes")]);
    let world = World::new(client);
    let group = world.client();
    let before = world.source.given.load(Ordering::Relaxed);
    collect(group.stream_message(&request()).await.unwrap())
        .await
        .unwrap();
    assert_eq!(world.source.given.load(Ordering::Relaxed) - before, 3);
}

#[tokio::test(start_paused = true)]
async fn a_whole_message_is_tried_again_like_a_stream() {
    let mut client = MockBaseLlmClient::new();
    let mut sequence = mockall::Sequence::new();
    client
        .expect_send_message()
        .once()
        .in_sequence(&mut sequence)
        .returning(|_| Err(LlmError::new(DOWN, "p", "refused")));
    client
        .expect_send_message()
        .once()
        .in_sequence(&mut sequence)
        .returning(|_| {
            Ok(ChatResponse {
                text: "yes".into(),
                ..ChatResponse::default()
            })
        });
    let world = World::new(client);
    let response = world.client().send_message(&request()).await.unwrap();
    assert_eq!(response.text, "yes");
    let record = &world.records()[0];
    assert_eq!((record.attempts, record.error), (2, None));
    assert!(record.usage.estimated);
}

#[tokio::test(start_paused = true)]
async fn the_deadline_ends_an_attempt_and_a_stream_and_forbids_a_rest_beyond_it() {
    let by = |after| {
        let deadline = Some(Instant::now() + seconds(after));
        request().with_call(CallContext {
            deadline,
            ..CallContext::default()
        })
    };
    let timeout = |error: LlmError| matches!(error.kind, LlmErrorKind::Timeout { .. });

    let slow = ScriptedClient::new([Reply::words("late")]).with_delay(seconds(9));
    let world = World::new(slow);
    let early = world.client().stream_message(&by(2)).await;
    assert!(timeout(early.err().unwrap()));

    let world = World::new(ScriptedClient::new([Reply::Stall("then".into())]));
    let stream = world.client().stream_message(&by(2)).await.unwrap();
    assert!(timeout(collect(stream).await.unwrap_err()));

    let world = World::new(ScriptedClient::new([fail(limited(20))]));
    let started = Instant::now();
    let error = world.client().stream_message(&by(10)).await.err().unwrap();
    assert_eq!(
        (error.kind, started.elapsed()),
        (limited(20), Duration::ZERO)
    );
}

#[tokio::test(start_paused = true)]
async fn another_endpoint_is_another_deployment() {
    let client = ScriptedClient::new([fail(LlmErrorKind::Authentication), Reply::words("yes")]);
    let world = World::new(client);
    let elsewhere = request().with_call(CallContext {
        endpoint: Some(crate::types::Endpoint::default()),
        ..CallContext::default()
    });
    assert!(world.client().stream_message(&elsewhere).await.is_err());
    assert_eq!(world.ask().await.unwrap(), "yes");
}

#[tokio::test(start_paused = true)]
async fn an_unknown_provider_is_refused_before_any_call() {
    let world = World::new(ScriptedClient::default());
    let error = world.router.client(&"q/m".parse().unwrap()).err().unwrap();
    assert_eq!(error.kind, LlmErrorKind::ModelNotFound);
    assert!(world.records().is_empty());
}

fn any_failure() -> impl Strategy<Value = LlmErrorKind> {
    prop_oneof![
        Just(DOWN),
        Just(LlmErrorKind::Overloaded { retry_after: None }),
        Just(LlmErrorKind::MalformedResponse),
        Just(LlmErrorKind::Authentication),
        Just(LlmErrorKind::ContentFiltered),
        (0_u64..200).prop_map(limited),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_call_makes_at_most_one_attempt_more_than_its_retries_and_is_recorded_once(
        kinds in prop::collection::vec(any_failure(), 12), num_retries in 0_u8..6,
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .start_paused(true)
            .build()
            .unwrap();
        let (asked, records) = runtime.block_on(async {
            let client = ScriptedClient::new(kinds.into_iter().map(fail));
            let config = RouterConfig { num_retries, ..RouterConfig::default() };
            let world = World::with_config(client.clone(), config);
            assert!(world.ask().await.is_err());
            (client.asked().len(), world.records())
        });
        prop_assert!((1..=1 + usize::from(num_retries)).contains(&asked));
        prop_assert_eq!(records.len(), 1);
        prop_assert_eq!(records[0].attempts as usize, asked);
    }
}

#[tokio::test(start_paused = true)]
async fn what_was_tried_before_the_answer_is_in_the_record() {
    let overloaded = || LlmErrorKind::Overloaded { retry_after: None };
    let error = LlmError::new(overloaded(), "p", "no").with_status(529);
    let world = World::new(ScriptedClient::new([
        Reply::Fail(error),
        fail(overloaded()),
        Reply::words("yes"),
    ]));
    world.ask().await.unwrap();
    let records = world.records();
    let tried: Vec<_> = records[0]
        .tried
        .iter()
        .map(|it| (it.model.as_str(), it.error, it.status))
        .collect();
    assert_eq!(
        tried,
        [
            ("p/m", "overloaded", Some(529)),
            ("p/m", "overloaded", None)
        ]
    );
    assert_eq!((records[0].attempts, records[0].status), (3, None));
    let [first, second] = &records[0].tried[..] else {
        panic!()
    };
    assert!(first.ended < second.ended && second.ended <= records[0].total);
    assert_eq!(second.took, Duration::ZERO, "rests do not count");
    assert!(records[0].ended_at_ms > 1_700_000_000_000);
}
