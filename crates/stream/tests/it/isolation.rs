//! Lanes don't know each other.

use std::sync::atomic::Ordering;

use millstream_stream::{Config, Health};

use crate::support::{Answer, World};

#[tokio::test]
async fn a_destination_that_hangs_or_fails_holds_up_nobody_else() {
    let world = World::new(Config::default()).await;
    world.destination.answers("/hangs", [Answer::Hang]);
    world.destination.answers("/fails", [Answer::Status(500)]);
    let syncs: Vec<_> = ["/hangs", "/fails", "/works"]
        .iter()
        .zip(1..)
        .map(|(path, seed)| world.sync(seed, path))
        .collect();
    for sync in &syncs {
        world.apply(sync).await;
    }
    world.send("tick", 0..2000).await;
    world
        .until("delivery", |world| {
            world
                .streams
                .view(syncs[2].id)
                .unwrap()
                .counts
                .delivered_first
                == 2000
        })
        .await;
    assert_eq!(
        world
            .streams
            .view(syncs[0].id)
            .unwrap()
            .counts
            .delivered_first,
        0
    );
    assert_eq!(world.health(&syncs[2]), Health::Healthy);
    world
        .until("failing", |world| {
            world.health(&syncs[1]) == Health::Failing
        })
        .await;
}

#[tokio::test]
async fn the_number_of_requests_in_flight_and_of_events_unsettled_is_bounded() {
    let config = Config {
        concurrency: 8,
        window: 32,
        ..Config::default()
    };
    let world = World::new(config).await;
    let sync = world.sync(1, "/works");
    world.apply(&sync).await;
    world.send("tick", 0..500).await;
    world
        .until("delivery", |world| {
            world.streams.view(sync.id).unwrap().counts.delivered_first == 500
        })
        .await;
    assert!(world.destination.most_under_way.load(Ordering::SeqCst) <= 8);

    world.destination.answers("/works", [Answer::Hang]);
    world.send("tick", 500..1000).await;
    let arrived = world.until_arrived("/works", 508).await;
    tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    assert_eq!(
        world.destination.arrived("/works").len(),
        arrived.len(),
        "no more than eight hang"
    );
}
