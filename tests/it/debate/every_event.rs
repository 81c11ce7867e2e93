//! A process that dies after any event: another goes on, nothing is lost or doubled, and at most one call for each turn
//! under way is made again.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::time::Duration;

use agon::catalog::Catalog;
use agon::client::BaseLlmClient;
use agon::client::ChatRequest;
use agon::client::ChunkStream;
use agon::client::ClientSource;
use agon::client::Content;
use agon::client::LlmError;
use agon::client::Reply;
use agon::client::ScriptedClient;
use agon::debate::DebateConfig;
use agon::debate::Engine;
use agon::debate::EngineParts;
use agon::debate::OrderProblem;
use agon::debate::Roster;
use agon::debate::format::FormatLibrary;
use agon::debate::state::State;
use agon::events::Draft;
use agon::events::Envelope;
use agon::events::EventBody;
use agon::events::LiveBus;
use agon::events::Observers;
use agon::store::Debates;
use agon::store::EventLog;
use agon::store::Lease;
use agon::store::NewDebate;
use agon::store::OwnerId;
use agon::store::Progress;
use agon::store::SqliteStore;
use agon::store::StoreError;
use agon::types::ChatResponse;
use agon::types::Clock;
use agon::types::DebateId;
use agon::types::Endpoint;
use agon::types::ModelName;
use agon::types::Prices;
use agon::types::debate::Format;
use agon::types::debate::Verdict;
use async_trait::async_trait;
use tokio::sync::Notify;

use super::play;

/// A log whose process dies once it holds so many events.
struct Dying {
    inner: Arc<SqliteStore>,
    /// Events that can still be stored, and how the debate stood before them.
    left: Mutex<(usize, Option<Progress>)>,
    died: Notify,
    over: Notify,
}

impl Dying {
    fn after(inner: Arc<SqliteStore>, events: usize) -> Self {
        Self {
            inner,
            left: Mutex::new((events, None)),
            died: Notify::new(),
            over: Notify::new(),
        }
    }
}

#[async_trait]
impl EventLog for Dying {
    async fn append(
        &self,
        lease: &Lease,
        at_ms: u64,
        mut events: Vec<Draft>,
        progress: &Progress,
    ) -> Result<Vec<Envelope>, StoreError> {
        let (stored, progress, dies) = {
            let mut left = self.left.lock().unwrap_or_else(PoisonError::into_inner);
            let stored = events.len().min(left.0);
            // Half a step is stored with how the debate stood before it: it is not what the step led to.
            let whole = stored == events.len();
            let known = left.1.clone().unwrap_or_else(|| progress.clone());
            let progress = if whole { progress.clone() } else { known };
            left.0 -= stored;
            left.1 = Some(progress.clone());
            (stored, progress, left.0 == 0)
        };
        events.truncate(stored);
        let mut kept = Vec::new();
        if !events.is_empty() {
            kept = self.inner.append(lease, at_ms, events, &progress).await?;
        }
        if kept.iter().any(|event| event.body.ends_debate()) {
            self.over.notify_one();
        }
        if dies {
            self.died.notify_one();
            std::future::pending::<()>().await;
        }
        Ok(kept)
    }

    async fn read(
        &self,
        debate: &DebateId,
        after: u64,
        limit: usize,
    ) -> Result<Vec<Envelope>, StoreError> {
        self.inner.read(debate, after, limit).await
    }
}

/// Agents that answer the same to the same request, and count what they are asked.
#[derive(Debug, Clone, Default)]
struct Counting(Arc<Mutex<BTreeMap<String, u32>>>);

impl Counting {
    fn asked(&self) -> BTreeMap<String, u32> {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}

#[async_trait]
impl BaseLlmClient for Counting {
    fn provider_name(&self) -> &str {
        "demo"
    }

    async fn send_message(&self, request: &ChatRequest) -> Result<ChatResponse, LlmError> {
        agon::client::collect(self.stream_message(request).await?).await
    }

    async fn stream_message(&self, request: &ChatRequest) -> Result<ChunkStream, LlmError> {
        let Content::Typed(chat) = &request.content else {
            panic!("the engine asks in our own form");
        };
        let asked = format!(
            "{} {}",
            request.head.model,
            serde_json::to_string(chat.as_ref()).expect("JSON")
        );
        *self
            .0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .entry(asked)
            .or_default() += 1;
        let text = play::steady_answer(request.head.model.as_str(), chat);
        ScriptedClient::new([Reply::Text(vec![text])])
            .stream_message(request)
            .await
    }
}

impl ClientSource for Counting {
    fn client(&self, _model: &ModelName) -> Result<Arc<dyn BaseLlmClient>, LlmError> {
        Ok(Arc::new(self.clone()))
    }
}

struct Anybody;

impl Roster for Anybody {
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

/// What one life of a process is given.
struct Life<'a> {
    database: &'a Path,
    format: &'a Format,
    debate: &'a DebateId,
    agents: &'a Counting,
    catalog: &'a Arc<Catalog>,
    formats: &'a Arc<FormatLibrary>,
}

impl Life<'_> {
    /// Creates the debate, or goes on with it, until it is over or the process has stored so many events more.
    fn live(&self, create: bool, events: usize) -> Vec<Envelope> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .expect("a runtime");
        let log = runtime.block_on(async {
            let owner = OwnerId::fresh();
            let url = format!("sqlite:{}", self.database.display());
            let store = Arc::new(SqliteStore::open(&url, &owner).await.expect("a database"));
            if create {
                self.create(&store, &owner).await;
            }
            let log = Arc::new(Dying::after(Arc::clone(&store), events));
            let engine = Engine::new(EngineParts {
                log: Arc::clone(&log) as _,
                debates: Arc::clone(&store) as _,
                clients: Arc::new(self.agents.clone()),
                live: Arc::new(LiveBus::default()),
                catalog: Arc::clone(self.catalog),
                formats: Arc::clone(self.formats),
                roster: Arc::new(Anybody),
                clock: Clock::system(),
                owner,
                observers: Observers::default(),
                config: DebateConfig::default(),
            });
            if events > 0 {
                assert!(
                    engine.adopt(self.debate).await.expect("it is there"),
                    "nobody else runs it"
                );
                let ended = async {
                    tokio::select! {
                        () = log.died.notified() => {}
                        () = log.over.notified() => {}
                    }
                };
                let patience = Duration::from_secs(30);
                let ended = tokio::time::timeout(patience, ended).await;
                assert!(ended.is_ok(), "{} hangs", self.debate);
            }
            store
                .read(self.debate, 0, 10_000)
                .await
                .expect("it is there")
        });
        // Nothing is told to stop: whatever runs is gone, as when the process is killed.
        drop(runtime);
        log
    }

    async fn create(&self, store: &SqliteStore, owner: &OwnerId) {
        let created = play::order(self.format, 7, false);
        let spec = created.spec.clone();
        let (_, first) = State::create(created);
        let new = NewDebate {
            id: self.debate.clone(),
            title: spec.title,
            topic: spec.topic,
            format: spec.format.id,
            cast: Vec::new(),
            at_ms: Clock::wall_ms(),
            owner: owner.clone(),
            events: vec![first],
            idempotency: None,
        };
        store.create(new).await.expect("it is new");
    }
}

/// What every turn came to, by its id.
fn turns(log: &[Envelope]) -> BTreeMap<String, Vec<String>> {
    let mut turns: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for event in log {
        let said = match &event.body {
            EventBody::TurnCompleted(turn) => turn.text.clone(),
            EventBody::TurnFailed(failed) => failed.reason.clone(),
            _ => continue,
        };
        let turn = event
            .turn
            .as_ref()
            .map(ToString::to_string)
            .unwrap_or_default();
        turns.entry(turn).or_default().push(said);
    }
    turns
}

/// How many turns a log leaves open.
fn under_way(log: &[Envelope]) -> usize {
    let ended = turns(log);
    let mut open: Vec<String> = log
        .iter()
        .filter(|event| matches!(event.body, EventBody::TurnStarted(_)))
        .filter_map(|event| Some(event.turn.as_ref()?.to_string()))
        .filter(|turn| !ended.contains_key(turn))
        .collect();
    open.dedup();
    open.len()
}

fn verdict(log: &[Envelope]) -> &Verdict {
    let verdicts: Vec<&Verdict> = log
        .iter()
        .filter_map(|event| match &event.body {
            EventBody::VerdictFinal(verdict) => Some(verdict.as_ref()),
            _ => None,
        })
        .collect();
    assert_eq!(verdicts.len(), 1, "one verdict");
    verdicts[0]
}

/// In memory where the machine has a place for that: the test kills some thousand processes.
fn folder() -> tempfile::TempDir {
    let shared = Path::new("/dev/shm");
    let made = if shared.is_dir() {
        tempfile::tempdir_in(shared)
    } else {
        tempfile::tempdir()
    };
    made.expect("a folder")
}

#[test]
fn a_process_may_die_after_any_event_of_any_format() {
    let folder = folder();
    let known = (
        Arc::new(Catalog::embedded()),
        Arc::new(FormatLibrary::embedded()),
    );
    let all = play::formats();
    // Two at a time: nothing of one format touches another's.
    let halves = all.chunks(all.len().div_ceil(2));
    let deaths: usize = std::thread::scope(|scope| {
        let die = |half: &[Arc<Format>]| -> usize {
            let deaths = half
                .iter()
                .map(|format| die_everywhere(folder.path(), format, &known));
            deaths.sum()
        };
        let threads: Vec<_> = halves.map(|half| scope.spawn(move || die(half))).collect();
        let each = threads.into_iter().map(|thread| thread.join());
        each.map(|deaths| deaths.expect("the reason stands above"))
            .sum()
    });
    assert!(deaths > 200, "only {deaths} deaths");
}

/// Dies once after each event of a debate of a format. Returns how often.
fn die_everywhere(
    folder: &Path,
    format: &Format,
    (catalog, formats): &(Arc<Catalog>, Arc<FormatLibrary>),
) -> usize {
    let database = folder.join(format!("{}.db", format.id));
    let life = |debate: &DebateId, agents: &Counting, create: bool, events: usize| {
        let life = Life {
            database: &database,
            format,
            debate,
            agents,
            catalog,
            formats,
        };
        life.live(create, events)
    };
    let (undisturbed, calm) = (
        DebateId::new(format!("{}-calm", format.id)),
        Counting::default(),
    );
    let whole = life(&undisturbed, &calm, true, usize::MAX);
    assert!(
        whole.last().is_some_and(|event| event.body.ends_debate()),
        "{}",
        format.id
    );
    let calm = calm.asked();
    for events in 1..whole.len() {
        let debate = DebateId::new(format!("{}-{events}", format.id));
        let agents = Counting::default();
        // The first event is stored with the debate itself.
        let before = life(&debate, &agents, true, events - 1);
        assert_eq!(before.len(), events, "{debate}: it died in time");
        let after = life(&debate, &agents, false, usize::MAX);
        check(&debate, (&whole, &before, &after));
        let asked = agents.asked();
        let again: u32 = asked
            .iter()
            .map(|(call, times)| times - calm.get(call).copied().unwrap_or(0))
            .sum();
        assert!(
            again as usize <= under_way(&before),
            "{debate}: {again} calls were made again"
        );
        assert!(
            asked
                .iter()
                .all(|(call, times)| *times <= calm.get(call).copied().unwrap_or(0) + 1),
            "{debate}: a call was made thrice"
        );
    }
    whole.len() - 1
}

fn check(debate: &DebateId, (whole, before, after): (&[Envelope], &[Envelope], &[Envelope])) {
    let seqs: Vec<u64> = after.iter().map(|event| event.seq).collect();
    assert_eq!(
        seqs,
        (1..=after.len() as u64).collect::<Vec<_>>(),
        "{debate}: every number once"
    );
    assert_eq!(
        after[..before.len()],
        *before,
        "{debate}: what was stored stays as it was"
    );
    assert_eq!(
        turns(after),
        turns(whole),
        "{debate}: no turn is lost, doubled or another one"
    );
    let (is, was) = (verdict(after), verdict(whole));
    assert_eq!(
        (is.status, &is.winner, &is.answer, &is.tally, &is.panel),
        (was.status, &was.winner, &was.answer, &was.tally, &was.panel),
        "{debate}"
    );
    State::replay(after).unwrap_or_else(|error| panic!("{debate}: {error}"));
}
