use super::*;

const OVERLOADED: LlmErrorKind = LlmErrorKind::Overloaded { retry_after: None };

fn rules(config: &RouterConfig, place: Place) -> Rules<'_> {
    Rules {
        config,
        place,
        cooldown: None,
    }
}

fn named(config: &RouterConfig) -> Rules<'_> {
    rules(config, Place::Named)
}

fn after(health: Health, sign: Sign<'_>) -> Health {
    health.after(
        sign,
        false,
        &named(&RouterConfig::default()),
        Instant::now(),
    )
}

fn rest_of(health: &Health) -> Duration {
    let Health::Cooling { until, .. } = health else {
        panic!("{health:?} is not cooling")
    };
    *until - Instant::now()
}

#[tokio::test(start_paused = true)]
async fn three_failures_in_a_row_begin_a_cooldown_and_two_do_not() {
    let mut health = Health::GOOD;
    for _ in 0..2 {
        health = after(health, Sign::CallFailed(&OVERLOADED));
    }
    assert_eq!(health, Health::Ready { failures: 2 });
    assert_eq!(after(health.clone(), Sign::Succeeded), Health::GOOD);
    let health = after(health, Sign::CallFailed(&OVERLOADED));
    assert_eq!(rest_of(&health), Duration::from_secs(5));
}

#[tokio::test(start_paused = true)]
async fn failed_attempts_of_one_call_do_not_count_as_calls() {
    let mut health = Health::GOOD;
    for _ in 0..9 {
        health = after(health, Sign::AttemptFailed(&OVERLOADED));
    }
    assert_eq!(health, Health::GOOD);
}

#[tokio::test(start_paused = true)]
async fn a_refused_key_cools_at_once_and_a_bad_request_never() {
    let health = after(
        Health::GOOD,
        Sign::AttemptFailed(&LlmErrorKind::Authentication),
    );
    assert_eq!(rest_of(&health), Duration::from_secs(5));
    let health = after(
        Health::Ready { failures: 2 },
        Sign::AttemptFailed(&LlmErrorKind::InvalidRequest),
    );
    assert_eq!(health, Health::GOOD, "it answered, so it lives");
}

#[tokio::test(start_paused = true)]
async fn a_longer_rest_asked_for_by_an_earlier_call_is_honoured_and_no_rest_is_endless() {
    let limited = |seconds| LlmErrorKind::RateLimited {
        retry_after: Some(Duration::from_secs(seconds)),
    };
    let health = after(Health::GOOD, Sign::AttemptFailed(&limited(10)));
    let health = after(health, Sign::AttemptFailed(&limited(20)));
    assert_eq!(rest_of(&health), Duration::from_secs(20));
    let health = after(health, Sign::AttemptFailed(&limited(10)));
    assert_eq!(rest_of(&health), Duration::from_secs(20));
    let health = after(health, Sign::AttemptFailed(&limited(u64::MAX)));
    assert_eq!(rest_of(&health), LONGEST_COOLDOWN);
}

#[tokio::test(start_paused = true)]
async fn only_one_call_probes_and_only_its_word_counts() {
    let config = RouterConfig::default();
    let now = Instant::now();
    let cooled = Health::Cooling {
        until: now,
        cause: OVERLOADED,
    };
    let (probing, is_probe) = cooled.asked(now).unwrap();
    assert!(is_probe);
    assert_eq!(probing.clone().asked(now), None);
    assert_eq!(after(probing.clone(), Sign::Succeeded), probing);
    let mine = |sign| probing.clone().after(sign, true, &named(&config), now);
    assert_eq!(mine(Sign::Answering), Health::GOOD);
    assert_eq!(
        rest_of(&mine(Sign::AttemptFailed(&OVERLOADED))),
        config.cooldown()
    );
    assert_eq!(rest_of(&mine(Sign::Nothing)), Duration::ZERO);
}

const AMONG: Place = Place::Among {
    mostly_failing: false,
    fills_in: false,
};

#[tokio::test(start_paused = true)]
async fn what_a_failed_attempt_begins_depends_on_the_place() {
    let limited = |seconds: Option<u64>| LlmErrorKind::RateLimited {
        retry_after: seconds.map(Duration::from_secs),
    };
    let alone = |has_fallbacks| Place::Alone { has_fallbacks };
    let fills_in = Place::Among {
        mostly_failing: false,
        fills_in: true,
    };
    let failing = Place::Among {
        mostly_failing: true,
        fills_in: false,
    };
    let total = LlmErrorKind::Timeout {
        phase: TimeoutPhase::Total,
    };
    // The rest in seconds; `None` for none.
    for (place, kind, rest) in [
        (AMONG, limited(None), Some(5)),
        (AMONG, limited(Some(30)), Some(30)),
        (AMONG, limited(Some(0)), Some(0)),
        (AMONG, LlmErrorKind::Authentication, Some(5)),
        (AMONG, LlmErrorKind::QuotaExhausted, Some(5)),
        (AMONG, LlmErrorKind::ModelNotFound, Some(5)),
        (fills_in, LlmErrorKind::ModelNotFound, None),
        (AMONG, LlmErrorKind::PermissionDenied, None),
        (AMONG, LlmErrorKind::InvalidRequest, None),
        (AMONG, OVERLOADED, None),
        (failing, OVERLOADED, Some(5)),
        (failing, total, Some(5)),
        (alone(false), limited(Some(30)), None),
        (alone(true), limited(Some(30)), None),
        (alone(false), LlmErrorKind::Authentication, None),
        (alone(true), OVERLOADED, None),
        (Place::Named, limited(Some(30)), Some(30)),
        (Place::Named, limited(None), None),
        (Place::Named, LlmErrorKind::ModelNotFound, None),
    ] {
        let config = RouterConfig::default();
        let rules = rules(&config, place);
        let now = Instant::now();
        let health = Health::GOOD.after(Sign::AttemptFailed(&kind), false, &rules, now);
        let rests = match health {
            Health::Cooling { until, .. } => Some((until - now).as_secs()),
            Health::Ready { .. } | Health::Probing { .. } => None,
        };
        assert_eq!(rests, rest, "{kind} of {place:?}");
    }
}

/// Failures of a kind until a rest begins, at most 1,001.
fn failures_until_a_rest(config: &RouterConfig, place: Place, kind: &LlmErrorKind) -> u32 {
    let sign = match place {
        Place::Among { .. } => Sign::AttemptFailed(kind),
        Place::Named | Place::Alone { .. } => Sign::CallFailed(kind),
    };
    let mut health = Health::GOOD;
    for n in 1..=1_001 {
        health = health.after(sign, false, &rules(config, place), Instant::now());
        if matches!(health, Health::Cooling { .. }) {
            return n;
        }
    }
    u32::MAX
}

#[tokio::test(start_paused = true)]
async fn policies_and_places_say_how_many_failures_are_too_many() {
    let config = RouterConfig {
        allowed_fails: 4,
        allowed_fails_policy: [(crate::router::FailureClass::Timeout, 2)].into(),
        ..RouterConfig::default()
    };
    let slow = LlmErrorKind::Timeout {
        phase: TimeoutPhase::FirstToken,
    };
    let alone = |has_fallbacks| Place::Alone { has_fallbacks };
    let until = |place, kind| failures_until_a_rest(&config, place, kind);
    assert_eq!((until(AMONG, &OVERLOADED), until(AMONG, &slow)), (4, 2));
    assert_eq!(until(Place::Named, &OVERLOADED), 4);
    assert_eq!(until(alone(true), &OVERLOADED), 4);
    assert_eq!(until(alone(false), &OVERLOADED), 1000);
    let never = RouterConfig {
        disable_cooldowns: true,
        ..config.clone()
    };
    assert_eq!(failures_until_a_rest(&never, AMONG, &OVERLOADED), u32::MAX);
}

#[tokio::test(start_paused = true)]
async fn a_deployments_own_rest_goes_before_the_providers() {
    let config = RouterConfig::default();
    let own = Rules {
        cooldown: Some(Duration::from_secs(7)),
        ..rules(&config, AMONG)
    };
    let limited = LlmErrorKind::RateLimited {
        retry_after: Some(Duration::from_secs(40)),
    };
    let sign = Sign::AttemptFailed(&limited);
    let health = Health::GOOD.after(sign, false, &own, Instant::now());
    assert_eq!(rest_of(&health), Duration::from_secs(7));
}
