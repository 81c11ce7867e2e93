//! Who may ask for which models.

use crate::http::Plans;
use crate::types::AllowedModels;

/// The models of a plan; those of the baseline when the plan is not known or nobody names one.
pub(super) fn models<'a>(plans: &'a Plans, plan: Option<&str>) -> &'a AllowedModels {
    plan.and_then(|plan| plans.models.get(plan))
        .unwrap_or(&plans.baseline)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_plan_has_the_baseline_and_patterns_count() {
        let list = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        let plans = Plans {
            models: [
                ("pro".to_owned(), list(&["chat", "openai/*"])),
                ("all".to_owned(), list(&["*"])),
            ]
            .into(),
            baseline: list(&["chat"]),
            shows_locked: false,
        };
        for (plan, model, wanted) in [
            (None, "chat", true),
            (None, "big", false),
            (Some("made-up"), "chat", true),
            (Some("made-up"), "openai/x", false),
            (Some("pro"), "openai/x", true),
            (Some("pro"), "big", false),
            (Some("all"), "big", true),
        ] {
            assert_eq!(
                models(&plans, plan).allows(model),
                wanted,
                "{plan:?} {model}"
            );
        }
    }
}
