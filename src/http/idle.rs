//! Connections on which nothing happens for too long are closed: by one sweep for all, since a timer for each request
//! would cost more than the request's routing.

use std::io;
use std::io::IoSlice;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::Weak;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::AtomicU8;
use std::sync::atomic::AtomicU32;
use std::sync::atomic::Ordering;
use std::task::Context;
use std::task::Poll;
use std::time::Duration;

use tokio::io::AsyncRead;
use tokio::io::AsyncWrite;
use tokio::io::ReadBuf;
use tokio::net::TcpStream;
use tokio::sync::Notify;
use tokio::sync::futures::Notified;

/// Time between two sweeps.
const SWEEP: Duration = Duration::from_secs(5);

/// The connections of one worker.
#[derive(Debug)]
pub(super) struct Connections {
    open: Mutex<Vec<Weak<Connection>>>,
    /// Sweeps without an answer and without a request in work, after which a connection is closed. A client that
    /// sends its request a byte at a time gets no more.
    most_sweeps: u32,
}

/// One connection, as the sweep sees it.
#[derive(Debug, Default)]
pub(super) struct Connection {
    in_work: AtomicU32,
    /// Something was written since the last sweep.
    answered: AtomicBool,
    quiet_sweeps: AtomicU32,
    /// A [`News`].
    news: AtomicU8,
    bell: Notify,
}

/// What a connection is told from outside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum News {
    /// Nothing.
    None,
    /// Nothing has happened for too long: it is closed.
    IdleTooLong,
    /// The server ends: no further request is taken.
    Draining,
}

impl Connections {
    /// Connections that are closed when nothing has happened on them for about so long.
    pub(super) fn new(keep_alive: Duration) -> Self {
        let sweeps = keep_alive.as_secs().div_ceil(SWEEP.as_secs()).max(1);
        Self {
            open: Mutex::default(),
            most_sweeps: u32::try_from(sweeps).unwrap_or(u32::MAX),
        }
    }

    /// Watches over a connection from now on.
    pub(super) fn add(&self, stream: TcpStream) -> (Watched, Arc<Connection>) {
        let connection = Arc::new(Connection::default());
        self.open
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(Arc::downgrade(&connection));
        let watched = Watched {
            stream,
            connection: Arc::clone(&connection),
        };
        (watched, connection)
    }

    /// Tells all of them that the server ends.
    pub(super) fn drain(&self) {
        let open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        for connection in open.iter().filter_map(Weak::upgrade) {
            connection.tell(News::Draining);
        }
    }

    /// Sweeps for ever.
    pub(super) async fn sweep(&self) {
        loop {
            tokio::time::sleep(SWEEP).await;
            let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
            open.retain(|connection| match connection.upgrade() {
                Some(connection) => {
                    connection.is_swept(self.most_sweeps);
                    true
                }
                None => false,
            });
        }
    }
}

impl Connection {
    /// A request is in work until the guard is dropped.
    pub(super) fn asked(self: &Arc<Self>) -> InWork {
        self.in_work.fetch_add(1, Ordering::Relaxed);
        InWork(Arc::clone(self))
    }

    /// Rings when there is news.
    pub(super) fn told(&self) -> Notified<'_> {
        self.bell.notified()
    }

    /// `true` when there is news.
    pub(super) fn has_news(&self) -> bool {
        self.news.load(Ordering::Relaxed) != News::None as u8
    }

    /// The last news, once.
    pub(super) fn take_news(&self) -> News {
        let news = self.news.swap(News::None as u8, Ordering::Acquire);
        [News::IdleTooLong, News::Draining]
            .into_iter()
            .find(|it| *it as u8 == news)
            .unwrap_or(News::None)
    }

    fn tell(&self, news: News) {
        self.news.store(news as u8, Ordering::Release);
        self.bell.notify_one();
    }

    fn is_swept(&self, most_sweeps: u32) {
        let is_alive = self.answered.swap(false, Ordering::Relaxed)
            || self.in_work.load(Ordering::Relaxed) > 0;
        if is_alive {
            self.quiet_sweeps.store(0, Ordering::Relaxed);
        } else if self.quiet_sweeps.fetch_add(1, Ordering::Relaxed) + 1 >= most_sweeps {
            self.tell(News::IdleTooLong);
        }
    }
}

/// Says that a request is in work.
#[derive(Debug)]
pub(super) struct InWork(Arc<Connection>);

impl Drop for InWork {
    fn drop(&mut self) {
        self.0.in_work.fetch_sub(1, Ordering::Relaxed);
        self.0.answered.store(true, Ordering::Relaxed);
    }
}

/// A stream that tells the sweep when something is written.
#[derive(Debug)]
pub(super) struct Watched {
    stream: TcpStream,
    connection: Arc<Connection>,
}

impl Watched {
    fn written(&self, written: Poll<io::Result<usize>>) -> Poll<io::Result<usize>> {
        if matches!(written, Poll::Ready(Ok(1..))) {
            self.connection.answered.store(true, Ordering::Relaxed);
        }
        written
    }
}

impl AsyncRead for Watched {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buffer)
    }
}

impl AsyncWrite for Watched {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(cx, bytes);
        self.written(written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        pieces: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(cx, pieces);
        self.written(written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_connection_is_closed_after_fifteen_quiet_sweeps_and_not_while_a_request_is_in_work() {
        let connection = Arc::new(Connection::default());
        let is_told = |connection: &Connection| {
            let mut told = std::pin::pin!(connection.told());
            let mut cx = Context::from_waker(std::task::Waker::noop());
            let rings = told.as_mut().poll(&mut cx).is_ready();
            assert_eq!(rings, connection.has_news());
            rings && connection.take_news() == News::IdleTooLong
        };
        for _ in 0..14 {
            connection.is_swept(15);
        }
        assert!(!is_told(&connection));
        let in_work = connection.asked();
        for _ in 0..30 {
            connection.is_swept(15);
        }
        drop(in_work);
        connection.is_swept(15);
        for _ in 0..14 {
            connection.is_swept(15);
        }
        assert!(!is_told(&connection));
        connection.is_swept(15);
        assert!(is_told(&connection));
    }

    #[test]
    fn the_time_is_counted_in_sweeps_of_five_seconds() {
        for (seconds, sweeps) in [(0, 1), (5, 1), (6, 2), (75, 15), (3600, 720)] {
            let connections = Connections::new(Duration::from_secs(seconds));
            assert_eq!(connections.most_sweeps, sweeps, "{seconds} s");
        }
    }
}
