//! `agon providers check`.

use std::process::ExitCode;
use std::time::Duration;

use clap::Args;
use clap::Subcommand;
use futures::StreamExt;
use futures::stream;
use serde_json::json;

use super::CommonArgs;
use super::output::Output;
use crate::app::AppError;
use crate::app::CheckState;
use crate::app::Checked;
use crate::app::Data;
use crate::app::ProviderChecks;
use crate::config::Overrides;
use crate::provider::Environment;

/// Providers that are called at once.
const AT_ONCE: usize = 4;

/// What to do with providers.
#[derive(Debug, Args)]
pub(super) struct ProvidersArgs {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Call each provider that is set up, cheaply: is it there, is the key right, does a model answer?
    Check(CheckArgs),
}

#[derive(Debug, Args)]
struct CheckArgs {
    #[command(flatten)]
    common: CommonArgs,
    /// Only these, as PROVIDER or PROVIDER/MODEL; all when none is named
    #[arg(value_name = "PROVIDER")]
    providers: Vec<String>,
    /// For programs
    #[arg(long)]
    json: bool,
    /// Seconds that each may take
    #[arg(long, value_name = "S", default_value_t = 30, value_parser = clap::value_parser!(u64).range(1..=3600))]
    timeout: u64,
}

/// Checks providers. Exits with 0 when all that are set up answer, 1 when one does not, 2 for a name that is unknown.
pub(super) async fn providers(args: &ProvidersArgs) -> Result<ExitCode, AppError> {
    let What::Check(args) = &args.what;
    let settings = super::settings(&args.common, Overrides::default())?;
    let catalog = Data::load(&settings.config)?.catalog;
    let environment: Environment = settings.variables.into_iter().collect();
    let limit = Duration::from_secs(args.timeout);
    let checks = ProviderChecks::prepare(&settings.config, catalog, environment, limit).await?;
    let subjects = match checks.subjects(&args.providers) {
        Ok(subjects) => subjects,
        Err(unknown) => {
            Output::stderr().lines("agon: ", &unknown.join("\n"));
            return Ok(ExitCode::from(2));
        }
    };
    let ids = subjects.iter().map(|subject| subject.spec.id.len());
    let mut table = Table {
        out: Output::stdout(),
        width: ids.max().unwrap_or(0).max("PROVIDER".len()),
        has_begun: false,
    };
    let checking = stream::iter(&subjects)
        .map(|subject| checks.check(subject))
        .buffer_unordered(AT_ONCE);
    tokio::pin!(checking);
    let mut all: Vec<Checked> = Vec::new();
    loop {
        tokio::select! {
            next = checking.next() => match next {
                Some(checked) => {
                    if !args.json && checked.state != CheckState::NotConfigured {
                        table.row(&checked);
                    }
                    all.push(checked);
                }
                None => break,
            },
            _ = tokio::signal::ctrl_c() => return Ok(ExitCode::from(130)),
        }
    }
    all.sort_by(|a, b| a.provider.cmp(&b.provider));
    if args.json {
        table.out.line(&format!("{:#}", json!({ "data": all })));
    } else {
        table.end(&all);
    }
    let has_failed = all
        .iter()
        .any(|checked| checked.state == CheckState::Failed);
    Ok(if has_failed {
        ExitCode::FAILURE
    } else {
        ExitCode::SUCCESS
    })
}

/// The table, written line by line as the checks end.
struct Table {
    out: Output,
    width: usize,
    has_begun: bool,
}

impl Table {
    fn row(&mut self, checked: &Checked) {
        let width = self.width;
        if !self.has_begun {
            self.has_begun = true;
            self.out.line(&format!(
                "{:<width$}  {:<6}  {:>8}  MODEL",
                "PROVIDER", "STATE", "TTFT"
            ));
        }
        let (word, colour) = match checked.state {
            CheckState::Ok => ("ok", "32"),
            CheckState::Failed => ("failed", "31"),
            CheckState::NotConfigured => ("-", "2"),
        };
        let ttft = checked
            .ttft_ms
            .map_or_else(|| "-".to_owned(), |ms| format!("{ms} ms"));
        let model = checked.model.as_ref().map_or("-", |model| model.model());
        let state = self.coloured(&format!("{word:<6}"), colour);
        self.out.line(&format!(
            "{:<width$}  {state}  {ttft:>8}  {model}",
            checked.provider
        ));
        let why = [&checked.code, &checked.message];
        let why: Vec<&str> = why.into_iter().flatten().map(String::as_str).collect();
        if !why.is_empty() {
            self.out
                .line(&format!("{:<width$}    {}", "", why.join(": ")));
        }
        if let Some(remedy) = &checked.remedy {
            self.out.line(&format!("{:<width$}    → {remedy}", ""));
        }
    }

    /// Names those that are not set up, and what would change that.
    fn end(&mut self, all: &[Checked]) {
        let mut rest = all
            .iter()
            .filter(|checked| checked.state == CheckState::NotConfigured)
            .peekable();
        if rest.peek().is_some() {
            let gap = if self.has_begun { "\n" } else { "" };
            self.out.line(&format!("{gap}not configured"));
        }
        for checked in rest {
            let remedy = checked.remedy.as_deref().unwrap_or_default();
            let line = format!(
                "  {:<width$}  {remedy}",
                checked.provider,
                width = self.width
            );
            let line = self.coloured(&line, "2");
            self.out.line(&line);
        }
    }

    fn coloured(&self, text: &str, colour: &str) -> String {
        match self.out.is_coloured() {
            true => format!("\x1b[{colour}m{text}\x1b[0m"),
            false => text.to_owned(),
        }
    }
}
