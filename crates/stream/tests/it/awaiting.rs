//! Events that wait for a property of their user.

use std::collections::HashMap;
use std::time::Duration;

use journal::hold::Standing;
use journal::{
    Batch, EndedRow, EndedWhy, EraseRequest, Fates as _, IncomingEvent, Journal as _, Subject,
};
use millstream_stream::{Backlog, Config, LaneView};
use model::definition::{Definition, Mapping};
use model::filter::Property;
use model::json::{Limits, parse};
use model::outcome::{Category, Discarded, NoRoom};
use model::sync::{Order, Sync};
use model::user::PropertyUpdate;
use model::{Clock as _, ErasureId, EventKind, Offset, Part};

use crate::order::number_in;
use crate::support::{Answer, Arrived, World};

const HOUR: Duration = Duration::from_secs(3600);

/// The webhook, with a mapping that an event must have.
fn definition() -> Definition {
    Definition {
        mappings: vec![Mapping {
            name: "email".into(),
            required: true,
            ..Mapping::default()
        }],
        ..Definition::webhook()
    }
}

/// A sync that sends `{"n":…,"mail":…}`, and has events wait for an hour.
pub(crate) fn waiting(world: &World, order: Order) -> Sync {
    let mut sync = world.sync(1, "/wait");
    let settings = &mut sync.settings;
    let name = "mail".to_owned();
    settings
        .mappings
        .insert("email".into(), Property::User { name });
    settings.events.template = Some(r#"{"n":${input.n?c},"mail":"${mappedFields.email}"}"#.into());
    settings.wait_for_properties_seconds = Some(3600);
    settings.order = order;
    sync
}

pub(crate) async fn apply(world: &World, sync: &Sync) {
    world.streams.apply(sync, &definition()).await.unwrap();
}

/// What is sent: events of users, some with properties that they set.
struct Sends {
    events: Vec<IncomingEvent>,
}

impl Sends {
    fn of(world: &World) -> impl Fn(&str, u64) -> IncomingEvent {
        let now = world.clock.now();
        move |user, n| IncomingEvent {
            kind: EventKind::Track,
            user_id: Some(user.to_owned()),
            device_id: None,
            insert_id: None,
            event_time: now,
            user_update: PropertyUpdate::none(),
            own_user_properties: None,
            groups: Vec::new(),
            group_update: PropertyUpdate::none(),
            paying: false,
            version: None,
            fields: format!(r#"{{"event_type":"tick","n":{n}"#).into_bytes(),
        }
    }

    async fn to(self, world: &World) {
        let batch = Batch {
            project: world.project,
            received_at: world.clock.now(),
            events: self.events,
        };
        world.journal.accept(batch).await.unwrap();
    }
}

/// Events of a user, numbered.
pub(crate) async fn send(world: &World, user: &str, numbers: impl IntoIterator<Item = u64>) {
    let event = Sends::of(world);
    let events = numbers.into_iter().map(|n| event(user, n)).collect();
    Sends { events }.to(world).await;
}

/// An identify, which sets a property of the user's.
pub(crate) async fn identify(world: &World, user: &str, set: &str) {
    let update = parse(set.as_bytes(), &Limits::FOREIGN).unwrap();
    let identify = IncomingEvent {
        kind: EventKind::Identify,
        user_update: PropertyUpdate::from_json(&update).unwrap(),
        fields: br#"{"event_type":"$identify""#.to_vec(),
        ..Sends::of(world)(user, 0)
    };
    let events = vec![identify];
    Sends { events }.to(world).await;
}

pub(crate) fn view(world: &World, sync: &Sync) -> LaneView {
    world.streams.view(sync.id).unwrap()
}

/// Whether nothing is left to do, and so many have been delivered.
fn all_delivered(world: &World, sync: &Sync, count: u64) -> bool {
    let view = view(world, sync);
    let delivered = view.counts.delivered_first + view.counts.delivered_retry;
    let left = (view.pending, view.in_order, view.awaiting, view.unread);
    delivered == count && left == (0, 0, 0, 0)
}

fn numbers(arrived: &[Arrived]) -> Vec<u64> {
    arrived.iter().map(|one| number_in(&one.body)).collect()
}

async fn until_awaiting(world: &World, sync: &Sync, count: u64) {
    world
        .until_before_retry("waiting", |world| {
            let view = view(world, sync);
            (view.awaiting, view.pending, view.unread) == (count, count, 0)
        })
        .await;
}

#[tokio::test]
async fn what_waited_goes_first_in_order_when_the_property_comes() {
    for order in [Order::None, Order::PerUser] {
        let world = World::new(Config::default()).await;
        let sync = waiting(&world, order);
        apply(&world, &sync).await;
        send(&world, "ann", 0..5).await;
        send(&world, "bob", 100..103).await;
        until_awaiting(&world, &sync, 8).await;
        assert_eq!(view(&world, &sync).cursor.0, 8, "nobody else waits");
        let pending = world.journal.retries(sync.id, None, 9).await.unwrap();
        assert_eq!(pending.len(), 8);
        let failure = &pending[0].failure;
        assert_eq!(failure.category, Category::AwaitingProperty);
        let wanted = "waits for property \"mail\" of the user until ";
        assert!(failure.message.starts_with(wanted), "{}", failure.message);
        assert!(world.destination.arrived("/wait").is_empty());
        // What follows at once has it, and goes behind all the same.
        identify(&world, "ann", r#"{"mail":"ann@example.com"}"#).await;
        send(&world, "ann", 5..8).await;
        world
            .until_before_retry("delivery", |world| {
                let view = view(world, &sync);
                (view.pending, view.awaiting, view.in_order) == (3, 3, 0)
            })
            .await;
        let arrived = world.destination.arrived("/wait");
        assert_eq!(numbers(&arrived), (0..8).collect::<Vec<_>>(), "{order:?}");
        assert!(
            arrived
                .iter()
                .all(|one| one.body.contains("ann@example.com"))
        );
        // Nothing is left of the user: later ones don't wait for each other in vain.
        send(&world, "ann", 8..10).await;
        world
            .until_before_retry("more", |world| {
                world.destination.arrived("/wait").len() == 10
            })
            .await;
        assert_eq!(view(&world, &sync).awaiting, 3, "bob's still wait");
    }
}

#[tokio::test]
async fn what_the_user_is_known_to_have_is_added_at_once() {
    let world = World::new(Config::default()).await;
    let sync = waiting(&world, Order::None);
    let off = Sync {
        enabled: false,
        ..sync.clone()
    };
    apply(&world, &sync).await;
    apply(&world, &off).await;
    // Both are in the log before the lane reads any of it.
    send(&world, "ann", 1..3).await;
    identify(&world, "ann", r#"{"mail":"ann@example.com"}"#).await;
    apply(&world, &sync).await;
    world
        .until("delivery", |world| all_delivered(world, &sync, 2))
        .await;
    let counts = view(&world, &sync).counts;
    assert_eq!(counts.delivered_first, 2, "nothing waited");
}

#[tokio::test]
async fn what_waited_in_vain_is_discarded_with_the_reason() {
    let world = World::new(Config::default()).await;
    let sync = waiting(&world, Order::PerUser);
    apply(&world, &sync).await;
    send(&world, "ann", 0..3).await;
    until_awaiting(&world, &sync, 3).await;
    // Something else that is set of the user brings nothing.
    identify(&world, "ann", r#"{"plan":"pro"}"#).await;
    // An empty text identifies nobody.
    identify(&world, "ann", r#"{"mail":""}"#).await;
    let began = world.clock.now();
    world
        .until("discarding", |world| {
            let view = view(world, &sync);
            (view.counts.discarded, view.pending, view.awaiting) == (3, 0, 0)
        })
        .await;
    let took = world.clock.now().since(began);
    assert!(took > HOUR * 59 / 60 && took < HOUR * 62 / 60, "{took:?}");
    assert!(world.destination.arrived("/wait").is_empty());
    let ended = world.journal.ended(sync.id, None, 9).await.unwrap();
    assert_eq!(ended.len(), 3);
    for row in ended {
        let EndedWhy::Discarded(why) = &row.ended.why else {
            panic!("{row:?}")
        };
        let Discarded::MissingMapping {
            field,
            waited_seconds: Some(3600..=3700),
            ..
        } = why
        else {
            panic!("{why:?}")
        };
        assert_eq!((field.as_str(), row.ended.attempts), ("email", 0));
        let wanted = "the required mapping email has no value for this event, and none came while it \
                      waited (1 h 0 min), as long as the sync has events wait";
        assert_eq!(why.to_string(), wanted);
    }
    assert!(
        world
            .journal
            .turns(sync.id, None, 9)
            .await
            .unwrap()
            .is_empty()
    );
    // The user's next ones are as new.
    identify(&world, "ann", r#"{"mail":"ann@example.com"}"#).await;
    send(&world, "ann", 3..5).await;
    world
        .until("delivery", |world| all_delivered(world, &sync, 2))
        .await;
}

#[tokio::test]
async fn what_waits_survives_crashes_also_in_the_midst_of_going() {
    for order in [Order::None, Order::PerUser] {
        let mut world = World::new(Config::default()).await;
        let sync = waiting(&world, order);
        apply(&world, &sync).await;
        for round in 0..6 {
            let user = format!("user-{}", round % 3);
            send(&world, &user, round * 10..round * 10 + 8).await;
            if round >= 3 {
                identify(&world, &user, r#"{"mail":"x@example.com"}"#).await;
                send(&world, &user, round * 10 + 8..round * 10 + 10).await;
                let target = world.destination.arrived("/wait").len() + 5;
                // No later than that: the others' time must not pass.
                world
                    .until_before_retry("some go", |world| {
                        world.destination.arrived("/wait").len() >= target
                    })
                    .await;
            } else {
                let count = (round + 1) * 8;
                until_awaiting(&world, &sync, count).await;
            }
            world.restart(&[]).await;
            apply(&world, &sync).await;
        }
        world
            .until("all", |world| {
                let view = view(world, &sync);
                (view.pending, view.in_order, view.unread) == (0, 0, 0)
                    && view.oldest_undelivered.is_none()
            })
            .await;
        let arrived = world.destination.arrived("/wait");
        // A crash repeats what was under way, in order: each one's last arrival counts.
        let mut last: HashMap<u64, usize> = HashMap::new();
        for (place, n) in numbers(&arrived).into_iter().enumerate() {
            last.insert(n, place);
        }
        assert_eq!(last.len(), 3 * 8 + 3 * 10, "{order:?}: none is lost");
        if order == Order::PerUser {
            for user in 0..3 {
                let mut of_user: Vec<_> =
                    last.iter().filter(|(n, _)| *n / 10 % 3 == user).collect();
                of_user.sort_by_key(|(_, place)| **place);
                assert!(of_user.is_sorted_by_key(|(n, _)| **n), "{of_user:?}");
            }
        }
    }
}

#[tokio::test]
async fn failures_of_what_waited_keep_to_the_order_that_was_asked_for() {
    for order in [Order::None, Order::PerUser] {
        let world = World::new(Config::default()).await;
        let sync = waiting(&world, order);
        apply(&world, &sync).await;
        world
            .destination
            .refuses("/wait", |body| (number_in(body) == 0).then_some(400));
        send(&world, "ann", 0..3).await;
        until_awaiting(&world, &sync, 3).await;
        identify(&world, "ann", r#"{"mail":"ann@example.com"}"#).await;
        send(&world, "ann", 3..5).await;
        world
            .until_before_retry("a first attempt", |world| {
                let view = view(world, &sync);
                if view.counts.failed_attempts < 1 {
                    return false;
                }
                match order {
                    // It gives way: nobody waits for its retries.
                    Order::None => (view.pending, view.awaiting, view.in_order) == (1, 0, 0),
                    // The others wait for its end.
                    Order::PerUser => (view.pending, view.in_order) == (3, 2),
                }
            })
            .await;
        let expected: &[u64] = match order {
            Order::None => &[0, 1, 2, 3, 4],
            Order::PerUser => &[0],
        };
        assert_eq!(numbers(&world.destination.arrived("/wait")), expected);
        // In the order, the time of those behind it passes while it is tried: they have what they lacked.
        world.clock.advance(HOUR + Duration::from_secs(60));
        if order == Order::PerUser {
            world
                .until("the others wait for their turns", |world| {
                    let view = view(world, &sync);
                    (view.pending, view.awaiting, view.in_order) == (1, 0, 4)
                })
                .await;
        }
        world.destination.refuses("/wait", |_| None);
        world
            .until("delivery", |world| all_delivered(world, &sync, 5))
            .await;
        let arrived = numbers(&world.destination.arrived("/wait"));
        let later: Vec<_> = arrived.into_iter().filter(|n| *n > 0).collect();
        assert_eq!(later, [1, 2, 3, 4], "{order:?}");
    }
}

#[tokio::test]
async fn no_more_wait_than_may() {
    let config = Config {
        awaiting_per_user: 2,
        awaiting_per_sync: 3,
        ..Config::default()
    };
    let world = World::new(config).await;
    let sync = waiting(&world, Order::None);
    apply(&world, &sync).await;
    send(&world, "ann", 0..4).await;
    send(&world, "bob", 10..14).await;
    world
        .until_before_retry("discarding", |world| {
            let view = view(world, &sync);
            (view.awaiting, view.counts.discarded, view.unread) == (3, 5, 0)
        })
        .await;
    let ended = world.journal.ended(sync.id, None, 9).await.unwrap();
    // Which bound that was is said.
    let why = |row: &EndedRow| match &row.ended.why {
        EndedWhy::Discarded(Discarded::MissingMapping {
            waited_seconds: None,
            no_room,
            ..
        }) => *no_room,
        _ => None,
    };
    let of = |offset: u64| {
        let of = ended.iter().find(|row| row.ended.offset.0 == offset);
        of.and_then(why)
    };
    assert_eq!(of(2), Some(NoRoom::OfUser(2)), "ann has two");
    assert_eq!(of(5), Some(NoRoom::OfSync(3)), "bob has one");
    assert!(ended.iter().all(|row| why(row).is_some()));
    let offsets: Vec<_> = ended.iter().map(|row| row.ended.offset.0).collect();
    assert!(!offsets.contains(&0) && !offsets.contains(&1) && !offsets.contains(&4));
    // Room that is free again is used.
    identify(&world, "ann", r#"{"mail":"ann@example.com"}"#).await;
    world
        .until_before_retry("delivery", |world| {
            view(world, &sync).counts.delivered_retry == 2
        })
        .await;
    send(&world, "bob", 20..21).await;
    world
        .until_before_retry("waiting", |world| view(world, &sync).awaiting == 2)
        .await;
}

#[tokio::test]
async fn settings_that_ask_for_less_let_everything_go() {
    let world = World::new(Config::default()).await;
    let sync = waiting(&world, Order::None);
    apply(&world, &sync).await;
    send(&world, "ann", 0..2).await;
    identify(&world, "ann", r#"{"other":"ann@example.com"}"#).await;
    until_awaiting(&world, &sync, 2).await;
    let mut other = sync.clone();
    let name = "other".to_owned();
    other
        .settings
        .mappings
        .insert("email".into(), Property::User { name });
    apply(&world, &other).await;
    world
        .until_before_retry("delivery", |world| all_delivered(world, &sync, 2))
        .await;
    // Switched off, nothing is waited for.
    apply(&world, &sync).await;
    send(&world, "ann", 2..4).await;
    until_awaiting(&world, &sync, 2).await;
    let mut off = sync.clone();
    off.settings.wait_for_properties_seconds = None;
    apply(&world, &off).await;
    world
        .until_before_retry("discarding", |world| {
            let view = view(world, &sync);
            (view.counts.discarded, view.pending, view.awaiting) == (2, 0, 0)
        })
        .await;
}

#[tokio::test]
async fn an_event_that_lacks_what_nobody_brings_is_discarded_at_once() {
    let world = World::new(Config::default()).await;
    let mut sync = waiting(&world, Order::None);
    let name = "mail".to_owned();
    sync.settings
        .mappings
        .insert("email".into(), Property::Event { name });
    apply(&world, &sync).await;
    send(&world, "ann", 0..2).await;
    world
        .until_before_retry("discarding", |world| {
            view(world, &sync).counts.discarded == 2
        })
        .await;
    assert_eq!(view(&world, &sync).awaiting, 0);
}

#[tokio::test]
async fn a_sync_that_was_switched_off_knows_what_has_come_since() {
    let world = World::new(Config::default()).await;
    let sync = waiting(&world, Order::None);
    apply(&world, &sync).await;
    send(&world, "ann", 0..3).await;
    send(&world, "bob", 10..12).await;
    until_awaiting(&world, &sync, 5).await;
    let off = Sync {
        enabled: false,
        ..sync.clone()
    };
    apply(&world, &off).await;
    world.clock.advance(HOUR * 3);
    identify(&world, "ann", r#"{"mail":"ann@example.com"}"#).await;
    send(&world, "ann", 3..4).await;
    // Received long ago by the time that the sync comes to it, and never known.
    send(&world, "carl", 20..21).await;
    world.clock.advance(HOUR * 3);
    apply(&world, &sync).await;
    world
        .until("all", |world| {
            let view = view(world, &sync);
            let delivered = view.counts.delivered_first + view.counts.delivered_retry;
            (delivered, view.counts.discarded, view.pending) == (4, 3, 0)
        })
        .await;
    let arrived = world.destination.arrived("/wait");
    assert_eq!(numbers(&arrived), [0, 1, 2, 3]);
}

#[tokio::test]
async fn what_waits_is_dropped_erased_and_deleted_with_the_rest() {
    let world = World::new(Config::default()).await;
    let sync = waiting(&world, Order::PerUser);
    apply(&world, &sync).await;
    send(&world, "ann", 0..3).await;
    send(&world, "bob", 10..12).await;
    until_awaiting(&world, &sync, 5).await;
    let request = EraseRequest {
        id: ErasureId::from_bytes([1; 16]),
        project: world.project,
        subject: Subject::UserId("ann".into()),
        at: world.clock.now(),
    };
    world.journal.erase(request).await.unwrap();
    let erased = loop {
        let step = world.journal.go_on_erasing(world.clock.now()).await;
        if let Some(done) = step.unwrap().finished {
            break done;
        }
    };
    let found = |what: &str| erased.found[what];
    assert_eq!((found("awaiting_property"), found("turns")), (3, 3));
    let fate = world.journal.fate(sync.id, Offset(0)).await.unwrap();
    assert!(fate.unwrap().pending.is_empty());
    // The same id is another user now, whom nothing waits for.
    identify(&world, "ann", r#"{"mail":"new@example.com"}"#).await;
    send(&world, "ann", 5..6).await;
    world
        .until_before_retry("the new one", |world| {
            numbers(&world.destination.arrived("/wait")) == [5]
        })
        .await;
    world
        .until("the lane forgets the former", |world| {
            view(world, &sync).awaiting == 0
        })
        .await;
    send(&world, "carl", 20..22).await;
    world
        .until_before_retry("waiting", |world| view(world, &sync).awaiting == 2)
        .await;
    let (project, id) = (sync.project, sync.id);
    let dropped = world
        .streams
        .prepare(project, id, Backlog::Drop, None, "ann");
    assert_eq!(dropped.await.unwrap().retries, 2);
    apply(&world, &sync).await;
    identify(&world, "carl", r#"{"mail":"carl@example.com"}"#).await;
    send(&world, "carl", 22..23).await;
    world
        .until_before_retry("only what came later", |world| {
            numbers(&world.destination.arrived("/wait")) == [5, 22]
        })
        .await;
    send(&world, "dora", 30..31).await;
    world
        .until_before_retry("waiting", |world| view(world, &sync).awaiting == 1)
        .await;
    assert_eq!(world.streams.remove(id).await.unwrap().pending, 1);
    let standing = world.journal.set_standing(id, Standing::Paused).await;
    assert!(standing.is_err(), "the lane is gone");
}

#[tokio::test]
async fn users_of_events_wait_with_them() {
    let world = World::new(Config::default()).await;
    let mut sync = waiting(&world, Order::PerUser);
    sync.settings.users.send = true;
    sync.settings.users.template = Some(r#"{"n":1000,"mail":"${mappedFields.email}"}"#.into());
    apply(&world, &sync).await;
    send(&world, "ann", 0..2).await;
    until_awaiting(&world, &sync, 4).await;
    let fate = world.journal.fate(sync.id, Offset(1)).await.unwrap();
    let parts: Vec<_> = fate.unwrap().pending.iter().map(|one| one.part).collect();
    assert_eq!(parts, [Part::Event, Part::User]);
    identify(&world, "ann", r#"{"mail":"ann@example.com"}"#).await;
    world
        .until_before_retry("delivery", |world| all_delivered(world, &sync, 5))
        .await;
    let arrived = numbers(&world.destination.arrived("/wait"));
    assert_eq!(arrived, [0, 1000, 1, 1000, 1000], "the identify comes last");
}

#[tokio::test]
async fn all_attempts_have_the_property_that_came() {
    for order in [Order::None, Order::PerUser] {
        let mut world = World::new(Config::default()).await;
        let sync = waiting(&world, order);
        apply(&world, &sync).await;
        send(&world, "ann", [1]).await;
        until_awaiting(&world, &sync, 1).await;
        let failing = [Answer::Status(500)];
        world.destination.answers("/wait", failing);
        identify(&world, "ann", r#"{"mail":"ann@example.com"}"#).await;
        world
            .until_before_retry("a failure", |world| {
                view(world, &sync).counts.failed_attempts == 1
            })
            .await;
        identify(&world, "ann", r#"{"$unset":{"mail":"-"}}"#).await;
        // The retry is read from the journal.
        world.restart(&[]).await;
        world.destination.answers("/wait", [Answer::Status(200)]);
        apply(&world, &sync).await;
        world
            .until("delivery", |world| {
                let counts = view(world, &sync).counts;
                counts.delivered_retry + counts.discarded == 1
            })
            .await;
        assert_eq!(view(&world, &sync).counts.discarded, 0);
        let arrived = world.destination.arrived("/wait");
        assert!(arrived.iter().any(|one| one.attempt == "2"));
        let bodies = arrived.iter().map(|one| one.body.as_str());
        let all: std::collections::BTreeSet<_> = bodies.collect();
        let sent = r#"{"n":1,"mail":"ann@example.com"}"#;
        assert_eq!(all.into_iter().collect::<Vec<_>>(), [sent]);
    }
}
