//! The second request of a delivery, which the answer to the first asks for.

use std::time::Duration;

use journal::fate::Split;
use model::Answer;
use pipeline::Outcome;

use super::attempt::{Performed, internal};
use super::{Shared, Work, WorkResult};

/// How long the second request of a delivery waits for its place: several times what lies between two
/// places of the lowest limit.
const FOLLOW_UP_WITHIN: Duration = Duration::from_secs(300);

impl Shared {
    /// Makes and sends the request that an answer asks for; it is of the same attempt. What comes of it
    /// doesn't count the first one's requests.
    pub(super) async fn follow_up(
        &self,
        work: &Work,
        answer: &Answer,
        split: Split,
        erased: u64,
    ) -> Performed {
        let next = match work.plan.follow_up(&work.event, work.part, answer) {
            Outcome::Request(next) => next,
            other => return self.unmade(work, other, split, 0),
        };
        let now = self.clock.now();
        // It waits for a place of its own: half of a delivery has been made. When there is none in time,
        // the whole is made anew later.
        match self.pace.reserve(now, now + FOLLOW_UP_WITHIN) {
            Some(at) if at > now => self.clock.sleep_until(at).await,
            Some(_) => {}
            None => return self.without_place(work, split),
        }
        match self.send(work, &next, erased).await {
            Ok(verdict) => self.settled(work, &next, verdict, split),
            Err(performed) => performed,
        }
    }

    /// A delivery of which the first request was made, and there is no place for the second.
    fn without_place(&self, work: &Work, split: Split) -> Performed {
        let message = format!(
            "the answer asks for another request, for which the limit of requests a minute leaves no place within {} minutes",
            FOLLOW_UP_WITHIN.as_secs() / 60
        );
        let failure = internal(message, None);
        let told = self.tell(work, split, failure.category.name(), |subject| {
            subject.of_discarded(&work.event, &failure.message, split)
        });
        Performed {
            result: WorkResult::Failed {
                failure,
                retry_after: None,
            },
            requests: 0,
            told: Some(told),
        }
    }
}
