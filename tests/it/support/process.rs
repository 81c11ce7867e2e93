//! A server that runs as a process of its own for the time of a test.

use std::path::PathBuf;
use std::process::ExitStatus;
use std::process::Stdio;
use std::time::Duration;

use tempfile::TempDir;
use tokio::process::Child;
use tokio::process::Command;
use tokio::time::Instant;
use tokio::time::sleep;
use tokio::time::timeout;

/// What a server says when it can be called.
const READY: &str = "listening on http://";

/// How long a server may take to start or to stop.
const PATIENCE: Duration = Duration::from_secs(60);

/// A running server. It is killed when it is dropped.
#[derive(Debug)]
pub(crate) struct Process {
    child: Child,
    base: String,
    log: PathBuf,
    _folder: TempDir,
}

impl Process {
    /// Starts a server and waits until it says where it listens.
    pub(crate) async fn start(mut command: Command) -> Self {
        let folder = TempDir::new().expect("a temporary folder can be made");
        let log = folder.path().join("log");
        let file = std::fs::File::create(&log).expect("the folder is new and empty");
        let copy = file
            .try_clone()
            .expect("a file that was just opened can be shared");
        command.stdin(Stdio::null()).stdout(copy).stderr(file);
        let spawned = command.kill_on_drop(true).spawn();
        let child = spawned.unwrap_or_else(|why| panic!("{command:?}: {why}"));
        let mut process = Self {
            child,
            base: String::new(),
            log,
            _folder: folder,
        };
        let deadline = Instant::now() + PATIENCE;
        while Instant::now() < deadline {
            if let Some(base) = address(&process.log()) {
                process.base = base;
                return process;
            }
            let ended = process.child.try_wait().expect("the child is ours");
            assert!(
                ended.is_none(),
                "{command:?} ended with {ended:?}:\n{}",
                process.log()
            );
            sleep(Duration::from_millis(20)).await;
        }
        panic!("{command:?} does not listen:\n{}", process.log());
    }

    /// Where it listens: `http://127.0.0.1:PORT`.
    pub(crate) fn base(&self) -> &str {
        &self.base
    }

    /// The process's number.
    pub(crate) fn id(&self) -> u32 {
        self.child.id().expect("it has not been waited for")
    }

    /// All that it has said so far.
    pub(crate) fn log(&self) -> String {
        let bytes = std::fs::read(&self.log).unwrap_or_default();
        String::from_utf8_lossy(&bytes).into_owned()
    }

    /// Kills it as `kill -9` does, and waits until it is gone.
    pub(crate) async fn kill(&mut self) {
        self.child.kill().await.expect("the child is ours");
    }

    /// Asks it to end, as `kill` does, and waits until it has.
    pub(crate) async fn stop(&mut self) -> ExitStatus {
        let id = self.child.id().expect("it has not been waited for");
        let asked = Command::new("kill").arg(id.to_string()).status().await;
        assert!(asked.is_ok_and(|status| status.success()), "kill {id}");
        let ended = timeout(PATIENCE, self.child.wait()).await;
        let ended = ended.unwrap_or_else(|_| panic!("it does not stop:\n{}", self.log()));
        ended.expect("the child is ours")
    }
}

fn address(log: &str) -> Option<String> {
    let (_, after) = log.split_once(READY)?;
    // Only a whole line: the file may be read while it is written.
    let (line, _) = after.split_once('\n')?;
    let address = line.split_whitespace().next()?;
    Some(format!("http://{address}"))
}

#[test]
fn the_address_is_read_from_a_whole_line() {
    let line = "INFO listening on http://127.0.0.1:8080";
    assert_eq!(address(line), None);
    let whole = format!("starting\n{line} (press Ctrl-C to stop)\nnext");
    assert_eq!(address(&whole).as_deref(), Some("http://127.0.0.1:8080"));
}

#[tokio::test]
async fn a_server_that_was_asked_to_stop_says_how_it_ended() {
    let mut command = Command::new("sh");
    let script = "trap 'echo bye; exit 3' TERM; echo listening on http://127.0.0.1:1; while :; do sleep 0.01; done";
    command.args(["-c", script]);
    let mut process = Process::start(command).await;
    assert_eq!(process.base(), "http://127.0.0.1:1");
    assert_eq!(process.stop().await.code(), Some(3));
    assert!(process.log().ends_with("bye\n"), "{}", process.log());
}

#[tokio::test]
async fn a_killed_server_has_no_last_words() {
    let mut command = Command::new("sh");
    let script = "trap 'echo bye' TERM EXIT; echo listening on http://127.0.0.1:1; while :; do sleep 0.01; done";
    command.args(["-c", script]);
    let mut process = Process::start(command).await;
    process.kill().await;
    assert!(!process.log().contains("bye"), "{}", process.log());
}
