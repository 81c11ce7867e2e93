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
use super::questions;
use super::sight;
use crate::types::debate::Atom;
use crate::types::debate::Edges;
use crate::types::debate::Order;
use crate::types::debate::Phase;
use crate::types::debate::PhaseKind;
use crate::types::debate::RoleDef;
use crate::types::debate::RoleKind;
use crate::types::debate::Sight;

const KINDS: Words<PhaseKind> = Words(&[
    ("speak", PhaseKind::Speak),
    ("judge", PhaseKind::Judge),
    ("vote", PhaseKind::Vote),
    ("summarise", PhaseKind::Summarise),
    ("poll", PhaseKind::Poll),
    ("ask_human", PhaseKind::AskHuman),
]);

const ORDERS: [(&str, Order); 5] = [
    ("sequential", Order::Sequential),
    ("simultaneous", Order::Simultaneous),
    ("alternate", Order::Alternate),
    ("rotate", Order::Rotate),
    ("pair_qa", Order::PairQa),
];

const EDGES: [(&str, Edges); 4] = [
    ("all", Edges::All),
    ("ring", Edges::Ring),
    ("star", Edges::Star),
    ("prev", Edges::Prev),
];

/// The keys of a phase beside those of its [`Course`].
const KEYS: [&str; 9] = [
    "id",
    "kind",
    "who",
    "order",
    "sees",
    "prompt",
    "contract",
    "interleave",
    "edges",
];

/// What means nothing where people who watch are asked.
const NOT_FOR_PEOPLE: [&str; 6] = [
    "order",
    "edges",
    "interleave",
    "stop_early",
    "swap",
    "tokens",
];

/// Seconds that people who watch have, where a phase does not say.
const PEOPLE_TIMEOUT_S: u32 = 60;

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
    /// Where its id stands.
    pub(super) at: usize,
    pub(super) sees_at: Vec<usize>,
    pub(super) until_at: usize,
    /// Where each key stands that the file has.
    keys: Vec<(String, usize)>,
}

impl Placed {
    /// Where a key stands; the phase's id when the file does not have it.
    pub(super) fn place(&self, key: &str) -> usize {
        let found = self.keys.iter().find(|(known, _)| known == key);
        found.map_or(self.at, |(_, at)| *at)
    }
}

/// Whether its speakers are people who watch.
pub(super) fn asks_people(kind: PhaseKind) -> bool {
    match kind {
        PhaseKind::Poll | PhaseKind::AskHuman => true,
        PhaseKind::Speak | PhaseKind::Judge | PhaseKind::Vote | PhaseKind::Summarise => false,
    }
}

/// Reads one `[[phase]]`. References to other phases are looked at when all are read.
pub(super) fn read(
    table: &Section<'_>,
    names: &Names<'_>,
    mistakes: &mut Mistakes<'_>,
) -> Option<Placed> {
    table.only(&[&KEYS[..], &Course::KEYS].concat(), mistakes);
    let kind = table
        .require("kind", mistakes)
        .and_then(|item| KINDS.read(&item, mistakes));
    let people = kind.is_some_and(asks_people);
    if people {
        let why = "people who watch are all asked at once, so it means nothing here";
        table.refuse(&NOT_FOR_PEOPLE, why, mistakes);
    }
    let order = match table.get("order") {
        Some(item) if !people => order(&item, names, mistakes),
        Some(_) | None if people => Some(Order::Simultaneous),
        Some(_) | None => Some(Order::Sequential),
    };
    let edges = table
        .get("edges")
        .map_or(Some(Edges::All), |item| edges(&item, names, mistakes));
    let who = table
        .require("who", mistakes)
        .and_then(|item| who(&item, names, mistakes));
    let sees = sees_of(table, people, mistakes);
    let prompt = table.require("prompt", mistakes).and_then(|item| {
        let pairs = order == Some(Order::PairQa);
        questions::read(&item, who.as_deref(), pairs, names, mistakes)
    });
    let contract = table.require("contract", mistakes).and_then(|item| {
        let id = item.text(mistakes)?;
        reference("contract", &item, id, &names.contracts, mistakes)
    });
    let interleave = interleave(table, mistakes);
    let course = Course::read(table, mistakes);
    let id = table.get("id")?;
    let course = course?;
    let timeout_s = course.timeout_s.or(people.then_some(PEOPLE_TIMEOUT_S));
    let keys = table.entries().iter();
    Some(Placed {
        at: id.value_at,
        sees_at: sees.iter().map(|(at, _)| *at).collect(),
        until_at: course.until_at,
        keys: keys
            .map(|item| (item.key.to_owned(), item.value_at))
            .collect(),
        phase: Phase {
            id: id.as_str()?.to_owned(),
            kind: kind?,
            who: who?,
            order: order?,
            repeat: course.repeat,
            sees: sees.into_iter().map(|(_, sight)| sight).collect(),
            prompt: prompt?,
            contract: contract?,
            words: course.words,
            tokens: course.tokens,
            timeout_s,
            on_fail: course.on_fail,
            quorum: course.quorum,
            when: course.when,
            interleave,
            stop_early: course.stop_early,
            hidden_until: course.hidden_until,
            swap: course.swap,
            edges: edges?,
            audience: course.audience,
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

fn order(item: &Item<'_>, names: &Names<'_>, mistakes: &mut Mistakes<'_>) -> Option<Order> {
    let text = item.text(mistakes)?;
    if let Some(role) = text.strip_prefix("pick:") {
        return reference("role", item, role, &names.role_ids, mistakes).map(Order::Pick);
    }
    word(item, text, &ORDERS, "pick:ROLE", mistakes)
}

fn edges(item: &Item<'_>, names: &Names<'_>, mistakes: &mut Mistakes<'_>) -> Option<Edges> {
    let text = item.text(mistakes)?;
    if let Some(role) = text.strip_prefix("to:") {
        return reference("role", item, role, &names.role_ids, mistakes).map(Edges::To);
    }
    word(item, text, &EDGES, "to:ROLE", mistakes)
}

/// Looks up a word among those that stand for themselves and one that names a role.
fn word<T: Clone>(
    item: &Item<'_>,
    text: &str,
    plain: &[(&str, T)],
    with_role: &str,
    mistakes: &mut Mistakes<'_>,
) -> Option<T> {
    if let Some((_, value)) = plain.iter().find(|(known, _)| *known == text) {
        return Some(value.clone());
    }
    let known = plain.iter().map(|(known, _)| *known);
    let known: Vec<&str> = known.chain([with_role]).collect();
    mistakes.add(item.value_at, unknown("word", &item.path, text, &known));
    None
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

/// People who watch see the debate anyway, so what they see may be left out.
fn sees_of(table: &Section<'_>, people: bool, mistakes: &mut Mistakes<'_>) -> Vec<(usize, Sight)> {
    let item = match table.get("sees") {
        None if people => {
            let topic = sight::parse("sees", "topic");
            return topic.into_iter().map(|topic| (table.at(), topic)).collect();
        }
        None => table.require("sees", mistakes),
        Some(item) => Some(item),
    };
    let elements = item.and_then(|item| item.list(mistakes));
    let mut sights: Vec<(usize, Sight)> = Vec::new();
    for element in elements.unwrap_or_default() {
        let Some(text) = element.text(mistakes) else {
            continue;
        };
        match sight::parse(&element.path, text) {
            Ok(sight)
                if sights
                    .iter()
                    .any(|(_, other)| same(&other.atom, &sight.atom)) =>
            {
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

/// Whether the second tells nothing that the first does not.
fn same(first: &Atom, second: &Atom) -> bool {
    let holds = |a: &Atom, b: &Atom| {
        let pair = (a, b);
        matches!(pair, (Atom::Own, Atom::OwnLast))
            || matches!(
                pair,
                (Atom::Others, Atom::OthersLast | Atom::OthersRound(_))
            )
    };
    first == second || holds(first, second) || holds(second, first)
}

/// Resolves a name, or says what is there instead.
pub(super) fn reference(
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

/// The prompts of a phase by the key that each stands under.
pub(super) fn prompts_of(phase: &Phase) -> BTreeMap<&str, &String> {
    let prompt = &phase.prompt;
    let keyed = [
        ("next", prompt.next.as_ref()),
        ("ask", prompt.ask.as_ref()),
        ("answer", prompt.answer.as_ref()),
    ];
    let keyed = keyed.into_iter().filter_map(|(key, id)| Some((key, id?)));
    let by_role = prompt.by_role.iter().map(|(role, id)| (role.as_str(), id));
    std::iter::once(("first", &prompt.first))
        .chain(keyed)
        .chain(by_role)
        .collect()
}
