//! What a call does next: ask, rest or give up. Pure; its tests say why a deployment was picked.

use tokio::time::Instant;

use super::config::RouterConfig;
use super::health::DeploymentId;
use super::health::Health;
use super::retry;
use super::retry::Again;
use crate::client::Attempt;
use crate::client::LlmError;
use crate::client::LlmErrorKind;
use crate::types::ModelName;

/// A deployment of the group and how it fares.
#[derive(Debug, Clone)]
pub(super) struct Standing {
    pub(super) deployment: DeploymentId,
    pub(super) health: Health,
}

/// An attempt of this call that failed.
#[derive(Debug, Clone)]
pub(super) struct Failure {
    pub(super) deployment: DeploymentId,
    pub(super) error: LlmError,
    /// When this call may ask the deployment again; `None` when that is later than a call waits.
    pub(super) again_at: Option<Instant>,
}

/// How long a call waits.
#[derive(Debug, Clone, Copy)]
pub(super) struct Patience {
    /// Until when it waits for a cooldown that it did not cause.
    pub(super) until: Instant,
    /// Until when the answer is of use.
    pub(super) deadline: Option<Instant>,
}

/// What a call does next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Step {
    /// Asks this one of the group.
    Ask(usize),
    /// Rests until then.
    Rest(Instant),
    /// Waits for the end of another call's probe, but no longer than until then.
    AwaitProbe(Instant),
    /// Gives up; these deployments could not be asked any more.
    GiveUp(Vec<Attempt>),
}

/// When one deployment can be asked.
enum Turn {
    At(Instant),
    AfterProbe,
    NotNow(Attempt),
    Never,
}

/// Returns what a call does next, given its group's standings and its own failures so far.
///
/// The deployment that can be asked soonest is asked; the first of the group among equals.
pub(super) fn next(
    group: &[Standing],
    failures: &[Failure],
    config: &RouterConfig,
    patience: Patience,
    now: Instant,
) -> Step {
    if !may_go_on(failures, config) {
        return Step::GiveUp(Vec::new());
    }
    let mut soonest: Option<(Instant, usize)> = None;
    let mut probed = false;
    let mut excluded = Vec::new();
    for (index, standing) in group.iter().enumerate() {
        match turn(standing, failures, patience, now) {
            Turn::At(at) if soonest.is_none_or(|(earliest, _)| at < earliest) => {
                soonest = Some((at, index));
            }
            Turn::At(_) | Turn::Never => {}
            Turn::AfterProbe => probed = true,
            Turn::NotNow(why) => excluded.push(why),
        }
    }
    match soonest {
        Some((at, index)) if at <= now => Step::Ask(index),
        Some((at, _)) if patience.deadline.is_none_or(|deadline| at < deadline) => Step::Rest(at),
        None if probed => Step::AwaitProbe(patience.until),
        Some(_) | None => Step::GiveUp(excluded),
    }
}

/// Returns the error of a call that is given up.
///
/// One failed attempt is reported as it is. Several keep the class of the last one when that one may not be tried
/// again, or when all failures and cooldowns in the way are of one class: the caller can then do what the class says.
/// Where they differ, and where nobody was asked, the class is `NoDeployment` with the whole list.
pub(super) fn give_up(
    model: &ModelName,
    failures: Vec<Failure>,
    excluded: Vec<Attempt>,
) -> LlmError {
    let mut tried: Vec<Attempt> = failures
        .iter()
        .map(|failure| Attempt {
            deployment: failure.deployment.to_string(),
            code: failure.error.kind.code().to_owned(),
            message: failure.error.message.clone(),
        })
        .collect();
    let attempts = tried.len();
    tried.extend(excluded);
    let of_one_class = tried.windows(2).all(|pair| pair[0].code == pair[1].code);
    match failures.into_iter().next_back() {
        Some(Failure { error, .. }) if tried.len() == 1 => error,
        Some(Failure { error, .. })
            if of_one_class || retry::again(&error.kind) == Again::Never =>
        {
            let times = if attempts == 1 { "attempt" } else { "attempts" };
            let message = format!("after {attempts} {times}: {}", error.message);
            LlmError {
                status: error.status,
                ..LlmError::new(error.kind, error.provider, message)
            }
        }
        Some(_) | None => {
            let reasons: Vec<_> = tried
                .iter()
                .map(|attempt| format!("{}: {}", attempt.code, attempt.message))
                .collect();
            let message = format!("nobody can answer for {model}: {}", reasons.join("; "));
            LlmError::new(
                LlmErrorKind::NoDeployment { tried },
                model.provider(),
                message,
            )
        }
    }
}

/// Whether the last failure, and the number of them, leave room for another attempt.
fn may_go_on(failures: &[Failure], config: &RouterConfig) -> bool {
    let Some(last) = failures.last() else {
        return true;
    };
    let code = last.error.kind.code();
    let same = |failure: &&Failure| failure.error.kind.code() == code;
    let allowed = match retry::again(&last.error.kind) {
        Again::Always => true,
        Again::Once => failures.iter().filter(same).count() <= 1,
        Again::Never => false,
    };
    allowed && failures.len() <= usize::from(config.num_retries)
}

fn turn(standing: &Standing, failures: &[Failure], patience: Patience, now: Instant) -> Turn {
    let mut own = failures.iter().rev();
    let rested_at = match own.find(|failure| failure.deployment == standing.deployment) {
        Some(failure) => match failure.again_at {
            Some(at) => at.max(now),
            None => return Turn::Never,
        },
        None => now,
    };
    let waits_for = |cause: &LlmErrorKind| matches!(cause, LlmErrorKind::RateLimited { .. });
    match &standing.health {
        Health::Ready { .. } => Turn::At(rested_at),
        Health::Cooling { until, .. } if *until <= rested_at => Turn::At(rested_at),
        Health::Cooling { until, cause } if waits_for(cause) && *until <= patience.until => {
            Turn::At(*until)
        }
        Health::Cooling { until, cause } => {
            let rest = (*until - now).as_secs_f64();
            Turn::NotNow(not_now(
                standing,
                cause,
                format!("it rests for another {rest:.1} s after {cause}; ask again then"),
            ))
        }
        Health::Probing { cause } if waits_for(cause) && now < patience.until => Turn::AfterProbe,
        Health::Probing { cause } => Turn::NotNow(not_now(
            standing,
            cause,
            format!("another call is finding out whether it is back after {cause}; ask again soon"),
        )),
    }
}

fn not_now(standing: &Standing, cause: &LlmErrorKind, message: String) -> Attempt {
    Attempt {
        deployment: standing.deployment.to_string(),
        code: cause.code().to_owned(),
        message,
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const LIMITED: LlmErrorKind = LlmErrorKind::RateLimited { retry_after: None };

    fn standing(name: &str, health: Health) -> Standing {
        let deployment = DeploymentId {
            model: name.parse().unwrap(),
            endpoint: None,
        };
        Standing { deployment, health }
    }

    fn cooling(name: &str, cause: LlmErrorKind, until: Instant) -> Standing {
        standing(name, Health::Cooling { until, cause })
    }

    fn failure(name: &str, kind: LlmErrorKind, again_at: Option<Instant>) -> Failure {
        Failure {
            deployment: standing(name, Health::GOOD).deployment,
            error: LlmError::new(kind, "p", "no"),
            again_at,
        }
    }

    fn seconds(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    /// The step of a call that waits up to 30 s for a cooldown.
    fn step(group: &[Standing], failures: &[Failure], now: Instant) -> Step {
        let patience = Patience {
            until: now + seconds(30),
            deadline: None,
        };
        next(group, failures, &RouterConfig::default(), patience, now)
    }

    #[tokio::test(start_paused = true)]
    async fn another_deployment_is_asked_at_once_and_the_same_one_after_a_rest() {
        let now = Instant::now();
        let (a, b) = (standing("p/a", Health::GOOD), standing("p/b", Health::GOOD));
        let failed = [failure(
            "p/a",
            LlmErrorKind::ConnectionFailed,
            Some(now + seconds(1)),
        )];
        assert_eq!(step(&[a.clone(), b], &failed, now), Step::Ask(1));
        assert_eq!(step(&[a], &failed, now), Step::Rest(now + seconds(1)));
    }

    #[tokio::test(start_paused = true)]
    async fn only_a_rate_limit_is_waited_for_and_only_as_long_as_patience_lasts() {
        let now = Instant::now();
        let waits = |cause, rest| {
            let group = [cooling("p/a", cause, now + seconds(rest))];
            step(&group, &[], now)
        };
        assert_eq!(waits(LIMITED, 30), Step::Rest(now + seconds(30)));
        assert!(matches!(waits(LIMITED, 31), Step::GiveUp(_)));
        let Step::GiveUp(excluded) = waits(LlmErrorKind::Authentication, 4) else {
            panic!("a refused key is not waited for")
        };
        assert_eq!(excluded[0].code, "authentication");
        assert!(
            excluded[0].message.contains("another 4.0 s"),
            "{excluded:?}"
        );
    }

    #[tokio::test(start_paused = true)]
    async fn a_probe_of_somebody_else_is_awaited_after_a_rate_limit_only() {
        let now = Instant::now();
        let probing = |cause| [standing("p/a", Health::Probing { cause })];
        assert_eq!(
            step(&probing(LIMITED), &[], now),
            Step::AwaitProbe(now + seconds(30))
        );
        let other = probing(LlmErrorKind::ConnectionFailed);
        assert!(matches!(step(&other, &[], now), Step::GiveUp(_)));
    }

    #[tokio::test(start_paused = true)]
    async fn a_rest_that_ends_after_the_deadline_is_not_begun() {
        let now = Instant::now();
        let patience = Patience {
            until: now,
            deadline: Some(now + seconds(2)),
        };
        let rests = |rest| {
            let failed = [failure("p/a", LIMITED, Some(now + seconds(rest)))];
            let group = [standing("p/a", Health::GOOD)];
            next(&group, &failed, &RouterConfig::default(), patience, now)
        };
        assert_eq!(rests(1), Step::Rest(now + seconds(1)));
        assert_eq!(rests(2), Step::GiveUp(vec![]));
    }

    #[tokio::test(start_paused = true)]
    async fn a_malformed_answer_is_tried_again_once() {
        let now = Instant::now();
        let group = [standing("p/a", Health::GOOD)];
        let malformed = || failure("p/a", LlmErrorKind::MalformedResponse, Some(now));
        assert_eq!(step(&group, &[malformed()], now), Step::Ask(0));
        let twice = [malformed(), malformed()];
        assert_eq!(step(&group, &twice, now), Step::GiveUp(vec![]));
    }

    #[tokio::test(start_paused = true)]
    async fn failures_of_one_class_keep_it_and_mixed_ones_list_who_was_asked() {
        let model: ModelName = "p/a".parse().unwrap();
        let limited = || failure("p/a", LIMITED, None);
        let down = || failure("p/a", LlmErrorKind::ConnectionFailed, None);

        let error = give_up(&model, vec![down()], vec![]);
        assert_eq!(error.to_string(), "p: no", "one failure stays as it is");

        let error = give_up(&model, vec![limited(), limited()], vec![]);
        assert_eq!(error.kind, LIMITED);
        assert_eq!(error.message, "after 2 attempts: no");

        let refused = failure("p/a", LlmErrorKind::InvalidRequest, None);
        let error = give_up(&model, vec![limited(), refused], vec![]);
        assert_eq!(
            error.kind,
            LlmErrorKind::InvalidRequest,
            "the caller can mend it"
        );

        let error = give_up(&model, vec![limited(), down()], vec![]);
        let LlmErrorKind::NoDeployment { tried } = error.kind else {
            panic!("{error:?}")
        };
        let codes: Vec<_> = tried.iter().map(|attempt| attempt.code.as_str()).collect();
        assert_eq!(codes, ["rate_limited", "connection_failed"]);
    }
}
