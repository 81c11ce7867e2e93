//! `agon eval`: does debating help?

mod bar;

use std::path::Path;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use clap::Args;
use tokio::sync::watch;

use super::CommonArgs;
use super::Settings;
use super::logging;
use super::output::Output;
use crate::app::App;
use crate::app::AppError;
use crate::catalog::Catalog;
use crate::config::Overrides;
use crate::debate::eval::Asked;
use crate::debate::eval::Contestant;
use crate::debate::eval::Ended;
use crate::debate::eval::Eval;
use crate::debate::eval::EvalError;
use crate::debate::eval::EvalParts;
use crate::debate::eval::EvalPlan;
use crate::debate::eval::Matched;
use crate::debate::eval::Question;
use crate::debate::eval::Sampled;
use crate::debate::eval::read;
use crate::types::ModelName;
use crate::types::NanoUsd;
use bar::Bar;

/// Who answers when nobody says.
const USUAL: [&str; 3] = ["single", "vote@match", "society-of-minds"];
/// Who speaks when nobody says, and who judges.
const DEMO: [&str; 3] = ["demo/optimist", "demo/skeptic", "demo/analyst"];
const DEMO_JUDGE: &str = "demo/judge";

/// What to evaluate.
#[derive(Debug, Args)]
pub(super) struct EvalArgs {
    #[command(flatten)]
    common: CommonArgs,
    /// Questions with keys, one JSON object a line; GSM8K's and MMLU's shapes are understood
    questions: PathBuf,
    /// Who answers: single, vote@N, vote@match or a format, FORMAT@N for N debaters; repeat for each
    /// (default: single, vote@match and society-of-minds)
    #[arg(long = "contestant", value_name = "WHO")]
    contestants: Vec<String>,
    /// Who speaks: provider/model, several with commas. Without any, demo models do
    #[arg(long = "models", value_name = "MODEL", value_delimiter = ',')]
    models: Vec<String>,
    /// Who judges or moderates in debates, and grades unless --grader says otherwise
    #[arg(long = "judge", value_name = "MODEL", value_delimiter = ',')]
    judges: Vec<String>,
    /// Who grades answers that only a model can compare with their key
    #[arg(long, value_name = "MODEL")]
    grader: Option<String>,
    /// Whose tokens a question the others get: a contestant, a number, or none (default: the first format)
    #[arg(long = "match", value_name = "WHO")]
    matched: Option<String>,
    /// How many times that a debate may reserve before it is ended early
    #[arg(long, value_name = "X", default_value_t = 4.0)]
    headroom: f64,
    /// Only the first N questions
    #[arg(long, value_name = "N")]
    limit: Option<usize>,
    /// For every draw
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Show the options of each question in an order drawn from the seed, instead of the file's
    #[arg(long)]
    shuffle_choices: bool,
    /// How models sample, 0 to 2; the provider's own when not given
    #[arg(long, value_name = "T")]
    temperature: Option<f32>,
    /// Tokens of each answer at most
    #[arg(long, value_name = "N", default_value_t = 3000, value_parser = clap::value_parser!(u32).range(1..))]
    max_answer_tokens: u32,
    /// Questions that are under way at the same time
    #[arg(long, value_name = "N", default_value_t = 4, value_parser = clap::value_parser!(u16).range(1..=200))]
    concurrency: u16,
    /// US dollars: nothing new is begun once so much is spent
    #[arg(long, value_name = "USD")]
    max_cost: Option<f64>,
    /// Where results are kept, and gone on with (default: eval-QUESTIONS beside you)
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Ask again what failed or could not be graded
    #[arg(long)]
    retry_failed: bool,
    /// Ask nothing: report on what there is
    #[arg(long)]
    report_only: bool,
    /// The report for programs
    #[arg(long)]
    json: bool,
}

/// Runs an evaluation, or goes on with one.
pub(super) async fn eval(args: &EvalArgs) -> Result<ExitCode, AppError> {
    let dir = folder(args);
    if args.report_only && !dir.join("manifest.json").exists() {
        let help = format!("{}: there is no evaluation to report on", dir.display());
        return Err(AppError::Failed(help));
    }
    std::fs::create_dir_all(&dir)
        .map_err(|error| AppError::Failed(format!("{}: {error}", dir.display())))?;
    // An evaluation's debates belong to its results, not among those that people hold.
    let own = format!("sqlite:{}", dir.join("debates.db").display());
    let common = CommonArgs {
        database_url: args.common.database_url.clone().or(Some(own)),
        ..args.common.clone()
    };
    let settings = super::settings(&common, Overrides::default())?;
    logging::start(&settings.config.log, "warn", &settings.variables);
    let app = App::build(&settings.config, &settings.variables).await?;
    let result = evaluate(args, &app, &settings, &dir).await;
    app.shutdown().await;
    result
}

async fn evaluate(
    args: &EvalArgs,
    app: &App,
    settings: &Settings,
    dir: &Path,
) -> Result<ExitCode, AppError> {
    let (questions, asked) = questions(args)?;
    let mut plan = plan(args, questions, &app.catalog)?;
    plan.concurrency = plan
        .concurrency
        .min(settings.config.debate.max_running)
        .max(1);
    app.discovery.current().await;
    let parts = EvalParts {
        clients: Arc::clone(&app.router) as _,
        catalog: Arc::clone(&app.catalog),
        formats: Arc::clone(&app.formats),
        engine: app.engine.clone(),
        log: Arc::clone(&app.store) as _,
        live: Arc::clone(&app.live) as _,
    };
    let eval = Eval::open(parts, plan, &asked, dir, args.retry_failed).map_err(told)?;
    let ended = match args.report_only {
        true => Ok(Ended::Complete),
        false => ask(&eval).await,
    };
    report(args, &eval)?;
    let mut people = Output::stderr();
    match ended {
        Ok(Ended::Complete) => Ok(ExitCode::SUCCESS),
        Ok(Ended::Stopped) => {
            people.line(&format!("stopped. go on with: {}", same_command()));
            Ok(ExitCode::from(130))
        }
        Ok(Ended::OutOfMoney) => {
            people.line(&format!(
                "--max-cost is spent. go on with a higher one: {}",
                same_command()
            ));
            Ok(ExitCode::FAILURE)
        }
        Err(error) => Err(AppError::Failed(format!(
            "{error}\nwhat is answered is kept. go on with: {}",
            same_command()
        ))),
    }
}

/// Asks until everything is answered, or Ctrl-C.
async fn ask(eval: &Eval) -> Result<Ended, EvalError> {
    let (tell_to_stop, stop) = watch::channel(false);
    let bar = Bar::new();
    bar.show(&eval.so_far());
    let tell = |progress| bar.show(&progress);
    let asking = eval.run(&tell, stop);
    tokio::pin!(asking);
    let ended = tokio::select! {
        ended = &mut asking => ended,
        interrupted = tokio::signal::ctrl_c() => {
            if interrupted.is_ok() {
                tell_to_stop.send_replace(true);
            }
            asking.await
        }
    };
    bar.clear();
    ended
}

fn report(args: &EvalArgs, eval: &Eval) -> Result<(), AppError> {
    let report = eval.report();
    eval.journal().keep_report(&report).map_err(told)?;
    let mut out = Output::stdout();
    if args.json {
        let text = serde_json::to_string_pretty(&report);
        out.line(&text.map_err(|error| AppError::Failed(error.to_string()))?);
    } else {
        out.text(&report.markdown());
        let dir = eval.journal().dir().display();
        Output::stderr().line(&format!(
            "\nkept in {dir}: report.md, report.json, results.jsonl, calls.jsonl"
        ));
    }
    Ok(())
}

fn folder(args: &EvalArgs) -> PathBuf {
    let stem = args.questions.file_stem().unwrap_or_default();
    let usual = || PathBuf::from(format!("eval-{}", stem.to_string_lossy()));
    args.out.clone().unwrap_or_else(usual)
}

fn questions(args: &EvalArgs) -> Result<(Vec<Question>, Asked), AppError> {
    let file = args.questions.display().to_string();
    let text = std::fs::read_to_string(&args.questions)
        .map_err(|error| AppError::Failed(format!("{file}: {error}")))?;
    let mut questions = read(&file, &text).map_err(AppError::Mistakes)?;
    questions.truncate(args.limit.unwrap_or(usize::MAX));
    if args.shuffle_choices {
        let shuffled = questions
            .into_iter()
            .map(|question| question.shuffled(args.seed));
        questions = shuffled.collect();
    }
    let asked = Asked {
        file,
        text,
        limit: args.limit,
        shuffle_choices: args.shuffle_choices,
    };
    Ok((questions, asked))
}

fn plan(
    args: &EvalArgs,
    questions: Vec<Question>,
    catalog: &Catalog,
) -> Result<EvalPlan, AppError> {
    let contestants = contestants(args)?;
    let (models, judges) = speakers(args, catalog)?;
    let grader = match &args.grader {
        Some(name) => named("grader", std::slice::from_ref(name), catalog)?.pop(),
        None => judges.first().cloned(),
    };
    let matched = match &args.matched {
        Some(written) => Matched::read(written).map_err(|error| wrong("match", &error))?,
        None => (contestants.iter())
            .find(|contestant| matches!(contestant, Contestant::Debate { .. }))
            .map_or(Matched::Nothing, |format| Matched::To(format.clone())),
    };
    if !(1.0..=1000.0).contains(&args.headroom) {
        return Err(wrong("headroom", &"write a number from 1 to 1000"));
    }
    if args
        .temperature
        .is_some_and(|it| !(0.0..=2.0).contains(&it))
    {
        return Err(wrong("temperature", &"write a number from 0 to 2"));
    }
    let money =
        |usd| NanoUsd::from_usd(usd).ok_or_else(|| wrong("max-cost", &"write a sum of money"));
    Ok(EvalPlan {
        questions,
        contestants,
        models,
        judges,
        grader,
        matched,
        headroom: args.headroom,
        sampled: Sampled {
            temperature: args.temperature,
            max_answer_tokens: args.max_answer_tokens,
        },
        seed: args.seed,
        concurrency: usize::from(args.concurrency),
        max_cost: args.max_cost.map(money).transpose()?,
    })
}

fn contestants(args: &EvalArgs) -> Result<Vec<Contestant>, AppError> {
    let usual: Vec<String> = USUAL.iter().map(ToString::to_string).collect();
    let written = match args.contestants.is_empty() {
        true => &usual,
        false => &args.contestants,
    };
    let read = written.iter().map(|name| Contestant::read(name));
    read.collect::<Result<_, _>>()
        .map_err(|error| wrong("contestant", &error))
}

/// Who speaks, and who judges; demo models when nobody is named.
fn speakers(
    args: &EvalArgs,
    catalog: &Catalog,
) -> Result<(Vec<ModelName>, Vec<ModelName>), AppError> {
    let models = named("models", &args.models, catalog)?;
    let judges = named("judge", &args.judges, catalog)?;
    if !models.is_empty() {
        return Ok((models, judges));
    }
    Output::stderr().line("no --models were given: demo models answer, with canned words");
    let demo = |names: &[&str]| names.iter().filter_map(|name| name.parse().ok()).collect();
    let judges = match judges.is_empty() {
        true => demo(&[DEMO_JUDGE]),
        false => judges,
    };
    Ok((demo(&DEMO), judges))
}

fn named(option: &str, names: &[String], catalog: &Catalog) -> Result<Vec<ModelName>, AppError> {
    let models = names.iter().map(|name| catalog.named(name.trim()));
    models
        .collect::<Result<_, _>>()
        .map_err(|error| wrong(option, &error))
}

fn wrong(option: &str, error: &dyn std::fmt::Display) -> AppError {
    AppError::Failed(format!("--{option}: {error}"))
}

fn told(error: EvalError) -> AppError {
    match error {
        EvalError::Store(error) => AppError::Store(error),
        error @ (EvalError::Refused(_)
        | EvalError::File(_)
        | EvalError::Fatal(_)
        | EvalError::Create { .. }) => AppError::Failed(error.to_string()),
    }
}

/// The command that began this process, as a shell takes it.
fn same_command() -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_=./:@,%+".contains(c);
    let words = std::env::args().map(|word| match word.chars().all(plain) && !word.is_empty() {
        true => word,
        false => format!("'{}'", word.replace('\'', r"'\''")),
    });
    words.collect::<Vec<_>>().join(" ")
}
