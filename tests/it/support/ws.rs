//! Follows a debate over WebSocket as a client of the protocol `agon.v1` does.

mod promises;

use std::time::Duration;

use futures::SinkExt;
use futures::StreamExt;
use serde_json::Value;
use serde_json::json;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_tungstenite::MaybeTlsStream;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::connect_async;
use tokio_tungstenite::tungstenite::ClientRequestBuilder;
use tokio_tungstenite::tungstenite::Message;

pub(crate) use promises::Promises;

/// How long a watcher waits for any one frame: several heartbeats.
const PATIENCE: Duration = Duration::from_secs(60);

const SUBPROTOCOL: &str = "agon.v1";

type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

/// A connection that watches a debate, and what it has seen so far over all its connections.
#[derive(Debug)]
pub(crate) struct Watcher {
    /// What came, and which promises were broken.
    pub(crate) seen: Promises,
    /// The code that the server closed the connection with.
    pub(crate) close_code: Option<u16>,
    url: String,
    key: Option<String>,
    /// `None` only while it is being replaced.
    socket: Option<Socket>,
    commands: usize,
}

impl Watcher {
    /// Connects to `ws://…/ws/debates/ID`, to what follows the events that `seen` has.
    pub(crate) async fn connect(url: &str, key: Option<&str>, mut seen: Promises) -> Self {
        let socket = open(url, key, seen.after).await;
        seen.connected();
        Self {
            seen,
            close_code: None,
            url: url.to_owned(),
            key: key.map(str::to_owned),
            socket: Some(socket),
            commands: 0,
        }
    }

    /// Cuts the connection without a word, as a lost network does, and resumes after the last durable event.
    pub(crate) async fn reconnect(&mut self) {
        // Dropped without a closing handshake, before the next one is asked for.
        self.socket = None;
        self.socket = Some(open(&self.url, self.key.as_deref(), self.seen.after).await);
        self.seen.connected();
        self.close_code = None;
    }

    /// The next frame; `None` when the server has closed the connection.
    pub(crate) async fn next(&mut self) -> Option<Value> {
        loop {
            let socket = self.socket.as_mut()?;
            let waited = timeout(PATIENCE, socket.next()).await;
            match waited.expect("the stream is silent: not even a heartbeat") {
                Some(Ok(Message::Text(text))) => return Some(self.seen.take(&text)),
                Some(Ok(Message::Binary(bytes))) => {
                    panic!("a binary frame of {} bytes", bytes.len())
                }
                Some(Ok(Message::Close(frame))) => {
                    self.close_code = frame.map(|frame| frame.code.into());
                }
                Some(Ok(Message::Ping(_) | Message::Pong(_) | Message::Frame(_))) => {}
                Some(Err(_)) | None => return None,
            }
        }
    }

    /// Reads until a frame of type `kind` came, and returns it.
    pub(crate) async fn until(&mut self, kind: &str) -> Value {
        while let Some(frame) = self.next().await {
            if frame["type"] == kind {
                return frame;
            }
        }
        panic!("closed ({:?}) before {kind}", self.close_code)
    }

    /// Reads until the debate is over.
    pub(crate) async fn until_over(&mut self) {
        while !self.seen.is_over() {
            let open = self.next().await.is_some();
            assert!(
                open,
                "closed ({:?}) before the debate ended",
                self.close_code
            );
        }
    }

    /// Reads until the debate is over, and cuts the connection after every `frames` frames.
    pub(crate) async fn until_over_with_cuts(&mut self, frames: usize) {
        assert!(
            frames > 1,
            "the first frame is a hello: it brings nothing on"
        );
        while !self.seen.is_over() {
            for _ in 0..frames {
                if self.next().await.is_none() || self.seen.is_over() {
                    break;
                }
            }
            if !self.seen.is_over() {
                self.reconnect().await;
            }
        }
    }

    /// Sends a command and returns its `ack`, or the `error` that refuses it.
    pub(crate) async fn command(&mut self, cmd: &str, data: Value) -> Value {
        self.commands += 1;
        let id = format!("{cmd}-{}", self.commands);
        let text = json!({"id": id, "cmd": cmd, "data": data}).to_string();
        let socket = self.socket.as_mut().expect("a connection was made");
        let sent = socket.send(Message::text(text)).await;
        sent.expect("the connection is open");
        while let Some(frame) = self.next().await {
            let names = [&frame["id"], &frame["data"]["id"]];
            let is_answer = frame["type"] == "ack" || frame["type"] == "error";
            if is_answer && names.iter().any(|name| **name == *id) {
                return frame;
            }
        }
        panic!("closed ({:?}) before the ack of {id}", self.close_code)
    }
}

async fn open(url: &str, key: Option<&str>, after: u64) -> Socket {
    // The address may say already as whom it is opened.
    let joint = if url.contains('?') { '&' } else { '?' };
    let uri = format!("{url}{joint}after={after}").parse();
    let mut request =
        ClientRequestBuilder::new(uri.expect("a URL of ours")).with_sub_protocol(SUBPROTOCOL);
    if let Some(key) = key {
        request = request.with_header("Authorization", format!("Bearer {key}"));
    }
    let connecting = timeout(PATIENCE, connect_async(request));
    let connected = connecting.await.expect("the handshake takes its time");
    let (socket, response) = connected.unwrap_or_else(|why| panic!("{url}: {why}"));
    assert_eq!(
        response.headers()["sec-websocket-protocol"],
        SUBPROTOCOL,
        "the server agrees on the protocol"
    );
    socket
}

#[cfg(test)]
mod tests;
