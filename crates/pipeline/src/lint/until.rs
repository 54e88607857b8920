//! When the linter ends before it has tried everything.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use model::{Clock, Timestamp};

/// What ends the linter early: what it has found by then is its answer, with what was not looked at.
#[derive(Debug, Clone, Default)]
pub struct Until {
    /// When it ends, by the clock that it is called with; `None`: as late as its own bounds say.
    pub deadline: Option<Timestamp>,
    /// Set when nobody waits for its answer any more.
    pub abandoned: Option<Arc<AtomicBool>>,
}

/// Watches over what ends the linter early.
pub(super) struct Watch {
    clock: Arc<dyn Clock>,
    until: Until,
    is_over: bool,
}

impl Watch {
    pub(super) fn new(clock: &Arc<dyn Clock>, until: Until) -> Self {
        Self {
            clock: Arc::clone(clock),
            until,
            is_over: false,
        }
    }

    /// Whether it is time to end; once it is, it stays so.
    pub(super) fn is_over(&mut self) -> bool {
        let Until {
            deadline,
            abandoned,
        } = &self.until;
        let is_abandoned = |flag: &Arc<AtomicBool>| flag.load(Ordering::Relaxed);
        self.is_over = self.is_over
            || abandoned.as_ref().is_some_and(is_abandoned)
            || deadline.is_some_and(|deadline| deadline <= self.clock.now());
        self.is_over
    }

    /// For the next of `count` templates, which together have what is left of the time.
    pub(super) fn share(&self, count: u32) -> Self {
        let now = self.clock.now();
        let share = |deadline: Timestamp| now + deadline.since(now) / count.max(1);
        let until = Until {
            deadline: self.until.deadline.map(share),
            abandoned: self.until.abandoned.clone(),
        };
        Self::new(&self.clock, until)
    }
}

impl std::fmt::Debug for Watch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Watch")
            .field("until", &self.until)
            .field("is_over", &self.is_over)
            .finish_non_exhaustive()
    }
}
