//! What was set aside and is taken by retention: figures, what is told of each event, and what alerts are
//! made of agree, and add up to what the destination took.

use std::collections::HashSet;
use std::time::Duration;

use journal::Journal as _;
use journal::fate::{Fates as _, Standing};
use journal::hold::{Forgone, LetGoWhy};
use millstream_stream::Config;
use model::sync::{Order, Sync};
use model::{Clock as _, Offset};

use crate::awaiting::{apply, identify, send, view, waiting};
use crate::order::number_in;
use crate::support::World;

const DAY: Duration = Duration::from_secs(24 * 60 * 60);
const PATH: &str = "/wait";

/// Has users ann, whose events wait for a property; bob, whose first one failed and holds up the others; and
/// cid, whose events are delivered. Then the sync is switched off, and more of cid's come.
async fn set_aside(world: &World) -> Sync {
    let mut sync = waiting(world, Order::PerUser);
    sync.settings.events.select = serde_json::from_value(serde_json::json!({
        "types": [{"event_type": "tick"}]
    }))
    .unwrap();
    apply(world, &sync).await;
    for user in ["bob", "cid"] {
        let mail = format!(r#"{{"$set":{{"mail":"{user}@example.com"}}}}"#);
        identify(world, user, &mail).await;
    }
    let fails = |body: &str| body.contains("bob@").then_some(500);
    world.destination.refuses(PATH, fails);
    send(world, "ann", 0..3).await;
    send(world, "bob", 10..13).await;
    send(world, "cid", 20..23).await;
    world
        .until_before_retry("everybody's events to be set aside", |world| {
            let view = view(world, &sync);
            let taken = world.destination.taken(PATH).len();
            // One of bob's is booked, two wait behind it.
            (view.awaiting, view.pending, view.unread, taken) == (3, 4, 0, 3)
        })
        .await;
    sync.enabled = false;
    let pass = async {
        loop {
            tokio::time::sleep(Duration::from_millis(1)).await;
            world.clock.advance(Duration::from_millis(10));
        }
    };
    tokio::select! {
        () = apply(world, &sync) => {}
        () = pass => {}
    }
    send(world, "cid", 30..34).await;
    sync
}

#[tokio::test]
async fn what_was_set_aside_and_taken_by_retention_is_lost_by_every_account() {
    let mut world = World::new(Config::default()).await;
    let mut sync = set_aside(&world).await;
    let before = world.journal.lane_stats(sync.id).await.unwrap().unwrap();
    assert_eq!((before.pending, before.in_order), (4, 2));
    let head = world.journal.head(world.project).borrow().0;
    // Which events have to go with what, by what is known of each before.
    let mut owed = HashSet::new();
    for offset in 0..head {
        let fate = world.journal.fate(sync.id, Offset(offset)).await;
        let fate = fate.unwrap().unwrap();
        let waits = fate.pending.len() + fate.in_order.len() > 0;
        if waits || matches!(fate.standing, Standing::Ahead { .. }) {
            owed.insert(offset);
        }
    }
    assert_eq!(owed.len(), 3 + 3 + 4);

    world.clock.advance(9 * DAY);
    let retired = world.journal.retire(world.clock.now()).await.unwrap();
    assert_eq!(retired.skipped_by_paused, 10);
    // The figures, the sync's status, what an alert is made of, and the fate of each event.
    let figures = world.figures(&sync).await;
    assert_eq!(
        (figures.balance.lost, figures.pending, figures.waiting),
        (10, 0, 0)
    );
    let stats = world.journal.lane_stats(sync.id).await.unwrap().unwrap();
    let lost = Forgone {
        events: 2 + 4,
        retries: 3 + 1,
    };
    assert_eq!(stats.losses.lost, lost);
    let untold = world.journal.untold_losses().await.unwrap();
    let untold: Vec<_> = untold
        .iter()
        .map(|one| (one.sync, one.lost, one.told))
        .collect();
    assert_eq!(untold, [(sync.id, 10, 0)]);
    let mut told = HashSet::new();
    for offset in 0..head {
        let fate = world.journal.fate(sync.id, Offset(offset)).await;
        let fate = fate.unwrap().unwrap();
        assert!(fate.pending.is_empty() && fate.in_order.is_empty());
        let is_lost = fate.let_go.iter().any(|part| part.why == LetGoWhy::Lost);
        if is_lost && fate.delivered.is_empty() {
            told.insert(offset);
        }
    }
    assert_eq!(told, owed);

    // However often it is restarted, and told: it stays so many, and what comes later is delivered.
    world.destination.refuses(PATH, |_| None);
    world.restart(&[]).await;
    sync.enabled = true;
    apply(&world, &sync).await;
    send(&world, "cid", 40..45).await;
    send(&world, "bob", 50..52).await;
    world
        .until("the rest", |world| {
            let view = view(world, &sync);
            let taken = world.destination.taken(PATH).len();
            (taken, view.pending, view.in_order, view.unread) == (3 + 7, 0, 0, 0)
        })
        .await;
    world.until_settled(&sync).await;
    let arrived = world.destination.arrived(PATH).into_iter();
    let numbers: HashSet<u64> = arrived.map(|one| number_in(&one.body)).collect();
    // Of what is lost nothing was tried again; one of bob's had been tried.
    let expected = [10, 20, 21, 22].into_iter().chain(40..45).chain(50..52);
    assert_eq!(numbers, expected.collect());
    let mut figures = world.figures(&sync).await;
    for _ in 0..1000 {
        if figures.details.received == head + 7 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(1)).await;
        world.clock.advance(Duration::from_millis(50));
        figures = world.figures(&sync).await;
    }
    let delivered = figures.counts.delivered_first + figures.counts.delivered_retry;
    let (received, filtered) = (figures.details.received, figures.counts.filtered);
    assert_eq!(
        (received, filtered, delivered, figures.balance.lost),
        (head + 7, 2, 3 + 7, 10),
        "{figures:?}"
    );
    assert_eq!(received, filtered + delivered + figures.balance.lost);
}
