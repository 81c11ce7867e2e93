//! Proof that a process lives: a lock that the operating system takes away when it dies.
//!
//! Every process that opens a database file holds a lock on `<file>.owner-<id>`. Whoever can take that lock
//! knows that its owner is dead, however it died, and may go on with its debates at once. A process on another
//! machine cannot be proven dead this way; its leases simply end.

use std::fs::File;
use std::fs::OpenOptions;
use std::fs::TryLockError;
use std::path::Path;
use std::path::PathBuf;

use super::OwnerId;

/// The lock of one process on one database file.
#[derive(Debug)]
pub(super) struct Alive {
    path: PathBuf,
    /// Held for its lock; closing it, or dying, gives the lock up.
    _file: File,
}

impl Alive {
    /// Takes the lock.
    pub(super) fn hold(database: &Path, owner: &OwnerId) -> std::io::Result<Self> {
        let path = lock_path(database, owner);
        let file = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .open(&path)?;
        file.lock()?;
        Ok(Self { path, _file: file })
    }
}

impl Drop for Alive {
    fn drop(&mut self) {
        // A file that stays behind says no more than none: nobody holds its lock.
        let _ = std::fs::remove_file(&self.path);
    }
}

/// `true` when the owner is certainly dead. An owner without a lock file ended in order, or removed it on dying.
pub(super) fn is_dead(database: &Path, owner: &OwnerId) -> bool {
    let path = lock_path(database, owner);
    let Ok(file) = OpenOptions::new().write(true).open(&path) else {
        return !path.exists();
    };
    match file.try_lock() {
        Ok(()) => {
            let _ = std::fs::remove_file(&path);
            true
        }
        Err(TryLockError::WouldBlock | TryLockError::Error(_)) => false,
    }
}

fn lock_path(database: &Path, owner: &OwnerId) -> PathBuf {
    let mut name = database.as_os_str().to_owned();
    name.push(format!(".owner-{}", owner.0));
    PathBuf::from(name)
}
