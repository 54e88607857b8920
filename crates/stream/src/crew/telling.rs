//! What is told of an attempt: its event's type, where its time went, and now and then a sample.

use std::sync::Arc;
use std::time::Duration;

use delivery::Timing;
use journal::fate::{MOST_TYPE_BYTES, Split, beginning};
use model::Event;

use super::{Shared, Told, Work};
use crate::sample::Subject;

impl Shared {
    /// What is told of an attempt that came to nothing, for this reason; with a sample when it is its
    /// turn.
    pub(super) fn tell(
        &self,
        work: &Work,
        split: Split,
        kind: &'static str,
        sample: impl FnOnce(&Subject) -> Arc<str>,
    ) -> Box<Told> {
        let turn = self.turns.take(kind, work.attempt, self.clock.now());
        let subject = self.subjects().now.clone().filter(|_| turn);
        Box::new(Told {
            event_type: event_type(&work.event),
            split,
            sample: subject.map(|subject| sample(&subject)),
        })
    }
}

/// What is told of a delivery that was made: of the first attempt nothing.
pub(super) fn delivered(
    work: &Work,
    split: Split,
    timing: Timing,
    elapsed: Duration,
) -> Option<Box<Told>> {
    work.booked.then(|| {
        Box::new(Told {
            event_type: event_type(&work.event),
            split: timed(split, Some(timing), elapsed),
            sample: None,
        })
    })
}

/// Where the time of an attempt went that took so long; `timing`: of its last try, where that was answered.
pub(super) fn timed(split: Split, timing: Option<Timing>, elapsed: Duration) -> Split {
    let connection = timing.and_then(|timing| timing.connection);
    Split {
        connect_ms: connection
            .map(|took| millis(took.lookup + took.connect + took.tls.unwrap_or_default())),
        wait_ms: timing.map(|timing| millis(timing.wait)),
        took_ms: millis(elapsed),
        ..split
    }
}

pub(super) fn millis(duration: Duration) -> u32 {
    u32::try_from(duration.as_millis()).unwrap_or(u32::MAX)
}

/// The event's type, as much of it as is kept.
fn event_type(event: &Event) -> String {
    let root = event.root().ok();
    let event_type = root.and_then(|root| root.get("event_type"));
    let event_type = event_type.and_then(|event_type| event_type.as_str());
    beginning(event_type.unwrap_or_default(), MOST_TYPE_BYTES).to_owned()
}
