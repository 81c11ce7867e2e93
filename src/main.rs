//! The `agon` program.

use std::process::ExitCode;

#[tokio::main]
async fn main() -> ExitCode {
    agon::cli::run().await
}
