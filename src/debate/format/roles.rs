//! Reads roles: who can sit at the table.

use std::collections::BTreeSet;

use super::document::Item;
use super::document::Mistakes;
use super::document::Section;
use super::document::Words;
use super::document::check_id;
use super::document::is_id;
use crate::types::debate::Count;
use crate::types::debate::Family;
use crate::types::debate::RoleDef;
use crate::types::debate::RoleKind;

const KINDS: Words<RoleKind> = Words(&[
    ("debater", RoleKind::Debater),
    ("judge", RoleKind::Judge),
    ("moderator", RoleKind::Moderator),
    ("summariser", RoleKind::Summariser),
    ("audience", RoleKind::Audience),
]);

const FAMILIES: Words<Family> = Words(&[
    ("any", Family::Any),
    ("distinct", Family::Distinct),
    ("not:debaters", Family::NotDebaters),
]);

/// Names that `who` and prompts give another meaning, or that a verdict uses for "nobody".
const RESERVED: [&str; 8] = [
    "debaters", "judges", "first", "next", "ask", "answer", "tie", "none",
];

/// More seats than this is a slip of the pen.
pub(super) const MAX_SEATS: u32 = 32;

/// Whoever watches: nobody has to, and any number may.
const ANY_NUMBER: Count = Count {
    min: 0,
    max: u32::MAX,
};

/// Reads all `[roles.<id>]`, in the file's order.
pub(super) fn read(root: &Section<'_>, mistakes: &mut Mistakes<'_>) -> Option<Vec<RoleDef>> {
    let section = root.section("roles", mistakes)?;
    let mut roles = Vec::new();
    let mut seen = BTreeSet::new();
    for entry in section.entries() {
        check_id(entry, entry.key, &mut seen, mistakes);
        refuse_reserved(entry, entry.key, mistakes);
        let table = entry.section(mistakes);
        roles.extend(table.and_then(|table| role(entry.key, &table, mistakes)));
    }
    Some(roles)
}

fn role(id: &str, table: &Section<'_>, mistakes: &mut Mistakes<'_>) -> Option<RoleDef> {
    table.only(
        &["kind", "count", "side", "persona", "secrets", "family"],
        mistakes,
    );
    let kind = table
        .require("kind", mistakes)
        .and_then(|item| role_kind(&item, mistakes));
    if kind == Some(RoleKind::Audience) {
        let why = "people who watch have no seats, so they have none of it";
        table.refuse(&["side", "persona", "secrets", "family"], why, mistakes);
    }
    let count = count(table, kind, mistakes);
    let side = table.get("side").and_then(|item| side(&item, mistakes));
    let persona = table
        .get("persona")
        .and_then(|item| persona(&item, mistakes));
    let secrets = table
        .get("secrets")
        .map_or_else(Vec::new, |item| secrets(&item, mistakes));
    let family = table
        .get("family")
        .map_or(Some(Family::Any), |item| FAMILIES.read(&item, mistakes));
    Some(RoleDef {
        id: id.to_owned(),
        kind: kind?,
        count: count?,
        side,
        persona,
        secrets,
        family: family?,
    })
}

fn role_kind(item: &Item<'_>, mistakes: &mut Mistakes<'_>) -> Option<RoleKind> {
    if item.as_str() == Some("human") {
        item.wrong(
            "what the seat does: whoever orders a debate may put a person into any seat; people who watch are \"audience\"",
            mistakes,
        );
        return None;
    }
    KINDS.read(item, mistakes)
}

/// Reads `"2..8"`, `"3"`, `3`, and for people who watch `"n"`.
fn count(
    table: &Section<'_>,
    kind: Option<RoleKind>,
    mistakes: &mut Mistakes<'_>,
) -> Option<Count> {
    let item = table.get("count");
    if kind == Some(RoleKind::Audience) {
        if let Some(item) = item.filter(|item| item.as_str() != Some("n")) {
            item.wrong("\"n\": any number of people may watch", mistakes);
        }
        return Some(ANY_NUMBER);
    }
    let Some(item) = item else {
        return Some(Count { min: 1, max: 1 });
    };
    let Some(text) = item.as_str() else {
        let seats = item.small(1..=MAX_SEATS, mistakes)?;
        return Some(Count {
            min: seats,
            max: seats,
        });
    };
    let (min, max) = text.split_once("..").unwrap_or((text, text));
    let number = |text: &str| text.trim().parse::<u32>().ok();
    let count = number(min)
        .zip(number(max))
        .map(|(min, max)| Count { min, max });
    let count =
        count.filter(|count| 1 <= count.min && count.min <= count.max && count.max <= MAX_SEATS);
    if count.is_none() {
        let wanted = format!(
            "a number of seats like \"1\" or \"2..8\", from 1 to {MAX_SEATS}; \"n\" is for an audience"
        );
        item.wrong(&wanted, mistakes);
    }
    count
}

fn side(item: &Item<'_>, mistakes: &mut Mistakes<'_>) -> Option<String> {
    let side = item.text(mistakes)?;
    if !is_id(side) {
        item.wrong("an id: a to z, 0 to 9, _ and -, a letter first", mistakes);
    }
    refuse_reserved(item, side, mistakes);
    Some(side.to_owned())
}

/// A persona is not a template: it is the same in every turn.
fn persona(item: &Item<'_>, mistakes: &mut Mistakes<'_>) -> Option<String> {
    let text = item.text(mistakes)?;
    if text.contains("{{") || text.contains("{%") {
        let help = "a persona is plain text; what changes from turn to turn belongs into a prompt";
        mistakes.add(item.value_at, format!("{}: {help}", item.path));
    }
    Some(text.trim().to_owned())
}

fn secrets(item: &Item<'_>, mistakes: &mut Mistakes<'_>) -> Vec<String> {
    let mut seen = BTreeSet::new();
    let names = item.texts(mistakes);
    for name in &names {
        check_id(name, name.as_str().unwrap_or_default(), &mut seen, mistakes);
    }
    names
        .iter()
        .filter_map(Item::as_str)
        .map(str::to_owned)
        .collect()
}

fn refuse_reserved(item: &Item<'_>, name: &str, mistakes: &mut Mistakes<'_>) {
    if RESERVED.contains(&name) {
        mistakes.add(
            item.at,
            format!("\"{name}\" has a meaning of its own: choose another name"),
        );
    }
}
