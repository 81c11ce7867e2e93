//! Reads how a provider's models are spoken to: `[paths]`, `[quirks]` and `[[families]]` of its file.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use super::embedding_spec::EmbeddingSpec;
use super::family::Family;
use super::family::Paths;
use super::family::Speech;
use super::fields::Fields;
use super::fields::Report;
use super::template::Places;
use super::template::Template;
use crate::types::Wire;
use crate::types::quirks::Param;
use crate::types::quirks::Quirks;

/// Reads the texts that the file gives a name.
pub(super) fn places(fields: &mut Fields<'_>, report: &mut Report<'_>) -> Places {
    let texts: BTreeMap<String, String> = fields.take("places", report).unwrap_or_default();
    let mut places = Places::new();
    for (name, text) in texts {
        match Template::parse(&text, &Places::new()) {
            Ok(place) => drop(places.insert(name, place)),
            Err(help) => report.at(fields.line("places"), format!("places.{name}: {help}")),
        }
    }
    places
}

/// Reads how most models are spoken to.
pub(super) fn speech(
    fields: &mut Fields<'_>,
    wire: Wire,
    places: &Places,
    report: &mut Report<'_>,
) -> Speech {
    let mut quirks = Quirks::default();
    merge_quirks(fields, &mut quirks, report);
    Speech {
        wire,
        paths: paths(fields, places, report).unwrap_or_default(),
        quirks,
    }
}

/// Reads the families. Each says only where it departs from the rest, or from the earlier family that it is
/// `like`; on another wire than theirs it starts from that wire's usual form.
pub(super) fn families(
    fields: &mut Fields<'_>,
    rest: Option<&Speech>,
    places: &Places,
    report: &mut Report<'_>,
) -> Vec<Family> {
    let mut families: Vec<Family> = Vec::new();
    for mut table in fields.tables("families", report) {
        let like: Option<String> = table.take("like", report);
        let alike = like.as_ref().and_then(|like| {
            let found = families.iter().find(|family| family.models.contains(like));
            found.map(|family| family.speech.clone())
        });
        if let (Some(like), None) = (&like, &alike) {
            let help = format!("like: no family before this one lists \"{like}\"");
            report.at(table.line("like"), help);
        }
        families.extend(family(table, alike.as_ref().or(rest), places, report));
    }
    families
}

fn family(
    mut table: Fields<'_>,
    rest: Option<&Speech>,
    places: &Places,
    report: &mut Report<'_>,
) -> Option<Family> {
    let models: Option<Vec<String>> = table.require("models", report);
    if models.as_ref().is_some_and(Vec::is_empty) {
        let help = "models is empty: write what their ids begin with";
        report.at(table.line("models"), help);
    }
    let wire: Option<Wire> = table.take("wire", report);
    // A file whose own wire is wrong has been told so; the rest of it is checked all the same.
    let mut speech = rest.cloned().unwrap_or_else(|| Speech {
        wire: Wire::OpenaiChat,
        paths: Paths::default(),
        quirks: Quirks::default(),
    });
    if let Some(wire) = wire.filter(|wire| *wire != speech.wire) {
        speech = Speech {
            wire,
            paths: Paths::default(),
            quirks: Quirks::default(),
        };
    }
    if let Some(paths) = paths(&mut table, places, report) {
        speech.paths = paths;
    }
    merge_quirks(&mut table, &mut speech.quirks, report);
    table.finish(report);
    Some(Family {
        models: models?,
        speech,
    })
}

fn paths(fields: &mut Fields<'_>, places: &Places, report: &mut Report<'_>) -> Option<Paths> {
    let mut table = fields.table("paths", report)?;
    let paths = Paths {
        chat: path(&mut table, "chat", places, report),
        stream: path(&mut table, "stream", places, report),
        usual_behind: table.take("usual_behind", report),
    };
    table.finish(report);
    Some(paths)
}

/// Reads how the provider is asked for vectors.
pub(super) fn embeddings(
    fields: &mut Fields<'_>,
    places: &Places,
    report: &mut Report<'_>,
) -> EmbeddingSpec {
    let Some(mut table) = fields.table("embeddings", report) else {
        return EmbeddingSpec::default();
    };
    let embeddings = EmbeddingSpec {
        dialect: table.take("dialect", report),
        max_texts: table.take("max_texts", report),
        path: path(&mut table, "path", places, report),
        before: path(&mut table, "before", places, report),
    };
    if embeddings.max_texts == Some(0) {
        let help = "max_texts: 0 would send nothing; leave it out instead";
        report.at(table.line("max_texts"), help);
    }
    table.finish(report);
    embeddings
}

fn path(
    table: &mut Fields<'_>,
    key: &'static str,
    places: &Places,
    report: &mut Report<'_>,
) -> Option<Template> {
    let text: String = table.take(key, report)?;
    let read = match text.starts_with('/') {
        true => Template::parse(&text, places),
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
    let map: BTreeMap<_, _> = map.unwrap_or_default();
    quirks.finish_reason_map.extend(map);
    let drop: BTreeSet<Param> = table.take("drop_params", report).unwrap_or_default();
    quirks.drop_params.extend(drop);
    let takes: BTreeSet<Param> = table.take("takes", report).unwrap_or_default();
    quirks.takes.extend(takes);
    let keep: BTreeSet<Param> = table.take("keep_params", report).unwrap_or_default();
    quirks.drop_params.retain(|param| !keep.contains(param));
    table.finish(report);
}
