//! Throttling per device and user.
//!
//! The rate of an id is that of the last 30 seconds, as a sliding window counter estimates it: the
//! events of the present window of 30 seconds, plus those of the one before in proportion to how
//! much of it lies within the last 30 seconds. Two numbers an id, and two tables that are thrown
//! away whole, keep the memory bounded.

use std::collections::HashMap;
use std::collections::btree_map::Entry;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use journal::IncomingEvent;
use model::{ProjectId, Random, Timestamp};
use xxhash_rust::xxh3::xxh3_128_with_seed;

use super::answer::Throttled;

/// What the rate is averaged over.
const WINDOW: Duration = Duration::from_secs(30);

/// Ids that are counted apart from each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Scope {
    /// Everything but `/batch`.
    Direct,
    /// `/batch`, whose threshold is another.
    Batch,
}

/// Counts the events of devices and users.
#[derive(Debug)]
pub(super) struct Throttle {
    /// Makes it impossible to find ids that are counted as one.
    seed: u64,
    max_entries: usize,
    windows: Mutex<Windows>,
}

#[derive(Debug, Default)]
struct Windows {
    /// The number of the present window since the epoch.
    number: i64,
    present: HashMap<u128, u32>,
    before: HashMap<u128, u32>,
}

impl Windows {
    /// Makes the window at `now` the present one; returns how much of the one before counts.
    fn advance(&mut self, now: Timestamp) -> f64 {
        let width = WINDOW.as_micros() as i64;
        let number = now.0.div_euclid(width);
        // A clock that is set back is left to catch up.
        if number > self.number {
            let present = std::mem::take(&mut self.present);
            self.before = if number == self.number + 1 {
                present
            } else {
                HashMap::new()
            };
            self.number = number;
        }
        let into = (now.0 - self.number * width).clamp(0, width);
        1.0 - into as f64 / width as f64
    }
}

/// What has been counted of a request.
#[derive(Debug, Default)]
pub(super) struct Counted(Vec<(u128, u32)>);

/// How often one id occurs in a request.
struct Tally<'a> {
    key: u128,
    id: &'a str,
    is_user: bool,
    events: u32,
}

impl Throttle {
    pub(super) fn new(max_entries: usize, random: &dyn Random) -> Self {
        Self {
            seed: random.next_u64(),
            max_entries,
            windows: Mutex::default(),
        }
    }

    /// Takes back what was counted of a request that has not been taken after all.
    pub(super) fn take_back(&self, counted: &Counted) {
        let mut windows = self.windows.lock().unwrap_or_else(PoisonError::into_inner);
        for (key, events) in &counted.0 {
            if let Some(count) = windows.present.get_mut(key) {
                *count = count.saturating_sub(*events);
            }
        }
    }

    /// Counts a request's events, or, when a device or user of it would then send more than
    /// `threshold` events a second, counts none and says who. A threshold of 0 allows everything.
    pub(super) fn count(
        &self,
        project: ProjectId,
        scope: Scope,
        threshold: u32,
        events: &[IncomingEvent],
        now: Timestamp,
    ) -> Result<Counted, Throttled> {
        if threshold == 0 {
            return Ok(Counted::default());
        }
        let tallies = self.tally(project, scope, events);
        let mut over = Throttled {
            eps_threshold: threshold,
            ..Throttled::default()
        };
        let mut windows = self.windows.lock().unwrap_or_else(PoisonError::into_inner);
        let share_before = windows.advance(now);
        for tally in &tallies {
            let count = |window: &HashMap<u128, u32>| window.get(&tally.key).map_or(0, |&n| n);
            let in_window = f64::from(count(&windows.before)) * share_before
                + f64::from(count(&windows.present))
                + f64::from(tally.events);
            let rate = in_window / WINDOW.as_secs_f64();
            if rate > f64::from(threshold) {
                let list = match tally.is_user {
                    true => &mut over.throttled_users,
                    false => &mut over.throttled_devices,
                };
                if let Entry::Vacant(entry) = list.entry(tally.id.to_owned()) {
                    entry.insert(rate.ceil() as u64);
                }
            }
        }
        if over.throttled_users.is_empty() && over.throttled_devices.is_empty() {
            for tally in &tallies {
                let room = windows.present.len() < self.max_entries;
                match windows.present.get_mut(&tally.key) {
                    Some(count) => *count = count.saturating_add(tally.events),
                    None if room => drop(windows.present.insert(tally.key, tally.events)),
                    None => {}
                }
            }
            let counted = tallies.iter().map(|tally| (tally.key, tally.events));
            return Ok(Counted(counted.collect()));
        }
        drop(windows);
        let is_over = |event: &IncomingEvent| {
            let among = |id: &Option<String>, list: &std::collections::BTreeMap<String, u64>| {
                id.as_ref().is_some_and(|id| list.contains_key(id))
            };
            among(&event.device_id, &over.throttled_devices)
                || among(&event.user_id, &over.throttled_users)
        };
        over.throttled_events = (0..events.len()).filter(|&i| is_over(&events[i])).collect();
        Err(over)
    }

    /// How often each id occurs, once an id.
    fn tally<'a>(
        &self,
        project: ProjectId,
        scope: Scope,
        events: &'a [IncomingEvent],
    ) -> Vec<Tally<'a>> {
        let mut hashed = project.to_bytes().to_vec();
        let prefix = hashed.len();
        let mut tally = |id: &'a str, is_user: bool| {
            hashed.truncate(prefix);
            hashed.extend_from_slice(&[scope as u8, u8::from(is_user)]);
            hashed.extend_from_slice(id.as_bytes());
            Tally {
                key: xxh3_128_with_seed(&hashed, self.seed),
                id,
                is_user,
                events: 1,
            }
        };
        let mut tallies: Vec<Tally<'a>> = Vec::with_capacity(2 * events.len());
        let mut last: [Option<usize>; 2] = [None, None];
        for event in events {
            for (is_user, id) in [(false, &event.device_id), (true, &event.user_id)] {
                let Some(id) = id else { continue };
                // Most often an upload is one device's: then nothing needs to be hashed again.
                let slot = &mut last[usize::from(is_user)];
                match *slot {
                    Some(place) if tallies[place].id == id => tallies[place].events += 1,
                    _ => {
                        *slot = Some(tallies.len());
                        tallies.push(tally(id, is_user));
                    }
                }
            }
        }
        tallies.sort_unstable_by_key(|tally| tally.key);
        tallies.dedup_by(|later, kept| {
            let same = later.key == kept.key;
            if same {
                kept.events += later.events;
            }
            same
        });
        tallies
    }
}

#[cfg(test)]
mod tests {
    use model::EventKind;
    use model::random::Seeded;
    use model::user::PropertyUpdate;

    use super::*;

    const PROJECT: [u8; 16] = [1; 16];

    fn event(user_id: Option<&str>, device_id: Option<&str>) -> IncomingEvent {
        IncomingEvent {
            kind: EventKind::Track,
            user_id: user_id.map(str::to_owned),
            device_id: device_id.map(str::to_owned),
            insert_id: None,
            event_time: Timestamp(0),
            user_update: PropertyUpdate::none(),
            own_user_properties: None,
            groups: Vec::new(),
            group_update: PropertyUpdate::none(),
            paying: false,
            version: None,
            fields: Vec::new(),
        }
    }

    fn devices(id: &str, count: usize) -> Vec<IncomingEvent> {
        vec![event(None, Some(id)); count]
    }

    fn throttle(max_entries: usize) -> Throttle {
        Throttle::new(max_entries, &Seeded::new(1))
    }

    impl Throttle {
        fn at(&self, second: i64, events: &[IncomingEvent]) -> Result<Counted, Throttled> {
            let now = Timestamp(second * 1_000_000);
            self.count(
                ProjectId::from_bytes(PROJECT),
                Scope::Direct,
                10,
                events,
                now,
            )
        }
    }

    #[test]
    fn a_burst_is_allowed_as_long_as_the_average_is_kept() {
        let throttle = throttle(100);
        assert!(throttle.at(0, &devices("d", 300)).is_ok());
        assert!(throttle.at(1, &devices("d", 1)).is_err());
        // Half of the window before lies within the last 30 seconds.
        assert!(throttle.at(45, &devices("d", 151)).is_err());
        assert!(throttle.at(45, &devices("d", 150)).is_ok());
        assert!(throttle.at(45, &devices("d", 1)).is_err());
        assert!(throttle.at(200, &devices("d", 300)).is_ok());
    }

    #[test]
    fn a_steady_sender_below_the_threshold_is_never_throttled() {
        let throttle = throttle(100);
        for second in 0..300 {
            assert!(throttle.at(second, &devices("d", 9)).is_ok(), "{second}");
        }
    }

    #[test]
    fn refused_events_do_not_count() {
        let throttle = throttle(100);
        for _ in 0..10 {
            assert!(throttle.at(0, &devices("d", 301)).is_err());
        }
        assert!(throttle.at(0, &devices("d", 300)).is_ok());
    }

    #[test]
    fn what_was_taken_back_does_not_count() {
        let throttle = throttle(100);
        for _ in 0..10 {
            let counted = throttle.at(0, &devices("d", 300)).unwrap();
            throttle.take_back(&counted);
        }
        assert!(throttle.at(0, &devices("d", 300)).is_ok());
        assert!(throttle.at(0, &devices("d", 1)).is_err());
    }

    #[test]
    fn users_and_devices_projects_and_scopes_are_counted_apart() {
        let throttle = throttle(100);
        assert!(throttle.at(0, &devices("same", 300)).is_ok());
        assert!(
            throttle
                .at(0, &vec![event(Some("same"), None); 300])
                .is_ok()
        );
        let (now, more) = (Timestamp(0), devices("same", 300));
        let other = ProjectId::from_bytes([2; 16]);
        let own = ProjectId::from_bytes(PROJECT);
        assert!(throttle.count(other, Scope::Direct, 10, &more, now).is_ok());
        assert!(throttle.count(own, Scope::Batch, 10, &more, now).is_ok());
        assert!(throttle.count(own, Scope::Direct, 10, &more, now).is_err());
    }

    #[test]
    fn all_that_are_over_are_named_with_their_events() {
        let throttle = throttle(100);
        let mut events = vec![event(Some("quiet"), Some("loud")); 301];
        events.push(event(Some("quiet"), Some("other")));
        events.insert(0, event(None, Some("other")));
        let over = throttle.at(0, &events).unwrap_err();
        assert_eq!(over.throttled_devices, [("loud".to_owned(), 11)].into());
        assert_eq!(over.throttled_users, [("quiet".to_owned(), 11)].into());
        assert_eq!(over.throttled_events, (1..303).collect::<Vec<_>>());
    }

    #[test]
    fn the_tables_do_not_grow_beyond_their_bound() {
        let throttle = throttle(50);
        for id in 0..500 {
            assert!(throttle.at(0, &devices(&id.to_string(), 1)).is_ok());
        }
        let windows = throttle.windows.lock().unwrap();
        assert_eq!((windows.present.len(), windows.before.len()), (50, 0));
    }

    #[test]
    fn a_clock_that_is_set_back_neither_panics_nor_frees_anyone() {
        let throttle = throttle(100);
        assert!(throttle.at(100, &devices("d", 300)).is_ok());
        assert!(throttle.at(10, &devices("d", 1)).is_err());
    }
}
