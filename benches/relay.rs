//! How long words take from the upstream's chunk to the WebSocket frame, with 50 debates at once.
//!
//! A mock upstream on this machine writes the time into every chunk; watchers read it out of the frames. A frame is
//! due at the later of the chunk's time and 33 ms after the frame before it, so what is printed is the delay beyond
//! the coalescing window. Run with `cargo bench --bench relay`; `AGON_BENCH_DEBATES` changes how many.

use std::convert::Infallible;
use std::io::Write;
use std::process::Stdio;
use std::time::Duration;
use std::time::SystemTime;
use std::time::UNIX_EPOCH;

use axum::Router;
use axum::body::Body;
use axum::body::Bytes;
use axum::routing::post;
use futures::StreamExt;
use futures::stream;
use serde_json::Value;
use serde_json::json;
use tokio::io::AsyncBufReadExt;
use tokio::io::BufReader;
use tokio::net::TcpListener;
use tokio::process::Child;
use tokio::process::Command;
use tokio_tungstenite::tungstenite::Message;

/// Chunks of one answer, and the time between two.
const CHUNKS: usize = 120;
const EVERY: Duration = Duration::from_millis(20);
/// The server's shortest time between two frames.
const WINDOW_US: u64 = 33_000;

#[tokio::main]
async fn main() {
    let debates = std::env::var("AGON_BENCH_DEBATES")
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or(50);
    let upstream = serve_upstream().await;
    let home = tempfile::tempdir().expect("a temporary folder can be made");
    let (server, base) = start_server(home.path(), &upstream).await;
    let mut watchers = tokio::task::JoinSet::new();
    for number in 0..debates {
        let base = base.clone();
        watchers.spawn(async move { watch(&base, number).await });
    }
    let mut delays: Vec<u64> = watchers.join_all().await.into_iter().flatten().collect();
    drop(server);
    delays.sort_unstable();
    let at = |share: f64| delays[((delays.len() - 1) as f64 * share) as usize] as f64 / 1000.0;
    let mut out = std::io::stdout();
    let line = format!(
        "relay: {debates} debates, {} chunks timed, delay beyond the window: median {:.2} ms, p90 {:.2} ms, p99 {:.2} ms, max {:.2} ms",
        delays.len(),
        at(0.5),
        at(0.9),
        at(0.99),
        at(1.0)
    );
    writeln!(out, "{line}").expect("somebody reads the result");
}

fn now_us() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .expect("it is past 1970")
        .as_micros() as u64
}

/// An OpenAI-compatible upstream whose every chunk says when it was sent: ` @MICROSECONDS;`.
async fn serve_upstream() -> String {
    let listener = TcpListener::bind("127.0.0.1:0")
        .await
        .expect("a port is free");
    let address = listener.local_addr().expect("it is bound");
    let router = Router::new().route("/v1/chat/completions", post(|| async {
        let event = |delta: Value, finish: Value| {
            let data = json!({"id": "b", "choices": [{"index": 0, "delta": delta, "finish_reason": finish}]});
            Ok::<_, Infallible>(Bytes::from(format!("data: {data}\n\n")))
        };
        let words = stream::iter(0..CHUNKS).then(move |_| async move {
            tokio::time::sleep(EVERY).await;
            event(json!({"content": format!(" @{};", now_us())}), Value::Null)
        });
        let end = stream::once(async move { event(json!({}), json!("stop")) });
        ([("content-type", "text/event-stream")], Body::from_stream(words.chain(end)))
    }));
    tokio::spawn(async move { axum::serve(listener, router).await });
    format!("http://{address}/v1")
}

async fn start_server(home: &std::path::Path, upstream: &str) -> (Child, String) {
    let mut server = Command::new(env!("CARGO_BIN_EXE_agon"))
        .args(["serve", "--port", "0"])
        .current_dir(home)
        .env("OPENAI_BASE_URL", upstream)
        .env("OPENAI_API_KEY", "sk-bench")
        .env("AGON_LOG", "warn")
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .expect("the program was built");
    let mut lines = BufReader::new(server.stderr.take().expect("it is piped")).lines();
    while let Ok(Some(line)) = lines.next_line().await {
        if let Some(base) = line.strip_prefix("listening on ") {
            let base = base.to_owned();
            tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
            return (server, base);
        }
    }
    unreachable!("the server ends without listening");
}

/// Creates a debate of two simultaneous speakers, watches it, and returns the delay of every chunk.
async fn watch(base: &str, number: usize) -> Vec<u64> {
    let agent = |name: &str| json!({"name": name, "model": "openai/gpt-4o-mini"});
    let body = json!({"topic": format!("Bench {number}"), "format": "oxford",
        "agents": [agent("a"), agent("b")], "judges": [{"name": "j", "model": "demo/judge"}], "limits": {"calls": 4}});
    let body = body.to_string();
    let host = base.trim_start_matches("http://");
    let id = create(host, &body).await;
    let url = format!("ws://{host}/ws/debates/{id}");
    let (mut socket, _) = tokio_tungstenite::connect_async(url)
        .await
        .expect("the server accepts");
    let (mut delays, mut frame_before) = (Vec::new(), 0);
    while let Some(Ok(message)) = socket.next().await {
        let Message::Text(text) = message else {
            continue;
        };
        let frame: Value = serde_json::from_str(&text).expect("frames are JSON");
        let kind = frame["type"].as_str().unwrap_or_default();
        if kind.starts_with("debate.f") {
            break;
        }
        if kind == "turn.delta" {
            let seen = now_us();
            for delta in frame["data"]["deltas"].as_array().into_iter().flatten() {
                let text = delta["text"].as_str().unwrap_or_default();
                let sent = text
                    .split('@')
                    .filter_map(|piece| piece.split(';').next()?.parse::<u64>().ok());
                delays.extend(
                    sent.map(|sent| seen.saturating_sub(sent.max(frame_before + WINDOW_US))),
                );
            }
            frame_before = seen;
        }
    }
    delays
}

async fn create(host: &str, body: &str) -> String {
    use tokio::io::AsyncReadExt;
    use tokio::io::AsyncWriteExt;
    let mut connection = tokio::net::TcpStream::connect(host)
        .await
        .expect("the server listens");
    let head = format!(
        "POST /api/v1/debates HTTP/1.1\r\nhost: {host}\r\ncontent-type: application/json\r\nconnection: close\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    connection
        .write_all(format!("{head}{body}").as_bytes())
        .await
        .expect("the server reads");
    let mut answer = String::new();
    connection
        .read_to_string(&mut answer)
        .await
        .expect("the server answers");
    let (_, json) = answer.split_once("\r\n\r\n").expect("an answer has a body");
    let value: Value = serde_json::from_str(json).expect("the body is JSON");
    value["id"]
        .as_str()
        .unwrap_or_else(|| unreachable!("no debate was created: {json}"))
        .to_owned()
}
