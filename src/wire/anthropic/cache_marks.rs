//! Markers of what may be cached, of which this wire takes only some.

use serde_json::Value;
use serde_json::json;

use crate::types::CacheTtl;
use crate::types::quirks::Param;
use crate::wire::request_body::RequestBody;

/// Most markers of one request (Anthropic's documentation of prompt caching, read 2026-11-20).
const MOST: usize = 4;

/// Hands out markers in the order of the prompt: tools, instructions, messages.
#[derive(Debug, Default)]
pub(super) struct CacheMarks {
    given: usize,
    short_seen: bool,
}

impl CacheMarks {
    /// The next marker; `None` when there is none left or the provider takes none, which is reported. After a
    /// marker of the usual time an hour's is refused, so it is shortened and reported.
    pub(super) fn next(&mut self, ttl: CacheTtl, body: &mut RequestBody<'_>) -> Option<Value> {
        if body.refuses(Param::CacheMarkers) || self.given == MOST {
            body.lose(Param::CacheMarkers);
            return None;
        }
        self.given += 1;
        match ttl {
            CacheTtl::Hour if !self.short_seen => Some(json!({"type": "ephemeral", "ttl": "1h"})),
            CacheTtl::Hour => {
                body.lose(Param::CacheMarkers);
                Some(json!({"type": "ephemeral"}))
            }
            CacheTtl::Usual => {
                self.short_seen = true;
                Some(json!({"type": "ephemeral"}))
            }
        }
    }
}
