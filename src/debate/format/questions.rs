//! Reads which prompt each speaker of a phase gets.

use std::collections::BTreeMap;

use super::document::Item;
use super::document::Mistakes;
use super::document::Section;
use super::phases::Names;
use super::phases::reference;
use crate::types::debate::PromptRef;
use crate::types::debate::RoleDef;

/// Reads `"id"`, `{ first = "id", next = "id", <role or side> = "id" }`, or for pairs `{ ask = "id", answer = "id" }`.
pub(super) fn read(
    item: &Item<'_>,
    who: Option<&[String]>,
    pairs: bool,
    names: &Names<'_>,
    mistakes: &mut Mistakes<'_>,
) -> Option<PromptRef> {
    if !item.is_table() {
        let id = item.text(mistakes)?;
        let id = reference("prompt", item, id, &names.prompts, mistakes)?;
        if pairs {
            let help = "pair_qa needs { ask = \"…\", answer = \"…\" }";
            mistakes.add(item.value_at, format!("{}: {help}", item.path));
        }
        return Some(plain(id));
    }
    let table = item.section(mistakes)?;
    match pairs {
        true => of_pairs(&table, names, mistakes),
        false => of_speakers(item, &table, who, names, mistakes),
    }
}

fn plain(first: String) -> PromptRef {
    PromptRef {
        first,
        next: None,
        ask: None,
        answer: None,
        by_role: BTreeMap::new(),
    }
}

fn of_pairs(
    table: &Section<'_>,
    names: &Names<'_>,
    mistakes: &mut Mistakes<'_>,
) -> Option<PromptRef> {
    table.only(&["ask", "answer"], mistakes);
    let mut one = |key: &str| {
        let item = table.require(key, mistakes)?;
        let id = item.text(mistakes)?;
        reference("prompt", &item, id, &names.prompts, mistakes)
    };
    let (ask, answer) = (one("ask"), one("answer"));
    let ask = ask?;
    Some(PromptRef {
        ask: Some(ask.clone()),
        answer: Some(answer?),
        ..plain(ask)
    })
}

fn of_speakers(
    item: &Item<'_>,
    table: &Section<'_>,
    who: Option<&[String]>,
    names: &Names<'_>,
    mistakes: &mut Mistakes<'_>,
) -> Option<PromptRef> {
    let speaks = |role: &&RoleDef| who.is_none_or(|who| who.contains(&role.id));
    let speakers: Vec<&RoleDef> = names.roles.iter().filter(speaks).collect();
    let mut keys = vec!["first", "next"];
    for role in &speakers {
        keys.push(&role.id);
        keys.extend(role.side.as_deref().filter(|side| *side != role.id));
    }
    let why = "only the order \"pair_qa\" has it";
    table.refuse(&["ask", "answer"], why, mistakes);
    table.only(&[&keys[..], &["ask", "answer"]].concat(), mistakes);
    let mut by_key = BTreeMap::new();
    for entry in table.entries() {
        let id = entry
            .text(mistakes)
            .and_then(|id| reference("prompt", entry, id, &names.prompts, mistakes));
        by_key.extend(id.map(|id| (entry.key.to_owned(), id)));
    }
    let (first, next) = (by_key.remove("first"), by_key.remove("next"));
    let has_own = |role: &&RoleDef| {
        let of_side = |side: &String| by_key.contains_key(side);
        by_key.contains_key(&role.id) || role.side.as_ref().is_some_and(of_side)
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
        next,
        by_role: by_key,
        ..plain(first)
    })
}
