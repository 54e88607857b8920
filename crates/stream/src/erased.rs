//! Events that are erased while a lane has them in memory.
//!
//! What a lane has read waits in many places: its page, its crew's queue, behind others of its user, at
//! the gate while a destination is away. None of them is searched. Each delivery knows how often events of
//! the log had been erased when its event was read; where that has changed by the time a request is to be
//! sent, the event is looked up in the log. A lane in whose log nothing is erased compares two numbers.

use std::sync::Arc;

use journal::{Journal, StorageError, TimesErased};
use model::Event;

/// What is erased of a lane's log.
#[derive(Clone)]
pub(crate) struct Erased {
    journal: Arc<dyn Journal>,
    times: TimesErased,
}

impl Erased {
    pub(crate) fn new(journal: Arc<dyn Journal>, times: TimesErased) -> Self {
        Self { journal, times }
    }

    /// How often events have been erased. To be asked before events are read.
    pub(crate) fn times(&self) -> u64 {
        self.times.count()
    }

    /// Whether what was read at that time may have been erased since.
    pub(crate) fn since(&self, times: u64) -> bool {
        self.times() != times
    }

    /// Makes sure of an event that was read when events had been erased so many times: up to when it was
    /// there, or `None` when it is no longer.
    pub(crate) async fn look(
        &self,
        event: &Event,
        times: u64,
    ) -> Result<Option<u64>, StorageError> {
        if !self.since(times) {
            return Ok(Some(times));
        }
        let times = self.times();
        let found = self.journal.get(event.project, event.offset).await?;
        Ok(found.filter(|event| !event.is_erased()).map(|_| times))
    }
}
