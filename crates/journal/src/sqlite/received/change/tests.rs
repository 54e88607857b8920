//! What is shown, against an exact count of the same events.

use std::collections::BTreeMap;
use std::time::Duration;

use model::{Event, EventKind, ProjectId};
use proptest::prelude::*;

use super::super::write::{forget, retire};
use super::*;
use crate::received::{Received, ReceivedScope, Seen, start_of};

const PROJECT: i64 = 1;
const FIRST_DAY: u32 = 20_600;
const DAY: Duration = Duration::from_secs(24 * 60 * 60);
/// As long as anything is kept.
const LONGEST: Duration = Duration::from_secs(31 * 24 * 60 * 60);

/// So little that names fight for it.
const TABLES: Room = Room {
    types: 8,
    group_types: 3,
    properties: 6,
    fewest_properties: 2,
    all_properties: usize::MAX >> 1,
};
const MEMORY: Room = Room {
    types: 12,
    group_types: 4,
    properties: 9,
    ..TABLES
};
/// Also all properties together.
const CROWDED: Room = Room {
    all_properties: 20,
    ..TABLES
};

/// A type, and numbers of the properties of the event, its user and its groups.
#[derive(Debug, Clone)]
struct Told {
    event_type: usize,
    own: Vec<usize>,
    of_user: Vec<usize>,
    groups: Vec<usize>,
}

#[derive(Debug, Clone)]
enum Step {
    Events(Vec<Told>),
    Flush,
    NextDay(u32),
    /// Of the events before, each of so many.
    Erase(usize),
    Retire,
}

/// Low numbers are frequent.
fn skewed(below: usize) -> impl Strategy<Value = usize> {
    (0..below, 0..below, 0..below).prop_map(|(a, b, c)| a.min(b).min(c))
}

fn told() -> impl Strategy<Value = Told> {
    let several = |below, most| proptest::collection::btree_set(skewed(below), 0..=most);
    (skewed(40), several(20, 4), several(20, 3), several(8, 2)).prop_map(
        |(event_type, own, of_user, groups)| Told {
            event_type,
            own: own.into_iter().collect(),
            of_user: of_user.into_iter().collect(),
            groups: groups.into_iter().collect(),
        },
    )
}

fn steps(all: bool) -> impl Strategy<Value = Vec<Step>> {
    let usual = prop_oneof![
        3 => proptest::collection::vec(told(), 1..40).prop_map(Step::Events),
        3 => Just(Step::Flush),
        1 => (1..3_u32).prop_map(Step::NextDay),
    ];
    let step = match all {
        false => usual.boxed(),
        true => prop_oneof![
            7 => usual,
            1 => (20..40_u32).prop_map(Step::NextDay),
            2 => (2..5_usize).prop_map(Step::Erase),
            1 => Just(Step::Retire),
        ]
        .boxed(),
    };
    proptest::collection::vec(step, 1..30)
}

impl Told {
    fn text(&self, with_long: bool) -> String {
        let event_type = match self.event_type {
            30.. if with_long => "long ".repeat(200),
            number => format!("type {number}"),
        };
        let members = |of: &str, numbers: &[usize]| {
            let members = numbers.iter().map(|n| format!(r#""{of}{n}":1"#));
            members.collect::<Vec<_>>().join(",")
        };
        let groups = self.groups.iter().map(|n| format!(r#""group {n}":["g"]"#));
        let described = self.groups.iter();
        let described =
            described.map(|n| format!(r#""group {n}":{{"g":{{{}}}}}"#, members("q", &self.own)));
        format!(
            r#"{{"event_type":"{event_type}","event_properties":{{{}}},"user_properties":{{{}}},
                "groups":{{{}}},"group_properties":{{{}}}}}"#,
            members("p", &self.own),
            members("u", &self.of_user),
            groups.collect::<Vec<_>>().join(","),
            described.collect::<Vec<_>>().join(","),
        )
    }
}

/// Scopes, and properties of these, each with its events by day.
type Exact = BTreeMap<(Owner, String, Option<String>), BTreeMap<u32, u64>>;

struct World {
    connection: Connection,
    room: Room,
    with_long: bool,
    day: u32,
    gathered: Tally,
    next: Offset,
    events: Vec<(u32, Told, Event)>,
}

impl World {
    fn new(room: Room, with_long: bool) -> Self {
        let connection = Connection::open_in_memory().unwrap();
        connection.execute_batch(rows::CREATE_RECEIVED).unwrap();
        let erased = "CREATE TABLE erased (project INTEGER, offset INTEGER)";
        connection.execute_batch(erased).unwrap();
        Self {
            connection,
            room,
            with_long,
            day: FIRST_DAY,
            gathered: Tally::within(Some(MEMORY), 7),
            next: Offset(0),
            events: Vec::new(),
        }
    }

    fn now(&self) -> Timestamp {
        start_of(self.day) + DAY / 2
    }

    fn step(&mut self, step: &Step) {
        match step {
            Step::Events(events) => events.iter().for_each(|told| self.tell(told)),
            Step::Flush => self.flush(),
            Step::NextDay(days) => self.day += days,
            Step::Erase(each) => {
                self.flush();
                let erased = self.events.iter().step_by(*each).map(|(.., event)| event);
                forget(&self.connection, PROJECT, erased).unwrap();
                let events = std::mem::take(&mut self.events).into_iter().enumerate();
                let left = events.filter(|(position, _)| position % each != 0);
                self.events = left.map(|(_, event)| event).collect();
            }
            Step::Retire => {
                self.flush();
                while retire(&self.connection, None, self.now(), LONGEST).unwrap() {}
            }
        }
    }

    fn tell(&mut self, told: &Told) {
        let project = ProjectId::from_bytes([0; 16]);
        let text = told.text(self.with_long).into();
        let event = Event::new(project, self.next, EventKind::Track, self.now(), text);
        self.next = self.next.next();
        self.gathered.add(&event);
        self.events.push((self.day, told.clone(), event));
    }

    fn flush(&mut self) {
        let before = rows::base(&self.connection, PROJECT).unwrap();
        let tally = std::mem::replace(&mut self.gathered, Tally::within(Some(MEMORY), 7));
        let change = Change::new(
            &self.connection,
            PROJECT,
            before,
            self.next,
            tally,
            self.room,
        );
        let outcome = change.unwrap().write(&self.connection).unwrap();
        assert_eq!(outcome, Outcome::Written);
    }

    /// What is shown of the days from one on.
    fn shown(&self, day: u32) -> Received {
        let base = rows::base(&self.connection, PROJECT).unwrap();
        let mut scopes = rows::load(&self.connection, PROJECT, &base).unwrap();
        scopes.merge(self.gathered.clone().finish());
        scopes.bound(self.room);
        scopes.view(Kept::new(start_of(day)))
    }

    fn exact(&self) -> Exact {
        let mut exact = Exact::new();
        for (day, told, event) in &self.events {
            let root = event.root().unwrap().as_object().unwrap();
            let event_type = root.get("event_type").and_then(|it| it.as_str()).unwrap();
            let mut note = |owner, scope: &str, of: &str, properties: &[usize]| {
                let own = properties.iter().map(|n| Some(format!("{of}{n}")));
                for property in own.chain([None]) {
                    let days = exact
                        .entry((owner, scope.to_owned(), property))
                        .or_default();
                    *days.entry(*day).or_default() += 1;
                }
            };
            note(Owner::EventType, event_type, "p", &told.own);
            note(Owner::Users, "", "u", &told.of_user);
            for group in &told.groups {
                note(Owner::GroupType, &format!("group {group}"), "q", &told.own);
            }
        }
        exact
    }

    /// Whatever is shown is right, or off by no more than it says.
    fn check(&self, kept_days: u32) {
        let (exact, first) = (self.exact(), (self.day + 1).saturating_sub(kept_days));
        for day in first.max(FIRST_DAY)..=self.day {
            let shown = self.shown(day);
            for ((owner, name, property), days) in &exact {
                let really: u64 = days.range(day..).map(|(_, count)| count).sum();
                let (least, most) = range(&shown, *owner, name, property.as_deref());
                assert!(
                    (least..=most).contains(&really),
                    "{owner:?} {name} {property:?} since {day}: {really}, not {least} to {most}",
                );
            }
            let known = |owner, name: &str, property: Option<&str>| {
                let key = (owner, name.to_owned(), property.map(str::to_owned));
                assert!(exact.contains_key(&key), "{key:?}");
            };
            for (owner, scopes) in scopes(&shown) {
                for scope in scopes {
                    known(owner, &scope.name, None);
                    let properties = scope.properties.iter();
                    properties.for_each(|each| known(owner, &scope.name, Some(&each.name)));
                }
            }
        }
    }
}

fn scopes(shown: &Received) -> [(Owner, &[ReceivedScope]); 3] {
    let users: &[ReceivedScope] = match shown.events {
        0 => &[],
        _ => std::slice::from_ref(&shown.users),
    };
    [
        (Owner::EventType, &shown.types[..]),
        (Owner::Users, users),
        (Owner::GroupType, &shown.groups[..]),
    ]
}

/// How many events there were, by what is shown: at least, and at most.
fn range(shown: &Received, owner: Owner, name: &str, property: Option<&str>) -> (u64, u64) {
    let range = |seen: &Seen| (seen.events, seen.events + seen.uncounted);
    let unshown = match owner {
        Owner::EventType => shown.uncounted_types,
        Owner::GroupType => shown.uncounted_groups,
        Owner::Users => 0,
    };
    let all = scopes(shown);
    let mut of_owner = all
        .iter()
        .filter(|(of, _)| *of == owner)
        .flat_map(|(_, all)| all.iter());
    let Some(scope) = of_owner.find(|each| each.name == name) else {
        return (0, unshown);
    };
    let Some(property) = property else {
        return range(&scope.seen);
    };
    let found = scope.properties.iter().find(|each| each.name == property);
    found.map_or((0, scope.uncounted_properties), |found| range(&found.seen))
}

/// How many events of types, and with properties of users, and of groups there were.
fn weights(exact: &Exact) -> [u64; 3] {
    let sum = |wanted: fn(&(Owner, String, Option<String>)) -> bool| {
        let wanted = exact.iter().filter(|(key, _)| wanted(key));
        wanted.flat_map(|(_, days)| days.values()).sum()
    };
    [
        sum(|(owner, _, property)| *owner == Owner::EventType && property.is_none()),
        sum(|(owner, _, property)| *owner == Owner::Users && property.is_some()),
        sum(|(owner, _, property)| *owner == Owner::GroupType && property.is_none()),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn whatever_is_frequent_is_shown_and_counts_lack_no_more_than_they_say(steps in steps(false)) {
        let mut world = World::new(TABLES, false);
        for step in &steps {
            world.step(step);
            world.check(31);
            let (shown, exact) = (world.shown(FIRST_DAY), world.exact());
            let [types, of_users, groups] = weights(&exact);
            // So anything that is more frequent than that is shown.
            prop_assert!(shown.uncounted_types <= types / TABLES.types as u64);
            prop_assert!(shown.uncounted_groups <= groups / TABLES.group_types as u64);
            let of_users = of_users / TABLES.properties as u64;
            prop_assert!(shown.users.uncounted_properties <= of_users);
            // As long as there is room for all, nothing is lacking.
            let all = exact.keys().filter(|(owner, _, own)| *owner == Owner::EventType && own.is_none());
            if all.count() <= TABLES.types {
                prop_assert_eq!(shown.uncounted_types, 0);
                prop_assert!(shown.types.iter().all(|each| each.seen.uncounted == 0));
            }
        }
    }

    #[test]
    fn counts_lack_no_more_than_they_say_whatever_is_erased_or_gets_old(
        steps in steps(true), crowded in any::<bool>()
    ) {
        let mut world = World::new(if crowded { CROWDED } else { TABLES }, true);
        for step in &steps {
            world.step(step);
            world.check(31);
        }
        let base = rows::base(&world.connection, PROJECT).unwrap();
        let kept = rows::scopes(&world.connection, PROJECT).unwrap();
        let properties: usize = kept.iter().map(|each| each.scope.properties()).sum();
        prop_assert_eq!(base.properties, properties as i64);
    }
}
