//! Which groups are asked instead of one that failed. Pure.

use std::collections::BTreeMap;

use super::config::RouterConfig;
use super::group::Group;
use crate::client::LlmErrorKind;
use crate::client::Wishes;

/// What a group is looked up by: the name that was asked for, the group's, the model list's.
#[derive(Debug, Clone, Copy)]
pub(super) struct Failed<'a> {
    pub(super) asked: &'a str,
    pub(super) group: &'a Group,
}

/// Groups to ask instead, in order: the caller's, else those for this class of failure, else the general ones, else
/// those for every group.
///
/// Where groups are listed for this class of failure, but none for this group, nobody is asked, as `LiteLLM` has it.
pub(super) fn after<'a>(
    failed: Failed<'_>,
    config: &'a RouterConfig,
    wishes: &'a Wishes,
    kind: &LlmErrorKind,
) -> &'a [String] {
    if wishes.no_fallbacks || !another_may_help(kind) {
        return &[];
    }
    if let Some(own) = &wishes.fallbacks {
        return own;
    }
    if let Some(special) = of_class(config, kind) {
        return failed.named_in(special).unwrap_or(&[]);
    }
    general(failed, config)
}

/// `true` when a list for this class of failure names groups for this one: it is asked at once.
pub(super) fn has_own(
    failed: Failed<'_>,
    config: &RouterConfig,
    wishes: &Wishes,
    kind: &LlmErrorKind,
) -> bool {
    let listed = of_class(config, kind).and_then(|special| failed.named_in(special));
    !wishes.no_fallbacks && wishes.fallbacks.is_none() && listed.is_some_and(|it| !it.is_empty())
}

/// `true` when another group is asked after a failure that is nobody's in particular.
pub(super) fn any(failed: Failed<'_>, config: &RouterConfig, wishes: &Wishes) -> bool {
    if wishes.no_fallbacks {
        return false;
    }
    match &wishes.fallbacks {
        Some(own) => !own.is_empty(),
        None => !general(failed, config).is_empty(),
    }
}

fn general<'a>(failed: Failed<'_>, config: &'a RouterConfig) -> &'a [String] {
    failed
        .named_in(&config.fallbacks)
        .unwrap_or(&config.default_fallbacks)
}

/// The list for this class of failure; `None` when there is none.
fn of_class<'a>(
    config: &'a RouterConfig,
    kind: &LlmErrorKind,
) -> Option<&'a BTreeMap<String, Vec<String>>> {
    let special = match kind {
        LlmErrorKind::ContextLengthExceeded => &config.context_window_fallbacks,
        LlmErrorKind::ContentFiltered => &config.content_policy_fallbacks,
        LlmErrorKind::Authentication
        | LlmErrorKind::PermissionDenied
        | LlmErrorKind::ModelNotFound
        | LlmErrorKind::InvalidRequest
        | LlmErrorKind::RateLimited { .. }
        | LlmErrorKind::QuotaExhausted
        | LlmErrorKind::Overloaded { .. }
        | LlmErrorKind::Timeout { .. }
        | LlmErrorKind::ConnectionFailed
        | LlmErrorKind::StreamInterrupted { .. }
        | LlmErrorKind::MalformedResponse
        | LlmErrorKind::Cancelled
        | LlmErrorKind::BudgetExceeded
        | LlmErrorKind::NoDeployment { .. } => return None,
    };
    (!special.is_empty()).then_some(special)
}

/// `false` for what every group would answer with.
fn another_may_help(kind: &LlmErrorKind) -> bool {
    match kind {
        LlmErrorKind::Cancelled | LlmErrorKind::BudgetExceeded => false,
        LlmErrorKind::Authentication
        | LlmErrorKind::PermissionDenied
        | LlmErrorKind::ModelNotFound
        | LlmErrorKind::InvalidRequest
        | LlmErrorKind::ContextLengthExceeded
        | LlmErrorKind::ContentFiltered
        | LlmErrorKind::RateLimited { .. }
        | LlmErrorKind::QuotaExhausted
        | LlmErrorKind::Overloaded { .. }
        | LlmErrorKind::Timeout { .. }
        | LlmErrorKind::ConnectionFailed
        | LlmErrorKind::StreamInterrupted { .. }
        | LlmErrorKind::MalformedResponse
        | LlmErrorKind::NoDeployment { .. } => true,
    }
}

impl Failed<'_> {
    fn named_in<'a>(&self, lists: &'a BTreeMap<String, Vec<String>>) -> Option<&'a [String]> {
        if lists.is_empty() {
            return None;
        }
        [self.asked, &self.group.name, &self.group.written, "*"]
            .into_iter()
            .find_map(|name| lists.get(name))
            .map(Vec::as_slice)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOO_LONG: LlmErrorKind = LlmErrorKind::ContextLengthExceeded;
    const DOWN: LlmErrorKind = LlmErrorKind::ConnectionFailed;
    const HELD_BACK: LlmErrorKind = LlmErrorKind::ContentFiltered;

    fn lists(pairs: &[(&str, &str)]) -> BTreeMap<String, Vec<String>> {
        let owned = pairs.iter().map(|(group, others)| {
            let others = others.split_whitespace().map(str::to_owned).collect();
            ((*group).to_owned(), others)
        });
        owned.collect()
    }

    fn config() -> RouterConfig {
        RouterConfig {
            fallbacks: lists(&[("a", "b c"), ("alias", "d")]),
            context_window_fallbacks: lists(&[("a", "long")]),
            default_fallbacks: vec!["last".to_owned()],
            ..RouterConfig::default()
        }
    }

    fn asked(config: &RouterConfig, name: &str, wishes: &Wishes, kind: &LlmErrorKind) -> String {
        let model = "p/m".parse().unwrap();
        let group = Group {
            name: name.into(),
            written: name.into(),
            ..Group::named(&model, None)
        };
        let failed = Failed {
            asked: name,
            group: &group,
        };
        after(failed, config, wishes, kind).join(" ")
    }

    #[test]
    fn the_class_of_the_failure_decides_which_list_holds() {
        let every = RouterConfig {
            fallbacks: lists(&[("a", "b"), ("*", "star")]),
            ..config()
        };
        for (config, group, kind, expected) in [
            (config(), "a", DOWN, "b c"),
            (config(), "alias", DOWN, "d"),
            (config(), "z", DOWN, "last"),
            (config(), "a", TOO_LONG, "long"),
            // A list for long prompts that does not name the group.
            (config(), "z", TOO_LONG, ""),
            // No list for answers that are held back.
            (config(), "a", HELD_BACK, "b c"),
            (config(), "a", LlmErrorKind::Cancelled, ""),
            (config(), "a", LlmErrorKind::BudgetExceeded, ""),
            (config(), "a", LlmErrorKind::InvalidRequest, "b c"),
            (every.clone(), "a", DOWN, "b"),
            (every, "z", DOWN, "star"),
        ] {
            let found = asked(&config, group, &Wishes::default(), &kind);
            assert_eq!(found, expected, "{group} after {kind}");
        }
    }

    #[test]
    fn the_callers_list_goes_before_all_others() {
        let own = Wishes {
            fallbacks: Some(vec!["mine".to_owned()]),
            ..Wishes::default()
        };
        let none = Wishes {
            no_fallbacks: true,
            ..own.clone()
        };
        assert_eq!(asked(&config(), "a", &own, &TOO_LONG), "mine");
        assert_eq!(asked(&config(), "a", &none, &DOWN), "");
    }
}
