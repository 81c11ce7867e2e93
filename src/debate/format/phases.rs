//! Reads phases: who speaks, in which order, seeing what, asked what, how often.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use super::course::Course;
use super::document::Item;
use super::document::Mistakes;
use super::document::Section;
use super::document::Words;
use super::document::check_id;
use super::document::unknown;
use super::sight;
use crate::types::debate::Order;
use crate::types::debate::Phase;
use crate::types::debate::PhaseKind;
use crate::types::debate::PromptRef;
use crate::types::debate::RoleDef;
use crate::types::debate::RoleKind;
use crate::types::debate::Sight;

const KINDS: Words<PhaseKind> = Words {
    runs: &[("speak", PhaseKind::Speak), ("judge", PhaseKind::Judge)],
    later: &["vote", "summarise", "poll", "ask_human"],
};

const ORDERS: Words<Order> = Words {
    runs: &[
        ("sequential", Order::Sequential),
        ("simultaneous", Order::Simultaneous),
    ],
    later: &["alternate", "rotate", "pair_qa"],
};

const ORDERS_RUN: &str = "available: sequential, simultaneous";

/// The keys of a phase beside those of its [`Course`].
const KEYS: [&str; 8] = [
    "id",
    "kind",
    "who",
    "order",
    "sees",
    "prompt",
    "contract",
    "interleave",
];
const KEYS_LATER: [&str; 6] = [
    "audience",
    "stop_early",
    "hidden_until",
    "swap",
    "edges",
    "draft",
];

/// What the other parts of the file have named.
pub(super) struct Names<'t> {
    pub(super) roles: &'t [RoleDef],
    pub(super) role_ids: Vec<&'t str>,
    pub(super) contracts: Vec<&'t str>,
    pub(super) prompts: Vec<&'t str>,
}

/// A phase, and where its parts stand.
pub(super) struct Placed {
    pub(super) phase: Phase,
    pub(super) at: usize,
    pub(super) sees_at: Vec<usize>,
    pub(super) interleave_at: usize,
    pub(super) until_at: usize,
    pub(super) when_at: usize,
}

/// Reads one `[[phase]]`. References to other phases are looked at when all are read.
pub(super) fn read(
    table: &Section<'_>,
    names: &Names<'_>,
    mistakes: &mut Mistakes<'_>,
) -> Option<Placed> {
    table.only(&[&KEYS[..], &Course::KEYS].concat(), &KEYS_LATER, mistakes);
    let place_of = |key: &str| table.get(key).map_or(table.at(), |item| item.value_at);
    let kind = table
        .require("kind", mistakes)
        .and_then(|item| KINDS.read(&item, mistakes));
    let order = table
        .get("order")
        .map_or(Some(Order::Sequential), |item| order(&item, mistakes));
    let who = table
        .require("who", mistakes)
        .and_then(|item| who(&item, names, mistakes));
    let sees = table.require("sees", mistakes);
    let sees = sees.map_or_else(Vec::new, |item| sees_of(&item, mistakes));
    let prompt = table
        .require("prompt", mistakes)
        .and_then(|item| prompt(&item, who.as_deref(), names, mistakes));
    let contract = table.require("contract", mistakes).and_then(|item| {
        reference(
            "contract",
            &item,
            item.text(mistakes)?,
            &names.contracts,
            mistakes,
        )
    });
    let interleave = interleave(table, mistakes);
    let course = Course::read(table, mistakes);
    let id = table.get("id").and_then(|item| item.as_str())?;
    let course = course?;
    Some(Placed {
        at: place_of("id"),
        sees_at: sees.iter().map(|(at, _)| *at).collect(),
        interleave_at: place_of("interleave"),
        until_at: course.until_at,
        when_at: course.when_at,
        phase: Phase {
            id: id.to_owned(),
            kind: kind?,
            who: who?,
            order: order?,
            repeat: course.repeat,
            sees: sees.into_iter().map(|(_, sight)| sight).collect(),
            prompt: prompt?,
            contract: contract?,
            words: course.words,
            tokens: course.tokens,
            timeout_s: course.timeout_s,
            on_fail: course.on_fail,
            quorum: course.quorum,
            when: course.when,
            interleave,
            stop_early: None,
            hidden_until: None,
            swap: false,
            edges: crate::types::debate::Edges::All,
            audience: false,
        },
    })
}

fn interleave(table: &Section<'_>, mistakes: &mut Mistakes<'_>) -> Vec<String> {
    let item = table.get("interleave");
    let phases = item.map_or_else(Vec::new, |item| item.texts(mistakes));
    let phases = phases.iter().filter_map(Item::as_str);
    phases.map(str::to_owned).collect()
}

/// Names a phase's id, so that each is known before the first is read.
pub(super) fn id<'t>(
    table: &Section<'t>,
    seen: &mut BTreeSet<&'t str>,
    mistakes: &mut Mistakes<'_>,
) -> Option<&'t str> {
    let item = table.require("id", mistakes)?;
    let id = item.text(mistakes)?;
    check_id(&item, id, seen, mistakes);
    Some(id)
}

fn order(item: &Item<'_>, mistakes: &mut Mistakes<'_>) -> Option<Order> {
    if item.as_str().is_some_and(|text| text.starts_with("pick:")) {
        let help = format!(
            "{}: nobody can pick the speakers in this version; {ORDERS_RUN}",
            item.path
        );
        mistakes.add(item.value_at, help);
        return None;
    }
    ORDERS.read(item, mistakes)
}

/// Resolves a role, a list of roles, `debaters` or `judges` to role ids.
fn who(item: &Item<'_>, names: &Names<'_>, mistakes: &mut Mistakes<'_>) -> Option<Vec<String>> {
    let of_kind = |kind: RoleKind| {
        names
            .roles
            .iter()
            .filter(move |role| role.kind == kind)
            .map(|role| role.id.clone())
    };
    let (mut roles, mut all_known) = (Vec::<String>::new(), true);
    for element in &item.texts(mistakes) {
        let name = element.as_str().unwrap_or_default();
        let group: Vec<String> = match name {
            "debaters" => of_kind(RoleKind::Debater).collect(),
            "judges" => of_kind(RoleKind::Judge).collect(),
            role => reference("role", element, role, &names.role_ids, mistakes)
                .into_iter()
                .collect(),
        };
        all_known &= !group.is_empty() || ["debaters", "judges"].contains(&name);
        for role in group {
            if roles.contains(&role) {
                mistakes.add(
                    element.at,
                    format!("{}: \"{role}\" stands there twice", element.path),
                );
            } else {
                roles.push(role);
            }
        }
    }
    // A role that could not be read, or a name that is none, has been reported already.
    let all_read = names.roles.len() == names.role_ids.len();
    if roles.is_empty() && all_read && all_known {
        let help = format!("{} names nobody who could speak", item.path);
        mistakes.add(item.at, help);
    }
    (all_known && !roles.is_empty()).then_some(roles)
}

fn sees_of(item: &Item<'_>, mistakes: &mut Mistakes<'_>) -> Vec<(usize, Sight)> {
    let mut sights: Vec<(usize, Sight)> = Vec::new();
    for element in item.list(mistakes).unwrap_or_default() {
        let Some(text) = element.text(mistakes) else {
            continue;
        };
        match sight::parse(&element.path, text) {
            Ok(sight) if sights.iter().any(|(_, other)| other.atom == sight.atom) => {
                mistakes.add(
                    element.at,
                    format!("{}: \"{text}\" is already seen", element.path),
                );
            }
            Ok(sight) => sights.push((element.at, sight)),
            Err(help) => mistakes.add(element.at, help),
        }
    }
    sights
}

/// Reads `"id"` or `{ first = "id", next = "id", <role or side> = "id" }`.
fn prompt(
    item: &Item<'_>,
    who: Option<&[String]>,
    names: &Names<'_>,
    mistakes: &mut Mistakes<'_>,
) -> Option<PromptRef> {
    if !item.is_table() {
        let id = reference(
            "prompt",
            item,
            item.text(mistakes)?,
            &names.prompts,
            mistakes,
        )?;
        return Some(PromptRef {
            first: id,
            next: None,
            ask: None,
            answer: None,
            by_role: BTreeMap::new(),
        });
    }
    let table = item.section(mistakes)?;
    let speaks = |role: &&RoleDef| who.is_none_or(|who| who.contains(&role.id));
    let speakers: Vec<&RoleDef> = names.roles.iter().filter(speaks).collect();
    let mut keys = vec!["first", "next"];
    for role in &speakers {
        keys.push(&role.id);
        keys.extend(role.side.as_deref().filter(|side| *side != role.id));
    }
    table.only(&keys, &["ask", "answer"], mistakes);
    let mut by_key = BTreeMap::new();
    for entry in table.entries() {
        let id = entry
            .text(mistakes)
            .and_then(|id| reference("prompt", entry, id, &names.prompts, mistakes));
        by_key.extend(id.map(|id| (entry.key.to_owned(), id)));
    }
    let (first, next) = (by_key.remove("first"), by_key.remove("next"));
    let has_own = |role: &&RoleDef| {
        by_key.contains_key(&role.id)
            || role
                .side
                .as_ref()
                .is_some_and(|side| by_key.contains_key(side))
    };
    let all_have_own = speakers.iter().all(has_own) && next.is_none();
    let all_known = table
        .entries()
        .iter()
        .all(|entry| keys.contains(&entry.key));
    if table.get("first").is_none() && who.is_some() && all_known && !all_have_own {
        mistakes.add(item.at, format!("{}: first is missing", item.path));
    }
    let first = first.or_else(|| by_key.values().next().cloned())?;
    Some(PromptRef {
        first,
        next,
        ask: None,
        answer: None,
        by_role: by_key,
    })
}

/// Resolves a name, or says what is there instead.
fn reference(
    what: &str,
    item: &Item<'_>,
    name: &str,
    known: &[&str],
    mistakes: &mut Mistakes<'_>,
) -> Option<String> {
    if known.contains(&name) {
        return Some(name.to_owned());
    }
    mistakes.add(item.value_at, unknown(what, &item.path, name, known));
    None
}
