//! Which groups are asked instead of one that failed. Pure.

use std::collections::BTreeMap;

use super::config::RouterConfig;
use super::group::Group;
use crate::client::LlmErrorKind;
use crate::client::Wishes;
use crate::types::AllowedModels;

/// What a group is looked up by: the name that was asked for, the group's, the model list's.
#[derive(Debug, Clone, Copy)]
pub(super) struct Failed<'a> {
    pub(super) asked: &'a str,
    pub(super) group: &'a Group,
}

/// What a call says about other groups.
#[derive(Debug, Clone, Copy)]
pub(super) struct Asks<'a> {
    pub(super) wishes: &'a Wishes,
    /// The caller's plan holds for fallbacks, too, whoever has named them; `None` where all may be asked.
    pub(super) allowed: Option<&'a AllowedModels>,
}

impl Asks<'_> {
    fn may(&self, name: &str) -> bool {
        self.allowed.is_none_or(|allowed| allowed.allows(name))
    }
}

/// Groups to ask instead, in order: the caller's, else those for this class of failure, else the general ones, else
/// those for every group.
///
/// Where groups are listed for this class of failure, but none for this group, nobody is asked, as `LiteLLM` has it.
pub(super) fn after<'a>(
    failed: Failed<'_>,
    config: &'a RouterConfig,
    asks: Asks<'a>,
    kind: &LlmErrorKind,
) -> impl DoubleEndedIterator<Item = &'a String> + use<'a> {
    let named: &[String] = if asks.wishes.no_fallbacks || !another_may_help(kind) {
        &[]
    } else if let Some(own) = &asks.wishes.fallbacks {
        own
    } else if let Some(special) = of_class(config, kind) {
        failed.named_in(special).unwrap_or(&[])
    } else {
        general(failed, config)
    };
    named.iter().filter(move |name| asks.may(name))
}

/// `true` when a list for this class of failure names groups for this one: it is asked at once.
pub(super) fn has_own(
    failed: Failed<'_>,
    config: &RouterConfig,
    asks: Asks<'_>,
    kind: &LlmErrorKind,
) -> bool {
    let listed = of_class(config, kind).and_then(|special| failed.named_in(special));
    let mut listed = listed.unwrap_or(&[]).iter();
    !asks.wishes.no_fallbacks
        && asks.wishes.fallbacks.is_none()
        && listed.any(|name| asks.may(name))
}

/// `true` when another group is asked after a failure that is nobody's in particular.
pub(super) fn any(failed: Failed<'_>, config: &RouterConfig, asks: Asks<'_>) -> bool {
    if asks.wishes.no_fallbacks {
        return false;
    }
    let named = match &asks.wishes.fallbacks {
        Some(own) => own,
        None => general(failed, config),
    };
    named.iter().any(|name| asks.may(name))
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
        let asks = Asks {
            wishes,
            allowed: None,
        };
        let found: Vec<&str> = after(failed, config, asks, kind)
            .map(String::as_str)
            .collect();
        found.join(" ")
    }

    #[test]
    fn a_plan_holds_for_fallbacks_whoever_named_them() {
        let model = "p/m".parse().unwrap();
        let group = Group::named(&model, None);
        let failed = Failed {
            asked: "a",
            group: &group,
        };
        let own = Wishes {
            fallbacks: Some(vec!["b".to_owned(), "c".to_owned()]),
            ..Wishes::default()
        };
        let config = config();
        let with = |wishes: &Wishes, allowed: &[&str]| {
            let allowed = allowed.iter().map(|it| (*it).to_owned()).collect();
            let asks = Asks {
                wishes,
                allowed: Some(&allowed),
            };
            let found: Vec<String> = after(failed, &config, asks, &DOWN).cloned().collect();
            let counts = (
                any(failed, &config, asks),
                has_own(failed, &config, asks, &TOO_LONG),
            );
            (found.join(" "), counts)
        };
        let usual = Wishes::default();
        assert_eq!(with(&usual, &["a", "c"]), ("c".to_owned(), (true, false)));
        assert_eq!(with(&usual, &["long"]), (String::new(), (false, true)));
        assert_eq!(with(&own, &["a", "c*"]), ("c".to_owned(), (true, false)));
        assert_eq!(with(&own, &["a"]), (String::new(), (false, false)));
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
