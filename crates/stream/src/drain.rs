//! Going through what was held up while a lane stood still: slower than usual, or the newest of each
//! user and event type only.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};

use journal::hold::Drain;
use journal::turn::Turn;
use model::{Event, Offset};

use crate::user;

/// How many pairs of user and event type are told apart. Of those beyond it all events are sent: rather
/// too many than one too few.
const MOST_PAIRS: usize = 500_000;

/// What a lane is going through.
pub(crate) struct Draining {
    drain: Drain,
    newest: Option<Newest>,
    /// Only once: later on, some of what waits may be under way.
    turns: TurnsLeft,
}

/// Which event of each user and type is the newest.
struct Newest {
    last: HashMap<u64, Offset>,
    hasher: RandomState,
    /// Events before this have been looked at.
    next: Offset,
}

/// How far it has looked at what waits in the journal for its user's turn: from the last one on.
#[derive(Debug, Clone, Copy)]
enum TurnsLeft {
    Before(Option<Turn>),
    None,
}

impl Draining {
    /// From `cursor` on.
    pub(crate) fn new(drain: Drain, cursor: Offset) -> Self {
        let newest = drain.newest_only.then(|| Newest {
            last: HashMap::new(),
            hasher: RandomState::new(),
            next: cursor,
        });
        let turns = match drain.newest_only {
            true => TurnsLeft::Before(None),
            false => TurnsLeft::None,
        };
        Self {
            drain,
            newest,
            turns,
        }
    }

    pub(crate) fn drain(&self) -> Drain {
        self.drain
    }

    /// Starts to look for the newest again: other events are meant now.
    pub(crate) fn look_again(&mut self, cursor: Offset) {
        self.newest = Self::new(self.drain, cursor).newest;
    }

    /// Where to look on for the newest, as long as not all has been looked at.
    pub(crate) fn looks_at(&self) -> Option<Offset> {
        let next = self.newest.as_ref()?.next;
        (next < self.drain.until).then_some(next)
    }

    /// An event that is meant for the sync was found, or one that is not.
    pub(crate) fn looked_at(&mut self, event: &Event, is_meant: bool) {
        let until = self.drain.until;
        let Some(newest) = &mut self.newest else {
            return;
        };
        newest.next = event.offset.next();
        if !is_meant || event.offset >= until {
            return;
        }
        newest.note(event);
    }

    /// There is nothing more to look at.
    pub(crate) fn looked_at_all(&mut self) {
        if let Some(newest) = &mut self.newest {
            newest.next = self.drain.until;
        }
    }

    /// Behind which place to look on at what waits for its user's turn; `None` when all of it has been looked
    /// at.
    pub(crate) fn looks_at_turns(&self) -> Option<Option<Turn>> {
        match self.turns {
            TurnsLeft::Before(turn) => Some(turn),
            TurnsLeft::None => None,
        }
    }

    /// All that waits up to this has been looked at; `None`: there is nothing more.
    pub(crate) fn looked_at_turns(&mut self, last: Option<Turn>) {
        self.turns = match last {
            Some(_) => TurnsLeft::Before(last),
            None => TurnsLeft::None,
        };
    }

    /// Whether a delivery of this event, which is meant for the sync and waits for its user's turn, is left
    /// out. To be asked from a user's last one on: the first one asked about stays where none is newer.
    pub(crate) fn leaves_out(&mut self, event: &Event) -> bool {
        if self.is_superseded(event) {
            return true;
        }
        let until = self.drain.until;
        if let Some(newest) = self.newest.as_mut().filter(|_| event.offset < until) {
            newest.note(event);
        }
        false
    }

    /// Whether a newer event of the same user and type was held, too.
    pub(crate) fn is_superseded(&self, event: &Event) -> bool {
        let Some(newest) = &self.newest else {
            return false;
        };
        if event.offset >= self.drain.until {
            return false;
        }
        let last = newest.pair(event).and_then(|pair| newest.last.get(&pair));
        last.is_some_and(|last| *last > event.offset)
    }
}

impl Newest {
    fn note(&mut self, event: &Event) {
        let Some(pair) = self.pair(event) else {
            return;
        };
        let is_full = self.last.len() >= MOST_PAIRS;
        match self.last.get_mut(&pair) {
            Some(last) => *last = event.offset.max(*last),
            None if is_full => {}
            None => {
                self.last.insert(pair, event.offset);
            }
        }
    }

    /// `None` where an event has no user.
    fn pair(&self, event: &Event) -> Option<u64> {
        let user = user::key(event)?;
        Some(self.hasher.hash_one((user, user::event_type(event)?)))
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use model::{EventKind, ProjectId, Timestamp};

    use super::*;

    fn event(offset: u64, user: u64, event_type: &str) -> Event {
        let user = match user {
            0 => String::new(),
            user => format!(r#","amplitude_id":{user}"#),
        };
        let text = format!(r#"{{"event_type":"{event_type}"{user}}}"#);
        Event::new(
            ProjectId::from_bytes([1; 16]),
            Offset(offset),
            EventKind::Track,
            Timestamp(1),
            Bytes::from(text),
        )
    }

    fn newest_only(until: u64) -> Draining {
        let drain = Drain {
            until: Offset(until),
            newest_only: true,
            requests_per_minute: None,
        };
        Draining::new(drain, Offset(0))
    }

    #[test]
    fn the_newest_of_each_user_and_type_stays() {
        let mut draining = newest_only(7);
        let events = [
            event(0, 1, "a"),
            event(1, 2, "a"),
            event(2, 1, "b"),
            event(3, 1, "a"),
            event(4, 0, "a"),
            event(5, 0, "a"),
            // Not meant for the sync: it supersedes nothing.
            event(6, 2, "a"),
            // Not held: it came later.
            event(7, 1, "a"),
        ];
        assert_eq!(draining.looks_at(), Some(Offset(0)));
        for event in &events {
            draining.looked_at(event, event.offset != Offset(6));
        }
        assert_eq!(draining.looks_at(), None);
        let left_out = events.iter().filter(|event| draining.is_superseded(event));
        let left_out: Vec<_> = left_out.map(|event| event.offset.0).collect();
        assert_eq!(left_out, [0]);
    }

    #[test]
    fn pairs_beyond_the_bound_are_sent_rather_than_forgotten() {
        let mut draining = newest_only(u64::MAX);
        let most = MOST_PAIRS as u64;
        for offset in 0..most {
            draining.looked_at(&event(offset, offset + 1, "a"), true);
        }
        for offset in [most, most + 1] {
            draining.looked_at(&event(offset, most + 9, "a"), true);
        }
        draining.looked_at(&event(most + 2, 1, "a"), true);
        assert!(draining.is_superseded(&event(0, 1, "a")));
        assert!(!draining.is_superseded(&event(most, most + 9, "a")));
        let newest = draining.newest.as_ref().unwrap();
        assert_eq!(newest.last.len(), MOST_PAIRS);
    }
}
