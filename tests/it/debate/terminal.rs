//! Questions to debates on the command line.

use std::process::Output;
use std::process::Stdio;

use serde_json::Value;
use tempfile::TempDir;
use tokio::io::AsyncWriteExt;
use tokio::process::Command;

async fn agon(home: &TempDir, args: &[&str], input: &str) -> Output {
    let mut child = Command::new(env!("CARGO_BIN_EXE_agon"))
        .args(args)
        .current_dir(home.path())
        .env_clear()
        .env("HOME", home.path())
        .env("AGON_DEMO_PACE", "fast")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(input.as_bytes()).await.unwrap();
    drop(stdin);
    child.wait_with_output().await.unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[tokio::test]
async fn a_question_to_a_debate_gets_the_verdict_and_the_turns_beside_it() {
    let home = tempfile::tempdir().unwrap();
    let asked = agon(
        &home,
        &["ask", "debate/oxford", "-"],
        "Should we test more?",
    )
    .await;
    let (answer, beside) = (text(&asked.stdout), text(&asked.stderr));
    assert!(asked.status.success(), "{beside}");
    assert!(
        answer.contains("The winner is") && !answer.contains("opening"),
        "{answer}"
    );
    assert!(
        beside.contains("(pro, ") && beside.contains("): opening"),
        "{beside}"
    );
    let id = beside.trim().rsplit_once("debate ").unwrap().1.to_owned();
    let replayed = agon(&home, &["replay", &id], "").await;
    assert!(
        text(&replayed.stdout).starts_with("identical: "),
        "{replayed:?}"
    );
}

#[tokio::test]
async fn json_holds_the_whole_answer_and_errors_say_what_there_is() {
    let home = tempfile::tempdir().unwrap();
    let asked = agon(&home, &["ask", "demo/analyst", "What is it?", "--json"], "").await;
    let whole: Value = serde_json::from_str(&text(&asked.stdout)).unwrap();
    assert_eq!(
        (&whole["model"], &whole["debate"]),
        (&"demo/analyst".into(), &Value::Null)
    );
    assert!(!whole["text"].as_str().unwrap().is_empty());
    assert!(whole["usage"]["output"].as_u64().unwrap() > 0, "{whole}");
    let unknown = agon(&home, &["ask", "debate/oxfrd", "What is it?"], "").await;
    assert_eq!(unknown.status.code(), Some(1));
    assert!(
        text(&unknown.stderr).contains("debate/oxford"),
        "{unknown:?}"
    );
}

#[tokio::test]
async fn log_lines_stand_on_lines_of_their_own_beside_the_streamed_text() {
    let home = tempfile::tempdir().unwrap();
    let both = home.path().join("both.txt");
    let file = std::fs::File::create(&both).unwrap();
    let status = Command::new(env!("CARGO_BIN_EXE_agon"))
        .args(["debate", "Should trams be free?", "--seed", "1"])
        .args(["--agent", "pro=demo/flaky", "--agent", "con=demo/flaky"])
        .current_dir(home.path())
        .env_clear()
        .env("HOME", home.path())
        .env("AGON_DEMO_PACE", "fast")
        .stdin(Stdio::null())
        .stdout(file.try_clone().unwrap())
        .stderr(file)
        .kill_on_drop(true)
        .status()
        .await
        .unwrap();
    assert!(status.success());
    let text = std::fs::read_to_string(&both).unwrap();
    let logged: Vec<&str> = text.lines().filter(|it| it.contains(" WARN ")).collect();
    assert!(!logged.is_empty(), "demo/flaky breaks off: {text}");
    for line in logged {
        let stamp = line.split(' ').next().unwrap_or_default();
        assert!(stamp.ends_with('Z') && stamp.contains(':'), "{line}");
    }
}
