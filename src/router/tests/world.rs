//! A router over a model list, each deployment of which plays a script; and everything that was seen of it.

use std::collections::BTreeMap;
use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::Mutex;
use std::time::Duration;

use async_trait::async_trait;
use futures::StreamExt;
use futures::stream;

use crate::client::BaseLlmClient;
use crate::client::CallContext;
use crate::client::CallTrace;
use crate::client::ChatRequest;
use crate::client::ChunkStream;
use crate::client::ClientSource;
use crate::client::EmbedderSource;
use crate::client::EmbeddingClient;
use crate::client::EmbeddingRequest;
use crate::client::EmbeddingResponse;
use crate::client::LlmError;
use crate::client::LlmErrorKind;
use crate::client::TimeoutPhase;
use crate::client::Wishes;
use crate::client::collect;
use crate::events::CallRecord;
use crate::events::Observer;
use crate::events::Observers;
use crate::router::Router;
use crate::router::RouterConfig;
use crate::router::RouterParts;
use crate::router::Verdict;
use crate::types::Chat;
use crate::types::ChatChunk;
use crate::types::ChatResponse;
use crate::types::Clock;
use crate::types::Delta;
use crate::types::Deployment;
use crate::types::DeploymentInfo;
use crate::types::FinishReason;
use crate::types::Message;
use crate::types::ModelName;
use crate::types::Prices;
use crate::types::Target;
use crate::types::Usage;
use crate::types::chat::Role;

/// One answer of a deployment, as its provider's client gives it.
#[derive(Debug, Clone)]
pub(super) enum Fault {
    /// It answers with its own name.
    None,
    /// It answers after so long.
    Slow(Duration),
    /// It fails before anything comes.
    Fails(LlmErrorKind),
    /// Nothing comes for 30 s.
    StallsBefore,
    /// One piece, then nothing for 20 s.
    StallsAfter,
    /// One piece, then the connection breaks.
    Cut,
}

#[derive(Default)]
pub(super) struct Script {
    /// Played in order; the last one again and again.
    replies: Mutex<VecDeque<Fault>>,
    asked: Mutex<Vec<ChatRequest>>,
}

pub(super) struct World {
    pub(super) router: Router,
    scripts: Arc<BTreeMap<String, Script>>,
    records: Arc<Mutex<Vec<CallRecord>>>,
}

struct Told(Arc<Mutex<Vec<CallRecord>>>);

impl Observer for Told {
    fn call_finished(&self, record: &Arc<CallRecord>) {
        self.0.lock().unwrap().push(CallRecord::clone(record));
    }
}

struct Scripts(Arc<BTreeMap<String, Script>>);

struct Player {
    scripts: Arc<BTreeMap<String, Script>>,
    model: String,
}

/// An entry of a model list: `model` is `p/NAME`, and NAME its id.
pub(super) fn entry(group: &str, model: &str) -> Deployment {
    Deployment {
        id: model.rsplit('/').next().unwrap().into(),
        group: group.into(),
        model: model.into(),
        target: Arc::new(Target {
            api_base: Some(format!("http://{group}.example")),
            ..Target::default()
        }),
        weight: None,
        rpm: None,
        tpm: None,
        max_parallel: None,
        order: None,
        tags: Vec::new(),
        num_retries: None,
        cooldown: None,
        prices: None,
        info: DeploymentInfo::default(),
    }
}

/// A model list that asks in the list's order, so that tests know who is first.
pub(super) fn in_order(entries: Vec<Deployment>) -> RouterConfig {
    RouterConfig {
        strategy: crate::router::Strategy::Ordered,
        deployments: entries.into_iter().map(Arc::new).collect(),
        ..RouterConfig::default()
    }
}

pub(super) fn named(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

pub(super) fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

pub(super) fn limited(after: Option<u64>) -> LlmErrorKind {
    LlmErrorKind::RateLimited {
        retry_after: after.map(seconds),
    }
}

pub(super) const DOWN: Fault = Fault::Fails(LlmErrorKind::ConnectionFailed);

pub(super) fn request() -> ChatRequest {
    let chat = Chat {
        messages: vec![Message::text(Role::User, "is it so?")],
        ..Chat::default()
    };
    let mut request = ChatRequest::new("p/nobody".parse().unwrap(), chat);
    request.call = CallContext {
        call_id: Some("call-1".into()),
        trace: Arc::new(CallTrace::default()),
        ..CallContext::default()
    };
    request
}

pub(super) fn wishing(wishes: Wishes) -> ChatRequest {
    let mut request = request();
    request.head.wishes = wishes;
    request
}

impl World {
    /// Deployments that are not named answer well.
    pub(super) fn new(config: RouterConfig, scripts: &[(&str, &[Fault])]) -> Self {
        let played = scripts.iter().map(|(id, replies)| {
            let script = Script::default();
            script.replies.lock().unwrap().extend(replies.to_vec());
            ((*id).to_owned(), script)
        });
        let mut scripts: BTreeMap<String, Script> = played.collect();
        for deployment in &config.deployments {
            let id = deployment.model.rsplit('/').next().unwrap().to_owned();
            scripts.entry(id).or_default();
        }
        scripts.entry("filled".to_owned()).or_default();
        let scripts = Arc::new(scripts);
        let records = Arc::default();
        let router = Router::new(RouterParts {
            source: Arc::new(Scripts(Arc::clone(&scripts))),
            embedders: Arc::new(Scripts(Arc::clone(&scripts))),
            config,
            observers: Observers::new(vec![Arc::new(Told(Arc::clone(&records)))]),
            prices: Arc::new(|model| {
                let dear = model.model().starts_with("dear");
                Some(Prices {
                    input: if dear { 9_000_000_000 } else { 1_000_000_000 },
                    ..Prices::default()
                })
            }),
            prompt_limits: Arc::new(|model| (model.model() == "small").then_some(3)),
            bare_names: Arc::new(|name| {
                (name == "everybodys").then(|| "p/filled".parse().unwrap())
            }),
            clock: Clock::starting_at(0),
            seed: 7,
        });
        Self {
            router,
            scripts,
            records,
        }
    }

    /// Asks for a stream and collects it.
    pub(super) async fn stream(&self, name: &str) -> Result<String, LlmError> {
        self.stream_of(name, &request()).await
    }

    pub(super) async fn stream_of(
        &self,
        name: &str,
        request: &ChatRequest,
    ) -> Result<String, LlmError> {
        let client = self.router.route(name)?.client;
        let stream = client.stream_message(request).await?;
        Ok(collect(stream).await?.text)
    }

    /// Asks for a whole answer.
    pub(super) async fn whole(&self, name: &str) -> Result<String, LlmError> {
        let client = self.router.route(name)?.client;
        Ok(client.send_message(&request()).await?.text)
    }

    /// Whether a deployment of a group may be asked now, and if not why.
    pub(super) fn why_not(&self, group: &str, id: &str) -> Option<&'static str> {
        let explained = self.router.explain(group, &request().head).unwrap();
        let found = explained.deployments.into_iter().find(|it| it.id == id);
        let found = found.unwrap();
        assert_eq!(found.verdict == Verdict::Excluded, found.why.is_some());
        found.why.map(|why| why.code)
    }

    /// For how many seconds a deployment of a group still rests, rounded; `None` when it does not.
    pub(super) fn rests(&self, group: &str, id: &str) -> Option<u64> {
        let explained = self.router.explain(group, &request().head).unwrap();
        let found = explained.deployments.into_iter().find(|it| it.id == id);
        let why = found.unwrap().why?;
        why.message
            .starts_with("it rests")
            .then_some(why.again_in_ms? / 1000)
    }

    /// What a deployment was asked.
    pub(super) fn asked(&self, id: &str) -> Vec<ChatRequest> {
        self.scripts[id].asked.lock().unwrap().clone()
    }

    /// How often anybody was asked.
    pub(super) fn asked_of_all(&self) -> usize {
        let scripts = self.scripts.values();
        scripts.map(|it| it.asked.lock().unwrap().len()).sum()
    }

    pub(super) fn records(&self) -> Vec<CallRecord> {
        self.records.lock().unwrap().clone()
    }

    pub(super) fn last_record(&self) -> CallRecord {
        self.records.lock().unwrap().last().unwrap().clone()
    }
}

impl ClientSource for Scripts {
    fn client(&self, model: &ModelName) -> Result<Arc<dyn BaseLlmClient>, LlmError> {
        match (model.provider(), self.0.contains_key(model.model())) {
            ("p", true) => Ok(Arc::new(Player {
                scripts: Arc::clone(&self.0),
                model: model.model().to_owned(),
            })),
            _ => Err(LlmError::new(
                LlmErrorKind::ModelNotFound,
                model.provider(),
                "no such model",
            )),
        }
    }
}

impl EmbedderSource for Scripts {
    fn embedder(&self, model: &ModelName) -> Result<Arc<dyn EmbeddingClient>, LlmError> {
        Ok(Arc::new(Player {
            scripts: Arc::clone(&self.0),
            model: model.model().to_owned(),
        }))
    }
}

impl Player {
    fn next(&self) -> Fault {
        let mut replies = self.scripts[&self.model].replies.lock().unwrap();
        match replies.len() {
            0 => Fault::None,
            1 => replies[0].clone(),
            _ => replies.pop_front().unwrap(),
        }
    }

    fn piece(&self) -> ChatChunk {
        ChatChunk {
            delta: Delta {
                text: self.model.clone(),
                ..Delta::default()
            },
            ..ChatChunk::default()
        }
    }

    fn error(&self, kind: LlmErrorKind) -> LlmError {
        LlmError::new(kind, "p", format!("{} says no", self.model))
    }

    fn timeout(&self, phase: TimeoutPhase) -> LlmError {
        self.error(LlmErrorKind::Timeout { phase })
    }
}

#[async_trait]
impl BaseLlmClient for Player {
    fn provider_name(&self) -> &str {
        "p"
    }

    async fn send_message(&self, request: &ChatRequest) -> Result<ChatResponse, LlmError> {
        collect(self.stream_message(request).await?).await
    }

    async fn stream_message(&self, request: &ChatRequest) -> Result<ChunkStream, LlmError> {
        self.scripts[&self.model]
            .asked
            .lock()
            .unwrap()
            .push(request.clone());
        let last = ChatChunk {
            finish: Some(FinishReason::Stop),
            usage: Some(Usage {
                input: 40,
                output: 2,
                ..Usage::default()
            }),
            ..ChatChunk::default()
        };
        let first = stream::iter([Ok(self.piece())]);
        Ok(match self.next() {
            Fault::None => first.chain(stream::iter([Ok(last)])).boxed(),
            Fault::Slow(time) => {
                tokio::time::sleep(time).await;
                first.chain(stream::iter([Ok(last)])).boxed()
            }
            Fault::Fails(kind) => return Err(self.error(kind)),
            Fault::StallsBefore => {
                tokio::time::sleep(seconds(30)).await;
                return Err(self.timeout(TimeoutPhase::FirstToken));
            }
            Fault::StallsAfter => {
                let stalled = self.timeout(TimeoutPhase::Idle);
                let later = stream::once(async move {
                    tokio::time::sleep(seconds(20)).await;
                    Err(stalled)
                });
                first.chain(later).boxed()
            }
            Fault::Cut => {
                let cut = self.error(LlmErrorKind::StreamInterrupted { bytes: 9 });
                first.chain(stream::iter([Err(cut)])).boxed()
            }
        })
    }
}

#[async_trait]
impl EmbeddingClient for Player {
    fn provider_name(&self) -> &str {
        "p"
    }

    async fn embed(&self, request: &EmbeddingRequest) -> Result<EmbeddingResponse, LlmError> {
        match self.next() {
            Fault::Fails(kind) => Err(self.error(kind)),
            Fault::None
            | Fault::Slow(_)
            | Fault::StallsBefore
            | Fault::StallsAfter
            | Fault::Cut => Ok(EmbeddingResponse {
                model: request.model.to_string(),
                vectors: vec![vec![1.0]; request.texts.len()],
                usage: Usage {
                    input: 5,
                    ..Usage::default()
                },
            }),
        }
    }
}
