//! Looks at a format as a whole: that its parts name each other rightly, and that each is used.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use super::document::Mistakes;
use super::document::Section;
use super::document::unknown;
use super::phases::Placed;
use crate::types::debate::Atom;
use crate::types::debate::Contract;
use crate::types::debate::Decision;
use crate::types::debate::FieldKind;
use crate::types::debate::FieldRef;
use crate::types::debate::Order;
use crate::types::debate::PhaseKind;
use crate::types::debate::Predicate;
use crate::types::debate::Report;
use crate::types::debate::RoleDef;
use crate::types::debate::RoleKind;
use crate::types::debate::Rule;

/// What could be read of a format, and its document for the places.
pub(super) struct Parts<'a> {
    pub(super) root: &'a Section<'a>,
    pub(super) roles: &'a [RoleDef],
    /// All ids of phases, those that could not be read included.
    pub(super) phase_ids: &'a [&'a str],
    pub(super) phases: &'a [Placed],
    pub(super) contracts: &'a BTreeMap<String, Contract>,
    pub(super) decision: Option<&'a Decision>,
    pub(super) report: &'a Report,
}

/// Notes every mistake that shows only between the parts.
pub(super) fn all(parts: &Parts<'_>, mistakes: &mut Mistakes<'_>) {
    check_sides(parts, mistakes);
    for placed in parts.phases {
        check_speakers(placed, parts, mistakes);
        check_sights(placed, parts, mistakes);
        check_interleave(placed, parts, mistakes);
        let conditions = [
            (placed.phase.repeat.until.as_ref(), placed.until_at),
            (placed.phase.when.as_ref(), placed.when_at),
        ];
        for (condition, at) in conditions {
            if let Some(condition) = condition {
                check_predicate(condition, at, parts, mistakes);
            }
        }
    }
    if let Some(decision) = parts.decision {
        check_decision(decision, parts, mistakes);
    }
    if parts.phases.len() == parts.phase_ids.len() && mistakes.is_empty() {
        check_use(parts, mistakes);
    }
}

impl<'a> Parts<'a> {
    fn phase(&self, id: &str) -> Option<&'a Placed> {
        self.phases.iter().find(|placed| placed.phase.id == id)
    }

    fn contract_of(&self, phase: &str) -> Option<&'a Contract> {
        self.contracts.get(&self.phase(phase)?.phase.contract)
    }

    /// Roles of a phase, as far as they could be read.
    fn speakers(&self, placed: &'a Placed) -> impl Iterator<Item = &'a RoleDef> {
        self.roles
            .iter()
            .filter(|role| placed.phase.who.contains(&role.id))
    }

    /// The phases that run this one after each of their repetitions.
    fn hosts(&self, id: &str) -> Vec<&'a Placed> {
        let runs_it = |host: &&Placed| host.phase.interleave.iter().any(|guest| guest == id);
        self.phases.iter().filter(runs_it).collect()
    }

    /// Where in the debate a phase runs first; an interleaved one runs with its host.
    fn place(&self, id: &str) -> Option<usize> {
        let host = self.hosts(id).first().map(|host| host.phase.id.as_str());
        let line = host.unwrap_or(id);
        self.phase_ids.iter().position(|other| *other == line)
    }

    /// All fields that the answers of these phases can have.
    fn fields(&self, phases: impl Iterator<Item = &'a Placed>) -> BTreeSet<&'a str> {
        let contracts = phases.filter_map(|placed| self.contracts.get(&placed.phase.contract));
        let fields = contracts.flat_map(|contract| &contract.fields);
        fields.map(|field| field.name.as_str()).collect()
    }
}

/// Either no debater has a side, or each has one and there are at least two.
fn check_sides(parts: &Parts<'_>, mistakes: &mut Mistakes<'_>) {
    let sides: BTreeSet<&str> = parts
        .roles
        .iter()
        .filter_map(|role| role.side.as_deref())
        .collect();
    for role in parts.roles {
        let at = parts.root.place("roles", &role.id);
        match (role.kind, &role.side) {
            (RoleKind::Debater, None) if !sides.is_empty() => {
                mistakes.add(
                    at,
                    format!(
                        "roles.{}: other debaters have a side, so this one needs one",
                        role.id
                    ),
                );
            }
            (RoleKind::Judge | RoleKind::Moderator, Some(_)) => {
                mistakes.add(at, format!("roles.{}: only debaters have a side", role.id));
            }
            (
                RoleKind::Debater
                | RoleKind::Judge
                | RoleKind::Moderator
                | RoleKind::Summariser
                | RoleKind::Audience,
                _,
            ) => {}
        }
    }
    let mut debaters = parts
        .roles
        .iter()
        .filter(|role| role.kind == RoleKind::Debater)
        .peekable();
    let Some(first) = debaters
        .peek()
        .map(|role| parts.root.place("roles", &role.id))
    else {
        if parts.roles.len() == parts.root.names("roles").len() && !parts.roles.is_empty() {
            mistakes.add_missing("no role has kind = \"debater\"");
        }
        return;
    };
    let all_have_one = debaters.all(|role| role.side.is_some());
    if let (Some(side), 1, true) = (sides.first(), sides.len(), all_have_one) {
        let help = format!("roles: \"{side}\" is the only side; there must be two");
        mistakes.add(first, help);
    }
}

fn check_speakers(placed: &Placed, parts: &Parts<'_>, mistakes: &mut Mistakes<'_>) {
    if placed.phase.kind != PhaseKind::Judge {
        return;
    }
    for role in parts
        .speakers(placed)
        .filter(|role| role.kind == RoleKind::Debater)
    {
        let help = format!(
            "phase.{}: \"{}\" is a debater and cannot judge",
            placed.phase.id, role.id
        );
        mistakes.add(placed.at, help);
    }
}

fn check_sights(placed: &Placed, parts: &Parts<'_>, mistakes: &mut Mistakes<'_>) {
    let path = format!("phase.{}.sees", placed.phase.id);
    for (sight, at) in placed.phase.sees.iter().zip(&placed.sees_at) {
        match &sight.atom {
            Atom::Phase(id) if !parts.phase_ids.contains(&id.as_str()) => {
                mistakes.add(*at, unknown("phase", &path, id, parts.phase_ids));
            }
            Atom::Phase(id) if parts.place(id) > parts.place(&placed.phase.id) => {
                mistakes.add(*at, format!("{path}: the phase \"{id}\" runs only later"));
            }
            Atom::Secret(name) => {
                let secrets: Vec<&str> = parts
                    .speakers(placed)
                    .flat_map(|role| &role.secrets)
                    .map(String::as_str)
                    .collect();
                if !secrets.contains(&name.as_str()) {
                    mistakes.add(
                        *at,
                        unknown("secret of its speakers", &path, name, &secrets),
                    );
                }
            }
            Atom::Side if parts.speakers(placed).all(|role| role.side.is_none()) => {
                mistakes.add(*at, format!("{path}: none of its speakers has a side"));
            }
            Atom::Topic
            | Atom::Options
            | Atom::OthersRound(_)
            | Atom::Summary
            | Atom::Votes
            | Atom::Polls
            | Atom::Facts
            | Atom::Side
            | Atom::Own
            | Atom::OwnLast
            | Atom::Others
            | Atom::OthersLast
            | Atom::Phase(_)
            | Atom::Human => {}
        }
    }
}

/// An interleaved phase runs once after each repetition of its host, and only there.
fn check_interleave(placed: &Placed, parts: &Parts<'_>, mistakes: &mut Mistakes<'_>) {
    let (phase, at) = (&placed.phase, placed.interleave_at);
    let path = format!("phase.{}.interleave", phase.id);
    for id in &phase.interleave {
        if *id == phase.id {
            mistakes.add(at, format!("{path}: a phase cannot run inside itself"));
        } else if !parts.phase_ids.contains(&id.as_str()) {
            mistakes.add(at, unknown("phase", &path, id, parts.phase_ids));
        }
    }
    let hosts = parts.hosts(&phase.id);
    let Some(host) = hosts.first().filter(|host| host.phase.id != phase.id) else {
        return;
    };
    let within = format!(
        "phase.{}: it runs after each repetition of \"{}\"",
        phase.id, host.phase.id
    );
    if hosts.len() > 1 {
        mistakes.add(
            placed.at,
            format!("{within}, so no other phase can have it too"),
        );
    }
    if phase.when.is_some() || phase.repeat.max > 1 || phase.repeat.until.is_some() {
        mistakes.add(
            placed.at,
            format!("{within}, so it takes neither repeat nor when"),
        );
    }
    if !phase.interleave.is_empty() {
        mistakes.add(at, format!("{within}, so it cannot have phases of its own"));
    }
}

fn check_predicate(
    condition: &Predicate,
    at: usize,
    parts: &Parts<'_>,
    mistakes: &mut Mistakes<'_>,
) {
    let refuse = |field: &str, fields: &BTreeSet<&str>, mistakes: &mut Mistakes<'_>| {
        if !fields.contains(field) {
            let known: Vec<&str> = fields.iter().copied().collect();
            mistakes.add(
                at,
                unknown("field of an answer", "condition", field, &known),
            );
        }
    };
    match condition {
        Predicate::AllAgree(field) | Predicate::Agree { field, .. } => {
            refuse(field, &parts.fields(parts.phases.iter()), mistakes);
        }
        Predicate::Flag { role, field } => {
            let roles = parts.root.names("roles");
            if !roles.contains(&role.as_str()) {
                mistakes.add(at, unknown("role", "condition", role, &roles));
                return;
            }
            let speaks = |placed: &&Placed| placed.phase.who.contains(role);
            refuse(
                field,
                &parts.fields(parts.phases.iter().filter(speaks)),
                mistakes,
            );
        }
        Predicate::Rounds(_)
        | Predicate::Similarity(_)
        | Predicate::BudgetBelow(_)
        | Predicate::Stable { .. }
        | Predicate::LeadUnassailable
        | Predicate::HumanStop => {}
        Predicate::And(conditions) | Predicate::Or(conditions) => {
            for condition in conditions {
                check_predicate(condition, at, parts, mistakes);
            }
        }
        Predicate::Not(condition) => check_predicate(condition, at, parts, mistakes),
    }
}

fn check_decision(decision: &Decision, parts: &Parts<'_>, mistakes: &mut Mistakes<'_>) {
    let of_at = parts.root.place("decision", "of");
    for reference in &decision.of {
        check_reference(reference, decision.rule, of_at, parts, mistakes);
    }
    let blind = |reference: &FieldRef| {
        let placed = parts.phase(&reference.phase);
        placed.is_none_or(|placed| placed.phase.order == Order::Simultaneous)
    };
    if parts.report.round0_majority && !decision.of.iter().any(blind) {
        let help = "report.baselines: round0_majority needs a simultaneous phase in decision.of";
        mistakes.add(parts.root.place("report", "baselines"), help);
    }
}

fn check_reference(
    reference: &FieldRef,
    rule: Rule,
    at: usize,
    parts: &Parts<'_>,
    mistakes: &mut Mistakes<'_>,
) {
    let FieldRef { phase, field } = reference;
    if !parts.phase_ids.contains(&phase.as_str()) {
        mistakes.add(at, unknown("phase", "decision.of", phase, parts.phase_ids));
        return;
    }
    let (Some(placed), Some(contract)) = (parts.phase(phase), parts.contract_of(phase)) else {
        return;
    };
    let fields: Vec<&str> = contract
        .fields
        .iter()
        .map(|field| field.name.as_str())
        .collect();
    let Some(known) = contract.fields.iter().find(|known| known.name == *field) else {
        let path = format!("decision.of: the contract of \"{phase}\"");
        mistakes.add(at, unknown("field", &path, field, &fields));
        return;
    };
    match &known.kind {
        FieldKind::Scores { .. } => {
            mistakes.add(
                at,
                format!("decision.of: \"{field}\" holds several numbers, not one answer"),
            );
        }
        FieldKind::OneOf(words) if field == "winner" => check_winners(words, at, parts, mistakes),
        FieldKind::OneOf(_)
        | FieldKind::Text
        | FieldKind::Bool
        | FieldKind::Number { .. }
        | FieldKind::Choice
        | FieldKind::Ranking
        | FieldKind::Several
        | FieldKind::Points(_) => {}
    }
    let seats: u32 = parts.speakers(placed).map(|role| role.count.max).sum();
    match rule {
        Rule::Judge | Rule::Panel if placed.phase.kind != PhaseKind::Judge => {
            mistakes.add(
                at,
                format!("decision.of: \"{phase}\" must be of kind \"judge\" under this rule"),
            );
        }
        Rule::Judge if seats > 1 => {
            let help =
                format!("decision.of: up to {seats} judge in \"{phase}\": use the rule \"panel\"");
            mistakes.add(at, help);
        }
        Rule::Majority
        | Rule::Plurality
        | Rule::Judge
        | Rule::Panel
        | Rule::Weighted
        | Rule::Approval
        | Rule::Borda
        | Rule::Cumulative
        | Rule::Irv
        | Rule::Consensus
        | Rule::Swing
        | Rule::Synthesis
        | Rule::Trajectory => {}
    }
}

/// A winner is a side, or nobody.
fn check_winners(words: &[String], at: usize, parts: &Parts<'_>, mistakes: &mut Mistakes<'_>) {
    let sides = parts.roles.iter().filter_map(|role| role.side.as_deref());
    let sides: BTreeSet<&str> = sides.chain(["tie", "none"]).collect();
    let sides: Vec<&str> = sides.into_iter().collect();
    for word in words.iter().filter(|word| !sides.contains(&word.as_str())) {
        mistakes.add(at, unknown("side", "decision.of: winner", word, &sides));
    }
}

/// What nothing uses is a slip of the pen.
fn check_use(parts: &Parts<'_>, mistakes: &mut Mistakes<'_>) {
    let phases = || parts.phases.iter().map(|placed| &placed.phase);
    let roles: BTreeSet<&String> = phases().flat_map(|phase| &phase.who).collect();
    let contracts: BTreeSet<&String> = phases().map(|phase| &phase.contract).collect();
    let prompts: BTreeSet<&String> = phases()
        .flat_map(|phase| {
            let prompt = &phase.prompt;
            let plain = std::iter::once(&prompt.first).chain(&prompt.next);
            plain.chain(prompt.by_role.values())
        })
        .collect();
    let groups = [
        ("roles", roles, "speaks in no phase"),
        ("contract", contracts, "is the contract of no phase"),
        ("prompts", prompts, "is the prompt of no phase"),
    ];
    for (group, used, unused) in groups {
        for id in parts.root.names(group) {
            if !used.iter().any(|other| *other == id) {
                mistakes.add(
                    parts.root.place(group, id),
                    format!("{group}.{id} {unused}"),
                );
            }
        }
    }
}
