//! Vectors as base64 text: little-endian floats, or signed bytes.

use crate::wire::WireError;
use crate::wire::base64;

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

fn decode(text: &str) -> Result<Vec<u8>, WireError> {
    let bytes = base64::decode(text).filter(|bytes| !bytes.is_empty());
    bytes.ok_or_else(|| WireError::Malformed("a vector is neither numbers nor base64".to_owned()))
}
