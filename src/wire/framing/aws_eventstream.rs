//! Binary frames of `application/vnd.amazon.eventstream`. Source: the Smithy specification of Amazon event stream
//! encoding and botocore's reader, read 2026-11-20.

use super::Event;
use super::MAX_EVENT_BYTES;
use crate::wire::WireError;

/// Total length, length of the headers, checksum of these two.
const PRELUDE_BYTES: usize = 12;
/// The prelude, and the checksum of the whole frame at its end.
const FRAME_BYTES: usize = PRELUDE_BYTES + 4;
/// Most bytes of headers, as the specification has it.
const MAX_HEADERS_BYTES: usize = 128 << 10;

/// Cuts bytes into frames; any split of the bytes gives the same events.
///
/// An event has the frame's event type as its name; an exception's name is `exception:` and its type, an error's is
/// `error:` and its code, with the message as JSON.
#[derive(Debug, Default)]
pub struct EventStreamDecoder {
    held: Vec<u8>,
}

impl EventStreamDecoder {
    /// Takes the next bytes and adds the events that they complete, also those before a broken frame.
    ///
    /// # Errors
    /// `Malformed` for a frame that is not what its checksums say, `TooLong` for one over [`MAX_EVENT_BYTES`].
    pub fn push(&mut self, bytes: &[u8], events: &mut Vec<Event>) -> Result<(), WireError> {
        self.held.extend_from_slice(bytes);
        let mut at = 0;
        let read = loop {
            match next_frame(&self.held[at..]) {
                Ok(Some((event, length))) => {
                    events.push(event);
                    at += length;
                }
                Ok(None) => break Ok(()),
                Err(error) => break Err(error),
            }
        };
        self.held.drain(..at);
        read
    }
}

/// The event of the first frame and the frame's length; `None` while it is incomplete.
fn next_frame(bytes: &[u8]) -> Result<Option<(Event, usize)>, WireError> {
    let mut prelude = bytes;
    let (Some(total), Some(headers), Some(checksum)) = (
        take_u32(&mut prelude),
        take_u32(&mut prelude),
        take_u32(&mut prelude),
    ) else {
        return Ok(None);
    };
    if crc32(&bytes[..PRELUDE_BYTES - 4]) != checksum {
        return Err(malformed("a frame's lengths do not match their checksum"));
    }
    let (total, headers) = (total as usize, headers as usize);
    if total > MAX_EVENT_BYTES {
        return Err(WireError::TooLong("a frame"));
    }
    if headers > MAX_HEADERS_BYTES || total < FRAME_BYTES + headers {
        return Err(malformed("a frame's lengths do not fit each other"));
    }
    let Some(frame) = bytes.get(..total) else {
        return Ok(None);
    };
    let (content, mut checksum) = frame.split_at(total - 4);
    if take_u32(&mut checksum) != Some(crc32(content)) {
        return Err(malformed("a frame does not match its checksum"));
    }
    let (headers, payload) = content[PRELUDE_BYTES..].split_at(headers);
    let headers =
        Headers::read(headers).ok_or_else(|| malformed("a frame's headers are broken"))?;
    Ok(Some((headers.event(payload), total)))
}

fn malformed(what: &str) -> WireError {
    WireError::Malformed(what.to_owned())
}

/// The headers that mean something here.
#[derive(Debug, Default)]
struct Headers {
    message_type: String,
    event_type: String,
    exception_type: String,
    error_code: String,
    error_message: String,
}

impl Headers {
    /// `None` when a header runs over the end or has a type that is not known.
    fn read(mut rest: &[u8]) -> Option<Self> {
        let mut headers = Self::default();
        while !rest.is_empty() {
            let length = take(&mut rest, 1)?[0];
            let name = take(&mut rest, usize::from(length))?;
            let kind = take(&mut rest, 1)?[0];
            let value = match kind {
                0 | 1 => &[],
                2 => take(&mut rest, 1)?,
                3 => take(&mut rest, 2)?,
                4 => take(&mut rest, 4)?,
                5 | 8 => take(&mut rest, 8)?,
                6 | 7 => {
                    let length = take(&mut rest, 2)?;
                    let length = u16::from_be_bytes([length[0], length[1]]);
                    take(&mut rest, usize::from(length))?
                }
                9 => take(&mut rest, 16)?,
                _ => return None,
            };
            let known = match name {
                b":message-type" => &mut headers.message_type,
                b":event-type" => &mut headers.event_type,
                b":exception-type" => &mut headers.exception_type,
                b":error-code" => &mut headers.error_code,
                b":error-message" => &mut headers.error_message,
                _ => continue,
            };
            *known = String::from_utf8_lossy(value).into_owned();
        }
        Some(headers)
    }

    fn event(self, payload: &[u8]) -> Event {
        let data = || String::from_utf8_lossy(payload).into_owned();
        match self.message_type.as_str() {
            "exception" => Event {
                name: Some(format!("exception:{}", self.exception_type)),
                data: data(),
            },
            "error" => Event {
                name: Some(format!("error:{}", self.error_code)),
                data: serde_json::json!({"message": self.error_message}).to_string(),
            },
            _ => Event {
                name: Some(self.event_type),
                data: data(),
            },
        }
    }
}

/// The next so many bytes; `None` when there are not as many.
fn take<'a>(rest: &mut &'a [u8], length: usize) -> Option<&'a [u8]> {
    let (taken, left) = rest.split_at_checked(length)?;
    *rest = left;
    Some(taken)
}

fn take_u32(rest: &mut &[u8]) -> Option<u32> {
    let bytes = take(rest, 4)?;
    Some(u32::from_be_bytes(bytes.try_into().ok()?))
}

/// The checksum of IEEE 802.3, which zip and PNG have too.
fn crc32(bytes: &[u8]) -> u32 {
    let step = |crc: u32, byte: &u8| (crc >> 8) ^ CRC_TABLE[usize::from(crc as u8 ^ byte)];
    !bytes.iter().fold(u32::MAX, step)
}

const CRC_TABLE: [u32; 256] = {
    let mut table = [0; 256];
    let mut byte = 0;
    while byte < 256 {
        let mut crc = byte as u32;
        let mut bit = 0;
        while bit < 8 {
            crc = if crc & 1 == 1 {
                (crc >> 1) ^ 0xEDB8_8320
            } else {
                crc >> 1
            };
            bit += 1;
        }
        table[byte] = crc;
        byte += 1;
    }
    table
};

/// Writes a frame with headers of text, for tests.
#[cfg(test)]
pub(in crate::wire) fn frame(headers: &[(&str, &str)], payload: &[u8]) -> Vec<u8> {
    let mut head = Vec::new();
    for (name, value) in headers {
        head.push(name.len() as u8);
        head.extend_from_slice(name.as_bytes());
        head.push(7);
        head.extend_from_slice(&(value.len() as u16).to_be_bytes());
        head.extend_from_slice(value.as_bytes());
    }
    let total = (FRAME_BYTES + head.len() + payload.len()) as u32;
    let mut frame = total.to_be_bytes().to_vec();
    frame.extend_from_slice(&(head.len() as u32).to_be_bytes());
    frame.extend_from_slice(&crc32(&frame).to_be_bytes());
    frame.extend_from_slice(&head);
    frame.extend_from_slice(payload);
    frame.extend_from_slice(&crc32(&frame).to_be_bytes());
    frame
}
