//! What the caller is told when a group is given up.

use super::Exclusion;
use super::Failure;
use super::View;
use super::Why;
use super::why::from_now;
use crate::client::Attempt;
use crate::client::LlmError;
use crate::client::LlmErrorKind;
use crate::router::retry;
use crate::router::retry::Again;

/// Returns the error of a call that is given up.
///
/// One failed attempt is reported as it is. Of several, a group reports the last with the others beside it, and rather
/// one that was made than one for which there was no key. A model
/// that is called by its own name keeps the class of the last one when that one may not be tried again, or when all
/// failures and cooldowns in the way are of one class: the caller can then do what the class says; otherwise the class
/// is `NoDeployment` with the whole list. Where nobody was asked, see [`nobody_asked`].
pub(in crate::router) fn give_up(
    view: &View<'_>,
    failures: &[Failure],
    excluded: &[Exclusion],
) -> LlmError {
    // Behind another gateway a name may be that gateway's alone. That nobody else has it says nothing of what went
    // wrong there.
    let nobody = |failure: &&Failure| failure.error.names_nobody();
    let asked = failures.iter().filter(|it| !nobody(it));
    if failures.iter().any(|it| nobody(&it)) && asked.clone().next().is_some() {
        let asked: Vec<Failure> = asked.cloned().collect();
        return give_up(view, &asked, excluded);
    }
    let mut tried: Vec<Attempt> = failures.iter().map(|it| as_attempt(view, it)).collect();
    let attempts = tried.len();
    tried.extend(excluded.iter().filter_map(|it| it.as_attempt(view)));
    let of_one_class = tried.windows(2).all(|pair| pair[0].code == pair[1].code);
    let listed = view.group.is_listed;
    // That a deployment has no key is the operator's business: what the others say is of more use.
    let mut latest = failures.iter().rev();
    let telling = latest.find(|it| !it.error.lacks_credential());
    match telling.or(failures.last()) {
        None => nobody_asked(view, tried, excluded),
        Some(Failure { error, .. }) if tried.len() == 1 => error.clone(),
        Some(Failure { error, .. })
            if listed || of_one_class || retry::again(&error.kind, listed) == Again::Never =>
        {
            let times = if attempts == 1 { "attempt" } else { "attempts" };
            let mut message = format!("after {attempts} {times}: {}", error.message);
            if !of_one_class {
                message += &format!(" ({})", in_short(&tried));
            }
            LlmError {
                status: error.status,
                ..LlmError::new(error.kind.clone(), &error.provider, message)
            }
        }
        Some(_) => no_deployment(view, tried, excluded),
    }
}

/// Where nobody was asked, the class says what stands in the way: `RateLimited` where a limit of the model list does,
/// with the seconds until it ends; `Authentication` where all keys are refused; `InvalidRequest` where no deployment
/// has the call's tags, `ContextLengthExceeded` where no model takes the prompt; otherwise `NoDeployment`.
fn nobody_asked(view: &View<'_>, tried: Vec<Attempt>, excluded: &[Exclusion]) -> LlmError {
    let any = |is: fn(Why) -> bool| excluded.iter().any(|it| is(it.why));
    let all = |is: fn(Why) -> bool| !excluded.is_empty() && excluded.iter().all(|it| is(it.why));
    let is_limit = |why| {
        matches!(
            why,
            Why::Calls { .. } | Why::Tokens { .. } | Why::Places { .. }
        )
    };
    let is_broken = |why: Why| {
        matches!(why, Why::Cooling { .. } | Why::Probing { .. })
            && why.code() == LlmErrorKind::Authentication.code()
    };
    let rests = any(|why| matches!(why, Why::Cooling { .. } | Why::Probing { .. }));
    let kind = if any(is_limit) {
        LlmErrorKind::RateLimited {
            retry_after: soonest(view, excluded),
        }
    } else if all(is_broken) {
        LlmErrorKind::Authentication
    } else if rests {
        return no_deployment(view, tried, excluded);
    } else if any(|why| matches!(why, Why::Prompt { .. })) {
        LlmErrorKind::ContextLengthExceeded
    } else if any(|why| why == Why::Tags) {
        LlmErrorKind::InvalidRequest
    } else if all(|why| why == Why::NoModel) {
        LlmErrorKind::ModelNotFound
    } else {
        return no_deployment(view, tried, excluded);
    };
    let message = in_words(view, &tried);
    LlmError::new(kind, view.group.provider(), message)
}

fn no_deployment(view: &View<'_>, tried: Vec<Attempt>, excluded: &[Exclusion]) -> LlmError {
    let message = in_words(view, &tried);
    let retry_after = soonest(view, excluded);
    let kind = LlmErrorKind::NoDeployment { tried, retry_after };
    LlmError::new(kind, view.group.provider(), message)
}

/// The time until the first of those that cannot be asked can be.
fn soonest(view: &View<'_>, excluded: &[Exclusion]) -> Option<std::time::Duration> {
    let ends = excluded.iter().filter_map(|it| match it.why {
        // A place may be free at any moment.
        Why::Places { .. } | Why::Probing { .. } => Some(view.now),
        other => other.ends_at(),
    });
    ends.min().map(|at| from_now(at, view.now))
}

fn in_words(view: &View<'_>, tried: &[Attempt]) -> String {
    let reasons: Vec<_> = tried
        .iter()
        .map(|attempt| format!("{}: {}", attempt.code, attempt.message))
        .collect();
    format!(
        "nobody can answer for {}: {}",
        view.group.name,
        reasons.join("; ")
    )
}

fn in_short(tried: &[Attempt]) -> String {
    let told = tried
        .iter()
        .map(|attempt| format!("{}: {}", attempt.deployment, attempt.code));
    told.collect::<Vec<_>>().join(", ")
}

fn as_attempt(view: &View<'_>, failure: &Failure) -> Attempt {
    Attempt {
        deployment: view.group.members[failure.member].to_string(),
        code: failure.error.kind.code().to_owned(),
        message: failure.error.message.clone(),
    }
}
