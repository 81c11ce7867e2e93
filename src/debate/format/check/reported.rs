//! Whether there can be what a format wants reported beside the verdict.

use super::Parts;
use super::decided::ballots_for;
use super::decided::counts;
use super::decided::has_confidence;
use crate::debate::format::document::Mistakes;
use crate::debate::format::phases::Placed;
use crate::debate::format::spelling;
use crate::types::debate::Decision;
use crate::types::debate::Order;
use crate::types::debate::RoleKind;
use crate::types::debate::Rule;

/// Notes what cannot be reported.
pub(super) fn check(parts: &Parts<'_>, mistakes: &mut Mistakes<'_>) {
    let Some(decision) = parts.decision else {
        return;
    };
    baselines(parts, decision, mistakes);
    aggregate(parts, decision, mistakes);
}

/// What would have come out without debating is known only where debaters answer before they see each other.
fn baselines(parts: &Parts<'_>, decision: &Decision, mistakes: &mut Mistakes<'_>) {
    let report = parts.report;
    if parts.phases.len() < parts.phase_ids.len() || !(report.round0_majority || report.single_best)
    {
        return;
    }
    let blind = |placed: &&Placed| {
        let mut speakers = parts.speakers(placed);
        placed.phase.order == Order::Simultaneous
            && speakers.any(|role| role.kind == RoleKind::Debater)
            && parts.answer_field(placed).is_some()
    };
    let at = parts.root.place("report", "baselines");
    let Some(first) = parts.phases.iter().find(blind) else {
        let fields: Vec<&str> = decision.of.iter().map(|of| of.field.as_str()).collect();
        let help = format!(
            "report.baselines: no simultaneous phase gives answers with the field \"{}\" before anybody sees another's",
            fields.join("\" or \"")
        );
        return mistakes.add(at, help);
    };
    let contract = parts.contracts.get(&first.phase.contract);
    if report.single_best && !contract.is_some_and(has_confidence) {
        let help = format!(
            "report.baselines: single:best is the answer of whoever was surest, so the answers of \"{}\" need a field confidence = \"0..1\"",
            first.phase.id
        );
        mistakes.add(at, help);
    }
}

/// Ballots can be counted beside a synthesis where there is one vote that can be.
fn aggregate(parts: &Parts<'_>, decision: &Decision, mistakes: &mut Mistakes<'_>) {
    let Some(rule) = parts.report.aggregate else {
        return;
    };
    let at = parts.root.place("report", "aggregate");
    let name = spelling::rule(rule);
    if !counts(rule) || rule == Rule::Panel {
        let help = format!("report.aggregate: \"{name}\" does not count ballots");
        return mistakes.add(at, help);
    }
    let votes = ballots_for(rule, parts).count();
    if votes != 1 && parts.phases.len() == parts.phase_ids.len() {
        let help = format!(
            "report.aggregate: \"{name}\" needs one phase of kind \"vote\" whose ballots it can count, and there are {votes}"
        );
        mistakes.add(at, help);
    }
    if rule == decision.rule {
        let help = format!("report.aggregate: \"{name}\" is the rule of the decision itself");
        mistakes.add(at, help);
    }
}
