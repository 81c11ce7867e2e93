//! `agon formats`.

use std::process::ExitCode;

use clap::Args;
use serde_json::json;

use super::CommonArgs;
use super::output::Output;
use crate::app::AppError;
use crate::app::Data;
use crate::config::Overrides;
use crate::types::debate::Format;

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
