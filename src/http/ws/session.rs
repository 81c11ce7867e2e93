//! One socket, from hello to goodbye. The debate never waits for it.

use std::time::Duration;

use axum::body::Bytes;
use axum::extract::ws::CloseFrame;
use axum::extract::ws::Message;
use axum::extract::ws::Utf8Bytes;
use axum::extract::ws::WebSocket;
use axum::extract::ws::close_code;
use futures::SinkExt;
use futures::StreamExt;
use futures::stream::SplitSink;
use serde_json::json;
use tokio::time::Instant;

use super::command;
use super::command::Reply;
use super::command::Told;
use crate::events::Command;
use crate::events::rfc3339;
use crate::http::HttpState;
use crate::http::feed::Feed;
use crate::http::feed::Frame;
use crate::http::feed::HEARTBEAT;
use crate::http::pass::Pass;
use crate::http::presence::Present;
use crate::store::StoreError;
use crate::types::DebateId;

/// A client that takes nothing for this long is closed; it comes back and misses nothing durable.
const SLOW: Duration = Duration::from_secs(10);
/// A client that says nothing for this long, not even a pong, is gone.
const SILENT: Duration = Duration::from_secs(45);

/// How long the goodbye may take.
const GOODBYE: Duration = Duration::from_secs(1);

/// One watcher of a debate.
pub(super) struct Session {
    state: HttpState,
    debate: DebateId,
    feed: Feed,
    guest: Guest,
    heard_at: Instant,
}

/// Who watches, and what was there when they came.
pub(super) struct Guest {
    pub(super) pass: Pass,
    pub(super) head_seq: u64,
    pub(super) present: Present,
}

/// Why a session ends.
enum End {
    /// The client left, or its connection broke.
    Gone,
    /// The server closes it.
    Close(u16, &'static str),
}

type Sink = SplitSink<WebSocket, Message>;

impl Session {
    pub(super) fn new(state: HttpState, debate: DebateId, feed: Feed, guest: Guest) -> Self {
        Self {
            state,
            debate,
            feed,
            guest,
            heard_at: Instant::now(),
        }
    }

    /// Serves the client until one of the two leaves.
    pub(super) async fn run(mut self, socket: WebSocket) {
        let metrics = std::sync::Arc::clone(&self.state.metrics);
        let _counted = metrics.ws_connected();
        let (mut sink, mut stream) = socket.split();
        let end = match self.greet(&mut sink).await {
            Ok(()) => self.serve(&mut sink, &mut stream).await,
            Err(end) => end,
        };
        // Whatever happens to the goodbye, the connection ends here.
        let goodbye = async {
            if let End::Close(code, reason) = end {
                let reason = Utf8Bytes::from_static(reason);
                let _ = sink
                    .send(Message::Close(Some(CloseFrame { code, reason })))
                    .await;
                drain(&mut stream).await;
            } else {
                // Sends the answer to a close that the client began.
                let _ = sink.close().await;
            }
        };
        let _ = tokio::time::timeout(GOODBYE, goodbye).await;
    }

    async fn greet(&mut self, sink: &mut Sink) -> Result<(), End> {
        let hello = self.feed.transient(
            "hello",
            json!({
                "session": uuid::Uuid::now_v7().simple().to_string(),
                "role": self.guest.pass.role.as_str(),
                "seat": self.guest.pass.role.seat(),
                "identity": self.guest.pass.identity,
                "server_time": rfc3339(self.state.clock.now_ms()),
                "heartbeat_s": HEARTBEAT.as_secs(),
                "max_frame": self.state.config.max_ws_message_bytes,
                "head_seq": self.guest.head_seq,
            }),
        );
        let hello = self.now(hello);
        send(sink, Message::Text(hello.json().into())).await
    }

    /// A message that is sent before what the feed has queued already.
    fn now(&self, frame: Frame) -> Frame {
        match frame {
            Frame::Transient(transient) => Frame::Transient(transient.after(self.feed.sent())),
            other => other,
        }
    }

    async fn serve(
        &mut self,
        sink: &mut Sink,
        stream: &mut futures::stream::SplitStream<WebSocket>,
    ) -> End {
        let mut ping = tokio::time::interval_at(Instant::now() + HEARTBEAT, HEARTBEAT);
        loop {
            let went_on = tokio::select! {
                message = stream.next() => match message {
                    Some(Ok(message)) => self.hear(message, sink).await,
                    // A message over the limit, or bytes that are no WebSocket: said with the code for it.
                    Some(Err(error)) => Err(close_for(&error)),
                    None => Err(End::Gone),
                },
                frame = self.feed.next() => self.pass_on(frame, sink).await,
                viewers = self.guest.present.news() => {
                    let frame = self.feed.transient("presence", json!({"viewers": viewers}));
                    send(sink, Message::Text(self.now(frame).json().into())).await
                }
                _ = ping.tick() => self.ask_for_life(sink).await,
            };
            if let Err(end) = went_on {
                return end;
            }
        }
    }

    async fn pass_on(&self, frame: Result<Frame, StoreError>, sink: &mut Sink) -> Result<(), End> {
        match frame {
            // The socket stays open after the end, for acks and late questions; the client leaves.
            Ok(Frame::End) => Ok(()),
            Ok(frame) => send(sink, Message::Text(frame.json().into())).await,
            Err(StoreError::NotFound(_)) => {
                Err(End::Close(close_code::NORMAL, "the debate was deleted"))
            }
            Err(error) => {
                tracing::error!(debate = %self.debate, %error, "a watcher's events cannot be read");
                Err(End::Close(
                    close_code::ERROR,
                    "the log cannot be read: come back later",
                ))
            }
        }
    }

    async fn ask_for_life(&self, sink: &mut Sink) -> Result<(), End> {
        if self.heard_at.elapsed() > SILENT {
            return Err(End::Close(
                close_code::AWAY,
                "nothing was heard from the client",
            ));
        }
        send(sink, Message::Ping(Bytes::new())).await
    }

    async fn hear(&mut self, message: Message, sink: &mut Sink) -> Result<(), End> {
        self.heard_at = Instant::now();
        let reply = match message {
            Message::Text(text) if text.len() > self.state.config.max_ws_message_bytes => {
                return Err(End::Close(close_code::SIZE, "the message is too long"));
            }
            Message::Text(text) => self.obey(command::read(&text)).await,
            Message::Binary(bytes) if bytes.len() > self.state.config.max_ws_message_bytes => {
                return Err(End::Close(close_code::SIZE, "the message is too long"));
            }
            Message::Binary(_) => Reply::error("binary", "commands are JSON in text messages"),
            // Pings are answered by the protocol layer.
            Message::Ping(_) | Message::Pong(_) => return Ok(()),
            Message::Close(_) => return Err(End::Gone),
        };
        let frame = self.now(self.feed.transient(reply.kind, reply.data));
        send(sink, Message::Text(frame.json().into())).await
    }

    async fn obey(&mut self, told: Told) -> Reply {
        match told {
            Told::Ping { id } => Reply::done(&id),
            Told::Deltas { id, wanted } => {
                self.feed.want_deltas(wanted);
                Reply::done(&id)
            }
            Told::Debate { id, command } => {
                let speaker = match &command {
                    Command::Speak { turn, .. } => self.feed.speaker(turn),
                    _ => None,
                };
                let pass = &self.guest.pass;
                if !pass.role.may(&command, speaker) {
                    let help = format!("the role {} may not do this here", pass.role.as_str());
                    return Reply::refused(&id, "not_allowed", &help, false);
                }
                let command = pass.role.given(command);
                let (engine, by) = (&self.state.engine, pass.identity.clone());
                command::tell(engine, &self.debate, id, by, command).await
            }
            Told::Wrong(reply) => reply,
        }
    }
}

async fn send(sink: &mut Sink, message: Message) -> Result<(), End> {
    match tokio::time::timeout(SLOW, sink.send(message)).await {
        Ok(Ok(())) => Ok(()),
        Ok(Err(_)) => Err(End::Gone),
        Err(_) => Err(End::Close(
            close_code::AGAIN,
            "slow_consumer: come back with after",
        )),
    }
}

/// Reads what the client still says, until it has said goodbye too.
async fn drain(stream: &mut futures::stream::SplitStream<WebSocket>) {
    while let Some(Ok(message)) = stream.next().await {
        if matches!(message, Message::Close(_)) {
            return;
        }
    }
}

/// The close code that RFC 6455 has for what went wrong on the wire.
fn close_for(error: &axum::Error) -> End {
    use tokio_tungstenite::tungstenite::Error;
    let source = std::error::Error::source(error).and_then(|source| source.downcast_ref::<Error>());
    match source {
        Some(Error::Capacity(_)) => End::Close(close_code::SIZE, "the message is too long"),
        Some(Error::Utf8(_)) => End::Close(close_code::INVALID, "text must be UTF-8"),
        Some(Error::Protocol(_)) => End::Close(close_code::PROTOCOL, "that is not WebSocket"),
        _ => End::Gone,
    }
}
