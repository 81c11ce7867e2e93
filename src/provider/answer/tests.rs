use bytes::Bytes;
use http_body_util::BodyExt;
use http_body_util::StreamBody;
use hyper::body::Frame;
use tokio::time::Instant;

use super::*;
use crate::client::CallContext;
use crate::provider::timeouts::CallTimeouts;
use crate::types::FinishReason;
use crate::types::Wire;
use crate::types::quirks::Quirks;

const ROLE: &str =
    r#"{"id":"c1","choices":[{"index":0,"delta":{"role":"assistant","content":""}}]}"#;
const HI: &str = r#"{"id":"c1","choices":[{"index":0,"delta":{"content":"Hi"}}]}"#;
const STOP: &str = r#"{"id":"c1","choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}"#;
const USAGE: &str = r#"{"id":"c1","choices":[],"usage":{"prompt_tokens":9,"completion_tokens":4,"total_tokens":13}}"#;
const OVERLOADED: &str =
    r#"{"error":{"message":"busy","type":"server_error","code":"overloaded_error"}}"#;

/// What a scripted body does next.
#[derive(Debug, Clone)]
enum Step {
    Event(&'static str),
    Raw(&'static str),
    Wait(u64),
    Break,
    Silence,
}

use Step::Break;
use Step::Event;
use Step::Raw;
use Step::Silence;
use Step::Wait;

struct World {
    call: CallContext,
    started: Instant,
}

impl World {
    fn new() -> Self {
        Self {
            call: CallContext::default(),
            started: Instant::now(),
        }
    }

    fn answer(&self, steps: &[Step]) -> Answer {
        let frames = stream::iter(steps.to_vec()).filter_map(|step| async move {
            let data = |text: String| Some(Ok(Frame::data(Bytes::from(text))));
            match step {
                Event(json) => data(format!("data: {json}\n\n")),
                Raw(text) => data(text.to_owned()),
                Wait(s) => {
                    tokio::time::sleep(Duration::from_secs(s)).await;
                    None
                }
                Break => Some(Err("reset by peer".into())),
                Silence => std::future::pending().await,
            }
        });
        let body = ReplyBody::new(BodyExt::boxed_unsync(StreamBody::new(frames)));
        let decoder = StreamDecoder::new(Wire::OpenaiChat, &Quirks::default());
        let callee = Arc::new(Callee {
            provider: "acme".to_owned(),
            host: "llm.acme.example".to_owned(),
            remedy: String::new(),
        });
        let waits = Waits::start(CallTimeouts::CLOUD, &self.call);
        let mut answer = Answer::new(body, decoder, callee, waits);
        answer.estimate_from(5);
        answer
    }

    async fn first_error(&self, steps: &[Step]) -> LlmErrorKind {
        self.answer(steps).begin().await.unwrap_err().kind
    }

    /// The chunks of an answer that begins, and the error that ends it.
    async fn all(&self, steps: &[Step]) -> (Vec<ChatChunk>, Option<LlmErrorKind>) {
        let mut answer = self.answer(steps);
        answer.begin().await.unwrap();
        let mut stream = answer.into_stream();
        let mut chunks = Vec::new();
        while let Some(item) = stream.next().await {
            match item {
                Ok(chunk) => chunks.push(chunk),
                Err(error) => {
                    assert!(stream.next().await.is_none(), "an error ends the stream");
                    return (chunks, Some(error.kind));
                }
            }
        }
        (chunks, None)
    }

    fn seconds(&self) -> u64 {
        self.started.elapsed().as_secs()
    }
}

fn timeout(phase: TimeoutPhase) -> LlmErrorKind {
    LlmErrorKind::Timeout { phase }
}

#[tokio::test(start_paused = true)]
async fn an_answer_begins_with_its_first_text_and_gives_out_what_came_before_it() {
    let world = World::new();
    let steps = [
        Event(ROLE),
        Wait(3),
        Event(HI),
        Event(STOP),
        Event(USAGE),
        Raw("data: [DONE]\n\n"),
    ];
    let mut answer = world.answer(&steps);
    answer.begin().await.unwrap();
    assert_eq!(world.seconds(), 3);
    let chunks: Vec<_> = answer.into_stream().map(Result::unwrap).collect().await;
    let text: String = chunks
        .iter()
        .map(|chunk| chunk.delta.text.as_str())
        .collect();
    assert_eq!(text, "Hi");
    assert_eq!(chunks[0].id.as_deref(), Some("c1"));
    let usage = chunks
        .iter()
        .filter_map(|chunk| chunk.usage)
        .next_back()
        .unwrap();
    assert_eq!((usage.input, usage.output, usage.estimated), (9, 4, false));
}

#[tokio::test(start_paused = true)]
async fn silence_ends_at_the_limit_for_the_first_token_and_keep_alives_do_not_extend_it() {
    let world = World::new();
    assert_eq!(
        world.first_error(&[Silence]).await,
        timeout(TimeoutPhase::FirstToken)
    );
    assert_eq!(world.seconds(), 30);

    let world = World::new();
    let alive = [
        Raw(": ping\n\n"),
        Wait(18),
        Raw(": ping\n\n"),
        Wait(18),
        Event(HI),
    ];
    assert_eq!(
        world.first_error(&alive).await,
        timeout(TimeoutPhase::FirstToken)
    );
    assert_eq!(world.seconds(), 30);
}

#[tokio::test(start_paused = true)]
async fn a_stall_in_the_middle_ends_at_the_idle_limit() {
    let world = World::new();
    let (chunks, error) = world.all(&[Event(HI), Silence]).await;
    assert_eq!(
        (chunks.len(), error),
        (1, Some(timeout(TimeoutPhase::Idle)))
    );
    assert_eq!(world.seconds(), 20);
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_never_ends_is_ended_by_the_total_or_by_the_callers_deadline() {
    let world = World::new();
    let endless: Vec<_> = (0..100).flat_map(|_| [Event(HI), Wait(10)]).collect();
    let (_, error) = world.all(&endless).await;
    assert_eq!(error, Some(timeout(TimeoutPhase::Total)));
    assert_eq!(world.seconds(), 600);

    let mut world = World::new();
    world.call.deadline = Some(Instant::now() + Duration::from_secs(25));
    let (_, error) = world.all(&endless).await;
    assert_eq!(error, Some(timeout(TimeoutPhase::Total)));
    assert_eq!(world.seconds(), 25);
}

#[tokio::test]
async fn a_cut_before_the_answer_is_a_failed_connection_and_within_it_an_interruption() {
    let world = World::new();
    for steps in [
        vec![],
        vec![Break],
        vec![Event(ROLE)],
        vec![Event(ROLE), Break],
    ] {
        assert_eq!(
            world.first_error(&steps).await,
            LlmErrorKind::ConnectionFailed,
            "{steps:?}"
        );
    }
    let arrived = format!("data: {HI}\n\n").len() as u64;
    let (_, error) = world.all(&[Event(HI), Break]).await;
    assert_eq!(
        error,
        Some(LlmErrorKind::StreamInterrupted { bytes: arrived })
    );
    let (_, error) = world.all(&[Event(HI)]).await;
    assert_eq!(
        error,
        Some(LlmErrorKind::StreamInterrupted { bytes: arrived })
    );
}

#[tokio::test]
async fn an_error_event_is_of_its_class_before_the_answer_and_an_interruption_within_it() {
    let world = World::new();
    for steps in [
        vec![Event(OVERLOADED)],
        vec![Event(ROLE), Event(OVERLOADED)],
    ] {
        assert_eq!(
            world.first_error(&steps).await.code(),
            "overloaded",
            "{steps:?}"
        );
    }
    let (_, error) = world.all(&[Event(HI), Event(OVERLOADED)]).await;
    assert_eq!(error.unwrap().code(), "stream_interrupted");
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_told_its_end_is_whole_whatever_happens_behind_it() {
    for steps in [
        vec![Event(HI), Event(STOP), Silence],
        vec![Event(HI), Event(STOP), Break],
        vec![Event(HI), Event(STOP)],
        vec![Event(HI), Event(STOP), Event("{garbage")],
    ] {
        let world = World::new();
        let (chunks, error) = world.all(&steps).await;
        assert_eq!(error, None, "{steps:?}");
        assert!(
            chunks
                .iter()
                .any(|chunk| chunk.finish == Some(FinishReason::Stop))
        );
        assert!(world.seconds() <= 2, "{steps:?}");
        let usage = chunks.last().unwrap().usage.unwrap();
        assert!(
            usage.estimated && usage.input == 5 && usage.output == 1,
            "{usage:?}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn all_waiting_is_noted_as_the_upstreams() {
    let world = World::new();
    world
        .all(&[
            Wait(2),
            Event(HI),
            Wait(3),
            Event(STOP),
            Raw("data: [DONE]\n\n"),
        ])
        .await;
    assert_eq!(world.call.trace.upstream_wait().as_secs(), 5);
}
