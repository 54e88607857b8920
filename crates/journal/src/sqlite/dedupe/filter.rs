//! A blocked Bloom filter: says for most keys that are not in a run that they aren't, with one
//! access to memory.

use super::Key;

/// Bits per key: about one key in a hundred that isn't there passes.
const BITS_PER_KEY: usize = 10;
const PROBES: u32 = 6;
/// 512 bits: one cache line.
const BLOCK_WORDS: usize = 8;

/// A filter over the keys of one run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Filter {
    words: Vec<u64>,
}

impl Filter {
    /// How many bytes a filter for this many keys takes.
    pub(super) fn bytes_for(keys: u64) -> u64 {
        let block_bits = (BLOCK_WORDS * 64) as u64;
        let blocks = keys
            .saturating_mul(BITS_PER_KEY as u64)
            .div_ceil(block_bits);
        blocks.max(1) * (BLOCK_WORDS * 8) as u64
    }

    pub(super) fn with_capacity(keys: u64) -> Self {
        let words = Self::bytes_for(keys) / 8;
        Self {
            words: vec![0; usize::try_from(words).unwrap_or(BLOCK_WORDS)],
        }
    }

    pub(super) fn insert(&mut self, key: Key) {
        let block = self.block(key);
        for (word, bit) in probes(key) {
            self.words[block + word] |= bit;
        }
    }

    /// Whether the key may be in the run.
    pub(super) fn may_contain(&self, key: Key) -> bool {
        let block = self.block(key);
        probes(key).all(|(word, bit)| self.words[block + word] & bit != 0)
    }

    /// Where the key's block starts: `high` scaled to the number of blocks.
    fn block(&self, key: Key) -> usize {
        let blocks = (self.words.len() / BLOCK_WORDS) as u128;
        ((u128::from(key.high) * blocks) >> 64) as usize * BLOCK_WORDS
    }

    pub(super) fn to_bytes(&self) -> Vec<u8> {
        self.words
            .iter()
            .flat_map(|word| word.to_le_bytes())
            .collect()
    }

    pub(super) fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let words: Vec<u64> = bytes
            .chunks_exact(8)
            .map(|word| word.try_into().map(u64::from_le_bytes))
            .collect::<Result<_, _>>()
            .ok()?;
        let whole_blocks = !words.is_empty()
            && words.len().is_multiple_of(BLOCK_WORDS)
            && bytes.len().is_multiple_of(8);
        whole_blocks.then_some(Self { words })
    }
}

/// Word and bit of each probe within the block, taken from `low` nine bits at a time.
fn probes(key: Key) -> impl Iterator<Item = (usize, u64)> {
    (0..PROBES).map(move |probe| {
        let position = (key.low >> (9 * probe)) & 511;
        ((position >> 6) as usize, 1 << (position & 63))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_passes_and_few_others_do() {
        let key = |number: u64| Key::new(1, 1, None, &number.to_string());
        let mut filter = Filter::with_capacity(10_000);
        (0..10_000).for_each(|number| filter.insert(key(number)));
        let filter = Filter::from_bytes(&filter.to_bytes()).unwrap();
        assert!((0..10_000).all(|number| filter.may_contain(key(number))));
        let passing = (10_000..110_000)
            .filter(|&number| filter.may_contain(key(number)))
            .count();
        assert!(passing < 3_000, "{passing} of 100,000 pass");
    }
}
