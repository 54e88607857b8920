//! The projects by API key that ingest asked for lately, in memory: bounded, and never long out of
//! date.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use hashlink::LruCache;
use model::{ApiKey, Timestamp};
use tokio::sync::{Semaphore, SemaphorePermit};

use crate::Project;

/// Projects that are remembered: some 20 MB. Beyond it the one asked for longest ago is forgotten.
pub(crate) const PROJECTS: usize = 65_536;

/// Keys that are remembered to be nobody's: apart, so that guessing doesn't drive projects out.
const STRANGERS: usize = 4096;

/// How long what was read counts without being read again.
const FRESH: Duration = Duration::from_secs(5);

/// Reads at a time.
const READERS: usize = 2;

/// The projects by API key.
pub(crate) struct ProjectIndex {
    cached: Mutex<Cached>,
    readers: Semaphore,
}

struct Cached {
    projects: LruCache<ApiKey, (Arc<Project>, Timestamp)>,
    strangers: LruCache<ApiKey, Timestamp>,
    /// Counts changes: what was read before one is not kept after it.
    changes: u64,
}

/// What is known of a key.
pub(crate) enum Known {
    /// What counts.
    Fresh(Option<Arc<Project>>),
    /// What counted until lately.
    Stale(Option<Arc<Project>>),
    /// It has to be read.
    Nothing,
}

/// A key that is being read.
pub(crate) struct Reading {
    key: ApiKey,
    at: Timestamp,
    changes: u64,
}

impl Default for ProjectIndex {
    fn default() -> Self {
        Self {
            cached: Mutex::new(Cached {
                projects: LruCache::new(PROJECTS),
                strangers: LruCache::new(STRANGERS),
                changes: 0,
            }),
            readers: Semaphore::new(READERS),
        }
    }
}

impl ProjectIndex {
    fn cached(&self) -> MutexGuard<'_, Cached> {
        self.cached.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What is known of a key at this moment.
    pub(crate) fn get(&self, key: ApiKey, now: Timestamp) -> Known {
        let mut cached = self.cached();
        if let Some((project, read_at)) = cached.projects.get(&key) {
            let project = Some(project.clone());
            return match now.since(*read_at) < FRESH {
                true => Known::Fresh(project),
                false => Known::Stale(project),
            };
        }
        match cached.strangers.get(&key) {
            Some(read_at) if now.since(*read_at) < FRESH => Known::Fresh(None),
            _ => Known::Nothing,
        }
    }

    /// Waits for the right to read. `None` never comes: the semaphore is not closed.
    pub(crate) async fn turn(&self) -> Option<SemaphorePermit<'_>> {
        self.readers.acquire().await.ok()
    }

    /// Begins to read a key; `Err` when somebody else did so while this one waited.
    pub(crate) fn begin_reading(
        &self,
        key: ApiKey,
        now: Timestamp,
    ) -> Result<Reading, Option<Arc<Project>>> {
        match self.get(key, now) {
            Known::Fresh(project) => Err(project),
            _ => Ok(Reading {
                key,
                at: now,
                changes: self.cached().changes,
            }),
        }
    }

    /// Keeps what was read, unless something changed since.
    pub(crate) fn put(&self, reading: Reading, project: Option<Arc<Project>>) {
        let mut cached = self.cached();
        if cached.changes != reading.changes {
            return;
        }
        match project {
            Some(project) => {
                cached.strangers.remove(&reading.key);
                cached.projects.insert(reading.key, (project, reading.at));
            }
            None => {
                cached.projects.remove(&reading.key);
                cached.strangers.insert(reading.key, reading.at);
            }
        }
    }

    /// Keeps a project that was just made, or read at the start.
    pub(crate) fn keep(&self, project: Arc<Project>, now: Timestamp) {
        let mut cached = self.cached();
        cached.strangers.remove(&project.api_key);
        cached.projects.insert(project.api_key, (project, now));
    }

    /// Lets what is known of a key count for a while longer: it can't be read at present.
    pub(crate) fn renew(&self, key: ApiKey, now: Timestamp) {
        if let Some((_, read_at)) = self.cached().projects.get_mut(&key) {
            *read_at = now;
        }
    }

    /// Forgets keys whose project was changed.
    pub(crate) fn forget(&self, keys: &[ApiKey]) {
        let mut cached = self.cached();
        cached.changes += 1;
        for key in keys {
            cached.projects.remove(key);
            cached.strangers.remove(key);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(number: u8) -> ApiKey {
        format!("{number:032x}").parse().unwrap()
    }

    #[test]
    fn what_was_read_before_a_change_is_not_kept_after_it() {
        let index = ProjectIndex::default();
        let start = Timestamp(0);
        let Ok(reading) = index.begin_reading(key(1), start) else {
            panic!("nothing is known yet");
        };
        index.forget(&[key(1)]);
        index.put(reading, None);
        assert!(matches!(index.get(key(1), start), Known::Nothing));
    }

    #[test]
    fn what_was_read_is_read_again_after_a_while() {
        let index = ProjectIndex::default();
        let start = Timestamp(0);
        let Ok(reading) = index.begin_reading(key(1), start) else {
            panic!("nothing is known yet");
        };
        index.put(reading, None);
        assert!(matches!(index.get(key(1), start), Known::Fresh(None)));
        let later = start + FRESH;
        assert!(matches!(index.get(key(1), later), Known::Nothing));
    }
}
