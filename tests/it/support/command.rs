//! The program as somebody runs it from a folder of their own, with demo models that speak fast.

use std::path::Path;
use std::process::Output;
use std::process::Stdio;
use std::time::Duration;

use tempfile::TempDir;
use tokio::process::Command;

/// Longest time that a command may take.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// The program with these arguments and nothing else in its environment.
pub(crate) fn agon(home: &Path, args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_agon"));
    command
        .args(args)
        .current_dir(home)
        .env_clear()
        .env("HOME", home)
        .env("AGON_DEMO_PACE", "fast")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    command
}

/// Runs it to its end.
pub(crate) async fn run(home: &TempDir, args: &[&str]) -> Output {
    let ended = tokio::time::timeout(PATIENCE, agon(home.path(), args).output()).await;
    ended.expect("it ends by itself").expect("it starts")
}

/// What it wrote, as text.
pub(crate) fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
