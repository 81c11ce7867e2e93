//! How far one server goes: debates at once, viewers of one debate, idle viewers, and a long log caught up.
//!
//! Server, upstream and viewers share this machine. Run with `cargo bench --bench scale`, or name scenarios:
//! `cargo bench --bench scale -- debates audience idle catch-up`. Sizes are set by variables, which `SIZES` below
//! lists with their defaults. A table goes to standard output, and after it one line of JSON.
//!
//! A frame is due 33 ms after the frame before it at the latest, so the delay that is told is what a word waited
//! beyond that. Not a part of `cargo test`.

mod figures;
mod server;
mod upstream;
mod viewer;

use std::time::Duration;

use serde_json::Value;
use serde_json::json;
use tokio::task::JoinSet;
use tokio::time::Instant;

use figures::Figures;
use server::Server;
use viewer::Reading;

/// Sizes, each a variable and its default.
const SIZES: [(&str, &str); 5] = [
    // Debates at once, step by step; each has three speakers and five viewers.
    ("AGON_SCALE_DEBATES", "25,50,100,200,300"),
    // Words of each answer, at 50 a second.
    ("AGON_SCALE_WORDS", "400"),
    // Viewers of one debate.
    ("AGON_SCALE_AUDIENCE", "1000"),
    // Viewers of a debate in which nothing happens.
    ("AGON_SCALE_IDLE", "10000"),
    // Events of the log that is caught up.
    ("AGON_SCALE_EVENTS", "5000"),
];
/// The delay beyond the window that is still good, at the 99th percentile.
const GOOD_P99_MS: f64 = 50.0;
/// Viewers of each debate.
const VIEWERS: usize = 5;

#[tokio::main(worker_threads = 2)]
async fn main() {
    let mut wanted: Vec<String> = std::env::args().skip(1).collect();
    wanted.retain(|arg| !arg.starts_with('-'));
    let is_wanted = |name: &str| wanted.is_empty() || wanted.iter().any(|it| it == name);
    let mut told = serde_json::Map::new();
    if is_wanted("debates") {
        told.insert("debates".to_owned(), debates().await);
    }
    if is_wanted("audience") {
        told.insert("audience".to_owned(), audience().await);
    }
    if is_wanted("idle") {
        told.insert("idle".to_owned(), idle().await);
    }
    if is_wanted("catch-up") {
        told.insert("catch_up".to_owned(), catch_up().await);
    }
    figures::say(&Value::Object(told).to_string());
}

/// A size, or several.
fn sizes(variable: &str) -> Vec<usize> {
    let usual = SIZES.iter().find(|(name, _)| *name == variable);
    let usual = usual.map_or("", |(_, usual)| *usual);
    let text = std::env::var(variable).unwrap_or_else(|_| usual.to_owned());
    text.split(',')
        .filter_map(|it| it.trim().parse().ok())
        .collect()
}

fn size(variable: &str) -> usize {
    sizes(variable).first().copied().unwrap_or(1)
}

/// More and more debates at once, until words come too late.
async fn debates() -> Value {
    figures::say("debates at once (3 speakers at 50 words a second, 5 viewers each)");
    figures::say(
        "  count   p50 ms   p99 ms   max ms   CPU %   CPU ms/1000 words   ... delivered   KiB/debate",
    );
    let words = size("AGON_SCALE_WORDS");
    let mut rows = Vec::new();
    let mut most_good = 0;
    for count in sizes("AGON_SCALE_DEBATES") {
        let upstream = upstream::serve(words).await;
        let server = Server::start(&upstream).await;
        let before = server.rss_kib();
        let mut all = JoinSet::new();
        let (began, cpu_before) = (Instant::now(), server.cpu_ms());
        for number in 0..count {
            let host = server.host().to_owned();
            all.spawn(async move {
                let id = server::create(&host, number).await;
                viewer::crowd(&host, &id, VIEWERS, Reading::Timed).await
            });
        }
        // In the middle of it, when all of them speak.
        tokio::time::sleep(Duration::from_millis(words as u64 * 10)).await;
        let during = server.rss_kib();
        let figures = Figures::of(all.join_all().await.concat());
        let (took, cpu) = (began.elapsed(), server.cpu_ms() - cpu_before);
        let spoken = (count * 3 * words) as f64 / 1000.0;
        let busy = cpu / took.as_secs_f64() / 10.0;
        let row = json!({"debates": count, "p50_ms": figures.p50, "p99_ms": figures.p99, "max_ms": figures.max,
            "cpu_percent": busy, "cpu_ms_per_1000_words": cpu / spoken,
            "cpu_ms_per_1000_words_delivered": cpu / spoken / VIEWERS as f64,
            "kib_per_debate": (during.saturating_sub(before)) as f64 / count as f64});
        figures::say(&format!(
            "  {count:>5} {:>8.2} {:>8.2} {:>8.2} {busy:>7.0} {:>19.2} {:>15.3} {:>12.0}",
            figures.p50,
            figures.p99,
            figures.max,
            cpu / spoken,
            cpu / spoken / VIEWERS as f64,
            during.saturating_sub(before) as f64 / count as f64,
        ));
        rows.push(row);
        if figures.p99 > GOOD_P99_MS {
            break;
        }
        most_good = count;
    }
    figures::say(&format!(
        "  most with p99 up to {GOOD_P99_MS} ms: {most_good}\n"
    ));
    json!({"most_good": most_good, "steps": rows})
}

/// One debate with many viewers, none of whom is stalled, and then one in ten.
async fn audience() -> Value {
    let count = size("AGON_SCALE_AUDIENCE");
    figures::say(&format!("one debate with {count} viewers"));
    figures::say("  stalled   p50 ms   p99 ms   max ms   CPU %   KiB/viewer");
    let mut rows = Vec::new();
    for stalled in [0, count / 10] {
        let upstream = upstream::serve(size("AGON_SCALE_WORDS")).await;
        let server = Server::start(&upstream).await;
        let host = server.host().to_owned();
        let id = server::create(&host, 0).await;
        let before = server.rss_kib();
        let (began, cpu_before) = (Instant::now(), server.cpu_ms());
        let held = viewer::stalled(&host, &id, stalled).await;
        // A tenth of them is timed: reading the time of every word costs more than sending it.
        let timed = (count - stalled) / 10;
        let (timed, _, during) = tokio::join!(
            viewer::crowd(&host, &id, timed, Reading::Timed),
            viewer::crowd(&host, &id, count - stalled - timed, Reading::Discarded),
            async {
                tokio::time::sleep(Duration::from_secs(4)).await;
                server.rss_kib()
            },
        );
        drop(held);
        let figures = Figures::of(timed);
        let busy = (server.cpu_ms() - cpu_before) / began.elapsed().as_secs_f64() / 10.0;
        let each = during.saturating_sub(before) as f64 / count as f64;
        figures::say(&format!(
            "  {stalled:>7} {:>8.2} {:>8.2} {:>8.2} {busy:>7.0} {each:>12.1}",
            figures.p50, figures.p99, figures.max
        ));
        rows.push(json!({"viewers": count, "stalled": stalled, "p50_ms": figures.p50, "p99_ms": figures.p99,
            "max_ms": figures.max, "cpu_percent": busy, "kib_per_viewer": each}));
    }
    figures::say("");
    json!(rows)
}

/// What a viewer costs who only waits.
async fn idle() -> Value {
    let count = size("AGON_SCALE_IDLE");
    let upstream = upstream::serve(10).await;
    let server = Server::start(&upstream).await;
    let host = server.host().to_owned();
    let id = server::paused(&host).await;
    let before = server.rss_kib();
    let (held, connected) = viewer::idle(&host, &id, count).await;
    tokio::time::sleep(Duration::from_secs(2)).await;
    let after = server.rss_kib();
    let cpu_before = server.cpu_ms();
    tokio::time::sleep(Duration::from_secs(10)).await;
    let busy = (server.cpu_ms() - cpu_before) / 100.0;
    drop(held);
    let mib = after.saturating_sub(before) as f64 / 1024.0;
    let each = mib * 1024.0 / connected.max(1) as f64;
    figures::say(&format!(
        "{connected} idle viewers (of {count} wanted): {mib:.0} MiB, {each:.1} KiB each, {busy:.1} % of a core\n"
    ));
    json!({"viewers": connected, "wanted": count, "mib": mib, "kib_each": each, "cpu_percent": busy})
}

/// How long a long log takes to come.
async fn catch_up() -> Value {
    let events = size("AGON_SCALE_EVENTS");
    let upstream = upstream::serve(10).await;
    let server = Server::start(&upstream).await;
    let host = server.host().to_owned();
    let id = server::paused(&host).await;
    // Each remark is two events.
    viewer::remarks(&host, &id, events / 2).await;
    let head = server::head(&host, &id).await;
    let mut times = Vec::new();
    for _ in 0..5 {
        let began = Instant::now();
        viewer::until(&host, &id, head).await;
        times.push(began.elapsed().as_secs_f64() * 1000.0);
    }
    times.sort_by(f64::total_cmp);
    let (median, worst) = (times[times.len() / 2], times[times.len() - 1]);
    figures::say(&format!(
        "{head} events caught up: median {median:.0} ms, worst of 5 {worst:.0} ms\n"
    ));
    json!({"events": head, "median_ms": median, "worst_ms": worst})
}
