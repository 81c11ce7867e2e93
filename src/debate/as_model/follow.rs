//! Follows a debate and tells it as the pieces of an answer. Whoever stops listening stops the debate.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt;
use futures::stream;
use tokio::runtime::Handle;
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;
use tokio::time::Instant;

use super::DebateModelParts;
use super::PROVIDER;
use super::narrator::Narrator;
use super::verdict;
use crate::client::Attempt;
use crate::client::CallTrace;
use crate::client::ChunkStream;
use crate::client::LlmError;
use crate::client::LlmErrorKind;
use crate::debate::engine::Engine;
use crate::events::Command;
use crate::events::Ending;
use crate::events::Envelope;
use crate::events::EventBody;
use crate::events::LiveEvent;
use crate::store::EventLog;
use crate::store::StoreError;
use crate::types::ChatChunk;
use crate::types::DebateId;
use crate::types::Delta;
use crate::types::FinishReason;
use crate::types::debate::Outcome;

/// Events read at once.
const PAGE: usize = 500;
/// A debate that another process goes on with sends no live events here, so its log is looked at this often.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// Failures that are remembered for the error of a debate in which nobody could speak.
const MAX_FAILURES: usize = 16;

/// A debate on its way to whoever asked for it.
pub(super) struct Telling {
    debate: DebateId,
    log: Arc<dyn EventLog>,
    live: Receiver<LiveEvent>,
    trace: Arc<CallTrace>,
    /// The name that was asked; only until the first piece has told it.
    model: Option<String>,
    /// The last durable event that was taken.
    taken: u64,
    narrator: Narrator,
    ready: VecDeque<ChatChunk>,
    failures: Vec<Attempt>,
    is_decided: bool,
    is_capped: bool,
    end: Option<Result<(), LlmError>>,
    listener: Listener,
}

/// Stops the debate when nobody listens any more.
struct Listener {
    engine: Engine,
    debate: DebateId,
    is_over: bool,
}

impl Drop for Listener {
    fn drop(&mut self) {
        if self.is_over {
            return;
        }
        // Outside a runtime the process is ending, and the debate rests as all others do.
        let Ok(runtime) = Handle::try_current() else {
            return;
        };
        let (engine, debate) = (self.engine.clone(), self.debate.clone());
        runtime.spawn(async move {
            let stop = Command::Stop { decide: false };
            if let Err(error) = engine.tell(&debate, "asker-gone".to_owned(), None, stop).await {
                tracing::debug!(%debate, %error, "a debate that nobody listens to could not be stopped");
            }
        });
    }
}

impl Telling {
    /// Listens to a debate from its beginning.
    pub(super) fn open(
        parts: &DebateModelParts,
        debate: DebateId,
        model: &str,
        trace: Arc<CallTrace>,
    ) -> Self {
        Self {
            live: parts.live.subscribe(&debate).receiver,
            log: Arc::clone(&parts.log),
            trace,
            model: Some(model.to_owned()),
            taken: 0,
            narrator: Narrator::default(),
            ready: VecDeque::new(),
            failures: Vec::new(),
            is_decided: false,
            is_capped: false,
            end: None,
            listener: Listener {
                engine: parts.engine.clone(),
                debate: debate.clone(),
                is_over: false,
            },
            debate,
        }
    }

    /// Waits for the first words.
    ///
    /// # Errors
    /// When the debate ends before anybody has spoken.
    pub(super) async fn first_words(&mut self) -> Result<(), LlmError> {
        match self.next().await {
            Some(Ok(first)) => {
                self.ready.push_front(first);
                Ok(())
            }
            Some(Err(error)) => Err(error),
            None => Err(malformed()),
        }
    }

    /// The rest as a stream.
    pub(super) fn into_stream(self) -> ChunkStream {
        stream::unfold(self, |mut telling| async move {
            let next = telling.next().await?;
            Some((next, telling))
        })
        .boxed()
    }

    async fn next(&mut self) -> Option<Result<ChatChunk, LlmError>> {
        loop {
            if let Some(chunk) = self.ready.pop_front() {
                return Some(Ok(chunk));
            }
            if let Some(end) = self.end.take() {
                self.end = Some(Ok(()));
                return end.err().map(Err);
            }
            let asked = Instant::now();
            let went_on = self.hear().await;
            self.trace.add_upstream_wait(asked.elapsed());
            if let Err(error) = went_on {
                tracing::error!(debate = %self.debate, %error, "a debate cannot be followed");
                let kind = LlmErrorKind::Overloaded { retry_after: None };
                let message = format!("the log of debate {} could not be read", self.debate);
                self.end = Some(Err(LlmError::new(kind, PROVIDER, message)));
            }
        }
    }

    async fn hear(&mut self) -> Result<(), StoreError> {
        if self.taken == 0 {
            return self.catch_up().await;
        }
        match tokio::time::timeout(LOOK_EVERY, self.live.recv()).await {
            Ok(Ok(LiveEvent::Delta {
                turn,
                channel,
                off,
                text,
                ..
            })) => {
                let words = self.narrator.words(&turn, channel, off, &text);
                self.reason(words);
                Ok(())
            }
            Ok(Ok(LiveEvent::Stored(events))) => match events.first() {
                Some(first) if first.seq > self.taken + 1 => self.catch_up().await,
                _ => {
                    events.iter().for_each(|event| self.take(event));
                    Ok(())
                }
            },
            Ok(Err(RecvError::Lagged(_) | RecvError::Closed)) | Err(_) => self.catch_up().await,
        }
    }

    async fn catch_up(&mut self) -> Result<(), StoreError> {
        loop {
            let page = self.log.read(&self.debate, self.taken, PAGE).await?;
            page.iter().for_each(|event| self.take(event));
            if page.len() < PAGE {
                return Ok(());
            }
        }
    }

    fn take(&mut self, event: &Envelope) {
        if event.seq <= self.taken {
            return;
        }
        self.taken = event.seq;
        let words = self.narrator.event(event);
        self.reason(words);
        match &event.body {
            EventBody::TurnFailed(failed) | EventBody::TurnReset(failed) => {
                self.failures.truncate(MAX_FAILURES - 1);
                self.failures.push(Attempt {
                    deployment: failed.agent.clone(),
                    code: failed.reason.clone(),
                    message: failed.message.clone(),
                });
            }
            EventBody::BudgetExceeded { .. } => self.is_capped = true,
            EventBody::VerdictFinal(verdict) => {
                self.is_decided = true;
                self.answer(verdict::in_words(verdict));
            }
            EventBody::Finished(ending)
            | EventBody::Cancelled(ending)
            | EventBody::Failed(ending) => self.finish(ending),
            _ => {}
        }
    }

    fn finish(&mut self, ending: &Ending) {
        self.listener.is_over = true;
        if ending.totals.cost_known {
            self.trace.add_cost(Some(ending.totals.cost_nanousd));
        }
        if ending.outcome == Outcome::Failed && !self.is_decided {
            self.end = Some(Err(self.nobody_spoke(ending)));
            return;
        }
        let words = verdict::ending(ending, self.is_decided);
        if !words.is_empty() {
            let before = if self.is_decided { "\n\n" } else { "" };
            self.answer(format!("{before}{words}"));
        }
        self.ready.push_back(ChatChunk {
            finish: Some(match self.is_capped {
                true => FinishReason::Length,
                false => FinishReason::Stop,
            }),
            usage: Some(ending.totals.usage),
            ..ChatChunk::default()
        });
        self.end = Some(Ok(()));
    }

    fn nobody_spoke(&self, ending: &Ending) -> LlmError {
        let why = match (&ending.reason, self.failures.last()) {
            (_, Some(last)) => format!("{}: {}", last.deployment, last.message),
            (Some(reason), None) => reason.clone(),
            (None, None) => "nobody could speak".to_owned(),
        };
        let kind = LlmErrorKind::NoDeployment {
            tried: self.failures.clone(),
            retry_after: None,
        };
        let message = format!("debate {} has no result: {why}", self.debate);
        LlmError::new(kind, PROVIDER, message)
    }

    fn reason(&mut self, words: String) {
        self.push(Delta {
            reasoning: words,
            ..Delta::default()
        });
    }

    fn answer(&mut self, words: String) {
        self.push(Delta {
            text: words,
            ..Delta::default()
        });
    }

    fn push(&mut self, delta: Delta) {
        if delta.is_empty() {
            return;
        }
        let model = self.model.take();
        self.ready.push_back(ChatChunk {
            id: model.is_some().then(|| self.debate.to_string()),
            model,
            delta,
            ..ChatChunk::default()
        });
    }
}

fn malformed() -> LlmError {
    let message = "the debate ended without a word";
    LlmError::new(LlmErrorKind::MalformedResponse, PROVIDER, message)
}
