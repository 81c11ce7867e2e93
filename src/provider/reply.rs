//! A reply as it comes in: its head, and its body in bounded pieces.

use std::future::poll_fn;

use bytes::Bytes;
use bytes::BytesMut;
use http::HeaderMap;
use http::StatusCode;
use http_body_util::BodyExt;
use http_body_util::combinators::UnsyncBoxBody;
use tokio::time::Instant;

use super::failure::Failure;
use super::failure::innermost;
use super::plain::PlainBody;
use super::plain::Whole;
use super::waits::Waits;
use crate::client::TimeoutPhase;

/// Most that any reply may hold.
pub(super) const MAX_REPLY_BYTES: u64 = 64 * 1024 * 1024;

type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// A reply whose body is still coming. Dropping it closes the connection.
pub(super) struct Reply {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) body: ReplyBody,
}

impl Reply {
    /// `true` when the reply says that it is of this media type.
    pub(super) fn is_media_type(&self, wanted: &str) -> bool {
        header_text(&self.headers, "content-type")
            .and_then(|value| Some(value.split(';').next()?.trim().eq_ignore_ascii_case(wanted)))
            .unwrap_or(false)
    }
}

/// A header as text; `None` when it is missing or not text.
pub(super) fn header_text(headers: &HeaderMap, name: &str) -> Option<String> {
    headers.get(name)?.to_str().ok().map(str::to_owned)
}

/// The body of a reply.
pub(super) struct ReplyBody {
    coming: Coming,
    received: u64,
}

enum Coming {
    Plain(Box<PlainBody>),
    Any(UnsyncBoxBody<Bytes, BoxError>),
}

impl ReplyBody {
    pub(super) fn new(coming: UnsyncBoxBody<Bytes, BoxError>) -> Self {
        Self {
            coming: Coming::Any(coming),
            received: 0,
        }
    }

    /// The body of a reply without TLS.
    pub(super) fn plain(coming: PlainBody) -> Self {
        Self {
            coming: Coming::Plain(Box::new(coming)),
            received: 0,
        }
    }

    /// Bytes that have arrived.
    pub(super) fn received(&self) -> u64 {
        self.received
    }

    /// Waits for the next bytes; `None` at the end.
    pub(super) async fn next(
        &mut self,
        waits: &Waits,
        due: Instant,
        phase: TimeoutPhase,
    ) -> Result<Option<Bytes>, Failure> {
        let piece = waits.until(due, phase, self.coming.piece()).await??;
        self.received += piece.as_ref().map_or(0, Bytes::len) as u64;
        within_limit(self.received)?;
        Ok(piece)
    }

    /// Reads the whole body.
    pub(super) async fn read(&mut self, waits: &Waits) -> Result<Bytes, Failure> {
        if let Coming::Plain(body) = &mut self.coming {
            loop {
                let more = poll_fn(|cx| body.poll_whole(cx));
                match waits
                    .until(waits.idle_at(), TimeoutPhase::Idle, more)
                    .await?
                {
                    Some(Ok(Whole::Grown(come))) => {
                        self.received = come;
                        within_limit(come)?;
                    }
                    Some(Ok(Whole::Whole(whole))) => {
                        self.received = whole.len() as u64;
                        within_limit(self.received)?;
                        return Ok(whole);
                    }
                    Some(Err(error)) => return Err(Failure::Broken(innermost(&error))),
                    None => break,
                }
            }
        }
        // Most bodies are one piece, which is handed on as it is.
        let (mut first, mut whole) = (Bytes::new(), BytesMut::new());
        loop {
            let due = waits.idle_at();
            match self.next(waits, due, TimeoutPhase::Idle).await? {
                Some(bytes) if first.is_empty() => first = bytes,
                Some(bytes) => {
                    if whole.is_empty() {
                        whole.extend_from_slice(&first);
                    }
                    whole.extend_from_slice(&bytes);
                }
                None if whole.is_empty() => return Ok(first),
                None => return Ok(whole.freeze()),
            }
        }
    }

    /// Reads at most `limit` bytes until `due`, and leaves the rest. What broke off or came late is not missed:
    /// this is for errors, where a part says enough.
    pub(super) async fn read_some(&mut self, limit: usize, waits: &Waits, due: Instant) -> Bytes {
        let mut some = BytesMut::new();
        while some.len() < limit {
            match self.next(waits, due, TimeoutPhase::Idle).await {
                Ok(Some(bytes)) => some.extend_from_slice(&bytes),
                Ok(None) | Err(_) => break,
            }
        }
        some.truncate(limit);
        some.freeze()
    }
}

impl Coming {
    /// The next bytes; `None` at the end.
    async fn piece(&mut self) -> Result<Option<Bytes>, Failure> {
        match self {
            Self::Plain(body) => match poll_fn(|cx| body.poll_piece(cx)).await {
                Some(Ok(piece)) => Ok(Some(piece)),
                Some(Err(error)) => Err(Failure::Broken(innermost(&error))),
                None => Ok(None),
            },
            Self::Any(body) => loop {
                let Some(frame) = body.frame().await else {
                    return Ok(None);
                };
                let frame = frame.map_err(|error| Failure::Broken(innermost(error.as_ref())))?;
                // Trailers say nothing that a wire needs.
                if let Ok(bytes) = frame.into_data() {
                    return Ok(Some(bytes));
                }
            },
        }
    }
}

fn within_limit(received: u64) -> Result<(), Failure> {
    match received > MAX_REPLY_BYTES {
        true => Err(Failure::TooLong {
            limit_bytes: MAX_REPLY_BYTES,
        }),
        false => Ok(()),
    }
}
