//! Deliveries that wait for a property of their user.

use std::collections::VecDeque;

use journal::RetryKey;
use model::outcome::NoRoom;

use super::{Key, MostAwaiting, Turns, User};

impl<W> Turns<W> {
    /// The user's first delivery waits for a property: a retry of it is booked for when it is given up.
    pub(crate) fn awaits(&mut self, user: u64, key: RetryKey) {
        let (_, offset, part) = key;
        self.set_head(user, (offset, part), true, true);
        self.booked(key);
    }

    /// The same, of one that the journal has, and whose retry is going to be booked.
    pub(crate) fn begins_to_await(&mut self, user: u64, key: Key) {
        if let Some(known) = self.users.get_mut(&user) {
            known.awaiting += 1;
            self.awaiting += 1;
            self.booked_gathered += 1;
            self.set_head(user, key, true, true);
        }
    }

    /// The property of the user's first delivery has come: its retry is going to be due at once.
    pub(crate) fn stops_awaiting(&mut self, user: u64, key: Key) {
        self.one_less_awaiting(user);
        self.set_head(user, key, true, false);
    }

    pub(super) fn one_less_awaiting(&mut self, user: u64) {
        if let Some(known) = self.users.get_mut(&user).filter(|known| known.awaiting > 0) {
            known.awaiting -= 1;
            self.awaiting -= 1;
        }
    }

    /// How many deliveries wait for a property of their user. All are among the pending retries.
    pub(crate) fn awaiting(&self) -> u64 {
        self.awaiting
    }

    /// Whether any user's first delivery waits for a property.
    pub(crate) fn any_awaits(&self) -> bool {
        self.users_awaiting > 0
    }

    /// Whether the user's first delivery waits for a property.
    pub(crate) fn is_awaiting(&self, user: u64) -> bool {
        let head = self.users.get(&user).and_then(|known| known.head);
        head.is_some_and(|head| head.awaits)
    }

    /// Whether one more of the user's deliveries may wait for a property, or else why not.
    pub(crate) fn may_await(&self, user: u64, most: MostAwaiting) -> Result<(), NoRoom> {
        let of_user = self.users.get(&user).map_or(0, |known| known.awaiting);
        match (of_user < most.of_user, self.awaiting < most.of_lane) {
            (false, _) => Err(NoRoom::OfUser(most.of_user)),
            (true, false) => Err(NoRoom::OfSync(most.of_lane)),
            (true, true) => Ok(()),
        }
    }

    /// A new delivery of the user, which waits for a property. Says what is to be kept in the journal
    /// before it.
    pub(crate) fn admit_awaiting(&mut self, user: u64, key: Key) -> VecDeque<W> {
        let is_first = !self.users.contains_key(&user);
        self.users.entry(user).or_default();
        let before = self.store_behind(user, 1);
        if is_first {
            self.begins_to_await(user, key);
        } else if let Some(known) = self.users.get_mut(&user) {
            known.awaiting += 1;
            self.awaiting += 1;
            self.booked_gathered += 1;
        }
        before
    }

    /// Something of the user has changed: what waits for it is looked at anew.
    pub(crate) fn look_at(&mut self, user: u64) {
        if !self.is_awaiting(user) {
            return;
        }
        self.take_head(user);
        self.ready.push_back(user);
    }

    /// All users whose first delivery waits for a property.
    pub(crate) fn all_awaiting(&self) -> Vec<u64> {
        let awaits =
            |(user, known): (&u64, &User<W>)| known.head.filter(|head| head.awaits).map(|_| *user);
        match self.any_awaits() {
            true => self.users.iter().filter_map(awaits).collect(),
            false => Vec::new(),
        }
    }

    /// One that is not the user's first no longer waits for a property: it waits for its turn.
    pub(crate) fn awaits_its_turn(&mut self, user: u64) {
        self.one_less_awaiting(user);
        self.booked = self.booked.saturating_sub(1);
    }

    /// One that is not the user's first, and waited for a property, has gone. The user stays known, also
    /// without any left: one is under way in memory, or the user is about to be looked at.
    pub(crate) fn given_up(&mut self, user: u64) {
        self.one_less_awaiting(user);
        self.booked = self.booked.saturating_sub(1);
        if let Some(known) = self.users.get_mut(&user).filter(|known| known.stored > 0) {
            known.stored -= 1;
            self.stored = self.stored.saturating_sub(1);
            self.users_stored -= usize::from(known.stored == 0);
        }
    }
}
