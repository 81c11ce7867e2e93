//! The `agon` program's commands.
#![expect(
    clippy::doc_markdown,
    reason = "help texts are shown to people as they stand here"
)]

mod check;
mod debate;
mod follow;
mod lists;
mod logging;
mod models;
mod ollama;
mod output;
mod progress;
mod providers;
mod render;
mod watch;
mod wire;

use std::collections::BTreeMap;
use std::path::Path;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use clap::Parser;
use clap::Subcommand;

use output::Output;

use crate::app;
use crate::app::AppError;
use crate::config;
use crate::config::Config;
use crate::config::LogFormat;
use crate::config::Overrides;

/// Debates between cloud and local models, and the gateway under them.
#[derive(Debug, Parser)]
#[command(name = "agon", version, about)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serve REST and WebSocket
    Serve(ServeArgs),
    /// Run a debate here and now, without a server
    Debate(debate::DebateArgs),
    /// Go on with a debate that was paused or interrupted
    Resume(debate::ResumeArgs),
    /// Follow a debate of a server
    Watch(watch::WatchArgs),
    /// List the models of the catalog, show one, or take over a price map
    Models(models::ModelsArgs),
    /// List the debate formats, or show one
    Formats(lists::FormatsArgs),
    /// Read or write a provider's protocol, to add a provider or to report a bug
    #[command(subcommand)]
    Wire(wire::WireCommand),
    /// Download, list and remove models of the Ollama server
    Ollama(ollama::OllamaArgs),
    /// Check providers with one cheap call each
    Providers(providers::ProvidersArgs),
    /// Check settings and data files, and say what is set
    CheckConfig(check::CheckArgs),
}

/// Settings that every command takes; each also as a variable: `AGON_…`.
#[derive(Debug, Clone, Args)]
struct CommonArgs {
    /// A YAML file of settings (AGON_CONFIG)
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Where debates are kept (AGON_DATABASE_URL, DATABASE_URL; default sqlite:./agon.db)
    #[arg(long, value_name = "URL")]
    database_url: Option<String>,
    /// How log lines look (AGON_LOG_FORMAT)
    #[arg(long, value_enum)]
    log_format: Option<LogFormat>,
}

#[derive(Debug, Args)]
struct ServeArgs {
    #[command(flatten)]
    common: CommonArgs,
    /// Address to listen on; anything but loopback needs AGON_MASTER_KEY (AGON_HOST; default 127.0.0.1)
    #[arg(long)]
    host: Option<String>,
    /// Port to listen on, 0 for any free one (AGON_PORT; default 4000)
    #[arg(long)]
    port: Option<u16>,
    /// Start a sample debate
    #[arg(long)]
    sample: bool,
}

/// The settings, and the variables that they came from.
struct Settings {
    config: Config,
    variables: BTreeMap<String, String>,
}

/// Runs the command that the command line names.
pub async fn run() -> ExitCode {
    let cli = Cli::parse();
    let result = match cli.command {
        Command::Serve(args) => serve(&args).await,
        Command::Debate(args) => debate::debate(&args).await,
        Command::Resume(args) => debate::resume(&args).await,
        Command::Watch(args) => watch::watch(&args).await,
        Command::Models(args) => models::models(&args).await,
        Command::Formats(args) => lists::formats(&args),
        Command::Wire(command) => wire::wire(&command),
        Command::Ollama(args) => ollama::ollama(&args).await,
        Command::Providers(args) => providers::providers(&args).await,
        Command::CheckConfig(args) => check::check_config(&args),
    };
    match result {
        Ok(code) => code,
        Err(error) => {
            Output::stderr().lines("agon: ", &error.to_string());
            ExitCode::FAILURE
        }
    }
}

async fn serve(args: &ServeArgs) -> Result<ExitCode, AppError> {
    let given = Overrides {
        host: args.host.clone(),
        port: args.port,
        ..Overrides::default()
    };
    let Settings { config, variables } = settings(&args.common, given)?;
    logging::start(&config.log, "info", &variables);
    let mut people = Output::stderr();
    let say = |line: &str| match config.log.format {
        LogFormat::Text => people.line(line),
        // Every line is one object, for whoever reads the log by program.
        LogFormat::Json => tracing::info!("{line}"),
    };
    app::serve(&config, &variables, args.sample, say).await?;
    Ok(ExitCode::SUCCESS)
}

fn settings(common: &CommonArgs, given: Overrides) -> Result<Settings, AppError> {
    let variables =
        config::environment(std::env::vars(), Path::new(".env")).map_err(AppError::Mistakes)?;
    let named = variables
        .get("AGON_CONFIG")
        .filter(|name| !name.is_empty())
        .map(PathBuf::from);
    let file = common.config.clone().or(named);
    let overrides = Overrides {
        database_url: common.database_url.clone(),
        log_format: common.log_format,
        ..given
    };
    let config =
        config::load(file.as_deref(), &variables, overrides).map_err(AppError::Mistakes)?;
    Ok(Settings { config, variables })
}
