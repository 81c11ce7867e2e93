//! Chance, from a seed and without a lock: the next throw is one atomic addition.

use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;

/// The golden ratio in 64 bits: the step of `SplitMix64` (Steele, Lea and Flood 2014).
const STEP: u64 = 0x9E37_79B9_7F4A_7C15;

/// Throws that follow from a seed.
#[derive(Debug)]
pub(super) struct Dice(AtomicU64);

/// One throw.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Throw(pub(super) u64);

impl Dice {
    pub(super) fn new(seed: u64) -> Self {
        Self(AtomicU64::new(seed))
    }

    pub(super) fn throw(&self) -> Throw {
        let state = self.0.fetch_add(STEP, Ordering::Relaxed);
        Throw(mix(state.wrapping_add(STEP)))
    }

    /// The next throw, which stays the next one.
    pub(super) fn peek(&self) -> Throw {
        Throw(mix(self.0.load(Ordering::Relaxed).wrapping_add(STEP)))
    }
}

impl Throw {
    /// A number in `[0, 1)`.
    pub(super) fn share(self) -> f64 {
        (self.0 >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// One of `0..count`; `count` is not 0.
    pub(super) fn below(self, count: usize) -> usize {
        let scaled = (u128::from(self.0) * count as u128) >> 64;
        usize::try_from(scaled).unwrap_or(0)
    }
}

/// Spreads the bits of a number, so that near numbers come far apart.
pub(super) fn mix(number: u64) -> u64 {
    let once = (number ^ (number >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let twice = (once ^ (once >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    twice ^ (twice >> 31)
}

/// A number for some bytes, the same in every process (FNV-1a).
pub(super) fn number_of(bytes: &[u8]) -> u64 {
    let start = 0xCBF2_9CE4_8422_2325_u64;
    bytes.iter().fold(start, |number, byte| {
        (number ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01B3)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_gives_the_same_throws_and_all_sides_come_up() {
        let throws = |seed| {
            let dice = Dice::new(seed);
            (0..6_000)
                .map(|_| dice.throw().below(6))
                .collect::<Vec<_>>()
        };
        assert_eq!(throws(7), throws(7));
        assert_ne!(throws(7), throws(8));
        for side in 0..6 {
            let times = throws(7).into_iter().filter(|it| *it == side).count();
            assert!((880..1120).contains(&times), "{side}: {times} of 6000");
        }
    }

    #[test]
    fn a_look_at_the_next_throw_does_not_take_it() {
        let dice = Dice::new(1);
        let seen = dice.peek();
        assert_eq!(seen, dice.throw());
        assert_ne!(seen, dice.throw());
        assert!((0.0..1.0).contains(&Throw(u64::MAX).share()));
    }
}
