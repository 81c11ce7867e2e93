//! The `agon` program's commands.
#![expect(
    clippy::doc_markdown,
    reason = "help texts are shown to people as they stand here"
)]

mod ask;
mod check_config;
mod debate;
mod follow;
mod formats;
mod litellm_flags;
mod logging;
mod models;
mod ollama;
mod output;
mod progress;
mod providers;
mod render;
mod replay;
mod seat;
mod watch;
mod wire;

use std::collections::BTreeMap;
use std::path::Path;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use clap::Parser;
use clap::Subcommand;

use litellm_flags::LitellmFlags;
use output::Output;

use crate::app;
use crate::app::AppError;
use crate::config;
use crate::config::Config;
use crate::config::ConfigSource;
use crate::config::Loaded;
use crate::config::LogFormat;
use crate::config::Overrides;

/// Debates between cloud and local models, and the gateway under them.
#[derive(Debug, Parser)]
#[command(name = "agon", version, about, args_conflicts_with_subcommands = true)]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
    /// Without a command Agon serves.
    #[command(flatten)]
    serve: ServeArgs,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serve REST and WebSocket
    Serve(Box<ServeArgs>),
    /// Ask a model, or a debate as a model, one question
    Ask(ask::AskArgs),
    /// Run a debate here and now, without a server
    Debate(debate::DebateArgs),
    /// Go on with a debate that was paused or interrupted
    Resume(debate::ResumeArgs),
    /// Begin a debate as another one did, and let it go on otherwise
    Fork(replay::ForkArgs),
    /// Show two debates side by side
    Compare(replay::CompareArgs),
    /// Check that a debate's log is what its inputs lead to
    Replay(replay::ReplayArgs),
    /// Follow a debate of a server
    Watch(watch::WatchArgs),
    /// List the models of the catalog, show one, or take over a price map
    Models(models::ModelsArgs),
    /// List the debate formats, draw one, or check a file of your own
    Formats(formats::FormatsArgs),
    /// Read or write a provider's protocol, to add a provider or to report a bug
    #[command(subcommand)]
    Wire(wire::WireCommand),
    /// Download, list and remove models of the Ollama server
    Ollama(ollama::OllamaArgs),
    /// Check providers with one cheap call each
    Providers(providers::ProvidersArgs),
    /// Say what a settings file means here: what is understood, ignored and wrong
    CheckConfig(check_config::CheckArgs),
}

/// Settings that every command takes; each also as a variable: `AGON_…`.
#[derive(Debug, Clone, Args)]
struct CommonArgs {
    /// A YAML file of settings, LiteLLM's among them (AGON_CONFIG)
    #[arg(short, long, value_name = "FILE")]
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
    #[command(flatten)]
    litellm: LitellmFlags,
}

/// The settings, and the variables that they came from.
struct Settings {
    config: Config,
    variables: BTreeMap<String, String>,
}

/// Runs the command that the command line names.
pub async fn run() -> ExitCode {
    let cli = Cli::parse();
    let command = cli
        .command
        .unwrap_or_else(|| Command::Serve(Box::new(cli.serve)));
    let result = match command {
        Command::Serve(args) => serve(&args).await,
        Command::Ask(args) => ask::ask(&args).await,
        Command::Debate(args) => debate::debate(&args).await,
        Command::Resume(args) => debate::resume(&args).await,
        Command::Fork(args) => replay::fork(&args).await,
        Command::Compare(args) => replay::compared(&args).await,
        Command::Replay(args) => replay::replayed(&args).await,
        Command::Watch(args) => watch::watch(&args).await,
        Command::Models(args) => models::models(&args).await,
        Command::Formats(args) => formats::formats(&args),
        Command::Wire(command) => wire::wire(&command),
        Command::Ollama(args) => ollama::ollama(&args).await,
        Command::Providers(args) => providers::providers(&args).await,
        Command::CheckConfig(args) => check_config::check_config(&args),
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
    let mut given = Overrides {
        host: args.host.clone(),
        port: args.port,
        ..Overrides::default()
    };
    args.litellm.add_to(&mut given)?;
    let (source, loaded) = load(&args.common, given)?;
    logging::start(&loaded.config.log, "info", &loaded.variables);
    for note in args.litellm.notes() {
        tracing::warn!("{note}");
    }
    let mut people = Output::stderr();
    let format = loaded.config.log.format;
    let say = |line: &str| match format {
        LogFormat::Text => people.line(line),
        // Every line is one object, for whoever reads the log by program.
        LogFormat::Json => tracing::info!("{line}"),
    };
    app::serve(&loaded, source, args.sample, say).await?;
    Ok(ExitCode::SUCCESS)
}

fn settings(common: &CommonArgs, given: Overrides) -> Result<Settings, AppError> {
    let (_, loaded) = load(common, given)?;
    Ok(Settings {
        config: loaded.config,
        variables: loaded.variables,
    })
}

/// The settings, and where they came from.
fn load(common: &CommonArgs, given: Overrides) -> Result<(ConfigSource, Loaded), AppError> {
    let source = source(common, given, &variables()?);
    let loaded = source.load().map_err(AppError::Mistakes)?;
    Ok((source, loaded))
}

/// The settings, whatever is wrong with them.
fn read_settings(common: &CommonArgs, given: Overrides) -> Result<Loaded, AppError> {
    let variables = variables()?;
    let ConfigSource { file, overrides } = source(common, given, &variables);
    Ok(config::read(file.as_deref(), &variables, overrides))
}

fn variables() -> Result<BTreeMap<String, String>, AppError> {
    config::environment(std::env::vars(), Path::new(".env")).map_err(AppError::Mistakes)
}

fn source(
    common: &CommonArgs,
    given: Overrides,
    variables: &BTreeMap<String, String>,
) -> ConfigSource {
    // The second is LiteLLM's.
    let named = ["AGON_CONFIG", "CONFIG_FILE_PATH"]
        .iter()
        .filter_map(|name| variables.get(*name))
        .find(|name| !name.is_empty());
    ConfigSource {
        file: common.config.clone().or_else(|| named.map(PathBuf::from)),
        overrides: Overrides {
            database_url: common.database_url.clone(),
            log_format: common.log_format,
            ..given
        },
    }
}
