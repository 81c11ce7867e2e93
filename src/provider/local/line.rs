//! Calls to one local server stand in line: first come, first served, and everybody knows their place.

use std::collections::HashMap;
use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;

use futures::StreamExt;
use futures::stream;
use http::Uri;
use tokio::sync::watch;

use crate::client::ChunkStream;

/// Most calls that wait for one server; Ollama refuses beyond as many (`OLLAMA_MAX_QUEUE`, 512).
const MOST_WAITING: usize = 512;

/// One line for each server.
#[derive(Debug, Default)]
pub(super) struct Lines(Mutex<HashMap<String, Arc<Line>>>);

/// More calls wait than anybody will have answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct LineIsFull;

impl Lines {
    /// The line before the server of this address. All names of this machine are one, so that two providers that
    /// lead to the same port share it.
    pub(super) fn before(&self, server: &Uri) -> Arc<Line> {
        let scheme = server.scheme_str().unwrap_or("http");
        let host = server.host().unwrap_or_default().to_ascii_lowercase();
        let host = match host.as_str() {
            "localhost" | "127.0.0.1" | "[::1]" => "loopback",
            other => other,
        };
        let usual = if scheme == "https" { 443 } else { 80 };
        let key = format!("{scheme}://{host}:{}", server.port_u16().unwrap_or(usual));
        let mut lines = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(lines.entry(key).or_default())
    }
}

/// The line before one server.
#[derive(Debug, Default)]
pub(super) struct Line {
    standing: Mutex<Standing>,
    /// Changes whenever somebody leaves.
    moved: watch::Sender<()>,
}

#[derive(Debug, Default)]
struct Standing {
    running: usize,
    next: u64,
    waiting: VecDeque<u64>,
}

/// The right to call; dropping it lets the next one in.
#[derive(Debug)]
pub(in crate::provider) struct Permit(Arc<Line>);

impl Drop for Permit {
    fn drop(&mut self) {
        self.0.standing().running -= 1;
        self.0.moved.send_replace(());
    }
}

/// A place in the line; dropping it leaves the line.
#[derive(Debug)]
struct Place {
    line: Arc<Line>,
    ticket: u64,
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut standing = self.line.standing();
        let before = standing.waiting.len();
        standing.waiting.retain(|ticket| *ticket != self.ticket);
        let left = standing.waiting.len() < before;
        drop(standing);
        if left {
            self.line.moved.send_replace(());
        }
    }
}

impl Line {
    /// Waits until fewer than `limit` calls run and nobody is before this one. `told` hears how many calls have to
    /// end first, whenever that number changes; it hears nothing when there is no wait.
    pub(super) async fn enter(
        self: Arc<Self>,
        limit: usize,
        told: impl Fn(usize),
    ) -> Result<Permit, LineIsFull> {
        let mut moved = self.moved.subscribe();
        let place = self.come()?;
        let mut known = None;
        loop {
            moved.mark_unchanged();
            match self.step_in(place.ticket, limit) {
                Ok(()) => return Ok(Permit(self)),
                Err(behind) if known == Some(behind) => {}
                Err(behind) => {
                    known = Some(behind);
                    told(behind);
                }
            }
            // The sender is `self`, so it cannot have gone.
            let _ = moved.changed().await;
        }
    }

    fn come(self: &Arc<Self>) -> Result<Place, LineIsFull> {
        let mut standing = self.standing();
        if standing.waiting.len() >= MOST_WAITING {
            return Err(LineIsFull);
        }
        let ticket = standing.next;
        standing.next += 1;
        standing.waiting.push_back(ticket);
        Ok(Place {
            line: Arc::clone(self),
            ticket,
        })
    }

    /// Takes a free place among those that run; otherwise says how many calls have to end first.
    fn step_in(&self, ticket: u64, limit: usize) -> Result<(), usize> {
        let mut standing = self.standing();
        let before = standing.waiting.iter().position(|other| *other == ticket);
        let ahead = standing.running + before.unwrap_or(standing.waiting.len());
        if ahead >= limit {
            return Err(ahead + 1 - limit);
        }
        standing.running += 1;
        standing.waiting.retain(|other| *other != ticket);
        Ok(())
    }

    fn standing(&self) -> MutexGuard<'_, Standing> {
        self.standing.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The stream with the permit under which it runs: the next call is let in when it has ended, or is dropped.
pub(in crate::provider) fn held(stream: ChunkStream, permit: Permit) -> ChunkStream {
    stream::unfold((stream, permit), |(mut stream, permit)| async move {
        let item = stream.next().await?;
        Some((item, (stream, permit)))
    })
    .boxed()
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicUsize;
    use std::sync::atomic::Ordering;
    use std::time::Duration;

    use tokio::time::sleep;

    use super::*;

    fn line(lines: &Lines, server: &str) -> Arc<Line> {
        lines.before(&server.parse().unwrap())
    }

    #[tokio::test(start_paused = true)]
    async fn calls_go_in_the_order_in_which_they_came_and_know_their_place() {
        let lines = Lines::default();
        let said = Arc::new(Mutex::new(Vec::new()));
        let mut calls = tokio::task::JoinSet::new();
        for name in ["a", "b", "c"] {
            let (line, said) = (
                line(&lines, "http://localhost:11434/api/chat"),
                Arc::clone(&said),
            );
            calls.spawn(async move {
                let tell = |behind| said.lock().unwrap().push(format!("{name} behind {behind}"));
                let permit = line.enter(1, tell).await.unwrap();
                said.lock().unwrap().push(format!("{name} in"));
                sleep(Duration::from_secs(1)).await;
                drop(permit);
            });
            tokio::task::yield_now().await;
        }
        calls.join_all().await;
        let said = said.lock().unwrap();
        let of = |word: &str| -> Vec<&str> {
            let lines = said.iter().map(String::as_str);
            lines.filter(|line| line.contains(word)).collect()
        };
        // Who of those that wait hears of a move first is the runtime's choice.
        assert_eq!(of(" in"), ["a in", "b in", "c in"]);
        assert_eq!(of("b "), ["b behind 1", "b in"]);
        assert_eq!(of("c "), ["c behind 2", "c behind 1", "c in"]);
    }

    #[tokio::test(start_paused = true)]
    async fn who_is_dropped_leaves_the_line_and_those_behind_move_up() {
        let lines = Lines::default();
        let running = line(&lines, "http://127.0.0.1:1")
            .enter(1, |_| {})
            .await
            .unwrap();
        let gives_up = tokio::spawn(line(&lines, "http://[::1]:1").enter(1, |_| {}));
        tokio::task::yield_now().await;
        let place = Arc::new(AtomicUsize::new(0));
        let seen = Arc::clone(&place);
        let waits = tokio::spawn(
            line(&lines, "http://LOCALHOST:1").enter(1, move |n| seen.store(n, Ordering::SeqCst)),
        );
        tokio::task::yield_now().await;
        assert_eq!(place.load(Ordering::SeqCst), 2);
        gives_up.abort();
        sleep(Duration::from_millis(1)).await;
        assert_eq!(place.load(Ordering::SeqCst), 1);
        drop(running);
        waits.await.unwrap().unwrap();
    }

    #[tokio::test]
    async fn as_many_run_as_the_server_takes_and_other_servers_are_not_waited_for() {
        let lines = Lines::default();
        let first = line(&lines, "http://one:80")
            .enter(2, |_| {})
            .await
            .unwrap();
        let _second = line(&lines, "http://one").enter(2, |_| {}).await.unwrap();
        let _elsewhere = line(&lines, "http://two").enter(1, |_| {}).await.unwrap();
        let third = tokio::spawn(line(&lines, "http://one").enter(2, |_| {}));
        tokio::task::yield_now().await;
        assert!(!third.is_finished());
        drop(first);
        third.await.unwrap().unwrap();
    }

    #[tokio::test]
    async fn the_line_has_an_end() {
        let lines = Lines::default();
        let line = line(&lines, "http://one");
        let places: Vec<Place> = std::iter::from_fn(|| line.come().ok()).collect();
        assert_eq!(places.len(), MOST_WAITING);
        let refused = Arc::clone(&line).enter(1, |_| {}).await;
        assert_eq!(refused.err(), Some(LineIsFull));
    }
}
