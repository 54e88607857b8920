//! Requests that get no answer, and events that wait.

use std::time::Duration;

use millstream_stream::{Config, Health};
use model::Clock as _;

use crate::order::number_in;
use crate::support::{Answer, World};

const SECOND: Duration = Duration::from_secs(1);

#[tokio::test]
async fn a_tenth_that_gets_no_answer_takes_no_places_from_the_others() {
    let world = World::new(Config::default()).await;
    let sync = world.sync(1, "/some");
    // Of two users of twenty.
    world
        .destination
        .is_silent("/some", |body| number_in(body) % 20 < 2);
    world.apply(&sync).await;
    let (mut longest, mut fewest) = (0, 64);
    let others = |world: &World| {
        let arrived = world.destination.arrived("/some").into_iter();
        let mut others: Vec<_> = arrived
            .filter(|one| number_in(&one.body) % 20 >= 2)
            .collect();
        others.dedup_by_key(|one| one.delivery.clone());
        others.len()
    };
    for second in 0..240 {
        let numbers = second * 20..(second + 1) * 20;
        world.send_of("tick", numbers, |n| n % 20).await;
        world.pass(SECOND).await;
        let missing = (second as usize + 1) * 18 - others(&world);
        longest = longest.max(missing);
        let view = world.streams.view(sync.id).unwrap();
        fewest = fewest.min(view.allowed);
        assert!(second < 40 || view.health == Health::Degraded, "{view:?}");
    }
    assert!(longest <= 3 * 18, "{longest} wait");
    assert!(fewest > 32, "{fewest} at once");
    // Those of the two wait, which is said.
    let reason = world.streams.view(sync.id).unwrap().reason.unwrap();
    assert!(
        reason.contains(" events wait, the oldest since 20:"),
        "{reason}"
    );
    // Nothing is lost, or sent again once it was taken.
    world.destination.is_silent("/some", |_| false);
    world
        .until("all", |world| {
            let view = world.streams.view(sync.id).unwrap();
            (view.cursor.0, view.pending) == (4800, 0)
        })
        .await;
    assert_eq!(world.destination.taken("/some").len(), 4800);
}

#[tokio::test]
async fn events_that_wait_for_longer_than_can_be_explained_are_told_of() {
    let config = Config {
        concurrency: 1,
        ..Config::default()
    };
    let world = World::new(config).await;
    let (hanging, mut limited) = (world.sync(1, "/hanging"), world.sync(2, "/limited"));
    limited.settings.requests_per_minute = Some(1);
    world.destination.answers("/hanging", [Answer::Hang]);
    world.apply(&hanging).await;
    world.apply(&limited).await;
    world.send("tick", 0..20).await;
    world.pass(50 * SECOND).await;
    assert_eq!(world.health(&hanging), Health::Healthy);
    world.pass(15 * SECOND).await;
    let view = world.streams.view(hanging.id).unwrap();
    assert_eq!(view.health, Health::Degraded);
    let reason = view.reason.unwrap();
    let words = " events wait, the oldest since 20:07:01 UTC";
    assert!(reason.ends_with(words), "{reason}");
    for _ in 0..30 {
        world.pass(10 * SECOND).await;
        assert_eq!(
            world.health(&limited),
            Health::Healthy,
            "it keeps its limit"
        );
    }
    assert!(world.clock.now().since(view.since.unwrap()) < 400 * SECOND);
}
