//! The server under load, as its users start it, and the few calls to its REST API.

use std::process::Stdio;

use serde_json::Value;
use serde_json::json;
use tempfile::TempDir;
use tokio::io::AsyncBufReadExt;
use tokio::io::AsyncReadExt;
use tokio::io::AsyncWriteExt;
use tokio::io::BufReader;
use tokio::net::TcpStream;
use tokio::process::Child;
use tokio::process::Command;

/// Kernel ticks of CPU time a second, as Linux tells them to programs.
const TICKS: f64 = 100.0;

const CONFIG: &str = "debate: {max_running: 100000}\nhttp: {snapshot_gap: 1000000}\n";

/// A running server and its home.
pub(super) struct Server {
    process: Child,
    host: String,
    _home: TempDir,
}

impl Server {
    /// Starts a server whose models are the upstream's.
    pub(super) async fn start(upstream: &str) -> Self {
        let home = tempfile::tempdir().expect("a temporary folder can be made");
        let config = home.path().join("agon.yaml");
        std::fs::write(&config, CONFIG).expect("the folder is ours");
        let mut process = Command::new(env!("CARGO_BIN_EXE_agon"))
            .args(["serve", "--port", "0", "--config"])
            .arg(&config)
            .current_dir(home.path())
            .env("OPENAI_BASE_URL", upstream)
            .env("OPENAI_API_KEY", "sk-bench")
            .env("AGON_LOG", "error")
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .expect("the program was built");
        let errors = process.stderr.take().expect("it is piped");
        let mut lines = BufReader::new(errors).lines();
        while let Ok(Some(line)) = lines.next_line().await {
            if let Some(host) = line.strip_prefix("listening on http://") {
                let host = host.to_owned();
                tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
                return Self {
                    process,
                    host,
                    _home: home,
                };
            }
        }
        unreachable!("the server ended without listening");
    }

    /// Where it listens: `127.0.0.1:PORT`.
    pub(super) fn host(&self) -> &str {
        &self.host
    }

    /// Memory in use, in KiB; 0 where the system does not tell.
    pub(super) fn rss_kib(&self) -> u64 {
        let status = self.proc("status");
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        line.and_then(|line| line.split_whitespace().next()?.parse().ok())
            .unwrap_or(0)
    }

    /// CPU time so far, in milliseconds; 0 where the system does not tell.
    pub(super) fn cpu_ms(&self) -> f64 {
        let stat = self.proc("stat");
        // The name in brackets may hold spaces; what follows it does not.
        let fields = stat.rsplit_once(')').map_or("", |(_, rest)| rest);
        let ticks: Vec<f64> = fields
            .split_whitespace()
            .skip(11)
            .take(2)
            .filter_map(|it| it.parse().ok())
            .collect();
        ticks.iter().sum::<f64>() * 1000.0 / TICKS
    }

    fn proc(&self, file: &str) -> String {
        let id = self.process.id().unwrap_or_default();
        std::fs::read_to_string(format!("/proc/{id}/{file}")).unwrap_or_default()
    }
}

/// Creates a debate of three speakers at once.
pub(super) async fn create(host: &str, number: usize) -> String {
    let agent = |name: &str| json!({"name": name, "model": "openai/gpt-4o-mini"});
    let body = json!({"topic": format!("Bench {number}"), "format": "society-of-minds",
        "agents": [agent("a"), agent("b"), agent("c")], "limits": {"rounds": 1}});
    let made = call(host, "POST", "/api/v1/debates", &body).await;
    let id = made["id"].as_str();
    id.unwrap_or_else(|| unreachable!("no debate was created: {made}"))
        .to_owned()
}

/// Creates a debate in which nothing happens.
pub(super) async fn paused(host: &str) -> String {
    let id = create(host, 0).await;
    let path = format!("/api/v1/debates/{id}/commands");
    call(
        host,
        "POST",
        &path,
        &json!({"cmd": "pause", "data": {"at": "now"}}),
    )
    .await;
    id
}

/// The number of a debate's last event.
pub(super) async fn head(host: &str, id: &str) -> u64 {
    let detail = call(host, "GET", &format!("/api/v1/debates/{id}"), &Value::Null).await;
    detail["head_seq"].as_u64().unwrap_or_default()
}

async fn call(host: &str, method: &str, path: &str, body: &Value) -> Value {
    let body = if body.is_null() {
        String::new()
    } else {
        body.to_string()
    };
    let mut connection = TcpStream::connect(host).await.expect("the server listens");
    let head = format!(
        "{method} {path} HTTP/1.1\r\nhost: {host}\r\ncontent-type: application/json\r\nconnection: close\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    let whole = head + &body;
    connection
        .write_all(whole.as_bytes())
        .await
        .expect("the server reads");
    let mut answer = Vec::new();
    connection
        .read_to_end(&mut answer)
        .await
        .expect("the server answers");
    let answer = String::from_utf8_lossy(&answer);
    let (_, json) = answer.split_once("\r\n\r\n").expect("an answer has a body");
    // A long answer comes in chunks, each behind a line with its length.
    let json: String = match json.starts_with('{') {
        true => json.to_owned(),
        false => json.split("\r\n").skip(1).step_by(2).collect(),
    };
    serde_json::from_str(&json).unwrap_or(Value::Null)
}
