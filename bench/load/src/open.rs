//! Open loop: requests leave at a fixed rate whatever the answers do, and each latency counts from
//! the moment the request was due, so a stalled gateway cannot hide the requests it held up.

use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::time::Duration;

use bench_common::Timer;
use bench_common::now_us;
use bytes::Bytes;
use http_body_util::Full;
use hyper::client::conn::http1::SendRequest;
use serde_json::Value;
use serde_json::json;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use crate::Common;
use crate::procs::Watch;
use crate::report::Tally;
use crate::report::extend;
use crate::target::Target;

struct Shared {
    target: Target,
    idle: Mutex<Vec<SendRequest<Full<Bytes>>>>,
    slots: Semaphore,
    timeout: Duration,
}

pub async fn run(
    common: Common,
    target: Target,
    rate: u32,
    connections: usize,
    drain: f64,
) -> Value {
    let shared = Arc::new(Shared {
        target,
        idle: Mutex::default(),
        slots: Semaphore::new(connections),
        timeout: common.timeout(),
    });
    let begin = now_us() + 10_000;
    let warm = (common.warmup * f64::from(rate)) as u64;
    let total = warm + (common.seconds * f64::from(rate)) as u64;
    let due = |n: u64| begin + n * 1_000_000 / u64::from(rate);

    let timer = match Timer::new() {
        Ok(timer) => timer,
        Err(error) => return json!({ "mode": "open", "failed": error.to_string() }),
    };
    let mut watch = None;
    let mut running = JoinSet::new();
    for n in 0..total {
        let _ = timer.until(due(n)).await;
        if n == warm {
            watch = Some(Watch::start(&common.pid, &common.upstream_pid));
        }
        running.spawn(one(shared.clone(), n, due(n)));
    }

    let mut tally = Tally::new(4);
    let mut answered = vec![false; total as usize];
    let limit = tokio::time::Instant::now() + Duration::from_secs_f64(drain);
    let window = due(warm)..due(total);
    let (mut in_window, mut since_warm) = (0_u64, 0_u64);
    while let Ok(Some(joined)) = tokio::time::timeout_at(limit, running.join_next()).await {
        let Ok((n, done, outcome)) = joined else {
            continue;
        };
        answered[n as usize] = true;
        in_window += u64::from(outcome.is_ok() && window.contains(&done));
        since_warm += u64::from(done >= window.start);
        if n < warm {
            continue;
        }
        match outcome {
            Ok(()) => tally.ok(done - due(n)),
            Err(kind) => tally.error(kind),
        }
    }
    // What never came back is counted, and its age so far enters the latencies.
    let now = now_us();
    let open: Vec<u64> = (warm..total).filter(|&n| !answered[n as usize]).collect();
    let completed = tally.latency.len();
    for &n in &open {
        tally.ok(now - due(n));
    }
    let mut out = tally.json("open", common.seconds);
    out["rate"] = json!(rate);
    out["requests"] = json!(completed);
    out["unfinished"] = json!(open.len());
    // Answers per second while requests were due, whichever they belong to.
    out["rps"] = json!((in_window as f64 / common.seconds * 10.0).round() / 10.0);
    if let Some(watch) = watch {
        extend(&mut out, watch.read().report(since_warm, "request"));
    }
    out
}

async fn one(shared: Arc<Shared>, n: u64, due: u64) -> (u64, u64, Result<(), String>) {
    let Ok(_slot) = shared.slots.acquire().await else {
        return (n, now_us().max(due), Err("closed".into()));
    };
    let take = || shared.idle.lock().unwrap_or_else(PoisonError::into_inner);
    let mut conn = take().pop();
    let exchange = shared.target.exchange(&mut conn);
    let outcome = match tokio::time::timeout(shared.timeout, exchange).await {
        Ok(outcome) => outcome,
        Err(_) => {
            conn = None;
            Err("timeout".into())
        }
    };
    let done = now_us();
    if let Some(conn) = conn {
        take().push(conn);
    }
    (n, done, outcome)
}
