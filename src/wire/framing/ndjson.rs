//! One JSON value per line.

use super::MAX_EVENT_BYTES;
use crate::wire::WireError;

/// Cuts bytes into lines; any split of the bytes gives the same lines.
#[derive(Debug, Default)]
pub struct NdjsonDecoder {
    line: Vec<u8>,
}

impl NdjsonDecoder {
    /// Takes the next bytes and gives the lines that they complete, blank ones left out.
    ///
    /// # Errors
    /// `TooLong` for a line over [`MAX_EVENT_BYTES`].
    pub fn push(&mut self, bytes: &[u8]) -> Result<Vec<Vec<u8>>, WireError> {
        let mut lines = Vec::new();
        let mut rest = bytes;
        while let Some(end) = rest.iter().position(|byte| *byte == b'\n') {
            self.line.extend_from_slice(&rest[..end]);
            lines.extend(self.finish());
            rest = &rest[end + 1..];
        }
        self.line.extend_from_slice(rest);
        match self.line.len() > MAX_EVENT_BYTES {
            true => Err(WireError::TooLong("a line")),
            false => Ok(lines),
        }
    }

    /// Gives the last line, when its line feed is missing.
    pub fn finish(&mut self) -> Option<Vec<u8>> {
        let line = std::mem::take(&mut self.line);
        let line = line.trim_ascii();
        (!line.is_empty()).then(|| line.to_vec())
    }
}
