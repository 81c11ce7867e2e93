use std::sync::Arc;
use std::time::Duration;

use super::*;
use crate::client::LlmErrorKind;
use crate::router::dice::Dice;
use crate::router::group::Member;
use crate::router::minute::Minutes;
use crate::types::Clock;
use crate::types::ModelName;

const LIMITED: LlmErrorKind = LlmErrorKind::RateLimited { retry_after: None };
const DOWN: LlmErrorKind = LlmErrorKind::ConnectionFailed;

/// A group of models that are called by their own names: the simplest members that there are.
fn group(names: &[&str]) -> Group {
    let member = |name: &&str| -> Member {
        let model: ModelName = name.parse().unwrap();
        Group::named(&model, None).members.remove(0)
    };
    Group {
        members: names.iter().map(member).collect(),
        ..Group::named(&"p/a".parse().unwrap(), None)
    }
}

fn standing(health: Health) -> Standing {
    Standing {
        health,
        in_flight: 0,
        calls: 0,
        tokens: 0,
        seconds: None,
    }
}

fn cooling(cause: LlmErrorKind, until: Instant) -> Standing {
    standing(Health::Cooling { until, cause })
}

fn failure(member: usize, kind: LlmErrorKind, again_at: Option<Instant>) -> Failure {
    Failure {
        member,
        error: LlmError::new(kind, "p", "no"),
        again_at,
    }
}

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn with_view<T>(
    standings: &[Standing],
    failures: &[Failure],
    deadline: Option<Instant>,
    look: impl FnOnce(&View<'_>) -> T,
) -> T {
    let now = Instant::now();
    let names = ["p/a", "p/b", "p/c"];
    let group = group(&names[..standings.len()]);
    let (config, wishes) = (RouterConfig::default(), Wishes::default());
    let until = now + seconds(30);
    look(&View {
        group: &group,
        standings,
        failures,
        config: &config,
        wanted: Wanted {
            tokens: 1,
            tags: &[],
            wishes: &wishes,
            session: None,
            has_fallbacks: false,
            has_own_fallbacks: false,
        },
        patience: Patience {
            for_cooldown: deadline.unwrap_or(until).min(until),
            for_place: until,
            deadline,
        },
        minute: Minutes::new(&Clock::starting_at(0)).at(now),
        now,
        throw: Dice::new(1).throw(),
    })
}

/// The step of a call that waits up to 30 s for a cooldown.
fn step(standings: &[Standing], failures: &[Failure]) -> Step {
    with_view(standings, failures, None, |view| next(view).step)
}

fn rest(until: Instant) -> Step {
    Step::Wait {
        until,
        or_change: false,
    }
}

#[tokio::test(start_paused = true)]
async fn another_deployment_is_asked_at_once_and_the_same_one_after_a_rest() {
    let now = Instant::now();
    let well = || standing(Health::GOOD);
    let failed = [failure(0, DOWN, Some(now + seconds(1)))];
    assert_eq!(step(&[well(), well()], &failed), Step::Ask(1));
    assert_eq!(step(&[well()], &failed), rest(now + seconds(1)));
    let never = [failure(0, DOWN, None)];
    assert_eq!(step(&[well()], &never), Step::GiveUp);
}

#[tokio::test(start_paused = true)]
async fn only_a_rate_limit_is_waited_for_and_only_as_long_as_patience_lasts() {
    let now = Instant::now();
    let waits = |cause, rest| {
        let group = [cooling(cause, now + seconds(rest))];
        with_view(&group, &[], None, |view| {
            let Decision { step, excluded } = next(view);
            (step, give_up(view, &[], &excluded))
        })
    };
    assert_eq!(waits(LIMITED, 30).0, rest(now + seconds(30)));
    assert_eq!(waits(LIMITED, 31).0, Step::GiveUp);
    let (step, error) = waits(LlmErrorKind::Authentication, 4);
    assert_eq!(
        (step, error.kind),
        (Step::GiveUp, LlmErrorKind::Authentication)
    );
    let (_, error) = waits(DOWN, 4);
    assert!(error.message.contains("another 4.0 s"), "{error}");
    assert_eq!(error.kind.retry_after(), Some(seconds(4)));
}

#[tokio::test(start_paused = true)]
async fn a_probe_of_somebody_else_is_awaited_after_a_rate_limit_only() {
    let probing = |cause| [standing(Health::Probing { cause })];
    let until = Instant::now() + seconds(30);
    let or_change = true;
    assert_eq!(
        step(&probing(LIMITED), &[]),
        Step::Wait { until, or_change }
    );
    assert_eq!(step(&probing(DOWN), &[]), Step::GiveUp);
}

#[tokio::test(start_paused = true)]
async fn a_rest_that_ends_after_the_deadline_is_not_begun() {
    let now = Instant::now();
    let rests = |time| {
        let failed = [failure(0, LIMITED, Some(now + seconds(time)))];
        let deadline = Some(now + seconds(2));
        with_view(&[standing(Health::GOOD)], &failed, deadline, |view| {
            next(view).step
        })
    };
    assert_eq!(rests(1), rest(now + seconds(1)));
    assert_eq!(rests(2), Step::GiveUp);
}

#[tokio::test(start_paused = true)]
async fn a_malformed_answer_is_tried_again_once() {
    let well = [standing(Health::GOOD)];
    let malformed = || failure(0, LlmErrorKind::MalformedResponse, Some(Instant::now()));
    assert_eq!(step(&well, &[malformed()]), Step::Ask(0));
    assert_eq!(step(&well, &[malformed(), malformed()]), Step::GiveUp);
}

#[tokio::test(start_paused = true)]
async fn failures_of_one_class_keep_it_and_mixed_ones_list_who_was_asked() {
    let error = |failures: &[Failure]| {
        let well = [standing(Health::GOOD)];
        with_view(&well, failures, None, |view| give_up(view, failures, &[]))
    };
    let limited = || failure(0, LIMITED, None);
    let down = || failure(0, DOWN, None);
    assert_eq!(
        error(&[down()]).to_string(),
        "p: no",
        "one failure stays as it is"
    );
    let same = error(&[limited(), limited()]);
    assert_eq!(
        (same.kind, same.message.as_str()),
        (LIMITED, "after 2 attempts: no")
    );
    let refused = failure(0, LlmErrorKind::InvalidRequest, None);
    let mended = error(&[limited(), refused]);
    assert_eq!(
        mended.kind,
        LlmErrorKind::InvalidRequest,
        "the caller can mend it"
    );
    let nobody = failure(0, LlmErrorKind::ModelNotFound, None);
    assert_eq!(
        error(&[down(), nobody]).kind,
        DOWN,
        "that nobody else has the name is not what failed"
    );
    let mixed = error(&[limited(), down()]);
    let LlmErrorKind::NoDeployment { tried, .. } = mixed.kind else {
        panic!("{mixed:?}")
    };
    let codes: Vec<_> = tried.iter().map(|attempt| attempt.code.as_str()).collect();
    assert_eq!(codes, ["rate_limited", "connection_failed"]);
}

#[tokio::test(start_paused = true)]
async fn who_is_well_takes_no_room_in_the_decision() {
    let well = [standing(Health::GOOD), standing(Health::GOOD)];
    let decision = with_view(&well, &[], None, next);
    assert_eq!(decision.excluded.capacity(), 0);
    assert!(Arc::strong_count(&group(&["p/a"]).name) > 0);
}
