//! Limits of deployments: calls and tokens a minute, calls at once.

use futures::StreamExt;
use futures::future::join_all;
use proptest::prelude::*;
use tokio::time::Instant;

use super::world::*;
use crate::client::LlmErrorKind;
use crate::router::RouterConfig;
use crate::router::Strategy;
use crate::types::Deployment;

#[tokio::test(start_paused = true)]
async fn calls_above_a_minutes_limit_go_elsewhere_and_then_say_when_to_come_back() {
    let limited = |model, rpm| Deployment {
        rpm: Some(rpm),
        ..entry("main", model)
    };
    let world = World::new(in_order(vec![limited("p/a", 2), limited("p/b", 1)]), &[]);
    tokio::time::advance(seconds(20)).await;
    let mut answers = Vec::new();
    for _ in 0..3 {
        answers.push(world.stream("main").await.unwrap());
    }
    assert_eq!(answers, ["a", "a", "b"]);
    let error = world.stream("main").await.unwrap_err();
    let until_the_minute_ends = LlmErrorKind::RateLimited {
        retry_after: Some(seconds(40)),
    };
    assert_eq!(
        error.kind, until_the_minute_ends,
        "the clock's minute, not the first call's"
    );
    assert!(
        error.message.contains("its 2 calls of this minute"),
        "{error}"
    );
    tokio::time::advance(seconds(40)).await;
    assert_eq!(world.stream("main").await.unwrap(), "a");
    assert_eq!(world.why_not("main", "a"), None, "a limit is no failure");
}

#[tokio::test(start_paused = true)]
async fn tokens_are_estimated_before_a_call_and_corrected_after_it() {
    // A prompt is estimated at 7 tokens; each answer uses 42.
    let limited = Deployment {
        tpm: Some(90),
        ..entry("main", "p/a")
    };
    let world = World::new(in_order(vec![limited]), &[]);
    let left = || {
        let explained = world.router.explain("main", &request().head).unwrap();
        explained.deployments[0].left.tokens.unwrap()
    };
    assert_eq!(left(), 90);
    let client = world.router.route("main").unwrap().client;
    let stream = client.stream_message(&request()).await.unwrap();
    assert_eq!(left(), 90 - 7, "while it runs");
    stream.collect::<Vec<_>>().await;
    assert_eq!(left(), 90 - 42, "when it is over");
    world.whole("main").await.unwrap();
    assert_eq!(left(), 6);
    let error = world.stream("main").await.unwrap_err();
    assert_eq!(
        error.kind,
        LlmErrorKind::RateLimited {
            retry_after: Some(seconds(60))
        }
    );
}

#[tokio::test(start_paused = true)]
async fn a_place_is_waited_for_and_a_dropped_stream_gives_it_back() {
    let config = RouterConfig {
        default_max_parallel: Some(1),
        ..in_order(vec![entry("main", "p/a")])
    };
    let world = World::new(config.clone(), &[("a", &[Fault::Slow(seconds(2))])]);
    let started = Instant::now();
    let answers = join_all((0..3).map(|_| world.stream("main"))).await;
    assert!(answers.iter().all(Result::is_ok));
    assert_eq!(started.elapsed(), seconds(6), "one after the other");

    let client = world.router.route("main").unwrap().client;
    let mut held = client.stream_message(&request()).await.unwrap();
    held.next().await.unwrap().unwrap();
    assert_eq!(world.why_not("main", "a"), Some("rate_limited"));
    let started = Instant::now();
    let (answer, ()) = tokio::join!(world.stream("main"), async {
        tokio::time::sleep(seconds(5)).await;
        drop(held);
    });
    assert!(answer.is_ok());
    assert_eq!(started.elapsed(), seconds(5 + 2));
}

#[tokio::test(start_paused = true)]
async fn a_place_that_does_not_come_free_is_not_waited_for_without_end() {
    let full = Deployment {
        max_parallel: Some(1),
        ..entry("main", "p/a")
    };
    let world = World::new(in_order(vec![full]), &[]);
    let client = world.router.route("main").unwrap().client;
    let _held = client.stream_message(&request()).await.unwrap();
    let started = Instant::now();
    let error = world.stream("main").await.unwrap_err();
    assert_eq!(
        error.kind,
        LlmErrorKind::RateLimited {
            retry_after: Some(seconds(1))
        }
    );
    assert_eq!(started.elapsed(), seconds(30));
    assert_eq!(world.last_record().retry_wait, seconds(30));
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn limits_are_never_exceeded(
        limits in prop::collection::vec((0_u64..6, 1_u32..4), 1..4), calls in 1_usize..20,
    ) {
        let (asked, most) = runtime().block_on(async {
            let list = limits.iter().enumerate().map(|(n, (rpm, places))| Deployment {
                rpm: Some(*rpm),
                max_parallel: Some(*places),
                ..entry("main", &format!("p/m{n}"))
            });
            let config = RouterConfig {
                strategy: Strategy::SimpleShuffle,
                ..in_order(list.collect())
            };
            let ids: Vec<_> = (0..limits.len()).map(|n| format!("m{n}")).collect();
            let slow = [Fault::Slow(seconds(1))];
            let scripts: Vec<_> = ids.iter().map(|id| (id.as_str(), &slow[..])).collect();
            let world = World::new(config, &scripts);
            let watch = async {
                let mut most = vec![0; ids.len()];
                for _ in 0..40 {
                    tokio::time::sleep(std::time::Duration::from_millis(250)).await;
                    let explained = world.router.explain("main", &request().head).unwrap();
                    for (most, it) in most.iter_mut().zip(&explained.deployments) {
                        *most = it.in_flight.max(*most);
                    }
                }
                most
            };
            let (_, most) = tokio::join!(join_all((0..calls).map(|_| world.stream("main"))), watch);
            let asked: Vec<_> = ids.iter().map(|id| world.asked(id).len() as u64).collect();
            (asked, most)
        });
        for ((asked, most), (rpm, places)) in asked.iter().zip(&most).zip(&limits) {
            prop_assert!(asked <= rpm, "{asked} of {rpm} calls");
            prop_assert!(most <= places, "{most} of {places} places");
        }
        let room: u64 = limits.iter().map(|(rpm, _)| rpm).sum();
        prop_assert_eq!(asked.iter().sum::<u64>(), room.min(calls as u64), "and none is wasted");
    }
}
