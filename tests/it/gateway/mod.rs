//! The unified client against servers that behave, and against servers that do not.

mod credentials;
mod discovery;
mod embeddings;
mod faults;
mod library;
mod local;
mod provider_requests;
mod replicate;
mod served;
mod statuses;
mod wires;

use std::sync::Arc;
use std::time::Duration;

use agon::catalog::Catalog;
use agon::client::BaseLlmClient;
use agon::client::ChatRequest;
use agon::client::LlmError;
use agon::provider::CallTimeouts;
use agon::provider::ClientFactory;
use agon::provider::DemoPace;
use agon::provider::Environment;
use agon::provider::FactoryParts;
use agon::provider::FlagState;
use agon::provider::GeneralTimeouts;
use agon::provider::LlmFlag;
use agon::types::Chat;
use agon::types::Clock;
use agon::types::Message;
use agon::types::Role;

/// The key that every test sends, and that no error may show.
const KEY: &str = "sk-test-7f3a-very-private";

const OPENAI: &str = "openai/gpt-4o-mini";
const ANTHROPIC: &str = "anthropic/claude-haiku-4-5";
const OLLAMA: &str = "ollama/llama3.2";

/// 1 November 2026, midnight, UTC.
const NOW_MS: u64 = 1_793_491_200_000;

/// Limits that a test can wait for.
const SHORT: CallTimeouts = CallTimeouts {
    connect: Duration::from_secs(2),
    first_token: Duration::from_millis(500),
    idle: Duration::from_millis(500),
    total: Duration::from_secs(5),
};

fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

/// A factory whose providers all are at this address.
fn factory_at(base_url: &str, timeouts: CallTimeouts) -> ClientFactory {
    let openai = format!("{base_url}/v1");
    let environment: Environment = [
        ("OPENAI_API_KEY", KEY),
        ("OPENAI_BASE_URL", &openai),
        ("AZURE_OPENAI_API_KEY", KEY),
        ("AZURE_OPENAI_ENDPOINT", base_url),
        ("COHERE_API_KEY", KEY),
        ("COHERE_API_BASE", &openai),
        ("REPLICATE_API_TOKEN", KEY),
        ("REPLICATE_BASE_URL", &openai),
        ("ANTHROPIC_API_KEY", KEY),
        ("ANTHROPIC_BASE_URL", base_url),
        ("OLLAMA_BASE_URL", base_url),
    ]
    .into_iter()
    .collect();
    let catalog = Arc::new(Catalog::embedded());
    let ids = catalog.providers().map(|spec| spec.id.clone());
    let flag = Arc::new(LlmFlag::new(FlagState::default(), ids));
    ClientFactory::new(FactoryParts {
        catalog,
        environment,
        flag,
        timeouts: GeneralTimeouts {
            cloud: timeouts,
            local: timeouts,
        },
        demo_pace: DemoPace::Fast,
        clock: Clock::starting_at(NOW_MS),
    })
    .unwrap()
}

fn client_at(base_url: &str, model: &str) -> Arc<dyn BaseLlmClient> {
    factory_at(base_url, SHORT).create(model).unwrap()
}

fn request(model: &str) -> ChatRequest {
    let chat = Chat {
        messages: vec![
            Message::text(Role::System, "Be brief."),
            Message::text(Role::User, "Say hello."),
        ],
        ..Chat::default()
    };
    ChatRequest::new(model.parse().unwrap(), chat)
}

/// Checks what holds for every error: nobody learns the key from it.
fn keyless(error: &LlmError) {
    let shown = format!("{error} {error:?}");
    assert!(!shown.contains(KEY), "{shown}");
}
