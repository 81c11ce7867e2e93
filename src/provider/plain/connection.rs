//! A connection and the exchange on it: writing and reading by turns, so that neither side waits for the other.

use std::io;
use std::io::IoSlice;
use std::pin::Pin;
use std::pin::pin;
use std::task::Context;
use std::task::Poll;
use std::task::ready;

use bytes::Bytes;
use bytes::BytesMut;
use http::Method;
use tokio::io::AsyncReadExt;
use tokio::io::AsyncWrite;
use tokio::net::TcpStream;

use super::head;
use super::head::Head;
use crate::provider::transport::Outgoing;

/// Room that is made for a read: most replies, and the pieces of a stream, are smaller.
pub(super) const ROOM: usize = 4 << 10;
/// Longest head of a reply.
const MOST_HEAD: usize = 128 << 10;

/// A connection, with what goes out on it and what has come in.
pub(super) struct Connection {
    stream: TcpStream,
    /// The head of the request. Kept for the next one.
    head: Vec<u8>,
    body: Bytes,
    /// Bytes of head and body that are written.
    written: usize,
    /// Why nothing more can be written.
    unwritable: Option<io::Error>,
    /// What has come and was not read yet.
    pub(super) come: BytesMut,
}

/// How sending went.
pub(super) enum Sent {
    /// The reply has begun.
    Replied(Head),
    /// The connection took not a single byte.
    NotABit(io::Error),
}

impl Connection {
    pub(super) fn new(stream: TcpStream) -> Self {
        Self {
            stream,
            head: Vec::with_capacity(512),
            body: Bytes::new(),
            written: 0,
            unwritable: None,
            come: BytesMut::new(),
        }
    }

    /// Begins an exchange; the one before has to be over.
    pub(super) fn begin(&mut self, method: &Method, outgoing: &Outgoing) {
        self.head.clear();
        head::write(method, outgoing, &mut self.head);
        self.body = outgoing.body.clone();
        self.written = 0;
    }

    /// Sends the request and reads the head of its reply.
    pub(super) fn poll_head(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<Sent>> {
        loop {
            while let Some(head) = head::read(&mut self.come)? {
                if !head.status.is_informational() {
                    return Poll::Ready(Ok(Sent::Replied(head)));
                }
            }
            if self.come.len() > MOST_HEAD {
                let help = "the head of the reply is too long";
                return Poll::Ready(Err(io::Error::new(io::ErrorKind::InvalidData, help)));
            }
            self.poll_rest(cx);
            if self.written == 0
                && let Some(error) = self.unwritable.take()
            {
                return Poll::Ready(Ok(Sent::NotABit(error)));
            }
            if ready!(self.poll_more(cx, ROOM))? == 0 {
                return Poll::Ready(Err(ended()));
            }
        }
    }

    /// Writes what is left to write, and reads what comes: how many bytes, 0 at the end.
    pub(super) fn poll_more(
        &mut self,
        cx: &mut Context<'_>,
        room: usize,
    ) -> Poll<io::Result<usize>> {
        self.poll_rest(cx);
        self.come.reserve(room);
        pin!(self.stream.read_buf(&mut self.come)).poll(cx)
    }

    /// An upstream may answer, and close, before it has read everything; so that is no error yet.
    fn poll_rest(&mut self, cx: &mut Context<'_>) {
        let (head, all) = (self.head.len(), self.head.len() + self.body.len());
        while self.written < all && self.unwritable.is_none() {
            let pieces = [
                IoSlice::new(self.head.get(self.written..).unwrap_or_default()),
                IoSlice::new(&self.body[self.written.saturating_sub(head)..]),
            ];
            let pieces = match self.written < head {
                true => &pieces[..],
                false => &pieces[1..],
            };
            match Pin::new(&mut self.stream).poll_write_vectored(cx, pieces) {
                Poll::Ready(Ok(0)) => self.unwritable = Some(io::ErrorKind::WriteZero.into()),
                Poll::Ready(Ok(more)) => self.written += more,
                Poll::Ready(Err(error)) => self.unwritable = Some(error),
                Poll::Pending => return,
            }
        }
        if self.written == all && !self.body.is_empty() {
            // Others may hold it; here it is done with.
            self.written = head;
            self.body = Bytes::new();
        }
    }

    /// `true` when the exchange left nothing behind, so that another can follow.
    pub(super) fn is_clear(&self) -> bool {
        self.written == self.head.len()
            && self.body.is_empty()
            && self.unwritable.is_none()
            && self.come.is_empty()
    }

    /// `true` when nothing came while nobody asked: neither bytes nor the end.
    pub(super) fn is_quiet(&mut self, cx: &mut Context<'_>) -> bool {
        if self.stream.poll_read_ready(cx).is_pending() {
            return true;
        }
        // What was ready before may be gone.
        let nothing_to_read = self.stream.try_read(&mut [0]);
        matches!(nothing_to_read, Err(error) if error.kind() == io::ErrorKind::WouldBlock)
    }
}

/// The other side closed in the middle.
pub(super) fn ended() -> io::Error {
    let help = "connection closed before message completed";
    io::Error::new(io::ErrorKind::UnexpectedEof, help)
}
