//! Vectors without a model: the words of a text, hashed into a few dimensions.
//!
//! Texts that share words are near each other, the same text always has the same vector, and nothing is called.

use async_trait::async_trait;

use super::DemoClient;
use super::PROVIDER;
use crate::client::CallPath;
use crate::client::EmbeddingClient;
use crate::client::EmbeddingRequest;
use crate::client::EmbeddingResponse;
use crate::client::LlmError;
use crate::types::Usage;
use crate::types::usage::estimate_tokens;

/// The vectors' length when none is asked for.
const DIMENSIONS: usize = 64;
/// The longest that can be asked for.
const MAX_DIMENSIONS: u32 = 4096;

#[async_trait]
impl EmbeddingClient for DemoClient {
    fn provider_name(&self) -> &str {
        PROVIDER
    }

    async fn embed(&self, request: &EmbeddingRequest) -> Result<EmbeddingResponse, LlmError> {
        request.call.trace.note_path(CallPath::Demo);
        let length = request.dimensions.map_or(DIMENSIONS, |length| {
            length.clamp(1, MAX_DIMENSIONS) as usize
        });
        Ok(EmbeddingResponse {
            model: request.model.model().to_owned(),
            vectors: request
                .texts
                .iter()
                .map(|text| hashed(text, length))
                .collect(),
            usage: Usage {
                input: request.texts.iter().map(|text| estimate_tokens(text)).sum(),
                estimated: true,
                ..Usage::default()
            },
        })
    }
}

/// A vector of length 1; of a text without a word, all zeros.
fn hashed(text: &str, length: usize) -> Vec<f32> {
    let mut vector = vec![0.0_f32; length];
    let words = text.split(|c: char| !c.is_alphanumeric());
    for word in words.filter(|word| !word.is_empty()) {
        let hash = blake3::hash(word.to_lowercase().as_bytes());
        let [place @ .., sign] = hash
            .as_bytes()
            .first_chunk::<9>()
            .copied()
            .unwrap_or_default();
        let place = (u64::from_le_bytes(place) % length as u64) as usize;
        vector[place] += if sign & 1 == 0 { 1.0 } else { -1.0 };
    }
    let norm = vector.iter().map(|x| x * x).sum::<f32>().sqrt();
    if norm > 0.0 {
        vector.iter_mut().for_each(|x| *x /= norm);
    }
    vector
}

#[cfg(test)]
mod tests {
    use super::*;

    fn similarity(a: &str, b: &str) -> f32 {
        let (a, b) = (hashed(a, 64), hashed(b, 64));
        a.iter().zip(&b).map(|(x, y)| x * y).sum()
    }

    #[test]
    fn texts_that_share_words_are_near_each_other() {
        let near = similarity("nuclear power is cheap", "Is nuclear power cheap?");
        let far = similarity("nuclear power is cheap", "cats sleep all day");
        assert!(near > 0.99 && far < 0.5, "{near} {far}");
        assert_eq!(hashed("!?", 3), [0.0, 0.0, 0.0]);
    }
}
