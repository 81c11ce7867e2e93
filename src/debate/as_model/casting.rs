//! Who takes part in a debate for which nobody was named. Pure, but for asking what there is.

use async_trait::async_trait;

use crate::debate::decide::choose_judges;
use crate::debate::order::AgentOrder;
use crate::types::ModelName;
use crate::types::debate::Format;
use crate::types::debate::RoleDef;
use crate::types::debate::RoleKind;

/// Debaters of a format that takes any number: three find more than two, and more cost more than they find.
const USUAL_DEBATERS: u32 = 3;

/// Knows which models can be called now.
#[async_trait]
pub trait Casting: Send + Sync {
    /// The models to choose from.
    async fn candidates(&self) -> Candidates;
}

/// Models to choose from.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Candidates {
    /// Who can debate, the best choice first; each of another family as far as there are several.
    pub debaters: Vec<ModelName>,
    /// Who judges; `None` takes a candidate that does not debate, or else one that does.
    pub judge: Option<ModelName>,
}

/// Fills every seat that a format needs: debaters in the order of the candidates, from the beginning again when there
/// are fewer of them than seats; judges and moderators from families that do not debate, as far as there are any.
/// Judges that were named stay.
pub(super) fn cast(
    format: &Format,
    candidates: &Candidates,
    judges: Vec<AgentOrder>,
) -> (Vec<AgentOrder>, Vec<AgentOrder>) {
    let seats = |debates: bool| -> Vec<&RoleDef> {
        let fits = |role: &&RoleDef| match role.kind {
            RoleKind::Debater => debates,
            RoleKind::Judge | RoleKind::Moderator | RoleKind::Summariser => !debates,
            RoleKind::Audience => false,
        };
        format.roles.iter().filter(fits).collect()
    };
    let debating = seats(true);
    let is_only_role = debating.len() == 1;
    let debaters: Vec<AgentOrder> = debating
        .iter()
        .flat_map(|role| {
            let count = match is_only_role {
                true => USUAL_DEBATERS.clamp(role.count.min, role.count.max),
                false => role.count.min,
            };
            std::iter::repeat_n(role, count as usize)
        })
        .zip(candidates.debaters.iter().cycle())
        .map(|(role, model)| seated(role, model))
        .collect();
    if !judges.is_empty() {
        return (debaters, judges);
    }
    let judging: Vec<&RoleDef> = seats(false)
        .into_iter()
        .flat_map(|role| std::iter::repeat_n(role, role.count.min as usize))
        .collect();
    let judges = match &candidates.judge {
        Some(judge) => vec![judge.clone(); judging.len()],
        None => {
            let debating: Vec<ModelName> = debaters.iter().map(|it| it.model.clone()).collect();
            choose_judges(&debating, &candidates.debaters, judging.len())
        }
    };
    let judges = judging
        .into_iter()
        .zip(&judges)
        .map(|(role, model)| seated(role, model))
        .collect();
    (debaters, judges)
}

fn seated(role: &RoleDef, model: &ModelName) -> AgentOrder {
    AgentOrder {
        role: Some(role.id.clone()),
        ..AgentOrder::of(model.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::debate::format::FormatLibrary;

    fn judges_of(format: &str, debaters: &[&str]) -> Vec<String> {
        let library = FormatLibrary::embedded();
        let candidates = Candidates {
            debaters: debaters.iter().map(|name| name.parse().unwrap()).collect(),
            judge: None,
        };
        let format = library.get(format).expect("it is embedded");
        let (_, judges) = cast(format, &candidates, Vec::new());
        let names = judges.into_iter().map(|judge| judge.model.to_string());
        names.collect()
    }

    #[test]
    fn who_judges_is_no_kin_of_those_who_debate_where_there_is_a_choice() {
        let found = [
            "openai/gpt-5-mini",
            "anthropic/claude-haiku-4-5",
            "openrouter/anthropic/claude-sonnet-5",
            "gemini/gemini-3-flash",
        ];
        // The first two debate; the third is kin of the second.
        assert_eq!(judges_of("tit-for-tat", &found)[0], "gemini/gemini-3-flash");
        // Kin is better than a debater's own model.
        assert_eq!(
            judges_of("tit-for-tat", &found[..3])[0],
            "openrouter/anthropic/claude-sonnet-5"
        );
        assert_eq!(
            judges_of("tit-for-tat", &found[..1])[0],
            "openai/gpt-5-mini"
        );
    }
}
