//! Names, attempts, retries, fallbacks, and what is told about them.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::world::*;
use crate::client::CallContext;
use crate::client::ClientSource;
use crate::client::Content;
use crate::client::EmbeddingPurpose;
use crate::client::EmbeddingRequest;
use crate::client::LlmErrorKind;
use crate::client::Wishes;
use crate::router::Alias;
use crate::router::FailureClass;
use crate::router::RouterConfig;
use crate::router::Strategy;
use crate::router::Verdict;

use crate::types::DebateId;
use crate::types::Deployment;
use crate::types::DeploymentInfo;
use crate::types::NanoUsd;
use crate::types::Prices;

fn alias(group: &str, hidden: bool) -> Alias {
    Alias {
        group: group.to_owned(),
        hidden,
    }
}

fn fallbacks(pairs: &[(&str, &[&str])]) -> std::collections::BTreeMap<String, Vec<String>> {
    let owned = pairs
        .iter()
        .map(|(group, others)| ((*group).to_owned(), named(others)));
    owned.collect()
}

#[tokio::test]
async fn exact_names_go_before_patterns_and_the_closest_pattern_before_the_others() {
    let config = RouterConfig {
        aliases: [
            ("quick".to_owned(), alias("fast", false)),
            ("secret".to_owned(), alias("quick", true)),
            ("mine".to_owned(), alias("x/filled", false)),
        ]
        .into(),
        ..in_order(vec![
            entry("fast", "p/a"),
            Deployment {
                id: "all".into(),
                ..entry("*", "p/b")
            },
            Deployment {
                id: "some".into(),
                ..entry("x/*", "p/*")
            },
            entry("x/exact", "p/c"),
        ])
    };
    let world = World::new(config, &[]);
    for (name, model) in [
        ("fast", "p/a"),
        ("quick", "p/a"),
        ("secret", "p/a"),
        ("x/exact", "p/c"),
        ("x/filled", "p/filled"),
        ("mine", "p/filled"),
        ("anything", "p/b"),
        ("p/a", "p/b"),
    ] {
        assert_eq!(
            world.router.route(name).unwrap().model.as_str(),
            model,
            "{name}"
        );
        assert_eq!(world.stream(name).await.unwrap(), model[2..], "{name}");
    }
    let record = world.last_record();
    assert_eq!(record.group.as_deref(), Some("p/a"));
    assert_eq!(record.model.as_str(), "p/b");
    let listed = world.router.listed();
    let names: Vec<_> = listed.iter().map(|group| &*group.name).collect();
    assert_eq!(names, ["fast", "*", "x/*", "x/exact", "mine", "quick"]);
    assert!(listed.iter().all(|group| !group.deployments.is_empty()));
}

#[tokio::test]
async fn a_name_that_nobody_answers_for_is_told_the_nearest() {
    let world = World::new(in_order(vec![entry("gemini-flash", "p/a")]), &[]);
    let error = world.router.route("gemini-flsh").unwrap_err();
    assert_eq!(error.kind, LlmErrorKind::ModelNotFound);
    assert!(
        error.message.contains("did you mean \"gemini-flash\"?"),
        "{error}"
    );
    let error = world.router.route("q/unknown").unwrap_err();
    assert!(error.message.contains("no such model"), "{error}");
    assert!(world.records().is_empty());
}

#[tokio::test]
async fn models_are_called_by_their_own_names_beside_the_list_and_groups_may_have_such_names() {
    let world = World::new(in_order(vec![entry("p/group", "p/a")]), &[]);
    let ask = async |name: &str| {
        let client = world.router.client(&name.parse().unwrap()).unwrap();
        client.send_message(&request()).await.unwrap().text
    };
    assert_eq!(ask("p/group").await, "a");
    assert_eq!(world.last_record().group.as_deref(), Some("p/group"));
    assert_eq!(ask("p/filled").await, "filled");
    let record = world.last_record();
    assert_eq!((record.group, record.deployment), (None, None));
    assert!(world.asked("filled")[0].call.target.is_none());
}

#[tokio::test(start_paused = true)]
async fn each_attempt_has_its_model_its_target_and_its_place_in_the_trace() {
    let config = RouterConfig {
        stream_timeout_s: Some(4.0),
        ..in_order(vec![entry("main", "p/a"), entry("main", "p/b")])
    };
    let world = World::new(config, &[("a", &[DOWN])]);
    let request = request();
    assert_eq!(world.stream_of("main", &request).await.unwrap(), "b");
    for id in ["a", "b"] {
        let asked = &world.asked(id)[0];
        assert_eq!(asked.head.model.model(), id);
        let target = asked.call.target.as_ref().unwrap();
        assert_eq!(target.api_base.as_deref(), Some("http://main.example"));
        assert_eq!(target.timeouts.first_token, Some(seconds(4)));
        let (Content::Typed(sent), Content::Typed(given)) = (&asked.content, &request.content)
        else {
            panic!("both are typed")
        };
        assert!(Arc::ptr_eq(sent, given), "the chat is not copied");
    }
    let routed = request.call.trace.routed();
    assert_eq!((&*routed.group, routed.attempts), ("main", 2));
    assert_eq!((routed.max_retries, routed.fallbacks), (2, 0));
    assert_eq!(routed.deployment.unwrap().id.as_ref(), "b");
    assert_eq!(routed.model.unwrap().as_str(), "p/b");
}

#[tokio::test(start_paused = true)]
async fn the_caller_says_how_often_before_the_deployment_the_policy_and_the_router() {
    let with = |own: Option<u8>| {
        in_order(vec![Deployment {
            num_retries: own,
            ..entry("main", "p/a")
        }])
    };
    let policy = |config| RouterConfig {
        retry_policy: [(FailureClass::Server, 4)].into(),
        ..config
    };
    let of_group = |config| RouterConfig {
        group_retry_policy: [("main".to_owned(), [(FailureClass::Server, 0)].into())].into(),
        ..config
    };
    for (config, wish, attempts) in [
        (with(None), None, 3),
        (policy(with(None)), None, 5),
        (of_group(policy(with(None))), None, 1),
        (policy(with(Some(1))), None, 2),
        (policy(with(Some(1))), Some(3), 4),
        (with(Some(5)), Some(0), 1),
    ] {
        let world = World::new(config, &[("a", &[DOWN])]);
        let request = wishing(Wishes {
            num_retries: wish,
            ..Wishes::default()
        });
        world.stream_of("main", &request).await.unwrap_err();
        assert_eq!(world.asked("a").len(), attempts, "wish {wish:?}");
    }
    // A policy goes before what is usually not tried again.
    let config = RouterConfig {
        retry_policy: [(FailureClass::BadRequest, 2)].into(),
        ..with(None)
    };
    let refused = Fault::Fails(LlmErrorKind::InvalidRequest);
    let world = World::new(config, &[("a", &[refused.clone(), refused, Fault::None])]);
    assert_eq!(world.stream("main").await.unwrap(), "a");
}

#[tokio::test(start_paused = true)]
async fn when_all_fail_the_caller_gets_the_last_error_with_everybody_who_was_asked() {
    let config = RouterConfig {
        num_retries: 1,
        ..in_order(vec![entry("main", "p/a"), entry("main", "p/b")])
    };
    let world = World::new(
        config,
        &[("a", &[DOWN]), ("b", &[Fault::Fails(limited(Some(40)))])],
    );
    let error = world.stream("main").await.unwrap_err();
    assert_eq!(error.kind, limited(Some(40)));
    for told in ["p/a (a): connection_failed", "p/b (b): rate_limited"] {
        assert!(error.message.contains(told), "{error}");
    }
    assert_eq!(world.rests("main", "b"), Some(40));
}

#[tokio::test(start_paused = true)]
async fn failing_attempts_add_up_until_a_deployment_rests_and_a_probe_brings_it_back() {
    let config = in_order(vec![entry("main", "p/a"), entry("main", "p/b")]);
    let world = World::new(config, &[("a", &[DOWN, DOWN, DOWN, Fault::None])]);
    for _ in 0..3 {
        assert_eq!(world.why_not("main", "a"), None);
        assert_eq!(world.stream("main").await.unwrap(), "b");
    }
    assert_eq!(world.rests("main", "a"), Some(5));
    assert_eq!(world.stream("main").await.unwrap(), "b");
    assert_eq!(world.asked("a").len(), 3, "who rests is not asked");
    tokio::time::advance(seconds(5)).await;
    assert_eq!(world.stream("main").await.unwrap(), "a");
    assert_eq!(world.why_not("main", "a"), None);
}

#[tokio::test(start_paused = true)]
async fn a_deployment_alone_rests_only_where_another_group_can_answer() {
    let alone = in_order(vec![entry("main", "p/a"), entry("spare", "p/b")]);
    let world = World::new(alone.clone(), &[("a", &[DOWN])]);
    for _ in 0..5 {
        let error = world.stream("main").await.unwrap_err();
        assert_eq!(error.kind, LlmErrorKind::ConnectionFailed);
    }
    assert_eq!(world.asked("a").len(), 15);

    let chain = RouterConfig {
        fallbacks: fallbacks(&[("main", &["spare"])]),
        ..alone
    };
    let world = World::new(chain, &[("a", &[DOWN])]);
    for _ in 0..4 {
        assert_eq!(world.stream("main").await.unwrap(), "b");
    }
    assert_eq!(world.asked("a").len(), 9, "three calls, then a rest");
    let record = world.last_record();
    assert_eq!((record.attempts, record.fallbacks), (1, 1));
    assert_eq!(record.group.as_deref(), Some("main"));
    assert_eq!(record.deployment.unwrap().group.as_ref(), "spare");
}

#[tokio::test(start_paused = true)]
async fn a_group_that_rests_says_until_when_and_a_debate_waits_for_it() {
    let config = RouterConfig {
        num_retries: 1,
        ..in_order(vec![entry("main", "p/a"), entry("main", "p/b")])
    };
    let once = |after| vec![Fault::Fails(limited(Some(after))), Fault::None];
    let scripts = [("a", once(20)), ("b", once(10))];
    let scripts = scripts
        .each_ref()
        .map(|(id, replies)| (*id, replies.as_slice()));
    let world = World::new(config, &scripts);
    let error = world.stream("main").await.unwrap_err();
    assert_eq!(error.kind, limited(Some(10)));
    let started = Instant::now();
    let error = world.stream("main").await.unwrap_err();
    let LlmErrorKind::NoDeployment { tried, retry_after } = &error.kind else {
        panic!("{error:?}")
    };
    assert_eq!((tried.len(), *retry_after), (2, Some(seconds(10))));
    assert_eq!(error.kind.retry_after(), Some(seconds(10)));
    let mut of_a_debate = request();
    of_a_debate.call.debate = Some(DebateId::new("d_1"));
    assert_eq!(world.stream_of("main", &of_a_debate).await.unwrap(), "b");
    assert_eq!(started.elapsed(), seconds(10));
}

#[tokio::test(start_paused = true)]
async fn where_all_keys_are_refused_the_error_says_so() {
    let config = in_order(vec![entry("main", "p/a"), entry("main", "p/b")]);
    let refused = [Fault::Fails(LlmErrorKind::Authentication)];
    let world = World::new(config, &[("a", &refused), ("b", &refused)]);
    for _ in 0..2 {
        let error = world.stream("main").await.unwrap_err();
        assert_eq!(error.kind, LlmErrorKind::Authentication);
    }
    assert_eq!(world.asked_of_all(), 2, "the second call asks nobody");
}

#[tokio::test(start_paused = true)]
async fn fallbacks_lead_on_and_no_group_is_asked_twice() {
    let list = ["a", "b", "c"].map(|it| entry(&format!("g-{it}"), &format!("p/{it}")));
    let config = RouterConfig {
        num_retries: 0,
        fallbacks: fallbacks(&[
            ("g-a", &["g-b"]),
            ("g-b", &["g-a", "nobody", "g-c"]),
            ("g-c", &["g-a"]),
        ]),
        ..in_order(list.to_vec())
    };
    let world = World::new(config.clone(), &[("a", &[DOWN]), ("b", &[DOWN])]);
    assert_eq!(world.stream("g-a").await.unwrap(), "c");
    assert_eq!(world.last_record().fallbacks, 2);

    let failing = [
        ("a", [DOWN]),
        ("b", [Fault::Fails(limited(None))]),
        ("c", [DOWN]),
    ];
    let failing = failing
        .each_ref()
        .map(|(id, faults)| (*id, faults.as_slice()));
    let world = World::new(config.clone(), &failing);
    let error = world.stream("g-a").await.unwrap_err();
    assert_eq!(
        error.kind,
        LlmErrorKind::ConnectionFailed,
        "the first group's error"
    );
    for told in [
        "a says no",
        "g-b: rate_limited",
        "nobody: model_not_found",
        "g-c: connection_failed",
    ] {
        assert!(error.message.contains(told), "{error}");
    }
    assert_eq!(world.asked_of_all(), 3);

    let few = RouterConfig {
        max_fallbacks: 1,
        ..config
    };
    let world = World::new(few, &failing);
    world.stream("g-a").await.unwrap_err();
    assert_eq!(world.asked_of_all(), 2);
}

#[tokio::test(start_paused = true)]
async fn the_class_of_the_failure_and_the_caller_choose_the_fallback() {
    let config = RouterConfig {
        fallbacks: fallbacks(&[("main", &["p/filled"])]),
        context_window_fallbacks: fallbacks(&[("main", &["long"])]),
        content_policy_fallbacks: fallbacks(&[("other", &["long"])]),
        ..in_order(vec![
            entry("main", "p/a"),
            entry("long", "p/b"),
            entry("mine", "p/c"),
        ])
    };
    let fails = |kind| [Fault::Fails(kind)];
    let asks = async |kind, wishes: Wishes| {
        let world = World::new(config.clone(), &[("a", &fails(kind))]);
        let answer = world.stream_of("main", &wishing(wishes)).await;
        answer.map_err(|error| error.kind.code())
    };
    let none = Wishes::default;
    let too_long = LlmErrorKind::ContextLengthExceeded;
    assert_eq!(asks(too_long.clone(), none()).await.unwrap(), "b");
    assert_eq!(
        asks(LlmErrorKind::ConnectionFailed, none()).await.unwrap(),
        "filled"
    );
    assert_eq!(
        asks(LlmErrorKind::ContentFiltered, none()).await,
        Err("content_filtered")
    );
    let own = Wishes {
        fallbacks: Some(named(&["mine"])),
        ..none()
    };
    assert_eq!(asks(too_long.clone(), own.clone()).await.unwrap(), "c");
    let alone = Wishes {
        no_fallbacks: true,
        ..own
    };
    assert_eq!(asks(too_long, alone).await, Err("context_length_exceeded"));
}

#[tokio::test(start_paused = true)]
async fn the_end_of_the_callers_time_is_nobodys_fault_and_asks_nobody_else() {
    let config = RouterConfig {
        allowed_fails: 1,
        fallbacks: fallbacks(&[("main", &["spare"])]),
        ..in_order(vec![
            entry("main", "p/a"),
            entry("main", "p/b"),
            entry("spare", "p/c"),
        ])
    };
    let world = World::new(config, &[("a", &[Fault::StallsBefore])]);
    let mut hurried = request();
    hurried.call.deadline = Some(Instant::now() + seconds(3));
    let error = world.stream_of("main", &hurried).await.unwrap_err();
    assert_eq!(error.kind.code(), "timeout");
    assert_eq!(
        (world.asked_of_all(), world.why_not("main", "a")),
        (1, None)
    );
}

#[tokio::test(start_paused = true)]
async fn a_higher_order_is_asked_when_no_lower_one_can_be() {
    let later = Deployment {
        order: Some(2),
        ..entry("main", "p/a")
    };
    let first = Deployment {
        order: Some(1),
        ..entry("main", "p/b")
    };
    let world = World::new(in_order(vec![later, first]), &[("b", &[DOWN])]);
    assert_eq!(world.why_not("main", "a"), Some("higher_order"));
    assert_eq!(world.stream("main").await.unwrap(), "a");
    assert_eq!(world.asked("b").len(), 1);
}

#[tokio::test(start_paused = true)]
async fn tags_choose_and_default_takes_the_rest() {
    let tagged = |model, tags| Deployment {
        tags: named(tags),
        ..entry("main", model)
    };
    let list = vec![
        tagged("p/a", &["free"]),
        tagged("p/b", &["paid", "eu"]),
        tagged("p/c", &["default"]),
    ];
    let config = RouterConfig {
        tag_filtering: true,
        ..in_order(list)
    };
    let asks = async |config: RouterConfig, tags: &[&str]| {
        let world = World::new(config, &[]);
        let mut request = request();
        request.head.tags = named(tags);
        let answer = world.stream_of("main", &request).await;
        answer.map_err(|error| error.kind.code())
    };
    for (tags, answered) in [
        (&["paid"][..], "b"),
        (&["free"], "a"),
        (&["eu", "x"], "b"),
        (&["x"], "c"),
        (&[], "c"),
    ] {
        assert_eq!(
            asks(config.clone(), tags).await.unwrap(),
            answered,
            "{tags:?}"
        );
    }
    let all = RouterConfig {
        tag_match_any: false,
        ..config.clone()
    };
    assert_eq!(asks(all.clone(), &["paid", "eu"]).await.unwrap(), "b");
    assert_eq!(asks(all, &["eu", "x"]).await.unwrap(), "c");
    let mut strict = config;
    strict.deployments.pop();
    assert_eq!(asks(strict, &["x"]).await, Err("invalid_request"));
}

#[tokio::test(start_paused = true)]
async fn a_prompt_that_is_too_long_goes_to_who_takes_it() {
    let roomy = || entry("main", "p/b");
    let listed = Deployment {
        info: DeploymentInfo {
            max_input_tokens: Some(2),
            ..DeploymentInfo::default()
        },
        ..entry("main", "p/a")
    };
    // The card of p/small says 3 tokens; the prompt has 7 by Agon's estimate.
    let world = World::new(
        in_order(vec![entry("main", "p/small"), listed, roomy()]),
        &[],
    );
    assert_eq!(world.stream("main").await.unwrap(), "b");
    assert_eq!(
        world.why_not("main", "small"),
        Some("context_length_exceeded")
    );

    let alone = in_order(vec![entry("main", "p/small")]);
    let world = World::new(alone.clone(), &[]);
    assert_eq!(
        world.stream("main").await.unwrap(),
        "small",
        "an estimate refuses nobody"
    );
    let checked = RouterConfig {
        pre_call_checks: true,
        context_window_fallbacks: fallbacks(&[("main", &["p/filled"])]),
        ..alone
    };
    let world = World::new(checked.clone(), &[]);
    assert_eq!(world.stream("main").await.unwrap(), "filled");
    let checked = RouterConfig {
        context_window_fallbacks: fallbacks(&[]),
        ..checked
    };
    let error = World::new(checked, &[]).stream("main").await.unwrap_err();
    assert_eq!(error.kind, LlmErrorKind::ContextLengthExceeded);
}

#[tokio::test(start_paused = true)]
async fn a_session_stays_with_one_deployment_as_long_as_that_can_be_asked() {
    let list = ["a", "b", "c", "d"].map(|it| entry("main", &format!("p/{it}")));
    let config = RouterConfig {
        sticky: true,
        strategy: Strategy::SimpleShuffle,
        ..in_order(list.to_vec())
    };
    let world = World::new(config, &[]);
    let session = |name: &str| {
        wishing(Wishes {
            session: Some(name.to_owned()),
            ..Wishes::default()
        })
    };
    let mut homes = std::collections::BTreeSet::new();
    for n in 0..20 {
        let request = session(&format!("s{n}"));
        let home = world.stream_of("main", &request).await.unwrap();
        for _ in 0..3 {
            assert_eq!(world.stream_of("main", &request).await.unwrap(), home);
        }
        homes.insert(home);
    }
    assert_eq!(homes.len(), 4, "sessions are spread");
}

#[tokio::test(start_paused = true)]
async fn a_session_that_had_to_move_stays_for_its_time_and_then_goes_home() {
    let list = ["a", "b", "c"].map(|it| entry("main", &format!("p/{it}")));
    let config = RouterConfig {
        sticky: true,
        sticky_ttl_s: 60,
        cooldown_s: 5,
        ..in_order(list.to_vec())
    };
    let asked = wishing(Wishes {
        session: Some("one".to_owned()),
        ..Wishes::default()
    });
    let home = World::new(config.clone(), &[]);
    let home = home.stream_of("main", &asked).await.unwrap();
    let fails_once = [Fault::Fails(limited(None)), Fault::None];
    let world = World::new(config, &[(home.as_str(), &fails_once)]);
    let away = world.stream_of("main", &asked).await.unwrap();
    assert_ne!(away, home, "its home is rate limited");
    for _ in 0..3 {
        tokio::time::advance(seconds(50)).await;
        let answered = world.stream_of("main", &asked).await.unwrap();
        assert_eq!(answered, away, "its prompt is in the cache there");
    }
    tokio::time::advance(seconds(61)).await;
    assert_eq!(world.stream_of("main", &asked).await.unwrap(), home);
}

#[tokio::test(start_paused = true)]
async fn prices_of_the_list_go_before_the_catalogs() {
    let own = Prices {
        input: 5_000_000_000,
        ..Prices::default()
    };
    let listed = Deployment {
        prices: Some(own),
        ..entry("mine", "p/a")
    };
    let based = Deployment {
        info: DeploymentInfo {
            base_model: Some("dear-model".to_owned()),
            ..DeploymentInfo::default()
        },
        ..entry("based", "p/b")
    };
    let world = World::new(in_order(vec![listed, based, entry("plain", "p/c")]), &[]);
    // 40 tokens in; 1 USD a million, 5 in the list, 9 for a dear one.
    for (group, cost) in [("mine", 200_000), ("based", 360_000), ("plain", 40_000)] {
        world.whole(group).await.unwrap();
        assert_eq!(world.last_record().cost, Some(NanoUsd(cost)), "{group}");
    }
    let explained = world.router.explain("mine", &request().head).unwrap();
    assert_eq!(explained.prompt_nanousd.unwrap().least, NanoUsd(7 * 5_000));
}

#[tokio::test(start_paused = true)]
async fn a_second_deployment_is_asked_when_the_first_is_slow_and_the_slower_is_given_up() {
    let config = RouterConfig {
        hedge_after_ms: Some(500),
        ..in_order(vec![entry("main", "p/a"), entry("main", "p/b")])
    };
    let slow = [Fault::Slow(seconds(9))];
    let started = Instant::now();
    let world = World::new(config.clone(), &[("a", &slow)]);
    let request = request();
    assert_eq!(world.stream_of("main", &request).await.unwrap(), "b");
    assert_eq!(started.elapsed(), Duration::from_millis(500));
    assert_eq!(world.last_record().attempts, 2);
    assert_eq!(
        request.call.trace.routed().deployment.unwrap().id.as_ref(),
        "b"
    );
    let explained = world.router.explain("main", &request.head).unwrap();
    assert!(explained.deployments.iter().all(|it| it.in_flight == 0));
    assert_eq!(world.why_not("main", "a"), None, "slow is not broken");

    // The second fails: the first is waited for.
    let world = World::new(config.clone(), &[("a", &slow), ("b", &[DOWN])]);
    assert_eq!(world.stream("main").await.unwrap(), "a");
    assert_eq!(world.last_record().attempts, 2);
    // The first is fast: nobody else is asked.
    let world = World::new(config, &[]);
    assert_eq!(world.stream("main").await.unwrap(), "a");
    assert_eq!(world.asked_of_all(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_reload_keeps_what_is_known_and_calls_under_way_end_as_they_began() {
    let config = in_order(vec![entry("main", "p/a"), entry("main", "p/b")]);
    let refused = [Fault::Fails(LlmErrorKind::Authentication)];
    let world = World::new(config.clone(), &[("a", &refused), ("c", &[])]);
    assert_eq!(world.stream("main").await.unwrap(), "b");
    let before = world.router.route("main").unwrap().client;
    let renamed = Deployment {
        group: "other".into(),
        ..entry("main", "p/a")
    };
    world
        .router
        .reload(in_order(vec![renamed, entry("other", "p/c")]));
    assert_eq!(
        world.rests("other", "a"),
        Some(5),
        "its health outlives its group"
    );
    assert_eq!(world.stream("other").await.unwrap(), "c");
    assert!(world.router.route("main").is_err());
    let late = before.send_message(&request()).await.unwrap();
    assert_eq!(late.text, "b", "who came before still finds the old list");
}

#[tokio::test(start_paused = true)]
async fn what_was_done_for_a_call_is_told_by_its_id() {
    let config = RouterConfig {
        fallbacks: fallbacks(&[("main", &["spare"])]),
        ..in_order(vec![
            entry("main", "p/a"),
            Deployment {
                rpm: Some(0),
                ..entry("main", "p/b")
            },
            entry("spare", "p/c"),
        ])
    };
    let world = World::new(
        config,
        &[("a", &[Fault::Fails(LlmErrorKind::Authentication)])],
    );
    assert_eq!(world.stream("main").await.unwrap(), "c");
    let call = world.router.explained("call-1").unwrap();
    assert_eq!(
        (call.asked.as_str(), call.strategy),
        ("main", Strategy::Ordered)
    );
    let told: Vec<_> = call
        .attempts
        .iter()
        .map(|it| (it.group.as_str(), it.deployment.as_deref(), it.failure))
        .collect();
    assert_eq!(
        told,
        [
            ("main", Some("a"), Some("authentication")),
            ("spare", Some("c"), None)
        ]
    );
    assert_eq!(call.attempts[0].excluded[0].deployment, "b");
    assert_eq!(call.attempts[0].excluded[0].why.code, "rate_limited");
    assert!(world.router.explained("another").is_none());
    let json = serde_json::to_value(&call).unwrap();
    assert_eq!(json["attempts"][0]["excluded"][0]["code"], "rate_limited");
}

#[tokio::test(start_paused = true)]
async fn a_name_is_explained_without_asking_anybody() {
    let config = RouterConfig {
        default_fallbacks: named(&["spare"]),
        ..in_order(vec![
            Deployment {
                rpm: Some(10),
                max_parallel: Some(2),
                ..entry("main", "p/a")
            },
            entry("main", "p/dear"),
            entry("spare", "p/c"),
        ])
    };
    let world = World::new(config, &[]);
    world.stream("main").await.unwrap();
    let explained = world.router.explain("main", &request().head).unwrap();
    let verdicts: Vec<_> = explained.deployments.iter().map(|it| it.verdict).collect();
    assert_eq!(verdicts, [Verdict::Chosen, Verdict::Askable]);
    let left = explained.deployments[0].left;
    assert_eq!(
        (left.requests, left.tokens, left.parallel),
        (Some(9), None, Some(2))
    );
    assert_eq!(explained.fallbacks, ["spare"]);
    let costs = explained.prompt_nanousd.unwrap();
    assert_eq!((costs.least, costs.most), (NanoUsd(7_000), NanoUsd(63_000)));
    assert_eq!(world.asked_of_all(), 1);
    let named = world.router.explain("p/filled", &request().head).unwrap();
    assert!(!named.listed && named.deployments[0].id == "p/filled");
    assert!(world.router.explain("q/x", &request().head).is_err());
}

#[tokio::test(start_paused = true)]
async fn vectors_have_the_attempts_the_fallbacks_and_the_report_of_chats() {
    let config = RouterConfig {
        fallbacks: fallbacks(&[("main", &["spare"])]),
        ..in_order(vec![entry("main", "p/a"), entry("spare", "p/b")])
    };
    let world = World::new(config, &[("a", &[DOWN])]);
    let embedder = world.router.embedder("main").unwrap();
    let asked = EmbeddingRequest {
        model: "p/nobody".parse().unwrap(),
        texts: named(&["tea", "coffee"]),
        dimensions: None,
        purpose: EmbeddingPurpose::Document,
        call: CallContext::default(),
    };
    let answer = embedder.embed(&asked).await.unwrap();
    assert_eq!((answer.model.as_str(), answer.vectors.len()), ("p/b", 2));
    let record = world.last_record();
    assert_eq!(
        (record.attempts, record.fallbacks, record.usage.input),
        (4, 1, 5)
    );
    assert_eq!(
        asked.call.trace.routed().deployment.unwrap().id.as_ref(),
        "b"
    );
    assert!(world.router.embedder("nobody").is_err());
}

#[tokio::test(start_paused = true)]
async fn a_name_without_a_provider_falls_from_a_gateway_to_whom_everybody_means_by_it() {
    let first = Deployment {
        order: Some(1),
        ..entry("*", "p/*")
    };
    let direct = Deployment {
        id: "direct".into(),
        order: Some(2),
        ..entry("*", "*")
    };
    let world = World::new(in_order(vec![first, direct]), &[("everybodys", &[DOWN])]);
    assert_eq!(world.stream("everybodys").await.unwrap(), "filled");
    assert_eq!(world.asked("everybodys").len(), 1);
}
