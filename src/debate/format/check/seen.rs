//! Whether there can be anything where a speaker looks.

use super::Parts;
use crate::debate::format::document::Mistakes;
use crate::debate::format::document::unknown;
use crate::debate::format::phases::Placed;
use crate::debate::format::phases::asks_people;
use crate::types::debate::Atom;
use crate::types::debate::HiddenUntil;
use crate::types::debate::Order;
use crate::types::debate::PhaseKind;
use crate::types::debate::Sight;

/// Notes what a phase sees that cannot be there.
pub(super) fn check(placed: &Placed, parts: &Parts<'_>, mistakes: &mut Mistakes<'_>) {
    let path = format!("phase.{}.sees", placed.phase.id);
    for (sight, at) in placed.phase.sees.iter().zip(&placed.sees_at) {
        if let Some(help) = of_atom(sight, placed, parts).or_else(|| of_flags(sight, placed, parts))
        {
            mistakes.add(*at, format!("{path}: {help}"));
        }
    }
}

fn of_atom(sight: &Sight, placed: &Placed, parts: &Parts<'_>) -> Option<String> {
    match &sight.atom {
        Atom::Phase(id) => of_phase(id, placed, parts),
        Atom::Secret(name) => {
            let secrets = parts.speakers(placed).flat_map(|role| &role.secrets);
            let secrets: Vec<&str> = secrets.map(String::as_str).collect();
            let found = secrets.contains(&name.as_str());
            (!found).then(|| no("secret of its speakers", name, &secrets))
        }
        Atom::Side if parts.speakers(placed).all(|role| role.side.is_none()) => {
            Some("none of its speakers has a side".to_owned())
        }
        Atom::Others | Atom::OthersLast if !anybody_before(placed, parts) => {
            Some("nobody has spoken before, and speakers at once do not see each other".to_owned())
        }
        Atom::OthersRound(back) if u64::from(*back) >= repetitions_until(placed, parts) => {
            Some(format!("so far there are no {back} repetitions before it"))
        }
        Atom::Summary if !knows(placed, parts, |other| is(other, PhaseKind::Summarise)) => {
            Some("no phase of kind \"summarise\" runs before or with it".to_owned())
        }
        Atom::Votes if !knows(placed, parts, |other| is(other, PhaseKind::Vote)) => {
            Some("no phase of kind \"vote\" runs before or with it".to_owned())
        }
        Atom::Polls if !knows(placed, parts, is_open_poll) => Some(
            "no phase of kind \"poll\" that is not hidden until the end runs before it".to_owned(),
        ),
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
        | Atom::Human => None,
    }
}

fn of_phase(id: &str, placed: &Placed, parts: &Parts<'_>) -> Option<String> {
    if !parts.phase_ids.contains(&id) {
        return Some(no("phase", id, parts.phase_ids));
    }
    if parts.place(id) > parts.place(&placed.phase.id) {
        return Some(format!("the phase \"{id}\" runs only later"));
    }
    let hidden = parts.phase(id)?.phase.hidden_until == Some(HiddenUntil::End);
    (hidden && id != placed.phase.id).then(|| format!("the phase \"{id}\" is hidden until the end"))
}

fn of_flags(sight: &Sight, placed: &Placed, parts: &Parts<'_>) -> Option<String> {
    // What could not be read may be what is looked for.
    if parts.phases.len() < parts.phase_ids.len() {
        return None;
    }
    let looked_at: Vec<&Placed> = match &sight.atom {
        Atom::Phase(id) => parts.phase(id).into_iter().collect(),
        Atom::Own
        | Atom::OwnLast
        | Atom::Others
        | Atom::OthersLast
        | Atom::OthersRound(_)
        | Atom::Topic
        | Atom::Side
        | Atom::Human
        | Atom::Secret(_)
        | Atom::Options
        | Atom::Summary
        | Atom::Votes
        | Atom::Polls
        | Atom::Facts => {
            let here = parts.place(&placed.phase.id);
            let known = |other: &&Placed| parts.place(&other.phase.id) <= here;
            parts.phases.iter().filter(known).collect()
        }
    };
    let contracts = || {
        let contracts = looked_at.iter();
        contracts.filter_map(|other| parts.contracts.get(&other.phase.contract))
    };
    if sight.quotes && contracts().all(|contract| contract.quotes.is_none()) {
        return Some("+quotes marks checked quotes, and no contract there has quotes".to_owned());
    }
    let compares = looked_at
        .iter()
        .any(|other| parts.answer_field(other).is_some());
    if sight.grouped && parts.decision.is_some() && !compares {
        return Some(
            "+grouped puts equal answers together, and no answer there has a field that the decision names"
                .to_owned(),
        );
    }
    None
}

fn no(what: &str, name: &str, known: &[&str]) -> String {
    let help = unknown(what, "", name, known);
    help.trim_start_matches(": ").to_owned()
}

/// Whether a statement of somebody else may be there when this phase runs.
fn anybody_before(placed: &Placed, parts: &Parts<'_>) -> bool {
    let here = parts.place(&placed.phase.id);
    let with = |other: &Placed| {
        let is_own = other.phase.id == placed.phase.id;
        let blind = placed.phase.order == Order::Simultaneous && parts.repetitions(placed) < 2;
        parts.place(&other.phase.id) <= here && !(is_own && blind)
    };
    parts.phases.len() < parts.phase_ids.len() || parts.phases.iter().any(with)
}

/// How many repetitions there can have been with the phase's last, all phases together.
fn repetitions_until(placed: &Placed, parts: &Parts<'_>) -> u64 {
    if parts.phases.len() < parts.phase_ids.len() {
        return u64::MAX;
    }
    let here = parts.place(&placed.phase.id);
    let until = parts.phases.iter().filter(|other| {
        let people = asks_people(other.phase.kind);
        parts.place(&other.phase.id) <= here && !people
    });
    until.map(|other| u64::from(parts.repetitions(other))).sum()
}

fn knows(placed: &Placed, parts: &Parts<'_>, what: impl Fn(&Placed) -> bool) -> bool {
    parts.phases.len() < parts.phase_ids.len() || parts.known_in(placed).any(what)
}

fn is(placed: &Placed, kind: PhaseKind) -> bool {
    placed.phase.kind == kind
}

fn is_open_poll(placed: &Placed) -> bool {
    is(placed, PhaseKind::Poll) && placed.phase.hidden_until != Some(HiddenUntil::End)
}
