//! Users who are erased while lanes run.

use journal::{EraseRequest, Journal, Subject};
use millstream_stream::Config;
use model::{Clock as _, ErasureId};

use crate::support::{Answer, World};

#[tokio::test]
async fn what_an_erasure_took_is_not_shown_as_pending() {
    let world = World::new(Config::default()).await;
    let sync = world.sync(1, "/down");
    world.destination.answers("/down", [Answer::Status(500)]);
    world.apply(&sync).await;
    // Users 0 to 6 in turn, four events of each.
    world.send("tick", 0..28).await;
    let pending = |world: &World| world.streams.view(sync.id).unwrap().pending;
    world
        .until_before_retry("booking", |world| pending(world) == 28)
        .await;
    let request = EraseRequest {
        id: ErasureId::from_bytes([1; 16]),
        project: world.project,
        subject: Subject::UserId("user-3".into()),
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
    world.streams.recount(world.project);
    world
        .until_before_retry("a count", |world| pending(world) == 24)
        .await;
    // And what is left comes when it is due, nothing twice.
    world.destination.answers("/down", [Answer::Status(200)]);
    world.until("all", |world| pending(world) == 0).await;
    let counts = world.streams.view(sync.id).unwrap().counts;
    assert_eq!(counts.delivered_retry, 24);
}
