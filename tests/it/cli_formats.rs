//! `agon formats`, as people and scripts use it.

use std::fs;
use std::path::Path;
use std::process::Output;
use std::process::Stdio;
use std::time::Duration;

use serde_json::Value;
use tempfile::TempDir;
use tokio::process::Command;

/// A format of somebody's own, and what is wrong with another.
const MINE: &str = r#"[protocol]
id = "mine"
version = 1
title = "Mine"
description = "Two answers and a vote."

[roles.solver]
kind = "debater"
count = "2..3"

[[phase]]
id = "blind"
kind = "speak"
who = "solver"
order = "simultaneous"
sees = ["topic"]
prompt = "solve"
contract = "answer"

[contract.answer]
type = "json"
fields = { answer = "string" }

[decision]
rule = "majority"
of = "blind.answer"

[prompts.solve]
template = "Solve it. {{ form }}"
"#;

async fn run(home: &TempDir, args: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_agon"));
    command
        .args(args)
        .current_dir(home.path())
        .env_clear()
        .env("HOME", home.path())
        .env("AGON_FORMATS_DIR", home.path().join("formats"))
        .env("AGON_DEMO_PACE", "fast")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    let ended = tokio::time::timeout(Duration::from_secs(30), command.output()).await;
    ended.expect("it ends by itself").expect("it starts")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// A home with a good format, one that takes a shipped one's place, and a broken one.
fn home() -> TempDir {
    let home = tempfile::tempdir().unwrap();
    let formats = home.path().join("formats");
    fs::create_dir(&formats).unwrap();
    let write = |name: &str, text: &str| fs::write(formats.join(name), text).unwrap();
    write("mine.toml", MINE);
    let vote = MINE.replace("\"mine\"", "\"vote\"");
    write("vote.toml", &vote.replace("\"Mine\"", "\"My own vote\""));
    write("broken.toml", &MINE.replace("\"majority\"", "\"majorty\""));
    home
}

#[tokio::test]
async fn formats_of_ones_own_are_listed_and_a_broken_one_is_told_of() {
    let home = home();
    let listed = run(&home, &["formats"]).await;
    assert!(listed.status.success());
    let rows = text(&listed.stdout);
    assert!(rows.contains("mine "), "{rows}");
    assert!(rows.contains("My own vote"), "{rows}");
    assert!(rows.contains("society-of-minds "), "{rows}");
    let errors = text(&listed.stderr);
    let wanted = "broken.toml:25  decision.rule: no word \"majorty\"; did you mean \"majority\"?";
    assert!(errors.contains(wanted), "{errors}");
}

#[tokio::test]
async fn a_format_is_drawn_and_told_to_programs() {
    let home = home();
    let drawn = text(&run(&home, &["formats", "show", "mine"]).await.stdout);
    for part in [
        "mine: Mine",
        "├─ blind: ",
        "decided by majority",
        "2 solver",
    ] {
        assert!(drawn.contains(part), "{part}: {drawn}");
    }
    let shown = run(&home, &["formats", "show", "mine", "--json"]).await;
    let shown: Value = serde_json::from_slice(&shown.stdout).unwrap();
    assert_eq!(shown["format"]["id"], "mine");
    let bounds = &shown["bounds"]["largest_cast"];
    assert_eq!(bounds["cast"]["solver"], 3);
    assert_eq!(bounds["estimate"]["expected_calls"], 3);
    let unknown = run(&home, &["formats", "show", "mien"]).await;
    assert!(!unknown.status.success());
    assert!(text(&unknown.stderr).contains("did you mean mine?"));
}

#[tokio::test]
async fn a_check_tells_every_mistake_with_its_line_and_fails() {
    let home = home();
    let file = |name: &str| {
        let path = Path::new("formats").join(name);
        path.display().to_string()
    };
    let (mine, broken) = (file("mine.toml"), file("broken.toml"));
    let fine = run(&home, &["formats", "check", &mine]).await;
    assert!(fine.status.success(), "{}", text(&fine.stdout));
    assert!(text(&fine.stdout).contains("mine, Mine: fine"));
    let both = run(&home, &["formats", "check", &mine, &broken]).await;
    assert_eq!(both.status.code(), Some(1));
    let told = text(&both.stdout);
    assert!(told.contains("broken.toml:25  decision.rule"), "{told}");
    assert!(told.contains("1 mistake"), "{told}");
    let json = run(&home, &["formats", "check", "--json", &mine, &broken]).await;
    let told: Value = serde_json::from_slice(&json.stdout).unwrap();
    assert_eq!(
        (&told["ok"], json.status.code()),
        (&Value::Bool(false), Some(1))
    );
    assert_eq!(told["files"][0]["id"], "mine");
    assert_eq!(told["files"][1]["mistakes"][0]["line"], 25);
    let gone = run(&home, &["formats", "check", "gone.toml"]).await;
    assert_eq!(gone.status.code(), Some(1));
}

#[tokio::test]
async fn a_debate_of_ones_own_format_runs_and_a_broken_one_says_why_not() {
    let home = home();
    let ran = run(&home, &["debate", "--format", "mine", "Is 91 prime?"]).await;
    assert!(ran.status.success(), "{}", text(&ran.stderr));
    let refused = run(&home, &["debate", "--format", "broken", "Is 91 prime?"]).await;
    assert!(!refused.status.success());
    let errors = text(&refused.stderr);
    assert!(errors.contains("this format has mistakes"), "{errors}");
}
