//! A destination that is away where each user's deliveries wait for one another, and users are few: after
//! a moment there are no first attempts any more.

use std::collections::{HashMap, HashSet};
use std::sync::atomic::Ordering;
use std::time::Duration;

use journal::Journal as _;
use journal::hold::Drain;
use millstream_stream::{Config, Health};
use model::sync::{Order, Sync};
use model::{Clock as _, Offset, Timestamp};

use crate::order::{assert_order, number_in};
use crate::support::{Answer, Arrived, World};

const SECOND: Duration = Duration::from_secs(1);

fn is_shut(world: &World, sync: &Sync) -> bool {
    world.streams.view(sync.id).unwrap().shut_since.is_some()
}

fn ordered(world: &World, path: &str) -> Sync {
    let mut sync = world.sync(1, path);
    sync.settings.order = Order::PerUser;
    sync
}

/// Seven events a second, one of each of seven users, for so many seconds from the `from`th on.
async fn send(world: &World, from: u64, seconds: u64) {
    for second in from..from + seconds {
        world.send("tick", second * 7..(second + 1) * 7).await;
        world.pass(SECOND).await;
    }
}

/// What arrived from then on.
fn arrived_from(world: &World, from: Timestamp) -> Vec<Arrived> {
    let arrived = world.destination.arrived("/away").into_iter();
    arrived.filter(|one| one.at >= from).collect()
}

/// Everything is delivered, once and in order, and nothing is left.
async fn assert_all_taken(world: &World, sync: &Sync, events: usize) {
    world
        .until("all", |world| {
            let view = world.streams.view(sync.id).unwrap();
            (view.cursor.0 as usize, view.pending, view.in_order) == (events, 0, 0)
        })
        .await;
    let taken = world.destination.taken("/away");
    let different: HashSet<_> = taken.iter().collect();
    assert_eq!((taken.len(), different.len()), (events, events));
    assert_order(&world.destination.arrived("/away"));
    let stats = world.journal.lane_stats(sync.id).await.unwrap().unwrap();
    assert_eq!((stats.pending, stats.ended), (0, 0));
}

#[tokio::test]
async fn it_is_probed_with_retries_that_cost_no_attempt_and_all_go_when_it_is_back() {
    let world = World::new(Config::default()).await;
    let sync = ordered(&world, "/away");
    world.destination.answers("/away", [Answer::Status(500)]);
    world.apply(&sync).await;
    send(&world, 0, 110).await;
    let view = world.streams.view(sync.id).unwrap();
    assert!(is_shut(&world, &sync), "{view:?}");
    assert!(view.reason.unwrap().starts_with("on hold since"));
    assert_eq!((view.pending, view.in_order), (7, 763));
    let from = world.clock.now();
    world.pass(1500 * SECOND).await;
    // Probes are made of all users, at most a minute apart.
    let arrived = arrived_from(&world, from);
    let pairs = arrived.iter().zip(&arrived[1..]);
    let longest = pairs.map(|(one, next)| next.at.since(one.at)).max();
    assert!(longest.unwrap() <= 61 * SECOND, "{longest:?}");
    let users: HashSet<_> = arrived.iter().map(|one| number_in(&one.body) % 7).collect();
    assert_eq!(users.len(), 7);
    // After 27 minutes six of ten attempts have been made, the next one is ahead of its time.
    let retries = world.journal.retries(sync.id, None, 10).await.unwrap();
    let attempts: Vec<_> = retries.iter().map(|retry| retry.attempts).collect();
    assert_eq!(attempts, [6; 7]);
    assert!(arrived.iter().any(|one| one.attempt == "7"));
    world.destination.answers("/away", [Answer::Status(200)]);
    let back = world.clock.now();
    world.pass(66 * SECOND).await;
    assert!(!is_shut(&world, &sync));
    let firsts: HashSet<_> = arrived_from(&world, back)
        .iter()
        .map(|one| number_in(&one.body))
        .collect();
    assert!(
        (0..7).all(|n| firsts.contains(&n)),
        "all users' first ones: {firsts:?}"
    );
    assert_all_taken(&world, &sync, 770).await;
}

#[tokio::test]
async fn users_for_whom_it_stays_away_are_tried_once_more_and_lose_no_attempt() {
    let world = World::new(Config::default()).await;
    let sync = ordered(&world, "/away");
    world.destination.answers("/away", [Answer::Status(500)]);
    world.apply(&sync).await;
    send(&world, 0, 100).await;
    world.pass(800 * SECOND).await;
    assert!(is_shut(&world, &sync));
    world.destination.answers("/away", [Answer::Status(200)]);
    world
        .destination
        .refuses("/away", |body| (number_in(body) % 7 < 3).then_some(500));
    let from = world.clock.now();
    world.pass(90 * SECOND).await;
    assert!(!is_shut(&world, &sync));
    world
        .until_before_retry("the others", |world| {
            let view = world.streams.view(sync.id).unwrap();
            (view.pending, view.in_order) == (3, 297)
        })
        .await;
    let mut attempts: HashMap<u64, HashSet<Timestamp>> = HashMap::new();
    for one in arrived_from(&world, from) {
        let times = attempts.entry(number_in(&one.body)).or_default();
        times.insert(one.at);
    }
    for bad in 0..3 {
        let times = attempts.get(&bad).map_or(0, HashSet::len);
        // Three tries of an attempt; and it may have been a probe before, or due meanwhile.
        assert!((1..=9).contains(&times), "{times}");
    }
    let retries = world.journal.retries(sync.id, None, 10).await.unwrap();
    assert!(retries.iter().all(|retry| retry.attempts <= 6));
    world.destination.refuses("/away", |_| None);
    assert_all_taken(&world, &sync, 700).await;
}

#[tokio::test]
async fn a_restart_forgets_neither_that_it_is_away_nor_what_waits() {
    let mut world = World::new(Config::default()).await;
    let sync = ordered(&world, "/away");
    world.destination.answers("/away", [Answer::Status(500)]);
    world.apply(&sync).await;
    send(&world, 0, 20).await;
    assert!(!is_shut(&world, &sync), "too few have failed");
    world.restart(std::slice::from_ref(&sync)).await;
    world.pass(SECOND).await;
    let view = world.streams.view(sync.id).unwrap();
    assert_eq!((view.health, view.pending), (Health::Degraded, 7));
    let reason = view.reason.unwrap();
    let words = "7 deliveries wait for another attempt, the next at 20:0";
    assert!(reason.starts_with(words), "{reason}");
    send(&world, 20, 210).await;
    assert!(is_shut(&world, &sync), "its retries fail");
    world.restart(std::slice::from_ref(&sync)).await;
    let started = world.clock.now();
    // It is asked at once, however long the machine takes for it.
    world
        .until_before_retry("a probe", |world| !arrived_from(world, started).is_empty())
        .await;
    assert!(is_shut(&world, &sync));
    assert_eq!(world.health(&sync), Health::Failing);
    world.destination.answers("/away", [Answer::Status(200)]);
    world.pass(40 * SECOND).await;
    assert!(!is_shut(&world, &sync));
    assert_all_taken(&world, &sync, 1610).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_probe_that_is_due_is_waited_for_in_peace_while_the_newest_is_looked_for() {
    let narrow = Config {
        window: 16,
        ..Config::default()
    };
    let mut world = World::new(narrow).await;
    let sync = ordered(&world, "/away");
    world.destination.answers("/away", [Answer::Status(500)]);
    world.apply(&sync).await;
    let mut sent = 0;
    while !is_shut(&world, &sync) {
        world.send_of("tick", sent..sent + 24, |n| n % 24).await;
        sent += 24;
        world.pass(5 * SECOND).await;
        assert!(sent < 1000);
    }
    // All its places are taken when it comes to what waits in order.
    world.destination.hangs("/away", |_| true);
    let drain = Drain {
        until: Offset(sent),
        newest_only: true,
        requests_per_minute: None,
    };
    world
        .journal
        .set_drain(sync.id, Some(drain), None)
        .await
        .unwrap();
    world.clock.advance(60 * SECOND);
    world.restart(std::slice::from_ref(&sync)).await;
    world
        .until("its retries", |world| {
            world.streams.view(sync.id).unwrap().in_flight >= 4
        })
        .await;
    tokio::time::sleep(Duration::from_millis(300)).await;
    let before = world.looks.load(Ordering::Relaxed);
    tokio::time::sleep(Duration::from_millis(300)).await;
    let looks = world.looks.load(Ordering::Relaxed) - before;
    assert!(looks < 100, "{looks}");
    world.destination.answers("/away", [Answer::Status(200)]);
    world.destination.hangs("/away", |_| false);
    world
        .until("the newest of each", |world| {
            let view = world.streams.view(sync.id).unwrap();
            (view.cursor.0, view.pending, view.in_order) == (sent, 0, 0)
        })
        .await;
}
