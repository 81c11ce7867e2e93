//! Models that are right with known odds, and everything that an evaluation with them needs.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::Mutex;

use async_trait::async_trait;
use serde_json::json;
use tempfile::TempDir;
use tokio::sync::watch;

use crate::catalog::Catalog;
use crate::client::BaseLlmClient;
use crate::client::ChatRequest;
use crate::client::ChunkStream;
use crate::client::ClientSource;
use crate::client::Content;
use crate::client::LlmError;
use crate::client::LlmErrorKind;
use crate::client::collect;
use crate::debate::DebateConfig;
use crate::debate::Engine;
use crate::debate::EngineParts;
use crate::debate::OrderProblem;
use crate::debate::Roster;
use crate::debate::eval::Asked;
use crate::debate::eval::Contestant;
use crate::debate::eval::Ended;
use crate::debate::eval::Eval;
use crate::debate::eval::EvalError;
use crate::debate::eval::EvalParts;
use crate::debate::eval::EvalPlan;
use crate::debate::eval::Matched;
use crate::debate::eval::Progress;
use crate::debate::eval::Report;
use crate::debate::eval::Sampled;
use crate::debate::eval::read;
use crate::debate::format::FormatLibrary;
use crate::debate::plan::draw;
use crate::events::LiveBus;
use crate::events::Observers;
use crate::store::OwnerId;
use crate::store::SqliteStore;
use crate::types::Chat;
use crate::types::ChatChunk;
use crate::types::ChatResponse;
use crate::types::Clock;
use crate::types::Delta;
use crate::types::Endpoint;
use crate::types::FinishReason;
use crate::types::ModelName;
use crate::types::Prices;
use crate::types::Usage;

/// What a model does with a question.
#[derive(Debug, Clone)]
pub(super) enum Habit {
    /// Is right with these odds, drawn anew for each request.
    Odds(f64),
    /// Says this.
    Says(String),
    /// Fails so.
    Fails(LlmErrorKind),
    /// Fails so for questions with an odd number, and is right for the others.
    FailsAtOdd(LlmErrorKind),
}

/// Plays all models.
#[derive(Debug, Clone, Default)]
pub(super) struct Players {
    habits: Arc<Mutex<BTreeMap<String, Habit>>>,
    /// Model, question and seed of each request.
    asked: Arc<Mutex<Vec<(String, u64, u64)>>>,
    /// The last message of each request.
    prompts: Arc<Mutex<Vec<String>>>,
}

/// Tokens of each answer.
pub(super) const OUTPUT: u64 = 60;

impl Players {
    fn new(habits: &[(&str, Habit)]) -> Self {
        let players = Self::default();
        habits
            .iter()
            .for_each(|(model, habit)| players.set(model, habit.clone()));
        players
    }

    pub(super) fn set(&self, model: &str, habit: Habit) {
        self.habits.lock().unwrap().insert(model.to_owned(), habit);
    }

    pub(super) fn asked(&self) -> Vec<(String, u64, u64)> {
        self.asked.lock().unwrap().clone()
    }

    pub(super) fn prompts(&self) -> Vec<String> {
        self.prompts.lock().unwrap().clone()
    }

    fn answer(&self, request: &ChatRequest) -> Result<String, LlmError> {
        let Content::Typed(chat) = &request.content else {
            panic!("an evaluation asks in Agon's own form");
        };
        let (model, seed) = (request.head.model.to_string(), chat.sampling.seed.unwrap());
        let number = number(chat);
        self.asked
            .lock()
            .unwrap()
            .push((model.clone(), number, seed));
        let last = chat.messages.last().unwrap().joined_text();
        self.prompts.lock().unwrap().push(last);
        let habit = self.habits.lock().unwrap().get(&model).cloned();
        let fails = |kind| Err(LlmError::new(kind, "players", "as the test wants it"));
        let right = |right: bool| {
            let answer = if right == is_left(number) { "A" } else { "B" };
            Ok(json!({"reasoning": "a coin", "answer": answer, "confidence": 0.5}).to_string())
        };
        match habit.expect("the test knows its models") {
            Habit::Odds(odds) => {
                let texts: Vec<String> = chat.messages.iter().map(|it| it.joined_text()).collect();
                let drawn = draw(seed, &[&model, &texts.concat()]) >> 11;
                right((drawn as f64 / (1_u64 << 53) as f64) < odds)
            }
            Habit::Says(text) => Ok(text),
            Habit::Fails(kind) => fails(kind),
            Habit::FailsAtOdd(kind) if number % 2 == 1 => fails(kind),
            Habit::FailsAtOdd(_) => right(true),
        }
    }
}

/// The number of the question that a request is about.
fn number(chat: &Chat) -> u64 {
    let texts = chat.messages.iter().map(|it| it.joined_text());
    let after = |text: String| Some(text.split_once("Door ")?.1.to_owned());
    let rest = texts.filter_map(after).next().unwrap_or_default();
    let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
    digits.parse().unwrap_or_default()
}

/// Which answer to a question is right; a coin of its own.
fn is_left(number: u64) -> bool {
    draw(99, &["key", &number.to_string()]).is_multiple_of(2)
}

#[async_trait]
impl BaseLlmClient for Players {
    fn provider_name(&self) -> &str {
        "players"
    }

    async fn send_message(&self, request: &ChatRequest) -> Result<ChatResponse, LlmError> {
        collect(self.stream_message(request).await?).await
    }

    async fn stream_message(&self, request: &ChatRequest) -> Result<ChunkStream, LlmError> {
        let text = self.answer(request)?;
        tokio::task::yield_now().await;
        let chunk = ChatChunk {
            delta: Delta {
                text,
                ..Delta::default()
            },
            finish: Some(FinishReason::Stop),
            usage: Some(Usage {
                input: request.head.estimated_tokens,
                output: OUTPUT,
                ..Usage::default()
            }),
            ..ChatChunk::default()
        };
        Ok(Box::pin(futures::stream::iter([Ok(chunk)])))
    }
}

impl ClientSource for Players {
    fn client(&self, model: &ModelName) -> Result<Arc<dyn BaseLlmClient>, LlmError> {
        match self.habits.lock().unwrap().contains_key(model.as_str()) {
            true => Ok(Arc::new(self.clone())),
            false => {
                let message = format!("there is no model \"{model}\"");
                Err(LlmError::new(
                    LlmErrorKind::ModelNotFound,
                    "players",
                    message,
                ))
            }
        }
    }
}

struct Everybody;

impl Roster for Everybody {
    fn check(&self, _: &ModelName, _: Option<&Endpoint>) -> Result<Option<String>, OrderProblem> {
        Ok(None)
    }

    fn prices(&self, _: &ModelName) -> Option<Prices> {
        None
    }

    fn window_tokens(&self, _: &ModelName) -> Option<u64> {
        None
    }

    fn default_judge(&self) -> Option<ModelName> {
        None
    }

    fn default_extractor(&self) -> Option<ModelName> {
        None
    }
}

/// A folder, and the models that answer in it. Each [`Self::run`] is a process of its own.
pub(super) struct World {
    pub(super) home: TempDir,
    pub(super) players: Players,
}

impl World {
    pub(super) fn new(habits: &[(&str, Habit)]) -> Self {
        Self {
            home: tempfile::tempdir().unwrap(),
            players: Players::new(habits),
        }
    }

    pub(super) fn dir(&self) -> &Path {
        self.home.path()
    }

    /// Runs to the end.
    pub(super) async fn run(&self, plan: &EvalPlan) -> Report {
        let (ended, report) = self.run_until(plan, false, |_| false).await.unwrap();
        assert_eq!(ended, Ended::Complete);
        assert!(report.complete);
        report
    }

    /// Runs until `enough` of the steps are done.
    pub(super) async fn run_until(
        &self,
        plan: &EvalPlan,
        retry_failed: bool,
        enough: impl Fn(usize) -> bool + Send + Sync,
    ) -> Result<(Ended, Report), EvalError> {
        let (parts, engine) = self.parts().await;
        let asked = Asked {
            file: "doors.jsonl".to_owned(),
            text: format!("{:?}", plan.questions),
            limit: None,
            shuffle_choices: false,
        };
        let eval = Eval::open(parts, plan.clone(), &asked, self.dir(), retry_failed)?;
        let (tell_to_stop, stop) = watch::channel(false);
        let told = Mutex::new(0);
        let tell = |progress: Progress| {
            let mut told = told.lock().unwrap();
            *told += 1;
            assert!(progress.done <= progress.of, "{progress:?}");
            if enough(*told) {
                tell_to_stop.send_replace(true);
            }
        };
        let ended = eval.run(&tell, stop).await;
        engine.shutdown().await;
        Ok((ended?, eval.report()))
    }

    async fn parts(&self) -> (EvalParts, Engine) {
        let owner = OwnerId::fresh();
        let url = format!("sqlite:{}", self.dir().join("debates.db").display());
        let store = Arc::new(SqliteStore::open(&url, &owner).await.unwrap());
        let (live, catalog) = (Arc::new(LiveBus::default()), Arc::new(Catalog::embedded()));
        let formats = Arc::new(FormatLibrary::embedded());
        let clients: Arc<dyn ClientSource> = Arc::new(self.players.clone());
        let engine = Engine::new(EngineParts {
            log: Arc::clone(&store) as _,
            debates: Arc::clone(&store) as _,
            clients: Arc::clone(&clients),
            live: Arc::clone(&live) as _,
            catalog: Arc::clone(&catalog),
            formats: Arc::clone(&formats),
            roster: Arc::new(Everybody),
            clock: Clock::system(),
            owner,
            observers: Observers::default(),
            config: DebateConfig::default(),
        });
        let parts = EvalParts {
            clients,
            catalog,
            formats,
            engine: engine.clone(),
            log: store,
            live,
        };
        (parts, engine)
    }
}

/// A plan with so many questions of two options each, and nothing matched.
pub(super) fn plan(questions: u64, contestants: &[&str], models: &[&str]) -> EvalPlan {
    let line = |number: u64| {
        let answer = usize::from(!is_left(number));
        json!({"question": format!("Door {number}: which?"), "choices": ["left", "right"], "answer": answer})
    };
    let lines: Vec<String> = (0..questions)
        .map(|number| line(number).to_string())
        .collect();
    EvalPlan {
        questions: read("doors.jsonl", &lines.join("\n")).unwrap(),
        contestants: contestants
            .iter()
            .map(|name| Contestant::read(name).unwrap())
            .collect(),
        models: models.iter().map(|name| name.parse().unwrap()).collect(),
        judges: Vec::new(),
        grader: None,
        matched: Matched::Nothing,
        headroom: 4.0,
        sampled: Sampled {
            temperature: None,
            max_answer_tokens: 1_000,
        },
        seed: 1,
        concurrency: 8,
        max_cost: None,
    }
}
