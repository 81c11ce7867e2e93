//! Looks after files: editors that write anew, and Kubernetes, which swaps a link to a folder.

use std::collections::BTreeSet;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::time::Duration;

use notify::RecommendedWatcher;
use notify::RecursiveMode;
use notify::Watcher;
use tokio::sync::mpsc;

/// How long files have to be left alone before they are read: writing one is several events.
const QUIET: Duration = Duration::from_millis(250);
/// Looks at the files without being told, for file systems that tell nothing.
const ANYWAY: Duration = Duration::from_secs(30);
/// A file longer than this is no settings file.
const MAX_BYTES: u64 = 16 << 20;

/// Files whose contents are looked after.
pub(super) struct Watch {
    files: Mutex<BTreeSet<PathBuf>>,
    /// What the files held when they were read last.
    seen: Mutex<blake3::Hash>,
}

impl Watch {
    /// Begins with these files as they are now.
    pub(super) fn new(files: &[PathBuf]) -> Self {
        let files: BTreeSet<PathBuf> = files.iter().cloned().collect();
        Self {
            seen: Mutex::new(contents(&files)),
            files: Mutex::new(files),
        }
    }

    /// Looks after other files from now on; they were just read.
    pub(super) fn look_after(&self, files: &[PathBuf]) {
        let files: BTreeSet<PathBuf> = files.iter().cloned().collect();
        *self.seen.lock().unwrap_or_else(PoisonError::into_inner) = contents(&files);
        *self.files.lock().unwrap_or_else(PoisonError::into_inner) = files;
    }

    /// Resolves when the files hold something else than before, and are left alone. Never, where there are none.
    pub(super) async fn changed(&self) {
        loop {
            let files = self.files();
            if files.is_empty() {
                return std::future::pending().await;
            }
            let (tell, mut told) = mpsc::channel(1);
            // Made anew each time: a file that was replaced is another one to the system.
            let watcher = watcher(&files, tell);
            // What happened while nobody watched.
            if self.holds_something_else(&files) {
                self.are_left_alone(&files).await;
                return;
            }
            let event = tokio::time::timeout(ANYWAY, told.recv()).await;
            if let Ok(Some(())) = event {
                while tokio::time::timeout(QUIET, told.recv())
                    .await
                    .is_ok_and(|it| it.is_some())
                {}
            }
            drop(watcher);
            if self.holds_something_else(&self.files()) {
                self.are_left_alone(&files).await;
                return;
            }
        }
    }

    /// Waits until the files hold the same for a while: one that is being written may be empty at the moment, and an
    /// empty file is a valid one.
    async fn are_left_alone(&self, files: &BTreeSet<PathBuf>) {
        loop {
            tokio::time::sleep(QUIET).await;
            if !self.holds_something_else(files) {
                return;
            }
        }
    }

    fn files(&self) -> BTreeSet<PathBuf> {
        let files = self.files.lock().unwrap_or_else(PoisonError::into_inner);
        files.clone()
    }

    /// Takes note of what they hold, so that a file with a mistake is told of once.
    fn holds_something_else(&self, files: &BTreeSet<PathBuf>) -> bool {
        let now = contents(files);
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::replace(&mut *seen, now) != now
    }
}

/// Watches each file and its folder: a file that is mounted alone is seen by itself, one that is swapped by its folder.
fn watcher(files: &BTreeSet<PathBuf>, tell: mpsc::Sender<()>) -> Option<RecommendedWatcher> {
    let event = move |event: notify::Result<notify::Event>| {
        let is_read = event.is_ok_and(|event| event.kind.is_access());
        if !is_read {
            // A full queue has been told already.
            let _ = tell.try_send(());
        }
    };
    let mut watcher = match notify::recommended_watcher(event) {
        Ok(watcher) => watcher,
        Err(error) => {
            tracing::warn!(%error, "files cannot be watched: they are looked at every 30 s");
            return None;
        }
    };
    for file in files {
        for path in [file.as_path(), folder(file)] {
            if let Err(error) = watcher.watch(path, RecursiveMode::NonRecursive) {
                tracing::debug!(%error, path = %path.display(), "cannot be watched");
            }
        }
    }
    Some(watcher)
}

fn folder(file: &Path) -> &Path {
    match file.parent() {
        Some(folder) if folder != Path::new("") => folder,
        Some(_) | None => Path::new("."),
    }
}

/// One hash of all contents; a file that cannot be read counts as empty.
fn contents(files: &BTreeSet<PathBuf>) -> blake3::Hash {
    let mut hasher = blake3::Hasher::new();
    for file in files {
        let size = std::fs::metadata(file).map_or(0, |it| it.len());
        let text = match size <= MAX_BYTES {
            true => std::fs::read(file).unwrap_or_default(),
            false => Vec::new(),
        };
        hasher.update(&(text.len() as u64).to_le_bytes());
        hasher.update(&text);
    }
    hasher.finalize()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Long enough for a busy machine; a change is told within a second.
    const SOON: Duration = Duration::from_secs(20);

    async fn is_told_of(watch: &Watch, change: impl FnOnce()) {
        let told = watch.changed();
        tokio::pin!(told);
        // Once, so that it watches.
        assert!(futures::poll!(&mut told).is_pending());
        change();
        tokio::time::timeout(SOON, told).await.expect("it is told");
    }

    #[tokio::test]
    async fn a_file_that_is_written_replaced_or_swapped_behind_a_link_is_told_of() {
        let home = tempfile::tempdir().unwrap();
        let file = home.path().join("config.yaml");
        std::fs::write(&file, "a").unwrap();
        let watch = Watch::new(std::slice::from_ref(&file));
        is_told_of(&watch, || std::fs::write(&file, "b").unwrap()).await;
        let other = home.path().join("new");
        is_told_of(&watch, || {
            std::fs::write(&other, "c").unwrap();
            std::fs::rename(&other, &file).unwrap();
        })
        .await;
    }

    // A mounted ConfigMap: config.yaml -> ..data/config.yaml, ..data -> a folder of its own for each version.
    #[cfg(unix)]
    #[tokio::test]
    async fn a_folder_that_is_swapped_as_kubernetes_does_is_told_of() {
        use std::os::unix::fs::symlink;
        let home = tempfile::tempdir().unwrap();
        let at = |name: &str| home.path().join(name);
        for (version, text) in [("..1", "a"), ("..2", "b")] {
            std::fs::create_dir(at(version)).unwrap();
            std::fs::write(at(version).join("config.yaml"), text).unwrap();
        }
        symlink("..1", at("..data")).unwrap();
        symlink("..data/config.yaml", at("config.yaml")).unwrap();
        let watch = Watch::new(&[at("config.yaml")]);
        is_told_of(&watch, || {
            symlink("..2", at("..data_tmp")).unwrap();
            std::fs::rename(at("..data_tmp"), at("..data")).unwrap();
        })
        .await;
    }

    #[tokio::test]
    async fn a_file_that_is_written_as_it_was_is_not_told_of() {
        let home = tempfile::tempdir().unwrap();
        let file = home.path().join("config.yaml");
        std::fs::write(&file, "a").unwrap();
        let watch = Watch::new(std::slice::from_ref(&file));
        std::fs::write(&file, "a").unwrap();
        assert!(!watch.holds_something_else(&watch.files()));
        std::fs::write(&file, "b").unwrap();
        assert!(watch.holds_something_else(&watch.files()));
        assert!(!watch.holds_something_else(&watch.files()), "told once");
    }
}
