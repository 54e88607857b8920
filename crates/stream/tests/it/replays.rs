//! Ended deliveries that are sent again.

use std::collections::BTreeSet;
use std::num::NonZeroU32;
use std::time::Duration;

use journal::{Journal as _, ReplayState};
use millstream_stream::{Config, FailedReplay, count_failures};
use model::definition::Definition;
use model::replay::{FailedOutcome, Failures};
use model::sync::Sync;
use model::{Clock as _, DeliveryId, Offset, Part, ReplayId};

use crate::support::{Answer, World};

const BROKEN: &str = r#"{"n": ${input.absent}}"#;
const MENDED: &str = r#"{"n": ${input.n}}"#;

/// A sync whose template fails for every event.
fn broken(world: &World, path: &str) -> Sync {
    let mut sync = world.sync(1, path);
    sync.settings.events.template = Some(BROKEN.into());
    sync
}

fn mended(sync: &Sync) -> Sync {
    let mut sync = sync.clone();
    sync.settings.events.template = Some(MENDED.into());
    sync
}

fn replay(sync: &Sync, number: u8, failures: Failures) -> FailedReplay {
    FailedReplay {
        id: ReplayId::from_bytes([number; 16]),
        project: sync.project,
        sync: sync.id,
        backfills: Vec::new(),
        failures,
        per_minute: None,
    }
}

async fn state(world: &World, replay: &FailedReplay) -> ReplayState {
    world
        .journal
        .replay_state(replay.id)
        .await
        .unwrap()
        .unwrap()
}

/// Waits until all that a replay is about has become of it what becomes of it.
async fn until_done(world: &World, replay: &FailedReplay) -> ReplayState {
    for _ in 0..20_000 {
        let known = world.journal.replay_state(replay.id).await.unwrap();
        if let Some(state) = known.filter(ReplayState::is_done) {
            return state;
        }
        tokio::time::sleep(Duration::from_micros(500)).await;
        world.clock.advance_to_next_sleeper();
    }
    panic!("the replay did not end: {:?}", state(world, replay).await);
}

async fn until_discarded(world: &World, sync: &Sync, count: u64) {
    world
        .until("discarding", |world| {
            world.streams.view(sync.id).unwrap().counts.discarded == count
        })
        .await;
}

#[tokio::test]
async fn discarded_events_are_rendered_again_when_the_template_is_mended() {
    let world = World::new(Config::default()).await;
    let sync = broken(&world, "/mended");
    world.apply(&sync).await;
    world.send("tick", 0..50).await;
    until_discarded(&world, &sync, 50).await;
    let mended = mended(&sync);
    world.apply(&mended).await;

    let replay = replay(&sync, 1, Failures::default());
    world.streams.replay(replay.clone());
    let state = until_done(&world, &replay).await;

    let expected = ReplayState {
        next: state.until,
        until: state.until,
        total: 50,
        looked_at: 50,
        moved: 50,
        delivered: 50,
        failed: 0,
        unsent: 0,
        erased: 0,
    };
    assert_eq!(state, expected);
    let arrived = world.destination.arrived("/mended");
    let ids: BTreeSet<_> = arrived.iter().map(|one| one.delivery.clone()).collect();
    let expected = (0..50).map(|offset| {
        DeliveryId::of(world.project, Offset(offset), sync.id, Part::Event).to_string()
    });
    assert_eq!(ids, expected.collect());
    assert_eq!(arrived.len(), 50);
    assert!(arrived.iter().all(|one| one.attempt == "1"));
    let stats = world.journal.lane_stats(sync.id).await.unwrap().unwrap();
    assert_eq!((stats.pending, stats.ended), (0, 0));
    assert_eq!(
        stats.total.delivered_retry, 50,
        "none is delivered at its first attempt"
    );
}

#[tokio::test]
async fn what_fails_again_ends_again_and_is_counted_so() {
    let world = World::new(Config::default()).await;
    let sync = broken(&world, "/still");
    world.apply(&sync).await;
    world.send("tick", 0..3).await;
    until_discarded(&world, &sync, 3).await;
    let first = replay(&sync, 1, Failures::default());
    world.streams.replay(first.clone());
    let state = until_done(&world, &first).await;
    assert_eq!((state.moved, state.delivered, state.failed), (3, 0, 3));
    let stats = world.journal.lane_stats(sync.id).await.unwrap().unwrap();
    assert_eq!(
        (stats.pending, stats.ended),
        (0, 3),
        "they are kept again, once"
    );

    // The next replay is about what has ended by then.
    world.apply(&mended(&sync)).await;
    let second = replay(&sync, 2, Failures::default());
    world.streams.replay(second.clone());
    let state = until_done(&world, &second).await;
    assert_eq!((state.moved, state.delivered), (3, 3));
}

#[tokio::test]
async fn one_or_those_of_a_filter_are_sent_and_no_others() {
    let world = World::new(Config::default()).await;
    let sync = broken(&world, "/some");
    world.apply(&sync).await;
    world.send("tick", 0..10).await;
    world.send("tock", 0..10).await;
    until_discarded(&world, &sync, 20).await;
    world.apply(&mended(&sync)).await;

    let chosen = DeliveryId::of(world.project, Offset(4), sync.id, Part::Event);
    let one = Failures {
        deliveries: BTreeSet::from([chosen]),
        ..Failures::default()
    };
    let one = replay(&sync, 1, one);
    world.streams.replay(one.clone());
    assert_eq!(until_done(&world, &one).await.delivered, 1);
    let arrived = world.destination.arrived("/some");
    assert_eq!(arrived[0].delivery, chosen.to_string());

    let tocks = Failures {
        event_types: BTreeSet::from(["tock".to_owned()]),
        outcome: Some(FailedOutcome::Discarded),
        reasons: BTreeSet::from(["template".to_owned()]),
        ..Failures::default()
    };
    let tocks = replay(&sync, 2, tocks);
    let counted = count_failures(&*world.journal, &tocks, 15, 2)
        .await
        .unwrap();
    assert_eq!(
        (counted.total, counted.looked_at, counted.matching),
        (19, 15, 10)
    );
    let examples: Vec<_> = counted
        .examples
        .iter()
        .map(|(row, _)| row.ended.offset.0)
        .collect();
    assert_eq!(examples, [19, 18]);
    world.streams.replay(tocks.clone());
    let state = until_done(&world, &tocks).await;
    assert_eq!(
        (state.looked_at, state.moved, state.delivered),
        (19, 10, 10)
    );

    let none = Failures {
        outcome: Some(FailedOutcome::Expired),
        ..Failures::default()
    };
    let none = replay(&sync, 3, none);
    world.streams.replay(none.clone());
    let state = until_done(&world, &none).await;
    assert_eq!((state.looked_at, state.moved), (9, 0));
}

#[tokio::test]
async fn a_rate_is_kept_and_a_pause_holds() {
    let world = World::new(Config::default()).await;
    let sync = broken(&world, "/slow");
    world.apply(&sync).await;
    world.send("tick", 0..90).await;
    until_discarded(&world, &sync, 90).await;
    world.apply(&mended(&sync)).await;
    let replay = FailedReplay {
        per_minute: NonZeroU32::new(30),
        ..replay(&sync, 1, Failures::default())
    };
    world.streams.replay(replay.clone());
    let begun = world.clock.now();
    let arrived = world.until_arrived("/slow", 31).await;
    for (index, start) in arrived.iter().enumerate() {
        let minute = arrived[index..].iter();
        let minute = minute.take_while(|one| one.at.since(start.at) < Duration::from_secs(59));
        assert!(minute.count() <= 30, "more than 30 within a minute");
    }
    let took = arrived[30].at.since(begun).as_secs_f64();
    assert!((59.0..65.0).contains(&took), "{took}");

    world.streams.stop_replay(replay.id);
    let before = state(&world, &replay).await;
    let until = world.clock.now() + Duration::from_secs(600);
    world
        .until("ten minutes", |world| {
            world.clock.advance(Duration::from_secs(5));
            world.clock.now() > until
        })
        .await;
    let after = state(&world, &replay).await;
    assert!(after.moved <= before.moved + 2, "{before:?} {after:?}");
    assert_eq!(world.destination.arrived("/slow").len() as u64, after.moved);
    world.streams.replay(replay.clone());
    let state = until_done(&world, &replay).await;
    assert_eq!((state.moved, state.delivered), (90, 90));
    assert_eq!(world.destination.arrived("/slow").len(), 90);
}

#[tokio::test]
async fn a_replay_goes_on_after_a_crash_where_it_was() {
    let mut world = World::new(Config::default()).await;
    let sync = broken(&world, "/crash");
    world.apply(&sync).await;
    world.send("tick", 0..60).await;
    until_discarded(&world, &sync, 60).await;
    let mended = mended(&sync);
    world.apply(&mended).await;
    let replay = FailedReplay {
        per_minute: NonZeroU32::new(60),
        ..replay(&sync, 1, Failures::default())
    };
    world.streams.replay(replay.clone());
    for count in [10, 30] {
        world.until_arrived("/crash", count).await;
        world.restart(std::slice::from_ref(&mended)).await;
        world.streams.replay(replay.clone());
    }
    let state = until_done(&world, &replay).await;
    assert_eq!((state.moved, state.delivered, state.failed), (60, 60, 0));
    let arrived = world.destination.arrived("/crash");
    let ids: BTreeSet<_> = arrived.iter().map(|one| one.delivery.clone()).collect();
    assert_eq!(ids.len(), 60, "nothing is lost");
}

#[tokio::test]
async fn a_sync_that_is_off_goes_on_when_it_is_on() {
    let world = World::new(Config::default()).await;
    let sync = broken(&world, "/off");
    world.apply(&sync).await;
    world.send("tick", 0..5).await;
    until_discarded(&world, &sync, 5).await;
    let mended = mended(&sync);
    let off = Sync {
        enabled: false,
        ..mended.clone()
    };
    world
        .streams
        .apply(&off, &Definition::webhook())
        .await
        .unwrap();
    let replay = replay(&sync, 1, Failures::default());
    world.streams.replay(replay.clone());
    let until = world.clock.now() + Duration::from_secs(30);
    world
        .until("half a minute", |world| world.clock.now() > until)
        .await;
    assert_eq!(state(&world, &replay).await.moved, 0);
    world.apply(&mended).await;
    assert_eq!(until_done(&world, &replay).await.delivered, 5);
}

#[tokio::test]
async fn the_attempts_of_a_replayed_delivery_begin_anew() {
    let world = World::new(Config::default()).await;
    let sync = world.sync(1, "/down");
    world.destination.answers("/down", [Answer::Status(500)]);
    world.apply(&sync).await;
    world.send("tick", 0..1).await;
    let expired = |count| move |world: &World| world.streams.views()[0].1.counts.expired == count;
    world.until("expiry", expired(1)).await;
    world.streams.replay(replay(&sync, 1, Failures::default()));
    world.until("the second expiry", expired(2)).await;
    let arrived = world.destination.arrived("/down");
    assert_eq!(arrived.len(), 60, "ten attempts of three tries, twice");
    let attempts: Vec<_> = arrived[30..]
        .iter()
        .step_by(3)
        .map(|one| &*one.attempt)
        .collect();
    assert_eq!(
        attempts,
        ["1", "2", "3", "4", "5", "6", "7", "8", "9", "10"]
    );
}
