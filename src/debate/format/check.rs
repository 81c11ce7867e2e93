//! Looks at a format as a whole: that its parts name each other rightly, that it can run, and that each part is used.

mod conditions;
mod decided;
mod phase;
mod reported;
mod seen;

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use super::document::Mistakes;
use super::document::Section;
use super::document::unknown;
use super::phases::Placed;
use super::phases::asks_people;
use super::phases::prompts_of;
use crate::types::debate::Atom;
use crate::types::debate::Contract;
use crate::types::debate::Decision;
use crate::types::debate::Field;
use crate::types::debate::Limits;
use crate::types::debate::Order;
use crate::types::debate::Report;
use crate::types::debate::RoleDef;
use crate::types::debate::RoleKind;

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
    pub(super) dissenter: Option<&'a str>,
    pub(super) limits: &'a Limits,
}

/// Notes every mistake that shows only between the parts.
pub(super) fn all(parts: &Parts<'_>, mistakes: &mut Mistakes<'_>) {
    check_sides(parts, mistakes);
    for placed in parts.phases {
        phase::check(placed, parts, mistakes);
        seen::check(placed, parts, mistakes);
        check_interleave(placed, parts, mistakes);
        conditions::check(placed, parts, mistakes);
    }
    decided::check(parts, mistakes);
    reported::check(parts, mistakes);
    check_dissenter(parts, mistakes);
    if parts.phases.len() == parts.phase_ids.len() && mistakes.is_empty() {
        check_calls(parts, mistakes);
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

    /// Seats of a phase: at least and at most.
    fn seats(&self, placed: &'a Placed) -> (u64, u64) {
        let counts = || self.speakers(placed).map(|role| role.count);
        let least = counts().map(|count| u64::from(count.min)).sum();
        let most = counts().map(|count| u64::from(count.max)).sum();
        (least, most)
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

    /// How often a phase runs at most; an interleaved one as often as its host.
    fn repetitions(&self, placed: &'a Placed) -> u32 {
        let host = self.hosts(&placed.phase.id).first().copied();
        host.unwrap_or(placed).phase.repeat.max
    }

    /// The phases of which something may be known when this one runs: earlier ones, those that run with it, and its
    /// own earlier repetitions.
    fn known_in(&self, placed: &'a Placed) -> impl Iterator<Item = &'a Placed> {
        let here = self.place(&placed.phase.id);
        let repeats = self.repetitions(placed) > 1;
        let known = move |other: &&Placed| {
            let is_own = other.phase.id == placed.phase.id;
            self.place(&other.phase.id) <= here && (!is_own || repeats)
        };
        self.phases.iter().filter(known)
    }

    /// All fields that the answers of these phases can have.
    fn fields(&self, phases: impl Iterator<Item = &'a Placed>) -> BTreeSet<&'a str> {
        let contracts = phases.filter_map(|placed| self.contracts.get(&placed.phase.contract));
        let fields = contracts.flat_map(|contract| &contract.fields);
        fields.map(|field| field.name.as_str()).collect()
    }

    /// The field of a phase's answers by which they are compared: one that the decision names, there or elsewhere.
    fn answer_field(&self, placed: &'a Placed) -> Option<&'a Field> {
        let contract = self.contracts.get(&placed.phase.contract)?;
        let of = &self.decision?.of;
        let names = |field: &&Field| of.iter().any(|named| named.field == field.name);
        contract.fields.iter().find(names)
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
        let is_debater = role.kind == RoleKind::Debater;
        if is_debater && role.side.is_none() && !sides.is_empty() {
            let help = "other debaters have a side, so this one needs one";
            mistakes.add(at, format!("roles.{}: {help}", role.id));
        } else if !is_debater && role.side.is_some() {
            mistakes.add(at, format!("roles.{}: only debaters have a side", role.id));
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

/// An interleaved phase runs once after each repetition of its host, and only there.
fn check_interleave(placed: &Placed, parts: &Parts<'_>, mistakes: &mut Mistakes<'_>) {
    let (phase, at) = (&placed.phase, placed.place("interleave"));
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
        let help = format!("{within}, so no other phase can have it too");
        mistakes.add(placed.at, help);
    }
    if phase.when.is_some() || phase.repeat.max > 1 || phase.repeat.until.is_some() {
        let help = format!("{within}, so it takes neither repeat nor when");
        mistakes.add(placed.at, help);
    }
    if !phase.interleave.is_empty() {
        mistakes.add(at, format!("{within}, so it cannot have phases of its own"));
    }
}

/// Who keeps up the other view argues; of several holders of the role one is drawn.
fn check_dissenter(parts: &Parts<'_>, mistakes: &mut Mistakes<'_>) {
    let Some(id) = parts.dissenter else { return };
    let at = parts.root.place("dial", "dissenter");
    let debaters = parts
        .roles
        .iter()
        .filter(|role| role.kind == RoleKind::Debater);
    let debaters: Vec<&str> = debaters.map(|role| role.id.as_str()).collect();
    if !debaters.contains(&id) {
        let help = unknown("debater's role", "dial.dissenter", id, &debaters);
        mistakes.add(at, help);
    }
}

/// A cap on calls that the smallest cast breaks lets no debate come to its end.
fn check_calls(parts: &Parts<'_>, mistakes: &mut Mistakes<'_>) {
    let Some(cap) = parts.limits.calls else {
        return;
    };
    let certain = parts
        .phases
        .iter()
        .filter(|placed| placed.phase.when.is_none() && !asks_people(placed.phase.kind));
    let least: u64 = certain
        .map(|placed| {
            let host = parts.hosts(&placed.phase.id).first().copied();
            let repetitions = u64::from(host.unwrap_or(placed).phase.repeat.min);
            let turns = match placed.phase.order {
                Order::Pick(_) => 1,
                Order::Sequential
                | Order::Simultaneous
                | Order::Alternate
                | Order::Rotate
                | Order::PairQa => parts.seats(placed).0,
            };
            repetitions * turns
        })
        .sum();
    if cap < least {
        let help =
            format!("limits.calls: the smallest cast takes {least} calls, so none could finish");
        mistakes.add(parts.root.place("limits", "calls"), help);
    }
}

/// What nothing uses is a slip of the pen.
fn check_use(parts: &Parts<'_>, mistakes: &mut Mistakes<'_>) {
    let phases = || parts.phases.iter().map(|placed| &placed.phase);
    let picks = phases().filter_map(|phase| match &phase.order {
        Order::Pick(role) => Some(role),
        Order::Sequential
        | Order::Simultaneous
        | Order::Alternate
        | Order::Rotate
        | Order::PairQa => None,
    });
    let roles: BTreeSet<&String> = phases().flat_map(|phase| &phase.who).chain(picks).collect();
    let contracts: BTreeSet<&String> = phases().map(|phase| &phase.contract).collect();
    let prompts: BTreeSet<&String> = phases()
        .flat_map(|phase| prompts_of(phase).into_values())
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
    for role in parts.roles {
        let phases = phases().filter(|phase| phase.who.contains(&role.id));
        let seen: Vec<&Atom> = phases
            .flat_map(|phase| phase.sees.iter().map(|sight| &sight.atom))
            .collect();
        for name in &role.secrets {
            let secret = Atom::Secret(name.clone());
            if !seen.contains(&&secret) {
                let help = format!(
                    "roles.{}.secrets: \"{name}\" is seen in no phase of this role: see \"secret:{name}\"",
                    role.id
                );
                mistakes.add(parts.root.place("roles", &role.id), help);
            }
        }
    }
}
