//! Where one event ends and the next begins.

mod ndjson;
mod sse;
#[cfg(test)]
mod tests;

pub use ndjson::NdjsonDecoder;
pub use sse::SseDecoder;
pub use sse::SseEvent;

/// Longest event or line that is kept: the answer is refused rather than memory filled.
pub const MAX_EVENT_BYTES: usize = 16 << 20;
