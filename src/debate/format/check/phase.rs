//! Whether each phase can run: who speaks in it, in which order, and what its answers are.

use super::Parts;
use crate::debate::format::document::Mistakes;
use crate::debate::format::document::unknown;
use crate::debate::format::phases::Placed;
use crate::debate::format::phases::asks_people;
use crate::types::debate::Atom;
use crate::types::debate::Choices;
use crate::types::debate::Contract;
use crate::types::debate::ContractKind;
use crate::types::debate::Edges;
use crate::types::debate::HiddenUntil;
use crate::types::debate::Order;
use crate::types::debate::PhaseKind;
use crate::types::debate::Quorum;
use crate::types::debate::QuoteSource;
use crate::types::debate::RoleKind;

/// Notes what keeps a phase from running.
pub(super) fn check(placed: &Placed, parts: &Parts<'_>, mistakes: &mut Mistakes<'_>) {
    speakers(placed, parts, mistakes);
    order(placed, parts, mistakes);
    ballots(placed, parts, mistakes);
    people(placed, parts, mistakes);
    if let Some(contract) = parts.contracts.get(&placed.phase.contract) {
        kind_of_answer(placed, contract, mistakes);
        choices(placed, contract, parts, mistakes);
        quotes(placed, contract, parts, mistakes);
    }
}

fn speakers(placed: &Placed, parts: &Parts<'_>, mistakes: &mut Mistakes<'_>) {
    let phase = &placed.phase;
    let people = asks_people(phase.kind);
    for role in parts.speakers(placed) {
        let watches = role.kind == RoleKind::Audience;
        let wrong = match (people, watches) {
            (true, false) => "is asked here, but only a role of kind \"audience\" can be",
            (false, true) => "watches: it can only be asked, in a \"poll\" or \"ask_human\"",
            (true, true) | (false, false) => {
                let judges = phase.kind == PhaseKind::Judge;
                if !(judges && role.kind == RoleKind::Debater) {
                    continue;
                }
                "is a debater and cannot judge"
            }
        };
        let help = format!("phase.{}: \"{}\" {wrong}", phase.id, role.id);
        mistakes.add(placed.at, help);
    }
    let (_, most) = parts.seats(placed);
    if let Quorum::AtLeast(least) = phase.quorum
        && u64::from(least) > most
        && !people
    {
        let help = format!(
            "phase.{}.quorum: {least} must speak, but there are at most {most}",
            phase.id
        );
        mistakes.add(placed.place("quorum"), help);
    }
}

fn order(placed: &Placed, parts: &Parts<'_>, mistakes: &mut Mistakes<'_>) {
    let phase = &placed.phase;
    let mut refuse = |key: &str, help: String| {
        mistakes.add(
            placed.place(key),
            format!("phase.{}.{key}: {help}", phase.id),
        );
    };
    match &phase.order {
        Order::Alternate | Order::Rotate if parts.repetitions(placed) < 2 => refuse(
            "order",
            "who begins changes from repetition to repetition, and there is only one".to_owned(),
        ),
        Order::PairQa if phase.who.len() != 2 => refuse(
            "order",
            format!(
                "pair_qa takes two roles, who asks and who answers, not {}",
                phase.who.len()
            ),
        ),
        Order::Pick(role) => {
            let holders = parts.roles.iter().find(|other| other.id == *role);
            if let Some(many) = holders.filter(|role| role.count.max != 1) {
                let help = format!("one picks, and {} may hold \"{role}\"", many.count.max);
                refuse("order", help);
            }
        }
        Order::Sequential
        | Order::Simultaneous
        | Order::Alternate
        | Order::Rotate
        | Order::PairQa => {}
    }
    if phase.stop_early.is_some() && phase.order != Order::Simultaneous {
        let help = "it cancels who has not answered yet, and here one speaks after the other";
        refuse("stop_early", help.to_owned());
    }
    let sees_others = phase.sees.iter().any(|sight| {
        let atom = &sight.atom;
        matches!(atom, Atom::Others | Atom::OthersLast | Atom::OthersRound(_))
    });
    if !phase.edges.is_all() && !sees_others {
        let help = "they hold back what others said, and the phase sees no \"others\"";
        refuse("edges", help.to_owned());
    }
    if let Edges::To(role) = &phase.edges
        && !phase.who.contains(role)
    {
        refuse("edges", format!("\"{role}\" does not speak in it"));
    }
}

/// What holds for rulings and ballots alone.
fn ballots(placed: &Placed, parts: &Parts<'_>, mistakes: &mut Mistakes<'_>) {
    let phase = &placed.phase;
    let mut refuse = |key: &str, help: &str| {
        mistakes.add(
            placed.place(key),
            format!("phase.{}.{key}: {help}", phase.id),
        );
    };
    let rules = matches!(phase.kind, PhaseKind::Judge | PhaseKind::Vote);
    if phase.swap && !rules {
        refuse(
            "swap",
            "only a \"judge\" or a \"vote\" is asked in both orders",
        );
    }
    let reversible = |atom: &Atom| {
        matches!(
            atom,
            Atom::Others | Atom::OthersLast | Atom::OthersRound(_) | Atom::Phase(_)
        )
    };
    if phase.swap && !phase.sees.iter().any(|sight| reversible(&sight.atom)) {
        refuse(
            "swap",
            "it sees nothing of others whose order could be reversed",
        );
    }
    let Some(decision) = parts.decision else {
        return;
    };
    let decides = |decision: &crate::types::debate::Decision| {
        decision.of.iter().any(|of| of.phase == phase.id)
    };
    if phase.swap && rules && !decides(decision) && !decision.also.iter().any(decides) {
        refuse(
            "swap",
            "its ballots decide nothing, so asking twice tells nothing",
        );
    }
    if phase.hidden_until == Some(HiddenUntil::End) && decides(decision) {
        refuse(
            "hidden_until",
            "the verdict would show what is hidden until the end",
        );
    }
}

/// What holds where people watch.
fn people(placed: &Placed, parts: &Parts<'_>, mistakes: &mut Mistakes<'_>) {
    let phase = &placed.phase;
    if !phase.audience {
        return;
    }
    let here = parts.place(&phase.id);
    let reads = |other: &Placed| {
        let sees = other
            .phase
            .sees
            .iter()
            .any(|sight| sight.atom == Atom::Human);
        sees && parts.place(&other.phase.id) >= here
    };
    if !parts.phases.iter().any(reads) {
        let help =
            "nobody would read the remarks: let a speaker of this or a later phase see \"human\"";
        mistakes.add(
            placed.place("audience"),
            format!("phase.{}.audience: {help}", phase.id),
        );
    }
}

fn kind_of_answer(placed: &Placed, contract: &Contract, mistakes: &mut Mistakes<'_>) {
    let phase = &placed.phase;
    let wanted = match (phase.kind, contract.kind) {
        (PhaseKind::Vote, ContractKind::Text | ContractKind::Question) => {
            "a vote needs a contract that can be counted, for example of type \"choice\" or \"ranking\""
        }
        (PhaseKind::Poll, kind) if kind != ContractKind::Choice => {
            "a poll needs a contract of type \"choice\""
        }
        (PhaseKind::AskHuman, kind) if kind != ContractKind::Text => {
            "people write what they like: it needs a contract of type \"text\""
        }
        (PhaseKind::Summarise, ContractKind::Choice | ContractKind::Question) => {
            "a summary needs a contract of type \"text\", or \"json\" with a text in it"
        }
        (
            PhaseKind::Speak
            | PhaseKind::Judge
            | PhaseKind::Vote
            | PhaseKind::Summarise
            | PhaseKind::Poll
            | PhaseKind::AskHuman,
            _,
        ) => return,
    };
    let help = format!("phase.{}.contract: {wanted}", phase.id);
    mistakes.add(placed.place("contract"), help);
}

/// What is chosen from must have been said, and the chooser must see it.
fn choices(placed: &Placed, contract: &Contract, parts: &Parts<'_>, mistakes: &mut Mistakes<'_>) {
    let phase = &placed.phase;
    let Some(Choices::Phase(id)) = &contract.choices else {
        return;
    };
    let path = format!("contract.{}.choices", phase.contract);
    let at = parts.root.place("contract", &phase.contract);
    if !parts.phase_ids.contains(&id.as_str()) {
        let known: Vec<&str> = parts.phase_ids.iter().copied().chain(["options"]).collect();
        return mistakes.add(at, unknown("phase", &path, id, &known));
    }
    if parts.place(id) >= parts.place(&phase.id) {
        let help = format!(
            "{path}: \"{}\" chooses from \"{id}\", which runs only later",
            phase.id
        );
        return mistakes.add(at, help);
    }
    let sees = phase
        .sees
        .iter()
        .any(|sight| sight.atom == Atom::Phase(id.clone()));
    if !sees {
        let help = format!(
            "phase.{}.sees: it chooses from what was said in \"{id}\", so it must see \"phase:{id}\"",
            phase.id
        );
        mistakes.add(placed.place("sees"), help);
    }
    if parts
        .phase(id)
        .is_some_and(|source| source.phase.kind != PhaseKind::Speak)
    {
        let help = format!(
            "{path}: \"{id}\" is no phase of kind \"speak\", so there are no statements to choose from"
        );
        mistakes.add(at, help);
    }
}

fn quotes(placed: &Placed, contract: &Contract, parts: &Parts<'_>, mistakes: &mut Mistakes<'_>) {
    let Some(rule) = &contract.quotes else { return };
    let QuoteSource::Secret(name) = &rule.source else {
        return;
    };
    let known: Vec<&str> = parts
        .speakers(placed)
        .flat_map(|role| &role.secrets)
        .map(String::as_str)
        .collect();
    if !known.contains(&name.as_str()) {
        let path = format!("contract.{}.quotes", placed.phase.contract);
        let what = format!("secret of those who speak in \"{}\"", placed.phase.id);
        let at = parts.root.place("contract", &placed.phase.contract);
        mistakes.add(at, unknown(&what, &path, name, &known));
    }
}
