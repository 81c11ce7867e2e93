//! `agon ollama` and `agon providers check`, as people and scripts use them.

use std::process::Output;
use std::process::Stdio;
use std::time::Duration;

use serde_json::Value;
use serde_json::json;
use tempfile::TempDir;
use tokio::process::Command;

use crate::support::upstream::Reply;
use crate::support::upstream::Upstream;

const NOBODY: &str = "http://127.0.0.1:9";

/// The program in a home of its own, with local servers nowhere but at this Ollama.
fn agon(home: &TempDir, ollama: &str, args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_agon"));
    command
        .args(args)
        .current_dir(home.path())
        .env_clear()
        .env("HOME", home.path())
        .env("OLLAMA_API_BASE", ollama)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    command
}

async fn run(command: &mut Command) -> (i32, String, String) {
    let ended = tokio::time::timeout(Duration::from_secs(30), command.output()).await;
    let Output {
        status,
        stdout,
        stderr,
    } = ended.expect("it ends by itself").expect("it starts");
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
    (status.code().unwrap_or(-1), text(stdout), text(stderr))
}

fn file(completed: u64) -> String {
    let line = json!({"status": "pulling abc", "digest": "sha256:abc", "total": 1000, "completed": completed});
    format!("{line}\n")
}

fn pulled() -> Vec<String> {
    let status = |text: &str| format!("{}\n", json!({ "status": text }));
    let mut lines = vec![status("pulling manifest")];
    lines.extend([0, 500, 1000].map(file));
    lines.extend(["verifying sha256 digest", "writing manifest", "success"].map(status));
    lines
}

#[tokio::test]
async fn a_pull_tells_how_far_it_is_and_ends_well() {
    let home = tempfile::tempdir().unwrap();
    let upstream = Upstream::start([Reply::ndjson(pulled())]).await;
    let args = ["ollama", "pull", "ollama/llama3.2"];
    let (code, out, err) = run(&mut agon(&home, &upstream.base_url(), &args)).await;
    assert_eq!(code, 0, "{err}");
    assert!(out.contains(" 50 %  500 B of 1 kB"), "{out}");
    assert!(out.ends_with("call it as ollama/llama3.2\n"), "{out}");
    assert!(err.contains("GB to download"), "{err}");
    let sent = &upstream.requests()[0];
    assert_eq!(sent.path, "/api/pull");
    assert_eq!(sent.json()["model"], "llama3.2");
}

#[tokio::test]
async fn a_pull_that_breaks_off_goes_on_by_itself() {
    let home = tempfile::tempdir().unwrap();
    let broken = Reply::ndjson([file(400)]).cut();
    let upstream = Upstream::start([broken, Reply::ndjson(pulled())]).await;
    let args = ["ollama", "pull", "m", "--json"];
    let (code, out, err) = run(&mut agon(&home, &upstream.base_url(), &args)).await;
    assert_eq!(code, 0, "{err}");
    assert!(err.contains("going on"), "{err}");
    let last: Value = serde_json::from_str(out.lines().last().unwrap()).unwrap();
    assert_eq!(last, json!({"status": "success"}));
    assert_eq!(upstream.requests().len(), 2);
}

#[tokio::test]
async fn an_error_in_the_midst_of_a_success_fails_and_says_what_to_do() {
    let home = tempfile::tempdir().unwrap();
    let line = |error: &str| Reply::ndjson([format!("{}\n", json!({ "error": error }))]);
    let upstream = Upstream::start([
        line("pull model manifest: file does not exist"),
        line("write /models/blobs/sha256-1: no space left on device"),
    ])
    .await;
    let args = ["ollama", "pull", "nope"];
    let (code, _, err) = run(&mut agon(&home, &upstream.base_url(), &args)).await;
    assert_eq!(code, 1);
    assert!(err.contains("ollama.com/library/nope/tags"), "{err}");
    let args = ["ollama", "pull", "nope", "--json"];
    let (code, out, _) = run(&mut agon(&home, &upstream.base_url(), &args)).await;
    let told: Value = serde_json::from_str(out.trim()).unwrap();
    assert_eq!(code, 1);
    assert!(
        told["error"]["remedy"]
            .as_str()
            .unwrap()
            .contains("disk is full"),
        "{told}"
    );
    let (code, _, err) = run(&mut agon(&home, NOBODY, &args[..3])).await;
    assert_eq!(code, 1);
    assert!(err.contains("start Ollama"), "{err}");
}

#[cfg(unix)]
#[tokio::test]
async fn ctrl_c_stops_a_pull_at_once() {
    let home = tempfile::tempdir().unwrap();
    let upstream = Upstream::start([Reply::ndjson([file(10)]).stall()]).await;
    let mut child = agon(&home, &upstream.base_url(), &["ollama", "pull", "m"])
        .spawn()
        .unwrap();
    let pid = child.id().unwrap().to_string();
    let asked = async {
        while upstream.requests().is_empty() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), asked)
        .await
        .unwrap();
    let told = Command::new("kill")
        .args(["-INT", &pid])
        .status()
        .await
        .unwrap();
    assert!(told.success());
    let ended = tokio::time::timeout(Duration::from_secs(5), child.wait()).await;
    assert_eq!(ended.unwrap().unwrap().code(), Some(130));
    upstream.client_left().await;
}

#[tokio::test]
async fn what_is_installed_and_in_memory_is_listed_and_can_be_removed() {
    let home = tempfile::tempdir().unwrap();
    let upstream = Upstream::start([
        Reply::status(200),
        Reply::status(404).send("{\"error\":\"model 'x' not found\"}"),
    ])
    .await;
    let details = json!({"parameter_size": "3.2B", "quantization_level": "Q4_K_M", "context_length": 131_072});
    let tags = json!({"models": [{"name": "llama3.2:latest", "size": 2_019_393_189_u64, "details": details, "capabilities": ["completion", "tools"]}]});
    let ps = json!({"models": [{"name": "llama3.2:latest", "size": 3_000_000_000_u64, "size_vram": 0, "context_length": 4096, "expires_at": "2026-11-24T06:31:19.989Z"}]});
    upstream.says("/api/tags", Reply::json(&tags));
    upstream.says("/api/ps", Reply::json(&ps));
    let at = upstream.base_url();
    let (_, out, _) = run(&mut agon(&home, &at, &["ollama", "list"])).await;
    let row = out.lines().nth(1).unwrap();
    for cell in [
        "llama3.2:latest",
        "2.0 GB",
        "3.2B",
        "Q4_K_M",
        "131072",
        "completion, tools",
    ] {
        assert!(row.contains(cell), "{cell} is missing in {row}");
    }
    let (_, out, _) = run(&mut agon(&home, &at, &["ollama", "ps", "--json"])).await;
    let listed: Value = serde_json::from_str(&out).unwrap();
    assert_eq!(listed["data"][0]["context_length"], 4096);
    let (code, _, _) = run(&mut agon(&home, &at, &["ollama", "rm", "llama3.2"])).await;
    assert_eq!(code, 0);
    assert_eq!(upstream.requests()[0].method, "DELETE");
    let (code, _, err) = run(&mut agon(&home, &at, &["ollama", "rm", "x"])).await;
    assert_eq!((code, err.contains("not found")), (1, true), "{err}");
}

/// A check's result for one provider.
fn of<'a>(listed: &'a Value, provider: &str) -> &'a Value {
    let all = listed["data"].as_array().unwrap();
    all.iter().find(|it| it["provider"] == provider).unwrap()
}

#[tokio::test]
async fn a_check_calls_each_provider_that_is_set_up_and_tells_what_to_mend() {
    let home = tempfile::tempdir().unwrap();
    let yes = "{\"message\":{\"content\":\"yes\"},\"done\":true,\"done_reason\":\"length\",\"eval_count\":1}\n";
    let ollama = Upstream::start([Reply::ndjson([yes])]).await;
    let tags = json!({"models": [{"name": "embedder", "capabilities": ["embedding"], "size": 1}, {"name": "tiny:latest", "size": 2}]});
    ollama.says("/api/tags", Reply::json(&tags));
    let refused = json!({"error": {"message": "Incorrect API key", "type": "invalid_request_error", "code": "invalid_api_key"}});
    let openai = Upstream::start([Reply::status(401).send(refused.to_string())]).await;
    let mut command = agon(&home, &ollama.base_url(), &["providers", "check", "--json"]);
    command
        .env("OPENAI_API_KEY", "sk-wrong-and-private")
        .env("OPENAI_BASE_URL", format!("{}/v1", openai.base_url()));
    let (code, out, err) = run(&mut command).await;
    assert_eq!(code, 1, "{err}");
    assert!(!out.contains("sk-wrong"), "{out}");
    let listed: Value = serde_json::from_str(&out).unwrap();
    let local = of(&listed, "ollama");
    assert_eq!(
        (&local["state"], &local["model"]),
        (&json!("ok"), &json!("ollama/tiny:latest"))
    );
    assert!(local["ttft_ms"].is_u64());
    assert_eq!(ollama.requests()[0].json()["options"]["num_predict"], 1);
    let wrong = of(&listed, "openai");
    assert_eq!(
        (&wrong["state"], &wrong["code"]),
        (&json!("failed"), &json!("authentication"))
    );
    assert!(
        wrong["remedy"].as_str().unwrap().contains("OPENAI_API_KEY"),
        "{wrong}"
    );
    let missing = of(&listed, "anthropic");
    assert_eq!(missing["state"], "not_configured");
    assert!(
        missing["remedy"]
            .as_str()
            .unwrap()
            .contains("ANTHROPIC_API_KEY"),
        "{missing}"
    );
}

#[tokio::test]
async fn a_check_says_for_people_and_scripts_whether_all_is_well() {
    let home = tempfile::tempdir().unwrap();
    let yes = "{\"message\":{\"content\":\"yes\"},\"done\":true,\"done_reason\":\"length\",\"eval_count\":1}\n";
    let ollama = Upstream::start([Reply::ndjson([yes])]).await;
    ollama.says(
        "/api/tags",
        Reply::json(&json!({"models": [{"name": "tiny:latest"}]})),
    );
    let at = ollama.base_url();
    let (code, out, _) = run(&mut agon(&home, &at, &["providers", "check", "ollama"])).await;
    assert_eq!(code, 0, "{out}");
    let rows: Vec<&str> = out.lines().collect();
    assert!(
        rows[1].starts_with("ollama    ok ") && rows[1].ends_with("tiny:latest"),
        "{out}"
    );
    assert!(
        !out.contains('\x1b'),
        "no colours where nobody sees them: {out}"
    );
    // Named, a provider without a key has failed.
    let (code, out, _) = run(&mut agon(&home, &at, &["providers", "check", "openai"])).await;
    assert_eq!(code, 1, "{out}");
    let (code, _, err) = run(&mut agon(&home, &at, &["providers", "check", "opnai"])).await;
    assert_eq!(code, 2);
    assert!(err.contains("did you mean openai?"), "{err}");
    // An address that somebody set is meant to work.
    let (code, out, _) = run(&mut agon(&home, NOBODY, &["providers", "check"])).await;
    assert_eq!(code, 1, "{out}");
    assert!(out.contains("not configured"), "{out}");
}

#[tokio::test]
async fn a_check_that_meets_a_redirect_says_where_the_address_is_set() {
    let home = tempfile::tempdir().unwrap();
    let moved = Reply::status(307).header("location", "http://127.0.0.1:9/v1/chat/completions");
    let openai = Upstream::start([moved.send("")]).await;
    let mut command = agon(&home, NOBODY, &["providers", "check", "openai", "--json"]);
    command
        .env("OPENAI_API_KEY", "sk-any")
        .env("OPENAI_BASE_URL", format!("{}/v1", openai.base_url()));
    let (code, out, err) = run(&mut command).await;
    assert_eq!(code, 1, "{err}");
    let listed: Value = serde_json::from_str(&out).unwrap();
    let remedy = of(&listed, "openai")["remedy"].as_str().unwrap().to_owned();
    assert!(remedy.contains("OPENAI_BASE_URL"), "{remedy}");
}
