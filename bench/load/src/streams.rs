//! Simultaneous SSE streams. Every chunk carries `#stream.number@sent_us;`: the receiver sees what
//! is lost, doubled, out of order or of another stream, and how long the way from the upstream took.

use std::collections::BTreeMap;
use std::sync::Arc;

use bench_common::now_us;
use bench_common::sleep_until;
use hdrhistogram::Histogram;
use http_body_util::BodyExt;
use serde_json::Value;
use serde_json::json;

use crate::Common;
use crate::procs::Watch;
use crate::report::extend;
use crate::report::histogram;
use crate::report::put_quantiles;
use crate::target::Failure;
use crate::target::Target;

pub struct Plan {
    pub connections: usize,
    pub repeat: usize,
    pub chunks: usize,
    pub ramp_ms: u64,
}

struct Seen {
    relay: Histogram<u64>,
    first: Histogram<u64>,
    complete: u64,
    chunks: u64,
    lost: u64,
    doubled: u64,
    reordered: u64,
    /// Chunks of another stream, or stamps that cannot be read.
    foreign: u64,
    errors: BTreeMap<String, u64>,
}

impl Seen {
    fn new() -> Self {
        Self {
            relay: histogram(3),
            first: histogram(3),
            complete: 0,
            chunks: 0,
            lost: 0,
            doubled: 0,
            reordered: 0,
            foreign: 0,
            errors: BTreeMap::new(),
        }
    }

    fn merge(&mut self, other: Self) {
        self.relay.add(other.relay).expect("same bounds");
        self.first.add(other.first).expect("same bounds");
        self.complete += other.complete;
        self.chunks += other.chunks;
        self.lost += other.lost;
        self.doubled += other.doubled;
        self.reordered += other.reordered;
        self.foreign += other.foreign;
        for (kind, count) in other.errors {
            *self.errors.entry(kind).or_default() += count;
        }
    }
}

pub async fn run(common: Common, target: Target, plan: Plan) -> Value {
    let target = Arc::new(target);
    let watch = Watch::start(&common.pid, &common.upstream_pid);
    let begin = now_us();
    let mut random = 0x9e37_79b9_7f4a_7c15_u64;
    let workers: Vec<_> = (0..plan.connections)
        .map(|_| {
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            let offset = random % (plan.ramp_ms * 1_000).max(1);
            let (target, common) = (target.clone(), common.clone());
            let (repeat, chunks) = (plan.repeat, plan.chunks);
            tokio::spawn(async move {
                let _ = sleep_until(begin + offset).await;
                connection(target, common, repeat, chunks).await
            })
        })
        .collect();
    let mut seen = Seen::new();
    for worker in workers {
        if let Ok(one) = worker.await {
            seen.merge(one);
        }
    }
    let snapshot = watch.read();
    let mut out = json!({
        "mode": "streams",
        "streams": plan.connections * plan.repeat,
        "complete": seen.complete,
        "chunks": seen.chunks,
        "lost": seen.lost,
        "doubled": seen.doubled,
        "reordered": seen.reordered,
        "foreign": seen.foreign,
        "errors": seen.errors,
        "seconds": (now_us() - begin) as f64 / 1e6,
    });
    put_quantiles(&mut out, "relay_", &seen.relay);
    put_quantiles(&mut out, "first_", &seen.first);
    extend(&mut out, snapshot.report(seen.chunks, "chunk"));
    out
}

async fn connection(target: Arc<Target>, common: Common, repeat: usize, chunks: usize) -> Seen {
    let mut seen = Seen::new();
    let mut conn = None;
    for _ in 0..repeat {
        let mut check = Check::new(chunks);
        let whole = stream(&target, &mut conn, &mut check, &mut seen);
        let outcome = match tokio::time::timeout(common.timeout(), whole).await {
            Ok(outcome) => outcome,
            Err(_) => Err("timeout".into()),
        };
        seen.chunks += check.arrived;
        seen.lost += check.numbers.iter().filter(|&&arrived| !arrived).count() as u64;
        seen.doubled += check.doubled;
        seen.reordered += check.reordered;
        seen.foreign += check.foreign;
        match outcome {
            Ok(()) => seen.complete += 1,
            Err(kind) => {
                conn = None;
                *seen.errors.entry(kind).or_default() += 1;
            }
        }
    }
    seen
}

type Connection =
    Option<hyper::client::conn::http1::SendRequest<http_body_util::Full<bytes::Bytes>>>;

/// Reads one stream to its end; `Err` when the end mark never came.
async fn stream(
    target: &Target,
    conn: &mut Connection,
    check: &mut Check,
    seen: &mut Seen,
) -> Result<(), Failure> {
    let begin = now_us();
    let mut body = target.send(conn).await?.into_body();
    let mut buffer = Vec::new();
    let mut ended = false;
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|_| "cut")?;
        let now = now_us();
        let Some(data) = frame.data_ref() else {
            continue;
        };
        buffer.extend_from_slice(data);
        // Whole lines only; the rest waits for its end.
        let Some(end) = buffer.iter().rposition(|&byte| byte == b'\n') else {
            continue;
        };
        for line in buffer[..end].split(|&byte| byte == b'\n') {
            let Some(line) = line.strip_prefix(b"data:") else {
                continue;
            };
            let line = String::from_utf8_lossy(line);
            ended |= line.trim() == "[DONE]" || line.contains(r#""type":"message_stop""#);
            // Some gateways join pieces of text: a line may hold several marks.
            for mark in line.split('#').skip(1) {
                if let Some(sent) = check.mark(mark) {
                    seen.relay
                        .saturating_record(now.saturating_sub(sent).max(1));
                    if check.arrived == 1 {
                        seen.first.saturating_record(now - begin);
                    }
                }
            }
        }
        buffer.drain(..=end);
    }
    if ended {
        Ok(())
    } else {
        Err("no end mark".into())
    }
}

/// The chunks of one stream.
struct Check {
    id: Option<u64>,
    numbers: Vec<bool>,
    highest: Option<usize>,
    arrived: u64,
    doubled: u64,
    reordered: u64,
    foreign: u64,
}

impl Check {
    fn new(chunks: usize) -> Self {
        let numbers = vec![false; chunks];
        Self {
            id: None,
            numbers,
            highest: None,
            arrived: 0,
            doubled: 0,
            reordered: 0,
            foreign: 0,
        }
    }

    /// Takes `stream.number@sent_us;…`; returns the time of sending if the chunk is a good one.
    fn mark(&mut self, mark: &str) -> Option<u64> {
        let parsed = mark.split_once(';').and_then(|(head, _)| {
            let (id, rest) = head.split_once('.')?;
            let (number, sent) = rest.split_once('@')?;
            Some((
                id.parse().ok()?,
                number.parse::<usize>().ok()?,
                sent.parse().ok()?,
            ))
        });
        let Some((id, number, sent)) = parsed else {
            self.foreign += 1;
            return None;
        };
        if *self.id.get_or_insert(id) != id || number >= self.numbers.len() {
            self.foreign += 1;
            return None;
        }
        if std::mem::replace(&mut self.numbers[number], true) {
            self.doubled += 1;
            return None;
        }
        if self.highest.is_some_and(|highest| number < highest) {
            self.reordered += 1;
        }
        self.highest = self.highest.max(Some(number));
        self.arrived += 1;
        Some(sent)
    }
}

#[cfg(test)]
mod tests {
    use super::Check;

    #[test]
    fn faults_are_told_apart() {
        let mut check = Check::new(4);
        for mark in [
            "7.0@10; a",
            "7.2@30; b",
            "7.1@20; c",
            "7.2@30; d",
            "8.3@40; e",
            "junk",
        ] {
            check.mark(mark);
        }
        assert_eq!(
            (check.arrived, check.doubled, check.reordered, check.foreign),
            (3, 1, 1, 2)
        );
        assert_eq!(check.numbers, [true, true, true, false]);
    }
}
