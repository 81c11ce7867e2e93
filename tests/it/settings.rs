//! A settings file as operators use it: checked, served without a subcommand, and read anew.

use std::path::Path;
use std::process::Output;
use std::process::Stdio;
use std::time::Duration;

use serde_json::Value;
use serde_json::json;
use tempfile::TempDir;
use tokio::process::Command;
use tokio::time::Instant;

use crate::support::http_client;
use crate::support::process::Process;
use crate::support::upstream::Reply;
use crate::support::upstream::Upstream;

const KEY: &str = "sk-the-operators-own";
/// How long a reload may take on a busy machine.
const SOON: Duration = Duration::from_secs(30);

fn agon(home: &Path, args: &[&str], pairs: &[(&str, &str)]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_agon"));
    command
        .args(args)
        .current_dir(home)
        .env_clear()
        .env("HOME", home)
        .env("AGON_DEMO_PACE", "fast")
        .envs(pairs.iter().copied())
        .kill_on_drop(true);
    command
}

async fn run(home: &TempDir, args: &[&str], pairs: &[(&str, &str)]) -> Output {
    let mut command = agon(home.path(), args, pairs);
    command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let ended = tokio::time::timeout(SOON, command.output()).await;
    ended.expect("it ends by itself").expect("it starts")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn home_with(text: &str) -> TempDir {
    let home = tempfile::tempdir().unwrap();
    std::fs::write(home.path().join("config.yaml"), text).unwrap();
    home
}

const LIST: &str = "model_list:\n  - model_name: fast\n    litellm_params:\n      model: demo/skeptic\n      \
     api_key: sk-very-private\n  - model_name: fast\n    litellm_params: {model: openai/gpt-4o, api_key: os.environ/GONE}\n  \
     - model_name: odd\n    litellm_params: {model: nobody/x}\n\
     router_settings:\n  num_retries: 3\n  redis_host: cache\n  fallbacks: [{fast: [zebra]}]\n\
     litellm_settings: {success_callback: [langfuse]}\n";

#[tokio::test]
async fn check_config_tells_what_is_understood_ignored_and_wrong_without_secrets() {
    let home = home_with(LIST);
    let output = run(&home, &["check-config", "config.yaml"], &[]).await;
    let told = text(&output.stdout);
    assert!(output.status.success(), "{told}{}", text(&output.stderr));
    for words in [
        "router_settings: num_retries (line 11), fallbacks (line 13)",
        "config.yaml:12  router_settings.redis_host: each process counts by itself",
        "demo/skeptic, key ***",
        "openai/gpt-4o, no key: GONE is not set",
        "fast -> zebra",
        "config.yaml:8  \"odd\" is left out",
        "names \"zebra\", which is no group",
    ] {
        assert!(told.contains(words), "{words} is missing in\n{told}");
    }
    assert!(!told.contains("very-private"), "{told}");
    let output = run(&home, &["check-config", "config.yaml", "--json"], &[]).await;
    let printed = text(&output.stdout);
    let value: Value = serde_json::from_str(&printed).unwrap();
    assert_eq!(value["ok"], true);
    assert_eq!(value["deployments"][0]["group"], "fast");
    assert_eq!(value["deployments"][1]["unset_key"], "GONE");
    assert_eq!(value["callbacks"]["success"], json!(["langfuse"]));
    assert!(!printed.contains("very-private"), "{printed}");
}

#[tokio::test]
async fn check_config_names_every_mistake_and_exits_with_one() {
    let home =
        home_with("server: {prot: 1}\nrouter_settings: {num_retries: x}\nmodel_list: [{}]\n");
    let output = run(&home, &["check-config", "config.yaml"], &[]).await;
    assert_eq!(output.status.code(), Some(1));
    let told = text(&output.stderr);
    for words in [
        "config.yaml:1  unknown key \"server.prot\": did you mean \"port\"?",
        "config.yaml:2  router_settings.num_retries is a text",
        "config.yaml:3  model_list[0] needs a model_name",
    ] {
        assert!(told.contains(words), "{words} is missing in\n{told}");
    }
    let json = run(&home, &["check-config", "config.yaml", "--json"], &[]).await;
    let value: Value = serde_json::from_slice(&json.stdout).unwrap();
    assert_eq!(value["mistakes"].as_array().unwrap().len(), 3);
    assert_eq!(json.status.code(), Some(1));
}

#[tokio::test]
async fn flags_that_start_no_server_say_what_to_do_instead() {
    let home = tempfile::tempdir().unwrap();
    for (args, words) in [
        (
            &["--host", "0.0.0.0", "--port", "0"][..],
            "set AGON_MASTER_KEY",
        ),
        (&["--health"], "GET /health"),
        (&["--validate_config"], "agon check-config FILE"),
        (&["--ssl_keyfile_path", "x"], "reverse proxy"),
        (&["--request_timeout", "0"], "above zero"),
        (&["--nonsense"], "unexpected argument '--nonsense'"),
    ] {
        let output = run(&home, args, &[]).await;
        let told = text(&output.stderr);
        assert!(!output.status.success(), "{args:?}");
        assert!(told.contains(words), "{args:?}: {told}");
    }
}

/// A server that is started as compose files start `LiteLLM`.
struct Served {
    process: Process,
    http: reqwest::Client,
}

impl Served {
    async fn start(home: &TempDir, args: &[&str], pairs: &[(&str, &str)]) -> Self {
        Self {
            process: Process::start(agon(home.path(), args, pairs)).await,
            http: http_client(),
        }
    }

    async fn post(&self, path: &str, body: &Value) -> (u16, Value) {
        let url = format!("{}{path}", self.process.base());
        let asked = self.http.post(url).bearer_auth(KEY).json(body);
        let answer = asked.send().await.unwrap();
        let status = answer.status().as_u16();
        (status, answer.json().await.unwrap_or(Value::Null))
    }

    async fn chat(&self, model: &str) -> (u16, Value) {
        let body = json!({"model": model, "messages": [{"role": "user", "content": "Hello"}]});
        self.post("/v1/chat/completions", &body).await
    }

    /// Asks until a model answers like this.
    async fn wait_for(&self, model: &str, status: u16) {
        let until = Instant::now() + SOON;
        loop {
            let (got, body) = self.chat(model).await;
            if got == status {
                return;
            }
            assert!(
                Instant::now() < until,
                "{model} answers {got} {body}\n{}",
                self.process.log()
            );
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
}

fn list(names: &[&str]) -> String {
    let mut text =
        "general_settings: {master_key: os.environ/LITELLM_MASTER_KEY}\nmodel_list:\n".to_owned();
    for name in names {
        text.push_str(&format!(
            "- {{model_name: {name}, litellm_params: {{model: demo/skeptic}}}}\n"
        ));
    }
    text
}

const ARGS: [&str; 6] = [
    "--config",
    "config.yaml",
    "--port",
    "0",
    "--host",
    "127.0.0.1",
];

#[tokio::test]
async fn a_file_is_served_without_a_subcommand_and_read_anew_in_three_ways() {
    let home = home_with(&list(&["one"]));
    let served = Served::start(&home, &ARGS, &[("LITELLM_MASTER_KEY", KEY)]).await;
    assert_eq!(served.chat("one").await.0, 200);
    assert_ne!(served.chat("two").await.0, 200);
    let write = |text: &str| std::fs::write(home.path().join("config.yaml"), text).unwrap();
    // By watching the file.
    write(&list(&["one", "two"]));
    served.wait_for("two", 200).await;
    // By a call, which refuses a file with mistakes whole and says what they are.
    write(&format!(
        "{}router_settings: {{num_retries: x}}\n",
        list(&["three"])
    ));
    let (status, body) = served.post("/api/v1/admin/reload", &Value::Null).await;
    assert_eq!(status, 422, "{body}");
    let problem = &body["problems"][0];
    assert!(
        problem["field"]
            .as_str()
            .unwrap()
            .ends_with("config.yaml:4"),
        "{body}"
    );
    assert_eq!(served.chat("one").await.0, 200);
    write(&format!("{}server: {{workers: 1}}\n", list(&["three"])));
    let (status, body) = served.post("/api/v1/admin/reload", &Value::Null).await;
    assert_eq!(
        (status, &body["needs_restart"]),
        (200, &json!(["server"])),
        "{body}"
    );
    assert_eq!(served.chat("three").await.0, 200);
    assert_ne!(served.chat("one").await.0, 200);
}

#[cfg(unix)]
#[tokio::test]
async fn a_hangup_reads_what_no_watcher_sees() {
    // The list itself stays; what changes is a variable's place, .env, which nobody watches.
    let home = home_with(
        "model_list:\n- {model_name: \"${NAME}\", litellm_params: {model: demo/skeptic}}\n",
    );
    std::fs::write(home.path().join(".env"), "NAME=before\n").unwrap();
    let served = Served::start(&home, &ARGS, &[]).await;
    assert_eq!(served.chat("before").await.0, 200);
    std::fs::write(home.path().join(".env"), "NAME=behind\n").unwrap();
    let id = served.process.id().to_string();
    let told = Command::new("kill").args(["-HUP", &id]).status().await;
    assert!(told.is_ok_and(|status| status.success()));
    served.wait_for("behind", 200).await;
}

#[tokio::test]
async fn a_deployment_without_its_key_is_no_mistake_of_the_callers_and_names_the_variable() {
    let home = home_with(
        "model_list:\n- {model_name: a, litellm_params: {model: gemini/gemini-2.5-flash, api_key: os.environ/KEY_SEVEN}}\n",
    );
    let served = Served::start(&home, &ARGS, &[("GEMINI_API_KEY", "another")]).await;
    let (status, body) = served.chat("a").await;
    assert_eq!(status, 500, "{body}");
    assert_eq!(body["error"]["type"], "upstream_credentials", "{body}");
    assert!(body.to_string().contains("KEY_SEVEN"), "{body}");
    assert!(served.process.log().contains("KEY_SEVEN is not set"));
}

#[tokio::test]
async fn another_gateway_is_asked_with_its_key_by_the_callers_own_names() {
    let answer = json!({"id": "c", "object": "chat.completion", "created": 1, "model": "m", "choices": [
        {"index": 0, "message": {"role": "assistant", "content": "hi"}, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}});
    let upstream = Upstream::start([Reply::json(&answer), Reply::json(&answer)]).await;
    let base = upstream.base_url();
    let home = tempfile::tempdir().unwrap();
    let pairs = [
        ("LITELLM_BASE_URL", base.as_str()),
        ("LITELLM_API_KEY", "sk-there"),
        ("LLM_MODEL_CHAT", "fast-one"),
    ];
    let served = Served::start(&home, &["--port", "0"], &pairs).await;
    for (asked, sent) in [
        ("gemini/gemini-3-pro", "gemini/gemini-3-pro"),
        ("chat-default", "fast-one"),
    ] {
        let (status, body) = served.chat(asked).await;
        assert_eq!(status, 200, "{body}");
        let requests = upstream.requests();
        let last = requests.last().unwrap();
        assert_eq!(last.json()["model"], sent);
        assert_eq!(last.header("authorization"), Some("Bearer sk-there"));
    }
}
