//! Which ballots a format counts by which rule.

use super::super::state::State;
use super::ballots;
use crate::types::debate::Decision;
use crate::types::debate::FieldKind;
use crate::types::debate::FieldRef;
use crate::types::debate::Phase;
use crate::types::debate::PhaseKind;
use crate::types::debate::Report;
use crate::types::debate::Rule;

/// The rule that counts a phase's ballots, and the field that it counts; `None` when nothing does.
pub(super) fn of_phase(state: &State, phase: &str) -> Option<(Decision, FieldRef)> {
    let decision = &state.spec().format.decision;
    let counted = decision.of.iter().find(|field| field.phase == phase);
    match counted {
        Some(field) if decision.rule != Rule::Synthesis => Some((decision.clone(), field.clone())),
        Some(_) | None => aggregate(state).filter(|(_, field)| field.phase == phase),
    }
}

/// The count that is shown beside a synthesis: by `report.aggregate`, of the last phase of votes that ran and has a
/// field of that kind.
pub(super) fn aggregate(state: &State) -> Option<(Decision, FieldRef)> {
    let format = &state.spec().format;
    let Report { aggregate, .. } = format.report;
    let rule = aggregate?;
    let fields: Vec<FieldRef> = format
        .phases
        .iter()
        .filter(|phase| phase.kind == PhaseKind::Vote)
        .filter_map(|phase| field_for(state, phase, rule))
        .collect();
    let field = ballots::deciding(state, &fields)?.clone();
    let decision = Decision {
        rule,
        of: vec![field.clone()],
        minus: None,
        min_margin: 0.0,
        also: Vec::new(),
        ..format.decision.clone()
    };
    Some((decision, field))
}

fn field_for(state: &State, phase: &Phase, rule: Rule) -> Option<FieldRef> {
    let contract = state.spec().format.contracts.get(&phase.contract)?;
    let fits = |kind: &FieldKind| match rule {
        Rule::Borda | Rule::MeanRank | Rule::Irv => *kind == FieldKind::Ranking,
        Rule::Approval => *kind == FieldKind::Several,
        Rule::Cumulative => matches!(kind, FieldKind::Points(_) | FieldKind::Scores { .. }),
        Rule::Majority
        | Rule::Plurality
        | Rule::Judge
        | Rule::Panel
        | Rule::Weighted
        | Rule::Consensus => true,
        Rule::Swing | Rule::Synthesis | Rule::Trajectory => false,
    };
    let field = contract.fields.iter().find(|field| fits(&field.kind))?;
    Some(FieldRef {
        phase: phase.id.clone(),
        field: field.name.clone(),
    })
}
