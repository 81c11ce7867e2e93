//! `agon models show`.

use std::process::ExitCode;

use clap::Args;
use serde_json::json;

use super::as_json;
use super::table::dollars;
use super::table::tokens;
use crate::app::AppError;
use crate::app::Data;
use crate::catalog::Catalog;
use crate::catalog::ModelCard;
use crate::catalog::Resolved;
use crate::cli::CommonArgs;
use crate::cli::output::Output;
use crate::config::Overrides;
use crate::types::Prices;

/// Which model.
#[derive(Debug, Args)]
pub(super) struct ShowArgs {
    #[command(flatten)]
    common: CommonArgs,
    /// Its name: provider/model with any prefix, or a bare name such as gpt-4o-mini
    name: String,
    /// For programs
    #[arg(long)]
    json: bool,
}

/// Shows all that is known of a model.
pub(super) fn show(args: &ShowArgs) -> Result<ExitCode, AppError> {
    let settings = crate::cli::settings(&args.common, Overrides::default())?;
    let catalog = Data::load(&settings.config)?.catalog;
    let resolved = catalog
        .resolve(&args.name)
        .map_err(|unknown| AppError::Failed(unknown.to_string()))?;
    let notes: Vec<String> = resolved.notes.iter().map(ToString::to_string).collect();
    let mut out = Output::stdout();
    if args.json {
        let shown = json!({
            "written": args.name,
            "name": resolved.name,
            "wire": catalog.wire(&resolved.name),
            "notes": notes,
            "card": resolved.card.as_ref().map(|card| as_json(card, &catalog)),
        });
        out.line(&format!("{shown:#}"));
        return Ok(ExitCode::SUCCESS);
    }
    for (what, said) in lines(&resolved, &catalog) {
        out.line(&format!("{what:<14} {said}"));
    }
    for note in notes {
        out.line(&format!("{:<14} {note}", "note"));
    }
    Ok(ExitCode::SUCCESS)
}

fn lines(resolved: &Resolved, catalog: &Catalog) -> Vec<(&'static str, String)> {
    let name = &resolved.name;
    let mut lines = vec![("name", name.to_string())];
    if let Some(spec) = catalog.provider(name.provider()) {
        let wire = catalog.wire(name).unwrap_or(spec.wire());
        lines.push(("provider", format!("{} ({wire})", spec.title)));
    }
    let Some(card) = &resolved.card else {
        return lines;
    };
    if card.name != *name {
        lines.push(("card", card.name.to_string()));
    }
    lines.extend(card.title.clone().map(|title| ("title", title)));
    let aliases: Vec<&str> = (catalog.aliases_of(&card.name).into_iter())
        .map(|alias| alias.as_str())
        .collect();
    if !aliases.is_empty() {
        lines.push(("also called", aliases.join(", ")));
    }
    lines.extend(card_lines(card));
    lines
}

fn card_lines(card: &ModelCard) -> Vec<(&'static str, String)> {
    let size = |number: u64| format!("{number} tokens ({})", tokens(number));
    let mut lines = Vec::new();
    lines.extend(card.context_tokens.map(|it| ("context", size(it))));
    lines.extend(card.max_output_tokens.map(|it| ("answer", size(it))));
    lines.extend(card.dimensions.map(|it| ("dimensions", it.to_string())));
    lines.push(("can", card.capabilities.names().join(", ")));
    lines.push(("tier", card.pricing_tier.as_str().to_owned()));
    match &card.prices {
        None => lines.push(("prices", "not known".to_owned())),
        Some(prices) if prices.is_free() => lines.push(("prices", "free".to_owned())),
        Some(prices) => lines.extend(price_lines(prices)),
    }
    lines.extend(card.ram_gb.map(|ram| ("memory", format!("{ram} GB"))));
    lines.extend(card.disk_gb.map(|disk| ("download", format!("{disk} GB"))));
    let refused: Vec<&str> = card.drop_params.iter().map(|it| it.as_str()).collect();
    if !refused.is_empty() {
        lines.push(("refuses", refused.join(", ")));
    }
    if card.recommended {
        lines.push(("recommended", "yes".to_owned()));
    }
    lines.push(("source", card.source.clone()));
    lines.push(("checked", card.checked.clone()));
    lines
}

/// Prices in USD per million tokens.
fn price_lines(prices: &Prices) -> Vec<(&'static str, String)> {
    let mut said = vec![format!(
        "{} in, {} out",
        dollars(prices.input),
        dollars(prices.output)
    )];
    for (what, price) in [
        ("from the cache", Some(prices.cache_read)),
        ("into the cache", Some(prices.cache_write)),
        ("audio in", prices.audio_in),
        ("audio out", prices.audio_out),
        ("reasoning", prices.reasoning),
    ] {
        let told = price.filter(|price| *price != prices.input);
        said.extend(told.map(|price| format!("{} {what}", dollars(price))));
    }
    let mut lines = vec![("USD / M tokens", said.join(", "))];
    for tier in prices.long_prompts.iter() {
        let said = format!(
            "above {} prompt tokens: {} in, {} out, {} from the cache, {} into the cache",
            tier.above_tokens,
            dollars(tier.input),
            dollars(tier.output),
            dollars(tier.cache_read),
            dollars(tier.cache_write)
        );
        lines.push(("", said));
    }
    lines
}
