//! Randomness as an argument, so that jitter and ids can be repeated in tests.

use std::hash::{BuildHasher, Hasher, RandomState};
use std::sync::atomic::{AtomicU64, Ordering};

/// A source of random numbers, shared by reference.
pub trait Random: Send + Sync + 'static {
    /// 64 uniform bits.
    fn next_u64(&self) -> u64;

    /// A uniform number in `[0, 1)`.
    fn next_f64(&self) -> f64 {
        (self.next_u64() >> 11) as f64 / (1u64 << 53) as f64
    }
}

/// Randomness from the operating system: for identifiers, keys and tokens.
#[derive(Debug, Default, Clone, Copy)]
pub struct System;

impl Random for System {
    fn next_u64(&self) -> u64 {
        let mut bytes = [0u8; 8];
        // The system's generator can't fail once the machine has booted; a broken one must stop us.
        getrandom::fill(&mut bytes).expect("the operating system provides random numbers");
        u64::from_le_bytes(bytes)
    }
}

/// A fast generator for jitter and tests (SplitMix64). Not for secrets.
#[derive(Debug)]
pub struct Seeded(AtomicU64);

impl Seeded {
    /// The sequence that belongs to `seed`.
    pub fn new(seed: u64) -> Self {
        Self(AtomicU64::new(seed))
    }

    /// A sequence that differs from process to process.
    pub fn from_entropy() -> Self {
        Self::new(RandomState::new().build_hasher().finish())
    }
}

impl Random for Seeded {
    fn next_u64(&self) -> u64 {
        const STEP: u64 = 0x9e37_79b9_7f4a_7c15;
        let mut z = self.0.fetch_add(STEP, Ordering::Relaxed).wrapping_add(STEP);
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_gives_the_same_numbers() {
        let (a, b) = (Seeded::new(42), Seeded::new(42));
        let first: Vec<u64> = (0..4).map(|_| a.next_u64()).collect();
        assert_eq!(first, (0..4).map(|_| b.next_u64()).collect::<Vec<_>>());
        assert_ne!(first[0], first[1]);
    }

    #[test]
    fn fractions_stay_within_zero_and_one_and_spread() {
        let random = Seeded::new(1);
        let mean = (0..10_000)
            .map(|_| random.next_f64())
            .inspect(|f| assert!((0.0..1.0).contains(f)))
            .sum::<f64>()
            / 10_000.0;
        assert!((0.48..0.52).contains(&mean), "{mean}");
    }
}
