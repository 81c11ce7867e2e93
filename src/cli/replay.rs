//! `agon replay`, `agon compare` and `agon fork`: what can be done with a log.

use std::fs;
use std::path::Path;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use serde_json::Value;
use serde_json::json;

use super::CommonArgs;
use super::Settings;
use super::debate;
use super::logging;
use super::output::Output;
use crate::app::App;
use crate::app::AppError;
use crate::config::Overrides;
use crate::debate::Comparison;
use crate::debate::Divergence;
use crate::debate::ForkOrder;
use crate::debate::Replayed;
use crate::debate::Said;
use crate::debate::Side;
use crate::debate::compare;
use crate::debate::replay;
use crate::events::Command;
use crate::events::Envelope;
use crate::store::EventLog;
use crate::store::OwnerId;
use crate::store::SqliteStore;
use crate::types::DebateId;

/// Events read at once.
const PAGE: usize = 1_000;
/// Largest file of events.
const MAX_FILE_BYTES: u64 = 1 << 30;
/// Characters of a text that are shown.
const SHOWN_CHARS: usize = 400;

/// Which log.
#[derive(Debug, Args)]
pub(super) struct ReplayArgs {
    #[command(flatten)]
    common: CommonArgs,
    /// The debate
    #[arg(required_unless_present = "file", conflicts_with = "file")]
    id: Option<String>,
    /// A file of event envelopes, one a line, as agon debate --json writes them
    #[arg(long, value_name = "FILE")]
    file: Option<PathBuf>,
    /// The finding as one JSON object
    #[arg(long)]
    json: bool,
}

/// Which two.
#[derive(Debug, Args)]
pub(super) struct CompareArgs {
    #[command(flatten)]
    common: CommonArgs,
    /// The one debate
    a: String,
    /// The other
    b: String,
    /// The comparison as one JSON object
    #[arg(long)]
    json: bool,
}

/// From where, and what shall be otherwise.
#[derive(Debug, Args)]
pub(super) struct ForkArgs {
    #[command(flatten)]
    common: CommonArgs,
    /// The debate to fork
    id: String,
    /// The last event that both shall share
    #[arg(long, value_name = "SEQ")]
    from: u64,
    /// Let an agent speak through another model; repeat for each
    #[arg(long = "swap", value_name = "AGENT=MODEL")]
    swaps: Vec<String>,
    /// Say something into the debate; repeat for each
    #[arg(long = "say", value_name = "TEXT")]
    says: Vec<String>,
    /// A short name
    #[arg(long)]
    title: Option<String>,
    /// One event envelope a line
    #[arg(long)]
    json: bool,
}

/// Feeds the inputs of a log again, and compares what they lead to with what was stored.
pub(super) async fn replayed(args: &ReplayArgs) -> Result<ExitCode, AppError> {
    let log = match (&args.file, &args.id) {
        (Some(file), _) => read(file)?,
        (None, Some(id)) => {
            let settings = settings(&args.common)?;
            logs(&settings, &[id]).await?.remove(0)
        }
        (None, None) => return Err(AppError::Failed("name a debate, or --file".to_owned())),
    };
    let found = replay(&log);
    let mut out = Output::stdout();
    match (&found, args.json) {
        (found, true) => out.line(&serde_json::to_string(found).unwrap_or_default()),
        (Replayed::Identical { events }, false) => out.line(&format!("identical: {events} events")),
        (Replayed::Diverged(divergence), false) => out.text(&in_words(divergence)),
    }
    Ok(match found {
        Replayed::Identical { .. } => ExitCode::SUCCESS,
        Replayed::Diverged(_) => ExitCode::FAILURE,
    })
}

/// Shows two debates side by side.
pub(super) async fn compared(args: &CompareArgs) -> Result<ExitCode, AppError> {
    let settings = settings(&args.common)?;
    let mut logs = logs(&settings, &[&args.a, &args.b]).await?;
    let (b, a) = (
        logs.pop().unwrap_or_default(),
        logs.pop().unwrap_or_default(),
    );
    let comparison = compare(&a, &b);
    let mut out = Output::stdout();
    match args.json {
        true => out.line(&serde_json::to_string(&comparison).unwrap_or_default()),
        false => out.text(&side_by_side(&comparison)),
    }
    Ok(ExitCode::SUCCESS)
}

/// Forks a debate, and follows the new one to its end.
pub(super) async fn fork(args: &ForkArgs) -> Result<ExitCode, AppError> {
    let settings = settings(&args.common)?;
    logging::start(&settings.config.log, "warn", &settings.variables);
    let app = App::build(&settings.config, &settings.variables).await?;
    let result = go_on(args, &app, &settings).await;
    app.shutdown().await;
    result
}

async fn go_on(args: &ForkArgs, app: &App, settings: &Settings) -> Result<ExitCode, AppError> {
    let mut changes = Vec::new();
    for written in &args.swaps {
        let Some((agent, model)) = written.split_once('=') else {
            let help = format!("--swap {written}: write AGENT=provider/model");
            return Err(AppError::Failed(help));
        };
        let model = app.catalog.named(model);
        changes.push(Command::SwapModel {
            agent: agent.to_owned(),
            model: model.map_err(|error| AppError::Failed(format!("--swap {written}: {error}")))?,
            prices: None,
            window_tokens: None,
        });
    }
    let say = |text: &String| Command::Interject {
        text: text.clone(),
        to: None,
        watches: false,
    };
    changes.extend(args.says.iter().map(say));
    let order = ForkOrder {
        from_seq: args.from,
        changes,
        title: args.title.clone(),
    };
    let forked = app
        .engine
        .fork(&DebateId::new(args.id.as_str()), order, None)
        .await;
    let forked = forked.map_err(|error| AppError::Failed(error.to_string()))?;
    let (id, shared) = (forked.id, forked.shared_seq);
    if !args.json {
        Output::stderr().line(&format!("debate {id} shares the first {shared} events"));
    }
    let after = if args.json { 0 } else { shared };
    debate::follow(app, settings, id, args.json, after).await
}

fn settings(common: &CommonArgs) -> Result<Settings, AppError> {
    super::settings(common, Overrides::default())
}

/// Reads whole logs of the database.
async fn logs(settings: &Settings, ids: &[&String]) -> Result<Vec<Vec<Envelope>>, AppError> {
    let store = SqliteStore::open(&settings.config.database_url.0, &OwnerId::fresh()).await?;
    let mut logs = Vec::new();
    for id in ids {
        let id = DebateId::new(id.as_str());
        let mut log: Vec<Envelope> = Vec::new();
        loop {
            let after = log.last().map_or(0, |event| event.seq);
            let page = store.read(&id, after, PAGE).await?;
            let is_last = page.len() < PAGE;
            log.extend(page);
            if is_last {
                break;
            }
        }
        logs.push(log);
    }
    store.close().await;
    Ok(logs)
}

fn read(file: &Path) -> Result<Vec<Envelope>, AppError> {
    let failed = |error: &dyn std::fmt::Display| {
        AppError::Failed(format!("{} cannot be read: {error}", file.display()))
    };
    let length = fs::metadata(file).map_err(|error| failed(&error))?.len();
    if length > MAX_FILE_BYTES {
        return Err(failed(&format!(
            "it has {length} bytes; {MAX_FILE_BYTES} is the most"
        )));
    }
    let text = fs::read_to_string(file).map_err(|error| failed(&error))?;
    let lines = (1..)
        .zip(text.lines())
        .filter(|(_, line)| !line.trim().is_empty());
    lines
        .map(|(number, line)| {
            serde_json::from_str(line).map_err(|error| failed(&format!("line {number}: {error}")))
        })
        .collect()
}

fn in_words(divergence: &Divergence) -> String {
    let Divergence {
        seq,
        phase,
        turn,
        expected,
        found,
        differing,
    } = divergence;
    let mut text = format!("event {seq} is not what the inputs before it lead to");
    let places = [("phase", phase), ("turn", turn)];
    for (what, place) in places {
        if let Some(place) = place {
            text.push_str(&format!(", {what} {place}"));
        }
    }
    if let Some(agent) = [expected, found]
        .iter()
        .find_map(|it| agent_of(it.as_ref()?))
    {
        text.push_str(&format!(", {agent}"));
    }
    if !differing.is_empty() {
        text.push_str(&format!("\ndiffering: {}", differing.join(", ")));
    }
    let shown = |event: &Option<Value>| match event {
        Some(event) => short(&event.to_string()),
        None => "nothing".to_owned(),
    };
    text + &format!(
        "\nexpected: {}\nfound:    {}\n",
        shown(expected),
        shown(found)
    )
}

fn agent_of(event: &Value) -> Option<String> {
    event["data"]["agent"].as_str().map(str::to_owned)
}

fn side_by_side(comparison: &Comparison) -> String {
    let Comparison {
        shared_events,
        first_difference,
        a,
        b,
    } = comparison;
    let mut text = format!("both begin with the same {shared_events} events\n\n");
    let row = |what: &str, of: &dyn Fn(&Side) -> String| {
        format!("{what:<12}{:<40}  {}\n", cell(&of(a)), cell(&of(b)))
    };
    text += &row("", &|side| side.debate.clone());
    text += &row("title", &|side| side.title.clone());
    text += &row("changes", &|side| {
        let changes = side.parent.as_ref().map(|parent| parent.changes.join("; "));
        changes.unwrap_or_default()
    });
    text += &row("verdict", &|side| match &side.verdict {
        Some(verdict) => {
            let leads = verdict.winner.as_ref().or(verdict.answer.as_ref());
            let status = word(&json!(verdict.status));
            leads.map_or(status.clone(), |leads| format!("{status}: {leads}"))
        }
        None => "none yet".to_owned(),
    });
    text += &row("margin", &|side| {
        let margin = side.verdict.as_ref().and_then(|verdict| verdict.margin);
        margin.map_or_else(String::new, |margin| format!("{:.0} %", margin * 100.0))
    });
    text += &row("outcome", &|side| match &side.ending {
        Some(ending) => word(&json!(ending.outcome)),
        None => "goes on".to_owned(),
    });
    text += &row("calls", &|side| {
        format!("{} ({} own)", side.whole.calls, side.own.calls)
    });
    text += &row("tokens", &|side| {
        format!("{} ({} own)", side.whole.tokens, side.own.tokens)
    });
    text += &row("cost", &|side| {
        format!(
            "${:.4} (${:.4} own)",
            side.whole.cost_usd, side.own.cost_usd
        )
    });
    match first_difference {
        None => text += "\nevery turn is the same in both\n",
        Some(difference) => {
            text += &format!("\nturn {} is the first that differs\n", difference.at + 1);
            for said in [&difference.a, &difference.b] {
                text += &said_in_words(said.as_ref());
            }
        }
    }
    text
}

fn said_in_words(said: Option<&Said>) -> String {
    let Some(said) = said else {
        return "\n(no such turn)\n".to_owned();
    };
    format!(
        "\n{} ({}), {}, event {}:\n{}\n",
        said.agent,
        said.model,
        said.phase,
        said.seq,
        short(&said.text)
    )
}

fn word(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

fn cell(text: &str) -> String {
    let line = text.replace(['\n', '\r'], " ");
    match line.char_indices().nth(40) {
        Some(_) => line.chars().take(39).chain(['…']).collect(),
        None => line,
    }
}

fn short(text: &str) -> String {
    match text.char_indices().nth(SHOWN_CHARS) {
        Some((cut, _)) => format!("{}…", &text[..cut]),
        None => text.to_owned(),
    }
}
