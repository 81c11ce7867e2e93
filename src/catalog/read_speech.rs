//! Reads how a provider's models are spoken to: `[paths]`, `[quirks]` and `[[families]]` of its file.

use std::collections::BTreeSet;

use super::family::Family;
use super::family::Paths;
use super::family::Speech;
use super::fields::Fields;
use super::fields::Report;
use super::template::Template;
use crate::types::Wire;
use crate::types::quirks::Param;
use crate::types::quirks::Quirks;

/// Reads how most models are spoken to.
pub(super) fn speech(fields: &mut Fields<'_>, wire: Wire, report: &mut Report<'_>) -> Speech {
    let mut quirks = Quirks::default();
    merge_quirks(fields, &mut quirks, report);
    Speech {
        wire,
        paths: paths(fields, report).unwrap_or_default(),
        quirks,
    }
}

/// Reads the families; each says only where it departs from the rest, and on another wire than theirs starts
/// from that wire's usual form.
pub(super) fn families(
    fields: &mut Fields<'_>,
    rest: Option<&Speech>,
    report: &mut Report<'_>,
) -> Vec<Family> {
    let tables = fields.tables("families", report);
    let read = |table| family(table, rest, report);
    tables.into_iter().filter_map(read).collect()
}

fn family(mut table: Fields<'_>, rest: Option<&Speech>, report: &mut Report<'_>) -> Option<Family> {
    let models: Option<Vec<String>> = table.require("models", report);
    if models.as_ref().is_some_and(Vec::is_empty) {
        report.at(
            table.line("models"),
            "models is empty: write what their ids begin with",
        );
    }
    let wire: Option<Wire> = table.take("wire", report);
    let own_paths = paths(&mut table, report);
    let speech = rest.map(|rest| {
        let (wire, same) = (
            wire.unwrap_or(rest.wire),
            wire.is_none_or(|wire| wire == rest.wire),
        );
        let mut quirks = if same {
            rest.quirks.clone()
        } else {
            Quirks::default()
        };
        merge_quirks(&mut table, &mut quirks, report);
        let paths = match own_paths {
            Some(paths) => paths,
            None if same => rest.paths.clone(),
            None => Paths::default(),
        };
        Speech {
            wire,
            paths,
            quirks,
        }
    });
    if speech.is_none() {
        merge_quirks(&mut table, &mut Quirks::default(), report);
    }
    table.finish(report);
    Some(Family {
        models: models?,
        speech: speech?,
    })
}

fn paths(fields: &mut Fields<'_>, report: &mut Report<'_>) -> Option<Paths> {
    let mut table = fields.table("paths", report)?;
    let paths = Paths {
        chat: path(&mut table, "chat", report),
        stream: path(&mut table, "stream", report),
        usual_behind: table.take("usual_behind", report),
    };
    table.finish(report);
    Some(paths)
}

fn path(table: &mut Fields<'_>, key: &'static str, report: &mut Report<'_>) -> Option<Template> {
    let text: String = table.take(key, report)?;
    let read = match text.starts_with('/') {
        true => Template::parse(&text),
        false => Err(format!("\"{text}\" has to begin with \"/\"")),
    };
    read.map_err(|help| report.at(table.line(key), format!("{key}: {help}")))
        .ok()
}

/// Takes the `quirks` of a table over those that hold without it. Parameters to drop add up; a family that takes
/// one after all lists it under `keep_params`.
fn merge_quirks(fields: &mut Fields<'_>, quirks: &mut Quirks, report: &mut Report<'_>) {
    let Some(mut table) = fields.table("quirks", report) else {
        return;
    };
    macro_rules! merge {
        ($($field:ident),* $(,)?) => {
            $(if let Some(value) = table.take(stringify!($field), report) {
                quirks.$field = value;
            })*
        };
    }
    merge!(
        max_tokens_field,
        usage_in_stream,
        reasoning_outside_completion,
        json,
        reasoning,
        efforts,
        reasoning_history,
        seed_field,
        tool_ids,
        system_role,
        documents,
        inline_media_only,
        think_tags_are_text,
        cache_markers,
    );
    if let Some(percent) = table.take("max_temperature_percent", report) {
        quirks.max_temperature_percent = Some(percent);
    }
    if let Some(version) = table.take("anthropic_version", report) {
        quirks.anthropic_version = Some(version);
    }
    let map: Option<_> = table.take("finish_reason_map", report);
    let map: std::collections::BTreeMap<_, _> = map.unwrap_or_default();
    quirks.finish_reason_map.extend(map);
    let drop: BTreeSet<Param> = table.take("drop_params", report).unwrap_or_default();
    quirks.drop_params.extend(drop);
    let keep: BTreeSet<Param> = table.take("keep_params", report).unwrap_or_default();
    quirks.drop_params.retain(|param| !keep.contains(param));
    table.finish(report);
}
