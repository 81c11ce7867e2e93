//! `agon ollama`: the models of the Ollama server.

use std::process::ExitCode;
use std::time::Duration;

use clap::Args;
use clap::Subcommand;
use futures::StreamExt;
use serde_json::Value;
use serde_json::json;

use super::CommonArgs;
use super::output::Output;
use super::progress::Progress;
use super::progress::bytes;
use crate::app::AppError;
use crate::app::Data;
use crate::catalog::ModelCard;
use crate::config::Overrides;
use crate::provider::Environment;
use crate::provider::OllamaError;
use crate::provider::OllamaServer;
use crate::provider::PullLine;
use crate::provider::PullProgress;
use crate::provider::Transport;
use crate::provider::pull_remedy;

/// The catalog's name of the server.
const PROVIDER: &str = "ollama";
/// How often a download goes on by itself after the connection broke.
const MOST_RETRIES: u32 = 5;
/// How long it rests before.
const REST: Duration = Duration::from_secs(1);

/// What to do at the server.
#[derive(Debug, Args)]
pub(super) struct OllamaArgs {
    #[command(flatten)]
    common: CommonArgs,
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Download a model; one that was interrupted goes on where it stopped
    Pull {
        /// As the library names it, for example llama3.2 or gemma3:12b
        model: String,
        /// Take it from a registry without TLS
        #[arg(long)]
        insecure: bool,
        /// One object a line
        #[arg(long)]
        json: bool,
    },
    /// List what is installed
    List {
        /// For programs
        #[arg(long)]
        json: bool,
    },
    /// List what is in memory
    Ps {
        /// For programs
        #[arg(long)]
        json: bool,
    },
    /// Remove a model
    Rm {
        /// Its name
        model: String,
    },
}

/// Talks to the server.
pub(super) async fn ollama(args: &OllamaArgs) -> Result<ExitCode, AppError> {
    let settings = super::settings(&args.common, Overrides::default())?;
    let catalog = Data::load(&settings.config)?.catalog;
    let environment: Environment = settings.variables.into_iter().collect();
    let Some(spec) = catalog.provider(PROVIDER) else {
        return Err(AppError::Failed(
            "there is no provider \"ollama\"".to_owned(),
        ));
    };
    let transport = Transport::new().map_err(failed)?;
    let server = OllamaServer::new(spec, &environment, &transport).map_err(failed)?;
    match &args.what {
        What::Pull {
            model,
            insecure,
            json,
        } => {
            let name = model.strip_prefix("ollama/").unwrap_or(model);
            let known = format!("{PROVIDER}/{name}").parse().ok();
            let card = known.and_then(|known| catalog.card(&known).cloned());
            let pull = Pull {
                server: &server,
                model: name,
                insecure: *insecure,
                json: *json,
                out: Output::stdout(),
            };
            if let (Some(card), false) = (card, *json) {
                warn_of_size(&card, server.base_url());
            }
            pull.run().await
        }
        What::List { json } => list(&server.installed().await.map_err(failed)?, *json, INSTALLED),
        What::Ps { json } => list(&server.running().await.map_err(failed)?, *json, IN_MEMORY),
        What::Rm { model } => {
            let name = model.strip_prefix("ollama/").unwrap_or(model);
            server.remove(name).await.map_err(failed)?;
            Output::stdout().line(&format!("removed {name}"));
            Ok(ExitCode::SUCCESS)
        }
    }
}

fn failed(error: impl std::fmt::Display) -> AppError {
    AppError::Failed(error.to_string())
}

/// Says what the model takes, and whether this machine has it.
fn warn_of_size(card: &ModelCard, base_url: &str) {
    let mut people = Output::stderr();
    let disk = card.disk_gb.map(|gb| format!("{gb} GB to download"));
    let ram = card
        .ram_gb
        .map(|gb| format!("about {gb} GB of memory to run"));
    let needs: Vec<String> = [disk, ram].into_iter().flatten().collect();
    if !needs.is_empty() {
        people.line(&format!("{}: {}", card.name.model(), needs.join(", ")));
    }
    let here = ["127.0.0.1", "localhost", "[::1]"]
        .iter()
        .any(|host| base_url.contains(host));
    if let (true, Some(needed), Some(has)) = (here, card.ram_gb, memory_gb())
        && needed > has
    {
        people.line(&format!(
            "this machine has {has:.1} GB of memory: it will be slow, or not start; a smaller tag may fit"
        ));
    }
}

/// All memory of this machine, in GB (10^9 bytes), where the system says so.
fn memory_gb() -> Option<f64> {
    let told = std::fs::read_to_string("/proc/meminfo").ok()?;
    let line = told.lines().find(|line| line.starts_with("MemTotal:"))?;
    let kib: f64 = line.split_whitespace().nth(1)?.parse().ok()?;
    Some(kib * 1024.0 / 1e9)
}

/// One download.
struct Pull<'a> {
    server: &'a OllamaServer,
    model: &'a str,
    insecure: bool,
    json: bool,
    out: Output,
}

impl Pull<'_> {
    async fn run(mut self) -> Result<ExitCode, AppError> {
        let mut progress = Progress::new();
        let ended = tokio::select! {
            ended = self.download(&mut progress) => ended,
            _ = tokio::signal::ctrl_c() => {
                progress.clear();
                if self.json {
                    self.out.line(&json!({"error": {"code": "interrupted"}}).to_string());
                } else {
                    Output::stderr().line("stopped. The same command goes on from here");
                }
                return Ok(ExitCode::from(130));
            }
        };
        progress.clear();
        let Err(error) = ended else {
            if !self.json {
                // A registry's scheme is no part of the name.
                let name = self.model.split("://").last().unwrap_or(self.model);
                self.out
                    .line(&format!("{name} is installed: call it as ollama/{name}"));
            }
            return Ok(ExitCode::SUCCESS);
        };
        let remedy = pull_remedy(&error.to_string(), self.model);
        if self.json {
            let told = json!({"error": {"code": code(&error), "message": error.to_string(), "remedy": remedy}});
            self.out.line(&told.to_string());
            return Ok(ExitCode::FAILURE);
        }
        let remedy = remedy.map_or_else(String::new, |remedy| format!("\n{remedy}"));
        Err(AppError::Failed(format!(
            "{} was not downloaded: {error}{remedy}",
            self.model
        )))
    }

    /// Downloads, and goes on after the connection broke, as long as there was progress in between.
    async fn download(&mut self, progress: &mut Progress) -> Result<(), OllamaError> {
        let (mut retries, mut so_far) = (0, 0);
        loop {
            let mut state = PullProgress::default();
            let ended = self.follow(&mut state, progress).await;
            match ended {
                Err(OllamaError::BrokeOff(why)) if retries < MOST_RETRIES => {
                    if state.completed_bytes() > so_far {
                        (retries, so_far) = (0, state.completed_bytes());
                    }
                    retries += 1;
                    progress.clear();
                    Output::stderr().line(&format!("{why}: going on"));
                    tokio::time::sleep(REST).await;
                }
                ended => return ended,
            }
        }
    }

    async fn follow(
        &mut self,
        state: &mut PullProgress,
        progress: &mut Progress,
    ) -> Result<(), OllamaError> {
        let mut lines = self.server.pull(self.model, self.insecure).await?;
        while let Some(line) = lines.next().await {
            let line: PullLine = line?;
            if let Some(error) = line.error {
                return Err(OllamaError::Refused(error));
            }
            state.take(&line);
            if self.json {
                self.out
                    .line(&serde_json::to_string(&line).unwrap_or_default());
            } else {
                progress.show(state, &mut self.out);
            }
        }
        match state.is_done() {
            true => Ok(()),
            false => Err(OllamaError::BrokeOff(
                "it ended before the model was whole".to_owned(),
            )),
        }
    }
}

fn code(error: &OllamaError) -> &'static str {
    match error {
        OllamaError::Nobody(_) => "connection_failed",
        OllamaError::NotFound(_) => "model_not_found",
        OllamaError::Refused(_) => "refused",
        OllamaError::BrokeOff(_) => "stream_interrupted",
    }
}

/// A column: its title, its width, and how it is read out of a model's entry.
type Column = (&'static str, usize, fn(&Value) -> String);

const INSTALLED: &[Column] = &[
    ("MODEL", 44, |it| text(&it["name"])),
    ("SIZE", 10, |it| size(&it["size"])),
    ("PARAMETERS", 11, |it| {
        text(&it["details"]["parameter_size"])
    }),
    ("WEIGHTS", 10, |it| {
        text(&it["details"]["quantization_level"])
    }),
    ("CONTEXT", 9, |it| number(&it["details"]["context_length"])),
    ("CAN", 0, |it| words(&it["capabilities"])),
];

const IN_MEMORY: &[Column] = &[
    ("MODEL", 44, |it| text(&it["name"])),
    ("MEMORY", 10, |it| size(&it["size"])),
    ("OF IT VIDEO", 12, |it| size(&it["size_vram"])),
    ("CONTEXT", 9, |it| number(&it["context_length"])),
    ("UNTIL", 0, |it| {
        text(&it["expires_at"]).chars().take(19).collect()
    }),
];

fn list(models: &[Value], json: bool, columns: &[Column]) -> Result<ExitCode, AppError> {
    let mut out = Output::stdout();
    if json {
        out.line(&format!("{:#}", json!({ "data": models })));
        return Ok(ExitCode::SUCCESS);
    }
    let row = |cell: &dyn Fn(&Column) -> String| {
        let cells = columns.iter().map(|column| {
            let (text, width) = (cell(column), column.1);
            format!("{text:<width$}")
        });
        cells.collect::<Vec<_>>().join(" ").trim_end().to_owned()
    };
    out.line(&row(&|column| column.0.to_owned()));
    for model in models {
        out.line(&row(&|column| (column.2)(model)));
    }
    Ok(ExitCode::SUCCESS)
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or("?").to_owned()
}

fn number(value: &Value) -> String {
    value
        .as_u64()
        .map_or_else(|| "?".to_owned(), |n| n.to_string())
}

fn size(value: &Value) -> String {
    value.as_u64().map_or_else(|| "?".to_owned(), bytes)
}

fn words(value: &Value) -> String {
    let words = value
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_str);
    words.collect::<Vec<_>>().join(", ")
}
