//! What became of deliveries, gathered until it is made durable.

use std::sync::Arc;

use delivery::retry::Schedule;
use journal::fate::{
    Attempt, Delivered, MOST_MESSAGE_BYTES, Record, Sample, Split, What, beginning,
};
use journal::figures::{Balance, Details};
use journal::turn::Turn;
use journal::{Counts, Ended, EndedWhy, LanePosition, Retry, RetryKey, Settlement, StorageError};
use model::outcome::Discarded;
use model::{Offset, Part, Random, SyncId, Timestamp};

use crate::crew::{Done, Told, WorkResult};
use crate::lane::{STORAGE_BACKOFF, Tools};
use crate::window::Passed;

/// Results that wait for the next settlement.
#[derive(Default)]
pub(crate) struct Results {
    book: Vec<Retry>,
    finish: Vec<(Offset, Part)>,
    /// Of those, the ones that were not sent.
    unsent: Vec<(Offset, Part)>,
    /// Over since their events were erased, or are no longer kept.
    erased: Vec<(Offset, Part)>,
    gone: Vec<(Offset, Part)>,
    ended: Vec<Ended>,
    counts: Counts,
    details: Details,
    balance: Balance,
    record: Record,
    turns: Vec<Turn>,
    turns_over: Vec<Turn>,
    /// Retries in whose place others are booked.
    rebooked: Vec<RetryKey>,
    /// How many deliveries the settlement will take out of a crash's reach.
    deliveries: usize,
    /// Whether any of these waited for their turn and are left out.
    leaves_out: bool,
}

/// How a delivery is made.
#[derive(Debug, Clone, Copy)]
pub(crate) struct How {
    /// How many deliveries its event has that come here together.
    pub(crate) parts: u8,
    /// Whether others of its user wait for its last attempt.
    pub(crate) ordered: bool,
    /// Whether its event is a past one: how long ago that was received is no latency.
    pub(crate) past: bool,
}

/// An attempt, and what there is to tell of it.
struct Telling {
    attempt: Attempt,
    told: Option<Box<Told>>,
}

/// A settlement that is being made durable.
pub(crate) struct Batch {
    pub(crate) settlement: Settlement,
    /// How many deliveries it takes out of a crash's reach.
    pub(crate) deliveries: usize,
    /// How many retries are pending once it is durable.
    pub(crate) pending: u64,
    /// Retries in whose place others are booked.
    pub(crate) rebooked: Vec<RetryKey>,
}

impl Results {
    pub(crate) fn is_empty(&self) -> bool {
        self.deliveries == 0
            && self.counts.is_empty()
            && self.details.is_empty()
            && self.balance.is_empty()
            && self.erased.is_empty()
            && self.gone.is_empty()
            && self.turns.is_empty()
            && self.turns_over.is_empty()
            && self.book.is_empty()
            && self.finish.is_empty()
            && self.ended.is_empty()
    }

    /// How many deliveries the settlement will take out of a crash's reach.
    pub(crate) fn deliveries(&self) -> usize {
        self.deliveries
    }

    /// The cursor has passed events.
    pub(crate) fn add_passed(&mut self, passed: Passed) {
        self.details.received += passed.events;
        self.counts.filtered += passed.filtered;
        self.balance.superseded += passed.superseded;
        self.balance.second += passed.second;
        self.balance.erased += passed.erased;
    }

    /// The retry of an event that is no longer kept is over.
    pub(crate) fn add_lost_retry(&mut self, offset: Offset, part: Part, user: Option<u64>) {
        let turn = user.map(|user| Turn { user, offset, part });
        self.turns_over.extend(turn);
        self.finish.push((offset, part));
        self.unsent.push((offset, part));
        self.gone.push((offset, part));
        self.deliveries += 1;
    }

    /// A delivery of the user, which the journal has in the order, waits for a property until the retry
    /// is due; or what it waited for has come, and the retry is due at once.
    /// `former`: when the retry was due that it takes the place of.
    pub(crate) fn book(&mut self, turn: Turn, retry: Retry, former: Option<Timestamp>) {
        self.turns.push(turn);
        self.rebooked
            .extend(former.map(|due_at| (due_at, retry.offset, retry.part)));
        self.book.push(retry);
        self.deliveries += 1;
    }

    /// A delivery that waited for a property, and no longer does, waits for its turn.
    pub(crate) fn unbook(&mut self, turn: Turn) {
        self.turns.push(turn);
        self.finish.push((turn.offset, turn.part));
        self.deliveries += 1;
    }

    /// A delivery has lost its place in the order: it is given up.
    pub(crate) fn add_given_up(&mut self, turn: Turn) {
        self.turns_over.push(turn);
        self.deliveries += 1;
    }

    /// A delivery that waited for its turn is left out for the sake of a newer one.
    pub(crate) fn leave_out(&mut self, turn: Turn) {
        self.turns_over.push(turn);
        self.balance.superseded += 1;
        self.deliveries += 1;
        self.leaves_out = true;
    }

    /// Whether it is yet to be given to the journal that some is left out.
    pub(crate) fn leaves_out(&self) -> bool {
        self.leaves_out
    }

    /// The event of a delivery that waited for its turn is no longer kept.
    pub(crate) fn add_lost_turn(&mut self, turn: Turn) {
        self.gone.push((turn.offset, turn.part));
        self.turns_over.push(turn);
        self.deliveries += 1;
    }

    /// The event of a delivery that has not been begun is no longer kept.
    pub(crate) fn add_lost(&mut self) {
        self.balance.lost += 1;
        self.deliveries += 1;
    }

    /// Whether anything about the order of the user's deliveries has not been given to the journal yet.
    pub(crate) fn has_turn_of(&self, user: u64) -> bool {
        let mut turns = self.turns.iter().chain(&self.turns_over);
        turns.any(|turn| turn.user == user)
    }

    /// An event has been settled that had so many deliveries.
    pub(crate) fn add_event(&mut self, parts: u8) {
        self.balance.second += u64::from(parts.saturating_sub(1));
    }

    /// One delivery's attempt is over.
    pub(crate) fn add(&mut self, one: Done, how: How, schedule: &Schedule, random: &dyn Random) {
        let Done {
            offset,
            part,
            attempt,
            booked: is_retry,
            ahead,
            user,
            stored,
            received_at,
            at,
            requests,
            result,
            told,
            given,
            ..
        } = one;
        let How {
            parts,
            ordered,
            past,
        } = how;
        self.deliveries += 1;
        self.details.requests += u64::from(requests);
        let mut over = true;
        let keeps_place = ordered || attempt == 0;
        let tell = |what, status, message: &str| Telling {
            attempt: Attempt {
                offset,
                part,
                at,
                number: attempt,
                what,
                status,
                event_type: String::new(),
                message: beginning(message, MOST_MESSAGE_BYTES).to_owned(),
                tries: requests,
                split: Split::default(),
            },
            told,
        };
        match result {
            WorkResult::Delivered { status, took_ms } => {
                match is_retry {
                    true => {
                        self.counts.delivered_retry += 1;
                        self.keep(tell(What::Delivered, Some(status), ""));
                    }
                    false => {
                        self.counts.delivered_first += 1;
                        self.record.delivered.push(Delivered {
                            offset,
                            part,
                            at,
                            status,
                            took_ms,
                        });
                    }
                }
                if !past {
                    let latency = at.since(received_at).as_secs_f64();
                    self.details.latency.record(latency);
                }
            }
            WorkResult::NotSent => {
                self.counts.filtered += 1;
                self.unsent.push((offset, part));
            }
            // Whether the erasure has counted it the journal knows.
            WorkResult::Erased => self.erased.push((offset, part)),
            WorkResult::Waits => over = false,
            WorkResult::Awaits { until, failure } => {
                over = false;
                self.book.push(Retry {
                    offset,
                    part,
                    attempts: 0,
                    due_at: until,
                    failure,
                    given: None,
                });
            }
            WorkResult::Discarded(why) => {
                self.counts.discarded += 1;
                *self.details.discarded.entry(why.name()).or_default() += 1;
                if let Discarded::Refused { failure } = &why {
                    self.counts.failed_attempts += 1;
                    let kind = (failure.category, failure.status);
                    *self.details.failures.entry(kind).or_default() += 1;
                }
                self.keep(tell(What::Discarded(why.name()), None, &why.to_string()));
                // What no request was made of was no attempt.
                let attempts = attempt - u8::from(requests == 0);
                let why = EndedWhy::Discarded(why);
                self.ended.push(Ended {
                    offset,
                    part,
                    at,
                    attempts,
                    why,
                });
            }
            WorkResult::Failed {
                failure,
                retry_after,
            } => {
                self.counts.failed_attempts += 1;
                let kind = (failure.category, failure.status);
                *self.details.failures.entry(kind).or_default() += 1;
                let next = match ahead {
                    // As if it had not been begun.
                    Some(due_at) => Some(due_at).max(retry_after),
                    None => schedule.next(attempt, at, retry_after, random),
                };
                let what = match next {
                    Some(_) => What::Failed(failure.category),
                    None => What::Expired(failure.category),
                };
                // A status says it all, and most failures have one.
                let message = match failure.status {
                    Some(_) => "",
                    None => &failure.message,
                };
                self.keep(tell(what, failure.status, message));
                match next {
                    Some(due_at) => {
                        over = false;
                        let retry = Retry {
                            offset,
                            part,
                            attempts: attempt - u8::from(ahead.is_some()),
                            due_at,
                            failure,
                            given,
                        };
                        self.book.push(retry);
                    }
                    None => {
                        self.counts.expired += 1;
                        let why = EndedWhy::Expired(failure);
                        self.ended.push(Ended {
                            offset,
                            part,
                            at,
                            attempts: attempt,
                            why,
                        });
                    }
                }
            }
        }
        if let Some(user) = user {
            let turn = Turn { user, offset, part };
            match over || !keeps_place {
                true if stored => self.turns_over.push(turn),
                true => {}
                false => self.turns.push(turn),
            }
        }
        // Of two deliveries former versions booked the one while the other was under way. After a crash
        // both are made anew, and that booking is over as well.
        if over && (is_retry || parts > 1) {
            self.finish.push((offset, part));
        }
    }

    /// Keeps an attempt, and its sample if it has one.
    fn keep(&mut self, telling: Telling) {
        let Telling { mut attempt, told } = telling;
        let told = told.map(|told| *told).unwrap_or_default();
        (attempt.event_type, attempt.split) = (told.event_type, told.split);
        if let Some(body) = told.sample {
            self.record.samples.push(Sample {
                offset: attempt.offset,
                part: attempt.part,
                at: attempt.at,
                number: attempt.number,
                what: attempt.what,
                body,
            });
        }
        self.record.attempts.push(attempt);
    }

    /// Everything gathered, with the position that it leads to.
    /// `read`: the lane has read the events before it.
    pub(crate) fn into_batch(self, position: LanePosition, read: Offset, at: Timestamp) -> Batch {
        let Self {
            book,
            finish,
            unsent,
            erased,
            gone,
            ended,
            counts,
            details,
            balance,
            record,
            turns,
            turns_over,
            rebooked,
            deliveries,
            leaves_out: _,
        } = self;
        let LanePosition { cursor, ahead, .. } = position;
        let settlement = Settlement {
            cursor,
            ahead,
            read,
            book,
            finish,
            unsent,
            erased,
            gone,
            ended,
            at,
            counts,
            details,
            balance,
            record,
            turns,
            turns_over,
        };
        Batch {
            settlement,
            deliveries,
            pending: 0,
            rebooked,
        }
    }
}

/// Makes a settlement durable, however long the journal refuses; gives up only when it is closed.
pub(crate) async fn settle(
    tools: Arc<Tools>,
    sync: SyncId,
    batch: Batch,
) -> Result<Batch, StorageError> {
    loop {
        match tools.journal.settle(sync, batch.settlement.clone()).await {
            Ok(pending) => return Ok(Batch { pending, ..batch }),
            Err(error @ (StorageError::Closed | StorageError::UnknownLane(_))) => {
                return Err(error);
            }
            Err(error) => {
                tracing::error!(%sync, %error, "deliveries can't be settled; trying again");
                tools.clock.sleep(STORAGE_BACKOFF).await;
            }
        }
    }
}
