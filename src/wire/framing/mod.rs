//! Where one event ends and the next begins.

mod aws_eventstream;
mod ndjson;
mod sse;
#[cfg(test)]
mod tests;

pub use aws_eventstream::EventStreamDecoder;
#[cfg(test)]
pub(in crate::wire) use aws_eventstream::frame;
pub use ndjson::NdjsonDecoder;
pub use sse::SseDecoder;

/// One event of a stream, however it is framed: a server-sent event, a line, a frame.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Event {
    /// Its name, where the framing has one.
    pub name: Option<String>,
    /// Its content, mostly JSON.
    pub data: String,
}

/// Longest event or line that is kept: the answer is refused rather than memory filled.
pub const MAX_EVENT_BYTES: usize = 16 << 20;
