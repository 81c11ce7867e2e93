//! Viewers of a debate: those who read and take the time, those who only read, and those who do not even read.

use futures::SinkExt;
use futures::StreamExt;
use serde_json::Value;
use serde_json::json;
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio_tungstenite::MaybeTlsStream;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::connect_async;
use tokio_tungstenite::tungstenite::Message;

use super::upstream::now_us;

/// The server's shortest time between two frames.
const WINDOW_US: u64 = 33_000;
/// Connections that are opened at once.
const AT_ONCE: usize = 100;

pub(super) type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

/// What a viewer does with what it gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reading {
    /// Takes the time of every word.
    Timed,
    /// Nothing.
    Discarded,
}

async fn open(host: &str, id: &str, after: u64) -> Option<Socket> {
    let url = format!("ws://{host}/ws/debates/{id}?after={after}");
    connect_async(url).await.ok().map(|(socket, _)| socket)
}

/// Lets so many watch a debate to its end; gives the delays of all words, in microseconds.
pub(super) async fn crowd(host: &str, id: &str, count: usize, reading: Reading) -> Vec<u64> {
    let mut all = JoinSet::new();
    for _ in 0..count {
        let (host, id) = (host.to_owned(), id.to_owned());
        all.spawn(async move { watch(&host, &id, reading).await });
    }
    all.join_all().await.concat()
}

async fn watch(host: &str, id: &str, reading: Reading) -> Vec<u64> {
    let mut delays = Vec::new();
    let Some(mut socket) = open(host, id, 0).await else {
        return delays;
    };
    // What was said before the viewer came is no news.
    let (came, mut frame_before) = (now_us(), 0);
    while let Some(Ok(message)) = socket.next().await {
        let Message::Text(text) = message else {
            continue;
        };
        let text = text.as_str();
        if text.contains("\"type\":\"debate.f") {
            break;
        }
        if reading == Reading::Timed && text.contains("\"type\":\"turn.delta\"") {
            let seen = now_us();
            let times = text.split('@').skip(1);
            let times = times.filter_map(|piece| piece.split(';').next()?.parse::<u64>().ok());
            let news = times.filter(|sent| *sent > came);
            delays.extend(news.map(|sent| seen.saturating_sub(sent.max(frame_before + WINDOW_US))));
            frame_before = seen;
        }
    }
    delays
}

/// Connections that are never read.
pub(super) async fn stalled(host: &str, id: &str, count: usize) -> Vec<Socket> {
    idle(host, id, count).await.0
}

/// Connections that are held and not read, and how many could be made.
pub(super) async fn idle(host: &str, id: &str, count: usize) -> (Vec<Socket>, usize) {
    let opened = futures::stream::iter(0..count)
        .map(|_| open(host, id, 0))
        .buffer_unordered(AT_ONCE)
        .filter_map(std::future::ready);
    let held: Vec<Socket> = opened.collect().await;
    let made = held.len();
    (held, made)
}

/// Puts so many remarks into a debate.
pub(super) async fn remarks(host: &str, id: &str, count: usize) {
    let socket = open(host, id, u64::MAX >> 1).await;
    let (mut sink, mut stream) = socket.expect("the server accepts").split();
    let send = async {
        for number in 0..count {
            let remark = json!({"id": format!("r{number}"), "cmd": "interject", "data": {"text": "Mind the cost."}});
            sink.send(Message::text(remark.to_string()))
                .await
                .expect("the server reads");
        }
    };
    let hear = async {
        let mut acks = 0;
        while acks < count {
            let Some(Ok(message)) = stream.next().await else {
                break;
            };
            acks += usize::from(
                message
                    .to_text()
                    .is_ok_and(|it| it.contains("\"type\":\"ack\"")),
            );
        }
    };
    tokio::join!(send, hear);
}

/// Reads a debate from its first event until one came.
pub(super) async fn until(host: &str, id: &str, seq: u64) {
    let mut socket = open(host, id, 0).await.expect("the server accepts");
    while let Some(Ok(message)) = socket.next().await {
        let text = message.to_text().unwrap_or_default();
        let frame: Value = serde_json::from_str(text).unwrap_or_default();
        if frame["seq"] == seq {
            return;
        }
    }
    unreachable!("the connection ended before event {seq}");
}
