//! Past events that are sent to one sync.

use std::collections::BTreeSet;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use journal::Journal as _;
use millstream_stream::{
    Backfill, Config, FailedReplay, Health, count_events, count_failures, lane_of, replay_in,
};
use model::definition::Definition;
use model::filter::Selection;
use model::replay::Failures;
use model::sync::{Order, Sync};
use model::{Clock, DeliveryId, Offset, Part, ReplayId, Timestamp};
use pipeline::{Plan, Scope};
use serde_json::json;

use crate::order::{assert_order, number_in};
use crate::support::{Answer, START, World};

const ID: ReplayId = ReplayId::from_bytes([7; 16]);

fn selection(types: &[&str]) -> Selection {
    let types: Vec<_> = types
        .iter()
        .map(|name| json!({"event_type": name}))
        .collect();
    serde_json::from_value(json!({ "types": types })).unwrap()
}

fn backfill(sync: &Sync, until: Timestamp, types: &[&str]) -> Backfill {
    let select = (!types.is_empty()).then(|| selection(types));
    Backfill {
        id: ID,
        log: sync.project,
        sync: Arc::new(sync.clone()),
        definition: Arc::new(Definition::webhook()),
        scope: Scope::compile(START..until, select.as_ref(), "").unwrap(),
        per_minute: None,
    }
}

/// Starts it where the log says, or where it was.
async fn carry(world: &World, backfill: &Backfill, until: Timestamp) {
    let known = world.journal.lane_bounds(lane_of(ID)).await.unwrap();
    let found = world
        .journal
        .stretch(backfill.log, START, until)
        .await
        .unwrap();
    let stretch = known.unwrap_or(found.from..found.until);
    world.streams.backfill(backfill, stretch).await.unwrap();
}

async fn until_done(world: &World) {
    for _ in 0..40_000 {
        let stats = world
            .journal
            .lane_stats(lane_of(ID))
            .await
            .unwrap()
            .unwrap();
        let bounds = world
            .journal
            .lane_bounds(lane_of(ID))
            .await
            .unwrap()
            .unwrap();
        if stats.cursor >= bounds.end && stats.pending == 0 {
            return;
        }
        tokio::time::sleep(Duration::from_micros(500)).await;
        world.clock.advance_to_next_sleeper();
    }
    panic!("the backfill did not end");
}

#[tokio::test]
async fn a_backfills_trouble_is_its_syncs_too() {
    let world = World::new(Config::default()).await;
    let sync = world.sync(1, "/past");
    world.apply(&sync).await;
    world.send("tick", 0..40).await;
    world.until_arrived("/past", 40).await;
    world.until_settled(&sync).await;
    world.clock.advance(Duration::from_secs(3600));
    let until = world.clock.now();
    world.destination.answers("/past", [Answer::Status(503)]);
    let backfill = backfill(&sync, until, &[]);
    carry(&world, &backfill, until).await;
    let glance = |world: &World| {
        let mut found = None;
        world.streams.glances(|_, glance| found = Some(glance));
        found.unwrap()
    };
    world
        .until("expiry", |world| glance(world).counts.expired == 40)
        .await;
    let seen = glance(&world);
    assert_eq!(
        (seen.health, seen.counts.delivered_first),
        (Health::Failing, 40)
    );
    let reason = seen.reason.unwrap();
    assert!(reason.starts_with("a replay: "), "{reason}");
    let view = world.streams.backfill_view(ID).unwrap();
    assert_eq!(view.health, Health::Failing);
    // What was counted stays when it is over; its trouble does not.
    world.streams.remove_backfill(ID).await.unwrap();
    let seen = glance(&world);
    assert_eq!((seen.health, seen.counts.expired), (Health::Healthy, 40));
    assert!(world.streams.backfill_view(ID).is_none());
}

#[tokio::test]
async fn past_events_are_sent_once_more_marked_and_under_new_ids() {
    let world = World::new(Config::default()).await;
    let sync = world.sync(1, "/past");
    world.apply(&sync).await;
    world.send("tick", 0..40).await;
    world.send("tock", 0..40).await;
    world.until_arrived("/past", 80).await;
    world.until_settled(&sync).await;
    world.clock.advance(Duration::from_secs(3600));
    let until = world.clock.now();
    // What comes later is none of its.
    world.send("tock", 40..50).await;
    world.until_arrived("/past", 90).await;

    carry(&world, &backfill(&sync, until, &["tock"]), until).await;
    until_done(&world).await;

    let arrived = world.destination.arrived("/past").split_off(90);
    assert!(
        arrived
            .iter()
            .all(|one| one.backfill.as_deref() == Some(&*ID.to_string()))
    );
    let ids: BTreeSet<_> = arrived.iter().map(|one| one.delivery.clone()).collect();
    let expected = (40..80).map(|offset| {
        DeliveryId::of(world.project, Offset(offset), lane_of(ID), Part::Event).to_string()
    });
    assert_eq!(ids, expected.collect());
    assert_eq!(arrived.len(), 40);
    // How old these are is no latency.
    let found = world.figures(&sync).await;
    assert_eq!(found.counts.delivered_first, 90 + 40);
    assert_eq!(found.details.latency.count(), 90);
    assert!(found.details.latency.quantile(1.0).unwrap() < 60.0);
    let view = world.streams.backfill_view(ID).unwrap();
    assert_eq!(view.latency.p50, None);
    let stats = world
        .journal
        .lane_stats(lane_of(ID))
        .await
        .unwrap()
        .unwrap();
    assert_eq!(
        (stats.total.delivered_first, stats.total.filtered),
        (40, 50)
    );
    let own = world.journal.lane_stats(sync.id).await.unwrap().unwrap();
    assert_eq!(
        own.total.delivered_first, 90,
        "the sync's own figures are untouched"
    );
    world.streams.remove_backfill(ID).await.unwrap();
    assert_eq!(world.journal.lane_stats(lane_of(ID)).await.unwrap(), None);
}

#[tokio::test]
async fn new_events_come_first_where_the_sync_has_a_limit() {
    let world = World::new(Config::default()).await;
    let mut sync = world.sync(1, "/first");
    world.apply(&sync).await;
    world.send("tick", 0..200).await;
    world.until_arrived("/first", 200).await;
    sync.settings.requests_per_minute = Some(60);
    world.apply(&sync).await;
    world.clock.advance(Duration::from_secs(1));
    let until = world.clock.now();
    let backfill = backfill(&sync, until, &[]);
    carry(&world, &backfill, until).await;
    world.until_arrived("/first", 203).await;
    let before = world.clock.now();
    world.send("new", 0..20).await;
    let of_backfill = || {
        let arrived = world.destination.arrived("/first");
        arrived.iter().filter(|one| one.backfill.is_some()).count()
    };
    let begun = of_backfill();
    world
        .until("the new ones", |world| {
            let arrived = world.destination.arrived("/first");
            let new = arrived.iter().filter(|one| one.body.contains("\"new\""));
            new.count() == 20
        })
        .await;
    let (took, others) = (world.clock.now().since(before), of_backfill() - begun);
    assert!(others <= 3, "{others} past events came between");
    assert!(took < Duration::from_secs(26), "{took:?}");
}

#[tokio::test]
async fn a_backfill_keeps_its_rate_while_the_sync_goes_on() {
    let world = World::new(Config::default()).await;
    let sync = world.sync(1, "/rate");
    world.apply(&sync).await;
    world.send("tick", 0..70).await;
    world.until_arrived("/rate", 70).await;
    let until = world.clock.now() + Duration::from_secs(1);
    world.clock.advance(Duration::from_secs(1));
    let backfill = Backfill {
        per_minute: NonZeroU32::new(30),
        ..backfill(&sync, until, &[])
    };
    carry(&world, &backfill, until).await;
    world.until_arrived("/rate", 75).await;
    let before = world.clock.now();
    world.send("new", 0..20).await;
    world
        .until("the new ones", |world| {
            let arrived = world.destination.arrived("/rate");
            arrived
                .iter()
                .filter(|one| one.body.contains("\"new\""))
                .count()
                == 20
        })
        .await;
    assert!(world.clock.now().since(before) < Duration::from_secs(5));
    until_done(&world).await;
    let arrived = world.destination.arrived("/rate");
    let marked: Vec<_> = arrived
        .iter()
        .filter(|one| one.backfill.is_some())
        .collect();
    assert_eq!(marked.len(), 70);
    for (index, start) in marked.iter().enumerate() {
        let minute = marked[index..].iter();
        let minute = minute.take_while(|one| one.at.since(start.at) < Duration::from_secs(59));
        assert!(minute.count() <= 30);
    }
    let took = marked[69].at.since(marked[0].at).as_secs_f64();
    assert!((137.0..142.0).contains(&took), "{took}");
}

#[tokio::test]
async fn a_backfill_goes_on_after_a_crash_and_after_a_pause_and_retries() {
    let mut world = World::new(Config::default()).await;
    let sync = world.sync(1, "/crash");
    world.apply(&sync).await;
    world.send("tick", 0..100).await;
    world.until_arrived("/crash", 100).await;
    world.until_settled(&sync).await;
    world.clock.advance(Duration::from_secs(1));
    let until = world.clock.now();
    let backfill = Backfill {
        per_minute: NonZeroU32::new(120),
        ..backfill(&sync, until, &[])
    };
    carry(&world, &backfill, until).await;
    world.until_arrived("/crash", 120).await;
    world.restart(std::slice::from_ref(&sync)).await;
    carry(&world, &backfill, until).await;
    world.until_arrived("/crash", 150).await;
    let pausing = world.streams.pause_backfill(ID);
    tokio::select! {
        paused = pausing => paused.unwrap(),
        () = async { loop {
            tokio::time::sleep(Duration::from_millis(1)).await;
            world.clock.advance(Duration::from_millis(100));
        } } => {}
    }
    let paused = world.destination.arrived("/crash").len();
    let later = world.clock.now() + Duration::from_secs(60);
    world
        .until("a minute", |world| {
            world.clock.advance(Duration::from_secs(1));
            world.clock.now() > later
        })
        .await;
    assert_eq!(world.destination.arrived("/crash").len(), paused);
    // Some fail for a while.
    let answers = vec![Answer::Status(500); 30].into_iter();
    world
        .destination
        .answers("/crash", answers.chain([Answer::Status(200)]));
    carry(&world, &backfill, until).await;
    until_done(&world).await;
    let stats = world
        .journal
        .lane_stats(lane_of(ID))
        .await
        .unwrap()
        .unwrap();
    let total = stats.total;
    assert_eq!(total.delivered_first + total.delivered_retry, 100);
    assert!(total.delivered_retry > 0);
    let arrived = world.destination.arrived("/crash").split_off(100);
    let ids: BTreeSet<_> = arrived.iter().map(|one| one.delivery.clone()).collect();
    assert_eq!(ids.len(), 100, "nothing is lost");
}

#[tokio::test]
async fn what_would_be_sent_is_counted_or_estimated() {
    let world = World::new(Config::default()).await;
    let sync = world.sync(1, "/count");
    for first in (0..3000).step_by(100) {
        world.send("tick", first..first + 70).await;
        world.send("tock", first + 70..first + 100).await;
    }
    let clock: Arc<dyn Clock> = world.clock.clone();
    let until = clock.now() + Duration::from_secs(1);
    let plan = Plan::compile(&Definition::webhook(), &sync, &clock).unwrap();
    let scope = Scope::compile(START..until, Some(&selection(&["tock"])), "").unwrap();
    let plan = plan.narrowed(scope);
    let all = Offset(0)..Offset(3000);
    let exact = count_events(&*world.journal, world.project, all.clone(), &plan, 3000, 2);
    let exact = exact.await.unwrap();
    assert!(exact.exact);
    assert_eq!(
        (exact.total, exact.looked_at, exact.matching, exact.requests),
        (3000, 3000, 900, 900)
    );
    assert_eq!(exact.examples.len(), 2);
    let sample = count_events(&*world.journal, world.project, all, &plan, 1024, 2);
    let sample = sample.await.unwrap();
    assert!(!sample.exact);
    assert_eq!((sample.total, sample.looked_at), (3000, 1024));
    assert!(
        (280..=335).contains(&sample.matching),
        "{}",
        sample.matching
    );
    let part = count_events(
        &*world.journal,
        world.project,
        Offset(50)..Offset(80),
        &plan,
        1024,
        0,
    );
    let part = part.await.unwrap();
    assert_eq!((part.looked_at, part.matching), (30, 10));
}

#[tokio::test]
async fn a_backfill_keeps_the_order_of_users_within_itself() {
    let world = World::new(Config::default()).await;
    let mut sync = world.sync(1, "/past");
    sync.settings.order = Order::PerUser;
    world.apply(&sync).await;
    world.send("tick", 0..70).await;
    world.until_arrived("/past", 70).await;
    world.until_settled(&sync).await;
    world.clock.advance(Duration::from_secs(3600));
    let until = world.clock.now();
    // In reach of the backfill, user 3 is in trouble; that is none of the sync's.
    world
        .destination
        .refuses("/past", |body| (number_in(body) % 7 == 3).then_some(400));
    carry(&world, &backfill(&sync, until, &[]), until).await;
    until_reached(&world, 1, 1).await;
    world.send("tick", 70..73).await;
    world
        .until("the sync goes on", |world| {
            let view = world.streams.view(sync.id).unwrap();
            (view.cursor.0, view.pending, view.in_order) == (73, 0, 0)
        })
        .await;
    world.destination.refuses("/past", |_| None);
    until_reached(&world, 0, 0).await;
    let arrived = world.destination.arrived("/past").into_iter();
    let past: Vec<_> = arrived.filter(|one| one.backfill.is_some()).collect();
    assert_order(&past);
    let ids: BTreeSet<_> = past.iter().map(|one| &one.delivery).collect();
    assert_eq!(ids.len(), 70);
}

/// Waits until the backfill has read everything, and so many retries and users with turns are left.
async fn until_reached(world: &World, pending: u64, users: usize) {
    let lane = lane_of(ID);
    for _ in 0..40_000 {
        let stats = world.journal.lane_stats(lane).await.unwrap().unwrap();
        let bounds = world.journal.lane_bounds(lane).await.unwrap().unwrap();
        let turns = world.journal.turns(lane, None, 9).await.unwrap();
        if stats.cursor >= bounds.end && (stats.pending, turns.len()) == (pending, users) {
            return;
        }
        tokio::time::sleep(Duration::from_micros(500)).await;
        world.clock.advance_to_next_sleeper();
    }
    panic!("the backfill did not get there");
}

#[tokio::test]
async fn what_failed_of_a_backfill_is_sent_again_and_counts_for_its_sync() {
    let mut world = World::new(Config::default()).await;
    let sync = world.sync(1, "/past");
    world.apply(&sync).await;
    world.send("tick", 0..30).await;
    world.until_arrived("/past", 30).await;
    world.until_settled(&sync).await;
    let until = world.clock.now() + Duration::from_secs(1);
    world.clock.advance(Duration::from_secs(3600));
    world.destination.answers("/past", [Answer::Status(503)]);
    let backfill = backfill(&sync, until, &[]);
    carry(&world, &backfill, until).await;
    let lane = lane_of(ID);
    for _ in 0..40_000 {
        if world.journal.lane_stats(lane).await.unwrap().unwrap().ended == 30 {
            break;
        }
        tokio::time::sleep(Duration::from_micros(500)).await;
        world.clock.advance_to_next_sleeper();
    }
    let own = world.journal.lane_stats(sync.id).await.unwrap().unwrap();
    assert_eq!((own.ended, own.ended_of_bounded), (0, 30));
    let rows = world.journal.ended(sync.id, None, 100).await.unwrap();
    assert_eq!(rows.len(), 30);
    assert!(rows.iter().all(|row| row.of.lane == lane));
    let failed: BTreeSet<_> = marked(&world);

    let replay = FailedReplay {
        id: ReplayId::from_bytes([9; 16]),
        project: world.project,
        sync: sync.id,
        backfills: world.journal.bounded_lanes(sync.id).await.unwrap(),
        failures: Failures::default(),
        per_minute: None,
    };
    let counted = count_failures(&*world.journal, &replay, 1000, 3).await;
    let counted = counted.unwrap();
    let counts = (counted.total, counted.matching, counted.examples.len());
    assert_eq!(counts, (30, 30, 3));
    world.restart(std::slice::from_ref(&sync)).await;
    world.destination.answers("/past", [Answer::Status(200)]);
    let in_lane = replay_in(replay.id, lane);
    world.journal.open_replay(lane, in_lane).await.unwrap();
    let opened = world.journal.open_replay(sync.id, replay.id).await;
    opened.unwrap();
    world.streams.replay(replay.clone());
    assert!(world.streams.is_replayed(ID));
    carry(&world, &backfill, until).await;
    let mut state = None;
    for _ in 0..40_000 {
        state = world.journal.replay_state(in_lane).await.unwrap();
        if state.is_some_and(|state| state.is_done()) {
            break;
        }
        tokio::time::sleep(Duration::from_micros(500)).await;
        world.clock.advance_to_next_sleeper();
    }
    let state = state.unwrap();
    assert_eq!((state.total, state.moved, state.delivered), (30, 30, 30));
    assert_eq!(marked(&world), failed, "under the same ids");
    let rows = world.journal.ended(sync.id, None, 100).await.unwrap();
    assert!(rows.is_empty());
    let figures = world.figures(&sync).await;
    let counts = figures.counts;
    assert_eq!(
        (
            counts.delivered_first,
            counts.expired,
            counts.delivered_retry
        ),
        (30, 30, 30)
    );
    let of_backfill: u64 = figures.details.failures.values().sum();
    assert_eq!((of_backfill, figures.pending), (300, 0));
}

/// The ids of deliveries of backfills that arrived.
fn marked(world: &World) -> BTreeSet<String> {
    let arrived = world.destination.arrived("/past");
    let marked = arrived.iter().filter(|one| one.backfill.is_some());
    marked.map(|one| one.delivery.clone()).collect()
}
