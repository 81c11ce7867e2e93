//! Every fault × a deployment alone, one of two, or before a fallback × whole answer or stream: what the caller saw,
//! how many attempts were made, how long it took, and which deployment rests afterwards.

use tokio::time::Instant;

use super::world::*;
use crate::client::LlmErrorKind;
use crate::router::RouterConfig;

const FAILED: LlmErrorKind = LlmErrorKind::Overloaded { retry_after: None };

/// What comes of one kind of answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Outcome {
    /// `a` or `b`: who answered; else the code of the error.
    saw: &'static str,
    attempts: u32,
    /// For how many seconds `a` rests afterwards.
    rests: Option<u64>,
}

fn got(saw: &'static str, attempts: u32, rests: Option<u64>) -> Outcome {
    Outcome {
        saw,
        attempts,
        rests,
    }
}

fn alone() -> RouterConfig {
    in_order(vec![entry("main", "p/a")])
}

fn pair() -> RouterConfig {
    in_order(vec![entry("main", "p/a"), entry("main", "p/b")])
}

fn chain() -> RouterConfig {
    RouterConfig {
        fallbacks: [("main".to_owned(), named(&["spare"]))].into(),
        ..in_order(vec![entry("main", "p/a"), entry("spare", "p/b")])
    }
}

async fn outcome(config: RouterConfig, fault: &Fault, stream: bool) -> (Outcome, u64) {
    let world = World::new(config, &[("a", std::slice::from_ref(fault))]);
    let started = Instant::now();
    let ended = match stream {
        true => world.stream("main").await,
        false => world.whole("main").await,
    };
    let saw = match &ended {
        Ok(text) => ["a", "b"].into_iter().find(|it| it == text).unwrap(),
        Err(error) => error.kind.code(),
    };
    let elapsed = started.elapsed().as_secs();
    assert_eq!(world.records().len(), 1, "a call is reported once");
    let record = world.last_record();
    assert_eq!(record.error.is_none(), ended.is_ok());
    assert_eq!(record.stream, stream);
    let asked = world.asked_of_all();
    assert_eq!(asked, record.attempts as usize, "every attempt is counted");
    (got(saw, record.attempts, world.rests("main", "a")), elapsed)
}

/// A fault, and what comes of it alone, in a pair, and in a chain; whole, and as a stream where that differs.
type Row = (&'static str, Fault, [Outcome; 3], Option<[Outcome; 3]>);

fn rows() -> Vec<Row> {
    let same = |code, times, rests| (got(code, times, None), rests);
    let row = |name, fault, (alone, rests): (Outcome, Option<u64>), chain: u32| -> Row {
        (
            name,
            fault,
            [alone, got("b", 2, rests), got("b", chain, None)],
            None,
        )
    };
    let broken = |name, fault, code: &'static str| -> Row {
        let whole = [got(code, 3, None), got("b", 2, None), got("b", 4, None)];
        // What has begun is never tried again, nor anywhere else.
        (name, fault, whole, Some([got(code, 1, None); 3]))
    };
    vec![
        ("fine", Fault::None, [got("a", 1, None); 3], None),
        row("refused", DOWN, same("connection_failed", 3, None), 4),
        row(
            "401",
            Fault::Fails(LlmErrorKind::Authentication),
            same("authentication", 1, Some(5)),
            2,
        ),
        row(
            "403",
            Fault::Fails(LlmErrorKind::PermissionDenied),
            same("permission_denied", 1, None),
            2,
        ),
        row(
            "402",
            Fault::Fails(LlmErrorKind::QuotaExhausted),
            same("quota_exhausted", 1, Some(5)),
            2,
        ),
        (
            "404",
            Fault::Fails(LlmErrorKind::ModelNotFound),
            [
                got("model_not_found", 1, None),
                got("model_not_found", 1, Some(5)),
                got("b", 2, None),
            ],
            None,
        ),
        (
            "400",
            Fault::Fails(LlmErrorKind::InvalidRequest),
            [
                got("invalid_request", 1, None),
                got("invalid_request", 1, None),
                got("b", 2, None),
            ],
            None,
        ),
        row("408", Fault::StallsBefore, same("timeout", 3, None), 4),
        row(
            "429",
            Fault::Fails(limited(None)),
            same("rate_limited", 3, Some(5)),
            4,
        ),
        row(
            "429 for 3 s",
            Fault::Fails(limited(Some(3))),
            same("rate_limited", 3, Some(3)),
            4,
        ),
        row(
            "429 for 12 s",
            Fault::Fails(limited(Some(12))),
            same("rate_limited", 3, Some(12)),
            2,
        ),
        row(
            "429 for 120 s",
            Fault::Fails(limited(Some(120))),
            same("rate_limited", 1, Some(120)),
            2,
        ),
        row(
            "500, 503, 529",
            Fault::Fails(FAILED),
            same("overloaded", 3, None),
            4,
        ),
        row(
            "malformed",
            Fault::Fails(LlmErrorKind::MalformedResponse),
            same("malformed_response", 2, None),
            3,
        ),
        broken("stall after the first token", Fault::StallsAfter, "timeout"),
        broken("cut", Fault::Cut, "stream_interrupted"),
    ]
}

#[tokio::test(start_paused = true)]
async fn what_the_caller_sees_of_every_fault() {
    for (name, fault, whole, stream) in rows() {
        for (place, expected) in [alone(), pair(), chain()].into_iter().zip(0..3) {
            let (seen, _) = outcome(place.clone(), &fault, false).await;
            assert_eq!(seen, whole[expected], "{name}, whole, place {expected}");
            let (seen, _) = outcome(place, &fault, true).await;
            let streamed = stream.unwrap_or(whole)[expected];
            assert_eq!(seen, streamed, "{name}, streamed, place {expected}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn another_deployment_is_asked_at_once_and_the_same_one_after_its_rest() {
    for (fault, in_a_pair, alone_at_least) in [
        (Fault::Fails(FAILED), 0, 1),
        (Fault::Fails(limited(Some(12))), 0, 24),
        (Fault::Fails(limited(Some(120))), 0, 0),
        (Fault::StallsBefore, 30, 90),
    ] {
        let (_, elapsed) = outcome(pair(), &fault, true).await;
        assert_eq!(elapsed, in_a_pair, "{fault:?}");
        let (_, elapsed) = outcome(alone(), &fault, true).await;
        assert!(
            (alone_at_least..alone_at_least + 10).contains(&elapsed),
            "{fault:?}: {elapsed}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_stream_that_breaks_off_keeps_what_came_and_ends_with_a_typed_error() {
    use futures::StreamExt;
    let world = World::new(chain(), &[("a", &[Fault::Cut])]);
    let client = world.router.route("main").unwrap().client;
    let mut stream = client.stream_message(&request()).await.unwrap();
    assert_eq!(stream.next().await.unwrap().unwrap().delta.text, "a");
    let error = stream.next().await.unwrap().unwrap_err();
    assert_eq!(error.kind, LlmErrorKind::StreamInterrupted { bytes: 9 });
    assert!(stream.next().await.is_none());
    assert!(world.asked("b").is_empty());
    assert!(
        world.last_record().usage.estimated,
        "what was sent is billed"
    );
}
