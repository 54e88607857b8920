//! Versions of definitions in memory: they never change, and every lane asks for one.

use std::sync::{Arc, Mutex, PoisonError};

use hashlink::LruCache;
use model::DefinitionId;
use model::definition::Definition;

/// Most versions that are kept; they can be large, and are quickly read again.
const MOST: usize = 500;

/// The versions used lately.
#[derive(Debug)]
pub(crate) struct Cache(Mutex<LruCache<(DefinitionId, u32), Arc<Definition>>>);

impl Default for Cache {
    fn default() -> Self {
        Self(Mutex::new(LruCache::new(MOST)))
    }
}

impl Cache {
    pub(super) fn get(&self, id: DefinitionId, version: u32) -> Option<Arc<Definition>> {
        let mut versions = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        versions.get(&(id, version)).cloned()
    }

    pub(super) fn keep(&self, definition: Arc<Definition>) {
        let mut versions = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        versions.insert((definition.id, definition.version), definition);
    }
}
