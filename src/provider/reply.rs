//! A reply as it comes in: its head, and its body in bounded pieces.

use bytes::Bytes;
use bytes::BytesMut;
use http::HeaderMap;
use http::StatusCode;
use http_body_util::BodyExt;
use http_body_util::combinators::UnsyncBoxBody;
use tokio::time::Instant;

use super::failure::Failure;
use super::failure::innermost;
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
    coming: UnsyncBoxBody<Bytes, BoxError>,
    received: u64,
}

impl ReplyBody {
    pub(super) fn new(coming: UnsyncBoxBody<Bytes, BoxError>) -> Self {
        Self {
            coming,
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
        loop {
            let Some(frame) = waits.until(due, phase, self.coming.frame()).await? else {
                return Ok(None);
            };
            let frame = frame.map_err(|error| Failure::Broken(innermost(error.as_ref())))?;
            let Ok(bytes) = frame.into_data() else {
                continue; // trailers say nothing that a wire needs
            };
            self.received += bytes.len() as u64;
            if self.received > MAX_REPLY_BYTES {
                return Err(Failure::TooLong {
                    limit_bytes: MAX_REPLY_BYTES,
                });
            }
            return Ok(Some(bytes));
        }
    }

    /// Reads the whole body.
    pub(super) async fn read(&mut self, waits: &Waits) -> Result<Bytes, Failure> {
        let mut whole = BytesMut::new();
        loop {
            let due = waits.idle_at();
            match self.next(waits, due, TimeoutPhase::Idle).await? {
                Some(bytes) => whole.extend_from_slice(&bytes),
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
