//! Which past events are meant, besides what a sync selects.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use model::json::Object;
use model::{Event, Timestamp, filter};

use crate::filter::{Judgement, Selection};
use crate::problem::{Problem, Problems};

/// Narrows what a plan sends: to events that were received within some time, and to some of those.
/// Cheap to clone.
#[derive(Clone)]
pub struct Scope {
    received: Range<Timestamp>,
    selection: Option<Arc<Selection>>,
}

impl Scope {
    /// Events that were received within this time, and that `select` selects, which has the form of a
    /// sync's own selection. Pointers of problems begin with `at`.
    ///
    /// # Errors
    ///
    /// All that is wrong with the selection.
    pub fn compile(
        received: Range<Timestamp>,
        select: Option<&filter::Selection>,
        at: &str,
    ) -> Result<Self, Vec<Problem>> {
        let mut problems = Problems::default();
        let selection = select.map(|select| Selection::compile(select, at, &mut problems));
        match problems.is_empty() {
            true => Ok(Self {
                received,
                selection: selection.map(Arc::new),
            }),
            false => Err(problems.into_list()),
        }
    }

    /// Whether an event is meant. One that can't be read is, so that rendering it says what is wrong.
    pub(crate) fn admits(&self, event: &Event, root: Option<&Object<'_>>) -> bool {
        if !self.received.contains(&event.received_at) {
            return false;
        }
        match (&self.selection, root) {
            (Some(selection), Some(root)) => {
                matches!(selection.judge(root), Judgement::Selected)
            }
            _ => true,
        }
    }
}

impl fmt::Debug for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Scope")
            .field("received", &self.received)
            .finish_non_exhaustive()
    }
}
