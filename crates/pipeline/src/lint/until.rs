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
    /// When what is done now ends, if that is before the deadline: the rest of the time is for what comes then.
    early: Option<Timestamp>,
    is_over: bool,
}

impl Watch {
    pub(super) fn new(clock: &Arc<dyn Clock>, until: Until) -> Self {
        Self {
            clock: Arc::clone(clock),
            until,
            early: None,
            is_over: false,
        }
    }

    /// Whether it is time to end: once it is altogether, it stays so.
    pub(super) fn is_over(&mut self) -> bool {
        let Until {
            deadline,
            abandoned,
        } = &self.until;
        let is_abandoned = |flag: &Arc<AtomicBool>| flag.load(Ordering::Relaxed);
        self.is_over = self.is_over || abandoned.as_ref().is_some_and(is_abandoned);
        let Some(deadline) = deadline.filter(|_| !self.is_over) else {
            return self.is_over;
        };
        let now = self.clock.now();
        self.is_over = deadline <= now;
        self.is_over || self.early.is_some_and(|early| early <= now)
    }

    /// Leaves the last of so many parts of the time that is left for later: when all was to end before.
    pub(super) fn end_early(&mut self, parts: u32) -> Option<Timestamp> {
        let before = self.early;
        if let Some(end) = before.or(self.until.deadline) {
            let left = end.since(self.clock.now());
            self.early = Some(end - left / parts.max(1));
        }
        before
    }

    /// Ends at another time, which is not after the deadline; `None`: at that.
    pub(super) fn end_at(&mut self, early: Option<Timestamp>) {
        self.early = early;
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
