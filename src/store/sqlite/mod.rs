//! The store on SQLite: one writer, several readers, write-ahead log.

mod debates;
mod events;
mod open;
mod rows;
mod settings;
mod usage;

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering;
use std::time::Duration;

use sqlx::Sqlite;
use sqlx::SqlitePool;
use sqlx::Transaction;

use super::StoreError;
use super::alive::Alive;

/// How long a debate stays a process's own without being renewed.
pub const LEASE: Duration = Duration::from_secs(15);

/// How long an idempotency key is remembered.
const IDEMPOTENCY_MS: u64 = 24 * 60 * 60 * 1000;

/// The store on SQLite.
#[derive(Debug, Clone)]
pub struct SqliteStore {
    /// One connection: writers queue here instead of failing as busy.
    writer: SqlitePool,
    /// Readers see the last committed state and never wait for the writer.
    readers: SqlitePool,
    /// `true` when the last write failed.
    unwritten: Arc<AtomicBool>,
    /// The database file; `None` in memory.
    file: Option<PathBuf>,
    /// Held for as long as the store is open.
    _alive: Option<Arc<Alive>>,
}

impl SqliteStore {
    /// Begins a transaction that holds the write lock from its first statement on.
    async fn begin(&self) -> Result<Transaction<'static, Sqlite>, StoreError> {
        self.writer
            .begin_with("BEGIN IMMEDIATE")
            .await
            .map_err(failure)
    }

    /// Remembers whether a write could be made. A write that was refused for what it says could be.
    fn noted<T>(&self, written: Result<T, StoreError>) -> Result<T, StoreError> {
        match &written {
            Ok(_) => self.unwritten.store(false, Ordering::Relaxed),
            Err(StoreError::Unavailable(_)) => self.unwritten.store(true, Ordering::Relaxed),
            Err(
                StoreError::NotFound(_)
                | StoreError::StillRunning(_)
                | StoreError::KeyReused
                | StoreError::Fenced(_)
                | StoreError::NewerDatabase(_)
                | StoreError::Corrupt(_),
            ) => {}
        }
        written
    }

    /// Closes the database, so that the next process finds it in order.
    pub async fn close(&self) {
        self.readers.close().await;
        self.writer.close().await;
    }
}

/// SQLite's primary result codes that have a remedy worth naming. Source: <https://www.sqlite.org/rescode.html>.
#[expect(
    clippy::needless_pass_by_value,
    reason = "it is handed to map_err everywhere"
)]
fn failure(error: sqlx::Error) -> StoreError {
    let code = error
        .as_database_error()
        .and_then(|error| error.code())
        .and_then(|code| code.parse::<i64>().ok());
    let help = match code.map(|code| code & 0xff) {
        Some(13) => "the disk is full: free some room; nothing was written in part",
        Some(8) => "the database is read-only: check the file's and its folder's permissions",
        Some(14) => {
            "the database file cannot be opened: check that its folder exists and is writable"
        }
        Some(11 | 26) => {
            "the file is damaged or no SQLite database: restore it from a copy, or name another"
        }
        Some(10) => "the disk reported an error",
        Some(5 | 6) => "another process has held the database for too long",
        _ => return StoreError::Unavailable(format!("the database failed: {error}")),
    };
    StoreError::Unavailable(format!("{help} ({error})"))
}

/// SQLite has signed integers only; Agon's counts stay far below their limit.
fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

fn unsigned(number: i64) -> u64 {
    u64::try_from(number).unwrap_or(0)
}
