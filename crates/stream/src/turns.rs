//! Deliveries of one user, one after the other.
//!
//! A user has at most one delivery under way. What comes behind it waits in memory as long as it is
//! under way, and in the journal as soon as it is booked as a retry: then the cursor moves on, and
//! other users don't notice. A delivery that waits has no attempts.

use std::collections::{BTreeMap, HashMap, VecDeque};

use journal::RetryKey;
use journal::turn::TurnHead;
use model::{Offset, Part};

/// How many users may have deliveries that wait in the journal, and how many deliveries these may be:
/// beyond that the lane reads no further until some are over.
const MOST_USERS: usize = 100_000;
const MOST_STORED: u64 = 1_000_000;

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
    /// How many deliveries wait in memory.
    behind: usize,
    /// How many deliveries are in the journal: those that wait, and what they wait for.
    stored: u64,
    /// How many users these belong to.
    users_stored: usize,
    /// How many of the first ones are pending as retries …
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
    /// The first of these, while it is booked or under way.
    head: Option<Key>,
    /// Whether it is booked, or is going to be.
    booked: bool,
    /// What waits for the one under way; nothing while there are any in the journal.
    behind: VecDeque<W>,
}

/// What becomes of a new delivery.
pub(crate) enum Admitted<W> {
    /// It is the user's turn.
    Go(W),
    /// It is kept here until then.
    Waits,
    /// It is to be kept in the journal until then.
    Store(W),
}

/// What an attempt's end means for those behind it.
pub(crate) struct Freed<W> {
    /// The next one's turn.
    pub(crate) go: Option<W>,
    /// These are to be kept in the journal.
    pub(crate) store: Vec<W>,
}

impl<W> Default for User<W> {
    fn default() -> Self {
        Self {
            stored: 0,
            head: None,
            booked: false,
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
            behind: 0,
            stored: 0,
            users_stored: 0,
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
        let user = self.users.entry(head.turn.user).or_default();
        user.stored = head.count;
        user.booked = head.due_at.is_some();
        self.stored += head.count;
        self.users_stored += 1;
        let (offset, part) = (head.turn.offset, head.turn.part);
        match head.due_at {
            Some(due_at) => {
                self.booked += 1;
                self.begun(head.turn.user, (offset, part));
                self.booked((due_at, offset, part));
            }
            None => self.ready.push_back(head.turn.user),
        }
    }

    /// This is the user's first delivery in the journal; it is under way now, or booked.
    pub(crate) fn begun(&mut self, user: u64, key: Key) {
        if let Some(known) = self.users.get_mut(&user) {
            known.head = Some(key);
            self.heads.insert(key, user);
        }
    }

    /// Who waits for the end of this retry.
    pub(crate) fn user_of(&self, key: Key) -> Option<u64> {
        self.heads.get(&key).copied()
    }

    /// A retry has been booked durably.
    pub(crate) fn booked(&mut self, key: RetryKey) {
        let (_, offset, part) = key;
        if let Some(user) = self.user_of((offset, part)) {
            self.due.insert(key, user);
        }
    }

    /// A retry is begun; says who waits for its end.
    pub(crate) fn retried(&mut self, key: RetryKey) -> Option<u64> {
        let (_, offset, part) = key;
        self.due.remove(&key);
        self.user_of((offset, part))
    }

    /// Has the users looked at anew whose first delivery is booked, but has been passed by: it went with
    /// its event.
    pub(crate) fn notice_gone(&mut self, has_passed: impl Fn(&RetryKey) -> bool) {
        while let Some(first) = self
            .due
            .first_entry()
            .filter(|first| has_passed(first.key()))
        {
            let ((_, offset, part), user) = first.remove_entry();
            self.heads.remove(&(offset, part));
            let Some(known) = self.users.get_mut(&user) else {
                continue;
            };
            known.head = None;
            if std::mem::take(&mut known.booked) {
                self.booked = self.booked.saturating_sub(1);
            }
            self.ready.push_back(user);
        }
    }

    /// Whether no more is to be read: too many wait.
    pub(crate) fn is_full(&self, most_behind: usize) -> bool {
        self.behind >= most_behind || self.users_stored >= MOST_USERS || self.stored >= MOST_STORED
    }

    /// How many deliveries wait for an earlier one of their user, in memory and in the journal, or did
    /// and are under way. None is among the pending retries.
    pub(crate) fn waiting(&self) -> u64 {
        self.behind as u64 + self.stored.saturating_sub(self.booked)
    }

    /// A new delivery of the user.
    pub(crate) fn admit(&mut self, user: u64, work: W) -> Admitted<W> {
        let Some(known) = self.users.get_mut(&user) else {
            self.users.insert(user, User::default());
            return Admitted::Go(work);
        };
        if known.stored > 0 {
            known.stored += 1;
            self.stored += 1;
            return Admitted::Store(work);
        }
        known.behind.push_back(work);
        self.behind += 1;
        Admitted::Waits
    }

    /// An attempt of the user's delivery has ended. `over`: it has no further one. `was_stored`: it was
    /// in the journal already.
    pub(crate) fn ended(&mut self, user: u64, key: Key, over: bool, was_stored: bool) -> Freed<W> {
        let mut freed = Freed {
            go: None,
            store: Vec::new(),
        };
        let Some(known) = self.users.get_mut(&user) else {
            return freed;
        };
        if !over && !known.booked {
            known.booked = true;
            self.booked_gathered += 1;
        }
        match (over, was_stored) {
            (false, true) => {}
            (false, false) => {
                freed.store = known.behind.drain(..).collect();
                self.behind -= freed.store.len();
                known.stored = 1 + freed.store.len() as u64;
                self.stored += known.stored;
                self.users_stored += 1;
                self.begun(user, key);
            }
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
                known.head = None;
                self.heads.remove(&key);
                if std::mem::take(&mut known.booked) {
                    self.booked = self.booked.saturating_sub(1);
                }
                match known.stored {
                    0 => {
                        self.users_stored -= 1;
                        self.users.remove(&user);
                    }
                    _ => self.gathered.push(user),
                }
            }
        }
        freed
    }

    /// The journal has none of the user's deliveries left: what they are about was erased.
    pub(crate) fn forget(&mut self, user: u64) {
        let Some(known) = self.users.remove(&user) else {
            return;
        };
        if let Some(key) = known.head {
            self.heads.remove(&key);
        }
        self.behind -= known.behind.len();
        self.stored = self.stored.saturating_sub(known.stored);
        self.users_stored = self
            .users_stored
            .saturating_sub(usize::from(known.stored > 0));
        self.booked = self.booked.saturating_sub(known.booked.into());
    }

    /// A user whose next delivery lies in the journal.
    pub(crate) fn next_ready(&mut self) -> Option<u64> {
        self.ready.pop_front()
    }

    /// It could not be looked for.
    pub(crate) fn again(&mut self, user: u64) {
        self.ready.push_front(user);
    }

    /// It is not there yet: it is being settled, or is going to be.
    pub(crate) fn too_early(&mut self, user: u64, is_settling: bool) {
        match is_settling {
            true => self.settling.push(user),
            false => self.gathered.push(user),
        }
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
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use journal::turn::Turn;
    use model::random::Seeded;
    use model::{Random, Timestamp};

    use super::*;

    fn key(offset: u64) -> Key {
        (Offset(offset), Part::Event)
    }

    /// A lane without I/O: what it would keep in the journal, and what it would send.
    #[derive(Default)]
    struct World {
        turns: Turns<(u64, u64)>,
        /// Events as (user, offset), in their order.
        log: Vec<(u64, u64)>,
        /// Read up to here.
        read: usize,
        /// What the journal has: by user and offset, whether a retry is booked.
        stored: BTreeMap<(u64, u64), bool>,
        /// What is settled otherwise.
        over: BTreeSet<u64>,
        /// Under way: offset → (user, in the journal).
        sent: BTreeMap<u64, (u64, bool)>,
        /// First attempts of each user, in order.
        begun: BTreeMap<u64, Vec<u64>>,
    }

    impl World {
        fn send(&mut self, user: u64, offset: u64, stored: bool, first: bool) {
            assert!(
                self.sent.values().all(|(other, _)| *other != user),
                "two of a user's deliveries are under way"
            );
            let earlier = self
                .log
                .iter()
                .filter(|(of, at)| *of == user && *at < offset);
            for (_, at) in earlier {
                assert!(self.over.contains(at), "{offset} overtook {at}");
            }
            self.sent.insert(offset, (user, stored));
            if first {
                self.begun.entry(user).or_default().push(offset);
            }
        }

        fn read_on(&mut self) {
            while let Some(&(user, offset)) = self.log.get(self.read) {
                if self.turns.is_full(50) {
                    return;
                }
                self.read += 1;
                if self.over.contains(&offset) || self.stored.contains_key(&(user, offset)) {
                    continue;
                }
                match self.turns.admit(user, (user, offset)) {
                    Admitted::Go((user, offset)) => self.send(user, offset, false, true),
                    Admitted::Waits => {}
                    Admitted::Store((user, offset)) => {
                        self.stored.insert((user, offset), false);
                    }
                }
            }
        }

        fn end(&mut self, offset: u64, over: bool) {
            let (user, stored) = self.sent.remove(&offset).unwrap();
            if over {
                self.over.insert(offset);
                self.stored.remove(&(user, offset));
            } else {
                self.stored.insert((user, offset), true);
            }
            let freed = self.turns.ended(user, key(offset), over, stored);
            self.turns.settles();
            self.turns.settled();
            if !over {
                let due = (Timestamp(offset as i64), Offset(offset), Part::Event);
                self.turns.booked(due);
            }
            for work in freed.store {
                self.stored.insert(work, false);
            }
            let pending = self.stored.values().filter(|booked| **booked).count();
            let behind = self.turns.behind + self.stored.len() - pending;
            assert_eq!(self.turns.waiting(), behind as u64);
            if let Some((user, offset)) = freed.go {
                self.send(user, offset, false, true);
            }
        }

        fn take_turns(&mut self) {
            while let Some(user) = self.turns.next_ready() {
                let range = (user, 0)..=(user, u64::MAX);
                let (&(_, offset), &booked) = self.stored.range(range).next().unwrap();
                assert!(!booked);
                self.turns.begun(user, key(offset));
                self.send(user, offset, true, true);
            }
        }

        fn restart(&mut self) {
            self.turns = Turns::default();
            self.sent.clear();
            self.read = 0;
            let mut heads: BTreeMap<u64, TurnHead> = BTreeMap::new();
            for (&(user, offset), &booked) in &self.stored {
                let turn = Turn {
                    user,
                    offset: Offset(offset),
                    part: Part::Event,
                };
                let head = TurnHead {
                    turn,
                    count: 0,
                    due_at: booked.then_some(Timestamp(offset as i64)),
                };
                heads.entry(user).or_insert(head).count += 1;
            }
            heads.values().for_each(|head| self.turns.load(head));
        }
    }

    #[test]
    fn no_delivery_overtakes_another_of_its_user_whatever_happens() {
        for seed in 0..300 {
            let random = Seeded::new(seed);
            let below = |n: usize| (random.next_u64() % n as u64) as usize;
            let mut world = World::default();
            let users = 1 + below(6) as u64;
            while world.over.len() < 200 {
                match below(if world.log.len() < 200 { 10 } else { 9 }) {
                    0..=3 if !world.sent.is_empty() => {
                        let which = below(world.sent.len());
                        let offset = *world.sent.keys().nth(which).unwrap();
                        world.end(offset, below(3) > 0);
                    }
                    4..=6 => {
                        let due = world.stored.iter().filter(|((_, offset), booked)| {
                            **booked && !world.sent.contains_key(offset)
                        });
                        let due: Vec<_> = due.map(|(key, _)| *key).collect();
                        if !due.is_empty() {
                            let (user, offset) = due[below(due.len())];
                            let due = (Timestamp(offset as i64), Offset(offset), Part::Event);
                            assert_eq!(world.turns.retried(due), Some(user));
                            world.send(user, offset, true, false);
                        }
                    }
                    7 => world.take_turns(),
                    8 if below(40) == 0 => world.restart(),
                    9 => {
                        for _ in 0..below(8) {
                            if world.log.len() < 200 {
                                let offset = world.log.len() as u64;
                                world.log.push((below(users as usize) as u64, offset));
                            }
                        }
                    }
                    _ => world.read_on(),
                }
            }
            for (user, begun) in &world.begun {
                let mut order = begun.clone();
                order.dedup();
                let all = world.log.iter().filter(|(of, _)| of == user);
                let all: Vec<u64> = all.map(|(_, offset)| *offset).collect();
                let mut seen = Vec::new();
                order.retain(|offset| {
                    let is_new = !seen.contains(offset);
                    seen.push(*offset);
                    is_new
                });
                assert_eq!(order, all, "seed {seed}, user {user}");
            }
            assert!(world.stored.is_empty() && world.turns.users.is_empty());
            assert!(world.turns.heads.is_empty() && world.turns.waiting() == 0);
            assert!(world.turns.due.is_empty());
        }
    }

    #[test]
    fn what_waits_in_memory_is_bounded() {
        let mut turns: Turns<u64> = Turns::default();
        assert!(matches!(turns.admit(1, 0), Admitted::Go(0)));
        for offset in 1..=50 {
            assert!(!turns.is_full(50));
            assert!(matches!(turns.admit(1, offset), Admitted::Waits));
        }
        assert!(turns.is_full(50));
        let freed = turns.ended(1, key(0), false, false);
        assert_eq!((freed.store.len(), turns.waiting()), (50, 51));
        turns.settles();
        turns.settled();
        assert_eq!(turns.waiting(), 50, "one is a pending retry now");
        assert!(!turns.is_full(50), "the journal has them now");
        assert!(matches!(turns.admit(1, 51), Admitted::Store(51)));
        assert!(
            matches!(turns.admit(2, 52), Admitted::Go(52)),
            "others go on"
        );
    }

    #[test]
    fn a_turn_is_looked_for_once_what_was_before_it_is_durable() {
        let mut turns: Turns<u64> = Turns::default();
        let _ = turns.admit(1, 0);
        let _ = turns.admit(1, 1);
        assert_eq!(turns.ended(1, key(0), false, false).store, [1]);
        turns.settles();
        turns.settled();
        assert!(turns.ended(1, key(0), true, true).go.is_none());
        assert_eq!(turns.waiting(), 1, "until it is over");
        // What was settled before says nothing of it.
        turns.settled();
        assert!(!turns.has_ready());
        turns.settles();
        assert!(!turns.has_ready());
        turns.settled();
        let user = turns.next_ready().unwrap();
        turns.too_early(user, true);
        assert!(!turns.has_ready());
        turns.settled();
        assert_eq!(turns.next_ready(), Some(1));
        turns.begun(1, key(1));
        assert_eq!(turns.waiting(), 1, "it is under way");
        turns.ended(1, key(1), true, true);
        assert!(turns.users.is_empty() && turns.waiting() == 0);
    }

    #[test]
    fn retries_that_have_no_place_in_the_order_disturb_nobody() {
        let mut turns: Turns<u64> = Turns::default();
        assert_eq!(turns.user_of(key(0)), None);
        let _ = turns.admit(1, 3);
        let _ = turns.admit(1, 4);
        assert_eq!(turns.user_of(key(0)), None, "of a user with others");
        turns.ended(1, key(3), false, false);
        assert_eq!(
            (turns.user_of(key(3)), turns.user_of(key(0))),
            (Some(1), None)
        );
    }

    #[test]
    fn a_booked_delivery_that_is_gone_holds_its_user_up_until_it_is_passed() {
        let mut turns: Turns<u64> = Turns::default();
        let _ = turns.admit(1, 0);
        let _ = turns.admit(1, 1);
        turns.ended(1, key(0), false, false);
        turns.settles();
        turns.settled();
        turns.booked((Timestamp(9), Offset(0), Part::Event));
        turns.booked((Timestamp(5), Offset(7), Part::Event));
        turns.notice_gone(|_| false);
        assert!(!turns.has_ready());
        turns.notice_gone(|(due_at, ..)| due_at.0 == 9);
        assert_eq!((turns.next_ready(), turns.waiting()), (Some(1), 2));
        turns.begun(1, key(1));
        turns.forget(1);
        assert!(turns.users.is_empty() && turns.heads.is_empty() && turns.waiting() == 0);
    }

    #[test]
    fn a_user_whose_deliveries_were_erased_begins_anew() {
        let mut turns: Turns<u64> = Turns::default();
        let _ = turns.admit(1, 0);
        let _ = turns.admit(1, 1);
        turns.ended(1, key(0), false, false);
        turns.settles();
        turns.settled();
        turns.ended(1, key(0), true, true);
        turns.forget(1);
        assert_eq!(
            (turns.waiting(), turns.users_stored, turns.heads.len()),
            (0, 0, 0)
        );
        assert!(matches!(turns.admit(1, 2), Admitted::Go(2)));
    }
}
