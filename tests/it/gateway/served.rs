//! The gateway as its clients see it: a running server before upstreams that play a script.

mod chat;
mod doors;
mod errors;
mod fault_matrix;
mod lists;
mod older;
mod others;
mod plans;
mod vectors;

use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::sync::Arc;

use agon::app;
use agon::app::App;
use agon::config::DatabaseUrl;
use agon::config::Overrides;
use agon::http::ConfigReload;
use agon::http::GatewayConfig;
use agon::http::Listeners;
use agon::http::Reloaded;
use agon::http::Site;
use agon::http::Workers;
use agon::router::RouterConfig;
use agon::types::Deployment;
use agon::types::DeploymentInfo;
use agon::types::Diagnostic;
use agon::types::Secret;
use agon::types::Target;
use serde_json::Value;
use serde_json::json;
use tempfile::TempDir;

use super::KEY;
use crate::support::http_client;
use crate::support::upstream::Upstream;

/// The key that callers of the gateway send.
const MASTER: &str = "sk-master-of-this-test";

/// A server inside this process.
struct Gateway {
    base: String,
    app: App,
    _home: TempDir,
    /// Ends when it is dropped.
    _serving: Workers,
}

/// One answer with its body as text.
struct Heard {
    status: u16,
    headers: reqwest::header::HeaderMap,
    text: String,
}

impl Heard {
    fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|_| panic!("no JSON: {}", self.text))
    }
}

/// Settings that never change.
struct NothingNew;

#[async_trait::async_trait]
impl ConfigReload for NothingNew {
    async fn reload(&self) -> Result<Reloaded, Vec<Diagnostic>> {
        Ok(Reloaded::default())
    }
}

impl Gateway {
    /// A server whose providers all are this upstream, which needs the master key.
    async fn before(upstream: &Upstream) -> Self {
        Self::start(Some(upstream), Vec::new(), |_| {}).await
    }

    /// A server with a model list.
    async fn with_list(deployments: Vec<Deployment>) -> Self {
        Self::start(None, deployments, |_| {}).await
    }

    /// The same, with other settings of the router.
    async fn with_router(
        deployments: Vec<Deployment>,
        set: impl FnOnce(&mut RouterConfig),
    ) -> Self {
        Self::start(None, deployments, set).await
    }

    async fn start(
        upstream: Option<&Upstream>,
        deployments: Vec<Deployment>,
        set: impl FnOnce(&mut RouterConfig),
    ) -> Self {
        let home = TempDir::new().unwrap();
        let environment = BTreeMap::from([("AGON_MASTER_KEY".to_owned(), MASTER.to_owned())]);
        let loaded = agon::config::load(None, &environment, Overrides::default()).unwrap();
        let mut config = loaded.config;
        config.database_url = DatabaseUrl(format!("sqlite:{}/agon.db", home.path().display()));
        config.demo_pace = Some("fast".to_owned());
        config.router.deployments = deployments.into_iter().map(Arc::new).collect();
        config.router.num_retries = 0;
        set(&mut config.router);
        let variables = upstream.map(variables).unwrap_or_default();
        let app = App::build(&config, &variables).await.unwrap();
        let listeners = Listeners::bind("127.0.0.1", 0, NonZeroUsize::MIN)
            .await
            .unwrap();
        let base = format!("http://{}", listeners.address());
        let site = Site::new(app::state(&config, &app, Arc::new(NothingNew)));
        let serving = listeners.serve(&site).unwrap();
        Self {
            base,
            app,
            _home: home,
            _serving: serving,
        }
    }

    /// Lets other settings of the gateway hold.
    fn set(&self, config: &GatewayConfig) {
        self.app.gateway.set(config);
    }

    fn url(&self, path: &str) -> String {
        format!("{}{path}", self.base)
    }

    async fn get(&self, path: &str) -> Heard {
        hear(http_client().get(self.url(path)).bearer_auth(MASTER)).await
    }

    async fn post(&self, path: &str, body: &Value) -> Heard {
        self.post_with(path, &[("authorization", &bearer())], &body.to_string())
            .await
    }

    /// Posts a body as it is, with these headers and no others.
    async fn post_with(&self, path: &str, headers: &[(&str, &str)], body: &str) -> Heard {
        let mut request = http_client().post(self.url(path)).body(body.to_owned());
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        hear(request).await
    }
}

fn variables(upstream: &Upstream) -> BTreeMap<String, String> {
    let base = upstream.base_url();
    [
        ("OPENAI_API_KEY", KEY.to_owned()),
        ("OPENAI_BASE_URL", format!("{base}/v1")),
        ("ANTHROPIC_API_KEY", KEY.to_owned()),
        ("ANTHROPIC_BASE_URL", base.clone()),
        ("GEMINI_API_KEY", KEY.to_owned()),
        ("GEMINI_BASE_URL", format!("{base}/v1beta")),
        ("OLLAMA_BASE_URL", base),
    ]
    .into_iter()
    .map(|(name, value)| (name.to_owned(), value))
    .collect()
}

async fn hear(request: reqwest::RequestBuilder) -> Heard {
    let response = request.send().await.expect("the server answers");
    Heard {
        status: response.status().as_u16(),
        headers: response.headers().clone(),
        text: response.text().await.expect("the answer ends"),
    }
}

/// The key as OpenAI's clients send it.
fn bearer() -> String {
    format!("Bearer {MASTER}")
}

/// An entry of a model list.
fn deployment(group: &str, model: &str, base: Option<String>) -> Deployment {
    Deployment {
        id: format!("{group}-{model}").into(),
        group: group.into(),
        model: model.into(),
        target: Arc::new(Target {
            api_base: base,
            api_key: Some(Secret::new(KEY)),
            ..Target::default()
        }),
        weight: None,
        rpm: None,
        tpm: None,
        max_parallel: None,
        order: None,
        tags: Vec::new(),
        num_retries: None,
        cooldown: None,
        prices: None,
        info: DeploymentInfo::default(),
    }
}

/// A whole answer in OpenAI's dialect.
fn completion(text: &str) -> Value {
    json!({"id": "chatcmpl-1", "object": "chat.completion", "created": 1, "model": "gpt-4o-mini-2024",
        "choices": [{"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 3, "completion_tokens": 4, "total_tokens": 7}, "x_odd": [1]})
}

/// A streamed answer in OpenAI's dialect.
const PIECES: [&str; 4] = [
    "data: {\"id\":\"c\",\"x\":1,\"choices\":[{\"index\":0,\"delta\":{\"content\":\"Hi\"}}]}\n\n",
    "data: {\"id\":\"c\",\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n",
    "data: {\"id\":\"c\",\"choices\":[],\"usage\":{\"prompt_tokens\":1,\"completion_tokens\":2}}\n\n",
    "data: [DONE]\n\n",
];

/// A chat in OpenAI's dialect.
fn ask(model: &str) -> Value {
    json!({"model": model, "messages": [{"role": "user", "content": "hi"}]})
}
