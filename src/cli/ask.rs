//! `agon ask`: one question to one model, which may be a debate.

use std::io::Read;
use std::process::ExitCode;
use std::sync::Arc;

use clap::Args;
use futures::StreamExt;
use serde_json::json;

use super::CommonArgs;
use super::logging;
use super::output::Output;
use crate::app::App;
use crate::app::AppError;
use crate::client::BaseLlmClient;
use crate::client::ChatRequest;
use crate::client::LlmError;
use crate::config::Overrides;
use crate::types::Chat;
use crate::types::ChatChunk;
use crate::types::ChatResponse;
use crate::types::Message;
use crate::types::ModelName;
use crate::types::NanoUsd;
use crate::types::ResponseBuilder;
use crate::types::Role;

/// Longest question that is read from standard input.
const MAX_INPUT_BYTES: u64 = 4 << 20;

/// Whom to ask what.
#[derive(Debug, Args)]
pub(super) struct AskArgs {
    #[command(flatten)]
    common: CommonArgs,
    /// A model: provider/model, a name of the model list, or a debate: debate/oxford
    model: String,
    /// The question; - reads it from standard input
    question: String,
    /// Instructions before the question
    #[arg(long)]
    system: Option<String>,
    /// The whole answer as one JSON object, when it is there
    #[arg(long)]
    json: bool,
}

/// Asks, and writes the answer as it comes: reasoning, and the turns of a debate, on standard error.
pub(super) async fn ask(args: &AskArgs) -> Result<ExitCode, AppError> {
    let settings = super::settings(&args.common, Overrides::default())?;
    logging::start(&settings.config.log, "warn", &settings.variables);
    let question = question(&args.question)?;
    let app = App::build(&settings.config, &settings.variables).await?;
    let result = answer(args, question, &app).await;
    app.shutdown().await;
    result
}

fn question(written: &str) -> Result<String, AppError> {
    if written != "-" {
        return Ok(written.to_owned());
    }
    let mut text = String::new();
    std::io::stdin()
        .take(MAX_INPUT_BYTES)
        .read_to_string(&mut text)
        .map_err(|error| AppError::Failed(format!("standard input cannot be read: {error}")))?;
    Ok(text)
}

async fn answer(args: &AskArgs, question: String, app: &App) -> Result<ExitCode, AppError> {
    let (client, model) =
        named(app, &args.model).map_err(|error| AppError::Failed(error.message))?;
    let system = args
        .system
        .iter()
        .map(|text| Message::text(Role::System, text));
    let messages = system
        .chain([Message::text(Role::User, question)])
        .collect();
    let chat = Chat {
        messages,
        ..Chat::default()
    };
    let request = ChatRequest::new(model, chat);
    let failed = |error: LlmError| AppError::Failed(format!("{}: {error}", error.kind));
    let mut stream = tokio::select! {
        stream = client.stream_message(&request) => stream.map_err(failed)?,
        _ = tokio::signal::ctrl_c() => return Ok(ExitCode::from(130)),
    };
    let mut pages = Pages::new(args.json);
    let mut builder = ResponseBuilder::default();
    loop {
        let chunk = tokio::select! {
            chunk = stream.next() => chunk,
            // Leaving closes the upstream, and stops a debate.
            _ = tokio::signal::ctrl_c() => return Ok(ExitCode::from(130)),
        };
        let Some(chunk) = chunk else { break };
        let chunk = chunk.map_err(failed)?;
        builder.push(&chunk);
        pages.write(&chunk);
    }
    let trace = &request.call.trace;
    let debate = trace.debate().map(ToString::to_string);
    pages.end(&args.model, &builder.finish(), trace.cost(), debate);
    Ok(ExitCode::SUCCESS)
}

fn named(app: &App, name: &str) -> Result<(Arc<dyn BaseLlmClient>, ModelName), LlmError> {
    if let Some(client) = app.debate_models.named(name) {
        let client = client?;
        if let Ok(model) = name.parse() {
            return Ok((client, model));
        }
    }
    let route = app.router.route(name)?;
    Ok((route.client, route.model))
}

/// The answer goes to standard output, all else to standard error.
struct Pages {
    json: bool,
    answer: Output,
    beside: Output,
    reasons: bool,
}

impl Pages {
    fn new(json: bool) -> Self {
        Self {
            json,
            answer: Output::stdout(),
            beside: Output::stderr(),
            reasons: false,
        }
    }

    fn write(&mut self, chunk: &ChatChunk) {
        if self.json {
            return;
        }
        let (reasoning, text) = (&chunk.delta.reasoning, &chunk.delta.text);
        if !reasoning.is_empty() {
            self.reasons = true;
            let dimmed = match self.beside.is_coloured() {
                true => format!("\x1b[2m{reasoning}\x1b[0m"),
                false => reasoning.clone(),
            };
            self.beside.text(&dimmed);
        }
        if !text.is_empty() {
            if std::mem::take(&mut self.reasons) {
                self.beside.text("\n\n");
            }
            self.answer.text(text);
        }
        self.answer.text(&chunk.delta.refusal);
    }

    fn end(
        &mut self,
        model: &str,
        answer: &ChatResponse,
        cost: Option<NanoUsd>,
        debate: Option<String>,
    ) {
        let cost_usd = cost.map(NanoUsd::as_usd);
        if self.json {
            let reasoning: Vec<&str> = answer.reasoning.iter().map(|it| it.text.as_str()).collect();
            let whole = json!({
                "model": model,
                "text": answer.text,
                "refusal": answer.refusal,
                "reasoning": reasoning.join("\n\n"),
                "finish": answer.finish,
                "usage": answer.usage,
                "cost_usd": cost_usd,
                "debate": debate,
            });
            return self.answer.line(&whole.to_string());
        }
        self.answer.text("\n");
        let cost = cost_usd.map_or_else(String::new, |usd| format!(", ${usd:.4}"));
        let debate = debate.map_or_else(String::new, |id| format!(", debate {id}"));
        let tokens = answer.usage.total_tokens();
        self.beside
            .line(&format!("\n{tokens} tokens{cost}{debate}"));
    }
}
