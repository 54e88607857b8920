//! Retries that are begun ahead of their time, in a lane that keeps the order.
//!
//! Where the deliveries of all users wait for one another, there may be nothing else to probe with while the
//! destination takes nothing. And when it is back, a user's deliveries would still wait for the time at which
//! the first of them is due, however long that is. So this one is tried at once. If it fails, it was not
//! tried: it is due as before, with as many attempts left.

use journal::turn::Booked;
use journal::{RetryKey, StorageError};

use super::Lane;
use crate::agenda::DueRetry;

/// How many retries are looked at for a probe: those that turn out to be gone are none.
const LOOKS: usize = 16;

/// How far the lane is with them, in the order in which they are due.
#[derive(Debug, Default)]
pub(super) struct Ahead {
    /// Behind which one the next probe is.
    probe: Option<RetryKey>,
    /// Since the destination is back: behind which one it goes on, and up to which one.
    hastened: Option<(Option<RetryKey>, RetryKey)>,
}

impl Lane {
    /// The destination is back: what others of their user wait for is tried, each once.
    pub(super) fn hasten(&mut self) {
        self.ahead.hastened = self.turns.last_tried().map(|last| (None, last));
    }

    /// It is away again.
    pub(super) fn no_longer_hasten(&mut self) {
        self.ahead.hastened = None;
    }

    /// Begins what is hastened, as far as retries have places.
    pub(super) async fn dispatch_hastened(&mut self) -> Result<(), StorageError> {
        while let Some((after, last)) = self.ahead.hastened
            && self.may_retry()
        {
            let next = self.turns.next_tried(after);
            let Some((key, user)) = next.filter(|(key, _)| *key <= last) else {
                self.ahead.hastened = None;
                break;
            };
            self.begin_ahead(key, user).await?;
            self.ahead.hastened = Some((Some(key), last));
        }
        Ok(())
    }

    /// Makes a probe of a retry, of one after the other; says whether there is any.
    pub(super) async fn probe_ahead(&mut self) -> Result<bool, StorageError> {
        for _ in 0..LOOKS {
            let next = self.turns.next_tried(self.ahead.probe);
            let Some((key, user)) = next.or_else(|| self.turns.next_tried(None)) else {
                break;
            };
            self.ahead.probe = Some(key);
            if self.begin_ahead(key, user).await? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Begins a user's first retry ahead of its time; `false` where there is nothing to send.
    async fn begin_ahead(&mut self, key: RetryKey, user: u64) -> Result<bool, StorageError> {
        let first = self.tools.journal.turn(self.sync, user).await?;
        let Some((turn, Some(Booked { due_at, attempts }))) = first else {
            return Ok(false);
        };
        if (due_at, turn.offset, turn.part) != key || attempts == 0 {
            return Ok(false);
        }
        self.agenda.take_ahead(&key);
        self.begin_retry(DueRetry { key, attempts }, Some(due_at))
            .await
    }
}
