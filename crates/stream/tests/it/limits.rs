//! How many requests go out: over any minute, and at once.

use std::sync::atomic::Ordering;
use std::time::Duration;

use millstream_stream::Config;
use model::Timestamp;
use model::sync::Sync;

use crate::support::{Answer, Arrived, World};

const MINUTE: i64 = 60_000_000;

fn limited(world: &World, path: &str, per_minute: u32) -> Sync {
    let mut sync = world.sync(1, path);
    sync.settings.requests_per_minute = Some(per_minute);
    sync
}

/// The most that any 60 seconds hold.
fn most_in_a_minute(arrived: &[Arrived]) -> usize {
    let mut times: Vec<i64> = arrived.iter().map(|one| one.at.0).collect();
    times.sort_unstable();
    let windows = times
        .iter()
        .enumerate()
        .map(|(first, from)| times.partition_point(|at| *at < from + MINUTE) - first);
    windows.max().unwrap_or(0)
}

fn within(arrived: &[Arrived], from: Timestamp, minutes: i64) -> usize {
    let range = from.0..from.0 + minutes * MINUTE;
    arrived
        .iter()
        .filter(|one| range.contains(&one.at.0))
        .count()
}

#[tokio::test]
async fn a_busy_lane_keeps_its_limit_over_any_minute_and_uses_it() {
    let world = World::new(Config::default()).await;
    let sync = limited(&world, "/limited", 300);
    world.apply(&sync).await;
    world.send("tick", 0..1100).await;
    let arrived = world.until_arrived("/limited", 1000).await;
    let most = most_in_a_minute(&arrived);
    assert!(most <= 303, "{most}");
    // The first minute is that of the start.
    let second = within(&arrived, arrived[0].at + Duration::from_secs(60), 2);
    assert!(second >= 594, "{second}");
}

#[tokio::test]
async fn every_try_counts_also_those_within_an_attempt_and_those_of_retries() {
    let mut config = Config::default();
    config.breaker.failures = 0;
    let world = World::new(config).await;
    let sync = limited(&world, "/down", 300);
    world.destination.answers("/down", [Answer::Status(500)]);
    world.apply(&sync).await;
    world.send("tick", 0..200).await;
    let arrived = world.until_arrived("/down", 800).await;
    let tries = arrived.iter().filter(|one| one.attempt == "1").count();
    assert!(tries > 200, "attempts have several tries: {tries}");
    assert!(arrived.iter().any(|one| one.attempt == "2"));
    let most = most_in_a_minute(&arrived);
    assert!(most <= 303, "{most}");
}

#[tokio::test]
async fn a_restart_does_not_exceed_the_limit() {
    let mut world = World::new(Config::default()).await;
    let sync = limited(&world, "/limited", 120);
    world.apply(&sync).await;
    world.send("tick", 0..1000).await;
    for arrived in [40, 75, 110] {
        world.until_arrived("/limited", arrived).await;
        world.restart(std::slice::from_ref(&sync)).await;
    }
    let arrived = world.until_arrived("/limited", 300).await;
    let most = most_in_a_minute(&arrived);
    assert!(most <= 121, "{most}");
}

#[tokio::test]
async fn a_limit_can_be_changed_and_lifted_while_the_lane_runs() {
    let world = World::new(Config::default()).await;
    let mut sync = limited(&world, "/limited", 60);
    world.apply(&sync).await;
    world.send("tick", 0..1000).await;
    let slow = world.until_arrived("/limited", 20).await;
    assert!(slow[19].at.since(slow[0].at) >= Duration::from_secs(18));
    sync.settings.requests_per_minute = None;
    world.apply(&sync).await;
    let all = world.until_arrived("/limited", 1000).await;
    let rest = all[999].at.since(slow[19].at);
    assert!(rest < Duration::from_secs(10), "{rest:?}");
}

#[tokio::test]
async fn a_limited_lane_that_stops_has_lost_and_repeated_nothing() {
    let world = World::new(Config::default()).await;
    let mut sync = limited(&world, "/limited", 600);
    world.apply(&sync).await;
    world.send("tick", 0..300).await;
    world.until_arrived("/limited", 50).await;
    sync.enabled = false;
    world.apply(&sync).await;
    let before = world.destination.arrived("/limited").len();
    sync.enabled = true;
    world.apply(&sync).await;
    let arrived = world.until_arrived("/limited", 300).await;
    world.until_settled(&sync).await;
    let ids: std::collections::HashSet<_> = arrived.iter().map(|one| &one.delivery).collect();
    assert_eq!((ids.len(), arrived.len()), (300, 300), "{before} before");
}

#[tokio::test]
async fn what_a_destination_refuses_is_not_sent_at_once_for_long() {
    let world = World::new(Config {
        concurrency: 32,
        ..Config::default()
    })
    .await;
    let sync = world.sync(1, "/busy");
    world.destination.answers("/busy", [Answer::Status(429)]);
    // However slowly the machine gets them on their way.
    world.destination.gathers.store(9, Ordering::SeqCst);
    world.apply(&sync).await;
    world.send("tick", 0..200).await;
    world
        .until_before_retry("a gathering", |world| {
            world.destination.most_under_way.load(Ordering::SeqCst) > 8
        })
        .await;
    world
        .until("a fall", |world| {
            world.streams.view(sync.id).unwrap().allowed < 8
        })
        .await;
    world.destination.answers("/busy", [Answer::Status(200)]);
    world
        .until("all", |world| {
            let view = world.streams.view(sync.id).unwrap();
            view.counts.delivered_first + view.counts.delivered_retry == 200
        })
        .await;
}

#[tokio::test]
async fn a_wish_for_a_pause_holds_for_the_whole_lane() {
    let world = World::new(Config {
        concurrency: 4,
        ..Config::default()
    })
    .await;
    let sync = world.sync(1, "/busy");
    let answers = [Answer::RetryAfter(429, "120"), Answer::Status(200)];
    world.destination.answers("/busy", answers);
    world.apply(&sync).await;
    world.send("tick", 0..1).await;
    world
        .until("booking", |world| {
            world.streams.view(sync.id).unwrap().pending == 1
        })
        .await;
    world.send("tick", 1..100).await;
    let arrived = world.until_arrived("/busy", 101).await;
    assert!(arrived[1].at.since(arrived[0].at) >= Duration::from_secs(119));
}
