//! The real program, run as its users run it: `agon serve` with a database of its own.

use std::process::ExitStatus;
use std::sync::Arc;

use serde_json::Value;
use tempfile::TempDir;
use tokio::process::Command;

use super::process::Process;
use super::ws::Promises;
use super::ws::Watcher;

/// How a server of a test differs from one that is started without any setting.
#[derive(Debug, Clone, Default)]
pub(crate) struct Options {
    /// The configuration file's text.
    pub(crate) config: Option<String>,
    /// Environment variables. Nothing of the tester's own environment reaches the server.
    pub(crate) env: Vec<(&'static str, String)>,
    /// What follows `agon serve --port 0`.
    pub(crate) args: Vec<&'static str>,
    /// The key that calls are made with.
    pub(crate) key: Option<String>,
}

/// A running server and its home, which outlives the process.
#[derive(Debug)]
pub(crate) struct Agon {
    process: Process,
    options: Options,
    home: Arc<TempDir>,
    http: reqwest::Client,
}

/// An answer of the REST API.
#[derive(Debug)]
pub(crate) struct Answer {
    /// The HTTP status.
    pub(crate) status: u16,
    /// The headers.
    pub(crate) headers: reqwest::header::HeaderMap,
    /// The body; a JSON string when it is not JSON.
    pub(crate) body: Value,
}

impl Agon {
    /// Starts a server without any setting.
    pub(crate) async fn start() -> Self {
        Self::start_with(Options::default()).await
    }

    /// Starts a server.
    pub(crate) async fn start_with(options: Options) -> Self {
        let home = Arc::new(TempDir::new().expect("a temporary folder can be made"));
        Self {
            process: launch(&home, &options).await,
            options,
            home,
            http: super::http_client(),
        }
    }

    /// Starts another server on the same database, beside this one.
    pub(crate) async fn beside(&self) -> Self {
        Self {
            process: launch(&self.home, &self.options).await,
            options: self.options.clone(),
            home: Arc::clone(&self.home),
            http: self.http.clone(),
        }
    }

    /// Kills the process as `kill -9` does. [`Self::restart`] goes on with its database.
    pub(crate) async fn kill(&mut self) {
        self.process.kill().await;
    }

    /// Asks the process to end, and waits until it has.
    pub(crate) async fn stop(&mut self) -> ExitStatus {
        self.process.stop().await
    }

    /// Starts a process on the same database, on another port.
    pub(crate) async fn restart(&mut self) {
        self.process = launch(&self.home, &self.options).await;
    }

    /// The same, with other settings.
    pub(crate) async fn restart_with(&mut self, options: Options) {
        self.options = options;
        self.restart().await;
    }

    /// Where it listens: `http://127.0.0.1:PORT`.
    pub(crate) fn base(&self) -> &str {
        self.process.base()
    }

    /// The address of its database.
    pub(crate) fn database_url(&self) -> String {
        format!("sqlite:{}", self.home.path().join("agon.db").display())
    }

    /// All that the process has said so far.
    pub(crate) fn log(&self) -> String {
        self.process.log()
    }

    /// Calls `GET path`.
    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.send(self.http.get(self.url(path))).await
    }

    /// Calls `POST path` with a JSON body.
    pub(crate) async fn post(&self, path: &str, body: &Value) -> Answer {
        self.send(self.http.post(self.url(path)).json(body)).await
    }

    /// Calls `PUT path` with a JSON body.
    pub(crate) async fn put(&self, path: &str, body: &Value) -> Answer {
        self.send(self.http.put(self.url(path)).json(body)).await
    }

    /// Calls `DELETE path`.
    pub(crate) async fn delete(&self, path: &str) -> Answer {
        self.send(self.http.delete(self.url(path))).await
    }

    /// Orders a debate and returns its id.
    pub(crate) async fn create_debate(&self, body: &Value) -> String {
        let answer = self.post("/api/v1/debates", body).await;
        assert!((200..300).contains(&answer.status), "{answer:?}");
        let id = answer.body["id"].as_str();
        id.unwrap_or_else(|| panic!("no id: {answer:?}")).to_owned()
    }

    /// Watches a debate from its first event on.
    pub(crate) async fn watch(&self, debate: &str) -> Watcher {
        self.watch_from(Promises::of(debate, 0)).await
    }

    /// Watches a debate as somebody: `role=human&seat=Ada`.
    pub(crate) async fn watch_as(&self, debate: &str, whom: &str) -> Watcher {
        let host = self.base().trim_start_matches("http://");
        let url = format!("ws://{host}/ws/debates/{debate}?{whom}");
        let seen = Promises::of(debate, 0);
        Watcher::connect(&url, self.options.key.as_deref(), seen).await
    }

    /// Watches a debate from where an earlier watcher stopped, perhaps at another process.
    pub(crate) async fn watch_from(&self, seen: Promises) -> Watcher {
        let host = self.base().trim_start_matches("http://");
        let url = format!("ws://{host}/ws/debates/{}", seen.debate());
        Watcher::connect(&url, self.options.key.as_deref(), seen).await
    }

    fn url(&self, path: &str) -> String {
        format!("{}{path}", self.base())
    }

    async fn send(&self, mut request: reqwest::RequestBuilder) -> Answer {
        if let Some(key) = &self.options.key {
            request = request.bearer_auth(key);
        }
        let response = request
            .send()
            .await
            .unwrap_or_else(|why| panic!("{why:?}\n{}", self.log()));
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let text = response.text().await.expect("the answer ends");
        let body = serde_json::from_str(&text).unwrap_or(Value::String(text));
        Answer {
            status,
            headers,
            body,
        }
    }
}

async fn launch(home: &TempDir, options: &Options) -> Process {
    let database = home.path().join("agon.db");
    let mut command = Command::new(env!("CARGO_BIN_EXE_agon"));
    command
        .args(["serve", "--port", "0"])
        .args(&options.args)
        .current_dir(home.path())
        .env_clear()
        .env("HOME", home.path())
        .env("DATABASE_URL", format!("sqlite:{}", database.display()))
        .envs(options.env.iter().map(|(name, value)| (name, value)));
    if let Some(text) = &options.config {
        let path = home.path().join("agon.yaml");
        std::fs::write(&path, text).expect("the folder is ours");
        command.arg("--config").arg(path);
    }
    Process::start(command).await
}
