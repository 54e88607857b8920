//! Deliveries of one user that keep their order.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use journal::{EraseRequest, Journal as _, Subject};
use millstream_stream::{Config, FailedReplay};
use model::replay::Failures;
use model::sync::{Order, Sync};
use model::{Clock as _, ErasureId, ReplayId};

use crate::support::{Arrived, World};

fn ordered(world: &World, path: &str) -> Sync {
    let mut sync = world.sync(1, path);
    sync.settings.order = Order::PerUser;
    sync
}

fn number(one: &Arrived) -> u64 {
    number_in(&one.body)
}

pub(crate) fn number_in(body: &str) -> u64 {
    let (_, rest) = body.split_once("\"n\":").unwrap();
    let digits = rest.split(|c: char| !c.is_ascii_digit()).next().unwrap();
    digits.parse().unwrap()
}

/// Events of [`World::send`] belong to user `n % 7`. No delivery of a user may be tried for the first
/// time before those that came before it were tried for the last time.
pub(crate) fn assert_order(arrived: &[Arrived]) {
    let mut last: HashMap<u64, u64> = HashMap::new();
    for one in arrived {
        let n = number(one);
        let last = last.entry(n % 7).or_insert(n);
        assert!(n >= *last, "{n} was tried again after {last}");
        *last = n;
    }
}

#[tokio::test]
async fn one_users_trouble_holds_up_that_user_and_nobody_else() {
    let world = World::new(Config::default()).await;
    let sync = ordered(&world, "/strict");
    // User 3 is refused until later.
    world
        .destination
        .refuses("/strict", |body| (number_in(body) % 7 == 3).then_some(400));
    world.apply(&sync).await;
    world.send("tick", 0..700).await;
    world
        .until_before_retry("the others", |world| {
            let view = world.streams.view(sync.id).unwrap();
            (view.counts.delivered_first, view.cursor.0) == (600, 700)
        })
        .await;
    // Between its attempts; while one is under way it still is a pending retry.
    let view = world.streams.view(sync.id).unwrap();
    assert_eq!((view.pending, view.in_order), (1, 99));
    let of_3 = |world: &World| {
        let arrived = world.destination.arrived("/strict").into_iter();
        let of_3: Vec<_> = arrived.filter(|one| number(one) % 7 == 3).collect();
        of_3
    };
    assert!(
        of_3(&world).iter().all(|one| number(one) == 3),
        "no attempt is burnt"
    );
    world.destination.refuses("/strict", |_| None);
    world
        .until("user 3", |world| {
            let view = world.streams.view(sync.id).unwrap();
            (view.counts.delivered_first, view.pending, view.in_order) == (699, 0, 0)
        })
        .await;
    world.until_settled(&sync).await;
    let arrived = of_3(&world);
    assert_order(&arrived);
    let numbers: HashSet<_> = arrived.iter().map(number).collect();
    assert_eq!(numbers.len(), 100);
    let counts = world.streams.view(sync.id).unwrap().counts;
    assert_eq!((counts.delivered_first, counts.delivered_retry), (699, 1));
    let stats = world.journal.lane_stats(sync.id).await.unwrap().unwrap();
    assert_eq!((stats.pending, stats.cursor.0), (0, 700));
    assert!(
        world
            .journal
            .turns(sync.id, None, 10)
            .await
            .unwrap()
            .is_empty()
    );
}

#[tokio::test]
async fn an_expired_delivery_gives_way_to_the_next() {
    let world = World::new(Config::default()).await;
    let sync = ordered(&world, "/gone");
    world
        .destination
        .refuses("/gone", |body| body.contains("\"n\":0,").then_some(400));
    world.apply(&sync).await;
    world.send("tick", 0..1).await;
    world
        .until("booking", |world| {
            world.streams.view(sync.id).unwrap().pending == 1
        })
        .await;
    world.send("tick", 7..8).await;
    let arrived = world.until_arrived("/gone", 11).await;
    world.until_settled(&sync).await;
    assert!(arrived[..10].iter().all(|one| number(one) == 0));
    assert_eq!((number(&arrived[10]), &*arrived[10].attempt), (7, "1"));
    let waited = arrived[10].at.since(arrived[0].at);
    assert!(waited >= Duration::from_secs(3 * 3600), "{waited:?}");
}

#[tokio::test]
async fn the_order_survives_crashes_at_any_time() {
    let mut world = World::new(Config::default()).await;
    let mut sync = ordered(&world, "/flaky");
    sync.settings.users.send = true;
    // A third of the requests fails, at random but the same way each time.
    world.destination.refuses("/flaky", |body| {
        let sum: u32 = body.bytes().map(u32::from).sum();
        sum.is_multiple_of(3).then_some(400)
    });
    world.apply(&sync).await;
    for round in 0..6 {
        world.send("tick", round * 40..(round + 1) * 40).await;
        let target = world.destination.arrived("/flaky").len() + 25;
        world.until_arrived("/flaky", target).await;
        world.restart(std::slice::from_ref(&sync)).await;
        if round == 3 {
            world.destination.refuses("/flaky", |_| None);
        }
    }
    world
        .until("all", |world| {
            let view = world.streams.view(sync.id).unwrap();
            view.cursor.0 == 240 && view.pending == 0 && view.in_order == 0
        })
        .await;
    let arrived = world.destination.arrived("/flaky");
    let ids: HashSet<_> = arrived.iter().map(|one| &one.delivery).collect();
    assert_eq!(ids.len(), 480, "an event and its user each");
    // What a crash repeats, it repeats in order: the last try of each comes in order, too.
    let mut last: HashMap<&str, (usize, &Arrived)> = HashMap::new();
    for (place, one) in arrived.iter().enumerate() {
        last.insert(&one.delivery, (place, one));
    }
    let mut last: Vec<_> = last.into_values().collect();
    last.sort_by_key(|(place, _)| *place);
    // Only events' bodies have numbers; users' have their places between them.
    let last = last.into_iter().map(|(_, one)| one.clone());
    let last: Vec<Arrived> = last.filter(|one| one.body.contains("\"n\":")).collect();
    assert_eq!(last.len(), 240);
    assert_order(&last);
}

#[tokio::test]
async fn a_retry_from_before_the_order_disturbs_nobody() {
    let world = World::new(Config::default()).await;
    let mut sync = world.sync(1, "/late");
    world.destination.refuses("/late", |body| {
        number_in(body).is_multiple_of(7).then_some(400)
    });
    world.apply(&sync).await;
    world.send("tick", 0..1).await;
    let view = |world: &World| world.streams.view(sync.id).unwrap();
    world
        .until_before_retry("booking", |world| view(world).pending == 1)
        .await;
    sync.settings.order = Order::PerUser;
    world.apply(&sync).await;
    world.send("tick", 7..8).await;
    world.send("tick", 14..15).await;
    // The retry of the first, out of order, and a try of the second with the third behind it.
    world
        .until("the third waits", |world| {
            let view = view(world);
            (view.pending, view.in_order, view.cursor.0) == (2, 1, 3)
        })
        .await;
    world.until_arrived("/late", 6).await;
    world.destination.refuses("/late", |_| None);
    world
        .until("all", |world| {
            let counts = view(world).counts;
            counts.delivered_first + counts.delivered_retry == 3
        })
        .await;
    assert_eq!((view(&world).pending, view(&world).in_order), (0, 0));
    let arrived = world.destination.arrived("/late");
    let later: Vec<_> = arrived.into_iter().filter(|one| number(one) > 0).collect();
    assert_order(&later);
    let turns = world.journal.turns(sync.id, None, 10).await.unwrap();
    assert!(turns.is_empty());
}

#[tokio::test]
async fn replayed_deliveries_are_out_of_order_and_hold_nobody_up() {
    let world = World::new(Config::default()).await;
    let mut sync = ordered(&world, "/again");
    sync.settings.events.template = Some(r#"{"n": ${input.absent}}"#.into());
    world.apply(&sync).await;
    world.send("tick", 0..14).await;
    let view = |world: &World| world.streams.view(sync.id).unwrap();
    world
        .until("discarding", |world| view(world).counts.discarded == 14)
        .await;
    let mut mended = sync.clone();
    mended.settings.events.template = Some(r#"{"n":${input.n}}"#.into());
    world.apply(&mended).await;
    // New ones of all users fail, replayed ones don't.
    world
        .destination
        .refuses("/again", |body| (number_in(body) >= 14).then_some(400));
    world.send("tick", 14..28).await;
    world
        .until("waiting", |world| {
            (view(world).pending, view(world).in_order) == (7, 7)
        })
        .await;
    world.streams.replay(FailedReplay {
        id: ReplayId::from_bytes([1; 16]),
        project: sync.project,
        sync: sync.id,
        backfills: Vec::new(),
        failures: Failures::default(),
        per_minute: None,
    });
    world
        .until("replaying", |world| {
            view(world).counts.delivered_retry == 14
        })
        .await;
    world.destination.refuses("/again", |_| None);
    world
        .until("the others", |world| {
            let counts = view(world).counts;
            counts.delivered_first + counts.delivered_retry == 28
        })
        .await;
    assert_eq!((view(&world).pending, view(&world).in_order), (0, 0));
    let arrived = world.destination.arrived("/again").into_iter();
    let later: Vec<_> = arrived.filter(|one| number(one) >= 14).collect();
    assert_order(&later);
}

#[tokio::test]
async fn a_user_who_was_erased_holds_up_nobody_and_nothing_later() {
    let world = World::new(Config::default()).await;
    let sync = ordered(&world, "/erased");
    world
        .destination
        .refuses("/erased", |body| (number_in(body) % 7 == 3).then_some(400));
    world.apply(&sync).await;
    world.send("tick", 0..70).await;
    let view = |world: &World| world.streams.view(sync.id).unwrap();
    world
        .until_before_retry("booking", |world| {
            (view(world).pending, view(world).in_order) == (1, 9)
        })
        .await;
    erase(&world, "user-3").await;
    let turns = world.journal.turns(sync.id, None, 10).await.unwrap();
    assert!(turns.is_empty(), "{turns:?}");
    world.destination.refuses("/erased", |_| None);
    world
        .until("the lane notices", |world| view(world).in_order == 0)
        .await;
    world.send("tick", 73..74).await;
    world
        .until("the user comes again", |world| {
            let arrived = world.destination.arrived("/erased");
            arrived.iter().any(|one| number(one) == 73)
        })
        .await;
}

/// Erases a user, to the end.
async fn erase(world: &World, user: &str) {
    let request = EraseRequest {
        id: ErasureId::from_bytes([1; 16]),
        project: world.project,
        subject: Subject::UserId(user.into()),
        at: world.clock.now(),
    };
    world.journal.erase(request).await.unwrap();
    while world
        .journal
        .go_on_erasing(world.clock.now())
        .await
        .unwrap()
        .more
    {}
}

#[tokio::test]
async fn a_user_who_was_erased_is_forgotten_also_behind_many_retries() {
    let world = World::new(Config::default()).await;
    let mut sync = world.sync(1, "/many");
    world.destination.refuses("/many", |body| {
        let n = number_in(body);
        (n.is_multiple_of(7) || n > 4200).then_some(400)
    });
    world.apply(&sync).await;
    let view = |world: &World| world.streams.view(sync.id).unwrap();
    for part in 0..6 {
        world.send("tick", part * 700..(part + 1) * 700).await;
        world
            .until_before_retry("booking", |world| {
                let booked = (part + 1) * 100;
                (view(world).cursor.0, view(world).pending) == ((part + 1) * 700, booked)
            })
            .await;
    }
    assert_eq!(view(&world).pending, 600, "more than a lane keeps in mind");
    sync.settings.order = Order::PerUser;
    world.apply(&sync).await;
    // The user's next two: the retry of the first is the last one of all, however much the others are
    // moved at random.
    world.clock.advance(Duration::from_secs(12));
    world.send("tick", 4203..4204).await;
    world.send("tick", 4210..4211).await;
    world
        .until_before_retry("waiting", |world| {
            (view(world).pending, view(world).in_order) == (601, 1)
        })
        .await;
    erase(&world, "user-3").await;
    world.destination.refuses("/many", |_| None);
    world
        .until("the lane notices", |world| {
            let delivered = view(world).counts.delivered_retry;
            (delivered, view(world).in_order) == (600, 0)
        })
        .await;
}

#[tokio::test]
async fn one_users_slowness_holds_up_that_user_and_nobody_else() {
    let config = Config {
        window: 64,
        ..Config::default()
    };
    let mut world = World::new(config).await;
    let sync = ordered(&world, "/slow");
    world
        .destination
        .hangs("/slow", |body| number_in(body) % 7 == 3);
    world.apply(&sync).await;
    // Of the slow user there are more than memory is for, before the others'.
    let of_3 = 300;
    let of_3_first = (0..of_3).map(|round| 3 + 7 * round);
    world.send("tick", of_3_first).await;
    world.send("tick", (0..20).map(|round| 4 + 7 * round)).await;
    world
        .until_before_retry("the others", |world| {
            let view = world.streams.view(sync.id).unwrap();
            view.counts.delivered_first == 20
        })
        .await;
    let view = world.streams.view(sync.id).unwrap();
    assert_eq!((view.in_order, view.pending), (of_3 - 1, 0));
    // What memory alone had is tried again first.
    world.restart(std::slice::from_ref(&sync)).await;
    world.destination.hangs("/slow", |_| false);
    world
        .until("all", |world| {
            let view = world.streams.view(sync.id).unwrap();
            (view.cursor.0, view.pending, view.in_order) == (of_3 + 20, 0, 0)
        })
        .await;
    let arrived = world.destination.arrived("/slow");
    assert_order(&arrived);
    let numbers: HashSet<_> = arrived.iter().map(number).collect();
    assert_eq!(numbers.len() as u64, of_3 + 20);
}
