//! Server-sent events: bytes in any cut, payloads out.

/// The longest event that is kept; a provider's event is a few kilobytes.
const MAX_EVENT_BYTES: usize = 8 * 1024 * 1024;

/// Collects bytes until an event is whole.
#[derive(Debug, Default)]
pub(super) struct EventBuffer {
    line: Vec<u8>,
    payload: Vec<u8>,
    has_payload: bool,
    after_carriage_return: bool,
}

/// Says why bytes cannot be read as events.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum NotEvents {
    #[error("an event is longer than {MAX_EVENT_BYTES} bytes")]
    TooLong,
    #[error("an event is not UTF-8")]
    NotText,
}

impl EventBuffer {
    /// Takes the next bytes and returns the payloads (`data:` lines) of the events that they complete.
    ///
    /// Names, ids, comments and retry hints are skipped: both providers repeat the name in the payload.
    pub(super) fn push(&mut self, bytes: &[u8]) -> Result<Vec<String>, NotEvents> {
        let mut payloads = Vec::new();
        for &byte in bytes {
            let second_half_of_crlf = byte == b'\n' && self.after_carriage_return;
            self.after_carriage_return = byte == b'\r';
            match byte {
                b'\n' if second_half_of_crlf => {}
                b'\n' | b'\r' => payloads.extend(self.end_line()?),
                other => self.line.push(other),
            }
            if self.line.len() + self.payload.len() > MAX_EVENT_BYTES {
                return Err(NotEvents::TooLong);
            }
        }
        Ok(payloads)
    }

    fn end_line(&mut self) -> Result<Option<String>, NotEvents> {
        let line = std::mem::take(&mut self.line);
        if line.is_empty() {
            return self.end_event();
        }
        if let Some(rest) = line.strip_prefix(b"data:") {
            if self.has_payload {
                self.payload.push(b'\n');
            }
            self.payload
                .extend_from_slice(rest.strip_prefix(b" ").unwrap_or(rest));
            self.has_payload = true;
        }
        Ok(None)
    }

    fn end_event(&mut self) -> Result<Option<String>, NotEvents> {
        let payload = std::mem::take(&mut self.payload);
        if !std::mem::take(&mut self.has_payload) {
            return Ok(None);
        }
        String::from_utf8(payload)
            .map(Some)
            .map_err(|_| NotEvents::NotText)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const STREAM: &str = "event: a\ndata: {\"x\":\"é\"}\n\n: comment\n\ndata:one\r\ndata: two\r\n\r\nid: 7\n\ndata: [DONE]\n\n";

    #[test]
    fn payloads_are_joined_by_line_and_everything_else_is_skipped() {
        let payloads = EventBuffer::default().push(STREAM.as_bytes()).unwrap();
        assert_eq!(payloads, ["{\"x\":\"é\"}", "one\ntwo", "[DONE]"]);
    }

    #[test]
    fn an_event_without_its_blank_line_is_not_delivered() {
        let payloads = EventBuffer::default().push(b"data: half\n").unwrap();
        assert!(payloads.is_empty());
    }

    #[test]
    fn an_event_without_end_is_refused_instead_of_filling_the_memory() {
        let mut buffer = EventBuffer::default();
        let flood = vec![b'x'; MAX_EVENT_BYTES + 1];
        assert_eq!(buffer.push(&flood), Err(NotEvents::TooLong));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn any_cut_of_the_bytes_gives_the_same_payloads(cuts in prop::collection::vec(1usize..9, 1..80)) {
            let mut buffer = EventBuffer::default();
            let mut rest = STREAM.as_bytes();
            let mut payloads = Vec::new();
            for cut in cuts.into_iter().cycle() {
                let (piece, behind) = rest.split_at(cut.min(rest.len()));
                payloads.extend(buffer.push(piece).unwrap());
                rest = behind;
                if rest.is_empty() {
                    break;
                }
            }
            prop_assert_eq!(payloads, ["{\"x\":\"é\"}", "one\ntwo", "[DONE]"]);
        }
    }
}
