//! The body of a reply, piece by piece or whole. When it has ended well its connection is kept.

use std::io;
use std::task::Context;
use std::task::Poll;
use std::task::ready;

use bytes::Bytes;
use bytes::BytesMut;

use super::connection::Connection;
use super::connection::ROOM;
use super::connection::ended;
use super::head::Framing;
use super::head::line_of;
use super::head::wrong;
use super::pool::Home;

/// Room that is made for a body whose length was told; a longer one gets more as it comes.
const MOST_ROOM: u64 = 4 << 20;
/// Longest line that says how long a piece is, and longest trailers.
const MOST_LINE: usize = 4 << 10;
const MOST_TRAILERS: usize = 16 << 10;

/// A body that is still coming. Dropping it closes the connection.
pub(in crate::provider) struct PlainBody {
    /// `None` once the body is over.
    connection: Option<Connection>,
    /// Where the connection goes then; `None` when it is no good any more.
    home: Option<Home>,
    left: Left,
}

/// What is left of the body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Left {
    /// So many bytes.
    Bytes(u64),
    /// What the connection brings.
    All,
    /// A line that says how long the next piece is.
    Size,
    /// So many bytes of a piece.
    Piece(u64),
    /// The end of a piece's line.
    PieceEnd,
    /// Lines up to an empty one; so many bytes of them have been read.
    Trailers(usize),
    Nothing,
}

impl PlainBody {
    pub(super) fn new(connection: Connection, framing: Framing, home: Option<Home>) -> Self {
        let mut body = Self {
            connection: Some(connection),
            home,
            left: match framing {
                Framing::Length(0) => Left::Nothing,
                Framing::Length(length) => Left::Bytes(length),
                Framing::Chunked => Left::Size,
                Framing::UntilClosed => Left::All,
            },
        };
        if body.left == Left::Nothing {
            body.over();
        }
        body
    }

    /// The next bytes; `None` at the end.
    pub(in crate::provider) fn poll_piece(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Option<io::Result<Bytes>>> {
        loop {
            match self.next_of_come() {
                Ok(Some(piece)) => return Poll::Ready(Some(Ok(piece))),
                Ok(None) => {}
                Err(error) => return Poll::Ready(Some(Err(self.broken(error)))),
            }
            let Some(connection) = &mut self.connection else {
                return Poll::Ready(None);
            };
            match ready!(connection.poll_more(cx, ROOM)) {
                Ok(1..) => {}
                Ok(0) if self.left == Left::All => {
                    self.over();
                    return Poll::Ready(None);
                }
                Ok(0) => return Poll::Ready(Some(Err(self.broken(ended())))),
                Err(error) => return Poll::Ready(Some(Err(self.broken(error)))),
            }
        }
    }

    /// Reads on in a body whose length was told, without handing anything out: how many bytes have come in all once
    /// more have. `None` for other bodies.
    pub(in crate::provider) fn poll_whole(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Option<io::Result<Whole>>> {
        let (Left::Bytes(length), Some(connection)) = (self.left, &mut self.connection) else {
            return Poll::Ready(None);
        };
        let come = connection.come.len() as u64;
        if come < length {
            // As much as was told, but not all at once: a number is easily said.
            let room = (length - come).min(MOST_ROOM.max(come));
            let room = usize::try_from(room).unwrap_or(ROOM);
            match ready!(connection.poll_more(cx, room)) {
                Ok(1..) => {}
                Ok(0) => return Poll::Ready(Some(Err(self.broken(ended())))),
                Err(error) => return Poll::Ready(Some(Err(self.broken(error)))),
            }
        }
        let come = connection.come.len() as u64;
        if come < length {
            return Poll::Ready(Some(Ok(Whole::Grown(come))));
        }
        let whole = connection
            .come
            .split_to(usize::try_from(length).unwrap_or(usize::MAX));
        self.left = Left::Nothing;
        self.over();
        Poll::Ready(Some(Ok(Whole::Whole(whole.freeze()))))
    }

    /// What stands ready; `None` when more has to come first, or nothing is left.
    fn next_of_come(&mut self) -> io::Result<Option<Bytes>> {
        let Some(connection) = &mut self.connection else {
            return Ok(None);
        };
        let come = &mut connection.come;
        loop {
            self.left = match self.left {
                Left::Nothing => {
                    self.over();
                    return Ok(None);
                }
                Left::All => {
                    let piece = come.split();
                    return Ok((!piece.is_empty()).then(|| piece.freeze()));
                }
                Left::Bytes(left) | Left::Piece(left) => {
                    let Some((piece, left)) = part(come, left) else {
                        return Ok(None);
                    };
                    self.left = match (self.left, left) {
                        (Left::Piece(_), 0) => Left::PieceEnd,
                        (Left::Piece(_), left) => Left::Piece(left),
                        (_, 0) => Left::Nothing,
                        (_, left) => Left::Bytes(left),
                    };
                    if self.left == Left::Nothing {
                        self.over();
                    }
                    return Ok(Some(piece));
                }
                Left::PieceEnd => match come.get(..2) {
                    Some(b"\r\n") => {
                        let _ = come.split_to(2);
                        Left::Size
                    }
                    Some(_) => return Err(wrong("a piece that is longer than was told")),
                    None => return Ok(None),
                },
                Left::Size => match line_of(come) {
                    Some(line) => match size(&line)? {
                        0 => Left::Trailers(0),
                        size => Left::Piece(size),
                    },
                    None if come.len() > MOST_LINE => return Err(wrong("a piece without length")),
                    None => return Ok(None),
                },
                Left::Trailers(read) => match line_of(come) {
                    Some(line) if line.is_empty() => Left::Nothing,
                    Some(line) if read + line.len() <= MOST_TRAILERS => {
                        Left::Trailers(read + line.len() + 1)
                    }
                    None if come.len() <= MOST_TRAILERS => return Ok(None),
                    Some(_) | None => return Err(wrong("trailers without end")),
                },
            };
        }
    }

    fn broken(&mut self, error: io::Error) -> io::Error {
        self.left = Left::Nothing;
        self.home = None;
        self.over();
        error
    }

    fn over(&mut self) {
        if let (Some(connection), Some(home)) = (self.connection.take(), self.home.take())
            && connection.is_clear()
        {
            home.keep(connection);
        }
    }
}

/// How far a body is that is read whole.
pub(in crate::provider) enum Whole {
    /// So many bytes have come.
    Grown(u64),
    /// All of it has.
    Whole(Bytes),
}

/// As many bytes as are wanted and there, and how many are wanted still; `None` when none are there.
fn part(come: &mut BytesMut, wanted: u64) -> Option<(Bytes, u64)> {
    let there = usize::try_from(wanted)
        .unwrap_or(usize::MAX)
        .min(come.len());
    (there > 0).then(|| (come.split_to(there).freeze(), wanted - there as u64))
}

/// The length of a piece: hexadecimal digits, and behind a semicolon what nobody needs.
fn size(line: &[u8]) -> io::Result<u64> {
    let digits = line.split(|byte| *byte == b';').next().unwrap_or_default();
    let digits = digits.trim_ascii();
    let is_plain = !digits.is_empty() && digits.len() <= 16;
    let text = std::str::from_utf8(digits).ok();
    text.filter(|_| is_plain && digits.iter().all(u8::is_ascii_hexdigit))
        .and_then(|text| u64::from_str_radix(text, 16).ok())
        .ok_or_else(|| wrong("a piece whose length is no number"))
}
