//! Finds the local servers that are running, and what is installed there, without any configuration.

mod probe;
mod read;

use std::fmt;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::time::Duration;

use futures::future::join_all;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::Instant;

use self::probe::Probe;
use super::environment::Environment;
use super::local::ask::Asker;
use super::transport::Transport;
use crate::catalog::Catalog;

/// How old a finding may be before it is looked up again.
const FRESH_FOR: Duration = Duration::from_secs(10);
/// How long finding out about one server may take.
const PROBE_LIMIT: Duration = Duration::from_secs(2);

/// A local server that answered.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Discovered {
    /// The provider's id.
    pub provider: String,
    /// Where it answered.
    pub base_url: String,
    /// What is installed there, as the server lists it.
    pub models: Vec<DiscoveredModel>,
}

/// A model that is installed. What the server does not tell is `None`.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize)]
pub struct DiscoveredModel {
    /// Its name behind the provider's slash.
    pub name: String,
    /// Its size on disk.
    pub size_bytes: Option<u64>,
    /// Its parameters as the server writes them, for example `8.0B`.
    pub parameter_size: Option<String>,
    /// How its weights are stored, for example `Q4_K_M`.
    pub quantization: Option<String>,
    /// The context that it can have, in tokens.
    pub context_tokens: Option<u64>,
    /// What it can do, in the server's own words, for example `completion` or `tools`.
    pub capabilities: Vec<String>,
    /// `true` when it is in memory and answers without loading.
    pub loaded: Option<bool>,
    /// The context that it is in memory with, in tokens.
    pub loaded_context_tokens: Option<u64>,
    /// What it takes of all memory.
    pub memory_bytes: Option<u64>,
    /// What it takes of the video memory.
    pub vram_bytes: Option<u64>,
    /// When it leaves the memory, unless it is called before (RFC 3339).
    pub expires_at: Option<String>,
}

/// What was found, and when.
#[derive(Clone)]
struct Finding {
    at: Instant,
    servers: Arc<[Discovered]>,
}

/// Looks for local servers, at most every ten seconds.
pub struct Discovery {
    probes: Arc<[Probe]>,
    finding: watch::Sender<Option<Finding>>,
    /// The look-up under way, which ends with this value.
    looking: Mutex<JoinSet<()>>,
}

impl Discovery {
    /// Prepares to ask every local provider of the catalog, at its usual address or the environment's.
    ///
    /// # Errors
    /// When the HTTP client cannot be made.
    pub fn new(
        catalog: &Catalog,
        environment: &Environment,
        transport: &Transport,
    ) -> Result<Self, reqwest::Error> {
        let asker = Asker::new(transport)?;
        // Several servers have the same usual port: one that answers there is one server and not three. It is
        // who the operator says it is, else the first by its id.
        let mut specs = Vec::from_iter(catalog.providers());
        specs.sort_by_key(|spec| environment.first_of(&spec.base_url_env).is_none());
        let mut probes: Vec<Probe> = Vec::new();
        for spec in specs {
            let Some(probe) = Probe::of(spec, environment, asker.clone()) else {
                continue;
            };
            if !probes.iter().any(|earlier| earlier.asks_where(&probe)) {
                probes.push(probe);
            }
        }
        Ok(Self {
            probes: probes.into(),
            finding: watch::Sender::new(None),
            looking: Mutex::default(),
        })
    }

    /// Returns what was found last, at once; nothing before the first look-up has ended. An old finding is
    /// looked up again behind the caller's back.
    pub fn latest(&self) -> Arc<[Discovered]> {
        let finding = self.finding.borrow().clone();
        if !finding.as_ref().is_some_and(Finding::is_fresh) {
            self.look();
        }
        finding.map_or_else(|| Arc::from([]), |finding| finding.servers)
    }

    /// Returns what is found now: waits, about two seconds at most, when the last finding is old.
    pub async fn current(&self) -> Arc<[Discovered]> {
        let mut findings = self.finding.subscribe();
        if !findings.borrow().as_ref().is_some_and(Finding::is_fresh) {
            self.look();
        }
        let fresh = findings.wait_for(|finding| finding.as_ref().is_some_and(Finding::is_fresh));
        match tokio::time::timeout(PROBE_LIMIT * 2, fresh).await {
            Ok(Ok(finding)) => finding
                .as_ref()
                .map_or_else(|| Arc::from([]), |finding| Arc::clone(&finding.servers)),
            Ok(Err(_)) | Err(_) => self.latest(),
        }
    }

    /// Starts a look-up unless one is under way.
    fn look(&self) {
        let mut looking = self.looking.lock().unwrap_or_else(PoisonError::into_inner);
        while looking.try_join_next().is_some() {}
        if !looking.is_empty() {
            return;
        }
        let probes = Arc::clone(&self.probes);
        let finding = self.finding.clone();
        looking.spawn(async move {
            let asked = probes.iter().map(Probe::ask);
            let servers = join_all(asked).await.into_iter().flatten().collect();
            finding.send_replace(Some(Finding {
                at: Instant::now(),
                servers,
            }));
        });
    }
}

impl Finding {
    fn is_fresh(&self) -> bool {
        self.at.elapsed() < FRESH_FOR
    }
}

impl fmt::Debug for Discovery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Discovery").finish_non_exhaustive()
    }
}
