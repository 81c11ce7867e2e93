//! How much reasoning to ask for, in a provider's own measure.

use super::effort::nearest;
use crate::types::Chat;
use crate::types::ReasoningEffort;
use crate::types::quirks::Param;
use crate::types::quirks::Quirks;

/// Least budget of thinking that providers take (Anthropic's documentation, read 2026-08).
const MIN_BUDGET_TOKENS: u32 = 1024;

/// The effort to ask for: the chat's own, or the one that its budget amounts to, or the nearest that the provider
/// knows. What is changed on the way, or not asked for at all, is reported as dropped.
pub(super) fn effort(
    chat: &Chat,
    quirks: &Quirks,
    dropped: &mut Vec<String>,
) -> Option<ReasoningEffort> {
    let of_budget = chat.reasoning_budget_tokens.map(ReasoningEffort::of_budget);
    let wanted = chat.reasoning_effort.or(of_budget)?;
    if quirks.drop_params.contains(&Param::ReasoningEffort) {
        dropped.push(Param::ReasoningEffort.as_str().to_owned());
        return None;
    }
    let given = nearest(wanted, &quirks.efforts);
    if given != wanted || (chat.reasoning_effort.is_none() && of_budget.is_some()) {
        dropped.push(Param::ReasoningEffort.as_str().to_owned());
    }
    Some(given)
}

/// The tokens to think in, at least [`MIN_BUDGET_TOKENS`]; 0 where no reasoning is asked for, and `None` where
/// nothing is said about it.
pub(super) fn budget_tokens(
    chat: &Chat,
    quirks: &Quirks,
    dropped: &mut Vec<String>,
) -> Option<u32> {
    if chat.reasoning_effort.is_none() && chat.reasoning_budget_tokens.is_none() {
        return None;
    }
    if quirks.drop_params.contains(&Param::ReasoningEffort) {
        dropped.push(Param::ReasoningEffort.as_str().to_owned());
        return None;
    }
    let of_effort = || chat.reasoning_effort.map(ReasoningEffort::budget_tokens);
    let wanted = chat.reasoning_budget_tokens.or_else(of_effort)?;
    if wanted == 0 {
        return Some(0);
    }
    if wanted < MIN_BUDGET_TOKENS {
        dropped.push(Param::ReasoningEffort.as_str().to_owned());
    }
    Some(wanted.max(MIN_BUDGET_TOKENS))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_known_effort_is_taken_and_reported() {
        let quirks = Quirks {
            efforts: [
                ReasoningEffort::None,
                ReasoningEffort::Low,
                ReasoningEffort::High,
            ]
            .into(),
            ..Quirks::default()
        };
        for (wanted, given) in [
            (ReasoningEffort::None, ReasoningEffort::None),
            (ReasoningEffort::Minimal, ReasoningEffort::Low),
            (ReasoningEffort::Medium, ReasoningEffort::Low),
            (ReasoningEffort::Max, ReasoningEffort::High),
        ] {
            let chat = Chat {
                reasoning_effort: Some(wanted),
                ..Chat::default()
            };
            let mut dropped = Vec::new();
            assert_eq!(effort(&chat, &quirks, &mut dropped), Some(given));
            assert_eq!(dropped.is_empty(), wanted == given, "{wanted:?}");
        }
    }

    #[test]
    fn a_budget_is_at_least_what_providers_take() {
        let budget = |effort| {
            let chat = Chat {
                reasoning_effort: Some(effort),
                ..Chat::default()
            };
            budget_tokens(&chat, &Quirks::default(), &mut Vec::new())
        };
        assert_eq!(budget(ReasoningEffort::None), Some(0));
        assert_eq!(budget(ReasoningEffort::Minimal), Some(1024));
        assert_eq!(budget(ReasoningEffort::High), Some(4096));
    }
}
