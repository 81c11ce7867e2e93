//! Who takes part in a debate for which nobody was named. Pure, but for asking what there is.

use async_trait::async_trait;

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
/// are fewer of them than seats; judges and moderators from those that do not debate, as far as there are any.
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
    let free = candidates.debaters.iter().skip(debaters.len());
    let rest: Vec<&ModelName> = match &candidates.judge {
        Some(judge) => vec![judge],
        None => free.chain(&candidates.debaters).collect(),
    };
    let judges = seats(false)
        .into_iter()
        .flat_map(|role| std::iter::repeat_n(role, role.count.min as usize))
        .zip(rest.iter().cycle())
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
