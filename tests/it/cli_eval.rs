//! `agon eval`, as people and scripts use it.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Output;
use std::process::Stdio;
use std::time::Duration;

use serde_json::Value;
use tempfile::TempDir;
use tokio::process::Child;
use tokio::process::Command;

const QUESTIONS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/eval/questions.jsonl");
const CONTESTANTS: [&str; 8] = [
    "--contestant",
    "single",
    "--contestant",
    "vote@match",
    "--contestant",
    "society-of-minds",
    "--contestant",
    "tit-for-tat",
];

fn agon(home: &TempDir, args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_agon"));
    command
        .args(["eval", QUESTIONS, "--out", "kept"])
        .args(args)
        .current_dir(home.path())
        .env_clear()
        .env("HOME", home.path())
        .env("AGON_DEMO_PACE", "fast")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    command
}

async fn run(home: &TempDir, args: &[&str]) -> (i32, String, String) {
    ended(agon(home, args).spawn().expect("it starts")).await
}

async fn ended(child: Child) -> (i32, String, String) {
    let output = tokio::time::timeout(Duration::from_secs(60), child.wait_with_output()).await;
    let Output {
        status,
        stdout,
        stderr,
    } = output.expect("it ends by itself").expect("it ends");
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
    (status.code().unwrap_or(-1), text(stdout), text(stderr))
}

fn lines(path: &Path) -> Vec<Value> {
    let text = std::fs::read_to_string(path).unwrap_or_default();
    let whole = text
        .split_inclusive('\n')
        .filter(|line| line.ends_with('\n'));
    whole
        .map(|line| serde_json::from_str(line).expect("each line is JSON"))
        .collect()
}

/// What the lines are about; each must be there once.
fn different(lines: &[Value], members: &[&str]) -> BTreeSet<String> {
    let about = |line: &Value| {
        members
            .iter()
            .map(|name| line[name].to_string())
            .collect::<String>()
    };
    let different: BTreeSet<String> = lines.iter().map(about).collect();
    assert_eq!(different.len(), lines.len(), "something was asked twice");
    different
}

/// Runs at a pace at which it cannot be done soon, until there are some results; then `end` ends it.
async fn interrupted(home: &TempDir, args: &[&str], signal: &str) -> (i32, String, String) {
    let child = agon(home, args)
        .env("AGON_DEMO_PACE", "60")
        .spawn()
        .expect("it starts");
    let results = home.path().join("kept/results.jsonl");
    let some = async {
        while lines(&results).len() < 3 {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), some)
        .await
        .expect("there are results");
    let pid = child.id().expect("it runs").to_string();
    let sent = Command::new("kill")
        .args([signal, &pid])
        .status()
        .await
        .expect("kill is there");
    assert!(sent.success());
    ended(child).await
}

#[tokio::test]
async fn questions_are_answered_compared_and_kept() {
    let home = tempfile::tempdir().unwrap();
    let args = [&CONTESTANTS[..], &["--limit", "8", "--json"]].concat();
    let (code, out, told) = run(&home, &args).await;
    assert_eq!(code, 0, "{told}");
    assert!(told.contains("demo models answer"), "{told}");
    assert!(
        !told.contains('\u{1b}'),
        "no bar where there is no terminal"
    );
    let report: Value = serde_json::from_str(&out).unwrap();
    assert_eq!(
        (&report["complete"], &report["questions"]),
        (&true.into(), &8.into())
    );
    let contestants = report["contestants"].as_array().unwrap();
    for row in contestants {
        let sum: u64 = ["correct", "wrong", "unparsed", "failed", "ungraded"]
            .iter()
            .map(|name| row[name].as_u64().unwrap())
            .sum();
        assert_eq!((sum, row["failed"].as_u64()), (8, Some(0)), "{row}");
        assert!(row["usage"]["output"].as_u64().unwrap() > 0, "{row}");
    }
    assert_eq!(contestants[2]["standing"], "reference");
    assert_eq!(report["pairs"].as_array().unwrap().len(), 6);
    let kept = home.path().join("kept");
    assert_eq!(lines(&kept.join("results.jsonl")).len(), 32);
    let stored: Value =
        serde_json::from_slice(&std::fs::read(kept.join("report.json")).unwrap()).unwrap();
    assert_eq!(stored, report);
    // The same again asks nothing, and says the same.
    let calls = std::fs::read(kept.join("calls.jsonl")).unwrap();
    let (code, again, _) = run(&home, &args).await;
    assert_eq!((code, again), (0, out));
    assert_eq!(std::fs::read(kept.join("calls.jsonl")).unwrap(), calls);
    // For people it is Markdown.
    let people = [&CONTESTANTS[..], &["--limit", "8"]].concat();
    let (_, out, _) = run(&home, &people).await;
    assert!(
        out.starts_with("# Does debating help?\n") && out.contains("| society-of-minds |"),
        "{out}"
    );
    // Another evaluation in the same folder is refused.
    let (code, _, told) = run(&home, &[&args[..], &["--seed", "5"]].concat()).await;
    assert_eq!(code, 1);
    assert!(
        told.contains("seed: was 1, is 5") && told.contains("--out"),
        "{told}"
    );
}

#[tokio::test]
async fn an_interrupt_stops_and_says_how_to_go_on() {
    let home = tempfile::tempdir().unwrap();
    let args = [&CONTESTANTS[..], &["--limit", "12"]].concat();
    let (code, out, told) = interrupted(&home, &args, "-INT").await;
    assert_eq!(code, 130, "{told}");
    assert!(
        told.contains("go on with: ") && told.contains("--contestant single"),
        "{told}"
    );
    assert!(out.contains("It is not finished"), "{out}");
    finish(&home, &args, 12).await;
}

#[tokio::test]
async fn a_killed_run_goes_on_where_it_was() {
    let home = tempfile::tempdir().unwrap();
    let args = [&CONTESTANTS[..], &["--limit", "12"]].concat();
    interrupted(&home, &args, "-KILL").await;
    finish(&home, &args, 12).await;
}

/// The same command finishes; nothing was asked twice, and what was there is there.
async fn finish(home: &TempDir, args: &[&str], questions: usize) {
    let kept = home.path().join("kept");
    let before = different(
        &lines(&kept.join("results.jsonl")),
        &["contestant", "question", "debated"],
    );
    assert!(
        before.len() < 4 * questions,
        "it was interrupted before its end"
    );
    let (code, _, told) = run(home, args).await;
    assert_eq!(code, 0, "{told}");
    let after = lines(&kept.join("results.jsonl"));
    assert!(before.is_subset(&different(&after, &["contestant", "question", "debated"])));
    assert_eq!(
        different(&after, &["contestant", "question"]).len(),
        4 * questions
    );
    different(
        &lines(&kept.join("calls.jsonl")),
        &["contestant", "question", "sample"],
    );
    let debates: BTreeSet<String> = after
        .iter()
        .map(|line| line["debated"]["id"].to_string())
        .collect();
    assert_eq!(
        debates.len(),
        2 * questions + 1,
        "each debate is one question's, and direct calls have none"
    );
}

#[tokio::test]
async fn mistakes_are_told_with_their_lines() {
    let home = tempfile::tempdir().unwrap();
    std::fs::write(
        home.path().join("bad.jsonl"),
        "{\"question\":\"a\",\"answer\":1}\n{}\n{\"question\":\"b\",\"answer\":\"x\"}\n",
    )
    .unwrap();
    let own = Command::new(env!("CARGO_BIN_EXE_agon"))
        .args(["eval", "bad.jsonl"])
        .current_dir(home.path())
        .env_clear()
        .output()
        .await
        .unwrap();
    let told = String::from_utf8_lossy(&own.stderr).into_owned();
    assert_eq!(own.status.code(), Some(1));
    assert!(
        told.contains("bad.jsonl:2") && told.contains("bad.jsonl:3"),
        "{told}"
    );
    for (args, wanted) in [
        (["--contestant", "oxford"], "gives no answer"),
        (["--contestant", "counsel"], "there is no contestant"),
        (["--contestant", "vote"], "vote@5"),
        (["--headroom", "0"], "1 to 1000"),
        (["--models", "nobody/none"], "nobody"),
    ] {
        let (code, _, told) = run(&home, &args).await;
        assert_eq!(code, 1, "{args:?}");
        assert!(told.contains(wanted), "{args:?}: {told}");
    }
}

#[tokio::test]
async fn the_example_questions_are_all_understood() {
    let home = tempfile::tempdir().unwrap();
    let (code, out, told) = run(&home, &["--contestant", "single", "--json"]).await;
    assert_eq!(code, 0, "{told}");
    let report: Value = serde_json::from_str(&out).unwrap();
    assert_eq!(
        report["kinds"].to_string(),
        r#"{"numeric":12,"choice":9,"exact":7}"#
    );
}
