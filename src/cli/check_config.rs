//! `agon check-config`: what a settings file means here.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use serde_json::Value;
use serde_json::json;

use super::CommonArgs;
use super::output::Output;
use crate::app::AppError;
use crate::app::Data;
use crate::config::Loaded;
use crate::config::Overrides;
use crate::config::Place;
use crate::config::Told;
use crate::router::RouterConfig;
use crate::types::Diagnostic;

/// What to check.
#[derive(Debug, Args)]
pub(super) struct CheckArgs {
    /// The file, as with --config
    #[arg(value_name = "FILE", conflicts_with = "config")]
    file: Option<PathBuf>,
    /// For programs
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    common: CommonArgs,
}

/// What was found out.
struct Checked {
    loaded: Loaded,
    /// The settings of the router with the model list; `None` where data files are wrong.
    router: Option<RouterConfig>,
    data: Option<Data>,
}

/// Says what is understood, what is ignored and why, and what is wrong; exits with 1 when Agon would not start.
pub(super) fn check_config(args: &CheckArgs) -> Result<ExitCode, AppError> {
    let common = CommonArgs {
        config: args.file.clone().or_else(|| args.common.config.clone()),
        ..args.common.clone()
    };
    let checked = check(super::read_settings(&common, Overrides::default())?);
    let mistakes = &checked.loaded.report.mistakes;
    match args.json {
        true => Output::stdout().line(&format!("{:#}", as_json(&checked))),
        false => tell(&checked, &mut Output::stdout()),
    }
    let mut errors = Output::stderr();
    for mistake in mistakes {
        errors.line(&format!("agon: {mistake}"));
    }
    Ok(match mistakes.is_empty() {
        true => ExitCode::SUCCESS,
        false => ExitCode::FAILURE,
    })
}

fn check(mut loaded: Loaded) -> Checked {
    let data = match Data::load(&loaded.config) {
        Ok(data) => Some(data),
        Err(AppError::Mistakes(mistakes)) => {
            loaded.report.mistakes.extend(mistakes);
            None
        }
        Err(error) => {
            let mistake = Diagnostic::new("data files", None, error.to_string());
            loaded.report.mistakes.push(mistake);
            None
        }
    };
    if let Some(data) = &data {
        // The others load, so Agon starts all the same.
        let mistakes = data.formats.mistakes().iter().cloned();
        loaded.report.warnings.extend(mistakes);
    }
    let router = data.as_ref().map(|data| {
        let (router, warnings) = data.router(&loaded.config);
        loaded.report.warnings.extend(warnings);
        router
    });
    Checked {
        loaded,
        router,
        data,
    }
}

fn tell(checked: &Checked, out: &mut Output) {
    let Checked {
        loaded,
        router,
        data,
    } = checked;
    let report = &loaded.report;
    sections("understood", &report.understood, out);
    sections("ignored", &report.ignored, out);
    if let Some(router) = router {
        groups(router, out);
        fallbacks(router, out);
    }
    if !report.warnings.is_empty() {
        out.line("warnings");
        for warning in &report.warnings {
            out.line(&format!("  {warning}"));
        }
    }
    if let Some(data) = data {
        summary(loaded, data, out);
    }
    out.line(&match report.mistakes.len() {
        0 => "everything is as it should be".to_owned(),
        1 => "1 mistake: Agon would not start".to_owned(),
        many => format!("{many} mistakes: Agon would not start"),
    });
}

/// Settings by section, in the file's order: keys that are understood on one line each section, keys that are ignored
/// each with its reason.
fn sections(title: &str, told: &[Told], out: &mut Output) {
    if told.is_empty() {
        return;
    }
    out.line(title);
    let mut by_section: BTreeMap<&str, Vec<&Told>> = BTreeMap::new();
    for it in told {
        let end = it.path.find(['.', '[']).unwrap_or(it.path.len());
        by_section.entry(&it.path[..end]).or_default().push(it);
    }
    for (section, told) in by_section {
        if told.iter().all(|it| it.why.is_empty()) {
            let keys = keys(section, &told);
            out.line(&format!("  {section}: {}", keys.join(", ")));
            continue;
        }
        for it in told {
            let place = place(&it.place);
            out.line(&format!("  {place}  {}: {}", it.path, it.why));
        }
    }
}

/// `num_retries (line 12)`; of a list the keys that its entries have.
fn keys(section: &str, told: &[&Told]) -> Vec<String> {
    let mut keys: Vec<(String, Option<usize>, usize)> = Vec::new();
    for it in told {
        let rest = it.path[section.len()..].trim_start_matches('.');
        let rest = match rest.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
            Some((_, rest)) => rest.trim_start_matches('.'),
            None => rest,
        };
        let key = if rest.is_empty() { section } else { rest };
        match keys.iter_mut().find(|(known, _, _)| known == key) {
            Some((_, _, times)) => *times += 1,
            None => keys.push((key.to_owned(), it.place.line, 1)),
        }
    }
    let shown = keys
        .into_iter()
        .map(|(key, line, times)| match (line, times) {
            (Some(line), 1) => format!("{key} (line {line})"),
            (Some(line), times) => format!("{key} (from line {line}, {times} times)"),
            (None, _) => key,
        });
    shown.collect()
}

fn place(place: &Place) -> String {
    match place.line {
        Some(line) => format!("{}:{line}", place.file),
        None => place.file.to_string(),
    }
}

fn groups(router: &RouterConfig, out: &mut Output) {
    if router.deployments.is_empty() {
        return;
    }
    out.line("groups");
    let mut shown: Vec<&str> = Vec::new();
    for first in &router.deployments {
        if shown.contains(&&*first.group) {
            continue;
        }
        shown.push(&first.group);
        out.line(&format!("  {}", first.group));
        for it in router
            .deployments
            .iter()
            .filter(|it| it.group == first.group)
        {
            out.line(&format!("    {}", deployment(it)));
        }
    }
    for (alias, group) in &router.aliases {
        out.line(&format!("  {alias} is {}", group.group));
    }
}

/// One deployment without anything secret.
fn deployment(it: &crate::types::Deployment) -> String {
    let mut line = format!("{}  {}", it.id, it.model);
    if let Some(base) = &it.target.api_base {
        line.push_str(&format!(" at {}", shown_address(base)));
    }
    let key = match (&it.target.api_key, &it.target.unset_key) {
        (Some(_), _) => ", key ***".to_owned(),
        (None, Some(variable)) => format!(", no key: {variable} is not set"),
        (None, None) => String::new(),
    };
    line.push_str(&key);
    let limits = [
        ("rpm", it.rpm.map(|n| n.to_string())),
        ("tpm", it.tpm.map(|n| n.to_string())),
        ("weight", it.weight.map(|n| n.to_string())),
        ("order", it.order.map(|n| n.to_string())),
    ];
    for (name, value) in limits {
        if let Some(value) = value {
            line.push_str(&format!(", {name} {value}"));
        }
    }
    line
}

fn shown_address(address: &str) -> String {
    crate::config::shown_address(address)
}

fn fallbacks(router: &RouterConfig, out: &mut Output) {
    let kinds = [
        ("fallbacks", &router.fallbacks),
        (
            "when the prompt does not fit",
            &router.context_window_fallbacks,
        ),
        (
            "when the answer is held back",
            &router.content_policy_fallbacks,
        ),
    ];
    for (title, map) in kinds {
        if map.is_empty() {
            continue;
        }
        out.line(title);
        for (group, others) in map {
            out.line(&format!("  {group} -> {}", others.join(" -> ")));
        }
    }
    if !router.default_fallbacks.is_empty() {
        let others = router.default_fallbacks.join(" -> ");
        out.line(&format!("every other group -> {others}"));
    }
}

fn summary(loaded: &Loaded, data: &Data, out: &mut Output) {
    let config = &loaded.config;
    let key = match config.server.master_key.is_some() {
        true => "***",
        false => "none",
    };
    out.line("settings");
    out.line(&format!(
        "  listens on      {}:{}, master key {key}",
        config.server.host, config.server.port
    ));
    out.line(&format!(
        "  database        {}",
        shown_address(&config.database_url.0)
    ));
    let path = match config.llm.use_unified {
        true => "unified",
        false => "legacy where there is one",
    };
    let legacy = match config.llm.legacy_providers.is_empty() {
        true => String::new(),
        false => format!(", legacy for {}", config.llm.legacy_providers.join(", ")),
    };
    out.line(&format!("  model calls     {path}{legacy}"));
    out.line(&format!(
        "  data            {} providers, {} models, {} formats",
        data.catalog.providers().count(),
        data.catalog.cards().count(),
        data.formats.iter().count()
    ));
    let is_set = |name: &String| loaded.variables.get(name).is_some_and(|it| !it.is_empty());
    let with_key = data.catalog.providers();
    let with_key: Vec<&str> = with_key
        .filter(|spec| spec.auth.key_env.iter().any(is_set))
        .map(|spec| spec.id.as_str())
        .collect();
    let with_key = match with_key.is_empty() {
        true => "nobody".to_owned(),
        false => with_key.join(", "),
    };
    out.line(&format!("  keys set for    {with_key}"));
}

fn as_json(checked: &Checked) -> Value {
    let told = |told: &[Told]| -> Value {
        told.iter()
            .map(|it| {
                json!({"setting": it.path, "file": &*it.place.file, "line": it.place.line, "why": it.why})
            })
            .collect()
    };
    let said = |said: &[Diagnostic]| -> Value {
        said.iter()
            .map(|it| json!({"file": it.file, "line": it.line, "help": it.help}))
            .collect()
    };
    let report = &checked.loaded.report;
    let deployments: Value = checked
        .router
        .iter()
        .flat_map(|router| &router.deployments)
        .map(|it| {
            json!({
                "id": &*it.id,
                "group": &*it.group,
                "model": &*it.model,
                "api_base": it.target.api_base.as_deref().map(shown_address),
                "has_key": it.target.api_key.is_some(),
                "unset_key": it.target.unset_key.as_deref(),
                "params": it.info.params,
                "model_info": it.info.written,
            })
        })
        .collect();
    let router = checked.router.as_ref();
    json!({
        "ok": report.mistakes.is_empty(),
        "understood": told(&report.understood),
        "ignored": told(&report.ignored),
        "warnings": said(&report.warnings),
        "mistakes": said(&report.mistakes),
        "deployments": deployments,
        "fallbacks": router.map(|router| &router.fallbacks),
        "context_window_fallbacks": router.map(|router| &router.context_window_fallbacks),
        "content_policy_fallbacks": router.map(|router| &router.content_policy_fallbacks),
        "default_fallbacks": router.map(|router| &router.default_fallbacks),
        "callbacks": checked.loaded.config.callbacks,
    })
}
