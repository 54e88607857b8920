//! What projects received lately, in the tables: see [`received`](crate::received) for what it is.
//!
//! A thread ([`follow`]) reads the log behind the commits, gathers in memory what is new, and has the
//! writer add it to the tables every few seconds, together with how far that is: in one transaction, so
//! that each event counts once, whatever happens. Who asks gets both, and the newest events besides
//! ([`read`]). Nobody who sends events waits for it.

mod change;
mod follow;
mod read;
mod rows;
mod write;

use std::collections::HashMap;
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use model::{Offset, ProjectId};

use super::config::Config;
use super::shared::Shared;
use super::writer::queue::Queue;
use crate::received::Tally;

pub(super) use follow::Follower;
pub(super) use read::read;
pub(super) use rows::{Base, CREATE_RECEIVED};
pub(super) use write::{forget, forget_gone, retire};

/// What was gathered and is not in the tables yet, of all projects.
#[derive(Debug)]
pub(super) struct Recent {
    /// Makes hashes unpredictable.
    seed: u64,
    projects: Mutex<HashMap<ProjectId, Gathered>>,
}

/// What was gathered of a project.
#[derive(Debug, Clone)]
pub(super) struct Gathered {
    /// What the tables had then.
    pub(super) base: Base,
    /// The position behind what was gathered.
    pub(super) next: Offset,
    pub(super) tally: Tally,
    began: Instant,
}

impl Recent {
    pub(super) fn new(seed: u64) -> Arc<Self> {
        Arc::new(Self {
            seed,
            projects: Mutex::default(),
        })
    }

    /// The thread's part, and what ends it when it is dropped.
    pub(super) fn follower(
        self: &Arc<Self>,
        config: &Arc<Config>,
        shared: &Arc<Shared>,
        queue: &Arc<Queue>,
    ) -> (Follower, Sender<()>) {
        let (stop, stopped) = channel();
        let follower = Follower::new(
            Arc::clone(self),
            Arc::clone(config),
            Arc::clone(shared),
            Arc::clone(queue),
            stopped,
        );
        (follower, stop)
    }

    pub(super) fn of(&self, project: ProjectId) -> Option<Gathered> {
        self.projects().get(&project).cloned()
    }

    pub(super) fn tally(&self) -> Tally {
        Tally::new(self.seed)
    }

    fn projects(&self) -> MutexGuard<'_, HashMap<ProjectId, Gathered>> {
        // What a panic left half done is discarded with the thread that panicked, or counted anew.
        self.projects.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
