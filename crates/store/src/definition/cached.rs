//! Versions of definitions in memory: they never change, and every lane asks for one.

use std::sync::{Arc, Mutex, PoisonError};

use hashlink::LruCache;
use model::DefinitionId;
use model::definition::Definition;

/// Most versions that are kept; they are quickly read again.
const MOST: usize = 500;

/// Most bytes that all of them take up as JSON; in memory it is about twice that.
const MOST_BYTES: usize = 32 << 20;

/// The versions used lately.
#[derive(Debug)]
pub(crate) struct Cache(Mutex<Kept>);

#[derive(Debug)]
struct Kept {
    versions: LruCache<(DefinitionId, u32), Entry>,
    bytes: usize,
}

#[derive(Debug)]
struct Entry {
    definition: Arc<Definition>,
    bytes: usize,
}

impl Default for Cache {
    fn default() -> Self {
        Self(Mutex::new(Kept {
            versions: LruCache::new_unbounded(),
            bytes: 0,
        }))
    }
}

impl Cache {
    pub(super) fn get(&self, id: DefinitionId, version: u32) -> Option<Arc<Definition>> {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let found = kept.versions.get(&(id, version));
        found.map(|entry| entry.definition.clone())
    }

    /// Keeps a version that takes up so many bytes as JSON, in place of those that were not used for
    /// the longest time.
    pub(super) fn keep(&self, definition: Arc<Definition>, bytes: usize) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let key = (definition.id, definition.version);
        let replaced = kept.versions.insert(key, Entry { definition, bytes });
        kept.bytes += bytes;
        kept.bytes -= replaced.map_or(0, |entry| entry.bytes);
        while kept.versions.len() > MOST || kept.bytes > MOST_BYTES {
            let Some((_, oldest)) = kept.versions.remove_lru() else {
                break;
            };
            kept.bytes -= oldest.bytes;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn version(version: u32) -> Arc<Definition> {
        Arc::new(Definition {
            version,
            ..Definition::webhook()
        })
    }

    #[test]
    fn it_is_bounded_by_number_and_by_bytes() {
        let id = Definition::webhook().id;
        let cache = Cache::default();
        let held = || -> Vec<u32> {
            let numbers = 1..=600;
            numbers
                .filter(|&number| cache.get(id, number).is_some())
                .collect()
        };
        for number in 1..=600 {
            cache.keep(version(number), 10);
        }
        assert_eq!(held(), (101..=600).collect::<Vec<_>>());
        // A large one takes the place of many; the same again takes no more.
        for _ in 0..3 {
            cache.keep(version(600), MOST_BYTES - 1000);
        }
        assert_eq!(held(), (500..=600).collect::<Vec<_>>());
        cache.keep(version(1), MOST_BYTES);
        assert_eq!(held(), [1]);
        cache.keep(version(2), MOST_BYTES + 1);
        assert!(held().is_empty());
        cache.keep(version(3), 1);
        assert_eq!(held(), [3]);
    }
}
