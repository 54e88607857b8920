//! A destination that takes nothing: what is begun, what waits, and how it comes back.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use journal::Journal as _;
use millstream_stream::{Config, Health};
use model::Clock as _;
use model::sync::Sync;

use crate::support::{Answer, World};

fn is_shut(world: &World, sync: &Sync) -> bool {
    world.streams.view(sync.id).unwrap().shut_since.is_some()
}

/// A destination that fails until its breaker is open, with `backlog` events waiting then.
async fn shut(world: &World, sync: &Sync, path: &str, backlog: u64) {
    world.destination.answers(path, [Answer::Status(503)]);
    world.apply(sync).await;
    world.send("tick", 0..30).await;
    world
        .until("a row", |world| world.destination.arrived(path).len() >= 75)
        .await;
    world.clock.advance(Duration::from_secs(15));
    world.send("tick", 30..backlog).await;
    world.until("shutting", |world| is_shut(world, sync)).await;
    // Those that were under way end, too.
    world
        .until("quiet", |world| {
            world.streams.view(sync.id).unwrap().in_flight == 0
        })
        .await;
}

#[tokio::test]
async fn an_hour_away_burns_few_attempts_and_the_backlog_drains_within_its_limit() {
    let world = World::new(Config::default()).await;
    let mut sync = world.sync(1, "/away");
    sync.settings.requests_per_minute = Some(6000);
    let other = world.sync(2, "/other");
    world.apply(&other).await;
    shut(&world, &sync, "/away", 1500).await;
    let shut_at = world.clock.now();
    world
        .until("an hour", |world| {
            world.clock.now().since(shut_at) > Duration::from_secs(3600)
        })
        .await;
    let view = world.streams.view(sync.id).unwrap();
    assert_eq!(view.health, Health::Failing);
    let reason = view.reason.unwrap();
    for words in [
        "on hold since 2022-02-28",
        "attempts in a row failed",
        "503",
    ] {
        assert!(reason.contains(words), "{reason}");
    }
    assert!(reason.contains("try is"), "{reason}");
    let begun = world.destination.arrived("/away").into_iter();
    let begun: HashSet<_> = begun.map(|one| one.delivery).collect();
    assert!(begun.len() < 200, "{} of 1500 were begun", begun.len());
    assert_eq!(
        world.streams.view(other.id).unwrap().counts.delivered_first,
        1500
    );

    let during = world.destination.arrived("/away").len();
    world.destination.answers("/away", [Answer::Status(200)]);
    world
        .until("all", |world| {
            let counts = world.streams.view(sync.id).unwrap().counts;
            counts.delivered_first + counts.delivered_retry == 1500
        })
        .await;
    assert_eq!(world.health(&sync), Health::Healthy);
    let arrived = &world.destination.arrived("/away")[during..];
    let mut times: Vec<i64> = arrived.iter().map(|one| one.at.0).collect();
    times.sort_unstable();
    let most = times.iter().enumerate();
    let most =
        most.map(|(first, from)| times.partition_point(|at| *at < from + 60_000_000) - first);
    assert!(most.max().unwrap() <= 6060);
    let stats = world.journal.lane_stats(sync.id).await.unwrap().unwrap();
    assert_eq!((stats.pending, stats.ended), (0, 0));
}

#[tokio::test]
async fn a_delivery_that_was_begun_keeps_its_ten_attempts_over_four_hours() {
    let world = World::new(Config::default()).await;
    let sync = world.sync(1, "/gone");
    shut(&world, &sync, "/gone", 40).await;
    world
        .until("expiry of many", |world| {
            world.streams.view(sync.id).unwrap().counts.expired >= 30
        })
        .await;
    let arrived = world.destination.arrived("/gone");
    let mut attempts: HashMap<&str, Vec<(&str, model::Timestamp)>> = HashMap::new();
    for one in &arrived {
        let attempts = attempts.entry(&one.delivery).or_default();
        if attempts
            .last()
            .is_none_or(|(attempt, _)| *attempt != one.attempt)
        {
            attempts.push((&one.attempt, one.at));
        }
    }
    let ended = world.journal.ended(sync.id, None, 1000).await.unwrap();
    assert!(ended.len() >= 30);
    let whole: Vec<_> = attempts.values().filter(|list| list.len() == 10).collect();
    assert!(whole.len() >= 30, "{}", whole.len());
    for attempts in attempts.values() {
        let numbers: Vec<_> = attempts.iter().map(|(attempt, _)| *attempt).collect();
        let expected: Vec<_> = (1..=numbers.len()).map(|n| n.to_string()).collect();
        assert_eq!(numbers, expected);
        for (doublings, pair) in attempts.windows(2).enumerate() {
            if pair[0].1 < crate::support::START + Duration::from_secs(15) {
                // Time was moved while this attempt was under way.
                continue;
            }
            let nominal = 28.2 * f64::from(1 << doublings);
            let ratio = pair[1].1.since(pair[0].1).as_secs_f64() / nominal;
            // Few requests at once are allowed by then: retries that are due together queue.
            assert!(
                ratio > 0.89 && ratio < 1.15 + 60.0 / nominal,
                "retry {doublings}: {ratio}"
            );
        }
    }
}

#[tokio::test]
async fn one_probe_at_a_time_is_made_with_the_oldest_that_waits() {
    let world = World::new(Config::default()).await;
    let sync = world.sync(1, "/away");
    shut(&world, &sync, "/away", 400).await;
    let begun = |world: &World| {
        let first = world.destination.arrived("/away").into_iter();
        let first = first.filter(|one| one.attempt == "1");
        let mut numbers: Vec<u64> = first.map(|one| number(&one.body)).collect();
        numbers.dedup();
        numbers
    };
    let before: HashSet<u64> = begun(&world).into_iter().collect();
    world
        .until("probes", |world| {
            let now: HashSet<u64> = begun(world).into_iter().collect();
            now.len() >= before.len() + 3
        })
        .await;
    let now: Vec<u64> = begun(&world);
    let mut probes: Vec<u64> = now.into_iter().filter(|n| !before.contains(n)).collect();
    probes.dedup();
    let mut expected: Vec<u64> = (0..400).filter(|n| !before.contains(n)).collect();
    expected.truncate(probes.len());
    assert_eq!(probes, expected);
}

fn number(body: &str) -> u64 {
    let (_, rest) = body.split_once("\"n\":").unwrap();
    rest.split(|c: char| !c.is_ascii_digit())
        .next()
        .unwrap()
        .parse()
        .unwrap()
}

#[tokio::test]
async fn a_shut_lane_can_be_changed_paused_and_deleted() {
    let world = World::new(Config::default()).await;
    let mut sync = world.sync(1, "/away");
    shut(&world, &sync, "/away", 400).await;
    sync.enabled = false;
    world.apply(&sync).await;
    assert_eq!(world.health(&sync), Health::Paused);
    sync.enabled = true;
    world.apply(&sync).await;
    world.send("tick", 400..500).await;
    let stats = world.journal.lane_stats(sync.id).await.unwrap().unwrap();
    let settled: u64 = stats.cursor.0;
    assert!(settled < 400);
    sync.settings
        .parameters
        .insert("url".into(), "https://example.com/mended".into());
    world.apply(&sync).await;
    world
        .until("all", |world| {
            world.streams.view(sync.id).unwrap().cursor.0 == 500
                && world.streams.view(sync.id).unwrap().pending == 0
        })
        .await;
    let arrived = world.destination.arrived("/mended");
    let ids: HashSet<_> = arrived.iter().map(|one| &one.delivery).collect();
    assert_eq!(ids.len(), 500);
}

#[tokio::test]
async fn a_restart_remembers_that_a_destination_is_gone() {
    let mut world = World::new(Config::default()).await;
    let sync = world.sync(1, "/away");
    shut(&world, &sync, "/away", 1000).await;
    let first = |world: &World| {
        let first = world.destination.arrived("/away").into_iter();
        let first = first.filter(|one| one.attempt == "1");
        first.map(|one| one.delivery).collect::<HashSet<_>>()
    };
    let before = first(&world);
    world.restart(std::slice::from_ref(&sync)).await;
    world
        .until_before_retry("shutting", |world| is_shut(world, &sync))
        .await;
    let reason = world.streams.view(sync.id).unwrap().reason.unwrap();
    assert!(
        reason.contains("the destination took nothing before the server started"),
        "{reason}"
    );
    // It is asked at once, and then as before.
    world
        .until("a probe", |world| first(world).len() > before.len())
        .await;
    let asked = world.clock.now();
    world
        .until("some time", |world| {
            world.clock.now().since(asked) > Duration::from_secs(60)
        })
        .await;
    // What was under way when the server ended comes again, and is no probe.
    let probes = first(&world).difference(&before).count();
    assert!((1..=8).contains(&probes), "{probes}");
    world.destination.answers("/away", [Answer::Status(200)]);
    world
        .until("all", |world| {
            let view = world.streams.view(sync.id).unwrap();
            view.cursor.0 == 1000 && view.pending == 0
        })
        .await;
    assert_eq!(world.health(&sync), Health::Healthy);
}

#[tokio::test]
async fn a_pause_by_people_forgets_that_a_destination_was_gone() {
    let world = World::new(Config::default()).await;
    let mut sync = world.sync(1, "/away");
    shut(&world, &sync, "/away", 400).await;
    sync.enabled = false;
    world.apply(&sync).await;
    world.destination.answers("/away", [Answer::Status(200)]);
    sync.enabled = true;
    world.apply(&sync).await;
    assert!(!is_shut(&world, &sync));
}
