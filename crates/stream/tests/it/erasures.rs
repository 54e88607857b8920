//! Users who are erased while lanes run.

use std::sync::Arc;
use std::time::Duration;

use journal::{Batch, EraseRequest, ErasureState, IncomingEvent, Journal, Subject as Whom};
use millstream_stream::{Backfill, Config, lane_of};
use model::definition::Definition;
use model::sync::{Order, Sync};
use model::user::PropertyUpdate;
use model::{Clock as _, ErasureId, EventKind, ReplayId, Timestamp};
use pipeline::Scope;

use crate::support::{Answer, START, World};

const HERS: &str = "her-words";

/// Events of hers, of those of another, one after the other, so many of each.
async fn send_of_two(world: &World, count: usize) {
    let event = |user: &str, words: String| IncomingEvent {
        kind: EventKind::Track,
        user_id: Some(user.to_owned()),
        device_id: None,
        insert_id: None,
        event_time: world.clock.now(),
        user_update: PropertyUpdate::none(),
        own_user_properties: None,
        groups: Vec::new(),
        group_update: PropertyUpdate::none(),
        paying: false,
        version: None,
        fields: format!(r#"{{"event_type":"said","user_id":"{user}","said":"{words}""#)
            .into_bytes(),
    };
    let pairs = (0..count).flat_map(|number| {
        let hers = event("ann", format!("{HERS} {number}"));
        [hers, event("bob", format!("his {number}"))]
    });
    let batch = Batch {
        project: world.project,
        received_at: world.clock.now(),
        events: pairs.collect(),
    };
    world.journal.accept(batch).await.unwrap();
}

/// Erases her; when it returns, that is done.
async fn erase_her(world: &World) {
    let id = ErasureId::from_bytes([2; 16]);
    let request = EraseRequest {
        id,
        project: world.project,
        subject: Whom::UserId("ann".into()),
        at: world.clock.now(),
    };
    world.journal.erase(request).await.unwrap();
    for _ in 0..1000 {
        world
            .journal
            .go_on_erasing(world.clock.now())
            .await
            .unwrap();
        let erasure = world.journal.erasure(id).await.unwrap().unwrap();
        if erasure.state == ErasureState::Done {
            return;
        }
    }
    panic!("it is never done");
}

/// How many requests have come of hers, and of his.
fn arrived(world: &World, path: &str) -> (usize, usize) {
    let arrived = world.destination.arrived(path);
    let hers = arrived.iter().filter(|one| one.body.contains(HERS)).count();
    (hers, arrived.len() - hers)
}

/// Erases her, and waits until all `his` have arrived and nothing is left: none of hers has.
async fn only_his_arrive_after_erasing_her(world: &World, sync: &Sync, path: &str, his: usize) {
    erase_her(world).await;
    let (hers, _) = arrived(world, path);
    world.destination.answers(path, [Answer::Status(200)]);
    world
        .until("his", |world| arrived(world, path).1 >= his)
        .await;
    world.until_settled(sync).await;
    assert_eq!(arrived(world, path), (hers, his));
}

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
        subject: Whom::UserId("user-3".into()),
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
    world.streams.recount();
    world
        .until_before_retry("a count", |world| pending(world) == 24)
        .await;
    // And what is left comes when it is due, nothing twice.
    world.destination.answers("/down", [Answer::Status(200)]);
    world.until("all", |world| pending(world) == 0).await;
    let counts = world.streams.view(sync.id).unwrap().counts;
    assert_eq!(counts.delivered_retry, 24);
}

#[tokio::test]
async fn what_waits_for_its_moment_is_not_sent_once_its_user_is_erased() {
    for order in [Order::None, Order::PerUser] {
        let world = World::new(Config::default()).await;
        let mut sync = world.sync(1, "/slow");
        sync.settings.requests_per_minute = Some(60);
        sync.settings.order = order;
        world.apply(&sync).await;
        send_of_two(&world, 400).await;
        world.until_arrived("/slow", 5).await;
        only_his_arrive_after_erasing_her(&world, &sync, "/slow", 400).await;
        let view = world.streams.view(sync.id).unwrap();
        assert_eq!((view.pending, view.in_order), (0, 0));
    }
}

#[tokio::test]
async fn a_backfill_sends_nothing_of_an_erased_user() {
    let world = World::new(Config::default()).await;
    let mut sync = world.sync(1, "/past");
    world.apply(&sync).await;
    send_of_two(&world, 300).await;
    world.until_arrived("/past", 600).await;
    world.until_settled(&sync).await;
    // The backfill waits for the sync's places.
    sync.settings.requests_per_minute = Some(600);
    world.apply(&sync).await;
    world.clock.advance(Duration::from_secs(60));
    let until = world.clock.now();
    let backfill = Backfill {
        id: ReplayId::from_bytes([7; 16]),
        log: sync.project,
        sync: Arc::new(sync.clone()),
        definition: Arc::new(Definition::webhook()),
        scope: Scope::compile(START..Timestamp(until.0), None, "").unwrap(),
        per_minute: None,
    };
    let found = world
        .journal
        .stretch(backfill.log, START, until)
        .await
        .unwrap();
    world
        .streams
        .backfill(&backfill, found.from..found.until)
        .await
        .unwrap();
    world.until_arrived("/past", 610).await;
    erase_her(&world).await;
    let hers = arrived(&world, "/past").0;
    let lane = lane_of(backfill.id);
    for round in 0.. {
        let stats = world.journal.lane_stats(lane).await.unwrap().unwrap();
        if stats.cursor >= found.until {
            break;
        }
        assert!(round < 40_000, "the backfill does not end");
        tokio::time::sleep(Duration::from_micros(500)).await;
        world.clock.advance_to_next_sleeper();
    }
    assert_eq!(arrived(&world, "/past"), (hers, 600));
}

#[tokio::test]
async fn an_attempt_makes_no_further_try_once_its_user_is_erased() {
    let world = World::new(Config::default()).await;
    let sync = world.sync(1, "/down");
    world.destination.answers("/down", [Answer::Status(500)]);
    world.apply(&sync).await;
    send_of_two(&world, 1).await;
    world.until_arrived("/down", 2).await;
    assert_eq!(arrived(&world, "/down"), (1, 1));
    only_his_arrive_after_erasing_her(&world, &sync, "/down", 2).await;
}
