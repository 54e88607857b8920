//! The chunks that were written or read lately, for all lanes together.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use model::{Event, Offset, ProjectId};

use super::chunk::Chunk;

/// A parsed event takes about this many times the memory of its text, on top of it.
const TREE_FACTOR: usize = 3;

/// Least recently used first out, bounded by memory.
#[derive(Debug)]
pub(super) struct ChunkCache {
    max_bytes: usize,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    chunks: HashMap<ProjectId, BTreeMap<Offset, Entry>>,
    /// When each was last used → which it is.
    recency: BTreeMap<u64, (ProjectId, Offset)>,
    uses: u64,
    bytes: usize,
}

#[derive(Debug)]
struct Entry {
    chunk: Arc<Chunk>,
    last_use: u64,
    cost: usize,
    read: bool,
}

impl ChunkCache {
    pub(super) fn new(max_bytes: usize) -> Self {
        Self {
            max_bytes,
            state: Mutex::default(),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // A cache has no state that a panic could leave half changed and wrong, only smaller.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn insert(&self, chunk: Arc<Chunk>) {
        let mut state = self.state();
        let key = (chunk.project, chunk.first);
        state.remove(key);
        state.uses += 1;
        let (last_use, cost) = (state.uses, chunk.body.len());
        state.bytes += cost;
        state.recency.insert(last_use, key);
        let entry = Entry {
            chunk,
            last_use,
            cost,
            read: false,
        };
        state.chunks.entry(key.0).or_default().insert(key.1, entry);
        state.shrink_to(self.max_bytes);
    }

    pub(super) fn remove(&self, project: ProjectId, first: Offset) {
        self.state().remove((project, first));
    }

    /// Up to `max` consecutive events from `from` on, as far as they are here; `None` when the
    /// first one isn't.
    pub(super) fn read(
        &self,
        project: ProjectId,
        from: Offset,
        max: usize,
    ) -> Option<Vec<Arc<Event>>> {
        let mut events = Vec::new();
        let mut next = from;
        while events.len() < max {
            let Some(chunk) = self.find(project, next) else {
                break;
            };
            let found = chunk.events_from(next);
            events.extend(found.iter().take(max - events.len()).cloned());
            next = chunk.end();
        }
        (!events.is_empty()).then_some(events)
    }

    fn find(&self, project: ProjectId, offset: Offset) -> Option<Arc<Chunk>> {
        let mut guard = self.state();
        let state = &mut *guard;
        let chunks = state.chunks.get_mut(&project)?;
        let (_, entry) = chunks.range_mut(..=offset).next_back()?;
        if !entry.chunk.contains(offset) {
            return None;
        }
        state.uses += 1;
        let key = state.recency.remove(&entry.last_use)?;
        state.recency.insert(state.uses, key);
        entry.last_use = state.uses;
        let chunk = Arc::clone(&entry.chunk);
        if !entry.read {
            entry.read = true;
            let growth = entry.cost * TREE_FACTOR;
            entry.cost += growth;
            state.bytes += growth;
            state.shrink_to(self.max_bytes);
        }
        Some(chunk)
    }
}

impl State {
    fn remove(&mut self, (project, first): (ProjectId, Offset)) {
        let Some(chunks) = self.chunks.get_mut(&project) else {
            return;
        };
        if let Some(entry) = chunks.remove(&first) {
            self.bytes -= entry.cost;
            self.recency.remove(&entry.last_use);
        }
        if chunks.is_empty() {
            self.chunks.remove(&project);
        }
    }

    fn shrink_to(&mut self, max_bytes: usize) {
        while self.bytes > max_bytes {
            let Some((_, key)) = self.recency.pop_first() else {
                return;
            };
            self.remove(key);
        }
    }
}

#[cfg(test)]
mod tests {
    use model::{EventKind, Timestamp};

    use super::super::chunk::Builder;
    use super::*;

    const PROJECT: [u8; 16] = [9; 16];

    fn chunk(first: u64, count: u64) -> Arc<Chunk> {
        let mut builder = Builder::new(Offset(first), 0);
        for _ in 0..count {
            let write = |body: &mut Vec<u8>| {
                body.extend_from_slice(&[b' '; 87]);
                Ok::<_, ()>(())
            };
            builder
                .push(EventKind::Track, Timestamp(0), &[], write)
                .unwrap();
        }
        Arc::new(builder.finish(ProjectId::from_bytes(PROJECT)))
    }

    fn offsets(cache: &ChunkCache, from: u64, max: usize) -> Option<Vec<u64>> {
        let events = cache.read(ProjectId::from_bytes(PROJECT), Offset(from), max)?;
        Some(events.iter().map(|event| event.offset.0).collect())
    }

    #[test]
    fn a_read_crosses_chunks_and_stops_at_a_gap() {
        let cache = ChunkCache::new(1 << 20);
        for (first, count) in [(0, 3), (3, 2), (7, 1)] {
            cache.insert(chunk(first, count));
        }
        assert_eq!(offsets(&cache, 1, 10), Some(vec![1, 2, 3, 4]));
        assert_eq!(offsets(&cache, 1, 2), Some(vec![1, 2]));
        assert_eq!(offsets(&cache, 5, 10), None);
        assert_eq!(offsets(&cache, 7, 10), Some(vec![7]));
    }

    #[test]
    fn the_least_recently_used_chunk_goes_when_memory_is_short() {
        // A chunk costs 108 bytes, four times that once it has been read.
        let cache = ChunkCache::new(700);
        cache.insert(chunk(0, 1));
        cache.insert(chunk(1, 1));
        assert_eq!(offsets(&cache, 0, 1), Some(vec![0]));
        cache.insert(chunk(2, 1));
        cache.insert(chunk(3, 1));
        assert_eq!(offsets(&cache, 1, 1), None);
        assert_eq!(offsets(&cache, 0, 1), Some(vec![0]));
        cache.remove(ProjectId::from_bytes(PROJECT), Offset(0));
        assert_eq!(offsets(&cache, 0, 1), None);
    }
}
