//! `agon formats`: which debate formats there are, how one runs, and what is wrong with a file of one's own.

mod draw;
mod figures;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use clap::Subcommand;
use serde_json::Value;
use serde_json::json;

use super::CommonArgs;
use super::output::Output;
use crate::app::AppError;
use crate::app::Data;
use crate::config::Overrides;
use crate::debate::format::FormatLibrary;
use crate::debate::format::Nominal;
use crate::debate::format::range;
use crate::debate::format::read_file;
use crate::debate::format::spelling;
use crate::types::Diagnostic;
use crate::types::debate::Format;
use crate::types::debate::RoleKind;

/// Lists the formats where nothing else is asked for.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(super) struct FormatsArgs {
    #[command(subcommand)]
    command: Option<FormatsCommand>,
    #[command(flatten)]
    list: ListArgs,
}

#[derive(Debug, Subcommand)]
enum FormatsCommand {
    /// Draw a format: who speaks when, seeing what, how it is decided, and what it takes
    Show(ShowArgs),
    /// Tell every mistake of format files, by line; exits with 1 when there is one
    Check(CheckArgs),
}

#[derive(Debug, Args)]
struct ListArgs {
    #[command(flatten)]
    common: CommonArgs,
    /// For programs
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
struct ShowArgs {
    /// The format's id
    id: String,
    #[command(flatten)]
    common: CommonArgs,
    /// For programs
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
struct CheckArgs {
    /// Files of formats
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// For programs
    #[arg(long)]
    json: bool,
}

/// Lists, shows or checks formats.
pub(super) fn formats(args: &FormatsArgs) -> Result<ExitCode, AppError> {
    match &args.command {
        None => list(&args.list),
        Some(FormatsCommand::Show(args)) => show(args),
        Some(FormatsCommand::Check(args)) => Ok(check(args)),
    }
}

/// The formats that can be ordered; files that cannot be used are told on standard error.
fn library(common: &CommonArgs) -> Result<Data, AppError> {
    let settings = super::settings(common, Overrides::default())?;
    let data = Data::load(&settings.config)?;
    let mut errors = Output::stderr();
    for mistake in data.formats.mistakes() {
        errors.line(&format!("agon: {mistake}"));
    }
    Ok(data)
}

fn list(args: &ListArgs) -> Result<ExitCode, AppError> {
    let formats = library(&args.common)?.formats;
    let mut out = Output::stdout();
    if args.json {
        let data: Vec<&Format> = formats.iter().map(AsRef::as_ref).collect();
        out.line(&format!("{:#}", json!({ "data": data })));
        return Ok(ExitCode::SUCCESS);
    }
    let rows: Vec<[String; 4]> = formats.iter().map(|format| row(format)).collect();
    let width = |column: usize| {
        let cells = rows.iter().map(|row| row[column].chars().count());
        cells.max().unwrap_or(0)
    };
    let widths = [0, 1, 2].map(width);
    for row in &rows {
        let [id, title, seats, calls] = row;
        let [a, b, c] = widths;
        out.line(&format!("{id:<a$}  {title:<b$}  {seats:<c$}  {calls}"));
    }
    Ok(ExitCode::SUCCESS)
}

/// Id, title, seats and calls.
fn row(format: &Format) -> [String; 4] {
    let (least, most) = range(format);
    let seats = format
        .roles
        .iter()
        .filter(|role| role.kind != RoleKind::Audience)
        .map(|role| format!("{} {}", spelling::count(role.count), role.id));
    let seats: Vec<String> = seats.collect();
    let calls = match (least.estimate.expected_calls, most.estimate.expected_calls) {
        (1, 1) => "1 call".to_owned(),
        (least, most) if least == most => format!("{least} calls"),
        (least, most) => format!("{least} to {most} calls"),
    };
    [
        format.id.clone(),
        format.title.clone(),
        seats.join(", "),
        calls,
    ]
}

fn show(args: &ShowArgs) -> Result<ExitCode, AppError> {
    let formats = library(&args.common)?.formats;
    let Some(format) = formats.get(&args.id) else {
        return Err(AppError::Failed(unknown(&formats, &args.id)));
    };
    let file = formats.file(&args.id).unwrap_or_default();
    let mut out = Output::stdout();
    match args.json {
        true => out.line(&format!("{:#}", as_json(format, file))),
        false => out.text(&draw::format(format, file)),
    }
    Ok(ExitCode::SUCCESS)
}

fn unknown(formats: &FormatLibrary, id: &str) -> String {
    let hint = formats
        .nearest(id)
        .map_or_else(String::new, |near| format!(": did you mean {near}?"));
    format!("there is no format \"{id}\"{hint}")
}

fn as_json(format: &Format, file: &str) -> Value {
    let (least, most) = range(format);
    let bounds = |nominal: &Nominal| {
        let cast: serde_json::Map<String, Value> = nominal
            .cast
            .iter()
            .map(|(role, count)| (role.clone(), json!(count)))
            .collect();
        json!({ "cast": cast, "estimate": nominal.estimate })
    };
    json!({
        "format": format,
        "file": file,
        "bounds": { "smallest_cast": bounds(&least), "largest_cast": bounds(&most) },
    })
}

fn check(args: &CheckArgs) -> ExitCode {
    let checked: Vec<(String, Result<Format, Vec<Diagnostic>>)> = args
        .files
        .iter()
        .map(|path| {
            let file = path.display().to_string();
            let read = read_file(path, &file);
            (file, read)
        })
        .collect();
    let mistakes: usize = checked
        .iter()
        .map(|(_, read)| read.as_ref().err().map_or(0, Vec::len))
        .sum();
    let mut out = Output::stdout();
    if args.json {
        let files: Vec<Value> = checked.iter().map(told).collect();
        out.line(&format!(
            "{:#}",
            json!({ "ok": mistakes == 0, "files": files })
        ));
    } else {
        for (file, read) in &checked {
            match read {
                Ok(format) => out.line(&format!("{file}: {}, {}: fine", format.id, format.title)),
                Err(found) => found
                    .iter()
                    .for_each(|mistake| out.line(&mistake.to_string())),
            }
        }
        match mistakes {
            0 => {}
            1 => out.line("1 mistake"),
            many => out.line(&format!("{many} mistakes")),
        }
    }
    match mistakes {
        0 => ExitCode::SUCCESS,
        _ => ExitCode::FAILURE,
    }
}

fn told((file, read): &(String, Result<Format, Vec<Diagnostic>>)) -> Value {
    let mistakes = read.as_ref().err().into_iter().flatten();
    let mistakes: Vec<Value> = mistakes
        .map(|mistake| json!({ "file": mistake.file, "line": mistake.line, "help": mistake.help }))
        .collect();
    let id = read.as_ref().ok().map(|format| &format.id);
    json!({ "file": file, "id": id, "mistakes": mistakes })
}
