//! The gateway as its clients see it: a running server before upstreams that play a script.

mod chat;

use serde_json::Value;

use super::KEY;
use crate::support::agon::Agon;
use crate::support::agon::Options;
use crate::support::upstream::Upstream;

/// The key that callers of the gateway send.
const MASTER: &str = "sk-master-of-this-test";

/// A server whose cloud providers all are this upstream, which needs the master key.
async fn gateway_before(upstream: &Upstream) -> Agon {
    gateway_with(upstream, "").await
}

/// The same, with a configuration of its own.
async fn gateway_with(upstream: &Upstream, config: &str) -> Agon {
    let base = upstream.base_url();
    let options = Options {
        config: (!config.is_empty()).then(|| config.to_owned()),
        env: vec![
            ("AGON_MASTER_KEY", MASTER.to_owned()),
            ("OPENAI_API_KEY", KEY.to_owned()),
            ("OPENAI_BASE_URL", format!("{base}/v1")),
            ("ANTHROPIC_API_KEY", KEY.to_owned()),
            ("ANTHROPIC_BASE_URL", base.clone()),
            ("OLLAMA_BASE_URL", base),
        ],
        key: Some(MASTER.to_owned()),
        ..Options::default()
    };
    Agon::start_with(options).await
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

/// Posts a body as it is, with these headers and no others.
async fn post(agon: &Agon, path: &str, headers: &[(&str, &str)], body: &str) -> Heard {
    let mut request = crate::support::http_client()
        .post(format!("{}{path}", agon.base()))
        .body(body.to_owned());
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    heard(request).await
}

async fn heard(request: reqwest::RequestBuilder) -> Heard {
    let response = request.send().await.expect("the server answers");
    Heard {
        status: response.status().as_u16(),
        headers: response.headers().clone(),
        text: response.text().await.expect("the answer ends"),
    }
}

/// The key as OpenAI's clients send it.
fn bearer() -> (&'static str, String) {
    ("authorization", format!("Bearer {MASTER}"))
}
