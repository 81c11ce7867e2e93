//! `agon debate` and `agon resume`: debates without a server.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;

use super::CommonArgs;
use super::Settings;
use super::follow::Followed;
use super::follow::Follower;
use super::logging;
use super::output::Output;
use crate::app::App;
use crate::app::AppError;
use crate::catalog::Catalog;
use crate::config::Overrides;
use crate::debate::AgentOrder;
use crate::debate::DebateOrder;
use crate::debate::format::FormatLibrary;
use crate::events::Command;
use crate::store::Debates;
use crate::types::DebateId;
use crate::types::debate::Document;
use crate::types::debate::Format;
use crate::types::debate::HumanSeat;
use crate::types::debate::Limits;
use crate::types::debate::RoleDef;
use crate::types::debate::RoleKind;
use crate::types::debate::Status;

/// What to debate.
#[derive(Debug, Args)]
pub(super) struct DebateArgs {
    #[command(flatten)]
    common: CommonArgs,
    /// The question
    motion: String,
    /// How to debate it; `agon formats` lists what there is
    #[arg(long, default_value = "oxford")]
    format: String,
    /// An agent: ROLE=provider/model, or NAME=provider/model; repeat for each. Without any, demo models debate
    #[arg(long = "agent", value_name = "WHO=MODEL")]
    agents: Vec<String>,
    /// A judge or moderator: provider/model, or NAME=provider/model; repeat for a panel
    #[arg(long = "judge", value_name = "MODEL")]
    judges: Vec<String>,
    /// You take the seat of this agent or role and answer on this terminal; a model stands in after the deadline
    #[arg(long = "human", value_name = "WHO")]
    humans: Vec<String>,
    /// Seconds that a person has to answer in
    #[arg(long, value_name = "N", default_value_t = 600)]
    deadline: u32,
    /// A text that every agent may see and quote; repeat for each
    #[arg(long = "fact", value_name = "FILE")]
    facts: Vec<PathBuf>,
    /// A text that only the roles see which name it; repeat for each
    #[arg(long = "secret", value_name = "NAME=FILE")]
    secrets: Vec<String>,
    /// An answer to choose from; repeat for each
    #[arg(long = "option", value_name = "TEXT")]
    options: Vec<String>,
    /// People watch who answer polls and put remarks
    #[arg(long)]
    audience: bool,
    /// For every shuffle and tie-break
    #[arg(long)]
    seed: Option<u64>,
    /// A short name
    #[arg(long)]
    title: Option<String>,
    /// Model calls at most
    #[arg(long, value_name = "N")]
    max_calls: Option<u64>,
    /// Tokens at most
    #[arg(long, value_name = "N")]
    max_tokens: Option<u64>,
    /// US dollars at most
    #[arg(long, value_name = "USD")]
    max_cost: Option<f64>,
    /// Seconds at most
    #[arg(long, value_name = "N")]
    max_seconds: Option<u64>,
    /// One event envelope a line
    #[arg(long)]
    json: bool,
}

/// Which debate to go on with.
#[derive(Debug, Args)]
pub(super) struct ResumeArgs {
    #[command(flatten)]
    common: CommonArgs,
    /// The debate
    id: String,
    /// One event envelope a line
    #[arg(long)]
    json: bool,
}

/// Runs a new debate to its end.
pub(super) async fn debate(args: &DebateArgs) -> Result<ExitCode, AppError> {
    let settings = super::settings(&args.common, Overrides::default())?;
    logging::start(&settings.config.log, "warn", &settings.variables);
    let app = App::build(&settings.config, &settings.variables).await?;
    let result = start(args, &app, &settings).await;
    app.shutdown().await;
    result
}

async fn start(args: &DebateArgs, app: &App, settings: &Settings) -> Result<ExitCode, AppError> {
    let order = order(args, &app.formats, &app.catalog)?;
    app.discovery.current().await;
    let created = app
        .engine
        .create(&order, None)
        .await
        .map_err(|error| AppError::Failed(error.to_string()))?;
    follow(app, settings, created.id, args.json, 0).await
}

/// Goes on with a debate that was paused, or whose process has died.
pub(super) async fn resume(args: &ResumeArgs) -> Result<ExitCode, AppError> {
    let settings = super::settings(&args.common, Overrides::default())?;
    logging::start(&settings.config.log, "warn", &settings.variables);
    let app = App::build(&settings.config, &settings.variables).await?;
    let result = go_on(args, &app, &settings).await;
    app.shutdown().await;
    result
}

async fn go_on(args: &ResumeArgs, app: &App, settings: &Settings) -> Result<ExitCode, AppError> {
    let id = DebateId::new(args.id.as_str());
    let before = app.store.summary(&id).await?;
    let status = before.progress.status;
    if status.is_over() {
        return Err(AppError::Failed(format!(
            "debate {id} is {} already",
            status.as_str()
        )));
    }
    if !app.engine.adopt(&id).await? {
        let help = format!(
            "debate {id} runs in another process: tell it there, or follow it with: agon watch {id}"
        );
        return Err(AppError::Failed(help));
    }
    if status == Status::Paused {
        let command = format!("resume-{}", before.head_seq);
        let told = app
            .engine
            .tell(&id, command, None, Command::Resume {})
            .await;
        told.map_err(|error| AppError::Failed(error.to_string()))?;
    }
    if !args.json {
        Output::stderr().line(&format!(
            "going on with \"{}\" behind event {}",
            before.title, before.head_seq
        ));
    }
    follow(app, settings, id, args.json, before.head_seq).await
}

pub(super) async fn follow(
    app: &App,
    settings: &Settings,
    id: DebateId,
    json: bool,
    after: u64,
) -> Result<ExitCode, AppError> {
    let followed = Follower::new(app, id.clone(), json, after).run().await?;
    Ok(match followed {
        Followed::Finished | Followed::Unread => ExitCode::SUCCESS,
        Followed::Failed => ExitCode::FAILURE,
        Followed::Paused => {
            let database = &settings.config.database_url.0;
            let help = format!("\npaused. go on with: agon resume {id} --database-url {database}");
            Output::stderr().line(&help);
            ExitCode::from(130)
        }
    })
}

fn order(
    args: &DebateArgs,
    formats: &FormatLibrary,
    catalog: &Catalog,
) -> Result<DebateOrder, AppError> {
    let mut agents = Vec::new();
    for written in &args.agents {
        let format = formats.get(&args.format).map(AsRef::as_ref);
        agents.push(agent(written, format, catalog)?);
    }
    let mut judges = Vec::new();
    for written in &args.judges {
        judges.push(judge(written, catalog)?);
    }
    if agents.is_empty() {
        Output::stderr().line("no --agent was given: demo models debate, with canned words");
        (agents, judges) = demo(&args.format, formats, judges);
    }
    for who in &args.humans {
        seat(who, args.deadline, agents.iter_mut().chain(&mut judges))?;
    }
    let mut facts = Vec::new();
    for file in &args.facts {
        facts.push(document(file)?);
    }
    let mut secrets = BTreeMap::new();
    for written in &args.secrets {
        let Some((name, file)) = written.split_once('=') else {
            let help = format!("--secret {written}: write NAME=FILE");
            return Err(AppError::Failed(help));
        };
        secrets.insert(name.to_owned(), document(Path::new(file))?);
    }
    Ok(DebateOrder {
        topic: args.motion.clone(),
        title: args.title.clone(),
        format: args.format.clone(),
        agents,
        judges,
        seed: args.seed,
        limits: Limits {
            rounds: None,
            calls: args.max_calls,
            tokens: args.max_tokens,
            cost_usd: args.max_cost,
            wall_s: args.max_seconds,
        },
        options: args.options.clone(),
        facts,
        secrets,
        audience: args.audience,
        ..DebateOrder::default()
    })
}

/// Gives an agent's or role's seat to the person at the terminal.
fn seat<'a>(
    who: &str,
    deadline_s: u32,
    mut agents: impl Iterator<Item = &'a mut AgentOrder>,
) -> Result<(), AppError> {
    let is_meant = |agent: &&mut AgentOrder| {
        [&agent.name, &agent.role]
            .into_iter()
            .flatten()
            .any(|it| it == who)
    };
    let Some(agent) = agents.find(is_meant) else {
        let help = format!(
            "--human {who}: there is no agent or role of that name; give it one with --agent {who}=MODEL, whose model stands in"
        );
        return Err(AppError::Failed(help));
    };
    agent.human = Some(HumanSeat {
        identity: None,
        deadline_s,
    });
    Ok(())
}

/// A text of a file, called as the file is.
fn document(file: &Path) -> Result<Document, AppError> {
    let text = fs::read_to_string(file)
        .map_err(|error| AppError::Failed(format!("{} cannot be read: {error}", file.display())))?;
    let title = file.file_name().unwrap_or(file.as_os_str());
    Ok(Document {
        title: title.to_string_lossy().into_owned(),
        text,
    })
}

/// `WHO=provider/model` or `WHO=model`, where WHO is a role of the format, or else a name.
fn agent(
    written: &str,
    format: Option<&Format>,
    catalog: &Catalog,
) -> Result<AgentOrder, AppError> {
    let Some((who, model)) = written.split_once('=') else {
        return Err(AppError::Failed(format!(
            "--agent {written}: write WHO=provider/model, for example pro=demo/optimist"
        )));
    };
    let model = catalog
        .named(model)
        .map_err(|error| AppError::Failed(format!("--agent {written}: {error}")))?;
    let is_role = format.is_some_and(|format| format.role(who).is_some());
    let (name, role) = if is_role {
        (None, Some(who.to_owned()))
    } else {
        (Some(who.to_owned()), None)
    };
    Ok(AgentOrder {
        name,
        role,
        ..AgentOrder::of(model)
    })
}

/// `provider/model`, or `NAME=provider/model`.
fn judge(written: &str, catalog: &Catalog) -> Result<AgentOrder, AppError> {
    let (name, model) = match written.split_once('=') {
        Some((name, model)) => (Some(name.to_owned()), model),
        None => (None, written),
    };
    let model = catalog
        .named(model)
        .map_err(|error| AppError::Failed(format!("--judge {written}: {error}")))?;
    Ok(AgentOrder {
        name,
        ..AgentOrder::of(model)
    })
}

/// The smallest cast of demo models that the format takes.
fn demo(
    format: &str,
    formats: &FormatLibrary,
    judges: Vec<AgentOrder>,
) -> (Vec<AgentOrder>, Vec<AgentOrder>) {
    const DEBATERS: [&str; 3] = ["demo/optimist", "demo/skeptic", "demo/analyst"];
    let Some(format) = formats.get(format) else {
        return (Vec::new(), judges);
    };
    let of = |model: &str| model.parse().ok().map(AgentOrder::of);
    let seats = |debates: bool| -> Vec<String> {
        let fits = |role: &&RoleDef| match role.kind {
            RoleKind::Debater => debates,
            RoleKind::Judge | RoleKind::Moderator | RoleKind::Summariser => !debates,
            RoleKind::Audience => false,
        };
        let roles = format.roles.iter().filter(fits);
        roles
            .flat_map(|role| std::iter::repeat_n(role.id.clone(), role.count.min as usize))
            .collect()
    };
    let seated = |(role, model): (String, &str)| {
        Some(AgentOrder {
            role: Some(role),
            ..of(model)?
        })
    };
    let debating = seats(true).into_iter().zip(DEBATERS.into_iter().cycle());
    let agents = debating.filter_map(seated).collect();
    let judges = if judges.is_empty() {
        let judging = seats(false).into_iter();
        judging
            .map(|role| (role, "demo/judge"))
            .filter_map(seated)
            .collect()
    } else {
        judges
    };
    (agents, judges)
}
