//! `agon models` and `agon formats`.

use std::process::ExitCode;

use clap::Args;
use serde_json::Value;
use serde_json::json;

use super::CommonArgs;
use super::output::Output;
use crate::app::AppError;
use crate::app::Data;
use crate::config::Overrides;
use crate::types::debate::Format;

/// Which models.
#[derive(Debug, Args)]
pub(super) struct ModelsArgs {
    #[command(flatten)]
    common: CommonArgs,
    /// Only those of this provider
    #[arg(long)]
    provider: Option<String>,
    /// Only those that cost nothing
    #[arg(long)]
    free: bool,
    /// For programs
    #[arg(long)]
    json: bool,
}

/// Which formats.
#[derive(Debug, Args)]
pub(super) struct FormatsArgs {
    #[command(flatten)]
    common: CommonArgs,
    /// Show this one whole
    id: Option<String>,
    /// For programs
    #[arg(long)]
    json: bool,
}

/// Lists the models of the catalog.
pub(super) fn models(args: &ModelsArgs) -> Result<ExitCode, AppError> {
    let settings = super::settings(&args.common, Overrides::default())?;
    let catalog = Data::load(&settings.config)?.catalog;
    let of_provider = |provider: &str| {
        args.provider
            .as_ref()
            .is_none_or(|wanted| wanted == provider)
    };
    let free = |card: &crate::catalog::ModelCard| {
        !args.free || card.prices.is_some_and(|prices| prices.is_free())
    };
    let cards = catalog
        .cards()
        .filter(|card| of_provider(card.name.provider()) && free(card));
    let mut out = Output::stdout();
    if args.json {
        let data: Vec<Value> = cards
            .map(|card| {
                json!({
                    "id": card.name,
                    "context_tokens": card.context_tokens,
                    "usd_per_million": card.prices.map(|it| json!({"input": it.input as f64 / 1e9, "output": it.output as f64 / 1e9})),
                    "ram_gb": card.ram_gb,
                    "recommended": card.recommended,
                    "deprecated": card.deprecated.is_some(),
                })
            })
            .collect();
        out.line(&format!("{:#}", json!({ "data": data })));
        return Ok(ExitCode::SUCCESS);
    }
    out.line(&format!(
        "{:<52} {:>10} {:>16} {:>8}",
        "MODEL", "CONTEXT", "USD/M IN OUT", "RAM GB"
    ));
    for card in cards {
        let context = card
            .context_tokens
            .map_or_else(String::new, |tokens| tokens.to_string());
        let price = card.prices.map_or_else(
            || "?".to_owned(),
            |prices| match prices.is_free() {
                true => "free".to_owned(),
                false => format!(
                    "{} {}",
                    prices.input as f64 / 1e9,
                    prices.output as f64 / 1e9
                ),
            },
        );
        let ram = card.ram_gb.map_or_else(String::new, |ram| ram.to_string());
        out.line(&format!(
            "{:<52} {context:>10} {price:>16} {ram:>8}",
            card.name.as_str()
        ));
    }
    Ok(ExitCode::SUCCESS)
}

/// Lists the formats, or shows one.
pub(super) fn formats(args: &FormatsArgs) -> Result<ExitCode, AppError> {
    let settings = super::settings(&args.common, Overrides::default())?;
    let formats = Data::load(&settings.config)?.formats;
    let mut out = Output::stdout();
    let chosen: Vec<&Format> = match &args.id {
        None => formats.iter().map(AsRef::as_ref).collect(),
        Some(id) => match formats.get(id) {
            Some(format) => vec![format.as_ref()],
            None => {
                let hint = formats
                    .nearest(id)
                    .map_or_else(String::new, |near| format!(": did you mean {near}?"));
                return Err(AppError::Failed(format!(
                    "there is no format \"{id}\"{hint}"
                )));
            }
        },
    };
    if args.json {
        out.line(&format!("{:#}", json!({ "data": chosen })));
        return Ok(ExitCode::SUCCESS);
    }
    for format in chosen {
        out.line(&format!("{:<20} {}", format.id, format.title));
        if args.id.is_some() {
            show(format, &mut out);
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn show(format: &Format, out: &mut Output) {
    out.line(&format!("\n{}\n\nroles", format.description));
    for role in &format.roles {
        let count = match (role.count.min, role.count.max) {
            (min, max) if min == max => min.to_string(),
            (min, max) => format!("{min} to {max}"),
        };
        out.line(&format!("  {:<12} {count}", role.id));
    }
    out.line("\nphases");
    for phase in &format.phases {
        let words = phase
            .words
            .map_or_else(String::new, |words| format!(", {words} words"));
        let times = match (phase.repeat.min, phase.repeat.max) {
            (1, 1) => String::new(),
            (min, max) => format!(", {min} to {max} times"),
        };
        out.line(&format!(
            "  {:<12} {}{words}{times}",
            phase.id,
            phase.who.join(", ")
        ));
    }
    out.line(&format!("\ndecided by {:?}", format.decision.rule).to_lowercase());
}
