//! Events that were erased while the crew had them: before a request leaves, each is made sure of.

use delivery::Verdict;
use journal::StorageError;
use model::OutboundRequest;

use super::attempt::Performed;
use super::{Shared, Work, WorkResult};

/// A delivery that ends since its event was erased; or for now, since nobody knows.
pub(super) fn unsent(looked: Result<Option<u64>, StorageError>) -> Performed {
    match looked {
        Ok(_) => Performed {
            result: WorkResult::Erased,
            requests: 0,
            told: None,
        },
        Err(error) => {
            let message = format!("whether the event was erased can't be read: {error}");
            Performed::internal(message, 0)
        }
    }
}

impl Shared {
    /// Sends a request of a delivery, with its tries, unless its event was erased since it was there.
    pub(super) async fn send(
        &self,
        work: &Work,
        request: &OutboundRequest,
        erased: u64,
    ) -> Result<Verdict, Performed> {
        let shared_pace = self.deliver.shared_pace();
        let mut taken = None;
        while let (Some(pace), None) = (shared_pace, taken) {
            // What a lane sends by itself comes before what shares its places.
            match pace.take_left(self.clock.now()) {
                Ok(place) => taken = Some(place),
                Err(at) => self.clock.sleep_until(at).await,
            }
        }
        let times = match self.erased.look(&work.event, erased).await {
            Ok(Some(times)) => times,
            other => {
                if let (Some(pace), Some(place)) = (shared_pace, taken) {
                    pace.give_back(place);
                }
                return Err(unsent(other));
            }
        };
        let may_go_on = || !self.erased.since(times);
        let (attempt, pace) = (work.attempt, &*self.pace);
        let sent = self.deliver.attempt(request, attempt, pace, &may_go_on);
        Ok(sent.await)
    }
}
