//! `agon models import`.

use std::fs;
use std::path::Path;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use serde_json::Value;
use serde_json::json;

use super::prices_as_json;
use super::provider_id;
use super::table::dollars;
use crate::app::AppError;
use crate::catalog::Catalog;
use crate::catalog::DataDirs;
use crate::catalog::price_map::Origin;
use crate::catalog::price_map::PriceMap;
use crate::catalog::price_map::Taken;
use crate::catalog::price_map::catalog_files;
use crate::cli::CommonArgs;
use crate::cli::output::Output;
use crate::config::Overrides;
use crate::types::Prices;

/// More examples than this of one reason help nobody.
const EXAMPLES: usize = 3;

/// What to import, and where to.
#[derive(Debug, Args)]
pub(super) struct ImportArgs {
    #[command(flatten)]
    common: CommonArgs,
    /// LiteLLM's model_prices_and_context_window.json, or a part of it
    #[arg(value_name = "PRICE_MAP.json")]
    file: PathBuf,
    /// Only the models of this provider
    #[arg(long)]
    provider: Option<String>,
    /// Where to write PROVIDER.toml; AGON_CATALOG_DIR then names it
    #[arg(long, value_name = "DIR", default_value = "price-map")]
    out: PathBuf,
    /// The day that the prices are of; today when not given
    #[arg(long, value_name = "YYYY-MM-DD")]
    checked: Option<jiff::civil::Date>,
    /// For programs
    #[arg(long)]
    json: bool,
}

/// Writes catalog files of a price map, and says what was taken, changed and skipped.
///
/// The map is compared with the catalog inside the program, so that a second run finds the same.
pub(super) fn import(args: &ImportArgs) -> Result<ExitCode, AppError> {
    let settings = crate::cli::settings(&args.common, Overrides::default())?;
    let dirs = DataDirs {
        providers: settings.config.llm.providers_dir,
        catalog: None,
    };
    let catalog = Catalog::load(&dirs).map_err(AppError::Mistakes)?;
    let provider = match &args.provider {
        None => None,
        Some(id) => Some(provider_id(&catalog, id)?),
    };
    let origin = origin(args);
    let failed = |path: &Path, error: &dyn std::fmt::Display| {
        AppError::Failed(format!("{}: {error}", path.display()))
    };
    let text = fs::read_to_string(&args.file).map_err(|error| failed(&args.file, &error))?;
    let map = PriceMap::read(&text, &catalog, provider.as_deref(), &origin)
        .map_err(|error| failed(&args.file, &format!("is no price map: {error}")))?;
    fs::create_dir_all(&args.out).map_err(|error| failed(&args.out, &error))?;
    let mut written = Vec::new();
    for (provider, text) in catalog_files(&map.taken, &origin) {
        let path = args.out.join(format!("{provider}.toml"));
        let is_new = write(&path, &text).map_err(|error| failed(&path, &error))?;
        written.push((path, is_new));
    }
    // What was written has to load: better told now than at the next start.
    let dirs = DataDirs {
        catalog: Some(args.out.clone()),
        ..dirs
    };
    Catalog::load(&dirs).map_err(AppError::Mistakes)?;
    let mut out = Output::stdout();
    match args.json {
        true => out.line(&format!("{:#}", as_json(&map, &written))),
        false => report(&map, &written, &args.out, &mut out),
    }
    Ok(ExitCode::SUCCESS)
}

fn origin(args: &ImportArgs) -> Origin {
    let name = args.file.file_name().map(|name| name.to_string_lossy());
    let today = || jiff::Zoned::now().date();
    Origin {
        source: format!("{}, LiteLLM's price map", name.unwrap_or_default()),
        checked: args.checked.unwrap_or_else(today).to_string(),
    }
}

/// Writes a file, unless it says the same already but for the day that it was checked.
fn write(path: &Path, text: &str) -> std::io::Result<bool> {
    let without_day = |text: &str| -> Vec<String> {
        let lines = text.lines().filter(|line| !line.starts_with("checked = "));
        lines.map(str::to_owned).collect()
    };
    let same = fs::read_to_string(path).is_ok_and(|old| without_day(&old) == without_day(text));
    if same {
        return Ok(false);
    }
    fs::write(path, text)?;
    Ok(true)
}

fn report(map: &PriceMap, written: &[(PathBuf, bool)], dir: &Path, out: &mut Output) {
    let new = map.taken.iter().filter(|it| it.is_new()).count();
    let skipped: usize = map.skipped.values().map(Vec::len).sum();
    out.line(&format!(
        "{} entries: {} taken ({new} new, {} changed), {} as the catalog has them, {skipped} skipped",
        map.entries,
        map.taken.len(),
        map.taken.len() - new,
        map.same
    ));
    let mut drifted: Vec<&Taken> = map.taken.iter().filter(|it| it.has_drifted()).collect();
    drifted.sort_by(|a, b| a.card.name.cmp(&b.card.name));
    if !drifted.is_empty() {
        out.line("\nother prices than the catalog's, USD per million tokens in / out");
        let width = drifted.iter().map(|it| it.card.name.as_str().len()).max();
        for it in drifted {
            let (name, width) = (it.card.name.as_str(), width.unwrap_or(0));
            let before = shown(it.before.flatten().as_ref());
            let now = shown(it.card.prices.as_ref());
            let what = match before == now {
                true => format!("{now}, but its cache, tiers or audio"),
                false => format!("{before} -> {now}"),
            };
            out.line(&format!("  {name:<width$}  {what}"));
        }
    }
    if !map.skipped.is_empty() {
        out.line("\nskipped");
        let mut reasons: Vec<_> = map.skipped.iter().collect();
        reasons.sort_by_key(|(reason, keys)| (usize::MAX - keys.len(), *reason));
        for (reason, keys) in reasons {
            let more = if keys.len() > EXAMPLES { ", …" } else { "" };
            let some: Vec<&str> = keys.iter().take(EXAMPLES).map(String::as_str).collect();
            out.line(&format!(
                "  {:>5}  {reason}: {}{more}",
                keys.len(),
                some.join(", ")
            ));
        }
    }
    let changed = written.iter().filter(|(_, is_new)| *is_new).count();
    out.line(&format!(
        "\n{} files in {}, {changed} of them written anew; AGON_CATALOG_DIR={} takes them into use",
        written.len(),
        dir.display(),
        dir.display()
    ));
}

fn shown(prices: Option<&Prices>) -> String {
    match prices {
        None => "not known".to_owned(),
        Some(prices) => format!("{} / {}", dollars(prices.input), dollars(prices.output)),
    }
}

fn as_json(map: &PriceMap, written: &[(PathBuf, bool)]) -> Value {
    let taken = |it: &Taken| {
        json!({
            "id": it.card.name,
            "new": it.is_new(),
            "before": it.before.flatten().as_ref().map(prices_as_json),
            "usd_per_million": it.card.prices.as_ref().map(prices_as_json),
        })
    };
    let files = written.iter();
    json!({
        "entries": map.entries,
        "same": map.same,
        "taken": map.taken.iter().map(taken).collect::<Vec<_>>(),
        "skipped": map.skipped,
        "files": files
            .map(|(path, is_new)| json!({"path": path, "written": is_new}))
            .collect::<Vec<_>>(),
    })
}
