//! What the writer and the readers of the journal share.

use std::collections::HashMap;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

use model::{Offset, ProjectId};
use tokio::sync::watch;

use super::cache::ChunkCache;
use super::config::Config;
use crate::hold::Caps;
use crate::{Histogram, Keep, Status, TimesErased};

const SECONDS: &[f64] = &[
    0.0005, 0.001, 0.002, 0.004, 0.008, 0.016, 0.032, 0.064, 0.128, 0.256, 0.512, 1.0, 2.0, 4.0,
];
const EVENTS: &[f64] = &[
    1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0, 200.0, 500.0, 1000.0, 2000.0, 5000.0, 10_000.0,
];

#[derive(Debug)]
pub(super) struct Shared {
    pub(super) cache: ChunkCache,
    logs: RwLock<HashMap<ProjectId, Arc<ProjectLog>>>,
    status: Mutex<Status>,
    /// Projects that keep less than the configuration allows.
    keep: Mutex<Arc<HashMap<ProjectId, Keep>>>,
}

/// One project's log, as its readers see it.
#[derive(Debug)]
pub(super) struct ProjectLog {
    /// What stands for the project in the tables; 0 as long as it isn't there.
    number: AtomicI64,
    head: watch::Sender<Offset>,
    /// Held while chunks are read from the disk, so that each is read by one task only.
    pub(super) loading: tokio::sync::Mutex<()>,
    /// How often events of it were erased.
    pub(super) erased: TimesErased,
}

impl ProjectLog {
    pub(super) fn number(&self) -> i64 {
        self.number.load(Ordering::Relaxed)
    }

    pub(super) fn head(&self) -> Offset {
        *self.head.borrow()
    }

    pub(super) fn watch(&self) -> watch::Receiver<Offset> {
        self.head.subscribe()
    }
}

impl Shared {
    pub(super) fn new(config: &Config) -> Self {
        let status = Status {
            caps: Caps {
                max_age: config.paused_max_age,
                max_bytes: config.paused_max_bytes,
            },
            commit_seconds: Histogram::new(SECONDS),
            commit_events: Histogram::new(EVENTS),
            ..Status::default()
        };
        Self {
            cache: ChunkCache::new(config.event_cache_bytes),
            logs: RwLock::default(),
            status: Mutex::new(status),
            keep: Mutex::default(),
        }
    }

    pub(super) fn set_keep(&self, projects: HashMap<ProjectId, Keep>) {
        *self.keep.lock().unwrap_or_else(PoisonError::into_inner) = Arc::new(projects);
    }

    pub(super) fn keep(&self) -> Arc<HashMap<ProjectId, Keep>> {
        Arc::clone(&self.keep.lock().unwrap_or_else(PoisonError::into_inner))
    }

    pub(super) fn log(&self, project: ProjectId) -> Arc<ProjectLog> {
        let logs = self.logs.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(log) = logs.get(&project) {
            return Arc::clone(log);
        }
        drop(logs);
        let mut logs = self.logs.write().unwrap_or_else(PoisonError::into_inner);
        let log = logs.entry(project).or_insert_with(|| {
            Arc::new(ProjectLog {
                number: AtomicI64::new(0),
                head: watch::Sender::new(Offset(0)),
                loading: tokio::sync::Mutex::new(()),
                erased: TimesErased::default(),
            })
        });
        Arc::clone(log)
    }

    /// All logs that there are.
    pub(super) fn logs(&self) -> Vec<(ProjectId, Arc<ProjectLog>)> {
        let logs = self.logs.read().unwrap_or_else(PoisonError::into_inner);
        let logs = logs.iter();
        logs.map(|(project, log)| (*project, Arc::clone(log)))
            .collect()
    }

    /// Events before `head` are durable.
    pub(super) fn set_head(&self, project: ProjectId, number: i64, head: Offset) {
        let log = self.log(project);
        log.number.store(number, Ordering::Relaxed);
        log.head.send_if_modified(|known| {
            let moved = *known != head;
            *known = head;
            moved
        });
    }

    fn status_guard(&self) -> MutexGuard<'_, Status> {
        // Figures may be off by one after a panic; that is no reason for another.
        self.status.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn status(&self) -> Status {
        self.status_guard().clone()
    }

    pub(super) fn update_status(&self, update: impl FnOnce(&mut Status)) {
        update(&mut self.status_guard());
    }
}
