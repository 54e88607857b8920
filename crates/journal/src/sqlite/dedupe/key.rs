//! What stands for an event in duplicate detection.

use std::hash::{BuildHasherDefault, Hash, Hasher};

use model::Timestamp;
use xxhash_rust::xxh3::Xxh3;

/// A hash of 128 bits of project, device and `insert_id`, seeded with a secret so that nobody can
/// make two of them collide on purpose. Ordered by `high`, then `low`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::sqlite) struct Key {
    pub(super) high: u64,
    pub(super) low: u64,
}

impl Key {
    pub(super) const BYTES: usize = 16;

    pub(in crate::sqlite) fn new(
        seed: u64,
        project: i64,
        device: Option<&str>,
        insert_id: &str,
    ) -> Self {
        let mut hash = Xxh3::with_seed(seed);
        hash.update(&project.to_le_bytes());
        // No device differs from every device.
        let length = device.map_or(u64::MAX, |device| device.len() as u64);
        hash.update(&length.to_le_bytes());
        hash.update(device.unwrap_or_default().as_bytes());
        hash.update(insert_id.as_bytes());
        let hash = hash.digest128();
        Self {
            high: (hash >> 64) as u64,
            low: hash as u64,
        }
    }

    pub(super) fn to_bytes(self) -> [u8; Self::BYTES] {
        let mut bytes = [0; Self::BYTES];
        bytes[..8].copy_from_slice(&self.high.to_be_bytes());
        bytes[8..].copy_from_slice(&self.low.to_be_bytes());
        bytes
    }

    /// The key in the first 16 bytes.
    pub(super) fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (high, rest) = bytes.split_first_chunk::<8>()?;
        let (low, _) = rest.split_first_chunk::<8>()?;
        Some(Self {
            high: u64::from_be_bytes(*high),
            low: u64::from_be_bytes(*low),
        })
    }
}

impl Hash for Key {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u64(self.low);
    }
}

/// For tables of keys: they are hashes already.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct Identity(u64);

impl Hasher for Identity {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            self.0 = self.0.rotate_left(8) ^ u64::from(byte);
        }
    }

    fn write_u64(&mut self, value: u64) {
        self.0 = value;
    }
}

/// Keys with the second in which they were received.
pub(super) type KeyTable = std::collections::HashMap<Key, u32, BuildHasherDefault<Identity>>;

/// Rounded up, so that a key is remembered for the whole window and at most a second longer.
pub(in crate::sqlite) fn seconds_rounded_up(at: Timestamp) -> u32 {
    let seconds = at.0.div_euclid(1_000_000) + i64::from(at.0.rem_euclid(1_000_000) > 0);
    u32::try_from(seconds.max(0)).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_depends_on_each_of_its_parts() {
        let key = Key::new(1, 2, Some("device"), "id");
        assert_eq!(key, Key::new(1, 2, Some("device"), "id"));
        for other in [
            Key::new(2, 2, Some("device"), "id"),
            Key::new(1, 3, Some("device"), "id"),
            Key::new(1, 2, Some("devic"), "eid"),
            Key::new(1, 2, Some(""), "deviceid"),
            Key::new(1, 2, None, "deviceid"),
        ] {
            assert_ne!(key, other);
        }
        assert_eq!(Key::from_bytes(&key.to_bytes()), Some(key));
    }

    #[test]
    fn seconds_are_rounded_up() {
        assert_eq!(seconds_rounded_up(Timestamp(1_000_000)), 1);
        assert_eq!(seconds_rounded_up(Timestamp(1_000_001)), 2);
        assert_eq!(seconds_rounded_up(Timestamp(-5)), 0);
    }
}
