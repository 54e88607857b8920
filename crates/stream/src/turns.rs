//! Deliveries of one user, one after the other.
//!
//! A user has at most one delivery under way. What comes behind it waits in memory as long as it is
//! under way, and in the journal as soon as it is booked as a retry, or more wait than memory is for:
//! then the cursor moves on, and other users don't notice. A delivery that waits has no attempts.
//!
//! What waits for a property of its user is in the journal from the start: booked until the time at
//! which it is given up, with its place in the order, and whatever comes behind it likewise.

mod awaiting;

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::ops::Bound;

use journal::RetryKey;
use journal::turn::TurnHead;
use model::{Offset, Part, Timestamp};

/// How many users may have deliveries that wait in the journal, and how many deliveries these may be:
/// beyond that the lane reads no further until some are over.
const MOST_USERS: usize = 100_000;
const MOST_STORED: u64 = 1_000_000;
/// How many deliveries of one user wait in memory: as many as a destination that answers at once takes
/// while the journal becomes durable a few times.
const MOST_BEHIND: usize = 64;

/// A delivery of the lane.
type Key = (Offset, Part);

/// Whose turn it is, of deliveries `W`.
pub(crate) struct Turns<W> {
    users: HashMap<u64, User<W>>,
    /// The users of those deliveries in the journal that are booked or under way. Of other retries
    /// (those of a replay, and those booked before the order was kept) nobody waits for the end.
    heads: HashMap<Key, u64>,
    /// Those of them that are booked and not under way, by when they are due.
    due: BTreeMap<RetryKey, u64>,
    /// Of these, those that have been tried: they don't wait for a property.
    tried: BTreeSet<RetryKey>,
    /// How many deliveries wait in memory.
    behind: usize,
    /// How many deliveries are in the journal: those that wait, and what they wait for.
    stored: u64,
    /// How many users these belong to.
    users_stored: usize,
    /// How many of them wait for a property of their user.
    awaiting: u64,
    /// How many users' first ones do.
    users_awaiting: usize,
    /// How many of all are pending as retries …
    booked: u64,
    /// … or will be once what is being settled is durable …
    booked_settling: u64,
    /// … and once what has not been given to the journal yet is.
    booked_gathered: u64,
    /// Users whose next delivery is in the journal, and the one before it no longer.
    ready: VecDeque<u64>,
    /// Those for whom that holds once what is being settled is durable …
    settling: Vec<u64>,
    /// … and once what has not been given to the journal yet is.
    gathered: Vec<u64>,
}

struct User<W> {
    /// Deliveries of the user in the journal.
    stored: u64,
    /// How many of these wait for a property.
    awaiting: u64,
    /// The first of these, while it is booked or under way.
    head: Option<Head>,
    /// What waits for the one under way, [`MOST_BEHIND`] at most; nothing while there are any in the journal.
    behind: VecDeque<W>,
}

/// A user's first delivery in the journal.
#[derive(Debug, Clone, Copy)]
struct Head {
    key: Key,
    /// Whether it is booked, or is going to be.
    booked: bool,
    /// When the retry is due that is durable.
    due_at: Option<Timestamp>,
    /// Whether it waits for a property.
    awaits: bool,
}

/// What becomes of a new delivery.
pub(crate) enum Admitted<W> {
    /// It is the user's turn.
    Go(W),
    /// It is kept here until then.
    Waits,
    /// It is to be kept in the journal until then, after these that were kept here.
    Store(VecDeque<W>, W),
}

/// What an attempt's end means for those behind it.
pub(crate) struct Freed<W> {
    /// The next one's turn.
    pub(crate) go: Option<W>,
    /// These are to be kept in the journal.
    pub(crate) store: VecDeque<W>,
}

/// How many deliveries may wait for properties.
#[derive(Debug, Clone, Copy)]
pub(crate) struct MostAwaiting {
    pub(crate) of_user: u64,
    pub(crate) of_lane: u64,
}

impl<W> Default for User<W> {
    fn default() -> Self {
        Self {
            stored: 0,
            awaiting: 0,
            head: None,
            behind: VecDeque::new(),
        }
    }
}

impl<W> Default for Turns<W> {
    fn default() -> Self {
        Self {
            users: HashMap::new(),
            heads: HashMap::new(),
            due: BTreeMap::new(),
            tried: BTreeSet::new(),
            behind: 0,
            stored: 0,
            users_stored: 0,
            awaiting: 0,
            users_awaiting: 0,
            booked: 0,
            booked_settling: 0,
            booked_gathered: 0,
            ready: VecDeque::new(),
            settling: Vec::new(),
            gathered: Vec::new(),
        }
    }
}

impl<W> Turns<W> {
    /// What the journal holds of a user.
    pub(crate) fn load(&mut self, head: &TurnHead) {
        let booked = head.booked.filter(|booked| booked.attempts > 0);
        let awaiting = head.booked_count - u64::from(booked.is_some());
        let user = self.users.entry(head.turn.user).or_default();
        user.stored = head.count;
        user.awaiting = awaiting;
        self.awaiting += awaiting;
        self.stored += head.count;
        self.users_stored += 1;
        self.booked += head.booked_count;
        let (offset, part) = (head.turn.offset, head.turn.part);
        match booked {
            Some(booked) => {
                self.begun(head.turn.user, (offset, part), true);
                self.booked((booked.due_at, offset, part));
            }
            // One that waits for a property may have had it brought before all stopped.
            None => self.ready.push_back(head.turn.user),
        }
    }

    /// This is the user's first delivery in the journal; it is under way now, or `booked`.
    pub(crate) fn begun(&mut self, user: u64, key: Key, booked: bool) {
        self.set_head(user, key, booked, false);
    }

    fn set_head(&mut self, user: u64, key: Key, booked: bool, awaits: bool) {
        self.take_head(user);
        if let Some(known) = self.users.get_mut(&user) {
            known.head = Some(Head {
                key,
                booked,
                due_at: None,
                awaits,
            });
            self.users_awaiting += usize::from(awaits);
            self.heads.insert(key, user);
        }
    }

    /// The user's first delivery is no longer known.
    fn take_head(&mut self, user: u64) -> Option<Head> {
        let head = self.users.get_mut(&user)?.head.take()?;
        self.heads.remove(&head.key);
        if let Some(due_at) = head.due_at {
            self.no_longer_due(&(due_at, head.key.0, head.key.1));
        }
        self.users_awaiting -= usize::from(head.awaits);
        Some(head)
    }

    /// Who waits for the end of this retry.
    pub(crate) fn user_of(&self, key: Key) -> Option<u64> {
        self.heads.get(&key).copied()
    }

    /// A retry has been booked durably.
    pub(crate) fn booked(&mut self, key: RetryKey) {
        let (due_at, offset, part) = key;
        let Some(user) = self.user_of((offset, part)) else {
            return;
        };
        if let Some(head) = self
            .users
            .get_mut(&user)
            .and_then(|known| known.head.as_mut())
        {
            head.due_at = Some(due_at);
            self.due.insert(key, user);
            if !head.awaits {
                self.tried.insert(key);
            }
        }
    }

    fn no_longer_due(&mut self, key: &RetryKey) {
        self.due.remove(key);
        self.tried.remove(key);
    }

    /// Of the retries that others of their user wait for and that have been tried: the one that is due next
    /// behind `after`, and its user.
    pub(crate) fn next_tried(&self, after: Option<RetryKey>) -> Option<(RetryKey, u64)> {
        let behind = after.map_or(Bound::Unbounded, Bound::Excluded);
        let key = *self.tried.range((behind, Bound::Unbounded)).next()?;
        Some((key, *self.due.get(&key)?))
    }

    /// The last of them.
    pub(crate) fn last_tried(&self) -> Option<RetryKey> {
        self.tried.last().copied()
    }

    /// A retry is begun; says who waits for its end.
    pub(crate) fn retried(&mut self, key: RetryKey) -> Option<u64> {
        let (_, offset, part) = key;
        let user = self.user_of((offset, part))?;
        self.no_longer_due(&key);
        let head = self.users.get_mut(&user)?.head.as_mut()?;
        head.due_at = None;
        if std::mem::take(&mut head.awaits) {
            self.users_awaiting -= 1;
            self.one_less_awaiting(user);
        }
        Some(user)
    }

    /// Has the users looked at anew whose first delivery is booked, but has been passed by: it went with
    /// its event.
    pub(crate) fn notice_gone(&mut self, has_passed: impl Fn(&RetryKey) -> bool) {
        while let Some((key, user)) = self.due.first_key_value()
            && has_passed(key)
        {
            let (key, user) = (*key, *user);
            let Some(head) = self.take_head(user) else {
                self.no_longer_due(&key);
                continue;
            };
            self.booked = self.booked.saturating_sub(head.booked.into());
            if head.awaits {
                self.one_less_awaiting(user);
            }
            self.ready.push_back(user);
        }
    }

    /// Whether no more is to be read: too many wait.
    pub(crate) fn is_full(&self) -> bool {
        self.users_stored >= MOST_USERS || self.stored >= MOST_STORED
    }

    /// Whether nobody has any.
    pub(crate) fn is_empty(&self) -> bool {
        self.users.is_empty()
    }

    /// Whether the journal has any of the user's.
    pub(crate) fn has_stored(&self, user: u64) -> bool {
        self.users.get(&user).is_some_and(|known| known.stored > 0)
    }

    /// How many deliveries wait for an earlier one of their user, in memory and in the journal, or did
    /// and are under way. None is among the pending retries.
    pub(crate) fn waiting(&self) -> u64 {
        self.behind as u64 + self.stored.saturating_sub(self.booked)
    }

    /// One that waits in the journal for its turn, without a retry, is left out. The user stays known, also
    /// without any left: the user is about to be looked at.
    pub(crate) fn left_out(&mut self, user: u64) {
        if let Some(known) = self.users.get_mut(&user).filter(|known| known.stored > 0) {
            known.stored -= 1;
            self.stored = self.stored.saturating_sub(1);
            self.users_stored -= usize::from(known.stored == 0);
        }
    }

    /// A new delivery of the user. Of all users' together `most_behind` wait in memory.
    pub(crate) fn admit(&mut self, user: u64, work: W, most_behind: usize) -> Admitted<W> {
        let Some(known) = self.users.get_mut(&user) else {
            self.users.insert(user, User::default());
            return Admitted::Go(work);
        };
        let has_place = known.behind.len() < MOST_BEHIND && self.behind < most_behind;
        if known.stored == 0 && has_place {
            known.behind.push_back(work);
            self.behind += 1;
            return Admitted::Waits;
        }
        let before = self.store_behind(user, 1);
        Admitted::Store(before, work)
    }

    /// What waits in memory for the user's turn goes into the journal, and so many that follow it do.
    fn store_behind(&mut self, user: u64, more: u64) -> VecDeque<W> {
        let Some(known) = self.users.get_mut(&user) else {
            return VecDeque::new();
        };
        let behind = std::mem::take(&mut known.behind);
        let stored = behind.len() as u64 + more;
        self.users_stored += usize::from(known.stored == 0);
        self.behind -= behind.len();
        known.stored += stored;
        self.stored += stored;
        behind
    }

    /// An attempt of the user's delivery has ended. `over`: it has no further one, or nobody is to wait
    /// for that. `was_stored`: it was in the journal already.
    pub(crate) fn ended(&mut self, user: u64, key: Key, over: bool, was_stored: bool) -> Freed<W> {
        let mut freed = Freed {
            go: None,
            store: VecDeque::new(),
        };
        let Some(known) = self.users.get_mut(&user) else {
            return freed;
        };
        match (over, was_stored) {
            (false, true) => {
                if let Some(head) = known.head.as_mut().filter(|head| !head.booked) {
                    head.booked = true;
                    self.booked_gathered += 1;
                }
            }
            (false, false) => {
                freed.store = self.store_behind(user, 1);
                self.booked_gathered += 1;
                self.begun(user, key, true);
            }
            (true, false) if known.stored > 0 => self.gathered.push(user),
            (true, false) => match known.behind.pop_front() {
                Some(next) => {
                    self.behind -= 1;
                    freed.go = Some(next);
                }
                None => {
                    self.users.remove(&user);
                }
            },
            (true, true) => {
                known.stored = known.stored.saturating_sub(1);
                self.stored = self.stored.saturating_sub(1);
                if self.take_head(user).is_some_and(|head| head.booked) {
                    self.booked = self.booked.saturating_sub(1);
                }
                match self.has_stored(user) {
                    false => {
                        self.users_stored -= 1;
                        self.users.remove(&user);
                    }
                    true => self.gathered.push(user),
                }
            }
        }
        freed
    }

    /// The journal has none of the user's deliveries left: what they are about was erased, or they were
    /// given up. Says whose turn it is of those that have come since.
    pub(crate) fn forget(&mut self, user: u64) -> Option<W> {
        let head = self.take_head(user);
        let known = self.users.get_mut(&user)?;
        let stored = std::mem::take(&mut known.stored);
        let awaiting = std::mem::take(&mut known.awaiting);
        let next = known.behind.pop_front();
        self.behind -= usize::from(next.is_some());
        self.stored = self.stored.saturating_sub(stored);
        self.users_stored = self.users_stored.saturating_sub(usize::from(stored > 0));
        self.awaiting = self.awaiting.saturating_sub(awaiting);
        let booked = head.is_some_and(|head| head.booked && !head.awaits);
        self.booked = self.booked.saturating_sub(awaiting + u64::from(booked));
        if next.is_none() {
            self.users.remove(&user);
        }
        next
    }

    /// A user whose next delivery lies in the journal.
    pub(crate) fn next_ready(&mut self) -> Option<u64> {
        self.ready.pop_front()
    }

    /// It could not be looked for.
    pub(crate) fn again(&mut self, user: u64) {
        self.ready.push_front(user);
    }

    /// It is not there yet: some of it is going to be settled.
    pub(crate) fn too_early(&mut self, user: u64) {
        self.gathered.push(user);
    }

    /// What was gathered is being settled.
    pub(crate) fn settles(&mut self) {
        self.settling.append(&mut self.gathered);
        self.booked_settling += std::mem::take(&mut self.booked_gathered);
    }

    /// It has become durable.
    pub(crate) fn settled(&mut self) {
        self.ready.extend(self.settling.drain(..));
        self.booked += std::mem::take(&mut self.booked_settling);
    }

    /// Whether some next delivery can be looked for.
    pub(crate) fn has_ready(&self) -> bool {
        !self.ready.is_empty()
    }
}

#[cfg(test)]
mod tests;
