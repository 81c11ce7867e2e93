//! Whether a local server is still loading a model, asked while its answer is waited for.

use std::convert::Infallible;
use std::time::Duration;

use tokio::time::Instant;
use tokio::time::sleep;

use super::ask::Said;
use super::ask::Server;
use super::facts;
use crate::catalog::Discover;
use crate::client::CallTrace;
use crate::client::CallWait;
use crate::types::ModelName;

/// A loaded model says something within this time, more often than not.
const FIRST_ASKED: Duration = Duration::from_secs(1);
/// Between two questions.
const ASKED_AGAIN: Duration = Duration::from_secs(1);
/// How long one question may take.
const ASK_LIMIT: Duration = Duration::from_millis(700);

/// What a server says about a model of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Readiness {
    /// It is not in memory yet.
    Loading,
    /// It is in memory: whoever waits for it waits for its words.
    Ready,
    /// The server cannot be asked.
    Unknown,
}

/// Asks whether the model is in memory.
pub(super) async fn readiness(server: &Server, how: Discover, model: &str) -> Readiness {
    let due = Instant::now() + ASK_LIMIT;
    match how {
        Discover::Ollama => match server.get("/api/ps", due).await {
            Said::Answer(200, running) => match facts::loaded(&running, model) {
                Some(_) => Readiness::Ready,
                None => Readiness::Loading,
            },
            // While a model loads, its lock is held, and the list waits for it (ollama/ollama server/sched.go,
            // loadedModels, at fb30760, 2026-08-21).
            Said::Nothing => Readiness::Loading,
            Said::Answer(..) | Said::Nobody => Readiness::Unknown,
        },
        Discover::LmStudio => {
            let said = server
                .get_at_root(&format!("/api/v0/models/{model}"), due)
                .await;
            match said
                .success()
                .and_then(|it| Some(it["state"].as_str()? == "loaded"))
            {
                Some(true) => Readiness::Ready,
                Some(false) => Readiness::Loading,
                None => Readiness::Unknown,
            }
        }
        // 503 "Loading model" (llama.cpp server README, 2026-08).
        Discover::LlamaCpp => match server.get_at_root("/health", due).await {
            Said::Answer(503, _) => Readiness::Loading,
            Said::Answer(200, _) => Readiness::Ready,
            Said::Answer(..) | Said::Nothing | Said::Nobody => Readiness::Unknown,
        },
        // vLLM listens only once the model is loaded; of others nothing is known.
        Discover::OpenaiModels => Readiness::Unknown,
    }
}

/// Notes, again and again, whether the call waits for the model to be loaded.
pub(super) async fn keep_telling(
    server: &Server,
    how: Discover,
    model: &ModelName,
    trace: &CallTrace,
) -> Infallible {
    let started = Instant::now();
    sleep(FIRST_ASKED).await;
    loop {
        let waits = match readiness(server, how, model.model()).await {
            Readiness::Loading => Some(CallWait::ModelLoading {
                model: model.clone(),
                waited: started.elapsed(),
            }),
            Readiness::Ready | Readiness::Unknown => None,
        };
        trace.note_wait(waits);
        sleep(ASKED_AGAIN).await;
    }
}
