//! Load client for HTTP LLM gateways. Each subcommand prints one JSON line.

mod closed;
mod open;
mod procs;
mod report;
mod streams;
mod target;

use std::time::Duration;

use clap::Args;
use clap::Parser;
use clap::Subcommand;
use target::Dialect;
use target::Target;

#[derive(Parser)]
#[command(about = "Load client for HTTP LLM gateways")]
struct Cli {
    #[command(subcommand)]
    mode: Mode,
}

#[derive(Subcommand)]
enum Mode {
    /// N connections, each sends its next request when the last one is answered
    Closed {
        #[command(flatten)]
        common: Common,
        #[arg(long, default_value_t = 32)]
        connections: usize,
        /// A fresh TCP connection for every request
        #[arg(long)]
        churn: bool,
    },
    /// Fixed arrival rate; latency counts from the intended start
    Open {
        #[command(flatten)]
        common: Common,
        #[arg(long)]
        rate: u32,
        /// Requests in flight at most; later ones wait, and their wait counts
        #[arg(long, default_value_t = 1024)]
        connections: usize,
        /// Seconds that requests still open at the end may take
        #[arg(long, default_value_t = 10.0)]
        drain: f64,
    },
    /// N simultaneous streams; every chunk is checked and timed
    Streams {
        #[command(flatten)]
        common: Common,
        #[arg(long, default_value_t = 50)]
        connections: usize,
        /// Streams per connection, one after the other
        #[arg(long, default_value_t = 1)]
        repeat: usize,
        /// Chunks of text that each stream must bring
        #[arg(long, default_value_t = 200)]
        chunks: usize,
        /// Streams start at (fixed) random moments within this time
        #[arg(long, default_value_t = 1000)]
        ramp_ms: u64,
    },
}

/// What all loads have in common.
#[derive(Args, Clone)]
pub struct Common {
    /// Full URL, e.g. http://127.0.0.1:4000/v1/chat/completions
    #[arg(long)]
    url: String,
    #[arg(long, default_value = "fast")]
    model: String,
    #[arg(long, value_enum, default_value = "openai")]
    dialect: Dialect,
    /// Size of the request body in bytes
    #[arg(long, default_value_t = 1024)]
    body_size: usize,
    /// Extra request header, 'name: value' (repeatable)
    #[arg(long)]
    header: Vec<String>,
    /// Measured seconds (closed, open)
    #[arg(long, default_value_t = 8.0)]
    seconds: f64,
    /// Seconds of load before the measurement (closed, open)
    #[arg(long, default_value_t = 1.0)]
    warmup: f64,
    /// Seconds after which a request counts as failed
    #[arg(long, default_value_t = 60.0)]
    timeout: f64,
    /// Answers with fewer body bytes count as failed
    #[arg(long, default_value_t = 0)]
    min_bytes: usize,
    /// Process under test, its children included (repeatable)
    #[arg(long)]
    pid: Vec<u32>,
    /// The mock upstream, to see how busy the load core is
    #[arg(long)]
    upstream_pid: Vec<u32>,
}

impl Common {
    fn timeout(&self) -> Duration {
        Duration::from_secs_f64(self.timeout)
    }

    /// Start and end of the measured time, in µs of the monotonic clock.
    fn window(&self) -> (u64, u64) {
        let start = bench_common::now_us() + (self.warmup * 1e6) as u64;
        (start, start + (self.seconds * 1e6) as u64)
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    bench_common::raise_open_files();
    let line = match Cli::parse().mode {
        Mode::Closed {
            common,
            connections,
            churn,
        } => {
            let target = Target::new(&common, false)?;
            closed::run(common, target, connections, churn).await
        }
        Mode::Open {
            common,
            rate,
            connections,
            drain,
        } => {
            let target = Target::new(&common, false)?;
            open::run(common, target, rate.max(1), connections, drain).await
        }
        Mode::Streams {
            common,
            connections,
            repeat,
            chunks,
            ramp_ms,
        } => {
            let target = Target::new(&common, true)?;
            let plan = streams::Plan {
                connections,
                repeat,
                chunks,
                ramp_ms,
            };
            streams::run(common, target, plan).await
        }
    };
    println!("{line}");
    Ok(())
}
