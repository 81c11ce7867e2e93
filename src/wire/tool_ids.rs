//! Ids of tool calls, for providers that take only some.

use std::borrow::Cow;
use std::hash::Hasher;

use crate::types::quirks::ToolIds;

/// The id as this provider takes it. The same id always becomes the same, so calls and results still match.
pub(super) fn write(id: &str, takes: ToolIds) -> Cow<'_, str> {
    match takes {
        ToolIds::Usual => Cow::Borrowed(id),
        ToolIds::NineAlphanumeric if is_nine(id) => Cow::Borrowed(id),
        ToolIds::NineAlphanumeric => Cow::Owned(nine(id)),
    }
}

fn is_nine(id: &str) -> bool {
    id.len() == 9 && id.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

/// Nine letters and digits out of a hash (FNV-1a, which stays the same over versions and machines).
fn nine(id: &str) -> String {
    const ALPHABET: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    let mut hash = Fnv(0xcbf2_9ce4_8422_2325);
    hash.write(id.as_bytes());
    let mut rest = hash.finish();
    let mut letters = String::with_capacity(9);
    for _ in 0..9 {
        letters.push(char::from(ALPHABET[(rest % 62) as usize]));
        rest /= 62;
    }
    letters
}

struct Fnv(u64);

impl Hasher for Fnv {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = (self.0 ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_foreign_id_becomes_nine_letters_and_digits_always_the_same() {
        let first = write("call_abc/1", ToolIds::NineAlphanumeric);
        assert!(is_nine(&first), "{first}");
        assert_eq!(first, write("call_abc/1", ToolIds::NineAlphanumeric));
        assert_ne!(first, write("call_abc/2", ToolIds::NineAlphanumeric));
        assert_eq!(write("gSIMJiOkT", ToolIds::NineAlphanumeric), "gSIMJiOkT");
        assert_eq!(write("call_1", ToolIds::Usual), "call_1");
    }
}
