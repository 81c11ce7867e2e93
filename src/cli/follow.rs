//! Following a debate of this process to its end.

use std::sync::Arc;
use std::task::Poll;

use futures::FutureExt;
use futures::future::BoxFuture;
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::mpsc;

use super::output::Output;
use super::render::Renderer;
use super::seat;
use super::seat::Seat;
use super::seat::next_line;
use crate::app::App;
use crate::events::Command;
use crate::events::Envelope;
use crate::events::EventBody;
use crate::events::LiveEvent;
use crate::events::LiveLane;
use crate::events::PauseAt;
use crate::store::EventLog;
use crate::store::StoreError;
use crate::types::DebateId;

/// Events read at once.
const PAGE: usize = 500;

/// How following ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Followed {
    /// The debate is over, with a result.
    Finished,
    /// The debate is over, without one.
    Failed,
    /// The person at the terminal wants to leave; the debate is paused.
    Paused,
    /// Nobody reads the output any more.
    Unread,
}

/// Writes a debate as it happens.
pub(super) struct Follower<'a> {
    app: &'a App,
    debate: DebateId,
    json: bool,
    out: Output,
    renderer: Renderer,
    written: u64,
    ended: Option<Followed>,
    person: Seat,
    /// What is typed, once somebody was asked.
    typed: Option<mpsc::Receiver<String>>,
    commands: u64,
}

impl<'a> Follower<'a> {
    /// Follows from behind event `after` on; as one envelope a line, or for people.
    pub(super) fn new(app: &'a App, debate: DebateId, json: bool, after: u64) -> Self {
        let out = Output::stdout();
        let renderer = Renderer::new(out.is_coloured());
        Self {
            app,
            debate,
            json,
            out,
            renderer,
            written: after,
            ended: None,
            person: Seat::of(None),
            typed: None,
            commands: 0,
        }
    }

    /// Writes until the debate is over, or Ctrl-C pauses it. A second Ctrl-C leaves at once.
    pub(super) async fn run(mut self) -> Result<Followed, StoreError> {
        // Listens before the first line is written: whoever sees a line may interrupt.
        let mut interrupts = interrupts().await;
        let mut live = self.app.live.subscribe(&self.debate).receiver;
        self.catch_up().await?;
        let mut pausing = false;
        while self.ended.is_none() {
            tokio::select! {
                event = live.recv() => match event {
                    Ok(LiveEvent::Delta { turn, channel, off, text, .. }) => {
                        if !self.json {
                            let text = self.renderer.words(&turn, channel, off, &text);
                            self.out.text(&text);
                        }
                    }
                    Ok(LiveEvent::Quote(_)) => {}
                    Ok(LiveEvent::Stored(events)) => self.take(&events).await?,
                    Err(RecvError::Lagged(_) | RecvError::Closed) => self.catch_up().await?,
                },
                line = next_line(&mut self.typed) => self.obey(&line).await,
                () = &mut interrupts => {
                    if pausing {
                        return Ok(Followed::Paused);
                    }
                    pausing = true;
                    interrupts = self::interrupts().await;
                    let id = format!("terminal-{}", self.written);
                    if self.app.engine.tell(&self.debate, id, None, Command::Pause { at: PauseAt::Now }).await.is_err() {
                        // It ended at this very moment, or is paused already.
                        self.catch_up().await?;
                        return Ok(self.ended.unwrap_or(Followed::Paused));
                    }
                }
            }
            if self.out.is_closed() {
                return Ok(Followed::Unread);
            }
        }
        Ok(self.ended.unwrap_or(Followed::Finished))
    }

    /// Tells the debate what a line says.
    async fn obey(&mut self, line: &str) {
        let command = match self.person.line(line) {
            Ok(command) => command,
            Err(shown) => return self.out.text(&shown),
        };
        self.commands += 1;
        let id = format!("terminal-{}-{}", std::process::id(), self.commands);
        let told = self.app.engine.tell(&self.debate, id, None, command).await;
        if let Err(error) = told {
            self.out.text(&format!("\n(not taken: {error})\n"));
        }
    }

    async fn take(&mut self, events: &Arc<[Envelope]>) -> Result<(), StoreError> {
        match events.first() {
            Some(first) if first.seq > self.written + 1 => self.catch_up().await,
            _ => {
                events.iter().for_each(|event| self.write(event));
                Ok(())
            }
        }
    }

    async fn catch_up(&mut self) -> Result<(), StoreError> {
        loop {
            let page = self
                .app
                .store
                .read(&self.debate, self.written, PAGE)
                .await?;
            page.iter().for_each(|event| self.write(event));
            if page.len() < PAGE {
                return Ok(());
            }
        }
    }

    fn write(&mut self, event: &Envelope) {
        if event.seq <= self.written {
            return;
        }
        self.written = event.seq;
        if self.json {
            self.out
                .line(&serde_json::to_string(event).unwrap_or_default());
        } else {
            let text = self.renderer.event(event) + &self.person.event(event);
            self.out.text(&text);
            let asks = matches!(
                event.body,
                EventBody::HumanRequested(_) | EventBody::PollOpened { .. }
            );
            if asks && self.typed.is_none() {
                self.typed = Some(seat::lines());
            }
        }
        self.ended = match &event.body {
            EventBody::Finished(_) | EventBody::Cancelled(_) => Some(Followed::Finished),
            EventBody::Failed(_) => Some(Followed::Failed),
            EventBody::Paused {} => Some(Followed::Paused),
            _ => return,
        };
    }
}

/// Ctrl-C, listened to from now on. Without a listener the program ends where it is.
async fn interrupts() -> BoxFuture<'static, ()> {
    let mut interrupt = async {
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    }
    .boxed();
    // Tokio listens from the first poll on.
    match futures::poll!(&mut interrupt) {
        Poll::Pending => interrupt,
        Poll::Ready(()) => std::future::ready(()).boxed(),
    }
}
