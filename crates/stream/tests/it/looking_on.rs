//! What those who look on are told.

use futures_util::FutureExt;
use millstream_stream::{Config, Outcomes};
use model::outcome::Category;
use model::sync::Sync;
use model::tail::{Ending, Outcome, Told};

use crate::support::{Answer, World};

/// All that was told and not taken.
fn told(outcomes: &mut Outcomes) -> Vec<Told> {
    // Without the runtime's bound on what a task does in one go.
    let next = || {
        let next = tokio::task::unconstrained(outcomes.next());
        next.now_or_never().flatten()
    };
    std::iter::from_fn(next).collect()
}

fn outcomes(told: Vec<Told>) -> Vec<Outcome> {
    let outcome = |told| match told {
        Told::Outcome(outcome) => Outcome::clone(&outcome),
        Told::Skipped(missed) => panic!("{missed} were missed"),
    };
    told.into_iter().map(outcome).collect()
}

async fn until_delivered(world: &World, sync: &Sync, events: u64) {
    let delivered = |world: &World| world.streams.view(sync.id).unwrap().counts.delivered_first;
    let all = |world: &World| delivered(world) == events;
    world.until("delivery", all).await;
}

#[tokio::test]
async fn each_attempt_is_told_with_how_it_ended() {
    let world = World::new(Config::default()).await;
    let (fine, down) = (world.sync(1, "/fine"), world.sync(2, "/down"));
    world.destination.answers("/down", [Answer::Status(503)]);
    let mut looking_on = world.streams.outcomes(world.project);
    let mut elsewhere = world
        .streams
        .outcomes("prj_00000000000000000000000009".parse().unwrap());
    world.apply(&fine).await;
    world.apply(&down).await;
    world.send("tick", 0..1).await;
    world
        .until("expiry", |world| {
            world.streams.view(down.id).unwrap().counts.expired == 1
        })
        .await;
    let all = outcomes(told(&mut looking_on));
    let delivered: Vec<_> = all.iter().filter(|one| one.sync == fine.id).collect();
    assert_eq!(delivered.len(), 1);
    assert_eq!(
        (
            delivered[0].ending,
            delivered[0].status,
            delivered[0].attempt
        ),
        (Ending::Delivered, Some(200), 1)
    );
    assert_eq!(delivered[0].event_type, "tick");
    let arrived = world.destination.arrived("/fine");
    assert_eq!(delivered[0].delivery.to_string(), arrived[0].delivery);
    let failed: Vec<_> = all.iter().filter(|one| one.sync == down.id).collect();
    let endings: Vec<_> = failed.iter().map(|one| one.ending).collect();
    let mut expected = vec![Ending::Failed; 9];
    expected.push(Ending::Expired);
    assert_eq!(endings, expected);
    let last = failed[9];
    assert_eq!((last.attempt, last.status), (10, Some(503)));
    assert_eq!(last.category, Some(Category::ServerError));
    assert!(last.message.as_ref().unwrap().contains("503"), "{last:?}");
    assert!(
        told(&mut elsewhere).is_empty(),
        "nothing of another project"
    );
}

#[tokio::test]
async fn who_does_not_keep_up_misses_some_and_holds_nobody_up() {
    let world = World::new(Config::default()).await;
    let sync = world.sync(1, "/fine");
    let mut looking_on = world.streams.outcomes(world.project);
    let gone = world.streams.outcomes(world.project);
    world.apply(&sync).await;
    world.send("tick", 0..600).await;
    drop(gone);
    world.send("tick", 600..1500).await;
    until_delivered(&world, &sync, 1500).await;
    let mut all = told(&mut looking_on);
    let Told::Skipped(missed) = all.remove(0) else {
        panic!("more came than waits");
    };
    assert_eq!(missed, 1500 - 1024);
    assert_eq!(outcomes(all).len(), 1024);
    drop(looking_on);
    // Nobody looks; and who comes later begins with what comes later.
    world.send("tick", 1500..1510).await;
    until_delivered(&world, &sync, 1510).await;
    let mut later = world.streams.outcomes(world.project);
    world.send("tick", 1510..1512).await;
    until_delivered(&world, &sync, 1512).await;
    assert_eq!(outcomes(told(&mut later)).len(), 2);
}
