//! Closed loop: as fast as the answers come.

use std::sync::Arc;
use std::time::Duration;

use bench_common::now_us;
use bench_common::sleep_until;
use serde_json::Value;

use crate::Common;
use crate::procs::Watch;
use crate::report::Tally;
use crate::report::extend;
use crate::target::Target;

pub async fn run(common: Common, target: Target, connections: usize, churn: bool) -> Value {
    let target = Arc::new(target);
    let window = common.window();
    let workers: Vec<_> = (0..connections)
        .map(|_| tokio::spawn(worker(target.clone(), window, common.timeout(), churn)))
        .collect();
    let _ = sleep_until(window.0).await;
    let watch = Watch::start(&common.pid, &common.upstream_pid);
    let _ = sleep_until(window.1).await;
    // Read at the end of the window, not when the last worker is done. Failures cost CPU as well:
    // they count as units.
    let snapshot = watch.read();
    let mut total = Tally::new(3);
    for worker in workers {
        if let Ok(tally) = worker.await {
            total.merge(tally);
        }
    }
    let units = total.latency.len() + total.errors.values().sum::<u64>();
    let mut out = total.json("closed", common.seconds);
    extend(&mut out, snapshot.report(units, "request"));
    out
}

async fn worker(
    target: Arc<Target>,
    (start, end): (u64, u64),
    timeout: Duration,
    churn: bool,
) -> Tally {
    let mut tally = Tally::new(3);
    let mut conn = None;
    loop {
        let begin = now_us();
        if begin >= end {
            return tally;
        }
        let outcome = match tokio::time::timeout(timeout, target.exchange(&mut conn)).await {
            Ok(outcome) => outcome,
            Err(_) => {
                conn = None;
                Err("timeout".into())
            }
        };
        let done = now_us();
        if churn {
            conn = None;
        }
        let counts = (start..end).contains(&done);
        match outcome {
            Ok(()) if counts => tally.ok(done - begin),
            Ok(()) => {}
            Err(kind) => {
                if counts {
                    tally.error(kind);
                }
                // A refusing gateway must not turn this into a busy loop.
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
        }
    }
}
