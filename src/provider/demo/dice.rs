//! Chance that is the same for the same request.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::Rng;
use rand_chacha::rand_core::SeedableRng;

use crate::types::Chat;

/// A generator seeded by what was asked: equal requests roll equal numbers.
#[derive(Debug, Clone)]
pub(super) struct Dice(ChaCha8Rng);

/// Names a request: the model, the messages and the seed, nothing else.
pub(super) fn fingerprint(model: &str, chat: &Chat) -> [u8; 32] {
    let mut hasher = blake3::Hasher::new();
    hasher.update(model.as_bytes());
    hasher.update(&chat.sampling.seed.unwrap_or_default().to_le_bytes());
    for message in &chat.messages {
        hasher.update(&[0xff, message.role as u8]);
        hasher.update(message.joined_text().as_bytes());
    }
    *hasher.finalize().as_bytes()
}

impl Dice {
    pub(super) fn new(fingerprint: [u8; 32]) -> Self {
        Self(ChaCha8Rng::from_seed(fingerprint))
    }

    /// A number from `0..sides`; 0 when there are no sides.
    pub(super) fn roll(&mut self, sides: usize) -> usize {
        match sides as u64 {
            0 => 0,
            sides => (self.0.next_u64() % sides) as usize,
        }
    }

    /// A number from `low` to `high`, both included.
    pub(super) fn between(&mut self, low: u64, high: u64) -> u64 {
        let span = high.saturating_sub(low).saturating_add(1);
        low + self.0.next_u64() % span
    }

    /// One of the items; the items are never empty.
    pub(super) fn pick<'a, T: ?Sized>(&mut self, items: &[&'a T]) -> &'a T {
        items[self.roll(items.len())]
    }
}
