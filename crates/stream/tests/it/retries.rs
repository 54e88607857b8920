//! The retry contract, over four simulated hours.

use std::time::Duration;

use journal::{EndedWhy, Journal as _};
use millstream_stream::{Config, Health};
use model::outcome::Category;

use crate::support::{Answer, World};

#[tokio::test]
async fn ten_attempts_of_three_tries_are_spread_over_four_hours_then_the_event_expires() {
    let world = World::new(Config::default()).await;
    let sync = world.sync(1, "/down");
    world.destination.answers("/down", [Answer::Status(500)]);
    world.apply(&sync).await;
    world.send("tick", 0..1).await;

    let arrived = world.until_arrived("/down", 30).await;
    world
        .until("expiry", |world| {
            world.streams.view(sync.id).unwrap().counts.expired == 1
        })
        .await;

    let first_of_attempt: Vec<_> = arrived.iter().step_by(3).map(|one| one.at).collect();
    for (attempt, tries) in arrived.chunks(3).enumerate() {
        assert!(
            tries
                .iter()
                .all(|one| one.attempt == (attempt + 1).to_string()),
            "{tries:?}"
        );
        let waits: Vec<_> = tries
            .windows(2)
            .map(|pair| pair[1].at.since(pair[0].at).as_millis())
            .collect();
        assert!(
            (50..=150).contains(&waits[0]) && (100..=300).contains(&waits[1]),
            "{waits:?}"
        );
    }
    for (retry, pair) in first_of_attempt.windows(2).enumerate() {
        let nominal = 28.2 * f64::from(1 << retry);
        // A delay counts from the end of the attempt before, up to 450 ms after its beginning.
        let waited = pair[1].since(pair[0]).as_secs_f64();
        assert!(
            (nominal * 0.9..=nominal * 1.1 + 0.5).contains(&waited),
            "retry {retry}: {waited}"
        );
    }
    let whole = first_of_attempt[9].since(first_of_attempt[0]);
    assert!(
        (3.6 * 3600.0..4.4 * 3600.0).contains(&whole.as_secs_f64()),
        "{whole:?}"
    );
    assert!(
        arrived
            .iter()
            .all(|one| one.delivery == arrived[0].delivery),
        "one delivery, one id"
    );

    let ended = world.journal.ended(sync.id, None, 10).await.unwrap();
    assert_eq!(ended.len(), 1);
    assert_eq!(ended[0].ended.attempts, 10);
    let EndedWhy::Expired(failure) = &ended[0].ended.why else {
        panic!("{ended:?}")
    };
    assert_eq!(
        (failure.category, failure.status, &*failure.response),
        (Category::ServerError, Some(500), "answer")
    );
    assert_eq!(
        world
            .journal
            .lane_stats(sync.id)
            .await
            .unwrap()
            .unwrap()
            .pending,
        0
    );
    assert_eq!(
        world.destination.arrived("/down").len(),
        30,
        "nothing is sent after the tenth attempt"
    );
}

#[tokio::test]
async fn pending_retries_survive_restarts_in_the_middle() {
    let mut world = World::new(Config::default()).await;
    let sync = world.sync(1, "/down");
    world.destination.answers("/down", [Answer::Status(404)]);
    world.apply(&sync).await;
    world.send("tick", 0..3).await;
    for attempt in 1..=10 {
        world.until_arrived("/down", 3 * attempt).await;
        let booked = |world: &World| {
            let counts = world.streams.view(sync.id).unwrap();
            // Since the restart: the three attempts are on disk, not merely made.
            counts.counts.failed_attempts == 3
                && counts.oldest_undelivered.is_none()
                && counts.in_flight == 0
                && counts.pending == if attempt < 10 { 3 } else { 0 }
        };
        world.until_before_retry("booking", booked).await;
        world.restart(std::slice::from_ref(&sync)).await;
    }
    let stats = world.journal.lane_stats(sync.id).await.unwrap().unwrap();
    assert_eq!(
        (
            stats.total.expired,
            stats.total.failed_attempts,
            stats.pending,
            stats.ended
        ),
        (3, 30, 0, 3)
    );
    assert_eq!(
        world.destination.arrived("/down").len(),
        30,
        "a 404 gets one try per attempt"
    );
}

#[tokio::test]
async fn a_later_attempt_that_succeeds_counts_as_delivered_after_retry() {
    let world = World::new(Config::default()).await;
    let sync = world.sync(1, "/flaky");
    world.destination.answers(
        "/flaky",
        [
            Answer::Status(400),
            Answer::Status(301),
            Answer::Status(204),
        ],
    );
    world.apply(&sync).await;
    world.send("tick", 0..1).await;
    let arrived = world.until_arrived("/flaky", 3).await;
    world
        .until("delivery", |world| {
            world.streams.view(sync.id).unwrap().counts.delivered_retry == 1
        })
        .await;
    let stats = world.journal.lane_stats(sync.id).await.unwrap().unwrap();
    assert_eq!(
        (stats.pending, stats.ended, stats.total.failed_attempts),
        (0, 0, 2)
    );
    assert_eq!(
        arrived.iter().map(|one| &*one.attempt).collect::<Vec<_>>(),
        ["1", "2", "3"]
    );
    assert_eq!(world.health(&sync), Health::Degraded);
    world.clock.advance(Duration::from_secs(60));
    assert_eq!(world.health(&sync), Health::Healthy);
}

#[tokio::test]
async fn a_long_retry_after_ends_the_attempt_and_moves_the_next() {
    let world = World::new(Config::default()).await;
    let sync = world.sync(1, "/busy");
    world.destination.answers(
        "/busy",
        [Answer::RetryAfter(429, "600"), Answer::Status(200)],
    );
    world.apply(&sync).await;
    world.send("tick", 0..1).await;
    let arrived = world.until_arrived("/busy", 2).await;
    assert!(arrived[1].at.since(arrived[0].at) >= Duration::from_secs(600));
    assert_eq!(arrived[1].attempt, "2");
}

#[tokio::test]
async fn a_short_retry_after_is_waited_for_within_the_attempt() {
    let world = World::new(Config::default()).await;
    let sync = world.sync(1, "/busy");
    world
        .destination
        .answers("/busy", [Answer::RetryAfter(503, "2"), Answer::Status(200)]);
    world.apply(&sync).await;
    world.send("tick", 0..1).await;
    let arrived = world.until_arrived("/busy", 2).await;
    let waited = arrived[1].at.since(arrived[0].at);
    assert!(
        (Duration::from_secs(2)..Duration::from_secs(4)).contains(&waited),
        "{waited:?}"
    );
    assert_eq!(arrived[1].attempt, "1");
}

#[tokio::test]
async fn a_panic_while_sending_is_a_failed_attempt_like_any_other() {
    let world = World::new(Config::default()).await;
    let sync = world.sync(1, "/bug");
    world
        .destination
        .answers("/bug", [Answer::Panic, Answer::Status(200)]);
    world.apply(&sync).await;
    world.send("tick", 0..1).await;
    world
        .until("delivery", |world| {
            world.streams.view(sync.id).unwrap().counts.delivered_retry == 1
        })
        .await;
}

#[tokio::test]
async fn the_retries_of_a_long_outage_do_not_hold_up_new_events() {
    let world = World::new(Config {
        concurrency: 4,
        ..Config::default()
    })
    .await;
    let sync = world.sync(1, "/recovers");
    world
        .destination
        .answers("/recovers", [Answer::Status(400)]);
    world.apply(&sync).await;
    world.send("old", 0..600).await;
    world
        .until("booking", |world| {
            world.streams.view(sync.id).unwrap().pending == 600
        })
        .await;
    world
        .destination
        .answers("/recovers", [Answer::Status(200)]);
    world.clock.advance(Duration::from_secs(60));
    world.send("new", 0..50).await;
    world
        .until("all deliveries", |world| {
            let counts = world.streams.view(sync.id).unwrap().counts;
            (counts.delivered_first, counts.delivered_retry) == (50, 600)
        })
        .await;
    let arrived = world.destination.arrived("/recovers");
    let last_new = arrived
        .iter()
        .rposition(|one| one.body.contains("\"new\""))
        .unwrap();
    assert!(
        last_new < arrived.len() - 100,
        "new events come before the end of the old ones: {last_new} of {}",
        arrived.len()
    );
}
