//! The program's commands, as people and scripts use them.

use std::path::Path;
use std::process::Output;
use std::process::Stdio;
use std::time::Duration;

use serde_json::Value;
use tempfile::TempDir;
use tokio::process::Command;

fn agon(home: &Path, args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_agon"));
    command
        .args(args)
        .current_dir(home)
        .env_clear()
        .env("HOME", home)
        .env("AGON_DEMO_PACE", "fast");
    command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    command
}

async fn run(home: &TempDir, args: &[&str]) -> Output {
    let ended =
        tokio::time::timeout(Duration::from_secs(30), agon(home.path(), args).output()).await;
    ended.expect("it ends by itself").expect("it starts")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[tokio::test]
async fn help_names_every_command() {
    let home = tempfile::tempdir().unwrap();
    let help = text(&run(&home, &["--help"]).await.stdout);
    for command in [
        "serve",
        "debate",
        "resume",
        "watch",
        "models",
        "formats",
        "ollama",
        "providers",
        "check-config",
    ] {
        assert!(
            help.contains(&format!("  {command}")),
            "{command} is missing in {help}"
        );
    }
}

#[tokio::test]
async fn lists_are_for_programs_too() {
    let home = tempfile::tempdir().unwrap();
    for (args, id) in [
        (["models", "--json"], "ollama/llama2:13b"),
        (["formats", "--json"], "oxford"),
    ] {
        let listed: Value = serde_json::from_slice(&run(&home, &args).await.stdout).unwrap();
        assert!(
            listed["data"]
                .as_array()
                .unwrap()
                .iter()
                .any(|it| it["id"] == id),
            "{id}"
        );
    }
}

#[tokio::test]
async fn a_debate_runs_without_a_server() {
    let home = tempfile::tempdir().unwrap();
    let args = [
        "debate",
        "Is tea better?",
        "--agent",
        "pro=demo/optimist",
        "--agent",
        "con=demo/skeptic",
        "--judge",
        "demo/judge",
        "--seed",
        "3",
    ];
    let people = run(&home, &args).await;
    let told = text(&people.stdout);
    assert!(
        people.status.success() && told.contains("verdict:") && told.contains("complete: 7 calls"),
        "{told}"
    );
    assert!(
        !told.contains('\u{1b}'),
        "no colours where there is no terminal"
    );
    let programs = run(&home, &[&args[..], &["--json"]].concat()).await;
    let last: Value = serde_json::from_str(text(&programs.stdout).lines().last().unwrap()).unwrap();
    assert_eq!(
        (&last["type"], &last["data"]["outcome"]),
        (&"debate.finished".into(), &"complete".into())
    );
}

#[tokio::test]
async fn an_interrupt_pauses_and_resume_finishes() {
    let home = tempfile::tempdir().unwrap();
    let mut running = agon(home.path(), &["debate", "Is tea better?"])
        .env("AGON_DEMO_PACE", "40")
        .spawn()
        .unwrap();
    let mut out = tokio::io::BufReader::new(running.stdout.take().unwrap());
    let mut first = String::new();
    tokio::io::AsyncBufReadExt::read_line(&mut out, &mut first)
        .await
        .unwrap();
    let pid = running.id().unwrap().to_string();
    assert!(
        Command::new("kill")
            .args(["-INT", &pid])
            .status()
            .await
            .unwrap()
            .success()
    );
    let reading =
        tokio::spawn(async move { tokio::io::copy(&mut out, &mut tokio::io::sink()).await });
    let ended = running.wait_with_output().await.unwrap();
    reading.await.unwrap().unwrap();
    assert_eq!(ended.status.code(), Some(130));
    let told = text(&ended.stderr);
    let id = told
        .split("agon resume ")
        .nth(1)
        .and_then(|rest| rest.split(' ').next())
        .expect("it says how to go on");
    let resumed = run(&home, &["resume", id, "--json"]).await;
    assert!(resumed.status.success(), "{}", text(&resumed.stderr));
    assert!(text(&resumed.stdout).contains("debate.finished"));
    let again = run(&home, &["resume", id]).await;
    assert_eq!(again.status.code(), Some(1));
    assert!(
        text(&again.stderr).contains("is finished already"),
        "{}",
        text(&again.stderr)
    );
}

#[tokio::test]
async fn what_keeps_it_from_starting_is_one_clear_line() {
    let home = tempfile::tempdir().unwrap();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    std::fs::write(home.path().join("bad.yaml"), "server: {hots: x}\n").unwrap();
    let cases: [(&[&str], &str); 5] = [
        (
            &["serve", "--port", &port],
            "is taken: choose another with --port",
        ),
        (
            &[
                "serve",
                "--port",
                "0",
                "--database-url",
                "sqlite:/nowhere/at/all/agon.db",
            ],
            "does not exist: create it",
        ),
        (
            &["serve", "--port", "0", "--host", "0.0.0.0"],
            "set AGON_MASTER_KEY",
        ),
        (
            &["check-config", "--config", "bad.yaml"],
            "did you mean \"host\"?",
        ),
        (
            &[
                "debate",
                "x",
                "--agent",
                "pro=nobody/x",
                "--agent",
                "con=demo/skeptic",
            ],
            "there is no provider \"nobody\"",
        ),
    ];
    for (args, words) in cases {
        let output = run(&home, args).await;
        let told = text(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{args:?}: {told}");
        let lines: Vec<&str> = told
            .lines()
            .filter(|line| line.starts_with("agon: "))
            .collect();
        assert!(
            lines.len() == 1 && lines[0].contains(words),
            "{args:?}: {told}"
        );
    }
}
