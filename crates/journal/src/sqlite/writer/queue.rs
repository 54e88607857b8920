//! What waits for the writer.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use super::work::Work;
use crate::AcceptError;
use crate::sqlite::Config;

/// A bounded queue from many tasks to one thread.
#[derive(Debug)]
pub(in crate::sqlite) struct Queue {
    state: Mutex<State>,
    wake: Condvar,
    max_bytes: usize,
    max_batches: usize,
}

#[derive(Debug, Default)]
struct State {
    work: VecDeque<Work>,
    batches: usize,
    bytes: usize,
    closed: bool,
}

/// The journal is shutting down.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::sqlite) struct Closed;

impl Queue {
    pub(in crate::sqlite) fn new(config: &Config) -> Self {
        Self {
            state: Mutex::default(),
            wake: Condvar::new(),
            max_bytes: config.queue_max_bytes,
            max_batches: config.queue_max_batches,
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Nothing in here panics half way through a change.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds a batch, unless there are too many already. A batch larger than the bound is taken
    /// when nothing else waits.
    pub(in crate::sqlite) fn push_batch(&self, batch: Work) -> Result<(), AcceptError> {
        let mut state = self.state();
        let bytes = batch.bytes();
        let crowded = state.batches > 0 && state.bytes + bytes > self.max_bytes;
        if state.closed {
            return Err(AcceptError::Closed);
        }
        if crowded || state.batches >= self.max_batches {
            return Err(AcceptError::Busy);
        }
        state.batches += 1;
        state.bytes += bytes;
        state.work.push_back(batch);
        self.wake.notify_one();
        Ok(())
    }

    /// Adds a request. Their number is bounded by those who make them.
    pub(in crate::sqlite) fn push(&self, work: Work) -> Result<(), Closed> {
        let mut state = self.state();
        if state.closed {
            return Err(Closed);
        }
        state.work.push_back(work);
        self.wake.notify_one();
        Ok(())
    }

    /// Waits for work and takes as much as one commit may have; `None` once the queue is closed
    /// and empty.
    pub(super) fn take(&self, max_bytes: usize, max_requests: usize) -> Option<Vec<Work>> {
        let mut state = self.state();
        while state.work.is_empty() {
            if state.closed {
                return None;
            }
            state = self
                .wake
                .wait(state)
                .unwrap_or_else(PoisonError::into_inner);
        }
        let (mut taken, mut bytes) = (Vec::new(), 0);
        while let Some(next) = state.work.front() {
            let is_batch = next.is_batch();
            bytes += next.bytes();
            if !taken.is_empty() && (bytes > max_bytes || taken.len() >= max_requests) {
                break;
            }
            let Some(work) = state.work.pop_front() else {
                break;
            };
            if is_batch {
                state.batches -= 1;
                state.bytes -= work.bytes();
            }
            taken.push(work);
        }
        Some(taken)
    }

    pub(in crate::sqlite) fn len(&self) -> usize {
        self.state().work.len()
    }

    /// Refuses further work and drops what waits: those who wait for it are told so. For when
    /// there is nobody to do it any more.
    pub(super) fn abandon(&self) {
        self.close();
        let waiting = std::mem::take(&mut self.state().work);
        drop(waiting);
    }

    /// Refuses further work.
    pub(in crate::sqlite) fn close(&self) {
        self.state().closed = true;
        self.wake.notify_all();
    }
}
