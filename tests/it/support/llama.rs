//! A real llama.cpp server with a tiny random model: a real upstream on this machine.

use std::io::Write;

use tokio::process::Command;

use super::process::Process;

const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/real/llama_server.sh");

/// A running llama.cpp server. It speaks OpenAI's chat, responses and embeddings and Anthropic's messages.
#[derive(Debug)]
pub(crate) struct Llama {
    process: Process,
}

impl Llama {
    /// The key that it asks for.
    pub(crate) const KEY: &str = "sk-local";
    /// The model's name.
    pub(crate) const MODEL: &str = "agon-tiny";

    /// Starts one; `None`, and a line that says so, when it has not been built on this machine.
    pub(crate) async fn start() -> Option<Self> {
        let ready = Command::new(SCRIPT).arg("ready").output().await;
        if !ready.is_ok_and(|output| output.status.success()) {
            let test = std::thread::current();
            let name = test.name().unwrap_or("a test").to_owned();
            // Written past the test harness, which shows what a test prints only when it fails.
            let _ = writeln!(
                std::io::stderr(),
                "skipped: {name}: no llama.cpp server here; `make real` builds one in minutes"
            );
            return None;
        }
        let mut command = Command::new(SCRIPT);
        command.args(["run", "0"]);
        let process = Process::start(command).await;
        Some(Self { process })
    }

    /// Where it listens: `http://127.0.0.1:PORT`.
    pub(crate) fn base(&self) -> &str {
        self.process.base()
    }
}

#[tokio::test]
async fn the_real_server_streams_words_and_then_their_number() {
    let Some(llama) = Llama::start().await else {
        return;
    };
    let body = serde_json::json!({
        "model": Llama::MODEL, "stream": true, "stream_options": {"include_usage": true}, "max_tokens": 32,
        "messages": [{"role": "user", "content": "Is a token a word?"}],
    });
    let url = format!("{}/v1/chat/completions", llama.base());
    let http = super::http_client();
    let request = http.post(url).bearer_auth(Llama::KEY).json(&body);
    let answer = request.send().await.unwrap().text().await.unwrap();
    let chunks: Vec<serde_json::Value> = answer
        .lines()
        .filter_map(|line| line.strip_prefix("data: {"))
        .map(|rest| serde_json::from_str(&format!("{{{rest}")).unwrap())
        .collect();
    let words: String = chunks
        .iter()
        .filter_map(|chunk| chunk["choices"][0]["delta"]["content"].as_str())
        .collect();
    assert!(!words.trim().is_empty(), "{answer}");
    let tokens = chunks.last().unwrap()["usage"]["completion_tokens"].as_u64();
    assert!(tokens.is_some_and(|n| (1..=32).contains(&n)), "{answer}");
    assert!(answer.trim_end().ends_with("data: [DONE]"), "{answer}");
}
