//! `agon watch`: a debate of a server, over its WebSocket.

use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use futures::SinkExt;
use futures::StreamExt;
use serde_json::Value;
use tokio::sync::mpsc;
use tokio_tungstenite::Connector;
use tokio_tungstenite::connect_async_tls_with_config;
use tokio_tungstenite::tungstenite::Error;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::http::HeaderValue;
use tokio_tungstenite::tungstenite::http::header;

use super::CommonArgs;
use super::logging;
use super::output::Output;
use super::render::Renderer;
use super::seat;
use super::seat::Seat;
use super::seat::next_line;
use crate::app::AppError;
use crate::config::KeySource;
use crate::config::Overrides;
use crate::events::Envelope;
use crate::events::SpeechChannel;
use crate::types::TurnId;

/// Longest rest between two tries to connect.
const MAX_REST: Duration = Duration::from_secs(10);
/// Silence after which the connection counts as dead; the server speaks every 15 s.
const SILENCE: Duration = Duration::from_secs(40);
/// Tries in a row without one word from the server.
const MAX_TRIES: u32 = 10;

/// What to watch.
#[derive(Debug, Args)]
pub(super) struct WatchArgs {
    #[command(flatten)]
    common: CommonArgs,
    /// The debate
    id: String,
    /// The server
    #[arg(long, default_value = "http://127.0.0.1:4000", value_name = "URL")]
    server: String,
    /// The last event that is known already
    #[arg(long, default_value_t = 0)]
    after: u64,
    /// The agent whose seat you hold: you are asked on this terminal
    #[arg(long, value_name = "AGENT")]
    seat: Option<String>,
    /// What you are: owner, viewer, audience, human or judge
    #[arg(long)]
    role: Option<String>,
    /// Who you are: polls count one ballot for each identity
    #[arg(long)]
    identity: Option<String>,
    /// One event envelope a line
    #[arg(long)]
    json: bool,
}

struct Watcher<'a> {
    args: &'a WatchArgs,
    out: Output,
    renderer: Renderer,
    after: u64,
    over: bool,
    person: Seat,
    /// What is typed, as long as more can come.
    typed: Option<mpsc::Receiver<String>>,
    commands: u64,
}

/// Watches until the debate is over; a connection that breaks is made again, and nothing is missed.
pub(super) async fn watch(args: &WatchArgs) -> Result<ExitCode, AppError> {
    let settings = super::settings(&args.common, Overrides::default())?;
    logging::start(&settings.config.log, "warn", &settings.variables);
    let key = settings
        .config
        .server
        .master_key
        .as_ref()
        .map(KeySource::secret);
    let out = Output::stdout();
    let renderer = Renderer::new(out.is_coloured());
    let mut watcher = Watcher {
        args,
        out,
        renderer,
        after: args.after,
        over: false,
        person: Seat::of(args.seat.clone()),
        typed: takes_part(args).then(seat::lines),
        commands: 0,
    };
    let (mut tries, mut rest) = (0, Duration::from_millis(250));
    loop {
        let before = watcher.after;
        let broken = match watcher
            .connect(key.as_ref().map(crate::types::Secret::expose))
            .await
        {
            Ok(()) if watcher.over || watcher.out.is_closed() => return Ok(ExitCode::SUCCESS),
            Ok(()) => "the connection broke".to_owned(),
            Err(Error::Http(response)) => return Err(refused(args, response.status().as_u16())),
            Err(Error::Url(error)) => {
                return Err(AppError::Failed(format!(
                    "--server {}: {error}",
                    args.server
                )));
            }
            Err(error) => error.to_string(),
        };
        tries = if watcher.after > before { 1 } else { tries + 1 };
        if tries >= MAX_TRIES {
            return Err(AppError::Failed(format!(
                "{} cannot be reached: {broken}",
                args.server
            )));
        }
        tracing::warn!("{broken}; connecting again");
        tokio::time::sleep(rest).await;
        rest = if tries == 1 {
            Duration::from_millis(250)
        } else {
            (rest * 2).min(MAX_REST)
        };
    }
}

/// `true` for whoever may be asked something: watchers' input is left alone.
fn takes_part(args: &WatchArgs) -> bool {
    let watches = matches!(args.role.as_deref(), None | Some("viewer"));
    !args.json && (args.seat.is_some() || !watches)
}

/// Encryption for `wss`, with the roots that this machine trusts.
fn connector() -> Result<Connector, Error> {
    let config = crate::provider::tls_config();
    let config = config.map_err(|error| Error::Io(std::io::Error::other(error)))?;
    Ok(Connector::Rustls(Arc::new(config)))
}

fn refused(args: &WatchArgs, status: u16) -> AppError {
    AppError::Failed(match status {
        401 => "the server wants its key: set AGON_MASTER_KEY".to_owned(),
        404 => format!("there is no debate {} on {}", args.id, args.server),
        other => format!("{} refuses with status {other}", args.server),
    })
}

impl Watcher<'_> {
    async fn connect(&mut self, key: Option<&str>) -> Result<(), Error> {
        let server = self
            .args
            .server
            .trim_end_matches('/')
            .replacen("http", "ws", 1);
        let url = format!("{server}/ws/debates/{}?after={}", self.args.id, self.after);
        let url = url + &self.as_whom();
        let mut request = url.into_client_request()?;
        let headers = request.headers_mut();
        headers.insert(
            header::SEC_WEBSOCKET_PROTOCOL,
            HeaderValue::from_static("agon.v1"),
        );
        if let Some(key) = key {
            headers.insert(
                header::AUTHORIZATION,
                HeaderValue::try_from(format!("Bearer {key}"))?,
            );
        }
        let (mut socket, _) =
            connect_async_tls_with_config(request, None, false, Some(connector()?)).await?;
        loop {
            let message = tokio::select! {
                message = tokio::time::timeout(SILENCE, socket.next()) => match message {
                    Ok(Some(message)) => message?,
                    Ok(None) | Err(_) => return Ok(()),
                },
                line = next_line(&mut self.typed) => {
                    if let Some(command) = self.obey(&line) {
                        socket.send(Message::Text(command.into())).await?;
                    }
                    continue;
                }
            };
            if let Message::Text(text) = message {
                self.take(&text);
            }
            if self.over || self.out.is_closed() {
                // The goodbye is a courtesy; the connection ends either way.
                let _ = socket.close(None).await;
                return Ok(());
            }
        }
    }

    /// What of the address says who watches.
    fn as_whom(&self) -> String {
        let role = match (&self.args.role, &self.args.seat) {
            (Some(role), _) => Some(role.as_str()),
            (None, Some(_)) => Some("human"),
            (None, None) => None,
        };
        let told = [
            ("role", role),
            ("seat", self.args.seat.as_deref()),
            ("identity", self.args.identity.as_deref()),
        ];
        told.into_iter()
            .filter_map(|(name, value)| Some(format!("&{name}={}", escaped(value?))))
            .collect()
    }

    /// What a line tells the debate, as it is sent; nothing when the line only shows something here.
    fn obey(&mut self, line: &str) -> Option<String> {
        let command = match self.person.line(line) {
            Ok(command) => command,
            Err(shown) => {
                self.out.text(&shown);
                return None;
            }
        };
        self.commands += 1;
        let mut told = serde_json::to_value(&command).ok()?;
        // Unique over connections, so that an answer that is sent twice counts once.
        told["id"] = format!("watch-{}-{}", std::process::id(), self.commands).into();
        Some(told.to_string())
    }

    fn take(&mut self, text: &str) {
        let Ok(frame) = serde_json::from_str::<Value>(text) else {
            return;
        };
        if frame["type"] == "turn.delta" {
            return self.words(&frame["data"]["deltas"]);
        }
        if frame["type"] == "ack" && frame["data"]["ok"] == false {
            let why = frame["data"]["message"].as_str().unwrap_or_default();
            return self.out.text(&format!("\n(not taken: {why})\n"));
        }
        // Frames without a number are for the connection, not for the reader.
        let Ok(event) = serde_json::from_value::<Envelope>(frame) else {
            return;
        };
        self.after = event.seq;
        self.over = event.body.ends_debate();
        match self.args.json {
            true => self.out.line(text),
            false => {
                let text = self.renderer.event(&event) + &self.person.event(&event);
                self.out.text(&text);
            }
        }
    }

    fn words(&mut self, deltas: &Value) {
        if self.args.json {
            return;
        }
        for delta in deltas.as_array().into_iter().flatten() {
            let turn = TurnId::new(delta["turn"].as_str().unwrap_or_default());
            let channel = match delta["channel"].as_str() {
                Some("reasoning") => SpeechChannel::Reasoning,
                _ => SpeechChannel::Speech,
            };
            let off = delta["off"].as_u64().unwrap_or_default();
            let text = self.renderer.words(
                &turn,
                channel,
                off,
                delta["text"].as_str().unwrap_or_default(),
            );
            self.out.text(&text);
        }
    }
}

/// A text as a part of an address may hold it.
fn escaped(text: &str) -> String {
    let keeps = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    text.bytes()
        .map(|byte| match keeps(byte) {
            true => char::from(byte).to_string(),
            false => format!("%{byte:02X}"),
        })
        .collect()
}
