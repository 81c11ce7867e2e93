//! What an Ollama server says about one of its models, kept for a while.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::time::Duration;

use serde_json::Value;
use serde_json::json;
use tokio::time::Instant;

use super::ask::Server;

/// How long what a model can do is believed.
const BELIEVED: Duration = Duration::from_secs(60);
/// How long a server that did not say is left alone.
const LEFT_ALONE: Duration = Duration::from_secs(5);
/// How long `show` may take.
const SHOW_LIMIT: Duration = Duration::from_secs(1);
/// How long `ps` may take. While a model loads, some releases answer it only afterwards.
const PS_LIMIT: Duration = Duration::from_millis(300);
/// Most models that are remembered.
const MOST_MODELS: usize = 1000;

/// What a server says about a model.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(in crate::provider) struct ModelFacts {
    /// In the server's words; empty when it does not say.
    pub(in crate::provider) capabilities: Vec<String>,
    /// The context that it was trained for.
    pub(in crate::provider) context_tokens: Option<u64>,
    /// The context that its own file asks for.
    pub(in crate::provider) num_ctx: Option<u64>,
}

impl ModelFacts {
    /// Reads Ollama's `/api/show`: the context's length stands under the name of the architecture.
    pub(in crate::provider) fn of_show(shown: &Value) -> Self {
        let about = &shown["model_info"];
        let words = shown["capabilities"].as_array();
        Self {
            capabilities: words
                .into_iter()
                .flatten()
                .filter_map(|word| word.as_str().map(str::to_owned))
                .collect(),
            context_tokens: about["general.architecture"]
                .as_str()
                .and_then(|family| about[format!("{family}.context_length")].as_u64()),
            num_ctx: shown["parameters"].as_str().and_then(own_num_ctx),
        }
    }

    /// `false` only when the server has said what the model can do, and this is not among it.
    pub(super) fn may(&self, capability: &str) -> bool {
        self.capabilities.is_empty() || self.capabilities.iter().any(|word| word == capability)
    }
}

/// `parameters` is a text of lines such as `num_ctx    8192`.
fn own_num_ctx(parameters: &str) -> Option<u64> {
    parameters.lines().find_map(|line| {
        let mut words = line.split_whitespace();
        (words.next() == Some("num_ctx"))
            .then(|| words.next()?.parse().ok())
            .flatten()
    })
}

/// A model at a server: its base URL and its plain name.
type Key = (String, String);

#[derive(Debug, Clone)]
struct Heard {
    at: Instant,
    facts: Option<Arc<ModelFacts>>,
}

/// What was heard, and what was asked for.
#[derive(Debug, Default)]
pub(super) struct FactBook {
    heard: Mutex<HashMap<Key, Heard>>,
    asked: Mutex<HashMap<Key, u64>>,
}

impl FactBook {
    /// What the server says about the model; `None` when it says nothing.
    pub(super) async fn facts(&self, server: &Server, model: &str) -> Option<Arc<ModelFacts>> {
        let key = key(server, model);
        if let Some(heard) = self.remembered(&key) {
            return heard.facts;
        }
        let due = Instant::now() + SHOW_LIMIT;
        let wanted = json!({ "model": model });
        let shown = server.post("/api/show", &wanted, due).await.success();
        let facts = shown.map(|shown| Arc::new(ModelFacts::of_show(&shown)));
        let heard = Heard {
            at: Instant::now(),
            facts: facts.clone(),
        };
        let mut book = self.heard.lock().unwrap_or_else(PoisonError::into_inner);
        if book.len() >= MOST_MODELS {
            book.clear();
        }
        book.insert(key, heard);
        facts
    }

    fn remembered(&self, key: &Key) -> Option<Heard> {
        let book = self.heard.lock().unwrap_or_else(PoisonError::into_inner);
        let heard = book.get(key)?;
        let fresh = match heard.facts {
            Some(_) => BELIEVED,
            None => LEFT_ALONE,
        };
        (heard.at.elapsed() < fresh).then(|| heard.clone())
    }

    /// The largest context that was asked for so far.
    pub(super) fn asked_before(&self, server: &Server, model: &str) -> Option<u64> {
        let book = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
        book.get(&key(server, model)).copied()
    }

    /// Remembers the context that is asked for.
    pub(super) fn note_asked(&self, server: &Server, model: &str, tokens: u64) {
        let mut book = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
        if book.len() >= MOST_MODELS {
            book.clear();
        }
        let most = book.entry(key(server, model)).or_default();
        *most = tokens.max(*most);
    }
}

fn key(server: &Server, model: &str) -> Key {
    (server.base_url.clone(), plain(model).to_owned())
}

/// `llama3.2` and `llama3.2:latest` are one model.
pub(super) fn plain(model: &str) -> &str {
    model.strip_suffix(":latest").unwrap_or(model)
}

/// The context that the model is loaded with; `None` when it is not loaded, or the server does not say in time.
pub(super) async fn in_force(server: &Server, model: &str) -> Option<u64> {
    let running = server.get("/api/ps", Instant::now() + PS_LIMIT).await;
    loaded(&running.success()?, model)?["context_length"].as_u64()
}

/// The entry of the model in what `/api/ps` says.
pub(super) fn loaded<'a>(running: &'a Value, model: &str) -> Option<&'a Value> {
    let models = running["models"].as_array()?;
    models.iter().find(|entry| {
        let name = entry["name"].as_str().unwrap_or_default();
        plain(name).eq_ignore_ascii_case(plain(model))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_show_says_is_read_and_silence_forbids_nothing() {
        let facts = ModelFacts::of_show(&json!({
            "capabilities": ["completion"],
            "parameters": "num_thread    1\nnum_ctx     2048",
            "model_info": {"general.architecture": "gemma3", "gemma3.context_length": 131_072},
        }));
        assert_eq!(
            (facts.context_tokens, facts.num_ctx),
            (Some(131_072), Some(2048))
        );
        assert!(facts.may("completion") && !facts.may("tools"));
        assert!(ModelFacts::of_show(&json!({})).may("tools"));
    }

    #[test]
    fn a_model_is_found_among_those_in_memory_with_or_without_its_tag() {
        let running = json!({"models": [{"name": "Tiny:latest", "context_length": 4096}]});
        assert!(loaded(&running, "tiny").is_some());
        assert!(loaded(&running, "tiny:latest").is_some());
        assert!(loaded(&running, "tiny:7b").is_none());
        assert!(loaded(&Value::Null, "tiny").is_none());
    }
}
