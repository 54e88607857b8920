//! Lanes that stand still keep what they owe, and go on as they are told.

use std::collections::{BTreeMap, HashSet};
use std::time::Duration;

use journal::hold::{Forgone, LetGoWhy, Standing};
use journal::{Fates as _, Journal as _};
use millstream_stream::{Backlog, Config, Health};
use model::Offset;
use model::definition::Definition;
use model::sync::{Order, Sync};

use crate::order::number_in;
use crate::support::{Answer, World};

/// A sync that is switched off before `held` events, with ten retries pending.
async fn paused(world: &World, path: &str, held: u64) -> Sync {
    let mut sync = world.sync(1, path);
    world.destination.answers(path, [Answer::Status(400)]);
    world.apply(&sync).await;
    world.send("tick", 0..10).await;
    world
        .until("booking", |world| {
            world.streams.view(sync.id).unwrap().pending == 10
        })
        .await;
    sync.enabled = false;
    world.apply(&sync).await;
    world.destination.answers(path, [Answer::Status(200)]);
    // Batches of other types between.
    for first in (10..10 + held).step_by(20) {
        let half = (first + 10).min(10 + held);
        world.send("tick", first..half).await;
        world.send("tock", half..(first + 20).min(10 + held)).await;
    }
    sync.enabled = true;
    sync
}

async fn until_all_settled(world: &World, sync: &Sync, events: u64) {
    world
        .until("settling", |world| {
            let view = world.streams.view(sync.id).unwrap();
            view.cursor.0 == events && view.pending == 0
        })
        .await;
}

/// User and type of each event that arrived, with its number.
fn numbers(world: &World, path: &str) -> Vec<(String, u64)> {
    let arrived = world.destination.arrived(path).into_iter();
    arrived
        .map(|one| {
            let (_, rest) = one.body.split_once("\"n\":").unwrap();
            let n = rest.split(|c: char| !c.is_ascii_digit()).next().unwrap();
            let n: u64 = n.parse().unwrap();
            let kind = if one.body.contains("tick") {
                "tick"
            } else {
                "tock"
            };
            (format!("{kind} {}", n % 7), n)
        })
        .collect()
}

#[tokio::test]
async fn only_the_newest_of_each_user_and_type_is_sent_when_asked_for() {
    let mut world = World::new(Config::default()).await;
    let sync = paused(&world, "/held", 600).await;
    let held = world.journal.lane_stats(sync.id).await.unwrap().unwrap();
    assert_eq!(held.head.0 - held.cursor.0, 600);
    world
        .streams
        .prepare(world.project, sync.id, Backlog::Newest, None, "ann")
        .await
        .unwrap();
    // What was prepared survives a restart.
    world.restart(&[]).await;
    let before = world.destination.arrived("/held").len();
    world.apply(&sync).await;
    until_all_settled(&world, &sync, 610).await;
    let mut expected: BTreeMap<String, u64> = BTreeMap::new();
    for n in 10..610u64 {
        let kind = if (n - 10) % 20 < 10 { "tick" } else { "tock" };
        expected.insert(format!("{kind} {}", n % 7), n);
    }
    let arrived = numbers(&world, "/held").split_off(before);
    let fresh: BTreeMap<String, u64> = arrived.iter().filter(|(_, n)| *n >= 10).cloned().collect();
    assert_eq!(fresh, expected);
    let (fresh, retried): (Vec<_>, Vec<_>) = arrived.iter().partition(|(_, n)| *n >= 10);
    assert_eq!((fresh.len(), retried.len()), (14, 10), "retries go on");
    let stats = world.journal.lane_stats(sync.id).await.unwrap().unwrap();
    assert_eq!(stats.losses.superseded, 586);
    until_drained(&world, &sync).await;
    // What comes later is no longer chosen from.
    world.send("tick", 610..630).await;
    until_all_settled(&world, &sync, 630).await;
    assert_eq!(world.destination.arrived("/held").len(), before + 24 + 20);
}

/// Durably, all is settled and nothing is owed.
async fn until_nothing_waits(world: &World, sync: &Sync) {
    for _ in 0..20_000 {
        let stats = world.journal.lane_stats(sync.id).await.unwrap().unwrap();
        if (stats.cursor, stats.pending, stats.in_order) == (stats.head, 0, 0) {
            return;
        }
        tokio::time::sleep(Duration::from_millis(1)).await;
        world.clock.advance_to_next_sleeper();
    }
    panic!("something waits for ever");
}

/// It is over once the last of it is durable.
async fn until_drained(world: &World, sync: &Sync) {
    for _ in 0..1000 {
        if world.journal.drain(sync.id).await == Ok(None) {
            return;
        }
        tokio::time::sleep(Duration::from_millis(1)).await;
        world.clock.advance_to_next_sleeper();
    }
    panic!("it goes on and on");
}

/// A sync that keeps the order of users and is switched off: a delivery of user 3 is booked, 50 ticks and two
/// tocks of theirs wait for it in the journal, and 14 more ticks came since.
async fn paused_with_turns(world: &World) -> Sync {
    let mut sync = world.sync(1, "/turns");
    sync.settings.order = Order::PerUser;
    world
        .destination
        .refuses("/turns", |body| (number_in(body) == 3).then_some(400));
    world.apply(&sync).await;
    world.send("tick", (3..=353).step_by(7)).await;
    world.send("tock", [3 + 700, 3 + 707]).await;
    world
        .until_before_retry("waiting", |world| {
            let view = world.streams.view(sync.id).unwrap();
            (view.pending, view.in_order, view.unread) == (1, 52, 0)
        })
        .await;
    sync.enabled = false;
    world.apply(&sync).await;
    let stats = world.journal.lane_stats(sync.id).await.unwrap().unwrap();
    assert_eq!((stats.pending, stats.in_order), (1, 52));
    world.send("tick", 1000..1014).await;
    world.destination.refuses("/turns", |_| None);
    sync.enabled = true;
    sync
}

async fn assert_newest_of_turns(world: &World, sync: &Sync) {
    until_nothing_waits(world, sync).await;
    until_drained(world, sync).await;
    let of_3 = |n: &u64| n % 7 == 3;
    let arrived = numbers(world, "/turns").into_iter().map(|(_, n)| n);
    let arrived = arrived.filter(|n| *n != 3);
    let (of_3, of_others): (Vec<u64>, Vec<u64>) = arrived.partition(of_3);
    // In their order, behind the retry; the newest tick came while the sync stood still.
    assert_eq!(of_3, [710, 1011]);
    assert_eq!(of_others.into_iter().collect::<HashSet<_>>().len(), 6);
    // 50 ticks and a tock that waited, and of the others seven.
    let stats = world.journal.lane_stats(sync.id).await.unwrap().unwrap();
    assert_eq!((stats.losses.superseded, stats.in_order), (50 + 1 + 7, 0));
    let found = world.figures(sync).await;
    let delivered = found.counts.delivered_first + found.counts.delivered_retry;
    assert_eq!((found.balance.superseded, delivered), (58, 9));
    assert_eq!(
        (found.details.received, found.pending, found.waiting),
        (67, 0, 0)
    );
    // Whoever asks is told.
    let fate = world.journal.fate(sync.id, Offset(2)).await.unwrap();
    let let_go = fate.unwrap().let_go;
    assert_eq!(let_go[0].why, LetGoWhy::Superseded);
}

#[tokio::test]
async fn what_waits_for_its_turn_is_left_out_for_newer_ones_too() {
    let mut world = World::new(Config::default()).await;
    let sync = paused_with_turns(&world).await;
    let newest = world
        .streams
        .prepare(world.project, sync.id, Backlog::Newest, None, "ann");
    newest.await.unwrap();
    world.restart(&[]).await;
    world.apply(&sync).await;
    assert_newest_of_turns(&world, &sync).await;
}

#[tokio::test]
async fn restarts_while_turns_are_left_out_count_each_once() {
    let config = Config {
        window: 16,
        ..Config::default()
    };
    let mut world = World::new(config).await;
    let sync = paused_with_turns(&world).await;
    let newest = world
        .streams
        .prepare(world.project, sync.id, Backlog::Newest, None, "ann");
    newest.await.unwrap();
    for _ in 0..4 {
        world.restart(std::slice::from_ref(&sync)).await;
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    assert_newest_of_turns(&world, &sync).await;
}

#[tokio::test]
async fn turns_are_left_out_where_nothing_else_is_held() {
    let mut world = World::new(Config::default()).await;
    let mut sync = world.sync(1, "/turns");
    sync.settings.order = Order::PerUser;
    world.destination.answers("/turns", [Answer::Status(400)]);
    world.apply(&sync).await;
    world.send("tick", [3, 10, 17]).await;
    world
        .until_before_retry("waiting", |world| {
            let view = world.streams.view(sync.id).unwrap();
            (view.pending, view.in_order, view.unread) == (1, 2, 0)
        })
        .await;
    sync.enabled = false;
    world.apply(&sync).await;
    world.destination.answers("/turns", [Answer::Status(200)]);
    let newest = world
        .streams
        .prepare(world.project, sync.id, Backlog::Newest, None, "ann");
    newest.await.unwrap();
    sync.enabled = true;
    world.restart(std::slice::from_ref(&sync)).await;
    until_nothing_waits(&world, &sync).await;
    let arrived = numbers(&world, "/turns").into_iter().map(|(_, n)| n);
    let arrived: Vec<_> = arrived.filter(|n| *n != 3).collect();
    assert_eq!(arrived, [17]);
    let stats = world.journal.lane_stats(sync.id).await.unwrap().unwrap();
    assert_eq!((stats.losses.superseded, stats.in_order), (1, 0));
}

#[tokio::test]
async fn a_restart_in_the_middle_leaves_the_same_out_and_counts_it_once() {
    let mut world = World::new(Config::default()).await;
    let sync = paused(&world, "/held", 600).await;
    let newest = world
        .streams
        .prepare(world.project, sync.id, Backlog::Newest, Some(60), "ann");
    newest.await.unwrap();
    let before = world.destination.arrived("/held").len();
    world.apply(&sync).await;
    world.until_arrived("/held", before + 5).await;
    world.restart(std::slice::from_ref(&sync)).await;
    until_all_settled(&world, &sync, 610).await;
    let fresh: HashSet<_> = numbers(&world, "/held")
        .into_iter()
        .filter(|(_, n)| *n >= 10)
        .collect();
    assert_eq!(fresh.len(), 14);
    let stats = world.journal.lane_stats(sync.id).await.unwrap().unwrap();
    assert_eq!(stats.losses.superseded, 586);
}

#[tokio::test]
async fn what_is_dropped_is_said_and_not_sent() {
    let world = World::new(Config::default()).await;
    let sync = paused(&world, "/held", 100).await;
    let dropped = world
        .streams
        .prepare(world.project, sync.id, Backlog::Drop, None, "ann");
    let expected = Forgone {
        events: 100,
        retries: 10,
    };
    assert_eq!(dropped.await, Ok(expected));
    let before = world.destination.arrived("/held").len();
    world.apply(&sync).await;
    world.send("tick", 110..120).await;
    until_all_settled(&world, &sync, 120).await;
    assert_eq!(world.destination.arrived("/held").len(), before + 10);
}

#[tokio::test]
async fn a_backlog_drains_at_the_rate_that_was_asked_for_and_then_as_ever() {
    let world = World::new(Config::default()).await;
    let sync = paused(&world, "/held", 100).await;
    let slowly = world
        .streams
        .prepare(world.project, sync.id, Backlog::All, Some(120), "ann");
    slowly.await.unwrap();
    let before = world.destination.arrived("/held").len();
    world.apply(&sync).await;
    until_all_settled(&world, &sync, 110).await;
    let arrived = world.destination.arrived("/held").split_off(before);
    let took = arrived[arrived.len() - 1].at.since(arrived[0].at);
    assert!(took >= Duration::from_secs(49), "{took:?}");
    world.send("tick", 110..310).await;
    until_all_settled(&world, &sync, 310).await;
    let later = world.destination.arrived("/held").split_off(before + 110);
    let took = later[later.len() - 1].at.since(later[0].at);
    assert!(took < Duration::from_secs(20), "{took:?}");
}

#[tokio::test]
async fn a_misconfigured_lane_keeps_what_it_owes_and_is_no_backlog() {
    let world = World::new(Config::default()).await;
    let mut sync = world.sync(1, "/mended");
    world.apply(&sync).await;
    sync.settings.events.template = Some("${input.user_id".into());
    let refused = world.streams.apply(&sync, &Definition::webhook()).await;
    refused.unwrap_err();
    assert_eq!(world.health(&sync), Health::Misconfigured);
    world.send("tick", 0..500).await;
    world.journal.retire(crate::support::START).await.unwrap();
    assert_eq!(world.journal.status().backlog_bytes, 0);
    sync.settings.events.template = None;
    world.apply(&sync).await;
    world.until_arrived("/mended", 500).await;
}

#[tokio::test]
async fn a_lane_that_is_not_sent_to_is_no_backlog_until_it_is_back() {
    let world = World::new(Config::default()).await;
    let sync = world.sync(1, "/away");
    world.destination.answers("/away", [Answer::Status(503)]);
    world.apply(&sync).await;
    world.send("tick", 0..30).await;
    world
        .until("a row", |world| {
            world.destination.arrived("/away").len() >= 75
        })
        .await;
    world.clock.advance(Duration::from_secs(15));
    world.send("tick", 30..2000).await;
    world
        .until("shutting", |world| {
            world.streams.view(sync.id).unwrap().shut_since.is_some()
        })
        .await;
    let backlog = async |world: &World| {
        world.journal.retire(crate::support::START).await.unwrap();
        world.journal.status().backlog_bytes
    };
    let mut rounds = 0;
    while backlog(&world).await > 0 {
        tokio::time::sleep(Duration::from_millis(2)).await;
        rounds += 1;
        assert!(rounds < 1000, "a lane that is shut counts as backlog");
    }
    world.destination.answers("/away", [Answer::Status(200)]);
    until_all_settled(&world, &sync, 2000).await;
    // As a running one it keeps all again.
    let standing = world.journal.set_standing(sync.id, Standing::Running);
    standing.await.unwrap();
}
