//! The pending retries of a lane that come next, in the order in which they are due.
//!
//! The journal holds all of them; the agenda holds the first few, and loads more when it runs out.

use std::collections::{BTreeMap, BTreeSet};

use journal::{Retry, RetryKey};
use model::{Offset, Part, Timestamp};

/// The next retries: key → attempts made so far.
#[derive(Debug, Default)]
pub(crate) struct Agenda {
    next: BTreeMap<RetryKey, u8>,
    /// The key of the last retry taken: what is loaded next lies behind it.
    taken: Option<RetryKey>,
    /// Whether every retry behind `taken` is in `next`.
    complete: bool,
    /// Taken ahead of their time, and not settled since: in the journal they still lie behind `taken`.
    ahead: BTreeSet<(Offset, Part)>,
}

/// A retry whose time has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct DueRetry {
    /// Its place in the journal's order.
    pub(crate) key: RetryKey,
    /// How many attempts have been made.
    pub(crate) attempts: u8,
}

impl Agenda {
    /// How many retries are loaded at a time, and half of what is held at most.
    pub(crate) const PAGE: usize = 256;

    /// Where to load from, when there may be retries that are not held.
    pub(crate) fn load_after(&self) -> Option<Option<RetryKey>> {
        (self.next.is_empty() && !self.complete).then_some(self.taken)
    }

    /// What was loaded from there, [`PAGE`](Self::PAGE) at most.
    pub(crate) fn loaded(&mut self, page: Vec<Retry>) {
        self.complete = page.len() < Self::PAGE;
        let page = page.into_iter();
        let ahead = &self.ahead;
        let page = page.filter(|retry| !ahead.contains(&(retry.offset, retry.part)));
        self.next
            .extend(page.map(|retry| (retry.key(), retry.attempts)));
    }

    /// Takes a retry that is durable and not under way, ahead of its time.
    pub(crate) fn take_ahead(&mut self, key: &RetryKey) {
        let (_, offset, part) = *key;
        self.next.remove(key);
        self.ahead.insert((offset, part));
    }

    /// The delivery of a retry is over.
    pub(crate) fn over(&mut self, delivery: &(Offset, Part)) {
        self.ahead.remove(delivery);
    }

    /// A retry has been booked durably.
    pub(crate) fn booked(&mut self, key: RetryKey, attempts: u8) {
        self.ahead.remove(&(key.1, key.2));
        let before_last = self
            .next
            .last_key_value()
            .is_some_and(|(last, _)| key < *last);
        // One that is due before the last one taken (the clock was set back) would never be loaded.
        let before_taken = self.taken.is_some_and(|taken| key < taken);
        if self.complete || before_last || before_taken {
            self.next.insert(key, attempts);
        }
        while self.next.len() > 2 * Self::PAGE {
            self.next.pop_last();
            self.complete = false;
        }
    }

    /// When the next retry is due.
    pub(crate) fn next_due(&self) -> Option<Timestamp> {
        self.next.first_key_value().map(|((due_at, ..), _)| *due_at)
    }

    /// A retry is booked for another time.
    pub(crate) fn forget(&mut self, key: &RetryKey) {
        self.next.remove(key);
    }

    /// Whether a retry that was booked will not come any more: it is gone from the journal.
    pub(crate) fn has_passed(&self, key: &RetryKey) -> bool {
        let before_last = self.next.last_key_value();
        let known = self.complete
            || before_last.is_some_and(|(last, _)| key < last)
            || self.taken.is_some_and(|taken| *key <= taken);
        known && !self.next.contains_key(key)
    }

    /// Takes the next retry if it is due.
    pub(crate) fn take_due(&mut self, now: Timestamp) -> Option<DueRetry> {
        if self.next_due()? > now {
            return None;
        }
        let (key, attempts) = self.next.pop_first()?;
        self.taken = self.taken.max(Some(key));
        Some(DueRetry { key, attempts })
    }
}

#[cfg(test)]
mod tests {
    use model::outcome::{Category, Failure};

    use super::*;

    fn key(due: i64) -> RetryKey {
        (Timestamp(due), Offset(due as u64), Part::Event)
    }

    fn retry(due: i64) -> Retry {
        let failure = Failure {
            category: Category::Connect,
            status: None,
            message: String::new(),
            response: String::new(),
        };
        Retry {
            offset: Offset(due as u64),
            part: Part::Event,
            attempts: 1,
            due_at: Timestamp(due),
            failure,
            given: None,
        }
    }

    /// Takes everything due, loading from `stored` as a lane does.
    fn drain(agenda: &mut Agenda, stored: &[i64], now: i64) -> Vec<i64> {
        let mut taken = Vec::new();
        loop {
            if let Some(after) = agenda.load_after() {
                let behind = stored
                    .iter()
                    .filter(|&&due| after.is_none_or(|after| key(due) > after));
                agenda.loaded(behind.take(Agenda::PAGE).map(|&due| retry(due)).collect());
            }
            match agenda.take_due(Timestamp(now)) {
                Some(due) => taken.push(due.key.0.0),
                None => return taken,
            }
        }
    }

    #[test]
    fn all_retries_come_once_in_their_order_however_many() {
        let stored: Vec<i64> = (1..=1000).collect();
        let mut agenda = Agenda::default();
        assert_eq!(
            drain(&mut agenda, &stored, 600),
            (1..=600).collect::<Vec<_>>()
        );
        assert_eq!(
            drain(&mut agenda, &stored, 1000),
            (601..=1000).collect::<Vec<_>>()
        );
        assert_eq!(agenda.next_due(), None);
    }

    #[test]
    fn a_booked_retry_is_held_or_will_be_loaded_never_both() {
        let mut stored: Vec<i64> = (1..=300).collect();
        let mut agenda = Agenda::default();
        assert_eq!(drain(&mut agenda, &stored, 1), [1]);
        for due in [100_000, 50] {
            stored.push(due);
            agenda.booked(key(due), 2);
        }
        stored.sort_unstable();
        stored.dedup();
        assert_eq!(
            drain(&mut agenda, &stored, 100_000),
            (2..=300).chain([100_000]).collect::<Vec<_>>()
        );
    }

    #[test]
    fn what_is_held_stays_bounded() {
        let mut agenda = Agenda::default();
        agenda.loaded(Vec::new());
        (0..10_000).rev().for_each(|due| agenda.booked(key(due), 1));
        assert!(agenda.next.len() <= 2 * Agenda::PAGE);
        assert_eq!(
            drain(&mut agenda, &(0..10_000).collect::<Vec<_>>(), 10_000).len(),
            10_000
        );
    }

    #[test]
    fn a_retry_that_is_gone_is_noticed_when_its_place_is_passed() {
        let mut agenda = Agenda::default();
        assert!(!agenda.has_passed(&key(300)), "nothing is known yet");
        let stored: Vec<i64> = (1..=400).filter(|due| *due != 300).collect();
        assert_eq!(drain(&mut agenda, &stored, 100).len(), 100);
        assert!(agenda.has_passed(&key(50)), "it was taken");
        assert!(!agenda.has_passed(&key(200)), "it comes next");
        assert!(!agenda.has_passed(&key(300)), "it lies behind what is held");
        assert_eq!(drain(&mut agenda, &stored, 299).len(), 199);
        assert!(agenda.has_passed(&key(300)));
        agenda.booked(key(300), 1);
        assert!(!agenda.has_passed(&key(300)));
    }

    #[test]
    fn a_retry_booked_while_the_clock_is_behind_is_not_forgotten() {
        let mut agenda = Agenda::default();
        assert_eq!(drain(&mut agenda, &[500], 500), [500]);
        agenda.booked(key(300), 2);
        assert_eq!(agenda.next_due(), Some(Timestamp(300)));
    }

    #[test]
    fn what_is_taken_ahead_of_its_time_is_not_loaded_until_it_is_settled() {
        let stored: Vec<i64> = (1..=600).chain([700]).collect();
        let mut agenda = Agenda::default();
        assert_eq!(drain(&mut agenda, &stored, 1), [1]);
        // One that is held, the last one that is, and one that is not yet.
        let taken = [2, 256, 300];
        taken.iter().for_each(|due| agenda.take_ahead(&key(*due)));
        let others = |range: std::ops::RangeInclusive<i64>| {
            range.filter(|due| !taken.contains(due)).collect::<Vec<_>>()
        };
        assert_eq!(drain(&mut agenda, &stored, 400), others(2..=400));
        // One failed, and is due as before; one is over; and then the third failed.
        agenda.booked(key(2), 1);
        agenda.over(&(Offset(256), Part::Event));
        assert_eq!(drain(&mut agenda, &stored, 2), [2]);
        agenda.booked(key(300), 1);
        let rest = [vec![300], others(401..=600), vec![700]].concat();
        assert_eq!(drain(&mut agenda, &stored, 700), rest);
    }
}
