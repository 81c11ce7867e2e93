//! Asks for a value of a type. Runs offline: `cargo run --example json_answer`.
//! With a model's name it asks that one: `cargo run --example json_answer gpt-4o-mini`.

use std::error::Error;
use std::io::Write;

use agon::llm;
use schemars::JsonSchema;
use serde::Deserialize;

/// What the model shall fill in; the comments are part of the schema that it gets.
#[derive(Debug, Deserialize, JsonSchema)]
struct Review {
    /// One sentence.
    summary: String,
    /// 1 (bad) to 5 (good).
    #[schemars(range(min = 1, max = 5))]
    stars: u8,
    /// What could be better.
    complaints: Vec<String>,
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let model = std::env::args()
        .nth(1)
        .unwrap_or_else(|| "demo/judge".to_owned());
    let ask = llm::Ask::new("The tea was hot, the cake was dry, and we had to wait an hour.")
        .system("You turn reviews of cafés into figures.");
    let made = llm::generate_json::<Review>(&model, ask).await?;
    let mut out = std::io::stdout();
    let Review {
        summary,
        stars,
        complaints,
    } = made.value;
    writeln!(out, "{stars} stars: {summary}")?;
    for complaint in complaints {
        writeln!(out, "- {complaint}")?;
    }
    let cost = made
        .cost
        .map_or_else(|| "unknown".to_owned(), |cost| cost.to_string());
    writeln!(out, "{} tokens, cost {cost}", made.usage.total_tokens())?;
    Ok(())
}
