//! The order on its own, whatever comes to pass around it.

use std::collections::{BTreeMap, BTreeSet};

use journal::turn::{Booked, Turn};
use model::Random;
use model::random::Seeded;

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
    /// Before this, some was settled before the last restart.
    gaps_end: usize,
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
            self.read += 1;
            if self.over.contains(&offset) || self.stored.contains_key(&(user, offset)) {
                continue;
            }
            match self.turns.admit(user, (user, offset), 5) {
                Admitted::Go((user, offset)) => self.send(user, offset, false, true),
                Admitted::Waits => {}
                Admitted::Store(before, work) => {
                    let stored = before.into_iter().chain([work]);
                    self.stored.extend(stored.map(|work| (work, false)));
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
        if self.read < self.gaps_end {
            return;
        }
        while let Some(user) = self.turns.next_ready() {
            let range = (user, 0)..=(user, u64::MAX);
            let (&(_, offset), &booked) = self.stored.range(range).next().unwrap();
            assert!(!booked);
            self.turns.begun(user, key(offset), false);
            self.send(user, offset, true, true);
        }
    }

    fn restart(&mut self) {
        self.turns = Turns::default();
        self.sent.clear();
        self.read = 0;
        let settled = self.over.iter().chain(self.stored.keys().map(|(_, at)| at));
        self.gaps_end = settled.max().map_or(0, |last| *last as usize + 1);
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
                booked_count: u64::from(booked),
                booked: booked.then_some(Booked {
                    due_at: Timestamp(offset as i64),
                    attempts: 1,
                }),
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
fn what_waits_in_memory_is_bounded_and_the_rest_goes_into_the_journal() {
    let mut turns: Turns<u64> = Turns::default();
    assert!(matches!(turns.admit(1, 0, 1000), Admitted::Go(0)));
    let most = MOST_BEHIND as u64;
    for offset in 1..=most {
        let admitted = turns.admit(1, offset, 1000);
        assert!(matches!(admitted, Admitted::Waits));
    }
    let Admitted::Store(before, last) = turns.admit(1, most + 1, 1000) else {
        panic!("one too many in memory");
    };
    assert_eq!((before.len(), last), (MOST_BEHIND, most + 1));
    assert_eq!((turns.behind, turns.waiting()), (0, most + 1));
    let next = turns.admit(1, most + 2, 1000);
    assert!(matches!(next, Admitted::Store(before, _) if before.is_empty()));
    // All users' together are bounded, too.
    assert!(matches!(turns.admit(2, 200, 1), Admitted::Go(200)));
    assert!(matches!(turns.admit(2, 201, 1), Admitted::Waits));
    assert!(matches!(turns.admit(3, 202, 1), Admitted::Go(202)));
    assert!(matches!(turns.admit(3, 203, 1), Admitted::Store(..)));
    // The first one, which only memory has, is over: the journal has the next.
    let freed = turns.ended(1, key(0), true, false);
    assert!(freed.go.is_none() && !turns.has_ready());
    turns.settles();
    turns.settled();
    assert_eq!(turns.next_ready(), Some(1));
}

#[test]
fn what_only_memory_has_becomes_the_first_in_the_journal_when_it_is_booked() {
    let mut turns: Turns<u64> = Turns::default();
    let _ = turns.admit(1, 0, 1);
    let _ = turns.admit(1, 1, 1);
    assert!(matches!(turns.admit(1, 2, 1), Admitted::Store(before, 2) if before == [1]));
    let freed = turns.ended(1, key(0), false, false);
    assert!(freed.go.is_none() && freed.store.is_empty());
    turns.settles();
    turns.settled();
    assert_eq!((turns.waiting(), turns.user_of(key(0))), (2, Some(1)));
    assert!(!turns.has_ready(), "its end is waited for");
}

#[test]
fn a_turn_is_looked_for_once_what_was_before_it_is_durable() {
    let mut turns: Turns<u64> = Turns::default();
    let _ = turns.admit(1, 0, 50);
    let _ = turns.admit(1, 1, 50);
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
    turns.too_early(user);
    turns.settled();
    assert!(!turns.has_ready());
    turns.settles();
    turns.settled();
    assert_eq!(turns.next_ready(), Some(1));
    turns.begun(1, key(1), false);
    assert_eq!(turns.waiting(), 1, "it is under way");
    turns.ended(1, key(1), true, true);
    assert!(turns.users.is_empty() && turns.waiting() == 0);
}

#[test]
fn retries_that_have_no_place_in_the_order_disturb_nobody() {
    let mut turns: Turns<u64> = Turns::default();
    assert_eq!(turns.user_of(key(0)), None);
    let _ = turns.admit(1, 3, 50);
    let _ = turns.admit(1, 4, 50);
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
    let _ = turns.admit(1, 0, 50);
    let _ = turns.admit(1, 1, 50);
    turns.ended(1, key(0), false, false);
    turns.settles();
    turns.settled();
    turns.booked((Timestamp(9), Offset(0), Part::Event));
    turns.booked((Timestamp(5), Offset(7), Part::Event));
    turns.notice_gone(|_| false);
    assert!(!turns.has_ready());
    turns.notice_gone(|(due_at, ..)| due_at.0 == 9);
    assert_eq!((turns.next_ready(), turns.waiting()), (Some(1), 2));
    turns.begun(1, key(1), false);
    assert!(turns.forget(1).is_none());
    assert!(turns.users.is_empty() && turns.heads.is_empty() && turns.waiting() == 0);
}

#[test]
fn a_user_whose_deliveries_were_erased_begins_anew() {
    let mut turns: Turns<u64> = Turns::default();
    let _ = turns.admit(1, 0, 50);
    let _ = turns.admit(1, 1, 50);
    turns.ended(1, key(0), false, false);
    turns.settles();
    turns.settled();
    turns.ended(1, key(0), true, true);
    assert!(turns.forget(1).is_none());
    assert_eq!(
        (turns.waiting(), turns.users_stored, turns.heads.len()),
        (0, 0, 0)
    );
    assert!(matches!(turns.admit(1, 2, 50), Admitted::Go(2)));
}

fn at(due_at: i64, offset: u64) -> RetryKey {
    (Timestamp(due_at), Offset(offset), Part::Event)
}

const MOST: MostAwaiting = MostAwaiting {
    of_user: 2,
    of_lane: 3,
};

#[test]
fn what_waits_for_a_property_is_pending_until_it_is_looked_at() {
    let mut turns: Turns<u64> = Turns::default();
    assert!(turns.admit_awaiting(1, key(0)).is_empty());
    assert!(turns.admit_awaiting(1, key(1)).is_empty());
    turns.settles();
    turns.settled();
    turns.booked(at(9, 0));
    turns.booked(at(10, 1));
    assert_eq!((turns.waiting(), turns.awaiting()), (0, 2));
    assert!(turns.may_await(1, MOST).is_err() && turns.may_await(2, MOST).is_ok());
    assert!(
        matches!(turns.admit(1, 2, 50), Admitted::Store(_, 2)),
        "behind them"
    );
    assert_eq!(turns.waiting(), 1);
    turns.look_at(2);
    assert!(!turns.has_ready(), "of somebody else");
    turns.look_at(1);
    assert!(!turns.is_awaiting(1));
    assert_eq!(turns.next_ready(), Some(1));
    turns.stops_awaiting(1, key(0));
    assert_eq!((turns.waiting(), turns.awaiting()), (1, 1));
    turns.booked(at(3, 0));
    assert_eq!(turns.retried(at(3, 0)), Some(1));
    turns.ended(1, key(0), true, true);
    // The second one's time comes before its turn does.
    assert_eq!(turns.retried(at(10, 1)), None);
    turns.awaits_its_turn(1);
    assert_eq!((turns.waiting(), turns.awaiting()), (2, 0));
    for offset in [1, 2] {
        turns.begun(1, key(offset), false);
        turns.ended(1, key(offset), true, true);
    }
    assert!(turns.is_empty() && turns.waiting() == 0 && turns.due.is_empty());
}

#[test]
fn a_delivery_that_waits_for_a_property_takes_its_place_behind_one_under_way() {
    let mut turns: Turns<u64> = Turns::default();
    let _ = turns.admit(1, 0, 50);
    let _ = turns.admit(1, 1, 50);
    assert_eq!(turns.admit_awaiting(1, key(2)), [1]);
    assert!(!turns.is_awaiting(1), "the first is under way");
    assert!(matches!(turns.admit(1, 3, 50), Admitted::Store(_, 3)));
    let freed = turns.ended(1, key(0), true, false);
    assert!(freed.go.is_none() && freed.store.is_empty());
    turns.settles();
    turns.settled();
    assert_eq!((turns.next_ready(), turns.waiting()), (Some(1), 2));
    turns.begun(1, key(1), false);
    turns.ended(1, key(1), true, true);
    turns.awaits(1, at(9, 2));
    assert!(turns.is_awaiting(1));
    assert_eq!((turns.waiting(), turns.awaiting()), (1, 1));
    assert!(turns.forget(1).is_none());
    assert!(turns.is_empty() && !turns.any_awaits());
    assert_eq!((turns.waiting(), turns.awaiting(), turns.booked), (0, 0, 0));
}

#[test]
fn what_has_waited_long_enough_is_begun_or_given_up() {
    let mut turns: Turns<u64> = Turns::default();
    for offset in 0..3 {
        turns.admit_awaiting(1, key(offset));
    }
    turns.settles();
    turns.settled();
    turns.booked(at(9, 0));
    assert!(turns.any_awaits());
    assert_eq!(turns.retried(at(9, 0)), Some(1));
    assert!(!turns.any_awaits() && turns.awaiting() == 2);
    turns.given_up(1);
    assert_eq!((turns.waiting(), turns.awaiting(), turns.stored), (0, 1, 2));
    turns.ended(1, key(0), true, true);
    turns.awaits(1, at(11, 2));
    turns.notice_gone(|_| true);
    assert_eq!((turns.awaiting(), turns.booked), (0, 0));
}

#[test]
fn the_last_one_that_waits_is_given_up_behind_one_under_way() {
    let mut turns: Turns<u64> = Turns::default();
    let _ = turns.admit(1, 0, 50);
    turns.admit_awaiting(1, key(1));
    turns.settles();
    turns.settled();
    turns.given_up(1);
    assert_eq!((turns.stored, turns.users_stored, turns.booked), (0, 0, 0));
    assert!(
        matches!(turns.admit(1, 2, 50), Admitted::Waits),
        "for the first"
    );
    assert_eq!(turns.ended(1, key(0), true, false).go, Some(2));
    assert!(turns.ended(1, key(2), true, false).go.is_none());
    assert!(turns.is_empty() && turns.waiting() == 0 && !turns.has_ready());
}

#[test]
fn what_comes_while_the_last_one_is_given_up_goes_once_that_is_durable() {
    let mut turns: Turns<u64> = Turns::default();
    let _ = turns.admit(1, 0, 50);
    turns.admit_awaiting(1, key(1));
    turns.ended(1, key(0), true, false);
    turns.given_up(1);
    for offset in [2, 3] {
        assert!(matches!(turns.admit(1, offset, 50), Admitted::Waits));
    }
    turns.settles();
    turns.settled();
    assert_eq!(turns.next_ready(), Some(1));
    assert_eq!(turns.forget(1), Some(2));
    assert_eq!(turns.ended(1, key(2), true, false).go, Some(3));
    turns.ended(1, key(3), true, false);
    assert!(turns.is_empty() && turns.waiting() == 0 && turns.users_stored == 0);
}

#[test]
fn at_the_start_all_that_waits_for_properties_is_looked_at() {
    let mut turns: Turns<u64> = Turns::default();
    let waits = Booked {
        due_at: Timestamp(9),
        attempts: 0,
    };
    let turn = Turn {
        user: 1,
        offset: Offset(4),
        part: Part::Event,
    };
    turns.load(&TurnHead {
        turn,
        count: 5,
        booked_count: 3,
        booked: Some(waits),
    });
    assert_eq!((turns.waiting(), turns.awaiting()), (2, 3));
    assert_eq!(turns.next_ready(), Some(1));
    turns.awaits(1, at(9, 4));
    assert_eq!((turns.waiting(), turns.awaiting()), (2, 3));
}
