//! What must outlive the process: small traits, and SQLite behind them. No SQL anywhere else.

mod alive;
mod sqlite;
mod usage;

pub use sqlite::LEASE;
pub use sqlite::SqliteStore;
pub use usage::UsageRow;
pub use usage::UsageRows;
pub use usage::UsageSpan;

use async_trait::async_trait;
use serde::Deserialize;
use serde::Serialize;

use crate::events::Draft;
use crate::events::Envelope;
use crate::types::DebateId;
use crate::types::debate::Outcome;
use crate::types::debate::Status;
use crate::types::debate::Totals;

/// Why the store could not do it.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Another process owns the debate now: this one must stop writing.
    #[error("debate {0} is owned by another process now")]
    Fenced(DebateId),
    /// There is no such debate.
    #[error("there is no debate {0}")]
    NotFound(DebateId),
    /// The debate is running, so it cannot be deleted.
    #[error("debate {0} is still running: stop it first")]
    StillRunning(DebateId),
    /// An idempotency key came again with another body.
    #[error("the idempotency key was used before with another body")]
    KeyReused,
    /// The database was written by a newer Agon.
    #[error("{0}")]
    NewerDatabase(String),
    /// The database cannot be opened or written: the message says which file and what to do.
    #[error("{0}")]
    Unavailable(String),
    /// A stored value cannot be read.
    #[error("stored data cannot be read: {0}")]
    Corrupt(String),
}

/// The log of every debate: the truth that everything else derives from.
#[async_trait]
pub trait EventLog: Send + Sync {
    /// Appends events and the debate's new summary in one transaction, if `lease` still holds.
    /// Returns the events with their numbers, `+1` each; when it returns, they are on disk.
    ///
    /// # Errors
    /// `Fenced` when another process claimed the debate since; then nothing is written.
    async fn append(
        &self,
        lease: &Lease,
        at_ms: u64,
        events: Vec<Draft>,
        progress: &Progress,
    ) -> Result<Vec<Envelope>, StoreError>;

    /// Reads up to `limit` events with `seq > after`, in order.
    ///
    /// # Errors
    /// `NotFound` when there is no such debate.
    async fn read(
        &self,
        debate: &DebateId,
        after: u64,
        limit: usize,
    ) -> Result<Vec<Envelope>, StoreError>;
}

/// The list of debates, and who owns each.
#[async_trait]
pub trait Debates: Send + Sync {
    /// Stores a new debate with its first events, owned by `owner`, in one transaction.
    /// With an idempotency key that was used before for the same body, returns that debate instead.
    ///
    /// # Errors
    /// `KeyReused` when the key was used for another body.
    async fn create(&self, debate: NewDebate) -> Result<CreateOutcome, StoreError>;

    /// One debate's summary.
    ///
    /// # Errors
    /// `NotFound`.
    async fn summary(&self, debate: &DebateId) -> Result<DebateSummary, StoreError>;

    /// Debates newest first, those that match.
    ///
    /// # Errors
    /// Only when the store itself fails.
    async fn list(&self, filter: &DebateFilter) -> Result<Vec<DebateSummary>, StoreError>;

    /// Deletes a debate that is over, with its events.
    ///
    /// # Errors
    /// `StillRunning`, `NotFound`.
    async fn delete(&self, debate: &DebateId) -> Result<(), StoreError>;

    /// Debates that are not over and that `owner` may claim at `now_ms`: nobody owns them, their owner's
    /// lease has ended, or their owner is dead.
    ///
    /// # Errors
    /// Only when the store itself fails.
    async fn claimable(&self, owner: &OwnerId, now_ms: u64) -> Result<Vec<DebateId>, StoreError>;

    /// Claims one debate: compare-and-set on its owner and epoch. `None` when another process was quicker,
    /// or owns it and lives.
    ///
    /// # Errors
    /// `NotFound`.
    async fn claim(
        &self,
        debate: &DebateId,
        owner: &OwnerId,
        now_ms: u64,
    ) -> Result<Option<Lease>, StoreError>;

    /// Extends a lease. `false` when it is lost.
    ///
    /// # Errors
    /// Only when the store itself fails.
    async fn renew(&self, lease: &Lease, now_ms: u64) -> Result<bool, StoreError>;

    /// Whether something can be stored. Where the last write failed, a small one is tried.
    ///
    /// # Errors
    /// As the write failed.
    async fn check_writable(&self) -> Result<(), StoreError>;

    /// Gives a lease up, so that another process may claim the debate at once.
    ///
    /// # Errors
    /// Only when the store itself fails.
    async fn release(&self, lease: &Lease) -> Result<(), StoreError>;
}

/// Settings that were made at run time and outlive a restart.
#[async_trait]
pub trait Settings: Send + Sync {
    /// The setting's JSON, if it was made.
    ///
    /// # Errors
    /// Only when the store itself fails.
    async fn setting(&self, key: &str) -> Result<Option<serde_json::Value>, StoreError>;

    /// Makes, changes or, with `None`, clears a setting.
    ///
    /// # Errors
    /// Only when the store itself fails.
    async fn set_setting(
        &self,
        key: &str,
        value: Option<&serde_json::Value>,
    ) -> Result<(), StoreError>;
}

/// A process that runs debates; unique per start of a process.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct OwnerId(pub String);

impl OwnerId {
    /// A name that no process had before.
    pub fn fresh() -> Self {
        Self(uuid::Uuid::now_v7().simple().to_string())
    }
}

/// The right to write a debate's events.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lease {
    /// The debate.
    pub debate: DebateId,
    /// Who holds it.
    pub owner: OwnerId,
    /// Counts up with every claim: an older number can write nothing.
    pub epoch: u64,
}

/// What a debate is stored as at first.
#[derive(Debug, Clone)]
pub struct NewDebate {
    /// Its id.
    pub id: DebateId,
    /// A short name.
    pub title: String,
    /// The question.
    pub topic: String,
    /// The format's id.
    pub format: String,
    /// Names of the cast, `name (provider/model)`, for lists.
    pub cast: Vec<String>,
    /// When.
    pub at_ms: u64,
    /// Who runs it.
    pub owner: OwnerId,
    /// The first events.
    pub events: Vec<Draft>,
    /// The caller's idempotency key and a hash of the body it came with.
    pub idempotency: Option<(String, String)>,
}

/// What became of a creation.
#[derive(Debug, Clone)]
pub enum CreateOutcome {
    /// It is new; the lease is the creator's.
    Created(Lease, Vec<Envelope>),
    /// The same key and body came before and made this debate.
    Existing(DebateId),
}

/// How a debate stands, written beside its events for lists.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Progress {
    /// Where it is in its life.
    pub status: Status,
    /// How good the result is; `None` before it is over.
    pub outcome: Option<Outcome>,
    /// The winner or answer in a few words; `None` before the verdict.
    pub verdict: Option<String>,
    /// What it has used.
    pub totals: Totals,
}

/// One debate in a list.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DebateSummary {
    /// Its id.
    pub id: DebateId,
    /// A short name.
    pub title: String,
    /// The question.
    pub topic: String,
    /// The format's id.
    pub format: String,
    /// Names of the cast.
    pub cast: Vec<String>,
    /// How it stands.
    #[serde(flatten)]
    pub progress: Progress,
    /// Milliseconds since the Unix epoch.
    pub created_at_ms: u64,
    /// Milliseconds since the Unix epoch.
    pub updated_at_ms: u64,
    /// The number of its last event.
    pub head_seq: u64,
}

/// Which debates, and how many.
#[derive(Debug, Clone, Default)]
pub struct DebateFilter {
    /// Only those that are there in their life.
    pub status: Option<Status>,
    /// Only those of this format.
    pub format: Option<String>,
    /// Only those older than this one: the cursor of a page.
    pub before: Option<DebateId>,
    /// At most so many.
    pub limit: usize,
}
