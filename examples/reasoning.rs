//! Asks a model to reason first, and shows both. Runs offline: `cargo run --example reasoning`.
//! With a model's name it asks that one: `cargo run --example reasoning ollama/deepseek-r1`.

use std::error::Error;
use std::io::Write;

use agon::llm;
use agon::types::ReasoningEffort;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let model = std::env::args()
        .nth(1)
        .unwrap_or_else(|| "demo/analyst".to_owned());
    let question = "Which is larger, 9.9 or 9.11?";
    let answer = llm::chat_with_reasoning(&model, question, ReasoningEffort::Low).await?;
    let mut out = std::io::stdout();
    match answer.reasoning() {
        Some(reasoning) => writeln!(out, "It thinks: {reasoning}\n")?,
        None => writeln!(out, "It shows no reasoning.\n")?,
    }
    writeln!(out, "It says: {answer}")?;
    Ok(())
}
