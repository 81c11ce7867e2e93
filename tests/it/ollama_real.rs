//! Against a real Ollama, where `AGON_REAL_OLLAMA` names its address, for example `http://127.0.0.1:11434`. It needs
//! one installed chat model, the smallest of which is called; models stay as they are.

use std::io::Write;
use std::sync::Arc;

use agon::catalog::Catalog;
use agon::client::BaseLlmClient;
use agon::client::CallWait;
use agon::client::ChatRequest;
use agon::client::collect;
use agon::provider::ClientFactory;
use agon::provider::DemoPace;
use agon::provider::Discovered;
use agon::provider::DiscoveredModel;
use agon::provider::Discovery;
use agon::provider::Environment;
use agon::provider::FactoryParts;
use agon::provider::FlagState;
use agon::provider::GeneralTimeouts;
use agon::provider::LlmFlag;
use agon::provider::Transport;
use agon::types::Chat;
use agon::types::Clock;
use agon::types::Message;
use agon::types::Role;
use serde_json::Value;
use serde_json::json;

/// The server's address; `None`, and a line that says so, when there is none.
fn server() -> Option<String> {
    let named = std::env::var("AGON_REAL_OLLAMA")
        .ok()
        .filter(|it| !it.is_empty());
    if named.is_none() {
        let test = std::thread::current();
        let name = test.name().unwrap_or("a test").to_owned();
        // Written past the test harness, which shows what a test prints only when it fails.
        let _ = writeln!(
            std::io::stderr(),
            "skipped: {name}: AGON_REAL_OLLAMA names no Ollama server"
        );
    }
    named
}

struct World {
    environment: Environment,
    catalog: Arc<Catalog>,
    model: DiscoveredModel,
}

impl World {
    async fn at(server: &str) -> Self {
        let environment: Environment = [("OLLAMA_API_BASE", server)].into_iter().collect();
        let catalog = Arc::new(Catalog::embedded());
        let model = smallest(&found(&catalog, &environment).await);
        Self {
            environment,
            catalog,
            model,
        }
    }

    fn name(&self) -> String {
        format!("ollama/{}", self.model.name)
    }

    fn client(&self) -> Arc<dyn BaseLlmClient> {
        let ids = self.catalog.providers().map(|spec| spec.id.clone());
        let parts = FactoryParts {
            catalog: Arc::clone(&self.catalog),
            environment: self.environment.clone(),
            flag: Arc::new(LlmFlag::new(FlagState::default(), ids)),
            timeouts: GeneralTimeouts::default(),
            demo_pace: DemoPace::Fast,
            clock: Clock::system(),
        };
        let factory = ClientFactory::new(parts).unwrap();
        factory.create(&self.name()).unwrap()
    }

    fn asking(&self, text: &str) -> ChatRequest {
        let mut chat = Chat {
            messages: vec![Message::text(Role::User, text)],
            ..Chat::default()
        };
        chat.sampling.max_output_tokens = Some(8);
        ChatRequest::new(self.name().parse().unwrap(), chat)
    }
}

async fn found(catalog: &Catalog, environment: &Environment) -> Vec<Discovered> {
    let discovery = Discovery::new(catalog, environment, &Transport::new().unwrap()).unwrap();
    discovery.current().await.to_vec()
}

fn smallest(found: &[Discovered]) -> DiscoveredModel {
    let ollama = found.iter().find(|it| it.provider == "ollama");
    let models = &ollama.expect("the server answers").models;
    let chats = models
        .iter()
        .filter(|it| it.capabilities.iter().any(|word| word == "completion"));
    let least = chats.min_by_key(|it| (it.size_bytes, it.name.clone()));
    least.expect("a chat model is installed").clone()
}

async fn in_memory(server: &str, model: &str) -> Value {
    let url = format!("{server}/api/ps");
    let http = crate::support::http_client();
    let running: Value = http.get(url).send().await.unwrap().json().await.unwrap();
    let models = running["models"].as_array().unwrap();
    models
        .iter()
        .find(|it| it["name"] == model)
        .cloned()
        .unwrap_or_default()
}

async fn unload(server: &str, model: &str) {
    let body = json!({"model": model, "messages": [], "keep_alive": 0});
    let http = crate::support::http_client();
    let sent = http.post(format!("{server}/api/chat")).json(&body);
    assert!(sent.send().await.unwrap().status().is_success());
    let gone = async {
        while !in_memory(server, model).await.is_null() {
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
    };
    let limit = std::time::Duration::from_secs(20);
    tokio::time::timeout(limit, gone)
        .await
        .expect("it is unloaded");
}

/// One test, since the server is one: what it holds in memory is what is looked at.
#[tokio::test]
async fn a_real_server_says_what_it_has_and_cuts_nothing() {
    let Some(server) = server() else {
        return;
    };
    let server = server.trim_end_matches('/');
    let world = World::at(server).await;
    let model = &world.model;
    assert!(
        model.context_tokens.is_some() && model.parameter_size.is_some(),
        "{model:?}"
    );

    // Two at once: one waits, and says so.
    unload(server, &model.name).await;
    let client = world.client();
    let (first, second) = (world.asking("Yes?"), world.asking("No?"));
    let mut told = second.call.trace.watch_waits();
    let calls = async {
        let first = async { collect(client.stream_message(&first).await?).await };
        let second = async { collect(client.stream_message(&second).await?).await };
        tokio::join!(first, second)
    };
    // What is seen is let go at once: who holds it keeps the call from noting what comes next.
    let queued = async {
        let is_second =
            |wait: &Option<CallWait>| matches!(wait, Some(CallWait::Queued { behind: 1 }));
        told.wait_for(is_second).await.is_ok()
    };
    let ((one, two), queued) = tokio::join!(calls, queued);
    assert!(queued);
    assert!(one.unwrap().usage.output > 0 && two.unwrap().usage.output > 0);
    assert!(second.call.trace.queue_wait() > std::time::Duration::ZERO);

    // What is in force is kept; what is too small grows, within what the model can take, and then stays.
    let before = in_memory(server, &model.name).await["context_length"].clone();
    collect(
        client
            .stream_message(&world.asking("Again?"))
            .await
            .unwrap(),
    )
    .await
    .unwrap();
    let entry = in_memory(server, &model.name).await;
    assert_eq!(entry["context_length"], before, "it was not loaded anew");
    let (now, most) = (before.as_u64().unwrap(), model.context_tokens.unwrap());
    if now < most && now < 16_384 {
        // Three letters are counted as a token; a real one has about as many.
        let long = "the of ".repeat(usize::try_from(now / 2).unwrap());
        let answer = collect(client.stream_message(&world.asking(&long)).await.unwrap()).await;
        let usage = answer.unwrap().usage;
        assert!(
            usage.input > now / 2,
            "the whole prompt was read: {usage:?}"
        );
        let grown = in_memory(server, &model.name).await["context_length"].as_u64();
        assert!(grown > Some(now), "{grown:?}");
        collect(
            client
                .stream_message(&world.asking("Short?"))
                .await
                .unwrap(),
        )
        .await
        .unwrap();
        let kept = in_memory(server, &model.name).await["context_length"].as_u64();
        assert_eq!(kept, grown, "a short call does not load it anew");
    }
    // Beyond what the model can take, the call is refused and nothing is cut.
    let longest = "the of ".repeat(usize::try_from(most.min(32_768)).unwrap() * 2);
    let refused = client.stream_message(&world.asking(&longest)).await;
    let error = refused.err().expect("it does not fit");
    assert_eq!(error.kind.code(), "context_length_exceeded", "{error}");
}
