//! When one deployment can be asked, and which of those that can are not.

use tokio::time::Instant;

use super::Exclusion;
use super::Standing;
use super::View;
use super::Why;
use crate::client::LlmErrorKind;
use crate::router::group::Member;
use crate::router::health::Health;

/// The tag of deployments for calls that no other deployment is tagged for, as `LiteLLM` has it.
const DEFAULT_TAG: &str = "default";

/// When a deployment can be asked.
pub(super) enum Turn {
    Now,
    /// By itself then.
    At(Instant, Why),
    /// When another call lets it, which is waited for until then.
    AfterChange(Instant, Why),
    Out(Why),
}

/// Which deployments the call's tags leave.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::router) enum Tagged {
    /// All of them.
    All,
    /// Those that have the call's tags.
    Wanted,
    /// Those for all other calls.
    Default,
    /// None.
    Nobody,
}

impl Tagged {
    pub(in crate::router) fn of(view: &View<'_>) -> Self {
        if !view.config.tag_filtering {
            return Self::All;
        }
        let members = || view.group.members.iter();
        let has_default = members().any(is_default);
        if view.wanted.tags.is_empty() {
            return if has_default {
                Self::Default
            } else {
                Self::All
            };
        }
        if members().any(|member| has_tags(view, member)) {
            Self::Wanted
        } else if has_default {
            Self::Default
        } else {
            Self::Nobody
        }
    }

    fn leaves(self, view: &View<'_>, member: &Member) -> bool {
        match self {
            Self::All => true,
            Self::Wanted => has_tags(view, member),
            Self::Default => is_default(member),
            Self::Nobody => false,
        }
    }
}

fn is_default(member: &Member) -> bool {
    member.entry.tags().iter().any(|tag| tag == DEFAULT_TAG)
}

fn has_tags(view: &View<'_>, member: &Member) -> bool {
    let has = |tag: &String| member.entry.tags().contains(tag);
    match view.config.tag_match_any {
        true => view.wanted.tags.iter().any(has),
        false => view.wanted.tags.iter().all(has),
    }
}

/// When this deployment can be asked.
pub(super) fn turn(view: &View<'_>, tagged: Tagged, index: usize) -> Turn {
    let member = &view.group.members[index];
    let standing = &view.standings[index];
    if member.model.is_none() {
        return Turn::Out(Why::NoModel);
    }
    if !tagged.leaves(view, member) {
        return Turn::Out(Why::Tags);
    }
    if view.config.pre_call_checks
        && let Some(limit_tokens) = too_small(view, member)
    {
        return Turn::Out(Why::Prompt { limit_tokens });
    }
    let mut own = view.failures.iter().rev();
    let rested_at = match own.find(|failure| failure.member == index) {
        Some(failure) => match failure.again_at {
            Some(at) => at.max(view.now),
            None => return Turn::Out(Why::Failed),
        },
        None => view.now,
    };
    match of_health(view, standing, rested_at) {
        Turn::Now => of_limits(view, member, standing),
        later => later,
    }
}

fn of_health(view: &View<'_>, standing: &Standing, rested_at: Instant) -> Turn {
    let rested = || match rested_at <= view.now {
        true => Turn::Now,
        false => Turn::At(rested_at, Why::Resting { until: rested_at }),
    };
    let waits_for = |cause: &LlmErrorKind| matches!(cause, LlmErrorKind::RateLimited { .. });
    match &standing.health {
        Health::Ready { .. } => rested(),
        Health::Cooling { until, .. } if *until <= rested_at => rested(),
        Health::Cooling { until, cause } => {
            let why = Why::Cooling {
                until: *until,
                cause: cause.code(),
            };
            match waits_for(cause) && *until <= view.patience.for_cooldown {
                true => Turn::At(*until, why),
                false => Turn::Out(why),
            }
        }
        Health::Probing { cause } => {
            let why = Why::Probing {
                cause: cause.code(),
            };
            match waits_for(cause) && view.now < view.patience.for_cooldown {
                true => Turn::AfterChange(view.patience.for_cooldown, why),
                false => Turn::Out(why),
            }
        }
    }
}

fn of_limits(view: &View<'_>, member: &Member, standing: &Standing) -> Turn {
    let until = view.minute.ends_at;
    if let Some(limit) = member.entry.rpm()
        && standing.calls >= limit
    {
        return Turn::Out(Why::Calls { limit, until });
    }
    if let Some(limit) = member.entry.tpm()
        && standing.tokens.saturating_add(view.wanted.tokens) > limit
    {
        return Turn::Out(Why::Tokens { limit, until });
    }
    match member.entry.places {
        Some(limit) if standing.in_flight >= limit => {
            let why = Why::Places { limit };
            match view.now < view.patience.for_place {
                true => Turn::AfterChange(view.patience.for_place, why),
                false => Turn::Out(why),
            }
        }
        Some(_) | None => Turn::Now,
    }
}

/// The longest prompt of a model that cannot take this one; `None` when it can, or when nobody knows.
fn too_small(view: &View<'_>, member: &Member) -> Option<u64> {
    let limit = member.max_prompt_tokens?;
    (view.wanted.tokens > limit).then_some(limit)
}

/// Leaves out those whose model may be too small, when there is one that is not: the estimate is a cautious one, so
/// that alone it refuses no call.
pub(super) fn keep_roomy(view: &View<'_>, askable: &mut Vec<usize>, excluded: &mut Vec<Exclusion>) {
    let limit_of = |member: usize| too_small(view, &view.group.members[member]);
    if askable.len() < 2 || askable.iter().all(|member| limit_of(*member).is_some()) {
        return;
    }
    askable.retain(|member| match limit_of(*member) {
        Some(limit_tokens) => {
            excluded.push(Exclusion {
                member: *member,
                why: Why::Prompt { limit_tokens },
            });
            false
        }
        None => true,
    });
}

/// Leaves those of the lowest order.
pub(super) fn keep_lowest_order(
    view: &View<'_>,
    askable: &mut Vec<usize>,
    excluded: &mut Vec<Exclusion>,
) {
    let order_of = |member: usize| view.group.members[member].entry.order();
    let Some(lowest) = askable.iter().map(|member| order_of(*member)).min() else {
        return;
    };
    askable.retain(|member| {
        let is_lowest = order_of(*member) == lowest;
        if !is_lowest {
            excluded.push(Exclusion {
                member: *member,
                why: Why::Order,
            });
        }
        is_lowest
    });
}
