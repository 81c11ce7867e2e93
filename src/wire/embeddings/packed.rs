//! Vectors as base64 text: little-endian floats, or signed bytes.

use crate::wire::WireError;

/// The largest component that is still a vector's and not bytes read as floats.
const MAX_COMPONENT: f32 = 1e6;
/// The smallest one, zero apart.
const MIN_COMPONENT: f32 = 1e-20;

/// Reads 32-bit floats; text that makes no sense as such (Perplexity's under a name of the caller's own) is read
/// as signed bytes.
pub(super) fn floats_or_bytes(text: &str) -> Result<Vec<f32>, WireError> {
    let bytes = decode(text)?;
    let floats = floats(&bytes);
    let sane = |x: &f32| *x == 0.0 || (MIN_COMPONENT..MAX_COMPONENT).contains(&x.abs());
    Ok(match floats {
        Some(floats) if floats.iter().all(sane) => floats,
        Some(_) | None => signed(&bytes),
    })
}

/// Reads signed bytes as they are, not scaled: only the direction of a vector matters.
pub(super) fn signed_bytes(text: &str) -> Result<Vec<f32>, WireError> {
    decode(text).map(|bytes| signed(&bytes))
}

fn signed(bytes: &[u8]) -> Vec<f32> {
    bytes.iter().map(|byte| f32::from(*byte as i8)).collect()
}

fn floats(bytes: &[u8]) -> Option<Vec<f32>> {
    let (floats, rest) = bytes.as_chunks::<4>();
    let read = || {
        floats
            .iter()
            .map(|bytes| f32::from_le_bytes(*bytes))
            .collect()
    };
    rest.is_empty().then(read)
}

/// Decodes base64 of either alphabet, padded or not.
fn decode(text: &str) -> Result<Vec<u8>, WireError> {
    let broken = || WireError::Malformed("a vector is neither numbers nor base64".to_owned());
    let mut bytes = Vec::with_capacity(text.len() / 4 * 3);
    let (mut held, mut bits) = (0_u32, 0_u32);
    for letter in text.trim_end_matches('=').bytes() {
        let six = match letter {
            b'A'..=b'Z' => letter - b'A',
            b'a'..=b'z' => letter - b'a' + 26,
            b'0'..=b'9' => letter - b'0' + 52,
            b'+' | b'-' => 62,
            b'/' | b'_' => 63,
            _ => return Err(broken()),
        };
        held = held << 6 | u32::from(six);
        bits += 6;
        if bits >= 8 {
            bits -= 8;
            bytes.push((held >> bits) as u8);
            held &= (1 << bits) - 1;
        }
    }
    match bytes.is_empty() || bits == 6 {
        true => Err(broken()),
        false => Ok(bytes),
    }
}
