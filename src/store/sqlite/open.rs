//! Opening a database: where it is, how it is kept, and bringing its tables up to date.

use std::path::Path;
use std::path::PathBuf;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use sqlx::Connection;
use sqlx::migrate::MigrateError;
use sqlx::migrate::Migrator;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::sqlite::SqliteJournalMode;
use sqlx::sqlite::SqlitePoolOptions;
use sqlx::sqlite::SqliteSynchronous;

use super::SqliteStore;
use crate::store::OwnerId;
use crate::store::StoreError;
use crate::store::alive::Alive;

static MIGRATIONS: Migrator = sqlx::migrate!("migrations/sqlite");

/// How long a statement waits for another process to finish writing.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);
const READERS: u32 = 4;

impl SqliteStore {
    /// Opens a database, creating it if there is none: `sqlite:./agon.db`, `sqlite:///var/lib/agon.db`,
    /// `sqlite::memory:`, or a bare path.
    ///
    /// # Errors
    /// `Unavailable` with the file and what to do; `NewerDatabase` when a newer Agon wrote it.
    pub async fn open(url: &str, owner: &OwnerId) -> Result<Self, StoreError> {
        let file = file_of(url)?;
        if let Some(file) = &file {
            check_folder(file)?;
        }
        let named = |error: StoreError| match (&file, error) {
            (Some(file), StoreError::Unavailable(help)) => {
                StoreError::Unavailable(format!("{}: {help}", file.display()))
            }
            (_, error) => error,
        };
        let options = options(file.as_deref())?;
        let writer = SqlitePoolOptions::new()
            .max_connections(1)
            .idle_timeout(None)
            .max_lifetime(None);
        // SQLite takes a transaction back by itself when the disk is full or fails (https://www.sqlite.org/lang_transaction.html).
        // sqlx's own rollback then fails, and it holds the connection for busy with a transaction for ever
        // (sqlx-sqlite 0.9, src/connection/worker.rs, read 2026-11-24): nothing could be written until a restart.
        let writer = match &file {
            Some(_) => writer.before_acquire(|connection, _| {
                Box::pin(async move { Ok(!connection.is_in_transaction()) })
            }),
            // Memory belongs to its one connection, and knows no full disk.
            None => writer,
        };
        let writer = writer
            .connect_with(options.clone())
            .await
            .map_err(|error| named(super::failure(error)))?;
        migrate(&writer, file.as_deref()).await.map_err(named)?;
        // Memory belongs to its one connection.
        let readers = match &file {
            Some(_) => SqlitePoolOptions::new()
                .max_connections(READERS)
                .connect_lazy_with(options.read_only(true)),
            None => writer.clone(),
        };
        let alive = match &file {
            Some(file) => Some(Arc::new(
                Alive::hold(file, owner).map_err(|error| unwritable(file, &error))?,
            )),
            None => None,
        };
        Ok(Self {
            writer,
            readers,
            unwritten: Arc::default(),
            file,
            _alive: alive,
        })
    }
}

fn options(file: Option<&Path>) -> Result<SqliteConnectOptions, StoreError> {
    let options = match file {
        Some(file) => SqliteConnectOptions::new()
            .filename(file)
            .journal_mode(SqliteJournalMode::Wal),
        None => SqliteConnectOptions::from_str("sqlite::memory:").map_err(super::failure)?,
    };
    // FULL, because a durable event is sent to people as soon as it is stored: with NORMAL the last transactions
    // can be gone after a power cut, and a client would hold events that the log no longer has.
    Ok(options
        .create_if_missing(true)
        .synchronous(SqliteSynchronous::Full)
        .busy_timeout(BUSY_TIMEOUT)
        .foreign_keys(true))
}

async fn migrate(writer: &sqlx::SqlitePool, file: Option<&Path>) -> Result<(), StoreError> {
    // Two processes may start on a new file at once: the second one finds the first one's tables half made, or
    // the file locked, and comes again.
    let mut tries = 0;
    loop {
        let error = match MIGRATIONS.run(writer).await {
            Ok(()) => return Ok(()),
            Err(error) => error,
        };
        let name = file.map_or_else(|| ":memory:".to_owned(), |file| file.display().to_string());
        match error {
            MigrateError::VersionMissing(version) => {
                let newest = MIGRATIONS
                    .iter()
                    .map(|migration| migration.version)
                    .max()
                    .unwrap_or(0);
                return Err(StoreError::NewerDatabase(format!(
                    "{name} was written by a newer Agon (its tables are at version {version}, this one knows \
                     {newest}): start the newer Agon, or name another database"
                )));
            }
            _ if tries < 20 => tries += 1,
            MigrateError::Execute(error) => return Err(super::failure(error)),
            other => {
                return Err(StoreError::Unavailable(format!(
                    "the tables cannot be brought up to date: {other}"
                )));
            }
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// The file that a URL names; `None` for memory.
fn file_of(url: &str) -> Result<Option<PathBuf>, StoreError> {
    let rest = match url.split_once(':') {
        Some(("sqlite", rest)) => rest.strip_prefix("//").unwrap_or(rest),
        Some((scheme, _)) if url.contains("://") => {
            return Err(StoreError::Unavailable(format!(
                "\"{scheme}\" databases are not available in this version: write sqlite:./agon.db"
            )));
        }
        Some(_) | None => url,
    };
    let path = rest.split('?').next().unwrap_or_default();
    match path {
        ":memory:" => Ok(None),
        "" => Err(StoreError::Unavailable(
            "the database has no name: write sqlite:./agon.db".to_owned(),
        )),
        path => Ok(Some(PathBuf::from(path))),
    }
}

fn check_folder(file: &Path) -> Result<(), StoreError> {
    let folder = file
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty())
        .unwrap_or(Path::new("."));
    if !folder.is_dir() {
        let (file, folder) = (file.display(), folder.display());
        return Err(StoreError::Unavailable(format!(
            "{file}: the folder {folder} does not exist: create it"
        )));
    }
    if file.is_dir() {
        return Err(StoreError::Unavailable(format!(
            "{}: that is a folder, not a file",
            file.display()
        )));
    }
    Ok(())
}

fn unwritable(file: &Path, error: &std::io::Error) -> StoreError {
    StoreError::Unavailable(format!(
        "{}: the folder must be writable, for a lock beside the database ({error})",
        file.display()
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Debates;
    use crate::store::Settings;

    #[tokio::test]
    async fn a_disk_that_was_full_can_be_written_again_when_there_is_room() {
        let folder = std::env::temp_dir().join(format!("agon-full-{}", uuid::Uuid::now_v7()));
        std::fs::create_dir(&folder).unwrap();
        let url = format!("sqlite:{}", folder.join("agon.db").display());
        let store = SqliteStore::open(&url, &OwnerId("one".to_owned()))
            .await
            .unwrap();
        // As many pages as there are: the next one is refused as on a full disk.
        sqlx::query("PRAGMA max_page_count = 1")
            .execute(&store.writer)
            .await
            .unwrap();
        let long = "x".repeat(1_000_000);
        let mut transaction = store.begin().await.unwrap();
        let full = sqlx::query("INSERT INTO settings (name, value) VALUES ('long', ?)")
            .bind(&long)
            .execute(&mut *transaction)
            .await
            .map_err(super::super::failure);
        drop(transaction);
        let full = store.noted(full.map(drop));
        assert!(full.unwrap_err().to_string().contains("disk is full"));
        // The connection that was rolled back has been replaced by another.
        sqlx::query("PRAGMA max_page_count = 1")
            .execute(&store.writer)
            .await
            .unwrap();
        let writable = store.check_writable().await;
        assert!(writable.unwrap_err().to_string().contains("disk is full"));
        // Room again.
        sqlx::query("PRAGMA max_page_count = 100000")
            .execute(&store.writer)
            .await
            .unwrap();

        store.check_writable().await.unwrap();
        assert_eq!(store.setting("store.probe").await.unwrap(), None);
        let mut transaction = store.begin().await.unwrap();
        sqlx::query("INSERT INTO settings (name, value) VALUES ('long', ?)")
            .bind(serde_json::json!(long).to_string())
            .execute(&mut *transaction)
            .await
            .unwrap();
        transaction.commit().await.unwrap();
        assert_eq!(
            store.setting("long").await.unwrap(),
            Some(serde_json::json!(long))
        );
        store.close().await;
        std::fs::remove_dir_all(&folder).unwrap();
    }
}
