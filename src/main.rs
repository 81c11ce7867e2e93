//! The `agon` program.

use std::process::ExitCode;

/// Requests make and drop many small things, and bodies of a megabyte: glibc's allocator takes a quarter of a request's
/// instructions for that, and this one a tenth.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[tokio::main]
async fn main() -> ExitCode {
    agon::cli::run().await
}
