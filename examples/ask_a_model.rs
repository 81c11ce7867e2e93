//! Asks one model and writes its words as they come. Runs offline: `cargo run --example ask_a_model`.
//! With a model's name it asks that one: `cargo run --example ask_a_model ollama/llama3.2`.

use std::error::Error;
use std::io::Write;
use std::sync::Arc;

use agon::catalog::Catalog;
use agon::client::ChatRequest;
use agon::provider::ClientFactory;
use agon::provider::DemoPace;
use agon::provider::FactoryParts;
use agon::provider::FlagState;
use agon::provider::GeneralTimeouts;
use agon::provider::LlmFlag;
use agon::types::Chat;
use agon::types::Clock;
use agon::types::Message;
use agon::types::Role;
use futures::StreamExt;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let model = std::env::args()
        .nth(1)
        .unwrap_or_else(|| "demo/analyst".to_owned());
    let factory = ClientFactory::new(FactoryParts {
        catalog: Arc::new(Catalog::embedded()),
        environment: std::env::vars().collect(),
        flag: Arc::new(LlmFlag::new(FlagState::default(), [])),
        timeouts: GeneralTimeouts::default(),
        demo_pace: DemoPace::default(),
        clock: Clock::system(),
    })?;
    let messages = vec![Message::text(
        Role::User,
        "# The question\n\nIs a short answer a good answer?",
    )];
    let request = ChatRequest::new(
        model.parse()?,
        Chat {
            messages,
            ..Chat::default()
        },
    );
    let mut words = factory.create(&model)?.stream_message(&request).await?;
    let mut out = std::io::stdout();
    while let Some(chunk) = words.next().await {
        write!(out, "{}", chunk?.delta.text)?;
        out.flush()?;
    }
    writeln!(out)?;
    Ok(())
}
