//! What is durable, what is sent again, what is counted.

use std::collections::HashSet;
use std::time::Duration;

use journal::Journal as _;
use millstream_stream::{Config, Health};
use model::Clock as _;
use model::filter::{SelectedType, Selection};
use model::outcome::Category;

use crate::order::number_in;
use crate::support::{Answer, World};

#[tokio::test]
async fn every_event_is_delivered_once_and_counted_once() {
    let world = World::new(Config::default()).await;
    let sync = world.sync(1, "/all");
    world.apply(&sync).await;
    for batch in 0..20 {
        world.send("tick", batch * 250..(batch + 1) * 250).await;
    }
    world
        .until("delivery", |world| {
            world.streams.view(sync.id).unwrap().counts.delivered_first == 5000
        })
        .await;
    let arrived = world.destination.arrived("/all");
    let ids: HashSet<_> = arrived.iter().map(|one| &one.delivery).collect();
    assert_eq!((arrived.len(), ids.len()), (5000, 5000));
    let stats = world.journal.lane_stats(sync.id).await.unwrap().unwrap();
    assert_eq!(
        (stats.cursor, stats.total.delivered_first),
        (stats.head, 5000)
    );
}

#[tokio::test]
async fn a_restart_goes_on_where_the_lane_stopped_and_repeats_only_what_was_not_settled() {
    let mut world = World::new(Config::default()).await;
    let sync = world.sync(1, "/all");
    world.apply(&sync).await;
    world.send("tick", 0..100).await;
    world
        .until("delivery", |world| {
            world.streams.view(sync.id).unwrap().counts.delivered_first == 100
        })
        .await;
    world.restart(std::slice::from_ref(&sync)).await;
    world.send("tick", 100..200).await;
    world
        .until("delivery", |world| {
            world.streams.view(sync.id).unwrap().counts.delivered_first == 100
        })
        .await;
    assert_eq!(world.destination.arrived("/all").len(), 200);
    let stats = world.journal.lane_stats(sync.id).await.unwrap().unwrap();
    assert_eq!(stats.total.delivered_first, 200);
}

#[tokio::test]
async fn what_hung_at_the_crash_is_sent_again_with_the_same_id_and_the_rest_is_not() {
    let mut world = World::new(Config::default()).await;
    let sync = world.sync(1, "/hangs-once");
    world
        .destination
        .answers("/hangs-once", [Answer::Hang, Answer::Status(200)]);
    world.apply(&sync).await;
    world.send("tick", 0..50).await;
    world
        .until("delivery", |world| {
            world.streams.view(sync.id).unwrap().counts.delivered_first == 49
        })
        .await;
    world.restart(std::slice::from_ref(&sync)).await;
    let arrived = world.until_arrived("/hangs-once", 51).await;
    world.until_settled(&sync).await;
    assert_eq!(world.destination.arrived("/hangs-once").len(), 51);
    let first_round: HashSet<_> = arrived[..50].iter().map(|one| &one.delivery).collect();
    assert_eq!(first_round.len(), 50);
    assert!(
        first_round.contains(&arrived[50].delivery),
        "what hung is sent again under its id"
    );
}

#[tokio::test]
async fn filtered_events_are_counted_once_even_over_a_restart() {
    let mut world = World::new(Config::default()).await;
    let mut sync = world.sync(1, "/some");
    let wanted = SelectedType {
        event_type: "wanted".into(),
        condition: None,
    };
    sync.settings.events.select = Selection::Types(vec![wanted]);
    world
        .destination
        .answers("/some", [Answer::Hang, Answer::Status(200)]);
    world.apply(&sync).await;
    world.send("wanted", 0..1).await;
    // The first one hangs, and with it the cursor: were all sent together, another could come first.
    world.until_arrived("/some", 1).await;
    world.send("other", 0..500).await;
    world.send("wanted", 1..3).await;
    world
        .until("delivery", |world| {
            world.streams.view(sync.id).unwrap().counts.delivered_first == 2
        })
        .await;
    world.restart(std::slice::from_ref(&sync)).await;
    world
        .until("everything", |world| {
            world.streams.view(sync.id).unwrap().counts.filtered == 500
        })
        .await;
    let stats = world.journal.lane_stats(sync.id).await.unwrap().unwrap();
    assert_eq!(
        (stats.total.filtered, stats.total.delivered_first),
        (500, 3)
    );
}

#[tokio::test]
async fn a_paused_sync_keeps_what_it_owes_and_goes_on_with_its_new_settings() {
    let world = World::new(Config::default()).await;
    let mut sync = world.sync(1, "/down");
    world.destination.answers("/down", [Answer::Status(400)]);
    world.apply(&sync).await;
    world.send("tick", 0..10).await;
    world
        .until("booking", |world| {
            world.streams.view(sync.id).unwrap().pending == 10
        })
        .await;
    sync.enabled = false;
    world.apply(&sync).await;
    assert_eq!(world.health(&sync), Health::Paused);
    world.send("tick", 10..30).await;
    world.clock.advance(Duration::from_secs(3600));
    tokio::time::sleep(Duration::from_millis(20)).await;
    assert_eq!(
        world.destination.arrived("/down").len(),
        10,
        "nothing is sent while paused"
    );

    sync.enabled = true;
    sync.settings
        .parameters
        .insert("url".into(), "https://example.com/mended".into());
    world.apply(&sync).await;
    let arrived = world.until_arrived("/mended", 30).await;
    assert_eq!(arrived.iter().filter(|one| one.attempt == "2").count(), 10);
}

#[tokio::test]
async fn deleting_a_sync_says_what_it_drops_and_drops_it() {
    let world = World::new(Config::default()).await;
    let sync = world.sync(1, "/down");
    world.destination.answers("/down", [Answer::Status(400)]);
    world.apply(&sync).await;
    world.send("tick", 0..10).await;
    world
        .until("booking", |world| {
            world.streams.view(sync.id).unwrap().pending == 10
        })
        .await;
    let dropped = world.streams.remove(sync.id).await.unwrap();
    assert_eq!((dropped.pending, dropped.backlog), (10, 0));
    assert!(world.streams.view(sync.id).is_none());
    assert_eq!(world.journal.lane_stats(sync.id).await.unwrap(), None);
}

#[tokio::test]
async fn settings_that_cannot_be_used_stop_the_lane_and_say_why() {
    let world = World::new(Config::default()).await;
    let mut sync = world.sync(1, "/all");
    world.apply(&sync).await;
    sync.settings.events.template = Some("${input.user_id".into());
    let refused = world
        .streams
        .apply(&sync, &model::definition::Definition::webhook())
        .await;
    assert!(
        matches!(refused, Err(millstream_stream::ApplyError::Problems(problems)) if problems[0].pointer == "/events/template")
    );
    assert_eq!(world.health(&sync), Health::Misconfigured);
}

#[tokio::test]
async fn shutdown_lets_what_is_under_way_finish_and_settles_it() {
    let world = World::new(Config::default()).await;
    let sync = world.sync(1, "/all");
    world.apply(&sync).await;
    world.send("tick", 0..1000).await;
    world.until_arrived("/all", 1).await;
    assert!(world.streams.shutdown(Duration::from_secs(5)).await);
    let stats = world.journal.lane_stats(sync.id).await.unwrap().unwrap();
    let arrived = world.destination.arrived("/all").len() as u64;
    assert_eq!(
        stats.total.delivered_first, arrived,
        "what arrived is settled, what is settled arrived"
    );
}

/// An event with two deliveries, of which one hangs until the crash: both are made anew, and neither
/// may be counted for the first time.
#[tokio::test]
async fn two_deliveries_of_an_event_are_counted_once_whatever_a_crash_repeats() {
    let mut world = World::new(Config::default()).await;
    let mut sync = world.sync(1, "/both");
    sync.settings.users.send = true;
    world
        .destination
        .answers("/both", [Answer::Hang, Answer::Status(200)]);
    world.apply(&sync).await;
    world.send("$identify", 0..1).await;
    world.send("tick", 0..1).await;
    world.until_arrived("/both", 2).await;
    // The one that does not hang would be settled by now.
    for _ in 0..20 {
        tokio::time::sleep(Duration::from_millis(2)).await;
        world.clock.advance(Duration::from_millis(50));
    }
    world.restart(std::slice::from_ref(&sync)).await;
    world.until_settled(&sync).await;
    world
        .until("counting", |world| {
            world.streams.view(sync.id).unwrap().cursor.0 == 2
        })
        .await;
    world.streams.shutdown(Duration::from_secs(5)).await;
    let arrived = world.destination.arrived("/both");
    let ids: HashSet<_> = arrived.iter().map(|one| &one.delivery).collect();
    let figures = world.figures(&sync).await;
    assert_eq!(figures.counts.delivered_first, ids.len() as u64);
    assert_eq!(figures.details.received, 2);
}

#[tokio::test]
async fn figures_tell_what_the_destination_saw() {
    let world = World::new(Config::default()).await;
    let sync = world.sync(1, "/flaky");
    let answers = [500, 500, 500, 404, 200].map(Answer::Status);
    world.destination.answers("/flaky", answers);
    world.apply(&sync).await;
    // One after the other: the first takes three answers, each of the others one.
    for (n, arrived) in (0..4).zip(3..) {
        world.send("tick", n..n + 1).await;
        world.until_arrived("/flaky", arrived).await;
        world.until_settled(&sync).await;
    }
    world
        .until("the retries", |world| {
            world.streams.view(sync.id).unwrap().counts.delivered_retry == 2
        })
        .await;
    let figures = world.figures(&sync).await;
    let (counts, details) = (figures.counts, figures.details);
    let arrived = world.destination.arrived("/flaky").len() as u64;
    assert_eq!((details.requests, details.received), (arrived, 4));
    assert_eq!((counts.delivered_first, counts.delivered_retry), (2, 2));
    let failures = [
        ((Category::ClientError, Some(404)), 1),
        ((Category::ServerError, Some(500)), 1),
    ];
    assert_eq!(details.failures, failures.into());
    assert_eq!((details.latency.count(), figures.pending), (4, 0));
    // The retried ones waited for half a minute, the others for nothing.
    assert!(details.latency.quantile(0.25) < Some(10.0));
    assert!(details.latency.quantile(0.99) > Some(25.0));
}

#[tokio::test]
async fn health_tells_why_and_since_when() {
    let world = World::new(Config::default()).await;
    let mut sync = world.sync(1, "/down");
    world.destination.answers("/down", [Answer::Status(503)]);
    world.apply(&sync).await;
    let view = |world: &World, sync: &model::sync::Sync| world.streams.view(sync.id).unwrap();
    let opened = view(&world, &sync);
    assert_eq!((opened.health, opened.reason), (Health::Healthy, None));
    assert_eq!(opened.since, Some(crate::support::START));

    world.clock.advance(Duration::from_secs(100));
    let before = world.clock.now();
    world.send("tick", 0..5).await;
    world
        .until("failing", |world| world.health(&sync) == Health::Failing)
        .await;
    let failing = view(&world, &sync);
    assert!(failing.since >= Some(before), "{failing:?}");
    let reason = failing.reason.unwrap();
    assert!(
        reason.contains("in a row") && reason.contains("503"),
        "{reason}"
    );

    world.destination.answers("/down", [Answer::Status(200)]);
    world
        .until("delivery", |world| {
            view(world, &sync).counts.delivered_retry == 5
        })
        .await;
    let after = view(&world, &sync);
    assert_eq!(after.health, Health::Degraded);
    let reason = after.reason.unwrap();
    assert!(
        reason.starts_with("some attempts fail, the last one at "),
        "{reason}"
    );
    // When it became so is known, however late somebody looks.
    world.clock.advance(Duration::from_secs(300));
    let healthy = view(&world, &sync);
    assert_eq!((healthy.health, healthy.reason), (Health::Healthy, None));
    let calm = after.last_failure.unwrap() + Duration::from_secs(60);
    assert_eq!(healthy.since, Some(calm));

    sync.enabled = false;
    world.apply(&sync).await;
    let paused = view(&world, &sync);
    world.clock.advance(Duration::from_secs(100));
    world.apply(&sync).await;
    assert_eq!(view(&world, &sync).since, paused.since);
    assert!(paused.since > failing.since && paused.reason.is_some());
}

#[tokio::test]
async fn a_lane_of_which_some_attempts_fail_is_degraded_all_the_time() {
    let world = World::new(Config::default()).await;
    let sync = world.sync(1, "/some");
    let refusal = |body: &str| number_in(body).is_multiple_of(10).then_some(503);
    world.destination.refuses("/some", refusal);
    world.apply(&sync).await;
    let view = |world: &World| world.streams.view(sync.id).unwrap();
    let mut since = None;
    for batch in 0..4 {
        world.send("tick", batch * 10..batch * 10 + 10).await;
        world
            .until("attempts", |world| {
                let counts = view(world).counts;
                let (delivered, failed) = (counts.delivered_first, counts.failed_attempts);
                delivered == (batch + 1) * 9 && failed > batch
            })
            .await;
        let seen = view(&world);
        assert_eq!(seen.health, Health::Degraded);
        assert_eq!(seen.since, *since.get_or_insert(seen.since), "{batch}");
        world.clock.advance(Duration::from_secs(10));
    }
    // So many in a row are more than luck.
    world.destination.refuses("/some", |_| None);
    world.send("tick", 40..1100).await;
    world
        .until("calm", |world| world.health(&sync) == Health::Healthy)
        .await;
}
